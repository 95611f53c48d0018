import * as z from 'zod/mini';
import { DEFAULT_STACK } from './place.ts';

/** How a drain behaves where AWS leaves a choice. All durations in seconds. */
export interface DrainPolicy {
  /** Counted from the notice. Never later than five minutes before the hook's global timeout, whatever is set here. */
  readonly deadlineSeconds: number;
  /** Without progress for this long, people are told, and why. */
  readonly stuckAfterSeconds: number;
  /** What the lifecycle action is completed with when the deadline comes before the last task's stop. */
  readonly atDeadline: 'CONTINUE' | 'ABANDON';
  /** Standalone tasks are stopped so long after DRAINING; undefined: they are waited for. */
  readonly stopStandaloneAfterSeconds?: number;
  /** What a warning or a plan of AWS's leads to. `replace`: the instance is terminated through its group, whose hook drains it. */
  readonly spotInterruption: 'notify' | 'drain';
  readonly rebalance: 'notify' | 'drain' | 'replace';
  readonly maintenance: 'notify' | 'drain' | 'replace';
  /** How long before its scheduled maintenance an instance is drained or replaced. */
  readonly maintenanceLeadSeconds: number;
}

export interface DrainConfig {
  readonly alertTopicArn: string;
  /** A hook that notifies this topic is ours. */
  readonly lifecycleTopicArn: string;
  /** A hook that notifies nobody is ours if its name begins so; undefined: none of them is. */
  readonly hookNamePrefix: string | undefined;
  /** Where to look for an instance whose notice names no cluster. Empty: in every cluster of the region. */
  readonly clusters: readonly string[];
  /** What holds unless the switch says otherwise. */
  readonly policy: DrainPolicy;
  /** Name of the SSM parameter with the switch; undefined: there is none, and the mode is `act`. */
  readonly switchParameter: string | undefined;
  /** Whether metrics are written. */
  readonly metrics: boolean;
}

export interface IntakeConfig {
  readonly alertTopicArn: string;
  /** Qualified: a durable function answers only to a version or alias (AWS-CONTRACTS §7). */
  readonly drainFunctionArn: string;
  /** Qualified as well; undefined where nothing rolls AMIs out. */
  readonly amiUpdateFunctionArn: string | undefined;
  /** Of CloudFormation, for the commands that alerts name. */
  readonly stackName: string;
}

export interface WatchConfig {
  readonly alertTopicArn: string;
  readonly releaseTopicArn: string;
  /** Name of the SSM parameter with what was seen last. */
  readonly seenParameter: string;
  /** Which families are looked at: words of `GROUPS` in src/rollout/family.ts. */
  readonly familyGroups: readonly string[];
}

export interface RolloutConfig {
  readonly alertTopicArn: string;
  /** Hooks that notify it are ours. */
  readonly lifecycleTopicArn: string;
  /** As for drains: so begin the names of our hooks that notify nobody. */
  readonly hookNamePrefix: string | undefined;
  readonly drainFunctionArn: string;
  /** Of this function itself: each fleet is an execution of its own. */
  readonly amiUpdateFunctionArn: string;
  /** Records in which people approve, pause and cancel, and parameters with verified images, are below it: `/ecs-drain`. */
  readonly parameterPrefix: string;
  /** Of CloudFormation, for the commands that alerts name. */
  readonly stackName: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Every setting that is wrong, in one error, so that a deployment is mended once and not once per mistake. */
export class ConfigError extends Error {
  readonly mistakes: readonly string[];

  constructor(mistakes: readonly string[]) {
    super(`${mistakes.length} wrong setting${mistakes.length === 1 ? '' : 's'}: ${mistakes.join('; ')}`);
    this.name = 'ConfigError';
    this.mistakes = mistakes;
  }
}

const seconds = (least: number, most: number) =>
  z.pipe(
    z.string().check(z.regex(/^\d{1,9}$/, `must be a whole number of seconds from ${least} to ${most}`)),
    z.pipe(
      z.transform((text: string) => Number(text)),
      z
        .number()
        .check(z.gte(least, `must be at least ${least} seconds`), z.lte(most, `must be at most ${most} seconds`)),
    ),
  );

const wholeSeconds = (least: number, most: number, otherwise: number) =>
  z.pipe(z._default(z.string(), String(otherwise)), seconds(least, most));

const arn = (service: string, example: string) =>
  z
    .string(`is missing: give an ARN like ${example}`)
    .check(z.regex(new RegExp(`^arn:aws[a-z-]*:${service}:[a-z0-9-]+:\\d{12}:.+$`), `must be an ARN like ${example}`));

/** A FIFO topic wants a group and an order that alerts do not have. */
const alertTopic = arn('sns', 'arn:aws:sns:eu-west-1:123456789012:alerts').check(
  z.refine((text) => !text.endsWith('.fifo'), 'must be a standard topic, not a FIFO one'),
);

const choice = <const T extends readonly [string, ...string[]]>(options: T, otherwise: T[number]) =>
  z._default(z.enum(options, `must be one of ${options.join(', ')}`), otherwise as never);

/** 48 hours: no hook lasts longer (AWS-CONTRACTS §1). */
const LONGEST_HOOK_SECONDS = 172_800;

const parameterName = (example: string) =>
  z.regex(/^\/[A-Za-z0-9_./-]{1,1000}$/, `must be the name of an SSM parameter, like ${example}`);

/** A word of one or two letters would be everybody's hooks. */
const hookNamePrefix = z.pipe(
  z._default(
    z.string().check(z.regex(/^$|^[A-Za-z0-9_./-]{3,255}$/, 'must be at least three characters of the name of a hook')),
    '',
  ),
  z.transform((text: string) => (text === '' ? undefined : text)),
);

const DrainEnvironment = z.object({
  ALERT_TOPIC_ARN: alertTopic,
  LIFECYCLE_TOPIC_ARN: arn('sns', 'arn:aws:sns:eu-west-1:123456789012:lifecycle'),
  HOOK_NAME_PREFIX: hookNamePrefix,
  CLUSTERS: z._default(
    z
      .string()
      .check(
        z.regex(/^$|^[A-Za-z0-9:/_-]+(,[A-Za-z0-9:/_-]+)*$/, 'must be cluster names or ARNs, separated by commas'),
      ),
    '',
  ),
  // 50 minutes: inside the hour without progress after which an instance refresh fails (AWS-CONTRACTS §5).
  DRAIN_DEADLINE_SECONDS: wholeSeconds(60, LONGEST_HOOK_SECONDS - 300, 3000),
  STUCK_AFTER_SECONDS: wholeSeconds(60, LONGEST_HOOK_SECONDS, 600),
  AT_DEADLINE: choice(['CONTINUE', 'ABANDON'], 'CONTINUE'),
  STOP_STANDALONE_AFTER_SECONDS: z.optional(seconds(0, LONGEST_HOOK_SECONDS)),
  ON_SPOT_INTERRUPTION: choice(['notify', 'drain'], 'drain'),
  ON_REBALANCE: choice(['notify', 'drain', 'replace'], 'notify'),
  ON_MAINTENANCE: choice(['notify', 'drain', 'replace'], 'notify'),
  MAINTENANCE_LEAD_SECONDS: wholeSeconds(0, 1_209_600, 86_400),
  METRICS: choice(['on', 'off'], 'on'),
  SWITCH_PARAMETER: z.optional(z.string().check(parameterName('/ecs-drain/switch'))),
});

/** In the commands that alerts name: where it is the usual one, they do not. */
const stackName = z._default(
  z.string().check(z.regex(/^[A-Za-z][A-Za-z0-9-]{0,127}$/, 'must be the name of a CloudFormation stack')),
  DEFAULT_STACK,
);

const FUNCTION_ARN = /^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]+:[A-Za-z0-9_$-]+$/;

const qualified = (example: string) =>
  z.regex(FUNCTION_ARN, `must be a function ARN with a version or alias, like ${example}`);

const IntakeEnvironment = z.object({
  ALERT_TOPIC_ARN: alertTopic,
  DRAIN_FUNCTION_ARN: z
    .string('is missing: give the qualified ARN of the drain function')
    .check(qualified('arn:aws:lambda:eu-west-1:123456789012:function:drain:durable')),
  AMI_UPDATE_FUNCTION_ARN: z.optional(
    z.string().check(qualified('arn:aws:lambda:eu-west-1:123456789012:function:ami-update:durable')),
  ),
  STACK_NAME: stackName,
});

const FAMILY_GROUPS = 'supported|al2023|bottlerocket|bottlerocket-1|al2|al1|windows';

const WatchEnvironment = z.object({
  ALERT_TOPIC_ARN: alertTopic,
  RELEASE_TOPIC_ARN: arn('sns', 'arn:aws:sns:eu-west-1:123456789012:ecs-drain-ami-releases'),
  SEEN_PARAMETER: z
    .string('is missing: give the name of an SSM parameter')
    .check(parameterName('/ecs-drain/amis/seen')),
  AMI_FAMILIES: z._default(
    z
      .string()
      .check(
        z.regex(
          new RegExp(`^(${FAMILY_GROUPS})(,(${FAMILY_GROUPS}))*$`),
          `must be some of ${FAMILY_GROUPS.split('|').join(', ')}, separated by commas`,
        ),
      ),
    'supported',
  ),
});

const functionArn = (name: string) =>
  z
    .string(`is missing: give the qualified ARN of the ${name} function`)
    .check(qualified(`arn:aws:lambda:eu-west-1:123456789012:function:${name}:durable`));

const RolloutEnvironment = z.object({
  ALERT_TOPIC_ARN: alertTopic,
  LIFECYCLE_TOPIC_ARN: arn('sns', 'arn:aws:sns:eu-west-1:123456789012:ecs-drain-lifecycle'),
  HOOK_NAME_PREFIX: hookNamePrefix,
  DRAIN_FUNCTION_ARN: functionArn('drain'),
  AMI_UPDATE_FUNCTION_ARN: functionArn('ami-update'),
  PARAMETER_PREFIX: z.string('is missing: give the prefix of SSM parameters').check(parameterName('/ecs-drain')),
  STACK_NAME: stackName,
});

/** @throws ConfigError naming every mistake at once. */
export function readRolloutConfig(environment: Environment): RolloutConfig {
  const settings = read(RolloutEnvironment, environment);
  return {
    alertTopicArn: settings.ALERT_TOPIC_ARN,
    lifecycleTopicArn: settings.LIFECYCLE_TOPIC_ARN,
    hookNamePrefix: settings.HOOK_NAME_PREFIX,
    drainFunctionArn: settings.DRAIN_FUNCTION_ARN,
    amiUpdateFunctionArn: settings.AMI_UPDATE_FUNCTION_ARN,
    parameterPrefix: settings.PARAMETER_PREFIX,
    stackName: settings.STACK_NAME,
  };
}

/** @throws ConfigError naming every mistake at once. */
export function readDrainConfig(environment: Environment): DrainConfig {
  const settings = read(DrainEnvironment, environment);
  return {
    alertTopicArn: settings.ALERT_TOPIC_ARN,
    lifecycleTopicArn: settings.LIFECYCLE_TOPIC_ARN,
    hookNamePrefix: settings.HOOK_NAME_PREFIX,
    clusters: settings.CLUSTERS === '' ? [] : settings.CLUSTERS.split(','),
    policy: {
      deadlineSeconds: settings.DRAIN_DEADLINE_SECONDS,
      stuckAfterSeconds: settings.STUCK_AFTER_SECONDS,
      atDeadline: settings.AT_DEADLINE,
      ...(settings.STOP_STANDALONE_AFTER_SECONDS === undefined
        ? {}
        : { stopStandaloneAfterSeconds: settings.STOP_STANDALONE_AFTER_SECONDS }),
      spotInterruption: settings.ON_SPOT_INTERRUPTION,
      rebalance: settings.ON_REBALANCE,
      maintenance: settings.ON_MAINTENANCE,
      maintenanceLeadSeconds: settings.MAINTENANCE_LEAD_SECONDS,
    },
    switchParameter: settings.SWITCH_PARAMETER,
    metrics: settings.METRICS === 'on',
  };
}

/** @throws ConfigError naming every mistake at once. */
export function readIntakeConfig(environment: Environment): IntakeConfig {
  const settings = read(IntakeEnvironment, environment);
  return {
    drainFunctionArn: settings.DRAIN_FUNCTION_ARN,
    amiUpdateFunctionArn: settings.AMI_UPDATE_FUNCTION_ARN,
    alertTopicArn: settings.ALERT_TOPIC_ARN,
    stackName: settings.STACK_NAME,
  };
}

/** @throws ConfigError naming every mistake at once. */
export function readWatchConfig(environment: Environment): WatchConfig {
  const settings = read(WatchEnvironment, environment);
  return {
    alertTopicArn: settings.ALERT_TOPIC_ARN,
    releaseTopicArn: settings.RELEASE_TOPIC_ARN,
    seenParameter: settings.SEEN_PARAMETER,
    familyGroups: settings.AMI_FAMILIES.split(','),
  };
}

function read<T extends z.ZodMiniType>(schema: T, environment: Environment): z.output<T> {
  const parsed = z.safeParse(schema, environment);
  if (parsed.success) return parsed.data;
  throw new ConfigError(
    parsed.error.issues.map((issue) => {
      const name = issue.path.join('.');
      const value = environment[name];
      return value === undefined
        ? `${name} ${issue.message}`
        : `${name} ${issue.message}, not ${JSON.stringify(value)}`;
    }),
  );
}
