import type { ContainerInstance, ECSClient, Service, Task } from '@aws-sdk/client-ecs';
import {
  DescribeContainerInstancesCommand,
  DescribeServicesCommand,
  DescribeTasksCommand,
  GetTaskProtectionCommand,
  ListClustersCommand,
  ListContainerInstancesCommand,
  ListTasksCommand,
  StopTaskCommand,
  UpdateContainerInstancesStateCommand,
} from '@aws-sdk/client-ecs';
import type { ContainerInstanceSeen, ContainerInstancesSeen, EcsPort, ServiceSeen, TaskSeen } from '../ports.ts';
import type { FailureEntry } from './failure.ts';
import { attempt, refuseUnknown } from './failure.ts';
import { allPages, inChunks } from './pages.ts';
import { replacingOf } from './replacing.ts';

/** Most identifiers in one call (AWS-CONTRACTS §3). */
const MOST_DESCRIBED = 100;
const MOST_UPDATED = 10;
const MOST_SERVICES = 10;

export function ecsPort(client: ECSClient): EcsPort {
  const describe = (cluster: string) => async (arns: readonly string[]) =>
    client.send(new DescribeContainerInstancesCommand({ cluster, containerInstances: [...arns] }));

  return {
    listClusters: () =>
      attempt('ecs:ListClusters', () =>
        allPages(async (nextToken) => {
          const page = await client.send(new ListClustersCommand({ ...nextToken, maxResults: 100 }));
          return { items: page.clusterArns, nextToken: page.nextToken };
        }),
      ),

    findContainerInstances: (cluster, instanceId) =>
      attempt('ecs:ListContainerInstances', () =>
        allPages(async (nextToken) => {
          // Without `status`, ECS answers with all but the INACTIVE.
          const filter = `ec2InstanceId in ['${instanceId}']`;
          const page = await client.send(new ListContainerInstancesCommand({ cluster, filter, ...nextToken }));
          return { items: page.containerInstanceArns, nextToken: page.nextToken };
        }),
      ),

    countDraining: (cluster) =>
      attempt('ecs:ListContainerInstances', async () => {
        const page = await client.send(new ListContainerInstancesCommand({ cluster, status: 'DRAINING' }));
        return (page.containerInstanceArns?.length ?? 0) + (page.nextToken ? 1 : 0);
      }),

    describeContainerInstances: (cluster, arns) =>
      attempt('ecs:DescribeContainerInstances', async () =>
        seen(await inChunks(arns, MOST_DESCRIBED, describe(cluster))),
      ),

    setStatus: (cluster, arns, status) =>
      attempt('ecs:UpdateContainerInstancesState', async () =>
        seen(
          await inChunks(arns, MOST_UPDATED, (containerInstances) =>
            client.send(new UpdateContainerInstancesStateCommand({ cluster, containerInstances, status })),
          ),
        ),
      ),

    listTasks: (cluster, containerInstance, desiredStatus) =>
      attempt('ecs:ListTasks', async () => {
        const arns = await allPages(async (nextToken) => {
          const page = await client.send(
            new ListTasksCommand({ cluster, containerInstance, desiredStatus, maxResults: 100, ...nextToken }),
          );
          return { items: page.taskArns, nextToken: page.nextToken };
        });
        return arns.map(shortId);
      }),

    describeTasks: (cluster, ids) =>
      attempt('ecs:DescribeTasks', async () => {
        const answers = await inChunks(ids, MOST_DESCRIBED, (tasks) =>
          client.send(new DescribeTasksCommand({ cluster, tasks })),
        );
        // A task in `failures` as MISSING stopped more than an hour ago; any other failure is no answer about it.
        refuseUnknown(answers.flatMap(({ failures }) => failures ?? []));
        return answers.flatMap(({ tasks }) => (tasks ?? []).map(taskSeen));
      }),

    protectedTasks: (cluster, ids) =>
      attempt('ecs:GetTaskProtection', async () => {
        const { protectedTasks } = await client.send(new GetTaskProtectionCommand({ cluster, tasks: [...ids] }));
        return (protectedTasks ?? []).flatMap(({ taskArn, protectionEnabled }) =>
          protectionEnabled && taskArn ? [shortId(taskArn)] : [],
        );
      }),

    stopTask: (cluster, task, reason) =>
      attempt('ecs:StopTask', async () => {
        await client.send(new StopTaskCommand({ cluster, task, reason }));
        return undefined;
      }),

    describeServices: (cluster, names) =>
      attempt('ecs:DescribeServices', async () => {
        const answers = await inChunks(names, MOST_SERVICES, (services) =>
          client.send(new DescribeServicesCommand({ cluster, services })),
        );
        return answers.flatMap(({ services }) => (services ?? []).map(serviceSeen));
      }),
  };
}

function seen(
  answers: readonly { containerInstances?: ContainerInstance[] | undefined; failures?: FailureEntry[] | undefined }[],
): ContainerInstancesSeen {
  const failures = answers.flatMap((answer) => answer.failures ?? []);
  refuseUnknown(failures);
  return {
    found: answers.flatMap((answer) => (answer.containerInstances ?? []).map(containerInstanceSeen)),
    missing: failures.map(({ arn }) => arn ?? ''),
  };
}

function containerInstanceSeen(instance: ContainerInstance): ContainerInstanceSeen {
  return {
    arn: instance.containerInstanceArn ?? '',
    status: instance.status ?? 'UNKNOWN',
    agentConnected: instance.agentConnected ?? false,
    runningTasks: instance.runningTasksCount ?? 0,
    pendingTasks: instance.pendingTasksCount ?? 0,
  };
}

function taskSeen(task: Task): TaskSeen {
  return {
    id: shortId(task.taskArn ?? ''),
    status: task.lastStatus ?? 'UNKNOWN',
    group: task.group ?? 'family:unknown',
  };
}

function serviceSeen(service: Service): ServiceSeen {
  return {
    ...replacingOf(service),
    name: service.serviceName ?? '',
    events: (service.events ?? [])
      .slice(0, 10)
      .map(({ createdAt, message }) => ({ atMs: createdAt?.getTime() ?? 0, message: message ?? '' })),
  };
}

function shortId(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1);
}
