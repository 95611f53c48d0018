import type { AutoScalingClient, Instance } from '@aws-sdk/client-auto-scaling';
import { DescribeWarmPoolCommand } from '@aws-sdk/client-auto-scaling';
import { allPages } from './pages.ts';

/** The instances that wait in a group's warm pool, which are not among those of the group. */
export function warmPoolOf(client: AutoScalingClient, group: string): Promise<Instance[]> {
  return allPages(async ({ nextToken }) => {
    const page = await client.send(new DescribeWarmPoolCommand({ AutoScalingGroupName: group, NextToken: nextToken }));
    return { items: page.Instances, nextToken: page.NextToken };
  });
}
