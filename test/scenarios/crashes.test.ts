import { beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../sim/report.ts';
import type { Bundles } from '../../sim/run.ts';
import { loadBundles, readScenario, run } from '../../sim/run.ts';

let bundles: Bundles;
beforeAll(async () => {
  bundles = await loadBundles();
});

/** What must not depend on where a machine died. */
const essence = ({ instances, violations }: Report) => ({
  violations,
  instances: instances.map(({ instanceId, outcome, premature, tasksCut }) => ({
    instanceId,
    outcome,
    premature,
    tasksCut,
  })),
});

describe.each(['fail', 'kill-before', 'kill-after'] as const)('a checkpoint that ends in %s', (fault) => {
  it('changes nothing about the outcome, at every checkpoint of a drain', async () => {
    const scenario = readScenario('standard');
    const undisturbed = await run(scenario, 1, { bundles });
    const checkpoints = undisturbed.region.lambda.executions()[0]?.checkpoints ?? 0;
    expect(checkpoints).toBeGreaterThan(20);

    for (let at = 1; at <= checkpoints; at++) {
      const disturbed = await run(scenario, 1, {
        bundles,
        beforeCheckpoint: (_execution, n) => (n === at ? fault : undefined),
      });
      expect(essence(disturbed.report), `checkpoint ${at}`).toEqual(essence(undisturbed.report));
    }
  });
});

describe.each(['kill-before', 'kill-after'] as const)('a machine that dies at a call (%s)', (fault) => {
  it('changes nothing about the outcome, at every call of a drain', async () => {
    const scenario = readScenario('standard');
    const undisturbed = await run(scenario, 1, { bundles });
    const calls = Object.values(undisturbed.report.calls).reduce((sum, count) => sum + count, 0);

    for (let at = 1; at <= calls; at++) {
      const disturbed = await run(scenario, 1, {
        bundles,
        beforeCall: (_call, sequence) => (sequence === at ? fault : undefined),
      });
      expect(essence(disturbed.report), `call ${at}`).toEqual(essence(undisturbed.report));
    }
  });
});
