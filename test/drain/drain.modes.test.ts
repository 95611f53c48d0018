import { describe, expect, it } from 'vitest';
import { ACTS } from '../../src/drain/move.ts';
import { aFailure, aMaintenanceRequest, anOrder, aRebalanceRequest, GROUP, isoSecond } from '../support/build.ts';
import type { FakeAws } from '../support/fake-aws.ts';
import { aTask, fakeAws, STANDALONE, tasks } from '../support/fake-aws.ts';
import type { RunOptions } from '../support/run.ts';
import { runDrain } from '../support/run.ts';

const READ = 'ssm:GetParameter';
const HEARTBEAT = 'autoscaling:RecordLifecycleActionHeartbeat';
/** The one call by which each acting move changes something. */
const EFFECT: Readonly<Record<string, string>> = {
  'start-draining': 'ecs:UpdateContainerInstancesState',
  heartbeat: HEARTBEAT,
  'stop-standalone': 'ecs:StopTask',
  replace: 'autoscaling:TerminateInstanceInAutoScalingGroup',
  release: 'autoscaling:CompleteLifecycleAction',
  restore: 'ecs:UpdateContainerInstancesState',
};
const kinds = (aws: FakeAws): string[] => aws.published.map(({ kind }) => kind);
const touched = (aws: FakeAws): string[] =>
  aws.calls.map(({ name }) => name).filter((name) => Object.values(EFFECT).includes(name));
const says = (value: object): string => JSON.stringify(value);

describe('the switch is read with each step', () => {
  it('and what it says first holds from the first act on', async () => {
    const aws = fakeAws({ tasks: tasks(2), control: says({ policy: { deadlineSeconds: 60 } }) });
    const { result } = await runDrain(aws);
    expect(result.outcome).toBe('forced');
    expect(aws.secondOf(aws.released[0]?.atMs ?? 0)).toBeLessThan(65);
  });

  it('also for a group that is known only from Auto Scaling, before anything is done', async () => {
    const control = says({ mode: 'act', groups: { [GROUP]: { mode: 'observe' }, other: { mode: 'pause' } } });
    const aws = fakeAws({ tasks: tasks(2), state: 'InService', control });
    const { result } = await runDrain(aws, { request: anOrder() });
    expect(result.outcome).toBe('observed');
    expect(touched(aws)).toEqual([]);
  });

  it('and changes nothing where nobody has written one', async () => {
    const aws = fakeAws({ tasks: tasks(2) });
    expect((await runDrain(aws)).result.outcome).toBe('drained');
    expect(aws.count(READ)).toBe(0);
  });

  it('and one that is taken away is as good as none', async () => {
    const aws = fakeAws({ tasks: tasks(2, { running: 300 }), control: says({ mode: 'pause' }) });
    aws.plan(200, () => aws.turn(undefined));
    expect((await runDrain(aws)).result.outcome).toBe('drained');
  });

  it('keeps the history small: what it says is written down only when it is new', async () => {
    const aws = fakeAws({ tasks: tasks(2), control: says({ policy: { stuckAfterSeconds: 900 } }) });
    const { history } = await runDrain(aws);
    expect(history.filter(({ result }) => result?.includes('"settings"'))).toHaveLength(1);
  });
});

describe('in observe mode', () => {
  it.each<[string, RunOptions]>([
    ['a termination', {}],
    ['an order', { request: anOrder() }],
    ['a replacement', { request: aRebalanceRequest(), policy: { rebalance: 'replace' } }],
  ])('%s changes nothing, and people hear what would be done', async (_, options) => {
    const aws = fakeAws({
      tasks: tasks(2),
      control: says({ mode: 'observe' }),
      state: options.request ? 'InService' : 'Terminating:Wait',
    });
    const { result } = await runDrain(aws, options);
    expect(result.outcome).toBe('observed');
    expect(touched(aws)).toEqual([]);
    expect(kinds(aws)).toEqual(['observed']);
    expect(aws.published[0]?.body).toMatch(/^In observe mode nothing is done; next would come:/);
  });
});

describe('in a pause', () => {
  const HOOK = { heartbeatTimeoutSeconds: 120, globalTimeoutSeconds: 12_000 };

  it('nothing but heartbeats is done, and after it everything goes on', async () => {
    // Prepare
    const aws = fakeAws({ tasks: tasks(3, { running: 100 }), hook: HOOK, control: says({ mode: 'pause' }) });
    aws.plan(5_000, () => aws.turn({ mode: 'act' }));

    // Act
    const { result } = await runDrain(aws, { policy: { deadlineSeconds: 10_000 } });

    // Assess
    expect(result.outcome).toBe('drained');
    expect(aws.released).toEqual([expect.objectContaining({ result: 'CONTINUE', cut: [] })]);
    const during = aws.calls.filter(({ atMs }) => aws.secondOf(atMs) < 5_000).map(({ name }) => name);
    expect(during.filter((name) => Object.values(EFFECT).includes(name) && name !== HEARTBEAT)).toEqual([]);
    expect(during.filter((name) => name === HEARTBEAT).length).toBeGreaterThan(5_000 / 120);
    // Told at once, and again an hour later.
    expect(kinds(aws)).toEqual(['paused', 'paused', 'resolved', 'started', 'drained']);
  });

  it('that comes on the way holds the release back until it is over', async () => {
    const aws = fakeAws({ tasks: tasks(2), hook: HOOK, control: '{}' });
    aws.plan(100, () => aws.turn({ mode: 'pause' }));
    aws.plan(1_000, () => aws.turn({ mode: 'act' }));
    const { result } = await runDrain(aws);
    expect(result.outcome).toBe('drained');
    expect(aws.secondOf(aws.released[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(1_000);
    expect(aws.secondOf(aws.released[0]?.atMs ?? 0)).toBeLessThan(1_150);
    expect(kinds(aws)).toEqual(['started', 'paused', 'drained']);
  });

  it('that nobody ends is ended by the hook’s global timeout, and told', async () => {
    const aws = fakeAws({ tasks: tasks(2), hook: HOOK, control: says({ mode: 'pause' }) });
    const { result } = await runDrain(aws);
    expect(['failed', 'hook-gone']).toContain(result.outcome);
    expect(aws.secondOf(aws.now())).toBeLessThan(12_100);
    expect(aws.released).toEqual([]);
    expect(kinds(aws).filter((kind) => kind === 'paused')).toHaveLength(4);
  });
});

/** A world in which each acting move is made, and what the drain comes to when nobody turns the switch. */
const ACTING: readonly (readonly [move: string, world: () => FakeAws, options: RunOptions, outcome: string])[] = [
  ['start-draining', () => fakeAws({ tasks: tasks(2), control: '{}' }), {}, 'drained'],
  ['release', () => fakeAws({ tasks: tasks(2), control: '{}' }), {}, 'drained'],
  [
    'stop-standalone',
    () => fakeAws({ tasks: tasks(1, STANDALONE), control: '{}' }),
    { policy: { stopStandaloneAfterSeconds: 60 } },
    'drained',
  ],
  [
    'replace',
    () => fakeAws({ tasks: tasks(2), state: 'InService', control: '{}' }),
    { request: aRebalanceRequest(), policy: { rebalance: 'replace' } },
    'replaced',
  ],
  [
    'restore',
    () => fakeAws({ tasks: tasks(2), state: 'InService', control: '{}' }),
    {
      request: aMaintenanceRequest({ startsAt: isoSecond(600), endsAt: isoSecond(900) }),
      policy: { maintenance: 'drain' },
    },
    'drained',
  ],
];

describe('a switch that is turned between decision and act', () => {
  it('is tried with every move that acts', () => {
    expect([...ACTING.map(([move]) => move), 'heartbeat'].sort()).toEqual([...ACTS].sort());
  });

  it.each(ACTING)('to observe holds %s back for good', async (move, world, options) => {
    // Prepare
    const aws = world();
    let before: number | undefined;

    // Act
    const { result, moves } = await runDrain(aws, {
      ...options,
      beforeStep: (name) => {
        if (name !== move || before !== undefined) return;
        before = touched(aws).length;
        aws.turn({ mode: 'observe' });
      },
    });

    // Assess
    expect(result.outcome).toBe('observed');
    expect(moves.filter((name) => name === move)).toHaveLength(1);
    expect(touched(aws)).toHaveLength(before ?? Number.NaN);
  });

  it.each(ACTING)('to pause holds %s back until it is turned on', async (move, world, options, outcome) => {
    // Prepare
    const aws = world();
    let turnedSecond: number | undefined;

    // Act
    const { result } = await runDrain(aws, {
      ...options,
      beforeStep: (name) => {
        if (name !== move || turnedSecond !== undefined) return;
        turnedSecond = aws.secondOf(aws.now());
        aws.turn({ mode: 'pause' });
        aws.plan(turnedSecond + 300, () => aws.turn({ mode: 'act' }));
      },
    });

    // Assess
    const from = turnedSecond ?? expect.fail(`${move} was never made`);
    const held = aws.calls.filter(({ name, atMs }) => {
      const second = aws.secondOf(atMs);
      return name === EFFECT[move] && second >= from && second < from + 300;
    });
    expect(result.outcome).toBe(outcome);
    expect(held).toEqual([]);
    expect(aws.calls.filter(({ name, atMs }) => name === EFFECT[move] && aws.secondOf(atMs) > from)).not.toEqual([]);
  });

  it('to observe keeps what was begun alive until it is empty, to pause until the hook’s end', async () => {
    const play = async (mode: string) => {
      const aws = fakeAws({
        tasks: tasks(2, { running: 100 }),
        hook: { heartbeatTimeoutSeconds: 60, globalTimeoutSeconds: 6_000 },
        control: '{}',
      });
      let turned = false;
      const { result } = await runDrain(aws, {
        beforeStep: (name) => {
          if (name === 'heartbeat' && !turned) aws.turn({ mode });
          turned ||= name === 'heartbeat';
        },
      });
      return { aws, result };
    };
    const observed = await play('observe');
    expect(observed.result.outcome).toBe('observed');
    // About 200 s for the tasks, and the hook was there all the time; nothing was completed.
    expect(observed.aws.count(HEARTBEAT)).toBeGreaterThanOrEqual(6);
    expect(observed.aws.actionEnded()).toBeUndefined();
    expect(observed.aws.released).toEqual([]);
    expect((await play('pause')).aws.count(HEARTBEAT)).toBeGreaterThan(6_000 / 60);
  });

  it('to observe holds a heartbeat back where nothing was begun', async () => {
    const aws = fakeAws({
      hook: { heartbeatTimeoutSeconds: 30, globalTimeoutSeconds: 3_000 },
      control: '{}',
      faults: [{ operation: 'ecs:ListContainerInstances', reason: 'other' }],
    });
    let turned = false;
    await runDrain(aws, {
      beforeStep: (name) => {
        if (name === 'heartbeat' && !turned) aws.turn({ mode: 'observe' });
        turned ||= name === 'heartbeat';
      },
    });
    expect(turned).toBe(true);
    expect(aws.count(HEARTBEAT)).toBe(0);
  });

  it('to a later deadline puts a release off that was decided under the earlier', async () => {
    // Prepare
    const aws = fakeAws({ tasks: [aTask(1, { running: 800 })], control: says({ policy: { deadlineSeconds: 600 } }) });

    // Act
    const { result } = await runDrain(aws, {
      beforeStep: (name) => name === 'release' && aws.turn({ policy: { deadlineSeconds: 3_000 } }),
    });

    // Assess
    expect(result.outcome).toBe('drained');
    expect(aws.released).toEqual([expect.objectContaining({ cut: [] })]);
  });

  it('to a policy that only tells calls a replacement off', async () => {
    const aws = fakeAws({ tasks: tasks(1), state: 'InService', control: says({ policy: { rebalance: 'replace' } }) });
    const { result } = await runDrain(aws, {
      request: aRebalanceRequest(),
      beforeStep: (name) => name === 'replace' && aws.turn({ policy: { rebalance: 'notify' } }),
    });
    expect(result.outcome).toBe('observed');
    expect(touched(aws)).toEqual([]);
  });
});

describe('a switch that cannot be understood', () => {
  it('keeps what held before it, and people hear of it', async () => {
    const aws = fakeAws({ tasks: tasks(2, { running: 200 }), control: says({ policy: { deadlineSeconds: 100 } }) });
    aws.plan(50, () => aws.turn('{"mode": "pasue"}'));
    const { result } = await runDrain(aws);
    expect(result.outcome).toBe('forced');
    expect(aws.secondOf(aws.released[0]?.atMs ?? 0)).toBeLessThan(110);
    expect(kinds(aws)).toEqual(['started', 'misconfigured', 'forced']);
    expect(aws.published[1]?.body).toMatch(/mode: must be one of observe, act, pause\): what held before holds on/);
  });

  it('from the start leaves what the stack was deployed with', async () => {
    const aws = fakeAws({ tasks: tasks(2), control: 'act' });
    expect((await runDrain(aws)).result.outcome).toBe('drained');
    expect(kinds(aws)).toEqual(['misconfigured', 'started', 'drained']);
  });

  it('in a pause is told as well, and the pause goes on', async () => {
    const aws = fakeAws({ tasks: tasks(2), control: says({ mode: 'pause' }) });
    aws.plan(300, () => aws.turn('{"mode": act}'));
    aws.plan(900, () => aws.turn({ mode: 'act' }));
    const { result } = await runDrain(aws);
    expect(result.outcome).toBe('drained');
    expect(aws.secondOf(aws.instances[0]?.drainingSinceMs ?? 0)).toBeGreaterThanOrEqual(900);
    expect(kinds(aws)).toEqual(['paused', 'misconfigured', 'resolved', 'started', 'drained']);
  });

  it('and one that may not be read is told as that', async () => {
    const aws = fakeAws({ tasks: tasks(2), faults: [{ operation: READ, reason: 'denied' }] });
    const { result } = await runDrain(aws);
    expect(result.outcome).toBe('drained');
    expect(kinds(aws)).toEqual(['misconfigured', 'started', 'drained']);
    expect(aws.published[0]?.body).toMatch(/ssm:GetParameter: denied on purpose/);
  });

  it.each(['throttled', 'other'] as const)(
    'but one that is %s by chance is no news: the next step reads it again',
    async (reason) => {
      const aws = fakeAws({ tasks: tasks(2), control: '{}', faults: [{ operation: READ, reason, times: 5 }] });
      expect((await runDrain(aws)).result.outcome).toBe('drained');
      expect(kinds(aws)).toEqual(['started', 'drained']);
    },
  );
});

describe('throttling', () => {
  it('slows the looks down, and they recover', async () => {
    // Prepare: ECS throttles every look from second 60 to 400.
    const aws = fakeAws({ tasks: tasks(2, { running: 900 }) });
    const { describeContainerInstances } = aws.ports.ecs;
    const throttling: typeof describeContainerInstances = async (...args) => {
      const second = aws.secondOf(aws.now());
      if (second < 60 || second > 400) return describeContainerInstances(...args);
      aws.calls.push({ name: 'throttled', atMs: aws.now(), about: '' });
      return aFailure('throttled', 'ecs:DescribeContainerInstances');
    };
    const ports = { ...aws.ports, ecs: { ...aws.ports.ecs, describeContainerInstances: throttling } };

    // Act
    const { result } = await runDrain({ ...aws, ports });

    // Assess
    expect(result.outcome).toBe('drained');
    expect(aws.count('throttled')).toBeLessThan(10);
    expect(kinds(aws)).not.toContain('forced');
    expect(aws.released).toEqual([expect.objectContaining({ cut: [] })]);
  });
});
