import type { Failure } from '../ports.ts';
import type { Control } from './control.ts';
import type { CourseState } from './course.ts';
import { stepped, withTrouble } from './course.ts';
import type { FleetFacts, Target } from './fleet.ts';
import type { HostsSeen } from './fleet-memory.ts';
import { versionKey } from './fleet-memory.ts';
import type { FleetRequest } from './request.ts';
import type { SpotMove } from './spot-moves.ts';
import { withTold } from './telling.ts';

/** One of the two fleets: the old one, or its copy on the new image. */
export interface FleetSide {
  readonly state: string;
  readonly targetCapacity: number;
  readonly fulfilledCapacity: number;
  /** Ids, as many as one rollout takes. */
  readonly instances: readonly string[];
}

/** One look at both fleets. */
export interface SpotLook {
  readonly atMs: number;
  readonly target?: Target;
  /** Of the old fleet; undefined: it is gone. */
  readonly facts?: FleetFacts;
  readonly old?: FleetSide;
  readonly copy?: FleetSide;
  /** The copy's instances in ECS. */
  readonly hosts: HostsSeen;
  readonly control?: Control;
}

/** What a move answered. */
export type SpotSeen = { readonly atMs: number; readonly failure?: Failure } & (
  | { readonly kind: 'look'; readonly look?: SpotLook }
  | { readonly kind: 'make-version'; readonly number?: number; readonly warnings?: readonly string[] }
  | { readonly kind: 'copy'; readonly id?: string }
  | { readonly kind: 'set-target' | 'activate' | 'cancel' | 'promote' }
  /** How each drain ended, or that it runs. */
  | { readonly kind: 'drain'; readonly outcomes: Readonly<Record<string, string>> }
  | { readonly kind: 'alert'; readonly alert: string }
);

/** Everything that is known of one Spot Fleet's rollout; made anew at each replay from what the steps returned. */
export interface SpotMemory extends CourseState {
  readonly request: FleetRequest;
  readonly look?: SpotLook;
  readonly versions: Readonly<Record<string, number>>;
  readonly templateWarning?: string;
  /** The new fleet, and what the old one was to have when it was made. */
  readonly copy?: { readonly id: string; readonly atMs: number; readonly capacity: number };
  /** By instance: `running`, or the drain's outcome. */
  readonly drains: Readonly<Record<string, string>>;
  readonly drainsAtMs?: number;
  /** When each drain was ordered first, by instance: a part of the order. */
  readonly orderedAtMs: Readonly<Record<string, number>>;
  /** The targets that we set, by fleet. */
  readonly targets: Readonly<Record<string, number>>;
  /** When a target was last set. */
  readonly targetAtMs?: number;
  /** Fleets that we cancelled; the old one among them is the point of no return. */
  readonly cancelled: readonly string[];
  readonly activated?: true;
  /** Why everything is taken back. */
  readonly undo?: { readonly because: string; readonly atMs: number };
  readonly promoted?: true;
}

export function beginSpot(request: FleetRequest): SpotMemory {
  const atMs = Date.parse(request.noticedAt);
  const course = { request, atMs, steppedAtMs: atMs, said: {}, open: {} };
  return { ...course, versions: {}, drains: {}, orderedAtMs: {}, targets: {}, cancelled: [] };
}

/** Adds what a move answered to what is known. Pure. */
export function rememberSpot(before: SpotMemory, move: SpotMove, seen: SpotSeen): SpotMemory {
  const moved = stepped(before, seen.atMs);
  if (seen.kind === 'alert') return move.kind === 'alert' ? withTold(moved, move.alert, seen.failure) : moved;
  const { atMs } = moved;
  const undo = before.undo ?? (move.undo === undefined ? undefined : { because: move.undo, atMs });
  const memory = withTrouble({ ...moved, ...(undo && { undo }) }, seen.failure);
  if (seen.kind === 'drain') {
    const drains = { ...memory.drains, ...seen.outcomes };
    // Also of those that could not be asked after: the order may have gone out.
    const orderedAtMs = { ...memory.orderedAtMs, ...(move.kind === 'drain' ? move.orderedAtMs : {}) };
    return { ...memory, drains, drainsAtMs: atMs, orderedAtMs };
  }
  if (seen.failure) return memory;
  if (seen.kind === 'look') return seen.look ? { ...memory, look: { ...seen.look, atMs } } : memory;
  switch (move.kind) {
    case 'make-version': {
      if (seen.kind !== 'make-version' || seen.number === undefined) return memory;
      const [warning] = seen.warnings ?? [];
      const versions = { ...memory.versions, [versionKey(move.source)]: seen.number };
      return { ...memory, versions, ...(warning === undefined ? {} : { templateWarning: warning }) };
    }
    case 'copy': {
      if (seen.kind !== 'copy' || seen.id === undefined) return memory;
      return { ...memory, copy: { id: seen.id, atMs, capacity: before.look?.old?.targetCapacity ?? 0 } };
    }
    case 'set-target':
      return { ...memory, targets: { ...memory.targets, [move.fleetId]: move.capacity }, targetAtMs: atMs };
    case 'activate':
      return { ...memory, activated: true };
    case 'cancel':
      return { ...memory, cancelled: [...memory.cancelled, move.fleetId] };
    case 'promote':
      return { ...memory, promoted: true };
    default:
      return memory;
  }
}
