import { endedBy, isPaused } from './control.ts';
import { paceSeconds, pollSeconds } from './course.ts';
import { canRollBack } from './fleet.ts';
import { firstRestSeconds, isTooLong, isVerified, joinMs, lateWords } from './fleet-ending.ts';
import type { FleetLook, FleetMemory, OurRefresh } from './fleet-memory.ts';
import { groupOf, ON_ITS_WAY, refreshSeen } from './fleet-memory.ts';
import type { FleetMove } from './fleet-moves.ts';
import type { RefreshPreferences } from './ports.ts';

/** Nothing to do before the next look. */
export interface Poll {
  readonly kind: 'poll';
  readonly because: string;
  /** Then there is something to do, if it comes before the next look. */
  readonly untilMs?: number;
}

/** Without progress a refresh fails after an hour: one that proves nothing within this time is looked at as rarely as others. */
const PROVING_MS = 6 * 3_600_000;
/** So long it is looked at closely after it was told to turn back. */
const TURNING_MS = 3_600_000;
/** So long failed calls are tried again each minute. */
const IMPATIENT_MS = 3_600_000;
/** A way back that was refused so often is taken for none; a lost answer is no refusal yet. */
const MOST_REFUSALS = 2;

/** While the refresh is under way: it goes on, or is told to turn back. Pure. */
export function watch(memory: FleetMemory, look: FleetLook, refresh: OurRefresh): FleetMove | Poll {
  const seen = refreshSeen(memory);
  const status = seen?.status;
  if (status === 'Successful') {
    return isVerified(look)
      ? {
          kind: 'promote',
          imageId: memory.request.imageId,
          because: 'every instance runs it, and ECS knows them all',
        }
      : poll('all instances are replaced: is every one of them at work?');
  }
  // On its way back, too, it terminates instances.
  if (status === 'RollbackInProgress' && isUndrained(look)) return turn(memory, look, refresh, UNDRAINED);
  if (status === undefined || refresh.turned || !ON_ITS_WAY.has(status)) {
    return poll(`the refresh is ${status ?? 'not to be seen yet'}`);
  }
  const why = whyTurn(memory, look, refresh);
  return why === undefined ? poll(`the refresh is at ${seen?.percent} %`) : turn(memory, look, refresh, why);
}

/** To be told, and for AWS to hear it, before it goes on by itself. */
const TURN_MS = 180_000;

/**
 * Looks fail, and AWS is about to go on past the first instance, of which nobody knows whether it is at work: then it must
 * not go on. Pure.
 */
export function turnWhenBlind(memory: FleetMemory): FleetMove | undefined {
  const { refresh, look, blind, trouble, atMs } = memory;
  const dueMs = blindTurnMs(memory);
  if (refresh === undefined || look === undefined || blind === undefined || dueMs === undefined) return undefined;
  // A turn that failed may have been heard: a look comes first, and people hear of it.
  if (atMs < dueMs || (trouble !== undefined && trouble.atMs >= blind.atMs)) return undefined;
  const { operation, message } = blind.failure;
  const because = `whether its first instance is at work cannot be seen: ${operation} answers "${message}"`;
  return turn(memory, look, refresh, { because });
}

/** When that is: counted from when the instance came, or from the last look, at which it had not. */
function blindTurnMs(memory: FleetMemory): number | undefined {
  const { refresh, look, strangers } = memory;
  const status = refreshSeen(memory)?.status;
  const goesOn = status === undefined || ON_ITS_WAY.has(status);
  if (refresh === undefined || look === undefined || !goesOn) return undefined;
  if (refresh.isProven || refresh.turned?.isAnswered) return undefined;
  const sinceMs = Math.min(...Object.values(strangers), Math.max(look.atMs, refresh.startedAtMs));
  return sinceMs + firstRestSeconds(refresh) * 1000 - TURN_MS;
}

/** It is to be turned, or was told to be and has not answered. */
export function isToTurn(memory: FleetMemory): boolean {
  const { look, refresh } = memory;
  if (look === undefined || refresh === undefined) return false;
  return refresh.turned !== undefined || whyTurn(memory, look, refresh) !== undefined;
}

interface Why {
  readonly because: string;
  /** It stays where it is until somebody resumes it. */
  readonly forPause?: true;
}

/** The judgement of one look: why the refresh must not go on. */
function whyTurn(memory: FleetMemory, look: FleetLook, refresh: OurRefresh): Why | undefined {
  const word = endedBy(look.control);
  if (word) return { because: word };
  if (isPaused(look.control)) {
    return {
      because: `${look.control?.by} paused it: what is replaced stays, nothing further is`,
      forPause: true,
    };
  }
  // What bakes has nothing left to replace, and is taken over by the group when it may end.
  if (isUndrained(look) && refreshSeen(memory)?.status !== 'Baking') return UNDRAINED;
  const policy = look.facts?.policy;
  if (policy !== undefined && 'mistakes' in policy) {
    return { because: `its tags do not ask for it any more: ${policy.mistakes.join('; ')}` };
  }
  if (policy?.mode === 'notify') return { because: 'its tag asks only to be told by now' };
  if (isTooLong(refresh, look)) return { because: 'it did not end within 14 days' };
  const late = lateWords(memory, look, refresh);
  return late === undefined ? undefined : { because: late };
}

const UNDRAINED: Why = {
  because: 'nothing drains its instances any more: attach the hook (ecs-drain attach), or turn managed draining on',
};

function isUndrained({ facts }: FleetLook): boolean {
  return facts?.drainedBy === 'none';
}

/** Back where AWS can do that, and where the way back is drained; otherwise it is stopped where it is. */
function turn(
  memory: FleetMemory,
  look: FleetLook,
  { preferences, refusals = 0 }: OurRefresh,
  { because, forPause }: Why,
): FleetMove {
  const group = groupOf(memory);
  if (forPause) return { kind: 'cancel-refresh', group, forPause, because };
  const stuck = isUndrained(look) ? undefined : whyNotBack(look, preferences, refusals);
  if (stuck === undefined && !isUndrained(look)) return { kind: 'roll-back', group, because };
  const words = stuck === undefined ? because : `${because}; AWS cannot roll it back: ${stuck}`;
  return { kind: 'cancel-refresh', group, forPause: false, because: words };
}

/** Why AWS cannot take it back: then somebody has to choose. */
function whyNotBack({ facts }: FleetLook, { autoRollback }: RefreshPreferences, refusals: number): string | undefined {
  if (autoRollback) return refusals < MOST_REFUSALS ? undefined : 'it has refused to';
  return facts && canRollBack(facts)
    ? 'its own template names this image already'
    : 'its template names no number of a version, or no image';
}

/**
 * When to look again: the longer the rollout has lasted, the rarer; but closely while a refresh has yet to prove itself,
 * at its end, and on its way back, for there minutes count, however long ago the rollout began.
 */
export function nextLookMs(memory: FleetMemory, { atMs }: FleetLook): number {
  const { refresh, steppedAtMs, changedAtMs, strangers } = memory;
  const usualMs = atMs + pollSeconds(memory) * 1000;
  if (refresh === undefined) return usualMs;
  const closeMs = isClose(memory, refresh) ? atMs + paceSeconds(steppedAtMs - changedAtMs) * 1000 : usualMs;
  const status = refreshSeen(memory)?.status;
  const isJudged = !refresh.turned && (status === undefined || ON_ITS_WAY.has(status));
  const judgedMs = isJudged ? Math.min(...Object.values(strangers)) + joinMs(refresh) : Number.POSITIVE_INFINITY;
  return Math.min(usualMs, closeMs, Math.max(judgedMs, atMs + paceSeconds(0) * 1000));
}

/** So soon a failed call is tried again at least: a bad image does not wait until looks are answered again. */
export function patienceSeconds(memory: FleetMemory): number {
  const { refresh, trouble, blind } = memory;
  const row = blind ?? trouble;
  if (refresh === undefined || row === undefined) return Number.POSITIVE_INFINITY;
  if (isClose(memory, refresh) && row.atMs - row.firstMs < IMPATIENT_MS) return paceSeconds(0);
  // Not to sleep past the moment at which it has to be turned back unseen.
  const leftMs = (blindTurnMs(memory) ?? Number.POSITIVE_INFINITY) - row.atMs;
  return leftMs < -IMPATIENT_MS ? Number.POSITIVE_INFINITY : Math.max(paceSeconds(0), leftMs / 1000);
}

function isClose(memory: FleetMemory, { startedAtMs, isProven, turned }: OurRefresh): boolean {
  const { steppedAtMs } = memory;
  const status = refreshSeen(memory)?.status;
  if (status === 'Successful') return true;
  if (status === 'RollbackInProgress' || status === 'Cancelling') {
    return turned !== undefined && steppedAtMs - turned.atMs < TURNING_MS;
  }
  return (status === undefined || ON_ITS_WAY.has(status)) && !isProven && steppedAtMs - startedAtMs < PROVING_MS;
}

function poll(because: string): Poll {
  return { kind: 'poll', because };
}
