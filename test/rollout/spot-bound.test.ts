import { describe, expect, it } from 'vitest';
import { fleetSeen } from '../../src/aws/spot-fleet-shapes.ts';
import type { SpotFleetSeen, TemplateByName, TemplateRef } from '../../src/rollout/ports.ts';
import { slotsOf } from '../../src/rollout/slots.ts';
import type { Bonds } from '../../src/rollout/spot-bound.ts';
import { boundOf } from '../../src/rollout/spot-bound.ts';
import { OLD, START_MS } from './builders.ts';

const DAY_MS = 86_400_000;

const fleet = (changes: Partial<SpotFleetSeen> = {}): SpotFleetSeen => ({
  id: 'sfr-1',
  tags: { 'ecs-drain:ami': 'auto' },
  state: 'active',
  createdAtMs: START_MS - DAY_MS,
  type: 'maintain',
  targetCapacity: 4,
  fulfilledCapacity: 4,
  onDemandCapacity: 0,
  excess: 'default',
  launch: [{ at: 0, template: { templateId: 'lt-1', version: '1' } }],
  specifications: 0,
  ...changes,
});
const bonds = (changes: Partial<Bonds> = {}): Bonds => ({
  atMs: START_MS,
  hasScalableTarget: false,
  stack: { ok: true, value: undefined },
  instances: 4,
  slots: 1,
  ...changes,
});
const two = [{ at: 0 }, { at: 1 }];

describe('a Spot Fleet', () => {
  it.each<[string, Partial<SpotFleetSeen>, Partial<Bonds>]>([
    ['that is like most', {}, {}],
    ['whose beginning is over', { validFromMs: START_MS }, {}],
    ['that is being changed, which passes', { state: 'modifying' }, {}],
    ['that is gone, which is told otherwise', { state: 'cancelled_running' }, {}],
    ['all of whose templates name an image', { launch: two }, { slots: 2 }],
    ['of launch specifications, which the plan refuses', { launch: two, specifications: 2 }, { slots: 1 }],
  ])('%s is bound to nothing', (_, changes, known) => {
    expect(boundOf(fleet(changes), bonds(known))).toEqual([]);
  });

  it.each<[string, Partial<SpotFleetSeen>, Partial<Bonds>, string]>([
    ['has a part On-Demand', { onDemandCapacity: 1 }, {}, '1 of its units are On-Demand, and EC2 sets no target below'],
    ['has yet to begin', { validFromMs: START_MS + 1_000 }, {}, 'it begins at 2026-11-23T09:00:01.000Z'],
    ['has an end', { validUntilMs: START_MS + DAY_MS }, {}, 'it ends at 2026-11-24T09:00:00.000Z'],
    ['is not kept up', { type: 'request' }, {}, 'of type request'],
    [
      'counts on an alarm',
      { tags: { 'ecs-drain:ami': 'auto', 'ecs-drain:bake': '1h', 'ecs-drain:alarms': 'errors' } },
      {},
      'ecs-drain:bake, ecs-drain:alarms mean nothing for a Spot Fleet',
    ],
    ['has a scalable target', {}, { hasScalableTarget: true }, 'a scalable target looks after its capacity'],
    ['is of a stack', {}, { stack: { ok: true, value: 'network' } }, 'CloudFormation made it (stack network)'],
    [
      'is tagged by a stack',
      { tags: { 'aws:cloudformation:stack-id': 'arn' } },
      {},
      'CloudFormation made it (stack arn)',
    ],
    [
      'has a template without an image',
      { launch: two },
      {},
      'of its 2 launch templates, 1 could not be found or names no',
    ],
    ['has no template that could be found', {}, { slots: 0 }, 'of its 1 launch templates, 1 could not be found'],
  ])('that %s is not replaced, and says why', (_, changes, known, words) => {
    expect(boundOf(fleet(changes), bonds(known))).toEqual([expect.stringContaining(words)]);
  });
});

it('a template that a Spot Fleet names by its name is known by its id from then on', async () => {
  const asked: (TemplateRef | TemplateByName)[] = [];
  const ok = async <T>(value: T) => ({ ok: true, value }) as const;
  const seen = fleetSeen({
    SpotFleetRequestState: 'active',
    SpotFleetRequestConfig: {
      IamFleetRole: 'role',
      TargetCapacity: 4,
      LaunchTemplateConfigs: [
        { LaunchTemplateSpecification: { LaunchTemplateName: 'web', Version: '3' } },
        { LaunchTemplateSpecification: { LaunchTemplateId: 'lt-2', LaunchTemplateName: 'arm', Version: '$Latest' } },
        {},
      ],
    },
  });
  const [slots] = await slotsOf([seen.launch], [], {
    templates: {
      describeTemplate(template) {
        asked.push(template);
        const templateId = 'templateId' in template ? template.templateId : 'lt-1';
        const named = { templateId, number: 3, isLatest: true, isDefault: true };
        const version = { ...named, image: OLD, instanceType: undefined, byRequirements: false };
        return ok(version);
      },
      createVersion: () => expect.fail('nothing is made'),
    },
    parameters: { readParameters: () => ok([]), writeParameter: () => ok(undefined) },
    images: { describeImages: () => ok([]) },
  });
  expect(asked).toEqual([
    { templateName: 'web', version: '3' },
    { templateId: 'lt-2', version: '$Latest' },
  ]);
  expect(slots).toMatchObject([
    { at: 0, template: { id: 'lt-1', number: 3, asked: '3' }, imageId: OLD },
    { at: 1, template: { id: 'lt-2', number: 3, asked: '$Latest' }, imageId: OLD },
  ]);
  // The third leads to no image: the fleet is refused instead of being rolled by two thirds.
  expect(boundOf(seen, bonds({ slots: slots?.length ?? 0 }))).toEqual([
    expect.stringContaining('of its 3 launch templates, 1 could not be found'),
  ]);
});
