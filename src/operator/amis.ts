import { familyOfImage, newer } from '../rollout/family.ts';
import type { Slot, Target } from '../rollout/fleet.ts';
import type { ImageSeen } from '../rollout/ports.ts';
import { readTags } from '../rollout/tags.ts';

/** A group or a Spot Fleet, as far as its images go. */
export interface FleetSeen {
  /** `group/<name>` or `spot-fleet/<id>`. */
  readonly id: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly instances: readonly { readonly imageId: string | undefined }[];
  /** What it launches from. */
  readonly slots: readonly Slot[];
}

/** What was looked at in one region. */
export interface AmisSeen {
  readonly atMs: number;
  readonly fleets: readonly FleetSeen[];
  /** Of what the fleets run and launch, by id; what does not exist any more is not there. */
  readonly images: ReadonlyMap<string, ImageSeen>;
  /** What each family's source names now, or why it names none. */
  readonly targets: ReadonlyMap<string, Target | { readonly because: string }>;
  /** The images that the targets name. */
  readonly recommended: ReadonlyMap<string, ImageSeen>;
  /** Each family's releases that EC2 still describes, by version; a family that nobody asked about, or could, is not there. */
  readonly releases: ReadonlyMap<string, readonly string[]>;
}

/** An image that a fleet runs, or would launch. */
export interface FleetImage {
  readonly fleet: string;
  /** `notify`, `approve`, `auto`; `wrong tags`; undefined where it has not opted in. */
  readonly mode?: string;
  readonly imageId: string;
  readonly family?: string;
  readonly version?: string;
  /** Instances that run it; none where it is only what is launched next. */
  readonly instances: number;
  /** Whether it is what is launched next; undefined where that is not to be seen. */
  readonly isLaunched?: boolean;
  readonly ageDays?: number;
  readonly recommended?: { readonly version: string; readonly imageId: string };
  /** Days between this image and the recommended one; 0: it is that one, or newer. */
  readonly behindDays?: number;
  /** How many releases are newer than this image, up to the recommended one; undefined where that is not known. */
  readonly behindReleases?: number;
  readonly standing: Standing;
  /** What its owner should know, in sentences. */
  readonly notes: readonly string[];
}

/** The worst first. `gone`: nothing can be launched from it any more. `ended`: its family gets no mends. */
export const STANDINGS = ['gone', 'ended', 'deprecated', 'behind', 'unknown', 'current'] as const;
export type Standing = (typeof STANDINGS)[number];

const DAY_MS = 86_400_000;

/** Which image each fleet runs: every group with an image of ECS's, and those that opted in. The worst first. Pure. */
export function imagesInUse(seen: AmisSeen): FleetImage[] {
  const rows = seen.fleets.flatMap((fleet) => rowsOf(fleet, seen));
  const rank = ({ standing }: FleetImage): number => STANDINGS.indexOf(standing);
  return rows.sort(
    (a, b) =>
      rank(a) - rank(b) ||
      (b.behindDays ?? 0) - (a.behindDays ?? 0) ||
      (a.fleet < b.fleet ? -1 : a.fleet > b.fleet ? 1 : 0),
  );
}

/** The families whose recommended images have to be known, by what is run and launched. Pure. */
export function familiesIn(images: AmisSeen['images']): string[] {
  const run = [...images.values()].flatMap((image) => familyOf(image)?.family.id ?? []);
  return [...new Set(run)].sort();
}

/**
 * Of each family that an image in use is behind in, what all of its names look like, `*` standing for version and kernel:
 * for EC2, which knows all that there were. Pure.
 */
export function namesToCount(images: AmisSeen['images'], targets: AmisSeen['targets']): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const image of images.values()) {
    const { family, version, kernel } = familyOf(image) ?? {};
    const target = targets.get(family?.id ?? '');
    if (!family || !version || !target || !('imageId' in target) || !newer(target.version, version)) continue;
    const name = image.name.replace(version, '*');
    names.set(family.id, kernel === undefined ? name : name.replace(`kernel-${kernel}`, 'kernel-*'));
  }
  return names;
}

/** The versions of those images that are of the family. Pure. */
export function versionsOf(family: string, images: readonly ImageSeen[]): string[] {
  return images.flatMap((image) => {
    const known = familyOf(image);
    return known?.family.id === family ? [known.version] : [];
  });
}

/** Builds of one version are one release: only the commit at the end of their versions differs. */
function releasesBetween(versions: readonly string[], from: string, to: string): number {
  const between = versions.filter((version) => newer(version, from) && !newer(version, to));
  return new Set([...between, to].map((version) => version.split('-')[0])).size;
}

function familyOf(image: ImageSeen | undefined) {
  return image?.byAmazon ? familyOfImage(image.name) : undefined;
}

function rowsOf({ id, tags, instances: running, slots }: FleetSeen, seen: AmisSeen): FleetImage[] {
  const counts = new Map<string, number>();
  for (const { imageId } of running) if (imageId !== undefined) counts.set(imageId, (counts.get(imageId) ?? 0) + 1);
  const launched = new Set(slots.map(({ imageId }) => imageId));
  for (const imageId of launched) if (!counts.has(imageId)) counts.set(imageId, 0);
  const policy = readTags(tags);
  const isOfEcs = [...counts.keys()].some((imageId) => familyOf(seen.images.get(imageId)) !== undefined);
  if (policy === undefined && !isOfEcs) return [];
  const mode = policy === undefined ? {} : { mode: 'mistakes' in policy ? 'wrong tags' : policy.mode };
  return [...counts].map(([imageId, instances]) => ({
    fleet: id,
    ...mode,
    instances,
    ...(slots.length === 0 ? {} : { isLaunched: launched.has(imageId) }),
    ...about(imageId, launched.has(imageId), seen),
  }));
}

type About = Omit<FleetImage, 'fleet' | 'mode' | 'instances' | 'isLaunched'>;

function about(
  imageId: string,
  isLaunched: boolean,
  { images, targets, recommended, releases, atMs }: AmisSeen,
): About {
  const image = images.get(imageId);
  if (image === undefined) {
    return isLaunched
      ? {
          imageId,
          standing: 'gone',
          notes: ['this image does not exist any more: no instance can be launched from it'],
        }
      : { imageId, standing: 'unknown', notes: ['this image does not exist any more'] };
  }
  const ageDays = Math.max(0, Math.floor((atMs - image.createdAtMs) / DAY_MS));
  const known = familyOf(image);
  if (known === undefined) {
    return { imageId, ageDays, standing: 'unknown', notes: [`not one of AWS's ECS images: ${image.name}`] };
  }
  const { family, version } = known;
  const target = targets.get(family.id);
  const isNamed = target !== undefined && 'imageId' in target;
  const newest = isNamed ? recommended.get(target.imageId) : undefined;
  const isBehind = isNamed && target.imageId !== imageId && newer(target.version, version);
  const behindDays =
    newest && isBehind ? Math.max(1, Math.round((newest.createdAtMs - image.createdAtMs) / DAY_MS)) : 0;
  const versions = releases.get(family.id);
  const behind = !isBehind ? 0 : versions && releasesBetween(versions, version, target.version);
  const isDeprecated = image.deprecatedAtMs !== undefined && image.deprecatedAtMs <= atMs;
  const isEnded = family.endsOn !== undefined && Date.parse(family.endsOn) <= atMs;
  return {
    imageId,
    family: family.id,
    version,
    ageDays,
    ...(isNamed ? { recommended: { version: target.version, imageId: target.imageId } } : {}),
    ...(isNamed ? { behindDays } : {}),
    ...(isNamed && behind !== undefined ? { behindReleases: behind } : {}),
    standing: isEnded ? 'ended' : isDeprecated ? 'deprecated' : !isNamed ? 'unknown' : isBehind ? 'behind' : 'current',
    notes: [
      ...(isEnded ? [`${family.osName} reached its end on ${family.endsOn}: move to a family that is mended`] : []),
      ...(isDeprecated ? [`deprecated since ${new Date(image.deprecatedAtMs ?? 0).toISOString().slice(0, 10)}`] : []),
      ...(target !== undefined && 'because' in target ? [`what is recommended is not known: ${target.because}`] : []),
    ],
  };
}
