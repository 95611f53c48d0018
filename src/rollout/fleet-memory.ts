import type { Failure } from '../ports.ts';
import type { Claimed } from './claim.ts';
import type { Control } from './control.ts';
import type { CourseState } from './course.ts';
import { stepped, withTrouble } from './course.ts';
import type { FleetFacts, Slot, Target } from './fleet.ts';
import { canRollBack } from './fleet.ts';
import type { FleetMove } from './fleet-moves.ts';
import type { RefreshSeen, TemplateRef } from './ports.ts';
import type { FleetRequest } from './request.ts';
import { withTold } from './telling.ts';

/** How the fleet's instances stand, as EC2 has them and as ECS has them: counts, and a few ids. */
export interface HostsSeen {
  /** Instances on the target image that count as in service. */
  readonly fresh: number;
  /** Of those, the ones that ECS knows as ACTIVE with their agent connected. */
  readonly joined: number;
  /** Of those, the ones that run a task. */
  readonly working: number;
  /** Five at most: in service for EC2, and not joined. */
  readonly strangers: readonly string[];
  /** Instances on any other image. */
  readonly old: number;
  /**
   * Of what the fleet launches from now, the template versions (`versionKey`) that instances on another image were
   * launched from as well; `unknown`: AWS does not tell what one of them was launched from.
   */
  readonly oldFrom: readonly string[];
  /** Instances on any other image that wait in the warm pool: looked at when the refresh is over. */
  readonly oldPooled: number;
  /** Neither old nor new: EC2 does not know them yet. Nothing is verified before it does. */
  readonly unknown: number;
}

/** One look at the fleet. */
export interface FleetLook {
  readonly atMs: number;
  /** What its source names now; undefined where it names no image that may be rolled out. */
  readonly target?: Target;
  /** Undefined: there is no such fleet any more. */
  readonly facts?: FleetFacts;
  /** The latest refresh of the group, whoever started it. */
  readonly refresh?: RefreshSeen;
  readonly hosts: HostsSeen;
  /** By the switch, for this fleet's group. */
  readonly drainDeadlineSeconds: number;
  readonly control?: Control;
}

/** What a move of the fleet's course answered. */
export type FleetSeen = { readonly atMs: number; readonly failure?: Failure } & (
  | { readonly kind: 'look'; readonly look?: FleetLook }
  | { readonly kind: 'claim'; readonly claimed?: Claimed }
  | { readonly kind: 'give-back' }
  | { readonly kind: 'make-version'; readonly number?: number; readonly warnings?: readonly string[] }
  | { readonly kind: 'start-refresh'; readonly id?: string }
  | { readonly kind: 'roll-back' }
  | { readonly kind: 'cancel-refresh' }
  | { readonly kind: 'promote' }
  | { readonly kind: 'alert'; readonly alert: string }
);

export interface OurRefresh {
  readonly id: string;
  readonly startedAtMs: number;
  /** AWS takes it back to where it came from, by itself or when it is told to. */
  readonly canRollBack: boolean;
  /** It was told to go back, or to stop where it is. */
  readonly turned?: { readonly atMs: number; readonly because: string; readonly forPause: boolean };
}

/** Everything that is known of one fleet's rollout; made anew at each replay from what the steps returned. */
export interface FleetMemory extends CourseState {
  readonly request: FleetRequest;
  readonly look?: FleetLook;
  /** Template versions made for it, by `versionKey`. */
  readonly versions: Readonly<Record<string, number>>;
  /** What AWS finds wrong in a version that was made: nothing is launched from it. */
  readonly templateWarning?: string;
  /** Our refresh, once it was started. */
  readonly refresh?: OurRefresh;
  /** A start was answered with "one is under way": from this time on it may be our own, from before a crash. */
  readonly mayBeOursFromMs?: number;
  /** Since when there have been strangers without a break. */
  readonly strangersSinceMs?: number;
  /** Since when the instances and the refresh have not changed. */
  readonly changedAtMs: number;
  readonly promoted?: true;
  /** Whether the fleet is ours, as far as other rollouts go; undefined: it was not claimed yet, or was given back. */
  readonly claim?: Claimed & { readonly atMs: number };
}

export function beginFleet(request: FleetRequest): FleetMemory {
  const atMs = Date.parse(request.noticedAt);
  return { request, atMs, steppedAtMs: atMs, versions: {}, changedAtMs: atMs, said: {}, open: {} };
}

/** Adds what a move answered to what is known. Pure. */
export function rememberFleet(before: FleetMemory, move: FleetMove, seen: FleetSeen): FleetMemory {
  const moved = stepped(before, seen.atMs);
  if (seen.kind === 'alert') return move.kind === 'alert' ? withTold(moved, move.alert, seen.failure) : moved;
  // Where that failed, others find that we have ended, and take it.
  if (seen.kind === 'give-back') return { ...moved, claim: { isOurs: false, by: 'nobody', atMs: moved.atMs } };
  // What is under way may be a while in showing: asked again at once, it would be asked a thousand times.
  const isBusy = seen.kind === 'start-refresh' && seen.id === undefined;
  const memory = withTrouble(moved, move.kind, seen.failure ?? (isBusy ? BUSY : undefined));
  const { atMs } = memory;
  if (seen.failure) return memory;
  if (seen.kind === 'look') return seen.look ? withLook(memory, seen.look) : memory;
  if (seen.kind === 'claim') return seen.claimed ? { ...memory, claim: { ...seen.claimed, atMs } } : memory;
  if (seen.kind === 'promote') return { ...memory, promoted: true };
  if (seen.kind === 'make-version' && move.kind === 'make-version' && seen.number !== undefined) {
    const [warning] = seen.warnings ?? [];
    const versions = { ...memory.versions, [versionKey(move.source)]: seen.number };
    return { ...memory, versions, ...(warning === undefined ? {} : { templateWarning: warning }) };
  }
  if (seen.kind === 'start-refresh' && move.kind === 'start-refresh') return withStart(memory, move, seen.id);
  if ((move.kind === 'roll-back' || move.kind === 'cancel-refresh') && memory.refresh) {
    const turned = { atMs, because: move.because, forPause: move.kind === 'cancel-refresh' && move.forPause };
    return { ...memory, refresh: { ...memory.refresh, turned }, changedAtMs: atMs };
  }
  return memory;
}

/** Our refresh as it was last seen; a look from before it was started shows another one, or none. */
export function refreshSeen({ look, refresh }: FleetMemory): RefreshSeen | undefined {
  return look?.refresh?.id === refresh?.id ? look?.refresh : undefined;
}

export function versionKey({ templateId, number }: { readonly templateId: string; readonly number: number }): string {
  return `${templateId} ${number}`;
}

/** The template version that a slot launches from; undefined where it names an image itself. */
export function slotKey({ template }: Slot): string | undefined {
  return template && versionKey({ templateId: template.id, number: template.number });
}

const BUSY: Failure = {
  ok: false,
  reason: 'other',
  operation: 'autoscaling:StartInstanceRefresh',
  message: 'another refresh is under way',
};
/** Clocks of AWS and of Lambda may differ by so much. */
const SKEW_MS = 60_000;

function withStart(
  memory: FleetMemory,
  { preferences }: Extract<FleetMove, { kind: 'start-refresh' }>,
  id: string | undefined,
): FleetMemory {
  const { look, ...rest } = memory;
  const { atMs } = memory;
  // Before the start none was under way: one that is there now is ours, or began in the same moment.
  if (id === undefined) return { ...rest, mayBeOursFromMs: (look?.atMs ?? atMs) - SKEW_MS };
  const refresh = { id, startedAtMs: atMs, canRollBack: preferences.autoRollback };
  return { ...memory, refresh, changedAtMs: atMs };
}

function withLook(memory: FleetMemory, look: FleetLook): FleetMemory {
  const { atMs } = memory;
  const isChanged = memory.look === undefined || summary(look) !== summary(memory.look);
  const { strangersSinceMs = atMs, ...rest } = memory;
  return adopting({
    ...rest,
    look: { ...look, atMs },
    ...(look.hosts.strangers.length > 0 ? { strangersSinceMs } : {}),
    ...(isChanged ? { changedAtMs: atMs } : {}),
  });
}

/** The refresh that answered our start with "one is under way", when it is our own. */
function adopting(memory: FleetMemory): FleetMemory {
  const { mayBeOursFromMs, ...rest } = memory;
  const seen = rest.look?.refresh;
  if (mayBeOursFromMs === undefined || seen === undefined || seen.startedAtMs < mayBeOursFromMs) return rest;
  if (seen.template !== undefined && !isOurs(seen.template, memory)) return rest;
  const { trouble: _, ...calm } = rest;
  // As it was started: with a desired configuration, and where AWS can go back to what the group has.
  const canGoBack = seen.template !== undefined && rest.look?.facts !== undefined && canRollBack(rest.look.facts);
  return { ...calm, refresh: { id: seen.id, startedAtMs: seen.startedAtMs, canRollBack: canGoBack } };
}

/** It launches from a version that we made, or from the base that we would have started it with. */
function isOurs({ templateId, version }: TemplateRef, { versions, look }: FleetMemory): boolean {
  const made = Object.entries(versions).some(
    ([key, number]) => key.startsWith(`${templateId} `) && String(number) === version,
  );
  const base = look?.facts?.slots.find(({ at }) => at === 'base')?.template;
  return made || (base?.id === templateId && String(base.number) === version);
}

function summary({ refresh, hosts }: FleetLook): string {
  const { fresh, joined, old, oldPooled, unknown } = hosts;
  return JSON.stringify([refresh?.id, refresh?.status, refresh?.percent, fresh, joined, old, oldPooled, unknown]);
}
