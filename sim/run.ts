import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Core } from './checkpoint-store.ts';
import type { EventPattern } from './event-pattern.ts';
import type { ExecutionRecord } from './execution.ts';
import { order, orderRollout } from './operators.ts';
import type { Handles, Region } from './region.ts';
import { createRegion } from './region.ts';
import type { InstanceReport, Report } from './report.ts';
import { instanceReport, rolloutReport } from './report.ts';
import type { Scenario } from './scenario.ts';
import { parseScenario } from './scenario.ts';
import { installVirtualTime, lambdaEnvironment, runWorld } from './virtual-time.ts';

/** A built bundle: what Lambda gets, and the same with its platform given from outside. */
interface Bundle {
  readonly create: (platform: {
    environment: Record<string, string>;
    requestHandler: unknown;
  }) => (event: never, context: never) => Promise<unknown>;
}

/** A durable function's bundle also exports its program without the durable SDK. */
interface DurableBundle extends Bundle {
  readonly connect: (platform: Parameters<Bundle['create']>[0]) => Core;
}

export interface Bundles {
  readonly intake: Bundle;
  readonly drain: DurableBundle;
  readonly amiWatch: Bundle;
  readonly amiUpdate: DurableBundle;
}

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

const FUNCTIONS = {
  intake: 'ecs-drain-intake',
  drain: 'ecs-drain-drain',
  amiWatch: 'ecs-drain-ami-watch',
  amiUpdate: 'ecs-drain-ami-update',
} as const;

/** How often the stack looks for new AMIs. */
const WATCH_SECONDS = 3_600;

/** What the stack sets for its functions, in the region of this run. */
function functionEnvironment(region: Region): Record<string, string> {
  const { world, scenario, alertTopicArn, lifecycleTopicArn, releaseTopicArn, switchParameter } = region;
  return {
    ...lambdaEnvironment(world),
    // What the functions log is not what the simulator prints.
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    AWS_LAMBDA_LOG_LEVEL: 'FATAL',
    METRICS: 'off',
    ALERT_TOPIC_ARN: alertTopicArn,
    LIFECYCLE_TOPIC_ARN: lifecycleTopicArn,
    HOOK_NAME_PREFIX: byEvent(region)[0] ?? '',
    SWITCH_PARAMETER: switchParameter,
    RELEASE_TOPIC_ARN: releaseTopicArn,
    SEEN_PARAMETER: '/ecs-drain/amis/seen',
    DRAIN_FUNCTION_ARN: durableArn(region, FUNCTIONS.drain),
    ...(scenario.rollouts ? { AMI_UPDATE_FUNCTION_ARN: durableArn(region, FUNCTIONS.amiUpdate) } : {}),
    PARAMETER_PREFIX: '/ecs-drain',
    ...scenario.settings,
  };
}

function durableArn({ world }: Region, name: string): string {
  return `arn:aws:lambda:${world.region}:${world.accountId}:function:${name}:durable`;
}

/** The bundles of dist/, imported once: their code is shared by all runs of this process, as an environment's is. */
export async function loadBundles(): Promise<Bundles> {
  // A bundle reads its settings when it is imported, as on Lambda; these are never used, `create` gets the run's own.
  const restore = overlay(process.env, {
    AWS_REGION: 'us-east-1',
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    ALERT_TOPIC_ARN: 'arn:aws:sns:us-east-1:123456789012:unused',
    LIFECYCLE_TOPIC_ARN: 'arn:aws:sns:us-east-1:123456789012:unused',
    DRAIN_FUNCTION_ARN: 'arn:aws:lambda:us-east-1:123456789012:function:unused:durable',
    RELEASE_TOPIC_ARN: 'arn:aws:sns:us-east-1:123456789012:unused',
    SEEN_PARAMETER: '/unused',
    AMI_UPDATE_FUNCTION_ARN: 'arn:aws:lambda:us-east-1:123456789012:function:unused:durable',
    PARAMETER_PREFIX: '/unused',
  });
  try {
    const load = async (name: string) => import(new URL(`../dist/${name}/index.mjs`, import.meta.url).href);
    return {
      intake: await load('intake'),
      drain: await load('drain'),
      amiWatch: await load('ami-watch'),
      amiUpdate: await load('ami-update'),
    };
  } finally {
    restore();
  }
}

function overlay(target: NodeJS.ProcessEnv, values: Record<string, string>): () => void {
  const before = Object.fromEntries(Object.keys(values).map((name) => [name, target[name]]));
  Object.assign(target, values);
  return () => {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete target[name];
      else target[name] = value;
    }
  };
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

/** Rollouts are deployed only where the scenario has them. */
function deployedIn({ scenario }: Region): string[] {
  return Object.values(FUNCTIONS).filter((name) => scenario.rollouts || name !== FUNCTIONS.amiUpdate);
}

function deploy(region: Region, bundles: Bundles): void {
  region.deploy = (settings) => register(region, bundles, settings);
  region.rollback = () => deployedIn(region).forEach(region.lambda.rollBack);
  region.deploy();
  region.sns.subscribe(region.lifecycleTopicArn, FUNCTIONS.intake);
  if (region.scenario.amiWatch) {
    region.sns.subscribe(region.releaseTopicArn, FUNCTIONS.intake);
    region.events.schedule('ecs-drain-ami-watch', WATCH_SECONDS, FUNCTIONS.amiWatch);
  }
  for (const [name, pattern] of Object.entries(rulesOf(region))) region.events.rule(name, pattern, FUNCTIONS.intake);
  region.order = (instanceId, reason, deadlineSeconds) =>
    order(region, FUNCTIONS.drain, instanceId, reason, deadlineSeconds);
  if (region.scenario.rollouts)
    region.rollOut = (source, groups) => orderRollout(region, FUNCTIONS.amiUpdate, source, groups);
}

function register(region: Region, bundles: Bundles, settings: Readonly<Record<string, string>> = {}): void {
  const { lambda, transport } = region;
  const environment = { ...functionEnvironment(region), ...settings };
  const platform = { environment, requestHandler: transport };
  const sizes = { memoryMb: 512, environment };
  lambda.register({
    name: FUNCTIONS.intake,
    durable: false,
    timeoutSeconds: 30,
    handler: bundles.intake.create(platform),
    ...sizes,
  });
  lambda.register({
    name: FUNCTIONS.amiWatch,
    durable: false,
    timeoutSeconds: 60,
    handler: bundles.amiWatch.create(platform),
    ...sizes,
  });
  lambda.register({
    name: FUNCTIONS.drain,
    alias: 'durable',
    durable: region.scenario.stack.durable,
    timeoutSeconds: 120,
    handler: bundles.drain.create(platform),
    core: bundles.drain.connect(platform),
    ...sizes,
  });
  if (!region.scenario.rollouts) return;
  lambda.register({
    name: FUNCTIONS.amiUpdate,
    alias: 'durable',
    durable: true,
    timeoutSeconds: 120,
    handler: bundles.amiUpdate.create(platform),
    core: bundles.amiUpdate.connect(platform),
    ...sizes,
  });
}

/** Names of our hooks without a target. */
function byEvent({ scenario }: Region): string[] {
  return scenario.hooks.filter((hook) => hook.ours && hook.byEvent).map(({ name }) => name);
}

/** The stack's rules. Hooks with a target of their own are told of by SNS: the rule is for those without. */
function rulesOf(region: Region): Record<string, EventPattern> {
  const names = byEvent(region);
  return {
    ...(names.length === 0
      ? {}
      : {
          hook: {
            source: ['aws.autoscaling'],
            'detail-type': ['EC2 Instance-terminate Lifecycle Action'],
            detail: { LifecycleHookName: names },
          },
        }),
    spot: { source: ['aws.ec2'], 'detail-type': ['EC2 Spot Instance Interruption Warning'] },
    rebalance: { source: ['aws.ec2'], 'detail-type': ['EC2 Instance Rebalance Recommendation'] },
    health: {
      source: ['aws.health'],
      'detail-type': ['AWS Health Event'],
      detail: { service: ['EC2'], eventTypeCategory: ['scheduledChange'] },
    },
    failed: {
      source: ['aws.lambda'],
      'detail-type': ['Durable Execution Status Change'],
      detail: { status: ['FAILED', 'TIMED_OUT'] },
    },
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
