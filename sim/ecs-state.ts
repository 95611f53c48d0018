import type * as sdk from '@aws-sdk/client-ecs';
import type { Timer } from './clock.ts';
import type { TaskStatus, World } from './world.ts';

/** What a task definition and its service say about one task. Durations are drawn around these seconds, by seed. */
export interface TaskSettings {
  /** CPU units and MiB that the task reserves on its instance. */
  readonly cpu: number;
  readonly memory: number;
  readonly hostPort: number | undefined;
  /** Cluster query expression that an instance must meet (`memberOf`). */
  readonly placementConstraint: string | undefined;
  readonly startSeconds: number;
  /** Time in DEACTIVATING, leaving a load balancer; 0 means the task is behind none. */
  readonly deregistrationSeconds: number;
  readonly stopTimeoutSeconds: number;
  /** How long the application takes to stop; longer than the stop timeout it never gets, unless nothing stops it (Infinity). */
  readonly stopSeconds: number;
  readonly deprovisioningSeconds: number;
  /** How long each task is under scale-in protection: 0 is never, Infinity for good. */
  readonly protectedSeconds: number;
}

/** What AWS-CONTRACTS §3 leaves open, as this seed has it. */
export interface UnverifiedEcs {
  /** A task under scale-in protection stays on a DRAINING instance. */
  readonly protectionHoldsOffDraining: boolean;
  /** A drain that min and max percent deadlock is told in a service event, as a deadlocked deployment is. */
  readonly deadlockIsTold: boolean;
  /** UpdateContainerInstancesState of an INACTIVE one is an error; otherwise it is among `failures`. */
  readonly inactiveUpdateThrows: boolean;
  /** A deregistered container instance is MISSING at once; otherwise it is described as INACTIVE for an hour. */
  readonly deregisteredIsMissing: boolean;
  /** After a new root volume the same container instance reconnects; otherwise the agent registers a new one (§1). */
  readonly newDiskKeepsRegistration: boolean;
}

type Optional<T> = { [K in keyof T]?: T[K] | undefined };

/** What a scenario says of tasks; the rest has defaults. */
interface TaskSpec extends Optional<TaskSettings> {
  /** Under scale-in protection, for good unless `protectedSeconds` says how long. */
  readonly protected?: boolean | undefined;
  /** The container survives even its kill, as when Docker hangs: the task stays STOPPING for ever. */
  readonly neverStops?: boolean | undefined;
}

export interface ServiceSpec extends TaskSpec {
  readonly name: string;
  /** Ignored for DAEMON. */
  readonly desired?: number | undefined;
  readonly strategy?: 'REPLICA' | 'DAEMON' | undefined;
  readonly minimumHealthyPercent?: number | undefined;
  readonly maximumPercent?: number | undefined;
}

export interface StandaloneSpec extends TaskSpec {
  readonly count: number;
  /** How long each task runs before its container exits by itself; without it, until somebody stops it. */
  readonly runsSeconds?: number | undefined;
  readonly family?: string | undefined;
  /** Places the tasks on this EC2 instance instead of spreading them. */
  readonly instanceId?: string | undefined;
}

export interface InstanceSpec {
  readonly cpu?: number | undefined;
  readonly memory?: number | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  readonly imageId?: string | undefined;
  readonly agentVersion?: string | undefined;
  readonly dockerVersion?: string | undefined;
  readonly capacityProviderName?: string | undefined;
  /** False for a leftover of a registration whose agent never comes back. */
  readonly agentConnected?: boolean | undefined;
}

export type StopCode = 'ServiceSchedulerInitiated' | 'UserInitiated' | 'EssentialContainerExited' | 'TerminationNotice';

export interface Task {
  readonly id: string;
  readonly arn: string;
  /** Counts up over the whole region: list pages continue after it. */
  readonly order: number;
  readonly instance: ContainerInstance;
  readonly service: Service | undefined;
  readonly family: string;
  readonly group: string;
  readonly startedBy: string | undefined;
  readonly settings: TaskSettings;
  lastStatus: TaskStatus;
  desiredStatus: 'RUNNING' | 'STOPPED';
  /** False as soon as nothing of it runs any more: with STOPPED, or earlier where ECS cannot know. */
  alive: boolean;
  /** Under scale-in protection until then; 0 without. */
  protectedUntilMs: number;
  version: number;
  /** When it got so far, and why it was told to stop: members of the API's task. */
  readonly times: Partial<Record<'createdAt' | 'startedAt' | 'stoppingAt' | 'executionStoppedAt' | 'stoppedAt', Date>>;
  stopped: { readonly stopCode: StopCode; readonly stoppedReason: string } | undefined;
  timer: Timer | undefined;
}

export interface ContainerInstance {
  readonly id: string;
  readonly arn: string;
  readonly order: number;
  readonly cluster: Cluster;
  readonly ec2InstanceId: string;
  /** As it registered. */
  readonly spec: InstanceSpec & { readonly cpu: number; readonly memory: number };
  readonly free: { cpu: number; memory: number };
  readonly ports: Set<number>;
  readonly attributes: ReadonlyMap<string, string>;
  readonly registeredAtMs: number;
  /** Every task of the instance that ECS still knows, the recently stopped included. */
  readonly tasks: Set<Task>;
  /** What the agent did and could not report yet, because it is disconnected. */
  readonly unreported: (() => void)[];
  status: 'ACTIVE' | 'DRAINING' | 'INACTIVE';
  inactiveAtMs: number | undefined;
  agentConnected: boolean;
  version: number;
}

export interface Service {
  readonly name: string;
  readonly arn: string;
  readonly cluster: Cluster;
  readonly strategy: 'REPLICA' | 'DAEMON';
  readonly desired: number;
  readonly minimumHealthyPercent: number;
  readonly maximumPercent: number;
  readonly settings: TaskSettings;
  readonly deploymentId: string;
  readonly createdAtMs: number;
  /** Tasks that are not STOPPED. */
  readonly live: Set<Task>;
  /** Newest first, at most 100. */
  readonly events: { readonly id: string; readonly atMs: number; readonly message: string }[];
  /** The unresolved reason that was last told, and when. */
  complaint: { readonly cause: string; readonly atMs: number } | undefined;
  /** A pass of the scheduler that is due; at most one. */
  pass: Timer | undefined;
  /** Looks again at a complaint that nothing resolved. */
  reminder: Timer | undefined;
  steady: boolean;
}

/** As the API shows it; one of an Auto Scaling group, or of Fargate. */
export type CapacityProvider = Pick<sdk.CapacityProvider, 'name' | 'status' | 'autoScalingGroupProvider'>;

export interface Cluster {
  readonly name: string;
  readonly arn: string;
  readonly instanceDefaults: InstanceSpec;
  readonly instances: Map<string, ContainerInstance>;
  readonly services: Map<string, Service>;
  /** Everything DescribeTasks still answers for, in the order of creation. */
  readonly tasks: Map<string, Task>;
  /** In the order they stopped, so that the oldest are forgotten first. */
  readonly stopped: Set<Task>;
  readonly inactive: Set<ContainerInstance>;
  /** What reading or changing anything in it answers instead. */
  unreadable: UnreadableError | undefined;
}

export type UnreadableError = 'AccessDeniedException' | 'ServerException' | 'ClusterNotFoundException';

/** ECS lists stopped tasks for about an hour (AWS-CONTRACTS §3), and describes INACTIVE instances as long (developer guide). */
const REMEMBERED_MS = 3_600_000;

/** Drops what ECS no longer answers for. Called before reads, so that no timer is needed for it. */
export function forget(cluster: Cluster, nowMs: number): void {
  for (const task of cluster.stopped) {
    if (nowMs - (task.times.stoppedAt?.getTime() ?? nowMs) <= REMEMBERED_MS) break;
    cluster.stopped.delete(task);
    cluster.tasks.delete(task.id);
    // What runs on without ECS is still on the instance.
    if (!task.alive) task.instance.tasks.delete(task);
  }
  for (const instance of cluster.inactive) {
    if (nowMs - (instance.inactiveAtMs ?? nowMs) <= REMEMBERED_MS) break;
    cluster.inactive.delete(instance);
    cluster.instances.delete(instance.id);
  }
}

/** `runningTasksCount` and `pendingTasksCount` look at *desired* RUNNING only: stopping tasks are in neither (AWS-CONTRACTS §3). */
export function countTasks(tasks: Iterable<Task>): { running: number; pending: number } {
  const count = { running: 0, pending: 0 };
  for (const task of tasks) {
    if (task.desiredStatus === 'RUNNING') count[task.lastStatus === 'RUNNING' ? 'running' : 'pending']++;
  }
  return count;
}

export function resolveSettings(spec: TaskSpec): TaskSettings {
  const stopTimeoutSeconds = spec.stopTimeoutSeconds ?? 30;
  return {
    cpu: spec.cpu ?? 256,
    memory: spec.memory ?? 512,
    hostPort: spec.hostPort,
    placementConstraint: spec.placementConstraint,
    startSeconds: spec.startSeconds ?? 40,
    deregistrationSeconds: spec.deregistrationSeconds ?? 0,
    stopTimeoutSeconds,
    // Docker kills what has not stopped by then (AWS-CONTRACTS §3).
    stopSeconds: spec.neverStops ? Infinity : Math.min(spec.stopSeconds ?? stopTimeoutSeconds, stopTimeoutSeconds),
    deprovisioningSeconds: spec.deprovisioningSeconds ?? 5,
    protectedSeconds: spec.protectedSeconds ?? (spec.protected ? Infinity : 0),
  };
}

export type Names = ReturnType<typeof createNames>;

/** Names and numbers for everything in ECS. Ids are drawn eight digits at a time: a set-up makes ten thousand. */
export function createNames(world: World) {
  const random = world.random('ecs-names');
  const digits = (): string => random.int(0, 0xffffffff).toString(16).padStart(8, '0');
  let order = 0;
  return {
    arn: (kind: 'cluster' | 'container-instance' | 'service' | 'task' | 'task-definition', rest: string): string =>
      `arn:aws:ecs:${world.region}:${world.accountId}:${kind}/${rest}`,
    id: (): string => digits() + digits() + digits() + digits(),
    uuid: (): string => random.uuid(),
    deploymentId: (): string =>
      `ecs-svc/${random.int(1_000_000_000, 4_294_967_295)}${random.int(100_000_000, 999_999_999)}`,
    order: (): number => ++order,
  };
}
