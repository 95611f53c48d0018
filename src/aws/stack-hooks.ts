import type { AutoScalingClient, LifecycleHook } from '@aws-sdk/client-auto-scaling';
import { DescribeAutoScalingGroupsCommand, DescribeLifecycleHooksCommand } from '@aws-sdk/client-auto-scaling';
import type { GroupHook } from '../operator/removal.ts';
import type { Result } from '../ports.ts';
import { attempt } from './failure.ts';
import { allPages } from './pages.ts';

/** Every hook of every Auto Scaling group of the region, ours and others'. A call for each group: hooks have no list. */
export async function listGroupHooks(client: AutoScalingClient): Promise<Result<readonly GroupHook[]>> {
  const groups = await attempt('autoscaling:DescribeAutoScalingGroups', () =>
    allPages(async ({ nextToken }) => {
      const page = await client.send(
        new DescribeAutoScalingGroupsCommand({ MaxRecords: 100, ...(nextToken && { NextToken: nextToken }) }),
      );
      const names = page.AutoScalingGroups?.map(({ AutoScalingGroupName = '' }) => AutoScalingGroupName);
      return { items: names, nextToken: page.NextToken };
    }),
  );
  if (!groups.ok) return groups;
  return attempt('autoscaling:DescribeLifecycleHooks', async () => {
    const hooks: GroupHook[] = [];
    for (const group of groups.value) hooks.push(...(await hooksOf(client, group)));
    return hooks;
  });
}

async function hooksOf(client: AutoScalingClient, group: string): Promise<GroupHook[]> {
  try {
    const { LifecycleHooks = [] } = await client.send(
      new DescribeLifecycleHooksCommand({ AutoScalingGroupName: group }),
    );
    return LifecycleHooks.map((hook) => seen(group, hook));
  } catch (error) {
    // A group that has gone since it was listed has no hooks; its code is that of any bad request.
    if (error instanceof Error && /^AutoScalingGroup name not found\b/.test(error.message)) return [];
    throw error;
  }
}

function seen(group: string, hook: LifecycleHook): GroupHook {
  return {
    group,
    name: hook.LifecycleHookName ?? '',
    terminating: hook.LifecycleTransition === 'autoscaling:EC2_INSTANCE_TERMINATING',
    targetArn: hook.NotificationTargetARN || undefined,
    roleArn: hook.RoleARN || undefined,
    metadata: hook.NotificationMetadata || undefined,
    heartbeatSeconds: hook.HeartbeatTimeout,
    // AWS-CONTRACTS §1: ABANDON unless it says otherwise.
    defaultResult: hook.DefaultResult === 'CONTINUE' ? 'CONTINUE' : 'ABANDON',
  };
}
