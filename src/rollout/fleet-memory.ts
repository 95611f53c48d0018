import type { Failure } from '../ports.ts';
import { blockersOf } from './checks.ts';
import type { Claimed } from './claim.ts';
import type { Control } from './control.ts';
import { isPaused } from './control.ts';
import type { CourseState } from './course.ts';
import { stepped, withTrouble } from './course.ts';
import type { FleetFacts, Slot, Target } from './fleet.ts';
import type { FleetMove } from './fleet-moves.ts';
import type { RefreshPreferences, RefreshSeen, TemplateRef } from './ports.ts';
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
  /** Five at most, those of the look before first: in service for EC2, and not joined. */
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
  /** Our refresh, once it was started. */
  readonly refresh?: RefreshSeen;
  /** The group's latest refresh, where that is another one. */
  readonly other?: RefreshSeen;
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
  /** As it was started; whatever the tags say by now. */
  readonly preferences: RefreshPreferences;
  /** Instances on the new image before it. */
  readonly freshBefore: number;
  /** It has brought an instance that ECS had at work: the image is no unknown any more. */
  readonly isProven?: true;
  /** It was told to go back, or to stop where it is; whether it heard that, a look tells. */
  readonly turned?: Turned;
  /** So often a way back was refused; throttling is no refusal. */
  readonly refusals?: number;
}

interface Turned {
  readonly atMs: number;
  readonly because: string;
  readonly forPause: boolean;
  readonly isAnswered: boolean;
}

/** A start whose answer has no id: one that began between these times, from this template, is ours. */
export interface AskedRefresh {
  readonly fromMs: number;
  readonly untilMs: number;
  /** Undefined: from what the group has anyway, and the times alone tell. */
  readonly template?: TemplateRef;
  readonly preferences: RefreshPreferences;
  readonly freshBefore: number;
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
  /** It was asked for, and the answer was lost, or was "one is under way": that may be our own, from before a crash. */
  readonly asked?: AskedRefresh;
  /** The strangers of the latest look, and since when each of them was one at every look. */
  readonly strangers: Readonly<Record<string, number>>;
  /** Since when something has kept it from beginning without a break; a pause does not count. */
  readonly blockedSinceMs?: number;
  /** Since when the instances and the refresh have not changed. */
  readonly changedAtMs: number;
  readonly promoted?: true;
  /** Whether the fleet is ours, as far as other rollouts go; undefined: it was not claimed yet. */
  readonly claim?: Claimed & { readonly atMs: number };
}

export function beginFleet(request: FleetRequest): FleetMemory {
  const atMs = Date.parse(request.noticedAt);
  return { request, atMs, steppedAtMs: atMs, versions: {}, strangers: {}, changedAtMs: atMs, said: {}, open: {} };
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
  if (seen.kind === 'start-refresh' && move.kind === 'start-refresh') return withStart(memory, move, seen.id);
  if (move.kind === 'roll-back' || move.kind === 'cancel-refresh') return withTurn(memory, move, seen.failure);
  if (seen.failure) return memory;
  if (seen.kind === 'look') return seen.look ? withLook(memory, seen.look) : memory;
  if (seen.kind === 'claim')
    return seen.claimed ? { ...memory, claim: { ...seen.claimed, atMs: memory.atMs } } : memory;
  if (seen.kind === 'promote') return { ...memory, promoted: true };
  if (seen.kind === 'make-version' && move.kind === 'make-version' && seen.number !== undefined) {
    const [warning] = seen.warnings ?? [];
    const versions = { ...memory.versions, [versionKey(move.source)]: seen.number };
    return { ...memory, versions, ...(warning === undefined ? {} : { templateWarning: warning }) };
  }
  return memory;
}

/** Our refresh as it was last seen; a look from before it was started shows another one, or none. */
export function refreshSeen({ look, refresh }: FleetMemory): RefreshSeen | undefined {
  return look?.refresh?.id === refresh?.id ? look?.refresh : undefined;
}

/** Nothing of ours is under way: not yet, or not since it was cancelled for a pause. */
export function isAtRest(memory: FleetMemory): boolean {
  const { refresh } = memory;
  if (refresh === undefined) return true;
  return refresh.turned?.forPause === true && refreshSeen(memory)?.status === 'Cancelled';
}

/** It goes on replacing instances. */
export const ON_ITS_WAY: ReadonlySet<string> = new Set(['Pending', 'InProgress', 'Baking']);

export function groupOf({ request }: FleetMemory): string {
  return request.fleet.slice('group/'.length);
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
/** So long what AWS has heard may be in showing. */
const HEARING_MS = 300_000;

function withStart(
  memory: FleetMemory,
  { desired, preferences }: Extract<FleetMove, { kind: 'start-refresh' }>,
  id: string | undefined,
): FleetMemory {
  const { asked, ...rest } = memory;
  const { atMs, look } = memory;
  const freshBefore = asked?.freshBefore ?? look?.hosts.fresh ?? 0;
  if (id !== undefined) {
    const refresh = { id, startedAtMs: atMs, preferences, freshBefore };
    return { ...rest, refresh, changedAtMs: atMs };
  }
  // Before the start none was under way: one that is there now is ours, or began in the same moment.
  const fromMs = asked?.fromMs ?? (look?.atMs ?? atMs) - SKEW_MS;
  const template = desired && { template: desired.template };
  return { ...rest, asked: { fromMs, untilMs: atMs + SKEW_MS, ...template, preferences, freshBefore } };
}

/** Of the refresh that goes on: what it was told, and what it has shown. */
function proving(memory: FleetMemory): FleetMemory {
  const known = hearing(memory);
  const { refresh, look } = known;
  if (refresh === undefined || look === undefined || refreshSeen(known) === undefined) return known;
  const isAtWork = look.hosts.fresh > refresh.freshBefore && look.hosts.strangers.length === 0;
  return isAtWork ? { ...known, refresh: { ...refresh, isProven: true } } : known;
}

function withTurn(
  memory: FleetMemory,
  move: Extract<FleetMove, { kind: 'roll-back' | 'cancel-refresh' }>,
  failure: Failure | undefined,
): FleetMemory {
  const { refresh, atMs } = memory;
  if (refresh === undefined) return memory;
  const { kind, because } = move;
  const turned = { atMs, because, forPause: kind === 'cancel-refresh' && move.forPause, isAnswered: !failure };
  const isRefused = kind === 'roll-back' && failure !== undefined && failure.reason !== 'throttled';
  const refusals = (refresh.refusals ?? 0) + (isRefused ? 1 : 0);
  return { ...memory, refresh: { ...refresh, turned, refusals }, ...(failure ? {} : { changedAtMs: atMs }) };
}

/** A refresh that goes on a while after it was told to turn has not heard it; one that does not has. */
function hearing(memory: FleetMemory): FleetMemory {
  const { refresh, trouble, look, ...rest } = memory;
  const status = refreshSeen(memory)?.status;
  if (refresh?.turned === undefined || status === undefined) return memory;
  const { turned, ...others } = refresh;
  const known = { ...rest, ...(look && { look }) };
  if (!ON_ITS_WAY.has(status)) {
    // Then that answer was only lost.
    return turned.isAnswered ? memory : { ...known, refresh: { ...refresh, turned: { ...turned, isAnswered: true } } };
  }
  if (turned.isAnswered && memory.atMs - turned.atMs < HEARING_MS) return memory;
  return { ...known, ...(trouble && { trouble }), refresh: others };
}

function withLook(memory: FleetMemory, look: FleetLook): FleetMemory {
  const { atMs } = memory;
  const isChanged = memory.look === undefined || summary(look) !== summary(memory.look);
  const { blockedSinceMs, ...rest } = memory;
  const strangers = look.hosts.strangers.map((id) => [id, memory.strangers[id] ?? atMs] as const);
  const known = proving(
    adopting({
      ...rest,
      look: { ...look, atMs },
      strangers: Object.fromEntries(strangers),
      ...(isChanged ? { changedAtMs: atMs } : {}),
    }),
  );
  return isBlocked(known, look) ? { ...known, blockedSinceMs: blockedSinceMs ?? atMs } : known;
}

function isBlocked(memory: FleetMemory, { facts, control, drainDeadlineSeconds }: FleetLook): boolean {
  if (facts === undefined || isPaused(control) || !isAtRest(memory)) return false;
  return blockersOf(facts, drainDeadlineSeconds).length > 0;
}

/** The refresh that was asked for without an answer, when it is there: what it launches from tells it from another's. */
function adopting(memory: FleetMemory): FleetMemory {
  const { asked, look, ...rest } = memory;
  if (asked === undefined || look?.other === undefined) return memory;
  const { other, refresh: _, ...seen } = look;
  const { id, startedAtMs, template } = other;
  const isInTime = startedAtMs >= asked.fromMs && startedAtMs <= asked.untilMs;
  if (!isInTime || (asked.template !== undefined && !isSame(template, asked.template))) return memory;
  const { trouble: __, ...calm } = rest;
  const { preferences, freshBefore } = asked;
  const refresh = { id, startedAtMs, preferences, freshBefore };
  return { ...calm, look: { ...seen, refresh: other }, refresh };
}

function isSame(one: TemplateRef | undefined, other: TemplateRef): boolean {
  return one?.templateId === other.templateId && one.version === other.version;
}

function summary({ refresh, hosts }: FleetLook): string {
  return JSON.stringify([refresh?.id, refresh?.status, refresh?.percent, hosts.fresh, hosts.joined, hosts.old]);
}
