import type { AutoScaling } from './autoscaling.ts';
import type { Ecs } from './ecs.ts';
import type { World } from './world.ts';

/** The hook that ECS adds to the group of a capacity provider with managed draining (AWS-CONTRACTS §1). */
export const MANAGED_DRAINING_HOOK = 'ecs-managed-draining-termination-hook';

/** "Heartbeat 3,600, 48 h" (AWS-CONTRACTS §1); that ECS renews it at half of that is our figure, as is how soon it reacts. */
const HEARTBEAT_SECONDS = 3600;
const REACTION_SECONDS = 3;

/** ECS drains the group's instances beside whoever else does, and completes its own hook and no other. */
export function addManagedDraining(
  world: World,
  { ecs, autoScaling }: { ecs: Ecs; autoScaling: AutoScaling },
  group: string,
): void {
  const random = world.random('managed-draining');
  const waiting = new Set<string>();
  autoScaling.putHook(group, {
    name: MANAGED_DRAINING_HOOK,
    heartbeatSeconds: HEARTBEAT_SECONDS,
    defaultResult: 'CONTINUE',
  });

  const soon = (then: () => void): void => {
    world.clock.after(random.around(REACTION_SECONDS, 0.5) * 1000, then);
  };

  const finishIfEmpty = (instanceId: string): void => {
    if (ecs.unstoppedTasks(instanceId).length > 0) return;
    waiting.delete(instanceId);
    autoScaling.waitingAction(instanceId, MANAGED_DRAINING_HOOK)?.complete('CONTINUE', 'ecs');
  };

  const keepUp = (instanceId: string): void => {
    world.clock.after((HEARTBEAT_SECONDS / 2) * 1000, () => {
      const action = autoScaling.waitingAction(instanceId, MANAGED_DRAINING_HOOK);
      if (action === undefined) return;
      action.heartbeat();
      keepUp(instanceId);
    });
  };

  world.on((event) => {
    if (event.kind === 'task' && event.lastStatus === 'STOPPED' && waiting.has(event.instanceId)) {
      soon(() => finishIfEmpty(event.instanceId));
    }
    if (event.kind !== 'hook-waiting' || event.group !== group || event.hook !== MANAGED_DRAINING_HOOK) return;
    const { instanceId } = event;
    waiting.add(instanceId);
    keepUp(instanceId);
    soon(() => {
      ecs.setStatus(instanceId, 'DRAINING', 'managed-draining');
      finishIfEmpty(instanceId);
    });
  });
}
