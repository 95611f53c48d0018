import type { Wait } from '../loop.ts';
import { pollSeconds, waitUntil } from './course.ts';
import type { SpotMemory } from './spot-memory.ts';
import type { SpotMove } from './spot-moves.ts';
import { cancelFault, isDrained, membersOf, oldIdOf, orderedOf, SETTLE_SECONDS } from './spot-state.ts';

/** Each order is a call or two: so many fit into one step. */
const MOST_DRAINS_A_STEP = 10;
/** What many lean on rests on a look of at most this age. */
const FRESH_SECONDS = 120;
/** What cannot be undone is done as soon as a look allows it: a retry looks again. */
const LAST_LOOK_SECONDS = 30;
/** While drains run, both fleets and people's word are looked at every so many rounds. */
const ROUNDS_A_LOOK = 2;

/** Empties a fleet whose target is zero, and cancels it: drained, listed again and nothing new, nothing on it, ended. */
export function emptyAndCancel(memory: SpotMemory, fleetId: string, because: string): SpotMove | Wait {
  const { look, atMs, drainsAtMs = 0, targets } = memory;
  const drain = drainNext(memory, membersOf(memory, fleetId));
  if (drain) return drain;
  const settledMs = Math.max(drainsAtMs, targets[fleetId]?.atMs ?? 0) + SETTLE_SECONDS * 1000;
  if (atMs < settledMs) return waitUntil(atMs, settledMs, 'others of its instances may yet show');
  if (look === undefined || look.atMs < settledMs || !isFresh(memory, LAST_LOOK_SECONDS)) {
    return lookAgain(memory, 'list again before anything is cancelled');
  }
  const fault = cancelFault(memory, fleetId, look);
  return fault ? poll(memory, fault) : { kind: 'cancel', fleetId, because };
}

/** Orders the drains that are missing, and asks after those that run; undefined when all of them have ended. */
function drainNext(memory: SpotMemory, instances: readonly string[]): SpotMove | Wait | undefined {
  const { drains } = memory;
  const missing = instances.filter((id) => (drains[id] ?? 'asked') === 'asked').slice(0, MOST_DRAINS_A_STEP);
  if (missing.length > 0) return drainMove(memory, missing, `${missing.length} of its instances are to be drained`);
  return askNext(memory, instances);
}

/** Asks after the drains that run; undefined when all of them have ended. */
export function askNext(memory: SpotMemory, instances: readonly string[]): SpotMove | Wait | undefined {
  const { drains, look, atMs } = memory;
  const running = Object.keys(drains).filter((id) => drains[id] === 'running' && instances.includes(id));
  if (running.length === 0) return undefined;
  const because = `${running.length} of its instances are being drained`;
  const roundMs = pollSeconds(memory) * 1000;
  const nextMs = (memory.drainsAtMs ?? 0) + roundMs;
  if (atMs < nextMs) return waitUntil(atMs, nextMs, because);
  if (atMs - (look?.atMs ?? 0) > ROUNDS_A_LOOK * roundMs) return lookAgain(memory, because);
  return drainMove(memory, running.slice(0, MOST_DRAINS_A_STEP), because);
}

/** Each with the time of its first order: its deadline counts from then, and asked again it is the same order. */
function drainMove({ orderedAtMs, atMs }: SpotMemory, instances: readonly string[], because: string): SpotMove {
  const since = Object.fromEntries(instances.map((id) => [id, orderedAtMs[id] ?? atMs]));
  return { kind: 'drain', instances, orderedAtMs: since, because };
}

export function isFresh({ look, atMs }: SpotMemory, seconds = FRESH_SECONDS): boolean {
  return look !== undefined && atMs - look.atMs <= seconds * 1000;
}

/** @param untilMs then there is something to do, if it comes before the next look. */
export function poll(memory: SpotMemory, because: string, untilMs = Number.POSITIVE_INFINITY): SpotMove | Wait {
  const nextMs = Math.min((memory.look?.atMs ?? memory.atMs) + pollSeconds(memory) * 1000, untilMs);
  if (memory.atMs >= nextMs) return lookAgain(memory, because);
  return waitUntil(memory.atMs, nextMs, because);
}

/** At both fleets, at what was drained of the one that is to be cancelled, and at what is to be ACTIVE again. */
export function lookAgain(memory: SpotMemory, because: string): SpotMove {
  const { copy, undo, clusters } = memory;
  const leaving = undo && copy ? copy.id : oldIdOf(memory);
  const emptied = membersOf(memory, leaving).filter((id) => isDrained(memory, id));
  const restored = undo ? orderedOf(memory) : [];
  return { kind: 'look', copyId: copy?.id, clusters, emptied, restored, because };
}
