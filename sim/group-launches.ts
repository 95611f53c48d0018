import type { AutoScalingGroup, AutoScalingInstance, LifecycleState, Way } from './autoscaling-state.ts';
import type { Launched, Launches } from './launch.ts';
import type { World } from './world.ts';

/** From the launch of an instance until it is InService; that its ECS agent registers takes longer. */
const IN_SERVICE_SECONDS = 30;
/** From a launch that failed until the next try. */
const RETRY_SECONDS = 60;
/** What instances are where nothing says it: the image that is recommended at the start (sim/amis.ts). */
export const PLAIN: Launched = {
  image: { id: 'ami-0ec5000000000000a', agentVersion: '1.98.0', dockerVersion: '25.0.8', flaw: undefined },
  instanceType: undefined,
  template: undefined,
};

export const isStaying = ({ state }: AutoScalingInstance): boolean => state === 'Pending' || state === 'InService';

/** Instances that leave are outside capacity: replacements come while the hooks still wait. A new volume is no departure. */
export const isCapacity = (instance: AutoScalingInstance): boolean =>
  isStaying(instance) || /^(Replacing|RootVolume)/.test(instance.state);

/** How groups get their instances up to the desired capacity: that takes time, and can fail. */
export function createGroupLaunches(
  world: World,
  region: {
    launches?: Launches | undefined;
    fits?: ((launched: Launched) => boolean) | undefined;
    add: (group: AutoScalingGroup, state: LifecycleState, launched: Launched) => AutoScalingInstance;
    enter: (instance: AutoScalingInstance, state: LifecycleState) => void;
    leave: (instance: AutoScalingInstance, way: Way, cause: string) => void;
  },
) {
  const { clock } = world;
  const random = world.random('autoscaling');

  const soon = (seconds: number, then: () => void): void => {
    clock.after(random.around(seconds, 0.2) * 1000, then);
  };

  const resolve = (group: AutoScalingGroup): Launched | undefined => {
    const source = group.launching ?? group.launch;
    return source && region.launches ? region.launches.resolve(source, group.launches++) : PLAIN;
  };

  /** Tries again later what cannot be launched: for want of capacity, beyond a quota, or because its image is gone. */
  const retry = (group: AutoScalingGroup): void => {
    if (group.retrying) return;
    group.retrying = true;
    clock.after(RETRY_SECONDS * 1000, () => {
      group.retrying = false;
      fill(group);
    });
  };

  const launch = (group: AutoScalingGroup): AutoScalingInstance | undefined => {
    const launched = group.hasCapacity ? resolve(group) : undefined;
    // EC2 answers VcpuLimitExceeded, which is a failed activity of the group.
    const isRefused = launched === undefined || region.fits?.(launched) === false;
    if (isRefused || group.suspended.has('Launch')) {
      if (!group.suspended.has('Launch')) retry(group);
      return undefined;
    }
    const instance = region.add(group, 'Pending', launched);
    const { cluster } = group;
    const { image } = launched;
    const where = cluster === undefined ? {} : { cluster };
    world.emit({ kind: 'instance-launched', instanceId: instance.id, group: group.name, image, ...where });
    soon(IN_SERVICE_SECONDS, () => {
      if (instance.state !== 'Pending') return;
      if (image.flaw === 'never-healthy') {
        region.leave(instance, 'Terminating', 'an EC2 health check');
        fill(group);
        return;
      }
      instance.inServiceAtMs = clock.nowMs();
      region.enter(instance, 'InService');
    });
    return instance;
  };

  const fill = (group: AutoScalingGroup): void => {
    const staying = [...group.instances.values()].filter(isCapacity).length;
    for (let i = staying; i < group.desired; i++) launch(group);
  };

  return { resolve, launch, fill, soon };
}
