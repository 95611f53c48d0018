import type { ContainerInstance, ECSClient } from '@aws-sdk/client-ecs';
import {
  DescribeClustersCommand,
  DescribeContainerInstancesCommand,
  ListContainerInstancesCommand,
} from '@aws-sdk/client-ecs';
import type { ClusterSeen, Registration } from '../operator/clusters.ts';
import type { Result } from '../ports.ts';
import { ecsPort } from './ecs.ts';
import { attempt } from './failure.ts';
import { allPages, inChunks } from './pages.ts';

/** Most identifiers in one call (AWS-CONTRACTS §3). */
const MOST_DESCRIBED = 100;

/** Every cluster of the region, with the container instances registered in it: what fails in one hides no other. */
export async function clusters(client: ECSClient): Promise<Result<readonly ClusterSeen[]>> {
  const listed = await ecsPort(client).listClusters();
  if (!listed.ok) return listed;
  const all: ClusterSeen[] = [];
  for (const arn of listed.value) {
    all.push({ name: arn.slice(arn.lastIndexOf('/') + 1), registrations: await registrationsIn(client, arn) });
  }
  return { ok: true, value: all };
}

export function clusterExists(client: ECSClient, name: string): Promise<Result<boolean>> {
  return attempt('ecs:DescribeClusters', async () => {
    const answer = await client.send(new DescribeClustersCommand({ clusters: [name] }));
    return answer.clusters?.some(({ status }) => status !== 'INACTIVE') ?? false;
  });
}

/** Container instances that are not INACTIVE. What ECS forgets between the two calls is left out. */
async function registrationsIn(client: ECSClient, cluster: string): Promise<Result<readonly Registration[]>> {
  const listed = await attempt('ecs:ListContainerInstances', () =>
    allPages(async (nextToken) => {
      const page = await client.send(new ListContainerInstancesCommand({ cluster, ...nextToken }));
      return { items: page.containerInstanceArns, nextToken: page.nextToken };
    }),
  );
  if (!listed.ok) return listed;
  return attempt('ecs:DescribeContainerInstances', async () => {
    const answers = await inChunks(listed.value, MOST_DESCRIBED, (containerInstances) =>
      client.send(new DescribeContainerInstancesCommand({ cluster, containerInstances })),
    );
    return answers.flatMap(({ containerInstances = [] }) => containerInstances.map(registrationSeen));
  });
}

function registrationSeen(instance: ContainerInstance): Registration {
  return {
    instanceId: instance.ec2InstanceId ?? '',
    status: instance.status ?? 'UNKNOWN',
    agentConnected: instance.agentConnected ?? false,
    tasks: (instance.runningTasksCount ?? 0) + (instance.pendingTasksCount ?? 0),
  };
}
