import type {
  CheckpointDurableExecutionRequest,
  DurableExecutionClient,
  ErrorObject,
  WireOperation,
} from '@aws/durable-execution-sdk-js';
import type { Timer } from './clock.ts';
import { apply, dueMs, invalid, refusal, sizeOf, snapshot } from './durable-history.ts';
import type {
  DurableEngine,
  DurableOptions,
  ExecutionRecord,
  ExecutionStatus,
  InvocationEnd,
  Run,
  Session,
} from './execution.ts';
import { pause, sandboxes } from './virtual-time.ts';
import type { World } from './world.ts';

export type { CheckpointFault, DurableOptions, ExecutionRecord, ExecutionStatus } from './execution.ts';

// The hard limits of AWS-CONTRACTS §7. What counts towards the 3,000 is what is metered: the stricter reading.
const MAX_OPERATIONS = 3_000;
const MAX_BYTES = 100 * 2 ** 20;

// UNVERIFIED in AWS-CONTRACTS §7, so chosen: the latencies, the page sizes, and the retries of a failed invocation.
const REQUEST_MS = 7;
const ANSWER_MS = 8;
const RESUME_MS = { min: 20, max: 100 };
/** Operations that an invocation is given at once; it asks for the rest. */
export const FIRST_PAGE = 500;
const MAX_FAILURES_IN_A_ROW = 20;
const backoffMs = (failures: number): number => Math.min(60, 2 ** (failures - 1)) * 1000;

interface Execution extends Omit<{ -readonly [K in keyof ExecutionRecord]: ExecutionRecord[K] }, 'moves'> {
  readonly moves: string[];
  /** By operation id, oldest first; the first one is the execution itself. Operations are replaced, never changed. */
  readonly history: Map<string, WireOperation>;
  /** What is waited for: a wait's end or a step's next attempt, by operation id. */
  readonly due: Map<string, Timer>;
  /** Operations that changed since a sandbox last heard of them. */
  readonly changed: Set<string>;
  token: string;
  tokens: number;
  failures: number;
  live: boolean;
  resume: Timer | undefined;
  timeout: Timer | undefined;
}

/**
 * The durable execution service in memory (AWS-CONTRACTS §7): keeps histories, lets waits and retries fall due on the
 * world's clock, and invokes the function again, at most once at a time for each execution.
 */
export function createDurableEngine(world: World, run: Run, options: DurableOptions = {}): DurableEngine {
  const { clock } = world;
  const random = world.random('durable');
  const executions = new Map<string, Execution>();
  const byArn = new Map<string, Execution>();

  const renewToken = (execution: Execution): string => {
    execution.tokens++;
    execution.token = `${execution.name}#${execution.tokens}`;
    return execution.token;
  };

  const announce = (execution: Execution): void => {
    const { name, status, arn, functionArn, startedAtMs, closedAtMs } = execution;
    const detail: Record<string, string> = {
      durableExecutionArn: arn,
      durableExecutionName: name,
      functionArn,
      status,
      startTimestamp: new Date(startedAtMs).toISOString(),
    };
    if (closedAtMs !== undefined) detail['endTimestamp'] = new Date(closedAtMs).toISOString();
    world.emit({ kind: 'execution', name, status, detail });
  };

  const close = (execution: Execution, status: ExecutionStatus, result?: string, error?: ErrorObject): void => {
    for (const timer of [...execution.due.values(), execution.resume, execution.timeout]) clock.cancel(timer);
    execution.due.clear();
    execution.status = status;
    execution.closedAtMs = clock.nowMs();
    execution.result = result ? JSON.parse(result) : undefined;
    execution.error = error;
    execution.bytes += sizeOf(result, error);
    announce(execution);
    if (status === 'SUCCEEDED') return;
    // There are no destinations, but a dead-letter queue gets the original event (AWS-CONTRACTS §7).
    const { functionName, input: payload } = execution;
    world.emit({ kind: 'dead-letter', functionName, because: error?.ErrorMessage ?? status, payload });
  };
  const fail = (execution: Execution, ErrorType: string, ErrorMessage: string): void =>
    close(execution, 'FAILED', undefined, { ErrorType, ErrorMessage });

  const resumeAfter = (execution: Execution, delayMs: number): void => {
    if (execution.status !== 'RUNNING' || execution.live || execution.resume) return;
    execution.resume = clock.after(delayMs, () => invoke(execution));
  };
  const wake = (execution: Execution): void => resumeAfter(execution, random.int(RESUME_MS.min, RESUME_MS.max));

  const becomeDue = (execution: Execution, id: string): void => {
    const operation = execution.history.get(id);
    if (!operation) return;
    execution.due.delete(id);
    const next: WireOperation =
      operation.Type === 'WAIT'
        ? { ...operation, Status: 'SUCCEEDED', EndTimestamp: new Date(clock.nowMs()) }
        : { ...operation, Status: 'READY' };
    execution.history.set(id, next);
    execution.changed.add(id);
    wake(execution);
  };

  /** Stores all updates of a request or none, and answers with every operation the sandbox has not heard of. */
  const store = (execution: Execution, request: CheckpointDurableExecutionRequest): WireOperation[] => {
    if (execution.status !== 'RUNNING' || request.CheckpointToken !== execution.token) {
      throw invalid('Invalid Checkpoint Token');
    }
    const next = new Map<string, WireOperation>();
    const began: string[] = [];
    let metered = 0;
    let bytes = 0;
    for (const update of request.Updates ?? []) {
      // The SDK makes up an id for a result too large to return; the service takes it for the execution's own.
      const id = update.Type === 'EXECUTION' ? execution.arn : (update.Id ?? '');
      const current = next.get(id) ?? execution.history.get(id);
      next.set(id, apply(update, current, clock.nowMs()));
      if (current === undefined || update.Action === 'RETRY') metered++;
      if (current === undefined) began.push(update.Name ?? '');
      bytes += sizeOf(update.Payload, update.Error);
    }
    if (execution.operations + metered > MAX_OPERATIONS || execution.bytes + bytes > MAX_BYTES) {
      const because = `The execution is over its limit of ${MAX_OPERATIONS} operations or ${MAX_BYTES} bytes.`;
      fail(execution, 'ExecutionLimitExceeded', because);
      throw invalid(because);
    }
    execution.operations += metered;
    execution.moves.push(...began);
    execution.bytes += bytes;
    for (const [id, operation] of next) {
      execution.history.set(id, operation);
      execution.changed.add(id);
      const atMs = dueMs(operation);
      if (atMs === undefined) continue;
      const timer = clock.at(atMs, () => becomeDue(execution, id));
      execution.due.set(id, timer);
    }
    const outcome = request.Updates?.find((update) => update.Type === 'EXECUTION');
    if (outcome) close(execution, outcome.Action === 'FAIL' ? 'FAILED' : 'SUCCEEDED', outcome.Payload, outcome.Error);
    return takeChanged(execution).map((id) => execution.history.get(id) as WireOperation);
  };

  const takeChanged = (execution: Execution): string[] => {
    const ids = [...execution.changed];
    execution.changed.clear();
    return ids;
  };

  const beginSession = (execution: Execution): Session => {
    let kept: WireOperation[] | undefined;
    const history = (): WireOperation[] => {
      kept ??= snapshot(execution.history);
      return kept;
    };
    return {
      execution,
      token: renewToken(execution),
      updated: takeChanged(execution),
      operationCount: execution.history.size,
      history,
      operation: (id) => execution.history.get(id),
      client: createClient(execution, history),
    };
  };

  /** The SDK's transport, for one invocation. */
  const createClient = (execution: Execution, history: () => readonly WireOperation[]): DurableExecutionClient => ({
    async checkpoint(request) {
      execution.checkpoints++;
      const fault = options.beforeCheckpoint?.(execution, execution.checkpoints);
      const die = (): void => sandboxes.getStore()?.crash(`${fault} at checkpoint ${execution.checkpoints}`);
      await pause(world, REQUEST_MS);
      if (fault === 'kill-before') die();
      try {
        if (fault === 'fail') throw refusal('ServiceException', 'The checkpoint was lost.', 500);
        if (fault === 'kill-before') return { NewExecutionState: undefined };
        const Operations = store(execution, request);
        if (fault === 'kill-after') die();
        return { CheckpointToken: renewToken(execution), NewExecutionState: { Operations } };
      } finally {
        await pause(world, ANSWER_MS);
      }
    },
    async getExecutionState({ CheckpointToken, Marker, MaxItems }) {
      await pause(world, REQUEST_MS + ANSWER_MS);
      if (CheckpointToken !== execution.token) throw invalid('Invalid Checkpoint Token');
      const from = Number(Marker ?? 0);
      const to = from + (MaxItems ?? FIRST_PAGE);
      const all = history();
      return { Operations: all.slice(from, to), NextMarker: to < all.length ? String(to) : undefined };
    },
  });

  const invoke = (execution: Execution): void => {
    execution.resume = undefined;
    execution.live = true;
    execution.invocations++;
    run(beginSession(execution), (end) => {
      execution.live = false;
      execution.billedMs += end.billedMs;
      if (execution.status === 'RUNNING') conclude(execution, end);
    });
  };

  const conclude = (execution: Execution, end: InvocationEnd): void => {
    if (end.outcome !== 'returned') {
      execution.failures++;
      if (execution.failures > MAX_FAILURES_IN_A_ROW) fail(execution, 'InvocationFailed', end.because);
      else resumeAfter(execution, backoffMs(execution.failures));
      return;
    }
    execution.failures = 0;
    const answer = (end.value ?? {}) as { Status?: string; Result?: string; Error?: ErrorObject };
    if (answer.Status === 'SUCCEEDED') close(execution, 'SUCCEEDED', answer.Result);
    else if (answer.Status === 'FAILED') close(execution, 'FAILED', undefined, answer.Error);
    else if (answer.Status !== 'PENDING') fail(execution, 'InvalidOutput', 'The handler is not a durable one.');
    else if (execution.changed.size > 0) wake(execution);
    else if (execution.due.size === 0) fail(execution, 'InvalidOutput', 'PENDING with no pending operations.');
  };

  return {
    start({ name, functionName, functionArn, input, executionTimeoutSeconds }) {
      const startedAtMs = clock.nowMs();
      const arn = `${functionArn}/durable-execution/${name}/${random.uuid()}`;
      const first: WireOperation = {
        Id: arn,
        Type: 'EXECUTION',
        Status: 'STARTED',
        StartTimestamp: new Date(startedAtMs),
        ExecutionDetails: { InputPayload: input },
      };
      const execution: Execution = {
        ...{ name, arn, functionName, functionArn, input, startedAtMs, executionTimeoutSeconds, closedAtMs: undefined },
        ...{ status: 'RUNNING', result: undefined, error: undefined },
        ...{ moves: [], operations: 0, bytes: sizeOf(input), checkpoints: 0, invocations: 0, billedMs: 0 },
        ...{ history: new Map([[arn, first]]), due: new Map(), changed: new Set() },
        ...{ token: '', tokens: 0, failures: 0, live: false, resume: undefined, timeout: undefined },
      };
      executions.set(`${functionName}/${name}`, execution);
      byArn.set(arn, execution);
      execution.timeout = clock.after(executionTimeoutSeconds * 1000, () => close(execution, 'TIMED_OUT'));
      announce(execution);
      wake(execution);
      return execution;
    },
    find: (functionName, name) => executions.get(`${functionName}/${name}`),
    findByArn: (arn) => byArn.get(arn),
    operationsOf: (arn) => [...(byArn.get(arn)?.history.values() ?? [])],
    executions: () => [...executions.values()],
    stop(arn, error) {
      const execution = byArn.get(arn);
      if (execution?.status === 'RUNNING') close(execution, 'STOPPED', undefined, error);
    },
  };
}
