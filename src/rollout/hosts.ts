import type { HostsSeen } from './fleet-memory.ts';
import { versionKey } from './fleet-memory.ts';
import type { ClustersPort, FleetInstance } from './ports.ts';
import { read } from './reading.ts';

const MOST_STRANGERS = 5;

/** What stands in `oldFrom` where AWS does not tell what an instance was launched from. */
export const UNKNOWN_TEMPLATE = 'unknown';

/**
 * How a fleet's instances stand: those on the new image as ECS has them; the others are only counted.
 * @param stays images of the fleet that are not this release's to change, of another architecture for one.
 * @param pooled instances of its warm pool.
 * @param launches the template versions that it launches from now (`versionKey`).
 * @param strangers those of the look before: as long as they are, they are not crowded out by newer ones.
 */
export async function hostsOf(
  instances: readonly FleetInstance[],
  imageId: string,
  {
    clusters,
    lacksNone,
    stays,
    launches = [],
    pooled = [],
    strangers = [],
  }: {
    readonly clusters: readonly string[];
    readonly lacksNone: boolean;
    readonly stays: ReadonlySet<string>;
    readonly launches?: readonly string[];
    readonly pooled?: readonly FleetInstance[];
    readonly strangers?: readonly string[];
  },
  port: Pick<ClustersPort, 'hosts'>,
): Promise<HostsSeen> {
  // What EC2 does not know any more leaves its group as well.
  const isLeaving = ({ state }: FleetInstance) => /^(Warmed:)?Terminat/.test(state);
  const isInService = ({ state }: FleetInstance) => state === 'InService' || state === 'healthy';
  const fresh = instances.filter((one) => isInService(one) && one.imageId === imageId).map(({ id }) => id);
  const isOld = (one: FleetInstance) => one.imageId !== undefined && one.imageId !== imageId && !stays.has(one.imageId);
  const old = instances.filter(isOld);
  const waiting = pooled.filter((one) => !isLeaving(one));
  const joined = new Set<string>();
  const working = new Set<string>();
  for (const cluster of fresh.length === 0 ? [] : clusters) {
    for (const { instanceId, status, agentConnected, runningTasks } of read(await port.hosts(cluster, fresh))) {
      if (status !== 'ACTIVE' || !agentConnected) continue;
      joined.add(instanceId);
      if (runningTasks > 0) working.add(instanceId);
    }
  }
  // Where no service lacks tasks or waits for some, an instance without one has simply not been needed yet.
  const isStranger = (id: string) => !joined.has(id) || !(working.has(id) || lacksNone);
  const seenBefore = strangers.filter((id) => fresh.includes(id));
  return {
    fresh: fresh.length,
    joined: joined.size,
    working: working.size,
    strangers: [...new Set([...seenBefore, ...fresh])].filter(isStranger).slice(0, MOST_STRANGERS),
    old: old.length,
    oldFrom: [...new Set(old.map(launchedFrom))].filter((key) => key === UNKNOWN_TEMPLATE || launches.includes(key)),
    oldPooled: waiting.filter(isOld).length,
    unknown: [...instances, ...waiting].filter((one) => one.imageId === undefined && !isLeaving(one)).length,
  };
}

function launchedFrom({ template }: FleetInstance): string {
  if (template === undefined || !/^\d+$/.test(template.version)) return UNKNOWN_TEMPLATE;
  return versionKey({ templateId: template.templateId, number: Number(template.version) });
}
