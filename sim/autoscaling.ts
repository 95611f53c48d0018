import { type AutoScalingOperations, createAutoScalingOperations } from './autoscaling-operations.ts';
import { AwsError } from './aws-error.ts';
import { type LifecycleAction, type LifecycleHook, openLifecycleActions } from './lifecycle.ts';
import type { World } from './world.ts';

/**
 * A way out of InService that hooks can hold up. `Warmed:Terminating`, `Warmed:Pending` and `ReplacingRootVolume`
 * (AWS-CONTRACTS §1) belong here and are not simulated yet.
 */
type Leaving = 'Terminating';
export type LifecycleState = 'Pending' | 'InService' | Leaving | `${Leaving}:${'Wait' | 'Proceed'}`;

export interface AutoScalingInstance {
  readonly id: string;
  readonly group: AutoScalingGroup;
  /** The state as it is. What DescribeAutoScalingInstances says can be older: see `shown`. */
  state: LifecycleState;
  /** States and since when the API shows them, the oldest first. */
  readonly shown: { readonly state: LifecycleState; readonly fromMs: number }[];
  actions: readonly LifecycleAction[];
}

export interface AutoScalingGroup {
  readonly name: string;
  readonly arn: string;
  /** The ECS cluster that its instances join, if any. */
  readonly cluster: string | undefined;
  readonly min: number;
  readonly max: number;
  desired: number;
  readonly instanceType: string;
  readonly imageId: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  readonly instances: Map<string, AutoScalingInstance>;
  readonly hooks: Map<string, LifecycleHook>;
}

type Given<T> = { readonly [K in keyof T]?: T[K] | undefined };

export type GroupSpec = { readonly name: string; readonly desired: number } & Given<
  Pick<AutoScalingGroup, 'cluster' | 'min' | 'max' | 'instanceType' | 'imageId' | 'tags'>
>;
export type HookSpec = { readonly name: string } & Given<Omit<LifecycleHook, 'name'>>;

export interface AutoScalingOptions {
  /** How far the API's view of a state change lags. Without it each change draws 0 to 3 s (AWS-CONTRACTS §1). */
  readonly describeLagSeconds?: number | undefined;
}

/** The Auto Scaling of one region: its API operations, and what a scenario does with groups. */
export interface AutoScaling {
  readonly operations: AutoScalingOperations;
  /** Creates a group whose instances have been InService for long. Answers their ids; ECS is not told of them. */
  createGroup(spec: GroupSpec): string[];
  /** @throws AwsError ValidationError when a member is out of bounds. */
  putHook(group: string, hook: HookSpec): void;
  /**
   * Terminates so many InService instances, the oldest first, or those named. Unless `decrement` lowers the desired
   * capacity, replacements are launched. Answers the ids of the instances that now leave.
   */
  terminate(
    group: string,
    what: number | readonly string[],
    options?: { decrement?: boolean; cause?: string },
  ): string[];
  /** The state as it is, without lag; undefined when the instance is in no group. */
  stateOf(instanceId: string): LifecycleState | undefined;
}

/** From the decision to terminate until the hooks are told. Our figures, here and below: AWS publishes none. */
const NOTICE_SECONDS = 1;
/** From the last hook until the instance is gone, its tasks with it. */
const SHUTDOWN_SECONDS = 1;
const REPLACE_SECONDS = 5;
/** From the launch of an instance until it is InService; that its ECS agent registers takes longer. */
const IN_SERVICE_SECONDS = 30;
const MOST_LAG_MS = 3000;

const bounded = (name: string, value: number, low: number, high: number): number => {
  if (value >= low && value <= high) return value;
  // UNVERIFIED: the wording. The bounds are in AWS-CONTRACTS §1.
  throw new AwsError('ValidationError', `${name} must be between ${low} and ${high}`);
};

export function createAutoScaling(world: World, options: AutoScalingOptions = {}): AutoScaling {
  const { clock } = world;
  const random = world.random('autoscaling');
  const groups = new Map<string, AutoScalingGroup>();
  const instances = new Map<string, AutoScalingInstance>();

  const groupNamed = (name: string): AutoScalingGroup => {
    const group = groups.get(name);
    if (group !== undefined) return group;
    throw new AwsError('ValidationError', `AutoScalingGroup name not found - AutoScalingGroup ${name} not found`);
  };

  const soon = (seconds: number, then: () => void): void => {
    clock.after(random.around(seconds, 0.2) * 1000, then);
  };

  const lagMs = (): number => (options.describeLagSeconds ?? random.int(0, MOST_LAG_MS) / 1000) * 1000;

  const enter = (instance: AutoScalingInstance, state: LifecycleState): void => {
    instance.state = state;
    instance.shown.push({ state, fromMs: Math.max(clock.nowMs() + lagMs(), instance.shown.at(-1)?.fromMs ?? 0) });
  };

  const add = (group: AutoScalingGroup, state: LifecycleState): AutoScalingInstance => {
    const id = `i-0${random.hex(16)}`;
    const instance: AutoScalingInstance = {
      id,
      group,
      state,
      shown: [{ state, fromMs: clock.nowMs() }],
      actions: [],
    };
    group.instances.set(id, instance);
    instances.set(id, instance);
    return instance;
  };

  const launch = (group: AutoScalingGroup): void => {
    const instance = add(group, 'Pending');
    const { cluster } = group;
    world.emit({
      kind: 'instance-launched',
      instanceId: instance.id,
      group: group.name,
      ...(cluster === undefined ? {} : { cluster }),
    });
    soon(IN_SERVICE_SECONDS, () => {
      if (instance.state === 'Pending') enter(instance, 'InService');
    });
  };

  const isStaying = ({ state }: AutoScalingInstance): boolean => state === 'Pending' || state === 'InService';

  /** Instances that leave are outside capacity: replacements come while the hooks still wait. */
  const fill = (group: AutoScalingGroup): void => {
    const staying = [...group.instances.values()].filter(isStaying).length;
    for (let i = staying; i < group.desired; i++) launch(group);
  };

  const remove = (instance: AutoScalingInstance): void => {
    enter(instance, 'Terminating:Proceed');
    soon(SHUTDOWN_SECONDS, () => {
      world.emit({ kind: 'instance-terminated', instanceId: instance.id, group: instance.group.name });
      instance.group.instances.delete(instance.id);
      instances.delete(instance.id);
    });
  };

  const leave = (instance: AutoScalingInstance, cause: string): void => {
    const { group, id } = instance;
    enter(instance, 'Terminating');
    world.emit({ kind: 'instance-terminating', instanceId: id, group: group.name, cause });
    soon(NOTICE_SECONDS, () => {
      const hooks = [...group.hooks.values()].filter(
        ({ transition }) => transition === 'autoscaling:EC2_INSTANCE_TERMINATING',
      );
      if (hooks.length > 0) enter(instance, 'Terminating:Wait');
      const move = { instanceId: id, group: group.name, origin: 'AutoScalingGroup', destination: 'EC2' } as const;
      // CONTINUE and ABANDON both terminate (AWS-CONTRACTS §1); retention triggers are not simulated.
      instance.actions = openLifecycleActions(world, move, hooks, () => remove(instance));
    });
  };

  const autoScaling: AutoScaling = {
    operations: createAutoScalingOperations({
      world,
      groups,
      instances,
      groupNamed,
      putHook: (group, hook) => autoScaling.putHook(group, hook),
      terminate: (group, id, decrement, cause) => autoScaling.terminate(group, [id], { decrement, cause }),
    }),

    createGroup(spec) {
      const group: AutoScalingGroup = {
        name: spec.name,
        arn: `arn:aws:autoscaling:${world.region}:${world.accountId}:autoScalingGroup:${random.uuid()}:autoScalingGroupName/${spec.name}`,
        cluster: spec.cluster,
        min: spec.min ?? 0,
        max: spec.max ?? spec.desired * 2,
        desired: spec.desired,
        instanceType: spec.instanceType ?? 'm7i.xlarge',
        imageId: spec.imageId ?? 'ami-0ec5000000000000a',
        tags: spec.tags ?? {},
        createdAtMs: clock.nowMs(),
        instances: new Map(),
        hooks: new Map(),
      };
      groups.set(spec.name, group);
      return Array.from({ length: spec.desired }, () => add(group, 'InService').id);
    },

    putHook(groupName, hook) {
      const heartbeatSeconds = bounded('HeartbeatTimeout', hook.heartbeatSeconds ?? 3600, 30, 7200);
      bounded('NotificationMetadata length', hook.metadata?.length ?? 1, 1, 4000);
      groupNamed(groupName).hooks.set(hook.name, {
        name: hook.name,
        transition: hook.transition ?? 'autoscaling:EC2_INSTANCE_TERMINATING',
        heartbeatSeconds,
        defaultResult: hook.defaultResult ?? 'ABANDON',
        targetArn: hook.targetArn,
        roleArn: hook.roleArn,
        metadata: hook.metadata,
      });
    },

    terminate(groupName, what, { decrement = false, cause = 'a user request' } = {}) {
      const group = groupNamed(groupName);
      const staying = [...group.instances.values()].filter(isStaying);
      const leaving =
        typeof what === 'number'
          ? staying.filter(({ state }) => state === 'InService').slice(0, what)
          : staying.filter(({ id }) => what.includes(id));
      if (decrement) group.desired -= leaving.length;
      for (const instance of leaving) leave(instance, cause);
      soon(REPLACE_SECONDS, () => fill(group));
      return leaving.map(({ id }) => id);
    },

    stateOf: (instanceId) => instances.get(instanceId)?.state,
  };
  return autoScaling;
}
