import { readExecution } from '../src/aws/executions.ts';
import type { Execution } from '../src/operator/executions.ts';
import type { Drain, PastDrain } from '../src/operator/status.ts';
import { pastDrain } from '../src/operator/status.ts';
import type { DrainReader } from './drains.ts';
import type { Line } from './lines.ts';
import { plain } from './lines.ts';
import type { Answer, Here } from './operate.ts';
import { askOn, CallFailed, need } from './operate.ts';
import { renderOutcome, renderProblems } from './status-view.ts';
import { wrap } from './text.ts';
import { clockTime, span } from './time.ts';
import type { How } from './watch.ts';
import { patient, watch } from './watch.ts';

export interface Watched {
  readonly here: Here;
  readonly reader: DrainReader;
  /** The executions of these names alone, started after; otherwise whatever drains. */
  readonly only?: { readonly names: readonly string[]; readonly startedAfterMs: number };
}

/** One region at one look. */
export interface Shot {
  readonly atMs: number;
  readonly drains: readonly Drain[];
  readonly others: number;
  /** Those that have ended since the watching began, the earliest first. */
  readonly ended: readonly PastDrain[];
  /** Nothing more will come. */
  readonly isOver: boolean;
}

export type Shots = readonly Answer<Shot>[];

/** Lambda lists an execution at once; one that it does not list after so long will never be there. */
const UNLISTED_MS = 300_000;

/** Shows the drains until none is left, and answers what was seen last. */
export async function watchDrains(regions: readonly Answer<Watched>[], how: How): Promise<Shots> {
  const shooting = await askOn(regions, async (watched) => patient(shooter(watched)));
  return watch<Shots>(
    {
      look: () => askOn(shooting, (shoot) => shoot()),
      frame: renderFrame,
      news: renderNews,
      isOver: (shots) => shots.every((shot) => !shot.ok || shot.value.isOver),
      calls: () => regions.reduce((sum, region) => sum + (region.ok ? region.value.here.aws.calls() : 0), 0),
    },
    how,
  );
}

/** 0 when everything that was watched ended as drained. */
export function exitCodeOfDrains(shots: Shots): number {
  return shots.every((shot) => shot.ok && shot.value.ended.every(({ outcome }) => outcome === 'drained')) ? 0 : 1;
}

function shooter({ here, reader, only }: Watched): () => Promise<Shot> {
  const watched = new Map<string, Execution>();
  const ended = new Map<string, PastDrain>();
  return async () => {
    const listed = only ? await reader.named(only.names, only.startedAfterMs) : (await reader.running()).executions;
    for (const execution of listed) watched.set(execution.arn, execution);
    const isRunning = ({ arn }: Execution): boolean =>
      listed.some((one) => one.arn === arn && one.status === 'RUNNING');
    for (const execution of watched.values()) {
      if (!isRunning(execution) && !ended.has(execution.arn)) ended.set(execution.arn, await readEnd(here, execution));
    }
    const { drains, others } = await reader.lookInto(listed.filter(isRunning));
    const atMs = here.aws.now();
    const unlisted = (only?.names.length ?? 0) - (only ? watched.size : 0);
    if (only && unlisted > 0 && atMs - only.startedAfterMs > UNLISTED_MS) {
      throw new CallFailed(`Lambda does not list ${unlisted} of the executions that were started`);
    }
    return { atMs, drains, others, ended: [...ended.values()], isOver: unlisted <= 0 && drains.length + others === 0 };
  };
}

async function readEnd({ aws }: Here, execution: Execution): Promise<PastDrain> {
  const data = need(await readExecution(aws.lambda, execution.arn));
  return pastDrain({ endedAtMs: aws.now(), ...execution, status: data.status }, data);
}

const BAR = 14;

/** All of it, for a terminal. */
export function renderFrame(shots: Shots): Line[] {
  return [...shots.flatMap((shot) => (shot.ok ? renderShot(shot.region, shot.value) : [])), ...renderProblems(shots)];
}

function renderShot(region: string, { atMs, drains, others, ended }: Shot): Line[] {
  return [
    {
      text: `${region} ${clockTime(atMs, atMs)}: ${drains.length + others} under way, ${ended.length} ended since`,
      tone: 'strong',
    },
    ...drains.flatMap((drain): Line[] => [
      ...plain(
        wrap(`${bar(drain, atMs)} ${drain.instanceId} ${drain.phase}, ${left(drain)}, ${time(drain, atMs)}`, '  '),
      ),
      ...plain(wrap(`  ${drain.because[0] ?? drain.waitsFor}`, '  '), drain.because.length > 0 ? 'warn' : 'quiet'),
    ]),
    ...ended.slice(-10).flatMap(renderOutcome),
  ];
}

function left({ tasksLeft }: Drain): string {
  return tasksLeft === undefined ? 'tasks not counted yet' : `${tasksLeft} task${tasksLeft === 1 ? '' : 's'} left`;
}

function time({ sinceMs, deadlineMs }: Drain, atMs: number): string {
  return deadlineMs === undefined
    ? `for ${span(atMs - sinceMs)}`
    : `${span(atMs - sinceMs)} of ${span(deadlineMs - sinceMs)}`;
}

/** How much of the time until the deadline is over. */
export function bar({ sinceMs, deadlineMs }: Pick<Drain, 'sinceMs' | 'deadlineMs'>, atMs: number): string {
  if (deadlineMs === undefined || deadlineMs <= sinceMs) return `[${'?'.repeat(BAR)}]`;
  const share = Math.min(1, Math.max(0, (atMs - sinceMs) / (deadlineMs - sinceMs)));
  const full = Math.round(share * BAR);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR - full)}]`;
}

/** What is new since the look before, for a pipe. */
export function renderNews(shots: Shots, before: Shots | undefined): Line[] {
  return shots.flatMap((shot, i) => {
    const old = before?.[i];
    if (!shot.ok) return old?.ok === false && old.problem === shot.problem ? [] : renderProblems([shot]);
    const { atMs, drains, ended } = shot.value;
    const said = new Set(old?.ok ? old.value.drains.map(sentence) : []);
    const endedBefore = old?.ok ? old.value.ended.length : 0;
    const prefix = `${clockTime(atMs, atMs)} ${shots.length > 1 ? `${shot.region} ` : ''}`;
    const nothing = before === undefined && drains.length === 0 ? plain([`${prefix}Nothing drains.`]) : [];
    return [
      ...drains
        .filter((drain) => !said.has(sentence(drain)))
        .flatMap((d) => plain(wrap(`${prefix}${sentence(d)}`, '  '))),
      ...ended
        .slice(endedBefore)
        .flatMap((drain) => renderOutcome({ ...drain, instanceId: `${prefix}${drain.instanceId}` })),
      ...nothing,
    ];
  });
}

function sentence({ instanceId, phase, because, waitsFor }: Drain): string {
  return `${instanceId} ${phase}: ${[waitsFor, ...because].join(' ')}`;
}
