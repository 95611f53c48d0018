import type { DurableLambdaHandler } from '@aws/durable-execution-sdk-js';
import { withDurableExecution } from '@aws/durable-execution-sdk-js';
import { Logger } from '@aws-lambda-powertools/logger';
import { renderAlert } from '../src/alert.ts';
import { claimsPort } from '../src/aws/claims.ts';
import {
  applicationAutoScalingClient,
  autoScalingClient,
  cloudFormationClient,
  ec2Client,
  lambdaClient,
  patientEcsClient,
  patientSsmClient,
  serviceQuotasClient,
  snsClient,
} from '../src/aws/clients.ts';
import { durablePort } from '../src/aws/durable.ts';
import { clustersPort } from '../src/aws/fleet-clusters.ts';
import { groupsPort } from '../src/aws/fleet-groups.ts';
import { imagesPort } from '../src/aws/images.ts';
import { rolloutExecutionsPort } from '../src/aws/lambda.ts';
import { parametersPort } from '../src/aws/parameters.ts';
import { quotasPort } from '../src/aws/quotas.ts';
import { alertPort } from '../src/aws/sns.ts';
import { spotFleetsPort } from '../src/aws/spot-fleets.ts';
import { switchPort } from '../src/aws/ssm.ts';
import { templatesPort } from '../src/aws/templates.ts';
import { readDrainConfig, readRolloutConfig } from '../src/config.ts';
import { executionName as drainName, OrderedRequest } from '../src/drain/request.ts';
import { readSwitch } from '../src/drain/switch.ts';
import type { DurablePort } from '../src/ports.ts';
import type { DrainsPort } from '../src/rollout/ports.ts';
import { checksum, RolloutRequest } from '../src/rollout/request.ts';
import type { RolloutPorts } from '../src/rollout/rollout.ts';
import { rollOut } from '../src/rollout/rollout.ts';
import type { Platform } from './platform.ts';
import { lambda } from './platform.ts';

/**
 * Rollouts, wired to AWS but not yet to durable executions: what the simulator's checkpoint store runs.
 * @throws ConfigError at cold start, naming every wrong setting.
 */
export function connect(platform: Platform) {
  const ports = portsOf(platform);
  return (event: unknown, durable: DurablePort): Promise<object> =>
    rollOut(RolloutRequest.parse(event), ports, durable);
}

function portsOf({ environment, requestHandler }: Platform): RolloutPorts {
  const config = readRolloutConfig(environment);
  // Drains and rollouts meet in two facts alone: how long a drain may take, and how one is ordered.
  const { policy, switchParameter } = readDrainConfig(environment);
  const now = Date.now;
  const ssm = patientSsmClient(requestHandler);
  const lambdas = lambdaClient(requestHandler);
  const alerts = alertPort(snsClient(requestHandler), config.alertTopicArn);
  const control = switchPort(ssm, switchParameter, now);
  return {
    parameters: { ...parametersPort(ssm), ...claimsPort(ssm) },
    images: imagesPort(ec2Client(requestHandler)),
    templates: templatesPort(ec2Client(requestHandler)),
    groups: groupsPort(autoScalingClient(requestHandler), ec2Client(requestHandler)),
    spotFleets: spotFleetsPort(
      ec2Client(requestHandler),
      applicationAutoScalingClient(requestHandler),
      cloudFormationClient(requestHandler),
    ),
    clusters: clustersPort(patientEcsClient(requestHandler)),
    quotas: quotasPort(ec2Client(requestHandler), serviceQuotasClient(requestHandler)),
    executions: rolloutExecutionsPort(lambdas, config.amiUpdateFunctionArn),
    drains: drainsPort(rolloutExecutionsPort(lambdas, config.drainFunctionArn)),
    now,
    lifecycleTopicArn: config.lifecycleTopicArn,
    hookNamePrefix: config.hookNamePrefix,
    tell: (alert) => alerts.publish(renderAlert(alert, config.alertTopicArn, config.stackName)),
    async drainRules(fleet) {
      const text = await control.read();
      if (!text.ok) return text;
      const settings = readSwitch(text.value ?? '{}', fleet, policy);
      const rules = 'mistakes' in settings ? { mode: 'unknown' as const, policy } : settings;
      return { ok: true, value: { mode: rules.mode, deadlineSeconds: rules.policy.deadlineSeconds } };
    },
    controlParameter: (release) => `${config.parameterPrefix}/rollouts/${release}`,
    claimParameter: (fleet) => `${config.parameterPrefix}/fleets/${checksum(fleet)}`,
    verifiedParameter: (source) =>
      source.startsWith('/') ? undefined : `${config.parameterPrefix}/verified/${source}`,
  };
}

/** The same order, asked again, must be the same request: so its time is the rollout's, not the moment's. */
function drainsPort(executions: RolloutPorts['executions']): DrainsPort {
  return {
    drain({ instanceId, id, reason, noticedAt }) {
      const request = OrderedRequest.parse({
        kind: 'ordered',
        instanceId,
        noticedAt,
        id,
        by: 'rollout',
        reason,
      });
      return executions.run(drainName(request), request);
    },
  };
}

/** One durable execution rolls one release out, or one fleet. */
export function create(platform: Platform): DurableLambdaHandler {
  const run = connect(platform);
  const customLogger = new Logger({ serviceName: 'ecs-drain-ami-update' });
  return withDurableExecution<unknown, object>((event, context) => {
    context.configureLogger({ customLogger, modeAware: true });
    return run(event, durablePort(context));
  });
}

export const handler = create(lambda);
