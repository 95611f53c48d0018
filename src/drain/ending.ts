import type { DrainAlert, DrainAlertKind } from '../alert.ts';
import { giveUpAtMs, isComingBack, isCutOff, isDone, isOver, SPOT_BACK_DAYS } from './coming-back.ts';
import type { Memory, Outcome } from './memory.ts';
import { isReactivated } from './memory.ts';
import { purposeOf } from './purpose.ts';
import { executionName } from './request.ts';
import { isEmpty, isForgotten, saysActive } from './seen.ts';
import { globalTimeoutMs, isStaying, LAG_SECONDS } from './times.ts';
import { describeRemaining, describeRequest, describeTrouble, minutesUntil, shortName } from './words.ts';

/** How a drain ended, and what people hear of it; an instance that ECS does not know is worth nobody's attention. */
export interface Ending {
  readonly outcome: Outcome;
  readonly because: string;
  readonly alert?: DrainAlert;
}

/** How the drain has ended, or undefined while there is something left to do. Pure. */
export function endingOf(memory: Memory): Ending | undefined {
  const { request, staying, placements } = memory;
  if (isDone(memory) && isComingBack(memory)) return restoreEnding(memory);
  if (memory.released) return releaseEnding(memory);
  if (memory.actionGone) {
    const because = `The lifecycle action was ended by somebody else or timed out: ${describeRemaining(memory)}.`;
    return ended(memory, 'hook-gone', 'hook-gone', because, memory.look?.remaining?.samples);
  }
  if (staying && staying.atMs - staying.sinceMs >= LAG_SECONDS * 1000) {
    const because = `A termination notice came, but Auto Scaling says ${staying.state ?? 'that it does not know the instance'}: nothing was changed.`;
    return ended(memory, 'hook-gone', 'hook-gone', because);
  }
  if (memory.atMs >= globalTimeoutMs(memory) && !isStaying(memory)) {
    const because = `The lifecycle action could not be completed before its global timeout (${describeTrouble(memory)}): the hook's default result applies.`;
    return ended(memory, 'failed', 'failed', because, memory.look?.remaining?.samples);
  }
  if (request.kind === 'terminating') return undefined;
  return placements && placements.length === 0 ? nowhereEnding(memory) : freeEnding(memory);
}

function releaseEnding(memory: Memory): Ending {
  const { released, placements, request } = memory;
  if (released?.vanished) {
    const because = 'The instance went away, and its lifecycle action with it, before its drain was done.';
    return ended(memory, 'hook-gone', 'hook-gone', because);
  }
  const forced = forcedEnding(memory);
  if (forced) return forced;
  if (placements?.length === 0) {
    const because = 'The instance is in no ECS cluster of this region: its termination goes on at once.';
    return ended(memory, 'not-a-container-instance', 'not-a-container-instance', because);
  }
  const seconds = Math.round(((released?.atMs ?? 0) - Date.parse(request.noticedAt)) / 1000);
  return ended(memory, 'drained', 'drained', `Every task has stopped; the instance was released after ${seconds} s.`);
}

/** In observe mode the drain is over as soon as something would have to be done; and what is left of it is said. */
export function observedEnding(memory: Memory, { kind, because: why }: { kind: string; because: string }): Ending {
  const more = memory.drainingSinceMs === undefined ? '' : ' more';
  const because = `In observe mode nothing${more} is done; next would come: ${kind}, for ${why}. ${whatIsLeft(memory)}`;
  return ended(memory, 'observed', 'observed', because.trim(), memory.look?.remaining?.samples);
}

function whatIsLeft(memory: Memory): string {
  const { request, hook, heartbeatAtMs, released, drainingSinceMs } = memory;
  const stays = drainingSinceMs === undefined ? '' : 'The container instance stays DRAINING.';
  if (request.kind !== 'terminating' || released) return stays;
  const result = hook?.defaultResult === undefined ? '' : ` (${hook.defaultResult})`;
  const endsAtMs = hook
    ? Math.min(heartbeatAtMs + (memory.periodSeconds ?? hook.heartbeatTimeoutSeconds) * 1000, globalTimeoutMs(memory))
    : undefined;
  const when = endsAtMs === undefined ? 'at its heartbeat timeout' : `in ${minutesUntil(endsAtMs, memory.atMs)}`;
  return `${stays} Nobody completes the hook or keeps it alive now: it ends by itself ${when}, with its default result${result}, unless you do.`;
}

/** What the deadline cut off. */
export function forcedEnding(memory: Memory): Ending | undefined {
  const { released, settings, look, request } = memory;
  if (request.kind !== 'terminating') return isCutOff(memory) ? cutOffEnding(memory) : undefined;
  if (!released?.forced || !released.tasksLeft) return undefined;
  const { atDeadline } = settings.policy;
  const because = `Released at its deadline with ${atDeadline}: ${describeRemaining(memory)}. These tasks are cut off.`;
  return ended(memory, atDeadline === 'CONTINUE' ? 'forced' : 'abandoned', 'forced', because, look?.remaining?.samples);
}

/** An instance is taken, for a while or for good, with tasks on it. */
function cutOffEnding(memory: Memory): Ending {
  const { request, look, ours = [] } = memory;
  const why = request.kind === 'spot-interruption' ? 'Its two minutes are over' : 'Its maintenance begins';
  const then = ours.length > 0 ? '; it is set ACTIVE again when it is back' : '';
  const because = `${why}: ${describeRemaining(memory)}. These tasks are cut off${isComingBack(memory) ? then : ''}.`;
  return ended(memory, 'forced', 'forced', because, look?.remaining?.samples);
}

function restoreEnding(memory: Memory): Ending | undefined {
  const { request, ours = [] } = memory;
  const forced = forcedEnding(memory);
  const outcome = forced?.outcome ?? 'drained';
  if (ours.length === 0) {
    if (forced) return forced;
    const because = 'Every task has stopped. It was DRAINING before we came, so it is left to whoever drained it.';
    return ended(memory, 'drained', 'drained', because);
  }
  if (memory.restoredAtMs !== undefined) {
    return ended(memory, outcome, 'restored', 'The container instance is back, and ACTIVE again.');
  }
  // A new root volume may make it a new container instance; but what has gone otherwise is not waited for.
  if (memory.wentForGood && request.kind !== 'terminating') {
    return {
      outcome,
      because: 'ECS has no registration of it any more, or its group takes it away: nothing is left to set ACTIVE.',
    };
  }
  if (memory.atMs < giveUpAtMs(memory)) return undefined;
  const byHand = 'if it does, set its container instance ACTIVE by hand.';
  if (request.kind === 'spot-interruption') {
    const because = `Spot has not started the instance again for ${SPOT_BACK_DAYS} days, and it is DRAINING: ${byHand}`;
    return ended(memory, outcome, 'noticed', because);
  }
  return ended(memory, outcome, 'failed', `The instance was drained but its agent has not come back: ${byHand}`);
}

/** Somebody asked about an instance that is in no cluster: only to a person is that an answer. */
function nowhereEnding(memory: Memory): Ending {
  const because = 'The instance is in no ECS cluster of this region: there is nothing to drain.';
  return memory.request.kind === 'ordered'
    ? ended(memory, 'not-a-container-instance', 'not-a-container-instance', because)
    : { outcome: 'not-a-container-instance', because };
}

/** The ends of a drain that holds no hook. */
function freeEnding(memory: Memory): Ending | undefined {
  const { request, settings, placements, look, group } = memory;
  const { action, callable } = purposeOf(request, settings.policy);
  if (memory.replacedAtMs !== undefined) {
    const because = memory.wasInNoGroup
      ? `The instance was to be replaced, because ${describeRequest(memory)}, but it has left its group already.`
      : `The group was told to replace the instance, because ${describeRequest(memory)}; its hook drains it.`;
    return ended(memory, 'replaced', 'replacing', because);
  }
  if (placements === undefined) return overdueEnding(memory);
  if (action === 'notify' || (action === 'replace' && memory.verified && group === undefined)) {
    const why = action === 'notify' ? 'policy says to tell only' : 'it is in no group that could replace it';
    return ended(memory, 'observed', 'noticed', `Nothing was done, for ${why}: ${describeRequest(memory)}.`);
  }
  if (look?.instances && isForgotten(look.instances)) {
    return ended(memory, 'drained', 'drained', 'ECS has no registration of the instance any more.');
  }
  if (memory.drainingSinceMs === undefined || look === undefined) return overdueEnding(memory);
  if (callable && isReactivated(memory)) {
    return ended(
      memory,
      'cancelled',
      'cancelled',
      'Somebody set the container instance ACTIVE again: its drain is off.',
    );
  }
  if (isEmpty(look) && !saysActive(look)) {
    return ended(memory, 'drained', 'drained', 'Every task has stopped; the container instance stays DRAINING.');
  }
  return overdueEnding(memory);
}

function overdueEnding(memory: Memory): Ending | undefined {
  const { look, request, settings } = memory;
  if (!isOver(memory)) return undefined;
  if (request.kind === 'spot-interruption') return cutOffEnding(memory);
  const done = purposeOf(request, settings.policy).action === 'replace' ? 'replaced' : 'drained';
  const because = `Not ${done} by its deadline: ${whatStands(memory)}.`;
  return ended(memory, 'failed', 'failed', because, look?.remaining?.samples);
}

/** How it is left where its deadline came first. */
function whatStands(memory: Memory): string {
  if (memory.drainingSinceMs !== undefined)
    return `${describeRemaining(memory)}. The container instance stays DRAINING`;
  return `${memory.trouble || memory.settings.mode === 'pause' ? describeTrouble(memory) : describeRemaining(memory)}. As far as is known, nothing was changed`;
}

function ended(
  memory: Memory,
  outcome: Outcome,
  kind: DrainAlertKind,
  because: string,
  details: readonly string[] = [],
): Ending {
  return { outcome, because, alert: alertOf(memory, kind, because, details) };
}

export function alertOf(
  memory: Memory,
  kind: DrainAlertKind,
  because: string,
  details: readonly string[] = [],
): DrainAlert {
  const { request, group } = memory;
  const named = 'cluster' in request ? request.cluster : undefined;
  const cluster = memory.placements?.[0]?.cluster ?? named;
  const names = { drain: executionName(request), instanceId: request.instanceId, group };
  return { kind, ...names, cluster: cluster && shortName(cluster), because, details };
}
