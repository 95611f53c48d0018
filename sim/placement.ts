import TinyQueue from 'tinyqueue';
import { parseQuery } from './cluster-query.ts';
import type { Cluster, ContainerInstance, TaskSettings } from './ecs-state.ts';

/**
 * What keeps a task off an instance, the least fitting first. The words are those of ECS service events
 * (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html, and captured events for
 * the agent and the constraint); which check ECS makes first is UNVERIFIED.
 */
const OBSTACLES = [
  ['constraint', 'encountered error "MemberOf placement constraint unsatisfied."'],
  ['agent', "doesn't have the agent connected"],
  ['port', 'is already using a port required by your task'],
  ['memory', 'has insufficient memory available'],
  ['cpu', 'has insufficient CPU units available'],
] as const;

type Obstacle = (typeof OBSTACLES)[number][0];

type Matches = (instance: ContainerInstance) => boolean;

const matcherOf = (settings: TaskSettings): Matches =>
  settings.placementConstraint === undefined ? () => true : parseQuery(settings.placementConstraint);

/** CPU units and memory that are kept free on an instance. */
type Reserved = Pick<TaskSettings, 'cpu' | 'memory'>;
const NOTHING: Reserved = { cpu: 0, memory: 0 };

function obstacle(
  instance: ContainerInstance,
  settings: TaskSettings,
  matches: Matches,
  reserved = NOTHING,
): Obstacle | undefined {
  if (!matches(instance)) return 'constraint';
  if (!instance.agentConnected) return 'agent';
  if (settings.hostPort !== undefined && instance.ports.has(settings.hostPort)) return 'port';
  if (instance.free.memory < settings.memory + reserved.memory) return 'memory';
  if (instance.free.cpu < settings.cpu + reserved.cpu) return 'cpu';
  return undefined;
}

/** DRAINING: "no new placement". External instances (`mi-…`) are of another launch type than our services (AWS-CONTRACTS §3). */
const isOpen = ({ status, ec2InstanceId }: ContainerInstance): boolean =>
  status === 'ACTIVE' && !ec2InstanceId.startsWith('mi-');

/** Whether the instance is one a service with these settings is meant for at all, full or not. */
export function isMeantFor(instance: ContainerInstance, settings: TaskSettings): boolean {
  return isOpen(instance) && matcherOf(settings)(instance);
}

/** Whether an instance that the service is meant for also has room. */
export function fits(instance: ContainerInstance, settings: TaskSettings): boolean {
  return obstacle(instance, settings, matcherOf(settings)) === undefined;
}

/**
 * What the DAEMON services will yet need on each instance: ECS keeps that for them, so that theirs are the first tasks there
 * (developer guide, daemon scheduling strategy).
 */
export function reservations(cluster: Cluster): (instance: ContainerInstance) => Reserved {
  const daemons = [...cluster.services.values()]
    .filter(({ strategy }) => strategy === 'DAEMON')
    .map(({ settings, live }) => ({ settings, on: new Set([...live].map(({ instance }) => instance)) }));
  if (daemons.length === 0) return () => NOTHING;
  return (instance) => {
    const missing = daemons.filter(({ settings, on }) => !on.has(instance) && isMeantFor(instance, settings));
    return missing.reduce(
      ({ cpu, memory }, { settings }) => ({ cpu: cpu + settings.cpu, memory: memory + settings.memory }),
      NOTHING,
    );
  };
}

/**
 * Places up to `count` tasks, each where the fewest of its kind are (`crowd`), then where most CPU is free, then by age of
 * registration; ECS's own default spreads over zones, which we do not model. `start` must take the resources.
 * Answers how many found a place. One heap for the batch: a set-up places thousands.
 */
export function place(
  cluster: Cluster,
  settings: TaskSettings,
  count: number,
  crowd: Map<ContainerInstance, number>,
  start: (instance: ContainerInstance) => void,
): number {
  const matches = matcherOf(settings);
  const reserved = reservations(cluster);
  const roomy = (instance: ContainerInstance): boolean =>
    isOpen(instance) && obstacle(instance, settings, matches, reserved(instance)) === undefined;
  const crowdOn = (instance: ContainerInstance): number => crowd.get(instance) ?? 0;
  const candidates = new TinyQueue(
    [...cluster.instances.values()].filter(roomy),
    (a, b) => crowdOn(a) - crowdOn(b) || b.free.cpu - a.free.cpu || a.order - b.order,
  );
  let placed = 0;
  while (placed < count) {
    const instance = candidates.pop();
    if (instance === undefined) break;
    start(instance);
    placed++;
    crowd.set(instance, crowdOn(instance) + 1);
    if (roomy(instance)) candidates.push(instance);
  }
  return placed;
}

/** Why not even one task could be placed: the cause, and the sentence that ends ECS's service event. */
export function explain(
  candidates: Iterable<ContainerInstance>,
  settings: TaskSettings,
  reserved: (instance: ContainerInstance) => Reserved = () => NOTHING,
): { cause: string; sentence: string } {
  const matches = matcherOf(settings);
  let closest: { instance: ContainerInstance; rank: number } | undefined;
  for (const instance of candidates) {
    if (!isOpen(instance)) continue;
    const found = obstacle(instance, settings, matches, reserved(instance));
    const rank = OBSTACLES.findIndex(([name]) => name === found);
    if (rank < 0) continue;
    const isCloser =
      closest === undefined ||
      rank > closest.rank ||
      (rank === closest.rank && instance.free.cpu > closest.instance.free.cpu);
    if (isCloser) closest = { instance, rank };
  }
  // UNVERIFIED: that ECS says the same when all instances are DRAINING.
  const [cause, words] = OBSTACLES[closest?.rank ?? -1] ?? [];
  if (closest === undefined || cause === undefined) {
    return { cause: 'none', sentence: 'Reason: No Container Instances were found in your cluster.' };
  }
  return { cause, sentence: `The closest matching (container-instance ${closest.instance.id}) ${words}.` };
}
