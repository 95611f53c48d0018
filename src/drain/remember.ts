import type { DrainAlertKind } from '../alert.ts';
import type { Failure } from '../ports.ts';
import type { Memory, Said } from './memory.ts';
import type { Look, Seen } from './seen.ts';
import { isEmpty, isForgotten, leftToDo } from './seen.ts';

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
    const isOver = done && seen.resolves?.includes(kind as DrainAlertKind);
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
