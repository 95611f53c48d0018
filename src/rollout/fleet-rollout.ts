import type { Result } from '../ports.ts';
import { claimFleet, releaseFleet } from './claim.ts';
import { performCommon } from './common-moves.ts';
import { saidBefore, underSwitch } from './control.ts';
import { imagesThatStay } from './fleet.ts';
import type { FleetLook, FleetSeen } from './fleet-memory.ts';
import { slotKey } from './fleet-memory.ts';
import type { FleetMove } from './fleet-moves.ts';
import { heldBack } from './held.ts';
import { hostsOf } from './hosts.ts';
import { read, reading } from './reading.ts';
import { readRecord } from './record.ts';
import type { FleetRequest } from './request.ts';
import type { RolloutPorts } from './rollout.ts';
import { factsLater, factsOfOne } from './survey.ts';
import { readTarget } from './target.ts';

/** Carries one move of a group's rollout out. */
export async function performFleet(move: FleetMove, request: FleetRequest, ports: RolloutPorts): Promise<FleetSeen> {
  const { groups, now } = ports;
  const failureOf = (result: Result<unknown>) => (result.ok ? {} : { failure: result });
  switch (move.kind) {
    case 'look': {
      const look = await reading(() => lookAtFleet(move, request, ports));
      return { kind: 'look', atMs: now(), ...(look.ok ? { look: look.value } : { failure: look }) };
    }
    case 'claim': {
      const claimed = await claimFleet(request, ports);
      return { kind: 'claim', atMs: now(), ...('isOurs' in claimed ? { claimed } : { failure: claimed }) };
    }
    case 'give-back': {
      const failure = await releaseFleet(request, ports);
      return { kind: 'give-back', atMs: now(), ...(failure && { failure }) };
    }
    case 'start-refresh': {
      const held = await heldBack(request, ports);
      if (held) return { kind: 'start-refresh', atMs: now(), failure: held };
      const started = await groups.startRefresh(move.group, move.desired, move.preferences);
      const id = started.ok && 'id' in started.value ? { id: started.value.id } : {};
      return { kind: 'start-refresh', atMs: now(), ...id, ...failureOf(started) };
    }
    case 'roll-back':
      return { kind: 'roll-back', atMs: now(), ...failureOf(await groups.rollBackRefresh(move.group)) };
    case 'cancel-refresh':
      return { kind: 'cancel-refresh', atMs: now(), ...failureOf(await groups.cancelRefresh(move.group)) };
    case 'make-version':
    case 'promote':
    case 'alert':
      return performCommon(move, request, ports);
  }
}

/** The fleet, its source and its refresh, all of them now; or, while the refresh is under way, what it may change. */
async function lookAtFleet(
  { refreshId, known }: Extract<FleetMove, { kind: 'look' }>,
  request: FleetRequest,
  ports: RolloutPorts,
): Promise<FleetLook> {
  const name = request.fleet.slice('group/'.length);
  const record = read(await readRecord(request.release, ports));
  const said = record.mistake === undefined ? record.control : saidBefore(known?.look.control);
  const rules = read(await ports.drainRules(name));
  const at = new Date(ports.now()).toISOString();
  const control = underSwitch(said, rules.mode, { before: known?.look.control, isFirst: known === undefined, at });
  const target = known?.isSettled ? known.look.target : await targetOf(request, ports);
  const group = read(await ports.groups.describeGroup(name));
  const seen = {
    atMs: ports.now(),
    drainDeadlineSeconds: rules.deadlineSeconds,
    ...(target === undefined ? {} : { target }),
    ...(control === undefined ? {} : { control }),
  };
  if (group === undefined)
    return {
      ...seen,
      hosts: { fresh: 0, joined: 0, working: 0, strangers: [], old: 0, oldFrom: [], oldPooled: 0, unknown: 0 },
    };
  const refreshes = read(await ports.groups.refreshes(name));
  const [latest] = refreshes;
  const refresh = refreshes.find(({ id }) => id === refreshId);
  const before = known?.look.facts;
  const facts =
    known?.isSettled && before
      ? await factsLater(before, group, ports)
      : await factsOfOne(group, latest, before?.clusters ?? [], ports);
  // A refresh renews the warm pool as well; nobody else looks whether it has.
  const isOver = refresh?.status === 'Successful';
  const pooled = isOver && group.warm > 0 ? read(await ports.groups.pooledInstances(name)) : [];
  const where = {
    pooled,
    clusters: facts.clusters,
    lacksNone: facts.lacking.length === 0,
    stays: target === undefined ? new Set<string>() : imagesThatStay(facts.slots, target),
    launches: facts.slots.flatMap((slot) => slotKey(slot) ?? []),
    strangers: known?.look.hosts.strangers ?? [],
  };
  return {
    ...seen,
    facts,
    ...(refresh === undefined ? {} : { refresh }),
    ...(latest === undefined || latest.id === refresh?.id ? {} : { other: latest }),
    // By the image that is being rolled: its source may name a newer one by now.
    hosts: await hostsOf(group.instances, request.imageId, where, ports.clusters),
  };
}

async function targetOf({ source }: FleetRequest, ports: RolloutPorts): Promise<FleetLook['target']> {
  const target = await readTarget(source, ports);
  return 'because' in target ? undefined : target;
}
