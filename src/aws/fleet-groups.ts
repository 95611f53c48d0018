import type { AutoScalingClient, Filter } from '@aws-sdk/client-auto-scaling';
import {
  CancelInstanceRefreshCommand,
  DescribeAutoScalingGroupsCommand,
  DescribeInstanceRefreshesCommand,
  DescribeLifecycleHooksCommand,
  RollbackInstanceRefreshCommand,
  StartInstanceRefreshCommand,
} from '@aws-sdk/client-auto-scaling';
import type { Result } from '../ports.ts';
import type { GroupSeen, GroupsPort } from '../rollout/ports.ts';
import { attempt } from './failure.ts';
import { desiredConfiguration, groupSeen, preferencesShape, refreshSeen } from './group-shapes.ts';
import { allPages } from './pages.ts';

/** As many as one call answers. */
const LATEST_REFRESHES = 10;
const GROUPS_A_PAGE = 100;

/** A group that does not exist is a ValidationError like many others: only its words tell. */
const NO_GROUP = /^AutoScalingGroup name not found/;

async function attemptOnGroup<T>(operation: string, call: () => Promise<T>): Promise<Result<T>> {
  const result = await attempt(operation, call);
  return !result.ok && NO_GROUP.test(result.message) ? { ...result, reason: 'gone' } : result;
}

/** The value instead of the error of that name. */
async function unless<T>(name: string, value: T, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Error && error.name.replace(/(Fault|Exception)$/, '') === name) return value;
    throw error;
  }
}

/** Every group of the region, opted in or not: for whoever asks what runs. */
export function everyGroup(client: AutoScalingClient): Promise<Result<readonly GroupSeen[]>> {
  return groupsWhere(client, undefined);
}

function groupsWhere(client: AutoScalingClient, Filters: Filter[] | undefined): Promise<Result<readonly GroupSeen[]>> {
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

export function groupsPort(client: AutoScalingClient): GroupsPort {
  const describe = async (name: string) => {
    const answer = await client.send(new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [name] }));
    return answer.AutoScalingGroups?.[0];
  };

  return {
    taggedGroups: (key) => groupsWhere(client, [{ Name: 'tag-key', Values: [key] }]),

    everyGroup: () => everyGroup(client),

    describeGroup: (name) =>
      attempt('autoscaling:DescribeAutoScalingGroups', async () => {
        const group = await describe(name);
        return group && groupSeen(group);
      }),

    terminateHooks: (group) =>
      attemptOnGroup('autoscaling:DescribeLifecycleHooks', async () => {
        const answer = await client.send(new DescribeLifecycleHooksCommand({ AutoScalingGroupName: group }));
        return (answer.LifecycleHooks ?? [])
          .filter(({ LifecycleTransition }) => LifecycleTransition === 'autoscaling:EC2_INSTANCE_TERMINATING')
          .map((hook) => ({ name: hook.LifecycleHookName ?? '', targetArn: hook.NotificationTargetARN }));
      }),

    refreshes: (group) =>
      attemptOnGroup('autoscaling:DescribeInstanceRefreshes', async () => {
        const answer = await client.send(
          new DescribeInstanceRefreshesCommand({ AutoScalingGroupName: group, MaxRecords: LATEST_REFRESHES }),
        );
        return (answer.InstanceRefreshes ?? []).map(refreshSeen);
      }),

    startRefresh: (group, desired, preferences) =>
      attemptOnGroup('autoscaling:StartInstanceRefresh', () =>
        unless<{ id: string } | { busy: true }>('InstanceRefreshInProgress', { busy: true }, async () => {
          const current = desired?.kind === 'mixed' ? (await describe(group))?.MixedInstancesPolicy : undefined;
          const { InstanceRefreshId } = await client.send(
            new StartInstanceRefreshCommand({
              AutoScalingGroupName: group,
              Strategy: 'Rolling',
              ...(desired && { DesiredConfiguration: desiredConfiguration(desired, current) }),
              Preferences: preferencesShape(preferences),
            }),
          );
          return { id: InstanceRefreshId ?? '' };
        }),
      ),

    cancelRefresh: (group) =>
      attemptOnGroup('autoscaling:CancelInstanceRefresh', () =>
        unless<{ already: boolean }>('ActiveInstanceRefreshNotFound', { already: true }, async () => {
          await client.send(new CancelInstanceRefreshCommand({ AutoScalingGroupName: group }));
          return { already: false };
        }),
      ),

    rollBackRefresh: (group) =>
      attemptOnGroup('autoscaling:RollbackInstanceRefresh', () =>
        unless<{ already: boolean }>('ActiveInstanceRefreshNotFound', { already: true }, async () => {
          await client.send(new RollbackInstanceRefreshCommand({ AutoScalingGroupName: group }));
          return { already: false };
        }),
      ),
  };
}
