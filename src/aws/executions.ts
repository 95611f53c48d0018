import type { LambdaClient } from '@aws-sdk/client-lambda';
import { ListDurableExecutionsByFunctionCommand, ListVersionsByFunctionCommand } from '@aws-sdk/client-lambda';
import type { RunningExecution } from '../operator/removal.ts';
import type { Result } from '../ports.ts';
import { attempt } from './failure.ts';
import { allPages } from './pages.ts';

/**
 * The executions of a durable function that have not ended, of all its versions, oldest first. Without a qualifier Lambda
 * lists those of `$LATEST` alone (AWS-CONTRACTS §7). UNVERIFIED: whether what was started through an alias is listed
 * under it, under its version, or under both; so all are asked for, and each execution is taken once.
 * @param functionArn with or without an alias.
 */
export async function listRunning(
  client: LambdaClient,
  functionArn: string,
): Promise<Result<readonly RunningExecution[]>> {
  const [, bare = functionArn, alias] =
    /^(arn:[^:]+:lambda:[^:]+:\d+:function:[^:]+)(?::([^:]+))?$/.exec(functionArn) ?? [];
  const versions = await attempt('lambda:ListVersionsByFunction', () =>
    allPages(async ({ nextToken }) => {
      const page = await client.send(
        new ListVersionsByFunctionCommand({ FunctionName: bare, ...(nextToken && { Marker: nextToken }) }),
      );
      return { items: page.Versions?.map(({ Version = '' }) => Version), nextToken: page.NextMarker };
    }),
  );
  if (!versions.ok) return versions;
  return attempt('lambda:ListDurableExecutionsByFunction', async () => {
    const found = new Map<string, RunningExecution>();
    for (const qualifier of new Set([...versions.value, ...(alias === undefined ? [] : [alias])])) {
      for (const execution of await runningOf(client, bare, qualifier)) found.set(execution.arn, execution);
    }
    return [...found.values()].sort((one, other) => one.startedAtMs - other.startedAtMs);
  });
}

function runningOf(client: LambdaClient, functionArn: string, qualifier: string): Promise<RunningExecution[]> {
  return allPages(async ({ nextToken }) => {
    const page = await client.send(
      new ListDurableExecutionsByFunctionCommand({
        FunctionName: functionArn,
        Qualifier: qualifier,
        Statuses: ['RUNNING'],
        ...(nextToken && { Marker: nextToken }),
      }),
    );
    const items = page.DurableExecutions?.map((execution) => ({
      arn: execution.DurableExecutionArn ?? '',
      name: execution.DurableExecutionName ?? '',
      startedAtMs: execution.StartTimestamp?.getTime() ?? 0,
    }));
    return { items, nextToken: page.NextMarker };
  });
}
