import { watchAlerts } from './audit-alerts.ts';
import { watchExecutions } from './audit-executions.ts';
import { watchInstances } from './audit-instances.ts';
import type { There } from './audit-rollouts.ts';
import { watchRollouts } from './audit-rollouts.ts';
import { watchSwitch } from './audit-switch.ts';
import { createExcuses } from './excuses.ts';
import type { ExecutionRecord } from './execution.ts';
import type { Scenario } from './scenario.ts';
import type { World, WorldEvent } from './world.ts';

/** Something that must never happen, and did. */
export interface Violation {
  readonly rule: string;
  readonly instanceId: string | undefined;
  readonly atSeconds: number;
  readonly because: string;
}

export type Violate = (rule: string, instanceId: string | undefined, because: string) => void;

/** What became of one instance. Seconds from the scenario's start. */
export interface Drain {
  readonly instanceId: string;
  readonly cluster: string | undefined;
  drainingAtSeconds: number | undefined;
  lastTaskStoppedAtSeconds: number | undefined;
  /** When our hook was completed by a call. */
  releasedAtSeconds: number | undefined;
  /** A task on it had another `lastStatus` than STOPPED when it was released. */
  premature: boolean;
  /** Tasks that were killed with the instance. */
  tasksCut: number;
}

/** One instance that a hook of ours held, as it really went. */
export interface Departure extends Drain {
  readonly group: string;
  /** Names the lifecycle action of our hook. */
  readonly token: string;
  readonly noticedAtSeconds: number;
  /** Set when our hook ended without us. */
  endedBy: string | undefined;
  /** When anything last changed for the better, and the longest time without. */
  progressAtSeconds: number;
  longestStall: { fromSeconds: number; toSeconds: number };
  /** The switch held us back, or the notice never reached us: what is late then is not our lateness. */
  heldBack: boolean;
}

export interface Audit {
  readonly departures: readonly Departure[];
  /** What became of an instance that no hook of ours held. */
  drainOf(instanceId: string): Drain;
  /** Somebody with a right to says that the instance may be drained although it does not leave. */
  mayBeDrained(instanceId: string): void;
  /** The switch was given this text. */
  switched(text: string): void;
  /** Ends the audit: what is still open at the end of the run is judged. */
  finish(executions: readonly ExecutionRecord[]): readonly Violation[];
}

/** A hook's own bounds, and what the stack's settings say unless the scenario says otherwise: written out once more here, on purpose. */
const DEFAULT_DEADLINE_SECONDS = 3_000;
const GLOBAL_TIMEOUT_MARGIN_SECONDS = 300;
const LONGEST_HOOK_SECONDS = 172_800;
/** How long after its deadline a release may take: one slow look, a few throttled calls, a machine that died. */
const DEADLINE_GRACE_SECONDS = 180;
/** What changes something in AWS; a pause holds back all but the heartbeats. */
const CHANGES =
  /^(UpdateContainerInstancesState|StopTask|TerminateInstanceInAutoScalingGroup|CompleteLifecycleAction|CreateLaunchTemplateVersion|StartInstanceRefresh|RequestSpotFleet|ModifySpotFleetRequest|CancelSpotFleetRequests)$/;
/** What the faults of a scenario (transport.ts) come to. */
const UNANSWERED = / (throttled|other): (Rate exceeded|Internal error\.|socket hang up)/;
/** Once an action has ended, it may take as many calls to notice: heartbeat and release, each repeated after a crash. */
const MOST_CALLS_TO_ENDED = 6;

/**
 * Watches what really happens in the world and knows nothing of our code: what the instances, tasks and hooks do is
 * all it judges by. `there`: groups, fleets and templates as they are, where rollouts are judged as well.
 */
export function createAudit(world: World, scenario: Scenario, there?: There): Audit {
  const departures: Departure[] = [];
  const violations: Violation[] = [];
  const open = new Map<string, Departure>();
  const free = new Map<string, Drain>();
  const callsToEnded = { count: 0, told: false };
  const clusterOf = new Map<string, string>();
  const unstopped = new Map<string, Map<string, string>>();
  const begun = new Set<string>();
  const { duplicate, reorder, lambdaCrash, lostEvents } = scenario.faults;
  const isDisturbed = duplicate + reorder + lambdaCrash + lostEvents > 0;
  const now = (): number => world.clock.nowSeconds();
  const violate: Violate = (rule, instanceId, because) =>
    void violations.push({ rule, instanceId, atSeconds: now(), because });

  const control = watchSwitch(world, scenario.switch);
  const excuses = createExcuses(world, scenario);
  const people = watchAlerts(world, scenario, violate);
  const instances = watchInstances(world, violate);
  const { mayBeDrained } = instances;
  const judgeExecutions = watchExecutions(world, violate);
  const judgeRollouts =
    there && scenario.rollouts ? watchRollouts(world, scenario, { there, instances, violate }) : undefined;

  const drainOf = (instanceId: string): Drain => {
    const drain = free.get(instanceId) ?? {
      instanceId,
      cluster: clusterOf.get(instanceId),
      drainingAtSeconds: undefined,
      lastTaskStoppedAtSeconds: undefined,
      releasedAtSeconds: undefined,
      premature: false,
      tasksCut: 0,
    };
    free.set(instanceId, drain);
    return drain;
  };
  const ours = (group: string, name?: string) =>
    scenario.hooks.find((hook) => hook.ours && hook.group === group && (name === undefined || hook.name === name));

  const deadlineSeconds = (departure: Departure): number => {
    const heartbeats = scenario.events.flatMap(({ changeHook }) =>
      changeHook?.group === departure.group ? [changeHook.heartbeatSeconds] : [],
    );
    const heartbeat = Math.max(ours(departure.group)?.heartbeatSeconds ?? 0, ...heartbeats);
    const set = Number(scenario.settings['DRAIN_DEADLINE_SECONDS'] ?? DEFAULT_DEADLINE_SECONDS);
    const global = Math.min(LONGEST_HOOK_SECONDS, 100 * heartbeat);
    const policy = control.deadlineSeconds() ?? set;
    return departure.noticedAtSeconds + Math.min(policy, global - GLOBAL_TIMEOUT_MARGIN_SECONDS);
  };

  const excuse = (payload: string): void => {
    for (const departure of departures) if (payload.includes(departure.token)) departure.heldBack = true;
  };

  const gotOn = (departure: Departure): void => {
    // Once our hook is out of the way, what else keeps the instance is nobody's stall of ours.
    if (departure.releasedAtSeconds !== undefined || departure.endedBy !== undefined) return;
    const stall = { fromSeconds: departure.progressAtSeconds, toSeconds: now() };
    const { longestStall } = departure;
    if (stall.toSeconds - stall.fromSeconds > longestStall.toSeconds - longestStall.fromSeconds) {
      departure.longestStall = stall;
    }
    departure.progressAtSeconds = now();
  };

  const onTask = (event: Extract<WorldEvent, { kind: 'task' }>): void => {
    const tasks = unstopped.get(event.instanceId) ?? new Map<string, string>();
    unstopped.set(event.instanceId, tasks);
    const departure = open.get(event.instanceId);
    if (departure && event.lastStatus !== 'RUNNING') gotOn(departure);
    const drain = departure ?? free.get(event.instanceId);
    if (event.cut && drain) drain.tasksCut += 1;
    if (event.lastStatus !== 'STOPPED') tasks.set(event.taskArn, event.lastStatus);
    else if (tasks.delete(event.taskArn) && drain && !event.cut && drain.releasedAtSeconds === undefined) {
      drain.lastTaskStoppedAtSeconds = now();
    }
  };

  const onHookFinished = (event: Extract<WorldEvent, { kind: 'hook-finished' }>): void => {
    const { instanceId, group, hook, by } = event;
    if (ours(group, hook) === undefined) {
      if (by === 'call') violate('foreign-hook', instanceId, `the hook ${hook} is not ours to complete`);
      return;
    }
    const departure = open.get(instanceId);
    if (departure === undefined) return;
    gotOn(departure);
    if (by !== 'call') {
      departure.endedBy = by;
      const expired = by === 'heartbeat-timeout' || by === 'global-timeout';
      // The notice itself may come too late, where messages do; then nobody was there to keep the hook alive.
      const isLate = isDisturbed && !begun.has(departure.token);
      // A pause holds everything back but the heartbeats.
      const isAlive = begun.has(departure.token) && !control.mayHaveObserved(departure.noticedAtSeconds);
      const isPaused = by === 'heartbeat-timeout' && control.mode() === 'pause' && isAlive;
      const isNobodysFault = by === 'heartbeat-timeout' && excuses.of(departure) !== undefined;
      if (expired && (!departure.heldBack || isPaused) && !isLate && !isNobodysFault)
        violate('hook-expired', instanceId, `the hook ended by its ${by}, not by us`);
      return;
    }
    departure.releasedAtSeconds = now();
    if (control.isHeld()) violate('held-back', instanceId, `released while the switch says ${control.mode()}`);
    const left = [...(unstopped.get(instanceId)?.values() ?? [])];
    departure.premature = left.length > 0;
    // A Lambda machine whose clock is ahead sees the deadline come a little early.
    if (left.length > 0 && now() < deadlineSeconds(departure) - scenario.faults.clockSkewSeconds - 1) {
      violate(
        'released-early',
        instanceId,
        `released with ${left.length} tasks not stopped: ${left.slice(0, 5).join(', ')}`,
      );
    }
  };

  world.on((event) => {
    switch (event.kind) {
      case 'instance-kept':
        open.delete(event.instanceId);
        break;
      case 'hook-waiting': {
        if (!ours(event.group, event.hook)) break;
        const departure: Departure = {
          instanceId: event.instanceId,
          group: event.group,
          cluster: clusterOf.get(event.instanceId),
          token: event.token,
          noticedAtSeconds: now(),
          drainingAtSeconds: undefined,
          lastTaskStoppedAtSeconds: undefined,
          releasedAtSeconds: undefined,
          premature: false,
          tasksCut: 0,
          endedBy: undefined,
          progressAtSeconds: now(),
          longestStall: { fromSeconds: now(), toSeconds: now() },
          heldBack: control.mode() !== 'act',
        };
        departures.push(departure);
        open.set(event.instanceId, departure);
        break;
      }
      case 'container-instance': {
        clusterOf.set(event.instanceId, event.cluster);
        if (event.by !== 'call') break;
        if (control.isHeld())
          violate('held-back', event.instanceId, `set ${event.status} while the switch says ${control.mode()}`);
        if (event.status !== 'DRAINING') break;
        (open.get(event.instanceId) ?? drainOf(event.instanceId)).drainingAtSeconds ??= now();
        break;
      }
      case 'task':
        onTask(event);
        break;
      case 'hook-finished':
        onHookFinished(event);
        break;
      case 'instance-terminated':
        open.delete(event.instanceId);
        break;
      case 'call':
        if (event.error === 'UnknownOperationException' || event.error === 'InvalidAction') {
          violate('unknown-operation', undefined, `${event.service}:${event.operation} does not exist here`);
        }
        if (control.isHeld() && CHANGES.test(event.operation))
          violate('held-back', undefined, `${event.operation} was called while the switch says ${control.mode()}`);
        if (event.error === 'ValidationError' && /Lifecycle/.test(event.operation)) callsToEnded.count += 1;
        if (callsToEnded.count > MOST_CALLS_TO_ENDED * departures.length && !callsToEnded.told) {
          callsToEnded.told = true;
          violate('ended-and-called', undefined, `${callsToEnded.count} calls about actions that had ended`);
        }
        break;
      case 'dead-letter':
        // A message whose every delivery met a dying machine is in the dead-letter queue, and an alarm says so.
        if (event.because.includes('fault')) excuse(event.payload);
        // What was to be looked at while AWS did not answer is looked at an hour later.
        else if (event.functionName.endsWith('-ami-watch') && UNANSWERED.test(event.because)) break;
        else violate('lost', undefined, `${event.functionName} gave up an event: ${event.because}`);
        break;
      case 'execution':
        if (event.status === 'RUNNING')
          for (const { token } of departures) if (event.name.includes(token)) begun.add(token);
        break;
    }
  });

  const judge = (departure: Departure): void => {
    const { releasedAtSeconds, endedBy, instanceId, heldBack } = departure;
    if (heldBack) return;
    const deadline = deadlineSeconds(departure) + DEADLINE_GRACE_SECONDS;
    const end = releasedAtSeconds ?? now();
    if (endedBy === undefined && end > deadline) {
      violate('unreleased', instanceId, `not released ${Math.round(end - deadline)} s after its deadline`);
    } else if (endedBy === undefined && releasedAtSeconds === undefined) {
      violate('unfinished', instanceId, 'the run ended before the instance was released');
    }
    people.judgeStall(departure);
  };

  return {
    departures,
    drainOf,
    mayBeDrained,
    switched(text) {
      control.turn(text);
      if (control.mode() !== 'act') for (const departure of open.values()) departure.heldBack = true;
    },
    finish(executions) {
      departures.forEach(judge);
      judgeExecutions(executions);
      judgeRollouts?.(executions);
      return violations;
    },
  };
}
