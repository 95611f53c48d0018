import type { Finish, Wait } from '../loop.ts';
import { blockersOf } from './checks.ts';
import { endedBy, isPaused } from './control.ts';
import { backOff, pollSeconds, waitUntil } from './course.ts';
import type { FleetFacts, Slot, Target } from './fleet.ts';
import { fleetAlertDue } from './fleet-alerts.ts';
import type { FleetEnding } from './fleet-ending.ts';
import { fleetEndingOf, isStopped, isVerified, verdictOf } from './fleet-ending.ts';
import type { FleetLook, FleetMemory, OurRefresh } from './fleet-memory.ts';
import { refreshSeen, versionKey } from './fleet-memory.ts';
import type { FleetMove } from './fleet-moves.ts';
import type { PlannedFleet } from './plan.ts';
import type { Desired, OverrideSeen, RefreshPreferences } from './ports.ts';
import type { FleetResult } from './request.ts';
import type { FleetPolicy } from './tags.ts';
import type { RolloutAlert } from './telling.ts';
import { closing, fleetSpeaker } from './telling.ts';

/** A start rests on a look of at most this age. */
const FRESH_SECONDS = 120;
/** At the first checkpoint an instance must have joined within its rest, less what it takes to see it and to turn back. */
const LEAST_FIRST_REST_SECONDS = 600;
const JUDGE_SECONDS = 240;
const ON_ITS_WAY: ReadonlySet<string> = new Set(['Pending', 'InProgress', 'Baking']);

/** The next move for one Auto Scaling group, from what is known. Pure. */
export function decideFleet(memory: FleetMemory): FleetMove | Wait | Finish<FleetResult> {
  const ending = fleetEndingOf(memory);
  if (ending) return end(memory, ending);
  const retry = backOff(memory);
  if (retry) return retry;
  const alert = fleetAlertDue(memory);
  if (alert) return tell(alert);
  const { look, refresh } = memory;
  if (look?.facts === undefined || look.target === undefined)
    return lookAgain(memory, 'what the fleet is like must be known first');
  if (refresh === undefined || isStopped(memory)) return prepare(memory, look, look.facts, look.target);
  return watch(memory, look, refresh);
}

/** Everything up to the start of the refresh; whatever forbids it for good has been an ending. */
function prepare(memory: FleetMemory, look: FleetLook, facts: FleetFacts, target: Target): FleetMove | Wait {
  if (isPaused(look.control)) return poll(memory, 'somebody paused it');
  const [blocker] = blockersOf(facts, look.drainDeadlineSeconds);
  if (blocker) return poll(memory, blocker.because);
  const planned = verdictOf(look);
  if (planned === undefined || !('policy' in planned)) return poll(memory, 'it is not to be rolled now');

  // A failed call, too, is tried again only on what is so now.
  if (memory.atMs - look.atMs > FRESH_SECONDS * 1000) return lookAgain(memory, 'look again before acting');
  const missing = planned.slots.find(({ template, written }) => {
    if (template === undefined || written !== 'image') return false;
    return memory.versions[versionKey({ templateId: template.id, number: template.number })] === undefined;
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
    preferences: preferencesOf(planned.policy, facts),
    because: `${planned.instances} of its instances run an older image than ${target.version}`,
  };
}

/** While the refresh is under way: it goes on, or is told to go back. */
function watch(memory: FleetMemory, look: FleetLook, refresh: OurRefresh): FleetMove | Wait {
  const seen = refreshSeen(memory);
  const status = seen?.status;
  if (status === 'Successful') {
    if (isVerified(look)) {
      return {
        kind: 'promote',
        imageId: memory.request.imageId,
        because: 'every instance runs it, and ECS knows them all',
      };
    }
    return poll(memory, 'all instances are replaced: is every one of them at work?');
  }
  if (status === undefined || refresh.turned || !ON_ITS_WAY.has(status)) {
    return poll(memory, `the refresh is ${status ?? 'not to be seen yet'}`);
  }
  const group = groupOf(memory);
  const word = endedBy(look.control);
  if (word) return turnBack(refresh, group, word);
  if (isPaused(look.control)) {
    return {
      kind: 'cancel-refresh',
      group,
      forPause: true,
      because: `${look.control?.by} paused it: what is replaced stays, nothing further is`,
    };
  }
  const stranger = look.hosts.strangers[0];
  if (stranger !== undefined && memory.atMs - (memory.strangersSinceMs ?? memory.atMs) >= joinSeconds(look) * 1000) {
    const because = `${stranger} runs the new image and is in service for EC2, but ECS has not seen it at work for ${Math.round(joinSeconds(look) / 60)} min`;
    return turnBack(refresh, group, because);
  }
  return poll(memory, `the refresh is at ${seen?.percent} %`);
}

function turnBack({ canRollBack }: OurRefresh, group: string, because: string): FleetMove {
  return canRollBack
    ? { kind: 'roll-back', group, because }
    : { kind: 'cancel-refresh', group, forPause: false, because };
}

/** How long an instance may be in service for EC2 before ECS must have it at work. */
function joinSeconds({ facts }: FleetLook): number {
  const policy = facts?.policy;
  const rest = policy === undefined || 'mistakes' in policy ? 0 : policy.checkpointDelaySeconds;
  return Math.max(LEAST_FIRST_REST_SECONDS, rest) - JUDGE_SECONDS;
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
function preferencesOf(policy: FleetPolicy, facts: FleetFacts): RefreshPreferences {
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
    autoRollback: canRollBack(facts),
    // What managed termination protection of a capacity provider protects changes with the tasks, and would stall it for ever.
    scaleInProtected: facts.managedProtection ? 'Refresh' : 'Ignore',
    skipMatching: facts.launch !== 'unknown',
  };
}

/** AWS refuses to go back to what is not a number, or not an image: `$Latest`, `$Default`, a parameter (AWS-CONTRACTS §5). */
function canRollBack({ slots }: FleetFacts): boolean {
  return slots.every(({ template, written }) => {
    return written !== 'parameter' && (template === undefined || /^\d+$/.test(template.asked));
  });
}

export function groupOf({ request }: FleetMemory): string {
  return request.fleet.slice('group/'.length);
}

function poll(memory: FleetMemory, because: string): FleetMove | Wait {
  const nextMs = (memory.look?.atMs ?? memory.atMs) + pollSeconds(memory) * 1000;
  if (memory.atMs >= nextMs) return lookAgain(memory, because);
  return waitUntil(memory.atMs, nextMs, because);
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
  return { kind: 'finish', because, outcome: { fleet: memory.request.fleet, outcome, because } };
}

function tell(alert: RolloutAlert): FleetMove {
  return { kind: 'alert', alert, because: alert.because };
}
