import { isPaused } from './control.ts';
import type { ReleaseOutcome } from './ending.ts';
import type { ReleaseMemory } from './memory.ts';
import type { LeftAlone, Plan, PlannedFleet } from './plan.ts';

export type RolloutAlertKind =
  | 'image-available'
  | 'rollout-waiting'
  | 'rollout-paused'
  | 'rollout-started'
  | 'rollout-done'
  | 'rollout-ended'
  | 'rollout-stopped'
  | 'rolled-back'
  | 'rollout-stuck';

/** What people should hear of a rollout. `key` tells it from the others of one rollout: each goes out once. */
export interface RolloutAlert {
  readonly kind: RolloutAlertKind;
  readonly key: string;
  /** The fleet that it is about; undefined: the whole release. */
  readonly fleet: string | undefined;
  readonly because: string;
  readonly details: readonly string[];
}

const HOUR_MS = 3_600_000;
const MOST_NAMED = 8;

/** What people should hear now. Pure. */
export function alertDue(memory: ReleaseMemory, plan: Plan): RolloutAlert | undefined {
  const { said, trouble, control, controlMistake } = memory;
  const told = (key: string): boolean => said[key]?.done === true;
  if (!told('available') && (plan.fleets.length > 0 || plan.leftAlone.some(({ isNews }) => isNews))) {
    return {
      kind: 'image-available',
      key: 'available',
      fleet: undefined,
      because: announcement(plan),
      details: planLines(plan),
    };
  }
  if (isPaused(control) && !told(`paused ${control?.at}`)) {
    const because = `${control?.by} paused the rollout: nothing further is begun until somebody resumes it.`;
    return { kind: 'rollout-paused', key: `paused ${control?.at}`, fleet: undefined, because, details: [] };
  }
  if (controlMistake !== undefined && !told(`control ${controlMistake}`)) {
    const because = `What was last said of this rollout cannot be understood (${controlMistake}): what held before holds on.`;
    return { kind: 'rollout-stuck', key: `control ${controlMistake}`, fleet: undefined, because, details: [] };
  }
  if (trouble && memory.atMs - trouble.sinceMs >= HOUR_MS && !told('trouble')) {
    const { operation, message } = trouble.failure;
    const because = `The rollout does not get on: for an hour ${operation} has answered "${message}". It is tried again.`;
    return { kind: 'rollout-stuck', key: 'trouble', fleet: undefined, because, details: [] };
  }
  return undefined;
}

/** What people hear at its end. */
export function endAlert(memory: ReleaseMemory, outcome: ReleaseOutcome, because: string): RolloutAlert {
  const fleets = Object.values(memory.started).flatMap(({ end }) => (end ? [`${end.fleet}: ${end.because}`] : []));
  const kind =
    outcome === 'rolled'
      ? 'rollout-done'
      : outcome === 'stopped' || outcome === 'failed'
        ? 'rollout-stopped'
        : 'rollout-ended';
  return { kind, key: `end ${outcome}`, fleet: undefined, because, details: fleets.slice(0, MOST_NAMED) };
}

function announcement({ target, fleets }: Plan): string {
  const release = `${target.source} ${target.version} (${target.imageId}) is there`;
  if (fleets.length === 0) return `${release}; no fleet is rolled.`;
  const instances = fleets.reduce((sum, fleet) => sum + fleet.instances, 0);
  const rolled = `${count(fleets.length, 'fleet')} with ${count(instances, 'instance')} would get it`;
  const approval = fleets.filter(({ policy }) => policy.mode === 'approve').length;
  const auto = fleets.filter(({ policy }) => policy.mode === 'auto').length;
  const how = [
    ...(auto > 0 ? [`${auto} by itself`] : []),
    ...(approval > 0 ? [`${approval} when somebody approves it (ecs-drain rollout approve)`] : []),
  ];
  return `${release}: ${rolled}${how.length === 0 ? '; their tags say notify' : `, ${how.join(', ')}`}.`;
}

/** The plan, a line for each fleet: the same in the announcement and in `rollout plan`. */
export function planLines({ fleets, leftAlone }: Plan): string[] {
  const lines = fleets.map(planLine);
  const news = leftAlone
    .filter(({ isNews }) => isNews)
    .map(({ id, because }: LeftAlone) => `${id} is left alone: ${because}.`);
  const all = [...lines, ...news];
  return all.length <= MOST_NAMED
    ? all
    : [...all.slice(0, MOST_NAMED), `and ${all.length - MOST_NAMED} more (ecs-drain rollout plan)`];
}

function planLine({ id, policy, how, from, instances, expectedMinutes }: PlannedFleet): string {
  const window = policy.window === undefined ? '' : `, in ${policy.window.text}`;
  const template = how === 'write' ? 'a new template version' : 'its own template';
  return `Wave ${policy.wave}, ${policy.mode}: ${id}, ${count(instances, 'instance')} from ${from.slice(0, 2).join(' and ') || 'older images'}, by ${template}, about ${expectedMinutes} min${window}.`;
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
