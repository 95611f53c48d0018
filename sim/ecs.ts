import { createContainerInstances } from './container-instances.ts';
import { createEcsOperations, type EcsOperations } from './ecs-operations.ts';
import {
  type CapacityProvider,
  type Cluster,
  type ContainerInstance,
  createNames,
  type InstanceSpec,
  resolveSettings,
  type Service,
  type ServiceSpec,
  type StandaloneSpec,
  type Task,
  type UnreadableError,
  type UnverifiedEcs,
} from './ecs-state.ts';
import { place } from './placement.ts';
import { createScheduler } from './scheduler.ts';
import { createTasks } from './tasks.ts';
import type { World } from './world.ts';

export interface EcsOptions {
  /** Every duration is drawn this fraction around its setting, by seed. */
  readonly jitter?: number | undefined;
  /** From the launch of an EC2 instance until its agent has registered it. */
  readonly bootSeconds?: number | undefined;
}

/** The ECS of one region: its API operations, what a scenario sets up, and what the rest of the region tells it. */
export interface Ecs {
  readonly operations: EcsOperations;
  /** How this seed decides what AWS-CONTRACTS leaves open. */
  readonly unverified: UnverifiedEcs;
  /** `instances`: what agents register with, unless the registration says otherwise. */
  createCluster(name: string, instances?: InstanceSpec): void;
  /**
   * Registers a container instance at once and answers its ARN. Twice for one EC2 instance makes two (AWS-CONTRACTS §3); an
   * external instance has an `mi-…` id and takes no tasks of services here, which are of launch type EC2.
   */
  registerContainerInstance(spec: InstanceSpec & { cluster: string; instanceId: string }): string;
  /**
   * Creates a service and answers its ARN. Its tasks are RUNNING at once, as if deployed long ago, as far as there is room;
   * with `settled: false` the scheduler starts them.
   */
  createService(cluster: string, spec: ServiceSpec, options?: { settled?: boolean }): string;
  /** Starts tasks of no service, RUNNING at once. Answers their ARNs. @throws Error when there is no room for them. */
  runStandalone(cluster: string, spec: StandaloneSpec): string[];
  /** Makes a capacity provider of an Auto Scaling group; what it does beside being described is another's work. */
  createCapacityProvider(
    name: string,
    group: {
      autoScalingGroupArn: string;
      managedDraining: 'ENABLED' | 'DISABLED';
      managedTerminationProtection: 'ENABLED' | 'DISABLED';
    },
  ): void;
  /** Disconnects or reconnects the agent; while it is away, ECS confirms nothing about the instance's tasks. */
  setAgentConnected(instanceId: string, connected: boolean): void;
  /** Sets all registrations of the instance that are not INACTIVE, as somebody else does. */
  setStatus(instanceId: string, status: 'ACTIVE' | 'DRAINING', by?: 'other' | 'managed-draining'): void;
  /** Deregisters by force, as somebody else does: tasks run on until the instance ends, and ECS knows them no more. */
  deregister(instanceId: string): void;
  /** Whatever names the cluster is answered with that error, until `undefined` makes it readable again. */
  setUnreadable(cluster: string, error: UnreadableError | undefined): void;
  /** The tasks that really run on an EC2 instance, whatever ECS says of them: for audits and demos, past every API limit. */
  liveTasks(instanceId: string): readonly Readonly<Task>[];
  /** The tasks on an EC2 instance that ECS does not call STOPPED, whether or not they still run. */
  unstoppedTasks(instanceId: string): readonly Readonly<Task>[];
}

/** DAEMON services stop before they start: 0 and 100 are the defaults of CreateService; REPLICA has 100 and 200 (§3). */
const DEFAULT_PERCENT = { REPLICA: [100, 200], DAEMON: [0, 100] } as const;

export function createEcs(world: World, options: EcsOptions = {}): Ecs {
  const { clock } = world;
  const jitter = options.jitter ?? 0.2;
  const names = createNames(world);
  const clusters = new Map<string, Cluster>();
  // Every account has these two ("predefined", API reference).
  const capacityProviders: CapacityProvider[] = ['FARGATE', 'FARGATE_SPOT'].map((name) => ({ name, status: 'ACTIVE' }));

  // A stream for each fact: one more of them leaves the others as this seed had them.
  const pick = (fact: string): boolean => world.random(`unverified/${fact}`).chance(0.5);
  const unverified = {
    protectionHoldsOffDraining: pick('ecs-protection-holds-off-draining'),
    deadlockIsTold: pick('ecs-deadlock-is-told'),
    inactiveUpdateThrows: pick('ecs-inactive-update-throws'),
    deregisteredIsMissing: pick('ecs-deregistered-is-missing'),
    newDiskKeepsRegistration: pick('ecs-new-disk-keeps-registration'),
  };

  const tasks = createTasks(world, names, { jitter, changed: (task) => scheduler.taskChanged(task) });
  const scheduler = createScheduler(world, names, tasks, { jitter, unverified });

  const clusterNamed = (name: string): Cluster => {
    const cluster = clusters.get(name);
    if (cluster === undefined) throw new Error(`No cluster ${name} in the simulated region: create it first.`);
    return cluster;
  };

  const containerInstances = createContainerInstances(world, {
    names,
    tasks,
    scheduler,
    clusterNamed,
    unverified,
    bootSeconds: () => world.random('boot').around(options.bootSeconds ?? 90, jitter),
  });
  const tasksOf = (instanceId: string): Task[] =>
    containerInstances.of(instanceId).flatMap((instance) => [...instance.tasks]);

  const ecs: Ecs = {
    operations: createEcsOperations({
      world,
      clusters,
      names,
      tasks,
      containerInstances,
      capacityProviders,
      unverified,
    }),
    unverified,

    createCluster(name, instances = {}) {
      clusters.set(name, {
        name,
        arn: names.arn('cluster', name),
        instanceDefaults: instances,
        instances: new Map(),
        services: new Map(),
        tasks: new Map(),
        stopped: new Set(),
        inactive: new Set(),
        unreadable: undefined,
      });
    },

    registerContainerInstance: ({ cluster, instanceId, ...spec }) =>
      containerInstances.register(clusterNamed(cluster), instanceId, spec).arn,

    createService(clusterName, spec, { settled = true } = {}) {
      const cluster = clusterNamed(clusterName);
      const strategy = spec.strategy ?? 'REPLICA';
      const service: Service = {
        name: spec.name,
        arn: names.arn('service', `${cluster.name}/${spec.name}`),
        cluster,
        strategy,
        desired: spec.desired ?? 0,
        minimumHealthyPercent: spec.minimumHealthyPercent ?? DEFAULT_PERCENT[strategy][0],
        maximumPercent: spec.maximumPercent ?? DEFAULT_PERCENT[strategy][1],
        settings: resolveSettings(spec),
        deploymentId: names.deploymentId(),
        createdAtMs: clock.nowMs(),
        live: new Set(),
        events: [],
        complaint: undefined,
        pass: undefined,
        reminder: undefined,
        steady: false,
      };
      cluster.services.set(spec.name, service);
      if (settled) scheduler.settle(service);
      else scheduler.schedule(service);
      return service.arn;
    },

    runStandalone(clusterName, spec) {
      const cluster = clusterNamed(clusterName);
      const settings = resolveSettings(spec);
      const family = spec.family ?? 'standalone';
      const made: Task[] = [];
      const start = (instance: ContainerInstance): void => {
        const origin = { service: undefined, family, group: `family:${family}`, startedBy: undefined };
        const task = tasks.start(instance, settings, origin, true);
        made.push(task);
        if (spec.runsSeconds !== undefined) tasks.exitAfter(task, spec.runsSeconds);
      };
      const registrations = containerInstances.of(spec.instanceId ?? '');
      const pinned = registrations.find(({ agentConnected }) => agentConnected) ?? registrations[0];
      if (pinned !== undefined) for (let i = 0; i < spec.count; i++) start(pinned);
      else if (place(cluster, settings, spec.count, new Map(), start) < spec.count) {
        throw new Error(
          `Cluster ${clusterName} has no room for ${spec.count} standalone tasks: give it more instances.`,
        );
      }
      return made.map((task) => task.arn);
    },

    createCapacityProvider(name, autoScalingGroupProvider) {
      capacityProviders.push({ name, status: 'ACTIVE', autoScalingGroupProvider });
    },

    setAgentConnected(instanceId, connected) {
      for (const instance of containerInstances.of(instanceId)) {
        containerInstances.setAgentConnected(instance, connected);
      }
    },

    setStatus(instanceId, status, by = 'other') {
      for (const instance of containerInstances.of(instanceId)) containerInstances.setStatus(instance, status, by);
    },

    deregister(instanceId) {
      for (const instance of containerInstances.of(instanceId)) containerInstances.deregister(instance, 'other');
    },

    setUnreadable(clusterName, error) {
      clusterNamed(clusterName).unreadable = error;
    },

    liveTasks: (instanceId) => tasksOf(instanceId).filter(({ alive }) => alive),
    unstoppedTasks: (instanceId) => tasksOf(instanceId).filter(({ lastStatus }) => lastStatus !== 'STOPPED'),
  };
  return ecs;
}
