import type { Wait } from '../loop.ts';
import type { Failure } from '../ports.ts';
import type { Control } from './control.ts';
import type { ReleaseMove } from './decide.ts';
import type { FleetFacts, Target } from './fleet.ts';
import type { FleetRequest, FleetResult, ReleaseRequest } from './request.ts';

/** What a look at parameter store, EC2 and the tagged fleets answered. */
export interface Survey {
  readonly atMs: number;
  /** Undefined where the source names no image that may be rolled out; `because` says why. */
  readonly target?: Target;
  readonly because?: string;
  readonly fleets: readonly FleetFacts[];
  /** More fleets than are kept here: they are rolled by another release's execution, and people are told. */
  readonly leftOut: number;
}

/** What a move of the release's course answered. */
export type ReleaseSeen = { readonly atMs: number; readonly failure?: Failure } & (
  | { readonly kind: 'survey'; readonly survey?: Survey }
  | { readonly kind: 'start-fleet' }
  | {
      readonly kind: 'look';
      /** What people last said of it; `mistake`: what cannot be understood. */
      readonly control?: Control;
      readonly mistake?: string;
      readonly ended: readonly FleetResult[];
    }
  | { readonly kind: 'alert'; readonly alert: string }
);

/** Everything that is known of one release's rollout; made anew at each replay from what the steps returned. */
export interface ReleaseMemory {
  readonly request: ReleaseRequest;
  readonly atMs: number;
  /** When the latest step ended: how old all of this is. */
  readonly steppedAtMs: number;
  readonly survey?: Survey;
  /** The image that was announced: when the parameter names another, this release is superseded. */
  readonly announced?: Target;
  readonly control?: Control;
  readonly controlMistake?: string;
  /** Fleets whose own execution was started, and how it ended. */
  readonly started: Readonly<Record<string, { readonly request: FleetRequest; readonly end?: FleetResult }>>;
  /** When people's word and the fleets' executions were last looked at. */
  readonly lookedAtMs?: number;
  readonly trouble?: {
    readonly count: number;
    readonly sinceMs: number;
    readonly atMs: number;
    readonly failure: Failure;
  };
  /** Alerts that went out, by a key of theirs. */
  readonly said: Readonly<Record<string, { readonly atMs: number; readonly tries: number; readonly done: boolean }>>;
}

export function begin(request: ReleaseRequest): ReleaseMemory {
  const atMs = Date.parse(request.noticedAt);
  return { request, atMs, steppedAtMs: atMs, started: {}, said: {} };
}

export function rest(memory: ReleaseMemory, wait: Wait): ReleaseMemory {
  return { ...memory, atMs: memory.atMs + wait.seconds * 1000 };
}

/** An alert that cannot be published must not hold a rollout. */
const ALERT_TRIES = 3;

/** Adds what a move answered to what is known. Pure. */
export function remember(before: ReleaseMemory, move: ReleaseMove, seen: ReleaseSeen): ReleaseMemory {
  // Time never goes back, even where one Lambda machine's clock is behind another's.
  const atMs = Math.max(before.atMs, seen.atMs);
  const memory = withTrouble({ ...before, atMs, steppedAtMs: atMs }, seen.kind === 'alert' ? undefined : seen.failure);
  switch (seen.kind) {
    case 'survey':
      return seen.survey ? withSurvey(memory, seen.survey) : memory;
    case 'start-fleet': {
      if (seen.failure || move.kind !== 'start-fleet') return memory;
      const { request } = move;
      return { ...memory, started: { ...memory.started, [request.fleet]: { request } } };
    }
    case 'look':
      return withControl({ ...memory, lookedAtMs: atMs, started: withEnds(memory, seen.ended) }, seen);
    case 'alert': {
      const tries = (memory.said[seen.alert]?.tries ?? 0) + 1;
      const done = seen.failure === undefined || tries >= ALERT_TRIES;
      return { ...memory, said: { ...memory.said, [seen.alert]: { atMs, tries: done ? 0 : tries, done } } };
    }
  }
}

function withEnds({ started }: ReleaseMemory, ended: readonly FleetResult[]): ReleaseMemory['started'] {
  const ends = new Map(ended.map((end) => [end.fleet, end]));
  return Object.fromEntries(
    Object.entries(started).map(([fleet, known]) => {
      const end = ends.get(fleet);
      return [fleet, end === undefined ? known : { ...known, end }];
    }),
  );
}

function withSurvey(memory: ReleaseMemory, survey: Survey): ReleaseMemory {
  const { atMs, announced = survey.target } = memory;
  return { ...memory, survey: { ...survey, atMs }, ...(announced === undefined ? {} : { announced }) };
}

/** What cannot be read or understood changes nothing: the last good word holds. */
function withControl(
  memory: ReleaseMemory,
  { failure, control, mistake }: Extract<ReleaseSeen, { kind: 'look' }>,
): ReleaseMemory {
  if (mistake !== undefined) return { ...memory, controlMistake: mistake };
  if (failure && control === undefined) return memory;
  const { controlMistake, ...rest } = memory;
  return control === undefined ? rest : { ...rest, control };
}

function withTrouble(memory: ReleaseMemory, failure: Failure | undefined): ReleaseMemory {
  const { trouble, ...rest } = memory;
  if (failure === undefined) return rest;
  const { atMs } = memory;
  return {
    ...rest,
    trouble: { count: (trouble?.count ?? 0) + 1, sinceMs: trouble?.sinceMs ?? atMs, atMs, failure },
  };
}
