import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadBundles, readScenario, run } from '../../sim/run.ts';
import { metricsPort } from '../../src/aws/metrics.ts';

/** What CloudWatch would read of standard output: Powertools writes there, past `console`. */
function written(): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    for (const line of String(text).split('\n')) if (line.includes('"_aws"')) lines.push(JSON.parse(line));
    return true;
  });
  return lines;
}

interface Directive {
  readonly Namespace: string;
  readonly Dimensions: readonly (readonly string[])[];
  readonly Metrics: readonly { readonly Name: string; readonly Unit: string }[];
}
const directiveOf = (line: Record<string, unknown> | undefined): Directive | undefined =>
  (line?.['_aws'] as { CloudWatchMetrics: Directive[] } | undefined)?.CloudWatchMetrics[0];

afterEach(() => vi.restoreAllMocks());

describe('the metrics', () => {
  it('are in the embedded metric format, under the function, and its outcome where one has one', () => {
    const lines = written();
    metricsPort('ecs-drain-drain').emit([
      { name: 'DrainsEnded', unit: 'Count', value: 1, outcome: 'forced' },
      { name: 'DrainSeconds', unit: 'Seconds', value: 94.5 },
    ]);
    expect(lines).toMatchObject([
      { service: 'ecs-drain-drain', outcome: 'forced', DrainsEnded: 1 },
      { service: 'ecs-drain-drain', DrainSeconds: 94.5 },
    ]);
    expect(lines.map(directiveOf)).toMatchObject([
      {
        Namespace: 'ecs-drain',
        Dimensions: [['service', 'outcome']],
        Metrics: [{ Name: 'DrainsEnded', Unit: 'Count' }],
      },
      { Namespace: 'ecs-drain', Dimensions: [['service']], Metrics: [{ Name: 'DrainSeconds', Unit: 'Seconds' }] },
    ]);
  });

  it('of nothing are nothing', () => {
    const lines = written();
    metricsPort('ecs-drain-drain').emit([]);
    expect(lines).toEqual([]);
  });
});

describe('the bundle of the drain', () => {
  const playWith = async (METRICS: string) => {
    const scenario = { ...readScenario('stuck-no-capacity'), settings: { METRICS } };
    const bundles = await loadBundles();
    const lines = written();
    const { report } = await run(scenario, 1, { bundles });
    vi.restoreAllMocks();
    return { lines, report };
  };

  it('writes each once, on the real durable execution SDK, and names no instance and no cluster in any', async () => {
    // Act
    const { lines, report } = await playWith('on');

    // Assess
    const names = lines.flatMap((line) => directiveOf(line)?.Metrics.map(({ Name }) => Name) ?? []);
    const once = names.filter((name) => name !== 'StuckDrains');
    expect(once).toEqual(['DrainsStarted', 'DrainsEnded', 'DrainSeconds', 'TasksCutOff']);
    expect(names.length - once.length).toBeGreaterThan(5);
    expect(lines.find((line) => line['TasksCutOff'] !== undefined)?.['TasksCutOff']).toBe(
      report.instances[0]?.tasksCut,
    );
    expect(lines.find((line) => line['DrainsEnded'] !== undefined)?.['outcome']).toBe('forced');
    for (const line of lines) expect(JSON.stringify(line)).not.toMatch(/i-[0-9a-f]{8}|"web"/);
  });

  it('writes none where they are off', async () => {
    expect((await playWith('off')).lines).toEqual([]);
  });
});
