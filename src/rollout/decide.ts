import type { Finish, Wait } from '../loop.ts';
import { alertDue, releaseSpeaker } from './announce.ts';
import { isApproved, isPaused } from './control.ts';
import { backOff, failingFor, pollSeconds, waitUntil } from './course.ts';
import type { Ending, ReleaseOutcome, ReleaseResult } from './ending.ts';
import { endingOf } from './ending.ts';
import type { ReleaseMemory } from './memory.ts';
import type { Plan, PlannedFleet } from './plan.ts';
import type { FleetRequest, ReleaseRequest } from './request.ts';
import { executionName, isHint, releaseOf } from './request.ts';
import { startsAtMs } from './start-time.ts';
import type { RolloutAlert } from './telling.ts';
import { closing } from './telling.ts';
import { isItsTurn, isOutdated, planFor, readyOf, runningOf, waitingOf } from './waves.ts';

/** What a release's rollout can do next. One move is one effect, safe to repeat. */
export type ReleaseMove = { readonly because: string } & (
  | { readonly kind: 'survey' }
  /** What does a source name now, of which nobody said more than that it is worth a look? */
  | { readonly kind: 'resolve' }
  /** To the rollout of the release that it names, whoever else spoke of it. */
  | { readonly kind: 'hand-over'; readonly request: ReleaseRequest }
  | { readonly kind: 'start-fleet'; readonly request: FleetRequest }
  /** At what people say, and at the executions of the fleets that are being rolled. */
  | { readonly kind: 'look'; readonly requests: readonly FleetRequest[] }
  | { readonly kind: 'alert'; readonly alert: RolloutAlert }
);

/** A start rests on a survey of at most this age: look again before acting. */
const FRESH_SECONDS = 300;
/** The next release is worth another hint. */
const HINT_PATIENCE_SECONDS = 86_400;
/** While nothing is done, the fleets are looked at this often; the parameter at each look, for a newer release supersedes this one. */
const SURVEY_SECONDS = 21_600;

/** The next move, from what is known. Pure. */
export function decide(memory: ReleaseMemory): ReleaseMove | Wait | Finish<ReleaseResult> {
  if (isHint(memory.request)) return decideHint(memory);
  const { survey } = memory;
  const plan = planFor(memory);
  const ending = endingOf(memory, plan);
  if (ending) return end(memory, ending);
  const retry = backOff(memory);
  if (retry) return retry;
  if (survey === undefined || plan === undefined) {
    return { kind: 'survey', because: 'what is recommended, and what runs, must be known first' };
  }
  const alert = alertDue(memory, plan);
  if (alert) return tell(alert);
  const running = runningOf(memory);
  if (memory.atMs >= lookDueMs(memory)) {
    const because =
      running.length === 0 ? 'somebody may have said something' : `${running.length} of its fleets are being rolled`;
    return { kind: 'look', requests: running, because };
  }
  const ready = isPaused(memory.control) ? [] : readyOf(memory, plan);
  if (ready.length > 0) {
    if (memory.atMs - survey.atMs > FRESH_SECONDS * 1000)
      return { kind: 'survey', because: 'look again before acting' };
    const [fleet] = ready as [PlannedFleet];
    return { kind: 'start-fleet', request: requestFor(memory, plan, fleet), because: becauseStarting(memory, fleet) };
  }
  if (running.length === 0) {
    const { namedImageId = plan.target.imageId } = memory;
    if (namedImageId !== plan.target.imageId)
      return { kind: 'survey', because: `its source names ${namedImageId} now` };
    if (memory.atMs - survey.atMs >= SURVEY_SECONDS * 1000 || isOutdated(memory, plan))
      return { kind: 'survey', because: 'a fleet may have changed' };
  }
  return wait(memory, plan);
}

/**
 * A hint is not a release: a message that names none, or a parameter that was written. All that speak of one release lead to
 * one rollout of it, so that what was rejected stays rejected, and two never work on one fleet at once.
 */
function decideHint(memory: ReleaseMemory): ReleaseMove | Wait | Finish<ReleaseResult> {
  const { resolved, request } = memory;
  const done = (outcome: ReleaseOutcome, because: string, version?: string): Finish<ReleaseResult> => {
    return { kind: 'finish', because, outcome: { source: request.source, version, outcome, because, fleets: [] } };
  };
  const why = failingFor(memory, HINT_PATIENCE_SECONDS);
  if (why !== undefined) return done('failed', `It is given up: ${why}.`);
  const retry = backOff(memory);
  if (retry) return retry;
  if (resolved === undefined) return { kind: 'resolve', because: 'what does its source name?' };
  if ('because' in resolved) return done('ignored', resolved.because);
  const release = releaseOf(request, resolved);
  const because = `its source names ${resolved.version}, whose rollout is ${executionName(release)}`;
  if (memory.isHandedOver) return done('handed-over', because, resolved.version);
  return { kind: 'hand-over', request: release, because };
}

/** The same after a crash: made of what is remembered, not of the clock. */
function requestFor({ request, atMs }: ReleaseMemory, { target }: Plan, { id }: PlannedFleet): FleetRequest {
  return {
    kind: 'fleet',
    fleet: id,
    source: target.source,
    imageId: target.imageId,
    version: target.version,
    noticedAt: new Date(atMs).toISOString(),
    release: executionName(request),
  };
}

function becauseStarting({ control }: ReleaseMemory, { policy }: PlannedFleet): string {
  const by = policy.mode === 'approve' || isApproved(control) ? `${control?.by} approved it` : 'its tag says auto';
  return policy.window === undefined ? by : `${by}, and its window is open`;
}

function end(memory: ReleaseMemory, { outcome, because, alert }: Ending): ReleaseMove | Finish<ReleaseResult> {
  const last = closing(memory, releaseSpeaker(memory), { ...(alert && { alert }), because });
  if (last) return tell(last);
  const { source } = memory.request;
  const fleets = Object.values(memory.started).flatMap(({ end: ended }) => (ended ? [ended] : []));
  return {
    kind: 'finish',
    because,
    outcome: { source, version: memory.survey?.target?.version, outcome, because, fleets },
  };
}

function tell(alert: RolloutAlert): ReleaseMove {
  return { kind: 'alert', alert, because: alert.because };
}

/** The first at once: somebody may have spoken before it began. */
function lookDueMs(memory: ReleaseMemory): number {
  const { lookedAtMs, atMs } = memory;
  return lookedAtMs === undefined ? atMs : lookedAtMs + pollSeconds(memory) * 1000;
}

/** Until the next look, or until a fleet's time has come. */
function wait(memory: ReleaseMemory, plan: Plan): Wait {
  const { atMs } = memory;
  const starts = isPaused(memory.control)
    ? []
    : waitingOf(memory, plan)
        .filter((fleet) => isItsTurn(memory, plan, fleet))
        .flatMap((fleet) => startsAtMs(memory, plan.target, fleet.policy) ?? []);
  const untilMs = Math.min(lookDueMs(memory), ...starts.filter((ms) => ms > atMs));
  return waitUntil(atMs, untilMs, 'nothing to do before');
}
