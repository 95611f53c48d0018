import type { Wait } from '../loop.ts';
import { pollSeconds, waitUntil } from './course.ts';
import { askNext, emptyAndCancel, lookAgain, poll } from './spot-emptying.ts';
import type { SpotLook, SpotMemory } from './spot-memory.ts';
import type { SpotMove } from './spot-moves.ts';
import { activeFromMs, isOurs, isRestored, membersOf, oldIdOf, orderedOf } from './spot-state.ts';

/** An instance that has not joined ECS so long after its fleet launched the last one will not. */
const JOIN_SECONDS = 900;

/**
 * Back to where it began: the old fleet with its target, or with the one that somebody else has given it, and its
 * instances ACTIVE; when a look has shown that, the copy drained and cancelled. Pure.
 */
export function takeBack(memory: SpotMemory, look: SpotLook, undo: string): SpotMove | Wait {
  const { copy } = memory;
  if (copy === undefined) return poll(memory, undo);
  // An old fleet that ended in favour of another rollout's copy was never touched by us, or is past being restored.
  const next = isRestored(memory, look) ? endCopy(memory, look, copy.id) : restoreOld(memory, look, copy);
  return next.kind === 'wait' ? next : { ...next, undo };
}

function restoreOld(
  memory: SpotMemory,
  look: SpotLook,
  { capacity, excess }: NonNullable<SpotMemory['copy']>,
): SpotMove | Wait {
  const { targets, activated, atMs, clusters } = memory;
  const fleetId = oldIdOf(memory);
  const target = targets[fleetId];
  // Also where the answer to our setting it was lost.
  if (isOurs(memory) && target?.capacity !== capacity) {
    return { kind: 'set-target', fleetId, capacity, excess, because: 'the old fleet is to have its target again' };
  }
  const ordered = orderedOf(memory);
  const because = 'the old instances stay: they take tasks again, and their drains are off';
  const activate: SpotMove = { kind: 'activate', clusters, instances: ordered, because };
  if (ordered.length > 0 && activated === undefined) return activate;
  const asking = askNext(memory, ordered);
  if (asking) return asking;
  const fromMs = Math.max(target?.atMs ?? 0, activeFromMs(memory) ?? 0);
  if (atMs < fromMs) return waitUntil(atMs, fromMs, 'a drain may yet begin whose order was not answered');
  if (look.atMs <= fromMs) return lookAgain(memory, 'is the old fleet as it was?');
  const isDue = atMs - (activated?.atMs ?? 0) >= pollSeconds(memory) * 1000;
  return look.notActive.length > 0 && isDue ? activate : poll(memory, 'the old fleet is not as it was yet');
}

function endCopy(memory: SpotMemory, look: SpotLook, fleetId: string): SpotMove | Wait {
  const { targets, drains, atMs } = memory;
  const zeroedAtMs = targets[fleetId]?.atMs;
  if (zeroedAtMs === undefined) {
    return { kind: 'set-target', fleetId, capacity: 0, because: 'the new fleet is to launch no more' };
  }
  // What has not joined yet cannot be drained, and would take tasks afterwards.
  const isBegun = membersOf(memory, fleetId).some((id) => drains[id] !== undefined);
  const mayJoin = look.atMs < zeroedAtMs || look.hosts.strangers.length > 0;
  if (!isBegun && mayJoin && atMs < zeroedAtMs + JOIN_SECONDS * 1000) {
    return poll(memory, 'instances of the new fleet may yet join ECS: they are drained when they have');
  }
  return emptyAndCancel(memory, fleetId, 'the new fleet is empty, and the old one is as it was');
}
