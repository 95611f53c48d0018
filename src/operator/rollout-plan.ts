import type { Blocker, DrainRules } from '../rollout/checks.ts';
import { FAMILIES } from '../rollout/family.ts';
import type { FleetFacts, Target } from '../rollout/fleet.ts';
import { familiesOf } from '../rollout/fleet.ts';
import { begin } from '../rollout/memory.ts';
import type { LeftAlone, PlannedFleet } from '../rollout/plan.ts';
import { planOf, whyCustom } from '../rollout/plan.ts';
import { blockersIn, planFor } from '../rollout/waves.ts';
import type { Waits } from './rollout-waits.ts';
import { waitsOf } from './rollout-waits.ts';

/** What was looked at in one region: the fleets that opted in, and what each source names. */
export interface PlanSeen {
  readonly atMs: number;
  readonly fleets: readonly FleetFacts[];
  readonly sources: readonly { readonly source: string; readonly target: Target | { readonly because: string } }[];
  /** How drains go, by fleet; of one that is missing it could not be read. */
  readonly drains: Readonly<Record<string, DrainRules>>;
}

export interface PlanWish {
  /** Only these fleets, by id; none: every fleet that opted in. */
  readonly fleets: readonly string[];
  /** Somebody orders it: then also families are rolled that have reached their end. */
  readonly isOrdered: boolean;
}

/** A fleet of the plan, and what stands between it and its beginning. */
export interface PlannedWork extends PlannedFleet {
  readonly waits: Waits;
  readonly blockers: readonly Blocker[];
}

/** What rolling one source out would do, in the region as it is; `because`: why its source names no image. */
export type SourcePlan =
  | { readonly source: string; readonly because: string }
  | {
      readonly source: string;
      readonly target: Target;
      readonly fleets: readonly PlannedWork[];
      readonly leftAlone: readonly LeftAlone[];
    };

export interface RegionPlans {
  readonly plans: readonly SourcePlan[];
  /** Fleets that opted in, and that no source's plan has a word about. */
  readonly apart: readonly LeftAlone[];
}

/** What the opted-in fleets run or follow: families in the order of their table. Pure. */
export function sourcesOf(fleets: readonly FleetFacts[]): string[] {
  const used = new Set(fleets.flatMap((facts) => [...familiesOf(facts)]));
  const followed = fleets.flatMap(({ policy }) => policy.follow ?? []);
  return [...FAMILIES.map(({ id }) => id).filter((id) => used.has(id)), ...new Set(followed.sort())];
}

/**
 * The plan that a rollout of each source would announce, by the rollout's own code, and for each fleet what it would wait
 * for and what blocks it now. Pure.
 */
export function plansFor(seen: PlanSeen, wish: PlanWish): RegionPlans {
  const { fleets, sources } = seen;
  const asked = wish.fleets.length === 0 ? fleets : fleets.filter(({ id }) => wish.fleets.includes(id));
  const plans = sources.map(({ source, target }) =>
    'because' in target ? { source, because: target.because } : planOfSource(seen, target, wish),
  );
  // What has nothing of a family is in the plan of each, and is told of once.
  const isOfNone = ({ id }: { readonly id: string }) =>
    asked.some((facts) => facts.id === id && familiesOf(facts).size === 0 && facts.policy.follow === undefined);
  const told = plans.map((plan) =>
    'target' in plan ? { ...plan, leftAlone: plan.leftAlone.filter((one) => !isOfNone(one)) } : plan,
  );
  const isTold = (id: string) =>
    told.some((plan) => 'target' in plan && [...plan.fleets, ...plan.leftAlone].some((one) => one.id === id));
  return { plans: told, apart: asked.filter(({ id }) => !isTold(id)).map((facts) => apartOf(facts, sources)) };
}

function planOfSource(seen: PlanSeen, target: Target, { fleets, isOrdered }: PlanWish): SourcePlan {
  const memory = {
    ...begin({
      kind: 'release',
      source: target.source,
      noticedAt: new Date(seen.atMs).toISOString(),
      ...(fleets.length === 0 ? {} : { fleets: [...fleets] }),
      ...(isOrdered ? { by: 'somebody' } : {}),
    }),
    survey: {
      atMs: seen.atMs,
      target,
      fleets: seen.fleets,
      leftOut: 0,
      drains: seen.drains,
    },
  };
  const plan = planFor(memory) ?? planOf(target, [], isOrdered);
  return {
    source: target.source,
    target,
    fleets: plan.fleets.map((fleet) => ({
      ...fleet,
      waits: waitsOf(memory, plan, fleet),
      blockers: blockersIn(memory, fleet.id),
    })),
    leftAlone: plan.leftAlone,
  };
}

function apartOf(facts: FleetFacts, sources: PlanSeen['sources']): LeftAlone {
  const { id, policy, slots, unread } = facts;
  const alone = (because: string, isNews: boolean): LeftAlone => ({ id, because, isNews });
  if ('mistakes' in policy) return alone(`its tags are wrong: ${policy.mistakes.join('; ')}`, true);
  const own = new Set([...familiesOf(facts), ...(policy.follow === undefined ? [] : [policy.follow])]);
  if (slots.length === 0) {
    const why = unread.length === 0 ? '' : `: ${unread.join('; ')}`;
    return alone(`what it launches from names no image that could be read${why}`, true);
  }
  if (policy.follow === undefined && own.size === 0) {
    const { because, isGone } = whyCustom(facts);
    return alone(because, isGone);
  }
  const unnamed = sources.find(({ source, target }) => own.has(source) && 'because' in target);
  if (unnamed !== undefined) return alone(`${unnamed.source} names no image here`, true);
  const named = sources.map(({ source }) => source).join(', ') || 'no source';
  return alone(`it has ${policy.follow ?? [...own].join(', ')}, and nothing of ${named}`, false);
}

/** True when something would be rolled out: by itself, or as soon as somebody approves it. */
export function rollsAnything({ plans }: RegionPlans): boolean {
  return plans.some((plan) => 'target' in plan && plan.fleets.some(({ waits }) => !waits.isOnlyTold));
}
