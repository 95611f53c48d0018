import type { InvocationRequest } from '@aws-sdk/client-lambda';
import type { Operations } from './aws-error.ts';
import { AwsError } from './aws-error.ts';
import type { Core } from './checkpoint-store.ts';
import { createCheckpointStore } from './checkpoint-store.ts';
import type { DurableOptions, ExecutionRecord } from './durable.ts';
import { createDurableEngine } from './durable.ts';
import type { UnverifiedLambda } from './durable-operations.ts';
import { createDurableOperations } from './durable-operations.ts';
import { invocationEvent } from './durable-sdk.ts';
import type { EnvironmentFaults, Fleet, FunctionTotals, Stay } from './environments.ts';
import { createFleet, createOccupy } from './environments.ts';
import type { InvocationEnd, Run } from './execution.ts';
import { createSettingsOperations } from './lambda-settings.ts';
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

export interface FunctionOptions {
  readonly name: string;
  readonly alias?: string | undefined;
  /** Cannot be changed later, as `DurableConfig` cannot (AWS-CONTRACTS §7). */
  readonly durable: boolean;
  /** The bundle's exported handler. Its invocations share the module, as one environment's do one after another. */
  readonly handler: (event: never, context: never) => Promise<unknown>;
  /** Of a durable function, its program without the durable SDK; what the engine `store` runs. */
  readonly core?: Core | undefined;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  /** As it was deployed; what the handler sees of it is its own affair. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** How long a cold environment initialises, in milliseconds; it is billed. Default 350. */
  readonly initMs?: number | undefined;
  /** Of a durable function; a year, the longest there is, by default. */
  readonly executionTimeoutSeconds?: number | undefined;
}

export interface LambdaOptions extends DurableOptions {
  /** What runs durable functions: the real SDK (default), or the checkpoint store, which is many times faster. */
  readonly engine?: 'sdk' | 'store' | undefined;
  readonly unverified?: Partial<UnverifiedLambda> | undefined;
  /** Concurrent executions that functions without a reservation share; 1,000 unless somebody has reserved some. */
  readonly unreservedConcurrency?: number | undefined;
  readonly faults?:
    | (EnvironmentFaults & {
        /** Probability (0 to 1) that an event is delivered twice to a plain function. */
        readonly duplicate?: number | undefined;
      })
    | undefined;
}

export type { FunctionTotals } from './environments.ts';

export interface Lambda {
  readonly operations: Operations;
  /** Deploys a function; once more under its name is a new version, and executions that run keep theirs (AWS-CONTRACTS §7). */
  register(options: FunctionOptions): void;
  /** As CloudFormation rolls an update back: the alias means the version before again; the newer one stays, for what runs on it. */
  rollBack(functionName: string): void;
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
  /** Counts from 1; the alias means the latest. */
  readonly version: string;
  readonly fleet: Fleet;
}

const FUNCTION_NAME = /^(?:(?:arn:aws[\w-]*:lambda:[\w-]+:\d{12}:|\d{12}:)?function:)?([\w-]+)(?::([\w$-]+))?$/;

/** AWS Lambda: plain functions invoked asynchronously, and durable ones (AWS-CONTRACTS §2 and §7). */
export function createLambda(world: World, options: LambdaOptions = {}): Lambda {
  const { clock } = world;
  const random = world.random('lambda');
  const unknowns = world.random('lambda-unverified');
  const functions = new Map<string, Registered>();
  const versions = new Map<string, Registered>();
  const { faults = {} } = options;
  const arnOf = (name: string): string => `arn:aws:lambda:${world.region}:${world.accountId}:function:${name}`;

  const occupy = createOccupy(world, faults);
  let requests = 0;

  const context = ({ options: { name, memoryMb, alias }, arn, version }: Registered, deadlineMs: number): object => ({
    callbackWaitsForEmptyEventLoop: false,
    functionName: name,
    functionVersion: version,
    invokedFunctionArn: alias === undefined ? arn : `${arn}:${alias}`,
    memoryLimitInMB: String(memoryMb),
    awsRequestId: `00000000-0000-4000-8000-${String(++requests).padStart(12, '0')}`,
    logGroupName: `/aws/lambda/${name}`,
    logStreamName: '2026/01/01/[1]embedded',
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - clock.nowMs()),
    done() {},
    fail() {},
    succeed() {},
  });

  /** Calls a function's handler once. */
  const execute = (
    fn: Registered,
    event: unknown,
    executionName: string | undefined,
    ended: (end: InvocationEnd) => void,
  ): void => {
    const handler = fn.options.handler as (event: unknown, context: object) => Promise<unknown>;
    const begin = (stay: Stay): void => {
      const sandbox: Sandbox = {
        get alive() {
          return stay.open;
        },
        skewMs: stay.skewMs,
        executionName,
        crash: (because) => stay.end('crashed', undefined, because),
      };
      sandboxes
        .run(sandbox, async () => handler(event, context(fn, stay.deadlineMs)))
        .then(
          (value) => stay.end('returned', value, ''),
          (error: unknown) => stay.end('error', undefined, error instanceof Error ? error.message : String(error)),
        );
    };
    occupy(fn.fleet, executionName, begin, ended);
  };

  const replay: Run = (session, ended) => {
    execute(pinned(session.execution), invocationEvent(session), session.execution.name, ended);
  };
  const keep: Run = createCheckpointStore(world, {
    coreOf(execution) {
      const { core, name } = pinned(execution).options;
      if (core === undefined) throw new Error(`${name} has no core: the engine "store" cannot run it`);
      return core;
    },
    occupy: (execution, begin, ended) => occupy(pinned(execution).fleet, execution.name, begin, ended),
  });
  const engine = createDurableEngine(world, options.engine === 'store' ? keep : replay, options);

  /** The version that an execution began with. */
  const pinned = ({ functionArn, functionName }: ExecutionRecord): Registered =>
    versions.get(functionArn) ?? find(functionName);

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
    const functionArn = `${fn.arn}:${fn.version}`;
    return engine.start({ name, functionName, functionArn, input, executionTimeoutSeconds });
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
    if (
      qualifier !== undefined &&
      !['$LATEST', fn.options.alias].includes(qualifier) &&
      !versions.has(`${fn.arn}:${qualifier}`)
    ) {
      refuse('ResourceNotFoundException', `Function not found: ${fn.arn}:${qualifier}`, 404);
    }
    return { fn, qualifier };
  };

  return {
    register(config) {
      // A number is never used again, not even after a rollback.
      const version = String([...versions.values()].filter(({ options: { name } }) => name === config.name).length + 1);
      const fn: Registered = { options: config, arn: arnOf(config.name), version, fleet: createFleet(config) };
      functions.set(config.name, fn);
      versions.set(`${fn.arn}:${version}`, fn);
    },
    rollBack(functionName) {
      const { arn, version } = find(functionName);
      const before = versions.get(`${arn}:${Number(version) - 1}`);
      if (before !== undefined) functions.set(functionName, before);
    },
    deliver(functionName, event) {
      const fn = find(functionName);
      const payload = JSON.stringify(event);
      if (fn.options.durable) startExecution(fn, payload, undefined);
      else enqueue(fn, payload);
    },
    totals: () => [...versions.values()].map(({ fleet }) => fleet.totals),
    executions: () => engine.executions(),
    operations: {
      ...createDurableOperations(world, engine, {
        resolve(reference, asked) {
          const { fn, qualifier } = resolve(reference, asked);
          const isAlias = qualifier !== undefined && qualifier === fn.options.alias;
          return { name: fn.options.name, version: isAlias ? fn.version : qualifier };
        },
        unverified: { listsOnlyLatest: unknowns.chance(0.5), newestFirst: unknowns.chance(0.5), ...options.unverified },
      }),
      ...createSettingsOperations({
        find(reference, asked) {
          const { fn, qualifier } = resolve(reference, asked);
          return { ...(versions.get(`${fn.arn}:${qualifier}`) ?? fn), qualifier };
        },
        publishedOf: ({ arn }) => [...versions.values()].filter((fn) => fn.arn === arn),
        unreserved: () => options.unreservedConcurrency ?? 1_000,
      }),
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
