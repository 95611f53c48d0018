import { isCancelled } from './spot-copies.ts';
import type { FleetSide, SpotLook, SpotMemory } from './spot-memory.ts';

/** How the two fleets stand: what each decision, each ending and the clock of patience go by. Pure. */

/** `spot-fleet/sfr-…` without the first part. */
export function oldIdOf({ request }: SpotMemory): string {
  return request.fleet.slice('spot-fleet/'.length);
}

export function membersOf({ members }: SpotMemory, fleetId: string): readonly string[] {
  return members[fleetId] ?? [];
}

/** A drain that ended so has left nothing on the instance. */
const EMPTY: ReadonlySet<string> = new Set(['drained', 'not-a-container-instance']);
const UNDER_WAY: ReadonlySet<string> = new Set(['running', 'asked']);

export function isDrained({ drains }: SpotMemory, id: string): boolean {
  return EMPTY.has(drains[id] ?? '');
}

/** Of these instances, the first whose drain ended with something left on it, or not at all as it should. */
export function badDrain({ drains }: SpotMemory, instances: readonly string[]): string | undefined {
  const bad = instances.find((id) => {
    const outcome = drains[id];
    return outcome !== undefined && !UNDER_WAY.has(outcome) && !EMPTY.has(outcome);
  });
  return bad && `the drain of ${bad} ended as ${drains[bad]}`;
}

/** It is gone, or about to be: whatever it still has, it will not be kept. */
export function isEnded(side: FleetSide | undefined): boolean {
  return side === undefined || isCancelled(side.state);
}

/** Its target was set to zero by us, and some of its instances may have tasks. */
function isBeingDrained(memory: SpotMemory): boolean {
  const oldId = oldIdOf(memory);
  return memory.targets[oldId] !== undefined && !membersOf(memory, oldId).every((id) => isDrained(memory, id));
}

/** Why the copy cannot stand in for the old fleet; undefined: all of it is at work, and no service is worse off. */
export function copyFault(memory: SpotMemory, { copy: side, hosts, lacking }: SpotLook): string | undefined {
  const { copy } = memory;
  if (copy === undefined || side === undefined) return 'the new fleet is not to be seen';
  if (side.fulfilledCapacity < copy.capacity)
    return `the new fleet has ${side.fulfilledCapacity} of ${copy.capacity} units of capacity`;
  if (side.units < side.fulfilledCapacity) return unlisted('new', side);
  const launched = hosts.fresh + hosts.staying;
  const others = side.instances.length - launched;
  if (others > 0) return `of the new fleet ${others} are not healthy, or run an image that it does not launch`;
  const [stranger = 'each of its instances'] = hosts.strangers;
  const isStrange = isBeingDrained(memory) ? hosts.joined < launched : hosts.strangers.length > 0;
  if (isStrange) return `ECS has not seen ${stranger} of the new fleet at work`;
  // While instances are drained their tasks are on the move, and ECS itself keeps to the services' minimum.
  if (lacking.length > 0 && !isBeingDrained(memory)) return `${lacking.join(', ')} not steady`;
  return undefined;
}

/** Why a fleet whose target we set to zero cannot be taken for what is listed of it. */
function zeroFault(which: 'old' | 'new', side: FleetSide | undefined): string | undefined {
  if (side === undefined || isCancelled(side.state)) return undefined;
  if (side.targetCapacity !== 0) return `EC2 shows a target of ${side.targetCapacity} for the ${which} fleet`;
  return side.units < side.fulfilledCapacity ? unlisted(which, side) : undefined;
}

function unlisted(which: 'old' | 'new', { units, fulfilledCapacity }: FleetSide): string {
  return `of the ${which} fleet ${units} of ${fulfilledCapacity} units of capacity are listed`;
}

/** Why the fleet must not be cancelled yet, although all that is known of it is drained: it may have more. */
export function cancelFault(memory: SpotMemory, fleetId: string, look: SpotLook): string | undefined {
  const [which, side] = fleetId === oldIdOf(memory) ? (['old', look.old] as const) : (['new', look.copy] as const);
  return zeroFault(which, side) ?? (side?.state === 'modifying' ? `the ${which} fleet is being modified` : undefined);
}

/** What keeps the course from going on, as a look shows it: what `hinderedSinceMs` counts from. */
export function hindranceOf(memory: SpotMemory, look: SpotLook): string | undefined {
  const { undo, copy, targets, cancelled } = memory;
  const oldId = oldIdOf(memory);
  if (undo && copy) {
    return isRestored(memory, look) ? zeroFault('new', look.copy) : restoreFault(memory, look, copy.capacity);
  }
  const isZeroed = targets[oldId] !== undefined && !cancelled.includes(oldId);
  return copyFault(memory, look) ?? (isZeroed ? zeroFault('old', look.old) : undefined);
}

/** Old instances whose drains were ordered, and which are to take tasks again when all is taken back. */
export function orderedOf(memory: SpotMemory): string[] {
  const ordered = ({ drains }: SpotMemory, id: string) =>
    drains[id] !== undefined && drains[id] !== 'not-a-container-instance';
  return membersOf(memory, oldIdOf(memory)).filter((id) => ordered(memory, id));
}

/** A list "might be out of date" (AWS-CONTRACTS §6): for so long nothing new may show before a fleet is cancelled. */
export const SETTLE_SECONDS = 300;

/**
 * From when on a look tells whether the old instances are ACTIVE again: a drain that was only asked for may begin, and
 * set its instance DRAINING, after we set it ACTIVE. Undefined before that.
 */
export function activeFromMs(memory: SpotMemory): number | undefined {
  const { activated, drains, drainsAtMs = 0 } = memory;
  const states = orderedOf(memory).map((id) => drains[id]);
  if (activated === undefined || states.includes('running')) return undefined;
  const settledMs = activated.atMs + (states.includes('asked') ? SETTLE_SECONDS * 1000 : 0);
  return Math.max(settledMs, drainsAtMs);
}

/** The old fleet is as it was before, or as somebody else wants it, and a look has shown it. */
export function isRestored(memory: SpotMemory, look: SpotLook): boolean {
  const { copy, targets } = memory;
  // The copy is only then told to have nothing.
  if (copy === undefined || isEnded(look.old) || targets[copy.id] !== undefined) return true;
  const target = targets[oldIdOf(memory)];
  if (isOurs(memory) && (target?.capacity !== copy.capacity || look.atMs <= target.atMs)) return false;
  if (orderedOf(memory).length > 0 && !(look.atMs > (activeFromMs(memory) ?? Number.POSITIVE_INFINITY))) return false;
  return restoreFault(memory, look, copy.capacity) === undefined;
}

function restoreFault(memory: SpotMemory, { old, notActive }: SpotLook, capacity: number): string | undefined {
  if (isOurs(memory) && old?.targetCapacity !== capacity)
    return `EC2 shows a target of ${old?.targetCapacity} for the old fleet, which had ${capacity}`;
  const [away] = notActive;
  return away && `${away} of the old fleet was drained, and is not ACTIVE again`;
}

/** We have set the old fleet's target, and nobody else has since. */
export function isOurs(memory: SpotMemory): boolean {
  return memory.touched.includes(oldIdOf(memory)) && memory.theirTarget === undefined;
}

/**
 * What somebody else has set the old fleet's target to, where a look shows that: neither what it had nor our zero, which
 * may show late; or, once our zero has shown, anything else.
 */
export function theirTargetIn(memory: SpotMemory, { old }: SpotLook): number | undefined {
  const { copy, look: before, undo } = memory;
  if (copy === undefined || old === undefined || isEnded(old)) return undefined;
  const isTouched = memory.touched.includes(oldIdOf(memory));
  const shown = old.targetCapacity;
  if (shown !== copy.capacity && !(isTouched && shown === 0)) return shown;
  const isRaised = isTouched && undo === undefined && before?.old?.targetCapacity === 0 && shown !== 0;
  return isRaised ? shown : undefined;
}

/** Of these instances, one that was drained in vain. */
export function occupiedOf(instances: readonly string[], { occupied }: SpotLook): string | undefined {
  const id = occupied.find((one) => instances.includes(one));
  return id && `${id} was drained, and is in use again`;
}

/**
 * The fleet that another rollout has put beside the old one before we did, or in its place: two that met yield to the
 * one that came first, and nothing of the old fleet has been changed by the other. Pure.
 */
export function firstOf({ copy }: SpotMemory, { copy: ours, others, heir }: SpotLook): string | undefined {
  if (copy === undefined || ours === undefined) return undefined;
  const earlier = others.find(({ createdAtMs, id }) =>
    createdAtMs === ours.createdAtMs ? id < copy.id : createdAtMs < ours.createdAtMs,
  );
  return earlier?.id ?? (others.length === 0 ? heir : undefined);
}
