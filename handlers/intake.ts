import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import { lambdaClient, snsClient } from '../src/aws/clients.ts';
import { executionPort } from '../src/aws/lambda.ts';
import { alertPort } from '../src/aws/sns.ts';
import { readIntakeConfig } from '../src/config.ts';
import { handOver } from '../src/drain/hand-over.ts';
import type { Platform } from './platform.ts';
import { lambda } from './platform.ts';

/**
 * SNS and EventBridge in, one named durable execution per notice out.
 * @throws ConfigError at cold start, naming every wrong setting.
 */
export function create({ environment, requestHandler }: Platform): (event: unknown, context: Context) => Promise<void> {
  const config = readIntakeConfig(environment);
  const logger = new Logger({ serviceName: 'ecs-drain-intake' });
  const ports = {
    executions: executionPort(lambdaClient(requestHandler), config.drainFunctionArn),
    alerts: alertPort(snsClient(requestHandler), config.alertTopicArn),
  };
  return async (event, context) => {
    const ownAccountId = context.invokedFunctionArn.split(':')[4] ?? '';
    await handOver(event, ownAccountId, ports, (level, message, fields) => logger[level](message, fields));
  };
}

export const handler = create(lambda);
