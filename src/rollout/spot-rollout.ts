import type { Result } from '../ports.ts';
import { performCommon } from './common-moves.ts';
import { saidBefore, underSwitch } from './control.ts';
import { heldBack } from './held.ts';
import { hostsOf } from './hosts.ts';
import type { FleetInstance, HostSeen, SpotFleetSeen } from './ports.ts';
import { quotaLook } from './quota-look.ts';
import { read, reading } from './reading.ts';
import { readRecord } from './record.ts';
import type { FleetRequest } from './request.ts';
import { checksum, executionName } from './request.ts';
import type { RolloutPorts } from './rollout.ts';
import { copiesOf, heirOf, isCancelled } from './spot-copies.ts';
import type { FleetSide, SpotLook, SpotSeen } from './spot-memory.ts';
import type { SpotMove } from './spot-moves.ts';
import { factsOfSpotFleets } from './survey.ts';
import { COPY_OF, MADE_BY } from './tags.ts';
import { readTarget } from './target.ts';

const MOST_NAMED = 5;

/** Carries one move of a Spot Fleet's rollout out. */
export async function performSpot(
  move: SpotMove,
  known: SpotLook | undefined,
  request: FleetRequest,
  ports: RolloutPorts,
): Promise<SpotSeen> {
  const { spotFleets, now } = ports;
  const failureOf = (result: Result<unknown>) => (result.ok ? {} : { failure: result });
  if (move.kind === 'copy' || move.kind === 'set-target' || move.kind === 'activate' || move.kind === 'cancel') {
    const held = await heldBack(request, ports);
    if (held) return { kind: move.kind, atMs: now(), failure: held };
  }
  switch (move.kind) {
    case 'look': {
      const look = await reading(() => lookAtFleets(move, known, request, ports));
      return { kind: 'look', atMs: now(), ...(look.ok ? { look: look.value } : { failure: look }) };
    }
    case 'copy': {
      const name = executionName(request);
      const tags = { [COPY_OF]: move.fleetId, [MADE_BY]: name };
      const copied = await spotFleets.copyFleet(move.fleetId, move.images, name, tags);
      return { kind: 'copy', atMs: now(), ...(copied.ok ? { id: copied.value } : { failure: copied }) };
    }
    case 'set-target': {
      const set = await spotFleets.setTarget(move.fleetId, move.capacity, move.excess);
      return { kind: 'set-target', atMs: now(), ...failureOf(set) };
    }
    case 'drain':
      return drain(move, request, ports);
    case 'activate':
      return activate(move, ports);
    case 'cancel':
      return { kind: 'cancel', atMs: now(), ...failureOf(await spotFleets.cancelFleet(move.fleetId)) };
    case 'make-version':
    case 'promote':
    case 'alert':
      return performCommon(move, request, ports);
  }
}

/** Each drain has one order, under a name of this rollout: a second call asks how it stands. */
async function drain(
  { instances, orderedAtMs }: Extract<SpotMove, { kind: 'drain' }>,
  request: FleetRequest,
  { drains, now }: RolloutPorts,
): Promise<SpotSeen> {
  const outcomes: Record<string, string> = {};
  const id = `rollout-${checksum(executionName(request))}`;
  for (const instanceId of instances) {
    const reason = `its Spot Fleet is replaced, for ${request.version}`;
    const noticedAt = new Date(orderedAtMs[instanceId] ?? now()).toISOString();
    const seen = await drains.drain({ instanceId, id, reason, noticedAt });
    if (!seen.ok) return { kind: 'drain', atMs: now(), outcomes, failure: seen };
    outcomes[instanceId] = seen.value.status === 'RUNNING' ? 'running' : outcomeOf(seen.value);
  }
  return { kind: 'drain', atMs: now(), outcomes };
}

function outcomeOf({ status, result }: { status: string; result?: string }): string {
  if (status !== 'SUCCEEDED' || result === undefined) return 'failed';
  const { outcome } = JSON.parse(result) as { outcome?: unknown };
  return typeof outcome === 'string' ? outcome : 'failed';
}

async function activate(
  { clusters, instances }: Extract<SpotMove, { kind: 'activate' }>,
  ports: RolloutPorts,
): Promise<SpotSeen> {
  for (const cluster of clusters) {
    const activated = await ports.clusters.activate(cluster, instances);
    if (!activated.ok) return { kind: 'activate', atMs: ports.now(), failure: activated };
  }
  return { kind: 'activate', atMs: ports.now() };
}

async function lookAtFleets(
  { copyId, clusters: found, emptied, restored }: Extract<SpotMove, { kind: 'look' }>,
  before: SpotLook | undefined,
  request: FleetRequest,
  ports: RolloutPorts,
): Promise<SpotLook> {
  const { spotFleets, now } = ports;
  const oldId = request.fleet.slice('spot-fleet/'.length);
  const record = read(await readRecord(request.release, ports));
  const said = record.mistake === undefined ? record.control : saidBefore(before?.control);
  const { mode } = read(await ports.drainRules(oldId));
  const at = new Date(now()).toISOString();
  const control = underSwitch(said, mode, { before: before?.control, isFirst: before === undefined, at });
  const target = await readTarget(request.source, ports);
  const sideOf = async (id: string) => {
    const fleet = read(await spotFleets.describeFleet(id));
    return fleet && { fleet, instances: read(await spotFleets.fleetInstances(id)) };
  };
  const old = await sideOf(oldId);
  const copy = copyId === undefined ? undefined : await sideOf(copyId);
  const known = [old, copy].filter((one) => one !== undefined);
  const tagged = read(await spotFleets.taggedFleets(COPY_OF)).filter(({ id }) => id !== copyId);
  const isOurs = ({ tags }: SpotFleetSeen): boolean => tags[MADE_BY] === executionName(request);
  const ours = tagged.find((one) => isOurs(one) && one.tags[COPY_OF] === oldId && !isCancelled(one.state));
  const copies = tagged.filter((one) => !isOurs(one));
  const heir = heirOf(oldId, copies);
  const quotas = copyId === undefined ? quotaLook(ports.quotas) : undefined;
  const each = await factsOfSpotFleets(known, copies, quotas, ports);
  const facts = old && each[0];
  // The old fleet's clusters while the copy's instances join them; the copy's when the old one is gone.
  const clusters = [...new Set([...found, ...each.flatMap((one) => one.clusters)])];
  const lacking = [...new Set(each.flatMap((one) => one.lacking))];
  const launched = copy ? (each.at(-1)?.slots ?? []).map(({ imageId }) => imageId) : [];
  const listed = new Set(old?.instances.map(({ id }) => id));
  return {
    atMs: now(),
    ...('because' in target ? {} : { target }),
    ...(control === undefined ? {} : { control }),
    ...(facts === undefined ? {} : { facts }),
    ...(old === undefined ? {} : { old: side(old) }),
    ...(copy === undefined ? {} : { copy: side(copy) }),
    others: copiesOf(oldId, copies),
    ...(heir === undefined ? {} : { heir }),
    ...(copyId === undefined && ours ? { ours: { id: ours.id, capacity: ours.targetCapacity } } : {}),
    clusters,
    hosts: await hostsOfCopy(
      copy?.instances ?? [],
      { imageId: request.imageId, launched, clusters, lacksNone: lacking.length === 0 },
      ports,
    ),
    lacking,
    occupied: await occupiedOf(emptied, clusters, ports),
    notActive: await notActiveOf(
      restored.filter((id) => listed.has(id)),
      clusters,
      ports,
    ),
  };
}

/** On the image that is rolled out; and on those that other slots of the copy launch, which stay as they are. */
async function hostsOfCopy(
  instances: readonly FleetInstance[],
  {
    imageId,
    launched,
    clusters,
    lacksNone,
  }: { imageId: string; launched: string[]; clusters: string[]; lacksNone: boolean },
  ports: RolloutPorts,
): Promise<SpotLook['hosts']> {
  const stays = new Set(launched);
  const where = { clusters, lacksNone, stays };
  let all = { ...(await hostsOf(instances, imageId, where, ports.clusters)), staying: 0 };
  for (const other of [...stays].filter((one) => one !== imageId)) {
    const { fresh, joined, working, strangers } = await hostsOf(instances, other, where, ports.clusters);
    all = {
      ...all,
      joined: all.joined + joined,
      working: all.working + working,
      strangers: [...all.strangers, ...strangers].slice(0, MOST_NAMED),
      staying: all.staying + fresh,
    };
  }
  return all;
}

/** Those that somebody set ACTIVE, or that tasks were placed on, after they were drained. */
async function occupiedOf(emptied: readonly string[], clusters: readonly string[], ports: RolloutPorts) {
  const hosts = await hostsIn(clusters, emptied, ports);
  const occupied = hosts.filter(({ status, runningTasks }) => status === 'ACTIVE' || runningTasks > 0);
  return occupied.slice(0, MOST_NAMED).map(({ instanceId }) => instanceId);
}

/** Also those that ECS does not know any more: nobody can set them ACTIVE. */
async function notActiveOf(restored: readonly string[], clusters: readonly string[], ports: RolloutPorts) {
  const hosts = await hostsIn(clusters, restored, ports);
  const active = new Set(hosts.filter(({ status }) => status === 'ACTIVE').map(({ instanceId }) => instanceId));
  return restored.filter((id) => !active.has(id)).slice(0, MOST_NAMED);
}

async function hostsIn(clusters: readonly string[], instances: readonly string[], ports: RolloutPorts) {
  const hosts: HostSeen[] = [];
  for (const cluster of instances.length === 0 ? [] : clusters) {
    hosts.push(...read(await ports.clusters.hosts(cluster, instances)));
  }
  return hosts;
}

function side({ fleet, instances }: { fleet: SpotFleetSeen; instances: readonly FleetInstance[] }): FleetSide {
  const { state, createdAtMs, targetCapacity, fulfilledCapacity, excess } = fleet;
  const units = instances.reduce((sum, instance) => sum + unitsOf(fleet, instance), 0);
  const ids = instances.map(({ id }) => id);
  return { state, createdAtMs, targetCapacity, fulfilledCapacity, excess, instances: ids, units };
}

/** A type that the request does not name any more counts as the heaviest: nothing is held up by what is not known. */
function unitsOf({ weights }: SpotFleetSeen, { instanceType = '' }: FleetInstance): number {
  if (weights === undefined) return 1;
  return weights[instanceType] ?? Math.max(...Object.values(weights));
}
