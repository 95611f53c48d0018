import type { Finish, Wait } from '../loop.ts';
import { blockersOf } from './checks.ts';
import { endedBy, isHeldBySwitch, isPaused } from './control.ts';
import { backOff, waitUntil } from './course.ts';
import type { FleetFacts, Target } from './fleet.ts';
import { versionKey } from './fleet-memory.ts';
import { verdictOf } from './plan.ts';
import type { OverrideSeen } from './ports.ts';
import type { FleetResult } from './request.ts';
import { spotAlertDue } from './spot-alerts.ts';
import { askNext, emptyAndCancel, isFresh, lookAgain, poll } from './spot-emptying.ts';
import type { SpotEnding } from './spot-ending.ts';
import { spotEndingOf } from './spot-ending.ts';
import type { SpotLook, SpotMemory } from './spot-memory.ts';
import { SHOWN_SECONDS } from './spot-memory.ts';
import type { SpotMove } from './spot-moves.ts';
import { whyNoPatience } from './spot-patience.ts';
import { badDrain, copyFault, firstOf, hindranceOf, isEnded, membersOf, occupiedOf, oldIdOf } from './spot-state.ts';
import { takeBack } from './spot-undo.ts';
import { notBefore, timeOf } from './start-time.ts';
import type { RolloutAlert } from './telling.ts';
import { closing, fleetSpeaker } from './telling.ts';

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
  const alert = spotAlertDue(memory);
  if (alert) return tell(alert);
  const { look, undo, copy, doubtAtMs } = memory;
  if (look === undefined) return lookAgain(memory, 'what the fleet is like must be known first');
  // Drains do nothing while it says so, and neither does what rests on them.
  if (isHeldBySwitch(look.control)) return poll(memory, `paused by ${look.control?.by}`);
  if (doubtAtMs !== undefined) return settleDoubt(memory, doubtAtMs);
  if (undo) return takeBack(memory, look, undo.because);
  if (memory.cancelled.includes(oldIdOf(memory))) return settle(memory, look);
  if (copy === undefined) return prepare(memory, look);
  return replace(memory, look);
}

/** What was done or not, though its answer was lost: nothing else is done before a look has told. */
function settleDoubt(memory: SpotMemory, sinceMs: number): SpotMove | Wait {
  const shownMs = sinceMs + SHOWN_SECONDS * 1000;
  if (memory.atMs < shownMs) return waitUntil(memory.atMs, shownMs, 'an answer was lost, and looks may show it late');
  return lookAgain(memory, 'an answer was lost: was it done?');
}

/** Up to the copy; whatever forbids it for good has been an ending. */
function prepare(memory: SpotMemory, look: SpotLook): SpotMove | Wait {
  const { facts, target } = look;
  const fleetId = oldIdOf(memory);
  if (facts === undefined || target === undefined) return poll(memory, 'it is not to be rolled now');
  if (isPaused(look.control)) return poll(memory, 'somebody paused it');
  const planned = verdictOf(look);
  if (planned === undefined || !('policy' in planned)) return poll(memory, 'it is not to be rolled now');
  const { isEarly, startMs, lookMs } = timeOf(look, memory.atMs, target, planned.policy);
  const [blocker] = blockersOf(facts, 0);
  // What blocks it may have passed when its window opens.
  if (blocker || isEarly) return poll(memory, blocker?.because ?? notBefore(startMs), lookMs);
  // A failed call, too, is tried again only on what is so now.
  if (!isFresh(memory)) return lookAgain(memory, 'look again before acting');
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
  const changing = planned.slots.map(({ at }) => at);
  const because = `${planned.instances} of its instances run an older image than ${target.version}`;
  return { kind: 'copy', fleetId, images: imagesOf(facts, target, memory.versions, changing), because };
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

/** With the copy beside it, up to the cancelling of the old fleet. */
function replace(memory: SpotMemory, look: SpotLook): SpotMove | Wait {
  const fleetId = oldIdOf(memory);
  const wrong = whatIsWrong(memory, look);
  if (wrong) return takeBack(memory, look, wrong);
  // Nothing of the old fleet is changed before it is sure that no other rollout has begun on it in the same moment.
  const shownMs = (memory.copy?.atMs ?? 0) + SHOWN_SECONDS * 1000;
  if (memory.atMs < shownMs) return waitUntil(memory.atMs, shownMs, 'another copy of it would not show before');
  if (look.atMs < shownMs) return lookAgain(memory, 'has another rollout made a copy, too?');
  if (isPaused(look.control)) return poll(memory, 'somebody paused it');
  const zeroed = memory.targets[fleetId];
  if (zeroed === undefined) {
    const fault = copyFault(memory, look);
    if (fault) return poll(memory, fault);
    if (!isFresh(memory)) return lookAgain(memory, 'look again before acting');
    const because = 'the new fleet is at work: the old one launches no more, and keeps what it has until it is drained';
    return { kind: 'set-target', fleetId, capacity: 0, because };
  }
  if (look.atMs <= zeroed.atMs) return lookAgain(memory, 'does EC2 show the target that was set?');
  // No more is drained then, and nothing cancelled: what is drained already goes on.
  const hindrance = hindranceOf(memory, look);
  if (hindrance) return askNext(memory, membersOf(memory, fleetId)) ?? poll(memory, hindrance);
  return emptyAndCancel(memory, fleetId, 'every instance of the old fleet is drained, and no other has come');
}

/** Why all is to be taken back that was done since the copy was made. */
function whatIsWrong(memory: SpotMemory, look: SpotLook): string | undefined {
  const { copy, theirTarget } = memory;
  const word = endedBy(look.control);
  if (word) return word;
  const first = firstOf(memory, look);
  if (first) return `another rollout came first with ${first}, and two never work on one fleet`;
  if (copy && look.copy && isEnded(look.copy)) return `EC2 or somebody cancelled ${copy.id}`;
  if (theirTarget !== undefined) {
    return `the target of the old fleet was changed to ${theirTarget} meanwhile`;
  }
  const members = membersOf(memory, oldIdOf(memory));
  return withdrawnBy(look.facts) ?? badDrain(memory, members) ?? occupiedOf(members, look) ?? whyNoPatience(memory);
}

/** IAM goes by the tag as well: the cancel would be denied. */
function withdrawnBy(facts: FleetFacts | undefined): string | undefined {
  if (facts === undefined) return undefined;
  const { policy } = facts;
  if ('mistakes' in policy) return `its tags do not ask for it any more: ${policy.mistakes.join('; ')}`;
  return policy.mode === 'notify' ? 'its tag does not ask for it any more: it says notify' : undefined;
}

/** The old fleet is cancelled, and there is no way back: is the new one at work? */
function settle(memory: SpotMemory, look: SpotLook): SpotMove | Wait {
  if (look.atMs <= (memory.cancelledAtMs ?? 0)) return lookAgain(memory, 'how the new fleet stands alone');
  const fault = copyFault(memory, look);
  if (fault) return poll(memory, `the old fleet is cancelled, and ${fault}`);
  const because = 'the new fleet is at work, and the old one is gone';
  return { kind: 'promote', imageId: memory.request.imageId, because };
}

function end(memory: SpotMemory, { outcome, because, alert }: SpotEnding): SpotMove | Finish<FleetResult> {
  const last = closing(memory, fleetSpeaker(memory.request), { ...(alert && { alert }), because });
  if (last) return tell(last);
  return { kind: 'finish', because, outcome: { fleet: memory.request.fleet, outcome, because } };
}

function tell(alert: RolloutAlert): SpotMove {
  return { kind: 'alert', alert, because: alert.because };
}
