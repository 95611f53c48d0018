import * as z from 'zod/mini';

const text = (longest: number) => z.string().check(z.minLength(1), z.maxLength(longest));
/** ISO 8601; deadlines count from it. */
const noticedAt = z.iso.datetime();
/** A family of family.ts, or the name of a parameter that fleets follow. */
const source = z.string().check(z.regex(/^[A-Za-z0-9_.\-/]{1,1011}$/, 'must be a family or the name of a parameter'));

/** A release is there, or somebody wants one rolled out: what is done follows from the parameter store and the tags. */
export const ReleaseRequest = z.readonly(
  z.strictObject({
    kind: z.literal('release'),
    source,
    /** What the hint named; undefined: whatever the parameter says. */
    version: z.optional(text(100)),
    noticedAt,
    /** Only these fleets, by id. */
    fleets: z.optional(z.array(text(300)).check(z.maxLength(50))),
    /** Who ordered it, and why; undefined where a message led to it. */
    by: z.optional(text(200)),
    because: z.optional(text(500)),
    /** Tells one order from another; part of the execution's name. */
    id: z.optional(z.string().check(z.regex(/^[A-Za-z0-9-]{1,20}$/, 'must be up to 20 letters, digits and hyphens'))),
  }),
);
export type ReleaseRequest = z.infer<typeof ReleaseRequest>;

/** One fleet is to have one image. Its target was read from the parameter store, and is read again before it acts. */
export const FleetRequest = z.readonly(
  z.strictObject({
    kind: z.literal('fleet'),
    fleet: text(300),
    source,
    imageId: z.string().check(z.regex(/^ami-[0-9a-f]{8,17}$/, 'not the id of an image')),
    version: text(100),
    noticedAt,
    /** Name of the release's execution, which owns the record that people write. */
    release: text(64),
  }),
);
export type FleetRequest = z.infer<typeof FleetRequest>;

export const RolloutRequest = z.discriminatedUnion('kind', [ReleaseRequest, FleetRequest]);
export type RolloutRequest = z.infer<typeof RolloutRequest>;

/** `mixed`: some of its instances run the new image and some the old one, and a person has to choose. */
export const FLEET_OUTCOMES = [
  'rolled',
  'up-to-date',
  'rolled-back',
  'blocked',
  'cancelled',
  'superseded',
  'mixed',
  'failed',
] as const;
export type FleetOutcome = (typeof FLEET_OUTCOMES)[number];

export interface FleetResult {
  readonly fleet: string;
  readonly outcome: FleetOutcome;
  readonly because: string;
  /** Its execution ended before it could tell anybody. */
  readonly isUntold?: true;
}

/** Somebody spoke of a source and of no release: what it names now decides which one is meant. */
export function isHint({ version, by }: ReleaseRequest): boolean {
  return version === undefined && by === undefined;
}

/**
 * The release that a hint leads to: the same for all that speak of it. What somebody's own parameter says may have been
 * there before, and is wanted again: of that it is the moment of its writing that tells one time from another.
 */
export function releaseOf(
  { source, noticedAt }: ReleaseRequest,
  { version, releasedAtMs }: { readonly version: string; readonly releasedAtMs: number },
): ReleaseRequest {
  const id = `at-${Math.floor(releasedAtMs / 1000).toString(36)}`;
  return { kind: 'release', source, version, noticedAt, ...(source.startsWith('/') ? { id } : {}) };
}

/**
 * The name of a request's execution: a duplicate joins, and two rollouts of one image on one fleet are one. At most 60
 * characters of `[A-Za-z0-9-]`, which leaves room for a restart's suffix within the 64 that Lambda allows.
 */
export function executionName(request: RolloutRequest): string {
  if (request.kind === 'fleet') {
    // Names of fleets are long and free: a short piece for people, and a checksum that tells them apart.
    const attempt = checksum(request.release).slice(0, 4);
    return `${slug(request.fleet, 20)}-${checksum(request.fleet)}-${request.imageId.slice(4)}-${attempt}`;
  }
  const version = slug(request.version ?? 'latest', 16);
  const order = request.id === undefined ? '' : `-${request.id}`;
  return `${slug(request.source, 12)}-${checksum(request.source)}-${version}${order}`;
}

function slug(text: string, longest: number): string {
  return text
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, longest);
}

/** FNV-1a, eight hex digits: no secret, only a difference. */
export function checksum(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, '0');
}
