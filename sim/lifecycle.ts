import type { Timer } from './clock.ts';
import type { World } from './world.ts';

export type LifecycleResult = 'CONTINUE' | 'ABANDON';
export type LifecycleTransition = 'autoscaling:EC2_INSTANCE_TERMINATING' | 'autoscaling:EC2_INSTANCE_LAUNCHING';

export interface LifecycleHook {
  readonly name: string;
  readonly transition: LifecycleTransition;
  readonly heartbeatSeconds: number;
  readonly defaultResult: LifecycleResult;
  readonly targetArn: string | undefined;
  readonly roleArn: string | undefined;
  readonly metadata: string | undefined;
}

/** GlobalTimeout = min(172,800 s, 100 × heartbeat) (AWS-CONTRACTS §1). */
export const globalTimeoutSeconds = (hook: LifecycleHook): number => Math.min(172_800, 100 * hook.heartbeatSeconds);

/** One hook's wait for one instance. */
export interface LifecycleAction {
  readonly hook: LifecycleHook;
  readonly token: string;
  readonly isActive: () => boolean;
  /** Restarts the heartbeat period. */
  heartbeat(): void;
  /** Does nothing when the wait is over. */
  complete(result: LifecycleResult): void;
}

/** Between which places an instance moves: `EC2 | AutoScalingGroup | WarmPool` (AWS-CONTRACTS §1). */
export interface Move {
  readonly instanceId: string;
  readonly group: string;
  readonly origin: 'EC2' | 'AutoScalingGroup' | 'WarmPool';
  readonly destination: 'EC2' | 'AutoScalingGroup' | 'WarmPool';
}

/**
 * Opens the waits of all hooks at once: they "run in parallel; the group waits for all; an ABANDON skips the rest"
 * (AWS-CONTRACTS §1). `done` runs when none is left, at once if there is no hook.
 */
export function openLifecycleActions(
  world: World,
  move: Move,
  hooks: readonly LifecycleHook[],
  done: () => void,
): LifecycleAction[] {
  const { clock } = world;
  const random = world.random('lifecycle');
  const { instanceId, group } = move;
  type By = 'call' | 'heartbeat-timeout' | 'global-timeout' | 'sibling-abandoned';
  const open = new Map<string, (result: LifecycleResult, by: By) => void>();

  const finish = (token: string, result: LifecycleResult, by: By): void => {
    const close = open.get(token);
    if (close === undefined) return;
    close(result, by);
    if (result === 'ABANDON') for (const skip of [...open.values()]) skip('ABANDON', 'sibling-abandoned');
    if (open.size === 0) done();
  };

  const actions = hooks.map((hook): LifecycleAction => {
    const token = random.uuid();
    const globalAtMs = clock.nowMs() + globalTimeoutSeconds(hook) * 1000;
    let expiry: Timer | undefined;
    const restart = (): void => {
      clock.cancel(expiry);
      const expiresAtMs = clock.nowMs() + hook.heartbeatSeconds * 1000;
      const by = expiresAtMs < globalAtMs ? 'heartbeat-timeout' : 'global-timeout';
      // That the default result also applies at the global timeout is UNVERIFIED; for a termination both results terminate.
      expiry = clock.at(Math.min(expiresAtMs, globalAtMs), () => finish(token, hook.defaultResult, by));
    };
    open.set(token, (result, by) => {
      open.delete(token);
      clock.cancel(expiry);
      world.emit({ kind: 'hook-finished', instanceId, group, hook: hook.name, token, result, by });
    });
    restart();
    return {
      hook,
      token,
      isActive: () => open.has(token),
      heartbeat() {
        restart();
        world.emit({ kind: 'hook-heartbeat', instanceId, group, hook: hook.name });
      },
      complete: (result) => finish(token, result, 'call'),
    };
  });

  for (const { hook, token } of actions) {
    const message: Record<string, string> = {
      Origin: move.origin,
      LifecycleHookName: hook.name,
      Destination: move.destination,
      AccountId: world.accountId,
      RequestId: random.uuid(),
      LifecycleTransition: hook.transition,
      AutoScalingGroupName: group,
      Service: 'AWS Auto Scaling',
      Time: new Date(clock.nowMs()).toISOString(),
      EC2InstanceId: instanceId,
      LifecycleActionToken: token,
    };
    // "NotificationMetadata only if the hook has it" (AWS-CONTRACTS §1).
    if (hook.metadata !== undefined) message['NotificationMetadata'] = hook.metadata;
    const notice = { targetArn: hook.targetArn, roleArn: hook.roleArn, message };
    world.emit({ kind: 'hook-waiting', instanceId, group, hook: hook.name, token, notice });
  }
  if (actions.length === 0) done();
  return actions;
}
