import * as z from 'zod/mini';
import { DrainRequest, type LifecycleRequest } from './request.ts';

/**
 * What somebody told us: a closed union. Anything that does not ask for a drain is `ignored`, with the reason, so that
 * an unknown message can neither start something nor block the messages beside it.
 */
export type Notice = DrainRequest | Ignored;

export interface Ignored {
  readonly kind: 'ignored';
  /** `debug`: expected on such a topic. `warn`: somebody should look at who sends it. */
  readonly level: 'debug' | 'warn';
  readonly because: string;
}

/** SNS itself stops at 256 KiB; a real notice is under 5 KiB even with the longest metadata. */
const LONGEST_MESSAGE = 64 * 1024;

const TERMINATING = 'autoscaling:EC2_INSTANCE_TERMINATING';

/** Only what decides; further members are none of our business and may come at any time. */
const HookMessage = z.object({
  LifecycleTransition: z.string(),
  LifecycleActionToken: z.string(),
  LifecycleHookName: z.string(),
  AutoScalingGroupName: z.string(),
  EC2InstanceId: z.string(),
  AccountId: z.string(),
  Time: z.string(),
  Destination: z.optional(z.string()),
  Action: z.optional(z.string()),
  NotificationMetadata: z.optional(z.string()),
});

const Metadata = z.object({ cluster: z.string().check(z.minLength(1), z.maxLength(2048)) });

/**
 * Reads one message body, as Auto Scaling publishes it through SNS (AWS-CONTRACTS §1). Never throws.
 * @param ownAccountId the account we run in: a notice about another account's instance is not ours to act on.
 */
export function readNotice(message: unknown, ownAccountId: string): Notice {
  if (typeof message !== 'string' || message.trim() === '') return unexpected('the message is empty');
  if (message.length > LONGEST_MESSAGE)
    return unexpected(`the message has ${message.length} characters, more than any notice`);

  const body = parseJson(message);
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return unexpected('the message is not a JSON object');

  const { Event, LifecycleTransition } = body as Record<string, unknown>;
  if (Event === 'autoscaling:TEST_NOTIFICATION') return expected('a test notification: the hook or group can reach us');
  if (typeof Event === 'string')
    return expected(`a plain group notification (${quoted(Event)}), not a lifecycle hook's`);
  if (LifecycleTransition === undefined)
    return unexpected('not a message that we know: it names no lifecycle transition');
  return readHook(body, ownAccountId);
}

/** Reads the members of a hook's notice; the SNS message and the EventBridge detail have the same. */
export function readHook(members: object, ownAccountId: string): Notice {
  const { LifecycleTransition } = members as Record<string, unknown>;
  if (typeof LifecycleTransition === 'string' && LifecycleTransition !== TERMINATING) {
    return expected(`the transition is ${quoted(LifecycleTransition)}, not a termination`);
  }
  const parsed = HookMessage.safeParse(members);
  if (!parsed.success) return unexpected(`a termination notice with wrong members: ${mistakes(parsed.error)}`);
  const hook = parsed.data;
  if (hook.EC2InstanceId.startsWith('mi-'))
    return unexpected('an external instance (mi-…): no group of ours can hold it');
  if (hook.AccountId !== ownAccountId)
    return unexpected(`the notice is of account ${quoted(hook.AccountId)}, not ours`);

  const cluster = clusterOf(hook.NotificationMetadata);
  const request = DrainRequest.safeParse({
    kind: 'terminating',
    instanceId: hook.EC2InstanceId,
    group: hook.AutoScalingGroupName,
    hook: hook.LifecycleHookName,
    token: hook.LifecycleActionToken,
    noticedAt: hook.Time,
    departure: departureOf(hook),
    ...(cluster === undefined ? {} : { cluster }),
  });
  return request.success
    ? request.data
    : unexpected(`a termination notice with wrong members: ${mistakes(request.error)}`);
}

function departureOf(hook: {
  Action?: string | undefined;
  Destination?: string | undefined;
}): LifecycleRequest['departure'] {
  if (hook.Action === 'ReplaceRootVolume') return 'replace-root-volume';
  return hook.Destination === 'WarmPool' ? 'warm-pool' : 'terminate';
}

/** An instance's id, from the id itself or from its ARN. */
export function readInstanceId(text: string): string {
  return text.slice(text.lastIndexOf('/') + 1);
}

/** The metadata is the user's own text; it names a cluster only where it is JSON with a `cluster`. */
function clusterOf(metadata: string | undefined): string | undefined {
  if (metadata === undefined) return undefined;
  const parsed = Metadata.safeParse(parseJson(metadata));
  return parsed.success ? parsed.data.cluster : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function mistakes(error: z.core.$ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
}

/** Text from outside, made safe to stand in a log line. */
export function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}

export function expected(because: string): Ignored {
  return { kind: 'ignored', level: 'debug', because };
}

export function unexpected(because: string): Ignored {
  return { kind: 'ignored', level: 'warn', because };
}
