import type { AutoScalingClient, Filter } from '@aws-sdk/client-auto-scaling';
import { DescribeAutoScalingGroupsCommand } from '@aws-sdk/client-auto-scaling';
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { Result } from '../ports.ts';
import type { GroupSeen, GroupsPort } from '../rollout/ports.ts';
import { attempt } from './failure.ts';
import { groupSeen } from './group-shapes.ts';
import { withImages } from './instances.ts';
import { allPages } from './pages.ts';

const GROUPS_A_PAGE = 100;

/** Groups as Auto Scaling tells of them. @param Filters none: all of the region. */
export function groupsWhere(
  client: AutoScalingClient,
  Filters: Filter[] | undefined,
): Promise<Result<readonly GroupSeen[]>> {
  return attempt('autoscaling:DescribeAutoScalingGroups', async () => {
    const groups = await allPages(async ({ nextToken }) => {
      const page = await client.send(
        new DescribeAutoScalingGroupsCommand({ Filters, MaxRecords: GROUPS_A_PAGE, NextToken: nextToken }),
      );
      return { items: page.AutoScalingGroups, nextToken: page.NextToken };
    });
    return groups.map(groupSeen);
  });
}

/** With what their instances run. A look that cannot say that is a failed one. */
export async function complete(
  ec2: EC2Client,
  groups: Result<readonly GroupSeen[]>,
): Promise<Result<readonly GroupSeen[]>> {
  if (!groups.ok) return groups;
  const instances = groups.value.map((group) => group.instances);
  const known = await attempt('ec2:DescribeInstances', () => withImages(ec2, instances));
  if (!known.ok) return known;
  return { ok: true, value: groups.value.map((group, i) => ({ ...group, instances: known.value[i] ?? [] })) };
}

/** Apart from what changes groups: whoever only looks needs, and loads, no more than this. */
export function groupLooks(client: AutoScalingClient, ec2: EC2Client): Pick<GroupsPort, 'taggedGroups'> {
  return {
    taggedGroups: async (key) => complete(ec2, await groupsWhere(client, [{ Name: 'tag-key', Values: [key] }])),
  };
}
