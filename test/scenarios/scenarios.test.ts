import { beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../sim/report.ts';
import type { Bundles } from '../../sim/run.ts';
import { loadBundles, readScenario, run, scenarioNames } from '../../sim/run.ts';

let bundles: Bundles;
beforeAll(async () => {
  bundles = await loadBundles();
});

/** Seconds a run, with hundreds of instances, or two simulated days. */
const LARGE = ['hundred-of-thousand', 'thousand-of-thousand', 'long-48h'];

describe('the two engines', () => {
  // Of rollouts a few, in rollouts.test.ts: an hour of looks takes seconds.
  const names = scenarioNames().filter((name) => !LARGE.includes(name) && !readScenario(name).rollouts);

  it.each(names)('give the same report of %s, byte for byte, each time', async (name) => {
    const reportOf = async (engine: 'sdk' | 'store') => {
      const { report } = await run(readScenario(name), 3, { bundles, engine });
      return JSON.stringify(report);
    };
    const [store, again, sdk] = [await reportOf('store'), await reportOf('store'), await reportOf('sdk')];
    expect(again).toBe(store);
    expect(sdk).toBe(store);
  });
});

async function reportOf(name: string, seed = 1): Promise<Report> {
  const { report } = await run(readScenario(name), seed, { bundles, engine: 'store' });
  return report;
}

const kindsOf = ({ alerts }: Report): string[] => alerts.map(({ kind }) => kind);
const outcomesOf = ({ instances }: Report): string[] => instances.map(({ outcome }) => outcome);
const stuckReason = ({ alerts }: Report): string => alerts.find(({ kind }) => kind === 'stuck')?.because ?? '';

describe('people hear why a drain is stuck', () => {
  it.each([
    ['stuck-no-capacity', 'unable to place a task because no container instance met all'],
    ['port-clash', 'is already using a port required by your task'],
    ['min-max-100', 'minimum and maximum healthy percent are both 100'],
    ['placement-constraint', 'service zonal cannot leave'],
    ['agent-gone', 'agent on the instance is disconnected'],
    ['never-stops', 'told to stop and have not stopped'],
    ['standalone-waits', 'standalone task'],
    ['cluster-unreadable', 'ecs:ListContainerInstances'],
  ])('%s: %s', async (name, words) => {
    expect(stuckReason(await reportOf(name))).toContain(words);
  });
});

describe('what the scenarios are for', () => {
  it('protected: where protection holds a task back, people hear just that', async () => {
    const told = new Set<string>();
    for (let seed = 1; seed <= 8; seed++) {
      const reason = stuckReason(await reportOf('protected', seed));
      if (reason !== '') told.add(reason.includes('under task protection') ? 'protection' : reason);
    }
    expect([...told]).toEqual(['protection']);
  });

  it('deploy-midway: what runs goes on with its version, and what begins has the new one', async () => {
    const { report, region } = await run(readScenario('deploy-midway'), 1, { bundles });
    expect(outcomesOf(report)).toEqual(['drained', 'drained']);
    expect(region.lambda.executions().map(({ functionArn }) => functionArn.split(':').at(-1))).toEqual(['1', '2']);
    expect(
      region.lambda
        .totals()
        .filter(({ name }) => name.endsWith('-drain'))
        .map(({ invocations }) => invocations > 3),
    ).toEqual([true, true]);
  });

  it('unregistered: an instance in no cluster is released at once, with a word to the people', async () => {
    const report = await reportOf('unregistered');
    expect(report.instances).toMatchObject([{ outcome: 'not-a-container-instance', cluster: null }]);
    expect(report.instances[0]?.releasedAtSeconds).toBeLessThan(40);
    expect(report.alerts).toMatchObject([{ kind: 'not-a-container-instance', severity: 'info' }]);
  });

  it('stuck-no-capacity: at the deadline it is said what is cut off', async () => {
    const report = await reportOf('stuck-no-capacity');
    expect(report.instances).toMatchObject([{ tasksCut: 4, premature: true }]);
    expect(report.instances[0]?.releasedAtSeconds).toBeGreaterThanOrEqual(3_000);
  });

  it('duplicate-storm: one execution an instance, whatever comes twice', async () => {
    const { report, region } = await run(readScenario('duplicate-storm'), 1, { bundles });
    expect(region.lambda.executions()).toHaveLength(4);
    expect(report.calls['lambda:Invoke']).toBeGreaterThan(4);
  });

  it('reactivated: it is drained again, and people hear that somebody interfered', async () => {
    const report = await reportOf('reactivated');
    expect(report.calls['ecs:UpdateContainerInstancesState']).toBe(2);
  });

  it('standalone-forever: policy stops what ECS would leave alone', async () => {
    const report = await reportOf('standalone-forever');
    expect(report.calls['ecs:StopTask']).toBeGreaterThan(0);
  });

  it('observe-mode: people hear what would be done, and nothing is', async () => {
    const report = await reportOf('observe-mode');
    expect(report.calls['ecs:UpdateContainerInstancesState']).toBeUndefined();
    expect(report.calls['autoscaling:CompleteLifecycleAction']).toBeUndefined();
  });

  it('paused-midway: nothing but heartbeats in the pause, and it goes on after it', async () => {
    const report = await reportOf('paused-midway');
    expect(report.instances[0]?.releasedAtSeconds).toBeGreaterThan(960);
  });

  it('already-draining: an instance that somebody else drained is never set ACTIVE', async () => {
    const scenario = readScenario('replace-root-volume');
    const drainedBefore = { atSeconds: 2, setDraining: { group: 'web-asg', count: 1 } };
    const { report } = await run({ ...scenario, events: [drainedBefore, ...scenario.events] }, 1, { bundles });
    expect(outcomesOf(report)).toEqual(['drained']);
    expect(kindsOf(report)).not.toContain('restored');
  });

  it('rebalance-wave: the group replaces the instances, and its hook drains them', async () => {
    const report = await reportOf('rebalance-wave');
    expect(report.calls['autoscaling:TerminateInstanceInAutoScalingGroup']).toBe(3);
    expect(outcomesOf(report).sort()).toEqual([...Array(3).fill('drained'), ...Array(3).fill('replaced')]);
  });

  it('rebalance-notify: by default a recommendation is only told', async () => {
    const report = await reportOf('rebalance-notify');
    expect(report.calls['ecs:UpdateContainerInstancesState']).toBeUndefined();
  });

  it('retained: an abandoned instance stays for a person to look at', async () => {
    const report = await reportOf('retained');
    expect(report.instances).toMatchObject([{ tasksCut: 0 }]);
  });

  it('spot-two-minutes: what can leave within two minutes does', async () => {
    const drained = (await reportOf('spot-two-minutes')).instances.filter(({ outcome }) => outcome === 'drained');
    expect(drained).toHaveLength(2);
    for (const instance of drained) expect(instance.tasksCut).toBe(0);
  });

  it('thousand-of-thousand: a whole fleet gets through without a single alarm', async () => {
    const report = await reportOf('thousand-of-thousand');
    expect(report.violations).toEqual([]);
    expect(new Set(outcomesOf(report))).toEqual(new Set(['drained']));
    expect(report.alerts.filter(({ severity }) => severity !== 'info')).toEqual([]);
  }, 300_000);
});
