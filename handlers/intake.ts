import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import { patientLambdaClient, snsClient } from '../src/aws/clients.ts';
import { executionPort } from '../src/aws/lambda.ts';
import { alertPort } from '../src/aws/sns.ts';
import { readIntakeConfig } from '../src/config.ts';
import { takeIn } from '../src/intake.ts';
import type { Platform } from './platform.ts';
import { lambda } from './platform.ts';

/**
 * SNS and EventBridge in, one named durable execution per notice out, of a drain or of an AMI roll-out.
 * @throws ConfigError at cold start, naming every wrong setting.
 */
export function create({ environment, requestHandler }: Platform): (event: unknown, context: Context) => Promise<void> {
  const config = readIntakeConfig(environment);
  const logger = new Logger({ serviceName: 'ecs-drain-intake' });
  const lambdas = patientLambdaClient(requestHandler);
  const { drainFunctionArn, amiUpdateFunctionArn, stackName: stack } = config;
  const ports = {
    executions: executionPort(lambdas, drainFunctionArn),
    rollouts:
      amiUpdateFunctionArn === undefined
        ? undefined
        : { ...executionPort(lambdas, amiUpdateFunctionArn), functionArn: amiUpdateFunctionArn, stack },
    alerts: alertPort(snsClient(requestHandler), config.alertTopicArn),
  };
  return async (event, context) => {
    const [, , , region = '', accountId = ''] = context.invokedFunctionArn.split(':');
    await takeIn(event, { accountId, region }, ports, (level, message, fields) => logger[level](message, fields));
  };
}

export const handler = create(lambda);
