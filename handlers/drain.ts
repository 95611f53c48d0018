import type { DurableLambdaHandler } from '@aws/durable-execution-sdk-js';
import { withDurableExecution } from '@aws/durable-execution-sdk-js';
import { Logger } from '@aws-lambda-powertools/logger';
import { autoScalingPort } from '../src/aws/auto-scaling.ts';
import { autoScalingClient, ecsClient, snsClient, ssmClient } from '../src/aws/clients.ts';
import { durablePort } from '../src/aws/durable.ts';
import { ecsPort } from '../src/aws/ecs.ts';
import { metricsPort } from '../src/aws/metrics.ts';
import { alertPort } from '../src/aws/sns.ts';
import { switchPort } from '../src/aws/ssm.ts';
import { readDrainConfig } from '../src/config.ts';
import type { DrainResult } from '../src/drain/decide.ts';
import { drain } from '../src/drain/drain.ts';
import { DrainRequest } from '../src/drain/request.ts';
import type { DurablePort } from '../src/ports.ts';
import type { Platform } from './platform.ts';
import { lambda } from './platform.ts';

/**
 * The drain, wired to AWS but not yet to durable executions: what the simulator's checkpoint store runs.
 * @throws ConfigError at cold start, naming every wrong setting.
 */
export function connect({ environment, requestHandler }: Platform) {
  const config = readDrainConfig(environment);
  const now = Date.now;
  const ports = {
    ecs: ecsPort(ecsClient(requestHandler)),
    autoScaling: autoScalingPort(autoScalingClient(requestHandler)),
    alerts: alertPort(snsClient(requestHandler), config.alertTopicArn),
    metrics: config.metrics
      ? metricsPort(environment['AWS_LAMBDA_FUNCTION_NAME'] ?? 'ecs-drain-drain')
      : { emit: () => undefined },
    control: switchPort(ssmClient(requestHandler), config.switchParameter, now),
    now,
  };
  return (event: unknown, durable: DurablePort): Promise<DrainResult> =>
    drain(DrainRequest.parse(event), config, ports, durable);
}

/** One durable execution drains one instance. */
export function create(platform: Platform): DurableLambdaHandler {
  const run = connect(platform);
  const customLogger = new Logger({ serviceName: 'ecs-drain' });
  return withDurableExecution<unknown, DrainResult>((event, context) => {
    context.configureLogger({ customLogger, modeAware: true });
    return run(event, durablePort(context));
  });
}

export const handler = create(lambda);
