import { renderAlert } from '../alert.ts';
import type { DrainConfig } from '../config.ts';
import type { Course } from '../loop.ts';
import { follow } from '../loop.ts';
import type {
  AlertPort,
  AutoScalingPort,
  ClockPort,
  DurablePort,
  EcsPort,
  Failure,
  MetricsPort,
  SwitchPort,
} from '../ports.ts';
import type { DrainResult } from './decide.ts';
import { decide } from './decide.ts';
import { find, verify } from './locate.ts';
import { countTasks, findReasons, lastLook, lookAt, standaloneTasks } from './look.ts';
import { measuresOf } from './measures.ts';
import type { Memory } from './memory.ts';
import { begin, rest } from './memory.ts';
import type { Move } from './move.ts';
import { ACTS, isHeldBack } from './move.ts';
import { remember } from './remember.ts';
import type { DrainRequest, LifecycleRequest } from './request.ts';
import { restore } from './restore.ts';
import type { Placement, Seen } from './seen.ts';
import { isEmpty, saysActive } from './seen.ts';
import { readSwitch } from './switch.ts';

export interface DrainPorts {
  readonly ecs: EcsPort;
  readonly autoScaling: AutoScalingPort;
  readonly alerts: AlertPort;
  readonly metrics: MetricsPort;
  readonly control: SwitchPort;
  readonly now: ClockPort;
}

/** Drains one instance, from the notice to the release. Runs again from the top at every replay. */
export function drain(
  request: DrainRequest,
  config: DrainConfig,
  ports: DrainPorts,
  durable: DurablePort,
): Promise<DrainResult> {
  const course: Course<Memory, Move, Seen, DrainResult> = {
    decide,
    carryOut: (move, memory) => carryOut(move, memory, config, ports),
    remember: (memory, _move, seen) => remember(memory, seen),
    rest,
  };
  return follow(course, begin(request, config.policy), durable);
}

/** One move, one effect, under the switch of the moment: where it has been turned since, what would act is decided anew. */
async function carryOut(move: Move, memory: Memory, config: DrainConfig, ports: DrainPorts): Promise<Seen> {
  const settings = await changedSettings(memory, config, ports.control);
  const isTurned = settings !== undefined && 'mode' in settings;
  // A heartbeat is the same under every policy; all else is decided anew where as little as the policy has changed.
  const isForbidden =
    isTurned && ACTS.has(move.kind) && (move.kind !== 'heartbeat' || isHeldBack(move, memory, settings.mode));
  const seen: Seen = isForbidden
    ? { kind: 'read-switch', atMs: ports.now() }
    : await perform(move, memory, config, ports);
  if (!isForbidden) ports.metrics.emit(measuresOf(move, memory));
  return settings === undefined ? seen : { ...seen, settings };
}

/** What the switch says, where that is not what held before. A read that failed by chance says nothing: the next will. */
async function changedSettings(memory: Memory, config: DrainConfig, control: SwitchPort): Promise<Seen['settings']> {
  const text = await control.read();
  if (!text.ok) return text.reason === 'denied' ? { mistakes: `${text.operation}: ${text.message}` } : undefined;
  const group = memory.group;
  const settings =
    text.value === undefined
      ? { mode: 'act' as const, policy: config.policy }
      : readSwitch(text.value, group, config.policy);
  const isKnown = JSON.stringify(settings) === JSON.stringify(memory.settings) && memory.switchMistakes === undefined;
  return isKnown ? undefined : settings;
}

async function perform(move: Move, memory: Memory, config: DrainConfig, ports: DrainPorts): Promise<Seen> {
  const { ecs, autoScaling, alerts, now } = ports;
  const { request } = memory;
  switch (move.kind) {
    case 'verify':
      return verify(request, config, autoScaling, now);
    case 'find':
      return find(request, config.clusters, ecs, now);
    case 'read-switch':
      return { kind: 'read-switch', atMs: now() };
    case 'start-draining': {
      const answer = await countTasks(move.placements, (cluster, arns) => ecs.setStatus(cluster, arns, 'DRAINING'));
      const seen = answer.ok ? { instances: answer.value.instances } : { failure: answer };
      return { kind: 'start-draining', look: { atMs: now(), ...seen } };
    }
    case 'look':
      return { kind: 'look', look: await lookAt(move.placements, ecs, now, move) };
    case 'heartbeat':
      return request.kind === 'terminating' ? heartbeat(request, ports) : { kind: 'heartbeat', atMs: now() };
    case 'stop-standalone':
      return stopStandalone(move.placements, ecs, now);
    case 'replace': {
      const answer = await autoScaling.terminate(request.instanceId);
      // In no group any more: then it is on its way out already.
      const inNoGroup = !answer.ok && answer.reason === 'gone';
      return { kind: 'replace', atMs: now(), ...(inNoGroup ? { inNoGroup } : failureOf(answer)) };
    }
    case 'diagnose':
      return { kind: 'diagnose', atMs: now(), reasons: await findReasons(move, ecs) };
    case 'alert': {
      const answer = await alerts.publish(renderAlert(move.alert, config.alertTopicArn));
      const { kind: alert, resolves } = move.alert;
      return { kind: 'alert', atMs: now(), alert, resolves, ...failureOf(answer) };
    }
    case 'release':
      return release(move, request, ports);
    case 'restore':
      return restore(move, request, ports);
  }
}

/** A hook that somebody has changed has another period from its next heartbeat on: so it is read again each time. */
async function heartbeat(request: LifecycleRequest, { autoScaling, now }: DrainPorts): Promise<Seen> {
  const answer = await autoScaling.heartbeat(request);
  const atMs = now();
  if (!answer.ok) return { kind: 'heartbeat', atMs, failure: answer };
  const hook = await autoScaling.describeHook(request.group, request.hook);
  return { kind: 'heartbeat', atMs, ...(hook.ok && hook.value ? { hook: hook.value } : {}) };
}

/** Looks once more, then completes the action: nothing may come between the look and the release. */
async function release(
  move: Extract<Move, { kind: 'release' }>,
  request: DrainRequest,
  { ecs, autoScaling, now }: DrainPorts,
): Promise<Seen> {
  const { forced } = move;
  const first = await lastLook(move, ecs, now);
  // What is cut off should be named: worth a second try, but no third, for the deadline has come.
  const look = forced && first.failure ? await lastLook(move, ecs, now) : first;
  const seen = { kind: 'release', look, forced, already: false } as const;
  // On an ACTIVE one a task may be placed at any moment.
  const isFree = isEmpty(look) && !saysActive(look);
  if (request.kind !== 'terminating' || (!forced && !isFree)) return { ...seen, completed: false };
  // Nothing is left to abandon: a group that retains what was abandoned would keep an empty instance.
  const result = isEmpty(look) ? 'CONTINUE' : move.result;
  const answer = await autoScaling.complete(request, result);
  // An action that is already finished needs nothing more: perhaps it was we who finished it, before a crash.
  const already = !answer.ok && answer.reason === 'gone';
  const completed = answer.ok || already;
  return { ...seen, completed, already, ...(completed ? {} : failureOf(answer)) };
}

/** Stops what no service will: each task told once more does no harm. */
async function stopStandalone(placements: readonly Placement[], ecs: EcsPort, now: ClockPort): Promise<Seen> {
  let stopped = 0;
  for (const placement of placements) {
    const tasks = await standaloneTasks(placement, ecs);
    if (!tasks.ok) return { kind: 'stop-standalone', atMs: now(), stopped, failure: tasks };
    for (const { id } of tasks.value) {
      const answer = await ecs.stopTask(placement.cluster, id, 'ecs-drain: its container instance is leaving');
      if (!answer.ok && answer.reason !== 'gone')
        return { kind: 'stop-standalone', atMs: now(), stopped, failure: answer };
      stopped += 1;
    }
  }
  return { kind: 'stop-standalone', atMs: now(), stopped };
}

function failureOf(answer: { ok: true } | Failure): { failure?: Failure } {
  return answer.ok ? {} : { failure: answer };
}
