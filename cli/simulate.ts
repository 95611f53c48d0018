import { setTimeout as sleep } from 'node:timers/promises';
import Table from 'cli-table3';
import { serveRegion } from '../sim/live.ts';
import { createRegion } from '../sim/region.ts';
import type { Report } from '../sim/report.ts';
import { loadBundles, readScenario, run, scenarioNames } from '../sim/run.ts';
import type { Scenario } from '../sim/scenario.ts';
import { ScenarioError } from '../sim/scenario.ts';
import { UsageError, wholeNumber } from './usage.ts';

export interface SimulateOptions {
  readonly scenario: string;
  readonly seed: string;
  readonly json?: boolean;
  readonly serve?: boolean;
  readonly port?: string;
}

/** One run in virtual time, or with `--serve` the region alone over HTTP. Answers the exit code: 1 on any violation. */
export async function simulate(options: SimulateOptions, print: (text: string) => void): Promise<number> {
  const seed = wholeNumber('--seed', options.seed, 0, 2 ** 31 - 1);
  if (options.port !== undefined && !options.serve) throw new UsageError('--port goes with --serve');
  if (options.serve && options.json)
    throw new UsageError('--json has no meaning with --serve: a server makes no report');
  const scenario = load(options.scenario);

  if (options.serve)
    return serveUntilDone(scenario, seed, wholeNumber('--port', options.port ?? '4566', 0, 65_535), print);

  const { report } = await run(scenario, seed, { bundles: await loadBundles() });
  print(options.json ? JSON.stringify(report) : summarise(report));
  return report.violations.length > 0 ? 1 : 0;
}

function load(nameOrPath: string): Scenario {
  try {
    return readScenario(nameOrPath);
  } catch (error) {
    if (error instanceof ScenarioError) throw new UsageError(error.message);
    if (error instanceof Error && 'code' in error) {
      throw new UsageError(
        `no scenario ${JSON.stringify(nameOrPath)}: give a file (${error.code}), or one of ${scenarioNames().join(', ')}`,
      );
    }
    throw error;
  }
}

/** The scenario's events happen on the wall clock; it ends with the scenario, or when it is interrupted. */
async function serveUntilDone(
  scenario: Scenario,
  seed: number,
  port: number,
  print: (text: string) => void,
): Promise<number> {
  const stop = new AbortController();
  const server = await serveRegion(createRegion(scenario, seed), port).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`cannot listen on port ${port}: ${error.code ?? error.message}`);
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  print(
    `region ${scenario.region} at http://127.0.0.1:${server.port} for ${scenario.durationSeconds} s; Ctrl-C ends it`,
  );
  await sleep(scenario.durationSeconds * 1000, undefined, { signal: stop.signal }).catch(() => undefined);
  await server.close();
  return 0;
}

function summarise(report: Report): string {
  const table = new Table({
    head: ['instance', 'outcome', 'draining', 'last stop', 'released', 'cut'],
    style: { head: [], border: [] },
  });
  const seconds = (value: number | null): string => (value === null ? '-' : `${value.toFixed(1)} s`);
  for (const instance of report.instances.slice(0, 20)) {
    table.push([
      instance.instanceId,
      instance.outcome,
      seconds(instance.drainingAtSeconds),
      seconds(instance.lastTaskStoppedAtSeconds),
      seconds(instance.releasedAtSeconds),
      String(instance.tasksCut),
    ]);
  }
  const more = report.instances.length - 20;
  const calls = Object.values(report.calls).reduce((sum, count) => sum + count, 0);
  return [
    `${report.scenario}, seed ${report.seed}`,
    table.toString(),
    ...(more > 0 ? [`and ${more} more: --json has them all`] : []),
    `AWS calls ${calls}, durable operations ${report.durableOperations}, billed ${report.billedMs} ms`,
    ...report.alerts
      .filter(({ severity }) => severity !== 'info')
      .slice(0, 10)
      .map(({ kind, instanceId, because }) => `${kind} ${instanceId ?? ''}: ${because}`),
    report.violations.length === 0
      ? 'no violation'
      : `VIOLATIONS\n${report.violations.map((v) => `  ${v.rule} ${v.instanceId ?? ''} at ${v.atSeconds} s: ${v.because}`).join('\n')}`,
  ].join('\n');
}
