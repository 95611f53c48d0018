import { renderAlert } from '../alert.ts';
import type { DrainConfig } from '../config.ts';
import type { Course } from '../loop.ts';
import { follow } from '../loop.ts';
import type { AlertPort, AutoScalingPort, ClockPort, DurablePort, EcsPort, Failure } from '../ports.ts';
import type { DrainResult, Move } from './decide.ts';
import { decide } from './decide.ts';
import { countTasks, findReasons, lastLook, lookAt } from './look.ts';
import type { Memory, Placement, Seen } from './memory.ts';
import { begin, isEmpty, remember, rest } from './memory.ts';
import type { DrainRequest } from './request.ts';

export interface DrainPorts {
  readonly ecs: EcsPort;
  readonly autoScaling: AutoScalingPort;
  readonly alerts: AlertPort;
  readonly now: ClockPort;
}

/** Drains one instance, from the notice to the release. Runs again from the top at every replay. */
export function drain(
  request: DrainRequest,
  config: DrainConfig,
  ports: DrainPorts,
  durable: DurablePort,
): Promise<DrainResult> {
  const course: Course<Memory, Move, Seen, DrainResult> = {
    decide,
    carryOut: (move, memory) => carryOut(move, memory, config, ports),
    remember: (memory, _move, seen) => remember(memory, seen),
    rest,
  };
  return follow(course, begin(request, config.policy), durable);
}

/** One move, one effect. Every operating error comes back as part of what was seen. */
async function carryOut(move: Move, memory: Memory, config: DrainConfig, ports: DrainPorts): Promise<Seen> {
  const { ecs, autoScaling, alerts, now } = ports;
  switch (move.kind) {
    case 'verify':
      return verify(memory.request, autoScaling, now);
    case 'find':
      return find(memory.request, config.clusters, ecs, now);
    case 'start-draining': {
      const answer = await countTasks(move.placements, (cluster, arns) => ecs.setDraining(cluster, arns));
      const seen = answer.ok ? { instances: answer.value.instances } : { failure: answer };
      return { kind: 'start-draining', look: { atMs: now(), ...seen } };
    }
    case 'look':
      return { kind: 'look', look: await lookAt(move.placements, ecs, now, move) };
    case 'heartbeat': {
      const answer = await autoScaling.heartbeat(memory.request);
      return { kind: 'heartbeat', atMs: now(), ...failureOf(answer) };
    }
    case 'diagnose':
      return { kind: 'diagnose', atMs: now(), reasons: await findReasons(move.placements, ecs) };
    case 'alert': {
      const answer = await alerts.publish(renderAlert(move.alert));
      return { kind: 'alert', atMs: now(), alert: move.alert.kind, ...failureOf(answer) };
    }
    case 'release':
      return release(move, memory.request, ports);
  }
}

/** Lifecycle states of an instance that a terminate hook is holding (AWS-CONTRACTS §1). */
const LEAVING = /^(Terminating|Warmed:Terminating|Warmed:Pending|ReplacingRootVolume)(:Wait)?$/;

async function verify(request: DrainRequest, autoScaling: AutoScalingPort, now: ClockPort): Promise<Seen> {
  const instance = await autoScaling.describeInstance(request.instanceId);
  if (!instance.ok) return { kind: 'verify', atMs: now(), departing: false, failure: instance };
  const seen = instance.value;
  if (seen?.group !== request.group || !LEAVING.test(seen.state)) {
    const state = seen && (seen.group === request.group ? seen.state : `it belongs to group ${seen.group}`);
    return { kind: 'verify', atMs: now(), departing: false, ...(state === undefined ? {} : { state }) };
  }
  const hook = await autoScaling.describeHook(request.group, request.hook);
  if (!hook.ok) return { kind: 'verify', atMs: now(), departing: false, state: seen.state, failure: hook };
  if (hook.value === undefined) {
    return { kind: 'verify', atMs: now(), departing: false, state: `that the group has no hook ${request.hook}` };
  }
  return { kind: 'verify', atMs: now(), departing: true, state: seen.state, hook: hook.value };
}

/**
 * Looks where the notice says, then where the configuration says; and before it is concluded that the instance is in
 * no cluster, in all of them: not found is not empty. A place that could not be read makes the answer a failure.
 */
async function find(request: DrainRequest, configured: readonly string[], ecs: EcsPort, now: ClockPort): Promise<Seen> {
  const searched = new Set<string>();
  let failure: Failure | undefined;

  const search = async (clusters: readonly string[]): Promise<Placement[]> => {
    const placements: Placement[] = [];
    for (const cluster of clusters) {
      if (searched.has(nameOf(cluster))) continue;
      searched.add(nameOf(cluster));
      const arns = await ecs.findContainerInstances(cluster, request.instanceId);
      if (arns.ok) placements.push(...arns.value.map((arn) => ({ cluster, arn })));
      else failure ??= arns;
    }
    return placements;
  };

  const named = request.cluster === undefined ? configured : [request.cluster];
  let placements = await search(named);
  if (placements.length === 0) {
    const all = await ecs.listClusters();
    if (all.ok) placements = await search([...configured, ...all.value]);
    else failure ??= all;
  }
  return { kind: 'find', atMs: now(), placements, searched: searched.size, ...(failure && { failure }) };
}

function nameOf(cluster: string): string {
  return cluster.slice(cluster.lastIndexOf('/') + 1);
}

/** Looks once more, then completes the action: nothing may come between the look and the release. */
async function release(
  move: Extract<Move, { kind: 'release' }>,
  request: DrainRequest,
  { ecs, autoScaling, now }: DrainPorts,
): Promise<Seen> {
  const look = await lastLook(move, ecs, now);
  if (!move.forced && !isEmpty(look)) return { kind: 'release', look, forced: false, completed: false };
  const answer = await autoScaling.complete(request, move.result);
  // An action that is already finished needs nothing more: perhaps it was we who finished it, before a crash.
  const completed = answer.ok || answer.reason === 'gone';
  return { kind: 'release', look, forced: move.forced, completed, ...(completed ? {} : failureOf(answer)) };
}

function failureOf(answer: { ok: true } | Failure): { failure?: Failure } {
  return answer.ok ? {} : { failure: answer };
}
