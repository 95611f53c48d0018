import type { Violate } from './audit.ts';
import type { AutoScaling } from './autoscaling.ts';
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

/** By which a refresh takes instances, or a group those that its refresh has left above the desired capacity. */
const BY_REFRESH = /^an instance refresh$|^a group above its desired capacity$/;

/**
 * Watches that no service comes below its minimum because of us: by a task on an instance that we drain, that a refresh
 * of ours replaces, or whose Spot Fleet we end; that people heard of it as forced makes it no better. What EC2 takes by
 * itself is not ours, nor what the refresh of somebody else replaces, nor an instance whose notice is in the dead-letter
 * queue since a machine died at its every delivery: an alarm says so.
 */
export function watchMinimum(
  world: World,
  scenario: Scenario,
  {
    there,
    violate,
  }: {
    there: { autoScaling: Pick<AutoScaling, 'operations'>; spotFleets: Pick<SpotFleets, 'instance'> };
    violate: Violate;
  },
): void {
  // Where others take instances or tasks away as well, a service that lacks some does not tell whose doing it is.
  const isOursAlone = scenario.events.every((event) => Object.keys(event).every((key) => OF_ROLLOUTS.has(key)));
  if (!isOursAlone) return;
  /** By cluster and service, the tasks that run. */
  const running = new Map<string, Set<string>>();
  const drained = new Set<string>();
  /** Instance refreshes that an execution of ours started, and the instances that they take. */
  const refreshes = new Set<string>();
  const replaced = new Set<string>();
  const told = new Set<string>();
  /** Notices that were given up. */
  const lost: string[] = [];

  const leastOf = ({ cluster, service }: TaskEvent): number => {
    const specs = scenario.clusters.find(({ name }) => name === cluster)?.services ?? [];
    const spec = specs.find(({ name, strategy }) => name === service && strategy === 'REPLICA');
    return spec === undefined ? 0 : Math.ceil((spec.desired * spec.minimumHealthyPercent) / 100);
  };

  const latestRefresh = (group: string): string => {
    const { DescribeInstanceRefreshes: describe } = there.autoScaling.operations;
    return describe({ AutoScalingGroupName: group }).InstanceRefreshes[0]?.InstanceRefreshId ?? '';
  };

  const isOurs = ({ instanceId, cut }: TaskEvent): boolean => {
    if (lost.some((payload) => payload.includes(instanceId))) return false;
    if (replaced.has(instanceId)) return true;
    // Cut off on an instance that we only drained, it was taken by somebody else: unless its fleet ended by us.
    if (cut) return there.spotFleets.instance(instanceId)?.fleet.state.startsWith('cancelled') === true;
    return drained.has(instanceId);
  };

  world.on((event) => {
    if (event.kind === 'container-instance') {
      if (event.status === 'DRAINING' && event.by === 'call') drained.add(event.instanceId);
      if (event.status === 'ACTIVE') drained.delete(event.instanceId);
    }
    if (event.kind === 'dead-letter' && event.because.includes('fault')) lost.push(event.payload);
    if (event.kind === 'call' && event.operation === 'StartInstanceRefresh' && event.error === undefined && event.by) {
      const { AutoScalingGroupName } = event.input as { AutoScalingGroupName: string };
      refreshes.add(latestRefresh(AutoScalingGroupName));
    }
    if (event.kind === 'instance-terminating' && event.to === 'EC2' && BY_REFRESH.test(event.cause)) {
      if (refreshes.has(latestRefresh(event.group))) replaced.add(event.instanceId);
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
