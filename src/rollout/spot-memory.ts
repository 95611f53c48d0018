import type { Failure } from '../ports.ts';
import type { Control } from './control.ts';
import type { CourseState } from './course.ts';
import { stepped, withTrouble } from './course.ts';
import type { FleetFacts, Target } from './fleet.ts';
import type { HostsSeen } from './fleet-memory.ts';
import { versionKey } from './fleet-memory.ts';
import type { ExcessPolicy, OverrideSeen } from './ports.ts';
import type { FleetRequest } from './request.ts';
import type { OtherCopy } from './spot-copies.ts';
import type { SpotMove } from './spot-moves.ts';
import { withTold } from './telling.ts';

/** One of the two fleets: the old one, or its copy on the new image. */
export interface FleetSide {
  readonly state: string;
  readonly createdAtMs: number;
  readonly targetCapacity: number;
  readonly fulfilledCapacity: number;
  /** What becomes of what it has above its target; `default` unless given. */
  readonly excess?: ExcessPolicy;
  /** Ids of all of them: one that is missing here is not drained. */
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
  /** Copies of the old fleet that other rollouts have made, and that are there. */
  readonly others: readonly OtherCopy[];
  /** Who has come in the old fleet's place by another rollout: one of them, or a copy of one that is gone. */
  readonly heir?: string;
  /** The copy's instances in ECS. */
  readonly hosts: HostsSeen;
  /** Services that are not steady, in the clusters of either fleet. */
  readonly unsteady: readonly string[];
  /** Of the instances that were drained, those that have tasks or are ACTIVE; five at most. */
  readonly occupied: readonly string[];
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
  /** A copy was asked for, and its answer was lost: it may be there. The same is asked again, and gives the same fleet. */
  readonly copyTried?: readonly OverrideSeen[];
  /** The new fleet, and what the old one was to have when it was made. */
  readonly copy?: {
    readonly id: string;
    readonly atMs: number;
    readonly capacity: number;
    readonly excess: ExcessPolicy;
  };
  /** By fleet, every instance that any look has listed since the copy was made: a list may be out of date. */
  readonly members: Readonly<Record<string, readonly string[]>>;
  /**
   * By instance: `running`, or the drain's outcome; `asked`: no answer came. Whoever was asked longest ago comes first.
   */
  readonly drains: Readonly<Record<string, string>>;
  readonly drainsAtMs?: number;
  /** When each drain was ordered first, by instance: a part of the order. */
  readonly orderedAtMs: Readonly<Record<string, number>>;
  /** The targets that we set, by fleet. */
  readonly targets: Readonly<Record<string, number>>;
  /** Fleets that we told to change their target, or to end, whether or not the answer came. */
  readonly touched: readonly string[];
  readonly ending: readonly string[];
  readonly zeroedAtMs?: number;
  /** Fleets that we cancelled; the old one among them is the point of no return. */
  readonly cancelled: readonly string[];
  readonly cancelledAtMs?: number;
  /** Old instances were set ACTIVE again; `isLast`: after the last of their drains had ended. */
  readonly activated?: { readonly atMs: number; readonly isLast: boolean };
  /** Why everything is taken back. */
  readonly undo?: { readonly because: string; readonly atMs: number };
  readonly promoted?: true;
}

export function beginSpot(request: FleetRequest): SpotMemory {
  const atMs = Date.parse(request.noticedAt);
  const nothing = {
    versions: {},
    members: {},
    drains: {},
    orderedAtMs: {},
    targets: {},
    touched: [],
    ending: [],
    cancelled: [],
  };
  return { request, atMs, steppedAtMs: atMs, ...nothing, said: {}, open: {} };
}

/** `spot-fleet/sfr-…` without the first part. */
export function oldIdOf({ request }: SpotMemory): string {
  return request.fleet.slice('spot-fleet/'.length);
}

/** Adds what a move answered to what is known. Pure. */
export function rememberSpot(before: SpotMemory, move: SpotMove, seen: SpotSeen): SpotMemory {
  const moved = stepped(before, seen.atMs);
  if (seen.kind === 'alert') return move.kind === 'alert' ? withTold(moved, move.alert, seen.failure) : moved;
  const { atMs } = moved;
  const undo = before.undo ?? (move.undo === undefined ? undefined : { because: move.undo, atMs });
  const memory = withTried(
    withTrouble({ ...moved, ...(undo && { undo }) }, move.kind, seen.failure),
    move,
    seen.failure,
  );
  if (seen.kind === 'drain' && move.kind === 'drain') return withDrains(memory, move, seen);
  if (seen.failure) return memory;
  if (seen.kind === 'look') return seen.look ? withLook(memory, { ...seen.look, atMs }) : memory;
  return withEffect(memory, move, seen);
}

/** What may have had an effect, though its answer was lost. */
function withTried(memory: SpotMemory, move: SpotMove, failure: Failure | undefined): SpotMemory {
  if (move.kind === 'copy' && failure?.reason === 'other') return { ...memory, copyTried: move.images };
  if (move.kind === 'set-target') return { ...memory, touched: [...new Set([...memory.touched, move.fleetId])] };
  const isSure = failure !== undefined && failure.reason !== 'other';
  if (move.kind === 'cancel' && !isSure) return { ...memory, ending: [...new Set([...memory.ending, move.fleetId])] };
  return memory;
}

function withDrains(
  memory: SpotMemory,
  move: Extract<SpotMove, { kind: 'drain' }>,
  { outcomes, failure }: Extract<SpotSeen, { kind: 'drain' }>,
): SpotMemory {
  const others = Object.entries(memory.drains).filter(([id]) => outcomes[id] === undefined);
  // The order may have been taken, though its answer was lost.
  const doubtful = failure ? move.instances.filter((id) => memory.drains[id] === undefined) : [];
  const drains = { ...Object.fromEntries(others), ...Object.fromEntries(doubtful.map((id) => [id, 'asked'])) };
  const orderedAtMs = { ...memory.orderedAtMs, ...move.orderedAtMs };
  return { ...memory, drains: { ...drains, ...outcomes }, drainsAtMs: memory.atMs, orderedAtMs };
}

function withLook(memory: SpotMemory, look: SpotLook): SpotMemory {
  const { copy } = memory;
  if (copy === undefined) return { ...memory, look };
  return withMembers(withMembers({ ...memory, look }, oldIdOf(memory), look.old), copy.id, look.copy);
}

function withMembers(memory: SpotMemory, fleetId: string, side: FleetSide | undefined): SpotMemory {
  const known = new Set([...(memory.members[fleetId] ?? []), ...(side?.instances ?? [])]);
  return { ...memory, members: { ...memory.members, [fleetId]: [...known] } };
}

function withEffect(memory: SpotMemory, move: SpotMove, seen: SpotSeen): SpotMemory {
  const { atMs } = memory;
  switch (move.kind) {
    case 'make-version': {
      if (seen.kind !== 'make-version' || seen.number === undefined) return memory;
      const [warning] = seen.warnings ?? [];
      const versions = { ...memory.versions, [versionKey(move.source)]: seen.number };
      return { ...memory, versions, ...(warning === undefined ? {} : { templateWarning: warning }) };
    }
    case 'copy': {
      if (seen.kind !== 'copy' || seen.id === undefined) return memory;
      const { targetCapacity: capacity = 0, excess = 'default' } = memory.look?.old ?? {};
      const copy = { id: seen.id, atMs, capacity, excess };
      return withMembers({ ...memory, copy }, oldIdOf(memory), memory.look?.old);
    }
    case 'set-target': {
      const targets = { ...memory.targets, [move.fleetId]: move.capacity };
      return { ...memory, targets, ...(move.capacity === 0 ? { zeroedAtMs: atMs } : {}) };
    }
    case 'activate': {
      const states = membersOf(memory, oldIdOf(memory)).map((id) => memory.drains[id]);
      const isLast = !states.includes('running') && (!states.includes('asked') || memory.activated !== undefined);
      return { ...memory, activated: { atMs, isLast } };
    }
    case 'cancel':
      return { ...memory, cancelled: [...memory.cancelled, move.fleetId], cancelledAtMs: atMs };
    case 'promote':
      return { ...memory, promoted: true };
    default:
      return memory;
  }
}

export function membersOf({ members }: SpotMemory, fleetId: string): readonly string[] {
  return members[fleetId] ?? [];
}

/** A drain that ended so has left nothing on the instance. */
const EMPTY: ReadonlySet<string> = new Set(['drained', 'not-a-container-instance']);
const UNDER_WAY: ReadonlySet<string> = new Set(['running', 'asked']);

/** Of these instances, the first whose drain ended with something left on it, or not at all as it should. */
export function badDrain({ drains }: SpotMemory, instances: readonly string[]): string | undefined {
  const bad = instances.find((id) => {
    const outcome = drains[id];
    return outcome !== undefined && !UNDER_WAY.has(outcome) && !EMPTY.has(outcome);
  });
  return bad && `the drain of ${bad} ended as ${drains[bad]}`;
}

export function isDrained({ drains }: SpotMemory, id: string): boolean {
  return EMPTY.has(drains[id] ?? '');
}
