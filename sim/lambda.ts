import type { InvocationRequest } from '@aws-sdk/client-lambda';
import type { Operations } from './aws-error.ts';
import { AwsError } from './aws-error.ts';
import type { DurableOptions, ExecutionRecord, InvocationEnd } from './durable.ts';
import { createDurableEngine } from './durable.ts';
import type { Sandbox } from './virtual-time.ts';
import { sandboxes } from './virtual-time.ts';
import type { World } from './world.ts';

const MAX_PAYLOAD_BYTES = 2 ** 20;
const YEAR_SECONDS = 31_622_400;
/** Asynchronous delivery: how long an event is in the queue, and the waits before the two retries (AWS-CONTRACTS §2). */
const QUEUE_MS = { min: 20, max: 120 };
const RETRY_AFTER_MS = [60_000, 120_000];
/** How late the second copy of an event may be. */
const SECOND_COPY_MS = 60_000;
/** UNVERIFIED, as everybody observes it: an idle environment is kept for some minutes. */
const KEEP_WARM_MS = 600_000;
const DEFAULT_INIT_MS = 350;

export interface FunctionOptions {
  readonly name: string;
  readonly alias?: string | undefined;
  /** Cannot be changed later, as `DurableConfig` cannot (AWS-CONTRACTS §7). */
  readonly durable: boolean;
  /** The bundle's exported handler. Its invocations share the module, as one environment's do one after another. */
  readonly handler: (event: never, context: never) => Promise<unknown>;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  /** How long a cold environment initialises, in milliseconds; it is billed. Default 350. */
  readonly initMs?: number | undefined;
  /** Of a durable function; a year, the longest there is, by default. */
  readonly executionTimeoutSeconds?: number | undefined;
}

export interface LambdaOptions extends DurableOptions {
  readonly faults?:
    | {
        /** Probability (0 to 1) that an event is delivered twice to a plain function. */
        readonly duplicate?: number | undefined;
        /** Probability (0 to 1) that an invocation's sandbox dies within its first 200 ms. */
        readonly crash?: number | undefined;
      }
    | undefined;
}

/** What one function has cost so far. */
export interface FunctionTotals {
  readonly name: string;
  readonly memoryMb: number;
  readonly invocations: number;
  readonly coldStarts: number;
  /** Milliseconds, rounded up for each invocation, initialisation included. */
  readonly billedMs: number;
}

export interface Lambda {
  readonly operations: Operations;
  register(options: FunctionOptions): void;
  /**
   * An event as SNS and EventBridge hand it over. To a plain function: queued, retried, perhaps repeated. A durable one
   * starts an execution under a name that nobody chose (AWS-CONTRACTS §7).
   */
  deliver(functionName: string, event: unknown): void;
  totals(): FunctionTotals[];
  executions(): readonly ExecutionRecord[];
}

interface Registered {
  readonly options: FunctionOptions;
  readonly arn: string;
  readonly totals: { -readonly [K in keyof FunctionTotals]: FunctionTotals[K] };
  /** Since when each idle environment has been idle. */
  readonly idleSinceMs: number[];
}

const FUNCTION_NAME = /^(?:(?:arn:aws[\w-]*:lambda:[\w-]+:\d{12}:|\d{12}:)?function:)?([\w-]+)(?::([\w$-]+))?$/;

/** AWS Lambda: plain functions invoked asynchronously, and durable ones (AWS-CONTRACTS §2 and §7). */
export function createLambda(world: World, options: LambdaOptions = {}): Lambda {
  const { clock } = world;
  const random = world.random('lambda');
  const functions = new Map<string, Registered>();
  const { faults = {} } = options;
  const arnOf = (name: string): string => `arn:aws:lambda:${world.region}:${world.accountId}:function:${name}`;

  /** Takes the environment that was used last, if one is still warm. */
  const takeWarm = ({ idleSinceMs }: Registered): boolean => {
    const since = idleSinceMs.pop();
    if (since !== undefined && clock.nowMs() - since <= KEEP_WARM_MS) return true;
    // The last used was the youngest: all others are cold as well.
    idleSinceMs.length = 0;
    return false;
  };

  const context = ({ options: { name, memoryMb, alias }, arn }: Registered, deadlineMs: number): object => ({
    callbackWaitsForEmptyEventLoop: false,
    functionName: name,
    functionVersion: '1',
    invokedFunctionArn: alias === undefined ? arn : `${arn}:${alias}`,
    memoryLimitInMB: String(memoryMb),
    awsRequestId: random.uuid(),
    logGroupName: `/aws/lambda/${name}`,
    logStreamName: '2026/01/01/[1]embedded',
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - clock.nowMs()),
    done() {},
    fail() {},
    succeed() {},
  });

  /** Runs a function once, from the moment an environment is asked for. */
  const execute = (
    fn: Registered,
    event: unknown,
    executionName: string | undefined,
    ended: (end: InvocationEnd) => void,
  ): void => {
    const { options: config, totals } = fn;
    const functionName = config.name;
    const startedMs = clock.nowMs();
    const warm = takeWarm(fn);
    totals.invocations++;
    if (!warm) totals.coldStarts++;
    world.emit({ kind: 'invoked', functionName, executionName });

    const begin = (): void => {
      let alive = true;
      const end = (outcome: InvocationEnd['outcome'], value: unknown, because: string): void => {
        if (!alive) return;
        alive = false;
        clock.cancel(timeout);
        clock.cancel(kill);
        const billedMs = Math.max(1, clock.nowMs() - startedMs);
        totals.billedMs += billedMs;
        if (outcome === 'returned' || outcome === 'error') fn.idleSinceMs.push(clock.nowMs());
        const reason = outcome === 'returned' ? undefined : because;
        world.emit({ kind: 'invocation-ended', functionName, executionName, outcome, because: reason, billedMs });
        ended({ outcome, value, because, billedMs });
      };
      const sandbox: Sandbox = {
        get alive() {
          return alive;
        },
        crash: (because) => end('crashed', undefined, because),
      };
      const deadlineMs = clock.nowMs() + config.timeoutSeconds * 1000;
      const timeout = clock.at(deadlineMs, () => {
        end('timeout', undefined, `Task timed out after ${config.timeoutSeconds} seconds`);
      });
      const dies = random.chance(faults.crash ?? 0);
      const kill = dies ? clock.after(random.int(0, 200), () => sandbox.crash('by the fault "crash"')) : undefined;
      const handler = config.handler as (event: unknown, context: object) => Promise<unknown>;
      sandboxes
        .run(sandbox, async () => handler(event, context(fn, deadlineMs)))
        .then(
          (value) => end('returned', value, ''),
          (error: unknown) => end('error', undefined, error instanceof Error ? error.message : String(error)),
        );
    };
    if (warm) begin();
    else clock.after(config.initMs ?? DEFAULT_INIT_MS, begin);
  };

  const engine = createDurableEngine(
    world,
    (execution, event, ended) => execute(find(execution.functionName), event, execution.name, ended),
    options,
  );

  const find = (name: string): Registered => {
    const fn = functions.get(name);
    if (fn) return fn;
    return refuse('ResourceNotFoundException', `Function not found: ${arnOf(name)}`, 404);
  };

  const attempt = (fn: Registered, payload: string, attempts: number): void => {
    execute(fn, JSON.parse(payload), undefined, ({ outcome, because }) => {
      if (outcome === 'returned') return;
      const afterMs = RETRY_AFTER_MS[attempts];
      if (afterMs !== undefined) clock.after(afterMs, () => attempt(fn, payload, attempts + 1));
      else world.emit({ kind: 'dead-letter', functionName: fn.options.name, because, payload });
    });
  };
  const enqueue = (fn: Registered, payload: string): void => {
    const lateMs = random.chance(faults.duplicate ?? 0) ? [0, random.int(0, SECOND_COPY_MS)] : [0];
    for (const late of lateMs) {
      clock.after(random.int(QUEUE_MS.min, QUEUE_MS.max) + late, () => attempt(fn, payload, 0));
    }
  };

  const startExecution = (fn: Registered, input: string, chosen: string | undefined): ExecutionRecord => {
    const name = chosen ?? random.uuid();
    const functionName = fn.options.name;
    const existing = engine.find(functionName, name);
    // A closed execution counts as well, until its retention ends (AWS-CONTRACTS §7).
    if (existing?.input === input) return existing;
    if (existing) {
      const message = `The durable execution ${name} was already started with a different payload.`;
      refuse('DurableExecutionAlreadyStartedException', message, 409);
    }
    const executionTimeoutSeconds = fn.options.executionTimeoutSeconds ?? YEAR_SECONDS;
    return engine.start({ name, functionName, functionArn: `${fn.arn}:1`, input, executionTimeoutSeconds });
  };

  /** The function that is meant, with the qualifier that goes with it. */
  const resolve = (reference: string, asked: string | undefined): { fn: Registered; qualifier: string | undefined } => {
    const [, name = '', suffix] = FUNCTION_NAME.exec(reference) ?? [];
    if (suffix !== undefined && asked !== undefined && suffix !== asked) {
      const message = 'The derived qualifier from the function name does not match the specified qualifier.';
      refuse('InvalidParameterValueException', message);
    }
    const qualifier = asked ?? suffix;
    const fn = find(name === '' ? reference : name);
    if (qualifier !== undefined && !['$LATEST', '1', fn.options.alias].includes(qualifier)) {
      refuse('ResourceNotFoundException', `Function not found: ${fn.arn}:${qualifier}`, 404);
    }
    return { fn, qualifier };
  };

  return {
    register(config) {
      const { name, memoryMb } = config;
      functions.set(name, {
        options: config,
        arn: arnOf(name),
        totals: { name, memoryMb, invocations: 0, coldStarts: 0, billedMs: 0 },
        idleSinceMs: [],
      });
    },
    deliver(functionName, event) {
      const fn = find(functionName);
      const payload = JSON.stringify(event);
      if (fn.options.durable) startExecution(fn, payload, undefined);
      else enqueue(fn, payload);
    },
    totals: () => [...functions.values()].map(({ totals }) => totals),
    executions: () => engine.executions(),
    operations: {
      Invoke({ FunctionName = '', Qualifier, InvocationType, Payload, DurableExecutionName }: InvocationRequest) {
        const { fn, qualifier } = resolve(FunctionName, Qualifier);
        if (InvocationType !== 'Event') {
          refuse('InvalidParameterValueException', 'The embedded AWS invokes with InvocationType Event only.');
        }
        if ((Payload?.length ?? 0) > MAX_PAYLOAD_BYTES) {
          const message = `The payload is over ${MAX_PAYLOAD_BYTES} bytes, the limit of an Event invocation.`;
          refuse('RequestTooLargeException', message, 413);
        }
        const input = new TextDecoder().decode(Payload) || '{}';
        assertJson(input);
        if (!fn.options.durable) {
          if (DurableExecutionName !== undefined) {
            refuse('InvalidParameterValueException', 'Only an execution of a durable function has a name.');
          }
          enqueue(fn, input);
          return { StatusCode: 202 };
        }
        if (qualifier === undefined) {
          const message = 'You cannot invoke a durable function using an unqualified ARN.';
          refuse('InvalidParameterValueException', message);
        }
        if (DurableExecutionName !== undefined && !/^[\w-]{1,64}$/.test(DurableExecutionName)) {
          refuse('ValidationException', `'${DurableExecutionName}' does not satisfy [a-zA-Z0-9-_]{1,64}`);
        }
        return { StatusCode: 202, DurableExecutionArn: startExecution(fn, input, DurableExecutionName).arn };
      },
    },
  };
}

function refuse(code: string, message: string, statusCode = 400): never {
  throw new AwsError(code, message, { statusCode });
}

function assertJson(text: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    refuse('InvalidRequestContentException', `Could not parse request body into json: ${String(error)}`);
  }
}
