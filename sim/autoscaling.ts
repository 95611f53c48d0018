import type { ImageFacts } from './amis.ts';
import { type AutoScalingOperations, createAutoScalingOperations } from './autoscaling-operations.ts';
import type {
  AutoScalingGroup,
  AutoScalingInstance,
  GroupSpec,
  HookSpec,
  LifecycleState,
  UnverifiedAutoScaling,
  Way,
} from './autoscaling-state.ts';
import { AwsError } from './aws-error.ts';
import { createDepartures } from './departure.ts';
import { createGroupLaunches, isCapacity, isStaying, PLAIN } from './group-launches.ts';
import type { Launched, Launches } from './launch.ts';
import type { LifecycleAction, LifecycleHook } from './lifecycle.ts';
import { createRefreshes } from './refresh.ts';
import { createRefreshOperations } from './refresh-operations.ts';
import type { World } from './world.ts';

export interface AutoScalingOptions {
  /** How far the API's view of a state change lags. Without it each change draws 0 to 3 s (AWS-CONTRACTS §1). */
  readonly describeLagSeconds?: number | undefined;
  /** What instances are launched from; without it all have the same image. */
  readonly launches?: Launches | undefined;
  /** Whether EC2's quotas let it be launched; without it they always do. */
  readonly fits?: ((launched: Launched) => boolean) | undefined;
}

/** The Auto Scaling of one region: its API operations, and what a scenario does with groups. */
export interface AutoScaling {
  readonly operations: AutoScalingOperations & ReturnType<typeof createRefreshOperations>;
  readonly unverified: UnverifiedAutoScaling;
  /** Creates a group whose instances have been InService for long. Answers their ids, the warm pool's last; ECS is not told. */
  createGroup(spec: GroupSpec): string[];
  /** Creates or changes a hook. @throws AwsError ValidationError when a member is out of bounds. */
  putHook(group: string, hook: HookSpec): void;
  /** @throws AwsError ValidationError when there is no such hook. */
  deleteHook(group: string, hook: string): void;
  /**
   * Terminates so many InService instances, the oldest first and none protected from scale-in, or those named: protected
   * or not, and out of the warm pool too. Unless `decrement` lowers the desired capacity, replacements are launched.
   * Answers the ids of the instances that now leave.
   */
  terminate(
    group: string,
    what: number | readonly string[],
    options?: { decrement?: boolean; cause?: string },
  ): string[];
  /** Scales in by so many InService instances, which go back to the warm pool and are stopped there. Answers their ids. */
  toWarmPool(group: string, count: number): string[];
  /** Gives so many InService instances a new root volume, as such an instance refresh does. Answers their ids. */
  replaceRootVolume(group: string, count: number): string[];
  /** One InService instance goes into Standby, the desired capacity going down with it; or all of them come back. */
  standBy(group: string, enter: boolean): void;
  /** Sets the instance's protection from scale-in; nothing when it is in no group. */
  setProtected(instanceId: string, isProtected: boolean): void;
  /** Sets the desired capacity, as managed scaling does. */
  scale(group: string, desired: number): void;
  /** Its owner gives the group another version of its launch template. */
  setVersion(group: string, version: string): void;
  /** Whether anything can be launched for the group. */
  setCapacity(group: string, hasCapacity: boolean): void;
  /** A CloudWatch alarm goes into the ALARM state, or out of it. */
  setAlarm(name: string, isAlarm: boolean): void;
  /** The action of the hook that waits for the instance, if one does. */
  waitingAction(instanceId: string, hook: string): LifecycleAction | undefined;
  /** What the instance runs; undefined when it is in no group. */
  imageOf(instanceId: string): ImageFacts | undefined;
  /** The group that it is in, if any. */
  groupOf(instanceId: string): string | undefined;
  /** Every instance that is not gone, those of warm pools too. */
  launched(): readonly Pick<AutoScalingInstance, 'id' | 'state' | 'launched'>[];
  /** The state as it is, without lag; undefined when the instance is in no group. */
  stateOf(instanceId: string): LifecycleState | undefined;
}

/** From a departure until its replacement is launched. Our figures, here and in departure.ts: AWS publishes none. */
const REPLACE_SECONDS = 5;
/** From the end of an instance that the group did not order until its health check sees it. */
const HEALTH_CHECK_SECONDS = 60;
const MOST_LAG_MS = 3000;

const bounded = (name: string, value: number, low: number, high: number): number => {
  if (value >= low && value <= high) return value;
  // UNVERIFIED: the wording. The bounds are in AWS-CONTRACTS §1.
  throw new AwsError('ValidationError', `${name} must be between ${low} and ${high}`);
};

export function createAutoScaling(world: World, options: AutoScalingOptions = {}): AutoScaling {
  const { clock } = world;
  const random = world.random('autoscaling');
  const pick = (fact: string): boolean => world.random(`unverified/${fact}`).chance(0.5);
  const unverified = {
    deletedHookLetsGo: pick('autoscaling-deleted-hook-lets-go'),
    goneInstancePassesHooks: pick('autoscaling-gone-instance-passes-hooks'),
    abandonedVolumeIsReplaced: pick('autoscaling-abandoned-volume-is-replaced'),
  };
  const groups = new Map<string, AutoScalingGroup>();
  const instances = new Map<string, AutoScalingInstance>();
  const alarms = new Set<string>();

  const groupNamed = (name: string): AutoScalingGroup => {
    const group = groups.get(name);
    if (group !== undefined) return group;
    throw new AwsError('ValidationError', `AutoScalingGroup name not found - AutoScalingGroup ${name} not found`);
  };

  const lagMs = (): number => (options.describeLagSeconds ?? random.int(0, MOST_LAG_MS) / 1000) * 1000;

  const enter = (instance: AutoScalingInstance, state: LifecycleState): void => {
    instance.state = state;
    instance.shown.push({ state, fromMs: clock.nowMs() + lagMs() });
  };

  const add = (group: AutoScalingGroup, state: LifecycleState, launched: Launched): AutoScalingInstance => {
    const instance: AutoScalingInstance = {
      id: `i-0${random.hex(16)}`,
      group,
      launched,
      inServiceAtMs: state === 'InService' ? clock.nowMs() : undefined,
      state,
      shown: [{ state, fromMs: clock.nowMs() }],
      actions: [],
      protectedFromScaleIn: group.protectedFromScaleIn,
      isGone: false,
    };
    group.instances.set(instance.id, instance);
    instances.set(instance.id, instance);
    return instance;
  };

  const forget = (instance: AutoScalingInstance): void => {
    instance.group.instances.delete(instance.id);
    instances.delete(instance.id);
  };

  const { leave, after } = createDepartures(world, { instances, enter, forget, unverified });
  const { resolve, launch, fill, soon } = createGroupLaunches(world, { ...options, add, enter, leave });

  /** Takes the oldest that scale-in may take. */
  const scaleIn = (group: AutoScalingGroup, count: number): AutoScalingInstance[] =>
    [...group.instances.values()]
      .filter((instance) => instance.state === 'InService' && !instance.protectedFromScaleIn)
      .slice(0, count);

  const leaveAll = (leaving: readonly AutoScalingInstance[], way: Way, cause: string): string[] => {
    for (const instance of leaving) leave(instance, way, cause);
    return leaving.map(({ id }) => id);
  };

  const trim = (group: AutoScalingGroup, cause: string): void => {
    const above = [...group.instances.values()].filter(isStaying).length - group.desired;
    leaveAll(scaleIn(group, Math.max(0, above)), 'Terminating', cause);
  };

  const refreshes = createRefreshes(world, {
    launches: options.launches,
    launch,
    terminate(instance) {
      soon(REPLACE_SECONDS, () => fill(instance.group));
      leave(instance, 'Terminating', 'an instance refresh');
    },
    trim: (group) => trim(group, 'a group above its desired capacity'),
    renewWarmPool(group) {
      const pooled = [...group.instances.values()].filter(({ state }) => state === 'Warmed:Stopped');
      leaveAll(pooled, 'Warmed:Terminating', 'an instance refresh of the warm pool');
      for (const { launched } of pooled) add(group, 'Warmed:Stopped', resolve(group) ?? launched);
    },
    isAlarm: (name) => alarms.has(name),
  });

  const autoScaling: AutoScaling = {
    unverified,
    operations: {
      ...createRefreshOperations({ refreshes, launches: options.launches, groupNamed }),
      ...createAutoScalingOperations({
        world,
        groups,
        instances,
        launches: options.launches,
        groupNamed,
        putHook: (group, hook) => autoScaling.putHook(group, hook),
        deleteHook: (group, hook) => autoScaling.deleteHook(group, hook),
        terminate: (group, id, decrement, cause) => autoScaling.terminate(group, [id], { decrement, cause }),
      }),
    },

    createGroup(spec) {
      const group: AutoScalingGroup = {
        name: spec.name,
        arn: `arn:aws:autoscaling:${world.region}:${world.accountId}:autoScalingGroup:${random.uuid()}:autoScalingGroupName/${spec.name}`,
        cluster: spec.cluster,
        min: spec.min ?? 0,
        max: spec.max ?? spec.desired * 2,
        desired: spec.desired,
        launch: spec.launch,
        launching: undefined,
        launches: 0,
        hasCapacity: true,
        retrying: false,
        suspended: spec.suspended ?? new Set(),
        tags: spec.tags ?? {},
        protectedFromScaleIn: spec.protectedFromScaleIn ?? false,
        retainOnAbandon: spec.retainOnAbandon ?? false,
        createdAtMs: clock.nowMs(),
        instances: new Map(),
        hooks: new Map(),
      };
      groups.set(spec.name, group);
      const launched = Array.from({ length: spec.desired + (spec.warm ?? 0) }, () => resolve(group) ?? PLAIN);
      return launched.map((from, i) => add(group, i < spec.desired ? 'InService' : 'Warmed:Stopped', from).id);
    },

    putHook(groupName, hook) {
      const heartbeatSeconds = bounded('HeartbeatTimeout', hook.heartbeatSeconds ?? 3600, 30, 7200);
      bounded('NotificationMetadata length', hook.metadata?.length ?? 1, 1, 4000);
      const { hooks } = groupNamed(groupName);
      const values: LifecycleHook = {
        name: hook.name,
        transition: hook.transition ?? 'autoscaling:EC2_INSTANCE_TERMINATING',
        heartbeatSeconds,
        defaultResult: hook.defaultResult ?? 'ABANDON',
        targetArn: hook.targetArn,
        roleArn: hook.roleArn,
        metadata: hook.metadata,
      };
      // In place, so that actions that wait see the change.
      hooks.set(hook.name, Object.assign(hooks.get(hook.name) ?? {}, values));
    },

    deleteHook(groupName, hook) {
      const group = groupNamed(groupName);
      if (!group.hooks.delete(hook)) throw new AwsError('ValidationError', `No Lifecycle Hook found with name ${hook}`);
      if (!unverified.deletedHookLetsGo) return;
      for (const { id } of group.instances.values()) {
        autoScaling.waitingAction(id, hook)?.complete('CONTINUE', 'hook-deleted');
      }
    },

    terminate(groupName, what, { decrement = false, cause = 'a user request' } = {}) {
      const group = groupNamed(groupName);
      const named = typeof what === 'number' ? [] : [...group.instances.values()].filter(({ id }) => what.includes(id));
      const leaving = typeof what === 'number' ? scaleIn(group, what) : named.filter(isStaying);
      if (decrement) group.desired -= leaving.length;
      const pooled = named.filter(({ state }) => state === 'Warmed:Stopped');
      soon(REPLACE_SECONDS, () => fill(group));
      return [...leaveAll(leaving, 'Terminating', cause), ...leaveAll(pooled, 'Warmed:Terminating', cause)];
    },

    toWarmPool(groupName, count) {
      const group = groupNamed(groupName);
      const leaving = scaleIn(group, count);
      group.desired -= leaving.length;
      return leaveAll(leaving, 'Warmed:Pending', 'a scale-in that reuses instances');
    },

    replaceRootVolume: (groupName, count) =>
      leaveAll(scaleIn(groupNamed(groupName), count), 'ReplacingRootVolume', 'a new root volume'),

    standBy(groupName, enters) {
      const group = groupNamed(groupName);
      const [from, to] = enters ? (['InService', 'Standby'] as const) : (['Standby', 'InService'] as const);
      const found = [...group.instances.values()].filter(({ state }) => state === from);
      for (const instance of enters ? found.slice(0, 1) : found) {
        group.desired += enters ? -1 : 1;
        enter(instance, to);
      }
    },

    scale(groupName, desired) {
      const group = groupNamed(groupName);
      group.desired = desired;
      fill(group);
      trim(group, 'a scale-in');
    },

    setVersion(groupName, version) {
      const group = groupNamed(groupName);
      const { launch } = group;
      if (launch?.kind !== 'template' && launch?.kind !== 'mixed') return;
      group.launch = { ...launch, template: { ...launch.template, version } };
    },

    setCapacity(groupName, hasCapacity) {
      const group = groupNamed(groupName);
      group.hasCapacity = hasCapacity;
      if (hasCapacity) fill(group);
    },

    setAlarm: (name, isAlarm) => void (isAlarm ? alarms.add(name) : alarms.delete(name)),

    setProtected(instanceId, isProtected) {
      const instance = instances.get(instanceId);
      if (instance !== undefined) instance.protectedFromScaleIn = isProtected;
    },

    waitingAction: (instanceId, hook) =>
      instances.get(instanceId)?.actions.find((action) => action.hook.name === hook && action.isActive()),

    imageOf: (instanceId) => instances.get(instanceId)?.launched.image,

    groupOf: (instanceId) => instances.get(instanceId)?.group.name,

    launched: () => [...instances.values()].filter(({ isGone }) => !isGone),

    stateOf: (instanceId) => instances.get(instanceId)?.state,
  };

  /** Whoever ended the EC2 instance: Auto Scaling itself, Spot, a person in the EC2 console. */
  world.on((event) => {
    const instance = event.kind === 'instance-terminated' ? instances.get(event.instanceId) : undefined;
    if (instance === undefined || instance.isGone) return;
    const { group } = instance;
    if (instance.state === 'InService' && unverified.goneInstancePassesHooks) {
      instance.isGone = true;
      after(instance, HEALTH_CHECK_SECONDS, () => {
        if (instance.state === 'InService') leave(instance, 'Terminating', 'an EC2 health check');
        fill(group);
      });
      return;
    }
    if (isCapacity(instance)) soon(HEALTH_CHECK_SECONDS, () => fill(group));
    forget(instance);
    for (const action of instance.actions) action.complete('ABANDON', 'instance-gone');
  });

  return autoScaling;
}
