import type { Alert, AlertKind } from '../alert.ts';
import type { Finish, Wait } from '../loop.ts';
import type { Memory, Outcome, Placement, Remaining } from './memory.ts';
import { isEmpty } from './memory.ts';
import { backoffSeconds, paceSeconds } from './pace.ts';

/** What a drain can do next. One move is one effect, safe to repeat; the same `because` goes to log, alert and trace. */
export type Move = { readonly because: string } & (
  | { readonly kind: 'verify' }
  | { readonly kind: 'find' }
  | { readonly kind: 'start-draining'; readonly placements: readonly Placement[] }
  | {
      readonly kind: 'look';
      readonly placements: readonly Placement[];
      /** Tasks known from the look before, by placement: asking for just these is one call. */
      readonly known?: readonly (readonly string[])[];
      readonly countCrowd: boolean;
    }
  | { readonly kind: 'heartbeat' }
  | { readonly kind: 'diagnose'; readonly placements: readonly Placement[] }
  | { readonly kind: 'alert'; readonly alert: Alert }
  | {
      readonly kind: 'release';
      /** Undefined where the deadline comes before the instance could be found. */
      readonly placements: readonly Placement[] | undefined;
      readonly result: 'CONTINUE' | 'ABANDON';
      /** The deadline has come: release whatever the last look shows. */
      readonly forced: boolean;
      /** The look that this rests on is old: look at everything again, not only at the container instances. */
      readonly lookAtAll: boolean;
    }
);

/** The execution's result, and what `ecs-drain status` shows of a drain that has ended. */
export interface DrainResult {
  readonly instanceId: string;
  readonly group: string;
  readonly cluster?: string;
  readonly outcome: Outcome;
  readonly because: string;
}

/** DescribeAutoScalingInstances may lag the notice (AWS-CONTRACTS §1): look again for this long. */
const LAG_SECONDS = 120;
const LAG_RECHECK_SECONDS = 3;
/** A failed read is worth an alert after this long; one that is denied, or names what does not exist, at once. */
const TROUBLE_SECONDS = 120;
/** The known tasks alone are looked at for this long; then the instance itself again, for somebody may have touched it. */
const WHOLE_LOOK_SECONDS = 120;
/** A release may rest on a look of this age; then only whether new tasks came has to be checked. */
const FRESH_LOOK_SECONDS = 60;
/** Count who else is draining this often. */
const CROWD_SECONDS = 300;
/** Say again that it is stuck after this long. */
const STUCK_AGAIN_SECONDS = 3_600;
/** AWS-CONTRACTS §1: the least heartbeat timeout, and with it the least global timeout, taken until the hook is read. */
const UNKNOWN_HOOK = { heartbeatTimeoutSeconds: 30, globalTimeoutSeconds: 3_000 };
/** Stay clear of the hook's global timeout by five minutes. */
const GLOBAL_TIMEOUT_MARGIN_SECONDS = 300;

/**
 * The next move, from what is known: verify, find, drain, look until nothing is left, release; and on the way keep the
 * action alive, tell people, and end at the deadline whatever happens. Pure.
 */
export function decide(memory: Memory): Move | Wait | Finish<DrainResult> {
  const ending = endingOf(memory);
  if (ending) {
    if (!memory.said[ending.alert.kind]?.done) return tell(ending.alert);
    return finish(memory, ending.outcome, ending.alert.because);
  }
  if (heartbeatDueMs(memory) <= memory.atMs) {
    return { kind: 'heartbeat', because: 'half of the heartbeat period has passed' };
  }
  if (memory.atMs >= deadlineMs(memory) && !isStaying(memory)) return forcedRelease(memory);

  const alert = alertDue(memory);
  if (alert) return tell(alert);

  const { trouble } = memory;
  if (trouble && memory.atMs < retryAtMs(memory)) {
    return wait(
      memory,
      retryAtMs(memory),
      `${trouble.failure.operation} failed (${trouble.failure.reason}): again soon`,
    );
  }
  return nextStep(memory);
}

/** When the drain is ended whatever is left: set by policy, and always well inside the hook's global timeout. */
export function deadlineMs(memory: Memory): number {
  const { globalTimeoutSeconds } = memory.hook ?? UNKNOWN_HOOK;
  const most = globalTimeoutSeconds - GLOBAL_TIMEOUT_MARGIN_SECONDS;
  return Date.parse(memory.request.noticedAt) + Math.min(memory.policy.deadlineSeconds, most) * 1000;
}

function nextStep(memory: Memory): Move | Wait {
  const { placements, look, staying } = memory;
  if (!memory.verified) {
    if (staying && memory.atMs < retryVerifyAtMs(memory)) {
      return wait(memory, retryVerifyAtMs(memory), 'Auto Scaling may not yet say that the instance is leaving');
    }
    return { kind: 'verify', because: 'only an instance that its group is terminating through our hook is drained' };
  }
  if (placements === undefined) {
    return { kind: 'find', because: 'the container instance must be known before it can be drained' };
  }
  if (placements.length === 0) {
    return release(memory, 'CONTINUE', 'every cluster answered, and the instance is in none of them');
  }
  if (memory.drainingSinceMs === undefined || look === undefined) {
    return { kind: 'start-draining', placements, because: 'the instance is leaving: no new task may be placed on it' };
  }
  if (look.instances?.statuses.includes('ACTIVE')) {
    return { kind: 'start-draining', placements, because: 'somebody set it ACTIVE again while it is still leaving' };
  }
  if (isEmpty(look)) return release(memory, 'CONTINUE', 'every task on the instance has stopped');
  if (isStalled(memory) && !diagnosedSinceStall(memory)) {
    return { kind: 'diagnose', placements, because: `nothing has changed for ${memory.policy.stuckAfterSeconds} s` };
  }
  return memory.atMs < lookDueMs(memory)
    ? wait(memory, lookDueMs(memory), describeRemaining(memory))
    : lookAgain(memory, placements);
}

function lookAgain(memory: Memory, placements: readonly Placement[]): Move {
  const { look, crowd } = memory;
  const known = look?.remaining?.ids;
  const whole = known === undefined || memory.atMs - (memory.wholeLookAtMs ?? 0) >= WHOLE_LOOK_SECONDS * 1000;
  return {
    kind: 'look',
    placements,
    ...(whole ? {} : { known }),
    countCrowd: whole && (crowd === undefined || memory.atMs - crowd.atMs >= CROWD_SECONDS * 1000),
    because: describeRemaining(memory),
  };
}

function release(memory: Memory, result: 'CONTINUE' | 'ABANDON', because: string): Move {
  return {
    kind: 'release',
    placements: memory.placements,
    result,
    forced: false,
    lookAtAll: memory.look === undefined || memory.atMs - memory.look.atMs > FRESH_LOOK_SECONDS * 1000,
    because,
  };
}

function forcedRelease(memory: Memory): Move | Wait {
  const { trouble } = memory;
  // Only a failed release is waited for: what failed before the deadline is no reason to miss it. Once the hook is
  // known its end is minutes away; until then it may be two days, at the pace of any other trouble.
  const mostMs = memory.hook ? 60_000 : Number.POSITIVE_INFINITY;
  const retryMs = trouble ? Math.min(retryAtMs(memory), trouble.atMs + mostMs) : 0;
  if (trouble && trouble.atMs >= deadlineMs(memory) && memory.atMs < retryMs) {
    return wait(memory, retryMs, 'the release failed: again soon');
  }
  return {
    kind: 'release',
    placements: memory.placements,
    result: memory.policy.atDeadline,
    forced: true,
    lookAtAll: true,
    because: `the deadline has come: ${describeRemaining(memory)}`,
  };
}

/** How the drain ended and what is said of it, or undefined while there is something left to do. */
function endingOf(memory: Memory): { outcome: Outcome; alert: Alert } | undefined {
  const { released, staying, policy } = memory;
  if (released) {
    if (released.forced && released.tasksLeft) {
      const outcome = policy.atDeadline === 'CONTINUE' ? 'forced' : 'abandoned';
      const because = `Released at its deadline with ${policy.atDeadline}: ${describeRemaining(memory)}. These tasks are cut off.`;
      return { outcome, alert: alertOf(memory, 'forced', because, memory.look?.remaining?.samples) };
    }
    if (memory.placements?.length === 0) {
      const because = 'The instance is in no ECS cluster of this region: its termination goes on at once.';
      return { outcome: 'not-a-container-instance', alert: alertOf(memory, 'not-a-container-instance', because) };
    }
    const seconds = Math.round((released.atMs - Date.parse(memory.request.noticedAt)) / 1000);
    const because = `Every task has stopped; the instance was released after ${seconds} s.`;
    return { outcome: 'drained', alert: alertOf(memory, 'drained', because) };
  }
  if (memory.actionGone) {
    const because = `The lifecycle action was ended by somebody else or timed out: ${describeRemaining(memory)}.`;
    return { outcome: 'hook-gone', alert: alertOf(memory, 'hook-gone', because, memory.look?.remaining?.samples) };
  }
  if (staying && staying.atMs - staying.sinceMs >= LAG_SECONDS * 1000) {
    const because = `A termination notice came, but Auto Scaling says ${staying.state ?? 'that it does not know the instance'}: nothing was changed.`;
    return { outcome: 'hook-gone', alert: alertOf(memory, 'hook-gone', because) };
  }
  const hook = memory.hook ?? { globalTimeoutSeconds: 172_800 };
  const isOver = memory.atMs >= Date.parse(memory.request.noticedAt) + hook.globalTimeoutSeconds * 1000;
  if (isOver && !isStaying(memory)) {
    const because = `The lifecycle action could not be completed before its global timeout (${describeTrouble(memory)}): the hook's default result applies.`;
    return { outcome: 'failed', alert: alertOf(memory, 'failed', because, memory.look?.remaining?.samples) };
  }
  return undefined;
}

/** What people should hear now, on the way. */
function alertDue(memory: Memory): Alert | undefined {
  const { trouble, said, diagnosis } = memory;
  if (memory.drainingSinceMs !== undefined && !said.started?.done) {
    const minutes = Math.round((deadlineMs(memory) - memory.atMs) / 60_000);
    return alertOf(memory, 'started', `Draining has begun; it is released at the latest in ${minutes} min.`);
  }
  const quiet = said.stuck?.done !== true || memory.atMs - said.stuck.atMs >= STUCK_AGAIN_SECONDS * 1000;
  if (trouble && quiet) {
    const lasting = memory.atMs - trouble.sinceMs >= TROUBLE_SECONDS * 1000;
    const ours = trouble.failure.reason === 'denied' || trouble.failure.reason === 'gone';
    if (lasting || ours) {
      return alertOf(
        memory,
        'stuck',
        `The drain does not get on: ${describeTrouble(memory)}. It is tried again until the deadline.`,
      );
    }
  }
  if (diagnosis && isStalled(memory) && diagnosedSinceStall(memory) && quiet) {
    const because =
      diagnosis.reasons[0] ?? `Nothing has changed, and no cause is to be seen: ${describeRemaining(memory)}.`;
    return alertOf(memory, 'stuck', because, [
      ...diagnosis.reasons.slice(1),
      ...(memory.look?.remaining?.samples ?? []),
    ]);
  }
  return undefined;
}

/** Auto Scaling's latest answer is that the instance is not leaving: nothing of it may be ended, however late it is. */
function isStaying({ staying, trouble }: Memory): boolean {
  return staying !== undefined && trouble === undefined;
}

function isStalled(memory: Memory): boolean {
  return memory.atMs - memory.progress.atMs >= memory.policy.stuckAfterSeconds * 1000;
}

/** A diagnosis is good for as long as the alert about it. */
function diagnosedSinceStall(memory: Memory): boolean {
  const { diagnosis, progress } = memory;
  if (diagnosis === undefined || diagnosis.atMs < progress.atMs) return false;
  return memory.atMs - diagnosis.atMs < STUCK_AGAIN_SECONDS * 1000;
}

function lookDueMs(memory: Memory): number {
  // Nothing is wanted on it any more, and what is on its way down has not been listed: no reason to wait.
  if (memory.look?.instances?.wanted === 0 && memory.look.remaining === undefined) return memory.atMs;
  return (memory.look?.atMs ?? memory.atMs) + paceSeconds(memory) * 1000;
}

function retryAtMs(memory: Memory): number {
  return (memory.trouble?.atMs ?? memory.atMs) + backoffSeconds(memory) * 1000;
}

/** The lag is seconds at most times: soon at first, then after as long again as it has lasted. */
function retryVerifyAtMs({ staying, atMs }: Memory): number {
  if (staying === undefined) return atMs;
  const nextMs = staying.atMs + Math.max(LAG_RECHECK_SECONDS * 1000, staying.atMs - staying.sinceMs);
  return Math.min(nextMs, staying.sinceMs + LAG_SECONDS * 1000);
}

/** While nothing was verified, nothing is kept alive, unless it is a failed read that keeps us from verifying. */
function heartbeatDueMs(memory: Memory): number {
  if (!memory.verified && memory.trouble === undefined) return Number.POSITIVE_INFINITY;
  const { heartbeatTimeoutSeconds } = memory.hook ?? UNKNOWN_HOOK;
  const { heartbeatAtMs, heartbeatFailedAtMs = 0 } = memory;
  if (heartbeatFailedAtMs <= heartbeatAtMs) return heartbeatAtMs + (heartbeatTimeoutSeconds / 2) * 1000;
  // Five tries within the period. After it the action has gone, or its period is longer than we know: no hurry.
  const isLate = heartbeatFailedAtMs >= heartbeatAtMs + heartbeatTimeoutSeconds * 1000;
  return heartbeatFailedAtMs + Math.max(heartbeatTimeoutSeconds / 10, isLate ? backoffSeconds(memory) : 0) * 1000;
}

/** Waits until the given time, or until whatever else comes due first. At least a second: time must get on. */
function wait(memory: Memory, untilMs: number, because: string): Wait {
  const deadline = deadlineMs(memory);
  const next = Math.min(untilMs, heartbeatDueMs(memory), deadline > memory.atMs ? deadline : untilMs);
  return { kind: 'wait', seconds: Math.max(1, Math.ceil((next - memory.atMs) / 1000)), because };
}

function tell(alert: Alert): Move {
  return { kind: 'alert', alert, because: alert.because };
}

function alertOf(memory: Memory, kind: AlertKind, because: string, details: readonly string[] = []): Alert {
  const { instanceId, group, cluster } = memory.request;
  const found = memory.placements?.[0]?.cluster ?? cluster;
  return { kind, instanceId, group, cluster: found && shortName(found), because, details };
}

function finish(memory: Memory, outcome: Outcome, because: string): Finish<DrainResult> {
  const { instanceId, group } = memory.request;
  const cluster = memory.placements?.[0]?.cluster;
  return {
    kind: 'finish',
    because,
    outcome: { instanceId, group, ...(cluster === undefined ? {} : { cluster: shortName(cluster) }), outcome, because },
  };
}

/** A cluster's name, from its name or its ARN. */
export function shortName(cluster: string): string {
  return cluster.slice(cluster.lastIndexOf('/') + 1);
}

function describeTrouble(memory: Memory): string {
  const failure = memory.trouble?.failure;
  return failure
    ? `${failure.operation} answers "${failure.message}" (${failure.reason})`
    : 'no answer from Auto Scaling';
}

function describeRemaining({ look }: Memory): string {
  if (look === undefined) return 'nothing is known yet of the tasks on it';
  if (look.remaining) return countTasks(look.remaining);
  const wanted = look.instances?.wanted ?? 0;
  return `${wanted} task${wanted === 1 ? ' is' : 's are'} still wanted on it`;
}

function countTasks({ total, byStatus }: Remaining): string {
  if (total === 0) return 'no task is left';
  const counts = Object.entries(byStatus).map(([status, count]) => `${count} ${status}`);
  return `${total} task${total === 1 ? '' : 's'} left (${counts.join(', ')})`;
}
