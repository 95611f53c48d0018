import type { Wait } from '../loop.ts';
import { waitUntil } from './course.ts';
import { askNext, emptyAndCancel, poll, SETTLE_SECONDS } from './spot-emptying.ts';
import { isEnded } from './spot-ending.ts';
import type { SpotLook, SpotMemory } from './spot-memory.ts';
import { membersOf, oldIdOf } from './spot-memory.ts';
import type { SpotMove } from './spot-moves.ts';

/** Back to where it began: the old fleet with its target and its instances ACTIVE, the copy drained and cancelled. Pure. */
export function takeBack(memory: SpotMemory, look: SpotLook, undo: string): SpotMove | Wait {
  const { copy, targets } = memory;
  if (copy === undefined) return poll(memory, undo);
  // One that ended in favour of another rollout's copy was never touched by us, or is past being restored.
  const restoring = isEnded(look.old) ? undefined : restoreOld(memory, look, copy.capacity);
  const next = restoring ?? endCopy(memory, copy.id, targets);
  return next.kind === 'wait' ? next : { ...next, undo };
}

function restoreOld(memory: SpotMemory, look: SpotLook, capacity: number): SpotMove | Wait | undefined {
  const { targets, touched, drains, activated, atMs } = memory;
  const fleetId = oldIdOf(memory);
  // Also where the answer to our setting it was lost.
  if (touched.includes(fleetId) && targets[fleetId] !== capacity) {
    return { kind: 'set-target', fleetId, capacity, because: 'the old fleet is to have its target again' };
  }
  const ordered = membersOf(memory, fleetId).filter((id) => drains[id] !== undefined);
  if (ordered.length === 0 || activated?.isLast) return undefined;
  if (activated) {
    // A drain that had only been ordered may set its instance DRAINING after we set it ACTIVE.
    const asking = askNext(memory, ordered);
    if (asking) return asking;
    const settledMs = activated.atMs + SETTLE_SECONDS * 1000;
    if (atMs < settledMs) return waitUntil(atMs, settledMs, 'a drain may yet begin whose order was not answered');
  }
  const because = 'the old instances stay: they take tasks again, and their drains are off';
  return { kind: 'activate', clusters: look.facts?.clusters ?? [], instances: ordered, because };
}

function endCopy(memory: SpotMemory, fleetId: string, targets: SpotMemory['targets']): SpotMove | Wait {
  if (targets[fleetId] !== 0) {
    return { kind: 'set-target', fleetId, capacity: 0, because: 'the new fleet is to launch no more' };
  }
  return emptyAndCancel(memory, fleetId, 'the new fleet is empty, and the old one is as it was');
}
