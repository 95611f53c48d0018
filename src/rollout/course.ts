import type { Wait } from '../loop.ts';
import type { Failure } from '../ports.ts';
import type { Problem } from './telling.ts';

/** Failures with no answer between them. */
export interface Trouble {
  readonly count: number;
  readonly firstMs: number;
  /** The first since it was not tried for long. */
  readonly sinceMs: number;
  /** For how long it was tried in vain; a pause, or until its window came again, it was not. */
  readonly lastedMs: number;
  readonly atMs: number;
  /** The kind of the move that failed last. */
  readonly move: string;
  readonly failure: Failure;
}

/** What the courses of a release, of a group and of a Spot Fleet remember alike. */
export interface CourseState {
  readonly request: { readonly noticedAt: string };
  /** The latest time that anything told us. */
  readonly atMs: number;
  /** When the latest step ended: how old all of this is. */
  readonly steppedAtMs: number;
  /** Of moves that do something. What a look answers says nothing about them. */
  readonly trouble?: Trouble;
  /** Of looks. */
  readonly blind?: Trouble;
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
export function backOff(memory: CourseState, patienceSeconds = Number.POSITIVE_INFINITY): Wait | undefined {
  const { atMs } = memory;
  const waits = rowsOf(memory).map((row) => {
    const seconds = Math.min(longestSeconds(row), patienceSeconds, 2 ** Math.min(row.count, 12));
    return { untilMs: row.atMs + seconds * 1000, ...row.failure };
  });
  const last = waits.toSorted((one, other) => other.untilMs - one.untilMs)[0];
  if (last === undefined || atMs >= last.untilMs) return undefined;
  return waitUntil(atMs, last.untilMs, `${last.operation} failed (${last.reason}): again soon`);
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

/** Moves that only look. */
const LOOKS: ReadonlySet<string> = new Set(['look', 'survey']);

/** A failure in a row with those before. An answer ends the row; a look's answer, only a row of such looks. */
export function withTrouble<M extends CourseState>(memory: M, move: string, failure: Failure | undefined): M {
  const key = LOOKS.has(move) ? 'blind' : 'trouble';
  const { [key]: before, ...others } = memory;
  if (failure !== undefined) return { ...memory, [key]: { ...rowAfter(memory, before), move, failure } };
  return key === 'blind' && before !== undefined && before.move !== move ? memory : (others as M);
}

function rowAfter(memory: CourseState, before: Trouble | undefined): Omit<Trouble, 'move' | 'failure'> {
  const { atMs } = memory;
  if (before === undefined) return { count: 1, firstMs: atMs, sinceMs: atMs, lastedMs: 0, atMs };
  const { count, firstMs, sinceMs, lastedMs } = before;
  const restMs = atMs - before.atMs;
  const next = { count: count + 1, firstMs, atMs };
  return restMs <= longestRestMs(memory, before)
    ? { ...next, sinceMs, lastedMs: lastedMs + restMs }
    : { ...next, sinceMs: atMs, lastedMs };
}

/** What fails, and is tried again; the one that has lasted longest. */
export function freshTrouble(memory: CourseState): Trouble | undefined {
  const rows = rowsOf(memory).filter((row) => memory.atMs - row.atMs <= longestRestMs(memory, row));
  return rows.toSorted((one, other) => other.lastedMs - one.lastedMs)[0];
}

function rowsOf({ trouble, blind }: CourseState): Trouble[] {
  return [blind, trouble].filter((row) => row !== undefined);
}

function longestSeconds({ lastedMs }: Trouble): number {
  return Math.max(MOST_BACKOFF_SECONDS, Math.min(SLOWEST_POLL_SECONDS, (lastedMs / 1000) * TROUBLE_SHARE));
}

/** What was not tried for longer was not to be tried. */
function longestRestMs(memory: CourseState, row: Trouble): number {
  return 2_000 * Math.max(longestSeconds(row), pollSeconds(memory));
}

/** So many tries are enough, where they are spread over windows. */
const MOST_FAILURES = 40;

/** The call that has failed for so long, and its answer; undefined while there is patience. */
export function failingFor(memory: CourseState, patienceSeconds: number): string | undefined {
  const isEnough = ({ count, firstMs, lastedMs, atMs }: Trouble) =>
    lastedMs >= patienceSeconds * 1000 || (count >= MOST_FAILURES && atMs - firstMs >= patienceSeconds * 1000);
  const row = rowsOf(memory).find(isEnough);
  if (row === undefined) return undefined;
  const { operation, message } = row.failure;
  return `for ${Math.round((row.atMs - row.firstMs) / 3_600_000)} h ${operation} has answered "${message}"`;
}
