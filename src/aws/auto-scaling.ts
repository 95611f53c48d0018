import type { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import {
  CompleteLifecycleActionCommand,
  DescribeAutoScalingInstancesCommand,
  DescribeLifecycleHooksCommand,
  RecordLifecycleActionHeartbeatCommand,
  TerminateInstanceInAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';
import type { AutoScalingPort, LifecycleAction } from '../ports.ts';
import { attempt } from './failure.ts';

/** AWS-CONTRACTS §1: what applies where a hook does not say. */
const DEFAULT_HEARTBEAT_SECONDS = 3_600;
const LONGEST_SECONDS = 172_800;
const DEFAULT_RESULT = 'ABANDON';

export function autoScalingPort(client: AutoScalingClient): AutoScalingPort {
  return {
    describeInstance: (instanceId) =>
      attempt('autoscaling:DescribeAutoScalingInstances', async () => {
        const answer = await client.send(new DescribeAutoScalingInstancesCommand({ InstanceIds: [instanceId] }));
        const instance = answer.AutoScalingInstances?.[0];
        return instance && { group: instance.AutoScalingGroupName ?? '', state: instance.LifecycleState ?? 'UNKNOWN' };
      }),

    describeHook: (group, hook) =>
      attempt('autoscaling:DescribeLifecycleHooks', async () => {
        const answer = await client.send(
          new DescribeLifecycleHooksCommand({ AutoScalingGroupName: group, LifecycleHookNames: [hook] }),
        );
        const found = answer.LifecycleHooks?.find(({ LifecycleHookName }) => LifecycleHookName === hook);
        if (found === undefined) return undefined;
        const heartbeatTimeoutSeconds = found.HeartbeatTimeout ?? DEFAULT_HEARTBEAT_SECONDS;
        const globalTimeoutSeconds = found.GlobalTimeout ?? Math.min(LONGEST_SECONDS, 100 * heartbeatTimeoutSeconds);
        return {
          heartbeatTimeoutSeconds,
          globalTimeoutSeconds,
          defaultResult: found.DefaultResult ?? DEFAULT_RESULT,
          ...(found.NotificationTargetARN ? { targetArn: found.NotificationTargetARN } : {}),
        };
      }),

    terminate: (instanceId) =>
      attempt('autoscaling:TerminateInstanceInAutoScalingGroup', async () => {
        await client.send(
          new TerminateInstanceInAutoScalingGroupCommand({
            InstanceId: instanceId,
            ShouldDecrementDesiredCapacity: false,
          }),
        );
        return undefined;
      }),

    heartbeat: (action) =>
      attempt('autoscaling:RecordLifecycleActionHeartbeat', async () => {
        await client.send(new RecordLifecycleActionHeartbeatCommand(named(action)));
        return undefined;
      }),

    complete: (action, result) =>
      attempt('autoscaling:CompleteLifecycleAction', async () => {
        await client.send(new CompleteLifecycleActionCommand({ ...named(action), LifecycleActionResult: result }));
        return undefined;
      }),
  };
}

/** By token and instance both: a token of another action must not end this one. */
function named(action: LifecycleAction) {
  return {
    AutoScalingGroupName: action.group,
    LifecycleHookName: action.hook,
    LifecycleActionToken: action.token,
    InstanceId: action.instanceId,
  };
}
