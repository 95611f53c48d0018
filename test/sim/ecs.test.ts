import { describe, expect, test } from 'vitest';
import { createClock, EPOCH_MS } from '../../sim/clock.ts';
import { createBucket } from '../../sim/throttle.ts';
import { createRegion, refusal, seedWhere } from './bare-region.ts';

const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `id${i}`);
const shortId = (arn: string | undefined): string => arn?.split('/').at(-1) ?? '';
const prefix = 'arn:aws:ecs:eu-west-1:123456789012';

describe('input', () => {
  const cluster = 'web';
  const { ecs, web } = createRegion();
  const { operations } = ecs;
  const [first = ''] = web(1);

  test.each<[string, () => unknown, string]>([
    [
      'more than 10 instances to update',
      () => operations.UpdateContainerInstancesState({ cluster, containerInstances: ids(11), status: 'DRAINING' }),
      'InvalidParameterException: instanceIds can have at most 10 items.',
    ],
    [
      'another status than ACTIVE and DRAINING',
      () => operations.UpdateContainerInstancesState({ cluster, containerInstances: [first], status: 'REGISTERING' }),
      'InvalidParameterException: status must be one of ACTIVE, DRAINING.',
    ],
    [
      'more than 100 instances to describe',
      () => operations.DescribeContainerInstances({ cluster, containerInstances: ids(101) }),
      'InvalidParameterException: instanceIds can have at most 100 items.',
    ],
    [
      'no instances to describe',
      () => operations.DescribeContainerInstances({ cluster, containerInstances: [] }),
      'InvalidParameterException: Container Instances cannot be empty.',
    ],
    [
      'more than 100 tasks',
      () => operations.DescribeTasks({ cluster, tasks: ids(101) }),
      'InvalidParameterException: taskIds can have at most 100 items.',
    ],
    [
      'no tasks',
      () => operations.DescribeTasks({ cluster, tasks: [] }),
      'InvalidParameterException: Tasks cannot be empty.',
    ],
    [
      'more than 10 services',
      () => operations.DescribeServices({ cluster, services: ids(11) }),
      'InvalidParameterException: services can have at most 10 items.',
    ],
    [
      'a page of more than 100',
      () => operations.ListTasks({ cluster, maxResults: 101 }),
      'InvalidParameterException: maxResults must be between 1 and 100.',
    ],
    [
      'a token that is none',
      () => operations.ListTasks({ cluster, nextToken: 'what' }),
      'InvalidParameterException: Invalid token.',
    ],
    [
      'the tasks of an unknown instance',
      () => operations.ListTasks({ cluster, containerInstance: 'id0' }),
      'InvalidParameterException: Container instance not found.',
    ],
    [
      'the tasks of an unknown service',
      () => operations.ListTasks({ cluster, serviceName: 'api' }),
      'ServiceNotFoundException: Service not found.',
    ],
    [
      'an unknown task to stop',
      () => operations.StopTask({ cluster, task: 'id0' }),
      'InvalidParameterException: The referenced task was not found.',
    ],
    [
      'an expression that is none',
      () => operations.ListContainerInstances({ cluster, filter: 'ec2InstanceId is i-0' }),
      'InvalidParameterException: Invalid filter expression: ec2InstanceId is i-0',
    ],
    [
      'an unknown cluster',
      () => operations.ListContainerInstances({ cluster: 'nope' }),
      'ClusterNotFoundException: Cluster not found.',
    ],
    [
      'a cluster of another region',
      () => operations.ListTasks({ cluster: 'arn:aws:ecs:us-east-1:123456789012:cluster/web' }),
      'ClusterNotFoundException: Cluster not found.',
    ],
    [
      'no cluster where there is no default one',
      () => operations.ListTasks({}),
      'ClusterNotFoundException: Cluster not found.',
    ],
  ])('with %s is refused', (_, call, expected) => {
    expect(refusal(call)).toBe(expected);
  });
});

describe('names', () => {
  test('are short ids or full ARNs, and what is unknown comes back in failures beside the rest', () => {
    const { ecs, web } = createRegion();
    const [first = '', second = ''] = web(2);
    ecs.createCluster('other');
    const service = ecs.createService('web', { name: 'api', desired: 1 });
    const [task = ''] = ecs.operations.ListTasks({ cluster: `${prefix}:cluster/web` }).taskArns;
    const strange = first.replace('/web/', '/other/');

    const instances = ecs.operations.DescribeContainerInstances({
      cluster: 'web',
      containerInstances: [first, shortId(second), 'gone', strange],
    });
    const tasks = ecs.operations.DescribeTasks({ cluster: 'web', tasks: [task, shortId(task), 'gone'] });
    const services = ecs.operations.DescribeServices({ cluster: 'web', services: [service, 'api', 'gone'] });
    const updated = ecs.operations.UpdateContainerInstancesState({
      cluster: 'web',
      containerInstances: [shortId(first), 'gone'],
      status: 'DRAINING',
    });
    const clusters = ecs.operations.DescribeClusters({ clusters: ['web', 'gone'] });

    expect(instances.containerInstances.map((instance) => instance.containerInstanceArn)).toEqual([first, second]);
    expect(instances.failures).toEqual([
      { arn: `${prefix}:container-instance/web/gone`, reason: 'MISSING' },
      { arn: strange, reason: 'MISSING' },
    ]);
    expect(tasks.tasks.map(({ taskArn }) => taskArn)).toEqual([task, task]);
    expect(tasks.failures).toEqual([{ arn: `${prefix}:task/web/gone`, reason: 'MISSING' }]);
    expect(services.services.map(({ serviceName }) => serviceName)).toEqual(['api', 'api']);
    expect(services.failures).toEqual([{ arn: `${prefix}:service/web/gone`, reason: 'MISSING' }]);
    // "Answers with the full container instances" (AWS-CONTRACTS §3).
    expect(updated.containerInstances).toMatchObject([{ containerInstanceArn: first, status: 'DRAINING' }]);
    expect(updated.containerInstances[0]?.remainingResources).toHaveLength(3);
    expect(updated.failures).toEqual([{ arn: `${prefix}:container-instance/web/gone`, reason: 'MISSING' }]);
    expect(clusters.clusters).toMatchObject([
      { clusterName: 'web', registeredContainerInstancesCount: 2, runningTasksCount: 1, activeServicesCount: 1 },
    ]);
    expect(clusters.failures).toEqual([{ arn: `${prefix}:cluster/gone`, reason: 'MISSING' }]);
    expect(ecs.operations.ListClusters({}).clusterArns).toEqual([`${prefix}:cluster/web`, `${prefix}:cluster/other`]);
  });

  test('of two registrations of one EC2 instance are two', () => {
    const { ecs, web } = createRegion();
    const [first] = web(1);
    const again = ecs.registerContainerInstance({ cluster: 'web', instanceId: 'i-0' });

    const { containerInstanceArns } = ecs.operations.ListContainerInstances({
      cluster: 'web',
      filter: "ec2InstanceId in ['i-0']",
    });

    expect(containerInstanceArns).toEqual([first, again]);
  });
});

describe('ListContainerInstances', () => {
  test.each<[Parameters<ReturnType<typeof createRegion>['ecs']['operations']['ListContainerInstances']>[0], number[]]>([
    [{}, [0, 1, 2]],
    [{ status: 'ACTIVE' }, [0, 2]],
    [{ status: 'DRAINING' }, [1]],
    [{ filter: 'ec2InstanceId == i-1' }, [1]],
    [{ filter: "ec2InstanceId in ['i-0', 'i-1', 'i-9']" }, [0, 1]],
    [{ filter: 'ec2InstanceId in [i-2,i-3]' }, [2]],
    [{ filter: "ec2InstanceId in ['i-0', 'i-1']", status: 'DRAINING' }, [1]],
    [{ filter: 'ec2InstanceId !in [i-0]' }, [1, 2]],
    [{ filter: 'agentConnected != true' }, [2]],
    [{ filter: 'attribute:ecs.os-type == linux' }, [0, 1, 2]],
    [{ filter: 'attribute:stack != prod' }, []],
    [{ maxResults: 2 }, [0, 1]],
  ])('%j finds %j of four instances, the last of them INACTIVE', (input, expected) => {
    const { ecs, web, drain, vanish } = createRegion();
    const arns = web(4);
    drain(arns[1] ?? '');
    ecs.setAgentConnected('i-2', false);
    vanish('i-3');

    const { containerInstanceArns } = ecs.operations.ListContainerInstances({ cluster: 'web', ...input });

    expect(containerInstanceArns).toEqual(expected.map((i) => arns[i]));
  });
});

test('ListTasks gives pages of 100, and a task that ends between two pages hides no other', () => {
  const { ecs, web, runTo } = createRegion();
  web(20);
  ecs.createService('web', { name: 'api', desired: 250 });
  ecs.runStandalone('web', { count: 1, family: 'job' });

  const first = ecs.operations.ListTasks({ cluster: 'web', serviceName: 'api' });
  for (const task of first.taskArns.slice(0, 5)) ecs.operations.StopTask({ cluster: 'web', task });
  runTo(0.5);
  const second = ecs.operations.ListTasks({ cluster: 'web', serviceName: 'api', nextToken: first.nextToken });
  const third = ecs.operations.ListTasks({ cluster: 'web', serviceName: 'api', nextToken: second.nextToken });

  expect([first, second, third].map(({ taskArns }) => taskArns.length)).toEqual([100, 100, 50]);
  expect(new Set([first, second, third].flatMap(({ taskArns }) => taskArns)).size).toBe(250);
  expect(third.nextToken).toBeUndefined();
  expect(ecs.operations.ListTasks({ cluster: 'web', family: 'job' }).taskArns).toHaveLength(1);
  expect(ecs.operations.ListTasks({ cluster: 'web', family: 'api', startedBy: 'somebody' }).taskArns).toEqual([]);
});

test('counts and the default list say zero long before the tasks have stopped', () => {
  const { ecs, web, drain, runTo, on } = createRegion();
  const [first = ''] = web(2);
  ecs.createService('web', { name: 'api', desired: 2, deregistrationSeconds: 60, minimumHealthyPercent: 0 });
  const look = () => {
    const [instance] = ecs.operations.DescribeContainerInstances({
      cluster: 'web',
      containerInstances: [first],
    }).containerInstances;
    const list = (desiredStatus?: 'STOPPED') =>
      ecs.operations.ListTasks({ cluster: 'web', containerInstance: first, ...(desiredStatus && { desiredStatus }) })
        .taskArns.length;
    return [instance?.runningTasksCount, instance?.pendingTasksCount, list(), list('STOPPED'), ...on('i-0')];
  };
  expect(look()).toEqual([1, 0, 1, 0, 'RUNNING']);

  drain(first);

  runTo(1);
  expect(look()).toEqual([0, 0, 0, 1, 'RUNNING']);
  runTo(2);
  expect(look()).toEqual([0, 0, 0, 1, 'DEACTIVATING']);
  runTo(70);
  expect(look()).toEqual([0, 0, 0, 1, 'STOPPING']);
  runTo(100);
  expect(look()).toEqual([0, 0, 0, 1]);
});

test('a stopped task is described with its times and its reason for an hour, and is then missing', () => {
  const { ecs, web, runTo } = createRegion();
  const [containerInstance = ''] = web(1);
  const [task = ''] = ecs.runStandalone('web', { count: 1, family: 'job' });
  const stopped = ecs.operations.StopTask({ cluster: 'web', task, reason: 'enough' });
  expect(stopped.task).toMatchObject({ lastStatus: 'RUNNING', desiredStatus: 'STOPPED', stopCode: 'UserInitiated' });
  runTo(10);
  expect(ecs.operations.StopTask({ cluster: 'web', task, reason: 'again' }).task).toMatchObject({
    lastStatus: 'STOPPING',
    stoppedReason: 'enough',
  });

  runTo(35 + 3599);
  const at = (seconds: number) => new Date(EPOCH_MS + seconds * 1000);
  expect(ecs.operations.DescribeTasks({ cluster: 'web', tasks: [task] }).tasks).toMatchObject([
    {
      taskArn: task,
      lastStatus: 'STOPPED',
      group: 'family:job',
      stoppedReason: 'enough',
      createdAt: at(0),
      startedAt: at(0),
      stoppingAt: at(0),
      executionStoppedAt: at(30.5),
      stoppedAt: at(35.5),
    },
  ]);
  const listed = (input: { containerInstance?: string }) =>
    ecs.operations.ListTasks({ cluster: 'web', desiredStatus: 'STOPPED', ...input }).taskArns;
  expect(listed({})).toEqual([task]);
  expect(listed({ containerInstance })).toEqual([task]);

  runTo(36 + 3601);
  expect(ecs.operations.DescribeTasks({ cluster: 'web', tasks: [task] })).toEqual({
    tasks: [],
    failures: [{ arn: task, reason: 'MISSING' }],
  });
  expect(listed({})).toEqual([]);
  expect(listed({ containerInstance })).toEqual([]);
});

test('a service is described with its deployment configuration, counts and constraint', () => {
  const { ecs, web, runTo } = createRegion();
  web(1);
  const placementConstraint = 'attribute:ecs.os-type == linux';
  ecs.createService('web', { name: 'api', desired: 1, maximumPercent: 150, placementConstraint });
  ecs.createService('web', { name: 'next', desired: 2 }, { settled: false });
  ecs.createService('web', { name: 'agent', strategy: 'DAEMON' });
  runTo(10);

  const { services } = ecs.operations.DescribeServices({ cluster: 'web', services: ['api', 'next', 'agent'] });

  expect(services).toMatchObject([
    {
      serviceArn: `${prefix}:service/web/api`,
      schedulingStrategy: 'REPLICA',
      deploymentConfiguration: { minimumHealthyPercent: 100, maximumPercent: 150 },
      deployments: [{ status: 'PRIMARY', runningCount: 1 }],
      placementConstraints: [{ type: 'memberOf', expression: placementConstraint }],
    },
    { desiredCount: 2, runningCount: 0, pendingCount: 2, deploymentConfiguration: { maximumPercent: 200 } },
    { schedulingStrategy: 'DAEMON', desiredCount: 1, runningCount: 1 },
  ]);
});

describe('a container instance', () => {
  test('that is DRAINING can be set DRAINING again, and nothing happens', () => {
    const { web, drain, log } = createRegion();
    const [first = ''] = web(1);
    drain(first);
    drain(first);
    expect(log.filter(({ kind }) => kind === 'container-instance')).toMatchObject([
      { status: 'ACTIVE', by: 'agent' },
      { status: 'DRAINING', by: 'call' },
    ]);
  });

  test('reports what is left of it and the ports that are taken', () => {
    const { web, ecs, runTo } = createRegion();
    const [first = ''] = web(1, { imageId: 'ami-1' });
    const left = () => {
      const described = ecs.operations.DescribeContainerInstances({ cluster: 'web', containerInstances: [first] });
      const [instance] = described.containerInstances;
      expect(instance?.attributes).toContainEqual({ name: 'ecs.ami-id', value: 'ami-1' });
      const [cpu, memory, ports] = instance?.remainingResources ?? [];
      return [cpu?.integerValue, memory?.integerValue, ports?.stringSetValue?.includes('80')];
    };

    const [task = ''] = ecs.runStandalone('web', { count: 1, cpu: 96, memory: 384, hostPort: 80 });
    expect(left()).toEqual([4000, 16000, true]);
    ecs.operations.StopTask({ cluster: 'web', task });
    runTo(30);
    expect(left()).toEqual([4000, 16000, true]);
    runTo(40);
    expect(left()).toEqual([4096, 16384, false]);
  });

  test('whose instance is terminated loses its tasks, is INACTIVE, and is forgotten after an hour', () => {
    const { web, ecs, drain, runTo, log, vanish } = createRegion();
    const [first = ''] = web(2);
    ecs.createService('web', { name: 'api', desired: 2, minimumHealthyPercent: 50 });
    ecs.runStandalone('web', { count: 1, instanceId: 'i-0' });
    ecs.runStandalone('web', { count: 1, runsSeconds: 1, instanceId: 'i-0' });
    runTo(20);
    drain(first);
    runTo(25);

    vanish('i-0');

    const ofTasks = () => log.filter((event) => event.kind === 'task' && event.instanceId === 'i-0');
    const eventCount = ofTasks().length;
    const cut = log.filter((event) => event.kind === 'task').filter((task) => task.cut);
    expect(cut).toMatchObject([
      { instanceId: 'i-0', service: 'api', lastStatus: 'STOPPED', desiredStatus: 'STOPPED' },
      { instanceId: 'i-0', service: undefined, lastStatus: 'STOPPED', desiredStatus: 'STOPPED' },
    ]);
    const { tasks: described } = ecs.operations.DescribeTasks({
      cluster: 'web',
      tasks: cut.map(({ taskArn }) => taskArn),
    });
    // The first had been told to stop before; the second had not.
    expect(described).toMatchObject([
      { stopCode: 'ServiceSchedulerInitiated' },
      { stopCode: 'TerminationNotice', stoppedReason: 'Host EC2 (instance i-0) terminated.' },
    ]);
    const look = () =>
      ecs.operations.DescribeContainerInstances({ cluster: 'web', containerInstances: [first] }).containerInstances;
    expect(look()).toMatchObject([{ status: 'INACTIVE', agentConnected: false, runningTasksCount: 0 }]);

    vanish('i-0');
    ecs.setAgentConnected('i-0', true);
    expect(look()).toMatchObject([{ status: 'INACTIVE', agentConnected: false }]);
    runTo(4000);
    expect(look()).toEqual([]);
    expect(ofTasks()).toHaveLength(eventCount);
    expect(log.filter((event) => event.kind === 'container-instance' && event.status === 'INACTIVE')).toHaveLength(1);
  });

  test('that is INACTIVE cannot be drained: an error or a failure, as the seed has it', () => {
    const answer = (throws: boolean): unknown => {
      const seed = seedWhere(({ ecs }) => ecs.unverified.inactiveUpdateThrows === throws);
      const { web, ecs, vanish } = createRegion({ seed });
      const containerInstances = web(1);
      vanish('i-0');
      const update = () =>
        ecs.operations.UpdateContainerInstancesState({ cluster: 'web', containerInstances, status: 'DRAINING' });
      return throws ? refusal(update) : update();
    };

    expect(answer(true)).toBe('InvalidParameterException: Container instance is not in an ACTIVE or DRAINING status.');
    expect(answer(false)).toMatchObject({ containerInstances: [], failures: [{ reason: 'INACTIVE' }] });
  });

  test('registers after a launch when its agent has booted, unless it is terminated before', () => {
    const { world, ecs, web, runTo } = createRegion();
    web(0, { cpu: 2048 });
    const list = () => ecs.operations.ListContainerInstances({ cluster: 'web' }).containerInstanceArns;
    for (const instanceId of ['i-a', 'i-b']) {
      world.emit({ kind: 'instance-launched', instanceId, group: 'web-asg', cluster: 'web' });
    }
    world.emit({ kind: 'instance-launched', instanceId: 'i-elsewhere', group: 'other-asg' });
    runTo(80);
    world.emit({ kind: 'instance-terminated', instanceId: 'i-b', cause: 'a test' });
    expect(list()).toEqual([]);

    runTo(200);

    const described = ecs.operations.DescribeContainerInstances({ cluster: 'web', containerInstances: list() });
    expect(described.containerInstances).toMatchObject([
      { ec2InstanceId: 'i-a', status: 'ACTIVE', registeredAt: new Date(EPOCH_MS + 90_000) },
    ]);
  });
});

describe('throttling', () => {
  test('a bucket gives its burst, then what has flowed in since, and never more than the burst', () => {
    const clock = createClock();
    const bucket = createBucket(clock, { burst: 10, perSecond: 4 });
    const drawAt = (seconds: number): number => {
      clock.step(EPOCH_MS + seconds * 1000);
      let taken = 0;
      while (bucket.take()) taken++;
      return taken;
    };
    expect([0, 0.2, 0.25, 1.25, 100].map(drawAt)).toEqual([10, 0, 1, 4, 10]);
  });

  test('four reads share one bucket; modifying and reading services have their own', () => {
    const { ecs, web, runTo } = createRegion();
    const containerInstances = web(1);
    ecs.createService('web', { name: 'api', desired: 1 });
    const { operations } = ecs;
    const tasks = operations.ListTasks({ cluster: 'web' }).taskArns;
    const reads = [
      () => operations.ListContainerInstances({ cluster: 'web' }),
      () => operations.DescribeContainerInstances({ cluster: 'web', containerInstances }),
      () => operations.ListTasks({ cluster: 'web' }),
      () => operations.DescribeTasks({ cluster: 'web', tasks }),
    ];
    const readOn = (): number => {
      for (let count = 0; ; count++) if (refusal(reads[count % 4] ?? fail) !== 'nothing thrown') return count;
    };

    expect(readOn()).toBe(99);
    for (const read of reads) expect(refusal(read)).toBe('ThrottlingException: Rate exceeded');
    operations.UpdateContainerInstancesState({ cluster: 'web', containerInstances, status: 'DRAINING' });
    operations.DescribeServices({ cluster: 'web', services: ['api'] });
    operations.DescribeClusters({ clusters: ['web'] });
    runTo(1);
    expect(readOn()).toBe(20);

    const stop = () => operations.StopTask({ cluster: 'web', task: tasks[0] });
    for (let i = 0; i < 100; i++) stop();
    expect(refusal(stop)).toBe('ThrottlingException: Rate exceeded');
  });

  const fail = (): never => {
    throw new Error('no such read');
  };
});
