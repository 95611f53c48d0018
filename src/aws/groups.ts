import type { AutoScalingClient, Instance, LifecycleHook } from '@aws-sdk/client-auto-scaling';
import {
  DeleteLifecycleHookCommand,
  DescribeAutoScalingGroupsCommand,
  DescribeLifecycleHooksCommand,
  DescribeWarmPoolCommand,
  PutLifecycleHookCommand,
} from '@aws-sdk/client-auto-scaling';
import type { Group, Hook } from '../operator/hooks.ts';
import type { Result } from '../ports.ts';
import { attempt } from './failure.ts';
import { allPages, inChunks } from './pages.ts';

/** AWS-CONTRACTS §1: what applies where a hook does not say. */
const DEFAULT_HEARTBEAT_SECONDS = 3_600;
const LONGEST_SECONDS = 172_800;
/** Groups on one page (DescribeAutoScalingGroups: "the maximum value is 100"). */
const MOST_GROUPS = 100;

/** The named groups that exist, or all of the region. Instances in a warm pool take a call more for each group that has one. */
export async function groups(
  client: AutoScalingClient,
  names: readonly string[] | undefined,
): Promise<Result<readonly Group[]>> {
  const found = await attempt('autoscaling:DescribeAutoScalingGroups', () => {
    const ask = (AutoScalingGroupNames: string[] | undefined) =>
      allPages(async ({ nextToken }) => {
        const page = await client.send(
          new DescribeAutoScalingGroupsCommand({
            AutoScalingGroupNames,
            NextToken: nextToken,
            MaxRecords: MOST_GROUPS,
          }),
        );
        return { items: page.AutoScalingGroups, nextToken: page.NextToken };
      });
    return names === undefined ? ask(undefined) : inChunks(names, MOST_GROUPS, ask).then((pages) => pages.flat());
  });
  if (!found.ok) return found;

  const all: Group[] = [];
  for (const { AutoScalingGroupName: name = '', AutoScalingGroupARN: arn = '', ...group } of found.value) {
    const pool = group.WarmPoolConfiguration === undefined ? undefined : await warmPool(client, name);
    if (pool?.ok === false) return pool;
    all.push({ name, arn, instances: [...(group.Instances ?? []), ...(pool?.value ?? [])].map(instanceSeen) });
  }
  return { ok: true, value: all };
}

function warmPool(client: AutoScalingClient, group: string): Promise<Result<readonly Instance[]>> {
  return attempt('autoscaling:DescribeWarmPool', () => warmPoolOf(client, group));
}

export function warmPoolOf(client: AutoScalingClient, group: string): Promise<Instance[]> {
  return allPages(async ({ nextToken }) => {
    const page = await client.send(new DescribeWarmPoolCommand({ AutoScalingGroupName: group, NextToken: nextToken }));
    return { items: page.Instances, nextToken: page.NextToken };
  });
}

function instanceSeen({ InstanceId, LifecycleState }: Instance) {
  return { id: InstanceId ?? '', state: LifecycleState ?? 'UNKNOWN' };
}

/** All hooks of a group; the API has no pages of them. */
export function hooksOf(client: AutoScalingClient, group: string): Promise<Result<readonly Hook[]>> {
  return attempt('autoscaling:DescribeLifecycleHooks', async () => {
    const { LifecycleHooks = [] } = await client.send(
      new DescribeLifecycleHooksCommand({ AutoScalingGroupName: group }),
    );
    return LifecycleHooks.map(hookSeen);
  });
}

function hookSeen(hook: LifecycleHook): Hook {
  const heartbeatSeconds = hook.HeartbeatTimeout ?? DEFAULT_HEARTBEAT_SECONDS;
  return {
    name: hook.LifecycleHookName ?? '',
    transition: hook.LifecycleTransition ?? 'UNKNOWN',
    targetArn: hook.NotificationTargetARN || undefined,
    roleArn: hook.RoleARN || undefined,
    heartbeatSeconds,
    globalTimeoutSeconds: hook.GlobalTimeout ?? Math.min(LONGEST_SECONDS, 100 * heartbeatSeconds),
    defaultResult: hook.DefaultResult ?? 'ABANDON',
    metadata: hook.NotificationMetadata || undefined,
  };
}

/** Creates the hook, or changes the one of that name. Auto Scaling sends its target a test message. */
export function putHook(client: AutoScalingClient, group: string, hook: Hook): Promise<Result<undefined>> {
  return attempt('autoscaling:PutLifecycleHook', async () => {
    await client.send(
      new PutLifecycleHookCommand({
        AutoScalingGroupName: group,
        LifecycleHookName: hook.name,
        LifecycleTransition: hook.transition,
        NotificationTargetARN: hook.targetArn,
        RoleARN: hook.roleArn,
        HeartbeatTimeout: hook.heartbeatSeconds,
        DefaultResult: hook.defaultResult,
        NotificationMetadata: hook.metadata,
      }),
    );
    return undefined;
  });
}

/** Terminations that wait for the hook go on: they are completed with CONTINUE (API reference, DeleteLifecycleHook). */
export function deleteHook(client: AutoScalingClient, group: string, name: string): Promise<Result<undefined>> {
  return attempt('autoscaling:DeleteLifecycleHook', async () => {
    await client.send(new DeleteLifecycleHookCommand({ AutoScalingGroupName: group, LifecycleHookName: name }));
    return undefined;
  });
}
