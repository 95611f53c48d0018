import type {
  GetDurableExecutionHistoryRequest,
  GetDurableExecutionHistoryResponse,
  GetDurableExecutionRequest,
  GetDurableExecutionResponse,
  ListDurableExecutionsByFunctionRequest,
  ListDurableExecutionsByFunctionResponse,
  StopDurableExecutionRequest,
  StopDurableExecutionResponse,
} from '@aws-sdk/client-lambda';
import { AwsError } from './aws-error.ts';
import { eventsOf } from './durable-events.ts';
import type { DurableEngine, ExecutionRecord } from './execution.ts';
import type { World } from './world.ts';

/** What AWS's own documentation says in two ways, as this seed has it. */
export interface UnverifiedLambda {
  /** Without a qualifier only executions of `$LATEST` are listed (AWS-CONTRACTS §7); newer models of the API say of all versions. */
  readonly listsOnlyLatest: boolean;
  /** Lists are newest first, and `ReverseOrder` turns that round; older documentation has it the other way. */
  readonly newestFirst: boolean;
}

const PAGE = 100;
const MOST_ITEMS = 1000;

/** "The default is 100 and the maximum allowed is 1000. A value of 0 uses the default" (API reference). */
function page<T>(
  things: readonly T[],
  { MaxItems, Marker }: { readonly MaxItems?: number | undefined; readonly Marker?: string | undefined },
): { items: T[]; NextMarker?: string } {
  const size = MaxItems || PAGE;
  if (size > MOST_ITEMS) {
    throw new AwsError('InvalidParameterValueException', `MaxItems must be at most ${MOST_ITEMS}.`);
  }
  const from = Number(Marker ?? 0);
  const to = from + size;
  return { items: things.slice(from, to), ...(to < things.length ? { NextMarker: String(to) } : {}) };
}

const versionOf = (functionArn: string): string => functionArn.slice(functionArn.lastIndexOf(':') + 1);

const summary = ({ arn, name, functionArn, status, startedAtMs, closedAtMs }: ExecutionRecord) => ({
  DurableExecutionArn: arn,
  DurableExecutionName: name,
  FunctionArn: functionArn,
  Status: status,
  StartTimestamp: new Date(startedAtMs),
  ...(closedAtMs === undefined ? {} : { EndTimestamp: new Date(closedAtMs) }),
});

/** The operations of Lambda that look at durable executions and end them. */
export function createDurableOperations(
  world: World,
  engine: DurableEngine,
  options: {
    /** The name and the version that are meant. Throws what AWS answers when there is no such function. */
    resolve: (reference: string, qualifier: string | undefined) => { name: string; version: string | undefined };
    unverified: UnverifiedLambda;
  },
) {
  const find = (arn = ''): ExecutionRecord => {
    const execution = engine.findByArn(arn);
    if (execution) return execution;
    throw new AwsError('ResourceNotFoundException', `Durable execution not found: ${arn}`, { statusCode: 404 });
  };

  return {
    GetDurableExecution({ DurableExecutionArn, IncludeExecutionData = true }: GetDurableExecutionRequest) {
      const execution = find(DurableExecutionArn);
      const { input, result, error, functionArn } = execution;
      return {
        ...summary(execution),
        Version: versionOf(functionArn),
        ExecutionDataIncluded: IncludeExecutionData,
        ...(IncludeExecutionData && {
          InputPayload: input,
          ...(result !== undefined && { Result: JSON.stringify(result) }),
          ...(error !== undefined && { Error: error }),
        }),
      } satisfies GetDurableExecutionResponse;
    },

    GetDurableExecutionHistory(input: GetDurableExecutionHistoryRequest) {
      const execution = find(input.DurableExecutionArn);
      const events = eventsOf(execution, engine.operationsOf(execution.arn), input.IncludeExecutionData ?? true);
      // In the API's own words: oldest first, unless `ReverseOrder` says newest first.
      if (input.ReverseOrder) events.reverse();
      const { items: Events, ...rest } = page(events, input);
      return { Events, ...rest } satisfies GetDurableExecutionHistoryResponse;
    },

    ListDurableExecutionsByFunction(input: ListDurableExecutionsByFunctionRequest) {
      const { FunctionName = '', Qualifier, DurableExecutionName, Statuses = [], StartedAfter, StartedBefore } = input;
      const { name, version = options.unverified.listsOnlyLatest ? '$LATEST' : undefined } = options.resolve(
        FunctionName,
        Qualifier,
      );
      const found = engine
        .executions()
        .filter(
          (execution) =>
            execution.functionName === name &&
            (version === undefined || versionOf(execution.functionArn) === version) &&
            (DurableExecutionName === undefined || execution.name === DurableExecutionName) &&
            (Statuses.length === 0 || Statuses.includes(execution.status)) &&
            (StartedAfter === undefined || execution.startedAtMs > StartedAfter.getTime()) &&
            (StartedBefore === undefined || execution.startedAtMs < StartedBefore.getTime()),
        );
      if (options.unverified.newestFirst !== (input.ReverseOrder ?? false)) found.reverse();
      const { items, ...rest } = page(found, input);
      return { DurableExecutions: items.map(summary), ...rest } satisfies ListDurableExecutionsByFunctionResponse;
    },

    StopDurableExecution({ DurableExecutionArn, Error: error }: StopDurableExecutionRequest) {
      const { arn, closedAtMs } = find(DurableExecutionArn);
      engine.stop(arn, error);
      // UNVERIFIED: that one which has ended already is no error, and answers when it did.
      return { StopTimestamp: new Date(closedAtMs ?? world.clock.nowMs()) } satisfies StopDurableExecutionResponse;
    },
  };
}
