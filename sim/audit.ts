import type { Scenario } from './scenario.ts';
import type { World } from './world.ts';

/** Something that must never happen, and did. */
export interface Violation {
  readonly rule: string;
  readonly instanceId: string | undefined;
  readonly atSeconds: number;
  readonly because: string;
}

/** One departure of an instance, as it really went. Seconds from the scenario's start. */
export interface Departure {
  readonly instanceId: string;
  readonly group: string;
  readonly cluster: string | undefined;
  /** Names the lifecycle action of our hook; undefined where no hook of ours holds the instance. */
  readonly token: string | undefined;
  readonly noticedAtSeconds: number;
  drainingAtSeconds: number | undefined;
  lastTaskStoppedAtSeconds: number | undefined;
  /** When our hook was completed by a call. */
  releasedAtSeconds: number | undefined;
  /** A task on it had another `lastStatus` than STOPPED when it was released. */
  premature: boolean;
  /** Tasks that were killed with the instance. */
  tasksCut: number;
  /** Set when our hook ended without us. */
  endedBy: string | undefined;
}

export interface Audit {
  readonly departures: readonly Departure[];
  /** Ends the audit: what is still open at the end of the run is judged. */
  finish(): readonly Violation[];
}

/** A hook's own bounds, and what the stack's settings say unless the scenario says otherwise: written out once more here, on purpose. */
const DEFAULT_DEADLINE_SECONDS = 3_000;
const GLOBAL_TIMEOUT_MARGIN_SECONDS = 300;
const LONGEST_HOOK_SECONDS = 172_800;
/** How long after its deadline a release may take: one slow look, a few throttled calls. */
const DEADLINE_GRACE_SECONDS = 120;
/** AWS-CONTRACTS §7. */
const MOST_OPERATIONS = 3_000;

/**
 * Watches what really happens in the world and knows nothing of our code: what the instances, tasks and hooks do is
 * all it judges by.
 */
export function createAudit(world: World, scenario: Scenario): Audit {
  const departures: Departure[] = [];
  const violations: Violation[] = [];
  const open = new Map<string, Departure>();
  const leaving = new Set<string>();
  const clusterOf = new Map<string, string>();
  const alive = new Map<string, Map<string, string>>();
  const live = new Map<string, number>();

  const violate = (rule: string, instanceId: string | undefined, because: string) =>
    void violations.push({ rule, instanceId, atSeconds: world.clock.nowSeconds(), because });

  const hookOf = (group: string, hook: string) =>
    scenario.hooks.find((candidate) => candidate.group === group && candidate.name === hook);

  const deadlineSeconds = (departure: Departure): number => {
    const heartbeat =
      scenario.hooks.find(({ group, ours }) => ours && group === departure.group)?.heartbeatSeconds ?? 0;
    const policy = Number(scenario.settings['DRAIN_DEADLINE_SECONDS'] ?? DEFAULT_DEADLINE_SECONDS);
    const global = Math.min(LONGEST_HOOK_SECONDS, 100 * heartbeat);
    return departure.noticedAtSeconds + Math.min(policy, global - GLOBAL_TIMEOUT_MARGIN_SECONDS);
  };

  const unstopped = (instanceId: string): string[] => [...(alive.get(instanceId)?.values() ?? [])];

  world.on((event) => {
    const now = world.clock.nowSeconds();
    switch (event.kind) {
      case 'instance-terminating':
        leaving.add(event.instanceId);
        break;
      case 'hook-waiting': {
        if (!hookOf(event.group, event.hook)?.ours) break;
        const departure: Departure = {
          instanceId: event.instanceId,
          group: event.group,
          cluster: clusterOf.get(event.instanceId),
          token: event.token,
          noticedAtSeconds: now,
          drainingAtSeconds: undefined,
          lastTaskStoppedAtSeconds: undefined,
          releasedAtSeconds: undefined,
          premature: false,
          tasksCut: 0,
          endedBy: undefined,
        };
        departures.push(departure);
        open.set(event.instanceId, departure);
        break;
      }
      case 'container-instance': {
        clusterOf.set(event.instanceId, event.cluster);
        if (event.by !== 'call' || event.status !== 'DRAINING') break;
        if (!leaving.has(event.instanceId))
          violate('drained-not-leaving', event.instanceId, 'set DRAINING, yet nobody is taking it away');
        const departure = open.get(event.instanceId);
        if (departure) departure.drainingAtSeconds ??= now;
        break;
      }
      case 'task': {
        const tasks = alive.get(event.instanceId) ?? new Map<string, string>();
        alive.set(event.instanceId, tasks);
        const departure = open.get(event.instanceId);
        if (event.lastStatus !== 'STOPPED') tasks.set(event.taskArn, event.lastStatus);
        else if (tasks.delete(event.taskArn) && departure) {
          if (event.cut) departure.tasksCut += 1;
          else if (departure.releasedAtSeconds === undefined) departure.lastTaskStoppedAtSeconds = now;
        }
        break;
      }
      case 'hook-finished': {
        const hook = hookOf(event.group, event.hook);
        if (!hook?.ours) {
          if (event.by === 'call')
            violate('foreign-hook', event.instanceId, `the hook ${event.hook} is not ours to complete`);
          break;
        }
        const departure = open.get(event.instanceId);
        if (departure === undefined) break;
        if (event.by !== 'call') {
          departure.endedBy = event.by;
          if (event.by !== 'sibling-abandoned')
            violate('hook-expired', event.instanceId, `the hook ended by its ${event.by}, not by us`);
          break;
        }
        departure.releasedAtSeconds = now;
        const left = unstopped(event.instanceId);
        departure.premature = left.length > 0;
        if (left.length > 0 && now < deadlineSeconds(departure)) {
          violate(
            'released-early',
            event.instanceId,
            `released with ${left.length} tasks not stopped: ${left.slice(0, 5).join(', ')}`,
          );
        }
        break;
      }
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
      case 'call':
        if (event.error === 'UnknownOperationException' || event.error === 'InvalidAction') {
          violate('unknown-operation', undefined, `${event.service}:${event.operation} does not exist here`);
        }
        break;
      case 'dead-letter':
        violate('lost', undefined, `${event.functionName} gave up an event: ${event.because}`);
        break;
      case 'execution':
        if (event.status === 'FAILED' || event.status === 'TIMED_OUT')
          violate('execution-failed', undefined, `${event.name} ended ${event.status}`);
        break;
    }
  });

  return {
    departures,
    finish() {
      for (const departure of departures) {
        const { releasedAtSeconds, endedBy, instanceId } = departure;
        const deadline = deadlineSeconds(departure) + DEADLINE_GRACE_SECONDS;
        const end = releasedAtSeconds ?? world.clock.nowSeconds();
        if (endedBy === undefined && end > deadline) {
          violate('unreleased', instanceId, `not released ${Math.round(end - deadline)} s after its deadline`);
        } else if (endedBy === undefined && releasedAtSeconds === undefined) {
          violate('unfinished', instanceId, 'the run ended before the instance was released');
        }
      }
      return violations;
    },
  };
}

/** For executions that closed: the limit after which Lambda ends them (AWS-CONTRACTS §7). */
export function overOperationLimit(operations: number): boolean {
  return operations >= MOST_OPERATIONS;
}
