import {
  AutoScalingClient,
  DescribeAutoScalingGroupsCommand,
  StartInstanceRefreshCommand,
} from '@aws-sdk/client-auto-scaling';
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { autoScalingClient, ec2Client } from '../../src/aws/clients.ts';
import { groupsPort } from '../../src/aws/fleet-groups.ts';
import type { Desired, RefreshPreferences } from '../../src/rollout/ports.ts';
import { createWorldOfAws } from './sim.ts';

const PREFERENCES: RefreshPreferences = {
  minHealthyPercent: 100,
  maxHealthyPercent: 150,
  checkpoints: [],
  checkpointDelaySeconds: 60,
  bakeSeconds: 0,
  alarms: [],
  autoRollback: true,
  scaleInProtected: 'Wait',
  standby: 'Ignore',
  skipMatching: true,
};

/** One group of four with a hook, on the image before the recommended one. */
function prepare(cluster: object = {}, options: { seed?: number } = {}) {
  const aws = createWorldOfAws(
    {
      clusters: [{ name: 'web', instances: 4, group: 'web-asg', behind: 1, ...cluster }],
      groups: [{ name: 'other', instances: 1 }],
      hooks: [{ group: 'web-asg' }],
    },
    options,
  );
  const { amis, templates, autoScaling } = aws.region;
  const groups = groupsPort(autoScalingClient(aws.requestHandler), ec2Client(aws.requestHandler));
  const group = async () => {
    const seen = await aws.value(() => groups.describeGroup('web-asg'));
    if (seen === undefined) throw new Error('the group is gone');
    return seen;
  };
  return {
    ...aws,
    amis,
    autoScaling,
    groups,
    group,
    /** A version of the group's template with the recommended image, as a desired configuration. */
    async desired(): Promise<Desired> {
      const { launch } = await group();
      if (launch.kind !== 'template') throw new Error(launch.kind);
      const { templateId } = launch.template;
      const number = templates.write(templateId, amis.recommended('al2023/x86_64').id);
      return { kind: 'template', template: { templateId, version: String(number) } };
    },
    async latest() {
      const [refresh] = await aws.value(() => groups.refreshes('web-asg'));
      if (refresh === undefined) throw new Error('there is no refresh');
      return refresh;
    },
    /** Whoever drains: every hook that waits is completed. */
    complete() {
      for (const id of aws.region.instancesOf('web-asg')) {
        autoScaling.waitingAction(id, 'ecs-drain')?.complete('CONTINUE');
      }
    },
  };
}

describe('a group', () => {
  it('is described with what it launches from, its tags and its instances', async () => {
    const { group, amis } = prepare({ tags: { 'ecs-drain:ami': 'auto' }, suspended: ['Launch'], warm: 2, maximum: 9 });
    const imageId = amis.behind('al2023/x86_64', 1).id;
    const seen = await group();
    expect(seen).toEqual({
      name: 'web-asg',
      arn: expect.stringContaining('autoScalingGroupName/web-asg'),
      tags: { 'ecs-drain:ami': 'auto' },
      min: 0,
      max: 9,
      desired: 4,
      suspended: ['Launch'],
      launch: { kind: 'template', template: { templateId: expect.stringMatching(/^lt-/), version: '1' } },
      instances: seen.instances.map(({ id }) => ({
        id,
        imageId,
        template: { templateId: expect.stringMatching(/^lt-/), version: '1' },
        state: 'InService',
        protectedFromScaleIn: false,
      })),
      warm: 2,
    });
    expect(seen.instances).toHaveLength(4);
  });

  it.each(['$Latest', '$Default'])('launches from %s where it says so', async (template) => {
    expect((await prepare({ template }).group()).launch).toMatchObject({ template: { version: template } });
  });

  it('may have a launch configuration, or something that we do not know', async () => {
    const { group, value, groups } = prepare({ template: 'configuration' });
    expect((await group()).launch).toEqual({ kind: 'configuration', name: 'web-asg-configuration' });
    expect((await value(() => groups.describeGroup('other')))?.launch).toEqual({ kind: 'unknown' });
  });

  it('may have overrides with templates or images of their own', async () => {
    const template = { templateId: expect.any(String), version: '1' };
    const types = { at: 0, instanceType: 'm7i.xlarge' };
    expect((await prepare({ mixed: 'templates' }).group()).launch).toEqual({
      kind: 'mixed',
      template,
      byRequirements: false,
      overrides: [types, { at: 1, instanceType: 'm7g.xlarge', template }],
    });
    const images = prepare({ mixed: 'images' });
    const imageId = images.amis.behind('al2023/arm64', 1).id;
    const { launch, instances } = await images.group();
    expect(launch).toEqual({
      kind: 'mixed',
      template,
      byRequirements: false,
      overrides: [types, { at: 1, instanceType: 'm7g.xlarge', imageId }],
    });
    expect((await prepare({ mixed: 'attributes' }).group()).launch).toEqual({
      kind: 'mixed',
      template,
      byRequirements: true,
      overrides: [{ at: 0 }],
    });
    expect(instances.map((instance) => instance.imageId === imageId)).toEqual([false, true, false, true]);
  });

  it('that does not exist is undefined to a look, and gone to everything else', async () => {
    const { ask, value, groups } = prepare();
    expect(await value(() => groups.describeGroup('gone'))).toBeUndefined();
    for (const call of [
      () => groups.terminateHooks('gone'),
      () => groups.refreshes('gone'),
      () =>
        groups.startRefresh('gone', { kind: 'template', template: { templateId: 'lt-1', version: '1' } }, PREFERENCES),
      () => groups.cancelRefresh('gone'),
      () => groups.rollBackRefresh('gone'),
    ])
      expect(await ask<unknown>(call)).toMatchObject({ ok: false, reason: 'gone' });
  });

  it('has the images of its instances from EC2, 200 in a call, whichever group they are in', async () => {
    const tags = { 'ecs-drain:ami': 'auto' };
    const aws = createWorldOfAws({
      clusters: [
        { name: 'a', instances: 250, group: 'a', behind: 1, tags },
        { name: 'b', instances: 30, group: 'b', tags },
        { name: 'c', instances: 2, group: 'c', mixed: 'images', tags },
      ],
    });
    const groups = groupsPort(autoScalingClient(aws.requestHandler), ec2Client(aws.requestHandler));
    const found = await aws.value(() => groups.taggedGroups('ecs-drain:ami'));
    const { amis } = aws.region;
    const [x86, arm] = [amis.recommended('al2023/x86_64').id, amis.recommended('al2023/arm64').id];
    const images = found.map(({ instances }) => [...new Set(instances.map(({ imageId }) => imageId))]);
    expect(images).toEqual([[amis.behind('al2023/x86_64', 1).id], [x86], [x86, arm]]);
    // What Auto Scaling has told is not asked for: 281 of 282.
    expect(aws.calls).toEqual([
      'autoscaling:DescribeAutoScalingGroups',
      'ec2:DescribeInstances',
      'ec2:DescribeInstances',
    ]);
    expect(await aws.value(() => groups.everyGroup())).toEqual(found);
  });

  it('is not known where EC2 does not answer what its instances run', async () => {
    const aws = createWorldOfAws({ clusters: [{ name: 'a', instances: 1, group: 'a' }] });
    const ec2 = ec2Client();
    const refusal = Object.assign(new Error('no'), { name: 'UnauthorizedOperation' });
    mockClient(ec2).on(DescribeInstancesCommand).rejects(refusal);
    const groups = groupsPort(autoScalingClient(aws.requestHandler), ec2);
    const denied = { ok: false, operation: 'ec2:DescribeInstances', reason: 'denied' };
    expect(await aws.ask(() => groups.describeGroup('a'))).toMatchObject(denied);
    expect(await aws.ask(() => groups.everyGroup())).toMatchObject(denied);
  });

  it('has instances whose image is not known, while EC2 does not know them yet', async () => {
    const { autoScaling, group, runTo } = prepare();
    autoScaling.scale('web-asg', 5);
    const known = async () => (await group()).instances.map(({ imageId }) => imageId !== undefined);
    expect(await known()).toEqual([true, true, true, true, false]);
    runTo(10);
    expect(await known()).toEqual([true, true, true, true, true]);
  });

  it('has instances in its warm pool, told apart from the others, with their images', async () => {
    const { groups, value, amis, group } = prepare({ warm: 2 });
    const pooled = await value(() => groups.pooledInstances('web-asg'));
    const imageId = amis.behind('al2023/x86_64', 1).id;
    expect(pooled).toMatchObject([
      { imageId, state: 'Warmed:Stopped' },
      { imageId, state: 'Warmed:Stopped' },
    ]);
    const inService = (await group()).instances.map(({ id }) => id);
    expect(pooled.filter(({ id }) => inService.includes(id))).toEqual([]);
  });

  it('is found by a tag key, whatever its value, on every page', async () => {
    const tags = { 'ecs-drain:ami': '' };
    const clusters = Array.from({ length: 120 }, (_, i) => ({ name: `c${i}`, instances: 0, group: `g${i}`, tags }));
    const aws = createWorldOfAws({ clusters: [...clusters, { name: 'no', instances: 0, group: 'no' }] });
    const groups = groupsPort(autoScalingClient(aws.requestHandler), ec2Client(aws.requestHandler));
    const found = await aws.value(() => groups.taggedGroups('ecs-drain:ami'));
    expect(found.map(({ name }) => name)).toEqual(clusters.map(({ group }) => group));
    expect(await aws.value(() => groups.taggedGroups('another'))).toEqual([]);
    expect((await aws.value(() => groups.everyGroup())).map(({ name }) => name)).toEqual(
      expect.arrayContaining(found.map(({ name }) => name)),
    );
  });

  it('has terminate hooks, and others, which are not named', async () => {
    const { groups, value, autoScaling, region } = prepare({ managedDraining: true });
    autoScaling.putHook('web-asg', { name: 'launch', transition: 'autoscaling:EC2_INSTANCE_LAUNCHING' });
    expect(await value(() => groups.terminateHooks('web-asg'))).toEqual([
      { name: 'ecs-managed-draining-termination-hook', targetArn: undefined },
      { name: 'ecs-drain', targetArn: region.lifecycleTopicArn },
    ]);
  });

  it('has hooks without a target, also where Auto Scaling tells of an empty one', async () => {
    const { groups, value, autoScaling } = prepare();
    autoScaling.putHook('web-asg', { name: 'ecs-drain', targetArn: '' });
    autoScaling.putHook('web-asg', { name: 'other' });
    expect(await value(() => groups.terminateHooks('web-asg'))).toEqual([
      { name: 'ecs-drain', targetArn: undefined },
      { name: 'other', targetArn: undefined },
    ]);
  });
});

describe('an instance refresh', () => {
  it('replaces every instance through its hooks, and then the group has the new version', async () => {
    const { groups, group, desired, value, latest, runTo, complete, amis } = prepare();
    const wanted = await desired();

    const started = await value(() => groups.startRefresh('web-asg', wanted, PREFERENCES));
    expect(await latest()).toEqual({
      id: 'id' in started && started.id,
      status: 'Pending',
      because: '',
      percent: 0,
      left: 0,
      startedAtMs: expect.any(Number),
      template: wanted.template,
    });
    expect(await value(() => groups.startRefresh('web-asg', wanted, PREFERENCES))).toEqual({ busy: true });
    runTo(120);
    expect(await latest()).toMatchObject({ status: 'InProgress', left: expect.any(Number) });
    expect((await group()).launch).not.toEqual(wanted);
    for (let seconds = 120; seconds < 1_800; seconds += 20) {
      complete();
      runTo(seconds);
    }

    expect(await latest()).toMatchObject({
      status: 'Successful',
      percent: 100,
      left: 0,
      endedAtMs: expect.any(Number),
    });
    const { launch, instances } = await group();
    expect(launch).toEqual(wanted);
    expect(instances.map(({ imageId }) => imageId)).toEqual(Array(4).fill(amis.recommended('al2023/x86_64').id));
    expect(await value(() => groups.cancelRefresh('web-asg'))).toEqual({ already: true });
    expect(await value(() => groups.rollBackRefresh('web-asg'))).toEqual({ already: true });
  });

  it('is rolled back to what there was, or cancelled where it stands', async () => {
    const { groups, group, desired, value, latest, runTo, complete, amis } = prepare();
    const old = (await group()).launch;
    const wanted = await desired();
    await value(() => groups.startRefresh('web-asg', wanted, PREFERENCES));
    runTo(100);
    expect(await value(() => groups.rollBackRefresh('web-asg'))).toEqual({ already: false });
    expect((await latest()).status).toBe('RollbackInProgress');
    expect(await value(() => groups.rollBackRefresh('web-asg'))).toEqual({ already: true });
    for (let seconds = 120; seconds < 1_200; seconds += 20) {
      complete();
      runTo(seconds);
    }
    expect((await latest()).status).toBe('RollbackSuccessful');
    const after = await group();
    expect(after.launch).toEqual(old);
    expect(new Set(after.instances.map(({ imageId }) => imageId))).toEqual(
      new Set([amis.behind('al2023/x86_64', 1).id]),
    );

    await value(() => groups.startRefresh('web-asg', wanted, PREFERENCES));
    expect(await value(() => groups.cancelRefresh('web-asg'))).toEqual({ already: false });
    expect((await latest()).status).toBe('Cancelling');
  });

  it('is refused where it could not be rolled back', async () => {
    const { groups, ask, desired } = prepare({ template: '$Latest' });
    const wanted = await desired();
    expect(await ask(() => groups.startRefresh('web-asg', wanted, PREFERENCES))).toMatchObject({
      ok: false,
      reason: 'other',
      message: expect.stringContaining('AutoRollback'),
    });
  });

  it('of a mixed group gets the whole policy back, with no more changed than asked for', async () => {
    const client = new AutoScalingClient({ region: 'eu-west-1' });
    const aws = mockClient(client);
    const specification = { LaunchTemplateId: 'lt-1', LaunchTemplateName: 'web', Version: '$Latest' };
    const InstancesDistribution = { OnDemandBaseCapacity: 1, SpotAllocationStrategy: 'price-capacity-optimized' };
    const MixedInstancesPolicy = {
      LaunchTemplate: {
        LaunchTemplateSpecification: specification,
        Overrides: [
          { InstanceType: 'm7i.large', WeightedCapacity: '2' },
          { InstanceType: 'm7g.large', LaunchTemplateSpecification: { ...specification, LaunchTemplateId: 'lt-2' } },
          { InstanceType: 'm8g.large', ImageId: 'ami-old' },
        ],
      },
      InstancesDistribution,
    };
    aws.on(DescribeAutoScalingGroupsCommand).resolves({ AutoScalingGroups: [{ MixedInstancesPolicy } as never] });
    aws.on(StartInstanceRefreshCommand).resolves({ InstanceRefreshId: 'r' });
    const overrides = [
      { at: 2, imageId: 'ami-new' },
      { at: 1, template: { templateId: 'lt-2', version: '8' } },
    ];
    const template = { templateId: 'lt-1', version: '5' };

    const groups = groupsPort(client, ec2Client());
    expect(await groups.startRefresh('g', { kind: 'mixed', template, overrides }, PREFERENCES)).toEqual({
      ok: true,
      value: { id: 'r' },
    });
    expect(aws.commandCalls(StartInstanceRefreshCommand)[0]?.args[0].input).toEqual({
      AutoScalingGroupName: 'g',
      Strategy: 'Rolling',
      DesiredConfiguration: {
        MixedInstancesPolicy: {
          LaunchTemplate: {
            LaunchTemplateSpecification: { LaunchTemplateId: 'lt-1', Version: '5' },
            Overrides: [
              { InstanceType: 'm7i.large', WeightedCapacity: '2' },
              { InstanceType: 'm7g.large', LaunchTemplateSpecification: { LaunchTemplateId: 'lt-2', Version: '8' } },
              { InstanceType: 'm8g.large', ImageId: 'ami-new' },
            ],
          },
          InstancesDistribution,
        },
      },
      Preferences: {
        MinHealthyPercentage: 100,
        MaxHealthyPercentage: 150,
        AutoRollback: true,
        SkipMatching: true,
        ScaleInProtectedInstances: 'Wait',
        StandbyInstances: 'Ignore',
      },
    });
    expect(
      await groups.startRefresh('g', { kind: 'mixed', template, overrides: [{ at: 3 }] }, PREFERENCES),
    ).toMatchObject({ ok: false, reason: 'other' });
  });

  it('of a mixed group replaces all kinds of its instances', async () => {
    const { groups, group, value, latest, runTo, complete, amis, region } = prepare({ mixed: 'images' });
    const { launch } = await group();
    if (launch.kind !== 'mixed') throw new Error(launch.kind);
    const { templateId } = launch.template;
    const [x86, arm] = [amis.recommended('al2023/x86_64').id, amis.recommended('al2023/arm64').id];
    const version = String(region.templates.write(templateId, x86));
    const wanted = { kind: 'mixed', template: { templateId, version }, overrides: [{ at: 1, imageId: arm }] } as const;

    await value(() => groups.startRefresh('web-asg', wanted, PREFERENCES));
    expect((await latest()).template).toEqual(wanted.template);
    for (let seconds = 20; seconds < 1_800; seconds += 20) {
      complete();
      runTo(seconds);
    }

    expect((await latest()).status).toBe('Successful');
    expect(new Set((await group()).instances.map(({ imageId }) => imageId))).toEqual(new Set([x86, arm]));
  });
});
