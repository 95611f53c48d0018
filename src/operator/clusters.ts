import type { Failure, Result } from '../ports.ts';
import type { Group } from './hooks.ts';

/** An EC2 instance as a cluster knows it; one may be registered more than once (AWS-CONTRACTS §3). */
export interface Registration {
  readonly instanceId: string;
  readonly status: string;
  readonly agentConnected: boolean;
  /** Tasks whose desired status is RUNNING. */
  readonly tasks: number;
}

export interface ClusterSeen {
  readonly name: string;
  /** Those that are not INACTIVE. */
  readonly registrations: Result<readonly Registration[]>;
}

/** The names of the clusters that instances of the group are registered in; not found is not empty, so any failure is the answer. */
export function clustersOf(group: Group, clusters: Result<readonly ClusterSeen[]>): readonly string[] | Failure {
  if (!clusters.ok) return clusters;
  const ids = new Set(group.instances.map(({ id }) => id));
  const names: string[] = [];
  for (const { name, registrations } of clusters.value) {
    if (!registrations.ok) return registrations;
    if (registrations.value.some(({ instanceId }) => ids.has(instanceId))) names.push(name);
  }
  return names;
}
