import { describe, expect, it } from 'vitest';
import type { DrainPolicy } from '../../src/config.ts';
import type { DrainRequest } from '../../src/drain/request.ts';
import {
  aFailure,
  aMaintenanceRequest,
  anOrder,
  aRebalanceRequest,
  aSpotRequest,
  CLUSTER,
  GROUP,
  INSTANCE,
  INSTANCE_ARN,
  isoSecond,
} from '../support/build.ts';
import type { FakeAws } from '../support/fake-aws.ts';
import { anInstance, aTask, fakeAws, STANDALONE, tasks } from '../support/fake-aws.ts';
import { runDrain } from '../support/run.ts';

const TERMINATE = 'autoscaling:TerminateInstanceInAutoScalingGroup';
const UPDATE = 'ecs:UpdateContainerInstancesState';
const OLD_ARN = INSTANCE_ARN.replace(/.{32}$/, 'fedcba9876543210fedcba9876543210');
/** What changes something, and is nobody's but ours. */
const EFFECTS = /UpdateContainerInstancesState|StopTask|Terminate|CompleteLifecycleAction|Heartbeat/;

const kinds = (aws: FakeAws): string[] => aws.published.map(({ kind }) => kind);
const effects = (aws: FakeAws): string[] => aws.calls.map(({ name }) => name).filter((name) => EFFECTS.test(name));
/** What we set the container instance to, and when. */
const history = (aws: FakeAws): [status: string, second: number][] =>
  aws.statusesSet.map(({ status, atMs }) => [status, Math.round(aws.secondOf(atMs))]);
const setAgent = (aws: FakeAws, second: number, agentConnected: boolean): void =>
  void aws.plan(second, () => {
    for (const instance of aws.instances) instance.agentConnected = agentConnected;
  });
const setActive = (aws: FakeAws, second: number): void =>
  void aws.plan(second, () => {
    for (const instance of aws.instances) Object.assign(instance, { status: 'ACTIVE', drainingSinceMs: undefined });
  });
const inService = (options: Parameters<typeof fakeAws>[0] = {}): FakeAws =>
  fakeAws({ tasks: tasks(4), state: 'InService', ...options });

describe('a request without a hook', () => {
  const REQUESTS: readonly (readonly [string, DrainRequest, Partial<DrainPolicy>])[] = [
    ['a Spot interruption', aSpotRequest(), {}],
    ['a rebalance recommendation', aRebalanceRequest(), { rebalance: 'drain' }],
    ['maintenance', aMaintenanceRequest({ change: 'leave', startsAt: isoSecond(3_000) }), { maintenance: 'drain' }],
    ['an order', anOrder(), {}],
  ];

  it.each(REQUESTS)('%s drains the instance, says so, and touches no lifecycle action', async (_, request, policy) => {
    const aws = inService({ tasks: tasks(4, { running: 20, deactivating: 20 }) });
    const { result } = await runDrain(aws, { request, policy });
    expect(result).toMatchObject({ outcome: 'drained', group: GROUP, cluster: 'web' });
    expect(kinds(aws)).toEqual(['started', 'drained']);
    expect(effects(aws)).toEqual([UPDATE]);
    expect(aws.instances[0]?.status).toBe('DRAINING');
  });

  it.each(REQUESTS)('%s drains an instance that is in no group as well', async (_, request, policy) => {
    const aws = inService({ tasks: tasks(1, { running: 0, deactivating: 0, stopping: 20 }) });
    aws.setState(undefined);
    const { result } = await runDrain(aws, { request, policy });
    expect(result.outcome).toBe('drained');
    expect(result).not.toHaveProperty('group');
  });

  it.each(REQUESTS)('%s for an instance in no cluster does nothing', async (_, request, policy) => {
    const aws = inService({ instances: [], clusters: [CLUSTER] });
    const { result } = await runDrain(aws, { request, policy });
    expect(result.outcome).toBe('not-a-container-instance');
    expect(effects(aws)).toEqual([]);
    expect(kinds(aws)).toEqual(request.kind === 'ordered' ? ['not-a-container-instance'] : []);
  });

  it.each(REQUESTS)('%s keeps its deadline although every look fails', async (_, request, policy) => {
    const aws = inService({ faults: [{ operation: 'ecs:DescribeContainerInstances', reason: 'throttled' }] });
    const { result } = await runDrain(aws, { request, policy });
    expect(result.outcome).toBe(request.kind === 'spot-interruption' ? 'forced' : 'failed');
    const deadline = request.kind === 'spot-interruption' ? 120 : 3_000;
    expect(aws.secondOf(aws.now())).toBeGreaterThanOrEqual(deadline);
    expect(aws.secondOf(aws.now())).toBeLessThan(deadline + 10);
  });

  it.each(REQUESTS)('%s keeps its deadline although its cluster is never read', async (_, request, policy) => {
    const aws = inService({ faults: [{ operation: 'ecs:ListContainerInstances', reason: 'denied' }] });
    const { result } = await runDrain(aws, { request, policy });
    expect(result.outcome).toBe(request.kind === 'spot-interruption' ? 'forced' : 'failed');
    expect(effects(aws)).toEqual([]);
    expect(kinds(aws)[0]).toBe('stuck');
  });
});

describe('a Spot interruption', () => {
  it('ends after its two minutes, and names what is cut off', async () => {
    const aws = inService({ tasks: [aTask(1, { running: 500 }), aTask(2, { running: 10, deactivating: 10 })] });
    const { result } = await runDrain(aws, { request: aSpotRequest() });
    expect(result.outcome).toBe('forced');
    expect(aws.secondOf(aws.now())).toBeGreaterThanOrEqual(120);
    expect(aws.secondOf(aws.now())).toBeLessThan(125);
    expect(aws.published.at(-1)).toMatchObject({
      kind: 'forced',
      body: expect.stringMatching(/1 task left \(1 RUNNING\)[\s\S]*- service:api 000000000000 RUNNING/),
    });
  });

  it('that is noticed when its time is over still tells', async () => {
    const aws = inService({ startSecond: 300 });
    expect((await runDrain(aws, { request: aSpotRequest() })).result.outcome).toBe('forced');
    expect(kinds(aws).at(-1)).toBe('forced');
    expect(effects(aws).length).toBeLessThanOrEqual(1);
  });
});

describe('a recommendation that is answered by a replacement', () => {
  const replace = { request: aRebalanceRequest(), policy: { rebalance: 'replace' } } as const;

  it('tells the group to terminate the instance, and leaves the rest to its hook', async () => {
    const aws = inService();
    const { result } = await runDrain(aws, replace);
    expect(result.outcome).toBe('replaced');
    expect(effects(aws)).toEqual([TERMINATE]);
    expect(aws.terminated).toEqual([INSTANCE]);
    expect(kinds(aws)).toEqual(['replacing']);
    expect(aws.instances[0]?.status).toBe('ACTIVE');
  });

  it('does nothing to an instance that is in no group, and tells', async () => {
    const aws = inService();
    aws.setState(undefined);
    const { result } = await runDrain(aws, replace);
    expect(result.outcome).toBe('observed');
    expect(effects(aws)).toEqual([]);
    expect(kinds(aws)).toEqual(['noticed']);
  });

  it('takes an instance that has left its group meanwhile for replaced', async () => {
    const aws = inService();
    const { result } = await runDrain(aws, {
      ...replace,
      beforeStep: (move) => move === 'replace' && aws.setState(undefined),
    });
    expect(result.outcome).toBe('replaced');
    expect(aws.terminated).toEqual([]);
  });

  it('tries again when the group does not take it', async () => {
    const aws = inService({ faults: [{ operation: TERMINATE, reason: 'other', times: 3 }] });
    expect((await runDrain(aws, replace)).result.outcome).toBe('replaced');
    expect(aws.count(TERMINATE)).toBe(4);
  });

  it('gives up at the deadline, and tells why', async () => {
    const aws = inService({ faults: [{ operation: TERMINATE, reason: 'denied' }] });
    const { result } = await runDrain(aws, replace);
    expect(result.outcome).toBe('failed');
    expect(kinds(aws)).toEqual(['stuck', 'failed']);
    expect(aws.published[0]?.body).toMatch(/TerminateInstanceInAutoScalingGroup/);
  });
});

describe('maintenance that reboots', () => {
  const request = aMaintenanceRequest({ startsAt: isoSecond(7_200), endsAt: isoSecond(10_800) });
  const policy = { maintenance: 'drain', maintenanceLeadSeconds: 1_800 } as const;

  it('is drained at its lead time, and set ACTIVE as soon as its agent is back', async () => {
    // Prepare
    const aws = inService();
    setAgent(aws, 8_000, false);
    setAgent(aws, 8_300, true);

    // Act
    const { result } = await runDrain(aws, { request, policy });

    // Assess
    expect(result.outcome).toBe('drained');
    expect(kinds(aws)).toEqual(['started', 'drained', 'restored']);
    expect(history(aws)).toEqual([
      ['DRAINING', expect.closeTo(5_400, -1)],
      ['ACTIVE', expect.closeTo(8_330, -2)],
    ]);
  });

  it('is set ACTIVE when its time is over, where nobody saw the agent away', async () => {
    const aws = inService();
    await runDrain(aws, { request, policy });
    expect(history(aws)).toEqual([
      ['DRAINING', expect.closeTo(5_400, -1)],
      ['ACTIVE', expect.closeTo(10_830, -2)],
    ]);
  });

  it('is not set ACTIVE while its agent is away; after half an hour people are told', async () => {
    const aws = inService();
    setAgent(aws, 8_000, false);
    const { result } = await runDrain(aws, { request, policy });
    expect(result.outcome).toBe('drained');
    expect(kinds(aws)).toEqual(['started', 'drained', 'failed']);
    expect(aws.published.at(-1)?.body).toMatch(/ACTIVE by hand/);
    expect(history(aws)).toHaveLength(1);
    expect(aws.secondOf(aws.now())).toBeGreaterThanOrEqual(10_800 + 1_800);
    expect(aws.secondOf(aws.now())).toBeLessThan(10_800 + 1_950);
  });

  it('of an instance that somebody else has drained leaves it to them', async () => {
    const aws = inService({
      instances: [anInstance({ status: 'DRAINING', drainingSinceMs: Date.parse(isoSecond(0)), tasks: tasks(2) })],
    });
    setAgent(aws, 8_000, false);
    setAgent(aws, 8_300, true);
    const { result } = await runDrain(aws, { request, policy });
    expect(result.outcome).toBe('drained');
    expect(aws.instances[0]?.status).toBe('DRAINING');
    expect(aws.published.at(-1)?.body).toMatch(/left to whoever drained it/);
  });

  it('of an instance that somebody sets ACTIVE before the reboot is over says so, and sets nothing', async () => {
    const aws = inService();
    setAgent(aws, 8_000, false);
    setAgent(aws, 8_300, true);
    setActive(aws, 8_301);
    const { result } = await runDrain(aws, { request, policy });
    expect(result.outcome).toBe('drained');
    expect(kinds(aws).at(-1)).toBe('restored');
    expect(history(aws)).toHaveLength(1);
  });

  it('of an instance that comes back as another container instance has nothing to set ACTIVE', async () => {
    const aws = inService();
    setAgent(aws, 8_000, false);
    aws.plan(8_300, () => void aws.instances.push(anInstance({ arn: OLD_ARN })));
    const { result } = await runDrain(aws, { request, policy });
    expect(result.outcome).toBe('drained');
    expect(kinds(aws).at(-1)).toBe('restored');
    expect(history(aws)).toHaveLength(1);
  });

  it.each(['ecs:DescribeContainerInstances', UPDATE])(
    'is restored although %s fails for a while',
    async (operation) => {
      const aws = inService();
      setAgent(aws, 8_000, false);
      setAgent(aws, 8_300, true);
      let failures = 0;
      const { describeContainerInstances, setStatus } = aws.ports.ecs;
      const failing = <T extends unknown[], R>(call: (...args: T) => Promise<R>, name: string) => {
        return async (...args: T) => {
          if (operation !== name || aws.secondOf(aws.now()) < 8_300 || failures++ >= 3) return call(...args);
          return { ok: false, reason: 'throttled', operation: name, message: 'on purpose' } as const;
        };
      };
      const ecs = {
        ...aws.ports.ecs,
        describeContainerInstances: failing(describeContainerInstances, 'ecs:DescribeContainerInstances'),
        setStatus: failing(setStatus, UPDATE),
      };
      const { result } = await runDrain({ ...aws, ports: { ...aws.ports, ecs } }, { request, policy });
      expect(result.outcome).toBe('drained');
      expect(failures).toBeGreaterThanOrEqual(3);
      expect(history(aws).map(([status]) => status)).toEqual(['DRAINING', 'ACTIVE']);
    },
  );

  it('is only told by default, and the instance is left alone', async () => {
    const aws = inService();
    expect((await runDrain(aws, { request })).result.outcome).toBe('observed');
    expect(effects(aws)).toEqual([]);
    expect(kinds(aws)).toEqual(['noticed']);
  });

  it('costs few operations while it is waited for two weeks', async () => {
    const aws = inService();
    const far = aMaintenanceRequest({ startsAt: isoSecond(1_209_600) });
    const { moves } = await runDrain(aws, { request: far, policy: { maintenance: 'drain' } });
    expect(history(aws)[0]).toEqual(['DRAINING', expect.closeTo(1_209_600 - 86_400, -1)]);
    expect(moves.length).toBeLessThan(700);
  });
});

describe('maintenance that reboots before every task has stopped', () => {
  const request = aMaintenanceRequest({ startsAt: isoSecond(7_200), endsAt: isoSecond(10_800) });
  const policy = { maintenance: 'drain', maintenanceLeadSeconds: 1_800 } as const;

  it('tells what was cut off, and the instance is set ACTIVE again all the same', async () => {
    // Prepare
    const aws = inService({ tasks: [aTask(1, STANDALONE)] });
    setAgent(aws, 7_230, false);
    setAgent(aws, 7_300, true);

    // Act
    const { result } = await runDrain(aws, { request, policy });

    // Assess
    expect(result.outcome).toBe('forced');
    expect(kinds(aws)).toEqual(['started', 'stuck', 'forced', 'restored']);
    expect(aws.published[2]?.body).toMatch(/1 task left \(1 RUNNING\)\. These tasks are cut off/);
    expect(history(aws)).toEqual([
      ['DRAINING', expect.closeTo(5_400, -1)],
      ['ACTIVE', expect.closeTo(7_330, -2)],
    ]);
  });
});

describe('maintenance that reboots an instance which its group takes away meanwhile', () => {
  it('does not set ACTIVE what is leaving, and ends without a word', async () => {
    const aws = inService();
    setAgent(aws, 7_230, false);
    setAgent(aws, 7_300, true);
    aws.plan(7_250, () => aws.setState('Terminating:Wait'));
    const { result } = await runDrain(aws, {
      request: aMaintenanceRequest({ startsAt: isoSecond(7_200), endsAt: isoSecond(10_800) }),
      policy: { maintenance: 'drain', maintenanceLeadSeconds: 1_800 },
    });
    expect(result).toMatchObject({ outcome: 'drained', because: expect.stringMatching(/group takes it away/) });
    expect(kinds(aws)).toEqual(['started', 'drained']);
    expect(aws.instances[0]?.status).toBe('DRAINING');
  });
});

describe('an instance that Spot stops', () => {
  const request = aSpotRequest({ action: 'stop' });
  const quick = tasks(2, { running: 20, deactivating: 0, stopping: 20 });
  const hours = 3_600;

  it('is set ACTIVE again when Spot has started it', async () => {
    const aws = inService({ tasks: quick });
    setAgent(aws, 130, false);
    setAgent(aws, 5 * hours, true);
    const { result } = await runDrain(aws, { request });
    expect(result.outcome).toBe('drained');
    expect(kinds(aws)).toEqual(['started', 'drained', 'restored']);
    expect(history(aws).map(([status]) => status)).toEqual(['DRAINING', 'ACTIVE']);
    expect(history(aws)[1]?.[1]).toBeGreaterThan(5 * hours);
    // The longer it takes, the more rarely it is looked for: a hundredth of the time, three minutes here.
    expect(history(aws)[1]?.[1]).toBeLessThan(5 * hours + 250);
  });

  it('is not set ACTIVE in its last minutes, but after an hour if nobody saw it away', async () => {
    const aws = inService({ tasks: quick });
    await runDrain(aws, { request });
    expect(history(aws).map(([status]) => status)).toEqual(['DRAINING', 'ACTIVE']);
    expect(history(aws)[1]?.[1]).toBeGreaterThanOrEqual(120 + hours);
    expect(history(aws)[1]?.[1]).toBeLessThan(120 + hours + 90);
  });

  it('with tasks on it is told, and set ACTIVE again as well', async () => {
    const aws = inService({ tasks: tasks(2, { running: 500 }) });
    setAgent(aws, 130, false);
    setAgent(aws, 1_000, true);
    const { result } = await runDrain(aws, { request });
    expect(result.outcome).toBe('forced');
    expect(kinds(aws)).toEqual(['started', 'forced', 'restored']);
    expect(aws.instances[0]?.status).toBe('ACTIVE');
  });

  it.each(['INACTIVE', 'FORGOTTEN'] as const)('and that goes for good (%s) ends without a word', async (status) => {
    const aws = inService({ tasks: quick });
    setAgent(aws, 130, false);
    aws.plan(24 * hours, () => {
      for (const instance of aws.instances) instance.status = status;
    });
    const { result } = await runDrain(aws, { request });
    expect(result).toMatchObject({ outcome: 'drained', because: expect.stringMatching(/no registration of it/) });
    expect(kinds(aws)).toEqual(['started', 'drained']);
  });

  it('is not given up because its cluster cannot be read for a while: not found is not empty', async () => {
    const aws = inService({ tasks: quick });
    setAgent(aws, 130, false);
    aws.plan(24 * hours, () => {
      for (const instance of aws.instances) instance.status = 'INACTIVE';
    });
    const { findContainerInstances } = aws.ports.ecs;
    const failing: typeof findContainerInstances = async (...args) =>
      aws.secondOf(aws.now()) < 24 * hours || aws.secondOf(aws.now()) > 30 * hours
        ? findContainerInstances(...args)
        : aFailure('throttled', 'ecs:ListContainerInstances');
    const ports = { ...aws.ports, ecs: { ...aws.ports.ecs, findContainerInstances: failing } };
    await runDrain({ ...aws, ports }, { request });
    expect(aws.secondOf(aws.now())).toBeGreaterThan(30 * hours);
  });

  it('and does not start again is waited for two weeks, at little cost, and then told', async () => {
    const aws = inService({ tasks: quick });
    setAgent(aws, 130, false);
    const { moves } = await runDrain(aws, { request });
    expect(kinds(aws)).toEqual(['started', 'drained', 'noticed']);
    expect(aws.secondOf(aws.now())).toBeGreaterThan(14 * 24 * hours);
    expect(moves.length).toBeLessThan(1_500);
  });
});

describe('an instance that is registered more than once, and that comes back', () => {
  const request = aMaintenanceRequest({ startsAt: isoSecond(7_200), endsAt: isoSecond(10_800) });
  const policy = { maintenance: 'drain', maintenanceLeadSeconds: 1_800 } as const;
  const setBack = (aws: FakeAws): void => {
    const [, live] = aws.instances;
    for (const [second, agentConnected] of [
      [8_000, false],
      [8_300, true],
    ] as const)
      aws.plan(second, () => void Object.assign(live ?? {}, { agentConnected }));
  };

  it('is set ACTIVE although an earlier agent’s registration stays disconnected', async () => {
    // Prepare
    const leftover = anInstance({ arn: OLD_ARN, agentConnected: false });
    const aws = inService({ instances: [leftover, anInstance({ tasks: tasks(2) })] });
    setBack(aws);

    // Act
    const { result } = await runDrain(aws, { request, policy });

    // Assess
    expect(result.outcome).toBe('drained');
    expect(kinds(aws)).toEqual(['started', 'drained', 'restored']);
    expect(aws.statusesSet.filter(({ status }) => status === 'ACTIVE')).toEqual([
      { arn: INSTANCE_ARN, status: 'ACTIVE', atMs: expect.any(Number) },
    ]);
    expect(history(aws).at(-1)?.[1]).toBeLessThan(8_500);
  });

  it('has only those set ACTIVE that were ACTIVE before', async () => {
    const others = anInstance({ arn: OLD_ARN, status: 'DRAINING', drainingSinceMs: Date.parse(isoSecond(0)) });
    const aws = inService({ instances: [others, anInstance({ tasks: tasks(2) })] });
    setBack(aws);
    await runDrain(aws, { request, policy });
    expect(aws.instances.map(({ status }) => status)).toEqual(['DRAINING', 'ACTIVE']);
  });

  it('is left to whoever drained it, though a leftover beside it was ACTIVE', async () => {
    const leftover = anInstance({ arn: OLD_ARN, agentConnected: false });
    const others = anInstance({ status: 'DRAINING', drainingSinceMs: Date.parse(isoSecond(0)), tasks: tasks(2) });
    const aws = inService({ instances: [leftover, others] });
    setBack(aws);
    await runDrain(aws, { request, policy });
    expect(aws.published.at(-1)?.body).toMatch(/left to whoever drained it/);
    expect(aws.statusesSet.map(({ status }) => status)).toEqual(['DRAINING']);
  });

  it('whose only registration had no agent for the moment is set ACTIVE when the agent is back', async () => {
    const aws = inService({ instances: [anInstance({ agentConnected: false })] });
    setAgent(aws, 8_300, true);
    await runDrain(aws, { request, policy });
    expect(history(aws).map(([status]) => status)).toEqual(['DRAINING', 'ACTIVE']);
  });
});

describe('a new root volume', () => {
  const departure = 'replace-root-volume';
  const replacing = (instance = {}) =>
    fakeAws({ state: 'ReplacingRootVolume:Wait', instances: [anInstance({ tasks: tasks(3), ...instance })] });

  it('is drained for, released, and set ACTIVE again when the instance is in service', async () => {
    // Prepare
    const aws = replacing();
    setAgent(aws, 200, false);
    setAgent(aws, 400, true);
    aws.plan(500, () => aws.setState('InService'));

    // Act
    const { result } = await runDrain(aws, { request: { departure } });

    // Assess
    expect(result.outcome).toBe('drained');
    expect(aws.released).toEqual([expect.objectContaining({ result: 'CONTINUE', cut: [] })]);
    expect(kinds(aws)).toEqual(['started', 'drained', 'restored']);
    expect(history(aws)).toEqual([
      ['DRAINING', expect.any(Number)],
      ['ACTIVE', expect.closeTo(530, -2)],
    ]);
    expect(history(aws)[1]?.[1]).toBeGreaterThanOrEqual(500);
  });

  it('of an instance that does not come into service is told after half an hour, and never set ACTIVE', async () => {
    const aws = replacing();
    const { result } = await runDrain(aws, { request: { departure } });
    expect(result.outcome).toBe('drained');
    expect(kinds(aws)).toEqual(['started', 'drained', 'failed']);
    expect(history(aws)).toHaveLength(1);
  });

  it('that is paused for longer than half an hour is waited for after the pause', async () => {
    // Prepare
    const aws = fakeAws({
      state: 'ReplacingRootVolume:Wait',
      instances: [anInstance({ tasks: tasks(3) })],
      control: '{}',
    });
    setAgent(aws, 200, false);
    setAgent(aws, 400, true);
    aws.plan(500, () => aws.setState('InService'));
    aws.plan(210, () => aws.turn({ mode: 'pause' }));
    aws.plan(210 + 3 * 3_600, () => aws.turn({ mode: 'act' }));

    // Act
    const { result } = await runDrain(aws, { request: { departure } });

    // Assess
    expect(result.outcome).toBe('drained');
    expect(kinds(aws).filter((kind) => !/paused|resolved/.test(kind))).toEqual(['started', 'drained', 'restored']);
    expect(aws.instances[0]?.status).toBe('ACTIVE');
  });

  it('of an instance that somebody else has drained is left to them', async () => {
    const aws = replacing({ status: 'DRAINING', drainingSinceMs: Date.parse(isoSecond(0)) });
    aws.plan(300, () => aws.setState('InService'));
    const { result } = await runDrain(aws, { request: { departure } });
    expect(result.outcome).toBe('drained');
    expect(aws.instances[0]?.status).toBe('DRAINING');
    expect(kinds(aws)).toEqual(['started', 'drained']);
  });

  it('that is forced tells what was cut off, and is set ACTIVE again all the same', async () => {
    const aws = replacing({ tasks: [aTask(1, STANDALONE)] });
    aws.plan(700, () => aws.setState('InService'));
    const { result } = await runDrain(aws, { request: { departure }, policy: { deadlineSeconds: 600 } });
    expect(result.outcome).toBe('forced');
    expect(aws.released).toEqual([expect.objectContaining({ cut: [aTask(1).id] })]);
    expect(kinds(aws)).toEqual(['started', 'forced', 'restored']);
    expect(aws.instances[0]?.status).toBe('ACTIVE');
  });

  it('of what is no container instance is released at once', async () => {
    const aws = fakeAws({ state: 'ReplacingRootVolume:Wait', instances: [], clusters: [CLUSTER] });
    const { result } = await runDrain(aws, { request: { departure } });
    expect(result.outcome).toBe('not-a-container-instance');
    expect(aws.secondOf(aws.now())).toBeLessThan(5);
  });
});

describe('an order', () => {
  it('is not called off by an answer to its own request that still says ACTIVE', async () => {
    // Prepare
    const aws = inService({ tasks: tasks(2) });
    const asBefore: FakeAws['ports']['ecs']['setStatus'] = async (...args) => {
      const answer = await aws.ports.ecs.setStatus(...args);
      if (!answer.ok) return answer;
      return {
        ok: true,
        value: { ...answer.value, found: answer.value.found.map((f) => ({ ...f, status: 'ACTIVE' })) },
      };
    };
    const ports = { ...aws.ports, ecs: { ...aws.ports.ecs, setStatus: asBefore } };

    // Act
    const { result } = await runDrain({ ...aws, ports }, { request: anOrder() });

    // Assess
    expect(result.outcome).toBe('drained');
    expect(kinds(aws)).toEqual(['started', 'drained']);
  });

  it('is called off by whoever sets the instance ACTIVE, and it stays ACTIVE', async () => {
    const aws = inService({ tasks: tasks(2, { running: 1_000 }) });
    setActive(aws, 300);
    const { result } = await runDrain(aws, { request: anOrder() });
    expect(result.outcome).toBe('cancelled');
    expect(kinds(aws)).toEqual(['started', 'cancelled']);
    expect(aws.instances[0]?.status).toBe('ACTIVE');
    expect(history(aws)).toHaveLength(1);
  });

  it('looks first into the cluster that it names', async () => {
    const aws = inService({ clusters: ['arn:aws:ecs:eu-west-1:123456789012:cluster/batch', CLUSTER] });
    await runDrain(aws, { request: anOrder({ cluster: 'web' }) });
    expect(aws.count('ecs:ListClusters')).toBe(0);
  });

  it('that cannot be carried out by its deadline says so, and the instance stays DRAINING', async () => {
    const aws = inService({ tasks: [aTask(1, STANDALONE)] });
    const { result } = await runDrain(aws, { request: anOrder({ deadlineSeconds: 900 }) });
    expect(result.outcome).toBe('failed');
    expect(kinds(aws)).toEqual(['started', 'stuck', 'failed']);
    expect(aws.published.at(-1)?.body).toMatch(/1 task left \(1 RUNNING\).*stays DRAINING/);
    expect(aws.instances[0]?.status).toBe('DRAINING');
  });
});

describe('standalone tasks', () => {
  const standalone = (more: readonly ReturnType<typeof aTask>[] = []): FakeAws =>
    fakeAws({ tasks: [aTask(1, STANDALONE), aTask(2, STANDALONE), ...more] });

  it('are stopped when policy says so, and only they', async () => {
    const aws = standalone([aTask(3, { running: 900 })]);
    const { result } = await runDrain(aws, { policy: { stopStandaloneAfterSeconds: 300 } });
    expect(result.outcome).toBe('drained');
    expect(aws.toldToStop()).toEqual([aTask(1).id, aTask(2).id]);
    const stops = aws.calls.filter(({ name }) => name === 'ecs:StopTask').map(({ atMs }) => aws.secondOf(atMs));
    expect(Math.min(...stops)).toBeGreaterThanOrEqual(300);
    expect(Math.max(...stops)).toBeLessThan(310);
    expect(aws.released).toEqual([expect.objectContaining({ cut: [] })]);
  });

  it('are not stopped when policy says nothing: they are waited for, and named', async () => {
    const aws = standalone();
    const { result } = await runDrain(aws);
    expect(result.outcome).toBe('forced');
    expect(aws.toldToStop()).toEqual([]);
    expect(aws.published[1]).toMatchObject({ kind: 'stuck', body: expect.stringMatching(/2 standalone tasks/) });
  });

  it('that are hundreds are all stopped', async () => {
    const aws = fakeAws({ tasks: tasks(250, STANDALONE) });
    await runDrain(aws, { policy: { stopStandaloneAfterSeconds: 60 } });
    expect(aws.toldToStop()).toHaveLength(250);
    expect(aws.released).toEqual([expect.objectContaining({ cut: [] })]);
  });

  it('of which one cannot be stopped are told to stop once more, which does no harm', async () => {
    const aws = fakeAws({
      tasks: tasks(3, STANDALONE),
      faults: [{ operation: 'ecs:StopTask', reason: 'throttled', times: 2 }],
    });
    expect((await runDrain(aws, { policy: { stopStandaloneAfterSeconds: 60 } })).result.outcome).toBe('drained');
    expect(aws.toldToStop()).toHaveLength(3);
  });
});

describe('somebody who sets a leaving instance ACTIVE, again and again', () => {
  it('is told each time, and the instance is drained each time', async () => {
    const aws = fakeAws({ tasks: tasks(2, { running: 100 }) });
    for (const second of [50, 120, 190]) setActive(aws, second);
    const { result } = await runDrain(aws);
    expect(result.outcome).toBe('drained');
    expect(kinds(aws)).toEqual(['started', 'reactivated', 'reactivated', 'reactivated', 'drained']);
    expect(history(aws).map(([status]) => status)).toEqual(['DRAINING', 'DRAINING', 'DRAINING', 'DRAINING']);
  });
});

describe('a registration that goes between being found and being drained', () => {
  it.each(['INACTIVE', 'FORGOTTEN'] as const)('(%s) is released, for nothing runs on it any more', async (status) => {
    const aws = fakeAws({ tasks: tasks(2) });
    const { result } = await runDrain(aws, {
      beforeStep: (move) => {
        if (move === 'start-draining') for (const instance of aws.instances) instance.status = status;
      },
    });
    expect(result.outcome).toBe('drained');
    expect(aws.released).toHaveLength(1);
    expect(aws.secondOf(aws.now())).toBeLessThan(60);
  });
});
