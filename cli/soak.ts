import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Command } from 'commander';
import type { Violation } from '../sim/audit.ts';
import { randomScenario } from '../sim/random-scenario.ts';
import { loadBundles, run, scenarioNames } from '../sim/run.ts';
import type { Scenario } from '../sim/scenario.ts';
import type { Print, Run } from './usage.ts';
import { UsageError, wholeNumber } from './usage.ts';

/** One run: a random fleet, or a named scenario. */
export interface SoakJob {
  readonly seed: number;
  readonly name?: string;
  readonly engine: 'store' | 'sdk';
}

export interface SoakResult {
  readonly job: SoakJob;
  readonly drains: number;
  readonly violations: readonly Violation[];
}

interface SoakOptions {
  readonly seeds: string;
  readonly from?: string;
  readonly scenarios?: string;
  readonly engine: string;
}

/** More failures than this say nothing new. */
const MOST_FAILURES = 5;
/** How many smaller scenarios are tried to find the smallest that still fails. */
const MOST_TRIALS = 80;

export function addSoak(program: Command, run: Run, print: Print): void {
  program
    .command('soak')
    .description('random fleets, events and faults, a seed each: nothing unsafe may happen, and everything must end')
    .option('--seeds <number>', 'how many', '100')
    .option('--from <number>', 'the first of them; fresh ones unless given')
    .option('--scenarios <names>', 'named scenarios instead, separated by commas, or all')
    .option('--engine <name>', 'store (fast) or sdk (the real durable execution SDK)', 'store')
    .action((options: SoakOptions) => run(soak(options, print)));
}

/**
 * Random fleets, events and faults, a seed each, on every core; or named scenarios, so many seeds of each. A random
 * one that fails is made as small as it gets and written to a file that `simulate` replays. Answers the exit code.
 */
async function soak(options: SoakOptions, print: Print): Promise<number> {
  const count = wholeNumber('--seeds', options.seeds, 1, 10_000_000);
  // Fresh seeds unless somebody asks for old ones: a soak that always walks the same path finds nothing new.
  const fresh = (Date.now() % 1_000_000) * 1_000;
  const first = options.from === undefined ? fresh : wholeNumber('--from', options.from, 0, 2 ** 31 - 1);
  const { engine } = options;
  if (engine !== 'store' && engine !== 'sdk') throw new UsageError(`--engine takes store or sdk, not ${engine}`);
  const seeds = Array.from({ length: count }, (_, i) => first + i);
  const jobs = namesOf(options.scenarios).flatMap((name) => seeds.map((seed): SoakJob => ({ seed, engine, ...name })));
  print(`seeds ${first} to ${first + count - 1}`);

  const failures: SoakResult[] = [];
  const progress = createProgress(jobs.length);
  await eachJob(jobs, (result) => {
    progress.done(result);
    if (result.violations.length > 0) failures.push(result);
    return failures.length < MOST_FAILURES;
  });
  progress.end();

  for (const failure of failures) print(await explain(failure));
  print(`${progress.runs()} runs, ${progress.drains()} drains, ${failures.length} failed`);
  return failures.length > 0 ? 1 : 0;
}

/** The scenarios of a comma-separated list; `all` of them; none for random fleets. */
function namesOf(list: string | undefined): { name?: string }[] {
  if (list === undefined) return [{}];
  const known = scenarioNames();
  const names = list === 'all' ? known : list.split(',');
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`no scenario ${JSON.stringify(unknown)}: there are ${known.join(', ')}`);
  return names.map((name) => ({ name }));
}

/** Deals the jobs out to a worker per core; `go` says whether to go on. */
async function eachJob(jobs: readonly SoakJob[], go: (result: SoakResult) => boolean): Promise<void> {
  const stride = Math.min(availableParallelism(), jobs.length);
  const workers = Array.from(
    { length: stride },
    (_, first) => new Worker(new URL('./soak-worker.ts', import.meta.url), { workerData: { jobs, first, stride } }),
  );
  const stop = (): void => {
    for (const worker of workers) void worker.terminate();
  };
  await Promise.all(
    workers.map(
      (worker) =>
        new Promise<void>((resolve, reject) => {
          worker.on('message', (result: SoakResult) => {
            if (!go(result)) stop();
          });
          worker.on('error', reject);
          worker.on('exit', () => resolve());
        }),
    ),
  );
}

function createProgress(count: number) {
  const startedMs = Date.now();
  let runs = 0;
  let drains = 0;
  let toldMs = startedMs;
  const isTerminal = process.stderr.isTTY;

  const tell = (end: string): void => {
    const seconds = (Date.now() - startedMs) / 1000;
    const rate = runs / Math.max(seconds, 0.001);
    const left = Math.round((count - runs) / Math.max(rate, 0.001));
    process.stderr.write(`${runs} of ${count} runs, ${rate.toFixed(1)} a second, ${left} s left${end}`);
  };
  return {
    done(result: SoakResult) {
      runs += 1;
      drains += result.drains;
      if (Date.now() - toldMs < (isTerminal ? 500 : 30_000)) return;
      toldMs = Date.now();
      tell(isTerminal ? '   \r' : '\n');
    },
    end: () => tell('\n'),
    runs: () => runs,
    drains: () => drains,
  };
}

/** The failure as people can use it: seed, rule, the smallest scenario that shows it, and what happened in it. */
async function explain({ job: { seed, name }, violations }: SoakResult): Promise<string> {
  const [violation] = violations;
  if (name !== undefined) {
    const replay = `npx --no-install ecs-drain simulate --scenario ${name} --seed ${seed}`;
    return `${name}, seed ${seed}: ${violation?.rule} ${violation?.instanceId ?? ''} ${violation?.because}\n  replay: ${replay}`;
  }
  if (violation === undefined || violation.rule === 'crashed') return `seed ${seed} crashed: ${violation?.because}`;
  const { scenario, trace } = await shrink(randomScenario(seed), seed, violation.rule);
  const file = `soak-${seed}.json`;
  writeFileSync(file, `${JSON.stringify(scenario, null, 2)}\n`);
  return [
    `seed ${seed} broke ${violation.rule}: ${violation.because}`,
    ...trace.map((line) => `  ${line}`),
    `  replay: npx --no-install ecs-drain simulate --scenario ${file} --seed ${seed}`,
  ].join('\n');
}

/** Leaves out, one after the other, whatever the failure does not need. */
async function shrink(whole: Scenario, seed: number, rule: string): Promise<{ scenario: Scenario; trace: string[] }> {
  const bundles = await loadBundles();
  const attempt = async (scenario: Scenario): Promise<string[] | undefined> => {
    const trace: string[] = [];
    const { report, region } = await run(scenario, seed, {
      bundles,
      engine: 'store',
      watch: ({ world }) =>
        world.on((event) => {
          const at = `${world.clock.nowSeconds().toFixed(1)} s`;
          if (event.kind === 'said')
            trace.push(`${at}  ${event.executionName.slice(0, 19)} ${event.fields['move']}: ${event.message}`);
          if (event.kind === 'hook-finished')
            trace.push(`${at}  ${event.instanceId} hook ${event.hook} ended ${event.result} by ${event.by}`);
          if (event.kind === 'instance-terminated') trace.push(`${at}  ${event.instanceId} is gone`);
        }),
    });
    const broken = report.violations.find((violation) => violation.rule === rule);
    const about = broken?.instanceId;
    return (
      broken && [
        ...trace.filter((line) => about === undefined || line.includes(about)),
        `${region.world.clock.nowSeconds()} s  ${broken.because}`,
      ]
    );
  };

  let scenario = whole;
  let trace = (await attempt(whole)) ?? [];
  let trials = 0;
  for (let again = true; again && trials < MOST_TRIALS; ) {
    again = false;
    for (const smaller of smallerThan(scenario)) {
      trials += 1;
      const shown = await attempt(smaller).catch(() => undefined);
      if (shown === undefined) continue;
      scenario = smaller;
      trace = shown;
      again = true;
      break;
    }
  }
  return { scenario, trace: trace.slice(-40) };
}

function* smallerThan(scenario: Scenario): Generator<Scenario> {
  for (const i of scenario.events.keys()) yield { ...scenario, events: scenario.events.toSpliced(i, 1) };
  for (const [name, value] of Object.entries(scenario.faults)) {
    if (value > 0) yield { ...scenario, faults: { ...scenario.faults, [name]: 0 } };
  }
  for (const [i, cluster] of scenario.clusters.entries()) {
    for (const n of cluster.services.keys()) {
      const services = cluster.services.toSpliced(n, 1);
      yield { ...scenario, clusters: scenario.clusters.with(i, { ...cluster, services }) };
    }
  }
}
