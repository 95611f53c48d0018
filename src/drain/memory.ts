import type { AlertKind } from '../alert.ts';
import type { DrainPolicy } from '../config.ts';
import type { Wait } from '../loop.ts';
import type { Failure, HookSeen } from '../ports.ts';
import type { DrainRequest } from './request.ts';
import type { Settings } from './switch.ts';

/** One registration of the EC2 instance as an ECS container instance. */
export interface Placement {
  /** Cluster name or ARN, as it was found. */
  readonly cluster: string;
  readonly arn: string;
}

/** What is still on the instance: every task whose `lastStatus` is not STOPPED. Counts, and five samples. */
export interface Remaining {
  readonly total: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** Short ids, cluster by cluster in the order of the placements; left out where there are too many to keep. */
  readonly ids?: readonly (readonly string[])[];
  /** Like `service:api 0123456789ab RUNNING`. */
  readonly samples: readonly string[];
}

/** One look at the instance. */
export interface Look {
  readonly atMs: number;
  /** Container-instance statuses; undefined when this look asked only for known tasks. */
  readonly instances?: {
    readonly statuses: readonly string[];
    /** Which of them are ACTIVE, by ARN; not the leftover of an earlier agent, beside one whose agent is there. */
    readonly active?: readonly string[];
    /** Registrations that ECS no longer has. */
    readonly missing: number;
    /** Tasks whose desired status is RUNNING, running and pending together. */
    readonly wanted: number;
    readonly agentsAway: number;
  };
  /** Undefined while tasks are still wanted to run: nobody has listed those on their way down. */
  readonly remaining?: Remaining;
  /** How many container instances of the cluster are DRAINING, 101 for more than 100; undefined when not asked. */
  readonly crowd?: number;
  readonly failure?: Failure;
}

/** What a move answered. Each carries the time at which it was seen. */
export type Seen = {
  /** The switch, where it says something else than what held before; or why it cannot be read. */
  readonly settings?: Settings | { readonly mistakes: string };
} & (
  | {
      readonly kind: 'verify';
      readonly atMs: number;
      /** The instance's group and lifecycle state; undefined where Auto Scaling does not know it. */
      readonly group?: string;
      readonly state?: string;
      /** It is in the state that the request speaks of; true for a request that speaks of none. */
      readonly departing: boolean;
      readonly hook?: HookSeen;
      readonly failure?: Failure;
    }
  | {
      readonly kind: 'find';
      readonly atMs: number;
      readonly placements: readonly Placement[];
      readonly searched: number;
      readonly failure?: Failure;
    }
  | { readonly kind: 'start-draining'; readonly look: Look }
  | { readonly kind: 'look'; readonly look: Look }
  | { readonly kind: 'heartbeat'; readonly atMs: number; readonly hook?: HookSeen; readonly failure?: Failure }
  | { readonly kind: 'read-switch'; readonly atMs: number }
  | { readonly kind: 'stop-standalone'; readonly atMs: number; readonly stopped: number; readonly failure?: Failure }
  | {
      readonly kind: 'replace';
      readonly atMs: number;
      /** It was in no group any more: nobody had to be told anything. */
      readonly inNoGroup?: true;
      readonly failure?: Failure;
    }
  | { readonly kind: 'diagnose'; readonly atMs: number; readonly reasons: readonly string[] }
  | {
      readonly kind: 'alert';
      readonly atMs: number;
      readonly alert: AlertKind;
      /** What people were told is over with it. */
      readonly resolves?: readonly AlertKind[] | undefined;
      readonly failure?: Failure;
    }
  | {
      readonly kind: 'release';
      readonly look: Look;
      readonly forced: boolean;
      readonly completed: boolean;
      /** The action was over already when we came to complete it. */
      readonly already: boolean;
      readonly failure?: Failure;
    }
  | {
      readonly kind: 'restore';
      readonly atMs: number;
      readonly restored: boolean;
      readonly agentAway: boolean;
      /** ECS has no registration of it any more, or its group takes it away. */
      readonly gone?: true;
      readonly failure?: Failure;
    }
);

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
    Record<AlertKind, { readonly tries: number; readonly done: boolean; readonly atMs: number; readonly open?: true }>
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

/** How far a task still has to go, by its last status; one that may yet be told to stop has the longest way. */
const WAY_TO_GO: Readonly<Record<string, number>> = { DEACTIVATING: 3, STOPPING: 2, DEPROVISIONING: 1 };
const WHOLE_WAY = 4;

/** What is left to do on the instance, as one number that only falls while a drain gets on; undefined when unseen. */
export function leftToDo(look: Look): number | undefined {
  if (look.remaining) {
    return Object.entries(look.remaining.byStatus).reduce(
      (sum, [status, count]) => sum + count * (WAY_TO_GO[status] ?? WHOLE_WAY),
      0,
    );
  }
  return look.instances && look.instances.wanted * WHOLE_WAY;
}

/** True when the look shows an instance that nothing runs on: every task on it has really stopped. */
export function isEmpty(look: Look): boolean {
  if (look.failure) return false;
  const { instances, remaining } = look;
  if (instances && isForgotten(instances)) return true;
  return (instances === undefined || instances.wanted === 0) && remaining?.total === 0;
}

/** ECS has no registration of the instance any more. */
export function isForgotten({ missing, statuses }: NonNullable<Look['instances']>): boolean {
  return missing > 0 && statuses.length === 0;
}

/** A registration of it is ACTIVE, or was when ECS wrote this answer. */
export function saysActive({ instances }: Look): boolean {
  return instances?.statuses.includes('ACTIVE') ?? false;
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

/** Time never goes back, even where one Lambda machine's clock is behind another's. */
function seenAt(memory: Memory, seen: Seen): Memory {
  const atMs = Math.max(memory.atMs, 'look' in seen ? seen.look.atMs : seen.atMs);
  const times = {
    atMs,
    steppedAtMs: atMs,
    steps: memory.steps + 1,
    ...(memory.settings.mode === 'pause' ? { pausedAtMs: atMs } : {}),
  };
  const { switchMistakes, ...rest } = memory;
  const { settings } = seen;
  if (settings === undefined) return { ...memory, ...times };
  return 'mistakes' in settings
    ? { ...memory, ...times, switchMistakes: settings.mistakes }
    : { ...rest, ...times, settings };
}

const SLOWEST = 16;
/** How fast a drain recovers its pace once ECS answers again. */
const RECOVERY = 0.5;

function withTrouble(memory: Memory, failure: Failure | undefined): Memory {
  const { trouble, ...rest } = memory;
  if (failure === undefined) return { ...rest, slower: Math.max(1, memory.slower * RECOVERY) };
  return {
    ...rest,
    // One throttled call is chance; one after the other says that there are too many of us.
    slower: failure.reason === 'throttled' && trouble ? Math.min(SLOWEST, memory.slower * 2) : memory.slower,
    trouble: { count: (trouble?.count ?? 0) + 1, sinceMs: trouble?.sinceMs ?? memory.atMs, atMs: memory.atMs, failure },
  };
}

function withLook(memory: Memory, look: Look): Memory {
  if (look.failure || (look.instances === undefined && look.remaining === undefined)) return memory;
  const left = leftToDo(look);
  const { atMs } = memory;
  return {
    ...memory,
    look: { ...look, atMs },
    ...(look.instances ? { wholeLookAtMs: atMs } : {}),
    ...(memory.ours === undefined && look.instances ? { ours: look.instances.active ?? [] } : {}),
    ...(look.crowd === undefined ? {} : { crowd: { count: look.crowd, atMs } }),
    ...(left !== undefined && left < memory.progress.left ? { progress: { left, atMs } } : {}),
  };
}

/** Adds what a move answered to what is known. Pure: alerts and endings are decided from it, never here. */
export function remember(before: Memory, seen: Seen): Memory {
  const memory = seenAt(before, seen);
  const { atMs } = memory;
  switch (seen.kind) {
    case 'verify': {
      if (seen.failure) return withTrouble(memory, seen.failure);
      const { staying, ...known } = withTrouble(memory, undefined);
      return {
        ...known,
        verified: seen.departing,
        ...(seen.group === undefined || memory.group !== undefined ? {} : { group: seen.group }),
        ...(seen.hook ? { hook: seen.hook, hookIsNew: atMs - memory.heartbeatAtMs > SAME_HOOK_SECONDS * 1000 } : {}),
        ...(seen.departing ? {} : { staying: { sinceMs: staying?.sinceMs ?? atMs, atMs, state: seen.state } }),
      };
    }
    case 'find': {
      const found = withTrouble(memory, seen.failure);
      // A place where it was found counts although another could not be read; only "nowhere" needs every answer.
      return seen.placements.length > 0 || seen.failure === undefined
        ? { ...found, placements: seen.placements }
        : found;
    }
    case 'start-draining': {
      const started = withTrouble(memory, seen.look.failure);
      if (seen.look.failure) return started;
      const again = memory.drainingSinceMs === undefined ? {} : { drainedAgainAtMs: atMs };
      return { ...withLook(started, seen.look), drainingSinceMs: memory.drainingSinceMs ?? atMs, ...again };
    }
    case 'look':
      return withLook(withTrouble(memory, seen.look.failure), seen.look);
    case 'heartbeat':
      return withHeartbeat(memory, seen);
    case 'read-switch':
      return memory;
    case 'stop-standalone':
      return { ...withTrouble(memory, seen.failure), ...(seen.failure ? {} : { standaloneStoppedAtMs: atMs }) };
    case 'replace':
      return {
        ...withTrouble(memory, seen.failure),
        ...(seen.failure ? {} : { replacedAtMs: atMs }),
        ...(seen.inNoGroup ? { wasInNoGroup: true } : {}),
      };
    case 'diagnose':
      return { ...memory, diagnosis: { atMs, reasons: seen.reasons } };
    case 'alert':
      return { ...memory, said: withAlert(memory.said, seen, atMs) };
    case 'release': {
      const after = withTrouble(memory, seen.failure ?? seen.look.failure);
      if (!seen.completed) return withLook(after, seen.look);
      // What the release cut off is what was there before it, where the instance is no longer there.
      const known = isGoneFrom(seen) ? after : withLook(after, seen.look);
      return { ...known, released: releasedBy(before, seen, atMs) };
    }
    case 'restore':
      return {
        ...withTrouble(memory, seen.failure),
        ...(seen.agentAway ? { agentWasAway: true } : {}),
        ...(seen.gone ? { wentForGood: true } : {}),
        ...(seen.restored ? { restoredAtMs: atMs } : {}),
      };
  }
}

function withAlert(said: Said, seen: Extract<Seen, { kind: 'alert' }>, atMs: number): Said {
  const before = said[seen.alert];
  const tries = (before?.tries ?? 0) + 1;
  const done = seen.failure === undefined || tries >= ALERT_TRIES;
  const isOpen = seen.failure === undefined || before?.open === true;
  const told = { tries: done ? 0 : tries, done, atMs, ...(isOpen ? { open: true as const } : {}) };
  const over = Object.entries(said).map(([kind, { open, ...rest }]) => {
    const isOver = done && seen.resolves?.includes(kind as AlertKind);
    return [kind, open && !isOver ? { ...rest, open } : rest];
  });
  return { ...Object.fromEntries(over), [seen.alert]: told };
}

/**
 * A heartbeat that fails by chance is tried again in its own time; only one that is not permitted is trouble.
 * Somebody may change the hook just before or just after it: the period that it began is the shorter of what the hook
 * said last and what it says now, and a longer one is believed once a heartbeat has gone out after it was seen. Whether
 * a changed hook moves the global timeout of an action that waits is not documented: never later than was known.
 */
function withHeartbeat(memory: Memory, { failure, hook }: Extract<Seen, { kind: 'heartbeat' }>): Memory {
  const { atMs } = memory;
  if (failure?.reason === 'gone') return { ...memory, actionGone: true };
  if (failure) {
    const after = failure.reason === 'denied' ? withTrouble(memory, failure) : memory;
    return { ...after, heartbeatFailedAtMs: atMs };
  }
  const after = { ...memory, heartbeatAtMs: atMs, hookIsNew: false };
  const before = memory.hook ?? hook;
  if (before === undefined) return { ...after, hookUnread: memory.hookUnread + 1 };
  if (hook === undefined) {
    return { ...after, hookUnread: memory.hookUnread + 1, periodSeconds: before.heartbeatTimeoutSeconds };
  }
  const globalTimeoutSeconds = Math.min(before.globalTimeoutSeconds, hook.globalTimeoutSeconds);
  return {
    ...after,
    hookUnread: 0,
    periodSeconds: Math.min(before.heartbeatTimeoutSeconds, hook.heartbeatTimeoutSeconds),
    hook: { ...hook, globalTimeoutSeconds },
  };
}

/** Read this soon after the notice, the hook is the one that the action began with; later it may have been changed. */
const SAME_HOOK_SECONDS = 5;

/**
 * The instance went while it was released: ECS has no registration of it any more, or, once the action was over, it has
 * no agent any more, which ECS may show for long.
 */
function isGoneFrom({ look: { instances }, already }: Extract<Seen, { kind: 'release' }>): boolean {
  if (instances === undefined) return false;
  return isForgotten(instances) || (already && instances.agentsAway >= instances.statuses.length);
}

/**
 * After a crash the step runs again, and may find gone what it released itself; what was seen before it says then what
 * the release was.
 */
function releasedBy(
  before: Memory,
  seen: Extract<Seen, { kind: 'release' }>,
  atMs: number,
): NonNullable<Memory['released']> {
  const goneBefore = before.look?.instances !== undefined && isForgotten(before.look.instances);
  const evidence = isGoneFrom(seen) ? before.look : seen.look;
  const tasksLeft = evidence === undefined || !isEmpty(evidence);
  return { atMs, forced: seen.forced, tasksLeft, vanished: goneBefore && seen.already };
}

/** The SDK has retried each of them already; an alert that cannot be published must not hold the instance. */
const ALERT_TRIES = 3;
