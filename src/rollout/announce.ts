import type { Blocker } from './checks.ts';
import { isApproved, isPaused } from './control.ts';
import type { ReleaseOutcome } from './ending.ts';
import type { FleetFacts, Target } from './fleet.ts';
import { contentsOf } from './fleet.ts';
import type { ReleaseMemory, StartedFleet } from './memory.ts';
import { leftOutWords } from './opted-in.ts';
import type { LeftAlone, Plan, PlannedFleet } from './plan.ts';
import { executionName } from './request.ts';
import type { RolloutAlert, Words } from './telling.ts';
import { lastingTrouble, nextAlert, sentence } from './telling.ts';
import { blockersIn, closedBecause, isSuperseded, waitingOf } from './waves.ts';

const MOST_NAMED = 8;

/** What people should hear now. Pure. */
export function alertDue(memory: ReleaseMemory, plan: Plan): RolloutAlert | undefined {
  const { control } = memory;
  const lasting = problemsOf(memory, plan);
  // Where somebody's word is needed, the announcement is that alert: information alone may be silent.
  const isNews =
    concernsAnybody(memory, plan) && !isAnnounced(memory) && !lasting.some(({ kind }) => kind === 'approval-needed');
  const available = isNews
    ? ({ kind: 'image-available', key: 'available', ...announcement(memory, plan) } as const)
    : undefined;
  return nextAlert(memory, releaseSpeaker(memory), {
    // First: where nothing is rolled, the rollout has ended as soon as the release is announced.
    news: neglect(memory, plan) ?? available,
    lasting,
    control,
  });
}

/**
 * Fleets that are left alone though somebody counts on rollouts of them, or cannot have meant what their tags say: without
 * a word that is more than information, they stay as they are for good. Once for each release.
 */
function neglect(memory: ReleaseMemory, plan: Plan): Words | undefined {
  const { said, survey, started } = memory;
  const { target, leftAlone } = plan;
  // The rollout of the newer image speaks for itself.
  if (said['left-alone']?.done || isSuperseded(memory, plan)) return undefined;
  // Whoever keeps the template changes it release by release: until then it is the usual thing that it is older.
  const isMeant = ({ policy, unread, slots }: FleetFacts) =>
    'mistakes' in policy ||
    (policy.mode !== 'notify' && (policy.template === 'write' || unread.length > 0 || slots.length === 0));
  const meant = new Set((survey?.fleets ?? []).filter(isMeant).map(({ id }) => id));
  // What has begun is told of by itself.
  const alone = leftAlone.filter(({ id, isNews }) => isNews && meant.has(id) && started[id] === undefined);
  if (alone.length === 0) return undefined;
  const [who, them] = alone.length === 1 ? ['1 fleet is', 'it'] : [`${alone.length} fleets are`, 'them'];
  const because = `${target.source} ${target.version} is there, and ${who} left alone that nobody tagged notify: nothing is rolled out to ${them}.`;
  return { kind: 'fleet-left-alone', key: 'left-alone', because, details: firstOf(alone.map(aloneLine), 'plan') };
}

/** Of the release's own course. */
export function releaseSpeaker({ request, announced }: ReleaseMemory): (words: Words) => RolloutAlert {
  const rollout = executionName(request);
  const version = announced?.version ?? request.version ?? 'latest';
  return ({ details = [], ...words }) => {
    return { ...words, rollout, course: rollout, fleet: undefined, family: request.source, version, details };
  };
}

/** Somebody has to hear of the release: of what is done, of what is not and why, or that there are too many fleets to tell. */
export function concernsAnybody({ survey }: ReleaseMemory, { fleets, leftAlone }: Plan): boolean {
  return fleets.length > 0 || leftAlone.some(({ isNews }) => isNews) || (survey?.leftOut ?? 0) > 0;
}

/** People know of the release, by whichever alert. */
export function isAnnounced({ said }: ReleaseMemory): boolean {
  return said['available']?.done === true || said['approval']?.done === true;
}

/** All that is wrong, or waits for somebody, now. */
function problemsOf(memory: ReleaseMemory, plan: Plan): Words[] {
  const { control, controlMistake } = memory;
  const problems: Words[] = [];
  const toApprove = waitingOf(memory, plan).some(({ policy }) => policy.mode === 'approve');
  if (toApprove && !isApproved(control) && closedBecause(memory, plan) === undefined) {
    problems.push({ kind: 'approval-needed', key: 'approval', ...announcement(memory, plan) });
  }
  if (isPaused(control)) {
    const because = `${control?.by} paused the rollout: nothing further is begun until somebody resumes it.`;
    problems.push({ kind: 'rollout-paused', key: `paused ${control?.at}`, because });
  }
  if (controlMistake !== undefined) {
    const because = `What was last said of this rollout cannot be understood (${controlMistake}): what held before holds on.`;
    problems.push({ kind: 'rollout-stuck', key: `control ${controlMistake}`, because });
  }
  const trouble = lastingTrouble(memory);
  if (trouble) {
    const because = `The rollout does not get on: ${trouble.because}`;
    problems.push({ kind: 'rollout-stuck', key: trouble.key, because });
  }
  return problems;
}

/** What people hear at its end. */
export function endAlert(memory: ReleaseMemory, outcome: ReleaseOutcome, because: string): RolloutAlert {
  const words = {
    key: `end ${outcome}`,
    because,
    details: firstOf(
      Object.values(memory.started).flatMap((fleet) => endLine(fleet, memory.announced)),
      'status',
    ),
  };
  return releaseSpeaker(memory)({ kind: endKindOf(outcome), ...words });
}

/** What became of a fleet, what it ran before, and what it runs now. */
function endLine({ end, from }: StartedFleet, target: Target | undefined): string[] {
  if (end === undefined) return [];
  if (end.outcome !== 'rolled' || from.length === 0) return [`${end.fleet}: ${end.because}`];
  const contents = target === undefined ? '' : contentsOf(target).join(', ');
  const now = contents === '' ? '' : `; now: ${contents}`;
  return [`${end.fleet}: ${end.because}; before: ${from.slice(0, 2).join(' and ')}${now}`];
}

/** Whoever counts on the release has to hear that it did not get everywhere. */
function endKindOf(outcome: ReleaseOutcome): RolloutAlert['kind'] {
  if (outcome === 'rolled') return 'rollout-done';
  return outcome === 'stopped' || outcome === 'failed' || outcome === 'expired' ? 'rollout-stopped' : 'rollout-ended';
}

/** What the release means, and the plan. */
function announcement(memory: ReleaseMemory, plan: Plan): { because: string; details: readonly string[] } {
  const leftOut = memory.survey?.leftOut ?? 0;
  const lines = planLines(plan, (id) => blockersIn(memory, id));
  return { because: summary(plan), details: [...lines, ...(leftOut > 0 ? [leftOutWords(leftOut)] : [])] };
}

/** The image, with what of it is said in its name and in the parameter. */
function imageWords(target: Target): string {
  return `${target.version} (${[target.imageId, ...contentsOf(target)].join(', ')})`;
}

function summary({ target, fleets }: Plan): string {
  const release = `${target.source} ${imageWords(target)} is there`;
  if (fleets.length === 0) return `${release}; no fleet is rolled.`;
  const instances = fleets.reduce((sum, fleet) => sum + fleet.instances, 0);
  const rolled = `${count(fleets.length, 'fleet')} with ${count(instances, 'instance')} would get it`;
  const approval = fleets.filter(({ policy }) => policy.mode === 'approve').length;
  const auto = fleets.filter(({ policy }) => policy.mode === 'auto').length;
  const how = [
    ...(auto > 0 ? [`${auto} by ${auto === 1 ? 'itself' : 'themselves'}`] : []),
    ...(approval > 0 ? [`${approval} when somebody approves it`] : []),
  ];
  return `${release}: ${rolled}${how.length === 0 ? '; their tags say notify' : `, ${how.join(', ')}`}.`;
}

/** The plan, a line for each fleet, with what blocked it when it was looked at: `rollout plan` tells the same at more length. */
export function planLines({ fleets, leftAlone }: Plan, blockersFor: (id: string) => readonly Blocker[]): string[] {
  const lines = fleets.map((fleet) => `${planLine(fleet)}${blockedWords(blockersFor(fleet.id))}`);
  const news = leftAlone.filter(({ isNews }) => isNews).map(aloneLine);
  return firstOf([...lines, ...news], 'plan');
}

function aloneLine({ id, because }: LeftAlone): string {
  return sentence(`${id} is left alone: ${because}`);
}

function firstOf(all: readonly string[], command: 'plan' | 'status'): string[] {
  const more = all.length - MOST_NAMED;
  return more <= 0 ? [...all] : [...all.slice(0, MOST_NAMED), `and ${more} more (ecs-drain rollout ${command})`];
}

function planLine({ id, policy, how, from, instances, warm, expectedMinutes }: PlannedFleet): string {
  const window = policy.window === undefined ? '' : `, in ${policy.window.text}`;
  const template = how === 'write' ? 'a new template version' : 'its own template';
  return `Wave ${policy.wave}, ${policy.mode}: ${id}, ${count(instances, 'instance')}${poolWords(warm)} from ${from.slice(0, 2).join(' and ') || 'older images'}, by ${template}, about ${expectedMinutes} min${window}.`;
}

/** What a fleet has beside the instances that are in service. */
export function poolWords(warm: number): string {
  return warm === 0 ? '' : ` and the ${warm} in its warm pool`;
}

/** The first that lasts, or else the first that may pass. */
function blockedWords(blockers: readonly Blocker[]): string {
  const first = blockers.find(({ passes }) => !passes) ?? blockers[0];
  if (first === undefined) return '';
  const others = blockers.length - 1;
  const more = others === 0 ? '' : ` (and ${others} more: ecs-drain rollout plan)`;
  return ` ${sentence(`${first.passes ? 'It would wait now' : 'It is BLOCKED'}: ${first.because}${more}`)}`;
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
