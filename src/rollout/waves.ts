import type { Blocker } from './checks.ts';
import { blockersOf, heldBlocker } from './checks.ts';
import { endedBy } from './control.ts';
import type { FleetFacts } from './fleet.ts';
import type { ReleaseMemory } from './memory.ts';
import type { LeftAlone, Plan, PlannedFleet } from './plan.ts';
import { planOf } from './plan.ts';
import type { FleetRequest, FleetResult } from './request.ts';
import { startsAtMs } from './start-time.ts';

export function planFor({ survey, request }: ReleaseMemory): Plan | undefined {
  if (survey?.target === undefined) return undefined;
  const asked = request.fleets;
  const fleets = asked === undefined ? survey.fleets : survey.fleets.filter((facts) => isAsked(facts, asked));
  return planOf(survey.target, fleets, request.by !== undefined);
}

/** Whoever named a Spot Fleet meant as well what has come in its place. */
function isAsked({ id, copyOf }: FleetFacts, asked: readonly string[]): boolean {
  return asked.includes(id) || (copyOf !== undefined && asked.includes(`spot-fleet/${copyOf.id}`));
}

/** What stood in the way of a fleet when it was surveyed. */
export function blockersIn({ survey }: Pick<ReleaseMemory, 'survey'>, id: string): Blocker[] {
  const facts = survey?.fleets.find((fleet) => fleet.id === id);
  const { mode = 'act', deadlineSeconds = 0 } = survey?.drains?.[id] ?? {};
  const held = heldBlocker(mode);
  return facts === undefined ? [] : [...(held ? [held] : []), ...blockersOf(facts, deadlineSeconds)];
}

export function runningOf({ started }: ReleaseMemory): FleetRequest[] {
  return Object.values(started).flatMap(({ request, end }) => (end === undefined ? [request] : []));
}

/** Fleets that are to be rolled, and have not been begun. */
export function waitingOf({ started }: ReleaseMemory, plan: Plan): PlannedFleet[] {
  return plan.fleets.filter(({ id, policy }) => policy.mode !== 'notify' && started[id] === undefined);
}

/** Fleets that were to be rolled, were never begun, and are left alone by now, for a reason that their people should hear. */
export function droppedOf({ started, planned = [] }: ReleaseMemory, { leftAlone }: Plan): LeftAlone[] {
  return leftAlone.filter(({ id, isNews }) => isNews && planned.includes(id) && started[id] === undefined);
}

/** A fleet that ended so lets the others go on. */
const FINE: ReadonlySet<string> = new Set(['rolled', 'up-to-date']);

/** Fleets that ended otherwise than they should: nothing further is begun. */
export function failedOf({ started }: ReleaseMemory): FleetResult[] {
  return Object.values(started).flatMap(({ end }) => (end && !FINE.has(end.outcome) ? [end] : []));
}

/** Its source names another image than the one that people heard of, or none: nothing further is begun. */
export function isSuperseded({ announced, withdrawn }: ReleaseMemory, { target }: Plan): boolean {
  return withdrawn !== undefined || announced?.imageId !== target.imageId;
}

/** Why no further fleet of it will ever be begun, whoever approves it; undefined while one may be. */
export function closedBecause(memory: ReleaseMemory, plan: Plan): string | undefined {
  const word = endedBy(memory.control);
  if (word !== undefined) return word;
  const [failed] = failedOf(memory);
  if (failed !== undefined) return `${failed.fleet} ended as ${failed.outcome}`;
  return isSuperseded(memory, plan) ? 'its source names another image by now, or none' : undefined;
}

/** Those that may begin now: of the first wave that is not done, approved or by themselves, in their window. */
export function readyOf(memory: ReleaseMemory, plan: Plan): PlannedFleet[] {
  if (closedBecause(memory, plan) !== undefined) return [];
  return waitingOf(memory, plan).filter(
    (fleet) =>
      isItsTurn(memory, plan, fleet) &&
      (startsAtMs(memory, plan.target, fleet.policy) ?? Number.POSITIVE_INFINITY) <= memory.atMs,
  );
}

/** All have ended, and another rollout has put a fleet in the place of one of them since the survey: which image has it? */
export function isOutdated(memory: ReleaseMemory, plan: Plan): boolean {
  const { started, survey, lookedAtMs = 0 } = memory;
  if (waitingOf(memory, plan).length > 0 || runningOf(memory).length > 0) return false;
  const isReplaced = Object.entries(started).some(
    ([id, { end }]) => id.startsWith('spot-fleet/') && end?.outcome === 'up-to-date',
  );
  return isReplaced && (survey?.atMs ?? 0) < lookedAtMs;
}

/** Nothing of an earlier wave is waiting or running. */
export function isItsTurn(memory: ReleaseMemory, plan: Plan, { policy }: PlannedFleet): boolean {
  const running = runningOf(memory);
  return !plan.fleets.some(
    (other) =>
      other.policy.wave < policy.wave &&
      other.policy.mode !== 'notify' &&
      (memory.started[other.id] === undefined || running.some(({ fleet }) => fleet === other.id)),
  );
}
