import { blockersOf } from './checks.ts';
import { endedBy } from './control.ts';
import { failingFor } from './course.ts';
import type { LeftAlone, PlannedFleet } from './plan.ts';
import { planOf } from './plan.ts';
import type { FleetOutcome } from './request.ts';
import { isCancelled } from './spot-copies.ts';
import type { FleetSide, SpotLook, SpotMemory } from './spot-memory.ts';
import { badDrain, membersOf, oldIdOf } from './spot-memory.ts';
import type { RolloutAlert } from './telling.ts';
import { fleetEndAlert } from './telling.ts';

export interface SpotEnding {
  readonly outcome: FleetOutcome;
  readonly because: string;
  readonly alert?: RolloutAlert;
}

const LONGEST_SECONDS = 14 * 86_400;
const PATIENCE_SECONDS = 86_400;
/** Both fleets run, which is safe, and people were told after an hour: they may have a weekend. */
const LONG_PATIENCE_SECONDS = 3 * 86_400;
/** Who has said that it is over does not wait a day for a call that does not answer. */
const SHORT_PATIENCE_SECONDS = 3_600;
const VERIFY_SECONDS = 1_800;

/** How the fleet's rollout has ended, or undefined while there is something to do. Pure. */
export function spotEndingOf(memory: SpotMemory): SpotEnding | undefined {
  const { look, copy, request, atMs } = memory;
  const lastedMs = atMs - Date.parse(request.noticedAt);
  if (look === undefined) return failedBy(memory, failingFor(memory, PATIENCE_SECONDS));
  if (copy === undefined) return beforeCopy(memory, look, lastedMs);
  const ending = memory.undo ? afterUndo(memory, look, copy.id) : afterCopy(memory, look, copy.id);
  if (ending) return ending;
  const why = failingFor(memory, LONG_PATIENCE_SECONDS);
  if (why) return ended(memory, 'mixed', `${why}, and ${copy.id} runs beside it`);
  if (lastedMs < LONGEST_SECONDS * 1000) return undefined;
  return ended(memory, 'mixed', `it did not end within 14 days, and ${copy.id} runs beside it`);
}

function beforeCopy(memory: SpotMemory, look: SpotLook, lastedMs: number): SpotEnding | undefined {
  const { request } = memory;
  const word = endedBy(look.control);
  if (memory.copyTried) {
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
  const verdict = spotVerdictOf(look);
  if (verdict === undefined) return { outcome: 'up-to-date', because: 'it has nothing of this release any more' };
  if (!('policy' in verdict)) {
    return verdict.isNews
      ? ended(memory, 'blocked', verdict.because)
      : { outcome: 'up-to-date', because: verdict.because };
  }
  const blockers = blockersOf(look.facts, 0);
  const lasting = blockers.find(({ passes }) => !passes);
  if (lasting) return ended(memory, 'blocked', lasting.because);
  if (blockers[0] && lastedMs >= PATIENCE_SECONDS * 1000)
    return ended(memory, 'blocked', `for a day: ${blockers[0].because}`);
  if (lastedMs >= LONGEST_SECONDS * 1000) return ended(memory, 'cancelled', 'it was paused for 14 days');
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
  const { request, promoted, cancelled, cancelledAtMs = 0, ending, atMs } = memory;
  const oldId = oldIdOf(memory);
  if (!cancelled.includes(oldId))
    return isLost(memory, look) && !ending.includes(oldId) ? lost(memory, look) : undefined;
  const { fresh } = look.hosts;
  const isAtWork = look.atMs > cancelledAtMs && isCopyAtWork(memory, look);
  // Without any instance nothing is proved, and nobody may follow it.
  if (promoted || (isAtWork && fresh === 0)) {
    const because = `${copyId} has taken its place with ${fresh} instances on ${request.version}, and they are at work`;
    return { outcome: 'rolled', because };
  }
  if (isAtWork) {
    const why = failingFor(memory, PATIENCE_SECONDS);
    if (why === undefined) return undefined;
    return ended(memory, 'failed', `${copyId} has taken its place and is at work, but ${why}`);
  }
  const isLate = atMs - cancelledAtMs >= VERIFY_SECONDS * 1000 && look.atMs - cancelledAtMs >= VERIFY_SECONDS * 1000;
  return isLate
    ? ended(memory, 'failed', `the old fleet is drained and cancelled, but ${copyId} is not all at work`)
    : undefined;
}

function afterUndo(memory: SpotMemory, look: SpotLook, copyId: string): SpotEnding | undefined {
  const { undo, cancelled, ending, drains, activated, targets, touched } = memory;
  const oldId = oldIdOf(memory);
  const why = undo?.because ?? '';
  if (cancelled.includes(copyId)) {
    const cut = membersOf(memory, oldId).filter((id) => drains[id] === 'forced');
    const loss = cut.length === 0 ? '' : `; tasks were cut off on ${cut.join(', ')}`;
    const first = firstOf(memory, look);
    const left = first === undefined ? 'taken back, the old fleet is as it was' : 'its copy is taken back';
    return ended(memory, 'rolled-back', `${left}: ${why}${loss}`);
  }
  if (isLost(memory, look)) return lost(memory, look);
  const isRestored =
    isEnded(look.old) ||
    ((!touched.includes(oldId) || targets[oldId] === memory.copy?.capacity) &&
      (activated?.isLast || membersOf(memory, oldId).every((id) => drains[id] === undefined)));
  if (!isRestored) return undefined;
  if (look.copy && isEnded(look.copy) && !ending.includes(copyId)) {
    const left = `the old fleet is as it was, but instances of ${copyId} may still run, and nobody drains them`;
    return ended(memory, 'mixed', `${why}; ${left}`);
  }
  const inTheWay = badDrain(memory, membersOf(memory, copyId)) ?? occupiedOf(membersOf(memory, copyId), look);
  if (inTheWay === undefined) return undefined;
  return ended(memory, 'mixed', `${why}; the old fleet is as it was, but ${copyId} could not be emptied: ${inTheWay}`);
}

/** Of these instances, one that was drained in vain. */
export function occupiedOf(instances: readonly string[], { occupied }: SpotLook): string | undefined {
  const id = occupied.find((one) => instances.includes(one));
  return id && `${id} was drained, and is in use again`;
}

/**
 * The fleet that another rollout has put beside the old one before we did, or in its place: two that met yield to the
 * one that came first, and nothing of the old fleet has been changed by the other. Pure.
 */
export function firstOf({ copy }: SpotMemory, { copy: ours, others, heir }: SpotLook): string | undefined {
  if (copy === undefined || ours === undefined) return undefined;
  const earlier = others.find(({ createdAtMs, id }) =>
    createdAtMs === ours.createdAtMs ? id < copy.id : createdAtMs < ours.createdAtMs,
  );
  return earlier?.id ?? (others.length === 0 ? heir : undefined);
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

/** It is gone, or about to be: whatever it still has, it will not be kept. */
export function isEnded(side: FleetSide | undefined): boolean {
  return side === undefined || isCancelled(side.state);
}

/** What would be done with the fleet, or why nothing is. */
export function spotVerdictOf({ facts, target }: SpotLook): PlannedFleet | LeftAlone | undefined {
  if (facts === undefined || target === undefined) return undefined;
  const { fleets, leftAlone } = planOf(target, [facts], true);
  return fleets[0] ?? leftAlone[0];
}

/** Its capacity is there, ECS has every instance of it at work, and no service is worse off. */
export function isCopyAtWork({ copy }: SpotMemory, { copy: side, hosts, unsteady }: SpotLook): boolean {
  if (copy === undefined || side === undefined) return false;
  const isThere = side.fulfilledCapacity >= copy.capacity && (hosts.fresh > 0 || copy.capacity === 0);
  return isThere && hosts.strangers.length === 0 && unsteady.length === 0;
}

function failedBy(memory: SpotMemory, because: string | undefined): SpotEnding | undefined {
  return because === undefined ? undefined : ended(memory, 'failed', because);
}

function ended(memory: SpotMemory, outcome: FleetOutcome, because: string): SpotEnding {
  return { outcome, because, alert: fleetEndAlert(memory.request, outcome, because) };
}
