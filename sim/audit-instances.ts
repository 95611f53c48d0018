import type { Violate } from './audit.ts';
import type { World } from './world.ts';

/** A look that is so old may not show yet what somebody else did. */
const STALE_SECONDS = 10;

/** Who may be drained, and who drained whom. */
export interface Instances {
  /** Somebody with a right to says that the instance may be drained although it does not leave. */
  mayBeDrained(instanceId: string): void;
  /** Their fleet is to have none of them any more; or has them again. */
  fleetLeaves(instanceIds: readonly string[], leaves: boolean): void;
}

/** Watches the states that container instances are set to. */
export function watchInstances(world: World, violate: Violate): Instances {
  const drainable = new Set<string>();
  const announced = new Set<string>();
  /** Since when an instance may be drained, or might when it last could. */
  const drainableSince = new Map<string, number>();
  /** By container instance: who set it DRAINING, and when. */
  const drainedBy = new Map<string, { by: string; atSeconds: number }>();
  const now = (): number => world.clock.nowSeconds();

  const permit = (instanceId: string): void => {
    if (!drainable.has(instanceId)) drainableSince.set(instanceId, now());
    drainable.add(instanceId);
  };

  world.on((event) => {
    if (event.kind === 'instance-terminating') permit(event.instanceId);
    // What was announced besides, a maintenance or an order, is still to come.
    if (event.kind === 'instance-kept' && !announced.has(event.instanceId)) drainable.delete(event.instanceId);
    if (event.kind !== 'container-instance') return;
    const { arn, instanceId, status, by } = event;
    const drained = drainedBy.get(arn);
    if (status !== 'DRAINING') drainedBy.delete(arn);
    else if (drained === undefined) drainedBy.set(arn, { by, atSeconds: now() });
    if (by !== 'call') return;
    if (status === 'ACTIVE') judgeActive(instanceId, drained);
    if (instanceId.startsWith('mi-')) violate('foreign-instance', instanceId, 'an external instance was touched');
    if (status === 'DRAINING' && !drainable.has(instanceId))
      violate('drained-not-leaving', instanceId, 'set DRAINING, yet nobody is taking it away');
  });

  return {
    mayBeDrained(instanceId) {
      announced.add(instanceId);
      permit(instanceId);
    },
    fleetLeaves(instanceIds, leaves) {
      for (const id of instanceIds) {
        if (leaves) permit(id);
        else if (!announced.has(id)) drainable.delete(id);
      }
    },
  };

  /** What somebody else had set DRAINING before the instance was anybody's to drain is not ours to set ACTIVE. */
  function judgeActive(instanceId: string, drained: { by: string; atSeconds: number } | undefined): void {
    if (drained === undefined || drained.by === 'call') return;
    const sinceSeconds = drainableSince.get(instanceId) ?? Number.POSITIVE_INFINITY;
    if (drained.atSeconds > sinceSeconds - STALE_SECONDS) return;
    violate('activated-not-ours', instanceId, 'set ACTIVE, yet it was somebody else who had drained it');
  }
}
