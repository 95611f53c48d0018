import type { Wait } from '../loop.ts';
import type { Failure } from '../ports.ts';
import type { Problem } from './telling.ts';

/** What the courses of a release, of a group and of a Spot Fleet remember alike. */
export interface CourseState {
  readonly request: { readonly noticedAt: string };
  /** The latest time that anything told us. */
  readonly atMs: number;
  /** When the latest step ended: how old all of this is. */
  readonly steppedAtMs: number;
  /** Failures with no answer between them: since the first of them, and since the last long rest. */
  readonly trouble?: {
    readonly count: number;
    readonly firstMs: number;
    readonly sinceMs: number;
    readonly atMs: number;
    /** The kind of the move that failed last. */
    readonly move: string;
    readonly failure: Failure;
  };
  /** Alerts that went out, or were tried in vain, by their key. */
  readonly said: Readonly<Record<string, { readonly atMs: number; readonly tries: number; readonly done: boolean }>>;
  /** Problems that people heard of, and not yet that they are over: the key of what was said last. */
  readonly open: Readonly<Partial<Record<Problem, string>>>;
}

/** The least and the most from one look to the next, and its growth: 14 days must fit into 1,500 durable operations. */
const POLL_SECONDS = 60;
const ELAPSED_SHARE = 0.015;
const SLOWEST_POLL_SECONDS = 3_600;
const MOST_BACKOFF_SECONDS = 900;
/** What has failed for ten hours is tried every hour. */
const TROUBLE_SHARE = 0.1;

/** From one look to the next: the longer it has lasted, the rarer. */
export function pollSeconds({ request, steppedAtMs }: CourseState): number {
  return paceSeconds(steppedAtMs - Date.parse(request.noticedAt));
}

/** What has lasted so long is looked at so often. */
export function paceSeconds(lastedMs: number): number {
  return Math.min(SLOWEST_POLL_SECONDS, Math.max(POLL_SECONDS, (lastedMs / 1000) * ELAPSED_SHARE));
}

/** After a failure; undefined when it is time to try again: within `patienceSeconds`, where there is no time to lose. */
export function backOff({ trouble, atMs }: CourseState, patienceSeconds = Number.POSITIVE_INFINITY): Wait | undefined {
  if (trouble === undefined) return undefined;
  const seconds = Math.min(longestSeconds(trouble), patienceSeconds, 2 ** Math.min(trouble.count, 12));
  const untilMs = trouble.atMs + seconds * 1000;
  if (atMs >= untilMs) return undefined;
  const { operation, reason } = trouble.failure;
  return waitUntil(atMs, untilMs, `${operation} failed (${reason}): again soon`);
}

/** At least a second: time must get on. */
export function waitUntil(atMs: number, untilMs: number, because: string): Wait {
  return { kind: 'wait', seconds: Math.max(1, Math.ceil((untilMs - atMs) / 1000)), because };
}

export function rest<M extends CourseState>(memory: M, wait: Wait): M {
  return { ...memory, atMs: memory.atMs + wait.seconds * 1000 };
}

/** The step has ended; time never goes back, even where one Lambda machine's clock is behind another's. */
export function stepped<M extends CourseState>(memory: M, atMs: number): M {
  const latestMs = Math.max(memory.atMs, atMs);
  return { ...memory, atMs: latestMs, steppedAtMs: latestMs };
}

/** Moves that only look: what they answer says nothing about whether the others are answered. */
const LOOKS: ReadonlySet<string> = new Set(['look', 'survey']);

/** A failure in a row with those before. An answer ends the row, but a look's only a row of such looks. */
export function withTrouble<M extends CourseState>(memory: M, move: string, failure: Failure | undefined): M {
  const { trouble, ...others } = memory;
  if (failure === undefined) return LOOKS.has(move) && trouble && trouble.move !== move ? memory : (others as M);
  const { atMs } = memory;
  const row = freshTrouble(memory);
  // What fails in one window after the other is the same trouble, though it does not last from one to the next.
  const before = row ?? (trouble?.move === move ? trouble : undefined);
  const count = (before?.count ?? 0) + 1;
  const firstMs = before?.firstMs ?? atMs;
  return { ...memory, trouble: { count, firstMs, sinceMs: row?.sinceMs ?? atMs, atMs, move, failure } };
}

/** What fails, and is tried again. What was not tried for twice its longest back-off is over, however it went. */
export function freshTrouble({ trouble, atMs }: CourseState): CourseState['trouble'] {
  return trouble !== undefined && atMs - trouble.atMs <= 2_000 * longestSeconds(trouble) ? trouble : undefined;
}

function longestSeconds({ atMs, sinceMs }: NonNullable<CourseState['trouble']>): number {
  return Math.max(MOST_BACKOFF_SECONDS, Math.min(SLOWEST_POLL_SECONDS, ((atMs - sinceMs) / 1000) * TROUBLE_SHARE));
}

/** Nothing is given up after fewer tries, however far apart they are: an hour of failures is a dozen. */
const LEAST_FAILURES = 10;

/** The call that has failed for so long, and its answer; undefined while there is patience. */
export function failingFor({ trouble }: CourseState, patienceSeconds: number): string | undefined {
  if (trouble === undefined || trouble.count < LEAST_FAILURES) return undefined;
  const { firstMs, atMs } = trouble;
  if (atMs - firstMs < patienceSeconds * 1000) return undefined;
  const { operation, message } = trouble.failure;
  const hours = Math.round((atMs - firstMs) / 3_600_000);
  return `for ${hours} h ${operation} has answered "${message}"`;
}
