import { beforeAll, describe, expect, it } from 'vitest';
import type { Region } from '../../sim/region.ts';
import type { Bundles } from '../../sim/run.ts';
import { loadBundles, readScenario, run } from '../../sim/run.ts';
import type { Scenario } from '../../sim/scenario.ts';
import { parseScenario } from '../../sim/scenario.ts';

/** What a scenario file cannot say: moments that only somebody who watches the drain can hit. */

let bundles: Bundles;
beforeAll(async () => {
  bundles = await loadBundles();
});

const SEEDS = [1, 2, 3, 4, 5];

/** Publishes a hook's notice that Auto Scaling has never sent. */
function forge({ world, sns, lifecycleTopicArn }: Region, group: string, instanceId: string): void {
  const notice = {
    LifecycleHookName: 'ecs-drain',
    AccountId: world.accountId,
    LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
    AutoScalingGroupName: group,
    Time: new Date(world.clock.nowMs()).toISOString(),
    EC2InstanceId: instanceId,
    LifecycleActionToken: '3f2d1c60-0000-4000-8000-000000000000',
    NotificationMetadata: '{"cluster":"web"}',
  };
  sns.operations['Publish']?.({ TopicArn: lifecycleTopicArn, Message: JSON.stringify(notice) });
}

describe('a forged notice', () => {
  it('about an instance in service changes nothing, and people hear of it', async () => {
    for (const seed of SEEDS) {
      const { report, region } = await run({ ...readScenario('standard'), events: [] }, seed, {
        bundles,
        engine: 'store',
        watch: (created) =>
          created.world.clock.after(10_000, () => forge(created, 'web-asg', created.instancesOf('web-asg')[0] ?? '')),
      });
      expect(report.violations, `seed ${seed}`).toEqual([]);
      expect(region.lambda.executions()).toMatchObject([{ status: 'SUCCEEDED', result: { outcome: 'hook-gone' } }]);
      expect(report.alerts.map(({ kind }) => kind)).toEqual(['hook-gone']);
      expect(report.calls['ecs:UpdateContainerInstancesState']).toBeUndefined();
      expect(report.calls['autoscaling:CompleteLifecycleAction']).toBeUndefined();
    }
  });
});

describe('a task that is placed between the look that found nothing and the release', () => {
  it.each([
    ['is seen by the last look, and waited for', 0],
    ['is waited for also where the last look fails', 15],
  ])('%s', async (_, unreadableSeconds) => {
    for (const seed of SEEDS) {
      let placed = 0;
      const { report } = await run(readScenario('standard'), seed, {
        bundles,
        engine: 'store',
        watch: ({ world, ecs }) =>
          world.on((event) => {
            if (event.kind !== 'said' || event.fields['move'] !== 'look' || placed > 0) return;
            const { look } = event.fields['seen'] as { look: { remaining?: { total: number } } };
            if (look.remaining?.total !== 0) return;
            const instanceId = event.executionName.slice(0, 'i-'.length + 17);
            ecs.setStatus(instanceId, 'ACTIVE');
            placed += ecs.runStandalone('web', { count: 1, instanceId, runsSeconds: 100, cpu: 1, memory: 1 }).length;
            if (unreadableSeconds === 0) return;
            ecs.setUnreadable('web', 'ServerException');
            world.clock.after(unreadableSeconds * 1000, () => ecs.setUnreadable('web', undefined));
          }),
      });
      expect(placed).toBe(1);
      expect(report.violations, `seed ${seed}`).toEqual([]);
      expect(report.instances).toMatchObject([{ outcome: 'drained', premature: false, tasksCut: 0 }]);
      expect(report.alerts.map(({ kind }) => kind)).toEqual(['started', 'reactivated', 'drained']);
    }
  });
});

describe('a switch that is turned to observe', () => {
  const CHANGES = [
    'ecs:UpdateContainerInstancesState',
    'ecs:StopTask',
    'autoscaling:TerminateInstanceInAutoScalingGroup',
    'autoscaling:RecordLifecycleActionHeartbeat',
    'autoscaling:CompleteLifecycleAction',
  ];
  const atSecond = (name: string, atSeconds: number): Scenario => {
    const scenario = readScenario(name);
    const turned = { atSeconds, switch: { text: '{"mode":"observe"}' } };
    const events = [...scenario.events, turned].sort((a, b) => a.atSeconds - b.atSeconds);
    return { ...scenario, events };
  };

  it.each(['standard', 'rebalance-wave', 'maintenance-reboot', 'replace-root-volume', 'spot-two-minutes', 'ordered'])(
    'before anything happened lets nothing be changed, in %s',
    async (name) => {
      const { report } = await run(atSecond(name, 0), 1, { bundles, engine: 'store' });
      expect(report.violations).toEqual([]);
      expect(report.instances.length).toBeGreaterThan(0);
      expect(Object.keys(report.calls).filter((call) => CHANGES.includes(call))).toEqual([]);
    },
  );

  it('midway lets no standalone task be stopped', async () => {
    const { report } = await run(atSecond('standalone-forever', 100), 1, { bundles, engine: 'store' });
    expect(report.violations).toEqual([]);
    expect(report.instances).toMatchObject([{ outcome: 'observed', releasedAtSeconds: null }]);
    expect(report.calls['ecs:StopTask']).toBeUndefined();
  });

  it('midway lets nothing be set ACTIVE', async () => {
    const { report } = await run(atSecond('maintenance-reboot', 5_000), 1, { bundles, engine: 'store' });
    expect(report.violations).toEqual([]);
    expect(report.instances).toMatchObject([{ outcome: 'observed' }, { outcome: 'observed' }]);
    expect(report.calls['ecs:UpdateContainerInstancesState']).toBe(2);
  });
});

describe('nonsense in the switch of a region that is paused', () => {
  it('lets nothing go on, and people hear of it', async () => {
    const { events, ...standard } = readScenario('standard');
    const says = (atSeconds: number, text: string) => ({ atSeconds, switch: { text } });
    const scenario = {
      ...standard,
      switch: '{"mode":"pause"}',
      events: [...events, says(100, '{"mode":"resume"'), says(900, '{"mode":"act"}')],
    };
    const { report } = await run(scenario, 1, { bundles, engine: 'store' });
    expect(report.violations).toEqual([]);
    expect(report.alerts.map(({ kind }) => kind)).toEqual([
      'paused',
      'misconfigured',
      'resolved',
      'started',
      'drained',
    ]);
    expect(report.instances[0]?.drainingAtSeconds).toBeGreaterThan(900);
  });
});

describe('a notice that comes twice', () => {
  it('makes the same request twice, to the last byte', async () => {
    for (const seed of SEEDS) {
      const answers: (string | undefined)[] = [];
      const { report } = await run(readScenario('duplicate-storm'), seed, {
        bundles,
        engine: 'store',
        watch: ({ world }) =>
          world.on((event) => {
            if (event.kind === 'call' && event.service === 'lambda') answers.push(event.error);
          }),
      });
      expect(report.violations, `seed ${seed}`).toEqual([]);
      expect(answers.filter((error) => error === undefined).length).toBeGreaterThan(4);
      expect(answers).not.toContain('DurableExecutionAlreadyStartedException');
    }
  });
});

describe('more clusters than a page has', () => {
  const count = 130;
  const clusters = Array.from({ length: count }, (_, i) => ({
    name: `cluster-${i}`,
    group: `group-${i}`,
    instances: 1,
    services: [{ name: 'api', desired: 2, minimumHealthyPercent: 0, stopSeconds: 20 }],
  }));
  const scenarioOf = (n: number): Scenario =>
    parseScenario(
      JSON.stringify({
        name: 'a-hundred-and-thirty-clusters',
        durationSeconds: 3_600,
        clusters,
        hooks: [{ group: `group-${n}`, metadata: false }],
        events: [{ atSeconds: 10, terminate: { group: `group-${n}`, count: 1 } }],
      }),
      'test',
    );

  it('are searched to the last one', async () => {
    for (const n of [0, 99, 100, count - 1]) {
      const { report } = await run(scenarioOf(n), 1, { bundles, engine: 'store' });
      expect(report.violations, `cluster ${n}`).toEqual([]);
      expect(report.instances).toMatchObject([{ outcome: 'drained', cluster: `cluster-${n}` }]);
    }
  });
});

describe('an execution that fails', () => {
  /** Our drain, which meets a bug in its first so many executions. */
  const failing = (times: number): Bundles => {
    let left = times;
    const connect: Bundles['drain']['connect'] = (platform) => {
      const sound = bundles.drain.connect(platform);
      return (event, durable) => (left-- > 0 ? Promise.reject(new Error('a bug')) : sound(event, durable));
    };
    return { ...bundles, drain: { ...bundles.drain, connect } };
  };
  const runs = async (times: number) => {
    const { report, region } = await run(readScenario('standard'), 1, { bundles: failing(times), engine: 'store' });
    const executions = region.lambda.executions();
    const [first] = executions;
    return { report, ends: executions.map(({ name, status }) => `${name.replace(first?.name ?? '', '')} ${status}`) };
  };

  it('is started once more, and the drain is done', async () => {
    const { report, ends } = await runs(1);
    expect(ends).toEqual([' FAILED', '-r1 SUCCEEDED']);
    expect(report.instances).toMatchObject([{ outcome: 'drained', premature: false, tasksCut: 0 }]);
  });

  it('and fails again is not started for ever: people hear of it, and how to start it', async () => {
    const { report, ends } = await runs(99);
    expect(ends).toEqual([' FAILED', '-r1 FAILED']);
    expect(report.alerts).toMatchObject([{ kind: 'failed', because: expect.stringContaining('failed twice') }]);
  });
});

describe('a rollout that breaks off', () => {
  /** Our rollouts, of which those of one kind meet a bug where they would wait so often: once what they began is under way. */
  const breaking = (kind: 'release' | 'fleet', waits: number): Bundles => {
    const connect: Bundles['amiUpdate']['connect'] = (platform) => {
      const sound = bundles.amiUpdate.connect(platform);
      return (event, durable) => {
        if ((event as { kind: string }).kind !== kind) return sound(event, durable);
        let left = waits;
        const wait: typeof durable.wait = (name, seconds) =>
          left-- > 0 ? durable.wait(name, seconds) : Promise.reject(new Error('a bug'));
        return sound(event, { ...durable, wait });
      };
    };
    return { ...bundles, amiUpdate: { ...bundles.amiUpdate, connect } };
  };
  const runs = async (kind: 'release' | 'fleet', waits: number) => {
    const failures: string[] = [];
    const { report } = await run(readScenario('rollout-auto'), 1, {
      bundles: breaking(kind, waits),
      engine: 'store',
      watch: ({ world }) =>
        world.on((event) => {
          if (event.kind === 'published' && event.attributes['kind'] === 'rollout-failed') failures.push(event.message);
        }),
    });
    return { failures, rules: new Set(report.violations.map(({ rule }) => rule)), report };
  };
  /** That it failed, and that Lambda gave its event up: no rule about what became of the fleet. */
  const BROKEN = new Set(['execution-failed', 'lost']);

  it.each([2, 6, 12])(
    'in its fleet, after %i waits, is told once, with the order that starts it anew',
    async (waits) => {
      const { failures, rules, report } = await runs('fleet', waits);
      expect(report.calls['autoscaling:StartInstanceRefresh']).toBe(1);
      expect(rules).toEqual(BROKEN);
      expect(failures).toEqual([expect.stringContaining('nobody watches what it began')]);
      expect(failures[0]).toContain(
        "ecs-drain rollout start al2023/x86_64 --group 'group/web-asg' --because 'it broke off' --region ",
      );
      expect(report.rollouts?.map(({ outcome }) => outcome)).toEqual(['stopped', 'failed']);
    },
  );

  it('in its release is told, and what was begun goes on to its end, and is promoted', async () => {
    const { failures, rules, report } = await runs('release', 3);
    expect(rules).toEqual(BROKEN);
    expect(failures).toEqual([expect.stringContaining('no further fleet is begun')]);
    expect(report.rollouts?.map(({ outcome }) => outcome)).toEqual([
      'failed',
      'rolled',
      'handed-over',
      'nothing-to-do',
    ]);
  });
});
