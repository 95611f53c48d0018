import { autoScalingPort } from '../src/aws/auto-scaling.ts';
import { ecsPort } from '../src/aws/ecs.ts';
import { readExecution } from '../src/aws/executions.ts';
import { groups } from '../src/aws/groups.ts';
import { taskTimes } from '../src/aws/tasks.ts';
import { deadlineMs } from '../src/drain/times.ts';
import { recall } from '../src/operator/recall.ts';
import type { Observed, Stage, TaskTimes } from '../src/operator/rehearsal.ts';
import { heldBy, stagesOf, verdictOf } from '../src/operator/rehearsal.ts';
import { pastDrain } from '../src/operator/status.ts';
import type { DrainReader } from './drains.ts';
import { drainReader } from './drains.ts';
import type { Line } from './lines.ts';
import { plain } from './lines.ts';
import type { Here } from './operate.ts';
import { need } from './operate.ts';
import type { Chosen } from './rehearse.ts';
import { table } from './table.ts';
import { wrap } from './text.ts';
import { clockTime } from './time.ts';
import type { How } from './watch.ts';
import { patient, watch } from './watch.ts';

export interface Rehearsal {
  readonly here: Here;
  readonly group: string;
  readonly chosen: Chosen;
  /** In service before. */
  readonly before: readonly string[];
  readonly askedAtMs: number;
}

/** A hook tells us within seconds; after so long without an execution it will not any more. */
const NO_NOTICE_MS = 300_000;
/** After its deadline a drain needs a moment to end; a replacement takes longer to boot. */
const AFTERWARDS_MS = 600_000;
/** Clocks of services differ a little. */
const MARGIN_MS = 60_000;

/** Watches the instance until it is gone and replaced, or nothing more is to be expected. */
export function watchRehearsal(rehearsal: Rehearsal, how: How): Promise<Observed> {
  const reader = drainReader(rehearsal.here);
  const { instanceId } = rehearsal.chosen;
  let observed: Observed = { instanceId, askedAtMs: rehearsal.askedAtMs, tasks: [] };
  const { aws } = rehearsal.here;
  return watch<Observed>(
    {
      look: patient(async () => {
        observed = await observe(rehearsal, reader, observed);
        return observed;
      }),
      frame: (state) => renderStages(stagesOf(state), aws.now()),
      news: (state, before) => renderNews(stagesOf(state), before ? stagesOf(before) : [], aws.now()),
      isOver: (state) => aws.now() >= overMs(state),
      calls: () => aws.calls(),
    },
    how,
  );
}

/** When there is nothing more to wait for. */
function overMs({ askedAtMs, execution, memory, end, goneAtMs, replacement }: Observed): number {
  if (execution === undefined || memory === undefined) return askedAtMs + NO_NOTICE_MS;
  if (memory.released === undefined) return end ? 0 : deadlineMs(memory) + AFTERWARDS_MS;
  return end && goneAtMs && replacement ? 0 : memory.released.atMs + AFTERWARDS_MS;
}

async function observe(rehearsal: Rehearsal, reader: DrainReader, before: Observed): Promise<Observed> {
  const { here, group, chosen } = rehearsal;
  const { aws } = here;
  const { instanceId } = chosen;
  const instance = need(await autoScalingPort(aws.autoScaling).describeInstance(instanceId));
  const goneAtMs = before.goneAtMs ?? (instance === undefined ? aws.now() : undefined);
  const replacement = before.replacement ?? (await findReplacement(rehearsal, group));
  const tasks = await observeTasks(here, chosen, before.tasks);
  const drain = await observeDrain(here, reader, before);
  return {
    ...before,
    ...(goneAtMs === undefined ? {} : { goneAtMs }),
    ...(replacement === undefined ? {} : { replacement }),
    tasks,
    ...drain,
  };
}

async function findReplacement({ here, before }: Rehearsal, group: string): Promise<Observed['replacement']> {
  const [now] = need(await groups(here.aws.autoScaling, [group]));
  const found = now?.instances.find(({ id, state }) => state === 'InService' && !before.includes(id));
  return found && { instanceId: found.id, atMs: here.aws.now() };
}

/** Tasks that are on it, and those that were: ECS knows a stopped task for an hour. */
async function observeTasks(
  { aws }: Here,
  { placement: { cluster, arn } }: Chosen,
  before: readonly TaskTimes[],
): Promise<readonly TaskTimes[]> {
  const ecs = ecsPort(aws.ecs);
  const listed: string[] = [];
  for (const desired of ['RUNNING', 'STOPPED'] as const) {
    const ids = await ecs.listTasks(cluster, arn, desired);
    // Once the instance is gone, ECS may not know it any more: what was seen of its tasks stays.
    listed.push(...(ids.ok ? ids.value : []));
  }
  const ids = [...new Set([...before.map(({ id }) => id), ...listed])];
  const open = ids.filter((id) => before.find((task) => task.id === id)?.stoppedAtMs === undefined);
  const now = open.length === 0 ? [] : need(await taskTimes(aws.ecs, cluster, open));
  return ids.map((id) => now.find((task) => task.id === id) ?? before.find((task) => task.id === id) ?? { id });
}

async function observeDrain(here: Here, reader: DrainReader, before: Observed): Promise<Partial<Observed>> {
  const { instanceId, askedAtMs, end } = before;
  if (end) return {};
  const execution = before.execution ?? (await reader.startedFor(instanceId, askedAtMs - MARGIN_MS))[0];
  if (execution === undefined) return {};
  // In this order: an end that comes between the two is seen the next time, with all that led to it.
  const data = need(await readExecution(here.aws.lambda, execution.arn));
  const history = await reader.history(execution);
  const { memory } = recall(history);
  if (memory?.request.kind !== 'terminating') return {};
  const held = heldBy(history.answers);
  return {
    execution,
    memory,
    ...(held ? { held } : {}),
    ...(data.status === 'RUNNING' ? {} : { end: pastDrain({ ...execution, status: data.status }, data) }),
  };
}

function renderStages(stages: readonly Stage[], nowMs: number): Line[] {
  const rows = stages.map(({ stage, atMs, proof }) => [
    stage,
    atMs === undefined ? '-' : clockTime(atMs, nowMs),
    proof,
  ]);
  return plain(table(['stage', 'at', 'proof'], rows).split('\n'));
}

function renderNews(stages: readonly Stage[], before: readonly Stage[], nowMs: number): Line[] {
  return stages.flatMap(({ stage, atMs }, i) =>
    atMs === undefined || before[i]?.atMs !== undefined ? [] : plain(wrap(`${clockTime(atMs, nowMs)} ${stage}`, '  ')),
  );
}

/** The table of stages, and what they prove. */
export function renderEvidence(observed: Observed): Line[] {
  const { proven, says } = verdictOf(observed);
  return [
    { text: '' },
    ...renderStages(stagesOf(observed), observed.askedAtMs),
    ...(observed.execution ? [{ text: `execution: ${observed.execution.name}` }] : []),
    ...plain(wrap(says, '  '), proven ? 'good' : 'bad'),
  ];
}
