import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import { announcementPort } from '../src/aws/announcements.ts';
import { autoScalingClient, ec2Client, patientSsmClient, snsClient } from '../src/aws/clients.ts';
import { groupLooks } from '../src/aws/group-looks.ts';
import { imagesPort } from '../src/aws/images.ts';
import { parametersPort } from '../src/aws/parameters.ts';
import { alertPort } from '../src/aws/sns.ts';
import { spotFleetLooks } from '../src/aws/spot-fleet-looks.ts';
import { readWatchConfig } from '../src/config.ts';
import { familiesOf } from '../src/rollout/family.ts';
import { watchAmis } from '../src/rollout/watching.ts';
import type { Platform } from './platform.ts';
import { lambda } from './platform.ts';

/**
 * On a schedule: looks at what AWS recommends, and announces what is new.
 * @throws ConfigError at cold start, naming every wrong setting.
 */
export function create({ environment, requestHandler }: Platform): (event: unknown, context: Context) => Promise<void> {
  const { alertTopicArn, releaseTopicArn, seenParameter, familyGroups } = readWatchConfig(environment);
  const logger = new Logger({ serviceName: 'ecs-drain-ami-watch' });
  const sns = snsClient(requestHandler);
  const ec2 = ec2Client(requestHandler);
  const ports = {
    parameters: parametersPort(patientSsmClient(requestHandler)),
    releases: announcementPort(sns, releaseTopicArn),
    alerts: alertPort(sns, alertTopicArn),
    groups: groupLooks(autoScalingClient(requestHandler), ec2),
    spotFleets: spotFleetLooks(ec2),
    images: imagesPort(ec2),
    now: Date.now,
  };
  return async (_, context) => {
    const [, , , region = '', accountId = ''] = context.invokedFunctionArn.split(':');
    const orders = { families: familiesOf(familyGroups), region, accountId, seenParameter };
    await watchAmis(orders, ports, (level, message, fields) => logger[level](message, fields));
  };
}

export const handler = create(lambda);
