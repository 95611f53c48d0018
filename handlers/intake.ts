import { Logger } from '@aws-lambda-powertools/logger';
import type { Context, SNSEvent } from 'aws-lambda';
import { lambdaClient } from '../src/aws/clients.ts';
import { executionPort } from '../src/aws/lambda.ts';
import { readIntakeConfig } from '../src/config.ts';
import { handOver } from '../src/drain/hand-over.ts';
import type { Platform } from './platform.ts';
import { lambda } from './platform.ts';

/** SNS in, one named durable execution per notice out. @throws ConfigError at cold start, naming every wrong setting. */
export function create({
  environment,
  requestHandler,
}: Platform): (event: SNSEvent, context: Context) => Promise<void> {
  const config = readIntakeConfig(environment);
  const logger = new Logger({ serviceName: 'ecs-drain-intake' });
  const executions = executionPort(lambdaClient(requestHandler), config.drainFunctionArn);

  return async (event, context) => {
    const ownAccountId = context.invokedFunctionArn.split(':')[4] ?? '';
    const messages = (event.Records ?? []).map((record) => record?.Sns?.Message);
    await handOver(messages, ownAccountId, executions, (level, message, fields) => logger[level](message, fields));
  };
}

export const handler = create(lambda);
