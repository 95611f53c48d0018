import type { Failure } from '../ports.ts';
import type { DrainRules } from './checks.ts';
import type { Control } from './control.ts';
import type { CourseState } from './course.ts';
import { stepped, withTrouble } from './course.ts';
import type { ReleaseMove } from './decide.ts';
import type { FleetFacts, Target } from './fleet.ts';
import type { FleetRequest, FleetResult, ReleaseRequest } from './request.ts';
import { withTold } from './telling.ts';
import { planFor } from './waves.ts';

/** What a look at parameter store, EC2 and the tagged fleets answered. */
export interface Survey {
  readonly atMs: number;
  /** Undefined where the source names no image that may be rolled out; `because` says why. */
  readonly target?: Target;
  readonly because?: string;
  readonly fleets: readonly FleetFacts[];
  /** So many fleets more opted in than are kept here: this rollout leaves them out, and people are told. */
  readonly leftOut: number;
  /** How drains go, by fleet, as far as that could be read. */
  readonly drains?: Readonly<Record<string, DrainRules>>;
}

/** What a hint leads to: a release, or why there is none. */
export type Resolved = Pick<Target, 'version' | 'releasedAtMs'> | { readonly because: string };

/** What a move of the release's course answered. */
export type ReleaseSeen = { readonly atMs: number; readonly failure?: Failure } & (
  | { readonly kind: 'survey'; readonly survey?: Survey }
  | { readonly kind: 'resolve'; readonly resolved?: Resolved }
  | { readonly kind: 'hand-over' }
  | { readonly kind: 'start-fleet' }
  | {
      readonly kind: 'look';
      /** What people last said of it; `mistake`: what cannot be understood. */
      readonly control?: Control;
      readonly mistake?: string;
      readonly ended: readonly FleetResult[];
      /** What its source names now, where that was asked for and is an image's id. */
      readonly imageId?: string;
    }
  | { readonly kind: 'alert'; readonly alert: string }
);

export interface StartedFleet {
  readonly request: FleetRequest;
  /** Image ids and versions that it came from, by the plan that it was started on. */
  readonly from: readonly string[];
  readonly end?: FleetResult;
}

/** Everything that is known of one release's rollout; made anew at each replay from what the steps returned. */
export interface ReleaseMemory extends CourseState {
  readonly request: ReleaseRequest;
  readonly survey?: Survey;
  /** Of a hint. */
  readonly resolved?: Resolved;
  readonly isHandedOver?: true;
  /** The image that was announced: when the parameter names another, this release is superseded. */
  readonly announced?: Target;
  readonly control?: Control;
  readonly controlMistake?: string;
  /** Fleets that any survey had for those to be rolled: whoever heard so counts on it. */
  readonly planned?: readonly string[];
  /** Fleets whose own execution was started, from which images, and how it ended. */
  readonly started: Readonly<Record<string, StartedFleet>>;
  /** When people's word and the fleets' executions were last looked at. */
  readonly lookedAtMs?: number;
  /** What its source has named since the survey. */
  readonly namedImageId?: string;
  /** Why its source names no image any more that may be rolled out; the survey is the last one with an image. */
  readonly withdrawn?: string;
}

export function begin(request: ReleaseRequest): ReleaseMemory {
  const atMs = Date.parse(request.noticedAt);
  return { request, atMs, steppedAtMs: atMs, started: {}, said: {}, open: {} };
}

/** Adds what a move answered to what is known. Pure. */
export function remember(before: ReleaseMemory, move: ReleaseMove, seen: ReleaseSeen): ReleaseMemory {
  const moved = stepped(before, seen.atMs);
  if (seen.kind === 'alert') return move.kind === 'alert' ? withTold(moved, move.alert, seen.failure) : moved;
  const memory = withTrouble(moved, move.kind, seen.failure);
  const { atMs } = memory;
  switch (seen.kind) {
    case 'survey':
      return seen.survey ? withSurvey(memory, seen.survey) : memory;
    case 'resolve':
      return seen.resolved ? { ...memory, resolved: seen.resolved } : memory;
    case 'hand-over':
      return seen.failure ? memory : { ...memory, isHandedOver: true };
    case 'start-fleet': {
      // Without an answer it may have begun: looking after it, under its name and with the same words, joins or begins it.
      const isRefused = seen.failure !== undefined && !seen.failure.lost;
      if (isRefused || move.kind !== 'start-fleet') return memory;
      const { request } = move;
      const { trouble: _, ...known } = memory;
      const from = planFor(before)?.fleets.find(({ id }) => id === request.fleet)?.from ?? [];
      return { ...known, started: { ...memory.started, [request.fleet]: { request, from } } };
    }
    case 'look': {
      const named = seen.imageId === undefined ? {} : { namedImageId: seen.imageId };
      return withControl({ ...memory, ...named, lookedAtMs: atMs, started: withEnds(memory, seen.ended) }, seen);
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

function withSurvey({ namedImageId: _, withdrawn: __, ...memory }: ReleaseMemory, survey: Survey): ReleaseMemory {
  const { atMs, announced = survey.target } = memory;
  // What has begun is looked after by the plan that it was begun on.
  if (survey.target === undefined && memory.survey?.target !== undefined) {
    return { ...memory, survey: { ...memory.survey, atMs }, withdrawn: survey.because ?? 'it names no image' };
  }
  const surveyed = { ...memory, survey: { ...survey, atMs } };
  const plan = planFor(surveyed);
  if (plan === undefined || announced === undefined) return surveyed;
  const toRoll = plan.fleets.flatMap(({ id, policy }) => (policy.mode === 'notify' ? [] : [id]));
  return { ...surveyed, announced, planned: [...new Set([...(memory.planned ?? []), ...toRoll])] };
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
