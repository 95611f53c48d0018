import type { Service } from '@aws-sdk/client-ecs';
import type { Replacing } from '../service.ts';

/** How ECS may replace a service's tasks, as it describes the service. */
export function replacingOf(service: Service): Replacing {
  return {
    daemon: service.schedulingStrategy === 'DAEMON',
    ecsReplaces: (service.deploymentController?.type ?? 'ECS') === 'ECS',
    desired: service.desiredCount ?? 0,
    // AWS-CONTRACTS §3: the defaults are 100 and 200.
    minimumHealthyPercent: service.deploymentConfiguration?.minimumHealthyPercent ?? 100,
    maximumPercent: service.deploymentConfiguration?.maximumPercent ?? 200,
  };
}
