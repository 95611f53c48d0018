import * as z from 'zod/mini';

/** A drain execution that ended without a result. */
export interface FailedExecution {
  readonly arn: string;
  readonly name: string;
  readonly status: 'FAILED' | 'TIMED_OUT';
  /** With its version, which must go on existing. */
  readonly functionArn: string;
}

const StatusChange = z.object({
  source: z.literal('aws.lambda'),
  'detail-type': z.literal('Durable Execution Status Change'),
  account: z.string(),
  detail: z.object({
    durableExecutionArn: z.string().check(z.maxLength(1024)),
    durableExecutionName: z.string().check(z.regex(/^[A-Za-z0-9_-]{1,64}$/)),
    // It goes into a command that people paste into a shell.
    functionArn: z
      .string()
      .check(z.maxLength(512), z.regex(/^arn:[\w-]+:lambda:[\w-]+:\d{12}:function:[\w-]+(:[\w$-]+)?$/)),
    status: z.enum(['FAILED', 'TIMED_OUT']),
  }),
});

/** Reads `Durable Execution Status Change` (AWS-CONTRACTS §7); undefined for every other delivery, and for other accounts'. */
export function readFailure(delivery: unknown, ownAccountId: string): FailedExecution | undefined {
  const parsed = StatusChange.safeParse(delivery);
  if (!parsed.success || parsed.data.account !== ownAccountId) return undefined;
  const { durableExecutionArn, durableExecutionName, functionArn, status } = parsed.data.detail;
  return { arn: durableExecutionArn, name: durableExecutionName, functionArn, status };
}

const SUFFIX = '-r1';

/** The name for the one restart; undefined where that has failed too. No request's own name ends so (request.ts). */
export function restartName(name: string): string | undefined {
  return /-r\d+$/.test(name) ? undefined : `${name}${SUFFIX}`;
}
