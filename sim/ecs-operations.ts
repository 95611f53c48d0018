import type * as sdk from '@aws-sdk/client-ecs';
import { AwsError } from './aws-error.ts';
import { parseQuery } from './cluster-query.ts';
import type { ContainerInstances } from './container-instances.ts';
import { createCatalog } from './ecs-catalog.ts';
import { invalid, page } from './ecs-pages.ts';
import { toCluster, toContainerInstance, toService, toTask } from './ecs-shapes.ts';
import {
  type CapacityProvider,
  type Cluster,
  type ContainerInstance,
  forget,
  type Names,
  type Task,
  type UnreadableError,
} from './ecs-state.ts';
import type { Tasks } from './tasks.ts';
import { createBucket } from './throttle.ts';
import type { World } from './world.ts';

/** Burst and sustained rate per second, per account and region; what draws on which bucket (AWS-CONTRACTS §3). */
const BUCKETS = {
  read: { burst: 100, perSecond: 20 },
  modify: { burst: 100, perSecond: 40 },
  serviceRead: { burst: 100, perSecond: 20 },
} as const;

/** Cluster reads have no figure in the contracts: they are left to the fault injector. */
const BUCKET_OF: Readonly<Record<string, keyof typeof BUCKETS>> = {
  DescribeContainerInstances: 'read',
  ListContainerInstances: 'read',
  ListTasks: 'read',
  DescribeTasks: 'read',
  UpdateContainerInstancesState: 'modify',
  DeregisterContainerInstance: 'modify',
  StopTask: 'modify',
  DescribeServices: 'serviceRead',
  ListServices: 'serviceRead',
  GetTaskProtection: 'read',
};

/** "instanceIds can have at most 10 items." is as AWS says it (minamijoyo/myaws#25, traefik#3625); for other lists UNVERIFIED. */
function checkList(list: readonly string[] | undefined, name: string, plural: string, most: number): readonly string[] {
  if (list === undefined || list.length === 0) throw invalid(`${plural} cannot be empty.`);
  if (list.length > most) throw invalid(`${name} can have at most ${most} items.`);
  return list;
}

type Known<T> = Pick<ReadonlyMap<string, T>, 'get'>;

/** UNVERIFIED: the wordings but that of the cluster that is not found. */
const unreadable = (code: UnreadableError): AwsError =>
  new AwsError(code, code === 'ClusterNotFoundException' ? 'Cluster not found.' : 'The cluster cannot be read.', {
    statusCode: code === 'ServerException' ? 500 : 400,
  });

export type EcsOperations = ReturnType<typeof createEcsOperations>;

export function createEcsOperations(ecs: {
  world: World;
  clusters: ReadonlyMap<string, Cluster>;
  names: Names;
  tasks: Tasks;
  containerInstances: Pick<ContainerInstances, 'setStatus' | 'deregister'>;
  capacityProviders: readonly CapacityProvider[];
  unverified: { readonly inactiveUpdateThrows: boolean };
}) {
  const { clusters, names, world } = ecs;

  /** Short ids and full ARNs are both good; an ARN of another cluster finds nothing. */
  const lookUp = <T extends { readonly arn: string }>(map: Known<T>, idOrArn: string): T | undefined => {
    const found = map.get(idOrArn.slice(idOrArn.lastIndexOf('/') + 1));
    return found !== undefined && idOrArn.startsWith('arn:') && found.arn !== idOrArn ? undefined : found;
  };

  const readable: Known<Cluster> = {
    get(name) {
      const cluster = clusters.get(name);
      // A cluster that is not found is no error to DescribeClusters.
      if (cluster?.unreadable === 'ClusterNotFoundException') return undefined;
      if (cluster?.unreadable !== undefined) throw unreadable(cluster.unreadable);
      return cluster;
    },
  };

  const clusterOf = (input: { cluster?: string | undefined }): Cluster => {
    const cluster = lookUp(readable, input.cluster ?? 'default');
    if (cluster === undefined) throw unreadable('ClusterNotFoundException');
    forget(cluster, world.clock.nowMs());
    return cluster;
  };

  /** "failures[] come back beside successes" (AWS-CONTRACTS §3). */
  const describe = <T extends { readonly arn: string }>(
    map: Known<T>,
    ids: readonly string[],
    arnOf: (id: string) => string,
  ): { found: T[]; failures: sdk.Failure[] } => {
    const found: T[] = [];
    const failures: sdk.Failure[] = [];
    for (const id of ids) {
      const thing = lookUp(map, id);
      if (thing !== undefined) found.push(thing);
      else failures.push({ arn: id.startsWith('arn:') ? id : arnOf(id), reason: 'MISSING' });
    }
    return { found, failures };
  };

  const findInstances = (cluster: Cluster, ids: readonly string[]) =>
    describe(cluster.instances, ids, (id) => names.arn('container-instance', `${cluster.name}/${id}`));

  const rules = {
    DescribeClusters(input: sdk.DescribeClustersCommandInput) {
      const asked = input.clusters ?? ['default'];
      const { found, failures } = describe(readable, asked, (name) => names.arn('cluster', name));
      return { clusters: found.map(toCluster), failures } satisfies sdk.DescribeClustersResponse;
    },

    ListClusters(input: sdk.ListClustersCommandInput) {
      const numbered = [...clusters.values()].map(({ arn }, index) => ({ arn, order: index + 1 }));
      const { items, ...rest } = page(numbered, () => true, input);
      return { clusterArns: items.map(({ arn }) => arn), ...rest } satisfies sdk.ListClustersResponse;
    },

    ListContainerInstances(input: sdk.ListContainerInstancesCommandInput) {
      const cluster = clusterOf(input);
      const meetsFilter = input.filter === undefined ? () => true : parseQuery(input.filter);
      // "Without status it returns all but INACTIVE" (AWS-CONTRACTS §3).
      const hasStatus = ({ status }: ContainerInstance): boolean =>
        input.status === undefined ? status !== 'INACTIVE' : status === input.status;
      const { items, ...rest } = page(
        cluster.instances.values(),
        (instance) => hasStatus(instance) && meetsFilter(instance),
        input,
      );
      return {
        containerInstanceArns: items.map(({ arn }) => arn),
        ...rest,
      } satisfies sdk.ListContainerInstancesResponse;
    },

    DescribeContainerInstances(input: sdk.DescribeContainerInstancesCommandInput) {
      const cluster = clusterOf(input);
      const ids = checkList(input.containerInstances, 'instanceIds', 'Container Instances', 100);
      const { found, failures } = findInstances(cluster, ids);
      return {
        containerInstances: found.map(toContainerInstance),
        failures,
      } satisfies sdk.DescribeContainerInstancesResponse;
    },

    UpdateContainerInstancesState(input: sdk.UpdateContainerInstancesStateCommandInput) {
      const cluster = clusterOf(input);
      const ids = checkList(input.containerInstances, 'instanceIds', 'Container Instances', 10);
      const { status } = input;
      // UNVERIFIED: the wording. That only these two may be asked for is in the API reference.
      if (status !== 'ACTIVE' && status !== 'DRAINING') throw invalid('status must be one of ACTIVE, DRAINING.');
      const { found, failures } = findInstances(cluster, ids);
      const gone = found.filter((instance) => instance.status === 'INACTIVE');
      // "If the instance is in any other status, an error will be received": UNVERIFIED of which kind. The seed picks.
      if (gone.length > 0 && ecs.unverified.inactiveUpdateThrows) {
        throw invalid('Container instance is not in an ACTIVE or DRAINING status.');
      }
      for (const { arn } of gone) failures.push({ arn, reason: 'INACTIVE' });
      const changeable = found.filter((instance) => instance.status !== 'INACTIVE');
      for (const instance of changeable) ecs.containerInstances.setStatus(instance, status, 'call');
      return {
        containerInstances: changeable.map(toContainerInstance),
        failures,
      } satisfies sdk.UpdateContainerInstancesStateResponse;
    },

    DeregisterContainerInstance(input: sdk.DeregisterContainerInstanceCommandInput) {
      const cluster = clusterOf(input);
      const instance = lookUp(cluster.instances, input.containerInstance ?? '');
      // UNVERIFIED: both wordings.
      if (instance === undefined) throw invalid('Container instance not found.');
      const isBusy = [...instance.tasks].some(({ lastStatus }) => lastStatus !== 'STOPPED');
      if (isBusy && input.force !== true) throw invalid('Found running tasks on the instance.');
      ecs.containerInstances.deregister(instance, 'call');
      return { containerInstance: toContainerInstance(instance) } satisfies sdk.DeregisterContainerInstanceResponse;
    },

    ListTasks(input: sdk.ListTasksCommandInput) {
      const cluster = clusterOf(input);
      // "The default ListTasks looks at desired RUNNING only"; STOPPED includes those stopped within the hour (AWS-CONTRACTS §3).
      const desired = input.desiredStatus ?? 'RUNNING';
      let within: Iterable<Task> = cluster.tasks.values();
      if (input.containerInstance !== undefined) {
        const instance = lookUp(cluster.instances, input.containerInstance);
        // UNVERIFIED: the wording.
        if (instance === undefined) throw invalid('Container instance not found.');
        within = instance.tasks;
      }
      const service = input.serviceName === undefined ? undefined : lookUp(cluster.services, input.serviceName);
      if (input.serviceName !== undefined && service === undefined) {
        throw new AwsError('ServiceNotFoundException', 'Service not found.');
      }
      const isWanted = (task: Task): boolean =>
        task.desiredStatus === desired &&
        (service === undefined || task.service === service) &&
        (input.family === undefined || task.family === input.family) &&
        (input.startedBy === undefined || task.startedBy === input.startedBy) &&
        (input.launchType === undefined || input.launchType === 'EC2');
      const { items, ...rest } = page(within, isWanted, input);
      return { taskArns: items.map(({ arn }) => arn), ...rest } satisfies sdk.ListTasksResponse;
    },

    DescribeTasks(input: sdk.DescribeTasksCommandInput) {
      const cluster = clusterOf(input);
      const ids = checkList(input.tasks, 'taskIds', 'Tasks', 100);
      const { found, failures } = describe(cluster.tasks, ids, (id) => names.arn('task', `${cluster.name}/${id}`));
      return { tasks: found.map((task) => toTask(task, names)), failures } satisfies sdk.DescribeTasksResponse;
    },

    GetTaskProtection(input: sdk.GetTaskProtectionCommandInput) {
      const cluster = clusterOf(input);
      const ids = checkList(input.tasks, 'taskIds', 'Tasks', 10);
      const { found, failures } = describe(cluster.tasks, ids, (id) => names.arn('task', `${cluster.name}/${id}`));
      return {
        protectedTasks: found.map((task) => ({
          taskArn: task.arn,
          protectionEnabled: world.clock.nowMs() < task.protectedUntilMs,
        })),
        failures,
      } satisfies sdk.GetTaskProtectionResponse;
    },

    DescribeServices(input: sdk.DescribeServicesCommandInput) {
      const cluster = clusterOf(input);
      const ids = checkList(input.services, 'services', 'Services', 10);
      const { found, failures } = describe(cluster.services, ids, (name) =>
        names.arn('service', `${cluster.name}/${name}`),
      );
      return {
        services: found.map((service) => toService(service, names)),
        failures,
      } satisfies sdk.DescribeServicesResponse;
    },

    ...createCatalog({ clusters, names, clusterOf, capacityProviders: ecs.capacityProviders }),

    StopTask(input: sdk.StopTaskCommandInput) {
      const cluster = clusterOf(input);
      const task = lookUp(cluster.tasks, input.task ?? '');
      if (task === undefined) throw invalid('The referenced task was not found.');
      ecs.tasks.stop(task, { stopCode: 'UserInitiated', stoppedReason: input.reason ?? 'Task stopped by user' });
      return { task: toTask(task, names) } satisfies sdk.StopTaskResponse;
    },
  };

  const buckets = new Map(Object.entries(BUCKETS).map(([name, size]) => [name, createBucket(world.clock, size)]));
  const throttled = Object.entries(rules).map(([name, rule]) => {
    const bucket = buckets.get(BUCKET_OF[name] ?? '');
    const run = (input: never): object => {
      if (bucket?.take() === false) throw new AwsError('ThrottlingException', 'Rate exceeded');
      return rule(input);
    };
    return [name, run];
  });
  return Object.fromEntries(throttled) as typeof rules;
}
