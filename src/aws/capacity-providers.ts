import type { AutoScalingGroupProvider, ECSClient } from '@aws-sdk/client-ecs';
import { DescribeCapacityProvidersCommand } from '@aws-sdk/client-ecs';
import type { Result } from '../ports.ts';
import { attempt } from './failure.ts';
import { allPages } from './pages.ts';

/** The ARNs of Auto Scaling groups behind capacity providers that have managed draining on. */
export function managedDrainingGroups(client: ECSClient): Promise<Result<readonly string[]>> {
  return groupsBehind(client, ({ managedDraining }) => managedDraining === 'ENABLED');
}

/** The ARNs of those behind capacity providers that have managed termination protection on. */
export function terminationProtectedGroups(client: ECSClient): Promise<Result<readonly string[]>> {
  return groupsBehind(client, ({ managedTerminationProtection }) => managedTerminationProtection === 'ENABLED');
}

function groupsBehind(
  client: ECSClient,
  isMeant: (provider: AutoScalingGroupProvider) => boolean,
): Promise<Result<readonly string[]>> {
  return attempt('ecs:DescribeCapacityProviders', async () => {
    const all = await allPages(async (nextToken) => {
      const page = await client.send(new DescribeCapacityProvidersCommand({ ...nextToken }));
      return { items: page.capacityProviders, nextToken: page.nextToken };
    });
    return all.flatMap(({ autoScalingGroupProvider: group }) =>
      group?.autoScalingGroupArn && isMeant(group) ? [group.autoScalingGroupArn] : [],
    );
  });
}
