import type { LambdaClient } from '@aws-sdk/client-lambda';
import { GetDurableExecutionCommand, InvokeCommand } from '@aws-sdk/client-lambda';
import type { ExecutionPort } from '../ports.ts';
import type { ExecutionSeen, RolloutExecutionsPort } from '../rollout/ports.ts';
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

/**
 * Named executions whose end is waited for. A second start of the same name with the same request answers the one that
 * exists, ended ones included (AWS-CONTRACTS §7): so to ask is to start again.
 */
export function rolloutExecutionsPort(client: LambdaClient, functionArn: string): RolloutExecutionsPort {
  const { start } = executionPort(client, functionArn);
  return {
    start,
    async run(name, request) {
      const started = await attempt('lambda:InvokeFunction', async () => {
        const answer = await client.send(
          new InvokeCommand({
            FunctionName: functionArn,
            InvocationType: 'Event',
            DurableExecutionName: name,
            Payload: new TextEncoder().encode(JSON.stringify(request)),
          }),
        );
        return answer.DurableExecutionArn ?? '';
      });
      if (!started.ok) return started;
      const seen = await attempt('lambda:GetDurableExecution', async (): Promise<ExecutionSeen> => {
        const { Status, Result } = await client.send(
          new GetDurableExecutionCommand({ DurableExecutionArn: started.value }),
        );
        return { status: Status ?? 'RUNNING', ...(Result === undefined ? {} : { result: Result }) };
      });
      // It has begun, whatever the question after it was answered.
      return seen.ok ? seen : { ...seen, lost: true };
    },
  };
}
