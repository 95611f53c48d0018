import type { Blocker } from './checks.ts';
import { blockersOf } from './checks.ts';
import { isPaused } from './control.ts';
import type { FleetMemory } from './fleet-memory.ts';
import { refreshSeen } from './fleet-memory.ts';
import type { RolloutAlert, Words } from './telling.ts';
import { fleetSpeaker, lastingTrouble, nextAlert } from './telling.ts';

const HOUR_MS = 3_600_000;
/** A refresh without any change for so long fails at twice that (AWS-CONTRACTS §5): time to look. */
const STALL_MS = 1_800_000;

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
  const { look, refresh, request, atMs, changedAtMs } = memory;
  const trouble = lastingTrouble(memory);
  const problems: Words[] = trouble ? [{ kind: 'rollout-stuck', ...trouble }] : [];
  if (look?.facts === undefined) return problems;
  if (refresh === undefined) {
    const [blocker] = blockersOf(look.facts, look.drainDeadlineSeconds);
    if (blocker && atMs - Date.parse(request.noticedAt) >= HOUR_MS) problems.push(waiting(blocker));
    return problems;
  }
  if (isPaused(look.control)) {
    const { fresh, old } = look.hosts;
    const mix =
      fresh > 0 && old > 0 ? ` ${fresh} of its instances run the new image and ${old} another meanwhile.` : '';
    const because = `paused by ${look.control?.by}.${mix}`;
    return [...problems, { kind: 'rollout-paused', key: `paused ${look.control?.at}`, because }];
  }
  const seen = refreshSeen(memory);
  const isUnderWay = ['InProgress', 'Baking', 'RollbackInProgress'].includes(seen?.status ?? '');
  if (isUnderWay && atMs - changedAtMs >= STALL_MS) {
    const because = `nothing has changed for 30 min (${seen?.because || `the refresh is at ${seen?.percent} %`}); without progress it fails after an hour.`;
    problems.push({ kind: 'rollout-stuck', key: `stalled ${changedAtMs}`, because });
  }
  return problems;
}

/** Something keeps it from beginning, and may pass. */
export function waiting({ because, about = because }: Blocker): Words {
  return { kind: 'rollout-waiting', key: `waiting ${about}`, because: `waits, for ${because}.` };
}
