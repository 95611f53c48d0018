import type { ErrorObject, OperationUpdate, WireOperation } from '@aws/durable-execution-sdk-js';
import { AwsError } from './aws-error.ts';

// AWS-CONTRACTS §7.
const MAX_RESULT_BYTES = 256 * 2 ** 10;
const MAX_DELAY_SECONDS = 31_622_400;

/** The SDK decides by HTTP status, name and message whether a failed checkpoint ends the invocation or the execution. */
export function refusal(code: string, message: string, statusCode = 400): Error {
  return Object.assign(new AwsError(code, message, { statusCode }), { $metadata: { httpStatusCode: statusCode } });
}
export const invalid = (message: string): Error => refusal('InvalidParameterValueException', message);

/** Bytes of a payload and of an error, as they are counted. */
export const sizeOf = (payload: string | undefined, error?: ErrorObject | undefined): number =>
  Buffer.byteLength(payload ?? '') + (error === undefined ? 0 : Buffer.byteLength(JSON.stringify(error)));

function secondsFrom(nowMs: number, seconds: number | undefined, member: string): Date {
  if (seconds === undefined || !Number.isInteger(seconds) || seconds < 1 || seconds > MAX_DELAY_SECONDS) {
    throw invalid(`${member} must be a whole number from 1 to ${MAX_DELAY_SECONDS}, not ${seconds}.`);
  }
  return new Date(nowMs + seconds * 1000);
}

/** From which statuses an action is allowed; `undefined` is an operation that does not exist yet. */
const ALLOWED: Readonly<Record<string, readonly (string | undefined)[]>> = {
  'STEP START': [undefined, 'READY'],
  'STEP SUCCEED': [undefined, 'STARTED', 'READY'],
  'STEP FAIL': [undefined, 'STARTED', 'READY'],
  'STEP RETRY': [undefined, 'STARTED', 'READY'],
  'WAIT START': [undefined],
  'CONTEXT START': [undefined],
  'CONTEXT SUCCEED': [undefined, 'STARTED'],
  'CONTEXT FAIL': [undefined, 'STARTED'],
  'EXECUTION SUCCEED': ['STARTED'],
  'EXECUTION FAIL': ['STARTED'],
};

/** The operation that an update makes of the one there was: the rules of the service's own checkpoint API. */
export function apply(update: OperationUpdate, current: WireOperation | undefined, nowMs: number): WireOperation {
  const allowed = ALLOWED[`${update.Type} ${update.Action}`];
  if (!allowed) throw invalid(`The embedded AWS has no ${update.Action} of ${update.Type} operations.`);
  if (!allowed.includes(current?.Status)) {
    throw invalid(`Invalid current ${update.Type} state to ${update.Action}: ${current?.Status}.`);
  }
  if (sizeOf(update.Payload) > MAX_RESULT_BYTES && update.Type !== 'EXECUTION') {
    throw invalid(`${update.Type} output payload size must be less than or equal to ${MAX_RESULT_BYTES} bytes.`);
  }
  const base: WireOperation = current ?? {
    Id: update.Id,
    ParentId: update.ParentId,
    Name: update.Name,
    Type: update.Type,
    SubType: update.SubType,
    StartTimestamp: new Date(nowMs),
    Status: 'STARTED',
  };
  const ended = { Result: update.Payload, Error: update.Error };
  const closing = update.Action === 'SUCCEED' || update.Action === 'FAIL';
  const closed: WireOperation = closing
    ? { ...base, Status: update.Action === 'SUCCEED' ? 'SUCCEEDED' : 'FAILED', EndTimestamp: new Date(nowMs) }
    : base;
  const Attempt = (base.StepDetails?.Attempt ?? 0) + 1;

  switch (`${update.Type} ${update.Action}`) {
    case 'WAIT START':
      return {
        ...base,
        WaitDetails: { ScheduledEndTimestamp: secondsFrom(nowMs, update.WaitOptions?.WaitSeconds, 'WaitSeconds') },
      };
    case 'STEP START':
      // A poll keeps the state of the poll before: the SDK reads it again after a crash.
      return { ...base, Status: 'STARTED', StepDetails: { ...base.StepDetails, NextAttemptTimestamp: undefined } };
    case 'STEP RETRY': {
      const delay = update.StepOptions?.NextAttemptDelaySeconds;
      const NextAttemptTimestamp = secondsFrom(nowMs, delay, 'NextAttemptDelaySeconds');
      return { ...base, Status: 'PENDING', StepDetails: { ...ended, Attempt, NextAttemptTimestamp } };
    }
    default:
      if (update.Type === 'STEP') return { ...closed, StepDetails: { ...ended, Attempt } };
      if (update.Type === 'CONTEXT') {
        return { ...closed, ContextDetails: { ...ended, ReplayChildren: update.ContextOptions?.ReplayChildren } };
      }
      return closed;
  }
}

/** When an operation goes on by itself, if it does. */
export function dueMs(operation: WireOperation): number | undefined {
  const at =
    operation.Type === 'WAIT' && operation.Status === 'STARTED'
      ? operation.WaitDetails?.ScheduledEndTimestamp
      : operation.Status === 'PENDING'
        ? operation.StepDetails?.NextAttemptTimestamp
        : undefined;
  return at === undefined ? undefined : new Date(at).getTime();
}

/** The history as an invocation sees it: the inside of a finished context is gone unless it asked to keep it. */
export function snapshot(history: ReadonlyMap<string, WireOperation>): WireOperation[] {
  const pruned = new Set<string | undefined>();
  return [...history.values()].filter(({ Id, ParentId }) => {
    const parent = ParentId === undefined ? undefined : history.get(ParentId);
    const finished = parent?.Status === 'SUCCEEDED' || parent?.Status === 'FAILED';
    const gone = pruned.has(parent?.Id) || (finished && !parent.ContextDetails?.ReplayChildren);
    if (gone) pruned.add(Id);
    return !gone;
  });
}
