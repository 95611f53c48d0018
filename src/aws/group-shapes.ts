import type {
  AutoScalingGroup,
  DesiredConfiguration,
  Instance,
  InstanceRefresh,
  LaunchTemplateOverrides,
  LaunchTemplateSpecification,
  MixedInstancesPolicy,
  RefreshPreferences as PreferencesShape,
} from '@aws-sdk/client-auto-scaling';
import type {
  Desired,
  FleetInstance,
  GroupSeen,
  LaunchSeen,
  OverrideSeen,
  RefreshPreferences,
  RefreshSeen,
  TemplateRef,
} from '../rollout/ports.ts';

export function groupSeen(group: AutoScalingGroup): GroupSeen {
  return {
    name: group.AutoScalingGroupName ?? '',
    arn: group.AutoScalingGroupARN ?? '',
    tags: Object.fromEntries((group.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
    min: group.MinSize ?? 0,
    max: group.MaxSize ?? 0,
    desired: group.DesiredCapacity ?? 0,
    suspended: (group.SuspendedProcesses ?? []).map(({ ProcessName = '' }) => ProcessName),
    launch: launchSeen(group),
    instances: (group.Instances ?? []).map(instanceSeen),
    warm: group.WarmPoolSize ?? 0,
  };
}

export function instanceSeen(instance: Instance): FleetInstance {
  const template = templateRef(instance.LaunchTemplate);
  return {
    id: instance.InstanceId ?? '',
    imageId: instance.ImageId,
    ...(template === undefined ? {} : { template }),
    state: instance.LifecycleState ?? 'UNKNOWN',
    protectedFromScaleIn: instance.ProtectedFromScaleIn ?? false,
  };
}

function launchSeen(group: AutoScalingGroup): LaunchSeen {
  const policy = group.MixedInstancesPolicy?.LaunchTemplate;
  const template = templateRef(policy?.LaunchTemplateSpecification ?? group.LaunchTemplate);
  if (template === undefined) {
    const name = group.LaunchConfigurationName;
    return name === undefined ? { kind: 'unknown' } : { kind: 'configuration', name };
  }
  if (policy === undefined) return { kind: 'template', template };
  const overrides = policy.Overrides ?? [];
  const byRequirements = overrides.some(({ InstanceRequirements }) => InstanceRequirements !== undefined);
  return { kind: 'mixed', template, byRequirements, overrides: overrides.map(overrideSeen) };
}

function overrideSeen(override: LaunchTemplateOverrides, at: number): OverrideSeen {
  const template = templateRef(override.LaunchTemplateSpecification);
  return {
    at,
    ...(override.InstanceType === undefined ? {} : { instanceType: override.InstanceType }),
    ...(template === undefined ? {} : { template }),
    ...(override.ImageId === undefined ? {} : { imageId: override.ImageId }),
  };
}

/** Answers have the id also where the group was made with the name. Without a version, the default one is meant. */
function templateRef(given: LaunchTemplateSpecification | undefined): TemplateRef | undefined {
  return given?.LaunchTemplateId === undefined
    ? undefined
    : { templateId: given.LaunchTemplateId, version: given.Version ?? '$Default' };
}

export function refreshSeen(refresh: InstanceRefresh): RefreshSeen {
  const desired = refresh.DesiredConfiguration;
  const policy = desired?.MixedInstancesPolicy?.LaunchTemplate;
  const template = templateRef(policy?.LaunchTemplateSpecification ?? desired?.LaunchTemplate);
  return {
    id: refresh.InstanceRefreshId ?? '',
    status: refresh.Status ?? 'Pending',
    because: refresh.StatusReason ?? '',
    percent: refresh.PercentageComplete ?? 0,
    left: refresh.InstancesToUpdate ?? 0,
    startedAtMs: refresh.StartTime?.getTime() ?? 0,
    ...(refresh.EndTime === undefined ? {} : { endedAtMs: refresh.EndTime.getTime() }),
    ...(template === undefined ? {} : { template }),
  };
}

/** AWS refuses id and name together, and answers with both. */
const specification = ({ templateId, version }: TemplateRef): LaunchTemplateSpecification => ({
  LaunchTemplateId: templateId,
  Version: version,
});

/**
 * The policy as the group has it, weights and distribution included, but for what is to change: whether AWS keeps what a
 * desired configuration leaves out is UNVERIFIED.
 */
export function desiredConfiguration(
  desired: Desired,
  current: MixedInstancesPolicy | undefined,
): DesiredConfiguration {
  if (desired.kind === 'template') return { LaunchTemplate: specification(desired.template) };
  const overrides = current?.LaunchTemplate?.Overrides ?? [];
  if (current === undefined || desired.overrides.some(({ at }) => at >= overrides.length)) {
    throw new Error('the mixed instances policy of the group is not the one that was looked at');
  }
  const LaunchTemplate = {
    LaunchTemplateSpecification: specification(desired.template),
    Overrides: overrides.map((override, i) => {
      const { LaunchTemplateSpecification: _, ...kept } = override;
      const change = desired.overrides.find(({ at }) => at === i);
      const template = change?.template ?? templateRef(override.LaunchTemplateSpecification);
      return {
        ...kept,
        ...(template === undefined ? {} : { LaunchTemplateSpecification: specification(template) }),
        ...(change?.imageId === undefined ? {} : { ImageId: change.imageId }),
      };
    }),
  };
  return { MixedInstancesPolicy: { ...current, LaunchTemplate } };
}

export function preferencesShape(preferences: RefreshPreferences): PreferencesShape {
  const { checkpoints, alarms, bakeSeconds, warmupSeconds } = preferences;
  return {
    MinHealthyPercentage: preferences.minHealthyPercent,
    MaxHealthyPercentage: preferences.maxHealthyPercent,
    AutoRollback: preferences.autoRollback,
    SkipMatching: preferences.skipMatching,
    ScaleInProtectedInstances: preferences.scaleInProtected,
    StandbyInstances: preferences.standby,
    ...(warmupSeconds === undefined ? {} : { InstanceWarmup: warmupSeconds }),
    ...(bakeSeconds === 0 ? {} : { BakeTime: bakeSeconds }),
    // "If you specify a delay, you must also specify checkpoints" (API reference of RefreshPreferences).
    ...(checkpoints.length === 0
      ? {}
      : { CheckpointPercentages: [...checkpoints], CheckpointDelay: preferences.checkpointDelaySeconds }),
    ...(alarms.length === 0 ? {} : { AlarmSpecification: { Alarms: [...alarms] } }),
  };
}
