import type { Memory } from './memory.ts';
import { backoffSeconds, paceSeconds } from './pace.ts';
import { purposeOf } from './purpose.ts';

/** DescribeAutoScalingInstances may lag the notice (AWS-CONTRACTS §1): look again for this long. */
export const LAG_SECONDS = 120;
const LAG_RECHECK_SECONDS = 3;
/** AWS-CONTRACTS §1: the least heartbeat timeout, and with it the least global timeout, taken until the hook is read. */
const UNKNOWN_HOOK = { heartbeatTimeoutSeconds: 30, globalTimeoutSeconds: 3_000 };
/** Stay clear of the hook's global timeout by five minutes. */
const GLOBAL_TIMEOUT_MARGIN_SECONDS = 300;
const LONGEST_HOOK_SECONDS = 172_800;

/** When the drain is ended whatever is left: set by policy, and always well inside the hook's global timeout. */
export function deadlineMs(memory: Memory): number {
  const { request, hook = UNKNOWN_HOOK } = memory;
  const byPurpose = purposeOf(request, memory.settings.policy).deadlineMs;
  if (request.kind !== 'terminating') return byPurpose;
  const most = hook.globalTimeoutSeconds - GLOBAL_TIMEOUT_MARGIN_SECONDS;
  return Math.min(byPurpose, Date.parse(request.noticedAt) + most * 1000);
}

/** When Auto Scaling ends the action by itself, and nothing that we do counts any more. */
export function globalTimeoutMs({ request, hook }: Memory): number {
  if (request.kind !== 'terminating') return Number.POSITIVE_INFINITY;
  return Date.parse(request.noticedAt) + (hook?.globalTimeoutSeconds ?? LONGEST_HOOK_SECONDS) * 1000;
}

/** While nothing was verified, nothing is kept alive, unless it is a failed read that keeps us from verifying. */
export function heartbeatDueMs(memory: Memory): number {
  const { request, settings, verified, trouble, released, drainingSinceMs } = memory;
  if (request.kind !== 'terminating' || released) return Number.POSITIVE_INFINITY;
  // What was begun is not to be cut off by our silence; what was not is watched only.
  if (settings.mode === 'observe' && drainingSinceMs === undefined) return Number.POSITIVE_INFINITY;
  if (!verified && trouble === undefined) return Number.POSITIVE_INFINITY;
  const heartbeatTimeoutSeconds = memory.periodSeconds ?? (memory.hook ?? UNKNOWN_HOOK).heartbeatTimeoutSeconds;
  const { heartbeatAtMs, heartbeatFailedAtMs = 0 } = memory;
  if (heartbeatFailedAtMs <= heartbeatAtMs) {
    if (memory.hookIsNew) return memory.atMs;
    // A hook that could not be read is worth a few hurried tries; one that never can be, not two days of them.
    const isHurried = memory.hookUnread > 0 && memory.hookUnread <= 5 && thriftSeconds(memory) === 0;
    return heartbeatAtMs + (heartbeatTimeoutSeconds / (isHurried ? 10 : 2)) * 1000;
  }
  // Five tries within the period. After it the action has gone, or its period is longer than we know: no hurry.
  const isLate = heartbeatFailedAtMs >= heartbeatAtMs + heartbeatTimeoutSeconds * 1000;
  return heartbeatFailedAtMs + Math.max(heartbeatTimeoutSeconds / 10, isLate ? backoffSeconds(memory) : 0) * 1000;
}

export function lookDueMs(memory: Memory): number {
  // Nothing is wanted on it any more, and what is on its way down has not been listed: no reason to wait.
  if (memory.look?.instances?.wanted === 0 && memory.look.remaining === undefined) return memory.atMs;
  return (memory.look?.atMs ?? memory.atMs) + Math.max(paceSeconds(memory), thriftSeconds(memory)) * 1000;
}

/** Steps until the deadline, each with its wait: under 1,500 durable operations; and how many may come at once. */
const BUDGET = 720;
const ADVANCE = 250;
/** A look, and what it leads to. */
const STEPS_EACH = 1.5;
/** Looks until the deadline, however much was spent. */
const LEAST_LOOKS = 96;

/**
 * Where calls fail every now and then for hours, tries, alerts and heartbeats cost more than the looks that the pace
 * counts with: then what is left of the budget is spread over the time that is left. At most times zero.
 */
function thriftSeconds(memory: Memory): number {
  const { request, steppedAtMs, steps } = memory;
  const wholeMs = deadlineMs(memory) - Date.parse(request.noticedAt);
  // As of the latest step, not of now: else the next look moves away while it is waited for.
  const leftMs = deadlineMs(memory) - steppedAtMs;
  const isOnCourse = steps <= BUDGET - (BUDGET - ADVANCE) * (leftMs / wholeMs);
  if (isOnCourse || leftMs <= 0) return 0;
  return Math.min(wholeMs / LEAST_LOOKS, (leftMs * STEPS_EACH) / Math.max(1, BUDGET - steps)) / 1000;
}

/** An instance that could go is not kept for long by a call that failed. */
const RELEASE_RETRY_SECONDS = 20;

export function retryAtMs(memory: Memory): number {
  const { trouble } = memory;
  if (trouble === undefined) return memory.atMs;
  const isRelease = trouble.failure.operation === 'autoscaling:CompleteLifecycleAction' && memory.hook !== undefined;
  const seconds = Math.max(backoffSeconds(memory), thriftSeconds(memory));
  return trouble.atMs + (isRelease ? Math.min(seconds, RELEASE_RETRY_SECONDS) : seconds) * 1000;
}

/** The lag is seconds at most times: soon at first, then after as long again as it has lasted. */
export function retryVerifyAtMs({ staying, atMs }: Memory): number {
  if (staying === undefined) return atMs;
  const nextMs = staying.atMs + Math.max(LAG_RECHECK_SECONDS * 1000, staying.atMs - staying.sinceMs);
  return Math.min(nextMs, staying.sinceMs + LAG_SECONDS * 1000);
}

/** When standalone tasks are stopped, if policy wants them stopped and they have not been. */
export function standaloneDueMs({ settings, drainingSinceMs, standaloneStoppedAtMs }: Memory): number {
  const after = settings.policy.stopStandaloneAfterSeconds;
  if (after === undefined || drainingSinceMs === undefined || standaloneStoppedAtMs !== undefined) {
    return Number.POSITIVE_INFINITY;
  }
  return drainingSinceMs + after * 1000;
}

/** Auto Scaling's latest answer is that the instance is not leaving: nothing of it may be ended, however late it is. */
export function isStaying({ staying, trouble }: Memory): boolean {
  return staying !== undefined && trouble === undefined;
}

/**
 * By what was last seen, and only after twice as long by the clock: while nobody looks, nobody knows. Time in a pause is
 * nobody's stall.
 */
export function isStalled({ look, atMs, progress, settings, pausedAtMs = 0 }: Memory): boolean {
  const sinceMs = Math.max(progress.atMs, pausedAtMs);
  const patienceMs = settings.policy.stuckAfterSeconds * 1000;
  return (look?.atMs ?? atMs) - sinceMs >= patienceMs || atMs - sinceMs >= 2 * patienceMs;
}
