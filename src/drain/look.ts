import type { ClockPort, ContainerInstanceSeen, ContainerInstancesSeen, EcsPort, Result, TaskSeen } from '../ports.ts';
import { diagnose } from './diagnose.ts';
import type { Move } from './move.ts';
import type { Look, Placement, Remaining } from './seen.ts';

/** More ids than this are listed again at each look rather than kept in the execution's history. */
const MOST_IDS_KEPT = 20;
const MOST_SAMPLES = 5;
/** Most tasks in one GetTaskProtection (API reference). */
const MOST_PROTECTION_ASKED = 10;
const NOTHING_LEFT: Remaining = { total: 0, byStatus: {}, samples: [] };

interface How {
  /** Ask for just these tasks, by placement: one call. Otherwise the container instances are asked first. */
  readonly known?: readonly (readonly string[])[] | undefined;
  readonly countCrowd?: boolean | undefined;
  /** Name the tasks also while some are still wanted to run; otherwise counting those is enough. */
  readonly nameAll?: boolean | undefined;
}

/** Sees what is left on the instance. A failed read makes the whole look a failure: half a look proves nothing. */
export async function lookAt(
  placements: readonly Placement[],
  ecs: EcsPort,
  now: ClockPort,
  { known, countCrowd = false, nameAll = false }: How = {},
): Promise<Look> {
  if (known) {
    const remaining = await describe(placements, known, ecs);
    return { atMs: now(), ...(remaining.ok ? { remaining: summarise(remaining.value) } : { failure: remaining }) };
  }
  const counted = await countTasks(placements, (cluster, arns) => ecs.describeContainerInstances(cluster, arns));
  if (!counted.ok) return { atMs: now(), failure: counted };
  const crowd = countCrowd && placements[0] ? await ecs.countDraining(placements[0].cluster) : undefined;
  const { instances, present } = counted.value;
  const look = { instances, ...(crowd?.ok ? { crowd: crowd.value } : {}) };
  if (instances.wanted > 0 && !nameAll) return { atMs: now(), ...look };

  const tasks = await tasksOn(placements, present, instances.wanted > 0 ? ['RUNNING', 'STOPPED'] : ['STOPPED'], ecs);
  if (!tasks.ok) return { atMs: now(), failure: tasks };
  return { atMs: now(), ...look, remaining: summarise(tasks.value) };
}

/** The look that a release rests on, taken in the very step that completes the action. */
export async function lastLook(move: Extract<Move, { kind: 'release' }>, ecs: EcsPort, now: ClockPort): Promise<Look> {
  const { placements } = move;
  if (placements === undefined) return { atMs: now() };
  if (placements.length === 0) return { atMs: now(), remaining: NOTHING_LEFT };
  if (move.lookAtAll) return lookAt(placements, ecs, now, { nameAll: move.forced });
  // Moments ago every listed task had stopped. A DRAINING instance gets no new ones, so only this can have changed:
  const counted = await countTasks(placements, (cluster, arns) => ecs.describeContainerInstances(cluster, arns));
  if (!counted.ok) return { atMs: now(), failure: counted };
  const { instances } = counted.value;
  const untouched = instances.wanted === 0 && !instances.statuses.includes('ACTIVE');
  return { atMs: now(), instances, ...(untouched ? { remaining: NOTHING_LEFT } : {}) };
}

type InstancesCall = (cluster: string, arns: readonly string[]) => Promise<Result<ContainerInstancesSeen>>;

/** The container instances that ECS still has, in one call per cluster. */
export async function present(
  placements: readonly Placement[],
  call: InstancesCall,
): Promise<Result<readonly ContainerInstanceSeen[]>> {
  const all: ContainerInstanceSeen[] = [];
  for (const cluster of new Set(placements.map((placement) => placement.cluster))) {
    const arns = placements.filter((placement) => placement.cluster === cluster).map(({ arn }) => arn);
    const answer = await call(cluster, arns);
    if (!answer.ok) return answer;
    all.push(...answer.value.found.filter(({ status }) => status !== 'INACTIVE'));
  }
  return { ok: true, value: all };
}

/** The answers added up; and which of the registrations ECS still has. */
export async function countTasks(
  placements: readonly Placement[],
  call: InstancesCall,
): Promise<Result<{ instances: NonNullable<Look['instances']>; present: readonly string[] }>> {
  const answer = await present(placements, call);
  if (!answer.ok) return answer;
  const all = answer.value;
  const connected = all.filter(({ agentConnected }) => agentConnected);
  // An EC2 instance has one agent. Where it is there, a registration without one is an earlier agent's leftover.
  const live = connected.length > 0 ? connected : all;
  const active = live.filter(({ status }) => status === 'ACTIVE').map(({ arn }) => arn);
  const instances = {
    statuses: all.map(({ status }) => status),
    ...(active.length > 0 ? { active } : {}),
    missing: placements.length - all.length,
    wanted: all.reduce((sum, { runningTasks, pendingTasks }) => sum + runningTasks + pendingTasks, 0),
    agentsAway: all.length - connected.length,
  };
  return { ok: true, value: { instances, present: all.map(({ arn }) => arn) } };
}

/** Reads what a person would look up to see why it does not empty. What cannot be read is left out of the reasons. */
export async function findReasons(
  { placements, sinceMs }: Extract<Move, { kind: 'diagnose' }>,
  ecs: EcsPort,
): Promise<string[]> {
  const reasons: string[] = [];
  for (const placement of placements) {
    const { cluster, arn } = placement;
    const instances = await ecs.describeContainerInstances(cluster, [arn]);
    const answer = await tasksOn([placement], [arn], ['RUNNING', 'STOPPED'], ecs);
    const tasks = answer.ok ? answer.value.flat() : [];
    const services = [...new Set(tasks.map(({ group }) => group))]
      .filter((group) => group.startsWith('service:'))
      .map((group) => group.slice('service:'.length));
    const described = services.length === 0 ? undefined : await ecs.describeServices(cluster, services.slice(0, 10));
    const asked = tasks.filter(({ group }) => group.startsWith('service:')).slice(0, MOST_PROTECTION_ASKED);
    const kept =
      asked.length === 0
        ? undefined
        : await ecs.protectedTasks(
            cluster,
            asked.map(({ id }) => id),
          );
    const agentConnected = !instances.ok || instances.value.found.every((instance) => instance.agentConnected);
    reasons.push(
      ...diagnose({
        agentConnected,
        tasks,
        services: described?.ok ? described.value : [],
        kept: kept?.ok ? kept.value : [],
        sinceMs,
      }),
    );
  }
  return reasons.slice(0, MOST_SAMPLES);
}

/** The tasks on it that no service started and nobody has told to stop. */
export async function standaloneTasks({ cluster, arn }: Placement, ecs: EcsPort): Promise<Result<readonly TaskSeen[]>> {
  const tasks = await tasksOn([{ cluster, arn }], [arn], ['RUNNING'], ecs);
  if (!tasks.ok) return tasks;
  return { ok: true, value: tasks.value.flat().filter(({ group }) => !group.startsWith('service:')) };
}

/**
 * The tasks of each placement that have not stopped, among those desired to be one of the given. A registration that
 * ECS has forgotten has no tasks to list; asking for them would be an error.
 */
async function tasksOn(
  placements: readonly Placement[],
  present: readonly string[],
  desired: readonly ('RUNNING' | 'STOPPED')[],
  ecs: EcsPort,
): Promise<Result<TaskSeen[][]>> {
  const lists: string[][] = [];
  for (const { cluster, arn } of placements) {
    const ids: string[] = [];
    for (const status of present.includes(arn) ? desired : []) {
      const list = await ecs.listTasks(cluster, arn, status);
      if (!list.ok) return list;
      ids.push(...list.value);
    }
    lists.push(ids);
  }
  return describe(placements, lists, ecs);
}

async function describe(
  placements: readonly Placement[],
  ids: readonly (readonly string[])[],
  ecs: EcsPort,
): Promise<Result<TaskSeen[][]>> {
  const left: TaskSeen[][] = [];
  for (const [i, { cluster }] of placements.entries()) {
    const asked = ids[i] ?? [];
    const tasks = asked.length === 0 ? undefined : await ecs.describeTasks(cluster, asked);
    if (tasks && !tasks.ok) return tasks;
    left.push((tasks?.value ?? []).filter((task) => task.status !== 'STOPPED'));
  }
  return { ok: true, value: left };
}

function summarise(left: readonly (readonly TaskSeen[])[]): Remaining {
  const all = left.flat();
  const byStatus: Record<string, number> = {};
  for (const { status } of all) byStatus[status] = (byStatus[status] ?? 0) + 1;
  return {
    total: all.length,
    byStatus,
    ...(all.length <= MOST_IDS_KEPT ? { ids: left.map((tasks) => tasks.map(({ id }) => id)) } : {}),
    samples: all.slice(0, MOST_SAMPLES).map(({ id, group, status }) => `${group} ${id.slice(0, 12)} ${status}`),
  };
}
