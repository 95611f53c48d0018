import { describe, expect, it } from 'vitest';
import { planLines } from '../../src/rollout/announce.ts';
import type { FleetFacts, Target } from '../../src/rollout/fleet.ts';
import { planOf } from '../../src/rollout/plan.ts';
import { fleet, NEW, OLD, policy, slot, target } from './builders.ts';

const plan = (...facts: FleetFacts[]) => planOf(target, facts, false);
const alone = (...facts: FleetFacts[]) => plan(...facts).leftAlone.map(({ because, isNews }) => [because, isNews]);

describe('the plan of a release', () => {
  it('replaces what launches from an older image of the family, by a template version of ours', () => {
    expect(plan(fleet())).toMatchObject({
      fleets: [{ id: 'group/web-asg', how: 'write', instances: 4, from: [`2023.0.20261001 (${OLD}, kernel 6.1)`] }],
      leftAlone: [],
    });
  });

  it.each([
    ['of one agent', {}, ['1.97.0'], `2023.0.20261001 (${OLD}, kernel 6.1, 1.97.0)`],
    ['renewed in part', {}, ['1.97.0', '1.98.0'], `2023.0.20261001 (${OLD}, kernel 6.1, 1.97.0 or 1.98.0)`],
    ['of no known kernel', { kernel: undefined as never }, ['1.97.0'], `2023.0.20261001 (${OLD}, 1.97.0)`],
    ['of no known version', { version: undefined, kernel: undefined as never }, ['1.97.0'], `${OLD} (1.97.0)`],
    ['of which nothing is known', { version: undefined, kernel: undefined as never }, [], OLD],
  ])('says what it comes from: instances %s', (_, image, agents, words) => {
    const follow = policy({ 'ecs-drain:follow': '/golden' });
    const facts = fleet({
      policy: follow,
      slots: [slot(image)],
      ...(agents.length === 0 ? {} : { agents: { [OLD]: agents, [NEW]: ['1.99.0'] } }),
    });
    expect(planOf({ ...target, source: '/golden' }, [facts], false).fleets[0]?.from).toEqual([words]);
  });

  it('is nothing to a fleet of another family that has releases of its own', () => {
    const bottlerocket = fleet({ slots: [slot({ family: 'bottlerocket-2/x86_64', version: '1.49.0' })] });
    expect(plan(bottlerocket)).toMatchObject({ fleets: [], leftAlone: [] });
  });

  it.each([
    ['a family whose life has ended', 'al2/x86_64', 'reached its end on 2026-06-30', true],
    ['Windows', 'windows-2022-core/x86_64', 'rolled out by hand', false],
  ])('tells the people of a fleet with %s at its own releases, if any come', (_, family, words, isSpokenFor) => {
    const stranger = fleet({ slots: [slot({ family })] });
    const of = (source: string) => planOf({ ...target, source, family: source }, [stranger], false).leftAlone;
    const told = [{ id: stranger.id, because: expect.stringContaining(words), isNews: true }];
    expect(of(family)).toEqual(told);
    expect(of('al2023/x86_64')).toEqual(isSpokenFor ? told : []);
    expect(of('al2023/arm64')).toEqual([]);
  });

  it('tells the people of a fleet with a custom image, which no release of its own will ever do', () => {
    const stranger = fleet({ id: 'group/custom', slots: [slot({ family: undefined, version: undefined })] });
    expect(alone(stranger)).toEqual([[expect.stringContaining('ecs-drain:follow'), true]]);
    // With one release, of all that come: the plain one of its architecture.
    const isNews = (changes: Partial<Target>) =>
      planOf({ ...target, ...changes }, [stranger], false).leftAlone.some((one) => one.isNews);
    expect(isNews({ source: 'al2023/arm64', family: 'al2023/arm64', architecture: 'arm64' })).toBe(false);
    expect(isNews({ source: 'al2023-gpu/x86_64', family: 'al2023-gpu/x86_64' })).toBe(false);
  });

  it.each([
    ['and nothing else is known', [], 'al2023/x86_64', 'al2023/arm64'],
    [
      'beside one whose architecture is known',
      [slot({ at: 0, family: undefined, version: undefined, architecture: 'arm64', imageId: 'ami-0ccccccccccccccc3' })],
      'al2023/arm64',
      'al2023/x86_64',
    ],
  ])(
    'tells the people of a fleet whose image is gone, %s, that nothing can be launched',
    (_, others, tells, silent) => {
      const gone = fleet({
        slots: [slot({ family: undefined, version: undefined, architecture: undefined }), ...others],
      });
      const of = (source: string) => planOf({ ...target, source, family: source }, [gone], false).leftAlone;
      const because = `its image ${OLD} does not exist any more, or is not shared with this account: nothing can be launched from it`;
      expect(of(tells)).toEqual([{ id: gone.id, because, isNews: true }]);
      expect(of(silent)).toEqual([{ id: gone.id, because, isNews: false }]);
    },
  );

  it('changes only the slots of the family, and only what is older', () => {
    const arm = slot({ at: 0, family: 'al2023/arm64', architecture: 'arm64', imageId: 'ami-0ccccccccccccccc3' });
    const current = slot({ at: 1, imageId: NEW, version: target.version });
    const mixed = fleet({
      launch: 'mixed',
      slots: [slot(), arm, current],
      images: { [OLD]: 2, [arm.imageId]: 3, [NEW]: 1 },
    });
    expect(plan(mixed).fleets).toMatchObject([{ slots: [{ at: 'base' }], instances: 2 }]);
  });

  it('never goes back to an older image by itself', () => {
    expect(alone(fleet({ slots: [slot({ version: '2023.0.20261120' })] }))).toEqual([
      ['it runs a newer image already', false],
    ]);
  });

  it('has nothing to do where the image is there, and replaces instances that are older than their template', () => {
    const there = [slot({ imageId: NEW, version: target.version })];
    expect(alone(fleet({ slots: there, images: { [NEW]: 4 } }))).toEqual([['it runs this image already', false]]);
    expect(plan(fleet({ slots: there, images: { [NEW]: 1, [OLD]: 3 } })).fleets).toMatchObject([
      { how: 'keep', slots: [], instances: 3 },
    ]);
  });

  it('says how many instances wait in the warm pool', () => {
    const { fleets } = plan(fleet({ warm: 2 }));
    expect(fleets).toMatchObject([{ instances: 4, warm: 2 }]);
    expect(planLines(plan(fleet({ warm: 2 })), () => [])[0]).toContain('4 instances and the 2 in its warm pool from');
  });

  it('counts no instance as old whose image is not known, nor says that it runs this image', () => {
    expect(plan(fleet({ images: { [OLD]: 3, unknown: 1 } })).fleets).toMatchObject([
      { instances: 3, from: [`2023.0.20261001 (${OLD}, kernel 6.1)`] },
    ]);
    const there = fleet({ slots: [slot({ imageId: NEW, version: target.version })], images: { [NEW]: 3, unknown: 1 } });
    expect(alone(there)).toEqual([['what 1 of its instances run is not known yet', false]]);
  });

  it('leaves a kept template to its owner, and rolls out what the owner has put in it', () => {
    const kept = policy({ 'ecs-drain:template': 'keep' });
    expect(alone(fleet({ policy: kept }))).toEqual([[expect.stringContaining('its owner has to change it'), true]]);
    const latest = slot({ imageId: NEW, template: { id: 'lt-0a', number: 4, asked: '$Latest' } });
    expect(plan(fleet({ policy: kept, slots: [latest] })).fleets).toMatchObject([{ how: 'keep', instances: 4 }]);
  });

  it('writes no version that somebody would launch at once, proved or not', () => {
    const template = { id: 'lt-0a', number: 3, asked: '$Latest' };
    expect(alone(fleet({ slots: [slot({ template })] }))).toEqual([
      [expect.stringContaining('it launches $Latest of lt-0a'), true],
    ]);
    expect(alone(fleet({ latestOf: { 'lt-0a': ['dev-asg'] } }))).toEqual([
      [expect.stringContaining('group/dev-asg launches $Latest of lt-0a'), true],
    ]);
    expect(alone(fleet({ latestOf: { 'lt-0a': ['dev-asg', 'test-asg', 'old-asg'] } }))).toEqual([
      [expect.stringContaining('group/dev-asg and 2 more launch $Latest of lt-0a'), true],
    ]);
    // Nothing is written there.
    expect(plan(fleet({ latestOf: { 'lt-0b': ['dev-asg'] } })).fleets).toHaveLength(1);
    const there = slot({ imageId: NEW, version: target.version, template });
    expect(plan(fleet({ slots: [there] })).fleets).toMatchObject([{ how: 'keep' }]);
    const override = slot({ at: 0, written: 'override', template: undefined as never });
    expect(plan(fleet({ slots: [override] })).fleets).toHaveLength(1);
  });

  it('writes nothing over a parameter that a template resolves', () => {
    expect(alone(fleet({ slots: [slot({ written: 'parameter' })] }))).toEqual([
      [expect.stringContaining('the parameter that it resolves'), true],
    ]);
  });

  it.each([
    ['wrong tags', { policy: { mistakes: ['ecs-drain:wave is "x"'] } }, 'its tags are wrong: ecs-drain:wave is "x"'],
    [
      'a launch configuration',
      { launch: 'configuration', slots: [], named: { [OLD]: { family: 'al2023/x86_64', version: '2023.0.20261001' } } },
      'a launch configuration',
    ],
    ['a place that cannot be read', { unread: ['launch template lt-0b has no version 7'] }, 'lt-0b has no version 7'],
  ] as const)('tells the owner of %s', (_, changes, because) => {
    expect(alone(fleet(changes as Partial<FleetFacts>))).toEqual([[expect.stringContaining(because), true]]);
  });

  it('orders by wave, then by name', () => {
    const of = (id: string, wave: string) => fleet({ id, policy: policy({ 'ecs-drain:wave': wave }) });
    const { fleets } = plan(of('group/b', '2'), of('group/c', '1'), of('group/a', '2'));
    expect(fleets.map(({ id }) => id)).toEqual(['group/c', 'group/a', 'group/b']);
  });

  it('rolls a family that has reached its end only when somebody ordered it', () => {
    const al2 = { ...target, source: 'al2/x86_64', family: 'al2/x86_64', version: '2.0.20260601' };
    const old = fleet({ slots: [slot({ family: 'al2/x86_64', version: '2.0.20260101' })] });
    expect(planOf(al2, [old], false)).toMatchObject({ fleets: [], leftAlone: [{ isNews: true }] });
    expect(planOf(al2, [old], true).fleets).toHaveLength(1);
  });

  it('gives those who follow a parameter what it says, forwards and back, and nobody else', () => {
    const verified = { ...target, source: '/ecs-drain/verified/al2023' };
    const follower = fleet({
      policy: policy({ 'ecs-drain:follow': '/ecs-drain/verified/al2023' }),
      slots: [slot({ version: '2023.0.20261120' })],
    });
    expect(planOf(verified, [follower, fleet({ id: 'group/other' })], false)).toMatchObject({
      fleets: [{ id: 'group/web-asg' }],
      leftAlone: [],
    });
    expect(plan(follower)).toMatchObject({ fleets: [], leftAlone: [] });
    const arm = fleet({ policy: follower.policy, slots: [slot({ architecture: 'arm64', family: 'al2023/arm64' })] });
    expect(planOf(verified, [arm], false).leftAlone).toMatchObject([{ isNews: true }]);
  });
});
