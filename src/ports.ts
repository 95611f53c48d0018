import type { Replacing } from './service.ts';

/**
 * What a drain needs from the world, and no more. `src/aws` implements these; the simulator answers below them, on the
 * wire. Operating errors are values: a port throws only on a programmer's error.
 */

/** Why a call did not do what it was asked to; AWS's many codes, sorted once (src/aws/failure.ts). */
export interface Failure {
  readonly ok: false;
  /** `gone`: what was named does not exist (any more). `denied`: permissions or credentials. */
  readonly reason: 'throttled' | 'denied' | 'gone' | 'other';
  /** Like `ecs:DescribeTasks`. */
  readonly operation: string;
  readonly message: string;
  /** Nobody knows whether it was done all the same: no answer came, or one that says that AWS itself failed. */
  readonly lost?: true;
}

export interface Success<T> {
  readonly ok: true;
  readonly value: T;
}

export type Result<T> = Success<T> | Failure;

/** `lastStatus` values that a task has on its way (AWS-CONTRACTS §3); AWS may add others. */
export type TaskStatus = string;

export interface TaskSeen {
  /** Short id: 32 characters. */
  readonly id: string;
  readonly status: TaskStatus;
  /** `service:<name>`, or `family:<name>` for a task that no service started. */
  readonly group: string;
}

export interface ContainerInstanceSeen {
  readonly arn: string;
  /** ACTIVE, DRAINING, INACTIVE, REGISTERING …; AWS may add others. */
  readonly status: string;
  readonly agentConnected: boolean;
  /** Tasks whose *desired* status is RUNNING. Zero does not mean empty (AWS-CONTRACTS §3). */
  readonly runningTasks: number;
  readonly pendingTasks: number;
}

/** Container instances by ARN; those that ECS no longer knows are in `missing`. */
export interface ContainerInstancesSeen {
  readonly found: readonly ContainerInstanceSeen[];
  readonly missing: readonly string[];
}

export interface ServiceSeen extends Replacing {
  readonly name: string;
  /** Newest first. */
  readonly events: readonly { readonly atMs: number; readonly message: string }[];
}

export interface EcsPort {
  listClusters(): Promise<Result<readonly string[]>>;
  /** All registrations of the EC2 instance in the cluster that are not INACTIVE. */
  findContainerInstances(cluster: string, instanceId: string): Promise<Result<readonly string[]>>;
  /** How many of the cluster's container instances are DRAINING: up to 100, and 101 for any more. One call. */
  countDraining(cluster: string): Promise<Result<number>>;
  describeContainerInstances(cluster: string, arns: readonly string[]): Promise<Result<ContainerInstancesSeen>>;
  setStatus(
    cluster: string,
    arns: readonly string[],
    status: 'DRAINING' | 'ACTIVE',
  ): Promise<Result<ContainerInstancesSeen>>;
  /** Short ids of the tasks on a container instance whose *desired* status is the given one, every page of them. */
  listTasks(cluster: string, arn: string, desired: 'RUNNING' | 'STOPPED'): Promise<Result<readonly string[]>>;
  /** Tasks by short id, in as many calls as it takes; a task that ECS has forgotten is left out, for it stopped long ago. */
  describeTasks(cluster: string, ids: readonly string[]): Promise<Result<readonly TaskSeen[]>>;
  /** Which of the tasks, ten at most, are under task protection; short ids. */
  protectedTasks(cluster: string, ids: readonly string[]): Promise<Result<readonly string[]>>;
  /** Tells a task to stop; one that has stopped already, or is gone, is as good. */
  stopTask(cluster: string, id: string, reason: string): Promise<Result<undefined>>;
  describeServices(cluster: string, names: readonly string[]): Promise<Result<readonly ServiceSeen[]>>;
}

export interface HookSeen {
  readonly heartbeatTimeoutSeconds: number;
  readonly globalTimeoutSeconds: number;
  /** CONTINUE or ABANDON: what the action ends with where nobody completes it. */
  readonly defaultResult?: string;
  /** Whom it tells of the instances that it holds; undefined: EventBridge alone does. */
  readonly targetArn?: string;
}

export interface LifecycleAction {
  readonly group: string;
  readonly hook: string;
  readonly token: string;
  readonly instanceId: string;
}

export interface AutoScalingPort {
  /** The instance's group and lifecycle state, or undefined when Auto Scaling does not know the instance. */
  describeInstance(instanceId: string): Promise<Result<{ readonly group: string; readonly state: string } | undefined>>;
  /** The hook, or undefined when the group has none of that name. */
  describeHook(group: string, hook: string): Promise<Result<HookSeen | undefined>>;
  /** Terminates the instance through its group, which launches another; `gone`: it is in no group any more. */
  terminate(instanceId: string): Promise<Result<undefined>>;
  /** `gone`: the action has already finished. */
  heartbeat(action: LifecycleAction): Promise<Result<undefined>>;
  /** `gone`: the action has already finished. */
  complete(action: LifecycleAction, result: 'CONTINUE' | 'ABANDON'): Promise<Result<undefined>>;
}

export interface AlertPort {
  publish(message: {
    readonly subject: string;
    /** By the subscribers' protocol; `default` for all that are not named. */
    readonly bodies: Readonly<Record<string, string>>;
    readonly attributes: Readonly<Record<string, string>>;
  }): Promise<Result<undefined>>;
}

export interface Measure {
  readonly name: 'DrainsStarted' | 'DrainsEnded' | 'DrainSeconds' | 'TasksCutOff' | 'StuckDrains';
  readonly unit: 'Count' | 'Seconds';
  readonly value: number;
  /** Of `DrainsEnded`: how. */
  readonly outcome?: string;
}

export interface MetricsPort {
  /** Called inside steps only, so that no replay counts again; a step that runs twice counts twice. */
  emit(measures: readonly Measure[]): void;
}

export interface SwitchPort {
  /** The text of the switch, perhaps up to two minutes old; undefined when nobody has written one. */
  read(): Promise<Result<string | undefined>>;
}

export interface ExecutionPort {
  /** What an execution was started with, by its ARN. */
  inputOf(executionArn: string): Promise<Result<string>>;
  /** Starts the durable execution of that name, or joins the one that exists. `gone`: there is no such function. */
  start(name: string, request: object): Promise<Result<undefined>>;
}

/** Milliseconds since 1970. Read inside a step only: a replay must not see another time. */
export type ClockPort = () => number;

/** What the loop needs of a durable execution: results that survive, and waits that cost nothing. */
export interface DurablePort {
  /** Carries `run` out at least once and remembers its result, which must be JSON and small. */
  step<T>(name: string, run: () => Promise<T>): Promise<T>;
  /** Nothing of ours runs meanwhile. Its own port, so that an event may end it early one day. */
  wait(name: string, seconds: number): Promise<void>;
  /** Said once, also when the code before it is replayed. */
  log(level: 'info' | 'warn' | 'error', message: string, fields: Readonly<Record<string, unknown>>): void;
}
