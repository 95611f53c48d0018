import type { Family, Recommended } from './family.ts';
import { newer, recommendedOf } from './family.ts';
import type { ParameterSeen } from './ports.ts';
import type { Remembered, Seen, Sighting, Told } from './seen.ts';

/** What a look at one family comes to. */
export interface Finding {
  readonly family: Family;
  /** A release that nobody has been told of. */
  readonly release?: Recommended;
  /** Something about the family that people should know, and have not been told yet. */
  readonly because?: string;
  /** What to remember, once all of it is told; undefined for a family that was never seen. */
  readonly sighting: Sighting | undefined;
}

const DAY_MS = 86_400_000;
/** How long before something ends people hear of it. */
const AHEAD_MS = 90 * DAY_MS;
/** AWS deprecates its ECS-optimized AMIs so long after it made them (AWS-CONTRACTS §4). */
const DEPRECATED_AFTER_MS = 730 * DAY_MS;

/**
 * Compares what is recommended now with what was when it was last looked at. What is seen for the first time, in the
 * first look of all or because a family was added or is in use by now, is only remembered: it may be years old.
 */
export function compare(
  remembered: Remembered,
  families: readonly Family[],
  parameters: readonly ParameterSeen[],
  atMs: number,
): readonly Finding[] {
  const seen = remembered.kind === 'seen' ? remembered.seen : {};
  return families.map((family) => look(family, seen[family.id], parameters, atMs));
}

function look(
  family: Family,
  before: Sighting | undefined,
  parameters: readonly ParameterSeen[],
  atMs: number,
): Finding {
  const now = recommendedOf(family, parameters);
  if (now.kind !== 'recommended') {
    // A region need not have every family: only one that it had is missed.
    if (before === undefined) return { family, sighting: undefined };
    return now.kind === 'absent'
      ? told(family, before, before, 'gone', `${family.id} is no longer recommended by AWS: its parameter is gone.`)
      : told(
          family,
          before,
          before,
          'unreadable',
          `What AWS recommends of ${family.id} cannot be used: ${now.because}.`,
        );
  }
  const { image } = now;
  const current = { version: image.version, imageId: image.imageId };
  const [condition, because] = conditionOf(family, image, parameters, atMs) ?? [];
  const finding = told(family, before, current, condition, because);
  if (before === undefined || (before.version === image.version && before.imageId === image.imageId)) return finding;
  // An image that AWS made anew under the same version is announced like a release.
  if (!newer(before.version, image.version)) return { ...finding, release: image };
  const back = `AWS went back from ${before.version} to ${image.version} (${image.imageId}) of ${family.id}: there may be something wrong with ${before.version}. Nothing is rolled back by itself.`;
  return { ...finding, because: [back, finding.because].filter((line) => line !== undefined).join(' ') };
}

function told(
  family: Family,
  before: Sighting | undefined,
  sighting: Sighting,
  condition: Told | undefined,
  because: string | undefined,
): Finding {
  const news = condition !== undefined && because !== undefined && condition !== before?.told;
  const { version, imageId } = sighting;
  return {
    family,
    ...(news ? { because } : {}),
    sighting: { version, imageId, ...(condition === undefined ? {} : { told: condition }) },
  };
}

/** What there is to say of a family whose recommended image can be read. */
function conditionOf(
  { id, os, osName, endsOn, source }: Family,
  { imageId, version }: Recommended,
  parameters: readonly ParameterSeen[],
  atMs: number,
): readonly [Told, string] | undefined {
  const endsMs = endsOn === undefined ? undefined : Date.parse(endsOn);
  if (endsMs !== undefined && endsMs <= atMs)
    return [
      'ended',
      `${osName} (${id}) reached the end of its life on ${endsOn}: move to a family that is still mended.`,
    ];
  if (endsMs !== undefined && endsMs - atMs <= AHEAD_MS)
    return ['ending', `${osName} (${id}) reaches the end of its life on ${endsOn}: plan the move to another family.`];
  if (source.form !== 'json' || os === 'windows') return undefined;
  const changedAtMs = parameters.find(({ name }) => name === source.parameter)?.changedAtMs ?? atMs;
  const deprecatedAtMs = changedAtMs + DEPRECATED_AFTER_MS;
  if (deprecatedAtMs - atMs > AHEAD_MS) return undefined;
  const day = new Date(deprecatedAtMs).toISOString().slice(0, 10);
  return [
    'aging',
    `${id} ${version} (${imageId}) is still recommended and will be deprecated about ${day}: AWS has released nothing newer.`,
  ];
}

/** Seen all the same, and to be told of again: a release that comes before the warning got out is one none the less. */
function untold(sighting: Sighting | undefined, before: Sighting | undefined): Sighting | undefined {
  if (sighting === undefined) return undefined;
  const { version, imageId } = sighting;
  return { version, imageId, ...(before?.told === undefined ? {} : { told: before.told }) };
}

/**
 * What to remember of a look, after telling. What could not be told stays as it was, so that it is told next time.
 * @param announced ids of the families whose release was published.
 * @param warned whether what was to be said was said.
 */
export function keep(
  remembered: Remembered,
  findings: readonly Finding[],
  announced: ReadonlySet<string>,
  warned: boolean,
): Seen {
  const before = remembered.kind === 'seen' ? remembered.seen : {};
  const kept = findings.flatMap(({ family: { id }, release, because, sighting }) => {
    const isUntold = because !== undefined && !warned;
    const isUnannounced = release !== undefined && !announced.has(id);
    // That AWS went back shows only against what was there before.
    const isBack = release === undefined && before[id]?.imageId !== sighting?.imageId && before[id] !== undefined;
    const seen = isUntold ? untold(sighting, before[id]) : sighting;
    const next = isUnannounced || (isUntold && isBack) ? before[id] : seen;
    return next === undefined ? [] : [[id, next] as const];
  });
  // A family that is no longer watched is forgotten: if it comes back, it is seen for the first time.
  return Object.fromEntries(kept);
}
