import * as z from 'zod/mini';

const instanceId = z.string().check(z.regex(/^i-[0-9a-f]{8,17}$/, 'not the id of an EC2 instance'));
/** How an execution is named that was started again (restart.ts); no request may be named so from the start. */
const unlikeRestart = z.regex(/^(?!(.*-)?r\d+$)/, 'must not end in -r and a number, as restarts do, nor be that');
/** Tells one occasion from another; part of the execution's name, hence the narrow alphabet. */
const occasion = z
  .string()
  .check(z.regex(/^[A-Za-z0-9-]{1,40}$/, 'must be up to 40 letters, digits and hyphens'), unlikeRestart);
const cluster = z.string().check(z.minLength(1), z.maxLength(2048));
/** ISO 8601. Heartbeats and deadlines count from it. */
const noticedAt = z.iso.datetime();

/** A group's hook holds the instance until we complete the action. */
export const LifecycleRequest = z.readonly(
  z.strictObject({
    kind: z.literal('terminating'),
    instanceId,
    noticedAt,
    group: z.string().check(z.minLength(1), z.maxLength(255)),
    hook: z.string().check(z.minLength(1), z.maxLength(255)),
    /** 36 characters in practice (AWS-CONTRACTS §1). */
    token: z.string().check(z.regex(/^[A-Za-z0-9-]{8,40}$/, 'not a lifecycle action token'), unlikeRestart),
    /** What happens to the instance after the hook. */
    departure: z.enum(['terminate', 'warm-pool', 'replace-root-volume']),
    /** From the hook's NotificationMetadata, when it names one. */
    cluster: z.optional(cluster),
  }),
);
export type LifecycleRequest = z.infer<typeof LifecycleRequest>;

/** EC2 takes the instance in about two minutes, whatever we do. */
const SpotRequest = z.readonly(
  z.strictObject({
    kind: z.literal('spot-interruption'),
    instanceId,
    noticedAt,
    id: occasion,
    action: z.enum(['hibernate', 'stop', 'terminate']),
  }),
);

/** The instance may be interrupted some day; it does not leave yet. */
const RebalanceRequest = z.readonly(
  z.strictObject({ kind: z.literal('rebalance'), instanceId, noticedAt, id: occasion }),
);

/** AWS will reboot the instance, or take it (`leave`: retire, stop or terminate it), at a time of its choice. */
const MaintenanceRequest = z.readonly(
  z.strictObject({
    kind: z.literal('maintenance'),
    instanceId,
    noticedAt,
    id: occasion,
    change: z.enum(['reboot', 'leave']),
    startsAt: z.iso.datetime(),
    endsAt: z.optional(z.iso.datetime()),
  }),
);

/** Somebody who may invoke the function wants the instance drained, and nothing else done to it. */
export const OrderedRequest = z.readonly(
  z.strictObject({
    kind: z.literal('ordered'),
    instanceId,
    noticedAt,
    id: occasion,
    by: z.string().check(z.minLength(1), z.maxLength(100)),
    reason: z.string().check(z.minLength(1), z.maxLength(500)),
    /** From `noticedAt`; the policy's where it is not given. */
    deadlineSeconds: z.optional(z.int().check(z.gte(60), z.lte(1_209_600))),
    cluster: z.optional(cluster),
  }),
);

/**
 * The canonical request for one drain, and the durable execution's input. It is made from the notice alone: no receipt
 * data and no clock of ours, so a message delivered twice makes the same request twice.
 */
export const DrainRequest = z.discriminatedUnion('kind', [
  LifecycleRequest,
  SpotRequest,
  RebalanceRequest,
  MaintenanceRequest,
  OrderedRequest,
]);
export type DrainRequest = z.infer<typeof DrainRequest>;

/**
 * The name under which a request is started; a duplicate therefore joins. At most 60 characters of `[A-Za-z0-9-]`,
 * which leaves room for a restart's suffix within the 64 that Lambda allows (AWS-CONTRACTS §7).
 */
export function executionName(request: DrainRequest): string {
  return `${request.instanceId}-${request.kind === 'terminating' ? request.token : request.id}`;
}
