import type { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import {
  CancelInstanceRefreshCommand,
  DescribeAutoScalingGroupsCommand,
  DescribeInstanceRefreshesCommand,
  DescribeLifecycleHooksCommand,
  RollbackInstanceRefreshCommand,
  StartInstanceRefreshCommand,
} from '@aws-sdk/client-auto-scaling';
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { Result } from '../ports.ts';
import type { GroupsPort } from '../rollout/ports.ts';
import { attempt, unless } from './failure.ts';
import { complete, groupLooks, groupsWhere } from './group-looks.ts';
import { desiredConfiguration, groupSeen, instanceSeen, preferencesShape, refreshSeen } from './group-shapes.ts';
import { withImages } from './instances.ts';
import { warmPoolOf } from './warm-pool.ts';

/** As many as one call answers. */
const LATEST_REFRESHES = 10;

/** A group that does not exist is a ValidationError like many others: only its words tell. */
const NO_GROUP = /^AutoScalingGroup name not found/;

async function attemptOnGroup<T>(operation: string, call: () => Promise<T>): Promise<Result<T>> {
  const result = await attempt(operation, call);
  return !result.ok && NO_GROUP.test(result.message) ? { ...result, reason: 'gone' } : result;
}

export function groupsPort(client: AutoScalingClient, ec2: EC2Client): GroupsPort {
  const describe = async (name: string) => {
    const answer = await client.send(new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [name] }));
    return answer.AutoScalingGroups?.[0];
  };

  return {
    ...groupLooks(client, ec2),

    everyGroup: async () => complete(ec2, await groupsWhere(client, undefined)),

    async everyLaunch() {
      const groups = await groupsWhere(client, undefined);
      return groups.ok ? { ok: true, value: groups.value.map(({ name, launch }) => ({ name, launch })) } : groups;
    },

    async describeGroup(name) {
      const found = await attempt('autoscaling:DescribeAutoScalingGroups', async () => {
        const group = await describe(name);
        return group === undefined ? [] : [groupSeen(group)];
      });
      const groups = await complete(ec2, found);
      return groups.ok ? { ok: true, value: groups.value[0] } : groups;
    },

    async pooledInstances(group) {
      const pooled = await attemptOnGroup('autoscaling:DescribeWarmPool', () => warmPoolOf(client, group));
      if (!pooled.ok) return pooled;
      return attempt('ec2:DescribeInstances', async () => {
        const [instances = []] = await withImages(ec2, [pooled.value.map(instanceSeen)]);
        return instances;
      });
    },

    terminateHooks: (group) =>
      attemptOnGroup('autoscaling:DescribeLifecycleHooks', async () => {
        const answer = await client.send(new DescribeLifecycleHooksCommand({ AutoScalingGroupName: group }));
        return (answer.LifecycleHooks ?? [])
          .filter(({ LifecycleTransition }) => LifecycleTransition === 'autoscaling:EC2_INSTANCE_TERMINATING')
          .map((hook) => ({ name: hook.LifecycleHookName ?? '', targetArn: hook.NotificationTargetARN || undefined }));
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
