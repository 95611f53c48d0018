import { readExecution } from '../src/aws/executions.ts';
import type { Execution } from '../src/operator/executions.ts';
import type { Drain, PastDrain } from '../src/operator/status.ts';
import { pastDrain } from '../src/operator/status.ts';
import type { DrainReader } from './drains.ts';
import type { Line } from './lines.ts';
import { plain } from './lines.ts';
import type { Answer, Here } from './operate.ts';
import { askOn, need } from './operate.ts';
import { renderOutcome, renderProblems } from './status-view.ts';
import { wrap } from './text.ts';
import { clockTime, span } from './time.ts';
import type { Print } from './usage.ts';
import { watch } from './watch.ts';

export interface Watched {
  readonly here: Here;
  readonly reader: DrainReader;
  /** These alone; otherwise whatever drains. */
  readonly only?: readonly string[];
}

/** One region at one look. */
export interface Shot {
  readonly atMs: number;
  readonly drains: readonly Drain[];
  readonly others: number;
  /** Those that have ended since the watching began, the earliest first. */
  readonly ended: readonly PastDrain[];
}

type Shots = readonly Answer<Shot>[];

/** Shows the drains until none is left; answers 0 unless one that was watched has ended otherwise than drained. */
export async function watchDrains(
  regions: readonly Answer<Watched>[],
  { every, print }: { readonly every: number; readonly print: Print },
): Promise<number> {
  const shooting = await askOn(regions, async (watched) => shooter(watched));
  const last = await watch<Shots>(
    {
      look: () => askOn(shooting, (shoot) => shoot()),
      frame: renderFrame,
      news: renderNews,
      // A region that cannot be read now may be the next time; one that never could is no reason to wait.
      isOver: (shots) => shots.every((shot) => (shot.ok ? shot.value.drains.length === 0 : true)),
      calls: (shots) => shots.reduce((sum, shot) => sum + (shot.ok ? 20 + shot.value.drains.length : 1), 0),
    },
    every,
    print,
  );
  const isWell = ({ outcome }: PastDrain): boolean => outcome === 'drained';
  return last.every((shot) => shot.ok && shot.value.ended.every(isWell)) ? 0 : 1;
}

function shooter({ here, reader, only }: Watched): () => Promise<Shot> {
  const watched = new Map<string, Execution>();
  const ended: PastDrain[] = [];
  return async () => {
    const { executions } = await reader.running();
    const wanted = executions.filter(({ name }) => only === undefined || only.includes(name));
    const { drains, others } = await reader.lookInto(wanted);
    for (const execution of wanted) watched.set(execution.arn, execution);
    for (const execution of [...watched.values()]) {
      if (wanted.some(({ arn }) => arn === execution.arn)) continue;
      const data = need(await readExecution(here.aws.lambda, execution.arn));
      ended.push(pastDrain({ ...execution, status: data.status, endedAtMs: here.aws.now() }, data));
      watched.delete(execution.arn);
    }
    return { atMs: here.aws.now(), drains, others, ended: [...ended] };
  };
}

const BAR = 20;

function renderFrame(shots: Shots): Line[] {
  return [...shots.flatMap((shot) => (shot.ok ? renderShot(shot.region, shot.value) : [])), ...renderProblems(shots)];
}

function renderShot(region: string, { atMs, drains, others, ended }: Shot): Line[] {
  return [
    {
      text: `${region} ${clockTime(atMs, atMs)}: ${drains.length + others} under way, ${ended.length} ended since`,
      tone: 'strong',
    },
    ...drains.flatMap((drain): Line[] => [
      { text: `${bar(drain, atMs)} ${drain.instanceId} ${drain.phase}, ${left(drain)}, ${time(drain, atMs)}` },
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

function renderNews(shots: Shots, before: Shots | undefined): Line[] {
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
