import * as z from 'zod/mini';
import { familyById } from './family.ts';
import type { Hint } from './notice.ts';

const family = z.string().check(z.refine((id) => familyById(id) !== undefined, 'not a family of ECS-optimized AMIs'));
/** Becomes a part of the execution's name; the longest that AWS gives has 16 characters. */
const version = z.string().check(z.regex(/^[A-Za-z0-9.-]{1,24}$/, 'not the version of an AMI'));
/** ISO 8601: when somebody said so. Ages and windows count from what AWS's parameters say. */
const noticedAt = z.iso.datetime();

/** There may be a new image of the family; without a version, somebody should look. */
const ReleaseSeen = z.strictObject({
  kind: z.literal('release'),
  family,
  version: z.optional(version),
  noticedAt,
});

/** Somebody who may invoke the function wants the family's recommended image rolled out; also a family that has ended. */
const RollOutOrdered = z.strictObject({
  kind: z.literal('roll-out'),
  family,
  noticedAt,
  /** Tells one order from another. */
  id: z.string().check(z.regex(/^[A-Za-z0-9-]{1,24}$/, 'must be up to 24 letters, digits and hyphens')),
  by: z.string().check(z.minLength(1), z.maxLength(100)),
  reason: z.string().check(z.minLength(1), z.maxLength(500)),
});

/**
 * The canonical request for one roll-out, and the durable execution's input. Made from the message alone: no receipt
 * data and no clock of ours. It names no image, for the image comes from AWS's parameters whatever a message says.
 */
export const ReleaseRequest = z.discriminatedUnion('kind', [ReleaseSeen, RollOutOrdered]);
export type ReleaseRequest = z.infer<typeof ReleaseRequest>;
export type ReleaseSeen = z.infer<typeof ReleaseSeen>;

/** @param noticedAt when SNS took the message: the same for each delivery of it. Undefined where it cannot be read. */
export function requestOf({ family, version }: Hint, noticedAt: unknown): ReleaseSeen | undefined {
  const request = ReleaseSeen.safeParse({
    kind: 'release',
    family,
    ...(version === undefined ? {} : { version }),
    noticedAt,
  });
  return request.success ? request.data : undefined;
}

/**
 * The name under which a request is started: made of family and version, so that whoever speaks of one release, however
 * often, joins the one execution. A reason to look is good for one look a day. At most 58 characters of `[A-Za-z0-9_-]`,
 * which leaves room for a restart's suffix within the 64 that Lambda allows (AWS-CONTRACTS §7).
 */
export function releaseName(request: ReleaseRequest): string {
  return `${request.family}-${occasionOf(request)}`.replaceAll(/[^A-Za-z0-9_-]/g, '-');
}

function occasionOf(request: ReleaseRequest): string {
  if (request.kind === 'roll-out') return request.id;
  return request.version ?? `look-${request.noticedAt.slice(0, 'yyyy-mm-dd'.length)}`;
}
