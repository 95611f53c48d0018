import * as z from 'zod/mini';
import type { Notice } from './notice.ts';
import { expected, mistakes, quoted, readHook, readInstanceId, unexpected } from './notice.ts';
import { DrainRequest } from './request.ts';

const Envelope = z.object({
  source: z.string(),
  'detail-type': z.string(),
  account: z.string(),
  region: z.string(),
  id: z.string().check(z.regex(/^[A-Za-z0-9-]{1,40}$/)),
  time: z.string(),
  detail: z.record(z.string(), z.unknown()),
});
type Envelope = z.infer<typeof Envelope>;

/** True for what EventBridge delivers; SNS delivers `Records`. */
export function isEvent(event: unknown): boolean {
  return typeof event === 'object' && event !== null && 'detail-type' in event;
}

/**
 * Reads one EventBridge event. A Health event can speak of many instances, hence a list; nothing to do is an
 * `ignored`, with the reason. Never throws.
 */
export function readEvent(event: unknown, ownAccountId: string): Notice[] {
  const parsed = Envelope.safeParse(event);
  if (!parsed.success) return [unexpected(`an event with wrong members: ${mistakes(parsed.error)}`)];
  const envelope = parsed.data;
  if (envelope.account !== ownAccountId)
    return [unexpected(`the event is of account ${quoted(envelope.account)}, not ours`)];
  switch (`${envelope.source} ${envelope['detail-type']}`) {
    case 'aws.autoscaling EC2 Instance-terminate Lifecycle Action':
      return [readHook({ AccountId: envelope.account, Time: envelope.time, ...envelope.detail }, ownAccountId)];
    case 'aws.ec2 EC2 Spot Instance Interruption Warning':
      return [readInterruption(envelope)];
    case 'aws.ec2 EC2 Instance Rebalance Recommendation':
      return [
        requestOf({
          kind: 'rebalance',
          instanceId: envelope.detail['instance-id'],
          noticedAt: envelope.time,
          id: envelope.id,
        }),
      ];
    case 'aws.health AWS Health Event':
      return readHealth(envelope);
    default:
      return [unexpected(`not an event that we know: ${quoted(`${envelope.source} ${envelope['detail-type']}`)}`)];
  }
}

/** AWS-CONTRACTS §6: hibernate, stop or terminate, about two minutes from now. */
function readInterruption({ detail, time, id }: Envelope): Notice {
  return requestOf({
    kind: 'spot-interruption',
    instanceId: detail['instance-id'],
    action: detail['instance-action'],
    noticedAt: time,
    id,
  });
}

const Health = z.object({
  eventTypeCode: z.string(),
  eventTypeCategory: z.string(),
  service: z.string(),
  statusCode: z._default(z.string(), 'open'),
  communicationId: z.string(),
  startTime: z.string(),
  endTime: z.optional(z.string()),
  affectedAccount: z.optional(z.string()),
  affectedEntities: z._default(z.array(z.object({ entityValue: z.string() })), []),
});

/** AWS-CONTRACTS §8: what will happen to the instance, by the code's words. */
const CHANGES = [
  [/^AWS_EC2_INSTANCE_REBOOT_|^AWS_EC2_SYSTEM_REBOOT_|_REBOOT_MAINTENANCE_SCHEDULED$/, 'reboot'],
  [/^AWS_EC2_INSTANCE_(RETIREMENT|STOP|TERMINATION)_SCHEDULED$|_RETIREMENT_SCHEDULED$/, 'leave'],
] as const;

/** Most instances that one event names: a page of AWS Health has ten, and nothing here is unbounded. */
const MOST_ENTITIES = 100;

function readHealth({ detail, time, account }: Envelope): Notice[] {
  const parsed = Health.safeParse(detail);
  if (!parsed.success) return [unexpected(`a Health event with wrong members: ${mistakes(parsed.error)}`)];
  const event = parsed.data;
  if (event.service !== 'EC2' || event.eventTypeCategory !== 'scheduledChange') {
    return [expected(`a Health event that schedules nothing for an instance: ${quoted(event.eventTypeCode)}`)];
  }
  // Where Health looks after an organization, other accounts' events come to us as well.
  if (event.affectedAccount !== undefined && event.affectedAccount !== account)
    return [expected(`a Health event about account ${quoted(event.affectedAccount)}, not ours`)];
  if (event.affectedEntities.length === 0) return [expected('a Health event that names no instance')];
  if (event.statusCode === 'closed') return [expected('a Health event that is over')];
  const change = CHANGES.find(([pattern]) => pattern.test(event.eventTypeCode))?.[1];
  if (change === undefined)
    return [expected(`a scheduled change that takes no task away: ${quoted(event.eventTypeCode)}`)];
  const startsAt = isoTime(event.startTime);
  if (startsAt === undefined) return [unexpected(`a Health event whose start is no time: ${quoted(event.startTime)}`)];
  const endsAt = event.endTime === undefined ? undefined : isoTime(event.endTime);

  return event.affectedEntities.slice(0, MOST_ENTITIES).map(({ entityValue }) =>
    requestOf({
      kind: 'maintenance',
      instanceId: readInstanceId(entityValue),
      change,
      startsAt,
      ...(endsAt === undefined ? {} : { endsAt }),
      noticedAt: time,
      // Pages and the copy in the backup region repeat the communication; the same one is the same request.
      id: `health-${hash(`${event.communicationId} ${event.affectedAccount ?? ''}`)}`,
    }),
  );
}

/** Health writes RFC 1123 (AWS-CONTRACTS §8); ISO 8601 is understood as well. */
function isoTime(text: string): string | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}

/** FNV-1a, 32 bits, as eight digits: an id short enough for an execution's name. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (const char of text) value = Math.imul(value ^ (char.codePointAt(0) ?? 0), 0x01000193);
  return (value >>> 0).toString(16).padStart(8, '0');
}

function requestOf(candidate: object): Notice {
  const request = DrainRequest.safeParse(candidate);
  return request.success ? request.data : unexpected(`a notice with wrong members: ${mistakes(request.error)}`);
}
