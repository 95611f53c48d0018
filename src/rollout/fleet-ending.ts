import { blockersOf } from './checks.ts';
import { endedBy, isPaused } from './control.ts';
import { failingFor } from './course.ts';
import type { FleetLook, FleetMemory, OurRefresh } from './fleet-memory.ts';
import { refreshSeen } from './fleet-memory.ts';
import type { LeftAlone, PlannedFleet } from './plan.ts';
import { planOf } from './plan.ts';
import type { FleetOutcome } from './request.ts';
import type { RolloutAlert } from './telling.ts';
import { fleetEndAlert } from './telling.ts';

export interface FleetEnding {
  readonly outcome: FleetOutcome;
  readonly because: string;
  readonly alert?: RolloutAlert;
}

/** A refresh lasts 14 days at most (AWS-CONTRACTS §5); what waits is given no longer. */
const LONGEST_SECONDS = 14 * 86_400;
/** What blocks a fleet, and may pass, is waited for so long. */
const PATIENCE_SECONDS = 86_400;
/** After the refresh, the last instances join and the services become steady within this time, or somebody hears of it. */
const VERIFY_SECONDS = 1_800;

/** How the fleet's rollout has ended, or undefined while there is something to do. Pure. */
export function fleetEndingOf(memory: FleetMemory): FleetEnding | undefined {
  const { look, refresh, request, atMs } = memory;
  const lastedMs = atMs - Date.parse(request.noticedAt);
  if (look === undefined) {
    const why = failingFor(memory, PATIENCE_SECONDS);
    return why === undefined ? undefined : ended(memory, 'failed', why);
  }
  if (look.facts === undefined) return ended(memory, 'failed', 'there is no such fleet any more');
  if (refresh === undefined) return beforeStart(memory, look);
  return (
    afterStart(memory, look, refresh) ??
    (lastedMs > LONGEST_SECONDS * 1000 ? leftOver(memory, look, 'it did not end within 14 days') : undefined)
  );
}

function beforeStart(memory: FleetMemory, look: FleetLook): FleetEnding | undefined {
  const { request, atMs } = memory;
  const word = endedBy(look.control);
  if (word) return { outcome: 'cancelled', because: word };
  if (memory.templateWarning !== undefined) {
    return ended(memory, 'blocked', `AWS finds the new template version wrong: ${memory.templateWarning}`);
  }
  if (look.target?.imageId !== request.imageId) {
    return { outcome: 'superseded', because: `its source names ${look.target?.version ?? 'no image'} by now` };
  }
  const verdict = verdictOf(look);
  if (verdict === undefined) return { outcome: 'up-to-date', because: 'it has nothing of this release any more' };
  if (!('policy' in verdict)) {
    const isThere =
      (look.facts?.slots ?? []).some(({ imageId }) => imageId === request.imageId) && look.hosts.old === 0;
    return isThere ? { outcome: 'up-to-date', because: verdict.because } : ended(memory, 'blocked', verdict.because);
  }
  const blockers = blockersOf(look.facts as NonNullable<typeof look.facts>, look.drainDeadlineSeconds);
  const lasting = blockers.find(({ passes }) => !passes);
  if (lasting) return ended(memory, 'blocked', lasting.because);
  const waitedMs = atMs - Date.parse(request.noticedAt);
  if (blockers[0] && waitedMs >= PATIENCE_SECONDS * 1000)
    return ended(memory, 'blocked', `for a day: ${blockers[0].because}`);
  if (isPaused(look.control) && waitedMs >= LONGEST_SECONDS * 1000)
    return ended(memory, 'cancelled', 'it was paused for 14 days');
  const why = failingFor(memory, PATIENCE_SECONDS);
  return why === undefined ? undefined : ended(memory, 'failed', why);
}

function afterStart(memory: FleetMemory, look: FleetLook, refresh: OurRefresh): FleetEnding | undefined {
  const { promoted, changedAtMs } = memory;
  const seen = refreshSeen(memory);
  const because = refresh.turned?.because ?? seen?.because ?? '';
  switch (seen?.status) {
    case 'Successful': {
      // Without any instance nothing is proved, and nobody may follow it.
      if (promoted || (isVerified(look) && look.hosts.fresh === 0)) return rolled(memory, look);
      if (isVerified(look) || look.atMs - changedAtMs < VERIFY_SECONDS * 1000) return undefined;
      const { strangers, old } = look.hosts;
      if (old > 0) return leftOver(memory, look, 'the refresh left instances out');
      const why =
        strangers.length > 0
          ? `ECS has not seen ${strangers.join(', ')} at work`
          : `not steady: ${look.facts?.unsteady.join(', ')}`;
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
      // Paused, it goes on when somebody resumes it.
      if (refresh.turned?.forPause && endedBy(look.control) === undefined) {
        if (look.target?.imageId === memory.request.imageId) return undefined;
        return leftOver(memory, look, `its source names ${look.target?.version ?? 'no image'} by now`, 'superseded');
      }
      return leftOver(memory, look, refresh.turned ? because : 'somebody else cancelled its refresh', 'cancelled');
    default:
      return undefined;
  }
}

/** What would be done with the fleet, or why nothing is. */
export function verdictOf({ facts, target }: FleetLook): PlannedFleet | LeftAlone | undefined {
  if (facts === undefined || target === undefined) return undefined;
  const { fleets, leftAlone } = planOf(target, [facts], true);
  return fleets[0] ?? leftAlone[0];
}

/** Paused in mid-refresh: it was cancelled, and is begun again when somebody resumes it. */
export function isStopped(memory: FleetMemory): boolean {
  return memory.refresh?.turned?.forPause === true && refreshSeen(memory)?.status === 'Cancelled';
}

/** Every instance runs it, ECS has each at work, and no service is worse off than before. */
export function isVerified({ hosts, facts }: FleetLook): boolean {
  return hosts.old === 0 && hosts.strangers.length === 0 && facts?.unsteady.length === 0;
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
