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
  | { kind: 'instance-launched'; instanceId: string; group: string; cluster?: string }
  | { kind: 'instance-terminating'; instanceId: string; group: string; cause: string }
  | { kind: 'hook-waiting'; instanceId: string; group: string; hook: string; token: string; notice: HookNotice }
  | { kind: 'hook-heartbeat'; instanceId: string; group: string; hook: string }
  | {
      kind: 'hook-finished';
      instanceId: string;
      group: string;
      hook: string;
      token: string;
      result: 'CONTINUE' | 'ABANDON';
      by: 'call' | 'heartbeat-timeout' | 'global-timeout' | 'sibling-abandoned';
    }
  | { kind: 'instance-terminated'; instanceId: string; group: string }
  | {
      kind: 'container-instance';
      arn: string;
      instanceId: string;
      cluster: string;
      status: string;
      by: 'call' | 'agent';
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
      /** True when the instance was taken away under a task that was not STOPPED. */
      cut: boolean;
    }
  | { kind: 'call'; service: string; operation: string; error: string | undefined }
  | {
      kind: 'published';
      topicArn: string;
      subject: string | undefined;
      message: string;
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
      status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT';
      /** What EventBridge says of it: `Durable Execution Status Change`. */
      detail: Record<string, string>;
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
