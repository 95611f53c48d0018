import { describe, expect, it } from 'vitest';
import type { PlanSeen, SourcePlan } from '../../src/operator/rollout-plan.ts';
import { plansFor, rollsAnything, sourcesOf } from '../../src/operator/rollout-plan.ts';
import { planLines } from '../../src/rollout/announce.ts';
import type { FleetFacts } from '../../src/rollout/fleet.ts';
import { planOf } from '../../src/rollout/plan.ts';
import { fleet, policy, START_MS, slot, target } from '../rollout/builders.ts';

const HOUR = 3_600_000;

const seen = (fleets: readonly FleetFacts[], changes: Partial<PlanSeen> = {}): PlanSeen => ({
  atMs: START_MS,
  fleets,
  sources: [{ source: target.source, target }],
  drains: {},
  ...changes,
});
const all = { fleets: [], isOrdered: false };

const fleetsOf = (plan: SourcePlan | undefined) => (plan !== undefined && 'target' in plan ? plan.fleets : []);

describe('the plan of a source', () => {
  it('is the one that the rollout announces', () => {
    const fleets = [
      fleet({ id: 'group/b', policy: policy({ 'ecs-drain:wave': '2' }) }),
      fleet({ id: 'group/a' }),
      fleet({ id: 'group/c', launch: 'configuration' }),
    ];
    const [plan] = plansFor(seen(fleets), all).plans;
    if (plan === undefined || !('target' in plan)) throw new Error('no plan');
    const none = () => [];
    expect(planLines(plan, none)).toEqual(planLines(planOf(target, fleets, false), none));
    expect(plan.fleets.map(({ id }) => id)).toEqual(['group/a', 'group/b']);
  });

  it('has what blocks a fleet now, by the time that a drain of it may take', () => {
    const facts = seen([fleet({ refreshing: true })], {
      drains: { 'group/web-asg': { mode: 'act', deadlineSeconds: 7_200 } },
    });
    const [first] = fleetsOf(plansFor(facts, all).plans[0]);
    expect(first?.blockers.map(({ passes }) => passes)).toEqual([false, true]);
    expect(first?.blockers[0]?.because).toContain('a drain may take 120 min');
  });

  it('is only of the fleets that were asked for', () => {
    const fleets = [fleet({ id: 'group/a' }), fleet({ id: 'group/b' })];
    const plans = plansFor(seen(fleets), { fleets: ['group/b'], isOrdered: false });
    expect(fleetsOf(plans.plans[0]).map(({ id }) => id)).toEqual(['group/b']);
    expect(plans.apart).toEqual([]);
  });

  it('says why its source names no image', () => {
    const sources = [{ source: 'al2023/x86_64', target: { because: 'there is no parameter' } }];
    const plans = plansFor(seen([fleet()], { sources }), all);
    expect(plans.plans).toEqual([{ source: 'al2023/x86_64', because: 'there is no parameter' }]);
    expect(plans.apart.map(({ id }) => id)).toEqual(['group/web-asg']);
    expect(rollsAnything(plans)).toBe(false);
  });

  it('rolls a family that has reached its end only where somebody orders it', () => {
    const source = 'al2/x86_64';
    const old = { ...target, source, family: source, version: '2.0.20261115' };
    const facts = fleet({ slots: [slot({ family: source, version: '2.0.20261001' })] });
    const of = (isOrdered: boolean) =>
      fleetsOf(plansFor(seen([facts], { sources: [{ source, target: old }] }), { fleets: [], isOrdered }).plans[0])
        .length;
    expect([of(false), of(true)]).toEqual([0, 1]);
  });
});

describe('what a planned fleet waits for', () => {
  const younger = { ...target, releasedAtMs: START_MS - HOUR };
  // START_MS is a Monday, nine o'clock in UTC.
  it.each([
    [{}, [], undefined],
    [{ 'ecs-drain:ami': 'approve' }, ['approval'], undefined],
    [{ 'ecs-drain:ami': 'approve', 'ecs-drain:window': '02:00-05:00 UTC' }, ['approval', 'window'], undefined],
    [{ 'ecs-drain:window': '08:00-10:00 UTC' }, [], undefined],
    [{ 'ecs-drain:window': '10:00-12:00 UTC' }, ['window'], START_MS + HOUR],
    [{ 'ecs-drain:minimum-age': '3h' }, ['age'], START_MS + 2 * HOUR],
    [{ 'ecs-drain:minimum-age': '3h', 'ecs-drain:window': '10:00-10:30 UTC' }, ['age', 'window'], START_MS + 25 * HOUR],
    [{ 'ecs-drain:wave': '2' }, ['wave'], undefined],
  ])('with the tags %j is %j', (tags, waitsFor, startsAtMs) => {
    const fleets = [
      fleet({ id: 'group/first' }),
      fleet({ id: 'group/it', policy: policy(tags as Record<string, string>) }),
    ];
    const plans = plansFor(seen(fleets, { sources: [{ source: target.source, target: younger }] }), all);
    const it_ = fleetsOf(plans.plans[0]).find(({ id }) => id === 'group/it');
    expect(it_?.waits.waitsFor).toEqual(waitsFor);
    expect(it_?.waits.startsAtMs).toBe(startsAtMs);
  });

  it('is nothing where its tag says notify: nobody will begin it', () => {
    const plans = plansFor(seen([fleet({ policy: policy({ 'ecs-drain:ami': 'notify' }) })]), all);
    expect(fleetsOf(plans.plans[0])[0]?.waits).toMatchObject({ isOnlyTold: true, waitsFor: [] });
    expect(rollsAnything(plans)).toBe(false);
  });
});

describe('fleets that no plan has a word about', () => {
  const custom = slot({ family: undefined, version: undefined });
  it.each([
    [
      'with wrong tags and a custom image',
      { policy: { mistakes: ['x is wrong'] }, slots: [custom] },
      'its tags are wrong: x',
    ],
    ['with a custom image', { slots: [custom] }, "none of AWS's ECS images"],
    [
      'whose image is gone',
      { slots: [slot({ family: undefined, version: undefined, architecture: undefined })] },
      'does not exist any more',
    ],
    ['whose template names no image', { slots: [] }, 'names no image that could be read'],
    [
      'of another family',
      { slots: [slot({ family: 'al2023/arm64', architecture: 'arm64' })] },
      'al2023/arm64 names no image here',
    ],
    [
      'that follow a parameter',
      { policy: policy({ 'ecs-drain:follow': '/mine' }) },
      'it has /mine, and nothing of al2023/x86_64',
    ],
  ] as const)('%s are told of once', (_what, changes, because) => {
    const other = { source: 'al2023/arm64', target: { because: 'gone' } };
    const { plans, apart } = plansFor(
      seen([fleet(), fleet({ id: 'group/it', ...(changes as Partial<FleetFacts>) })], {
        sources: [{ source: target.source, target }, other],
      }),
      all,
    );
    expect(plans.flatMap((plan) => ('target' in plan ? plan.leftAlone : []))).toEqual([]);
    expect(apart.map(({ id }) => id)).toEqual(['group/it']);
    expect(apart[0]?.because).toContain(because);
  });
});

it('the sources are what the fleets run, in the order of the table, and what they follow', () => {
  const fleets = [
    fleet({ slots: [slot({ family: 'al2023/arm64' })] }),
    fleet(),
    fleet({ policy: policy({ 'ecs-drain:follow': '/b' }), slots: [] }),
    fleet({ policy: policy({ 'ecs-drain:follow': '/a' }), slots: [] }),
  ];
  expect(sourcesOf(fleets)).toEqual(['al2023/x86_64', 'al2023/arm64', '/a', '/b']);
});
