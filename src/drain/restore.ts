import type { AutoScalingPort, ClockPort, EcsPort, Result } from '../ports.ts';
import { present } from './look.ts';
import type { Move } from './move.ts';
import type { DrainRequest } from './request.ts';
import type { Placement, Seen } from './seen.ts';

/** States of an instance that its group takes away for good, or stops (AWS-CONTRACTS §1). A new root volume brings it back. */
const LEAVES = /^(Terminating|Warmed:)/;

interface RestorePorts {
  readonly ecs: EcsPort;
  readonly autoScaling: AutoScalingPort;
  readonly now: ClockPort;
}

/**
 * Sets ACTIVE again what we drained and what is back: of the registrations that were ACTIVE before us, those whose agent
 * is there. What is not back yet, or already ACTIVE, is only looked at.
 */
export async function restore(
  { placements, ours, onlyLook }: Extract<Move, { kind: 'restore' }>,
  request: DrainRequest,
  { ecs, autoScaling, now }: RestorePorts,
): Promise<Seen> {
  const nothing = { kind: 'restore', restored: false, agentAway: false } as const;
  const drained = placements.filter(({ arn }) => ours.includes(arn));
  const found = await present(drained, (cluster, arns) => ecs.describeContainerInstances(cluster, arns));
  if (!found.ok) return { ...nothing, atMs: now(), failure: found };
  const back = found.value.filter(({ agentConnected }) => agentConnected);
  if (back.length === 0) {
    const anew = await isRegisteredAnew(placements, request.instanceId, ecs);
    if (!anew.ok) return { ...nothing, atMs: now(), failure: anew };
    if (anew.value) return { ...nothing, atMs: now(), restored: true };
    return { ...nothing, atMs: now(), agentAway: true, ...(found.value.length === 0 ? { gone: true } : {}) };
  }
  if (onlyLook) return { ...nothing, atMs: now() };

  const instance = await autoScaling.describeInstance(request.instanceId);
  if (!instance.ok) return { ...nothing, atMs: now(), failure: instance };
  const state = instance.value?.state ?? 'none';
  if (request.kind === 'terminating' && state !== 'InService') return { ...nothing, atMs: now() };
  // Another drain of ours may be at it, for the hook.
  if (LEAVES.test(state)) return { ...nothing, atMs: now(), gone: true };
  const isDraining = ({ arn }: Placement): boolean =>
    back.some((instance) => instance.arn === arn && instance.status === 'DRAINING');
  const answer = await present(drained.filter(isDraining), (cluster, arns) => ecs.setStatus(cluster, arns, 'ACTIVE'));
  return { ...nothing, atMs: now(), restored: answer.ok, ...(answer.ok ? {} : { failure: answer }) };
}

/** The agent may come back as a new container instance, ACTIVE from the start (AWS-CONTRACTS §1: not known). */
async function isRegisteredAnew(
  placements: readonly Placement[],
  instanceId: string,
  ecs: EcsPort,
): Promise<Result<boolean>> {
  const known = placements.map(({ arn }) => arn);
  for (const cluster of new Set(placements.map((placement) => placement.cluster))) {
    const found = await ecs.findContainerInstances(cluster, instanceId);
    if (!found.ok) return found;
    if (found.value.some((arn) => !known.includes(arn))) return { ok: true, value: true };
  }
  return { ok: true, value: false };
}
