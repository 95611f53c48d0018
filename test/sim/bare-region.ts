import { type AutoScalingOptions, createAutoScaling } from '../../sim/autoscaling.ts';
import type { GroupSpec, HookSpec } from '../../sim/autoscaling-state.ts';
import type { AwsError } from '../../sim/aws-error.ts';
import { EPOCH_MS } from '../../sim/clock.ts';
import { createEc2 } from '../../sim/ec2.ts';
import { createEcs, type EcsOptions } from '../../sim/ecs.ts';
import type { InstanceSpec } from '../../sim/ecs-state.ts';
import { createWorld, type WorldEvent } from '../../sim/world.ts';

/** An event, and when it happened in seconds from the start. */
export type Logged = WorldEvent & { atSeconds: number };

type RegionOptions = EcsOptions & AutoScalingOptions & { seed?: number };

/** A region with ECS and Auto Scaling and nothing in it; durations are exact unless `jitter` says otherwise. */
export function createRegion(options: RegionOptions = {}) {
  const world = createWorld({ seed: options.seed ?? 1, region: 'eu-west-1' });
  const log: Logged[] = [];
  world.on((event) => log.push({ ...event, atSeconds: world.clock.nowSeconds() }));
  const ecs = createEcs(world, { jitter: 0, ...options });
  const autoScaling = createAutoScaling(world, { describeLagSeconds: 0, ...options });
  const ec2 = createEc2(world);
  return {
    world,
    ec2,
    ecs,
    autoScaling,
    log,
    /** Moves the clock to so many seconds from the start. */
    runTo(seconds: number): void {
      while (world.clock.step(EPOCH_MS + seconds * 1000));
    },
    /** A cluster `web` with the instances i-0, i-1, … */
    web(instances: number, spec: InstanceSpec = {}): string[] {
      ecs.createCluster('web', spec);
      return Array.from({ length: instances }, (_, i) =>
        ecs.registerContainerInstance({ cluster: 'web', instanceId: `i-${i}` }),
      );
    },
    drain(...containerInstances: string[]): void {
      ecs.operations.UpdateContainerInstancesState({ cluster: 'web', containerInstances, status: 'DRAINING' });
    },
    /** Ends an EC2 instance from outside. */
    vanish: (instanceId: string): void => ec2.vanish(instanceId, 'a test'),
    /** What ECS says is on i-0, i-1, …: the last status of each task that is not STOPPED. */
    on(instanceId: string): string[] {
      return ecs.unstoppedTasks(instanceId).map((task) => task.lastStatus);
    },
    messages(service: string): (string | undefined)[] {
      const { services } = ecs.operations.DescribeServices({ cluster: 'web', services: [service] });
      return services[0]?.events?.map(({ message }) => message) ?? [];
    },
  };
}

export const GROUP = 'web-asg';

/** The same with the group `web-asg` in the cluster `web`; hooks wait from about the first second after a termination on. */
export function createGroupRegion(
  group: Omit<GroupSpec, 'name'>,
  hooks: readonly HookSpec[] = [],
  options: RegionOptions = {},
) {
  const region = createRegion(options);
  region.web(0);
  const ids = region.autoScaling.createGroup({ name: GROUP, cluster: 'web', ...group });
  for (const hook of hooks) region.autoScaling.putHook(GROUP, hook);
  const { operations } = region.autoScaling;
  const of = <K extends WorldEvent['kind']>(kind: K) =>
    region.log.filter((event): event is Extract<Logged, { kind: K }> => event.kind === kind);
  return {
    ...region,
    operations,
    ids,
    first: ids[0] ?? '',
    of,
    waiting: () => of('hook-waiting'),
    finished: () => of('hook-finished'),
    shownState: (id: string) =>
      operations.DescribeAutoScalingInstances({ InstanceIds: [id] }).AutoScalingInstances[0]?.LifecycleState,
  };
}

/** The code and message of what an operation throws. */
export function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    const { code, message } = error as AwsError;
    return `${code}: ${message}`;
  }
  return 'nothing thrown';
}

/** The first seed for which a region answers yes, to look at behaviour that the seed picks. */
export function seedWhere(isSo: (region: ReturnType<typeof createRegion>) => boolean): number {
  for (let seed = 1; seed < 100; seed++) if (isSo(createRegion({ seed }))) return seed;
  throw new Error('No seed below 100 picks that behaviour.');
}
