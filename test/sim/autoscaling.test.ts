import { describe, expect, test } from 'vitest';
import type { HookSpec } from '../../sim/autoscaling-state.ts';
import { createGroupRegion, createRegion, GROUP, refusal, seedWhere } from './bare-region.ts';

const byGroup = { AutoScalingGroupName: GROUP, LifecycleHookName: 'drain' };
const prepare = (instances: number, ...hooks: HookSpec[]) => createGroupRegion({ desired: instances }, hooks);

describe('a termination', () => {
  test('waits in Terminating:Wait until the hook is completed, then the instance is gone', () => {
    const { autoScaling, first, runTo, log, operations, shownState } = prepare(1, { name: 'drain' });

    autoScaling.terminate(GROUP, 1);
    expect(autoScaling.stateOf(first)).toBe('Terminating');
    runTo(600);
    expect(autoScaling.stateOf(first)).toBe('Terminating:Wait');
    operations.CompleteLifecycleAction({ ...byGroup, InstanceId: first, LifecycleActionResult: 'CONTINUE' });
    expect(shownState(first)).toBe('Terminating:Proceed');
    runTo(602);

    expect(autoScaling.stateOf(first)).toBeUndefined();
    expect(shownState(first)).toBeUndefined();
    const ofFirst = log.filter((event) => 'instanceId' in event && event.instanceId === first);
    expect(ofFirst.map(({ kind }) => kind)).toEqual([
      'instance-terminating',
      'hook-waiting',
      'hook-finished',
      'instance-terminated',
    ]);
  });

  test('sends the notice that Auto Scaling writes', () => {
    const targetArn = 'arn:aws:sns:eu-west-1:123456789012:hooks';
    const roleArn = 'arn:aws:iam::123456789012:role/hook';
    const hook = { name: 'drain', targetArn, roleArn, metadata: '{"cluster":"web"}' };
    const { autoScaling, first, runTo, waiting } = prepare(1, hook, { name: 'plain' });

    autoScaling.terminate(GROUP, [first]);
    runTo(5);

    const [event, plain] = waiting();
    expect(event?.notice).toMatchObject({ targetArn, roleArn });
    expect(event?.notice.message).toEqual({
      Origin: 'AutoScalingGroup',
      LifecycleHookName: 'drain',
      Destination: 'EC2',
      AccountId: '123456789012',
      RequestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
      AutoScalingGroupName: GROUP,
      Service: 'AWS Auto Scaling',
      Time: expect.stringMatching(/^2026-01-01T00:00:0[01]\.\d{3}Z$/),
      EC2InstanceId: first,
      LifecycleActionToken: event?.token,
      NotificationMetadata: '{"cluster":"web"}',
    });
    expect(event?.token).toMatch(/^[0-9a-f-]{36}$/);
    expect(plain?.notice.message).not.toHaveProperty('NotificationMetadata');
    expect(plain?.token).not.toBe(event?.token);
  });

  test('does not wait without a hook, nor for a hook on launching', () => {
    const transition = 'autoscaling:EC2_INSTANCE_LAUNCHING';
    const { autoScaling, first, runTo, log } = prepare(1, { name: 'launch', transition });
    autoScaling.terminate(GROUP, 1);
    runTo(3);
    expect(autoScaling.stateOf(first)).toBeUndefined();
    expect(log.map(({ kind }) => kind)).toEqual(['instance-terminating', 'instance-terminated']);
  });

  test('launches a replacement while the hook still waits, which is InService and joins the cluster later', () => {
    const { autoScaling, ecs, operations, runTo, log } = prepare(2, { name: 'drain' });

    autoScaling.terminate(GROUP, 1);
    runTo(8);

    const [launched] = log.filter((event) => event.kind === 'instance-launched');
    expect(launched).toMatchObject({ group: GROUP, cluster: 'web' });
    expect(autoScaling.stateOf(launched?.instanceId ?? '')).toBe('Pending');
    runTo(120);
    expect(autoScaling.stateOf(launched?.instanceId ?? '')).toBe('InService');
    expect(ecs.operations.ListContainerInstances({ cluster: 'web' }).containerInstanceArns).toHaveLength(1);
    const [group] = operations.DescribeAutoScalingGroups({ AutoScalingGroupNames: [GROUP] }).AutoScalingGroups;
    expect(group).toMatchObject({ DesiredCapacity: 2 });
    expect(group?.Instances?.map(({ LifecycleState }) => LifecycleState)).toEqual([
      'Terminating:Wait',
      'InService',
      'InService',
    ]);
  });

  test('takes InService instances by count, and others only by id', () => {
    const { autoScaling, runTo, log } = prepare(1, { name: 'drain' });
    autoScaling.terminate(GROUP, 1);
    runTo(10);
    const [launched] = log.filter((event) => event.kind === 'instance-launched');
    const id = launched?.instanceId ?? '';

    expect(autoScaling.terminate(GROUP, 1)).toEqual([]);
    expect(autoScaling.terminate(GROUP, [id])).toEqual([id]);
    runTo(60);

    expect(autoScaling.stateOf(id)).toBe('Terminating:Wait');
  });

  test('that decrements the desired capacity launches none', () => {
    const { autoScaling, operations, runTo, log } = prepare(3);
    expect(autoScaling.terminate(GROUP, 2, { decrement: true })).toHaveLength(2);
    runTo(600);
    expect(log.filter(({ kind }) => kind === 'instance-launched')).toEqual([]);
    expect(operations.DescribeAutoScalingGroups({}).AutoScalingGroups).toMatchObject([{ DesiredCapacity: 1 }]);
  });

  test('cuts the tasks that are left on the instance', () => {
    const { autoScaling, ecs, first, runTo, log } = prepare(1);
    ecs.registerContainerInstance({ cluster: 'web', instanceId: first });
    ecs.createService('web', { name: 'api', desired: 3 });

    autoScaling.terminate(GROUP, 1);
    runTo(5);

    expect(log.filter((event) => event.kind === 'task' && event.cut)).toHaveLength(3);
    expect(ecs.operations.ListContainerInstances({ cluster: 'web' }).containerInstanceArns).toEqual([]);
  });
});

describe('a hook', () => {
  const heartbeat = { ...byGroup };

  test.each<[string, HookSpec, number, object]>([
    ['abandons when its heartbeat expires', { name: 'drain', heartbeatSeconds: 60 }, 60, { result: 'ABANDON' }],
    [
      'takes its default result when its heartbeat expires',
      { name: 'drain', heartbeatSeconds: 60, defaultResult: 'CONTINUE' },
      60,
      { result: 'CONTINUE' },
    ],
    ['waits an hour unless it says otherwise', { name: 'drain' }, 3600, { result: 'ABANDON' }],
  ])('%s', (_, hook, seconds, expected) => {
    const { autoScaling, runTo, waiting, finished } = prepare(1, hook);
    autoScaling.terminate(GROUP, 1);
    runTo(seconds);
    expect(finished()).toEqual([]);

    runTo(seconds + 2);

    expect(finished()).toMatchObject([{ ...expected, by: 'heartbeat-timeout' }]);
    expect(finished()[0]?.atSeconds).toBeCloseTo((waiting()[0]?.atSeconds ?? 0) + seconds);
  });

  test.each<[number, number]>([
    [30, 3000],
    [7200, 172_800],
  ])('with a heartbeat of %i s is kept up by heartbeats for %i s and no longer', (heartbeatSeconds, limit) => {
    const { autoScaling, operations, first, runTo, finished, log } = prepare(1, { name: 'drain', heartbeatSeconds });
    autoScaling.terminate(GROUP, 1);

    for (let at = heartbeatSeconds; at < limit; at += heartbeatSeconds / 2) {
      runTo(at);
      operations.RecordLifecycleActionHeartbeat({ ...heartbeat, InstanceId: first });
    }
    runTo(limit);
    expect(finished()).toEqual([]);
    runTo(limit + 2);

    expect(finished()).toMatchObject([{ by: 'global-timeout', result: 'ABANDON' }]);
    expect(log.filter(({ kind }) => kind === 'hook-heartbeat').length).toBeGreaterThan(10);
  });

  test.each<[string, 'CONTINUE' | 'ABANDON', string[]]>([
    ['CONTINUE leaves the group waiting for the other', 'CONTINUE', ['drain CONTINUE call']],
    ['ABANDON skips the other', 'ABANDON', ['drain ABANDON call', 'logs ABANDON sibling-abandoned']],
  ])('is one of two: %s', (_, LifecycleActionResult, expected) => {
    const { autoScaling, operations, first, runTo, waiting, finished } = prepare(
      1,
      { name: 'drain' },
      { name: 'logs' },
    );
    autoScaling.terminate(GROUP, 1);
    runTo(10);
    expect(waiting().map(({ hook }) => hook)).toEqual(['drain', 'logs']);

    const [{ token: LifecycleActionToken } = { token: '' }] = waiting();
    operations.CompleteLifecycleAction({ ...byGroup, LifecycleActionToken, LifecycleActionResult });
    runTo(20);

    expect(finished().map(({ hook, result, by }) => `${hook} ${result} ${by}`)).toEqual(expected);
    expect(autoScaling.stateOf(first)).toBe(LifecycleActionResult === 'CONTINUE' ? 'Terminating:Wait' : undefined);
  });

  test('that is completed leaves the instance and its tasks to the other, which may take hours', () => {
    const { autoScaling, ecs, operations, first, runTo, log } = prepare(1, { name: 'drain' }, { name: 'logs' });
    ecs.registerContainerInstance({ cluster: 'web', instanceId: first });
    ecs.runStandalone('web', { count: 1, instanceId: first });
    const complete = (LifecycleHookName: string) =>
      operations.CompleteLifecycleAction({
        ...byGroup,
        LifecycleHookName,
        InstanceId: first,
        LifecycleActionResult: 'CONTINUE',
      });
    autoScaling.terminate(GROUP, 1);
    runTo(10);

    complete('drain');
    runTo(3500);

    expect(autoScaling.stateOf(first)).toBe('Terminating:Wait');
    expect(ecs.liveTasks(first)).toHaveLength(1);
    complete('logs');
    runTo(3510);
    expect(log.filter((event) => event.kind === 'task' && event.cut)).toHaveLength(1);
    expect(autoScaling.stateOf(first)).toBeUndefined();
  });

  test('is found by hook, group, and token or instance id, and only while it waits', () => {
    const { autoScaling, operations, first, runTo, waiting } = prepare(2, { name: 'drain' }, { name: 'logs' });
    const complete = (input: { InstanceId?: string; LifecycleActionToken?: string; LifecycleHookName?: string }) =>
      refusal(() => operations.CompleteLifecycleAction({ ...byGroup, LifecycleActionResult: 'CONTINUE', ...input }));
    const none = `ValidationError: No active Lifecycle Action found with`;
    expect(complete({ InstanceId: first })).toBe(`${none} instance ID ${first}`);
    autoScaling.terminate(GROUP, [first]);
    runTo(10);
    const token = waiting()[0]?.token ?? '';

    expect(complete({})).toBe('ValidationError: Either InstanceId or LifecycleActionToken is required');
    expect(complete({ LifecycleActionToken: 'stale', InstanceId: first })).toBe(`${none} token stale`);
    expect(complete({ LifecycleActionToken: token, InstanceId: 'i-other' })).toBe(`${none} token ${token}`);
    expect(complete({ LifecycleHookName: 'nope', InstanceId: first })).toBe(`${none} instance ID ${first}`);
    expect(complete({ LifecycleActionToken: token, InstanceId: first })).toBe('nothing thrown');
    expect(complete({ LifecycleActionToken: token })).toBe(`${none} token ${token}`);
    expect(refusal(() => operations.RecordLifecycleActionHeartbeat({ ...byGroup, InstanceId: first }))).toBe(
      `${none} instance ID ${first}`,
    );
  });

  test('is put, described, changed in part and deleted', () => {
    const { operations } = prepare(1);
    const LifecycleTransition = 'autoscaling:EC2_INSTANCE_TERMINATING';
    const described = () => operations.DescribeLifecycleHooks({ AutoScalingGroupName: GROUP }).LifecycleHooks;
    operations.PutLifecycleHook({ ...byGroup, LifecycleTransition, HeartbeatTimeout: 600 });
    operations.PutLifecycleHook({ ...byGroup, DefaultResult: 'CONTINUE' });
    expect(described()).toMatchObject([
      { ...byGroup, LifecycleTransition, HeartbeatTimeout: 600, GlobalTimeout: 60_000, DefaultResult: 'CONTINUE' },
    ]);

    operations.DeleteLifecycleHook(byGroup);

    expect(described()).toEqual([]);
    expect(refusal(() => operations.DeleteLifecycleHook(byGroup))).toBe(
      'ValidationError: No Lifecycle Hook found with name drain',
    );
  });

  test.each<[string, boolean, object]>([
    ['at once, with CONTINUE', true, { atSeconds: 10, result: 'CONTINUE', by: 'hook-deleted' }],
    ['at its timeout', false, { atSeconds: expect.closeTo(61, 0), result: 'ABANDON', by: 'heartbeat-timeout' }],
  ])('that is deleted lets waiting instances go %s, as the seed has it', (_, letsGo, expected) => {
    const seed = seedWhere(({ autoScaling }) => autoScaling.unverified.deletedHookLetsGo === letsGo);
    const hooks = [{ name: 'drain', heartbeatSeconds: 60 }];
    const { autoScaling, operations, ids, first, runTo, finished } = createGroupRegion({ desired: 2 }, hooks, { seed });
    const done = ids[1] ?? '';
    autoScaling.terminate(GROUP, 2);
    runTo(10);
    operations.CompleteLifecycleAction({ ...byGroup, InstanceId: done, LifecycleActionResult: 'CONTINUE' });

    autoScaling.deleteHook(GROUP, 'drain');
    runTo(100);

    expect(finished()).toMatchObject([
      { instanceId: done, by: 'call' },
      { instanceId: first, ...expected },
    ]);
    expect(autoScaling.stateOf(first)).toBeUndefined();
  });

  test('that is put again applies its new heartbeat and result from the next period on', () => {
    const { autoScaling, operations, first, runTo, finished } = prepare(1, { name: 'drain', heartbeatSeconds: 600 });
    autoScaling.terminate(GROUP, 1);
    runTo(10);

    autoScaling.putHook(GROUP, { name: 'drain', heartbeatSeconds: 60, defaultResult: 'CONTINUE' });
    runTo(590);
    expect(finished()).toEqual([]);
    operations.RecordLifecycleActionHeartbeat({ ...byGroup, InstanceId: first });
    runTo(660);

    expect(finished()).toMatchObject([{ atSeconds: 650, result: 'CONTINUE', by: 'heartbeat-timeout' }]);
  });

  test.each<[string, object]>([
    ['HeartbeatTimeout must be between 30 and 7200', { HeartbeatTimeout: 29 }],
    ['HeartbeatTimeout must be between 30 and 7200', { HeartbeatTimeout: 7201 }],
    ['NotificationMetadata length must be between 1 and 4000', { NotificationMetadata: 'x'.repeat(4001) }],
    ['DefaultResult must be CONTINUE or ABANDON', { DefaultResult: 'MAYBE' }],
    [
      'LifecycleTransition must be autoscaling:EC2_INSTANCE_LAUNCHING or autoscaling:EC2_INSTANCE_TERMINATING',
      { LifecycleTransition: undefined },
    ],
    ['AutoScalingGroup name not found - AutoScalingGroup nope not found', { AutoScalingGroupName: 'nope' }],
  ])('is refused: %s', (message, input) => {
    const { operations } = prepare(1);
    const LifecycleTransition = 'autoscaling:EC2_INSTANCE_TERMINATING';
    const put = () => operations.PutLifecycleHook({ ...byGroup, LifecycleTransition, ...input });
    expect(refusal(put)).toBe(`ValidationError: ${message}`);
  });
});

describe('DescribeAutoScalingInstances', () => {
  test('lags the notice, and still says the previous state', () => {
    const { autoScaling, world, runTo, log } = createRegion({ describeLagSeconds: 3 });
    const [id = ''] = autoScaling.createGroup({ name: GROUP, desired: 1 });
    autoScaling.putHook(GROUP, { name: 'drain' });
    const states = new Set<string | undefined>();
    const look = () => {
      const { AutoScalingInstances } = autoScaling.operations.DescribeAutoScalingInstances({ InstanceIds: [id] });
      return AutoScalingInstances[0]?.LifecycleState;
    };

    autoScaling.terminate(GROUP, 1);
    runTo(2);
    expect(log.map(({ kind }) => kind)).toContain('hook-waiting');
    for (let at = 0; at < 60; at++) {
      states.add(look());
      runTo(world.clock.nowSeconds() + 0.1);
    }

    expect([...states]).toEqual(['InService', 'Terminating', 'Terminating:Wait']);
  });

  test('lags by up to three seconds, by seed, and never shows an older state after a newer one', () => {
    const lags = Array.from({ length: 30 }, (_, seed) => {
      const { autoScaling, world, runTo } = createRegion({ seed, describeLagSeconds: undefined });
      const [id = ''] = autoScaling.createGroup({ name: GROUP, desired: 1 });
      autoScaling.putHook(GROUP, { name: 'drain' });
      autoScaling.terminate(GROUP, 1);
      const seen: (string | undefined)[] = [];
      let waitShownAt = 0;
      while (world.clock.nowSeconds() < 10) {
        const state = autoScaling.operations
          .DescribeAutoScalingInstances({})
          .AutoScalingInstances.find(({ InstanceId }) => InstanceId === id)?.LifecycleState;
        if (seen.at(-1) !== state) seen.push(state);
        if (state !== 'Terminating:Wait') waitShownAt = world.clock.nowSeconds();
        runTo(world.clock.nowSeconds() + 0.05);
      }
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen.at(-1)).toBe('Terminating:Wait');
      return waitShownAt;
    });
    expect(Math.max(...lags)).toBeLessThanOrEqual(4.3);
    expect(Math.max(...lags)).toBeGreaterThan(3);
    expect(Math.min(...lags)).toBeLessThan(2);
  });

  test('leaves out unknown instances, takes 50 ids, and gives pages', () => {
    const { operations, ids } = prepare(60);
    const describeAll = operations.DescribeAutoScalingInstances;
    expect(describeAll({ InstanceIds: ['i-gone', ids[3] ?? ''] }).AutoScalingInstances).toMatchObject([
      { InstanceId: ids[3], AutoScalingGroupName: GROUP, LifecycleState: 'InService', HealthStatus: 'HEALTHY' },
    ]);
    expect(refusal(() => describeAll({ InstanceIds: ids.slice(0, 51) }))).toMatch(/^ValidationError: /);
    const page = describeAll({});
    expect(page.AutoScalingInstances).toHaveLength(50);
    expect(describeAll({ NextToken: page.NextToken }).AutoScalingInstances).toHaveLength(10);
    expect(describeAll({ NextToken: page.NextToken }).NextToken).toBeUndefined();
  });
});

describe('TerminateInstanceInAutoScalingGroup', () => {
  test('goes through the hooks, and answers with the activity', () => {
    const { autoScaling, operations, first, runTo, waiting } = prepare(1, { name: 'drain' });
    const terminate = () =>
      operations.TerminateInstanceInAutoScalingGroup({ InstanceId: first, ShouldDecrementDesiredCapacity: false });

    expect(terminate().Activity).toMatchObject({
      AutoScalingGroupName: GROUP,
      StatusCode: 'InProgress',
      Description: `Terminating EC2 instance: ${first}`,
    });
    runTo(5);
    terminate();
    runTo(10);

    expect(autoScaling.stateOf(first)).toBe('Terminating:Wait');
    expect(waiting()).toHaveLength(1);
  });

  test('refuses unknown instances, and to go below the minimum', () => {
    const region = createRegion();
    const [id = ''] = region.autoScaling.createGroup({ name: GROUP, desired: 1, min: 1 });
    const terminate = (InstanceId: string) =>
      refusal(() =>
        region.autoScaling.operations.TerminateInstanceInAutoScalingGroup({
          InstanceId,
          ShouldDecrementDesiredCapacity: true,
        }),
      );
    expect(terminate('i-gone')).toBe(
      'ValidationError: Instance Id not found - No managed instance found for instance ID: i-gone',
    );
    expect(terminate(id)).toContain('ValidationError: Currently, desiredSize equals minSize (1). Terminating instance');
    expect(region.autoScaling.stateOf(id)).toBe('InService');
  });
});

test('groups are described by name or all, with their tags, and unknown ones are left out', () => {
  const { autoScaling } = createRegion();
  autoScaling.createGroup({ name: 'a', desired: 1, tags: { 'ecs-drain:ami': 'auto' } });
  autoScaling.createGroup({ name: 'b', desired: 0, max: 5 });
  const look = (AutoScalingGroupNames?: string[]) =>
    autoScaling.operations.DescribeAutoScalingGroups({ AutoScalingGroupNames }).AutoScalingGroups;

  expect(look().map((group) => group.AutoScalingGroupName)).toEqual(['a', 'b']);
  expect(look(['b', 'gone'])).toMatchObject([{ AutoScalingGroupName: 'b', MinSize: 0, MaxSize: 5 }]);
  expect(look(['a'])).toMatchObject([{ Tags: [{ Key: 'ecs-drain:ami', Value: 'auto' }] }]);
  const tagged = (...Values: string[]) =>
    autoScaling.operations.DescribeAutoScalingGroups({ Filters: [{ Name: 'tag-key', Values }] }).AutoScalingGroups;
  expect(tagged('ecs-drain:ami')).toHaveLength(1);
  expect(tagged('auto')).toEqual([]);
  expect(refusal(() => autoScaling.operations.DescribeAutoScalingGroups({ Filters: [{ Name: 'tag:a' }] }))).toBe(
    'ValidationError: The filter tag:a is not simulated',
  );
});
