import type { DrainAlert, DrainAlertKind } from '../alert.ts';
import { isComingBack, isDone } from './coming-back.ts';
import { alertOf, forcedEnding } from './ending.ts';
import type { Memory } from './memory.ts';
import { isEmpty } from './seen.ts';
import { deadlineMs, isStalled, lookDueMs } from './times.ts';
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
export function alertDue(memory: Memory): DrainAlert | undefined {
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
    if (!said[forced ? 'forced' : 'drained']?.done) return closes(memory, forced ?? drained);
  }
  const resolved = resolvedAlert(memory);
  if (resolved) return resolved;
  if (trouble && isNews(memory, 'stuck')) {
    const patienceSeconds = trouble.failure.reason === 'throttled' ? THROTTLED_SECONDS : TROUBLE_SECONDS;
    const lasting = memory.atMs - trouble.sinceMs >= patienceSeconds * 1000;
    const ours = trouble.failure.reason === 'denied' || trouble.failure.reason === 'gone';
    if (lasting || ours) {
      const because = `The drain does not get on: ${describeTrouble(memory)}. It is tried again until the deadline.`;
      return alertOf(memory, 'stuck', because, [timeLeft(memory)]);
    }
  }
  if (diagnosis && !isDone(memory) && isStalled(memory) && isDiagnosed(memory) && isNews(memory, 'stuck')) {
    const unknown = `Nothing has changed, and no cause is to be seen: ${describeRemaining(memory)}.`;
    const because = diagnosis.reasons[0] ?? unknown;
    const details = [timeLeft(memory), ...diagnosis.reasons.slice(1), ...(memory.look?.remaining?.samples ?? [])];
    return alertOf(memory, 'stuck', because, details);
  }
  return undefined;
}

/** Told in every mode: somebody may believe that the drains go on, or hold. */
export function misconfiguredAlert(memory: Memory): DrainAlert | undefined {
  const { switchMistakes } = memory;
  if (switchMistakes === undefined || !isNews(memory, 'misconfigured')) return undefined;
  const because = `The switch says nothing that can be understood (${switchMistakes}): what held before holds on.`;
  return alertOf(memory, 'misconfigured', because);
}

/** What people hear of as long as it lasts, and that it is over. */
const PROBLEMS = ['stuck', 'misconfigured', 'paused'] as const;
type Problem = (typeof PROBLEMS)[number];

/** They heard of it, and not yet that it is over. */
function openProblems({ said }: Memory): Problem[] {
  return PROBLEMS.filter((kind) => said[kind]?.open);
}

/** Told as soon as a problem has gone, unless the drain's ending is next: that says it as well. */
export function resolvedAlert(memory: Memory): DrainAlert | undefined {
  const gone = openProblems(memory).filter((problem) => hasGone(problem, memory));
  if (gone.length === 0 || mayEndNext(memory)) return undefined;
  const because = gone.map((problem) => relief(problem, memory)).join(' ');
  return { ...alertOf(memory, 'resolved', because), resolves: gone };
}

/** The instance is empty, or the look that is due now may show that it is. */
function mayEndNext(memory: Memory): boolean {
  const { settings, look, drainingSinceMs, atMs } = memory;
  if (settings.mode !== 'act' || drainingSinceMs === undefined || look === undefined || isDone(memory)) return false;
  return isEmpty(look) || lookDueMs(memory) <= atMs;
}

function hasGone(problem: Problem, memory: Memory): boolean {
  if (problem === 'misconfigured') return memory.switchMistakes === undefined;
  if (problem === 'paused') return memory.settings.mode !== 'pause';
  const { trouble, diagnosis, progress, heartbeatAtMs, heartbeatFailedAtMs = 0 } = memory;
  if (trouble || heartbeatFailedAtMs > heartbeatAtMs) return false;
  if (memory.drainingSinceMs === undefined || isDone(memory)) return true;
  // A stall is over when something moves; a pause only makes it nobody's fault.
  return !isStalled(memory) && (diagnosis === undefined || diagnosis.atMs < progress.atMs);
}

function relief(problem: Problem, memory: Memory): string {
  const { mode } = memory.settings;
  if (problem === 'misconfigured') return `The switch can be read again: it says ${mode}.`;
  if (problem === 'paused') return `The switch no longer says pause, but ${mode}.`;
  return memory.look === undefined
    ? 'What did not answer answers again.'
    : `The drain gets on again: ${describeRemaining(memory)}.`;
}

/** What is still to be said when the drain is over: how it ended, or where nobody need hear that, what is over with it. */
export function closing(memory: Memory, because: string, alert: DrainAlert | undefined): DrainAlert | undefined {
  if (alert && !memory.said[alert.kind]?.done) return closes(memory, alert);
  return openProblems(memory).length > 0 ? closes(memory, alertOf(memory, 'resolved', because)) : undefined;
}

/** With the drain, all its problems are over. */
function closes(memory: Memory, alert: DrainAlert): DrainAlert {
  const resolves = openProblems(memory);
  return resolves.length > 0 ? { ...alert, resolves } : alert;
}

/** A diagnosis is good for as long as the alert about it. */
export function isDiagnosed({ diagnosis, progress, atMs }: Memory): boolean {
  if (diagnosis === undefined || diagnosis.atMs < progress.atMs) return false;
  return atMs - diagnosis.atMs < AGAIN_SECONDS * 1000;
}

export function isNews(memory: Memory, kind: DrainAlertKind): boolean {
  const before = memory.said[kind];
  if (before?.done !== true) return true;
  // What has changed since is another stall, with a cause of its own; what was over in between is another problem.
  const changedAtMs = Math.max(memory.progress.atMs, memory.trouble?.sinceMs ?? 0);
  const isOther = before.open !== true || (kind === 'stuck' && changedAtMs > before.atMs);
  return memory.atMs - before.atMs >= (isOther ? OTHER_SECONDS : AGAIN_SECONDS) * 1000;
}

/** How long people have to help, and what happens then. */
function timeLeft(memory: Memory): string {
  const { request, settings, atMs } = memory;
  const end = request.kind === 'terminating' ? `released with ${settings.policy.atDeadline}` : 'given up';
  return `Its deadline is in ${minutesUntil(deadlineMs(memory), atMs)}: then it is ${end}, whatever is left.`;
}

/** Registrations that an earlier agent left behind; they are drained along, and hold nothing up. */
function leftovers({ placements = [] }: Memory): string[] {
  return placements.length < 2 ? [] : [`It is registered ${placements.length} times; all of them are drained.`];
}
