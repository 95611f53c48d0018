import type { Finish, Wait } from '../loop.ts';
import { blockersOf } from './checks.ts';
import { endedBy, isPaused } from './control.ts';
import { backOff, pollSeconds, waitUntil } from './course.ts';
import type { FleetFacts, Target } from './fleet.ts';
import { versionKey } from './fleet-memory.ts';
import type { OverrideSeen } from './ports.ts';
import type { FleetResult } from './request.ts';
import { spotAlertDue } from './spot-alerts.ts';
import type { SpotEnding } from './spot-ending.ts';
import { isCopyAtWork, spotEndingOf, spotVerdictOf } from './spot-ending.ts';
import type { SpotLook, SpotMemory } from './spot-memory.ts';
import type { SpotMove } from './spot-moves.ts';
import type { RolloutAlert } from './telling.ts';
import { closing, fleetSpeaker } from './telling.ts';

const FRESH_SECONDS = 120;
/** New Spot capacity comes within minutes, or there is none. */
const CAPACITY_SECONDS = 3_600;
/** An instance that was launched just before the target was set to zero is listed by then. */
const LIST_SECONDS = 120;
/** Each order is a call or two: so many fit into one step. */
const MOST_DRAINS_A_STEP = 10;
/** A drain that ended so has left nothing on the instance. */
const EMPTY: ReadonlySet<string> = new Set(['drained', 'not-a-container-instance']);

/**
 * The next move for one Spot Fleet: a copy on the new image, at work; the old target to zero without terminating; every
 * old instance drained; looked again; and only then the old fleet cancelled. Whatever goes wrong before that is undone.
 * Pure.
 */
export function decideSpot(memory: SpotMemory): SpotMove | Wait | Finish<FleetResult> {
  const ending = spotEndingOf(memory);
  if (ending) return end(memory, ending);
  const retry = backOff(memory);
  if (retry) return retry;
  const { look, undo, copy, request } = memory;
  if (look === undefined) return lookAgain(memory, 'what the fleet is like must be known first');
  const alert = spotAlertDue(memory);
  if (alert) return tell(alert);
  if (undo) return takeBack(memory, look, undo.because);
  const oldId = idOf(request.fleet);
  if (memory.cancelled.includes(oldId)) return settle(memory, look);
  if (copy === undefined) return prepare(memory, look);

  const wrong = whatIsWrong(memory, look);
  if (wrong) return takeBack(memory, look, wrong);
  if (isPaused(look.control)) return poll(memory, 'somebody paused it');
  if (memory.targets[oldId] === undefined) {
    if (!isCopyAtWork(memory, look)) return poll(memory, 'the new fleet is not at work yet');
    const because = 'the new fleet is at work: the old one launches no more, and keeps what it has until it is drained';
    return { kind: 'set-target', fleetId: oldId, capacity: 0, because };
  }
  const drain = drainNext(memory, look.old?.instances ?? []);
  if (drain) return drain;
  if (!isListSettled(memory, look)) return poll(memory, 'list again before anything is cancelled');
  return {
    kind: 'cancel',
    fleetId: oldId,
    because: 'every instance of the old fleet is drained, and no other has come',
  };
}

/** Up to the copy; whatever forbids it for good has been an ending. */
function prepare(memory: SpotMemory, look: SpotLook): SpotMove | Wait {
  const { facts, target } = look;
  if (facts === undefined || target === undefined) return poll(memory, 'it is not to be rolled now');
  if (isPaused(look.control)) return poll(memory, 'somebody paused it');
  const [blocker] = blockersOf(facts, 0);
  if (blocker) return poll(memory, blocker.because);
  const planned = spotVerdictOf(look);
  if (planned === undefined || !('policy' in planned)) return poll(memory, 'it is not to be rolled now');
  const missing = planned.slots.find(
    ({ template, written }) =>
      template !== undefined &&
      written === 'image' &&
      memory.versions[versionKey({ templateId: template.id, number: template.number })] === undefined,
  );
  if (missing?.template) {
    return {
      kind: 'make-version',
      source: { templateId: missing.template.id, number: missing.template.number },
      imageId: target.imageId,
      description: `ecs-drain: ${target.source} ${target.version}`.slice(0, 255),
      because: `its template names ${missing.version ?? missing.imageId}`,
    };
  }
  if (memory.atMs - look.atMs > FRESH_SECONDS * 1000) return lookAgain(memory, 'look again before acting');
  return {
    kind: 'copy',
    fleetId: idOf(memory.request.fleet),
    images: imagesOf(
      facts,
      target,
      memory.versions,
      planned.slots.map(({ at }) => at),
    ),
    because: `${planned.instances} of its instances run an older image than ${target.version}`,
  };
}

function imagesOf(
  { slots }: FleetFacts,
  { imageId }: Target,
  versions: Readonly<Record<string, number>>,
  changing: readonly (number | 'base')[],
): OverrideSeen[] {
  return slots.flatMap(({ at, template, written }): OverrideSeen[] => {
    if (at === 'base' || !changing.includes(at)) return [];
    if (written === 'override' || template === undefined) return [{ at, imageId }];
    const { id: templateId, number } = template;
    const version = String(versions[versionKey({ templateId, number })] ?? number);
    return [{ at, template: { templateId, version } }];
  });
}

/** What has gone wrong since the copy was made. */
function whatIsWrong(memory: SpotMemory, look: SpotLook): string | undefined {
  const word = endedBy(look.control);
  if (word) return word;
  const waitedMs = memory.atMs - (memory.copy?.atMs ?? memory.atMs);
  const isZeroed = memory.targets[idOf(memory.request.fleet)] !== undefined;
  if (!isZeroed && waitedMs >= CAPACITY_SECONDS * 1000 && !isCopyAtWork(memory, look)) {
    const { fulfilledCapacity = 0, targetCapacity = 0 } = look.copy ?? {};
    if (fulfilledCapacity < targetCapacity) {
      return `after an hour the new fleet has ${fulfilledCapacity} of ${targetCapacity} units of capacity`;
    }
    const [stranger] = look.hosts.strangers;
    return stranger
      ? `ECS has not seen ${stranger} of the new fleet at work for an hour`
      : 'services are not steady beside the new fleet';
  }
  const cut = Object.entries(memory.drains).find(([, outcome]) => outcome !== 'running' && !EMPTY.has(outcome));
  return cut && `the drain of ${cut[0]} ended as ${cut[1]}`;
}

/** Orders the drains that are missing, and asks after those that run; undefined when all of them have ended. */
function drainNext(memory: SpotMemory, instances: readonly string[]): SpotMove | Wait | undefined {
  const missing = instances.filter((id) => memory.drains[id] === undefined).slice(0, MOST_DRAINS_A_STEP);
  if (missing.length > 0) return drainMove(memory, missing, `${missing.length} of its instances are to be drained`);
  const running = instances.filter((id) => memory.drains[id] === 'running');
  if (running.length === 0) return undefined;
  const nextMs = (memory.drainsAtMs ?? 0) + pollSeconds(memory) * 1000;
  const because = `${running.length} of its instances are being drained`;
  if (memory.atMs < nextMs) return waitUntil(memory.atMs, nextMs, because);
  return drainMove(memory, running.slice(0, MOST_DRAINS_A_STEP), because);
}

/** Each with the time of its first order: its deadline counts from then, and asked again it is the same order. */
function drainMove({ orderedAtMs, atMs }: SpotMemory, instances: readonly string[], because: string): SpotMove {
  const since = Object.fromEntries(instances.map((id) => [id, orderedAtMs[id] ?? atMs]));
  return { kind: 'drain', instances, orderedAtMs: since, because };
}

/** Back to where it began: the old fleet with its target and its instances ACTIVE, the copy drained and cancelled. */
function takeBack(memory: SpotMemory, look: SpotLook, because: string): SpotMove | Wait {
  const { copy, targets, request } = memory;
  const undo = because;
  const oldId = idOf(request.fleet);
  if (copy === undefined) return poll(memory, because);
  if (targets[oldId] === 0) return { kind: 'set-target', fleetId: oldId, capacity: copy.capacity, undo, because };
  const drained = (look.old?.instances ?? []).filter((id) => memory.drains[id] !== undefined);
  if (drained.length > 0 && !memory.activated) {
    return { kind: 'activate', clusters: look.facts?.clusters ?? [], instances: drained, undo, because };
  }
  if (targets[copy.id] === undefined) return { kind: 'set-target', fleetId: copy.id, capacity: 0, undo, because };
  const drain = drainNext(memory, look.copy?.instances ?? []);
  if (drain) return drain.kind === 'wait' ? drain : { ...drain, undo };
  if (!isListSettled(memory, look)) return poll(memory, 'list again before anything is cancelled');
  return { kind: 'cancel', fleetId: copy.id, undo, because };
}

/** "Might be out of date" (AWS-CONTRACTS §6): only a list from after the last drain, and well after the last launch, counts. */
function isListSettled({ drainsAtMs = 0, targetAtMs = 0 }: SpotMemory, { atMs }: SpotLook): boolean {
  return atMs >= drainsAtMs && atMs >= targetAtMs + LIST_SECONDS * 1000;
}

/** The old fleet is cancelled, and there is no way back: is the new one at work? */
function settle(memory: SpotMemory, look: SpotLook): SpotMove | Wait {
  if (!memory.promoted && isCopyAtWork(memory, look)) {
    return {
      kind: 'promote',
      imageId: memory.request.imageId,
      because: 'the new fleet is at work, and the old one is gone',
    };
  }
  return poll(memory, 'the old fleet is cancelled: is the new one at work?');
}

/** `spot-fleet/sfr-…` without the first part. */
export function idOf(fleet: string): string {
  return fleet.slice('spot-fleet/'.length);
}

function poll(memory: SpotMemory, because: string): SpotMove | Wait {
  const nextMs = (memory.look?.atMs ?? memory.atMs) + pollSeconds(memory) * 1000;
  if (memory.atMs >= nextMs) return lookAgain(memory, because);
  return waitUntil(memory.atMs, nextMs, because);
}

function lookAgain({ copy }: SpotMemory, because: string): SpotMove {
  return { kind: 'look', copyId: copy?.id, because };
}

function end(memory: SpotMemory, { outcome, because, alert }: SpotEnding): SpotMove | Finish<FleetResult> {
  const last = closing(memory, fleetSpeaker(memory.request), { ...(alert && { alert }), because });
  if (last) return tell(last);
  return { kind: 'finish', because, outcome: { fleet: memory.request.fleet, outcome, because } };
}

function tell(alert: RolloutAlert): SpotMove {
  return { kind: 'alert', alert, because: alert.because };
}
