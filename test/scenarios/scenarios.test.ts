import { beforeAll, describe, expect, it } from 'vitest';
import type { Bundles } from '../../sim/run.ts';
import { loadBundles, readScenario, run, scenarioNames } from '../../sim/run.ts';

let bundles: Bundles;
beforeAll(async () => {
  bundles = await loadBundles();
});

describe.each(scenarioNames().filter((name) => name !== 'hundred-of-thousand'))('scenario %s', (name) => {
  it('breaks no rule, over 20 seeds', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { report } = await run(readScenario(name), seed, { bundles });
      expect(report.violations, `seed ${seed}`).toEqual([]);
      expect(report.instances.length).toBeGreaterThan(0);
    }
  });

  it('gives the same report for the same seed, byte for byte, and another for another seed', async () => {
    const reportOf = async (seed: number) => JSON.stringify((await run(readScenario(name), seed, { bundles })).report);

    const [first, again, other] = [await reportOf(3), await reportOf(3), await reportOf(4)];

    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });
});

describe('what the scenarios are for', () => {
  it('unregistered: an instance in no cluster is released at once, with a word to the people', async () => {
    const { report } = await run(readScenario('unregistered'), 1, { bundles });
    expect(report.instances).toMatchObject([{ outcome: 'not-a-container-instance', cluster: null }]);
    expect(report.instances[0]?.releasedAtSeconds).toBeLessThan(40);
    expect(report.alerts).toMatchObject([{ kind: 'not-a-container-instance', severity: 'info' }]);
  });

  it('stuck-no-capacity: people hear why, in the words of ECS, and at the deadline what is cut off', async () => {
    const { report } = await run(readScenario('stuck-no-capacity'), 1, { bundles });
    expect(report.alerts.map(({ kind }) => kind)).toEqual(['started', 'stuck', 'forced']);
    expect(report.alerts[1]?.because).toContain('unable to place a task because no container instance met all');
    expect(report.instances).toMatchObject([{ outcome: 'forced', tasksCut: 4, premature: true }]);
    expect(report.instances[0]?.releasedAtSeconds).toBeGreaterThanOrEqual(3_000);
  });

  it('duplicate-storm: one execution an instance, whatever comes twice', async () => {
    const { report, region } = await run(readScenario('duplicate-storm'), 1, { bundles });
    expect(report.instances).toHaveLength(4);
    expect(region.lambda.executions()).toHaveLength(4);
    expect(report.calls['lambda:Invoke']).toBeGreaterThan(4);
    expect(report.calls['autoscaling:CompleteLifecycleAction']).toBeLessThanOrEqual(8);
  });
});
