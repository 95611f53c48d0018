import { type AutoScalingOptions, createAutoScaling } from '../../sim/autoscaling.ts';
import type { AwsError } from '../../sim/aws-error.ts';
import { EPOCH_MS } from '../../sim/clock.ts';
import { createEcs, type EcsOptions } from '../../sim/ecs.ts';
import type { InstanceSpec } from '../../sim/ecs-state.ts';
import { createWorld, type WorldEvent } from '../../sim/world.ts';

/** An event, and when it happened in seconds from the start. */
export type Logged = WorldEvent & { atSeconds: number };

/** A region with ECS and Auto Scaling and nothing in it; durations are exact unless `jitter` says otherwise. */
export function createRegion(options: EcsOptions & AutoScalingOptions & { seed?: number } = {}) {
  const world = createWorld({ seed: options.seed ?? 1, region: 'eu-west-1' });
  const log: Logged[] = [];
  world.on((event) => log.push({ ...event, atSeconds: world.clock.nowSeconds() }));
  const ecs = createEcs(world, { jitter: 0, ...options });
  const autoScaling = createAutoScaling(world, { describeLagSeconds: 0, ...options });
  return {
    world,
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
    /** What is on i-0, i-1, …: the last status of each task that is not STOPPED. */
    on(instanceId: string): string[] {
      return ecs.liveTasks(instanceId).map((task) => task.lastStatus);
    },
    messages(service: string): (string | undefined)[] {
      const { services } = ecs.operations.DescribeServices({ cluster: 'web', services: [service] });
      return services[0]?.events?.map(({ message }) => message) ?? [];
    },
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
