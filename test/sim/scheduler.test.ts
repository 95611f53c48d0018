import { describe, expect, test } from 'vitest';
import type { ServiceSpec } from '../../sim/ecs-state.ts';
import { createRegion, type Logged, seedWhere } from './bare-region.ts';

const walkOf = (log: readonly Logged[], instanceId: string): string[] =>
  log.flatMap((event) =>
    event.kind === 'task' && event.instanceId === instanceId
      ? [`${event.atSeconds} ${event.lastStatus}${event.desiredStatus === 'STOPPED' ? ' to stop' : ''}`]
      : [],
  );

const cannotPlace = (sentence: string): string =>
  `(service api) was unable to place a task because no container instance met all of its requirements. ${sentence} For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.`;

describe('a drain', () => {
  test('replaces the task elsewhere first, then walks it down through every status', () => {
    const { web, ecs, drain, runTo, log } = createRegion();
    const [first = ''] = web(2);
    const api = { startSeconds: 100, deregistrationSeconds: 60, stopTimeoutSeconds: 30, deprovisioningSeconds: 5 };
    ecs.createService('web', { name: 'api', desired: 1, ...api });
    runTo(10);

    drain(first);
    runTo(300);

    expect(walkOf(log, 'i-0')).toEqual([
      '0 RUNNING',
      '112 RUNNING to stop',
      '112.5 DEACTIVATING to stop',
      '172.5 STOPPING to stop',
      '202.5 DEPROVISIONING to stop',
      '207.5 STOPPED to stop',
    ]);
    expect(walkOf(log, 'i-1')).toEqual(['11 PROVISIONING', '16 PENDING', '91 ACTIVATING', '111 RUNNING']);
  });

  test.each<[string, Partial<ServiceSpec>, string[]]>([
    ['leaves out DEACTIVATING without a load balancer', {}, ['STOPPING', 'DEPROVISIONING', 'STOPPED']],
    ['lets an application stop before its timeout', { stopSeconds: 3 }, ['STOPPING 3', 'DEPROVISIONING', 'STOPPED']],
    ['kills an application at its timeout', { stopSeconds: 90 }, ['STOPPING 30', 'DEPROVISIONING', 'STOPPED']],
  ])('%s', (_, spec, expected) => {
    const { web, ecs, drain, runTo, log } = createRegion();
    const [first = ''] = web(2);
    ecs.createService('web', { name: 'api', desired: 1, ...spec });

    drain(first);
    runTo(300);

    const walk = log.filter((event) => event.kind === 'task').filter(({ instanceId }) => instanceId === 'i-0');
    const down = walk.slice(2).map(({ lastStatus, atSeconds }, i) => {
      const seconds = (walk[i + 3]?.atSeconds ?? 0) - atSeconds;
      return expected[i]?.includes(' ') ? `${lastStatus} ${seconds}` : lastStatus;
    });
    expect(down).toEqual(expected);
  });

  // Four tasks on two instances, one of them draining; a replacement starts in 40 s, a task stops in 30.5 s and 5 s.
  test.each<[string, number, number, { startedAt: number[]; toldAt: number[] }]>([
    ['100/200 starts both replacements, then stops', 100, 200, { startedAt: [1, 1], toldAt: [42, 42] }],
    ['100/125 starts one at a time, within the maximum', 100, 125, { startedAt: [1, 78.5], toldAt: [42, 119.5] }],
    ['50/100 stops first, and starts when they have stopped', 50, 100, { startedAt: [37.5, 37.5], toldAt: [1, 1] }],
    ['75/100 stops one at a time', 75, 100, { startedAt: [37.5, 115], toldAt: [1, 78.5] }],
    ['50/200 does both at once', 50, 200, { startedAt: [1, 1], toldAt: [1, 1] }],
    ['100/100 deadlocks', 100, 100, { startedAt: [], toldAt: [] }],
    ['100/110 deadlocks too: the maximum is rounded down', 100, 110, { startedAt: [], toldAt: [] }],
    ['80/100 deadlocks too: the minimum is rounded up', 80, 100, { startedAt: [], toldAt: [] }],
  ])('under min and max percent %s', (_, minimumHealthyPercent, maximumPercent, expected) => {
    const { web, ecs, drain, runTo, log } = createRegion();
    const [first = ''] = web(2);
    ecs.createService('web', { name: 'api', desired: 4, minimumHealthyPercent, maximumPercent });

    drain(first);
    runTo(600);

    const tasks = log.filter((event) => event.kind === 'task');
    const started = tasks.filter(({ lastStatus }) => lastStatus === 'PROVISIONING');
    const told = tasks.filter((task) => task.desiredStatus === 'STOPPED' && task.lastStatus === 'RUNNING');
    expect(started.map(({ instanceId }) => instanceId)).toEqual(expected.startedAt.map(() => 'i-1'));
    expect({ startedAt: started.map((t) => t.atSeconds), toldAt: told.map((t) => t.atSeconds) }).toEqual(expected);
  });

  test.each([true, false])('that deadlocks is told in a service event only if the seed has it so (%s)', (isTold) => {
    const seed = seedWhere(({ ecs }) => ecs.unverified.deadlockIsTold === isTold);
    const { web, ecs, drain, runTo, messages } = createRegion({ seed });
    const [first = ''] = web(2);
    ecs.createService('web', { name: 'api', desired: 2, maximumPercent: 100 });

    drain(first);
    runTo(600);

    const told = messages('api').filter((message) => message?.includes('service deployment configuration'));
    expect(told).toHaveLength(isTold ? 1 : 0);
  });

  test('stops PENDING service tasks at once, while a RUNNING one waits for its replacement', () => {
    const { web, ecs, drain, runTo, on } = createRegion();
    const [first = ''] = web(1);
    ecs.createService('web', { name: 'api', desired: 1 });
    ecs.createService('web', { name: 'slow', desired: 2, startSeconds: 100 }, { settled: false });
    runTo(20);
    expect(on('i-0')).toEqual(['RUNNING', 'PENDING', 'PENDING']);

    drain(first);

    expect(on('i-0')).toEqual(['RUNNING']);
  });

  test('leaves standalone tasks alone: one ends by itself, one when it is stopped', () => {
    const { web, ecs, drain, runTo, on, log } = createRegion();
    const [first = ''] = web(2);
    ecs.runStandalone('web', { count: 1, runsSeconds: 900, instanceId: 'i-0' });
    const [endless = ''] = ecs.runStandalone('web', { count: 1, instanceId: 'i-0' });

    drain(first);
    runTo(890);
    expect(on('i-0')).toEqual(['RUNNING', 'RUNNING']);
    runTo(1000);
    expect(on('i-0')).toEqual(['RUNNING']);
    ecs.operations.StopTask({ cluster: 'web', task: endless });
    runTo(1036);

    expect(on('i-0')).toEqual([]);
    expect(walkOf(log, 'i-0').slice(2)).toEqual([
      '900 RUNNING to stop',
      '900.5 DEPROVISIONING to stop',
      '905.5 STOPPED to stop',
      '1000 RUNNING to stop',
      '1000.5 STOPPING to stop',
      '1030.5 DEPROVISIONING to stop',
      '1035.5 STOPPED to stop',
    ]);
  });

  test('takes DAEMON tasks last, when the other service tasks have stopped', () => {
    const { web, ecs, drain, runTo, log } = createRegion();
    const [first = ''] = web(2);
    ecs.createService('web', { name: 'agent', strategy: 'DAEMON', stopTimeoutSeconds: 2 });
    ecs.createService('web', { name: 'api', desired: 2 });
    ecs.runStandalone('web', { count: 1, instanceId: 'i-0' });

    drain(first);
    runTo(300);

    const stopped = log.filter((event) => event.kind === 'task' && event.lastStatus === 'STOPPED');
    expect(stopped).toMatchObject([
      { service: 'api', instanceId: 'i-0', atSeconds: 77.5 },
      { service: 'agent', instanceId: 'i-0', atSeconds: 86 },
    ]);
  });

  test('takes DAEMON tasks last even when the others were told to stop before', () => {
    const { web, ecs, drain, runTo, on } = createRegion();
    const [first = ''] = web(2);
    ecs.createService('web', { name: 'agent', strategy: 'DAEMON' });
    ecs.createService('web', { name: 'api', desired: 2, maximumPercent: 100 });
    const [task = ''] = ecs.operations.ListTasks({ cluster: 'web', containerInstance: first, family: 'api' }).taskArns;
    ecs.operations.StopTask({ cluster: 'web', task });
    runTo(10);

    drain(first);

    runTo(20);
    expect(on('i-0')).toEqual(['RUNNING', 'STOPPING']);
    runTo(40);
    expect(on('i-0')).toEqual(['STOPPING']);
  });

  test.each([true, false])('leaves protected tasks where they are only if the seed has it so (%s)', (isHeld) => {
    const seed = seedWhere(({ ecs }) => ecs.unverified.protectionHoldsOffDraining === isHeld);
    const { web, ecs, drain, runTo, on } = createRegion({ seed });
    const [first = ''] = web(2);
    ecs.createService('web', { name: 'api', desired: 1, protected: true });

    drain(first);
    runTo(300);

    expect(on('i-0')).toEqual(isHeld ? ['RUNNING'] : []);
  });

  test('that is called off allows placement again and stops the newest of what is too much', () => {
    const { web, ecs, drain, runTo, on } = createRegion();
    const [first = ''] = web(2);
    ecs.createService('web', { name: 'api', desired: 4 });
    drain(first);
    runTo(20);
    expect(on('i-1')).toEqual(['RUNNING', 'RUNNING', 'PENDING', 'PENDING']);

    ecs.operations.UpdateContainerInstancesState({ cluster: 'web', containerInstances: [first], status: 'ACTIVE' });
    runTo(300);
    expect([on('i-0'), on('i-1')]).toEqual([
      ['RUNNING', 'RUNNING'],
      ['RUNNING', 'RUNNING'],
    ]);

    ecs.createService('web', { name: 'new', desired: 1 });
    expect(on('i-0')).toHaveLength(3);
  });
});

test('scale-in spares protected tasks, so a drain that is called off leaves too many of them', () => {
  const seed = seedWhere(({ ecs }) => !ecs.unverified.protectionHoldsOffDraining);
  const { web, ecs, drain, runTo, on } = createRegion({ seed });
  const [first = ''] = web(2);
  ecs.createService('web', { name: 'api', desired: 2, protected: true });
  drain(first);
  runTo(20);

  ecs.operations.UpdateContainerInstancesState({ cluster: 'web', containerInstances: [first], status: 'ACTIVE' });
  runTo(300);

  expect([on('i-0'), on('i-1')]).toEqual([['RUNNING'], ['RUNNING', 'RUNNING']]);
});

test('tasks of a service are spread, even where one instance has most room', () => {
  const { web, ecs, on } = createRegion();
  web(3);
  ecs.registerContainerInstance({ cluster: 'web', instanceId: 'i-big', cpu: 100_000, memory: 100_000 });
  ecs.createService('web', { name: 'api', desired: 5 });
  expect(['i-0', 'i-1', 'i-2', 'i-big'].map((id) => on(id).length)).toEqual([1, 1, 1, 2]);
});

describe('a service that finds no place', () => {
  test.each<[string, Partial<ServiceSpec>, (closest: string) => string]>([
    [
      'CPU',
      { cpu: 3000 },
      (id) => `The closest matching (container-instance ${id}) has insufficient CPU units available.`,
    ],
    [
      'memory',
      { memory: 9000 },
      (id) => `The closest matching (container-instance ${id}) has insufficient memory available.`,
    ],
    [
      'a port',
      { hostPort: 80 },
      (id) => `The closest matching (container-instance ${id}) is already using a port required by your task.`,
    ],
    [
      'an attribute',
      { placementConstraint: 'attribute:zone == a' },
      (id) =>
        `The closest matching (container-instance ${id}) encountered error "MemberOf placement constraint unsatisfied.".`,
    ],
  ])('says that it lacks %s, in the words of ECS', (_, spec, sentence) => {
    const { ecs, web, drain, runTo, messages, on } = createRegion();
    web(0);
    const first = ecs.registerContainerInstance({ cluster: 'web', instanceId: 'i-0', attributes: { zone: 'a' } });
    const second = ecs.registerContainerInstance({ cluster: 'web', instanceId: 'i-1', attributes: { zone: 'b' } });
    const held = { cpu: spec.cpu === undefined ? 0 : 2000, memory: spec.memory === undefined ? 0 : 9000 };
    ecs.createService('web', { name: 'api', desired: 1, ...spec });
    ecs.runStandalone('web', { count: 1, instanceId: 'i-1', hostPort: 80, ...held });

    drain(first);
    runTo(1800);

    expect(messages('api')[0]).toBe(cannotPlace(sentence(second.split('/').at(-1) ?? '')));
    expect(on('i-0')).toEqual(['RUNNING']);
  });

  test('says that the agent is disconnected', () => {
    const { ecs, web, drain, runTo, messages } = createRegion();
    const [first = '', second = ''] = web(2);
    ecs.createService('web', { name: 'api', desired: 1 });
    ecs.setAgentConnected('i-1', false);

    drain(first);
    runTo(10);

    const id = second.split('/').at(-1);
    expect(messages('api')[0]).toBe(
      cannotPlace(`The closest matching (container-instance ${id}) doesn't have the agent connected.`),
    );
  });

  test('names the instance that comes closest', () => {
    const { web, ecs, runTo, messages } = createRegion();
    web(0);
    const attributes = { zone: 'a' };
    ecs.registerContainerInstance({ cluster: 'web', instanceId: 'i-none', cpu: 9 });
    ecs.registerContainerInstance({ cluster: 'web', instanceId: 'i-small', cpu: 10, attributes });
    const closest = ecs.registerContainerInstance({ cluster: 'web', instanceId: 'i-large', cpu: 90, attributes });
    ecs.registerContainerInstance({ cluster: 'web', instanceId: 'i-less', memory: 9, attributes });
    ecs.createService('web', { name: 'api', desired: 1, cpu: 100, placementConstraint: 'attribute:zone == a' });
    runTo(10);
    expect(messages('api')[0]).toContain(`(container-instance ${closest.split('/').at(-1)}) has insufficient CPU`);
  });

  test('says that there are no container instances', () => {
    const { web, ecs, runTo, messages } = createRegion();
    web(0);
    ecs.createService('web', { name: 'api', desired: 1 });
    runTo(10);
    expect(messages('api')[0]).toBe(cannotPlace('Reason: No Container Instances were found in your cluster.'));
  });

  test('says so once in six hours while the cause stays, and again for another cause', () => {
    const { web, ecs, drain, runTo, messages, vanish } = createRegion();
    const [first = ''] = web(2, { cpu: 256 });
    ecs.createService('web', { name: 'api', desired: 2 });
    const complaints = () => messages('api').filter((message) => message?.includes('unable to place'));

    drain(first);
    for (let seconds = 60; seconds < 6 * 3600; seconds += 60) {
      runTo(seconds);
      // An instance comes and goes: each time the service is looked at again.
      ecs.registerContainerInstance({ cluster: 'web', instanceId: `i-small-${seconds}`, cpu: 1 });
      vanish(`i-small-${seconds}`);
    }
    expect(complaints()).toHaveLength(1);
    runTo(6 * 3600 + 10);
    expect(complaints()).toHaveLength(2);
    ecs.setAgentConnected('i-1', false);
    runTo(6 * 3600 + 20);
    expect(complaints()).toHaveLength(3);
    ecs.registerContainerInstance({ cluster: 'web', instanceId: 'i-new', cpu: 256 });
    runTo(6 * 3600 + 200);
    expect(messages('api')[0]).toBe('(service api) has reached a steady state.');
    vanish('i-new');
    runTo(6 * 3600 + 300);
    expect(complaints()).toHaveLength(4);
  });

  test('places as soon as capacity is freed', () => {
    const { web, ecs, drain, runTo, on } = createRegion();
    const [first = ''] = web(2, { cpu: 256 });
    const [guest = ''] = ecs.runStandalone('web', { count: 1, instanceId: 'i-1' });
    ecs.createService('web', { name: 'api', desired: 1 });
    drain(first);
    runTo(600);
    expect(on('i-0')).toEqual(['RUNNING']);

    ecs.operations.StopTask({ cluster: 'web', task: guest });
    runTo(640);

    expect(on('i-1')).toEqual(['PENDING']);
    runTo(720);
    expect([on('i-0'), on('i-1')]).toEqual([[], ['RUNNING']]);
  });

  test('places on an instance that registers later, and a DAEMON task follows it there', () => {
    const { web, ecs, runTo, on } = createRegion();
    web(1, { cpu: 256 });
    ecs.createService('web', { name: 'api', desired: 2 });
    ecs.createService('web', { name: 'agent', strategy: 'DAEMON', cpu: 0 });
    runTo(10);

    ecs.registerContainerInstance({ cluster: 'web', instanceId: 'i-new' });
    runTo(60);

    expect(on('i-new')).toEqual(['RUNNING', 'RUNNING']);
  });

  test('keeps on each instance what its DAEMON tasks will need, and says so where nothing else is left', () => {
    const { web, ecs, runTo, on, messages } = createRegion();
    web(1, { cpu: 512 });
    ecs.createService('web', { name: 'agent', strategy: 'DAEMON', cpu: 256 });
    ecs.createService('web', { name: 'api', desired: 3, cpu: 256 });
    runTo(10);

    ecs.registerContainerInstance({ cluster: 'web', instanceId: 'i-new', cpu: 512 });
    runTo(60);

    expect([on('i-0'), on('i-new')]).toEqual([
      ['RUNNING', 'RUNNING'],
      ['RUNNING', 'RUNNING'],
    ]);
    expect(messages('api').some((message) => message?.includes('has insufficient CPU units available'))).toBe(true);
    expect(messages('api').some((message) => message?.includes('No Container Instances'))).toBe(false);
  });
});

test('service events tell what was started and stopped, newest first, and at most a hundred are kept', () => {
  const { web, ecs, drain, runTo, messages } = createRegion();
  const [first = ''] = web(2);
  ecs.createService('web', { name: 'api', desired: 1 });
  drain(first);
  runTo(300);
  expect(messages('api').map((message) => message?.replaceAll(/[0-9a-f]{32}/g, 'ID'))).toEqual([
    '(service api) has reached a steady state.',
    '(service api) has stopped 1 running tasks: (task ID).',
    '(service api) has started 1 tasks: (task ID).',
  ]);

  for (let i = 0; i < 110; i++) {
    const [task = ''] = ecs.operations.ListTasks({ cluster: 'web', serviceName: 'api' }).taskArns;
    ecs.operations.StopTask({ cluster: 'web', task });
    runTo(400 + i * 100);
  }
  expect(messages('api')).toHaveLength(100);
});

test('a disconnected agent lets nothing be confirmed until it is back, and what stopped has stopped all the same', () => {
  const { web, ecs, drain, runTo, on, log } = createRegion();
  const [first = ''] = web(2);
  ecs.createService('web', { name: 'api', desired: 1 });
  drain(first);
  runTo(50);
  expect(on('i-0')).toEqual(['STOPPING']);

  ecs.setAgentConnected('i-0', false);
  runTo(72);
  expect(ecs.liveTasks('i-0')).toHaveLength(1);
  runTo(900);
  expect(on('i-0')).toEqual(['STOPPING']);
  expect(ecs.liveTasks('i-0')).toEqual([]);
  ecs.setAgentConnected('i-0', true);

  expect(on('i-0')).toEqual(['DEPROVISIONING']);
  runTo(910);
  expect(on('i-0')).toEqual([]);
  const dead = log.filter((event) => event.kind === 'task' && !event.alive);
  expect(dead).toMatchObject([
    { atSeconds: 72.5, lastStatus: 'STOPPING', cut: false },
    { atSeconds: 900, lastStatus: 'DEPROVISIONING', cut: false },
    { atSeconds: 905, lastStatus: 'STOPPED', cut: false },
  ]);
});

test('a container that exits while its agent is disconnected is gone, and ECS goes on calling it RUNNING', () => {
  const { web, ecs, runTo, on } = createRegion();
  web(1);
  const [task = ''] = ecs.runStandalone('web', { count: 1, runsSeconds: 100 });
  ecs.setAgentConnected('i-0', false);

  runTo(900);

  expect(on('i-0')).toEqual(['RUNNING']);
  expect(ecs.liveTasks('i-0')).toEqual([]);
  ecs.operations.StopTask({ cluster: 'web', task });
  ecs.setAgentConnected('i-0', true);
  runTo(901);
  expect(on('i-0')).toEqual(['DEPROVISIONING']);
});

test('a task that was told to stop behind a disconnected agent stops in its own time when the agent is back', () => {
  const { web, ecs, runTo, on } = createRegion();
  web(1);
  const [task = ''] = ecs.runStandalone('web', { count: 1 });
  ecs.setAgentConnected('i-0', false);
  ecs.operations.StopTask({ cluster: 'web', task });
  runTo(900);
  expect(ecs.liveTasks('i-0')).toHaveLength(1);

  ecs.setAgentConnected('i-0', true);

  runTo(929);
  expect(on('i-0')).toEqual(['STOPPING']);
  runTo(940);
  expect(on('i-0')).toEqual([]);
});

test('a container that nothing stops is STOPPING for ever, until its instance takes it along', () => {
  const { web, ecs, drain, runTo, on, vanish, log } = createRegion();
  const [first = ''] = web(2);
  ecs.createService('web', { name: 'api', desired: 1, neverStops: true });
  drain(first);
  runTo(172_800);
  expect(on('i-0')).toEqual(['STOPPING']);
  expect(ecs.liveTasks('i-0')).toHaveLength(1);

  vanish('i-0');

  expect(ecs.liveTasks('i-0')).toEqual([]);
  expect(log.filter((event) => event.kind === 'task' && event.cut)).toHaveLength(1);
});

test('protection ends after its time, and the scheduler takes the task off a DRAINING instance then', () => {
  const seed = seedWhere(({ ecs }) => ecs.unverified.protectionHoldsOffDraining);
  const { web, ecs, drain, runTo, on } = createRegion({ seed });
  const [first = ''] = web(2);
  ecs.createService('web', { name: 'api', desired: 1, minimumHealthyPercent: 0, protectedSeconds: 600 });

  drain(first);

  runTo(599);
  expect(on('i-0')).toEqual(['RUNNING']);
  runTo(640);
  expect(on('i-0')).toEqual([]);
});

test('what a disconnected agent holds back is dropped when the task is stopped meanwhile', () => {
  const { web, ecs, drain, runTo, on } = createRegion();
  const [first = ''] = web(1);
  ecs.createService('web', { name: 'api', desired: 1 }, { settled: false });
  runTo(20);
  ecs.setAgentConnected('i-0', false);
  runTo(60);
  expect(on('i-0')).toEqual(['PENDING']);
  drain(first);

  ecs.setAgentConnected('i-0', true);

  expect(on('i-0')).toEqual([]);
});

test('every duration is drawn by the seed, within a fifth of what is set', () => {
  const stopping = (seed: number): number => {
    const { web, ecs, drain, runTo, log } = createRegion({ seed, jitter: 0.2 });
    const [first = ''] = web(2);
    ecs.createService('web', { name: 'api', desired: 1, stopTimeoutSeconds: 100 });
    drain(first);
    runTo(400);
    const at = (status: string) => log.find((e) => e.kind === 'task' && e.lastStatus === status)?.atSeconds ?? 0;
    return at('DEPROVISIONING') - at('STOPPING');
  };

  const drawn = Array.from({ length: 40 }, (_, seed) => stopping(seed));

  expect(new Set(drawn).size).toBeGreaterThan(30);
  expect(Math.min(...drawn)).toBeGreaterThanOrEqual(80);
  expect(Math.max(...drawn)).toBeLessThanOrEqual(120.001);
});

test('the same seed gives the same events, another seed others', () => {
  const run = (seed: number): string => {
    const { ecs, autoScaling, runTo, log } = createRegion({ seed, jitter: 0.2, describeLagSeconds: undefined });
    ecs.createCluster('web');
    const ids = autoScaling.createGroup({ name: 'web-asg', cluster: 'web', desired: 6 });
    autoScaling.putHook('web-asg', { name: 'drain', heartbeatSeconds: 60 });
    for (const instanceId of ids) ecs.registerContainerInstance({ cluster: 'web', instanceId });
    ecs.createService('web', { name: 'api', desired: 12, deregistrationSeconds: 60 });
    ecs.createService('web', { name: 'agent', strategy: 'DAEMON' });
    autoScaling.terminate('web-asg', 2);
    runTo(3600);
    return JSON.stringify(log);
  };

  expect(run(7)).toBe(run(7));
  expect(run(8)).not.toBe(run(7));
});

test('a cluster of 1,000 instances and 10,000 tasks is set up spread evenly, and fast', () => {
  const { web, ecs, on } = createRegion();
  const startedMs = performance.now();

  web(1000);
  for (let i = 0; i < 10; i++) ecs.createService('web', { name: `s${i}`, desired: 1000 });

  // A tenth of this on an idle machine; scanning the cluster for each task would take longer.
  expect(performance.now() - startedMs).toBeLessThan(1000);
  for (let i = 0; i < 1000; i++) expect(on(`i-${i}`)).toHaveLength(10);
});
