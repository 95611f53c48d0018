import * as z from 'zod/mini';
import { blockersOf } from '../rollout/checks.ts';
import type { Control } from '../rollout/control.ts';
import { isPaused } from '../rollout/control.ts';
import type { CourseState } from '../rollout/course.ts';
import { freshTrouble, pollSeconds } from '../rollout/course.ts';
import type { FleetFacts } from '../rollout/fleet.ts';
import type { FleetLook, FleetMemory } from '../rollout/fleet-memory.ts';
import { isAtRest } from '../rollout/fleet-memory.ts';
import type { ReleaseMemory } from '../rollout/memory.ts';
import type { Plan, PlannedFleet } from '../rollout/plan.ts';
import { verdictOf } from '../rollout/plan.ts';
import type { RefreshSeen } from '../rollout/ports.ts';
import type { FleetRequest, ReleaseRequest } from '../rollout/request.ts';
import { executionName, FLEET_OUTCOMES } from '../rollout/request.ts';
import type { SpotLook, SpotMemory } from '../rollout/spot-memory.ts';
import { notBefore, startsAtMs } from '../rollout/start-time.ts';
import { sentence } from '../rollout/telling.ts';
import { closedBecause, planFor, runningOf, waitingOf } from '../rollout/waves.ts';
import { parsed } from './recall.ts';
import { recallFleet, recallRelease, requestIn } from './rollout-recall.ts';
import type { Waits } from './rollout-waits.ts';
import { waitsOf } from './rollout-waits.ts';

/** One durable execution of the ami-update function, with what Lambda tells of it. */
export interface RolloutExecution {
  readonly name: string;
  /** RUNNING, SUCCEEDED, FAILED, TIMED_OUT or STOPPED; AWS may add others. */
  readonly status: string;
  readonly startedAtMs: number;
  readonly endedAtMs?: number;
  /** JSON texts; empty where there is none. */
  readonly input: string;
  readonly result: string;
  /** Why it failed. */
  readonly error: string;
  /** What its steps answered, as JSON, oldest first; only of what runs. */
  readonly answers: readonly string[];
}

/** The record in which people say what they want, as it is. */
export type RecordSeen = Control | { readonly mistake: string } | undefined;

/** How a fleet of a release stands. `state`: `told`, `waiting`, `not-begun` and never will be, `running`, or how it has ended. */
export interface FleetStatus {
  readonly id: string;
  readonly wave?: number;
  readonly state: string;
  readonly because: string;
  readonly waits?: Waits;
  /** Of a fleet that is being rolled. */
  readonly refresh?: { readonly status: string; readonly percent: number };
  readonly fresh?: number;
  readonly old?: number;
}

/** One release's rollout, as `rollout status` tells of it. */
export interface ReleaseStatus {
  /** The name of its execution, without the suffix of one that was started anew. */
  readonly name: string;
  readonly source: string;
  readonly version?: string;
  readonly by?: string;
  readonly ordered?: string;
  /** `running`, or how it has ended. */
  readonly state: string;
  readonly because: string;
  readonly startedAtMs: number;
  readonly endedAtMs?: number;
  /** What people last said. */
  readonly record?: Control | { readonly mistake: string };
  readonly fleets: readonly FleetStatus[];
  /** When it looks at what people say again, at the latest. */
  readonly looksAgainAtMs?: number;
  /** False where its history is not wholly known to this version of the command. */
  readonly isWhole: boolean;
}

/** What is known of a release beside its words: for those who want to say something of it. */
export interface ReleaseKnown {
  readonly status: ReleaseStatus;
  /** Fleets that wait to be begun; undefined where that cannot be told. */
  readonly waiting?: number;
  /** Why no further fleet of it is begun, while those that were begun run on. */
  readonly closed?: string;
  readonly begun: number;
}

/** The request of a release, by its execution; undefined for a fleet's, and for what is not known here. */
export function releaseIn({ input }: Pick<RolloutExecution, 'input'>): ReleaseRequest | undefined {
  const request = requestIn(input);
  return request?.kind === 'release' ? request : undefined;
}

export function fleetIn({ input }: Pick<RolloutExecution, 'input'>): FleetRequest | undefined {
  const request = requestIn(input);
  return request?.kind === 'fleet' ? request : undefined;
}

/** How a release stands, by its execution, those of its fleets, and the record. Pure. */
export function releaseStatus(
  execution: RolloutExecution,
  fleets: readonly RolloutExecution[],
  record: RecordSeen,
  nowMs: number,
): ReleaseKnown {
  const request = releaseIn(execution);
  const own = request === undefined ? [] : ownFleets(request, fleets);
  const head = headOf(execution, request, record);
  if (execution.status !== 'RUNNING') return ended(execution, head, own);
  if (request === undefined) {
    const because = 'What it was asked is of a form that this version of the command does not know.';
    return { status: { ...head, state: 'running', because, fleets: own, isWhole: false }, begun: own.length };
  }
  const { memory, isWhole } = recallRelease(request, execution.answers);
  const now = { ...withEnds(withRecord(memory, record), own), atMs: Math.max(memory.atMs, nowMs) };
  return running({ ...head, isWhole }, now, own);
}

type Head = Omit<ReleaseStatus, 'state' | 'because' | 'fleets'>;

function headOf(execution: RolloutExecution, request: ReleaseRequest | undefined, record: RecordSeen): Head {
  const { startedAtMs, endedAtMs } = execution;
  return {
    name: request === undefined ? execution.name : executionName(request),
    source: request?.source ?? '?',
    ...(request?.version === undefined ? {} : { version: request.version }),
    ...(request?.by === undefined ? {} : { by: request.by }),
    ...(request?.because === undefined ? {} : { ordered: request.because }),
    startedAtMs,
    ...(endedAtMs === undefined ? {} : { endedAtMs }),
    ...(record === undefined ? {} : { record }),
    isWhole: request !== undefined,
  };
}

/** What the record says holds from now on, though the rollout may not have looked yet. */
function withRecord(memory: ReleaseMemory, record: RecordSeen): ReleaseMemory {
  return record === undefined || 'mistake' in record ? memory : { ...memory, control: record };
}

/** A fleet's own execution says how it has ended, though the rollout may not have looked yet. */
function withEnds(memory: ReleaseMemory, own: readonly FleetStatus[]): ReleaseMemory {
  const started = Object.entries(memory.started).map(([fleet, known]) => {
    const { state, because = '' } = own.find(({ id }) => id === fleet) ?? {};
    const outcome = FLEET_OUTCOMES.find((one) => one === state);
    return [fleet, known.end || !outcome ? known : { ...known, end: { fleet, outcome, because } }] as const;
  });
  return { ...memory, started: Object.fromEntries(started) };
}

/** The latest execution of each fleet: one may have been started anew. */
function ownFleets(release: ReleaseRequest, executions: readonly RolloutExecution[]): FleetStatus[] {
  const name = executionName(release);
  const latest = new Map<string, RolloutExecution>();
  for (const execution of executions.toSorted((a, b) => a.startedAtMs - b.startedAtMs)) {
    const request = fleetIn(execution);
    if (request?.release === name) latest.set(request.fleet, execution);
  }
  return [...latest].map(([id, execution]) => fleetStatus(id, execution));
}

const Result = z.object({
  outcome: z.string(),
  because: z.string(),
  version: z.optional(z.string()),
  fleets: z.optional(z.array(z.object({ fleet: z.string(), outcome: z.string(), because: z.string() }))),
});

const ENDED_BADLY: Readonly<Record<string, string>> = {
  FAILED: 'the execution failed',
  TIMED_OUT: 'the execution came to its time limit',
  STOPPED: 'somebody stopped the execution',
};

/** What an ended execution came to; a result of another form is `?`. */
function endOf({ status, result, error }: RolloutExecution): z.infer<typeof Result> {
  const badly = ENDED_BADLY[status];
  if (badly !== undefined) return { outcome: 'failed', because: `${badly}${error === '' ? '' : ` (${error})`}` };
  const read = Result.safeParse(parsed(result));
  return read.success ? read.data : { outcome: '?', because: 'its result is of a form that is not known here' };
}

function ended(execution: RolloutExecution, head: Head, own: readonly FleetStatus[]): ReleaseKnown {
  const { outcome, because, version, fleets = [] } = endOf(execution);
  const told = fleets.map(
    ({ fleet, ...end }): FleetStatus => ({ id: fleet, state: end.outcome, because: end.because }),
  );
  const others = own.filter(({ id }) => !told.some((one) => one.id === id));
  const status = {
    ...head,
    // What takes its place is not what it was about.
    ...(version === undefined || outcome === 'superseded' ? {} : { version }),
    state: outcome,
    because,
    fleets: [...told, ...others],
  };
  return { status, begun: told.length + others.length };
}

function running(head: Head, memory: ReleaseMemory, own: readonly FleetStatus[]): ReleaseKnown {
  const plan = planFor(memory);
  const version = memory.announced?.version ?? plan?.target.version ?? head.version;
  const looksAgainAtMs = memory.lookedAtMs === undefined ? undefined : memory.lookedAtMs + pollSeconds(memory) * 1000;
  const closed = plan && closedBecause(memory, plan);
  const planned = plan?.fleets.map((fleet) => plannedStatus(memory, plan, fleet, own)) ?? [];
  const others = own.filter(({ id }) => !planned.some((one) => one.id === id));
  return {
    status: {
      ...head,
      ...(version === undefined ? {} : { version }),
      state: 'running',
      because: becauseRunning(memory, closed),
      fleets: [...planned, ...others],
      ...(looksAgainAtMs === undefined ? {} : { looksAgainAtMs }),
    },
    ...(plan === undefined
      ? {}
      : { waiting: waitingOf(memory, plan).filter(({ id }) => own.every((one) => one.id !== id)).length }),
    ...(closed === undefined ? {} : { closed }),
    begun: own.length,
  };
}

function plannedStatus(
  memory: ReleaseMemory,
  plan: Plan,
  fleet: PlannedFleet,
  own: readonly FleetStatus[],
): FleetStatus {
  const { id } = fleet;
  const { wave } = fleet.policy;
  const begun = own.find((one) => one.id === id);
  if (begun) return { ...begun, wave };
  const waits = waitsOf(memory, plan, fleet);
  if (waits.isOnlyTold) return { id, wave, state: 'told', because: '', waits };
  const closed = closedBecause(memory, plan);
  return closed === undefined
    ? { id, wave, state: 'waiting', because: '', waits }
    : { id, wave, state: 'not-begun', because: closed };
}

function becauseRunning(memory: ReleaseMemory, closed: string | undefined): string {
  const { survey, control } = memory;
  const troubled = troubleWords(memory, '.');
  if (closed !== undefined) {
    const until = runningOf(memory).length > 0 ? 'when the fleets that were begun have ended' : 'at its next look';
    const said = `${sentence(closed)} Nothing further is begun, and it ends ${until}.`;
    return troubled === undefined ? said : `${said} ${troubled}`;
  }
  if (troubled) return troubled;
  if (isPaused(control)) return `${control?.by} paused it: nothing further is begun.`;
  return survey === undefined ? 'Nothing was planned yet.' : '';
}

function fleetStatus(id: string, execution: RolloutExecution): FleetStatus {
  const request = fleetIn(execution);
  if (execution.status !== 'RUNNING' || request === undefined) {
    const { outcome, because } = endOf(execution);
    return { id, state: outcome, because };
  }
  const recalled = recallFleet(request, execution.answers);
  return {
    id,
    state: 'running',
    ...(recalled.kind === 'spot' ? spotOf(recalled.memory) : groupOf(recalled.memory, recalled.isWhole)),
  };
}

function troubleWords(memory: CourseState, end = ''): string | undefined {
  const trouble = freshTrouble(memory);
  return trouble && `${trouble.failure.operation} answers "${trouble.failure.message}": it is tried again${end}`;
}

type Progress = Omit<FleetStatus, 'id' | 'state'>;

const OVER: ReadonlySet<RefreshSeen['status']> = new Set([
  'Successful',
  'Failed',
  'Cancelled',
  'RollbackFailed',
  'RollbackSuccessful',
]);

function groupOf(memory: FleetMemory, isWhole: boolean): Progress {
  const { look, refresh: ours, asked } = memory;
  const troubled = troubleWords(memory);
  if (look === undefined) return { because: troubled ?? 'it was not looked at yet' };
  const { hosts, facts, control } = look;
  const seen = look.refresh ?? look.other;
  // Another version's start, and one whose answer was lost, cannot be told: what is under way is ours then, for there is
  // one at a time. Where all is known and we started none, it is somebody else's, which is waited for.
  const maybeOurs = ours !== undefined || asked !== undefined || !isWhole;
  const isShown = seen !== undefined && (seen.id === ours?.id || (maybeOurs && !OVER.has(seen.status)));
  const refresh = isShown ? seen : undefined;
  // Resumed, it waits to begin again.
  const isResumed = ours !== undefined && isAtRest(memory) && !isPaused(control);
  const turned = ours?.turned;
  const [blocker] = facts === undefined || (refresh && !isResumed) ? [] : blockersOf(facts, look.drainDeadlineSeconds);
  const words = [
    troubled,
    isPaused(control) && !turned ? `paused by ${control?.by}` : undefined,
    isResumed ? undefined : turned?.because,
    blocker && `${blocker.passes ? 'it waits' : 'it cannot begin'}: ${blocker.because}`,
    ours === undefined && !blocker ? earlyWords(memory.atMs, look) : undefined,
    ours && !turned && !refresh ? 'its instance refresh was started' : undefined,
    // What turned it says who asked for it, and AWS only that somebody did.
    turned && /due to user request/.test(refresh?.because ?? '') ? undefined : refresh?.because.replace(/\.$/, ''),
    hosts.unknown > 0 ? `EC2 does not tell yet what ${hosts.unknown} of its instances run` : undefined,
    hosts.strangers.length > 0 ? `not at work in ECS yet: ${hosts.strangers.join(', ')}` : undefined,
  ].filter((one) => one !== undefined && one !== '');
  return {
    because: words.join('; '),
    ...(refresh === undefined ? {} : { refresh: { status: refresh.status, percent: refresh.percent } }),
    fresh: hosts.fresh,
    old: hosts.old,
  };
}

/** Until when its tags keep it from beginning. */
function earlyWords(atMs: number, look: FleetLook | SpotLook): string | undefined {
  const { control, target } = look;
  const planned = verdictOf(look);
  if (target === undefined || planned === undefined || !('policy' in planned) || isPaused(control)) return undefined;
  const startMs = startsAtMs({ control, atMs }, target, planned.policy);
  return startMs !== undefined && startMs <= atMs ? undefined : `it waits: ${notBefore(startMs)}`;
}

function spotOf(memory: SpotMemory): Progress {
  const { atMs, look, copy, undo, drains } = memory;
  const troubled = troubleWords(memory);
  if (look === undefined) return { because: troubled ?? 'it was not looked at yet' };
  const ids = Object.keys(drains);
  const fulfilled = look.copy?.fulfilledCapacity ?? 0;
  const over = ids.filter((id) => drains[id] !== 'running').length;
  const words = [
    troubled,
    undo && `it is taken back: ${undo.because}`,
    isPaused(look.control) ? `paused by ${look.control?.by}` : undefined,
    copy === undefined && look.facts ? spotWaits(atMs, look, look.facts) : undefined,
    copy &&
      `${copy.id} takes its place${fulfilled < copy.capacity ? `, with ${fulfilled} of ${copy.capacity} units of capacity yet` : ''}`,
    ids.length > 0 ? `${over} of ${ids.length} old instances are drained` : undefined,
  ].filter((one) => one !== undefined);
  return { because: words.join('; '), fresh: look.hosts.fresh, old: look.old?.instances.length ?? 0 };
}

function spotWaits(atMs: number, look: SpotLook, facts: FleetFacts): string | undefined {
  const [blocker] = blockersOf(facts, 0);
  if (blocker) return `${blocker.passes ? 'it waits' : 'it cannot begin'}: ${blocker.because}`;
  return earlyWords(atMs, look);
}
