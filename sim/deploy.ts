import type { Bundles } from './bundles.ts';
import type { EventPattern } from './event-pattern.ts';
import { order, orderRollout } from './operators.ts';
import type { Region } from './region.ts';
import { lambdaEnvironment } from './virtual-time.ts';

export const FUNCTIONS = {
  intake: 'ecs-drain-intake',
  drain: 'ecs-drain-drain',
  amiWatch: 'ecs-drain-ami-watch',
  amiUpdate: 'ecs-drain-ami-update',
} as const;

/** How often the stack looks for new AMIs. */
export const WATCH_SECONDS = 3_600;

/** What the stack sets for its functions, in the region of this run. */
export function functionEnvironment(region: Region): Record<string, string> {
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

/** Rollouts are deployed only where the scenario has them. */
function deployedIn({ scenario }: Region): string[] {
  return Object.values(FUNCTIONS).filter((name) => scenario.rollouts || name !== FUNCTIONS.amiUpdate);
}

/** Registers our functions in the region, and what leads to them: topics, rules, a schedule, people's orders. */
export function deploy(region: Region, bundles: Bundles): void {
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
    timeoutSeconds: 90,
    handler: onDemand(() => bundles.intake.create(platform)),
    ...sizes,
  });
  lambda.register({
    name: FUNCTIONS.amiWatch,
    durable: false,
    timeoutSeconds: 120,
    handler: onDemand(() => bundles.amiWatch.create(platform)),
    ...sizes,
  });
  lambda.register({
    name: FUNCTIONS.drain,
    alias: 'durable',
    durable: region.scenario.stack.durable,
    timeoutSeconds: 120,
    handler: onDemand(() => bundles.drain.create(platform)),
    core: onDemand(() => bundles.drain.connect(platform)),
    ...sizes,
  });
  if (!region.scenario.rollouts) return;
  lambda.register({
    name: FUNCTIONS.amiUpdate,
    alias: 'durable',
    durable: true,
    timeoutSeconds: 120,
    handler: onDemand(() => bundles.amiUpdate.create(platform)),
    core: onDemand(() => bundles.amiUpdate.connect(platform)),
    ...sizes,
  });
}

/** Made when it is called first: most runs call one or two of them, and the clients of each take longer than its calls. */
function onDemand<A extends unknown[], R>(make: () => (...args: A) => R): (...args: A) => R {
  let made: ((...args: A) => R) | undefined;
  return (...args) => {
    made ??= make();
    return made(...args);
  };
}

/** Names of our hooks without a target. */
function byEvent({ scenario }: Region): string[] {
  return scenario.hooks.filter((hook) => hook.ours && hook.byEvent).map(({ name }) => name);
}

/** By the id that each has in the stack's template, whose patterns these are; test/stack/rules.test.ts compares them. */
export function rulesOf(region: Region): Record<string, EventPattern> {
  const { world, scenario } = region;
  const [prefix] = byEvent(region);
  const arnsOf = (name: string) => {
    const arn = `arn:aws:lambda:${world.region}:${world.accountId}:function:${name}`;
    return [arn, { prefix: `${arn}:` }] as const;
  };
  return {
    // Hooks with a target of their own are told of by SNS: the rule is for those without.
    ...(prefix === undefined
      ? {}
      : {
          HookRule: {
            source: ['aws.autoscaling'],
            'detail-type': ['EC2 Instance-terminate Lifecycle Action'],
            detail: { LifecycleHookName: [{ prefix }] },
          },
        }),
    SpotRule: { source: ['aws.ec2'], 'detail-type': ['EC2 Spot Instance Interruption Warning'] },
    RebalanceRule: { source: ['aws.ec2'], 'detail-type': ['EC2 Instance Rebalance Recommendation'] },
    MaintenanceRule: {
      source: ['aws.health'],
      'detail-type': ['AWS Health Event'],
      detail: { service: ['EC2'], eventTypeCategory: ['scheduledChange'], eventRegion: [world.region] },
    },
    FailedDrainRule: {
      source: ['aws.lambda'],
      'detail-type': ['Durable Execution Status Change'],
      detail: {
        status: ['FAILED', 'TIMED_OUT'],
        functionArn: [...arnsOf(FUNCTIONS.drain), ...arnsOf(FUNCTIONS.amiUpdate)],
      },
    },
    ...(scenario.rollouts
      ? {
          VerifiedRule: {
            source: ['aws.ssm'],
            'detail-type': ['Parameter Store Change'],
            detail: { operation: ['Create', 'Update'], name: [{ prefix: '/ecs-drain/verified/' }] },
          },
        }
      : {}),
  };
}
