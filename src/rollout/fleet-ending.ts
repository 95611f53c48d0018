import { blockersOf } from './checks.ts';
import { endedBy, isPaused } from './control.ts';
import { failingFor } from './course.ts';
import type { FleetFacts } from './fleet.ts';
import type { FleetLook, FleetMemory, OurRefresh } from './fleet-memory.ts';
import { isAtRest, refreshSeen } from './fleet-memory.ts';
import { verdictOf } from './plan.ts';
import type { FleetOutcome } from './request.ts';
import { forbiddenByTag } from './start-time.ts';
import type { RolloutAlert } from './telling.ts';
import { fleetEndAlert } from './telling.ts';

export interface FleetEnding {
  readonly outcome: FleetOutcome;
  readonly because: string;
  readonly alert?: RolloutAlert;
}

/** What waits is given so long, and so is each refresh: AWS ends it then (AWS-CONTRACTS §5). */
const LONGEST_MS = 14 * 86_400_000;
/** To go back, or for AWS to end it, after that. */
const LAST_MS = 86_400_000;
/** What blocks a fleet, and may pass, is waited for so long. */
const PATIENCE_SECONDS = 86_400;
/** After the refresh, the last instances join and the services become steady within this time, or somebody hears of it. */
const VERIFY_SECONDS = 1_800;

/** At the first checkpoint an instance must have joined within its rest, less what it takes to see it and to turn back. */
export const LEAST_FIRST_REST_SECONDS = 600;
const JUDGE_SECONDS = 240;

/** How the fleet's rollout has ended, or undefined while there is something to do. Pure. */
export function fleetEndingOf(memory: FleetMemory): FleetEnding | undefined {
  const { look, refresh } = memory;
  if (look === undefined) {
    const why = failingFor(memory, PATIENCE_SECONDS);
    return why === undefined ? undefined : ended(memory, 'failed', why);
  }
  if (look.facts === undefined) return ended(memory, 'failed', 'there is no such fleet any more');
  if (refresh === undefined || isAtRest(memory)) return atRest(memory, look, look.facts);
  const isOver = memory.atMs - refresh.startedAtMs > LONGEST_MS + LAST_MS;
  return (
    afterStart(memory, look, refresh) ??
    (isOver ? leftOver(memory, look, 'it did not end within 14 days, and what became of it is not known') : undefined)
  );
}

/** The refresh is to be turned back, for AWS would end it. */
export function isTooLong(refresh: OurRefresh, look: FleetLook): boolean {
  return look.atMs - refresh.startedAtMs >= LONGEST_MS;
}

/** How long an instance may be in service for EC2 before ECS must have it at work. */
export function joinMs(refresh: OurRefresh): number {
  return (firstRestSeconds(refresh) - JUDGE_SECONDS) * 1000;
}

/** How long AWS rests at its first instance; a group of one is given as long to warm up. */
export function firstRestSeconds({ preferences }: OurRefresh): number {
  return Math.max(LEAST_FIRST_REST_SECONDS, preferences.checkpointDelaySeconds);
}

/** Which new instance ECS has not had at work for too long, by the time of the look. */
export function lateWords({ strangers }: FleetMemory, look: FleetLook, refresh: OurRefresh): string | undefined {
  const patienceMs = joinMs(refresh);
  const late = Object.entries(strangers).find(([, sinceMs]) => look.atMs - sinceMs >= patienceMs);
  if (late === undefined) return undefined;
  return `${late[0]} runs the new image and is in service for EC2, but ECS has not seen it at work for ${Math.round(patienceMs / 60_000)} min`;
}

/** Ends that nobody need hear of where nothing was begun. */
const QUIET: ReadonlySet<FleetOutcome> = new Set(['cancelled', 'superseded', 'up-to-date']);

/** Nothing of ours is under way: not yet, or not since somebody paused it. */
function atRest(memory: FleetMemory, look: FleetLook, facts: FleetFacts): FleetEnding | undefined {
  const { request, refresh, atMs } = memory;
  const stop = (outcome: FleetOutcome, because: string): FleetEnding => {
    if (refresh !== undefined) return leftOver(memory, look, because, outcome);
    return QUIET.has(outcome) ? { outcome, because } : ended(memory, outcome, because);
  };
  const word = endedBy(look.control);
  if (word) return stop('cancelled', word);
  if (memory.templateWarning !== undefined) {
    return stop('blocked', `AWS finds the new template version wrong: ${memory.templateWarning}`);
  }
  if (look.target?.imageId !== request.imageId) {
    return stop('superseded', `its source names ${look.target?.version ?? 'no image'} by now`);
  }
  const why = failingFor(memory, PATIENCE_SECONDS);
  if (why !== undefined) return stop('failed', why);
  const isOver = atMs - (refresh?.startedAtMs ?? Date.parse(request.noticedAt)) >= LONGEST_MS;
  // What stands in its way matters when somebody resumes it.
  if (isPaused(look.control)) {
    return isOver ? leftOver(memory, look, 'it was paused for 14 days', 'cancelled') : undefined;
  }
  // What came before the pause has had its time: nothing further is replaced for an image that has not proved itself.
  const late = refresh && lateWords(memory, look, refresh);
  if (late) return stop('failed', late);
  const sinceOrderMs = look.atMs - Date.parse(request.noticedAt);
  const verdict = verdictOf(look);
  if (verdict === undefined) return stop('up-to-date', 'it has nothing of this release any more');
  if (!('policy' in verdict)) {
    const isNamed = facts.slots.some(({ imageId }) => imageId === request.imageId);
    // EC2 knows what was launched within seconds.
    if (isNamed && look.hosts.unknown > 0 && sinceOrderMs < VERIFY_SECONDS * 1000) return undefined;
    const isThere = isNamed && look.hosts.old === 0 && look.hosts.unknown === 0;
    return isThere ? { outcome: 'up-to-date', because: verdict.because } : stop('blocked', verdict.because);
  }
  const { mode } = verdict.policy;
  const forbidden =
    mode === 'notify' || refresh === undefined ? forbiddenByTag({ mode }, look.control, sinceOrderMs) : undefined;
  if (forbidden) return stop('blocked', forbidden);
  const blockers = blockersOf(facts, look.drainDeadlineSeconds);
  const lasting = blockers.find(({ passes }) => !passes);
  if (lasting) return stop('blocked', lasting.because);
  const blockedMs = look.atMs - (memory.blockedSinceMs ?? look.atMs);
  if (blockers[0] && blockedMs >= PATIENCE_SECONDS * 1000) return stop('blocked', `for a day: ${blockers[0].because}`);
  return isOver ? stop('blocked', 'it could not begin within 14 days') : undefined;
}

function afterStart(memory: FleetMemory, look: FleetLook, refresh: OurRefresh): FleetEnding | undefined {
  const { promoted, changedAtMs } = memory;
  const seen = refreshSeen(memory);
  const because = refresh.turned?.because ?? seen?.because ?? '';
  switch (seen?.status) {
    case 'Successful': {
      // Without any instance nothing is proved, and nobody may follow it.
      if (promoted || (isVerified(look) && look.hosts.fresh === 0)) return rolled(memory, look);
      if (isVerified(look)) {
        const why = failingFor(memory, PATIENCE_SECONDS);
        return why === undefined
          ? undefined
          : ended(memory, 'failed', `it is rolled, and nobody can follow it: ${why}`);
      }
      if (look.atMs - changedAtMs < VERIFY_SECONDS * 1000) return undefined;
      const { strangers, old, oldPooled, unknown } = look.hosts;
      const [aside] = look.facts?.standby ?? [];
      const out = aside === undefined ? '' : `: ${aside} is in Standby`;
      if (old > 0) return leftOver(memory, look, `the refresh left instances out${out}`);
      if (oldPooled > 0) {
        const who = `${oldPooled} that ${oldPooled === 1 ? 'waits' : 'wait'} in the warm pool`;
        return ended(memory, 'mixed', `the instances in service run the new image, and ${who} another`);
      }
      if (unknown > 0) {
        const because = `the refresh is over, but EC2 does not tell what ${unknown} of its instances run`;
        return ended(memory, 'failed', because);
      }
      const why =
        strangers.length > 0
          ? `ECS has not seen ${strangers.join(', ')} at work`
          : `not steady: ${look.facts?.lacking.join(', ')}`;
      return ended(memory, 'failed', `all instances run the new image, but ${why}`);
    }
    case 'RollbackSuccessful':
      // AWS takes back what this refresh has replaced; what an earlier one had, before a pause, stays.
      return look.hosts.fresh > 0
        ? leftOver(memory, look, `rolled back, but not what was replaced before: ${because}`)
        : ended(memory, 'rolled-back', `rolled back to the image before: ${because}`);
    case 'RollbackFailed':
      return leftOver(memory, look, `it could not be rolled back: ${seen.because}`);
    case 'Failed':
      return leftOver(memory, look, `the refresh failed: ${because}`);
    case 'Cancelled':
      if (refresh.turned === undefined)
        return leftOver(memory, look, 'somebody else cancelled its refresh', 'cancelled');
      return leftOver(memory, look, because, endedBy(look.control) ? 'cancelled' : 'failed');
    default:
      return undefined;
  }
}

/** Every instance runs it, ECS has each at work, and no service is worse off than before. */
export function isVerified({ hosts, facts }: FleetLook): boolean {
  const { old, oldPooled, unknown, strangers } = hosts;
  return old === 0 && oldPooled === 0 && unknown === 0 && strangers.length === 0 && facts?.lacking.length === 0;
}

function rolled(memory: FleetMemory, { hosts }: FleetLook): FleetEnding {
  const minutes = Math.round((memory.atMs - (memory.refresh?.startedAtMs ?? memory.atMs)) / 60_000);
  const who = hosts.fresh === 1 ? 'its instance runs' : `all ${hosts.fresh} instances run`;
  const because = `${who} ${memory.request.version} after ${minutes} min, and are at work`;
  return { outcome: 'rolled', because };
}

/** It ended as it should not have; where both images run, somebody must choose. */
function leftOver(
  memory: FleetMemory,
  { hosts }: FleetLook,
  why: string,
  otherwise: FleetOutcome = 'failed',
): FleetEnding {
  if (hosts.fresh === 0 || hosts.old === 0) return ended(memory, otherwise, why);
  return ended(memory, 'mixed', `${why}; ${hosts.fresh} of its instances run the new image and ${hosts.old} another`);
}

function ended(memory: FleetMemory, outcome: FleetOutcome, because: string): FleetEnding {
  return { outcome, because, alert: fleetEndAlert(memory.request, outcome, because) };
}
