import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Bundles } from './bundles.ts';
import { overlay } from './bundles.ts';
import { deploy, FUNCTIONS, functionEnvironment, WATCH_SECONDS } from './deploy.ts';
import type { ExecutionRecord } from './execution.ts';
import type { Handles, Region } from './region.ts';
import { createRegion } from './region.ts';
import type { InstanceReport, Report } from './report.ts';
import { instanceReport, rolloutReport } from './report.ts';
import type { Scenario } from './scenario.ts';
import { parseScenario } from './scenario.ts';
import { installVirtualTime, runWorld } from './virtual-time.ts';

export type { Bundles } from './bundles.ts';
export { loadBundles } from './bundles.ts';

const scenarioFolder = new URL('./scenarios/', import.meta.url);

export function scenarioNames(): string[] {
  return readdirSync(scenarioFolder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
}

/** A named scenario, or the file at that path. @throws ScenarioError, or Node's own error when there is no such file. */
export function readScenario(nameOrPath: string): Scenario {
  const path = scenarioNames().includes(nameOrPath)
    ? fileURLToPath(new URL(`${nameOrPath}.json`, scenarioFolder))
    : nameOrPath;
  return parseScenario(readFileSync(path, 'utf8'), nameOrPath);
}

/** After everything has ended, the world goes on for a while: late duplicates and afterthoughts must find nothing to do. */
const AFTERMATH_SECONDS = 300;

export interface RunOptions extends Handles {
  readonly bundles: Bundles;
}

export interface Run {
  readonly report: Report;
  readonly region: Region;
}

/** One run in virtual time, the built bundles deployed into the scenario's region. Same scenario and seed, same report. */
export async function run(scenario: Scenario, seed: number, { bundles, ...handles }: RunOptions): Promise<Run> {
  const region = createRegion(scenario, seed, handles);
  const leave = inhabit(region, bundles);
  try {
    await runWorld(region.world, untilQuiet(region));
  } finally {
    leave();
  }
  return { report: writeReport(region, seed), region };
}

/** Makes this process the region's own, by its clock and its environment, and deploys our functions; the answer undoes it. */
export function inhabit(region: Region, bundles: Bundles): () => void {
  const uninstall = installVirtualTime(region.world);
  const restore = overlay(process.env, functionEnvironment(region));
  deploy(region, bundles);
  return () => {
    restore();
    uninstall();
  };
}

/** True when the scenario's time is up, or everything it started has ended and stayed so for a while. */
function untilQuiet({ world, scenario }: Region): () => boolean {
  let open = 0;
  // What AWS releases is only seen by the next look.
  const unseen = scenario.amiWatch ? WATCH_SECONDS : 0;
  let quietSinceSeconds = Math.max(
    0,
    ...scenario.events.map((event) => event.atSeconds + (event.release ? unseen : 0)),
  );
  world.on((event) => {
    if (event.kind === 'hook-waiting') open += 1;
    if (event.kind === 'hook-finished') open -= 1;
    if (event.kind === 'execution') open += event.status === 'RUNNING' ? 1 : -1;
    // A look that failed is made up for by the next one.
    if (event.kind === 'dead-letter' && event.functionName === FUNCTIONS.amiWatch)
      quietSinceSeconds = Math.max(quietSinceSeconds, world.clock.nowSeconds() + unseen);
    if (event.kind !== 'task') quietSinceSeconds = Math.max(quietSinceSeconds, world.clock.nowSeconds());
  });
  return () => {
    const now = world.clock.nowSeconds();
    return now >= scenario.durationSeconds || (open === 0 && now - quietSinceSeconds >= AFTERMATH_SECONDS);
  };
}

function writeReport(region: Region, seed: number): Report {
  const { audit, meter, lambda, scenario } = region;
  const executions = lambda.executions();
  const { peak, mean30 } = meter.readsPerSecond();
  const violations = audit.finish(executions);
  return {
    schema: 1,
    scenario: scenario.name,
    seed,
    instances: instancesOf(region, executions),
    calls: Object.fromEntries(Object.entries(meter.calls).sort(([a], [b]) => (a < b ? -1 : 1))),
    peakEcsReadsPerSecond: peak,
    meanEcsReadsPerSecond30: mean30,
    billedMs: lambda.totals().reduce((sum, { billedMs }) => sum + billedMs, 0),
    durableOperations: executions.reduce((sum, { operations }) => sum + operations, 0),
    alerts: meter.alerts,
    ...(scenario.amiWatch ? { announcements: meter.announcements } : {}),
    ...(scenario.rollouts
      ? { rollouts: executions.filter(({ functionName }) => functionName === FUNCTIONS.amiUpdate).map(rolloutReport) }
      : {}),
    violations,
  };
}

/** Every instance that a hook of ours held, and every other that a drain was started for. */
function instancesOf({ audit }: Region, executions: readonly ExecutionRecord[]): InstanceReport[] {
  const drains = executions.filter(({ functionName }) => functionName === FUNCTIONS.drain);
  const requests = drains.map((execution) => ({ execution, request: JSON.parse(execution.input) }));
  const held = audit.departures.map((departure) => {
    const own = requests.filter(({ request }) => request.token === departure.token);
    return instanceReport(departure, outcomeOf(own.at(-1)?.execution));
  });
  const free = requests
    .filter(({ request }) => request.token === undefined)
    .map(({ request, execution }) => instanceReport(audit.drainOf(request.instanceId), outcomeOf(execution)));
  return [...held, ...free];
}

/** What an execution says of its end. */
function outcomeOf(execution: ExecutionRecord | undefined): string {
  const result = execution?.status === 'SUCCEEDED' ? (execution.result as { outcome?: unknown }) : {};
  return typeof result.outcome === 'string' ? result.outcome : 'failed';
}
