import type { Timer } from './clock.ts';
import type { World, WorldEvent } from './world.ts';

export type LifecycleResult = 'CONTINUE' | 'ABANDON';
export type LifecycleTransition = 'autoscaling:EC2_INSTANCE_TERMINATING' | 'autoscaling:EC2_INSTANCE_LAUNCHING';

/** Its actions look at it whenever they need it: what is put again applies from the next heartbeat period on. */
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

type EndedBy = Extract<WorldEvent, { kind: 'hook-finished' }>['by'];

/** One hook's wait for one instance. */
export interface LifecycleAction {
  readonly hook: LifecycleHook;
  readonly token: string;
  readonly isActive: () => boolean;
  /** Restarts the heartbeat period. */
  heartbeat(): void;
  /** Does nothing when the wait is over. By an API call unless it says otherwise. */
  complete(result: LifecycleResult, by?: EndedBy): void;
}

/** Between which places an instance moves: `EC2 | AutoScalingGroup | WarmPool` (AWS-CONTRACTS §1). */
export interface Move {
  readonly instanceId: string;
  readonly group: string;
  readonly origin: 'EC2' | 'AutoScalingGroup' | 'WarmPool';
  readonly destination: 'EC2' | 'AutoScalingGroup' | 'WarmPool';
  /** Set where the instance stays (AWS-CONTRACTS §1). */
  readonly action?: 'ReplaceRootVolume';
}

/**
 * Opens the waits of all hooks at once: they "run in parallel; the group waits for all; an ABANDON skips the rest"
 * (AWS-CONTRACTS §1). `done` runs when none is left, at once if there is no hook; ABANDON if any of them said so.
 */
export function openLifecycleActions(
  world: World,
  move: Move,
  hooks: readonly LifecycleHook[],
  done: (result: LifecycleResult) => void,
): LifecycleAction[] {
  const { clock } = world;
  const random = world.random('lifecycle');
  const { instanceId, group } = move;
  const open = new Map<string, (result: LifecycleResult, by: EndedBy) => void>();

  const finish = (token: string, result: LifecycleResult, by: EndedBy): void => {
    const close = open.get(token);
    if (close === undefined) return;
    close(result, by);
    const skipped = by === 'instance-gone' ? by : 'sibling-abandoned';
    if (result === 'ABANDON') for (const skip of [...open.values()]) skip('ABANDON', skipped);
    if (open.size === 0) done(result);
  };

  const actions = hooks.map((hook): LifecycleAction => {
    const token = random.uuid();
    const globalAtMs = clock.nowMs() + globalTimeoutSeconds(hook) * 1000;
    let expiry: Timer | undefined;
    const restart = (): void => {
      clock.cancel(expiry);
      const expiresAtMs = clock.nowMs() + hook.heartbeatSeconds * 1000;
      const by = expiresAtMs < globalAtMs ? 'heartbeat-timeout' : 'global-timeout';
      // Both take the default result ("Configure instance retention", Auto Scaling user guide).
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
      complete: (result, by = 'call') => finish(token, result, by),
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
    if (move.action !== undefined) message['Action'] = move.action;
    // "NotificationMetadata only if the hook has it" (AWS-CONTRACTS §1).
    if (hook.metadata !== undefined) message['NotificationMetadata'] = hook.metadata;
    const notice = { targetArn: hook.targetArn, roleArn: hook.roleArn, message };
    world.emit({ kind: 'hook-waiting', instanceId, group, hook: hook.name, token, notice });
  }
  if (actions.length === 0) done('CONTINUE');
  return actions;
}
