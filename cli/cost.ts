import type { Run } from '../sim/run.ts';

/**
 * Dollars, in us-east-1, without any free allowance. Lambda on arm64, requests, SNS, logs and alarms: AWS's price pages, looked up in
 * November 2026; durable operations and data: AWS-CONTRACTS §7, and for what is kept UNVERIFIED, by the month.
 */
export const PRICE = {
  gigabyteSecond: 0.0000133334,
  invocation: 0.2e-6,
  operation: 8e-6,
  gigabyteWritten: 0.25,
  gigabyteKept: 0.15,
  publish: 0.5e-6,
  gigabyteLogged: 0.5,
  alarm: 0.1,
};

/** What a run used of everything that is paid by use. */
export interface Usage {
  readonly gigabyteSeconds: number;
  readonly invocations: number;
  readonly operations: number;
  readonly gigabytesWritten: number;
  /** Alerts; the notice is the group's. */
  readonly publishes: number;
}

export function usageOf({ region, report }: Run): Usage {
  const functions = region.lambda.totals();
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return {
    gigabyteSeconds: sum(functions.map(({ billedMs, memoryMb }) => (billedMs / 1000) * (memoryMb / 1024))),
    invocations: sum(functions.map(({ invocations }) => invocations)),
    operations: report.durableOperations,
    gigabytesWritten: sum(region.lambda.executions().map(({ bytes }) => bytes)) / 2 ** 30,
    publishes: report.calls['sns:Publish'] ?? 0,
  };
}

/** Dollars for the run, what it leaves behind not counted. */
export function costOf(run: Run): number {
  const { gigabyteSeconds, invocations, operations, gigabytesWritten, publishes } = usageOf(run);
  return (
    gigabyteSeconds * PRICE.gigabyteSecond +
    invocations * PRICE.invocation +
    operations * PRICE.operation +
    gigabytesWritten * PRICE.gigabyteWritten +
    publishes * PRICE.publish
  );
}
