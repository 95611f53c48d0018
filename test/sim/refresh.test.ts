import type { RefreshPreferences } from '@aws-sdk/client-auto-scaling';
import { describe, expect, test } from 'vitest';
import type { Flaw } from '../../sim/amis.ts';
import { EPOCH_MS } from '../../sim/clock.ts';
import { createRegion } from '../../sim/region.ts';
import { parseScenario } from '../../sim/scenario.ts';
import { refusal } from './bare-region.ts';

const NAME = { AutoScalingGroupName: 'asg' };

/** A group of so many instances, and a newer image to roll out to it. */
function prepare(instances: number, options: { cluster?: object; hook?: boolean; seed?: number; flaw?: Flaw } = {}) {
  const scenario = {
    name: 'refresh',
    durationSeconds: 1_209_600,
    clusters: [{ name: 'web', instances, group: 'asg', ...options.cluster }],
    hooks: options.hook ? [{ group: 'asg', heartbeatSeconds: 7_200 }] : [],
  };
  const region = createRegion(parseScenario(JSON.stringify(scenario), 'test'), options.seed ?? 1);
  const { amis, templates, autoScaling, world, ecs } = region;
  const { operations } = autoScaling;
  const old = amis.recommended('al2023/x86_64').id;
  const next = amis.release('al2023/x86_64', options.flaw).id;
  const describeGroup = () =>
    operations.DescribeAutoScalingGroups({ AutoScalingGroupNames: ['asg'] }).AutoScalingGroups[0];
  const policy = describeGroup()?.MixedInstancesPolicy?.LaunchTemplate?.LaunchTemplateSpecification;
  const templateId = (describeGroup()?.LaunchTemplate ?? policy)?.LaunchTemplateId ?? '';
  const desired = {
    LaunchTemplate: { LaunchTemplateId: templateId, Version: String(templates.write(templateId, next)) },
  };
  const latest = () => operations.DescribeInstanceRefreshes(NAME).InstanceRefreshes?.[0];
  const counts: { old: number; next: number; all: number }[] = [];
  const runTo = (seconds: number): void => {
    for (let now = world.clock.nowSeconds() + 5; now <= seconds; now += 5) {
      while (world.clock.step(EPOCH_MS + now * 1000));
      // As it is, not as the API shows it some seconds later.
      const all = region.instancesOf('asg').filter((id) => /^(Pending|InService)$/.test(autoScaling.stateOf(id) ?? ''));
      const images = all
        .filter((id) => autoScaling.stateOf(id) === 'InService')
        .map((id) => autoScaling.imageOf(id)?.id);
      const [olds, nexts] = [old, next].map((image) => images.filter((id) => id === image).length);
      counts.push({ old: olds ?? 0, next: nexts ?? 0, all: all.length });
    }
  };
  return {
    ...region,
    operations,
    old,
    next,
    templateId,
    desired,
    counts,
    group: describeGroup,
    imagesOf: () => describeGroup()?.Instances?.map(({ InstanceId = '' }) => autoScaling.imageOf(InstanceId)?.id) ?? [],
    runTo,
    latest,
    start: (Preferences: RefreshPreferences = {}) =>
      operations.StartInstanceRefresh({ ...NAME, DesiredConfiguration: desired, Preferences }).InstanceRefreshId,
    waiting: () => region.instancesOf('asg').filter((id) => autoScaling.waitingAction(id, 'ecs-drain')),
    complete(ids: readonly string[]) {
      for (const id of ids) autoScaling.waitingAction(id, 'ecs-drain')?.complete('CONTINUE');
    },
    registered() {
      const containerInstances = ecs.operations.ListContainerInstances({ cluster: 'web' }).containerInstanceArns;
      if (containerInstances.length === 0) return [];
      const described = ecs.operations.DescribeContainerInstances({ cluster: 'web', containerInstances });
      return described.containerInstances.map(({ versionInfo }) => versionInfo);
    },
  };
}

describe('an instance refresh', () => {
  test('keeps to the minimum healthy percentage, terminating first where nothing above the desired capacity is allowed', () => {
    const { start, runTo, counts, latest } = prepare(10);
    start({ MinHealthyPercentage: 80, MaxHealthyPercentage: 100 });
    runTo(1_000);
    expect(Math.min(...counts.map(({ old, next }) => old + next))).toBe(8);
    expect(Math.max(...counts.map(({ all }) => all))).toBe(10);
    expect(latest()).toMatchObject({ Status: 'Successful', PercentageComplete: 100, InstancesToUpdate: 0 });
    expect(counts.at(-1)).toEqual({ old: 0, next: 10, all: 10 });
  });

  test('launches first where all of the desired capacity is to stay healthy, up to the maximum', () => {
    const { start, runTo, counts } = prepare(4);
    start({ MinHealthyPercentage: 100, MaxHealthyPercentage: 150 });
    runTo(1_000);
    expect(Math.min(...counts.map(({ old, next }) => old + next))).toBe(4);
    expect(Math.max(...counts.map(({ all }) => all))).toBe(6);
    expect(counts.at(-1)).toEqual({ old: 0, next: 4, all: 4 });
  });

  test('replaces one after the other in a group too small for its percentage', () => {
    const { start, runTo, counts } = prepare(2);
    start();
    runTo(1_000);
    expect(Math.min(...counts.map(({ old, next }) => old + next))).toBe(1);
    expect(counts.at(-1)).toEqual({ old: 0, next: 2, all: 2 });
  });

  test('stops at its checkpoints for their delay, the first of one instance', () => {
    const { start, runTo, counts, latest } = prepare(20);
    start({ MinHealthyPercentage: 90, CheckpointPercentages: [1, 50, 100], CheckpointDelay: 1_800 });
    runTo(1_500);
    expect(counts.at(-1)).toEqual({ old: 19, next: 1, all: 20 });
    expect(latest()).toMatchObject({ Status: 'InProgress', PercentageComplete: 5, InstancesToUpdate: 19 });
    expect(latest()?.StatusReason).toContain('checkpoint');
    runTo(3_000);
    expect(counts.at(-1)).toEqual({ old: 10, next: 10, all: 20 });
    runTo(6_000);
    expect(latest()?.Status).toBe('Successful');
  });

  test('counts a new instance when it is warm', () => {
    const { start, runTo, counts, latest } = prepare(2);
    start({ MinHealthyPercentage: 50, InstanceWarmup: 600 });
    runTo(300);
    expect(counts.at(-1)).toEqual({ old: 1, next: 1, all: 2 });
    expect(latest()).toMatchObject({ PercentageComplete: 0, InstancesToUpdate: 2 });
    expect(latest()?.StatusReason).toMatch(/^Waiting for instances to warm up before continuing. For example: i-/);
    runTo(1_600);
    expect(latest()?.Status).toBe('Successful');
  });

  test('bakes before it is successful, and only then the group has the new version', () => {
    const { start, runTo, latest, group, desired } = prepare(1);
    start({ MinHealthyPercentage: 0, BakeTime: 900 });
    runTo(600);
    expect(latest()).toMatchObject({ Status: 'Baking', PercentageComplete: 100 });
    expect(group()?.LaunchTemplate?.Version).toBe('1');
    runTo(1_200);
    expect(latest()?.Status).toBe('Successful');
    expect(group()?.LaunchTemplate).toMatchObject(desired.LaunchTemplate);
  });

  test('leaves alone what matches already, where told to', () => {
    const { start, runTo, latest, group } = prepare(3);
    start();
    runTo(1_000);
    const ids = group()?.Instances?.map(({ InstanceId }) => InstanceId);
    start({ SkipMatching: true });
    runTo(1_100);
    expect(latest()?.Status).toBe('Successful');
    expect(group()?.Instances?.map(({ InstanceId }) => InstanceId)).toEqual(ids);
    start();
    runTo(2_000);
    expect(group()?.Instances?.map(({ InstanceId }) => InstanceId)).not.toEqual(ids);
  });

  describe('that leaves alone what matches', () => {
    /** Which of three instances are replaced where nothing is desired but what the group says by now. */
    const replaced = (seed: number, cluster: object, change: (made: ReturnType<typeof prepare>) => void) => {
      const made = prepare(3, { cluster, seed });
      change(made);
      made.operations.StartInstanceRefresh({ ...NAME, Preferences: { SkipMatching: true } });
      made.runTo(1_000);
      expect(made.latest()?.Status).toBe('Successful');
      return made.imagesOf().filter((image) => image !== made.old).length;
    };
    const seeds = [1, 2, 3, 4, 5, 6, 7, 8];

    test('replaces what was launched from another version of the template', () => {
      for (const seed of seeds)
        expect(replaced(seed, {}, ({ autoScaling }) => autoScaling.setVersion('asg', '2'))).toBe(3);
    });

    test('replaces nothing where the image alone is another one: a parameter says it', () => {
      const change = ({ ssm, next }: ReturnType<typeof prepare>) => ssm.set('/fleets/asg/ami', next);
      for (const seed of seeds) expect(replaced(seed, { template: 'resolve:ssm' }, change)).toBe(0);
    });

    test('takes $Latest for the number that it means, or for any: the seed picks', () => {
      const counts = seeds.map((seed) => replaced(seed, { template: '$Latest' }, () => undefined));
      expect(new Set(counts)).toEqual(new Set([0, 3]));
    });

    test('sees another image in an override, or not: the seed picks', () => {
      const counts = seeds.map((seed) => {
        const { operations, runTo, group, amis, instancesOf } = prepare(2, { cluster: { mixed: 'images' }, seed });
        const policy = group()?.MixedInstancesPolicy;
        const [first, second] = policy?.LaunchTemplate?.Overrides ?? [];
        const ImageId = amis.release('al2023/arm64').id;
        const template = policy?.LaunchTemplate?.LaunchTemplateSpecification;
        const MixedInstancesPolicy = {
          LaunchTemplate: {
            LaunchTemplateSpecification: { LaunchTemplateId: template?.LaunchTemplateId, Version: template?.Version },
            Overrides: [first ?? {}, { ...second, ImageId }],
          },
        };
        const DesiredConfiguration = { MixedInstancesPolicy };
        operations.StartInstanceRefresh({ ...NAME, DesiredConfiguration, Preferences: { SkipMatching: true } });
        runTo(1_000);
        return instancesOf('asg').length - 2;
      });
      expect(new Set(counts)).toEqual(new Set([0, 1]));
    });
  });

  test('waits an hour for an instance in Standby and fails, leaves it as it is, or ends it', () => {
    const played = (StandbyInstances?: 'Ignore' | 'Terminate') => {
      const { start, runTo, latest, autoScaling, imagesOf, old, next } = prepare(3);
      autoScaling.standBy('asg', true);
      start({ MinHealthyPercentage: 50, ...(StandbyInstances && { StandbyInstances }) });
      runTo(4_000);
      const images = imagesOf().map((image) => (image === next ? 'next' : image === old ? 'old' : 'none'));
      return [latest()?.Status, ...images.sort()];
    };
    expect(played()).toEqual(['Failed', 'old', 'old', 'old']);
    expect(played('Ignore')).toEqual(['Successful', 'next', 'next', 'old']);
    expect(played('Terminate')).toEqual(['Successful', 'next', 'next']);
  });

  test('goes on when the instance in Standby is back', () => {
    const { start, runTo, latest, autoScaling, counts } = prepare(3);
    autoScaling.standBy('asg', true);
    start({ MinHealthyPercentage: 50 });
    runTo(600);
    autoScaling.standBy('asg', false);
    runTo(2_000);
    expect(latest()?.Status).toBe('Successful');
    expect(counts.at(-1)).toEqual({ old: 0, next: 3, all: 3 });
  });

  test('is over before the warm pool is renewed, or not: the seed picks', () => {
    const pooled = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => {
      const { start, runTo, latest, old, autoScaling } = prepare(1, { cluster: { warm: 2 }, seed });
      start();
      let seconds = 30;
      for (; latest()?.Status !== 'Successful'; seconds += 10) runTo(seconds);
      runTo(seconds + 200);
      return autoScaling.launched().filter(({ launched }) => launched.image.id === old).length;
    });
    expect(new Set(pooled)).toEqual(new Set([0, 2]));
  });

  test('replaces what waits in the warm pool', () => {
    const { start, runTo, next, world, autoScaling } = prepare(1, { cluster: { warm: 2 } });
    const launched: string[] = [];
    world.on((event) => event.kind === 'instance-terminated' && launched.push(event.instanceId));
    start();
    runTo(900);
    expect(launched).toHaveLength(3);
    const pooled = autoScaling.operations.DescribeAutoScalingInstances({}).AutoScalingInstances;
    expect(
      pooled
        .filter(({ LifecycleState }) => LifecycleState === 'Warmed:Stopped')
        .map(({ InstanceId = '' }) => autoScaling.imageOf(InstanceId)?.id),
    ).toEqual([next, next]);
  });

  test.each([1, 2, 3, 4])('drains through the hooks, and is not done before the last has ended (seed %i)', (seed) => {
    const { start, runTo, latest, waiting, complete, counts } = prepare(2, { hook: true, seed });
    start({ MinHealthyPercentage: 0 });
    runTo(900);
    expect(waiting()).toHaveLength(2);
    expect(counts.at(-1)).toEqual({ old: 0, next: 2, all: 2 });
    expect(latest()?.Status).toBe('InProgress');
    complete(waiting());
    runTo(960);
    expect(latest()?.Status).toBe('Successful');
  });

  test('waits for a drain before the next batch, or not: the seed picks', () => {
    const held = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => {
      const { start, runTo, waiting } = prepare(4, { hook: true, seed });
      start({ MinHealthyPercentage: 75 });
      runTo(900);
      return waiting().length;
    });
    expect(new Set(held)).toEqual(new Set([1, 4]));
  });

  test('launches past the maximum size of its group, or gets nowhere: the seed picks', () => {
    const outcomes = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => {
      const { start, runTo, latest, counts } = prepare(2, { cluster: { maximum: 2 }, seed });
      start({ MinHealthyPercentage: 100 });
      runTo(4_000);
      return `${latest()?.Status} ${Math.max(...counts.map(({ all }) => all))}`;
    });
    expect(new Set(outcomes)).toEqual(new Set(['Successful 3', 'Failed 2']));
  });

  test('follows what becomes of its instances: some vanish, the group scales in', () => {
    const { start, runTo, latest, autoScaling, ec2, instancesOf, counts } = prepare(6);
    start({ MinHealthyPercentage: 50, CheckpointPercentages: [50, 100], CheckpointDelay: 600 });
    runTo(300);
    const [oldest] = instancesOf('asg').filter((id) => autoScaling.stateOf(id) === 'InService');
    ec2.vanish(oldest ?? '', 'spot');
    autoScaling.scale('asg', 4);
    runTo(2_400);
    expect(latest()?.Status).toBe('Successful');
    expect(counts.at(-1)).toEqual({ old: 0, next: 4, all: 4 });
  });
});

describe('an instance refresh fails', () => {
  test('after an hour in which nothing got further, and stays where it is', () => {
    const { start, runTo, latest, counts, group } = prepare(4, { hook: true });
    start({ MinHealthyPercentage: 100, MaxHealthyPercentage: 200 });
    runTo(3_000);
    expect(latest()?.Status).toBe('InProgress');
    runTo(8_000);
    expect(latest()).toMatchObject({ Status: 'Failed', StatusReason: 'No progress was made within an hour.' });
    expect(counts.at(-1)).toEqual({ old: 0, next: 4, all: 4 });
    expect(group()?.LaunchTemplate?.Version).toBe('1');
  });

  test('and rolls back where it may', () => {
    const { start, runTo, latest, counts } = prepare(3, { flaw: 'never-healthy' });
    start({ MinHealthyPercentage: 100, AutoRollback: true });
    runTo(5_000);
    expect(latest()).toMatchObject({
      Status: 'RollbackSuccessful',
      RollbackDetails: { PercentageCompleteOnRollback: 0, InstancesToUpdateOnRollback: 3 },
    });
    expect(counts.at(-1)).toEqual({ old: 3, next: 0, all: 3 });
    expect(Math.min(...counts.map(({ old }) => old))).toBe(3);
  });

  test.each(['Launch', 'Terminate', 'InstanceRefresh'])('where the process %s is suspended', (process) => {
    const { start, runTo, latest } = prepare(2, { cluster: { suspended: [process] } });
    start({ MinHealthyPercentage: 0 });
    runTo(4_000);
    expect(latest()).toMatchObject({ Status: 'Failed', PercentageComplete: 0 });
  });

  test('where nothing can be launched, until something can', () => {
    const { start, runTo, latest, autoScaling } = prepare(2);
    autoScaling.setCapacity('asg', false);
    start({ MinHealthyPercentage: 0 });
    runTo(2_000);
    expect(latest()).toMatchObject({ Status: 'InProgress', PercentageComplete: 0 });
    autoScaling.setCapacity('asg', true);
    runTo(2_200);
    expect(latest()?.Status).toBe('Successful');
  });

  test('when an alarm is raised, also while it bakes', () => {
    const { start, runTo, latest, autoScaling, counts } = prepare(2);
    start({ MinHealthyPercentage: 0, BakeTime: 3_600, AutoRollback: true, AlarmSpecification: { Alarms: ['errors'] } });
    autoScaling.setAlarm('latency', true);
    runTo(1_000);
    expect(latest()?.Status).toBe('Baking');
    autoScaling.setAlarm('errors', true);
    runTo(1_030);
    expect(latest()).toMatchObject({ Status: 'RollbackInProgress', StatusReason: expect.stringContaining('errors') });
    runTo(2_000);
    expect(latest()?.Status).toBe('RollbackSuccessful');
    expect(counts.at(-1)).toEqual({ old: 2, next: 0, all: 2 });
  });

  test('for protected instances after an hour, or refreshes them, or leaves them out', () => {
    const outcome = (ScaleInProtectedInstances?: 'Wait' | 'Refresh' | 'Ignore') => {
      const { start, runTo, latest, counts } = prepare(2, { cluster: { protectedFromScaleIn: true } });
      start({ MinHealthyPercentage: 0, ScaleInProtectedInstances });
      runTo(4_000);
      return [latest()?.Status, counts.at(-1)?.next];
    };
    expect(outcome()).toEqual(['Failed', 0]);
    expect(outcome('Wait')).toEqual(['Failed', 0]);
    expect(outcome('Refresh')).toEqual(['Successful', 2]);
    expect(outcome('Ignore')).toEqual(['Successful', 0]);
  });
});

describe('an image is bad', () => {
  test('when its agent never joins: EC2 finds nothing wrong, and the refresh empties the cluster', () => {
    const { start, runTo, latest, registered } = prepare(2, { flaw: 'agent-never-joins' });
    start({ MinHealthyPercentage: 50 });
    runTo(1_000);
    expect(latest()?.Status).toBe('Successful');
    expect(registered()).toEqual([]);
  });

  test('or good: the agent and the runtime of the new one are registered', () => {
    const { start, runTo, registered } = prepare(2);
    expect(registered()[0]).toEqual({ agentVersion: '1.98.0', dockerVersion: 'DockerVersion: 25.0.8' });
    start({ MinHealthyPercentage: 50 });
    runTo(1_000);
    const now = { agentVersion: '1.99.0', dockerVersion: 'DockerVersion: 25.0.9' };
    expect(registered()).toEqual([now, now]);
  });
});

describe('a refresh that is stopped', () => {
  test('by a rollback replaces what it launched, and nothing else', () => {
    const { start, runTo, latest, counts, operations, group } = prepare(4);
    const before = group()?.Instances?.map(({ InstanceId }) => InstanceId);
    start({ MinHealthyPercentage: 75, CheckpointPercentages: [50, 100], CheckpointDelay: 3_600 });
    runTo(600);
    operations.RollbackInstanceRefresh(NAME);
    expect(latest()).toMatchObject({ Status: 'RollbackInProgress', InstancesToUpdate: 2, PercentageComplete: 0 });
    expect(refusal(() => operations.RollbackInstanceRefresh(NAME))).toContain('ActiveInstanceRefreshNotFound');
    runTo(1_200);
    expect(latest()?.Status).toBe('RollbackSuccessful');
    expect(counts.at(-1)).toEqual({ old: 4, next: 0, all: 4 });
    expect(group()?.Instances?.filter(({ InstanceId }) => before?.includes(InstanceId))).toHaveLength(2);
  });

  test('by a cancel waits for the drains, and rolls nothing back', () => {
    const { start, runTo, latest, counts, operations, waiting, complete } = prepare(4, { hook: true });
    start({ MinHealthyPercentage: 50 });
    runTo(200);
    operations.CancelInstanceRefresh(NAME);
    runTo(600);
    expect(latest()?.Status).toBe('Cancelling');
    expect(refusal(() => operations.CancelInstanceRefresh(NAME))).toContain('ActiveInstanceRefreshNotFound');
    complete(waiting());
    runTo(700);
    expect(latest()?.Status).toBe('Cancelled');
    expect(counts.at(-1)).toMatchObject({ all: 4 });
    expect(counts.at(-1)?.next).toBeGreaterThan(0);
    expect(refusal(() => start())).toBe('nothing thrown');
  });
});

describe('starting a refresh is refused', () => {
  const refused = (Preferences: RefreshPreferences) => {
    const { start } = prepare(1);
    return refusal(() => start(Preferences));
  };

  test('while another has not ended', () => {
    const { start } = prepare(1);
    start();
    expect(refusal(() => start())).toBe(
      'InstanceRefreshInProgress: An Instance Refresh is already in progress and blocks the execution of this Instance Refresh.',
    );
  });

  test.each<RefreshPreferences>([
    { MinHealthyPercentage: 101 },
    { MinHealthyPercentage: 0, MaxHealthyPercentage: 150 },
    { MinHealthyPercentage: 100, MaxHealthyPercentage: 201 },
    { MaxHealthyPercentage: 110 },
    { CheckpointPercentages: [50, 50] },
    { CheckpointPercentages: [100, 101] },
    { BakeTime: 172_801 },
  ])('with preferences out of bounds: %j', (preferences) => {
    expect(refused(preferences)).toContain('ValidationError');
  });

  test('with auto rollback where nothing is desired, or what there is has no number', () => {
    const { operations, templateId, desired } = prepare(1);
    const AutoRollback = { Preferences: { AutoRollback: true } };
    expect(refusal(() => operations.StartInstanceRefresh({ ...NAME, ...AutoRollback }))).toContain(
      'cannot be set to true when the DesiredConfiguration parameter is empty',
    );
    const DesiredConfiguration = { LaunchTemplate: { LaunchTemplateId: templateId, Version: '$Latest' } };
    expect(
      refusal(() => operations.StartInstanceRefresh({ ...NAME, ...AutoRollback, DesiredConfiguration })),
    ).toContain('$Latest');
    for (const template of ['$Latest', '$Default', 'resolve:ssm']) {
      const other = prepare(1, { cluster: { template } });
      expect(refusal(() => other.start({ AutoRollback: true }))).toContain('$Latest');
    }
    expect(desired.LaunchTemplate.Version).toBe('2');
  });

  test('with skip matching, where attributes are asked for instead of instance types', () => {
    const { operations } = prepare(1, { cluster: { mixed: 'attributes' } });
    const start = (Preferences: RefreshPreferences) => () => operations.StartInstanceRefresh({ ...NAME, Preferences });
    expect(refusal(start({ SkipMatching: true }))).toContain('InstanceRequirements');
    expect(start({})()).toHaveProperty('InstanceRefreshId');
  });

  test('with a version that does not exist, or a template named twice', () => {
    const { operations, templateId } = prepare(1);
    const start = (LaunchTemplate: object) => () =>
      operations.StartInstanceRefresh({ ...NAME, DesiredConfiguration: { LaunchTemplate } });
    expect(refusal(start({ LaunchTemplateId: templateId, Version: '9' }))).toContain('ValidationError');
    expect(refusal(start({ LaunchTemplateId: templateId, LaunchTemplateName: 'asg', Version: '1' }))).toContain(
      'either',
    );
  });

  test('and what could not be undone is not rolled back', () => {
    const { operations } = prepare(1);
    operations.StartInstanceRefresh(NAME);
    expect(refusal(() => operations.RollbackInstanceRefresh(NAME))).toContain('IrreversibleInstanceRefresh');
  });
});

describe('a launch', () => {
  test('resolves an image parameter when it happens', () => {
    const { templates, ssm, autoScaling, runTo, group, next, old, imagesOf } = prepare(2, {
      cluster: { template: 'resolve:ssm' },
    });
    const id = group()?.LaunchTemplate?.LaunchTemplateId ?? '';
    expect(templates.version(id, '1')?.image).toBe('resolve:ssm:/fleets/asg/ami');
    ssm.set('/fleets/asg/ami', next);
    autoScaling.scale('asg', 3);
    runTo(100);
    expect(imagesOf()).toEqual([old, old, next]);
  });

  test('from the latest version takes what is the latest then', () => {
    const { autoScaling, runTo, group, next, imagesOf } = prepare(1, { cluster: { template: '$Latest' } });
    autoScaling.scale('asg', 2);
    runTo(100);
    expect(imagesOf()[1]).toBe(next);
    expect(group()?.Instances?.[1]).toMatchObject({ LaunchTemplate: { Version: '2' } });
  });

  test('of an image that is gone is tried again and again', () => {
    const { amis, autoScaling, runTo, counts, old } = prepare(1);
    amis.deregister(old);
    autoScaling.scale('asg', 2);
    runTo(600);
    expect(counts.at(-1)?.all).toBe(1);
  });
});
