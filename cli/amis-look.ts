import type { AmisSeen, FleetSeen } from '../src/operator/amis.ts';
import { familiesIn, namesToCount, versionsOf } from '../src/operator/amis.ts';
import type { Target } from '../src/rollout/fleet.ts';
import type { FleetInstance, ImageSeen, SpotFleetSeen } from '../src/rollout/ports.ts';
import { reading } from '../src/rollout/reading.ts';
import { refsOfGroup, slotsOf } from '../src/rollout/slots.ts';
import { OPT_IN } from '../src/rollout/tags.ts';
import { readTarget } from '../src/rollout/target.ts';
import { surveyPorts } from './fleets.ts';
import type { Here } from './operate.ts';
import { explain, need } from './operate.ts';

type Ports = Awaited<ReturnType<typeof surveyPorts>>;

/** The images of every group of the region, and of the Spot Fleets that opted in; `notes`: what could not be read. */
export async function lookAtImages(
  here: Here,
): Promise<{ readonly seen: AmisSeen; readonly notes: readonly string[] }> {
  const ports = await surveyPorts(here);
  const groups = need(await ports.groups.everyGroup());
  const spot = await spotFleets(ports);
  const refs = [...groups.map(({ launch }) => refsOfGroup(launch)), ...spot.found.map(({ fleet }) => fleet.launch)];
  const slots = need(await reading(() => slotsOf(refs, [], ports)));
  const named = [
    ...groups.map(({ name, tags, instances }) => ({ id: `group/${name}`, tags, instances })),
    ...spot.found.map(({ fleet, instances }) => ({ id: `spot-fleet/${fleet.id}`, tags: fleet.tags, instances })),
  ];
  const fleets = named.map((fleet, i): FleetSeen => ({ ...fleet, slots: slots[i] ?? [] }));
  const images = await imagesById(ports, fleets.flatMap(imageIdsOf));
  const targets = new Map<string, Target | { readonly because: string }>();
  for (const family of familiesIn(images)) {
    const target = await reading(() => readTarget(family, ports));
    targets.set(family, target.ok ? target.value : { because: explain(target) });
  }
  const recommended = await imagesById(
    ports,
    [...targets.values()].flatMap((target) => ('imageId' in target ? [target.imageId] : [])),
  );
  const { releases, notes } = await releasesOf(ports, namesToCount(images, targets));
  return {
    seen: { atMs: ports.now(), fleets, images, targets, recommended, releases },
    notes: [...spot.notes, ...notes],
  };
}

/** What lies between is worth a call, and not an answer less. */
async function releasesOf(
  ports: Ports,
  names: ReadonlyMap<string, string>,
): Promise<{ readonly releases: AmisSeen['releases']; readonly notes: readonly string[] }> {
  const releases = new Map<string, readonly string[]>();
  const notes: string[] = [];
  for (const [family, name] of names) {
    const answer = await ports.imagesNamed(name);
    if (answer.ok) releases.set(family, versionsOf(family, answer.value));
    else notes.push(`How many releases of ${family} lie between is not known: ${explain(answer)}`);
  }
  return { releases, notes };
}

const imageIdsOf = ({ instances, slots }: FleetSeen): string[] => [
  ...instances.flatMap(({ imageId }) => imageId ?? []),
  ...slots.map(({ imageId }) => imageId),
];

async function imagesById(ports: Ports, ids: readonly string[]): Promise<ReadonlyMap<string, ImageSeen>> {
  if (ids.length === 0) return new Map();
  return new Map(need(await ports.images.describeImages(ids)).map((image) => [image.id, image]));
}

/** Few have any: whoever may not look at them still sees the groups. */
async function spotFleets(ports: Ports): Promise<{
  readonly found: readonly { readonly fleet: SpotFleetSeen; readonly instances: readonly FleetInstance[] }[];
  readonly notes: readonly string[];
}> {
  const listed = await ports.spotFleets.taggedFleets(OPT_IN);
  if (!listed.ok) return { found: [], notes: [`Spot Fleets were not looked at: ${explain(listed)}`] };
  const found = [];
  for (const fleet of listed.value.filter(({ state }) => !state.startsWith('cancelled'))) {
    found.push({ fleet, instances: need(await ports.spotFleets.fleetInstances(fleet.id)) });
  }
  return { found, notes: [] };
}
