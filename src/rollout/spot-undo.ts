import type { Wait } from '../loop.ts';
import { waitUntil } from './course.ts';
import { askNext, emptyAndCancel, poll, SETTLE_SECONDS } from './spot-emptying.ts';
import { isEnded } from './spot-ending.ts';
import type { SpotLook, SpotMemory } from './spot-memory.ts';
import { membersOf, oldIdOf } from './spot-memory.ts';
import type { SpotMove } from './spot-moves.ts';

/** An instance that has not joined ECS so long after its fleet launched the last one will not. */
const JOIN_SECONDS = 900;

/** Back to where it began: the old fleet with its target and its instances ACTIVE, the copy drained and cancelled. Pure. */
export function takeBack(memory: SpotMemory, look: SpotLook, undo: string): SpotMove | Wait {
  const { copy } = memory;
  if (copy === undefined) return poll(memory, undo);
  // One that ended in favour of another rollout's copy was never touched by us, or is past being restored.
  const restoring = isEnded(look.old) ? undefined : restoreOld(memory, look, copy);
  const next = restoring ?? endCopy(memory, look, copy.id);
  return next.kind === 'wait' ? next : { ...next, undo };
}

function restoreOld(
  memory: SpotMemory,
  look: SpotLook,
  { capacity, excess }: NonNullable<SpotMemory['copy']>,
): SpotMove | Wait | undefined {
  const { targets, touched, drains, activated, atMs } = memory;
  const fleetId = oldIdOf(memory);
  // Also where the answer to our setting it was lost.
  if (touched.includes(fleetId) && targets[fleetId] !== capacity) {
    return { kind: 'set-target', fleetId, capacity, excess, because: 'the old fleet is to have its target again' };
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

function endCopy(memory: SpotMemory, look: SpotLook, fleetId: string): SpotMove | Wait {
  const { targets, drains, atMs, zeroedAtMs = 0 } = memory;
  if (targets[fleetId] !== 0) {
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
