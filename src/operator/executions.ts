import type { DrainPolicy } from '../config.ts';

/** One durable execution of the drain function, as Lambda lists it. */
export interface Execution {
  readonly arn: string;
  /** Begins with the id of the instance (src/drain/request.ts). */
  readonly name: string;
  /** Of the function; an execution keeps the one it began with (AWS-CONTRACTS §7). */
  readonly version: string;
  /** RUNNING, SUCCEEDED, FAILED, TIMED_OUT or STOPPED; AWS may add others. */
  readonly status: string;
  readonly startedAtMs: number;
  readonly endedAtMs?: number;
}

/** Executions, newest first, and whether there are more of them than were asked for. */
export interface Executions {
  readonly found: readonly Execution[];
  readonly more: boolean;
}

/** What went into an execution and what came out of it, as JSON texts; empty where Lambda does not tell. */
export interface ExecutionData {
  readonly input: string;
  readonly result: string;
  /** Why it failed. */
  readonly error: string;
}

/** What a step of an execution has answered: a JSON text. */
export interface StepAnswer {
  readonly atMs: number;
  readonly payload: string;
}

/** What is known of one drain. */
export interface History {
  /** The execution's input, as JSON. */
  readonly input: string;
  /** Oldest first. */
  readonly answers: readonly StepAnswer[];
  /** The policy that the drain's version of the function was deployed with, where that can be told. */
  readonly deployed: DrainPolicy | undefined;
}

/** A published version of the function, and the environment that its code runs with. */
export interface FunctionVersion {
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}
