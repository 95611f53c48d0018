import { isDone } from '../drain/coming-back.ts';
import type { Memory } from '../drain/memory.ts';
import { purposeOf } from '../drain/purpose.ts';
import { deadlineMs } from '../drain/times.ts';
import { describeRemaining, describeRequest, describeTrouble, shortName } from '../drain/words.ts';
import type { Execution, ExecutionData, History } from './executions.ts';
import { parsed, recall } from './recall.ts';

export type Phase = '?' | 'verifying' | 'finding' | 'planned' | 'draining' | 'stuck' | 'troubled' | 'paused' | 'done';

/** One drain under way, as `ecs-drain status` tells of it. */
export interface Drain {
  readonly instanceId: string;
  readonly group?: string;
  readonly cluster?: string;
  readonly phase: Phase;
  /** When it set the instance DRAINING; before that, when it was asked to. */
  readonly sinceMs: number;
  /** Who wants it drained. */
  readonly wanted: string;
  readonly tasksLeft?: number;
  readonly waitsFor: string;
  /** Why it does not get on, where the drain has looked into that: sentences that a person can act on. */
  readonly because: readonly string[];
  readonly deadlineMs?: number;
  readonly execution: string;
  /** Of the function. */
  readonly version: string;
}

/** One drain that has ended. */
export interface PastDrain {
  readonly instanceId: string;
  readonly group?: string;
  readonly cluster?: string;
  readonly outcome: string;
  readonly because: string;
  readonly endedAtMs: number;
  readonly execution: string;
  readonly version: string;
}

/** The instance that an execution is about, by its name: all that is known without reading it. */
export function instanceOf(executionName: string): string {
  return /^i-[0-9a-f]+/.exec(executionName)?.[0] ?? '?';
}

/** What a drain under way has come to, by its own history. Pure; of what cannot be understood it says so. */
export function drainStatus(execution: Execution, history: History): Drain {
  const { name, version, startedAtMs } = execution;
  const { memory, isPolicyKnown } = recall(history);
  try {
    if (memory !== undefined) return toldBy(memory, isPolicyKnown, execution);
  } catch {
    // Members of another version's answers, where this one expects its own.
  }
  return {
    instanceId: instanceOf(name),
    phase: '?',
    sinceMs: startedAtMs,
    wanted: '?',
    waitsFor: 'What it has noted down is of a form that this version of the command does not know.',
    because: [],
    execution: name,
    version,
  };
}

function toldBy(memory: Memory, isPolicyKnown: boolean, { name, version }: Execution): Drain {
  const { request, look, group, drainingSinceMs } = memory;
  const named = memory.placements?.[0]?.cluster ?? ('cluster' in request ? request.cluster : undefined);
  const tasksLeft = look?.remaining?.total ?? look?.instances?.wanted;
  const phase = phaseOf(memory);
  return {
    instanceId: request.instanceId,
    ...(group === undefined ? {} : { group }),
    ...(named === undefined ? {} : { cluster: shortName(named) }),
    phase,
    sinceMs: drainingSinceMs ?? Date.parse(request.noticedAt),
    wanted: describeRequest(memory),
    ...(tasksLeft === undefined ? {} : { tasksLeft }),
    waitsFor: waitsFor(memory, phase),
    because: isCurrent(memory) ? [...(memory.diagnosis?.reasons ?? [])] : [],
    ...(isPolicyKnown ? { deadlineMs: deadlineMs(memory) } : {}),
    execution: name,
    version,
  };
}

function phaseOf(memory: Memory): Phase {
  const { settings, verified, placements, trouble, said, progress, request, steppedAtMs } = memory;
  if (settings.mode === 'pause') return 'paused';
  if (isDone(memory)) return 'done';
  if (trouble !== undefined) return 'troubled';
  if (!verified) return 'verifying';
  if (placements === undefined) return 'finding';
  if (memory.drainingSinceMs === undefined && steppedAtMs < purposeOf(request, settings.policy).startAtMs)
    return 'planned';
  return said.stuck?.done && said.stuck.atMs >= progress.atMs ? 'stuck' : 'draining';
}

/** Nothing has moved since it was looked into. */
function isCurrent({ diagnosis, progress }: Memory): boolean {
  return diagnosis !== undefined && diagnosis.atMs >= progress.atMs;
}

function waitsFor(memory: Memory, phase: Phase): string {
  switch (phase) {
    case 'paused':
      return `The switch says pause: nothing is done, and ${describeRemaining(memory)}.`;
    case 'done':
      return 'Its tasks have gone; an instance that stays is set ACTIVE again when it is back.';
    case 'troubled':
      return `${describeTrouble(memory)}; it is tried again.`;
    case 'verifying':
      return memory.staying?.state
        ? `Auto Scaling must say that the instance is leaving; it says ${memory.staying.state}.`
        : 'Auto Scaling must say that the instance is leaving.';
    case 'finding':
      return 'Its container instance is being looked for.';
    case 'planned': {
      const { startAtMs } = purposeOf(memory.request, memory.settings.policy);
      return `Nothing is done before ${new Date(startAtMs).toISOString()}.`;
    }
    default:
      return `${describeRemaining(memory)}.`;
  }
}

const ENDED_BADLY: Readonly<Record<string, string>> = {
  FAILED: 'the execution failed',
  TIMED_OUT: 'the execution came to its time limit',
  STOPPED: 'somebody stopped the execution',
};

/** How a drain has ended, by its result. Pure; what an older version has not said is `?`. */
export function pastDrain({ name, version, status, endedAtMs = 0 }: Execution, data: ExecutionData): PastDrain {
  const result = parsed(data.result);
  const members: Readonly<Record<string, unknown>> = typeof result === 'object' && result !== null ? { ...result } : {};
  const text = (member: string): string | undefined => {
    const value = members[member];
    return typeof value === 'string' ? value : undefined;
  };
  const badly = ENDED_BADLY[status];
  const group = text('group');
  const cluster = text('cluster');
  return {
    instanceId: text('instanceId') ?? instanceOf(name),
    ...(group === undefined ? {} : { group }),
    ...(cluster === undefined ? {} : { cluster }),
    outcome: badly === undefined ? (text('outcome') ?? '?') : 'failed',
    because: badly === undefined ? (text('because') ?? '?') : `${badly}${data.error === '' ? '' : ` (${data.error})`}`,
    endedAtMs,
    execution: name,
    version,
  };
}
