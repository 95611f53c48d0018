import type { RolloutAlert } from './announce.ts';
import { blockersOf } from './checks.ts';
import { isPaused } from './control.ts';
import type { FleetMemory } from './fleet-memory.ts';
import { refreshSeen } from './fleet-memory.ts';

const HOUR_MS = 3_600_000;
/** A refresh without any change for so long fails at twice that (AWS-CONTRACTS §5): time to look. */
const STALL_MS = 1_800_000;

/** What people should hear of one fleet's rollout on the way. Each once. Pure. */
export function fleetAlertDue(memory: FleetMemory): RolloutAlert | undefined {
  const { look, refresh, request, said, trouble, atMs } = memory;
  const { fleet, version } = request;
  const alert = (kind: RolloutAlert['kind'], key: string, because: string, details: readonly string[] = []) =>
    said[key]?.done ? undefined : { kind, key, fleet, because: `${fleet}: ${because}`, details };
  const isLasting = trouble !== undefined && atMs - trouble.sinceMs >= HOUR_MS;
  if (isLasting) {
    const { operation, message } = trouble.failure;
    const said = alert(
      'rollout-stuck',
      'trouble',
      `for an hour ${operation} has answered "${message}"; it is tried again.`,
    );
    if (said) return said;
  }
  if (look?.facts === undefined) return undefined;
  if (refresh === undefined) {
    const [blocker] = blockersOf(look.facts, look.drainDeadlineSeconds);
    const waitedMs = atMs - Date.parse(request.noticedAt);
    if (blocker === undefined || waitedMs < HOUR_MS) return undefined;
    return alert('rollout-waiting', `waiting ${blocker.because}`, `waits, for ${blocker.because}.`);
  }
  const started = alert(
    'rollout-started',
    `started ${refresh.id}`,
    `an instance refresh rolls ${version} out, one instance first.`,
  );
  if (started) return started;
  if (isPaused(look.control)) {
    const mix =
      look.hosts.fresh > 0 && look.hosts.old > 0
        ? ` ${look.hosts.fresh} of its instances run the new image and ${look.hosts.old} another meanwhile.`
        : '';
    return alert('rollout-paused', `paused ${look.control?.at}`, `paused by ${look.control?.by}.${mix}`);
  }
  const seen = refreshSeen(memory);
  const isUnderWay = ['InProgress', 'Baking', 'RollbackInProgress'].includes(seen?.status ?? '');
  if (isUnderWay && atMs - memory.changedAtMs >= STALL_MS) {
    const because = `nothing has changed for 30 min (${seen?.because || `the refresh is at ${seen?.percent} %`}); without progress it fails after an hour.`;
    return alert('rollout-stuck', `stalled ${memory.changedAtMs}`, because);
  }
  return undefined;
}
