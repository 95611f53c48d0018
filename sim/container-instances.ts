import type { Timer } from './clock.ts';
import type { Cluster, ContainerInstance, InstanceSpec, Names, UnverifiedEcs } from './ecs-state.ts';
import type { Scheduler } from './scheduler.ts';
import { EXITED, type Tasks } from './tasks.ts';
import type { World, WorldEvent } from './world.ts';

type By = Extract<WorldEvent, { kind: 'container-instance' }>['by'];

/** The life of a container instance: what its agent, EC2, people and ECS itself do to it (AWS-CONTRACTS §3). */
export interface ContainerInstances {
  register(cluster: Cluster, instanceId: string, spec: InstanceSpec): ContainerInstance;
  /** All registrations of an EC2 instance, the oldest first. */
  of(instanceId: string): readonly ContainerInstance[];
  /** Nothing when it is INACTIVE, or has that status already. */
  setStatus(instance: ContainerInstance, status: 'ACTIVE' | 'DRAINING', by: By): void;
  setAgentConnected(instance: ContainerInstance, connected: boolean): void;
  /** Makes it INACTIVE; its tasks run on without ECS: "orphaned" (API reference of DeregisterContainerInstance). */
  deregister(instance: ContainerInstance, by: By): void;
}

export function createContainerInstances(
  world: World,
  region: {
    names: Names;
    tasks: Tasks;
    scheduler: Scheduler;
    clusterNamed: (name: string) => Cluster;
    unverified: UnverifiedEcs;
    bootSeconds: () => number;
  },
): ContainerInstances {
  const { clock } = world;
  const { names, tasks, scheduler } = region;
  const byInstanceId = new Map<string, ContainerInstance[]>();
  /** What EC2 instances do when their agents come up. */
  const booting = new Map<string, Timer>();

  const boot = (instanceId: string, seconds: number, then: () => void): void => {
    booting.set(instanceId, clock.after(seconds * 1000, then));
  };

  const changed = (instance: ContainerInstance, by: By): void => {
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

  const retire = (instance: ContainerInstance, by: By): void => {
    instance.agentConnected = false;
    instance.status = 'INACTIVE';
    instance.inactiveAtMs = clock.nowMs();
    instance.cluster.inactive.add(instance);
    changed(instance, by);
  };

  const instances: ContainerInstances = {
    of: (instanceId) => byInstanceId.get(instanceId) ?? [],

    register(cluster, instanceId, spec) {
      const { instanceDefaults: defaults } = cluster;
      const given = { ...defaults, ...spec };
      const id = names.id();
      const size = { cpu: given.cpu ?? 4096, memory: given.memory ?? 16384 };
      const instance: ContainerInstance = {
        id,
        arn: names.arn('container-instance', `${cluster.name}/${id}`),
        order: names.order(),
        cluster,
        ec2InstanceId: instanceId,
        spec: {
          ...given,
          ...size,
          agentVersion: given.agentVersion ?? '1.98.0',
          dockerVersion: given.dockerVersion ?? '25.0.8',
        },
        free: { ...size },
        ports: new Set(),
        attributes: new Map(
          Object.entries({
            'ecs.ami-id': given.imageId ?? 'ami-0ec5000000000000a',
            'ecs.os-type': 'linux',
            'ecs.availability-zone': `${world.region}a`,
            ...defaults.attributes,
            ...spec.attributes,
          }),
        ),
        registeredAtMs: clock.nowMs(),
        tasks: new Set(),
        unreported: [],
        status: 'ACTIVE',
        inactiveAtMs: undefined,
        agentConnected: given.agentConnected ?? true,
        version: 1,
      };
      cluster.instances.set(id, instance);
      byInstanceId.set(instanceId, [...instances.of(instanceId), instance]);
      changed(instance, 'agent');
      return instance;
    },

    setStatus(instance, status, by) {
      if (instance.status === 'INACTIVE' || instance.status === status) return;
      instance.status = status;
      changed(instance, by);
    },

    setAgentConnected(instance, connected) {
      if (instance.status === 'INACTIVE' || instance.agentConnected === connected) return;
      instance.agentConnected = connected;
      if (connected) for (const report of instance.unreported.splice(0)) report();
      changed(instance, 'agent');
    },

    deregister(instance, by) {
      if (instance.status === 'INACTIVE') return;
      // UNVERIFIED: the wording. Its tasks are STOPPED to ECS "regardless of all else" (amazon-ecs-agent#125).
      tasks.orphan(instance, { stopCode: 'UserInitiated', stoppedReason: 'Container instance deregistered.' });
      retire(instance, by);
      if (region.unverified.deregisteredIsMissing) instance.cluster.instances.delete(instance.id);
    },
  };

  /**
   * A stopped one "remains ACTIVE, the agent connection status becomes FALSE; any tasks are stopped" (developer guide); a
   * terminated one is deregistered, but for "instances with disconnected agents" (API of DeregisterContainerInstance).
   */
  const gone = (instanceId: string, how: 'stopped' | 'terminated'): void => {
    clock.cancel(booting.get(instanceId));
    for (const instance of instances.of(instanceId)) {
      // The stop code is UNVERIFIED; the reason's wording is from the wild.
      const stoppedReason = `Host EC2 (instance ${instanceId}) ${how}.`;
      tasks.cut(instance, { stopCode: 'TerminationNotice', stoppedReason });
      if (how === 'stopped') instances.setAgentConnected(instance, false);
      else if (instance.agentConnected) retire(instance, 'agent');
    }
  };

  /** ECS hears what became of the tasks when the agent is back. */
  const restarting = (instanceId: string, hasNewDisk: boolean, awaySeconds: number): void => {
    const here = instances.of(instanceId).filter(({ agentConnected }) => agentConnected);
    for (const instance of instances.of(instanceId)) {
      instances.setAgentConnected(instance, false);
      tasks.cut(instance, EXITED);
    }
    if (here.length === 0) return;
    boot(instanceId, awaySeconds, () => {
      for (const instance of here) {
        // The agent keeps its identity on the disk. UNVERIFIED whether a new one costs it that (AWS-CONTRACTS §1).
        if (!hasNewDisk || region.unverified.newDiskKeepsRegistration) instances.setAgentConnected(instance, true);
        else instances.register(instance.cluster, instanceId, { ...instance.spec, agentConnected: true });
      }
    });
  };

  world.on((event) => {
    if (event.kind === 'instance-terminated') gone(event.instanceId, 'terminated');
    if (event.kind === 'instance-stopped') gone(event.instanceId, 'stopped');
    if (event.kind === 'instance-restarting') {
      restarting(event.instanceId, event.cause === 'root-volume', event.awaySeconds);
    }
    if (event.kind !== 'instance-launched' || event.cluster === undefined) return;
    const { instanceId, cluster, image } = event;
    const bootSeconds = region.bootSeconds();
    // An image can be bad in a way that only shows here: its agent never joins the cluster (AWS-CONTRACTS §5).
    if (image?.flaw !== undefined) return;
    const { id: imageId, agentVersion, dockerVersion } = image ?? {};
    const spec = { imageId, agentVersion, dockerVersion };
    boot(instanceId, bootSeconds, () => instances.register(region.clusterNamed(cluster), instanceId, spec));
  });

  return instances;
}
