import type { LambdaClient } from '@aws-sdk/client-lambda';
import { GetDurableExecutionCommand, InvokeCommand } from '@aws-sdk/client-lambda';
import type { ExecutionPort } from '../ports.ts';
import { attempt } from './failure.ts';

/** Starts durable executions of one function. `functionArn` is qualified (AWS-CONTRACTS §7). */
export function executionPort(client: LambdaClient, functionArn: string): ExecutionPort {
  return {
    inputOf: (executionArn) =>
      attempt('lambda:GetDurableExecution', async () => {
        const execution = await client.send(new GetDurableExecutionCommand({ DurableExecutionArn: executionArn }));
        return execution.InputPayload ?? '';
      }),

    start: (name, request) =>
      attempt('lambda:Invoke', async () => {
        try {
          await client.send(
            new InvokeCommand({
              FunctionName: functionArn,
              InvocationType: 'Event',
              DurableExecutionName: name,
              Payload: new TextEncoder().encode(JSON.stringify(request)),
            }),
          );
        } catch (error) {
          // The name is the lifecycle action's: whoever started it first is doing what we ask for.
          if (!(error instanceof Error && error.name === 'DurableExecutionAlreadyStartedException')) throw error;
        }
        return undefined;
      }),
  };
}
