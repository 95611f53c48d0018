import type { Drain, PastDrain } from '../src/operator/status.ts';
import type { Line } from './lines.ts';
import { plain } from './lines.ts';
import type { Answer } from './operate.ts';
import { table } from './table.ts';
import { wrap } from './text.ts';
import { clockTime, span } from './time.ts';

/** What one region tells of its drains. */
export interface RegionStatus {
  readonly atMs: number;
  /** What it says, in a sentence. */
  readonly switch: string;
  /** Of the function; undefined where none was published. */
  readonly newestVersion: string | undefined;
  readonly running: {
    readonly drains: readonly Drain[];
    /** Under way as well, and not looked into. */
    readonly others: number;
    /** There are yet others, which were not even listed. */
    readonly more: boolean;
  };
  readonly ended: { readonly drains: readonly PastDrain[]; readonly others: number };
}

type Regions = readonly Answer<RegionStatus>[];
type In<T> = T & { readonly region: string; readonly atMs: number; readonly newestVersion: string | undefined };

/** The whole answer of `ecs-drain status`. */
export function renderStatus(regions: Regions, sinceSeconds: number): Line[] {
  const ended = of(regions, ({ ended }) => ended.drains);
  const others = sum(regions, ({ ended }) => ended.others);
  return [
    ...renderSwitches(regions),
    ...renderRunning(regions),
    ...renderEnded(regions, ended, others, sinceSeconds),
    ...renderProblems(regions),
  ];
}

export function renderSwitches(regions: Regions): Line[] {
  return regions.flatMap((region) =>
    region.ok ? plain(wrap(`${region.region}, ${time(region.value)}: ${region.value.switch}`, '  ')) : [],
  );
}

function time({ atMs }: RegionStatus): string {
  return new Date(atMs).toISOString().replace('T', ' ').slice(0, 19).concat('Z');
}

/** A drain that the function's newest version would not make any more. */
const isOld = ({ version, newestVersion }: In<Drain>): boolean =>
  newestVersion !== undefined && version !== newestVersion;

export function renderRunning(regions: Regions): Line[] {
  const drains = of(regions, ({ running }) => running.drains);
  const others = sum(regions, ({ running }) => running.others);
  const isMore = regions.some((region) => region.ok && region.value.running.more);
  if (drains.length === 0) return regions.some(({ ok }) => ok) ? [{ text: 'Nothing drains.', tone: 'strong' }] : [];

  const hasRegions = regions.length > 1;
  const rows = drains.map((drain) => [
    ...(hasRegions ? [drain.region] : []),
    drain.instanceId,
    // Beside the region there is no room for it; it is told below as well.
    ...(hasRegions ? [] : [drain.group ?? '?']),
    drain.phase,
    span(drain.atMs - drain.sinceMs),
    String(drain.tasksLeft ?? '?'),
    drain.deadlineMs === undefined ? '?' : until(drain.deadlineMs, drain.atMs),
  ]);
  const first = hasRegions ? ['region', 'instance'] : ['instance', 'group'];
  const head = [...first, 'phase', 'for', 'tasks', 'deadline'];
  const count = `${isMore ? 'At least ' : ''}${drains.length + others}`;
  return [
    { text: `${count} ${drains.length + others === 1 && !isMore ? 'drain' : 'drains'} under way`, tone: 'strong' },
    ...plain(table(head, rows).split('\n')),
    ...drains.flatMap(renderWhy),
    ...(others > 0 ? [{ text: `and ${others} more, not looked into: fewer than these last longer` } as Line] : []),
  ];
}

function until(deadlineMs: number, nowMs: number): string {
  return deadlineMs <= nowMs ? 'now' : `in ${span(deadlineMs - nowMs)}`;
}

function renderWhy(drain: In<Drain>): Line[] {
  const { instanceId, group, cluster, wanted, waitsFor, because } = drain;
  const where = [group && `group ${group}`, cluster && `cluster ${cluster}`].filter(Boolean).join(', ');
  const version = isOld(drain) ? ` Function version ${drain.version}, not the newest.` : '';
  return [
    ...plain(wrap(`${instanceId}: ${where && `${where}; `}${wanted}. ${waitsFor}${version}`, '  ')),
    ...because.flatMap((reason) => plain(wrap(`  ${reason}`, '    '), 'warn')),
  ];
}

function renderEnded(regions: Regions, drains: readonly In<PastDrain>[], others: number, sinceSeconds: number): Line[] {
  if (!regions.some(({ ok }) => ok)) return [];
  const lately = `in the last ${span(sinceSeconds * 1000)}`;
  if (drains.length === 0) return plain(['', `No drain has ended ${lately}.`]);
  const hasRegions = regions.length > 1;
  const rows = drains.map((drain) => [
    ...(hasRegions ? [drain.region] : []),
    drain.instanceId,
    drain.group ?? drain.cluster ?? '?',
    drain.outcome,
    clockTime(drain.endedAtMs, drain.atMs),
  ]);
  const head = [...(hasRegions ? ['region'] : []), 'instance', 'group', 'outcome', 'ended'];
  return [
    { text: '' },
    { text: `${drains.length + others} ended ${lately}`, tone: 'strong' },
    ...plain(table(head, rows).split('\n')),
    ...drains.filter(({ outcome }) => outcome !== 'drained').flatMap(renderOutcome),
    ...(others > 0 ? [{ text: `and ${others} before these: --all-outcomes shows them` } as Line] : []),
  ];
}

/** What became of one, where it is worth a word. */
export function renderOutcome({ instanceId, outcome, because }: PastDrain): Line[] {
  return plain(wrap(`${instanceId} ${outcome}: ${because}`, '  '), toneOf(outcome));
}

function toneOf(outcome: string): NonNullable<Line['tone']> {
  if (outcome === 'drained') return 'good';
  return ['forced', 'abandoned', 'failed', '?'].includes(outcome) ? 'bad' : 'warn';
}

export function renderProblems(regions: readonly Answer<unknown>[]): Line[] {
  return regions.flatMap((region) =>
    region.ok ? [] : plain(wrap(`${region.region}: ${region.problem}`, '  '), 'bad'),
  );
}

/** Each drain with its region, region by region. */
function of<T extends object>(regions: Regions, drains: (status: RegionStatus) => readonly T[]): In<T>[] {
  return regions.flatMap((region) => {
    if (!region.ok) return [];
    const { atMs, newestVersion } = region.value;
    return drains(region.value).map((drain) => ({ ...drain, region: region.region, atMs, newestVersion }));
  });
}

function sum(regions: Regions, count: (status: RegionStatus) => number): number {
  return regions.reduce((all, region) => all + (region.ok ? count(region.value) : 0), 0);
}

/** The same as one document; times are ISO 8601. */
export function statusDocument(regions: Regions): object {
  const iso = (ms: number): string => new Date(ms).toISOString();
  return {
    schema: 1,
    regions: regions.map((answer) => {
      if (!answer.ok) return { region: answer.region, problem: answer.problem };
      const { running, ended, atMs, newestVersion, switch: says } = answer.value;
      return {
        region: answer.region,
        // AWS tells its time in whole seconds.
        at: iso(Math.floor(atMs / 1000) * 1000),
        switch: says,
        newestVersion,
        running: running.drains.map(({ sinceMs, deadlineMs, ...drain }) => ({
          ...drain,
          since: iso(sinceMs),
          ...(deadlineMs === undefined ? {} : { deadline: iso(deadlineMs) }),
        })),
        notLookedInto: running.others,
        notListed: running.more,
        ended: ended.drains.map(({ endedAtMs, ...drain }) => ({ ...drain, ended: iso(endedAtMs) })),
        endedBefore: ended.others,
      };
    }),
  };
}
