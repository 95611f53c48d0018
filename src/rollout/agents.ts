import type { FleetFacts } from './fleet.ts';
import { contentsOf } from './fleet.ts';
import type { ClustersPort, FleetInstance, HostSeen } from './ports.ts';

/** Instances of one image run one agent, or two where some have renewed theirs in place. */
const MOST_OF_AN_IMAGE = 2;
const MOST_OF_A_FLEET = 10;

/** A fleet as it was looked at, and its instances. */
export interface Looked {
  readonly facts: FleetFacts;
  readonly instances: readonly FleetInstance[];
}

/**
 * Adds which agent and runtime the fleets' instances run, by image: the name of an image does not say it. All that share
 * a cluster are asked for at once. It is only told, so what cannot be read holds nothing up.
 */
export async function withAgents(
  fleets: readonly Looked[],
  { hosts: hostsIn }: Pick<ClustersPort, 'hosts'>,
): Promise<FleetFacts[]> {
  const samples = fleets.map(({ facts, instances }) => ({ facts, sample: sampleOf(instances) }));
  const hosts = new Map<string, HostSeen>();
  for (const cluster of new Set(samples.flatMap(({ facts }) => facts.clusters))) {
    const here = samples.filter(({ facts }) => facts.clusters.includes(cluster));
    const seen = await hostsIn(
      cluster,
      here.flatMap(({ sample }) => sample.map(({ id }) => id)),
    );
    for (const host of seen.ok ? seen.value : []) hosts.set(host.instanceId, host);
  }
  return samples.map(({ facts, sample }) => {
    const agents = agentsOf(sample, hosts);
    return Object.keys(agents).length === 0 ? facts : { ...facts, agents };
  });
}

/** A few of each image. */
function sampleOf(instances: readonly FleetInstance[]): readonly FleetInstance[] {
  const taken = new Map<string, number>();
  return instances
    .filter(({ imageId }) => {
      const before = taken.get(imageId ?? '') ?? 0;
      if (imageId === undefined || before === MOST_OF_AN_IMAGE) return false;
      taken.set(imageId, before + 1);
      return true;
    })
    .slice(0, MOST_OF_A_FLEET);
}

function agentsOf(
  sample: readonly FleetInstance[],
  hosts: ReadonlyMap<string, HostSeen>,
): Record<string, readonly string[]> {
  const agents = new Map<string, readonly string[]>();
  for (const { id, imageId } of sample) {
    const host = hosts.get(id);
    const words = host === undefined ? '' : contentsOf(host).join(', ');
    const known = agents.get(imageId ?? '') ?? [];
    if (imageId !== undefined && words !== '' && !known.includes(words)) agents.set(imageId, [...known, words]);
  }
  return Object.fromEntries(agents);
}
