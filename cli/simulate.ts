import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { serveRegion } from '../sim/live.ts';
import { createRegion } from '../sim/region.ts';
import type { Report } from '../sim/report.ts';
import { inhabit, loadBundles, readScenario, run, scenarioNames } from '../sim/run.ts';
import type { Scenario } from '../sim/scenario.ts';
import { ScenarioError } from '../sim/scenario.ts';
import { table } from './table.ts';
import type { Print, Run } from './usage.ts';
import { UsageError, wholeNumber } from './usage.ts';

export interface SimulateOptions {
  readonly scenario: string;
  readonly seed: string;
  readonly json?: boolean;
  readonly serve?: boolean;
  readonly port?: string;
  readonly functions?: boolean;
  readonly at?: string;
  readonly speed?: string;
}

/** What has a meaning only for a server. */
const OF_A_SERVER = ['port', 'functions', 'at', 'speed'] as const;
const HIGHEST_SPEED = 1_000;
/** A day: nobody leaves a server standing still for longer. */
const LONGEST_SECONDS = 86_400;

export function addSimulate(program: Command, run: Run, print: Print): void {
  program
    .command('simulate')
    .description('run the built functions in an embedded AWS, in virtual time')
    .option('--scenario <name or file.json>', 'what happens', 'standard')
    .option('--seed <number>', 'which run of it', '1')
    .option('--json', 'the whole report, and nothing else, on standard output')
    .option('--serve', 'the embedded AWS over HTTP on loopback, in real time, for any AWS SDK or CLI')
    .option('--port <number>', 'with --serve; 0 takes a free one (default 4566)')
    .option('--functions', 'with --serve: ecs-drain is deployed in it, and drains')
    .option('--at <seconds>', 'with --serve: begin so far into the scenario (default 0)')
    .option('--speed <number>', 'with --serve: times faster than the clock; 0 stands still (default 1)')
    .action((options: SimulateOptions) => run(simulate(options, print)));
}

/** One run in virtual time, or with `--serve` the region over HTTP. Answers the exit code: 1 on any violation. */
async function simulate(options: SimulateOptions, print: Print): Promise<number> {
  const seed = wholeNumber('--seed', options.seed, 0, 2 ** 31 - 1);
  for (const name of OF_A_SERVER) {
    if (options[name] !== undefined && !options.serve) throw new UsageError(`--${name} goes with --serve`);
  }
  if (options.serve && options.json)
    throw new UsageError('--json has no meaning with --serve: a server makes no report');
  const scenario = load(options.scenario);
  if (options.serve) return serveUntilDone(scenario, seed, options, print);

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

/** It ends with the scenario, or when it is interrupted; standing still, only then. */
async function serveUntilDone(
  scenario: Scenario,
  seed: number,
  options: SimulateOptions,
  print: Print,
): Promise<number> {
  const port = wholeNumber('--port', options.port ?? '4566', 0, 65_535);
  const atSeconds = wholeNumber('--at', options.at ?? '0', 0, scenario.durationSeconds);
  const speed = wholeNumber('--speed', options.speed ?? '1', 0, HIGHEST_SPEED);
  const bundles = options.functions ? await loadBundles() : undefined;
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

  const region = createRegion(scenario, seed);
  const leave = bundles ? inhabit(region, bundles) : () => undefined;
  const server = await serveRegion(region, port, { atSeconds, speed }).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`cannot listen on port ${port}: ${error.code ?? error.message}`);
  });
  const leftSeconds = speed === 0 ? undefined : Math.ceil((scenario.durationSeconds - atSeconds) / speed);
  const until = leftSeconds === undefined ? 'standing still' : `for ${leftSeconds} s`;
  print(`region ${scenario.region} at http://127.0.0.1:${server.port} ${until}; Ctrl-C ends it`);
  await sleep((leftSeconds ?? LONGEST_SECONDS) * 1000, undefined, { signal: stop.signal }).catch(() => undefined);
  await server.close();
  leave();
  return 0;
}

function summarise(report: Report): string {
  const seconds = (value: number | null): string => (value === null ? '-' : `${value.toFixed(1)} s`);
  const rows = report.instances
    .slice(0, 20)
    .map((instance) => [
      instance.instanceId,
      instance.outcome,
      seconds(instance.drainingAtSeconds),
      seconds(instance.lastTaskStoppedAtSeconds),
      seconds(instance.releasedAtSeconds),
      String(instance.tasksCut),
    ]);
  const more = report.instances.length - 20;
  const calls = Object.values(report.calls).reduce((sum, count) => sum + count, 0);
  return [
    `${report.scenario}, seed ${report.seed}`,
    table(['instance', 'outcome', 'draining', 'last stop', 'released', 'cut'], rows),
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
