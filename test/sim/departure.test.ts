import { describe, expect, test } from 'vitest';
import type { GroupSpec } from '../../sim/autoscaling-state.ts';
import { createGroupRegion, GROUP, refusal, seedWhere } from './bare-region.ts';

const DRAIN = [{ name: 'drain', heartbeatSeconds: 600 }];

/** A group whose first instance has a task on it, in front of one hook. */
function prepare(group: Partial<GroupSpec> = {}, seed?: number) {
  const region = createGroupRegion({ desired: 2, ...group }, DRAIN, seed === undefined ? {} : { seed });
  const { autoScaling, ecs, first, log, operations } = region;
  const [arn = ''] = region.ids.map((instanceId) => ecs.registerContainerInstance({ cluster: 'web', instanceId }));
  ecs.runStandalone('web', { count: 1, instanceId: first });
  const states: (string | undefined)[] = [];
  return {
    ...region,
    arn,
    complete: (LifecycleActionResult: 'CONTINUE' | 'ABANDON') =>
      operations.CompleteLifecycleAction({
        AutoScalingGroupName: GROUP,
        LifecycleHookName: 'drain',
        InstanceId: first,
        LifecycleActionResult,
      }),
    /** Runs on, and answers the states that the first instance went through. */
    statesTo(seconds: number) {
      while (region.world.clock.nowSeconds() < seconds) {
        const state = autoScaling.stateOf(first);
        if (states.at(-1) !== state) states.push(state);
        region.runTo(region.world.clock.nowSeconds() + 0.1);
      }
      return states;
    },
    cut: () => log.filter((event) => event.kind === 'task' && event.cut),
    look: () =>
      ecs.operations.DescribeContainerInstances({ cluster: 'web', containerInstances: [arn] }).containerInstances[0],
    group: () => operations.DescribeAutoScalingGroups({ AutoScalingGroupNames: [GROUP] }).AutoScalingGroups[0],
  };
}

describe('an instance that goes back to the warm pool', () => {
  test('passes through the hooks, is stopped with what is left on it, and can be terminated out of the pool', () => {
    const { autoScaling, ecs, first, statesTo, complete, waiting, cut, look, group, of } = prepare();

    expect(autoScaling.toWarmPool(GROUP, 1)).toEqual([first]);

    statesTo(20);
    expect(waiting()[0]?.notice.message).toMatchObject({
      LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
      Origin: 'AutoScalingGroup',
      Destination: 'WarmPool',
    });
    complete('CONTINUE');
    expect(statesTo(200)).toEqual([
      'Warmed:Pending',
      'Warmed:Pending:Wait',
      'Warmed:Pending:Proceed',
      'Warmed:Stopped',
    ]);
    expect(cut()).toHaveLength(1);
    expect(ecs.unstoppedTasks(first)).toEqual([]);
    expect(look()).toMatchObject({ status: 'ACTIVE', agentConnected: false });
    expect(of('instance-kept')).toMatchObject([{ instanceId: first, state: 'Warmed:Stopped' }]);
    // It is outside the group's capacity, and nobody replaces it.
    expect(group()).toMatchObject({ DesiredCapacity: 1, Instances: [{ LifecycleState: 'InService' }] });
    expect(of('instance-launched')).toEqual([]);

    expect(autoScaling.terminate(GROUP, [first], { decrement: true })).toEqual([first]);
    statesTo(220);
    expect(waiting()[1]?.notice.message).toMatchObject({ Origin: 'WarmPool', Destination: 'EC2' });
    complete('CONTINUE');
    expect(statesTo(240).slice(4)).toEqual([
      'Warmed:Terminating',
      'Warmed:Terminating:Wait',
      'Warmed:Terminating:Proceed',
      undefined,
    ]);
    expect(group()).toMatchObject({ DesiredCapacity: 1 });
  });
});

describe('an instance that gets a new root volume', () => {
  test.each([true, false])(
    'loses what is left on it and is in service again (same container instance: %s)',
    (keeps) => {
      const seed = seedWhere(({ ecs }) => ecs.unverified.newDiskKeepsRegistration === keeps);
      const { autoScaling, ecs, first, statesTo, complete, waiting, cut, look, of, arn } = prepare({}, seed);

      expect(autoScaling.replaceRootVolume(GROUP, 1)).toEqual([first]);
      ecs.setStatus(first, 'DRAINING');

      statesTo(20);
      expect(waiting()[0]?.notice.message).toMatchObject({
        LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
        Action: 'ReplaceRootVolume',
        Origin: 'AutoScalingGroup',
        Destination: 'AutoScalingGroup',
      });
      complete('CONTINUE');
      statesTo(50);
      expect(cut()).toHaveLength(1);
      expect(ecs.liveTasks(first)).toEqual([]);
      // ECS knows only that the agent is away.
      expect(look()).toMatchObject({ agentConnected: false, status: 'DRAINING', runningTasksCount: 1 });

      expect(statesTo(300)).toEqual([
        'ReplacingRootVolume',
        'ReplacingRootVolume:Wait',
        'ReplacingRootVolume:Proceed',
        'RootVolumeReplaced',
        'InService',
      ]);
      expect(of('instance-kept')).toMatchObject([{ instanceId: first, state: 'InService' }]);
      expect(of('instance-restarting')[0]?.awaySeconds).toBeGreaterThanOrEqual(60);
      expect(of('instance-launched')).toEqual([]);
      const { containerInstanceArns } = ecs.operations.ListContainerInstances({
        cluster: 'web',
        filter: `ec2InstanceId == ${first}`,
      });
      expect(containerInstanceArns).toHaveLength(keeps ? 1 : 2);
      expect(look()).toMatchObject({ status: 'DRAINING', agentConnected: keeps, runningTasksCount: keeps ? 0 : 1 });
      if (keeps) return;
      const [, containerInstance = ''] = containerInstanceArns;
      expect(containerInstance).not.toBe(arn);
      expect(
        ecs.operations.DescribeContainerInstances({ cluster: 'web', containerInstances: [containerInstance] })
          .containerInstances,
      ).toMatchObject([{ status: 'ACTIVE', agentConnected: true }]);
    },
  );

  test.each([true, false])(
    'and whose hook abandons gets it all the same only if the seed has it so (%s)',
    (isReplaced) => {
      const seed = seedWhere(({ autoScaling }) => autoScaling.unverified.abandonedVolumeIsReplaced === isReplaced);
      const { autoScaling, statesTo, complete, cut, of } = prepare({}, seed);
      autoScaling.replaceRootVolume(GROUP, 1);
      statesTo(20);

      complete('ABANDON');
      statesTo(300);

      expect(of('instance-kept')).toMatchObject([{ state: 'InService' }]);
      expect(cut()).toHaveLength(isReplaced ? 1 : 0);
    },
  );
});

describe('a group that retains what its hooks abandon', () => {
  const retaining = { retainOnAbandon: true };

  test.each<[string, 'ABANDON' | undefined, number]>([
    ['a call', 'ABANDON', 30],
    ['the heartbeat timeout', undefined, 620],
  ])('keeps an instance that %s abandons, with its tasks, outside its capacity', (_, result, seconds) => {
    const { autoScaling, ecs, first, statesTo, complete, group, of } = prepare(retaining);
    autoScaling.terminate(GROUP, 1);
    statesTo(20);

    if (result !== undefined) complete(result);

    expect(statesTo(seconds).slice(-2)).toEqual(['Terminating:Proceed', 'Terminating:Retained']);
    statesTo(seconds + 3600);
    expect(autoScaling.stateOf(first)).toBe('Terminating:Retained');
    expect(ecs.liveTasks(first)).toHaveLength(1);
    expect(of('instance-kept')).toMatchObject([{ instanceId: first, state: 'Terminating:Retained' }]);
    expect(of('instance-terminated')).toEqual([]);
    expect(
      group()
        ?.Instances?.map(({ LifecycleState }) => LifecycleState)
        .sort(),
    ).toEqual(['InService', 'InService', 'Terminating:Retained']);
  });

  test('lets an instance go whose hook continues', () => {
    const { autoScaling, first, statesTo, complete } = prepare(retaining);
    autoScaling.terminate(GROUP, 1);
    statesTo(20);
    complete('CONTINUE');
    statesTo(30);
    expect(autoScaling.stateOf(first)).toBeUndefined();
  });
});

describe('protection from scale-in', () => {
  test('spares instances where a number is taken, and not where one is named', () => {
    const { autoScaling, operations, ids, first, group } = prepare({ desired: 3, protectedFromScaleIn: true });
    const [, second = '', third = ''] = ids;
    const isProtected = () =>
      operations
        .DescribeAutoScalingInstances({ InstanceIds: ids })
        .AutoScalingInstances.map(({ ProtectedFromScaleIn }) => ProtectedFromScaleIn);
    expect(autoScaling.terminate(GROUP, 3)).toEqual([]);
    autoScaling.setProtected(second, false);

    expect(isProtected()).toEqual([true, false, true]);
    expect(group()).toMatchObject({
      NewInstancesProtectedFromScaleIn: true,
      Instances: [{ ProtectedFromScaleIn: true }, { ProtectedFromScaleIn: false }, { ProtectedFromScaleIn: true }],
    });
    expect(autoScaling.terminate(GROUP, 3)).toEqual([second]);
    expect(autoScaling.replaceRootVolume(GROUP, 1)).toEqual([]);
    operations.TerminateInstanceInAutoScalingGroup({ InstanceId: third, ShouldDecrementDesiredCapacity: false });
    expect([first, second, third].map(autoScaling.stateOf)).toEqual(['InService', 'Terminating', 'Terminating']);
  });
});

describe('an instance that is ended past its group', () => {
  test('while hooks wait for it ends their waits, and later calls find no action', () => {
    const { autoScaling, first, statesTo, complete, vanish, finished, of, cut } = prepare();
    autoScaling.putHook(GROUP, { name: 'logs' });
    autoScaling.terminate(GROUP, 1);
    statesTo(20);

    vanish(first);
    statesTo(1000);

    expect(finished().map(({ hook, by }) => `${hook} ${by}`)).toEqual(['drain instance-gone', 'logs instance-gone']);
    expect(refusal(() => complete('CONTINUE'))).toBe(
      `ValidationError: No active Lifecycle Action found with instance ID ${first}`,
    );
    expect(autoScaling.stateOf(first)).toBeUndefined();
    expect(of('instance-terminated')).toMatchObject([{ instanceId: first, cause: 'a test' }]);
    expect(of('instance-launched')).toHaveLength(1);
    expect(cut()).toHaveLength(1);
  });

  test('between the decision to terminate it and the notice sends no notice', () => {
    const { autoScaling, first, statesTo, vanish, waiting } = prepare();
    autoScaling.terminate(GROUP, 1);
    vanish(first);
    statesTo(20);
    expect(waiting()).toEqual([]);
  });

  test('in service is replaced, and no hook is told, if the seed has it so', () => {
    const seed = seedWhere(({ autoScaling }) => !autoScaling.unverified.goneInstancePassesHooks);
    const { autoScaling, first, statesTo, vanish, waiting, of } = prepare({}, seed);

    vanish(first);
    statesTo(200);

    expect(autoScaling.stateOf(first)).toBeUndefined();
    expect(waiting()).toEqual([]);
    expect(of('instance-launched')).toHaveLength(1);
  });

  test('in service is told to the hooks when a health check finds it gone, if the seed has it so', () => {
    const seed = seedWhere(({ autoScaling }) => autoScaling.unverified.goneInstancePassesHooks);
    const { autoScaling, first, statesTo, vanish, waiting, complete, of } = prepare({}, seed);

    vanish(first);
    expect(statesTo(70)).toEqual(['InService', 'Terminating', 'Terminating:Wait']);
    expect(waiting()).toMatchObject([{ instanceId: first }]);
    complete('CONTINUE');
    statesTo(80);

    expect(autoScaling.stateOf(first)).toBeUndefined();
    expect(of('instance-terminated')).toHaveLength(1);
    expect(of('instance-launched')).toHaveLength(1);
  });
});
