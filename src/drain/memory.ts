import type { DrainAlertKind } from '../alert.ts';
import type { DrainPolicy } from '../config.ts';
import type { Wait } from '../loop.ts';
import type { Failure, HookSeen } from '../ports.ts';
import type { DrainRequest } from './request.ts';
import type { Look, Placement } from './seen.ts';
import { saysActive } from './seen.ts';
import type { Settings } from './switch.ts';

export type Outcome =
  | 'drained'
  | 'forced'
  | 'abandoned'
  | 'not-a-container-instance'
  | 'hook-gone'
  | 'cancelled'
  | 'failed'
  | 'observed'
  | 'replaced';

/** Alerts that went out, and those that were tried in vain. `open`: people heard of it, and not yet that it is over. */
export type Said = Readonly<
  Partial<
    Record<
      DrainAlertKind,
      { readonly tries: number; readonly done: boolean; readonly atMs: number; readonly open?: true }
    >
  >
>;

/** Everything that is known of one drain; made anew at each replay from what the steps returned. */
export interface Memory {
  readonly request: DrainRequest;
  /** What holds now, by the switch; until it was read, what the stack was deployed with. */
  readonly settings: Settings;
  /** Why the switch cannot be read, since it last could. */
  readonly switchMistakes?: string;
  /** The latest time that anything told us. */
  readonly atMs: number;
  /** When the latest step ended: how old all of this is, the switch included. */
  readonly steppedAtMs: number;
  /** How many steps there were. */
  readonly steps: number;
  /** When it was last known to be paused, up to the step that heard of the pause's end: time in a pause counts for nobody. */
  readonly pausedAtMs?: number;
  readonly verified: boolean;
  /** The instance's Auto Scaling group, once somebody named it. */
  readonly group?: string;
  readonly hook?: HookSeen;
  /** When the action's heartbeat period last began. */
  readonly heartbeatAtMs: number;
  /** The heartbeat period that runs, at the most; what the hook says holds from the next heartbeat on. */
  readonly periodSeconds?: number;
  /** How many heartbeats went out since the hook could last be read: its period may be another than we know. */
  readonly hookUnread: number;
  /** The hook was first read long after its period began: only a heartbeat makes that period the one that holds. */
  readonly hookIsNew?: boolean;
  /** When a heartbeat was last sent in vain. */
  readonly heartbeatFailedAtMs?: number;
  /** Undefined until every cluster that could hold the instance has answered. */
  readonly placements?: readonly Placement[];
  /** The registrations, by ARN, that were ACTIVE when we first looked, before we drained them: ours to set ACTIVE again. */
  readonly ours?: readonly string[];
  readonly drainingSinceMs?: number;
  /** When we set it DRAINING again because somebody had set it ACTIVE. */
  readonly drainedAgainAtMs?: number;
  readonly look?: Look;
  /** The latest look that asked for the container instances themselves. */
  readonly wholeLookAtMs?: number;
  readonly crowd?: { readonly count: number; readonly atMs: number };
  /** How many times slower than usual, since ECS throttled us. */
  readonly slower: number;
  /** The least that was ever left to do, and since when. */
  readonly progress: { readonly left: number; readonly atMs: number };
  readonly standaloneStoppedAtMs?: number;
  /** Failures in a row, the latest of them, and when they began. */
  readonly trouble?: {
    readonly count: number;
    readonly sinceMs: number;
    readonly atMs: number;
    readonly failure: Failure;
  };
  /** Why it does not get on, when that was last looked into. */
  readonly diagnosis?: { readonly atMs: number; readonly reasons: readonly string[] };
  readonly said: Said;
  /** Since when Auto Scaling has been saying that the instance is not leaving through our hook, and what it said. */
  readonly staying?: { readonly sinceMs: number; readonly atMs: number; readonly state: string | undefined };
  /** Auto Scaling answered that the lifecycle action is over, and it was not we who ended it. */
  readonly actionGone?: true;
  /** We completed the lifecycle action. `forced`: the deadline came first. */
  readonly released?: {
    readonly atMs: number;
    readonly forced: boolean;
    readonly tasksLeft: boolean;
    /** Instance and action had both gone before we released anything. */
    readonly vanished: boolean;
  };
  /** Its group was told to terminate it, and its hook takes it from there. */
  readonly replacedAtMs?: number;
  /** It had left its group by then. */
  readonly wasInNoGroup?: true;
  /** The agent has been away since the drain was done: a reboot is under way or behind us. */
  readonly agentWasAway?: true;
  /** It is not to come back: ECS has forgotten it, or its group takes it away. */
  readonly wentForGood?: true;
  readonly restoredAtMs?: number;
}

export function begin(request: DrainRequest, deployed: DrainPolicy): Memory {
  const noticedAtMs = Date.parse(request.noticedAt);
  return {
    request,
    settings: { mode: 'act', policy: deployed },
    atMs: noticedAtMs,
    steppedAtMs: noticedAtMs,
    steps: 0,
    verified: false,
    ...(request.kind === 'terminating' ? { group: request.group } : {}),
    heartbeatAtMs: noticedAtMs,
    hookUnread: 0,
    slower: 1,
    progress: { left: Number.POSITIVE_INFINITY, atMs: noticedAtMs },
    said: {},
  };
}

/** ECS is eventually consistent: for seconds after a change it may answer as before. Far more than was ever seen. */
const CONSISTENT_SECONDS = 20;

/** Somebody set it ACTIVE after we drained it. An answer soon after our own request may be of the time before that. */
export function isReactivated({ look, drainingSinceMs, drainedAgainAtMs }: Memory): boolean {
  const setAtMs = drainedAgainAtMs ?? drainingSinceMs;
  if (look === undefined || setAtMs === undefined) return false;
  return saysActive(look) && look.atMs - setAtMs >= CONSISTENT_SECONDS * 1000;
}

export function rest(memory: Memory, wait: Wait): Memory {
  return { ...memory, atMs: memory.atMs + wait.seconds * 1000 };
}
