import type { Memory } from './memory.ts';
import { purposeOf } from './purpose.ts';

/** Tasks still run, or are leaving their load balancer: minutes away. */
const FAR_SECONDS = 33;
/** Every task left is inside its stop timeout: seconds away. */
const NEAR_SECONDS = 8;
/**
 * How many seconds each further draining instance adds to everybody's pace, so that a hundred of them together stay
 * under 10 reads a second of the 20 that ECS sustains for the whole account and region (AWS-CONTRACTS §3).
 */
const FAR_SECONDS_EACH = 0.4;
const NEAR_SECONDS_EACH = 0.16;
/** Where nothing changes, looks become rarer: 48 hours must fit into 1,500 durable operations. */
const QUIET_SHARE = 0.1;
const SLOWEST_SECONDS = 450;
/** What may take two weeks is looked at no more often than what may take 48 hours. */
const MOST_QUIET_LOOKS = 400;

/** The least seconds from one look to the next. */
export function paceSeconds(memory: Memory): number {
  const near = isNear(memory);
  const crowd = crowdOf(memory);
  const pace = Math.max(
    near ? NEAR_SECONDS : FAR_SECONDS * firstSpread(memory),
    crowd * (near ? NEAR_SECONDS_EACH : FAR_SECONDS_EACH),
    quietPaceSeconds(memory, quietSecondsOf(memory)),
  );
  return Math.min(slowestSeconds(memory), pace * memory.slower);
}

/** As of the look, not of now: else the next look moves away while it is waited for. */
function quietSecondsOf({ look, atMs, progress }: Memory): number {
  return ((look?.atMs ?? atMs) - progress.atMs) / 1000;
}

/** Ever more seconds, the longer nothing has changed. */
export function quietPaceSeconds(memory: Memory, quietSeconds: number): number {
  return Math.min(slowestSeconds(memory), quietSeconds * QUIET_SHARE);
}

function slowestSeconds({ request, settings }: Memory): number {
  const longestMs = purposeOf(request, settings.policy).deadlineMs - Date.parse(request.noticedAt);
  return Math.max(SLOWEST_SECONDS, longestMs / 1000 / MOST_QUIET_LOOKS);
}

/** More than a hundred are not counted, for a thousand that count each other are themselves too many calls. */
const UNCOUNTED = 400;

function crowdOf({ crowd }: Memory): number {
  const count = crowd?.count ?? 1;
  return count > 100 ? UNCOUNTED : count;
}

/** Seconds to wait after failures in a row: doubling up to a minute, and rarer where they last for long. */
export function backoffSeconds(memory: Memory): number {
  if (memory.trouble === undefined) return 0;
  const { count, sinceMs, atMs, failure } = memory.trouble;
  // Throttled together, all come again together unless they go far apart: each time twice as far.
  const first = failure.reason === 'throttled' ? 2 : 1;
  // Where looks have become rare, so do the tries.
  const pace = quietPaceSeconds(memory, quietSecondsOf(memory));
  const doubling = Math.min(Math.max(60 * first, pace), Math.max(first, pace / 16) * 2 ** Math.min(count, 6));
  const quiet = quietPaceSeconds(memory, (atMs - sinceMs) / 1000);
  return Math.min(slowestSeconds(memory), Math.max(doubling * spread(memory, count), quiet));
}

function isNear(memory: Memory): boolean {
  const { remaining, instances } = memory.look ?? {};
  if (remaining === undefined || (instances?.wanted ?? 0) > 0) return false;
  return Object.keys(remaining.byStatus).every((status) => status === 'STOPPING' || status === 'DEPROVISIONING');
}

/** Before the first look, instances that were drained in one second are spread out. */
function firstSpread(memory: Memory): number {
  const isFirst = memory.wholeLookAtMs === undefined || memory.wholeLookAtMs === memory.drainingSinceMs;
  return isFirst ? 0.4 + 0.6 * spread(memory, 0) : 1;
}

/** 0.5 to 1.5, by instance id and turn: no chance, so that a replay waits as long. */
function spread({ request }: Memory, turn: number): number {
  const digits = Number.parseInt(request.instanceId.slice(-8), 16) + turn * 0x9e3779b9;
  return 0.5 + (digits % 2 ** 32) / 2 ** 32;
}
