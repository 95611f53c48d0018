import type { World, WorldEvent } from './world.ts';

/** What happens to EC2 instances, in groups or not, past everybody who manages them. */
export interface Ec2 {
  /** Ends the instance at once: a Spot interruption, a person in the EC2 console. No hook can hold it. */
  vanish(instanceId: string, cause: string): void;
  /** Spot stops or hibernates it. A hibernated one's tasks count as cut too. Its group, if any, does not notice here. */
  stop(instanceId: string, cause: string): void;
  /** Spot stops or hibernates it, and starts it again when it has the capacity. */
  stopFor(instanceId: string, awaySeconds: number): void;
  /** A scheduled maintenance reboot (AWS-CONTRACTS §8): what runs dies, and the agent is away for a minute or so. */
  reboot(instanceId: string): void;
}

/** Our figure: AWS publishes none. */
const REBOOT_SECONDS = [30, 120] as const;

export function createEc2(world: World): Ec2 {
  const random = world.random('ec2');
  /** Terminated is for good: what has gone neither goes once more nor stops or starts. */
  const gone = new Set<string>();
  world.on((event) => void (event.kind === 'instance-terminated' && gone.add(event.instanceId)));
  const emit = (event: Extract<WorldEvent, { instanceId: string }>): void => {
    if (!gone.has(event.instanceId)) world.emit(event);
  };
  return {
    vanish: (instanceId, cause) => emit({ kind: 'instance-terminated', instanceId, cause }),
    stop: (instanceId, cause) => emit({ kind: 'instance-stopped', instanceId, cause }),
    stopFor: (instanceId, awaySeconds) => emit({ kind: 'instance-restarting', instanceId, cause: 'spot', awaySeconds }),
    reboot: (instanceId) =>
      emit({
        kind: 'instance-restarting',
        instanceId,
        cause: 'reboot',
        awaySeconds: random.int(...REBOOT_SECONDS),
      }),
  };
}
