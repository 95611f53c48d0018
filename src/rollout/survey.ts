import type { HookDoors } from '../hook.ts';
import { isOurHook } from '../hook.ts';
import type { ClockPort, Result } from '../ports.ts';
import { isLocked } from '../service.ts';
import type { FleetFacts, ImageName } from './fleet.ts';
import { UNKNOWN_IMAGE } from './fleet.ts';
import type {
  ClustersPort,
  FleetInstance,
  GroupSeen,
  GroupsPort,
  ImageSeen,
  QuotasPort,
  RefreshSeen,
  RefreshStatus,
  SpotFleetSeen,
  SpotFleetsPort,
  SteadySeen,
} from './ports.ts';
import type { QuotaLook } from './quota-look.ts';
import { quotaLook } from './quota-look.ts';
import { needsOfCopy, needsOfGroup } from './quotas.ts';
import { read } from './reading.ts';
import type { Places, SlotPorts } from './slots.ts';
import { nameOf, placesOf, refsOfGroup } from './slots.ts';
import type { Bonds } from './spot-bound.ts';
import { boundOf, MOST_SPOT_INSTANCES, unsettledOf } from './spot-bound.ts';
import { besideOf, isCancelled } from './spot-copies.ts';
import { COPY_OF, readTags } from './tags.ts';

/** What looking at fleets takes; and which of their terminate hooks lead to this stack. */
export interface SurveyPorts extends SlotPorts, HookDoors {
  readonly groups: GroupsPort;
  readonly spotFleets: SpotFleetsPort;
  readonly clusters: ClustersPort;
  readonly quotas: QuotasPort;
  readonly now: ClockPort;
}

const MANAGED_HOOK = 'ecs-managed-draining-termination-hook';
const UNDER_WAY: ReadonlySet<RefreshStatus> = new Set([
  'Pending',
  'InProgress',
  'Cancelling',
  'RollbackInProgress',
  'Baking',
]);
/** Instances by which a group's clusters are found; it spans one or two. A Spot Fleet's are looked after one by one. */
const MOST_ASKED_FOR_CLUSTER = 10;
const MOST_NAMED = 5;
const MOST_IMAGES = 10;

type Known = Map<string, readonly SteadySeen[]>;

/** What the groups of one survey have in common. */
interface Shared {
  readonly known: Known;
  readonly quotas: QuotaLook;
  /** ARNs of groups behind capacity providers that protect their instances. */
  readonly guarded: readonly string[];
}

/** What the groups are like. What several of them have in common is asked for once. */
export async function factsOf(
  groups: readonly GroupSeen[],
  quotas: QuotaLook,
  ports: SurveyPorts,
): Promise<FleetFacts[]> {
  const refs = groups.map(({ launch }) => refsOfGroup(launch));
  const { places, images } = await placesOf(refs, groups.flatMap(imageIdsOf), ports);
  const guarded = groups.length === 0 ? [] : read(await ports.clusters.terminationProtectedGroups());
  const known: Known = new Map();
  const onLatest = await groupsOnLatest(groups, ports);
  const facts: FleetFacts[] = [];
  for (const [i, group] of groups.entries()) {
    const [latest] = read(await ports.groups.refreshes(group.name));
    const launch = launchFacts(places[i], group.instances, images);
    facts.push(withLatest(await factsOfGroup(group, latest, launch, { known, quotas, guarded }, ports), onLatest));
  }
  return facts;
}

/** Groups by the template of which they launch `$Latest`; not asked for where nothing would be written. */
async function groupsOnLatest(
  groups: readonly GroupSeen[],
  ports: SurveyPorts,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const users = new Map<string, string[]>();
  const isWritten = ({ tags, launch }: GroupSeen): boolean => {
    const policy = policyOf(tags);
    return !('mistakes' in policy) && policy.template === 'write' && refsOfGroup(launch).length > 0;
  };
  for (const { name, launch } of groups.some(isWritten) ? read(await ports.groups.everyLaunch()) : []) {
    const refs = refsOfGroup(launch).filter(({ template }) => template?.version === '$Latest');
    for (const id of new Set(
      refs.flatMap(({ template }) => (template && 'templateId' in template ? template.templateId : [])),
    )) {
      users.set(id, [...(users.get(id) ?? []), name]);
    }
  }
  return users;
}

function withLatest(facts: FleetFacts, onLatest: ReadonlyMap<string, readonly string[]>): FleetFacts {
  const ids = new Set(facts.slots.flatMap(({ template }) => template?.id ?? []));
  const latestOf = [...ids].flatMap((id) => {
    const others = (onLatest.get(id) ?? []).filter((name) => `group/${name}` !== facts.id);
    return others.length === 0 ? [] : [[id, others.slice(0, MOST_NAMED)] as const];
  });
  return latestOf.length === 0 ? facts : { ...facts, latestOf: Object.fromEntries(latestOf) };
}

/**
 * What one group is like.
 * @param latest its latest refresh.
 * @param clusters where its instances were found before: asked first.
 */
export async function factsOfOne(
  group: GroupSeen,
  latest: RefreshSeen | undefined,
  clusters: readonly string[],
  ports: SurveyPorts,
): Promise<FleetFacts> {
  const { places, images } = await placesOf([refsOfGroup(group.launch)], imageIdsOf(group), ports);
  const guarded = read(await ports.clusters.terminationProtectedGroups());
  const onLatest = await groupsOnLatest([group], ports);
  const launch = launchFacts(places[0], group.instances, images);
  const shared = { known: new Map(), quotas: quotaLook(ports.quotas), guarded };
  return withLatest(await factsOfGroup(group, latest, launch, shared, ports, clusters), onLatest);
}

/**
 * The same group a little later, while its refresh goes on: its instances, its services, and what may forbid to go on.
 * The templates decide nothing meanwhile.
 */
export async function factsLater(facts: FleetFacts, group: GroupSeen, ports: SurveyPorts): Promise<FleetFacts> {
  return {
    ...facts,
    policy: policyOf(group.tags),
    drainedBy: await drainedBy(group.name, ports),
    images: countImages(group.instances),
    desired: group.desired,
    ...standbyOf(group),
    ...(await serviceFacts(facts.clusters, new Map(), ports)),
  };
}

async function drainedBy(group: string, ports: SurveyPorts): Promise<'hook' | 'managed-draining' | 'none'> {
  const hooks = read(await ports.groups.terminateHooks(group));
  if (hooks.some((hook) => isOurHook(ports, hook))) return 'hook';
  return hooks.some(({ name }) => name === MANAGED_HOOK) ? 'managed-draining' : 'none';
}

async function factsOfGroup(
  group: GroupSeen,
  latest: RefreshSeen | undefined,
  launch: LaunchFacts,
  { known, quotas, guarded }: Shared,
  ports: SurveyPorts,
  clusters: readonly string[] = [],
): Promise<FleetFacts> {
  const policy = policyOf(group.tags);
  const refreshing = latest !== undefined && UNDER_WAY.has(latest.status);
  // What is under way has launched already what it needs, and is counted among what runs.
  const isAsked = !refreshing && !('mistakes' in policy);
  const quota = isAsked
    ? await quotas(idsOf(group.instances), (own) => needsOfGroup(own, policy, group.desired))
    : undefined;
  return {
    id: `group/${group.name}`,
    policy,
    launch: group.launch.kind,
    ...launch,
    ...(group.launch.kind === 'mixed' && group.launch.byRequirements ? { byRequirements: true } : {}),
    images: countImages(group.instances),
    desired: group.desired,
    max: group.max,
    drainedBy: await drainedBy(group.name, ports),
    refreshing,
    suspended: group.suspended,
    protectedFromScaleIn: group.instances.filter((instance) => instance.protectedFromScaleIn).length,
    managedProtection: guarded.includes(group.arn),
    ...standbyOf(group),
    warm: group.warm,
    ...(await clusterFacts(group.instances, known, ports, clusters)),
    ...(quota === undefined ? {} : { quota }),
    bound: [],
  };
}

/**
 * What the Spot Fleets are like; each with its instances, for EC2 lists them apart. `copies` are those of all fleets
 * that another rollout has made. Without `quotas`, their copies are there already and need no room.
 */
export async function factsOfSpotFleets(
  fleets: readonly { readonly fleet: SpotFleetSeen; readonly instances: readonly FleetInstance[] }[],
  copies: readonly SpotFleetSeen[],
  quotas: QuotaLook | undefined,
  ports: SurveyPorts,
): Promise<FleetFacts[]> {
  const refs = fleets.map(({ fleet }) => fleet.launch);
  const { places, images } = await placesOf(refs, fleets.flatMap(imageIdsOf), ports);
  const known: Known = new Map();
  const facts: FleetFacts[] = [];
  for (const [i, { fleet, instances }] of fleets.entries()) {
    const bonds: Bonds = {
      atMs: ports.now(),
      hasScalableTarget: read(await ports.spotFleets.hasScalableTarget(fleet.id)),
      stack: unlessItPasses(await ports.spotFleets.stackOf(fleet.id)),
      instances: instances.length,
      slots: places[i]?.slots.length ?? 0,
    };
    const unsettled = unsettledOf(fleet);
    const copyOf = await originalOf(fleet, ports);
    const beside = besideOf(fleet.id, copies, copyOf);
    const quota = await quotas?.(idsOf(instances), needsOfCopy);
    facts.push({
      id: `spot-fleet/${fleet.id}`,
      policy: policyOf(fleet.tags),
      launch: fleet.specifications > 0 ? 'specifications' : 'template',
      ...launchFacts(places[i], instances, images),
      images: countImages(instances),
      desired: fleet.targetCapacity,
      drainedBy: 'order',
      refreshing: false,
      suspended: [],
      protectedFromScaleIn: 0,
      managedProtection: false,
      warm: 0,
      ...(await clusterFacts(instances, known, ports, [], MOST_SPOT_INSTANCES)),
      ...(quota === undefined ? {} : { quota }),
      bound: boundOf(fleet, bonds),
      ...(unsettled === undefined ? {} : { unsettled }),
      ...(beside === undefined ? {} : { beside }),
      ...(copyOf === undefined ? {} : { copyOf }),
    });
  }
  return facts;
}

type LaunchFacts = Pick<FleetFacts, 'slots' | 'unread' | 'named'>;

/** What it launches from; and what its instances run that is launched no more, or from where it cannot be read. */
function launchFacts(
  { slots, unread }: Places = { slots: [], unread: [] },
  instances: readonly FleetInstance[],
  images: ReadonlyMap<string, ImageSeen>,
): LaunchFacts {
  const launched = new Set(slots.map(({ imageId }) => imageId));
  const run = Object.keys(countImages(instances)).filter((id) => !launched.has(id));
  const names = run.flatMap((id): [string, ImageName][] => {
    const name = nameOf(images.get(id));
    return name === undefined ? [] : [[id, name]];
  });
  return { slots, unread, named: Object.fromEntries(names) };
}

type ClusterFacts = Pick<FleetFacts, 'clusters' | 'unsteady' | 'lacking' | 'immovable'>;

async function clusterFacts(
  instances: readonly FleetInstance[],
  known: Known,
  ports: SurveyPorts,
  before: readonly string[] = [],
  most = MOST_ASKED_FOR_CLUSTER,
): Promise<ClusterFacts> {
  const asked = instances.slice(0, most).map(({ id }) => id);
  // Where it was before, then where others of this survey are: most fleets share a few clusters.
  const likely = [...new Set([...before, ...known.keys()])];
  return serviceFacts(asked.length === 0 ? [] : read(await ports.clusters.clustersOf(asked, likely)), known, ports);
}

async function serviceFacts(where: readonly string[], known: Known, { clusters }: SurveyPorts): Promise<ClusterFacts> {
  for (const cluster of where) {
    if (!known.has(cluster)) known.set(cluster, read(await clusters.services(cluster)));
  }
  const services = where.flatMap((cluster) => known.get(cluster) ?? []);
  return {
    clusters: where,
    unsteady: named(services.filter(isUnsteady)),
    lacking: named(services.filter(isLacking)),
    immovable: named(services.filter(isLocked)),
  };
}

async function originalOf({ tags }: SpotFleetSeen, { spotFleets }: SurveyPorts): Promise<FleetFacts['copyOf']> {
  const id = tags[COPY_OF];
  if (id === undefined) return undefined;
  const original = read(await spotFleets.describeFleet(id));
  return { id, isThere: original !== undefined && !isCancelled(original.state) };
}

/** What is not allowed stays so until somebody allows it: that is an answer. Everything else is tried again. */
function unlessItPasses<T>(result: Result<T>): Result<T> {
  if (!result.ok && result.reason !== 'denied') read(result);
  return result;
}

function policyOf(tags: Readonly<Record<string, string>>): FleetFacts['policy'] {
  return readTags(tags) ?? { mistakes: ['it has not opted in'] };
}

function standbyOf({ instances }: GroupSeen): Required<Pick<FleetFacts, 'standby'>> {
  const aside = instances.filter(({ state }) => state === 'Standby');
  return { standby: aside.slice(0, MOST_NAMED).map(({ id }) => id) };
}

function idsOf(instances: readonly FleetInstance[]): string[] {
  return instances.map(({ id }) => id);
}

function imageIdsOf({ instances }: { readonly instances: readonly FleetInstance[] }): string[] {
  return instances.flatMap(({ imageId }) => imageId ?? []);
}

function isUnsteady(service: SteadySeen): boolean {
  return isLacking(service) || service.deployments > 1;
}

function isLacking({ desired, running, pending }: SteadySeen): boolean {
  return running < desired || pending > 0;
}

function named(services: readonly SteadySeen[]): string[] {
  return services.slice(0, MOST_NAMED).map(({ service }) => service);
}

function countImages(instances: readonly FleetInstance[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { imageId = UNKNOWN_IMAGE } of instances) {
    const key = counts.has(imageId) || counts.size < MOST_IMAGES ? imageId : 'other';
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}
