import * as z from 'zod/mini';

const instanceId = z.string().check(z.regex(/^i-[0-9a-f]{8,17}$/, 'not the id of an EC2 instance'));
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
    token: z.string().check(z.regex(/^[A-Za-z0-9-]{8,40}$/, 'not a lifecycle action token')),
    /** What happens to the instance after the hook. */
    departure: z.enum(['terminate', 'warm-pool', 'replace-root-volume']),
    /** From the hook's NotificationMetadata, when it names one. */
    cluster: z.optional(cluster),
  }),
);
export type LifecycleRequest = z.infer<typeof LifecycleRequest>;

/**
 * The canonical request for one drain, and the durable execution's input. It is made from the notice alone: no receipt
 * data and no clock of ours, so a message delivered twice makes the same request twice.
 */
export const DrainRequest = LifecycleRequest;
export type DrainRequest = LifecycleRequest;

/**
 * The name under which a request is started; a duplicate therefore joins. At most 60 characters of `[A-Za-z0-9-]`,
 * which leaves room for a restart's suffix within the 64 that Lambda allows (AWS-CONTRACTS §7).
 */
export function executionName(request: DrainRequest): string {
  return `${request.instanceId}-${request.token}`;
}
