import type { AutoScalingInstance, LifecycleState, UnverifiedAutoScaling, Way } from './autoscaling-state.ts';
import { WAYS } from './autoscaling-state.ts';
import { type LifecycleResult, openLifecycleActions } from './lifecycle.ts';
import type { World } from './world.ts';

/** From the decision to terminate until the hooks are told. Our figures, here and in autoscaling.ts: AWS publishes none. */
const NOTICE_SECONDS = 1;
/** From the last hook until the instance is gone, its tasks with it. */
const SHUTDOWN_SECONDS = 1;
/** How long a new root volume keeps the agent away. */
const ROOT_VOLUME_SECONDS = [60, 180] as const;
/** From `RootVolumeReplaced` until the health checks have passed. */
const RECHECK_SECONDS = 5;

/** How instances leave service, held up by hooks, and where that ends. */
export interface Departures {
  leave(instance: AutoScalingInstance, way: Way, cause: string): void;
  /** Runs `then` later, unless somebody ends the instance meanwhile. */
  after(instance: AutoScalingInstance, seconds: number, then: () => void): void;
}

export function createDepartures(
  world: World,
  group: {
    instances: ReadonlyMap<string, AutoScalingInstance>;
    enter: (instance: AutoScalingInstance, state: LifecycleState) => void;
    forget: (instance: AutoScalingInstance) => void;
    unverified: UnverifiedAutoScaling;
  },
): Departures {
  const random = world.random('autoscaling');
  const { enter, forget, unverified } = group;

  const after = (instance: AutoScalingInstance, seconds: number, then: () => void): void => {
    world.clock.after(seconds * 1000, () => group.instances.has(instance.id) && then());
  };

  const keep = (instance: AutoScalingInstance, state: LifecycleState): void => {
    enter(instance, state);
    world.emit({ kind: 'instance-kept', instanceId: instance.id, group: instance.group.name, state });
  };

  const replaceVolume = (instance: AutoScalingInstance): void => {
    const awaySeconds = random.int(...ROOT_VOLUME_SECONDS);
    world.emit({ kind: 'instance-restarting', instanceId: instance.id, cause: 'root-volume', awaySeconds });
    after(instance, awaySeconds, () => {
      enter(instance, 'RootVolumeReplaced');
      after(instance, RECHECK_SECONDS, () => keep(instance, 'InService'));
    });
  };

  /** No hook waits any more. Where the way ends, and what an ABANDON changes: AWS-CONTRACTS §1. */
  const proceed = (instance: AutoScalingInstance, way: Way, result: LifecycleResult): void => {
    const { group, id } = instance;
    enter(instance, `${way}:Proceed`);
    after(instance, random.around(SHUTDOWN_SECONDS, 0.2), () => {
      if (instance.isGone) forget(instance);
      else if (way === 'ReplacingRootVolume') {
        if (result === 'CONTINUE' || unverified.abandonedVolumeIsReplaced) replaceVolume(instance);
        else keep(instance, 'InService');
      } else if (result === 'ABANDON' && group.retainOnAbandon) keep(instance, `${way}:Retained`);
      else if (way === 'Warmed:Pending') {
        world.emit({ kind: 'instance-stopped', instanceId: id, cause: 'warm pool' });
        keep(instance, 'Warmed:Stopped');
      } else world.emit({ kind: 'instance-terminated', instanceId: id, cause: 'Auto Scaling' });
    });
  };

  const leave = (instance: AutoScalingInstance, way: Way, cause: string): void => {
    const { group, id } = instance;
    const move = { instanceId: id, group: group.name, ...WAYS[way] };
    enter(instance, way);
    world.emit({ kind: 'instance-terminating', instanceId: id, group: group.name, cause, to: move.destination });
    after(instance, random.around(NOTICE_SECONDS, 0.2), () => {
      const hooks = [...group.hooks.values()].filter(
        ({ transition }) => transition === 'autoscaling:EC2_INSTANCE_TERMINATING',
      );
      if (hooks.length > 0) enter(instance, `${way}:Wait`);
      instance.actions = openLifecycleActions(world, move, hooks, (result) => proceed(instance, way, result));
    });
  };

  return { leave, after };
}
