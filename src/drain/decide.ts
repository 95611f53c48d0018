import type { DrainAlert } from '../alert.ts';
import type { Finish, Wait } from '../loop.ts';
import { alertDue, closing, isDiagnosed, isNews, misconfiguredAlert, resolvedAlert } from './alerts.ts';
import { backByMs, goesAtMs, isDone, restorePaceSeconds } from './coming-back.ts';
import type { Ending } from './ending.ts';
import { alertOf, endingOf, forcedEnding, observedEnding } from './ending.ts';
import type { Memory, Outcome } from './memory.ts';
import { isReactivated } from './memory.ts';
import type { Move } from './move.ts';
import { isHeldBack } from './move.ts';
import { quietPaceSeconds } from './pace.ts';
import { purposeOf } from './purpose.ts';
import type { Placement } from './seen.ts';
import { isEmpty, isForgotten, saysActive } from './seen.ts';
import {
  deadlineMs,
  heartbeatDueMs,
  isStalled,
  isStaying,
  lookDueMs,
  retryAtMs,
  retryVerifyAtMs,
  standaloneDueMs,
} from './times.ts';
import { describeRemaining, describeRequest, shortName } from './words.ts';

/** The execution's result, and what `ecs-drain status` shows of a drain that has ended. */
export interface DrainResult {
  readonly instanceId: string;
  readonly group?: string;
  readonly cluster?: string;
  readonly outcome: Outcome;
  readonly because: string;
}

/** The known tasks alone are looked at for this long; then the instance itself again, for somebody may have touched it. */
const WHOLE_LOOK_SECONDS = 120;
/** A release may rest on a look of this age; then only whether new tasks came has to be checked. */
const FRESH_LOOK_SECONDS = 60;
/** Count who else is draining this often. */
const CROWD_SECONDS = 300;
/** Where nothing else is done, the switch is read this often: paused (rarer in a long pause), and before a planned start. */
const SWITCH_SECONDS = 60;
const PLANNED_SWITCH_SECONDS = 6 * 3_600;
/**
 * The next move, from what is known: verify, find, drain, look until nothing is left, release; and on the way keep the
 * action alive, tell people, and end at the deadline whatever happens. Pure.
 */
export function decide(memory: Memory): Move | Wait | Finish<DrainResult> {
  const ending = endingOf(memory);
  if (ending) return end(memory, ending);
  if (memory.settings.mode === 'pause') return paused(memory);

  const move = act(memory);
  if (move.kind === 'wait' || !isHeldBack(move, memory, memory.settings.mode)) return move;
  return end(memory, observedEnding(memory, move));
}

function end(memory: Memory, { outcome, because, alert }: Ending): Move | Finish<DrainResult> {
  const last = closing(memory, because, alert);
  if (last) return { ...tell(last), outcome };
  const { request, group } = memory;
  const cluster = memory.placements?.[0]?.cluster;
  return {
    kind: 'finish',
    because,
    outcome: {
      instanceId: request.instanceId,
      ...(group === undefined ? {} : { group }),
      ...(cluster === undefined ? {} : { cluster: shortName(cluster) }),
      outcome,
      because,
    },
  };
}

/** The hook is kept alive, people are told, and nothing else is done until the switch says otherwise. */
function paused(memory: Memory): Move | Wait {
  if (heartbeatDueMs(memory) <= memory.atMs) return heartbeat();
  const forced = isDone(memory) ? forcedEnding(memory)?.alert : undefined;
  if (forced && !memory.said.forced?.done) return tell(forced);
  if (isNews(memory, 'paused')) {
    const because = `The switch says pause: nothing is done, and ${describeRemaining(memory)}. The hook is kept alive until its global timeout.`;
    return tell(alertOf(memory, 'paused', because));
  }
  const alert = misconfiguredAlert(memory) ?? resolvedAlert(memory);
  if (alert) return tell(alert);
  const retry = backOff(memory);
  if (retry) return retry;
  // Reading is no doing: without it we would not know how long the hook lives.
  if (!memory.verified) return prepare(memory);
  const quietSeconds = quietPaceSeconds(memory, (memory.steppedAtMs - memory.progress.atMs) / 1000);
  const quiet = isDone(memory) ? restorePaceSeconds(memory) : quietSeconds;
  return readSwitchEvery(memory, Math.max(SWITCH_SECONDS, quiet), 'the switch says pause');
}

function act(memory: Memory): Move | Wait {
  if (heartbeatDueMs(memory) <= memory.atMs) return heartbeat();
  if (isOverdue(memory)) return atDeadline(memory);

  const alert = alertDue(memory);
  if (alert) return tell(alert);

  const retry = backOff(memory);
  if (retry) return retry;
  if (isDone(memory)) return restore(memory);
  return memory.verified && memory.placements ? proceed(memory, memory.placements) : prepare(memory);
}

function backOff(memory: Memory): Wait | undefined {
  const { trouble } = memory;
  if (trouble === undefined || memory.atMs >= retryAtMs(memory)) return undefined;
  const { operation, reason } = trouble.failure;
  return wait(memory, retryAtMs(memory), `${operation} failed (${reason}): again soon`);
}

/** Finds out where the instance stands, before anything is done to it. */
function prepare(memory: Memory): Move | Wait {
  const { staying, request } = memory;
  if (memory.verified)
    return { kind: 'find', because: 'the container instance must be known before it can be drained' };
  if (staying && memory.atMs < retryVerifyAtMs(memory)) {
    return wait(memory, retryVerifyAtMs(memory), 'Auto Scaling may not yet say that the instance is leaving');
  }
  const because =
    request.kind === 'terminating'
      ? 'only an instance that its group is terminating through our hook is drained'
      : 'its group, if it has one, may have a policy of its own';
  return { kind: 'verify', because };
}

function proceed(memory: Memory, placements: readonly Placement[]): Move | Wait {
  const { look, request } = memory;
  if (placements.length === 0) {
    return release(memory, 'CONTINUE', 'every cluster answered, and the instance is in none of them');
  }
  const { action, startAtMs, restore } = purposeOf(request, memory.settings.policy);
  if (memory.atMs < startAtMs)
    return readSwitchEvery(memory, PLANNED_SWITCH_SECONDS, 'its time has not come', startAtMs);
  if (action === 'replace') return { kind: 'replace', because: describeRequest(memory) };
  if (restore && look === undefined) {
    return { kind: 'look', placements, because: 'what was DRAINING before we came is not ours to set ACTIVE again' };
  }
  if (look?.instances && isForgotten(look.instances)) {
    return release(memory, 'CONTINUE', 'ECS has no registration of the instance any more');
  }
  if (look === undefined && isRefused(memory)) {
    return { kind: 'look', placements, because: 'its state could not be changed: what is it now?' };
  }
  if (memory.drainingSinceMs === undefined || look === undefined) {
    return {
      kind: 'start-draining',
      placements,
      because: `${describeRequest(memory)}: no new task may be placed on it`,
    };
  }
  if (isReactivated(memory)) {
    return { kind: 'start-draining', placements, because: 'somebody set it ACTIVE again while it is still leaving' };
  }
  if (isEmpty(look) && !saysActive(look)) {
    return release(memory, 'CONTINUE', 'every task on the instance has stopped');
  }
  if (standaloneDueMs(memory) <= memory.atMs) {
    return { kind: 'stop-standalone', placements, because: 'policy stops standalone tasks, which ECS leaves alone' };
  }
  if (isStalled(memory) && !isDiagnosed(memory)) {
    const { stuckAfterSeconds } = memory.settings.policy;
    const sinceMs = memory.drainingSinceMs;
    return { kind: 'diagnose', placements, sinceMs, because: `nothing has changed for ${stuckAfterSeconds} s` };
  }
  return memory.atMs < lookDueMs(memory)
    ? wait(memory, Math.min(lookDueMs(memory), standaloneDueMs(memory)), describeRemaining(memory))
    : lookAgain(memory, placements);
}

/** ECS would not change the state: the registration may have gone since it was found. */
function isRefused({ trouble }: Memory): boolean {
  return trouble?.failure.operation === 'ecs:UpdateContainerInstancesState' && trouble.failure.reason === 'other';
}

function lookAgain(memory: Memory, placements: readonly Placement[]): Move {
  const { look, crowd } = memory;
  const known = look?.remaining?.ids;
  const isOld = memory.atMs - (memory.wholeLookAtMs ?? 0) >= WHOLE_LOOK_SECONDS * 1000;
  const isWhole = known === undefined || isOld || (look !== undefined && saysActive(look));
  const isCrowdOld = crowd === undefined || memory.atMs - crowd.atMs >= CROWD_SECONDS * 1000;
  const because = describeRemaining(memory);
  return isWhole
    ? { kind: 'look', placements, countCrowd: isCrowdOld, because }
    : { kind: 'look', placements, known, because };
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

function isOverdue(memory: Memory): boolean {
  return memory.atMs >= deadlineMs(memory) && !isStaying(memory) && !isDone(memory);
}

/** A hook is released now; without one, a last look says what is left, and the ending follows from it. */
function atDeadline(memory: Memory): Move | Wait {
  const because = `the deadline has come: ${describeRemaining(memory)}`;
  const { request, trouble, placements } = memory;
  if (request.kind !== 'terminating') {
    return placements ? { kind: 'look', placements, nameAll: true, because } : { kind: 'read-switch', because };
  }
  // Only a failed release is waited for: what failed before the deadline is no reason to miss it.
  if (trouble && trouble.atMs >= deadlineMs(memory) && memory.atMs < retryAtMs(memory)) {
    return wait(memory, retryAtMs(memory), 'the release failed: again soon');
  }
  const result = memory.settings.policy.atDeadline;
  return { kind: 'release', placements, result, forced: true, lookAtAll: true, because };
}

/** Waits for an instance that stays or comes back, and sets it ACTIVE again. */
function restore(memory: Memory): Move | Wait {
  const { request, placements = [], ours = [], agentWasAway } = memory;
  const because = 'the instance is not back yet';
  if (memory.atMs < goesAtMs(memory)) return readSwitchEvery(memory, PLANNED_SWITCH_SECONDS, because, goesAtMs(memory));
  const nextMs = memory.steppedAtMs + restorePaceSeconds(memory) * 1000;
  if (memory.atMs < nextMs) return wait(memory, nextMs, because);
  const onlyLook = request.kind !== 'terminating' && !agentWasAway && memory.atMs < backByMs(memory);
  return { kind: 'restore', placements, ours, onlyLook, because: 'we drained it, and it stays' };
}

function readSwitchEvery(
  memory: Memory,
  seconds: number,
  because: string,
  untilMs = Number.POSITIVE_INFINITY,
): Move | Wait {
  const nextMs = Math.min(memory.steppedAtMs + seconds * 1000, untilMs);
  return memory.atMs < nextMs ? wait(memory, nextMs, because) : { kind: 'read-switch', because };
}

function heartbeat(): Move {
  return { kind: 'heartbeat', because: 'half of the heartbeat period has passed' };
}

function tell(alert: DrainAlert): Extract<Move, { kind: 'alert' }> {
  return { kind: 'alert', alert, because: alert.because };
}

/** Waits until the given time, or until whatever else comes due first. At least a second: time must get on. */
function wait(memory: Memory, untilMs: number, because: string): Wait {
  const deadline = deadlineMs(memory);
  const dueMs = memory.settings.mode === 'pause' || isDone(memory) || deadline <= memory.atMs ? untilMs : deadline;
  const next = Math.min(untilMs, heartbeatDueMs(memory), dueMs);
  return { kind: 'wait', seconds: Math.max(1, Math.ceil((next - memory.atMs) / 1000)), because };
}
