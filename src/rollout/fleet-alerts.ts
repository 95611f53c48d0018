import type { Blocker } from './checks.ts';
import { blockersOf } from './checks.ts';
import type { Control } from './control.ts';
import { isHeldBySwitch, isPaused } from './control.ts';
import type { FleetLook, FleetMemory, OurRefresh } from './fleet-memory.ts';
import { isAtRest, refreshSeen } from './fleet-memory.ts';
import { isToTurn } from './fleet-watch.ts';
import type { RefreshSeen } from './ports.ts';
import type { RolloutAlert, Words } from './telling.ts';
import { fleetSpeaker, lastingTrouble, nextAlert } from './telling.ts';

const HOUR_MS = 3_600_000;
/** A refresh without any change for so long fails at twice that (AWS-CONTRACTS §5): time to look. */
const STALL_MS = 1_800_000;
/** A minute of trying. */
const TURNS_IN_VAIN = 5;

/** What people should hear of one group's rollout on the way. Pure. */
export function fleetAlertDue(memory: FleetMemory): RolloutAlert | undefined {
  const { look, refresh, request } = memory;
  const because = `an instance refresh rolls ${request.version} out, one instance first.`;
  return nextAlert(memory, fleetSpeaker(request), {
    news: look && refresh && { kind: 'rollout-started', key: `started ${refresh.id}`, because },
    lasting: problemsOf(memory),
    control: look?.control,
  });
}

function problemsOf(memory: FleetMemory): Words[] {
  const { look, refresh, changedAtMs, blockedSinceMs } = memory;
  const trouble = lastingTrouble(memory);
  const problems: Words[] = trouble ? [{ kind: 'rollout-stuck', ...trouble }] : [];
  // What must not go on is not given an hour.
  if (trouble === undefined && memory.trouble && isInVain(memory.trouble) && isToTurn(memory)) {
    const { failure, firstMs } = memory.trouble;
    const because = `it is to be stopped, and ${failure.operation} answers "${failure.message}"; it is tried again.`;
    problems.push({ kind: 'rollout-stuck', key: `cannot be stopped ${firstMs}`, because });
  }
  if (look?.facts === undefined) return problems;
  if (refresh !== undefined && isPaused(look.control)) {
    const { fresh, old } = look.hosts;
    const mix =
      fresh > 0 && old > 0 ? ` ${fresh} of its instances run the new image and ${old} another meanwhile.` : '';
    const because = `paused by ${look.control?.by}.${mix}`;
    return [...problems, { kind: 'rollout-paused', key: `paused ${look.control?.at}`, because }];
  }
  if (isAtRest(memory)) {
    if (isHeldBySwitch(look.control)) problems.push(held(look.control));
    const [blocker] = blockersOf(look.facts, look.drainDeadlineSeconds);
    if (blocker && look.atMs - (blockedSinceMs ?? look.atMs) >= HOUR_MS) problems.push(waiting(blocker));
    return problems;
  }
  const seen = refreshSeen(memory);
  const patienceMs = STALL_MS + restMs(refresh, look, seen);
  const isUnderWay = ['InProgress', 'Baking', 'RollbackInProgress'].includes(seen?.status ?? '');
  if (isUnderWay && look.atMs - changedAtMs >= patienceMs) {
    const because = `nothing has changed for ${Math.round(patienceMs / 60_000)} min (${seen?.because || `the refresh is at ${seen?.percent} %`}); without progress it fails after an hour.`;
    problems.push({ kind: 'rollout-stuck', key: `stalled ${changedAtMs}`, because });
  }
  return problems;
}

/** So long it only rests where it is: at one of its checkpoints, or baking. */
function restMs(refresh: OurRefresh | undefined, { facts }: FleetLook, seen: RefreshSeen | undefined): number {
  if (refresh === undefined || seen === undefined || facts === undefined) return 0;
  const { bakeSeconds, checkpoints, checkpointDelaySeconds } = refresh.preferences;
  if (seen.status === 'Baking') return bakeSeconds * 1000;
  const oneInstance = 100 / Math.max(1, facts.desired);
  const isThere = checkpoints.some((at) => at < 100 && seen.percent >= at && seen.percent < at + oneInstance);
  return seen.status === 'InProgress' && isThere ? checkpointDelaySeconds * 1000 : 0;
}

function isInVain({ move, count }: NonNullable<FleetMemory['trouble']>): boolean {
  return (move === 'roll-back' || move === 'cancel-refresh') && count >= TURNS_IN_VAIN;
}

/** The switch keeps it from beginning: of a person's word, the release tells. */
export function held(control: Control | undefined): Words {
  const because = `paused by ${control?.by}: nothing of it is begun until the switch says act.`;
  return { kind: 'rollout-paused', key: `paused ${control?.at}`, because };
}

/** Something keeps it from beginning, and may pass. */
export function waiting({ because, about = because }: Blocker): Words {
  return { kind: 'rollout-waiting', key: `waiting ${about}`, because: `waits, for ${because}.` };
}
