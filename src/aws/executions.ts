import type { ExecutionStatus, LambdaClient, Execution as ListedExecution } from '@aws-sdk/client-lambda';
import {
  GetDurableExecutionCommand,
  GetDurableExecutionHistoryCommand,
  ListDurableExecutionsByFunctionCommand,
  ListVersionsByFunctionCommand,
} from '@aws-sdk/client-lambda';
import type { Execution, ExecutionData, Executions, FunctionVersion, StepAnswer } from '../operator/executions.ts';
import type { RunningExecution } from '../operator/removal.ts';
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

/** A function's ARN without its version or alias, and that alias. */
function partsOf(functionArn: string): { readonly bare: string; readonly alias: string | undefined } {
  const [, bare = functionArn, alias] =
    /^(arn:[^:]+:lambda:[^:]+:\d+:function:[^:]+)(?::([^:]+))?$/.exec(functionArn) ?? [];
  return { bare, alias };
}

/** Every version of a function, `$LATEST` included. */
function allVersions(client: LambdaClient, functionArn: string): Promise<Result<readonly FunctionVersion[]>> {
  return attempt('lambda:ListVersionsByFunction', async () => {
    const versions = await allPages(async ({ nextToken }) => {
      const page = await client.send(
        new ListVersionsByFunctionCommand({
          FunctionName: partsOf(functionArn).bare,
          ...(nextToken && { Marker: nextToken }),
        }),
      );
      return { items: page.Versions, nextToken: page.NextMarker };
    });
    return versions.map(({ Version = '', Environment }) => ({
      version: Version,
      environment: Environment?.Variables ?? {},
    }));
  });
}

/** The newest published versions of a function, newest first. */
export async function functionVersions(
  client: LambdaClient,
  functionArn: string,
): Promise<Result<readonly FunctionVersion[]>> {
  const all = await allVersions(client, functionArn);
  if (!all.ok) return all;
  const published = all.value
    .filter(({ version }) => /^\d+$/.test(version))
    .sort((a, b) => Number(b.version) - Number(a.version));
  return { ok: true, value: published.slice(0, MOST_VERSIONS) };
}

/**
 * Executions of all the given versions and of the alias, newest first. Each is asked for by itself: without a qualifier
 * Lambda lists those of `$LATEST` alone (AWS-CONTRACTS §7). UNVERIFIED: whether what was started through an alias is
 * listed under it, under its version, or under both; so all are asked for, and each execution is taken once. In which order
 * they come, documentation says in two ways; and of more than a thousand of one version the rest is left out.
 */
export async function listExecutions(
  client: LambdaClient,
  functionArn: string,
  versions: readonly string[],
  which: { readonly statuses: readonly ExecutionStatus[]; readonly startedAfterMs?: number },
): Promise<Result<Executions>> {
  const { bare, alias } = partsOf(functionArn);
  const qualifiers = [...(alias === undefined ? [] : [alias]), ...versions];
  return attempt('lambda:ListDurableExecutionsByFunction', async () => {
    const list = (Qualifier: string) =>
      client.send(
        new ListDurableExecutionsByFunctionCommand({
          FunctionName: bare,
          Qualifier,
          Statuses: [...which.statuses],
          MaxItems: MOST_ITEMS,
          ...(which.startedAfterMs === undefined ? {} : { StartedAfter: new Date(which.startedAfterMs) }),
        }),
      );
    const pages = (await inChunks(qualifiers, CALLS_AT_ONCE, (some) => Promise.all(some.map(list)))).flat();
    const found = new Map<string, Execution>();
    for (const [i, page] of pages.entries()) {
      for (const execution of page.DurableExecutions ?? []) {
        const one = seen(execution, qualifiers[i] ?? '');
        found.set(one.arn, one);
      }
    }
    return {
      found: [...found.values()].sort((a, b) => b.startedAtMs - a.startedAtMs || (a.name < b.name ? -1 : 1)),
      more: pages.some(({ NextMarker }) => Boolean(NextMarker)),
    };
  });
}

function seen(execution: ListedExecution, qualifier: string): Execution {
  const { FunctionArn = '' } = execution;
  return {
    arn: execution.DurableExecutionArn ?? '',
    name: execution.DurableExecutionName ?? '',
    version: /:(\d+)$/.exec(FunctionArn)?.[1] ?? qualifier,
    status: execution.Status ?? 'UNKNOWN',
    startedAtMs: execution.StartTimestamp?.getTime() ?? 0,
    ...(execution.EndTimestamp ? { endedAtMs: execution.EndTimestamp.getTime() } : {}),
  };
}

/**
 * The executions of a durable function that have not ended, of all its versions however old, every page, oldest first: to
 * be sure that there is none.
 * @param functionArn with or without an alias.
 */
export async function listRunning(
  client: LambdaClient,
  functionArn: string,
): Promise<Result<readonly RunningExecution[]>> {
  const { bare, alias } = partsOf(functionArn);
  const versions = await allVersions(client, functionArn);
  if (!versions.ok) return versions;
  const qualifiers = [...versions.value.map(({ version }) => version), ...(alias === undefined ? [] : [alias])];
  return attempt('lambda:ListDurableExecutionsByFunction', async () => {
    const found = new Map<string, RunningExecution>();
    for (const qualifier of new Set(qualifiers)) {
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
