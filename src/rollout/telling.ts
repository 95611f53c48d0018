import type { RolloutAlertKind, RolloutAlert as Told } from '../alert.ts';
import type { Failure } from '../ports.ts';
import type { Control } from './control.ts';
import type { CourseState } from './course.ts';
import { freshTrouble } from './course.ts';
import type { FleetOutcome, FleetRequest } from './request.ts';
import { executionName } from './request.ts';

/** What people should hear of a rollout. `key` tells it from the others of one rollout: each goes out once. */
export interface RolloutAlert extends Told {
  readonly key: string;
}

/** What people hear of as long as it lasts, and that it is over. */
export type Problem = Extract<
  RolloutAlertKind,
  'approval-needed' | 'rollout-waiting' | 'rollout-paused' | 'rollout-stuck'
>;
const PROBLEMS: ReadonlySet<RolloutAlertKind> = new Set<Problem>([
  'approval-needed',
  'rollout-waiting',
  'rollout-paused',
  'rollout-stuck',
]);

/** An alert that cannot be published must not hold a rollout. */
const ALERT_TRIES = 3;
const HOUR_MS = 3_600_000;

/** What differs from alert to alert of one course. */
export type Words = Pick<RolloutAlert, 'kind' | 'key' | 'because'> & { readonly details?: readonly string[] };
/** Adds what all alerts of the course have in common. */
type Speak = (words: Words) => RolloutAlert;

/**
 * With one full stop at its end, whatever was at it before: what is joined here was said by AWS, by people, or by another
 * part of the code.
 */
export function sentence(words: string): string {
  return /[.!?…]["”’)]?$/.test(words) ? words : `${words}.`;
}

/** Of one fleet's course. */
export function fleetSpeaker(request: FleetRequest): Speak {
  const { fleet, release: rollout, source: family, version } = request;
  const course = executionName(request);
  return ({ because, details = [], ...what }) => {
    return { ...what, rollout, course, fleet, family, version, because: `${fleet}: ${because}`, details };
  };
}

/** What people hear of a fleet's end; one that is fine, or only over, is told by the release. */
export function fleetEndAlert(request: FleetRequest, outcome: FleetOutcome, because: string): RolloutAlert {
  return fleetSpeaker(request)({ kind: endKindOf(outcome), key: `end ${outcome}`, because: sentence(because) });
}

function endKindOf(outcome: FleetOutcome): RolloutAlertKind {
  switch (outcome) {
    case 'rolled-back':
      return 'rolled-back';
    case 'mixed':
    case 'failed':
      return 'rollout-failed';
    case 'blocked':
      return 'rollout-stopped';
    default:
      return 'rollout-ended';
  }
}

/** Calls that have failed for an hour, and are tried again: the words after "for an hour". */
export function lastingTrouble(memory: CourseState): { key: string; because: string } | undefined {
  const trouble = freshTrouble(memory);
  if (trouble === undefined || trouble.atMs - trouble.sinceMs < HOUR_MS) return undefined;
  const { operation, message } = trouble.failure;
  const because = `for an hour ${operation} has answered "${message}"; it is tried again.`;
  return { key: `trouble ${trouble.sinceMs}`, because };
}

/**
 * What to say next: news, then what lasts and was not told, then what people heard of and is over. `lasting` is all that
 * is wrong now, told or not. Pure.
 */
export function nextAlert(
  { said, open }: CourseState,
  speak: Speak,
  { news, lasting, control }: { news?: Words | undefined; lasting: readonly Words[]; control: Control | undefined },
): RolloutAlert | undefined {
  const untold = [...(news ? [news] : []), ...lasting].find(({ key }) => !said[key]?.done);
  if (untold) return speak(untold);
  const gone = problemsIn(open).filter((problem) => !lasting.some(({ kind }) => kind === problem));
  if (gone.length === 0) return undefined;
  const key = `over ${gone.map((problem) => open[problem]).join(', ')}`;
  return { ...speak({ kind: 'resolved', key, because: relief(gone, control) }), resolves: gone };
}

/** What is still to be said at the end: how it ended, or where nobody need hear that, what is over with it. */
export function closing(
  { said, open }: CourseState,
  speak: Speak,
  { alert, because }: { alert?: RolloutAlert; because: string },
): RolloutAlert | undefined {
  const resolves = problemsIn(open);
  if (alert && !said[alert.key]?.done) return resolves.length === 0 ? alert : { ...alert, resolves };
  if (resolves.length === 0) return undefined;
  return { ...speak({ kind: 'resolved', key: 'over at its end', because: sentence(because) }), resolves };
}

/** An alert was published, or tried in vain. */
export function withTold<M extends CourseState>(memory: M, alert: RolloutAlert, failure: Failure | undefined): M {
  const { key, kind, resolves = [] } = alert;
  const tries = (memory.said[key]?.tries ?? 0) + 1;
  const done = failure === undefined || tries >= ALERT_TRIES;
  const said = { ...memory.said, [key]: { atMs: memory.atMs, tries: done ? 0 : tries, done } };
  if (!done) return { ...memory, said };
  const still = Object.entries(memory.open).filter(([problem]) => !resolves.includes(problem as RolloutAlertKind));
  // Tried in vain it may have been heard all the same.
  return { ...memory, said, open: { ...Object.fromEntries(still), ...(PROBLEMS.has(kind) ? { [kind]: key } : {}) } };
}

function problemsIn(open: CourseState['open']): Problem[] {
  return Object.keys(open) as Problem[];
}

const VERBS: Readonly<Record<Control['word'], string>> = {
  approve: 'approved',
  reject: 'rejected',
  pause: 'paused',
  resume: 'resumed',
  cancel: 'cancelled',
};

/** Why these problems are over. */
function relief(problems: readonly Problem[], control: Control | undefined): string {
  const said = control === undefined ? "nobody's word is needed any more" : `${control.by} ${VERBS[control.word]} it`;
  const words = problems.map((problem) => {
    if (problem === 'rollout-stuck') return 'it gets on again';
    if (problem === 'rollout-paused' && control?.word !== 'resume') return 'it goes on';
    return problem === 'rollout-waiting' ? 'what it waited for has passed' : said;
  });
  return `${[...new Set(words)].join(', ')}.`;
}
