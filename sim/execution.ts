import type { DurableExecutionClient, ErrorObject, WireOperation } from '@aws/durable-execution-sdk-js';

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'STOPPED';

/** One durable execution, as far as it has come. */
export interface ExecutionRecord {
  readonly name: string;
  readonly arn: string;
  readonly functionName: string;
  /** With the version, which the execution keeps for life. */
  readonly functionArn: string;
  /** The payload it was invoked with, exactly. */
  readonly input: string;
  readonly startedAtMs: number;
  readonly executionTimeoutSeconds: number;
  readonly closedAtMs: number | undefined;
  readonly status: ExecutionStatus;
  /** What the handler returned, parsed. */
  readonly result: unknown;
  readonly error: ErrorObject | undefined;
  /** The names of its operations, in the order they began in. */
  readonly moves: readonly string[];
  /** Metered operations: one each, and one more for every retry or poll (AWS-CONTRACTS §7). */
  readonly operations: number;
  /** Payloads written: input, results, errors. */
  readonly bytes: number;
  readonly checkpoints: number;
  readonly invocations: number;
  readonly billedMs: number;
}

/** `fail`: the request is lost (500). The others end the sandbox before or after the checkpoint was stored. */
export type CheckpointFault = 'fail' | 'kill-before' | 'kill-after';

export interface DurableOptions {
  /** Asked at each checkpoint of an execution; `n` counts from one. */
  readonly beforeCheckpoint?: ((execution: ExecutionRecord, n: number) => CheckpointFault | undefined) | undefined;
}

/** How one invocation ended: with the handler's answer, or without one, because. */
export interface InvocationEnd {
  readonly outcome: 'returned' | 'error' | 'timeout' | 'crashed';
  readonly value: unknown;
  readonly because: string;
  readonly billedMs: number;
}

/** One invocation of an execution, as it deals with the service. Valid until the next one begins. */
export interface Session {
  readonly execution: ExecutionRecord;
  /** For the first checkpoint; each answer brings the next one. */
  readonly token: string;
  /** Ids of the operations that changed since an invocation last heard of them. */
  readonly updated: readonly string[];
  readonly operationCount: number;
  /** What had happened when the invocation began, oldest first. */
  history(): readonly WireOperation[];
  /** An operation as it is now. */
  operation(id: string): WireOperation | undefined;
  readonly client: DurableExecutionClient;
}

/**
 * Invokes the function once. The real SDK replays the history in each invocation (durable-sdk.ts); the checkpoint store
 * keeps the program where it stands (checkpoint-store.ts).
 */
export type Run = (session: Session, ended: (end: InvocationEnd) => void) => void;

export interface DurableEngine {
  start(request: {
    name: string;
    functionName: string;
    /** With the version, which the execution keeps for life. */
    functionArn: string;
    input: string;
    executionTimeoutSeconds: number;
  }): ExecutionRecord;
  find(functionName: string, name: string): ExecutionRecord | undefined;
  findByArn(arn: string): ExecutionRecord | undefined;
  /** All of an execution's operations as they are now, oldest first; the first one is the execution itself. */
  operationsOf(arn: string): readonly WireOperation[];
  /** Oldest first. */
  executions(): readonly ExecutionRecord[];
  /** Ends an execution from outside; what of it is running is refused at its next checkpoint. */
  stop(arn: string, error: ErrorObject | undefined): void;
}
