import { describe, expect, test } from 'vitest';
import type { UnreadableError } from '../../sim/ecs-state.ts';
import { createRegion, refusal, seedWhere } from './bare-region.ts';

/** Two instances, and a service with a task on each that survives anything but its instance. */
function prepare(seed?: number) {
  const region = createRegion(seed === undefined ? {} : { seed });
  const { ecs, log } = region;
  const [first = '', second = ''] = region.web(2);
  ecs.createService('web', { name: 'api', desired: 2 });
  const describeInstance = (arn: string) =>
    ecs.operations.DescribeContainerInstances({ cluster: 'web', containerInstances: [arn] });
  return {
    ...region,
    first,
    second,
    describeInstance,
    look: () => describeInstance(first).containerInstances[0],
    cut: () => log.filter((event) => event.kind === 'task' && event.cut),
    changes: () =>
      log.filter((event) => event.kind === 'container-instance').map(({ status, by }) => `${status} ${by}`),
  };
}

test('other hands set a container instance DRAINING and ACTIVE, and the event says so', () => {
  const { ecs, changes, runTo, on } = prepare();

  ecs.setStatus('i-0', 'DRAINING');
  ecs.setStatus('i-0', 'DRAINING');
  runTo(300);
  expect(on('i-0')).toEqual([]);
  ecs.setStatus('i-0', 'ACTIVE');

  expect(changes().slice(2)).toEqual(['DRAINING other', 'ACTIVE other']);
});

describe('a container instance that is deregistered', () => {
  test('by force loses its tasks to ECS, which starts others, and they run on until the instance ends', () => {
    const { ecs, first, runTo, on, vanish, cut, log } = prepare();
    const [task = ''] = ecs.operations.ListTasks({ cluster: 'web', containerInstance: first }).taskArns;

    ecs.deregister('i-0');
    runTo(4000);

    expect(ecs.operations.DescribeTasks({ cluster: 'web', tasks: [task] }).tasks).toEqual([]);
    expect(on('i-0')).toEqual([]);
    expect(on('i-1')).toEqual(['RUNNING', 'RUNNING']);
    expect(ecs.liveTasks('i-0').map(({ arn }) => arn)).toEqual([task]);
    expect(log.filter((event) => event.kind === 'task' && event.taskArn === task)).toMatchObject([
      { lastStatus: 'RUNNING', alive: true },
      { lastStatus: 'STOPPED', alive: true, cut: false },
    ]);
    expect(cut()).toEqual([]);

    vanish('i-0');
    expect(cut()).toMatchObject([{ taskArn: task, lastStatus: 'STOPPED', alive: false }]);
    expect(ecs.liveTasks('i-0')).toEqual([]);
  });

  test.each([true, false])('is not listed, and MISSING or INACTIVE, as the seed has it (%s)', (isMissing) => {
    const seed = seedWhere(({ ecs }) => ecs.unverified.deregisteredIsMissing === isMissing);
    const { ecs, first, second, describeInstance, changes } = prepare(seed);
    const deregister = (force?: boolean) =>
      ecs.operations.DeregisterContainerInstance({ cluster: 'web', containerInstance: first, force });

    expect(refusal(() => deregister())).toBe('InvalidParameterException: Found running tasks on the instance.');
    expect(deregister(true).containerInstance).toMatchObject({ containerInstanceArn: first, status: 'INACTIVE' });
    ecs.setAgentConnected('i-0', true);

    expect(changes().slice(2)).toEqual(['INACTIVE call']);
    expect(describeInstance(first)).toMatchObject(
      isMissing
        ? { containerInstances: [], failures: [{ arn: first, reason: 'MISSING' }] }
        : { containerInstances: [{ status: 'INACTIVE', agentConnected: false }], failures: [] },
    );
    expect(ecs.operations.ListContainerInstances({ cluster: 'web' }).containerInstanceArns).toEqual([second]);
  });

  test('by force leaves nothing behind of a task that had not started', () => {
    const { ecs, web, runTo } = createRegion();
    web(1);
    ecs.createService('web', { name: 'api', desired: 1 }, { settled: false });
    runTo(10);
    ecs.deregister('i-0');
    expect(ecs.liveTasks('i-0')).toEqual([]);
  });

  test('without force goes when nothing is on it', () => {
    const { ecs } = createRegion();
    ecs.createCluster('web');
    const containerInstance = ecs.registerContainerInstance({ cluster: 'web', instanceId: 'i-0' });
    ecs.operations.DeregisterContainerInstance({ cluster: 'web', containerInstance });
    expect(ecs.operations.ListContainerInstances({ cluster: 'web' }).containerInstanceArns).toEqual([]);
  });
});

describe('two registrations of one EC2 instance', () => {
  test('are a leftover without agent and tasks beside the living one', () => {
    const { ecs, runTo, on } = createRegion();
    ecs.createCluster('web');
    const [left, living] = [false, true].map((agentConnected) =>
      ecs.registerContainerInstance({ cluster: 'web', instanceId: 'i-0', agentConnected }),
    );
    ecs.createService('web', { name: 'api', desired: 2 });
    ecs.runStandalone('web', { count: 1, instanceId: 'i-0' });
    runTo(10);

    const { containerInstances } = ecs.operations.DescribeContainerInstances({
      cluster: 'web',
      containerInstances: ecs.operations.ListContainerInstances({ cluster: 'web' }).containerInstanceArns,
    });

    expect(containerInstances).toMatchObject([
      { containerInstanceArn: left, status: 'ACTIVE', agentConnected: false, runningTasksCount: 0 },
      { containerInstanceArn: living, status: 'ACTIVE', agentConnected: true, runningTasksCount: 3 },
    ]);
    expect(on('i-0')).toHaveLength(3);
  });

  test('may both live, and all that runs on either is on the instance', () => {
    const { ecs, vanish } = createRegion();
    ecs.createCluster('web');
    for (let i = 0; i < 2; i++) ecs.registerContainerInstance({ cluster: 'web', instanceId: 'i-0' });
    ecs.createService('web', { name: 'api', desired: 4 });
    expect(ecs.liveTasks('i-0')).toHaveLength(4);
    vanish('i-0');
    expect(ecs.liveTasks('i-0')).toEqual([]);
    expect(ecs.operations.ListContainerInstances({ cluster: 'web' }).containerInstanceArns).toEqual([]);
  });
});

describe('an instance that reboots', () => {
  test('loses its tasks at once, ECS hears of it when the agent is back, and the status is what it was', () => {
    const { ecs, ec2, first, runTo, on, look, cut, log } = prepare();
    const [task = ''] = ecs.operations.ListTasks({ cluster: 'web', containerInstance: first }).taskArns;
    ecs.setStatus('i-0', 'DRAINING');
    runTo(10);

    ec2.reboot('i-0');

    expect(ecs.liveTasks('i-0')).toEqual([]);
    expect(on('i-0')).toEqual(['RUNNING']);
    expect(look()).toMatchObject({ agentConnected: false, status: 'DRAINING' });
    expect(cut()).toMatchObject([{ taskArn: task, lastStatus: 'RUNNING', alive: false, atSeconds: 10 }]);
    runTo(39);
    expect(look()).toMatchObject({ agentConnected: false });
    runTo(131);
    expect(look()).toMatchObject({ agentConnected: true, status: 'DRAINING' });
    expect(on('i-0')).toEqual([]);
    expect(cut()).toHaveLength(1);
    expect(log.filter((event) => event.kind === 'instance-restarting')).toMatchObject([{ cause: 'reboot' }]);
  });

  test('forgets what was under way: stop orders, starts and exits of before', () => {
    const { ecs, ec2, runTo, on, web, log } = createRegion();
    web(1);
    ecs.createService('web', { name: 'api', desired: 1 }, { settled: false });
    const [stopping = ''] = ecs.runStandalone('web', { count: 2, instanceId: 'i-0', runsSeconds: 40 });
    runTo(10);
    ecs.operations.StopTask({ cluster: 'web', task: stopping });
    ec2.reboot('i-0');
    runTo(12);
    for (const { id } of ecs.unstoppedTasks('i-0')) ecs.operations.StopTask({ cluster: 'web', task: id });

    runTo(131);

    const stops = log.filter((event) => event.kind === 'task' && event.lastStatus === 'STOPPED');
    expect(new Set(stops.map((event) => event.kind === 'task' && event.taskArn)).size).toBe(3);
    expect(stops).toHaveLength(3);
    runTo(300);
    expect(on('i-0')).toEqual(['RUNNING']);
  });

  test('before it registered and then ends never registers', () => {
    const { ecs, ec2, web, world, runTo, vanish } = createRegion();
    web(0);
    world.emit({ kind: 'instance-launched', instanceId: 'i-0', group: 'web-asg', cluster: 'web' });
    ec2.reboot('i-0');
    runTo(50);
    vanish('i-0');
    runTo(300);
    expect(ecs.operations.ListContainerInstances({ cluster: 'web' }).containerInstanceArns).toEqual([]);
  });

  test('and ends before its agent is back stays away', () => {
    const { ec2, runTo, look, vanish } = prepare();
    ec2.reboot('i-0');
    runTo(10);
    vanish('i-0');
    runTo(200);
    expect(look()).toMatchObject({ agentConnected: false });
  });
});

test('an instance that is stopped loses its tasks, which ECS hears of, and keeps its registration', () => {
  const { ec2, runTo, on, look, cut } = prepare();
  ec2.stop('i-0', 'Spot');
  expect(on('i-0')).toEqual([]);
  expect(cut()).toHaveLength(1);
  expect(look()).toMatchObject({ agentConnected: false, status: 'ACTIVE' });
  runTo(200);
  expect(on('i-1')).toEqual(['RUNNING', 'RUNNING']);
});

test('an instance that ends while its agent is disconnected is not deregistered, and ECS never hears of its tasks', () => {
  const { ecs, vanish, runTo, on, look, cut } = prepare();
  ecs.setAgentConnected('i-0', false);

  vanish('i-0');
  runTo(7200);

  expect(look()).toMatchObject({ status: 'ACTIVE', agentConnected: false, runningTasksCount: 1 });
  expect(on('i-0')).toEqual(['RUNNING']);
  expect(ecs.liveTasks('i-0')).toEqual([]);
  expect(cut()).toHaveLength(1);
});

test('an external instance is described as any other, and no service task comes to it', () => {
  const { ecs, describeInstance } = prepare();
  const external = ecs.registerContainerInstance({ cluster: 'web', instanceId: 'mi-0123456789abcdef0' });
  ecs.createService('web', { name: 'many', desired: 20 });
  ecs.createService('web', { name: 'agent', strategy: 'DAEMON' });
  ecs.runStandalone('web', { count: 1, instanceId: 'mi-0123456789abcdef0' });

  expect(describeInstance(external).containerInstances).toMatchObject([
    { ec2InstanceId: 'mi-0123456789abcdef0', status: 'ACTIVE', runningTasksCount: 1 },
  ]);
});

describe('a cluster that cannot be read', () => {
  test.each<[UnreadableError, number]>([
    ['AccessDeniedException', 400],
    ['ServerException', 500],
    ['ClusterNotFoundException', 400],
  ])('answers %s to whatever names it, until it can be read again', (error, statusCode) => {
    const { ecs, first, describeInstance } = prepare();
    const [task = ''] = ecs.operations.ListTasks({ cluster: 'web' }).taskArns;
    const { operations } = ecs;
    const containerInstances = [first];
    const calls = [
      () => operations.ListContainerInstances({ cluster: 'web' }),
      () => describeInstance(first),
      () => operations.UpdateContainerInstancesState({ cluster: 'web', containerInstances, status: 'DRAINING' }),
      () => operations.ListTasks({ cluster: 'web' }),
      () => operations.DescribeTasks({ cluster: 'web', tasks: [task] }),
      () => operations.DescribeServices({ cluster: 'web', services: ['api'] }),
      () => operations.StopTask({ cluster: 'web', task }),
    ];

    ecs.setUnreadable('web', error);

    for (const call of calls) expect(call).toThrow(expect.objectContaining({ code: error, statusCode }));
    expect(operations.ListClusters({}).clusterArns).toHaveLength(1);
    const describe = () => operations.DescribeClusters({ clusters: ['web'] });
    if (error === 'ClusterNotFoundException') expect(describe()).toMatchObject({ failures: [{ reason: 'MISSING' }] });
    else expect(refusal(describe)).toContain(error);

    ecs.setUnreadable('web', undefined);
    for (const call of calls) expect(call).not.toThrow();
  });
});
