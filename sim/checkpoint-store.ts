import type { ErrorObject, OperationUpdate, WireOperation } from '@aws/durable-execution-sdk-js';
import { FIRST_PAGE } from './durable.ts';
import type { Stay } from './environments.ts';
import type { ExecutionRecord, InvocationEnd, Run, Session } from './execution.ts';
import { pause, type Sandbox, sandboxes } from './virtual-time.ts';
import type { World } from './world.ts';

/** What a durable program needs of its execution; the bundles' own port has this shape. */
export interface DurableLike {
  step<T>(name: string, run: () => Promise<T>): Promise<T>;
  wait(name: string, seconds: number): Promise<void>;
  log(level: 'info' | 'warn' | 'error', message: string, fields: Readonly<Record<string, unknown>>): void;
}

/** A durable function without the durable SDK. */
export type Core = (event: unknown, durable: DurableLike) => Promise<unknown>;

/** The retry strategy of our steps, written out once more on purpose: jitter is full, delays are whole seconds. */
const MOST_ATTEMPTS = 4;
const FIRST_DELAY_SECONDS = 2;
const LONGEST_DELAY_SECONDS = 30;

/** How the real SDK behaves (2.4.0): it lets this pass before it suspends, and asks for the history in such pages. */
const SUSPEND_AFTER_MS = 20;
const PAGE = 1000;

interface Options {
  readonly coreOf: (execution: ExecutionRecord) => Core;
  /** Gives an invocation its environment. */
  readonly occupy: (
    execution: ExecutionRecord,
    begin: (stay: Stay) => void,
    ended: (end: InvocationEnd) => void,
  ) => void;
}

/** A program from its start to its end, or to its death; it outlives the invocations that it waits between. */
interface Life {
  /** Takes the suspended program further, in a new invocation. */
  goOn(session: Session, stay: Stay): void;
  /** The invocation it was in is over. It goes on only if it suspended itself. */
  left(): void;
  readonly alive: boolean;
}

/**
 * Runs durable programs as the real SDK does, over the same service and with the same checkpoints, latencies and bills;
 * but a program that waits stays where it is, and is run again from the top only after its sandbox died.
 *
 * It knows steps and waits, one after another. What a program leaves running when it waits is not frozen.
 */
export function createCheckpointStore(world: World, { coreOf, occupy }: Options): Run {
  const lives = new WeakMap<ExecutionRecord, Life>();
  return (session, ended) => {
    const { execution } = session;
    const begin = (stay: Stay): void => {
      const suspended = lives.get(execution);
      if (suspended?.alive) suspended.goOn(session, stay);
      else lives.set(execution, createLife(world, coreOf(execution), session, stay));
    };
    occupy(execution, begin, (end) => {
      lives.get(execution)?.left();
      ended(end);
    });
  };
}

function createLife(world: World, core: Core, firstSession: Session, firstStay: Stay): Life {
  let session = firstSession;
  let stay = firstStay;
  let { token } = session;
  let alive = true;
  /** Set while the program is suspended. */
  let resume: (() => void) | undefined;

  const sandbox: Sandbox = {
    get alive() {
      return alive;
    },
    get skewMs() {
      return stay.skewMs;
    },
    executionName: session.execution.name,
    crash: (because) => stay.end('crashed', undefined, because),
  };
  const answer = (value: { Status: string; Result?: string | undefined; Error?: ErrorObject }): void =>
    stay.end('returned', value, '');
  const fail = (failure: ErrorObject): void => answer({ Status: 'FAILED', Error: failure });

  const store = async (Updates: OperationUpdate[]): Promise<void> => {
    const request = { DurableExecutionArn: session.execution.arn, CheckpointToken: token, Updates };
    try {
      token = (await session.client.checkpoint(request)).CheckpointToken ?? token;
    } catch (error) {
      refused(error as Refusal);
      await never();
    }
  };

  /** A lost checkpoint or a replaced token ends the invocation; what the service will never take ends the execution. */
  const refused = ({ message, $metadata }: Refusal): void => {
    const isFinal = $metadata.httpStatusCode < 500 && !message.startsWith('Invalid Checkpoint Token');
    const because = `[Unrecoverable ${isFinal ? 'Execution' : 'Invocation'}] Checkpoint failed: ${message}`;
    if (isFinal) fail({ ErrorType: 'CheckpointUnrecoverableExecutionError', ErrorMessage: because });
    else stay.end('error', undefined, because);
  };

  /** Ends the invocation; the program stands still until the next one takes it further. */
  const suspend = async (): Promise<void> => {
    await pause(world, SUSPEND_AFTER_MS);
    await new Promise<void>((resolve) => {
      resume = resolve;
      answer({ Status: 'PENDING' });
    });
  };

  const loadHistory = async (): Promise<void> => {
    const request = { DurableExecutionArn: session.execution.arn, CheckpointToken: token, MaxItems: PAGE };
    let Marker: string | undefined = session.operationCount > FIRST_PAGE ? String(FIRST_PAGE) : undefined;
    while (Marker !== undefined) {
      Marker = (await session.client.getExecutionState({ ...request, Marker })).NextMarker;
    }
  };

  const begin = async (): Promise<void> => {
    await loadHistory();
    const { name: executionName, input } = session.execution;
    const operation = (id: string): WireOperation | undefined => session.operation(id);
    const checkpoint = createQueue(world, store);
    const durable = createDurable(world, { executionName, operation, checkpoint, suspend });
    try {
      const result = await core(JSON.parse(input), durable);
      answer({ Status: 'SUCCEEDED', Result: JSON.stringify(result) });
    } catch (error) {
      fail(errorObject(error));
    }
  };
  void sandboxes.run(sandbox, begin);

  return {
    goOn(nextSession, nextStay) {
      session = nextSession;
      stay = nextStay;
      token = session.token;
      const woken = resume;
      resume = undefined;
      void sandboxes.run(sandbox, loadHistory).then(woken);
    },
    left() {
      alive = resume !== undefined;
    },
    get alive() {
      return alive;
    },
  };
}

/** The real SDK's queue: what is asked for while a request is on its way goes into the next one. */
function createQueue(
  world: World,
  store: (updates: OperationUpdate[]) => Promise<void>,
): (update: OperationUpdate) => Promise<void> {
  let queue: { readonly update: OperationUpdate; readonly stored: () => void }[] = [];
  let sending = false;
  const send = async (): Promise<void> => {
    await pause(world, 0);
    if (sending || queue.length === 0) return;
    sending = true;
    const batch = queue;
    queue = [];
    await store(batch.map(({ update }) => update));
    for (const { stored } of batch) stored();
    sending = false;
    if (queue.length > 0) void send();
  };
  return (update) =>
    new Promise((stored) => {
      queue.push({ update, stored });
      if (!sending) void send();
    });
}

/** Nothing comes after this: the sandbox is dead, or the run is. */
const never = (): Promise<never> => new Promise(() => {});

interface Refusal extends Error {
  readonly $metadata: { readonly httpStatusCode: number };
}

const errorObject = (error: unknown): ErrorObject =>
  error instanceof Error ? { ErrorType: error.name, ErrorMessage: error.message } : { ErrorMessage: 'Unknown error' };

type Change = Omit<OperationUpdate, 'Id' | 'Type'>;

interface Program {
  operation(id: string): WireOperation | undefined;
  readonly executionName: string;
  /** Resolves when it is stored; never if it is not. */
  checkpoint(update: OperationUpdate): Promise<void>;
  suspend(): Promise<void>;
}

/** Steps and waits by their position, over the operations that the service keeps. */
function createDurable(world: World, { operation, executionName, checkpoint, suspend }: Program): DurableLike {
  const random = world.random('retries');
  let position = 0;
  let replaying = operation('1') !== undefined;
  let busyWith: string | undefined;

  /** Ends the run: a program like that would come to grief on AWS as well, only later. */
  const defect = (message: string): Promise<never> => {
    world.clock.after(0, () => {
      throw new Error(`${message}, in ${executionName}`);
    });
    return never();
  };

  /** The next operation's id. Whatever was kept at this position must be the same one: a program may not waver. */
  const next = async (Type: 'STEP' | 'WAIT', Name: string, seconds?: number): Promise<string> => {
    const words = (...parts: unknown[]): string => parts.join(' ').trim();
    const is = words(Type, Name, seconds);
    // AWS-CONTRACTS §7: "Start operations one after another".
    if (busyWith !== undefined) return defect(`${is} begins while ${busyWith} is under way`);
    busyWith = is;
    position++;
    const Id = String(position);
    const kept = operation(Id);
    if (kept === undefined) {
      replaying = false;
      return Id;
    }
    const { StartTimestamp, WaitDetails } = kept;
    const keptSeconds = WaitDetails && (Number(WaitDetails.ScheduledEndTimestamp) - Number(StartTimestamp)) / 1000;
    const was = words(kept.Type, kept.Name, keptSeconds);
    return was === is ? Id : defect(`Non-deterministic: operation ${Id} was ${was}, now it is ${is}`);
  };

  const retry = (failure: ErrorObject, attempt: number): Change => {
    const most = Math.min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** (attempt - 1));
    const NextAttemptDelaySeconds = Math.max(1, Math.round(random.around(most / 2, 1)));
    return { Action: 'RETRY', Error: failure, StepOptions: { NextAttemptDelaySeconds } };
  };

  const finishStep = async (Id: string, Name: string, run: () => Promise<unknown>): Promise<WireOperation> => {
    const update = (change: Change): Promise<void> =>
      checkpoint({ Id, Type: 'STEP', SubType: 'Step', Name, ...change });
    for (;;) {
      const kept = operation(Id);
      if (kept?.Status === 'SUCCEEDED' || kept?.Status === 'FAILED') return kept;
      if (kept?.Status === 'PENDING') {
        await suspend();
        continue;
      }
      // The step does not wait for it: only its end has to be stored before anything else happens.
      if (kept?.Status !== 'STARTED') void update({ Action: 'START' });
      try {
        await update({ Action: 'SUCCEED', Payload: JSON.stringify(await run()) });
      } catch (error) {
        const why = errorObject(error);
        const attempt = (kept?.StepDetails?.Attempt ?? 0) + 1;
        await update(attempt < MOST_ATTEMPTS ? retry(why, attempt) : { Action: 'FAIL', Error: why });
      }
    }
  };

  return {
    async step<T>(name: string, run: () => Promise<T>): Promise<T> {
      const { Status, StepDetails } = await finishStep(await next('STEP', name), name, run);
      busyWith = undefined;
      if (Status === 'FAILED') throw stepError(StepDetails?.Error);
      return StepDetails?.Result === undefined ? (undefined as T) : JSON.parse(StepDetails.Result);
    },

    async wait(name, seconds) {
      const Id = await next('WAIT', name, seconds);
      if (operation(Id) === undefined) {
        const WaitOptions = { WaitSeconds: seconds };
        await checkpoint({ Id, Type: 'WAIT', SubType: 'Wait', Name: name, Action: 'START', WaitOptions });
      }
      while (operation(Id)?.Status !== 'SUCCEEDED') await suspend();
      busyWith = undefined;
    },

    log(level, message, fields) {
      if (!replaying) world.emit({ kind: 'said', executionName, level, message, fields });
    },
  };
}

/** What the real SDK throws for a step that failed for good. */
const stepError = (error: ErrorObject | undefined): Error =>
  Object.assign(new Error(error?.ErrorMessage ?? 'Unknown error'), { name: 'StepError' });
