import type { Violate } from './audit.ts';
import type { Scenario } from './scenario.ts';
import type { SpotFleets } from './spot-fleets.ts';
import type { World, WorldEvent } from './world.ts';

type TaskEvent = Extract<WorldEvent, { kind: 'task' }>;

/** What may happen beside a rollout while the rule still judges it. */
const OF_ROLLOUTS: ReadonlySet<string> = new Set([
  'atSeconds',
  'release',
  'rollOut',
  'say',
  'scale',
  'alarm',
  'capacity',
  'refresh',
  'writeTemplate',
  'standby',
  'faultsEnd',
]);

/**
 * Watches that no service comes below its minimum because of us: by a task on an instance that we drain, that a refresh
 * of ours replaces, or whose Spot Fleet we end. What EC2 takes by itself is not ours; nor what people heard of as forced.
 */
export function watchMinimum(
  world: World,
  scenario: Scenario,
  {
    there,
    forced,
    violate,
  }: { there: { spotFleets: Pick<SpotFleets, 'instance'> }; forced: ReadonlySet<string>; violate: Violate },
): void {
  // Where others take instances or tasks away as well, a service that lacks some does not tell whose doing it is.
  const isOursAlone = scenario.events.every((event) => Object.keys(event).every((key) => OF_ROLLOUTS.has(key)));
  if (!isOursAlone) return;
  /** By cluster and service, the tasks that run. */
  const running = new Map<string, Set<string>>();
  const ours = new Set<string>();
  const told = new Set<string>();

  const leastOf = ({ cluster, service }: TaskEvent): number => {
    const specs = scenario.clusters.find(({ name }) => name === cluster)?.services ?? [];
    const spec = specs.find(({ name, strategy }) => name === service && strategy === 'REPLICA');
    return spec === undefined ? 0 : Math.ceil((spec.desired * spec.minimumHealthyPercent) / 100);
  };

  const isOurs = ({ instanceId, cut }: TaskEvent): boolean => {
    if (forced.has(instanceId)) return false;
    // Cut off on an instance that we only drained, it was taken by somebody else: unless its fleet ended by us.
    if (cut) return there.spotFleets.instance(instanceId)?.fleet.state.startsWith('cancelled') === true;
    return ours.has(instanceId);
  };

  world.on((event) => {
    if (event.kind === 'container-instance') {
      if (event.status === 'DRAINING' && event.by === 'call') ours.add(event.instanceId);
      if (event.status === 'ACTIVE') ours.delete(event.instanceId);
    }
    if (event.kind !== 'task' || event.service === undefined) return;
    const key = `${event.cluster}/${event.service}`;
    const tasks = running.get(key) ?? new Set<string>();
    running.set(key, tasks);
    // By ECS's own count, which knows nothing yet of what EC2 took under an agent that is away.
    const isCounted = event.lastStatus === 'RUNNING' && event.desiredStatus === 'RUNNING';
    if (isCounted && !(event.cut && isOurs(event))) {
      tasks.add(event.taskArn);
      return;
    }
    if (!tasks.delete(event.taskArn) || tasks.size >= leastOf(event) || !isOurs(event) || told.has(key)) return;
    told.add(key);
    violate(
      'below-minimum',
      event.instanceId,
      `${key} is down to ${tasks.size} tasks, and is to have ${leastOf(event)}`,
    );
  });
}
