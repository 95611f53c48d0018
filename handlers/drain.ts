import type { DurableLambdaHandler } from '@aws/durable-execution-sdk-js';
import { withDurableExecution } from '@aws/durable-execution-sdk-js';
import { Logger } from '@aws-lambda-powertools/logger';
import { autoScalingPort } from '../src/aws/auto-scaling.ts';
import { autoScalingClient, ecsClient, snsClient } from '../src/aws/clients.ts';
import { durablePort } from '../src/aws/durable.ts';
import { ecsPort } from '../src/aws/ecs.ts';
import { alertPort } from '../src/aws/sns.ts';
import { readDrainConfig } from '../src/config.ts';
import type { DrainResult } from '../src/drain/decide.ts';
import { drain } from '../src/drain/drain.ts';
import { DrainRequest } from '../src/drain/request.ts';
import type { Platform } from './platform.ts';
import { lambda } from './platform.ts';

/** One durable execution drains one instance. @throws ConfigError at cold start, naming every wrong setting. */
export function create({ environment, requestHandler }: Platform): DurableLambdaHandler {
  const config = readDrainConfig(environment);
  const customLogger = new Logger({ serviceName: 'ecs-drain' });
  const ports = {
    ecs: ecsPort(ecsClient(requestHandler)),
    autoScaling: autoScalingPort(autoScalingClient(requestHandler)),
    alerts: alertPort(snsClient(requestHandler), config.alertTopicArn),
    now: Date.now,
  };
  return withDurableExecution<unknown, DrainResult>((event, context) => {
    context.configureLogger({ customLogger, modeAware: true });
    return drain(DrainRequest.parse(event), config, ports, durablePort(context));
  });
}

export const handler = create(lambda);
