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
const DEFAULT_STUCK_SECONDS = 600;
const GLOBAL_TIMEOUT_MARGIN_SECONDS = 300;
const LONGEST_HOOK_SECONDS = 172_800;
/** How long after its deadline a release may take: one slow look, a few throttled calls, a machine that died. */
const DEADLINE_GRACE_SECONDS = 180;
/** By then a stall must have been told: the longest pace, a look, the diagnosis. */
const STALL_GRACE_SECONDS = 600;
/** The switch takes effect within two minutes, and what was under way may end. */
const SWITCH_GRACE_SECONDS = 150;
/** What changes something in AWS; a pause holds back all but the heartbeats. */
const CHANGES =
  /^(UpdateContainerInstancesState|StopTask|TerminateInstanceInAutoScalingGroup|CompleteLifecycleAction)$/;
/** AWS-CONTRACTS §7. */
const MOST_OPERATIONS = 3_000;
const MOST_BYTES = 100 * 2 ** 20;
/** More of one kind about one instance within an hour is noise, even where a machine died after some of them. */
const MOST_ALERTS_AN_HOUR = 10;
/** Once an action has ended, it may take as many calls to notice: heartbeat and release, each repeated after a crash. */
const MOST_CALLS_TO_ENDED = 6;
/** A look that is so old may not show yet what somebody else did. */
const STALE_SECONDS = 10;

interface Switch {
  readonly mode: string;
  readonly deadlineSeconds: number | undefined;
}

/**
 * Watches what really happens in the world and knows nothing of our code: what the instances, tasks and hooks do is
 * all it judges by.
 */
export function createAudit(world: World, scenario: Scenario): Audit {
  const departures: Departure[] = [];
  const violations: Violation[] = [];
  const open = new Map<string, Departure>();
  const free = new Map<string, Drain>();
  const drainable = new Set<string>();
  const announced = new Set<string>();
  /** Since when an instance may be drained, or might when it last could. */
  const drainableSince = new Map<string, number>();
  /** By container instance: who set it DRAINING, and when. */
  const drainedBy = new Map<string, { by: string; atSeconds: number }>();
  const callsToEnded = { count: 0, told: false };
  const clusterOf = new Map<string, string>();
  const unstopped = new Map<string, Map<string, string>>();
  const live = new Map<string, number>();
  const begun = new Set<string>();
  const isDisturbed = scenario.faults.duplicate + scenario.faults.reorder + scenario.faults.lambdaCrash > 0;
  const stuckTold = new Map<string, number[]>();
  const told = new Map<string, number[]>();
  const inputs = new Map<string, { name: string; closedAtMs: number | undefined }>();
  let control = readSwitch(scenario.switch) ?? ACT;
  let controlSinceSeconds = Number.NEGATIVE_INFINITY;

  const excuses = createExcuses(world, scenario);

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

  const now = (): number => world.clock.nowSeconds();
  const violate = (rule: string, instanceId: string | undefined, because: string) =>
    void violations.push({ rule, instanceId, atSeconds: now(), because });
  const ours = (group: string, name?: string) =>
    scenario.hooks.find((hook) => hook.ours && hook.group === group && (name === undefined || hook.name === name));

  const deadlineSeconds = (departure: Departure): number => {
    const heartbeats = scenario.events.flatMap(({ changeHook }) =>
      changeHook?.group === departure.group ? [changeHook.heartbeatSeconds] : [],
    );
    const heartbeat = Math.max(ours(departure.group)?.heartbeatSeconds ?? 0, ...heartbeats);
    const set = Number(scenario.settings['DRAIN_DEADLINE_SECONDS'] ?? DEFAULT_DEADLINE_SECONDS);
    const global = Math.min(LONGEST_HOOK_SECONDS, 100 * heartbeat);
    const policy = control.deadlineSeconds ?? set;
    return departure.noticedAtSeconds + Math.min(policy, global - GLOBAL_TIMEOUT_MARGIN_SECONDS);
  };

  const mayBeDrained = (instanceId: string): void => {
    if (!drainable.has(instanceId)) drainableSince.set(instanceId, now());
    drainable.add(instanceId);
  };

  /** True while the switch forbids whatever changes something. */
  const isHeld = (): boolean => control.mode !== 'act' && now() - controlSinceSeconds > SWITCH_GRACE_SECONDS;

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
      const isPaused = by === 'heartbeat-timeout' && control.mode === 'pause' && begun.has(departure.token);
      const isNobodysFault = by === 'heartbeat-timeout' && excuses.of(departure) !== undefined;
      if (expired && (!departure.heldBack || isPaused) && !isLate && !isNobodysFault)
        violate('hook-expired', instanceId, `the hook ended by its ${by}, not by us`);
      return;
    }
    departure.releasedAtSeconds = now();
    if (isHeld()) violate('held-back', instanceId, `released while the switch says ${control.mode}`);
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
      case 'instance-terminating':
        mayBeDrained(event.instanceId);
        break;
      case 'instance-kept':
        // What was announced besides, a maintenance or an order, is still to come.
        if (!announced.has(event.instanceId)) drainable.delete(event.instanceId);
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
          heldBack: control.mode !== 'act',
        };
        departures.push(departure);
        open.set(event.instanceId, departure);
        mayBeDrained(event.instanceId);
        break;
      }
      case 'container-instance': {
        clusterOf.set(event.instanceId, event.cluster);
        const drained = drainedBy.get(event.arn);
        if (event.status !== 'DRAINING') drainedBy.delete(event.arn);
        else if (drained === undefined) drainedBy.set(event.arn, { by: event.by, atSeconds: now() });
        if (event.by !== 'call') break;
        if (event.status === 'ACTIVE') judgeActive(event.instanceId, drained);
        if (event.instanceId.startsWith('mi-'))
          violate('foreign-instance', event.instanceId, 'an external instance was touched');
        if (isHeld())
          violate('held-back', event.instanceId, `set ${event.status} while the switch says ${control.mode}`);
        if (event.status !== 'DRAINING') break;
        if (!drainable.has(event.instanceId)) {
          violate('drained-not-leaving', event.instanceId, 'set DRAINING, yet nobody is taking it away');
        }
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
      case 'invoked': {
        if (event.executionName === undefined) break;
        const running = (live.get(event.executionName) ?? 0) + 1;
        live.set(event.executionName, running);
        if (running > 1)
          violate('two-at-once', undefined, `execution ${event.executionName} runs twice at the same time`);
        break;
      }
      case 'invocation-ended':
        if (event.executionName !== undefined) live.set(event.executionName, (live.get(event.executionName) ?? 1) - 1);
        break;
      case 'published': {
        const { instanceId, kind } = event.attributes;
        if (instanceId === undefined || kind === undefined) break;
        judgeAlert(instanceId, kind);
        if (kind !== 'stuck' && kind !== 'paused' && kind !== 'observed') break;
        stuckTold.set(instanceId, [...(stuckTold.get(instanceId) ?? []), now()]);
        break;
      }
      case 'call':
        if (event.error === 'UnknownOperationException' || event.error === 'InvalidAction') {
          violate('unknown-operation', undefined, `${event.service}:${event.operation} does not exist here`);
        }
        if (isHeld() && CHANGES.test(event.operation))
          violate('held-back', undefined, `${event.operation} was called while the switch says ${control.mode}`);
        if (event.error === 'ValidationError' && /Lifecycle/.test(event.operation)) callsToEnded.count += 1;
        if (callsToEnded.count > MOST_CALLS_TO_ENDED * departures.length && !callsToEnded.told) {
          callsToEnded.told = true;
          violate('ended-and-called', undefined, `${callsToEnded.count} calls about actions that had ended`);
        }
        break;
      case 'dead-letter':
        // A message whose every delivery met a dying machine is in the dead-letter queue, and an alarm says so.
        if (event.because.includes('fault')) excuse(event.payload);
        else violate('lost', undefined, `${event.functionName} gave up an event: ${event.because}`);
        break;
      case 'execution':
        if (event.status === 'RUNNING')
          for (const { token } of departures) if (event.name.includes(token)) begun.add(token);
        if (event.status === 'FAILED' || event.status === 'TIMED_OUT') {
          violate('execution-failed', undefined, `${event.name} ended ${event.status}`);
        }
        break;
    }
  });

  const judge = (departure: Departure): void => {
    const { releasedAtSeconds, endedBy, instanceId, heldBack, longestStall } = departure;
    if (heldBack) return;
    const deadline = deadlineSeconds(departure) + DEADLINE_GRACE_SECONDS;
    const end = releasedAtSeconds ?? now();
    if (endedBy === undefined && end > deadline) {
      violate('unreleased', instanceId, `not released ${Math.round(end - deadline)} s after its deadline`);
    } else if (endedBy === undefined && releasedAtSeconds === undefined) {
      violate('unfinished', instanceId, 'the run ended before the instance was released');
    }
    const stuckAfter = Number(scenario.settings['STUCK_AFTER_SECONDS'] ?? DEFAULT_STUCK_SECONDS);
    const { fromSeconds, toSeconds } = longestStall;
    // Who was told within the hour before is not told again of the same.
    const told = (stuckTold.get(instanceId) ?? []).some((at) => at >= fromSeconds - 3_600 && at <= toSeconds);
    if (toSeconds - fromSeconds > stuckAfter + STALL_GRACE_SECONDS && !told) {
      violate(
        'silent-stall',
        instanceId,
        `nothing changed for ${Math.round(toSeconds - fromSeconds)} s, and nobody was told`,
      );
    }
  };

  return {
    departures,
    drainOf,
    mayBeDrained(instanceId) {
      announced.add(instanceId);
      mayBeDrained(instanceId);
    },
    switched(text) {
      const next = readSwitch(text);
      // What cannot be read changes nothing.
      if (next === undefined) return;
      if (next.mode !== control.mode) controlSinceSeconds = now();
      control = next;
      if (control.mode !== 'act') for (const departure of open.values()) departure.heldBack = true;
    },
    finish(executions) {
      departures.forEach(judge);
      for (const execution of executions) judgeExecution(execution);
      return violations;
    },
  };

  /** What somebody else had set DRAINING before the instance was anybody's to drain is not ours to set ACTIVE. */
  function judgeActive(instanceId: string, drained: { by: string; atSeconds: number } | undefined): void {
    if (drained === undefined || drained.by === 'call') return;
    const sinceSeconds = drainableSince.get(instanceId) ?? Number.POSITIVE_INFINITY;
    if (drained.atSeconds > sinceSeconds - STALE_SECONDS) return;
    violate('activated-not-ours', instanceId, 'set ACTIVE, yet it was somebody else who had drained it');
  }

  function judgeAlert(instanceId: string, kind: string): void {
    const key = `${instanceId} ${kind}`;
    const times = [...(told.get(key) ?? []), now()].filter((at) => at > now() - 3_600);
    told.set(key, times);
    if (times.length === MOST_ALERTS_AN_HOUR + 1) {
      violate('nagging', instanceId, `people were told ${kind} ${times.length} times within an hour`);
    }
  }

  function judgeExecution({ name, operations, bytes, startedAtMs, closedAtMs, input }: ExecutionRecord): void {
    if (operations >= MOST_OPERATIONS)
      violate('operation-limit', undefined, `${name} used ${operations} durable operations`);
    if (bytes >= MOST_BYTES) violate('data-limit', undefined, `${name} wrote ${bytes} bytes`);
    const previous = inputs.get(input);
    if (previous && startedAtMs < (previous.closedAtMs ?? Number.POSITIVE_INFINITY)) {
      violate('two-executions', undefined, `${previous.name} and ${name} ran for one request at the same time`);
    }
    inputs.set(input, { name, closedAtMs });
  }
}

const ACT: Switch = { mode: 'act', deadlineSeconds: undefined };

/** As much of the switch as matters here; undefined where the text is none. */
function readSwitch(text: string | undefined): Switch | undefined {
  if (text === undefined) return ACT;
  try {
    const { mode = 'act', policy = {} } = JSON.parse(text);
    return ['observe', 'act', 'pause'].includes(mode) ? { mode, deadlineSeconds: policy.deadlineSeconds } : undefined;
  } catch {
    return undefined;
  }
}
