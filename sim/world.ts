import type { ImageFacts } from './amis.ts';
import type { Clock } from './clock.ts';
import { createClock } from './clock.ts';
import type { Random } from './random.ts';
import { createRandom } from './random.ts';

/** `lastStatus` of a task, in the order of its life (AWS-CONTRACTS §3). */
export type TaskStatus =
  | 'PROVISIONING'
  | 'PENDING'
  | 'ACTIVATING'
  | 'RUNNING'
  | 'DEACTIVATING'
  | 'STOPPING'
  | 'DEPROVISIONING'
  | 'STOPPED';

/** Everything that happens in the simulated region and that somebody other than its owner wants to know. */
export type WorldEvent =
  /** By a group or a fleet of that name; `image`: what it was launched from. */
  | { kind: 'instance-launched'; instanceId: string; group: string; cluster?: string; image?: ImageFacts }
  | {
      /** The instance leaves service: for good (`EC2`), or for as long as it is in the pool or gets its new root volume. */
      kind: 'instance-terminating';
      instanceId: string;
      group: string;
      cause: string;
      to: 'EC2' | 'WarmPool' | 'AutoScalingGroup';
    }
  | { kind: 'hook-waiting'; instanceId: string; group: string; hook: string; token: string; notice: HookNotice }
  | { kind: 'hook-heartbeat'; instanceId: string; group: string; hook: string }
  | {
      kind: 'hook-finished';
      instanceId: string;
      group: string;
      hook: string;
      token: string;
      result: 'CONTINUE' | 'ABANDON';
      /** `ecs`: managed draining completed its own hook. The last two: nobody waits any more, whatever `result` says. */
      by:
        | 'call'
        | 'ecs'
        | 'heartbeat-timeout'
        | 'global-timeout'
        | 'sibling-abandoned'
        | 'hook-deleted'
        | 'instance-gone';
    }
  /** The way out of service ended, and the instance still exists. */
  | { kind: 'instance-kept'; instanceId: string; group: string; state: string }
  | { kind: 'instance-terminated'; instanceId: string; cause: string }
  | { kind: 'instance-stopped'; instanceId: string; cause: string }
  /** Everything on it dies at once; its agent is back after so many seconds. */
  | { kind: 'instance-restarting'; instanceId: string; cause: 'reboot' | 'root-volume' | 'spot'; awaySeconds: number }
  | {
      kind: 'container-instance';
      arn: string;
      instanceId: string;
      cluster: string;
      status: string;
      /** An API call, the agent or EC2, a person, or ECS itself for its managed draining. */
      by: 'call' | 'agent' | 'other' | 'managed-draining';
    }
  | {
      kind: 'task';
      taskArn: string;
      instanceId: string;
      cluster: string;
      /** Service name, or undefined for a standalone task. */
      service: string | undefined;
      lastStatus: TaskStatus;
      desiredStatus: 'RUNNING' | 'STOPPED';
      /** False when nothing of it runs any more, which ECS may not know; true beside STOPPED for a task that ECS lost. */
      alive: boolean;
      /** True when the instance was taken away under a task that was alive. */
      cut: boolean;
    }
  | {
      kind: 'call';
      service: string;
      operation: string;
      error: string | undefined;
      /** As the service got it. */
      input: unknown;
      /** The durable execution that made it; undefined for everybody else. */
      by: string | undefined;
    }
  | {
      kind: 'published';
      topicArn: string;
      subject: string | undefined;
      /** What a subscriber gets whose protocol has no body of its own. */
      message: string;
      /** What each protocol's subscribers get. */
      bodies: Record<string, string>;
      attributes: Record<string, string>;
    }
  | { kind: 'invoked'; functionName: string; executionName: string | undefined }
  | {
      kind: 'invocation-ended';
      functionName: string;
      executionName: string | undefined;
      outcome: 'returned' | 'error' | 'timeout' | 'crashed';
      because: string | undefined;
      /** Milliseconds, the initialisation of a cold environment included. */
      billedMs: number;
    }
  | { kind: 'dead-letter'; functionName: string; because: string; payload: string }
  | {
      kind: 'execution';
      name: string;
      status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'STOPPED';
      /** What EventBridge says of it: `Durable Execution Status Change`. */
      detail: Record<string, string>;
    }
  /** What a durable function said through its context, once; the checkpoint store alone can tell. */
  | {
      kind: 'said';
      executionName: string;
      level: string;
      message: string;
      fields: Readonly<Record<string, unknown>>;
    }
  /** A parameter of the account's own was written; AWS tells of none that it publishes itself (AWS-CONTRACTS §4). */
  | { kind: 'parameter'; operation: 'Create' | 'Update'; name: string; type: string; arn: string }
  /** An event was put on the bus, whether or not any rule wants it. */
  | {
      kind: 'eventbridge';
      detailType: string;
      source: string;
      detail: Readonly<Record<string, unknown>>;
    };

/** Where Auto Scaling sends the notice of a waiting hook, and what it says. */
export interface HookNotice {
  targetArn: string | undefined;
  roleArn: string | undefined;
  /** The message body as Auto Scaling writes it (AWS-CONTRACTS §1). */
  message: Record<string, string>;
}

/** What every simulated service shares: one clock, one seed, one place to tell what happened. */
export interface World {
  readonly seed: number;
  readonly region: string;
  readonly accountId: string;
  readonly clock: Clock;
  random(stream: string): Random;
  on(listener: (event: WorldEvent) => void): void;
  emit(event: WorldEvent): void;
}

export function createWorld(options: { seed: number; region: string; accountId?: string }): World {
  const listeners: ((event: WorldEvent) => void)[] = [];
  const streams = new Map<string, Random>();
  return {
    seed: options.seed,
    region: options.region,
    accountId: options.accountId ?? '123456789012',
    clock: createClock(),
    random(stream) {
      let random = streams.get(stream);
      if (random === undefined) {
        random = createRandom(options.seed, stream);
        streams.set(stream, random);
      }
      return random;
    },
    on: (listener) => void listeners.push(listener),
    emit(event) {
      for (const listener of listeners) listener(event);
    },
  };
}
