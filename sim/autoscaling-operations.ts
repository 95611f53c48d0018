import type * as sdk from '@aws-sdk/client-auto-scaling';
import type { AutoScalingGroup, AutoScalingInstance, HookSpec, LifecycleState } from './autoscaling-state.ts';
import { AwsError } from './aws-error.ts';
import type { Launches } from './launch.ts';
import { launchShape, templateShape } from './launch-shapes.ts';
import { globalTimeoutSeconds, type LifecycleAction, type LifecycleHook } from './lifecycle.ts';
import type { World } from './world.ts';

const invalid = (message: string): AwsError => new AwsError('ValidationError', message);

const WARM_POOL = { MinSize: 0, PoolState: 'Stopped', InstanceReusePolicy: { ReuseOnScaleIn: true } } as const;

/** One page; the token is how many came before. Groups and instances of one call change too rarely for that to matter. */
function page<T>(things: readonly T[], size: number, token: string | undefined): { items: T[]; NextToken?: string } {
  const from = token === undefined ? 0 : Number(token);
  if (!Number.isInteger(from)) throw invalid(`The token '${token}' is invalid.`);
  const items = things.slice(from, from + size);
  return from + size < things.length ? { items, NextToken: String(from + size) } : { items };
}

export type AutoScalingOperations = ReturnType<typeof createAutoScalingOperations>;

export function createAutoScalingOperations(region: {
  world: World;
  groups: ReadonlyMap<string, AutoScalingGroup>;
  instances: ReadonlyMap<string, AutoScalingInstance>;
  launches: Launches | undefined;
  groupNamed: (name: string) => AutoScalingGroup;
  putHook: (group: string, hook: HookSpec) => void;
  deleteHook: (group: string, hook: string) => void;
  terminate: (group: string, instanceId: string, decrement: boolean, cause: string) => void;
}) {
  const { groups, instances, groupNamed, world, launches } = region;

  /** "DescribeAutoScalingInstances can lag the notice" (AWS-CONTRACTS §1): the newest state that is shown by now. */
  const shownState = (instance: AutoScalingInstance): LifecycleState =>
    instance.shown.findLast(({ fromMs }) => fromMs <= world.clock.nowMs())?.state ?? instance.state;

  const isPooled = (instance: AutoScalingInstance): boolean => shownState(instance).startsWith('Warmed:');

  const launchedTemplate = ({ launched: { template } }: AutoScalingInstance) =>
    template && templateShape(launches, { templateId: template.templateId, version: String(template.number) });

  const instanceShape = (instance: AutoScalingInstance) => ({
    InstanceId: instance.id,
    InstanceType: instance.launched.instanceType ?? 'm7i.xlarge',
    // "Won't appear for existing instances launched from launch templates without overrides" (API reference of Instance).
    ...(instance.launched.hasImageOfOverride ? { ImageId: instance.launched.image.id } : {}),
    LaunchTemplate: launchedTemplate(instance),
    AvailabilityZone: `${world.region}a`,
    LifecycleState: shownState(instance),
    ProtectedFromScaleIn: instance.protectedFromScaleIn,
  });

  const memberShape = (instance: AutoScalingInstance) => ({ ...instanceShape(instance), HealthStatus: 'Healthy' });

  const groupShape = (group: AutoScalingGroup): sdk.AutoScalingGroup => ({
    AutoScalingGroupName: group.name,
    AutoScalingGroupARN: group.arn,
    MinSize: group.min,
    MaxSize: group.max,
    DesiredCapacity: group.desired,
    DefaultCooldown: 300,
    AvailabilityZones: [`${world.region}a`],
    HealthCheckType: 'EC2',
    CreatedTime: new Date(group.createdAtMs),
    ...launchShape(launches, group.launch),
    SuspendedProcesses: [...group.suspended].map((ProcessName) => ({
      ProcessName,
      SuspensionReason: 'User suspended',
    })),
    WarmPoolSize: [...group.instances.values()].filter(({ state }) => state.startsWith('Warmed:')).length,
    NewInstancesProtectedFromScaleIn: group.protectedFromScaleIn,
    // The API writes the health of groups' instances capitalised, and in DescribeAutoScalingInstances in capitals.
    // Those of the warm pool are in DescribeWarmPool instead.
    Instances: [...group.instances.values()].filter((instance) => !isPooled(instance)).map(memberShape),
    // A pool is configured for a group before it has instances; here a group has one as soon as instances are in it.
    ...([...group.instances.values()].some(isPooled) ? { WarmPoolConfiguration: WARM_POOL } : {}),
    Tags: Object.entries(group.tags).map(([Key, Value]) => ({
      ResourceId: group.name,
      ResourceType: 'auto-scaling-group',
      Key,
      Value,
      PropagateAtLaunch: true,
    })),
  });

  const hookShape = (group: AutoScalingGroup, hook: LifecycleHook): sdk.LifecycleHook => ({
    LifecycleHookName: hook.name,
    AutoScalingGroupName: group.name,
    LifecycleTransition: hook.transition,
    NotificationTargetARN: hook.targetArn,
    RoleARN: hook.roleArn,
    NotificationMetadata: hook.metadata,
    HeartbeatTimeout: hook.heartbeatSeconds,
    GlobalTimeout: globalTimeoutSeconds(hook),
    DefaultResult: hook.defaultResult,
  });

  /** "Hook name, group name, and token or instance id"; finished ones are not found (AWS-CONTRACTS §1). */
  const findAction = (input: {
    LifecycleHookName?: string | undefined;
    AutoScalingGroupName?: string | undefined;
    LifecycleActionToken?: string | undefined;
    InstanceId?: string | undefined;
  }): LifecycleAction => {
    const { LifecycleActionToken: token, InstanceId: id } = input;
    const group = groupNamed(input.AutoScalingGroupName ?? '');
    // UNVERIFIED: the wording.
    if (token === undefined && id === undefined) throw invalid('Either InstanceId or LifecycleActionToken is required');
    for (const instance of group.instances.values()) {
      if (id !== undefined && instance.id !== id) continue;
      const found = instance.actions.find(
        (action) =>
          action.isActive() &&
          action.hook.name === input.LifecycleHookName &&
          (token === undefined || action.token === token),
      );
      if (found !== undefined) return found;
    }
    // Both wordings are in public logs; with a token and an id the token is named.
    throw invalid(
      `No active Lifecycle Action found with ${token === undefined ? `instance ID ${id}` : `token ${token}`}`,
    );
  };

  return {
    DescribeAutoScalingInstances(input: sdk.DescribeAutoScalingInstancesCommandInput) {
      const ids = input.InstanceIds ?? [...instances.keys()];
      // "Takes 50 ids" (AWS-CONTRACTS §1); the wording is UNVERIFIED.
      if (ids.length > 50 && input.InstanceIds !== undefined) throw invalid('The number of instance ids exceeds 50');
      const found = ids.flatMap((id) => instances.get(id) ?? []);
      const { items, ...rest } = page(found, Math.min(input.MaxRecords ?? 50, 50), input.NextToken);
      return {
        AutoScalingInstances: items.map((instance) => ({
          ...instanceShape(instance),
          AutoScalingGroupName: instance.group.name,
          HealthStatus: 'HEALTHY',
        })),
        ...rest,
      } satisfies sdk.AutoScalingInstancesType;
    },

    DescribeAutoScalingGroups(input: sdk.DescribeAutoScalingGroupsCommandInput) {
      // Better refused than ignored: ours asks for groups that have a tag, whatever its value.
      const keys = input.Filters?.flatMap(({ Name, Values = [] }) => {
        if (Name !== 'tag-key') throw invalid(`The filter ${Name} is not simulated`);
        return Values;
      });
      const wanted = new Set(input.AutoScalingGroupNames ?? []);
      const found = [...groups.values()].filter(
        ({ name, tags }) =>
          (wanted.size === 0 || wanted.has(name)) && (keys?.some((key) => Object.hasOwn(tags, key)) ?? true),
      );
      const { items, ...rest } = page(found, Math.min(input.MaxRecords ?? 50, 100), input.NextToken);
      return { AutoScalingGroups: items.map(groupShape), ...rest } satisfies sdk.AutoScalingGroupsType;
    },

    DescribeWarmPool(input: sdk.DescribeWarmPoolCommandInput) {
      const pooled = [...groupNamed(input.AutoScalingGroupName ?? '').instances.values()].filter(isPooled);
      const { items, ...rest } = page(pooled, Math.min(input.MaxRecords ?? 50, 50), input.NextToken);
      return { Instances: items.map(memberShape), ...rest } satisfies sdk.DescribeWarmPoolAnswer;
    },

    DescribeLifecycleHooks(input: sdk.DescribeLifecycleHooksCommandInput) {
      const group = groupNamed(input.AutoScalingGroupName ?? '');
      const wanted = input.LifecycleHookNames ?? [...group.hooks.keys()];
      const hooks = wanted.flatMap((name) => group.hooks.get(name) ?? []);
      return {
        LifecycleHooks: hooks.map((hook) => hookShape(group, hook)),
      } satisfies sdk.DescribeLifecycleHooksAnswer;
    },

    PutLifecycleHook(input: sdk.PutLifecycleHookCommandInput) {
      const group = groupNamed(input.AutoScalingGroupName ?? '');
      const name = input.LifecycleHookName ?? '';
      const old = group.hooks.get(name);
      const transition = input.LifecycleTransition ?? old?.transition;
      const defaultResult = input.DefaultResult ?? old?.defaultResult ?? 'ABANDON';
      // UNVERIFIED: the wordings. A new hook needs a transition; an existing one keeps what is not given.
      if (
        transition !== 'autoscaling:EC2_INSTANCE_TERMINATING' &&
        transition !== 'autoscaling:EC2_INSTANCE_LAUNCHING'
      ) {
        throw invalid(
          'LifecycleTransition must be autoscaling:EC2_INSTANCE_LAUNCHING or autoscaling:EC2_INSTANCE_TERMINATING',
        );
      }
      if (defaultResult !== 'CONTINUE' && defaultResult !== 'ABANDON') {
        throw invalid('DefaultResult must be CONTINUE or ABANDON');
      }
      // "Your maximum limit of lifecycle hooks, which by default is 50 per Auto Scaling group" (API reference).
      if (old === undefined && group.hooks.size >= 50) {
        throw new AwsError('LimitExceeded', `You have reached the limit of 50 lifecycle hooks of group ${group.name}`);
      }
      region.putHook(group.name, {
        name,
        transition,
        defaultResult,
        heartbeatSeconds: input.HeartbeatTimeout ?? old?.heartbeatSeconds,
        targetArn: input.NotificationTargetARN ?? old?.targetArn,
        roleArn: input.RoleARN ?? old?.roleArn,
        metadata: input.NotificationMetadata ?? old?.metadata,
      });
      return {};
    },

    DeleteLifecycleHook(input: sdk.DeleteLifecycleHookCommandInput) {
      region.deleteHook(input.AutoScalingGroupName ?? '', input.LifecycleHookName ?? '');
      return {};
    },

    RecordLifecycleActionHeartbeat(input: sdk.RecordLifecycleActionHeartbeatCommandInput) {
      findAction(input).heartbeat();
      return {};
    },

    CompleteLifecycleAction(input: sdk.CompleteLifecycleActionCommandInput) {
      const { LifecycleActionResult: result } = input;
      if (result !== 'CONTINUE' && result !== 'ABANDON')
        throw invalid('LifecycleActionResult must be CONTINUE or ABANDON');
      findAction(input).complete(result);
      return {};
    },

    TerminateInstanceInAutoScalingGroup(input: sdk.TerminateInstanceInAutoScalingGroupCommandInput) {
      const id = input.InstanceId ?? '';
      const instance = instances.get(id);
      if (instance === undefined)
        throw invalid(`Instance Id not found - No managed instance found for instance ID: ${id}`);
      const { group } = instance;
      const decrement = input.ShouldDecrementDesiredCapacity ?? false;
      if (decrement && group.desired <= group.min) {
        throw invalid(
          `Currently, desiredSize equals minSize (${group.min}). Terminating instance without replacement will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.`,
        );
      }
      const StartTime = new Date(world.clock.nowMs());
      const cause = `At ${StartTime.toISOString()} instance ${id} was taken out of service in response to a user request.`;
      // UNVERIFIED: an instance that is leaving already is left alone, and the call succeeds.
      region.terminate(group.name, id, decrement, cause);
      return {
        Activity: {
          ActivityId: world.random('autoscaling-activities').uuid(),
          AutoScalingGroupName: group.name,
          Description: `Terminating EC2 instance: ${id}`,
          Cause: cause,
          StartTime,
          StatusCode: 'InProgress',
          Progress: 0,
        },
      } satisfies sdk.ActivityType;
    },
  };
}
