import type { ContainerInstance, ECSClient, Service } from '@aws-sdk/client-ecs';
import {
  ClusterNotFoundException,
  DescribeContainerInstancesCommand,
  ListClustersCommand,
  ListContainerInstancesCommand,
  UpdateContainerInstancesStateCommand,
} from '@aws-sdk/client-ecs';
import type { ClustersPort, HostSeen, SteadySeen } from '../rollout/ports.ts';
import { terminationProtectedGroups } from './capacity-providers.ts';
import { attempt, refuseUnknown } from './failure.ts';
import { allPages, inChunks } from './pages.ts';
import { replacingOf } from './replacing.ts';
import { describeServices } from './services.ts';

/** Most identifiers in one call (AWS-CONTRACTS §3). */
const MOST_DESCRIBED = 100;
const MOST_UPDATED = 10;
/** Ids in one filter: as many as a page has instances. Whether a longer filter is taken is UNVERIFIED. */
const MOST_FILTERED = 100;

export function clustersPort(client: ECSClient): ClustersPort {
  /** The registrations of the EC2 instances in the cluster that are not INACTIVE. */
  const find = async (cluster: string, instanceIds: readonly string[]): Promise<string[]> => {
    const found = await inChunks(instanceIds, MOST_FILTERED, (ids) =>
      allPages(async (nextToken) => {
        const filter = `ec2InstanceId in [${ids.map((id) => `'${id}'`).join(', ')}]`;
        const page = await client.send(new ListContainerInstancesCommand({ cluster, filter, ...nextToken }));
        return { items: page.containerInstanceArns, nextToken: page.nextToken };
      }),
    );
    return found.flat();
  };

  /** How many of them; none where the cluster, which was there before, has been deleted. */
  const findIfThere = async (cluster: string, instanceIds: readonly string[]): Promise<number> => {
    try {
      return (await find(cluster, instanceIds)).length;
    } catch (error) {
      if (error instanceof ClusterNotFoundException) return 0;
      throw error;
    }
  };

  const allClusters = (): Promise<string[]> =>
    allPages(async (nextToken) => {
      const page = await client.send(new ListClustersCommand({ ...nextToken, maxResults: 100 }));
      return { items: page.clusterArns, nextToken: page.nextToken };
    });

  return {
    clustersOf: (instanceIds, likely) =>
      attempt('ecs:ListContainerInstances', async () => {
        const having: string[] = [];
        let left = instanceIds.length;
        const ask = async (clusters: readonly string[]) => {
          for (const cluster of clusters) {
            if (left <= 0) return;
            const found = await findIfThere(cluster, instanceIds);
            if (found > 0) having.push(cluster);
            left -= found;
          }
        };
        await ask(likely);
        if (left > 0) await ask((await allClusters()).filter((cluster) => !likely.includes(cluster)));
        return having;
      }),

    hosts: (cluster, instanceIds) =>
      attempt('ecs:DescribeContainerInstances', async () => {
        const answers = await inChunks(await find(cluster, instanceIds), MOST_DESCRIBED, (containerInstances) =>
          client.send(new DescribeContainerInstancesCommand({ cluster, containerInstances })),
        );
        // One that is missing was deregistered between the two calls.
        refuseUnknown(answers.flatMap(({ failures }) => failures ?? []));
        return answers.flatMap(({ containerInstances }) => (containerInstances ?? []).map(hostSeen));
      }),

    async services(cluster) {
      const found = await describeServices(client, cluster);
      return found.ok ? { ok: true, value: found.value.map(steadySeen) } : found;
    },

    terminationProtectedGroups: () => terminationProtectedGroups(client),

    activate: (cluster, instanceIds) =>
      attempt('ecs:UpdateContainerInstancesState', async () => {
        const answers = await inChunks(await find(cluster, instanceIds), MOST_UPDATED, (containerInstances) =>
          client.send(new UpdateContainerInstancesStateCommand({ cluster, containerInstances, status: 'ACTIVE' })),
        );
        refuseUnknown(answers.flatMap(({ failures }) => failures ?? []));
        return undefined;
      }),
  };
}

function hostSeen(instance: ContainerInstance): HostSeen {
  return {
    instanceId: instance.ec2InstanceId ?? '',
    status: instance.status ?? 'UNKNOWN',
    agentConnected: instance.agentConnected ?? false,
    agentVersion: instance.versionInfo?.agentVersion,
    // `DockerVersion: 25.0.8`, as the agent reports it.
    runtimeVersion: instance.versionInfo?.dockerVersion?.replace(/^DockerVersion:\s*/, 'Docker version '),
    runningTasks: instance.runningTasksCount ?? 0,
  };
}

function steadySeen(service: Service): SteadySeen {
  return {
    service: service.serviceName ?? '',
    ...replacingOf(service),
    running: service.runningCount ?? 0,
    pending: service.pendingCount ?? 0,
    deployments: service.deployments?.length ?? 0,
  };
}
