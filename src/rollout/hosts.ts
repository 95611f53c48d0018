import type { HostsSeen } from './fleet-memory.ts';
import type { ClustersPort, FleetInstance } from './ports.ts';
import { read } from './reading.ts';

const MOST_STRANGERS = 5;

/**
 * How a fleet's instances stand: those on the new image as ECS has them; the others are only counted.
 * @param stays images of the fleet that are not this release's to change, of another architecture for one.
 * @param strangers those of the look before: as long as they are, they are not crowded out by newer ones.
 */
export async function hostsOf(
  instances: readonly FleetInstance[],
  imageId: string,
  {
    clusters,
    isSteady,
    stays,
    strangers = [],
  }: {
    readonly clusters: readonly string[];
    readonly isSteady: boolean;
    readonly stays: ReadonlySet<string>;
    readonly strangers?: readonly string[];
  },
  port: ClustersPort,
): Promise<HostsSeen> {
  const isInService = ({ state }: FleetInstance) => state === 'InService' || state === 'healthy';
  const fresh = instances.filter((one) => isInService(one) && one.imageId === imageId).map(({ id }) => id);
  const joined = new Set<string>();
  const working = new Set<string>();
  for (const cluster of fresh.length === 0 ? [] : clusters) {
    for (const { instanceId, status, agentConnected, runningTasks } of read(await port.hosts(cluster, fresh))) {
      if (status !== 'ACTIVE' || !agentConnected) continue;
      joined.add(instanceId);
      if (runningTasks > 0) working.add(instanceId);
    }
  }
  // Where every service is steady, an instance without a task has simply not been needed yet.
  const isStranger = (id: string) => !joined.has(id) || !(working.has(id) || isSteady);
  const seenBefore = strangers.filter((id) => fresh.includes(id));
  return {
    fresh: fresh.length,
    joined: joined.size,
    working: working.size,
    strangers: [...new Set([...seenBefore, ...fresh])].filter(isStranger).slice(0, MOST_STRANGERS),
    old: instances.filter((one) => one.imageId !== imageId && !stays.has(one.imageId ?? '')).length,
  };
}
