import type { ResourceStatus } from '@aws-sdk/client-cloudformation';
import { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import type { SpotFleetRequestConfigData } from '@aws-sdk/client-ec2';
import {
  DescribeInstancesCommand,
  DescribeSpotFleetInstancesCommand,
  DescribeSpotFleetRequestsCommand,
  EC2Client,
  RequestSpotFleetCommand,
} from '@aws-sdk/client-ec2';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { applicationAutoScalingClient, cloudFormationClient, ec2Client } from '../../src/aws/clients.ts';
import { fleetSeen } from '../../src/aws/spot-fleet-shapes.ts';
import { spotFleetsPort } from '../../src/aws/spot-fleets.ts';
import { createWorldOfAws } from './sim.ts';

const TAGS = { 'ecs-drain:ami': 'auto' };

function prepare(fleet: object = {}, options: { seed?: number } = {}) {
  const aws = createWorldOfAws(
    {
      clusters: [{ name: 'web', instances: 0, group: 'web-asg', services: [{ name: 'api', desired: 6 }] }],
      spotFleets: [
        { name: 'spot', cluster: 'web', instances: 3, behind: 1, tags: TAGS, ...fleet },
        { name: 'untagged', cluster: 'web', instances: 0 },
      ],
    },
    options,
  );
  const { spotFleets: existing, amis, templates, ecs } = aws.region;
  const [id = ''] = existing.fleets.keys();
  const { requestHandler } = aws;
  const fleets = spotFleetsPort(
    ec2Client(requestHandler),
    applicationAutoScalingClient(requestHandler),
    cloudFormationClient(requestHandler),
  );
  const seen = (fleetId = id) => aws.value(() => fleets.describeFleet(fleetId));
  return {
    ...aws,
    id,
    existing,
    fleets,
    old: amis.behind('al2023/x86_64', 1).id,
    next: amis.recommended('al2023/x86_64').id,
    templates,
    seen,
    template: async () => {
      const template = (await seen())?.launch[0]?.template;
      return template && 'templateId' in template ? template : expect.fail('it names its template by name');
    },
    instances: (fleetId = id) => aws.value(() => fleets.fleetInstances(fleetId)),
    joined: () => ecs.operations.ListContainerInstances({ cluster: 'web' }).containerInstanceArns.length,
  };
}

describe('a Spot Fleet', () => {
  it('is found by its tag, and described with what it launches from', async () => {
    const { fleets, value, id, seen } = prepare({ validSeconds: 86_400 });
    const described = {
      id,
      tags: TAGS,
      state: 'active',
      createdAtMs: Date.UTC(2026, 0, 1),
      type: 'maintain',
      targetCapacity: 3,
      fulfilledCapacity: 3,
      onDemandCapacity: 0,
      excess: 'default',
      validUntilMs: Date.UTC(2026, 0, 2),
      launch: [{ at: 0, template: { templateId: expect.stringMatching(/^lt-/), version: '1' } }],
      specifications: 0,
    };
    expect(await value(() => fleets.taggedFleets('ecs-drain:ami'))).toEqual([described]);
    expect(await seen()).toEqual(described);
    expect(await seen('sfr-gone')).toBeUndefined();
  });

  it('may have launch specifications, whose images it names', async () => {
    const { seen, old } = prepare({ launch: 'specification' });
    expect(await seen()).toMatchObject({
      specifications: 1,
      launch: [{ at: 0, instanceType: 'm7i.xlarge', imageId: old }],
    });
  });

  it('has instances, whose images EC2 tells, and none that EC2 knows to be gone', async () => {
    const { instances, existing, region, old, id, runTo } = prepare({}, { seed: 2 });
    const ids = region.instancesOf('spot');
    const plain = { imageId: old, state: 'healthy', protectedFromScaleIn: false, instanceType: 'm7i.xlarge' };
    expect(await instances()).toEqual(ids.map((instanceId) => ({ ...plain, id: instanceId })));

    region.ec2.vanish(ids[0] ?? '', 'spot');
    const shown = existing.fleets.get(id)?.instances.get(ids[0] ?? '');
    expect(shown?.shownUntilMs).toBeGreaterThan(region.world.clock.nowMs());
    expect((await instances()).map((one) => one.id)).toEqual(ids.slice(1));
    runTo(300);
    // A fleet that maintains launches another.
    expect(await instances()).toHaveLength(3);
  });

  it('has those instances, too, that its list leaves out, by the tag that EC2 gives them', async () => {
    const { instances, existing, region } = prepare();
    const ids = region.instancesOf('spot');
    const first = existing.instance(ids[0] ?? '');
    if (first) existing.unlist(first);
    expect((await instances()).map((one) => one.id).sort()).toEqual([...ids].sort());
    region.ec2.vanish(ids[0] ?? '', 'spot');
    expect((await instances()).map((one) => one.id).sort()).toEqual(ids.slice(1).sort());
  });

  it('has instances that are only listed, and of those that are only tagged what is up', async () => {
    const client = new EC2Client({ region: 'eu-west-1' });
    const aws = mockClient(client);
    const known = (id: string, Name: 'running' | 'pending' | 'stopped' | 'terminated') => ({
      InstanceId: id,
      ImageId: 'ami-1',
      State: { Name },
    });
    aws.on(DescribeSpotFleetInstancesCommand).resolves({
      ActiveInstances: [{ InstanceId: 'i-listed', InstanceHealth: 'unhealthy' }, { InstanceId: 'i-untagged' }],
    });
    const byTag = { Filters: [{ Name: 'tag:aws:ec2spot:fleet-request-id', Values: ['sfr-1'] }] };
    aws.on(DescribeInstancesCommand, byTag).resolves({
      Reservations: [
        {
          Instances: [
            known('i-listed', 'running'),
            known('i-tagged', 'pending'),
            known('i-stopped', 'stopped'),
            known('i-gone', 'terminated'),
          ],
        },
      ],
    });
    const byId = { Filters: [{ Name: 'instance-id', Values: ['i-untagged'] }] };
    aws
      .on(DescribeInstancesCommand, byId)
      .resolves({ Reservations: [{ Instances: [known('i-untagged', 'running')] }] });

    const fleets = spotFleetsPort(client, applicationAutoScalingClient(), cloudFormationClient());
    const found = await fleets.fleetInstances('sfr-1');
    expect(found.ok && found.value.map(({ id, state }) => `${id} ${state}`)).toEqual([
      'i-listed unhealthy',
      'i-untagged healthy',
      'i-tagged healthy',
    ]);
  });

  it('has weights by type, the heaviest of each; none where each instance is one unit', () => {
    const override = (InstanceType: 'm7i.large' | 'm7i.xlarge', WeightedCapacity?: number) => ({
      InstanceType,
      ...(WeightedCapacity === undefined ? {} : { WeightedCapacity }),
    });
    const weightsOf = (...Overrides: ReturnType<typeof override>[]) =>
      fleetSeen({
        SpotFleetRequestConfig: { IamFleetRole: 'role', TargetCapacity: 4, LaunchTemplateConfigs: [{ Overrides }] },
      }).weights;
    expect(weightsOf(override('m7i.large'), override('m7i.xlarge', 1))).toBeUndefined();
    expect(weightsOf(override('m7i.large', 2), override('m7i.xlarge', 3), override('m7i.xlarge', 4))).toEqual({
      'm7i.large': 2,
      'm7i.xlarge': 4,
    });
  });

  it('that is gone has no instances to tell of, and cannot be changed', async () => {
    const { fleets, ask } = prepare();
    const gone = { ok: false, reason: 'gone' };
    expect(await ask(() => fleets.fleetInstances('sfr-gone'))).toMatchObject(gone);
    expect(await ask(() => fleets.setTarget('sfr-gone', 1))).toMatchObject(gone);
    expect(await ask(() => fleets.copyFleet('sfr-gone', [], 't', {}))).toMatchObject({ ok: false });
    expect(await ask(() => fleets.cancelFleet('sfr-gone'))).toMatchObject({ ok: false, reason: 'other' });
  });

  it.each([1, 2, 3, 4])('may name its template, and is copied with the id of that (seed %i)', async (seed) => {
    const { fleets, value, id, seen, instances, templates, next, runTo } = prepare(
      { launch: 'template by name' },
      { seed },
    );
    const templateId = templates.idOf('spot') ?? '';
    const named = { templateName: 'spot', version: '1' };
    // EC2 answers with what it was given, or with both.
    expect([[{ at: 0, template: named }], [{ at: 0, template: { templateId, version: '1' } }]]).toContainEqual(
      (await seen())?.launch,
    );

    const same = await value(() => fleets.copyFleet(id, [], 'same', {}));
    const images = [{ at: 0, template: { templateId, version: String(templates.write(templateId, next)) } }];
    const copy = await value(() => fleets.copyFleet(id, images, 'token', {}));
    runTo(400);
    expect((await seen(same))?.launch).toEqual((await seen())?.launch);
    expect((await seen(copy))?.launch).toEqual(images);
    expect((await instances(copy)).map(({ imageId }) => imageId)).toEqual([next, next, next]);
  });

  it('tells of its On-Demand part, below which EC2 sets no target', async () => {
    const { fleets, ask, id, seen } = prepare({ onDemand: 1 });
    expect(await seen()).toMatchObject({ targetCapacity: 3, onDemandCapacity: 1 });
    expect(await ask(() => fleets.setTarget(id, 0))).toMatchObject({
      ok: false,
      reason: 'other',
      message: 'TargetCapacity (0) cannot be less than OnDemandTargetCapacity (1)',
    });
    expect((await ask(() => fleets.setTarget(id, 1))).ok).toBe(true);
  });

  it('tells when it begins, and has nothing until then', async () => {
    const { seen, instances, runTo } = prepare({ validFromSeconds: 7_200 });
    expect(await seen()).toMatchObject({ validFromMs: Date.UTC(2026, 0, 1, 2), fulfilledCapacity: 0 });
    runTo(7_100);
    expect(await instances()).toEqual([]);
    runTo(7_300);
    expect(await instances()).toHaveLength(3);
  });

  it('belongs to a CloudFormation stack, though no tag says so, or to none', async () => {
    const { fleets, value, id, existing, seen } = prepare({ stack: 'network' });
    const [, other = ''] = existing.fleets.keys();
    expect((await seen())?.tags).toEqual(TAGS);
    expect(await value(() => fleets.stackOf(id))).toBe('network');
    expect(await value(() => fleets.stackOf(other))).toBeUndefined();
  });

  it.each([
    ['is deleted and has kept it', 'DELETE_SKIPPED', undefined],
    ['could not delete it', 'DELETE_FAILED', 'network'],
    ['is bigger than the answer, which leaves it out', undefined, 'network'],
  ] as const)('whose stack %s belongs to %s%s', async (_, status, stack) => {
    const client = new CloudFormationClient({ region: 'eu-west-1' });
    const resource = (PhysicalResourceId: string, ResourceStatus: ResourceStatus) => ({
      ...{ StackName: 'network', LogicalResourceId: 'x', ResourceType: 'x', Timestamp: new Date(0) },
      ...{ PhysicalResourceId, ResourceStatus },
    });
    mockClient(client)
      .on(DescribeStackResourcesCommand, { PhysicalResourceId: 'sfr-1' })
      .resolves({
        StackResources: [resource('vpc-1', 'DELETE_COMPLETE'), ...(status ? [resource('sfr-1', status)] : [])],
      });
    const fleets = spotFleetsPort(ec2Client(), applicationAutoScalingClient(), client);
    expect(await fleets.stackOf('sfr-1')).toEqual({ ok: true, value: stack });
  });

  it('whose stack may not be asked for belongs to nobody knows whom', async () => {
    const client = new CloudFormationClient({ region: 'eu-west-1' });
    const denied = Object.assign(new Error('not authorized to perform'), { name: 'AccessDenied' });
    mockClient(client).on(DescribeStackResourcesCommand).rejects(denied);
    const fleets = spotFleetsPort(ec2Client(), applicationAutoScalingClient(), client);
    expect(await fleets.stackOf('sfr-1')).toMatchObject({ ok: false, reason: 'denied' });
  });

  it('may have a scalable target', async () => {
    const ask = async (scalableTarget: boolean) => {
      const { fleets, value, id } = prepare({ scalableTarget });
      return value(() => fleets.hasScalableTarget(id));
    };
    expect([await ask(true), await ask(false)]).toEqual([true, false]);
  });
});

describe('a copy of a Spot Fleet', () => {
  it('has the tags, the end and the size of the old one, launches from the other version and joins the cluster', async () => {
    const { fleets, value, id, seen, template, instances, templates, next, runTo, joined } = prepare({
      validSeconds: 86_400,
    });
    const { templateId } = await template();
    const images = [{ at: 0, template: { templateId, version: String(templates.write(templateId, next)) } }];

    const tags = { 'ecs-drain:copy-of': id };
    const copy = await value(() => fleets.copyFleet(id, images, 'token', tags));
    expect(await value(() => fleets.copyFleet(id, images, 'token', tags))).toBe(copy);
    runTo(400);

    const its = { id: copy, launch: images, tags: { ...TAGS, ...tags }, createdAtMs: expect.any(Number) };
    expect(await seen(copy)).toEqual({ ...(await seen()), ...its });
    expect((await instances(copy)).map(({ imageId }) => imageId)).toEqual([next, next, next]);
    expect(joined()).toBe(6);
  });

  it('of launch specifications has the other image', async () => {
    const { fleets, value, id, instances, next, runTo } = prepare({ launch: 'specification' });
    const copy = await value(() => fleets.copyFleet(id, [{ at: 0, imageId: next }], 'token', {}));
    runTo(400);
    expect((await instances(copy)).map(({ imageId }) => imageId)).toEqual([next, next, next]);
  });

  it('launches nothing where there is no capacity, until there is', async () => {
    const { fleets, value, id, seen, existing, runTo } = prepare();
    existing.setCapacity('spot', false);
    const copy = await value(() => fleets.copyFleet(id, [], 'token', {}));
    runTo(7_200);
    expect(await seen(copy)).toMatchObject({ state: 'active', targetCapacity: 3, fulfilledCapacity: 0 });
    existing.setCapacity('spot', true);
    runTo(7_400);
    expect(await seen(copy)).toMatchObject({ fulfilledCapacity: 3 });
  });

  it('of one that has ended, or from an image parameter, is refused', async () => {
    const { fleets, ask, id, templates, template, runTo } = prepare({ validSeconds: 600 });
    const { templateId } = await template();
    const version = String(templates.write(templateId, 'resolve:ssm:/ours'));
    const copy = (images: Parameters<typeof fleets.copyFleet>[1], token: string) =>
      ask(() => fleets.copyFleet(id, images, token, {}));
    expect(await copy([{ at: 0, template: { templateId, version } }], 'a')).toMatchObject({
      ok: false,
      reason: 'other',
    });
    expect(await copy([{ at: 1 }], 'b')).toMatchObject({ ok: false, reason: 'other' });
    runTo(601);
    expect(await copy([], 'c')).toMatchObject({ ok: false, message: expect.stringContaining('ValidUntil') });
  });

  it('is found again by its tags, when somebody has changed the old one since it was asked for', async () => {
    const { fleets, value, ask, id, runTo } = prepare();
    const tags = { 'ecs-drain:copy-of': id, 'ecs-drain:rollout': 'one' };
    const copy = await value(() => fleets.copyFleet(id, [], 'token', tags));
    await value(() => fleets.setTarget(id, 2));
    runTo(60);
    expect(await value(() => fleets.copyFleet(id, [], 'token', tags))).toBe(copy);
    const another = { ...tags, 'ecs-drain:rollout': 'two' };
    expect(await ask(() => fleets.copyFleet(id, [], 'token', another))).toMatchObject({ ok: false, reason: 'other' });
    expect(await ask(() => fleets.copyFleet(id, [], 'token', {}))).toMatchObject({ ok: false, reason: 'other' });
  });

  it('leaves out what only AWS can set', async () => {
    const client = new EC2Client({ region: 'eu-west-1' });
    const aws = mockClient(client);
    const use = { LaunchTemplateId: 'lt-1', LaunchTemplateName: 'spot', Version: '3' };
    const Overrides = [{ InstanceType: 'm7i.large' as const, WeightedCapacity: 2 }];
    const config = {
      IamFleetRole: 'role',
      TargetCapacity: 5,
      FulfilledCapacity: 4,
      OnDemandFulfilledCapacity: 0,
      ClientToken: 'old',
      ValidFrom: new Date(0),
      LaunchSpecifications: [],
      LaunchTemplateConfigs: [
        { LaunchTemplateSpecification: use, Overrides },
        { LaunchTemplateSpecification: use, Overrides },
      ],
    };
    const Tags = [
      { Key: 'aws:cloudformation:stack-name', Value: 's' },
      { Key: 'a', Value: 'b' },
      { Key: 'ours', Value: 'of the fleet before' },
    ];
    aws.on(DescribeSpotFleetRequestsCommand).resolves({
      SpotFleetRequestConfigs: [{ SpotFleetRequestConfig: config, Tags }],
    });
    aws.on(RequestSpotFleetCommand).resolves({ SpotFleetRequestId: 'sfr-2' });

    const fleets = spotFleetsPort(client, applicationAutoScalingClient(), cloudFormationClient());
    const images = [{ at: 1, template: { templateId: 'lt-1', version: '4' } }];
    expect(await fleets.copyFleet('sfr-1', images, 'new', { ours: 'c', too: 'd' })).toEqual({
      ok: true,
      value: 'sfr-2',
    });

    expect(aws.commandCalls(RequestSpotFleetCommand)[0]?.args[0].input.SpotFleetRequestConfig).toEqual({
      IamFleetRole: 'role',
      TargetCapacity: 5,
      ClientToken: 'new',
      LaunchTemplateConfigs: [
        { LaunchTemplateSpecification: { LaunchTemplateId: 'lt-1', Version: '3' }, Overrides },
        { LaunchTemplateSpecification: { LaunchTemplateId: 'lt-1', Version: '4' }, Overrides },
      ],
      TagSpecifications: [
        {
          ResourceType: 'spot-fleet-request',
          Tags: [
            { Key: 'a', Value: 'b' },
            { Key: 'ours', Value: 'c' },
            { Key: 'too', Value: 'd' },
          ],
        },
      ],
    });
  });
});

describe('a Spot Fleet that is given up', () => {
  it('launches nothing more at a target of zero, and keeps what runs', async () => {
    const { fleets, value, ask, id, seen, instances, region, runTo } = prepare();
    await value(() => fleets.setTarget(id, 0));
    expect(await seen()).toMatchObject({ state: 'modifying', targetCapacity: 0, fulfilledCapacity: 3 });
    expect(await ask(() => fleets.setTarget(id, 3))).toMatchObject({ ok: false, reason: 'other' });
    runTo(60);
    region.ec2.vanish(region.instancesOf('spot')[0] ?? '', 'drained');
    runTo(900);
    expect(await seen()).toMatchObject({ state: 'active', fulfilledCapacity: 2 });
    await value(() => fleets.setTarget(id, 3));
    runTo(1_200);
    expect(await instances()).toHaveLength(3);
  });

  it('has its own policy for what is above its target again, where that is given back to it', async () => {
    const { fleets, value, id, seen, instances, runTo } = prepare();
    await value(() => fleets.setTarget(id, 0));
    expect(await seen()).toMatchObject({ excess: 'noTermination' });
    runTo(60);
    await value(() => fleets.setTarget(id, 3, 'default'));
    expect(await seen()).toMatchObject({ targetCapacity: 3, excess: 'default' });
    runTo(600);
    expect(await instances()).toHaveLength(3);
  });

  it.each(['noTermination', 'NoTermination'])('is told to keep what is above its target by %s', (policy) => {
    const config = { ExcessCapacityTerminationPolicy: policy } as unknown as SpotFleetRequestConfigData;
    expect(fleetSeen({ SpotFleetRequestConfig: config }).excess).toBe('noTermination');
  });

  it.each([1, 2, 3, 4])('is cancelled with its instances; cancelling twice is as good (seed %i)', async (seed) => {
    const { fleets, value, id, seen, runTo, region } = prepare({}, { seed });
    await value(() => fleets.cancelFleet(id));
    expect((await seen())?.state).toBe('cancelled_terminating');
    await value(() => fleets.cancelFleet(id));
    runTo(60);
    expect(await seen()).toMatchObject({ state: 'cancelled', fulfilledCapacity: 0 });
    expect(region.instancesOf('spot').map((instance) => region.ecs.liveTasks(instance))).toEqual([[], [], []]);
    await value(() => fleets.cancelFleet(id));
  });
});
