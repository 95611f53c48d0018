import type { Result } from '../ports.ts';
import type { FleetFacts } from './fleet.ts';
import type { FleetLook, FleetSeen, HostsSeen } from './fleet-memory.ts';
import type { FleetMove } from './fleet-moves.ts';
import type { GroupSeen, RefreshSeen } from './ports.ts';
import { readRecord } from './record.ts';
import type { FleetRequest } from './request.ts';
import { executionName } from './request.ts';
import type { RolloutPorts } from './rollout.ts';
import { factsOf, read, reading, readTarget } from './survey.ts';

const MOST_STRANGERS = 5;
const IN_SERVICE = 'InService';

/** Carries one move of a group's rollout out. */
export async function performFleet(move: FleetMove, request: FleetRequest, ports: RolloutPorts): Promise<FleetSeen> {
  const { groups, templates, now } = ports;
  const failureOf = (result: Result<unknown>) => (result.ok ? {} : { failure: result });
  switch (move.kind) {
    case 'look': {
      const look = await reading(() => lookAtFleet(move.refreshId, request, ports));
      return { kind: 'look', atMs: now(), ...(look.ok ? { look: look.value } : { failure: look }) };
    }
    case 'make-version': {
      // The same after a crash: AWS then answers with the version that it has made.
      const token = `${executionName(request)}-${move.source.templateId}-${move.source.number}`.slice(0, 128);
      const made = await templates.createVersion(move.source, move.imageId, token, move.description);
      return { kind: 'make-version', atMs: now(), ...(made.ok ? made.value : { failure: made }) };
    }
    case 'start-refresh': {
      const started = await groups.startRefresh(move.group, move.desired, move.preferences);
      const id = started.ok && 'id' in started.value ? { id: started.value.id } : {};
      return { kind: 'start-refresh', atMs: now(), ...id, ...failureOf(started) };
    }
    case 'roll-back':
      return { kind: 'roll-back', atMs: now(), ...failureOf(await groups.rollBackRefresh(move.group)) };
    case 'cancel-refresh':
      return { kind: 'cancel-refresh', atMs: now(), ...failureOf(await groups.cancelRefresh(move.group)) };
    case 'promote': {
      const name = ports.verifiedParameter(request.source);
      const written = name === undefined ? undefined : await ports.parameters.writeParameter(name, move.target.imageId);
      return { kind: 'promote', atMs: now(), ...(written ? failureOf(written) : {}) };
    }
    case 'alert': {
      const told = await ports.tell(move.alert, executionName(request));
      return { kind: 'alert', atMs: now(), alert: move.alert.key, ...failureOf(told) };
    }
  }
}

/** The fleet, its source and its refresh, all of them now. */
async function lookAtFleet(
  refreshId: string | undefined,
  { fleet, source, release }: FleetRequest,
  ports: RolloutPorts,
): Promise<FleetLook> {
  const name = fleet.slice('group/'.length);
  const record = read(await readRecord(release, ports));
  const target = await readTarget(source, ports);
  const drainDeadlineSeconds = read(await ports.drainDeadlineSeconds(name));
  const group = read(await ports.groups.describeGroup(name));
  const known = {
    atMs: ports.now(),
    drainDeadlineSeconds,
    ...('because' in target ? {} : { target }),
    ...(record.control === undefined ? {} : { control: record.control }),
  };
  if (group === undefined) return { ...known, hosts: { fresh: 0, joined: 0, working: 0, strangers: [], old: 0 } };
  const [facts] = await factsOf([group], ports);
  const refreshes = read(await ports.groups.refreshes(name));
  const refresh: RefreshSeen | undefined =
    refreshId === undefined ? refreshes[0] : refreshes.find(({ id }) => id === refreshId);
  const imageId = 'because' in target ? undefined : target.imageId;
  return {
    ...known,
    ...(facts === undefined ? {} : { facts }),
    ...(refresh === undefined ? {} : { refresh }),
    hosts: await hostsOf(group, facts, imageId, ports),
  };
}

/** Only the instances on the new image are looked up in ECS: the others were there before. */
async function hostsOf(
  group: GroupSeen,
  facts: FleetFacts | undefined,
  imageId: string | undefined,
  { clusters }: RolloutPorts,
): Promise<HostsSeen> {
  const inService = group.instances.filter(({ state }) => state === IN_SERVICE);
  const fresh = inService.filter((instance) => instance.imageId === imageId).map(({ id }) => id);
  const atWork = new Map<string, { joined: boolean; working: boolean }>();
  for (const cluster of fresh.length === 0 ? [] : (facts?.clusters ?? [])) {
    for (const host of read(await clusters.hosts(cluster, fresh))) {
      const joined = host.status === 'ACTIVE' && host.agentConnected;
      atWork.set(host.instanceId, { joined, working: joined && host.runningTasks > 0 });
    }
  }
  // Where every service is steady, an instance without a task has simply not been needed yet.
  const isSteady = facts?.unsteady.length === 0;
  const isStranger = (id: string): boolean => {
    const host = atWork.get(id);
    return host === undefined || !host.joined || (!host.working && !isSteady);
  };
  return {
    fresh: fresh.length,
    joined: [...atWork.values()].filter(({ joined }) => joined).length,
    working: [...atWork.values()].filter(({ working }) => working).length,
    strangers: fresh.filter(isStranger).slice(0, MOST_STRANGERS),
    old: group.instances.filter((instance) => instance.imageId !== imageId).length,
  };
}
