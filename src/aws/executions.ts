import type { ExecutionStatus, LambdaClient, Execution as ListedExecution } from '@aws-sdk/client-lambda';
import {
  GetDurableExecutionCommand,
  GetDurableExecutionHistoryCommand,
  ListDurableExecutionsByFunctionCommand,
  ListVersionsByFunctionCommand,
} from '@aws-sdk/client-lambda';
import type { Execution, ExecutionData, Executions, FunctionVersion, StepAnswer } from '../operator/executions.ts';
import type { Result } from '../ports.ts';
import { attempt } from './failure.ts';
import { allPages, inChunks } from './pages.ts';

/** The most that one page of executions or of events can have (API reference). */
const MOST_ITEMS = 1_000;
/** Of one history: more than the longest drain has, at five events for each look. */
const MOST_HISTORY_PAGES = 5;
/** Older versions have long had their last drain, at any sane rate of deployments; a person waits for the answer. */
const MOST_VERSIONS = 20;
/** Lambda allows 15 such calls a second for the whole account (quotas, control plane): others need some as well. */
const CALLS_AT_ONCE = 4;

/** A function's ARN or name without its version or alias. */
function unqualified(functionArn: string): string {
  return functionArn.split(':').slice(0, 7).join(':');
}

/** The newest published versions of a function, newest first. */
export function functionVersions(
  client: LambdaClient,
  functionArn: string,
): Promise<Result<readonly FunctionVersion[]>> {
  return attempt('lambda:ListVersionsByFunction', async () => {
    const all = await allPages(async ({ nextToken }) => {
      const page = await client.send(
        new ListVersionsByFunctionCommand({ FunctionName: unqualified(functionArn), Marker: nextToken }),
      );
      return { items: page.Versions, nextToken: page.NextMarker };
    });
    return all
      .map(({ Version = '', Environment }) => ({ version: Version, environment: Environment?.Variables ?? {} }))
      .filter(({ version }) => /^\d+$/.test(version))
      .sort((a, b) => Number(b.version) - Number(a.version))
      .slice(0, MOST_VERSIONS);
  });
}

/**
 * Executions of all the given versions, newest first. Each version is asked for by itself: without a qualifier Lambda
 * lists those of `$LATEST` only (AWS-CONTRACTS §7). In which order it lists them, documentation says in two ways, so they
 * are sorted here; and of more than a thousand of one version the rest is left out.
 */
export async function listExecutions(
  client: LambdaClient,
  functionArn: string,
  versions: readonly string[],
  which: { readonly statuses: readonly ExecutionStatus[]; readonly startedAfterMs?: number },
): Promise<Result<Executions>> {
  return attempt('lambda:ListDurableExecutionsByFunction', async () => {
    const list = (Qualifier: string) =>
      client.send(
        new ListDurableExecutionsByFunctionCommand({
          FunctionName: unqualified(functionArn),
          Qualifier,
          Statuses: [...which.statuses],
          MaxItems: MOST_ITEMS,
          ...(which.startedAfterMs === undefined ? {} : { StartedAfter: new Date(which.startedAfterMs) }),
        }),
      );
    const pages = (await inChunks(versions, CALLS_AT_ONCE, (some) => Promise.all(some.map(list)))).flat();
    const found = pages.flatMap((page, i) =>
      (page.DurableExecutions ?? []).map((execution) => seen(execution, versions[i] ?? '')),
    );
    return {
      found: found.sort((a, b) => b.startedAtMs - a.startedAtMs || (a.name < b.name ? -1 : 1)),
      more: pages.some(({ NextMarker }) => Boolean(NextMarker)),
    };
  });
}

function seen(execution: ListedExecution, version: string): Execution {
  return {
    arn: execution.DurableExecutionArn ?? '',
    name: execution.DurableExecutionName ?? '',
    version,
    status: execution.Status ?? 'UNKNOWN',
    startedAtMs: execution.StartTimestamp?.getTime() ?? 0,
    ...(execution.EndTimestamp ? { endedAtMs: execution.EndTimestamp.getTime() } : {}),
  };
}

/** What an execution was started with, and what became of it. */
export function readExecution(
  client: LambdaClient,
  arn: string,
): Promise<Result<ExecutionData & { readonly status: string }>> {
  return attempt('lambda:GetDurableExecution', async () => {
    const {
      InputPayload,
      Result,
      Error: error,
      Status,
    } = await client.send(new GetDurableExecutionCommand({ DurableExecutionArn: arn }));
    const why = [error?.ErrorType, error?.ErrorMessage].filter(Boolean).join(': ');
    return { input: InputPayload ?? '', result: Result ?? '', error: why, status: Status ?? 'UNKNOWN' };
  });
}

/** What the steps of an execution have answered, oldest first; of a very long history the latest. */
export function stepAnswers(client: LambdaClient, arn: string): Promise<Result<readonly StepAnswer[]>> {
  return attempt('lambda:GetDurableExecutionHistory', async () => {
    const answers: StepAnswer[] = [];
    let Marker: string | undefined;
    for (let pages = 0; pages < MOST_HISTORY_PAGES; pages++) {
      const page = await client.send(
        new GetDurableExecutionHistoryCommand({
          DurableExecutionArn: arn,
          IncludeExecutionData: true,
          ReverseOrder: true,
          MaxItems: MOST_ITEMS,
          Marker,
        }),
      );
      for (const { EventTimestamp, StepSucceededDetails } of page.Events ?? []) {
        const payload = StepSucceededDetails?.Result?.Payload;
        if (payload !== undefined) answers.push({ atMs: EventTimestamp?.getTime() ?? 0, payload });
      }
      Marker = page.NextMarker;
      if (!Marker) break;
    }
    return answers.reverse();
  });
}
