import { beforeAll, describe, expect, it } from 'vitest';
import type { Run } from '../../sim/run.ts';
import { loadBundles, readScenario, run } from '../../sim/run.ts';

/** The full hundred in CI (see .ci/run); fewer where somebody waits for the answer. */
const SEEDS = Number(process.env['BUDGET_SEEDS'] ?? 10);

const seeds = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

async function runAll(name: string, count: number): Promise<Run[]> {
  const bundles = await loadBundles();
  const runs: Run[] = [];
  for (const seed of seeds(count)) runs.push(await run(readScenario(name), seed, { bundles }));
  return runs;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

const lagsOf = (runs: readonly Run[]): number[] =>
  runs.flatMap(({ report }) =>
    report.instances.map((i) => (i.releasedAtSeconds ?? Number.NaN) - (i.lastTaskStoppedAtSeconds ?? Number.NaN)),
  );
const callsOf = ({ report }: Run): number => Object.values(report.calls).reduce((sum, count) => sum + count, 0);

function expectCleanDrains(runs: readonly Run[], instances: number): void {
  for (const { report } of runs) {
    expect(report.violations, `seed ${report.seed}`).toEqual([]);
    expect(report.instances).toHaveLength(instances);
    for (const instance of report.instances) {
      expect(instance, `seed ${report.seed}`).toMatchObject({ outcome: 'drained', premature: false, tasksCut: 0 });
    }
  }
}

describe('one instance of the standard profile', () => {
  let runs: Run[];
  beforeAll(async () => {
    runs = await runAll('standard', 100);
  }, 120_000);

  it('is drained without a task cut off, over 100 seeds', () => expectCleanDrains(runs, 1));

  it('is released within 5 s of its last task in the median, 10 s at the 95th percentile', () => {
    expect(percentile(lagsOf(runs), 0.5)).toBeLessThanOrEqual(5);
    expect(percentile(lagsOf(runs), 0.95)).toBeLessThanOrEqual(10);
  });

  it('takes at most 24 AWS calls', () => {
    expect(Math.max(...runs.map(callsOf))).toBeLessThanOrEqual(24);
  });

  it('bills at most 3 s of Lambda and writes less than 1 MB', () => {
    expect(Math.max(...runs.map(({ report }) => report.billedMs))).toBeLessThanOrEqual(3_000);
    const bytes = runs.flatMap(({ region }) => region.lambda.executions().map((execution) => execution.bytes));
    expect(Math.max(...bytes)).toBeLessThan(1_000_000);
  });
});

describe('a hundred instances of a thousand, at once', () => {
  let runs: Run[];
  beforeAll(async () => {
    runs = await runAll('hundred-of-thousand', SEEDS);
  }, 600_000);

  it('are all drained without a task cut off', () => expectCleanDrains(runs, 100));

  it('are released within 20 s of their last task at the 95th percentile', () => {
    expect(percentile(lagsOf(runs), 0.95)).toBeLessThanOrEqual(20);
  });

  it('take at most 24 AWS calls each', () => {
    for (const played of runs) expect(callsOf(played) / 100, `seed ${played.report.seed}`).toBeLessThanOrEqual(24);
  });

  it('read ECS at most ten times a second over any half minute, and are never throttled', () => {
    for (const { report } of runs)
      expect(report.meanEcsReadsPerSecond30, `seed ${report.seed}`).toBeLessThanOrEqual(10);
  });

  it('bill at most 3 s of Lambda each', () => {
    for (const { report } of runs) expect(report.billedMs / 100).toBeLessThanOrEqual(3_000);
  });
});

describe('a drain of 48 hours', () => {
  it('stays under 1,500 durable operations and 1 MB, and keeps its hook alive to the deadline', async () => {
    const base = readScenario('stuck-no-capacity');
    const scenario = {
      ...base,
      durationSeconds: 180_000,
      settings: { DRAIN_DEADLINE_SECONDS: '172500' },
      hooks: base.hooks.map((hook) => ({ ...hook, heartbeatSeconds: 1_728 })),
    };

    const { report, region } = await run(scenario, 1, { bundles: await loadBundles() });

    expect(report.violations).toEqual([]);
    expect(report.instances).toMatchObject([{ outcome: 'forced' }]);
    expect(report.durableOperations).toBeLessThan(1_500);
    expect(region.lambda.executions()[0]?.bytes).toBeLessThan(1_000_000);
  });
});
