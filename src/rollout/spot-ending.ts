import { blockersOf } from './checks.ts';
import { endedBy, isPaused } from './control.ts';
import { failingFor } from './course.ts';
import { verdictOf } from './plan.ts';
import type { FleetOutcome } from './request.ts';
import type { SpotLook, SpotMemory } from './spot-memory.ts';
import { LONG_PATIENCE_SECONDS, whyNoWayBack } from './spot-patience.ts';
import { badDrain, copyFault, firstOf, isEnded, isRestored, membersOf, occupiedOf, oldIdOf } from './spot-state.ts';
import { forbiddenByTag } from './start-time.ts';
import type { RolloutAlert } from './telling.ts';
import { fleetEndAlert } from './telling.ts';

export interface SpotEnding {
  readonly outcome: FleetOutcome;
  readonly because: string;
  readonly alert?: RolloutAlert;
}

const LONGEST_SECONDS = 14 * 86_400;
const PATIENCE_SECONDS = 86_400;
/** Who has said that it is over does not wait a day for a call that does not answer. */
const SHORT_PATIENCE_SECONDS = 3_600;
const VERIFY_SECONDS = 1_800;

/** How the fleet's rollout has ended, or undefined while there is something to do. Pure. */
export function spotEndingOf(memory: SpotMemory): SpotEnding | undefined {
  const { look, copy, request, atMs } = memory;
  const lastedMs = atMs - Date.parse(request.noticedAt);
  if (look === undefined) return failedBy(memory, failingFor(memory, PATIENCE_SECONDS));
  if (copy === undefined) return beforeCopy(memory, look, lastedMs);
  return memory.undo ? afterUndo(memory, look, copy.id) : afterCopy(memory, look, copy.id);
}

function beforeCopy(memory: SpotMemory, look: SpotLook, lastedMs: number): SpotEnding | undefined {
  const { request } = memory;
  const word = endedBy(look.control);
  if (memory.doubtAtMs !== undefined) {
    const why = failingFor(memory, word === undefined ? PATIENCE_SECONDS : SHORT_PATIENCE_SECONDS);
    if (why === undefined) return undefined;
    return ended(memory, 'failed', `${why}: a copy of it may have been launched all the same, look for one`);
  }
  if (look.facts === undefined || isEnded(look.old)) return gone(memory, look);
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
    return verdict.isNews
      ? ended(memory, 'blocked', verdict.because)
      : { outcome: 'up-to-date', because: verdict.because };
  }
  const forbidden = forbiddenByTag(verdict.policy, look.control, look.atMs - Date.parse(request.noticedAt));
  if (forbidden) return ended(memory, 'blocked', forbidden);
  const blockers = blockersOf(look.facts, 0);
  const lasting = blockers.find(({ passes }) => !passes);
  if (lasting) return ended(memory, 'blocked', lasting.because);
  const blockedMs = look.atMs - (memory.blockedSinceMs ?? look.atMs);
  if (blockers[0] && blockedMs >= PATIENCE_SECONDS * 1000)
    return ended(memory, 'blocked', `for a day: ${blockers[0].because}`);
  if (lastedMs >= LONGEST_SECONDS * 1000) {
    return isPaused(look.control)
      ? ended(memory, 'cancelled', 'it was paused for 14 days')
      : ended(memory, 'blocked', 'it could not begin within 14 days');
  }
  return failedBy(memory, failingFor(memory, PATIENCE_SECONDS));
}

/** It ended before anything was done: by another rollout, which looks after what came of it, or by somebody. */
function gone(memory: SpotMemory, { heir, facts }: SpotLook): SpotEnding {
  if (heir !== undefined) {
    return { outcome: 'up-to-date', because: `another rollout has put ${heir} in its place, a fleet of its own now` };
  }
  if (facts?.copyOf?.isThere) {
    const because = `it was a copy of ${facts.copyOf.id}, which another rollout has kept instead`;
    return { outcome: 'up-to-date', because };
  }
  return ended(memory, 'failed', 'there is no such fleet any more');
}

/** The old fleet is being replaced, or has been. */
function afterCopy(memory: SpotMemory, look: SpotLook, copyId: string): SpotEnding | undefined {
  const { request, promoted, cancelled, cancelledAtMs = 0, atMs } = memory;
  if (!cancelled.includes(oldIdOf(memory)))
    return isLost(memory, look) ? lost(memory, look) : blindAfterCancel(memory, copyId);
  const { fresh } = look.hosts;
  const isAtWork = look.atMs > cancelledAtMs && copyFault(memory, look) === undefined;
  // Without any instance nothing is proved, and nobody may follow it.
  if (promoted || (isAtWork && fresh === 0)) {
    const because = `${copyId} has taken its place with ${fresh} instances on ${request.version}, and they are at work`;
    return { outcome: 'rolled', because };
  }
  const why = failingFor(memory, PATIENCE_SECONDS);
  if (isAtWork) return failedBy(memory, why && `${copyId} has taken its place and is at work, but ${why}`);
  const isLate = atMs - cancelledAtMs >= VERIFY_SECONDS * 1000 && look.atMs - cancelledAtMs >= VERIFY_SECONDS * 1000;
  const fault = isLate ? `${copyId} is not all at work: ${copyFault(memory, look)}` : why;
  return failedBy(memory, fault && `the old fleet is drained and cancelled, but ${fault}`);
}

/** The old fleet was told to end, no answer came, and none to any look since: what could be taken back is not known. */
function blindAfterCancel(memory: SpotMemory, copyId: string): SpotEnding | undefined {
  const isBlind = memory.doubtAtMs !== undefined && memory.blind !== undefined;
  const why = isBlind ? failingFor(memory, LONG_PATIENCE_SECONDS) : undefined;
  return why === undefined
    ? undefined
    : ended(memory, 'mixed', `${why}: whether the old fleet is cancelled is not known, and ${copyId} runs beside it`);
}

function afterUndo(memory: SpotMemory, look: SpotLook, copyId: string): SpotEnding | undefined {
  const { undo, cancelled } = memory;
  const why = undo?.because ?? '';
  if (cancelled.includes(copyId)) return takenBack(memory, look, why);
  if (isLost(memory, look)) return lost(memory, look);
  const stuck = whyNoWayBack(memory);
  if (stuck) return ended(memory, 'mixed', `${why}; to be taken back, but ${stuck}, and ${copyId} runs beside it`);
  if (!isRestored(memory, look)) return undefined;
  const { copy } = look;
  if (copy && isEnded(copy)) {
    // EC2 itself cancels a request that is beyond a quota, at once.
    if (copy.instances.length === 0 && copy.fulfilledCapacity === 0) return takenBack(memory, look, why);
    const left = `the old fleet is as it was, but instances of ${copyId} may still run, and nobody drains them`;
    return ended(memory, 'mixed', `${why}; ${left}`);
  }
  const inTheWay = badDrain(memory, membersOf(memory, copyId)) ?? occupiedOf(membersOf(memory, copyId), look);
  if (inTheWay === undefined) return undefined;
  return ended(memory, 'mixed', `${why}; the old fleet is as it was, but ${copyId} could not be emptied: ${inTheWay}`);
}

function takenBack(memory: SpotMemory, look: SpotLook, why: string): SpotEnding {
  const cut = membersOf(memory, oldIdOf(memory)).filter((id) => memory.drains[id] === 'forced');
  const loss = cut.length === 0 ? '' : `; tasks were cut off on ${cut.join(', ')}`;
  const first = firstOf(memory, look);
  const left = first === undefined ? 'taken back, the old fleet is as it was' : 'its copy is taken back';
  return ended(memory, 'rolled-back', `${left}: ${why}${loss}`);
}

/** Somebody ended the old fleet, and that was no rollout that came first. */
function isLost(memory: SpotMemory, look: SpotLook): boolean {
  return isEnded(look.old) && firstOf(memory, look) === undefined;
}

/** Somebody else ended the old fleet: there is no way back, and nobody has checked the way on. */
function lost(memory: SpotMemory, { copy }: SpotLook): SpotEnding {
  const left = `${memory.copy?.id} has ${copy?.fulfilledCapacity ?? 0} of ${copy?.targetCapacity ?? 0} units of capacity`;
  return ended(memory, 'failed', `somebody else ended the old fleet meanwhile; ${left}`);
}

function failedBy(memory: SpotMemory, because: string | undefined): SpotEnding | undefined {
  return because === undefined ? undefined : ended(memory, 'failed', because);
}

function ended(memory: SpotMemory, outcome: FleetOutcome, because: string): SpotEnding {
  return { outcome, because, alert: fleetEndAlert(memory.request, outcome, because) };
}
