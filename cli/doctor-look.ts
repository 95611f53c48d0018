import { managedDrainingGroups } from '../src/aws/capacity-providers.ts';
import { clusters as readClusters } from '../src/aws/clusters.ts';
import { listRunning } from '../src/aws/executions.ts';
import { hooksOf, groups as readGroups } from '../src/aws/groups.ts';
import type { Session } from '../src/aws/session.ts';
import { switchPort } from '../src/aws/ssm.ts';
import { drainFunction, subscriptions, unreservedConcurrency, waitingMessages } from '../src/aws/stack-health.ts';
import { servicesOnInstances, standaloneTasks, stopTimeout } from '../src/aws/workloads.ts';
import { ConfigError, readDrainConfig } from '../src/config.ts';
import type { ClusterSeen } from '../src/operator/clusters.ts';
import type { DoctorSeen, GroupSeen, TaskDefinitionSeen, WorkloadSeen } from '../src/operator/doctor-seen.ts';
import type { Result } from '../src/ports.ts';
import type { Here } from './operate.ts';

/** A call for each, one after another: a region with more of them has more reasons not to read them all. */
const MOST_TASK_DEFINITIONS = 200;

/** Looks at everything that doctor asks about in one region. What fails leaves a failure in its place, and stops nothing else. */
export async function look({ aws, stack }: Here, named: readonly string[]): Promise<DoctorSeen> {
  // Services at once, calls to one of them after another: drains live on the same quotas.
  const [scaling, ecs, topic, queue, lambda, text] = await Promise.all([
    lookAtGroups(aws, named),
    lookAtClusters(aws),
    subscriptions(aws.sns, stack.alertTopicArn),
    waitingMessages(aws.sqs, stack.deadLettersUrl),
    lookAtFunction(aws, stack.drainFunctionArn),
    switchPort(aws.ssm, stack.switchParameter, aws.now).read(),
  ]);
  const workloads = await lookAtWorkloads(aws, relevant(ecs.clusters, scaling, named));
  return {
    stack,
    named,
    groups: scaling,
    ...ecs,
    workloads,
    ...(await lookAtTaskDefinitions(aws, workloads)),
    subscriptions: topic,
    deadLetters: queue,
    ...lambda,
    switchText: text,
  };
}

async function lookAtGroups({ autoScaling }: Session, named: readonly string[]): Promise<DoctorSeen['groups']> {
  const found = await readGroups(autoScaling, named.length === 0 ? undefined : named);
  if (!found.ok) return found;
  const all: GroupSeen[] = [];
  for (const group of found.value) all.push({ group, hooks: await hooksOf(autoScaling, group.name) });
  return { ok: true, value: all };
}

async function lookAtClusters({ ecs }: Session): Promise<Pick<DoctorSeen, 'clusters' | 'managedDraining'>> {
  const clusters = await readClusters(ecs);
  return { clusters, managedDraining: await managedDrainingGroups(ecs) };
}

async function lookAtFunction({ lambda }: Session, arn: string) {
  const found = await drainFunction(lambda, arn);
  return {
    drainFunction: found,
    deployed: found.ok && found.value ? policyIn(found.value.environment) : undefined,
    running: await listRunning(lambda, arn),
    unreservedConcurrency: await unreservedConcurrency(lambda),
  };
}

/** What the function was deployed with; or what is wrong with it. */
export function policyIn(environment: Readonly<Record<string, string>>): DoctorSeen['deployed'] {
  try {
    return readDrainConfig(environment).policy;
  } catch (error) {
    if (error instanceof ConfigError) return { mistakes: error.message };
    throw error;
  }
}

/** The clusters with container instances of the groups; those too whose instances could not be read. */
function relevant(
  clusters: Result<readonly ClusterSeen[]>,
  groups: DoctorSeen['groups'],
  named: readonly string[],
): readonly string[] {
  const ids = new Set(groups.ok ? groups.value.flatMap(({ group }) => group.instances.map(({ id }) => id)) : []);
  const isRelevant = ({ registrations }: ClusterSeen): boolean =>
    !registrations.ok ||
    registrations.value.some(({ instanceId }) => named.length === 0 || !groups.ok || ids.has(instanceId));
  return clusters.ok ? clusters.value.filter(isRelevant).map(({ name }) => name) : [];
}

async function lookAtWorkloads({ ecs }: Session, clusters: readonly string[]): Promise<readonly WorkloadSeen[]> {
  const all: WorkloadSeen[] = [];
  for (const cluster of clusters) {
    const services = await servicesOnInstances(ecs, cluster);
    all.push({ cluster, services, standalone: await standaloneTasks(ecs, cluster) });
  }
  return all;
}

async function lookAtTaskDefinitions(
  { ecs }: Session,
  workloads: readonly WorkloadSeen[],
): Promise<Pick<DoctorSeen, 'taskDefinitions' | 'unreadTaskDefinitions'>> {
  const services = workloads.flatMap((workload) => (workload.services.ok ? workload.services.value : []));
  const arns = [...new Set(services.map(({ taskDefinition }) => taskDefinition))];
  const taskDefinitions: TaskDefinitionSeen[] = [];
  for (const arn of arns.slice(0, MOST_TASK_DEFINITIONS)) {
    taskDefinitions.push({ arn, stopTimeoutSeconds: await stopTimeout(ecs, arn) });
  }
  return { taskDefinitions, unreadTaskDefinitions: Math.max(0, arns.length - MOST_TASK_DEFINITIONS) };
}
