import type { Result } from '../ports.ts';
import type { Family } from './family.ts';
import { FAMILIES } from './family.ts';
import type { FleetInstance, GroupsPort, ImageSeen, ImagesPort, SpotFleetsPort } from './ports.ts';
import { read, reading } from './reading.ts';
import type { Remembered } from './seen.ts';
import { nameOf } from './slots.ts';
import { isCancelled } from './spot-copies.ts';
import { OPT_IN } from './tags.ts';

/** What the fleets that opted in run. */
export interface InUse {
  /** Ids of families. */
  readonly families: ReadonlySet<string>;
  /** Whether each of the fleets has shown what it runs. */
  readonly isWhole: boolean;
}

/** What looking at that takes, and no more. */
export interface InUsePorts {
  readonly groups: Pick<GroupsPort, 'taggedGroups'>;
  readonly spotFleets: Pick<SpotFleetsPort, 'taggedFleets' | 'fleetInstances'>;
  readonly images: ImagesPort;
}

/** As many as a rollout takes. */
const MOST_FLEETS = 50;

/**
 * The families that are watched, in the table's order: those that are configured and those in use. Where what is in use
 * is not known, or not all of it, those that were watched before as well: to forget one would make it new the next time,
 * and what is new is not announced. Pure.
 * @param inUse undefined where nobody has looked, or the look has failed.
 */
export function familiesToWatch(
  configured: readonly Family[],
  remembered: Remembered,
  inUse: InUse | undefined,
): readonly Family[] {
  const before = remembered.kind === 'seen' && !inUse?.isWhole ? remembered.seen : {};
  return FAMILIES.filter(
    (family) => configured.includes(family) || inUse?.families.has(family.id) || Object.hasOwn(before, family.id),
  );
}

/**
 * What fleets run, by the names of their instances' images. A fleet without instances, or whose images EC2 does not show,
 * may run anything. Pure.
 * @param fleets of each, the images of its instances.
 * @param leftOut how many fleets were not looked at.
 */
export function inUseOf(fleets: readonly (readonly string[])[], images: readonly ImageSeen[], leftOut: number): InUse {
  const known = new Map(images.map((image) => [image.id, image]));
  const families = new Set(fleets.flat().flatMap((id) => nameOf(known.get(id))?.family ?? []));
  const isWhole = leftOut === 0 && fleets.every((ids) => ids.length > 0 && ids.every((id) => known.has(id)));
  return { families, isWhole };
}

/** The first failed read is the answer: half of what is in use is not all of it. */
export function lookAtUse({ groups, spotFleets, images }: InUsePorts): Promise<Result<InUse>> {
  return reading(async () => {
    const tagged = read(await groups.taggedGroups(OPT_IN));
    const requests = read(await spotFleets.taggedFleets(OPT_IN)).filter(({ state }) => !isCancelled(state));
    const fleets = tagged.slice(0, MOST_FLEETS).map(({ instances }) => imagesOf(instances));
    for (const { id } of requests.slice(0, MOST_FLEETS - fleets.length)) {
      fleets.push(imagesOf(read(await spotFleets.fleetInstances(id))));
    }
    const seen = read(await images.describeImages(fleets.flat()));
    return inUseOf(fleets, seen, tagged.length + requests.length - fleets.length);
  });
}

function imagesOf(instances: readonly FleetInstance[]): string[] {
  return [...new Set(instances.flatMap(({ imageId }) => imageId ?? []))];
}
