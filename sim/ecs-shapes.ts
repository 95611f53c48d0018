import type * as sdk from '@aws-sdk/client-ecs';
import { type Cluster, type ContainerInstance, countTasks, type Names, type Service, type Task } from './ecs-state.ts';
import { isMeantFor } from './placement.ts';

/** Ports that the agent, Docker and SSH keep for themselves, as every Linux container instance reports them. */
const RESERVED_PORTS = [22, 2375, 2376, 51678, 51679];

function resources(cpu: number, memory: number, ports: readonly number[]): sdk.Resource[] {
  return [
    { name: 'CPU', type: 'INTEGER', integerValue: cpu },
    { name: 'MEMORY', type: 'INTEGER', integerValue: memory },
    // Of ports ECS lists those taken, in what is registered and in what remains.
    { name: 'PORTS', type: 'STRINGSET', stringSetValue: ports.map(String) },
  ];
}

export function toContainerInstance(instance: ContainerInstance): sdk.ContainerInstance {
  const count = countTasks(instance.tasks);
  return {
    containerInstanceArn: instance.arn,
    ec2InstanceId: instance.ec2InstanceId,
    capacityProviderName: instance.spec.capacityProviderName,
    version: instance.version,
    versionInfo: {
      agentVersion: instance.spec.agentVersion,
      dockerVersion: `DockerVersion: ${instance.spec.dockerVersion}`,
    },
    remainingResources: resources(instance.free.cpu, instance.free.memory, [...RESERVED_PORTS, ...instance.ports]),
    registeredResources: resources(instance.spec.cpu, instance.spec.memory, RESERVED_PORTS),
    status: instance.status,
    agentConnected: instance.agentConnected,
    runningTasksCount: count.running,
    pendingTasksCount: count.pending,
    attributes: [...instance.attributes].map(([name, value]) => ({ name, value })),
    registeredAt: new Date(instance.registeredAtMs),
  };
}

export function toTask(task: Task, names: Names): sdk.Task {
  const { instance, settings } = task;
  return {
    taskArn: task.arn,
    clusterArn: instance.cluster.arn,
    containerInstanceArn: instance.arn,
    taskDefinitionArn: names.arn('task-definition', `${task.family}:1`),
    lastStatus: task.lastStatus,
    desiredStatus: task.desiredStatus,
    group: task.group,
    startedBy: task.startedBy,
    launchType: 'EC2',
    cpu: String(settings.cpu),
    memory: String(settings.memory),
    version: task.version,
    ...task.times,
    ...task.stopped,
  };
}

export function toService(service: Service, names: Names): sdk.Service {
  const count = countTasks(service.live);
  const desiredCount =
    service.strategy === 'REPLICA'
      ? service.desired
      : [...service.cluster.instances.values()].filter((instance) => isMeantFor(instance, service.settings)).length;
  const counts = { desiredCount, runningCount: count.running, pendingCount: count.pending };
  const taskDefinition = names.arn('task-definition', `${service.name}:1`);
  const createdAt = new Date(service.createdAtMs);
  const expression = service.settings.placementConstraint;
  return {
    serviceArn: service.arn,
    serviceName: service.name,
    clusterArn: service.cluster.arn,
    status: 'ACTIVE',
    launchType: 'EC2',
    schedulingStrategy: service.strategy,
    deploymentController: { type: 'ECS' },
    deploymentConfiguration: {
      minimumHealthyPercent: service.minimumHealthyPercent,
      maximumPercent: service.maximumPercent,
    },
    taskDefinition,
    ...counts,
    // Draining is no deployment: the one there is stays COMPLETED.
    deployments: [
      {
        id: service.deploymentId,
        status: 'PRIMARY',
        taskDefinition,
        ...counts,
        createdAt,
        updatedAt: createdAt,
        launchType: 'EC2',
        rolloutState: 'COMPLETED',
      },
    ],
    events: service.events.map(({ id, atMs, message }) => ({ id, createdAt: new Date(atMs), message })),
    placementConstraints: expression === undefined ? [] : [{ type: 'memberOf', expression }],
    createdAt,
  };
}

export function toTaskDefinition({ name, settings }: Service, names: Names): sdk.TaskDefinition {
  return {
    taskDefinitionArn: names.arn('task-definition', `${name}:1`),
    family: name,
    revision: 1,
    status: 'ACTIVE',
    requiresCompatibilities: ['EC2'],
    containerDefinitions: [
      {
        name: 'app',
        essential: true,
        cpu: settings.cpu,
        memory: settings.memory,
        stopTimeout: settings.stopTimeoutSeconds,
      },
    ],
  };
}

export function toCluster(cluster: Cluster): sdk.Cluster {
  const instances = [...cluster.instances.values()];
  const count = countTasks(cluster.tasks.values());
  return {
    clusterArn: cluster.arn,
    clusterName: cluster.name,
    status: 'ACTIVE',
    registeredContainerInstancesCount: instances.filter(({ status }) => status !== 'INACTIVE').length,
    runningTasksCount: count.running,
    pendingTasksCount: count.pending,
    activeServicesCount: cluster.services.size,
  };
}
