import type { HookDoors } from '../hook.ts';
import { isOurHook } from '../hook.ts';
import type { AutoScalingPort, ClockPort, EcsPort, Failure } from '../ports.ts';
import type { DrainRequest, LifecycleRequest } from './request.ts';
import type { Placement, Seen } from './seen.ts';
import { shortName } from './words.ts';

/** Lifecycle states of an instance that a terminate hook is holding (AWS-CONTRACTS §1). */
const LEAVING = /^(Terminating|Warmed:Terminating|Warmed:Pending|ReplacingRootVolume)(:Wait)?$/;

/** What Auto Scaling says of the instance, and whether it is held by the hook that the request names, and that is ours. */
export async function verify(
  request: DrainRequest,
  doors: HookDoors,
  autoScaling: AutoScalingPort,
  now: ClockPort,
): Promise<Seen> {
  const answer = await autoScaling.describeInstance(request.instanceId);
  if (!answer.ok) return { kind: 'verify', atMs: now(), departing: false, failure: answer };
  const instance = answer.value;
  // Nothing but a hook's notice claims a state; for the others it is the group that is wanted.
  if (request.kind !== 'terminating') {
    return { kind: 'verify', atMs: now(), departing: true, ...(instance ?? {}) };
  }
  return verifyHook(request, instance, doors, autoScaling, now);
}

async function verifyHook(
  request: LifecycleRequest,
  instance: { readonly group: string; readonly state: string } | undefined,
  doors: HookDoors,
  autoScaling: AutoScalingPort,
  now: ClockPort,
): Promise<Seen> {
  const not = (state: string | undefined): Seen => ({
    kind: 'verify',
    atMs: now(),
    departing: false,
    ...(state === undefined ? {} : { state }),
  });
  if (instance === undefined) return not(undefined);
  if (instance.group !== request.group) return not(`it belongs to group ${instance.group}`);
  if (!LEAVING.test(instance.state)) return not(instance.state);

  const hook = await autoScaling.describeHook(request.group, request.hook);
  if (!hook.ok) return { kind: 'verify', atMs: now(), departing: false, state: instance.state, failure: hook };
  if (hook.value === undefined) return not(`that the group has no hook ${request.hook}`);
  // Whoever may publish to our topic could pass on the notice of another's hook, whose action is not ours to end.
  if (!isOurHook(doors, { name: request.hook, ...hook.value })) {
    const { targetArn } = hook.value;
    return not(
      `that the hook ${request.hook} ${targetArn === undefined ? 'notifies nobody' : `notifies ${targetArn}`}, not us`,
    );
  }
  return { kind: 'verify', atMs: now(), departing: true, state: instance.state, hook: hook.value };
}

/**
 * Looks where the notice says, then where the configuration says; and before it is concluded that the instance is in
 * no cluster, in all of them: not found is not empty. A place that could not be read makes the answer a failure.
 */
export async function find(
  request: DrainRequest,
  configured: readonly string[],
  ecs: EcsPort,
  now: ClockPort,
): Promise<Seen> {
  const searched = new Set<string>();
  let failure: Failure | undefined;

  const search = async (clusters: readonly string[]): Promise<Placement[]> => {
    const placements: Placement[] = [];
    for (const cluster of clusters) {
      if (searched.has(shortName(cluster))) continue;
      searched.add(shortName(cluster));
      const arns = await ecs.findContainerInstances(cluster, request.instanceId);
      if (arns.ok) placements.push(...arns.value.map((arn) => ({ cluster, arn })));
      else failure ??= arns;
    }
    return placements;
  };

  const named = 'cluster' in request && request.cluster !== undefined ? [request.cluster] : configured;
  let placements = await search(named);
  if (placements.length === 0) {
    const all = await ecs.listClusters();
    if (all.ok) placements = await search([...configured, ...all.value]);
    else failure ??= all;
  }
  return { kind: 'find', atMs: now(), placements, searched: searched.size, ...(failure && { failure }) };
}
