import type { Timer } from './clock.ts';
import { createEcsOperations, type EcsOperations } from './ecs-operations.ts';
import {
  type Cluster,
  type ContainerInstance,
  createNames,
  type InstanceSpec,
  resolveSettings,
  type Service,
  type ServiceSpec,
  type StandaloneSpec,
  type Task,
} from './ecs-state.ts';
import { place } from './placement.ts';
import { createScheduler, type UnverifiedEcs } from './scheduler.ts';
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
  readonly unverified: UnverifiedEcs & { readonly inactiveUpdateThrows: boolean };
  /** `instances`: what agents register with, unless the registration says otherwise. */
  createCluster(name: string, instances?: InstanceSpec): void;
  /** Registers a container instance at once and answers its ARN. Twice for one EC2 instance makes two (AWS-CONTRACTS §3). */
  registerContainerInstance(spec: InstanceSpec & { cluster: string; instanceId: string }): string;
  /**
   * Creates a service and answers its ARN. Its tasks are RUNNING at once, as if deployed long ago, as far as there is room;
   * with `settled: false` the scheduler starts them.
   */
  createService(cluster: string, spec: ServiceSpec, options?: { settled?: boolean }): string;
  /** Starts tasks of no service, RUNNING at once. Answers their ARNs. @throws Error when there is no room for them. */
  runStandalone(cluster: string, spec: StandaloneSpec): string[];
  /** Disconnects or reconnects the agent; while it is away, ECS confirms nothing about the instance's tasks. */
  setAgentConnected(instanceId: string, connected: boolean): void;
  /** Cuts the tasks of an EC2 instance that is gone, and makes its registrations INACTIVE. */
  onInstanceTerminated(instanceId: string): void;
  /** The tasks on an EC2 instance that are not STOPPED: the truth, for audits and demos, past every API limit. */
  liveTasks(instanceId: string): readonly Readonly<Task>[];
}

/** DAEMON services stop before they start: 0 and 100 are the defaults of CreateService; REPLICA has 100 and 200 (§3). */
const DEFAULT_PERCENT = { REPLICA: [100, 200], DAEMON: [0, 100] } as const;

export function createEcs(world: World, options: EcsOptions = {}): Ecs {
  const { clock } = world;
  const jitter = options.jitter ?? 0.2;
  const names = createNames(world);
  const clusters = new Map<string, Cluster>();
  const byInstanceId = new Map<string, ContainerInstance[]>();
  const booting = new Map<string, Timer>();

  // A stream for each fact: one more of them leaves the others as this seed had them.
  const pick = (fact: string): boolean => world.random(`unverified/${fact}`).chance(0.5);
  const unverified = {
    protectionHoldsOffDraining: pick('ecs-protection-holds-off-draining'),
    deadlockIsTold: pick('ecs-deadlock-is-told'),
    inactiveUpdateThrows: pick('ecs-inactive-update-throws'),
  };

  const tasks = createTasks(world, names, { jitter, changed: (task) => scheduler.taskChanged(task) });
  const scheduler = createScheduler(world, names, tasks, { jitter, unverified });

  const clusterNamed = (name: string): Cluster => {
    const cluster = clusters.get(name);
    if (cluster === undefined) throw new Error(`No cluster ${name} in the simulated region: create it first.`);
    return cluster;
  };

  const instanceChanged = (instance: ContainerInstance, by: 'call' | 'agent'): void => {
    instance.version++;
    world.emit({
      kind: 'container-instance',
      arn: instance.arn,
      instanceId: instance.ec2InstanceId,
      cluster: instance.cluster.name,
      status: instance.status,
      by,
    });
    scheduler.instanceChanged(instance);
  };

  const ecs: Ecs = {
    operations: createEcsOperations({ world, clusters, names, tasks, instanceChanged, unverified }),
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
      });
    },

    registerContainerInstance(spec) {
      const cluster = clusterNamed(spec.cluster);
      const defaults = cluster.instanceDefaults;
      const id = names.id();
      const registered = { cpu: spec.cpu ?? defaults.cpu ?? 4096, memory: spec.memory ?? defaults.memory ?? 16384 };
      const instance: ContainerInstance = {
        id,
        arn: names.arn('container-instance', `${cluster.name}/${id}`),
        order: names.order(),
        cluster,
        ec2InstanceId: spec.instanceId,
        registered,
        free: { ...registered },
        ports: new Set(),
        attributes: new Map(
          Object.entries({
            'ecs.ami-id': spec.imageId ?? defaults.imageId ?? 'ami-0ec5000000000000a',
            'ecs.os-type': 'linux',
            'ecs.availability-zone': `${world.region}a`,
            ...defaults.attributes,
            ...spec.attributes,
          }),
        ),
        agentVersion: spec.agentVersion ?? defaults.agentVersion ?? '1.98.0',
        capacityProviderName: spec.capacityProviderName ?? defaults.capacityProviderName,
        registeredAtMs: clock.nowMs(),
        tasks: new Set(),
        unreported: [],
        status: 'ACTIVE',
        inactiveAtMs: undefined,
        agentConnected: true,
        version: 1,
      };
      cluster.instances.set(id, instance);
      byInstanceId.set(spec.instanceId, [...(byInstanceId.get(spec.instanceId) ?? []), instance]);
      instanceChanged(instance, 'agent');
      return instance.arn;
    },

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
        if (spec.runsSeconds === undefined) return;
        tasks.later(task, spec.runsSeconds, () =>
          tasks.stop(task, 'EssentialContainerExited', 'Essential container in task exited'),
        );
      };
      const [pinned] = spec.instanceId === undefined ? [] : (byInstanceId.get(spec.instanceId) ?? []);
      if (pinned !== undefined) for (let i = 0; i < spec.count; i++) start(pinned);
      else if (place(cluster, settings, spec.count, new Map(), start) < spec.count) {
        throw new Error(
          `Cluster ${clusterName} has no room for ${spec.count} standalone tasks: give it more instances.`,
        );
      }
      return made.map((task) => task.arn);
    },

    setAgentConnected(instanceId, connected) {
      for (const instance of byInstanceId.get(instanceId) ?? []) {
        if (instance.status === 'INACTIVE' || instance.agentConnected === connected) continue;
        instance.agentConnected = connected;
        if (connected) for (const report of instance.unreported.splice(0)) report();
        instanceChanged(instance, 'agent');
      }
    },

    onInstanceTerminated(instanceId) {
      clock.cancel(booting.get(instanceId));
      booting.delete(instanceId);
      for (const instance of byInstanceId.get(instanceId) ?? []) {
        if (instance.status === 'INACTIVE') continue;
        tasks.cut(instance);
        instance.agentConnected = false;
        instance.status = 'INACTIVE';
        instance.inactiveAtMs = clock.nowMs();
        instance.cluster.inactive.add(instance);
        instanceChanged(instance, 'agent');
      }
    },

    liveTasks: (instanceId) =>
      (byInstanceId.get(instanceId) ?? []).flatMap((instance) =>
        [...instance.tasks].filter((task) => task.lastStatus !== 'STOPPED'),
      ),
  };

  world.on((event) => {
    if (event.kind === 'instance-terminated') ecs.onInstanceTerminated(event.instanceId);
    if (event.kind !== 'instance-launched' || event.cluster === undefined) return;
    const { instanceId, cluster } = event;
    const bootMs = world.random('boot').around(options.bootSeconds ?? 90, jitter) * 1000;
    booting.set(
      instanceId,
      clock.after(bootMs, () => {
        booting.delete(instanceId);
        ecs.registerContainerInstance({ cluster, instanceId });
      }),
    );
  });

  return ecs;
}
