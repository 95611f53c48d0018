import type { WireOperation } from '@aws/durable-execution-sdk-js';
import type { Event, EventType } from '@aws-sdk/client-lambda';
import type { ExecutionRecord } from './execution.ts';

type Unnumbered = Omit<Event, 'EventId'> & { readonly EventTimestamp: Date };

/**
 * The events of an execution, oldest first, as `GetDurableExecutionHistory` has them: the shapes are the API model's, what
 * is in them as the SDK's own local runner fills it. Made from the operations as they are now: of a step that was tried
 * again only the first start and the last end are told, and invocations are not told of at all.
 */
export function eventsOf(execution: ExecutionRecord, operations: readonly WireOperation[], withData: boolean): Event[] {
  const events = operations.flatMap((operation) =>
    operation.Type === 'EXECUTION' ? executionEvents(execution, withData) : operationEvents(operation, withData),
  );
  events.sort((a, b) => a.EventTimestamp.getTime() - b.EventTimestamp.getTime());
  return events.map((event, i) => ({ ...event, EventId: i + 1 }));
}

const ENDS = { FAILED: 'Failed', TIMED_OUT: 'TimedOut', STOPPED: 'Stopped' } as const;

function executionEvents(execution: ExecutionRecord, withData: boolean): Unnumbered[] {
  const { arn, name, startedAtMs, closedAtMs, status, input, result, error, executionTimeoutSeconds } = execution;
  const of = { Id: arn, Name: name };
  const started: Unnumbered = {
    ...of,
    EventType: 'ExecutionStarted',
    EventTimestamp: new Date(startedAtMs),
    ExecutionStartedDetails: { Input: withData ? { Payload: input } : {}, ExecutionTimeout: executionTimeoutSeconds },
  };
  if (closedAtMs === undefined || status === 'RUNNING') return [started];
  const at = { ...of, EventTimestamp: new Date(closedAtMs) };
  if (status === 'SUCCEEDED') {
    const Result = withData ? { Payload: JSON.stringify(result) } : {};
    return [started, { ...at, EventType: 'ExecutionSucceeded', ExecutionSucceededDetails: { Result } }];
  }
  const end = ENDS[status];
  return [
    started,
    { ...at, EventType: `Execution${end}`, [`Execution${end}Details`]: { Error: error ? { Payload: error } : {} } },
  ];
}

function operationEvents(operation: WireOperation, withData: boolean): Unnumbered[] {
  const { Id, Name, ParentId, SubType, Type, Status, StartTimestamp, EndTimestamp } = operation;
  const of = { Id, Name, ParentId, SubType };
  const kind = `${Type?.[0]}${Type?.slice(1).toLowerCase()}`;
  const event = (
    what: 'Started' | 'Succeeded' | 'Failed',
    at: Date | string | number,
    details: object,
  ): Unnumbered => ({
    ...of,
    EventType: `${kind}${what}` as EventType,
    EventTimestamp: new Date(at),
    [`${kind}${what}Details`]: details,
  });

  const isWait = Type === 'WAIT';
  const ScheduledEndTimestamp = new Date(operation.WaitDetails?.ScheduledEndTimestamp ?? 0);
  const Duration = (ScheduledEndTimestamp.getTime() - new Date(StartTimestamp ?? 0).getTime()) / 1000;
  const started = event('Started', StartTimestamp ?? 0, isWait ? { Duration, ScheduledEndTimestamp } : {});
  if (EndTimestamp === undefined || (Status !== 'SUCCEEDED' && Status !== 'FAILED')) return [started];
  if (isWait) return [started, event('Succeeded', EndTimestamp, { Duration })];

  const { Result, Error: error } = operation.StepDetails ?? operation.ContextDetails ?? {};
  const RetryDetails = Type === 'STEP' ? { RetryDetails: { CurrentAttempt: operation.StepDetails?.Attempt } } : {};
  return Status === 'SUCCEEDED'
    ? [started, event('Succeeded', EndTimestamp, { Result: withData ? { Payload: Result } : {}, ...RetryDetails })]
    : [started, event('Failed', EndTimestamp, { Error: error ? { Payload: error } : {}, ...RetryDetails })];
}
