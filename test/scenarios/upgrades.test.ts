import { beforeAll, describe, expect, it } from 'vitest';
import type { Bundles } from '../../sim/run.ts';
import { loadBundles, readScenario, run } from '../../sim/run.ts';

let bundles: Bundles;
beforeAll(async () => {
  bundles = await loadBundles();
});

const versionsOf = ({ region }: Awaited<ReturnType<typeof run>>) =>
  region.lambda.executions().map(({ functionArn }) => functionArn.split(':').at(-1));

describe.each(['sdk', 'store'] as const)('an update in mid-drain (%s)', (engine) => {
  it('of the settings holds for drains that begin after it; those that run keep what they began with', async () => {
    const ran = await run(readScenario('upgrade-midway'), 1, { bundles, engine });

    expect(versionsOf(ran)).toEqual(['1', '2']);
    expect(ran.report.instances.map(({ outcome }) => outcome)).toEqual(['forced', 'abandoned']);
    expect(ran.report.violations).toEqual([]);
  });

  it('that is rolled back is ended on by what began on it, and begins nothing any more', async () => {
    const ran = await run(readScenario('rollback-midway'), 1, { bundles, engine });

    expect(versionsOf(ran)).toEqual(['1', '2', '1']);
    expect(ran.report.instances.map(({ outcome }) => outcome)).toEqual(['drained', 'drained', 'drained']);
    // Those of version 2 were still made after the rollback at 130 s: its drain ends three minutes later.
    expect(ran.report.instances[1]?.releasedAtSeconds).toBeGreaterThan(200);
    expect(ran.report.violations).toEqual([]);
  });

  it('that is tried again after its rollback is a version of its own', async () => {
    const scenario = readScenario('rollback-midway');
    const events = [
      ...scenario.events,
      { atSeconds: 200, deploy: { settings: {} } },
      { atSeconds: 210, terminate: { group: 'web-asg', count: 1 } },
    ];

    const ran = await run({ ...scenario, events }, 1, { bundles, engine });

    expect(versionsOf(ran)).toEqual(['1', '2', '1', '3']);
    expect(ran.report.violations).toEqual([]);
  });
});
