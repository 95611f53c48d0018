import type { Failure } from '../ports.ts';
import { blockersOf } from './checks.ts';
import type { Control } from './control.ts';
import { isPaused } from './control.ts';
import type { CourseState } from './course.ts';
import { stepped, withTrouble } from './course.ts';
import type { FleetFacts, Target } from './fleet.ts';
import type { HostsSeen } from './fleet-memory.ts';
import { versionKey } from './fleet-memory.ts';
import type { ExcessPolicy } from './ports.ts';
import type { FleetRequest } from './request.ts';
import type { OtherCopy } from './spot-copies.ts';
import type { SpotMove } from './spot-moves.ts';
import { hindranceOf, isEnded, oldIdOf, theirTargetIn } from './spot-state.ts';
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
  /** How much of the capacity those are: less than what is fulfilled is a list that lacks some. */
  readonly units: number;
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
  /** The copy that is tagged as ours, where we do not know of one: the answer to it was lost. */
  readonly ours?: { readonly id: string; readonly capacity: number };
  /** Where the instances of both fleets are. */
  readonly clusters: readonly string[];
  /** The copy's instances in ECS; `staying`: of those, the ones on images that other slots of it launch. */
  readonly hosts: HostsSeen & { readonly staying: number };
  /** Services that lack tasks, or wait for some to start, in the clusters of either fleet. */
  readonly lacking: readonly string[];
  /** Of the instances that were drained, those that have tasks or are ACTIVE; five at most. */
  readonly occupied: readonly string[];
  /** Of the old instances that are to be ACTIVE again, those that EC2 lists and ECS does not have so; five at most. */
  readonly notActive: readonly string[];
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
  /** A copy or a cancel was asked for then, and its answer was lost: looks tell, a minute later at the latest. */
  readonly doubtAtMs?: number;
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
  /** The clusters in which any look has found instances of either fleet. */
  readonly clusters: readonly string[];
  /** The targets that we set, by fleet. */
  readonly targets: Readonly<Record<string, { readonly capacity: number; readonly atMs: number }>>;
  /** Fleets that we told to change their target, or to end, whether or not the answer came. */
  readonly touched: readonly string[];
  readonly ending: readonly string[];
  /** Since when something has kept it from beginning without a break; a pause does not count. */
  readonly blockedSinceMs?: number;
  /** What somebody else has set the old fleet's target to: theirs to keep. */
  readonly theirTarget?: number;
  /** Since when every look has found something in the way (`hindranceOf`). */
  readonly hinderedSinceMs?: number;
  /** Fleets that we cancelled; the old one among them is the point of no return. */
  readonly cancelled: readonly string[];
  readonly cancelledAtMs?: number;
  /** Old instances were set ACTIVE again. */
  readonly activated?: { readonly atMs: number };
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
    clusters: [],
    targets: {},
    touched: [],
    ending: [],
    cancelled: [],
  };
  return { request, atMs, steppedAtMs: atMs, ...nothing, said: {}, open: {} };
}

/** EC2 is "eventually consistent": so long after something was done, at the latest, every answer is taken to show it. */
export const SHOWN_SECONDS = 60;

/** Adds what a move answered to what is known. Pure. */
export function rememberSpot(before: SpotMemory, move: SpotMove, seen: SpotSeen): SpotMemory {
  const moved = stepped(before, seen.atMs);
  if (seen.kind === 'alert') return move.kind === 'alert' ? withTold(moved, move.alert, seen.failure) : moved;
  const turned = move.undo !== undefined && before.undo === undefined ? turnedBack(moved, move.undo) : moved;
  const memory = withTried(withTrouble(turned, move.kind, seen.failure), move, seen.failure);
  if (seen.kind === 'drain' && move.kind === 'drain') return withDrains(memory, move, seen);
  if (seen.failure) return memory;
  if (seen.kind === 'look') return seen.look ? withLook(memory, { ...seen.look, atMs: memory.atMs }) : memory;
  return withEffect(memory, move, seen);
}

/** The way back has its own patience: what has failed on the way there is not tried any more. */
function turnedBack(memory: SpotMemory, because: string): SpotMemory {
  const { trouble: _trouble, blind: _blind, hinderedSinceMs: _since, ...rest } = memory;
  return { ...rest, undo: { because, atMs: memory.atMs } };
}

/** What may have had an effect, though its answer was lost. A refusal has had none. */
function withTried(memory: SpotMemory, move: SpotMove, failure: Failure | undefined): SpotMemory {
  const isRefused = failure !== undefined && !failure.lost;
  if (isRefused || !('fleetId' in move)) return memory;
  const { fleetId, kind } = move;
  if (kind === 'set-target') return { ...memory, touched: [...new Set([...memory.touched, fleetId])] };
  if (failure === undefined) return memory;
  const ending = kind === 'cancel' ? [...new Set([...memory.ending, fleetId])] : memory.ending;
  return { ...memory, ending, doubtAtMs: memory.atMs };
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

function withLook(before: SpotMemory, look: SpotLook): SpotMemory {
  const { doubtAtMs, hinderedSinceMs, blockedSinceMs, ...others } = before;
  const clusters = [...new Set([...before.clusters, ...look.clusters])];
  const settled = withEnded({ ...others, clusters, look }, look);
  const isTold = look.ours !== undefined || settled.cancelled !== before.cancelled;
  const isOpen = doubtAtMs !== undefined && !isTold && look.atMs < doubtAtMs + SHOWN_SECONDS * 1000;
  const known = isOpen ? { ...settled, doubtAtMs } : settled;
  if (known.copy === undefined) {
    if (look.ours) return withCopy(known, look.ours);
    const isBlocked = look.facts !== undefined && !isPaused(look.control) && blockersOf(look.facts, 0).length > 0;
    return isBlocked ? { ...known, blockedSinceMs: blockedSinceMs ?? look.atMs } : known;
  }
  const theirTarget = theirTargetIn(before, look) ?? before.theirTarget;
  const seen = theirTarget === undefined ? known : { ...known, theirTarget };
  const memory = withMembers(withMembers(seen, oldIdOf(seen), look.old), known.copy.id, look.copy);
  // A pause before anything of the old fleet is changed may take its time: all of that runs.
  const isAtRest = isPaused(look.control) && memory.undo === undefined && !memory.touched.includes(oldIdOf(memory));
  const isHindered = !isAtRest && hindranceOf(memory, look) !== undefined;
  return isHindered ? { ...memory, hinderedSinceMs: hinderedSinceMs ?? look.atMs } : memory;
}

/** A fleet that we told to end, and that has: the answer to that was lost. */
function withEnded(memory: SpotMemory, look: SpotLook): SpotMemory {
  const sideOf = (fleetId: string) => (fleetId === oldIdOf(memory) ? look.old : look.copy);
  const ended = memory.ending.filter((id) => !memory.cancelled.includes(id) && isEnded(sideOf(id)));
  if (ended.length === 0) return memory;
  return { ...memory, cancelled: [...memory.cancelled, ...ended], cancelledAtMs: look.atMs };
}

function withCopy(
  memory: SpotMemory,
  { id, capacity }: { readonly id: string; readonly capacity: number },
): SpotMemory {
  const { atMs, look } = memory;
  const copy = { id, atMs, capacity, excess: look?.old?.excess ?? 'default' };
  return withMembers({ ...memory, copy, hinderedSinceMs: atMs }, oldIdOf(memory), look?.old);
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
      return withCopy(memory, { id: seen.id, capacity: memory.look?.old?.targetCapacity ?? 0 });
    }
    case 'set-target':
      return { ...memory, targets: { ...memory.targets, [move.fleetId]: { capacity: move.capacity, atMs } } };
    case 'activate':
      return { ...memory, activated: { atMs } };
    case 'cancel':
      return { ...memory, cancelled: [...memory.cancelled, move.fleetId], cancelledAtMs: atMs };
    case 'promote':
      return { ...memory, promoted: true };
    default:
      return memory;
  }
}
