import { DurableExecutionInvocationInputWithClient } from '@aws/durable-execution-sdk-js';
import { FIRST_PAGE } from './durable.ts';
import type { Session } from './execution.ts';

/** The event with which Lambda invokes a durable function, and in it the transport that the real SDK then uses. */
export function invocationEvent(session: Session): object {
  const history = session.history();
  const event = new DurableExecutionInvocationInputWithClient(
    {
      DurableExecutionArn: session.execution.arn,
      CheckpointToken: session.token,
      InitialExecutionState: {
        Operations: history.slice(0, FIRST_PAGE),
        NextMarker: history.length > FIRST_PAGE ? String(FIRST_PAGE) : '',
      },
    },
    session.client,
  );
  // The constructor drops this member, which the SDK reads.
  return Object.assign(event, { UpdatedOperationIds: session.updated });
}
