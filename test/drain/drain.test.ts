import { describe, expect, it } from 'vitest';
import { aFailure, CLUSTER, HOOK, INSTANCE_ARN, LIFECYCLE_TOPIC, TOKEN } from '../support/build.ts';
import type { FakeAws } from '../support/fake-aws.ts';
import { anInstance, aTask, fakeAws, STANDALONE, tasks } from '../support/fake-aws.ts';
import { runDrain } from '../support/run.ts';

const DESCRIBE_TASKS = 'ecs:DescribeTasks';
const COMPLETE = 'autoscaling:CompleteLifecycleAction';
const OTHER_CLUSTER = 'arn:aws:ecs:eu-west-1:123456789012:cluster/batch';
const OLD_ARN = 'arn:aws:ecs:eu-west-1:123456789012:container-instance/web/fedcba9876543210fedcba9876543210';

const kinds = (aws: FakeAws): string[] => aws.published.map(({ kind }) => kind);
/** Seconds after the notice at which the lifecycle action was completed. */
const releaseSecond = (aws: FakeAws): number => aws.secondOf(aws.released[0]?.atMs ?? Number.NaN);

/** Ten tasks that take 155 s to go, as the standard profile has them. */
const standard = (): FakeAws => fakeAws({ tasks: tasks(10) });

describe('a drain of one instance', () => {
  it('ends when the last task has really stopped, and tells so', async () => {
    // Prepare
    const aws = standard();

    // Act
    const { result } = await runDrain(aws);

    // Assess
    expect(result).toMatchObject({ outcome: 'drained', cluster: 'web', group: 'web-asg' });
    expect(aws.released).toEqual([expect.objectContaining({ result: 'CONTINUE', cut: [] })]);
    expect(kinds(aws)).toEqual(['started', 'drained']);
  });

  it('makes its moves in an order that one can read', async () => {
    const { moves } = await runDrain(standard());
    expect(moves.filter((name) => name !== 'wait').filter((name, i, all) => name !== all[i - 1])).toEqual([
      'verify',
      'find',
      'start-draining',
      'alert',
      'look',
      'release',
      'alert',
    ]);
  });

  it('releases within 10 s of the last stop and with at most 24 calls', async () => {
    const aws = standard();
    await runDrain(aws);
    const drainedSecond = aws.secondOf(aws.instances[0]?.drainingSinceMs ?? 0) + 155;
    expect(releaseSecond(aws) - drainedSecond).toBeLessThan(10);
    expect(aws.calls.length).toBeLessThanOrEqual(24);
  });

  it('never completes the action while counts say zero and tasks are still on their way down', async () => {
    // Prepare: nothing is wanted from the first second on; what is there takes ten minutes to go.
    const aws = fakeAws({ tasks: tasks(3, { running: 0, deactivating: 300, stopping: 300 }) });

    // Act
    await runDrain(aws);

    // Assess
    expect(aws.released).toEqual([expect.objectContaining({ cut: [] })]);
    expect(releaseSecond(aws)).toBeGreaterThan(600);
  });

  it('of an instance that is DRAINING already waits all the same', async () => {
    const instance = anInstance({
      status: 'DRAINING',
      drainingSinceMs: Date.parse('2026-03-01T12:00:00Z'),
      tasks: tasks(3),
    });
    const aws = fakeAws({ instances: [instance] });
    expect((await runDrain(aws)).result.outcome).toBe('drained');
    expect(aws.released).toEqual([expect.objectContaining({ cut: [] })]);
  });

  it('of an empty instance takes seconds', async () => {
    const aws = fakeAws();
    expect((await runDrain(aws)).result.outcome).toBe('drained');
    expect(releaseSecond(aws)).toBeLessThan(5);
  });

  it('of 250 tasks sees every one of them, page by page', async () => {
    // Prepare: the last of them, far beyond the first page, takes longest.
    const many = tasks(250).map((task, n) => (n === 249 ? { ...task, stopping: 400 } : task));
    const aws = fakeAws({ tasks: many });

    // Act
    const { result, history } = await runDrain(aws);

    // Assess
    expect(result.outcome).toBe('drained');
    expect(aws.released).toEqual([expect.objectContaining({ cut: [] })]);
    expect(Math.max(...history.map((operation) => operation.result?.length ?? 0))).toBeLessThan(4_000);
  });

  it('keeps less than 256 KB of results even with 250 tasks and a day to go', async () => {
    const aws = fakeAws({
      tasks: tasks(250, { stopping: 80_000 }),
      hook: { heartbeatTimeoutSeconds: 7_200, globalTimeoutSeconds: 172_800 },
    });
    const { history, result } = await runDrain(aws, { policy: { deadlineSeconds: 86_400 } });
    expect(result.outcome).toBe('drained');
    expect(history.reduce((sum, { result = '' }) => sum + result.length, 0)).toBeLessThan(256 * 1024);
  });

  it('sends heartbeats for as long as it takes, and none after the release', async () => {
    // Prepare
    const hook = { heartbeatTimeoutSeconds: 60, globalTimeoutSeconds: 6_000 };
    const aws = fakeAws({ tasks: tasks(3, { running: 1_000 }), hook });

    // Act
    const { result } = await runDrain(aws);

    // Assess
    expect(result.outcome).toBe('drained');
    expect(aws.released).toEqual([expect.objectContaining({ cut: [] })]);
    const beats = aws.calls.filter(({ name }) => name === 'autoscaling:RecordLifecycleActionHeartbeat');
    expect(beats.length).toBeGreaterThanOrEqual(1_000 / 60);
    expect(beats.every(({ atMs }) => atMs < (aws.released[0]?.atMs ?? 0))).toBe(true);
  });

  it('of a hook with the shortest heartbeat keeps the action alive although every second heartbeat fails', async () => {
    // Prepare
    const aws = fakeAws({
      tasks: tasks(3, { running: 500 }),
      hook: { heartbeatTimeoutSeconds: 30, globalTimeoutSeconds: 3_000 },
    });
    const { heartbeat } = aws.ports.autoScaling;
    let odd = false;
    const flaky: typeof heartbeat = async (action) => {
      odd = !odd;
      return odd ? aFailure('throttled', 'autoscaling:RecordLifecycleActionHeartbeat') : heartbeat(action);
    };
    const ports = { ...aws.ports, autoScaling: { ...aws.ports.autoScaling, heartbeat: flaky } };

    // Act
    const { result } = await runDrain({ ...aws, ports });

    // Assess
    expect(result.outcome).toBe('drained');
    expect(aws.actionEnded()).toBe('CONTINUE');
  });
});

describe('an instance that is not leaving', () => {
  it.each([
    ['is in service', { state: 'InService' }],
    ['is in standby', { state: 'Standby' }],
    ['is launching into a warm pool', { state: 'Warmed:Running' }],
    ['was retained by an ABANDON', { state: 'Terminating:Retained' }],
    ['has gone on to terminate', { state: 'Terminating:Proceed' }],
    ['is unknown to Auto Scaling', { state: 'unknown' }],
    ['belongs to another group', { group: 'other-asg' }],
    ['is in a group without our hook', { hook: null }],
    ['is held by a hook that notifies somebody else', { target: LIFECYCLE_TOPIC.replace('ecs-drain', 'backup') }],
    ['is held by a hook that notifies nobody, where we listen for none', { target: null }],
    ['is held by a hook that notifies nobody, where we listen for others', { target: null, hookNamePrefix: 'drain' }],
    ['is held by a hook of ours by name that notifies somebody else', { target: 'arn:x', hookNamePrefix: HOOK }],
  ])('is not touched, and people are warned, when it %s', async (_, options) => {
    // Prepare
    const aws = fakeAws({ tasks: tasks(3), ...options });
    if ('state' in options && options.state === 'unknown') aws.setState(undefined);

    // Act
    const { result } = await runDrain(aws, 'hookNamePrefix' in options ? options : {});

    // Assess
    expect(result.outcome).toBe('hook-gone');
    expect(kinds(aws)).toEqual(['hook-gone']);
    expect(aws.instances[0]?.status).toBe('ACTIVE');
    const touching = /UpdateContainerInstancesState|CompleteLifecycleAction|Heartbeat/;
    expect(aws.calls.filter(({ name }) => touching.test(name))).toEqual([]);
    expect(aws.secondOf(aws.now())).toBeGreaterThan(120);
    expect(aws.secondOf(aws.now())).toBeLessThan(150);
  });

  it.each([
    [null, 'that the hook ecs-drain notifies nobody, not us'],
    [
      'arn:aws:sns:eu-west-1:123456789012:backup',
      'that the hook ecs-drain notifies arn:aws:sns:eu-west-1:123456789012:backup, not us',
    ],
  ])('because its hook is not ours is said with whose it is (%s)', async (target, words) => {
    const aws = fakeAws({ tasks: tasks(1), target });
    expect((await runDrain(aws)).result.because).toContain(`but Auto Scaling says ${words}: nothing was changed.`);
  });

  it('is not touched by a notice that comes two hours late either, and nobody is alarmed', async () => {
    const aws = fakeAws({ tasks: tasks(3), startSecond: 7_200 });
    aws.setState(undefined);
    expect((await runDrain(aws)).result.outcome).toBe('hook-gone');
    expect(aws.count(COMPLETE)).toBe(0);
    expect(kinds(aws)).toEqual(['hook-gone']);
  });

  it('is not touched by a forged notice either: its token is no action’s', async () => {
    const aws = fakeAws({ tasks: tasks(3), state: 'InService' });
    await runDrain(aws, { request: { token: TOKEN.replace('1b', 'ff') } });
    expect(aws.instances[0]?.status).toBe('ACTIVE');
    expect(aws.released).toEqual([]);
  });

  it.each([
    'Terminating',
    'Terminating:Wait',
    'Warmed:Terminating:Wait',
    'Warmed:Pending:Wait',
    'ReplacingRootVolume',
    'ReplacingRootVolume:Wait',
  ])('is another matter: %s is drained', async (state) => {
    const aws = fakeAws({ tasks: tasks(2), state });
    expect((await runDrain(aws)).result.outcome).toBe('drained');
  });

  it('for a minute because Auto Scaling lags is drained after that minute', async () => {
    const aws = fakeAws({ tasks: tasks(2), state: 'InService' });
    aws.plan(60, () => aws.setState('Terminating:Wait'));
    expect((await runDrain(aws)).result.outcome).toBe('drained');
  });
});

describe('finding the container instance', () => {
  it('in a cluster that nobody named takes every page of the clusters', async () => {
    const clusters = [
      ...Array.from({ length: 120 }, (_, n) => `arn:aws:ecs:eu-west-1:123456789012:cluster/c${n}`),
      CLUSTER,
    ];
    const aws = fakeAws({ tasks: tasks(1), clusters });
    expect((await runDrain(aws)).result).toMatchObject({ outcome: 'drained', cluster: 'web' });
  });

  it.each([
    ['the notice', { request: { cluster: 'web' } }],
    ['the notice, by ARN', { request: { cluster: CLUSTER } }],
    ['the configuration', { clusters: ['web'] }],
  ])('in the cluster that %s names looks nowhere else', async (_, options) => {
    const aws = fakeAws({ tasks: tasks(1), clusters: [CLUSTER, OTHER_CLUSTER] });
    expect((await runDrain(aws, options)).result.outcome).toBe('drained');
    expect(aws.count('ecs:ListClusters')).toBe(0);
    expect(
      aws.calls.filter(
        ({ name, about }) => name === 'ecs:ListContainerInstances' && about !== CLUSTER && about !== 'web',
      ),
    ).toEqual([]);
  });

  it.each([
    ['the notice names the wrong cluster', { request: { cluster: 'batch' } }],
    ['the configuration names the wrong cluster', { clusters: ['batch'] }],
  ])('when %s falls back to all of them', async (_, options) => {
    const aws = fakeAws({ tasks: tasks(2), clusters: [OTHER_CLUSTER, CLUSTER] });
    expect((await runDrain(aws, options)).result).toMatchObject({ outcome: 'drained', cluster: 'web' });
    expect(aws.released).toEqual([expect.objectContaining({ cut: [] })]);
  });

  it('when the notice names a cluster that does not exist finds it elsewhere, and people hear of the mistake', async () => {
    const aws = fakeAws({ tasks: tasks(2) });
    const { result } = await runDrain(aws, { request: { cluster: 'wbe' } });
    expect(result).toMatchObject({ outcome: 'drained', cluster: 'web' });
    expect(kinds(aws)).toEqual(['stuck', 'started', 'resolved', 'drained']);
    expect(aws.published[0]?.body).toMatch(/Cluster not found/);
  });

  it('asks no cluster twice, whether by name or by ARN', async () => {
    const aws = fakeAws({ instances: [], clusters: [CLUSTER, OTHER_CLUSTER] });
    await runDrain(aws, { request: { cluster: 'web' }, clusters: [OTHER_CLUSTER, 'web'] });
    expect(aws.calls.filter(({ name }) => name === 'ecs:ListContainerInstances').map(({ about }) => about)).toEqual([
      'web',
      OTHER_CLUSTER,
    ]);
  });

  it('in no cluster, when all have answered, releases it at once', async () => {
    const aws = fakeAws({ instances: [], clusters: [CLUSTER, OTHER_CLUSTER] });
    expect((await runDrain(aws)).result.outcome).toBe('not-a-container-instance');
    expect(kinds(aws)).toEqual(['not-a-container-instance']);
    expect(releaseSecond(aws)).toBeLessThan(5);
  });

  it('in a region without clusters releases it at once', async () => {
    const aws = fakeAws({ instances: [], clusters: [] });
    expect((await runDrain(aws)).result.outcome).toBe('not-a-container-instance');
  });

  it.each(['throttled', 'denied', 'other', 'gone'] as const)(
    'is not over while one cluster cannot be read (%s): not found is not empty',
    async (reason) => {
      // Prepare: the instance is in the cluster that cannot be read, for ten minutes.
      const aws = fakeAws({
        tasks: tasks(2),
        clusters: [OTHER_CLUSTER, CLUSTER],
        faults: [{ operation: 'ecs:ListContainerInstances', about: CLUSTER, reason, times: 14 }],
      });

      // Act
      const { result } = await runDrain(aws);

      // Assess
      expect(result).toMatchObject({ outcome: 'drained', cluster: 'web' });
      expect(aws.released).toEqual([expect.objectContaining({ cut: [] })]);
      expect(kinds(aws)).toContain('stuck');
    },
  );

  it('is not over while the clusters cannot be listed', async () => {
    const aws = fakeAws({
      tasks: tasks(2),
      faults: [{ operation: 'ecs:ListClusters', reason: 'throttled', times: 5 }],
    });
    expect((await runDrain(aws)).result.outcome).toBe('drained');
    expect(aws.released).toEqual([expect.objectContaining({ cut: [] })]);
  });

  it('in a cluster that is never read goes on to the deadline, is told at once, and is forced there', async () => {
    const aws = fakeAws({ tasks: tasks(2), faults: [{ operation: 'ecs:ListContainerInstances', reason: 'denied' }] });
    const { result } = await runDrain(aws);
    expect(result.outcome).toBe('forced');
    expect(kinds(aws)).toEqual(['stuck', 'forced']);
    expect(releaseSecond(aws)).toBeGreaterThanOrEqual(3_000);
    expect(releaseSecond(aws)).toBeLessThan(3_010);
  });
});

describe('several registrations of one instance', () => {
  const leftover = (different = {}) => anInstance({ arn: OLD_ARN, agentConnected: false, ...different });

  it('are all drained, and all waited for', async () => {
    const aws = fakeAws({
      instances: [anInstance({ tasks: tasks(2) }), leftover({ tasks: [aTask(9, { running: 400 })] })],
    });
    expect((await runDrain(aws)).result.outcome).toBe('drained');
    expect(aws.instances.map(({ status }) => status)).toEqual(['DRAINING', 'DRAINING']);
    expect(aws.released).toEqual([expect.objectContaining({ cut: [] })]);
  });

  it('in two clusters are all drained', async () => {
    const other = anInstance({
      cluster: OTHER_CLUSTER,
      arn: OLD_ARN.replace('/web/', '/batch/'),
      tasks: [aTask(9, { stopping: 300 })],
    });
    const aws = fakeAws({ instances: [anInstance({ tasks: tasks(2) }), other] });
    expect((await runDrain(aws)).result.outcome).toBe('drained');
    expect(aws.instances.map(({ status }) => status)).toEqual(['DRAINING', 'DRAINING']);
    expect(aws.released).toEqual([expect.objectContaining({ cut: [] })]);
  });

  it.each(['INACTIVE', 'FORGOTTEN'] as const)(
    'of which one becomes %s on the way are drained without it',
    async (status) => {
      const aws = fakeAws({ instances: [anInstance({ tasks: tasks(2) }), leftover()] });
      aws.plan(20, () => {
        for (const instance of aws.instances) if (instance.arn === OLD_ARN) instance.status = status;
      });
      expect((await runDrain(aws)).result.outcome).toBe('drained');
      expect(aws.released).toEqual([expect.objectContaining({ cut: [] })]);
      expect(releaseSecond(aws)).toBeLessThan(180);
    },
  );

  it('of which one is INACTIVE from the start are drained without it', async () => {
    const aws = fakeAws({ instances: [anInstance({ tasks: tasks(2) }), leftover({ status: 'INACTIVE' })] });
    expect((await runDrain(aws)).result.outcome).toBe('drained');
    expect(aws.instances[1]?.status).toBe('INACTIVE');
  });
});

describe('a container instance that ECS loses on the way', () => {
  it.each([
    ['INACTIVE while tasks are wanted', 'INACTIVE', 20, { running: 2_000 }],
    ['forgotten while tasks are wanted', 'FORGOTTEN', 20, { running: 2_000 }],
    ['INACTIVE while tasks stop', 'INACTIVE', 140, { stopping: 2_000 }],
    ['forgotten while tasks stop', 'FORGOTTEN', 140, { stopping: 2_000 }],
  ] as const)('%s has nothing left to wait for', async (_, status, second, slow) => {
    const aws = fakeAws({ tasks: tasks(10, slow) });
    aws.plan(second, () => {
      for (const instance of aws.instances) instance.status = status;
    });
    const { result } = await runDrain(aws);
    expect(result.outcome).toBe('drained');
    expect(releaseSecond(aws)).toBeLessThan(300);
  });
});

describe('somebody else’s hands', () => {
  it('that set the instance ACTIVE again are answered by draining it again', async () => {
    // Prepare
    const aws = fakeAws({ tasks: tasks(3, { running: 300 }) });
    aws.plan(100, () => {
      for (const instance of aws.instances) Object.assign(instance, { status: 'ACTIVE', drainingSinceMs: undefined });
    });

    // Act
    const { result, log } = await runDrain(aws);

    // Assess
    expect(result.outcome).toBe('drained');
    expect(aws.released).toEqual([expect.objectContaining({ cut: [] })]);
    expect(log.map(({ message }) => message)).toContainEqual(expect.stringMatching(/ACTIVE again/));
  });

  /** Lets something happen in the moment of the last look: every task has stopped, and the release is under way. */
  function meddling(aws: FakeAws, change: (instance: FakeAws['instances'][number]) => 'fail' | 'answer') {
    const { describeContainerInstances } = aws.ports.ecs;
    let meddled = false;
    const meddle: typeof describeContainerInstances = async (cluster, arns) => {
      const instance = aws.instances[0];
      const allStopped = (instance?.drainingSinceMs ?? Number.POSITIVE_INFINITY) + 155_000 < aws.now();
      if (instance === undefined || !allStopped || meddled) return describeContainerInstances(cluster, arns);
      meddled = true;
      return change(instance) === 'fail'
        ? aFailure('throttled', 'ecs:DescribeContainerInstances')
        : describeContainerInstances(cluster, arns);
    };
    return { ...aws, ports: { ...aws.ports, ecs: { ...aws.ports.ecs, describeContainerInstances: meddle } } };
  }

  it.each(['answer', 'fail'] as const)(
    'that put a task on it just before the release are seen by the last look (%s)',
    async (how) => {
      // Prepare
      const aws = standard();
      const meddled = meddling(aws, (instance) => {
        instance.tasks.push(aTask(99, { running: 300 }));
        return how;
      });

      // Act
      const { result, moves } = await runDrain(meddled);

      // Assess
      expect(result.outcome).toBe('drained');
      expect(moves.filter((name) => name === 'release').length).toBeGreaterThanOrEqual(2);
      expect(aws.released).toEqual([expect.objectContaining({ cut: [] })]);
      expect(releaseSecond(aws)).toBeGreaterThan(390);
    },
  );

  it('that set it ACTIVE just before the release are seen as well: a task could come at any moment', async () => {
    // Prepare
    const aws = standard();
    const meddled = meddling(aws, (instance) => {
      Object.assign(instance, { status: 'ACTIVE', drainingSinceMs: undefined, tasks: [] });
      return 'answer';
    });

    // Act
    const { result, moves } = await runDrain(meddled);

    // Assess
    expect(result.outcome).toBe('drained');
    expect(moves.filter((name) => name === 'start-draining')).toHaveLength(2);
    expect(aws.instances[0]?.status).toBe('DRAINING');
  });

  it('that ended the lifecycle action are noticed, told, and left alone', async () => {
    const aws = fakeAws({ tasks: tasks(3, { running: 3_000 }) });
    aws.plan(400, () => aws.endAction('ABANDON'));
    const { result } = await runDrain(aws);
    expect(result.outcome).toBe('hook-gone');
    expect(kinds(aws)).toEqual(['started', 'hook-gone']);
    expect(aws.count('autoscaling:RecordLifecycleActionHeartbeat')).toBeLessThan(4);
    expect(aws.count(COMPLETE)).toBe(0);
  });

  it('that ended it after the last stop change nothing: done is done', async () => {
    const aws = fakeAws({ tasks: tasks(2) });
    aws.plan(150, () => aws.endAction('CONTINUE'));
    expect((await runDrain(aws)).result.outcome).toBe('drained');
    expect(aws.released).toEqual([]);
  });
});

describe('the deadline', () => {
  const stubborn = (): FakeAws => fakeAws({ tasks: [aTask(1, STANDALONE), aTask(2, { running: 100 })] });

  it('is kept: the instance is released with CONTINUE, and what was cut off is named', async () => {
    const aws = stubborn();
    const { result } = await runDrain(aws, { policy: { deadlineSeconds: 1_200 } });
    expect(result.outcome).toBe('forced');
    expect(aws.released).toEqual([expect.objectContaining({ result: 'CONTINUE', cut: [aTask(1).id] })]);
    expect(releaseSecond(aws)).toBeGreaterThanOrEqual(1_200);
    expect(releaseSecond(aws)).toBeLessThan(1_205);
    expect(aws.published.at(-1)).toMatchObject({
      kind: 'forced',
      body: expect.stringMatching(/1 task left \(1 RUNNING\)[\s\S]*- family:report 000000000000 RUNNING/),
    });
  });

  it('is kept with ABANDON where the policy says so', async () => {
    const aws = stubborn();
    const { result } = await runDrain(aws, { policy: { deadlineSeconds: 1_200, atDeadline: 'ABANDON' } });
    expect(result.outcome).toBe('abandoned');
    expect(aws.released).toEqual([expect.objectContaining({ result: 'ABANDON' })]);
  });

  it('is kept five minutes before the hook’s global timeout', async () => {
    const aws = fakeAws({
      tasks: [aTask(1, STANDALONE)],
      hook: { heartbeatTimeoutSeconds: 30, globalTimeoutSeconds: 3_000 },
    });
    await runDrain(aws, { policy: { deadlineSeconds: 100_000 } });
    expect(releaseSecond(aws)).toBeGreaterThanOrEqual(2_700);
    expect(releaseSecond(aws)).toBeLessThan(2_705);
  });

  it('is kept although every look fails, and never comes early because of that', async () => {
    const aws = fakeAws({
      tasks: tasks(3),
      faults: [{ operation: 'ecs:DescribeContainerInstances', reason: 'throttled' }],
    });
    const { result } = await runDrain(aws, { policy: { deadlineSeconds: 1_200 } });
    expect(result.outcome).toBe('forced');
    expect(releaseSecond(aws)).toBeGreaterThanOrEqual(1_200);
    expect(releaseSecond(aws)).toBeLessThan(1_205);
  });

  it('is kept although the release fails at first', async () => {
    const aws = fakeAws({
      tasks: [aTask(1, STANDALONE)],
      faults: [{ operation: COMPLETE, reason: 'other', times: 4 }],
    });
    expect((await runDrain(aws)).result.outcome).toBe('forced');
    expect(releaseSecond(aws)).toBeLessThan(3_100);
  });

  it('that cannot be kept ends at the global timeout as failed, with what stood in the way', async () => {
    const aws = fakeAws({
      tasks: [aTask(1, STANDALONE)],
      hook: { heartbeatTimeoutSeconds: 60, globalTimeoutSeconds: 6_000 },
      faults: [
        { operation: COMPLETE, reason: 'denied' },
        { operation: 'autoscaling:RecordLifecycleActionHeartbeat', reason: 'denied' },
      ],
    });
    const { result, moves } = await runDrain(aws);
    expect(result.outcome).toBe('failed');
    expect(aws.published.at(-1)).toMatchObject({
      kind: 'failed',
      body: expect.stringMatching(/CompleteLifecycleAction|Heartbeat/),
    });
    expect(moves.length).toBeLessThan(1_500);
  });

  it('of an instance whose Auto Scaling never answers is kept, and the execution ends', async () => {
    const aws = fakeAws({
      tasks: tasks(1),
      faults: [
        { operation: 'autoscaling:DescribeAutoScalingInstances', reason: 'denied' },
        { operation: 'autoscaling:DescribeLifecycleHooks', reason: 'denied' },
      ],
    });
    const { result, moves } = await runDrain(aws, { policy: { deadlineSeconds: 172_500 } });
    expect(result.outcome).toBe('forced');
    expect(releaseSecond(aws)).toBeLessThan(3_000);
    expect(moves.length).toBeLessThan(1_500);
  });

  it('of an instance of which Auto Scaling tells only the hook is kept by that hook', async () => {
    const aws = fakeAws({
      tasks: tasks(1),
      hook: { heartbeatTimeoutSeconds: 60, globalTimeoutSeconds: 6_000 },
      faults: [{ operation: 'autoscaling:DescribeAutoScalingInstances', reason: 'denied' }],
    });
    const { result } = await runDrain(aws, { policy: { deadlineSeconds: 172_500 } });
    expect(result.outcome).toBe('forced');
    expect(releaseSecond(aws)).toBeGreaterThanOrEqual(5_700);
    expect(releaseSecond(aws)).toBeLessThan(5_710);
  });

  it.each([
    ['a shorter period', { heartbeatTimeoutSeconds: 120, globalTimeoutSeconds: 12_000 }],
    ['the shortest period that there is', { heartbeatTimeoutSeconds: 30, globalTimeoutSeconds: 3_000 }],
  ])('of a hook that somebody gives %s on the way is kept alive all the same', async (_, hook) => {
    // Prepare: a new period counts from the next heartbeat on.
    const aws = fakeAws({
      tasks: tasks(2, { running: 2_000 }),
      hook: { heartbeatTimeoutSeconds: 900, globalTimeoutSeconds: 90_000 },
    });
    aws.plan(300, () => aws.changeHook(hook));

    // Act
    const { result } = await runDrain(aws);

    // Assess
    expect(result.outcome).toBe('drained');
    expect(aws.actionEnded()).toBe('CONTINUE');
  });

  it.each([
    ['another target', 'arn:aws:sns:eu-west-1:123456789012:backup'],
    ['no target any more', undefined],
  ])('of a hook that somebody gives %s on the way is done all the same', async (_, target) => {
    // Prepare: long enough for several heartbeats, each of which reads the hook anew.
    const aws = fakeAws({
      tasks: tasks(2, { running: 600 }),
      hook: { heartbeatTimeoutSeconds: 120, globalTimeoutSeconds: 12_000 },
    });
    aws.plan(200, () => aws.changeTarget(target));

    // Act
    const { result } = await runDrain(aws);

    // Assess
    expect(result.outcome).toBe('drained');
    expect(aws.actionEnded()).toBe('CONTINUE');
    expect(kinds(aws)).toEqual(['started', 'drained']);
  });

  it('of a hook that notifies nobody is done where its name begins as those that we listen for', async () => {
    const aws = fakeAws({ tasks: tasks(2), target: null });
    const { result } = await runDrain(aws, { hookNamePrefix: 'ecs-' });
    expect(result.outcome).toBe('drained');
    expect(aws.actionEnded()).toBe('CONTINUE');
  });
});

describe('a drain that is stuck', () => {
  it('says why, by service, within a look of the time that the policy gives it', async () => {
    // Prepare
    const aws = fakeAws({
      tasks: tasks(2, { running: 2_000 }),
      services: [
        {
          name: 'api',
          daemon: false,
          ecsReplaces: true,
          minimumHealthyPercent: 100,
          maximumPercent: 100,
          desired: 2,
          events: [],
        },
      ],
    });

    // Act
    await runDrain(aws);

    // Assess
    expect(kinds(aws)).toEqual(['started', 'stuck', 'resolved', 'drained']);
    expect(aws.published[1]?.body).toMatch(
      /2 tasks of service api cannot leave: its minimum and maximum healthy percent are both 100/,
    );
    const told = aws.calls.filter(({ name }) => name === 'sns:Publish')[1];
    expect(aws.secondOf(told?.atMs ?? 0)).toBeLessThan(600 + 70);
  });

  it('says what it can when the reasons cannot be read', async () => {
    const aws = fakeAws({
      tasks: tasks(2, { running: 2_000 }),
      faults: [
        { operation: 'ecs:DescribeServices', reason: 'denied' },
        { operation: 'ecs:ListTasks', reason: 'denied', times: 2 },
      ],
    });
    expect((await runDrain(aws)).result.outcome).toBe('drained');
    expect(aws.published[1]).toMatchObject({
      kind: 'stuck',
      body: expect.stringMatching(/no cause is to be seen: 2 tasks are still wanted/),
    });
  });

  it('by an agent that is away says so first', async () => {
    const aws = fakeAws({ instances: [anInstance({ agentConnected: false, tasks: tasks(2, { running: 2_000 }) })] });
    await runDrain(aws);
    expect(aws.published[1]?.body).toMatch(/^The ECS agent on the instance is disconnected/);
  });
});

describe('what fails on the way never does harm', () => {
  const operations = [
    'autoscaling:DescribeAutoScalingInstances',
    'autoscaling:DescribeLifecycleHooks',
    'autoscaling:RecordLifecycleActionHeartbeat',
    'ecs:ListClusters',
    'ecs:ListContainerInstances',
    'ecs:UpdateContainerInstancesState',
    'ecs:DescribeContainerInstances',
    'ecs:ListTasks',
    DESCRIBE_TASKS,
    COMPLETE,
    'sns:Publish',
  ];

  it.each(operations)('%s failing three times only makes it later', async (operation) => {
    const aws = fakeAws({
      tasks: tasks(4),
      hook: { heartbeatTimeoutSeconds: 120, globalTimeoutSeconds: 12_000 },
      faults: [{ operation, reason: 'other', times: 3 }],
    });
    expect((await runDrain(aws)).result.outcome).toBe('drained');
    expect(aws.count(operation)).toBeGreaterThanOrEqual(3);
    expect(aws.released).toEqual([expect.objectContaining({ result: 'CONTINUE', cut: [] })]);
  });

  it.each(['ecs:DescribeContainerInstances', 'ecs:ListTasks', DESCRIBE_TASKS, 'ecs:UpdateContainerInstancesState'])(
    '%s failing for ever never releases before the deadline',
    async (operation) => {
      for (const reason of ['throttled', 'gone'] as const) {
        const aws = fakeAws({ tasks: tasks(4), faults: [{ operation, reason }] });
        const { result } = await runDrain(aws, { policy: { deadlineSeconds: 1_800 } });
        expect(result.outcome).toMatch(/forced/);
        expect(releaseSecond(aws)).toBeGreaterThanOrEqual(1_800);
        expect(kinds(aws)).toContain('stuck');
      }
    },
  );

  it('alerts failing for ever delay nothing by more than their own calls', async () => {
    const aws = fakeAws({ tasks: tasks(4), faults: [{ operation: 'sns:Publish', reason: 'denied' }] });
    const healthy = fakeAws({ tasks: tasks(4) });
    await runDrain(healthy);
    expect((await runDrain(aws)).result.outcome).toBe('drained');
    expect(aws.count('sns:Publish')).toBe(6);
    expect(releaseSecond(aws) - releaseSecond(healthy)).toBeLessThan(2);
  });
});

it('a container instance is known by its ARN through the whole drain', async () => {
  const aws = fakeAws({ tasks: tasks(1) });
  const { history } = await runDrain(aws);
  expect(history.find(({ name }) => name === 'find')?.result).toContain(INSTANCE_ARN);
});
