import type { DrainAlert, DrainAlertKind } from '../alert.ts';
import type { Memory, Outcome } from './memory.ts';
import { isEmpty, isForgotten } from './memory.ts';
import { purposeOf } from './purpose.ts';
import { executionName } from './request.ts';
import { deadlineMs, globalTimeoutMs, isStaying, LAG_SECONDS } from './times.ts';
import { describeRemaining, describeRequest, describeTrouble, shortName } from './words.ts';

/** How a drain ended, and what people hear of it; an instance that ECS does not know is worth nobody's attention. */
export interface Ending {
  readonly outcome: Outcome;
  readonly because: string;
  readonly alert?: DrainAlert;
}

/** An instance that should come back is waited for this long, from when it should be there. */
const RESTORE_SECONDS = 1_800;
/** AWS gives no end for some maintenance; a reboot takes minutes, and comes within hours of its start. */
const MAINTENANCE_SECONDS = 7_200;

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

/** The drain is over, and what is left is to set the instance ACTIVE again. */
export function isDone(memory: Memory): boolean {
  if (memory.request.kind === 'terminating') return memory.released !== undefined;
  return memory.drainingSinceMs !== undefined && memory.look !== undefined && isEmpty(memory.look);
}

/** The instance stays or comes back, as far as we have seen it at all. */
export function isComingBack({ request, settings, placements = [], released }: Memory): boolean {
  return purposeOf(request, settings.policy).restore && placements.length > 0 && released?.vanished !== true;
}

/** When an instance that comes back must be there; until then nothing is missing. */
export function backByMs(memory: Memory): number {
  const { request, released } = memory;
  if (request.kind !== 'maintenance') return released?.atMs ?? memory.atMs;
  return request.endsAt === undefined
    ? Date.parse(request.startsAt) + MAINTENANCE_SECONDS * 1000
    : Date.parse(request.endsAt);
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

/** What the deadline cut off. */
export function forcedEnding(memory: Memory): Ending | undefined {
  const { released, settings, look } = memory;
  if (!released?.forced || !released.tasksLeft) return undefined;
  const { atDeadline } = settings.policy;
  const because = `Released at its deadline with ${atDeadline}: ${describeRemaining(memory)}. These tasks are cut off.`;
  return ended(memory, atDeadline === 'CONTINUE' ? 'forced' : 'abandoned', 'forced', because, look?.remaining?.samples);
}

function restoreEnding(memory: Memory): Ending | undefined {
  const forced = forcedEnding(memory);
  const outcome = forced?.outcome ?? 'drained';
  if (memory.wasActive !== true) {
    if (forced) return forced;
    const because = 'Every task has stopped. It was DRAINING before we came, so it is left to whoever drained it.';
    return ended(memory, 'drained', 'drained', because);
  }
  if (memory.restoredAtMs !== undefined) {
    return ended(memory, outcome, 'restored', 'The container instance is back, and ACTIVE again.');
  }
  if (memory.atMs < backByMs(memory) + RESTORE_SECONDS * 1000) return undefined;
  const because =
    'The instance was drained but its agent has not come back: if it does, set its container instance ACTIVE by hand.';
  return ended(memory, outcome, 'failed', because);
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
    const because = `The group was told to replace the instance, because ${describeRequest(memory)}; its hook drains it.`;
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
  if (callable && look.instances?.statuses.includes('ACTIVE')) {
    return ended(
      memory,
      'cancelled',
      'cancelled',
      'Somebody set the container instance ACTIVE again: its drain is off.',
    );
  }
  if (isEmpty(look)) {
    return ended(memory, 'drained', 'drained', 'Every task has stopped; the container instance stays DRAINING.');
  }
  return overdueEnding(memory);
}

function overdueEnding(memory: Memory): Ending | undefined {
  const { look, trouble, request } = memory;
  const deadline = deadlineMs(memory);
  // The last look is taken at the deadline, so that what is said of it is true; unless it fails, or may not be taken.
  const isLooking = memory.placements !== undefined && memory.settings.mode !== 'pause';
  const seenAtMs = Math.max(look?.atMs ?? 0, trouble?.atMs ?? 0, isLooking ? 0 : memory.steppedAtMs);
  if (memory.atMs < deadline || seenAtMs < deadline) return undefined;
  if (request.kind === 'spot-interruption') {
    const because = `Its two minutes are over: ${describeRemaining(memory)}. These tasks are cut off.`;
    return ended(memory, 'forced', 'forced', because, look?.remaining?.samples);
  }
  const because = `Not drained by its deadline: ${describeRemaining(memory)}. The container instance stays DRAINING.`;
  return ended(memory, 'failed', 'failed', because, look?.remaining?.samples);
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
