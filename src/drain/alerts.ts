import type { Alert } from '../alert.ts';
import { isComingBack, isDone } from './coming-back.ts';
import { alertOf, forcedEnding } from './ending.ts';
import type { Memory } from './memory.ts';
import { deadlineMs, isStalled } from './times.ts';
import { describeRemaining, describeRequest, describeTrouble, minutesUntil } from './words.ts';

/** A failed read is worth an alert after this long; one that is denied, or names what does not exist, at once. */
const TROUBLE_SECONDS = 120;
/** Being throttled is the price of many drains at once: they get on, slower. Only after this long it is news. */
const THROTTLED_SECONDS = 1_200;
/** The same thing is said again after this long. */
const AGAIN_SECONDS = 3_600;
/** And another after this long. */
const OTHER_SECONDS = 600;

/** What people should hear now, on the way. Repeats are held back for an hour. Pure. */
export function alertDue(memory: Memory): Alert | undefined {
  const { said, trouble, diagnosis } = memory;
  if (memory.drainingSinceMs !== undefined && !said.started?.done) {
    const latest = minutesUntil(deadlineMs(memory), memory.atMs);
    const because = `Draining has begun, for ${describeRequest(memory)}; it is over in ${latest} at the latest.`;
    return alertOf(memory, 'started', because, leftovers(memory));
  }
  const misconfigured = misconfiguredAlert(memory);
  if (misconfigured) return misconfigured;
  const toldAgainAtMs = said.reactivated?.done ? said.reactivated.atMs : 0;
  if (memory.drainedAgainAtMs !== undefined && toldAgainAtMs < memory.drainedAgainAtMs) {
    const because =
      'Somebody set the container instance ACTIVE while it is still being taken away: it was drained again.';
    return alertOf(memory, 'reactivated', because);
  }
  if (isDone(memory) && isComingBack(memory)) {
    const forced = forcedEnding(memory)?.alert;
    const drained = alertOf(memory, 'drained', 'Every task has stopped; it is set ACTIVE again when it is back.');
    if (!said[forced ? 'forced' : 'drained']?.done) return forced ?? drained;
  }
  if (trouble && isNews(memory, 'stuck')) {
    const patienceSeconds = trouble.failure.reason === 'throttled' ? THROTTLED_SECONDS : TROUBLE_SECONDS;
    const lasting = memory.atMs - trouble.sinceMs >= patienceSeconds * 1000;
    const ours = trouble.failure.reason === 'denied' || trouble.failure.reason === 'gone';
    if (lasting || ours) {
      const because = `The drain does not get on: ${describeTrouble(memory)}. It is tried again until the deadline.`;
      return alertOf(memory, 'stuck', because);
    }
  }
  if (diagnosis && !isDone(memory) && isStalled(memory) && isDiagnosed(memory) && isNews(memory, 'stuck')) {
    const unknown = `Nothing has changed, and no cause is to be seen: ${describeRemaining(memory)}.`;
    const because = diagnosis.reasons[0] ?? unknown;
    const details = [...diagnosis.reasons.slice(1), ...(memory.look?.remaining?.samples ?? [])];
    return alertOf(memory, 'stuck', because, details);
  }
  return undefined;
}

/** Told in every mode: somebody may believe that the drains go on, or hold. */
export function misconfiguredAlert(memory: Memory): Alert | undefined {
  const { switchMistakes } = memory;
  if (switchMistakes === undefined || !isNews(memory, 'misconfigured')) return undefined;
  const because = `The switch says nothing that can be understood (${switchMistakes}): what held before holds on.`;
  return alertOf(memory, 'misconfigured', because);
}

/** A diagnosis is good for as long as the alert about it. */
export function isDiagnosed({ diagnosis, progress, atMs }: Memory): boolean {
  if (diagnosis === undefined || diagnosis.atMs < progress.atMs) return false;
  return atMs - diagnosis.atMs < AGAIN_SECONDS * 1000;
}

export function isNews(memory: Memory, kind: Alert['kind']): boolean {
  const before = memory.said[kind];
  if (before?.done !== true) return true;
  // What has changed since is another stall, with a cause of its own.
  const changedAtMs = Math.max(memory.progress.atMs, memory.trouble?.sinceMs ?? 0);
  const heldBackSeconds = kind === 'stuck' && changedAtMs > before.atMs ? OTHER_SECONDS : AGAIN_SECONDS;
  return memory.atMs - before.atMs >= heldBackSeconds * 1000;
}

/** Registrations that an earlier agent left behind; they are drained along, and hold nothing up. */
function leftovers({ placements = [] }: Memory): string[] {
  return placements.length < 2 ? [] : [`It is registered ${placements.length} times; all of them are drained.`];
}
