import type { Memory } from './memory.ts';
import { isReactivated } from './memory.ts';
import { purposeOf } from './purpose.ts';
import { isEmpty, saysActive } from './seen.ts';
import { deadlineMs } from './times.ts';

/** An instance that should come back is waited for this long, from when it should be there; a pause does not count. */
const RESTORE_SECONDS = 1_800;
/** But no pause holds an execution for ever. */
const LONGEST_PAUSE_SECONDS = 172_800;
/** AWS gives no end for some maintenance; a reboot takes minutes, and comes within hours of its start. */
const MAINTENANCE_SECONDS = 7_200;
/** What EC2 is to stop is stopped by then, or never; and may be back already, unseen. */
const STOPPED_SECONDS = 3_600;
/** Spot starts what it stopped when it has the capacity again: in minutes, in weeks or never. */
export const SPOT_BACK_DAYS = 14;

/** How often it is looked whether an instance is back; rarer where that takes days. */
const LOOK_SECONDS = 60;
const LOOK_SHARE = 0.01;

/** The drain is over, and what is left is to set the instance ACTIVE again. */
export function isDone(memory: Memory): boolean {
  if (memory.request.kind === 'terminating') return memory.released !== undefined;
  const { look, drainingSinceMs } = memory;
  if (drainingSinceMs === undefined || look === undefined) return false;
  return (isEmpty(look) && !saysActive(look)) || isCutOff(memory);
}

/** What takes the instance for a while, a reboot or Spot, came before its tasks had stopped. */
export function isCutOff(memory: Memory): boolean {
  const { request, settings, drainingSinceMs, look, said } = memory;
  const { restore, callable } = purposeOf(request, settings.policy);
  if (request.kind === 'terminating' || !restore || drainingSinceMs === undefined) return false;
  if (look === undefined || isEmpty(look) || (callable && isReactivated(memory))) return false;
  return said.forced?.done === true || isOver(memory);
}

/** The instance stays or comes back, as far as we have seen it at all. */
export function isComingBack({ request, settings, placements = [], released }: Memory): boolean {
  return purposeOf(request, settings.policy).restore && placements.length > 0 && released?.vanished !== true;
}

/** When an instance that comes back goes away; until then there is nothing to wait for. */
export function goesAtMs(memory: Memory): number {
  const { request, released } = memory;
  if (request.kind === 'maintenance') return Date.parse(request.startsAt);
  return released?.atMs ?? deadlineMs(memory);
}

/** When an instance that comes back must be there; until then nothing is missing. */
export function backByMs(memory: Memory): number {
  const { request } = memory;
  if (request.kind !== 'maintenance')
    return goesAtMs(memory) + (request.kind === 'spot-interruption' ? STOPPED_SECONDS * 1000 : 0);
  const endsAtMs =
    request.endsAt === undefined ? goesAtMs(memory) + MAINTENANCE_SECONDS * 1000 : Date.parse(request.endsAt);
  // A notice may come late: what was drained for it all the same is given its time to come back.
  return Math.max(endsAtMs, deadlineMs(memory));
}

/** When it is waited for no longer. */
export function giveUpAtMs(memory: Memory): number {
  if (memory.request.kind === 'spot-interruption') return goesAtMs(memory) + SPOT_BACK_DAYS * 86_400_000;
  const backBy = backByMs(memory);
  const countsFromMs = Math.max(backBy, memory.pausedAtMs ?? 0);
  return Math.min(countsFromMs + RESTORE_SECONDS * 1000, backBy + LONGEST_PAUSE_SECONDS * 1000);
}

/** Seconds from one look for the instance to the next. */
export function restorePaceSeconds(memory: Memory): number {
  // A notice may come long after what it tells of.
  const sinceMs = Math.max(goesAtMs(memory), Date.parse(memory.request.noticedAt));
  return Math.max(LOOK_SECONDS, ((memory.steppedAtMs - sinceMs) / 1000) * LOOK_SHARE);
}

/** The deadline has come, and the last look was taken. */
export function isOver(memory: Memory): boolean {
  const { look, trouble } = memory;
  const deadline = deadlineMs(memory);
  // The last look is taken at the deadline, so that what is said of it is true; unless it fails, or may not be taken.
  const isLooking = memory.placements !== undefined && memory.settings.mode !== 'pause';
  const seenAtMs = Math.max(look?.atMs ?? 0, trouble?.atMs ?? 0, isLooking ? 0 : memory.steppedAtMs);
  return memory.atMs >= deadline && seenAtMs >= deadline;
}
