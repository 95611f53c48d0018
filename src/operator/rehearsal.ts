import type { Memory } from '../drain/memory.ts';
import type { Mode } from '../drain/switch.ts';
import { shortName } from '../drain/words.ts';
import type { HookDoors } from '../hook.ts';
import { isOurHook } from '../hook.ts';
import type { ServiceSeen } from '../ports.ts';
import { isLocked, percentWords } from '../service.ts';
import type { Execution, StepAnswer } from './executions.ts';
import type { Hook } from './hooks.ts';
import { TERMINATING } from './hooks.ts';
import { parsed } from './recall.ts';
import type { PastDrain } from './status.ts';

/** What is known of a group before one of its instances is taken away. */
export interface Readiness {
  readonly group: string;
  readonly hooks: readonly Hook[];
  /** What leads a hook to the stack. */
  readonly doors: HookDoors;
  /** What the switch says for the group, or why it says nothing. */
  readonly mode: Mode | { readonly mistakes: string };
  readonly inService: readonly string[];
  /** Instances of the group that are being drained. */
  readonly draining: readonly string[];
  /** The instance that would go; undefined where none of those in service is a container instance. */
  readonly chosen:
    | {
        readonly instanceId: string;
        readonly cluster: string;
        readonly tasks: number;
        readonly standalone: number;
        readonly services: readonly ServiceSeen[];
      }
    | undefined;
}

export interface Check {
  /** `warn`: it goes on, and whoever decides should know. */
  readonly result: 'ok' | 'warn' | 'no';
  readonly says: string;
}

/** Whether a rehearsal is safe, and would show anything. Pure; one `no` and nothing is done. */
export function checksOf({ group, hooks, doors, mode, inService, draining, chosen }: Readiness): Check[] {
  const ours = hooks.find((hook) => hook.transition === TERMINATING && isOurHook(doors, hook));
  const others = hooks.filter((hook) => hook.transition === TERMINATING && hook !== ours);
  return [
    ours
      ? ok(
          `hook ${ours.name} ${ours.targetArn === undefined ? 'is heard of by EventBridge' : 'tells our topic'}, and holds for ${ours.heartbeatSeconds} s at a time`,
        )
      : no(`no terminate hook of ${group} tells our topic: ecs-drain attach ${group}`),
    ...(others.length === 0
      ? []
      : [warn(`it waits for other hooks as well: ${others.map(({ name }) => name).join(', ')}`)]),
    modeCheck(group, mode),
    inService.length >= 2
      ? ok(`${inService.length} instances are in service`)
      : no(`${inService.length} in service: with fewer than two, the tasks have nowhere to go`),
    draining.length === 0
      ? ok('nothing else of the group drains')
      : no(`${draining.join(', ')} is being drained already`),
    ...instanceChecks(chosen),
  ];
}

function modeCheck(group: string, mode: Readiness['mode']): Check {
  if (typeof mode === 'object') return no(`the switch cannot be understood: ${mode.mistakes}`);
  if (mode === 'act') return ok('the switch says act');
  if (mode === 'pause') return no(`the switch says pause: ecs-drain resume ${group}`);
  return warn(
    'the switch says observe: it says what it would do, and does nothing. The hook times out, and the tasks are cut off, as without ecs-drain',
  );
}

function instanceChecks(chosen: Readiness['chosen']): Check[] {
  if (chosen === undefined) return [no('none of those in service is an ACTIVE container instance with a task on it')];
  const { instanceId, tasks, standalone, services } = chosen;
  const stuck = services.filter(isLocked);
  return [
    ok(`${instanceId} in cluster ${shortName(chosen.cluster)} has ${tasks} task${tasks === 1 ? '' : 's'}`),
    stuck.length === 0
      ? ok('each of their services may start a task elsewhere, or stop one first')
      : no(`${stuck.map((service) => `${service.name}: ${percentWords(service)}`).join('; ')}, so no task can leave`),
    ...(standalone === 0 ? [] : [warn(`${standalone} of them no service started: they are waited for until they end`)]),
  ];
}

const ok = (says: string): Check => ({ result: 'ok', says });
const warn = (says: string): Check => ({ result: 'warn', says });
const no = (says: string): Check => ({ result: 'no', says });

export interface TaskTimes {
  /** Short id. */
  readonly id: string;
  readonly stoppingAtMs?: number;
  readonly stoppedAtMs?: number;
}

/** What was seen of a rehearsal so far. */
export interface Observed {
  readonly instanceId: string;
  readonly askedAtMs: number;
  /** When the drain saw it held, and in which state. */
  readonly held?: { readonly atMs: number; readonly state: string };
  readonly execution?: Execution;
  readonly memory?: Memory;
  /** Every task that was ever seen on it. */
  readonly tasks: readonly TaskTimes[];
  readonly end?: PastDrain;
  /** When its group was first seen without it. */
  readonly goneAtMs?: number;
  readonly replacement?: { readonly instanceId: string; readonly atMs: number };
}

/** What the drain's first look at the instance's group has shown. */
export function heldBy(answers: readonly StepAnswer[]): Observed['held'] {
  for (const { payload, atMs } of answers) {
    const seen = parsed(payload) as { kind?: unknown; departing?: unknown; state?: unknown } | null | undefined;
    if (seen?.kind === 'verify' && seen.departing === true) return { atMs, state: String(seen.state) };
  }
  return undefined;
}

export interface Stage {
  readonly stage: string;
  /** By AWS's clock; undefined while it has not come to that. */
  readonly atMs: number | undefined;
  readonly proof: string;
}

const lastStopOf = (tasks: readonly TaskTimes[]): TaskTimes | undefined =>
  tasks.reduce<TaskTimes | undefined>(
    (last, task) => ((task.stoppedAtMs ?? 0) > (last?.stoppedAtMs ?? 0) ? task : last),
    undefined,
  );
const isAllStopped = (tasks: readonly TaskTimes[]): boolean =>
  tasks.every(({ stoppedAtMs }) => stoppedAtMs !== undefined);

const short = (id: string): string => `${id.slice(0, 8)}…`;

/** The way of the instance, stage by stage, each with its time and what proves it. Pure. */
export function stagesOf(observed: Observed): Stage[] {
  const { instanceId, askedAtMs, held, execution, memory, tasks, goneAtMs, replacement } = observed;
  const request = memory?.request.kind === 'terminating' ? memory.request : undefined;
  const stopped = tasks.filter(({ stoppedAtMs }) => stoppedAtMs !== undefined).length;
  const lastStop = isAllStopped(tasks) ? lastStopOf(tasks) : undefined;
  const stopping = tasks.flatMap(({ stoppingAtMs }) => stoppingAtMs ?? []);
  const released = memory?.released;
  const lag = released && lastStop?.stoppedAtMs ? (released.atMs - lastStop.stoppedAtMs) / 1000 : undefined;
  const stage = (name: string, atMs: number | undefined, proof: string): Stage => ({
    stage: name,
    atMs,
    proof: atMs === undefined ? '' : proof,
  });
  return [
    stage('terminated through its group', askedAtMs, instanceId),
    stage('notice sent', request && Date.parse(request.noticedAt), `by hook ${request?.hook}`),
    stage('execution started', execution?.startedAtMs, `version ${execution?.version} of the function`),
    stage('held by the hook', held?.atMs, `the drain sees it as ${held?.state}`),
    stage(
      'DRAINING',
      memory?.drainingSinceMs,
      `container instance ${short(shortName(memory?.placements?.[0]?.arn ?? '?'))}`,
    ),
    stage(
      'tasks leave',
      stopping.length === 0 ? undefined : Math.min(...stopping),
      `${stopped} of ${tasks.length} have stopped`,
    ),
    stage('all stopped', lastStop?.stoppedAtMs, `the last is task ${short(lastStop?.id ?? '?')}`),
    stage(
      'released',
      released?.atMs,
      lag === undefined ? 'before all had stopped' : `${lag.toFixed(1)} s after the last stop`,
    ),
    stage('gone', goneAtMs, 'its group has it no more'),
    stage('replaced', replacement?.atMs, `${replacement?.instanceId} is in service`),
  ];
}

export interface Verdict {
  readonly proven: boolean;
  readonly says: string;
}

/** What the rehearsal has shown. Pure; what was not seen proves nothing. */
export function verdictOf({ memory, tasks, end, instanceId, execution }: Observed): Verdict {
  const not = (says: string): Verdict => ({ proven: false, says });
  const released = memory?.released;
  const lastStop = lastStopOf(tasks);
  if (execution === undefined) {
    return not(
      'No drain has begun: the notice did not reach us. Look at the hook, its role, the topic and the dead letters.',
    );
  }
  if (released === undefined) {
    if (end) return not(`The drain ended without a release, as ${end.outcome}: ${end.because}`);
    return not(`Not released yet. It goes on without us: ecs-drain status --watch shows ${instanceId}.`);
  }
  if (released.forced && released.tasksLeft)
    return not(end?.because ?? 'It was released at its deadline, with tasks on it.');
  if (lastStop?.stoppedAtMs === undefined || !isAllStopped(tasks)) {
    return not('It was released, but ECS does not tell when each of its tasks had stopped: that proves nothing.');
  }
  const lagSeconds = (released.atMs - lastStop.stoppedAtMs) / 1000;
  if (lagSeconds < 0) return not(`It was released ${(-lagSeconds).toFixed(1)} s BEFORE its last task had stopped.`);
  return {
    proven: true,
    says: `Proven: released ${lagSeconds.toFixed(1)} s after the last of its ${tasks.length} tasks had stopped. Nothing was cut off.`,
  };
}
