import type { Finish, Wait } from '../loop.ts';
import { blockersOf } from './checks.ts';
import { isPaused } from './control.ts';
import { backOff, pollSeconds, waitUntil } from './course.ts';
import type { FleetFacts, Slot, Target } from './fleet.ts';
import { canRollBack, isNumbered } from './fleet.ts';
import { fleetAlertDue } from './fleet-alerts.ts';
import type { FleetEnding } from './fleet-ending.ts';
import { fleetEndingOf, LEAST_FIRST_REST_SECONDS } from './fleet-ending.ts';
import type { FleetLook, FleetMemory } from './fleet-memory.ts';
import { groupOf, isAtRest, ON_ITS_WAY, refreshSeen, slotKey, versionKey } from './fleet-memory.ts';
import type { FleetMove } from './fleet-moves.ts';
import type { Poll } from './fleet-watch.ts';
import { nextLookMs, patienceSeconds, turnWhenBlind, watch } from './fleet-watch.ts';
import { UNKNOWN_TEMPLATE } from './hosts.ts';
import type { PlannedFleet } from './plan.ts';
import { verdictOf } from './plan.ts';
import type { Desired, OverrideSeen, RefreshPreferences } from './ports.ts';
import type { FleetResult } from './request.ts';
import { notBefore, timeOf } from './start-time.ts';
import type { FleetPolicy } from './tags.ts';
import type { RolloutAlert } from './telling.ts';
import { closing, fleetSpeaker } from './telling.ts';

/** A claim that was taken from a rollout that broke off is believed after so long: whoever took it later has it. */
const SETTLE_SECONDS = 60;
/** A start rests on a look of at most this age. */
const FRESH_SECONDS = 120;

/** The next move for one Auto Scaling group, from what is known. Pure. */
export function decideFleet(memory: FleetMemory): FleetMove | Wait | Finish<FleetResult> {
  const ending = fleetEndingOf(memory);
  if (ending) return end(memory, ending);
  const retry = backOff(memory, patienceSeconds(memory));
  if (retry) return retry;
  const turn = turnWhenBlind(memory);
  if (turn) return turn;
  const alert = fleetAlertDue(memory);
  if (alert) return tell(alert);
  const { look, refresh, trouble, blind, atMs } = memory;
  if (look?.facts === undefined) return lookAgain(memory, 'what the fleet is like must be known first');
  if (blind !== undefined) return lookAgain(memory, 'the look before has failed');
  if (trouble !== undefined && trouble.atMs >= look.atMs) {
    return lookAgain(memory, 'a call that failed may have been carried out all the same');
  }
  const next =
    refresh === undefined || isAtRest(memory) ? prepare(memory, look, look.facts) : watch(memory, look, refresh);
  if (next.kind === 'poll') return poll(memory, look, next);
  if (next.kind === 'wait') return next;
  return atMs - look.atMs > FRESH_SECONDS * 1000 ? lookAgain(memory, 'look again before acting') : next;
}

/** Everything up to the start of the refresh; whatever forbids it for good has been an ending. */
function prepare(memory: FleetMemory, look: FleetLook, facts: FleetFacts): FleetMove | Poll | Wait {
  const { target } = look;
  const { refresh, atMs } = memory;
  if (isPaused(look.control)) return { kind: 'poll', because: 'somebody paused it' };
  const planned = verdictOf(look);
  if (target === undefined || planned === undefined || !('policy' in planned)) {
    return { kind: 'poll', because: 'it is not to be rolled now' };
  }
  // What was begun goes on at any time.
  const time = refresh === undefined ? timeOf(look, atMs, target, planned.policy) : undefined;
  const [blocker] = blockersOf(facts, look.drainDeadlineSeconds);
  if (blocker || time?.isEarly) {
    // What blocks it may have passed when its window opens.
    return {
      kind: 'poll',
      because: blocker?.because ?? notBefore(time?.startMs),
      ...(time && { untilMs: time.lookMs }),
    };
  }
  const claiming = claim(memory, look);
  if (claiming) return claiming;
  const missing = planned.slots.find((slot) => {
    const key = slotKey(slot);
    return key !== undefined && slot.written === 'image' && memory.versions[key] === undefined;
  });
  if (missing?.template) {
    const { id: templateId, number } = missing.template;
    return {
      kind: 'make-version',
      source: { templateId, number },
      imageId: target.imageId,
      description: `ecs-drain: ${target.source} ${target.version}`.slice(0, 255),
      because: `its template names ${missing.version ?? missing.imageId}`,
    };
  }
  const desired = desiredOf(planned, facts, memory.versions, target);
  return {
    kind: 'start-refresh',
    group: groupOf(memory),
    desired,
    preferences: {
      ...preferencesOf(planned.policy, facts),
      // AWS refuses it without a desired configuration; and where the group's own template names the new image, going
      // back to that would bring the same image once more.
      autoRollback: desired !== undefined && canRollBack(facts),
      skipMatching: canSkip(memory, look, facts, planned),
    },
    because: `${planned.instances} of its instances run an older image than ${target.version}`,
  };
}

/** Undefined once the fleet is ours, and was looked at since: another rollout may have ended just before. */
function claim(memory: FleetMemory, look: FleetLook): FleetMove | Wait | undefined {
  const { claim: known, atMs } = memory;
  if (known === undefined) return { kind: 'claim', because: 'one rollout at a time works on a fleet' };
  if (!known.isOurs) {
    const because = `another rollout is at work on it (${known.by})`;
    const againMs = known.atMs + pollSeconds(memory) * 1000;
    return atMs < againMs ? waitUntil(atMs, againMs, because) : { kind: 'claim', because };
  }
  if (known.isTaken) {
    const settledMs = known.atMs + SETTLE_SECONDS * 1000;
    if (atMs < settledMs) return waitUntil(atMs, settledMs, 'another rollout may have taken it in the same moment');
    return { kind: 'claim', because: 'is it ours still?' };
  }
  return look.atMs > known.atMs ? undefined : lookAgain(memory, 'look again, now that it is ours');
}

/** Undefined where the group's own template says it already: its owner's words are not made into numbers. */
function desiredOf(
  { how, slots }: PlannedFleet,
  facts: FleetFacts,
  versions: Readonly<Record<string, number>>,
  target: Target,
): Desired | undefined {
  if (how === 'keep') return undefined;
  const changes = (slot: Slot) => slots.some(({ at }) => at === slot.at);
  const refOf = ({ template }: Slot) => {
    if (template === undefined) return undefined;
    const { id: templateId, number } = template;
    return { templateId, version: String(versions[versionKey({ templateId, number })] ?? number) };
  };
  const base = facts.slots.find(({ at }) => at === 'base');
  const template = base && refOf(base);
  if (template === undefined) return undefined;
  if (facts.launch === 'template') return { kind: 'template', template };
  const overrides = facts.slots.filter(changes).flatMap((slot): OverrideSeen[] => {
    if (slot.at === 'base') return [];
    if (slot.written === 'override') return [{ at: slot.at, imageId: target.imageId }];
    const own = refOf(slot);
    return own === undefined ? [] : [{ at: slot.at, template: own }];
  });
  return { kind: 'mixed', template, overrides };
}

/** Always one instance first: a refresh judges EC2's health alone, and ECS has to be asked (AWS-CONTRACTS §5). */
function preferencesOf(
  policy: FleetPolicy,
  facts: FleetFacts,
): Omit<RefreshPreferences, 'autoRollback' | 'skipMatching'> {
  // Rounded down: a share "can be equal to or higher than the percentage threshold, but not lower" (user guide, checkpoints),
  // so that 34 % of three instances are two of them. Of more than a hundred, 1 % are more than one.
  const first = Math.max(1, Math.floor(100 / Math.max(1, facts.desired)));
  const rests = facts.desired <= 1 ? [] : [first, ...policy.checkpoints.filter((percent) => percent > first), 100];
  const restSeconds = Math.max(LEAST_FIRST_REST_SECONDS, policy.checkpointDelaySeconds);
  return {
    minHealthyPercent: policy.minHealthyPercent,
    maxHealthyPercent: policy.maxHealthyPercent,
    checkpoints: rests,
    checkpointDelaySeconds: restSeconds,
    bakeSeconds: policy.bakeSeconds,
    // A group of one has no checkpoint: its new instance must prove itself while the old one is still there.
    ...(facts.desired <= 1 ? { warmupSeconds: restSeconds } : {}),
    alarms: policy.alarms,
    // Who is put aside meanwhile is somebody's matter; waited for, it would fail the whole refresh after an hour.
    standby: 'Ignore',
    // What managed termination protection of a capacity provider protects changes with the tasks, and would stall it for ever.
    scaleInProtected: facts.managedProtection ? 'Refresh' : 'Ignore',
  };
}

/**
 * Whether AWS can tell the old instances from the new ones. It goes by template, version and instance type, not by the
 * image (user guide, skip matching): an old one that was launched from the very version that is launched from now would be
 * left as it is. How it takes `$Latest` and `$Default` where no number is desired is UNVERIFIED; with attributes instead
 * of instance types it is refused (AWS-CONTRACTS §5). Where it cannot, every instance is replaced, new ones too.
 */
function canSkip(
  { versions }: FleetMemory,
  { hosts }: FleetLook,
  { slots, byRequirements }: FleetFacts,
  { how, slots: changing }: PlannedFleet,
): boolean {
  if (byRequirements || slots.some(({ template }) => template?.byRequirements)) return false;
  if (how === 'keep' && !slots.every(isNumbered)) return false;
  if (changing.some(({ written }) => written !== 'image')) return false;
  const isRewritten = (key: string) => changing.some((slot) => slotKey(slot) === key) && versions[key] !== undefined;
  return hosts.oldFrom.every((key) => key !== UNKNOWN_TEMPLATE && isRewritten(key));
}

function poll(memory: FleetMemory, look: FleetLook, { because, untilMs }: Poll): FleetMove | Wait {
  const nextMs = Math.min(nextLookMs(memory, look), untilMs ?? Number.POSITIVE_INFINITY);
  return memory.atMs >= nextMs ? lookAgain(memory, because) : waitUntil(memory.atMs, nextMs, because);
}

function lookAgain(memory: FleetMemory, because: string): FleetMove {
  const { look, refresh } = memory;
  const known = look && { look, isSettled: isSettled(memory, look) };
  return { kind: 'look', refreshId: refresh?.id, ...(known && { known }), because };
}

/** While our refresh goes its way, its source, the templates, hooks and tags decide nothing: half of what a look asks. */
function isSettled(memory: FleetMemory, { facts, control }: FleetLook): boolean {
  if (memory.refresh === undefined || memory.refresh.turned || isPaused(control)) return false;
  const status = refreshSeen(memory)?.status;
  return (facts?.clusters.length ?? 0) > 0 && status !== undefined && ON_ITS_WAY.has(status);
}

function end(memory: FleetMemory, { outcome, because, alert }: FleetEnding): FleetMove | Finish<FleetResult> {
  const last = closing(memory, fleetSpeaker(memory.request), { ...(alert && { alert }), because });
  if (last) return tell(last);
  if (memory.claim?.isOurs) return { kind: 'give-back', because: 'other rollouts may work on it' };
  return { kind: 'finish', because, outcome: { fleet: memory.request.fleet, outcome, because } };
}

function tell(alert: RolloutAlert): FleetMove {
  return { kind: 'alert', alert, because: alert.because };
}
