import * as z from 'zod/mini';

/** How a drain behaves where AWS leaves a choice. All durations in seconds. */
export interface DrainPolicy {
  /** Counted from the notice. Never later than five minutes before the hook's global timeout, whatever is set here. */
  readonly deadlineSeconds: number;
  /** Without progress for this long, people are told, and why. */
  readonly stuckAfterSeconds: number;
  /** What the lifecycle action is completed with when the deadline comes before the last task's stop. */
  readonly atDeadline: 'CONTINUE' | 'ABANDON';
}

export interface DrainConfig {
  readonly alertTopicArn: string;
  /** Where to look for an instance whose notice names no cluster. Empty: in every cluster of the region. */
  readonly clusters: readonly string[];
  readonly policy: DrainPolicy;
}

export interface IntakeConfig {
  /** Qualified: a durable function answers only to a version or alias (AWS-CONTRACTS §7). */
  readonly drainFunctionArn: string;
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

const wholeSeconds = (least: number, most: number, otherwise: number) =>
  z.pipe(
    z._default(z.string(), String(otherwise)),
    z.pipe(
      z.string().check(z.regex(/^\d{1,9}$/, `must be a whole number of seconds from ${least} to ${most}`)),
      z.pipe(
        z.transform((text: string) => Number(text)),
        z
          .number()
          .check(z.gte(least, `must be at least ${least} seconds`), z.lte(most, `must be at most ${most} seconds`)),
      ),
    ),
  );

const arn = (service: string, example: string) =>
  z
    .string(`is missing: give an ARN like ${example}`)
    .check(z.regex(new RegExp(`^arn:aws[a-z-]*:${service}:[a-z0-9-]+:\\d{12}:.+$`), `must be an ARN like ${example}`));

/** 48 hours: no hook lasts longer (AWS-CONTRACTS §1). */
const LONGEST_HOOK_SECONDS = 172_800;

const DrainEnvironment = z.object({
  ALERT_TOPIC_ARN: arn('sns', 'arn:aws:sns:eu-west-1:123456789012:alerts'),
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
  AT_DEADLINE: z._default(z.enum(['CONTINUE', 'ABANDON'], 'must be CONTINUE or ABANDON'), 'CONTINUE'),
});

const IntakeEnvironment = z.object({
  DRAIN_FUNCTION_ARN: z
    .string('is missing: give the qualified ARN of the drain function')
    .check(
      z.regex(
        /^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]+:[A-Za-z0-9_$-]+$/,
        'must be a function ARN with a version or alias, like arn:aws:lambda:eu-west-1:123456789012:function:drain:durable',
      ),
    ),
});

/** @throws ConfigError naming every mistake at once. */
export function readDrainConfig(environment: Environment): DrainConfig {
  const settings = read(DrainEnvironment, environment);
  return {
    alertTopicArn: settings.ALERT_TOPIC_ARN,
    clusters: settings.CLUSTERS === '' ? [] : settings.CLUSTERS.split(','),
    policy: {
      deadlineSeconds: settings.DRAIN_DEADLINE_SECONDS,
      stuckAfterSeconds: settings.STUCK_AFTER_SECONDS,
      atDeadline: settings.AT_DEADLINE,
    },
  };
}

/** @throws ConfigError naming every mistake at once. */
export function readIntakeConfig(environment: Environment): IntakeConfig {
  return { drainFunctionArn: read(IntakeEnvironment, environment).DRAIN_FUNCTION_ARN };
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
