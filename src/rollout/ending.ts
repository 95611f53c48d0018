import { concernsAnybody, endAlert, isAnnounced } from './announce.ts';
import { endedBy } from './control.ts';
import { failingFor } from './course.ts';
import { newer } from './family.ts';
import type { Target } from './fleet.ts';
import type { ReleaseMemory } from './memory.ts';
import { leftOutWords } from './opted-in.ts';
import type { LeftAlone, Plan } from './plan.ts';
import type { FleetResult } from './request.ts';
import type { RolloutAlert } from './telling.ts';
import { sentence } from './telling.ts';
import { droppedOf, failedOf, isOutdated, isSuperseded, runningOf, waitingOf } from './waves.ts';

export type ReleaseOutcome =
  | 'rolled'
  /** Every fleet that it concerns only wants to be told. */
  | 'notified'
  | 'nothing-to-do'
  | 'stopped'
  | 'rejected'
  | 'cancelled'
  | 'superseded'
  | 'expired'
  | 'ignored'
  /** It was a hint, and there is a rollout of what it led to. */
  | 'handed-over'
  | 'failed';

/** The release's execution's result, and what `rollout status` shows of one that has ended. */
export interface ReleaseResult {
  readonly source: string;
  readonly version: string | undefined;
  readonly outcome: ReleaseOutcome;
  readonly because: string;
  readonly fleets: readonly FleetResult[];
}

export interface Ending {
  readonly outcome: ReleaseOutcome;
  readonly because: string;
  readonly alert?: RolloutAlert;
}

/** Nobody answered, no window came: after so long it is over, and somebody hears of it. */
const LONGEST_SECONDS = 14 * 86_400;
/** A fleet begun on the last day takes as long again, and then it has ended, though nobody could read how. */
const LONGEST_RUNNING_SECONDS = 2 * LONGEST_SECONDS + 86_400;
/** What fails while fleets wait is tried over a weekend: people were told after an hour. */
const LONG_PATIENCE_SECONDS = 3 * 86_400;
const MOST_NAMED = 3;
/** So long what cannot be read is tried again, before there is anything to wait for. */
const PATIENCE_SECONDS = 86_400;

/** How the release's rollout has ended, or undefined while there is something to do or to wait for. Pure. */
export function endingOf(memory: ReleaseMemory, plan: Plan | undefined): Ending | undefined {
  const { survey, announced, withdrawn, atMs, request, control, blind } = memory;
  if (survey === undefined) {
    const waitedMs = atMs - Date.parse(request.noticedAt);
    if (blind === undefined || waitedMs < PATIENCE_SECONDS * 1000) return undefined;
    const { operation, message } = blind.failure;
    return ended(memory, 'failed', `For a day ${operation} has answered "${message}": nothing was planned.`);
  }
  if (plan === undefined) return { outcome: 'ignored', because: survey.because ?? 'its source names no image' };
  // What is being rolled is looked after to its end, whatever else is said.
  const running = runningOf(memory);
  if (running.length > 0) {
    if (atMs < Date.parse(request.noticedAt) + LONGEST_RUNNING_SECONDS * 1000) return undefined;
    const names = running.map(({ fleet }) => fleet).join(', ');
    return ended(memory, 'stopped', `For ${LONGEST_RUNNING_SECONDS / 86_400} days there is no end of: ${names}.`);
  }

  const word = endedBy(control);
  if (word) return ended(memory, control?.word === 'reject' ? 'rejected' : 'cancelled', sentence(word));
  const failed = failedOf(memory);
  if (failed.length > 0) return stopped(memory, plan, failed);
  if (isSuperseded(memory, plan)) {
    if (withdrawn === undefined && announced !== undefined && !isFollowed(announced, plan.target)) {
      const because = `Its source went from ${announced.version} (${announced.imageId}) to ${plan.target.version} (${plan.target.imageId}), which is no newer release: there may be something wrong with the first, and nothing is rolled out by itself.`;
      return ended(memory, 'stopped', because);
    }
    const now = withdrawn ?? `it names ${plan.target.version} (${plan.target.imageId}) now`;
    const because = `Its source has changed: ${now}. ${announced?.version} is not rolled out any further.`;
    return ended(memory, 'superseded', because);
  }
  if (waitingOf(memory, plan).length > 0 || isOutdated(memory, plan)) {
    const why = failingFor(memory, LONG_PATIENCE_SECONDS);
    if (why !== undefined) return ended(memory, 'failed', `It does not get on, and is given up: ${why}.`);
    if (atMs < Date.parse(request.noticedAt) + LONGEST_SECONDS * 1000) return undefined;
    return ended(
      memory,
      'expired',
      'For 14 days nobody approved it, or no window came: what has not begun is not rolled out.',
    );
  }
  return settled(memory, plan);
}

/** What its source names now has a rollout of its own: it is another release and no older one, or its parameter was written. */
function isFollowed(announced: Target, now: Target): boolean {
  const isAnother = now.version !== announced.version && !newer(announced.version, now.version);
  return now.source.startsWith('/') || isAnother;
}

/** What each fleet came to was told by itself: here, only what is held back by it. */
function stopped(memory: ReleaseMemory, plan: Plan, failed: readonly FleetResult[]): Ending {
  const [first] = failed as [FleetResult];
  const why = sentence(`${first.fleet}: ${first.because}`);
  if (failed.every(({ outcome }) => outcome === 'superseded')) return ended(memory, 'superseded', why);
  const others = waitingOf(memory, plan).length;
  if (others === 0 && !failed.some(({ isUntold }) => isUntold)) return { outcome: 'stopped', because: why };
  const held = others === 0 ? '' : ` ${others} further ${others === 1 ? 'fleet is' : 'fleets are'} not begun.`;
  return ended(memory, 'stopped', `${why}${held}`);
}

function settled(memory: ReleaseMemory, plan: Plan): Ending | undefined {
  const count = Object.keys(memory.started).length;
  const dropped = droppedOf(memory, plan);
  if (dropped.length > 0) {
    const rolled =
      count === 0 ? [] : [`${count === 1 ? 'One fleet runs' : `${count} fleets run`} ${plan.target.version}.`];
    return ended(memory, 'stopped', [...droppedWords(dropped), ...rolled].join(' '));
  }
  if (count > 0) {
    const leftOut = memory.survey?.leftOut ?? 0;
    // Whoever reads that all of them run it would take these for done as well.
    const others = leftOut === 0 ? '' : ` ${leftOutWords(leftOut)}`;
    const who = count === 1 ? 'One fleet runs' : `${others === '' ? 'All ' : ''}${count} fleets run`;
    return ended(memory, 'rolled', `${who} ${plan.target.version}, verified.${others}`);
  }
  // The announcement has said all of it, once it went out.
  if (plan.fleets.length > 0) {
    return isAnnounced(memory)
      ? { outcome: 'notified', because: 'Its fleets want to be told only, and their people were.' }
      : undefined;
  }
  if (concernsAnybody(memory, plan) && !isAnnounced(memory)) return undefined;
  return { outcome: 'nothing-to-do', because: 'No fleet that opted in would change.' };
}

function droppedWords(dropped: readonly LeftAlone[]): string[] {
  const named = dropped
    .slice(0, MOST_NAMED)
    .map(({ id, because }) => sentence(`${id} was to be rolled, and is left alone: ${because}`));
  const more = dropped.length - named.length;
  if (more === 0) return named;
  return [...named, `${more} more ${more === 1 ? 'is' : 'are'} left alone as well (ecs-drain rollout plan).`];
}

function ended(memory: ReleaseMemory, outcome: ReleaseOutcome, because: string): Ending {
  return { outcome, because, alert: endAlert(memory, outcome, because) };
}
