import type { FleetStatus, ReleaseStatus } from '../src/operator/rollout-status.ts';
import type { Waits } from '../src/operator/rollout-waits.ts';
import type { Place } from '../src/place.ts';
import { placeOptions } from '../src/place.ts';
import { isPaused } from '../src/rollout/control.ts';
import type { Line } from './lines.ts';
import { plain } from './lines.ts';
import type { Answer } from './operate.ts';
import { moment, waitWords } from './rollout-words.ts';
import { renderProblems } from './status-view.ts';
import { commandLines, count, wrap } from './text.ts';
import { clockTime, span } from './time.ts';

/** What one region tells of its rollouts. */
export interface RolloutsShown {
  /** The stack's name: what is to be copied works in another shell as well. */
  readonly stack: string;
  readonly atMs: number;
  readonly releases: readonly ReleaseStatus[];
  readonly unread: number;
}

/** Of a region that is watched, when nothing is under way. */
const NOTHING = 'Nothing is rolled out.';

type Regions = readonly Answer<RolloutsShown>[];

/**
 * Each verified image starts a rollout for those who follow it. Where nobody does, that is of interest to nobody: it is in
 * the document alone.
 */
const isNoise = ({ source, by, state }: ReleaseStatus): boolean =>
  source.startsWith('/') && by === undefined && state === 'nothing-to-do';

const isRunning = ({ state }: ReleaseStatus): boolean => state === 'running';

/** The whole answer of `ecs-drain rollout status`. Pure. */
export function renderRollouts(regions: Regions, sinceSeconds: number): Line[] {
  return [
    ...regions.flatMap((region) => (region.ok ? renderRegion(region.region, region.value, sinceSeconds) : [])),
    ...renderProblems(regions),
  ];
}

function renderRegion(region: string, shown: RolloutsShown, sinceSeconds: number): Line[] {
  const { atMs, releases, unread, stack } = shown;
  const seen = { region, stack, atMs };
  const running = releases.filter(isRunning);
  const ended = releases.filter((release) => !isRunning(release) && !isNoise(release));
  const unshown = releases.filter(isNoise).length;
  const lately = `in the last ${span(sinceSeconds * 1000)}`;
  return [
    { text: `${region}, ${moment(atMs)}: ${count(running.length, 'rollout')} under way`, tone: 'strong' },
    ...running.flatMap((release) => renderRelease(release, seen)),
    { text: `${region}: ${ended.length === 0 ? 'none' : ended.length} ended ${lately}`, tone: 'strong' },
    ...ended.flatMap((release) => renderRelease(release, seen)),
    ...(unshown > 0
      ? plain(wrap(`${region}: ${count(unshown, 'verified image')} that nobody follows (--json)`, '  '), 'quiet')
      : []),
    ...(unread > 0 ? plain(wrap(`${region}: ${unread} older executions were not looked into`, '  ')) : []),
  ];
}

/** One release and its fleets. */
function renderRelease(release: ReleaseStatus, { atMs, ...place }: Place & { readonly atMs: number }): Line[] {
  const { name, source, version, state, startedAtMs, endedAtMs, because, by, ordered, record, isWhole } = release;
  const when = endedAtMs === undefined ? `for ${span(atMs - startedAtMs)}` : `at ${moment(endedAtMs)}`;
  const what = `${source} ${version ?? '(whatever it names)'}`;
  return [
    ...plain(wrap(`  ${name}`, '    '), 'strong'),
    ...plain(wrap(`    ${what}: ${state} ${when}`, '      '), toneOf(state)),
    ...(because === '' ? [] : plain(wrap(`    ${because}`, '      '))),
    ...(by === undefined ? [] : plain(wrap(`    ordered by ${by}${ordered ? `: ${ordered}` : ''}`, '      '))),
    ...(record === undefined ? [] : renderRecord(record)),
    ...release.fleets.flatMap((fleet) => renderFleet(withoutRepeated(fleet, because))),
    ...(state === 'running' && isWhole ? renderNextWord(release, place) : []),
    ...(isWhole
      ? []
      : plain(wrap('    Another version of ecs-drain rolls it: not all of it can be told here.', '      '))),
  ];
}

function renderRecord(record: NonNullable<ReleaseStatus['record']>): Line[] {
  if ('mistake' in record) return plain(wrap(`    its record cannot be read: ${record.mistake}`, '      '), 'bad');
  const { word, by, at, because, approved } = record;
  const still = word !== 'approve' && approved ? ' (approved before)' : '';
  const why = because === '' ? '' : `: ${because}`;
  return plain(wrap(`    ${by} said ${word} at ${moment(Date.parse(at))}${still}${why}`, '      '));
}

/** A release of one fleet that went wrong says why itself: nobody reads it twice. */
function withoutRepeated(fleet: FleetStatus, said: string): FleetStatus {
  return fleet.because !== '' && said.includes(fleet.because) ? { ...fleet, because: '' } : fleet;
}

/** What somebody would say for it to go on, ready to be copied. */
function renderNextWord({ name, fleets, record }: ReleaseStatus, place: Place): Line[] {
  // Where nothing further is begun, a word is for what is in the middle.
  const isOver = fleets.some(({ state }) => state === 'not-begun') && fleets.every(({ state }) => state !== 'running');
  const isHeld = record !== undefined && !('mistake' in record) && isPaused(record) && !isOver;
  const isForApproval = fleets.some(({ waits }) => waits?.waitsFor.includes('approval'));
  const word = isHeld ? 'resume' : isForApproval ? 'approve' : undefined;
  if (word === undefined) return [];
  const command = [`ecs-drain rollout ${word}`, name, ...placeOptions(place)];
  return plain(commandLines(`    To ${word}: `, command, '      '));
}

function renderFleet(fleet: FleetStatus): Line[] {
  return plain(wrap(`    ${fleetSentence(fleet)}`, '      '), toneOf(fleet.state));
}

/** How a fleet stands, in one line. */
export function fleetSentence({ id, wave, state, because, waits, refresh, fresh, old }: FleetStatus): string {
  const of = wave === undefined || !STILL.has(state) ? '' : `wave ${wave}, `;
  const stands = state === 'not-begun' ? 'not begun any more' : state;
  const words = [
    ...(waits === undefined ? [] : [isNext(waits) ? 'it begins at the next look' : waitWords(waits)]),
    ...(refresh === undefined ? [] : [`refresh ${refresh.status} at ${refresh.percent} %`]),
    ...(fresh === undefined || old === undefined ? [] : [`${fresh} on the new image, ${old} on the old`]),
    ...(because === '' ? [] : [because]),
  ];
  return `${id}: ${of}${stands}${words.length === 0 ? '' : `: ${words.join('; ')}`}`;
}

/** Not over: the wave matters. */
const STILL: ReadonlySet<string> = new Set(['told', 'waiting', 'not-begun', 'running']);

const isNext = ({ isOnlyTold, waitsFor }: Waits): boolean => !isOnlyTold && waitsFor.length === 0;

/** Outcomes that nobody need look at. */
const FINE: ReadonlySet<string> = new Set(['rolled', 'up-to-date', 'notified', 'nothing-to-do', 'superseded']);
const BAD: ReadonlySet<string> = new Set(['stopped', 'failed', 'mixed', 'rolled-back', 'blocked', '?']);

export function isFine(state: string): boolean {
  return FINE.has(state);
}

function toneOf(state: string): NonNullable<Line['tone']> {
  if (FINE.has(state)) return 'good';
  return BAD.has(state) ? 'bad' : 'quiet';
}

/** The rollouts that run, for a terminal that is written anew; and what has ended since. */
export function renderFrame(regions: Regions): Line[] {
  return [
    ...regions.flatMap((region): Line[] => {
      if (!region.ok) return [];
      const seen = { region: region.region, ...region.value };
      const releases = seen.releases.filter((release) => !isNoise(release));
      return [
        { text: `${seen.region} ${clockTime(seen.atMs, seen.atMs)}`, tone: 'strong' },
        ...(releases.length === 0 ? [{ text: NOTHING }] : []),
        ...releases.flatMap((release) => renderRelease(release, seen)),
      ];
    }),
    ...renderProblems(regions),
  ];
}

/** What is new since the look before, for a pipe. */
export function renderNews(regions: Regions, before: Regions | undefined): Line[] {
  return regions.flatMap((region, i) => {
    const old = before?.[i];
    if (!region.ok) return old?.ok === false && old.problem === region.problem ? [] : renderProblems([region]);
    const { atMs } = region.value;
    const releases = region.value.releases.filter((release) => !isNoise(release));
    const prefix = `${clockTime(atMs, atMs)} ${regions.length > 1 ? `${region.region} ` : ''}`;
    const said = new Set(old?.ok ? old.value.releases.flatMap(sentences) : []);
    const nothing = before === undefined && releases.length === 0 ? [`${prefix}${NOTHING}`] : [];
    const news = releases.flatMap(sentences).filter((sentence) => !said.has(sentence));
    return plain([...nothing, ...news.flatMap((sentence) => wrap(`${prefix}${sentence}`, '  '))]);
  });
}

function sentences({ name, state, because, record, fleets }: ReleaseStatus): string[] {
  const word = record !== undefined && 'word' in record ? `, ${record.by} said ${record.word}` : '';
  return [
    `${name} ${state}${word}${because === '' ? '' : `: ${because}`}`,
    ...fleets.map((fleet) => fleetSentence(fleet)),
  ];
}

/** The same as one document; times are ISO 8601. */
export function rolloutsDocument(regions: Regions): object {
  const iso = (ms: number): string => new Date(ms).toISOString();
  const time = (name: string, ms: number | undefined) => (ms === undefined ? {} : { [name]: iso(ms) });
  return {
    schema: 1,
    command: 'rollout status',
    regions: regions.map((answer) => {
      if (!answer.ok) return { region: answer.region, ok: false, problem: answer.problem };
      const { atMs, releases, unread } = answer.value;
      return {
        region: answer.region,
        ok: true,
        // AWS tells its time in whole seconds.
        at: iso(Math.floor(atMs / 1000) * 1000),
        releases: releases.map(({ startedAtMs, endedAtMs, looksAgainAtMs, fleets, ...release }) => ({
          ...release,
          started: iso(startedAtMs),
          ...time('ended', endedAtMs),
          ...time('looksAgain', looksAgainAtMs),
          fleets: fleets.map(({ waits, ...fleet }) => {
            if (waits === undefined) return fleet;
            const { startsAtMs, ...others } = waits;
            return { ...fleet, waits: { ...others, ...time('starts', startsAtMs) } };
          }),
        })),
        unread,
      };
    }),
  };
}
