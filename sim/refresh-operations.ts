import type * as sdk from '@aws-sdk/client-auto-scaling';
import type { AutoScalingGroup } from './autoscaling-state.ts';
import { AwsError } from './aws-error.ts';
import type { Launches, LaunchSource, TemplateUse } from './launch.ts';
import { launchShape } from './launch-shapes.ts';
import type { Refreshes } from './refresh.ts';
import type { Preferences, Refresh } from './refresh-state.ts';

const invalid = (message: string): AwsError => new AwsError('ValidationError', message);

const within = (name: string, value: number, low: number, high: number): number => {
  if (value >= low && value <= high) return value;
  // UNVERIFIED: the wording. The bounds are the API reference's.
  throw invalid(`${name} must be between ${low} and ${high}`);
};

function useOf(given: sdk.LaunchTemplateSpecification | undefined): TemplateUse {
  // "You must specify either a LaunchTemplateId or a LaunchTemplateName"; the wording is from public logs.
  if (given?.LaunchTemplateName !== undefined)
    throw invalid('Valid requests must contain either launchTemplateId or LaunchTemplateName');
  return { templateId: given?.LaunchTemplateId ?? '', version: given?.Version ?? '$Default' };
}

function sourceOf(desired: sdk.DesiredConfiguration | undefined): LaunchSource | undefined {
  if (desired?.LaunchTemplate !== undefined) return { kind: 'template', template: useOf(desired.LaunchTemplate) };
  const policy = desired?.MixedInstancesPolicy?.LaunchTemplate;
  if (policy === undefined) return undefined;
  const overrides = (policy.Overrides ?? []).map((override) => ({
    instanceType: override.InstanceType,
    template: override.LaunchTemplateSpecification && useOf(override.LaunchTemplateSpecification),
    imageId: override.ImageId,
    requirements: override.InstanceRequirements && {
      vCpus: override.InstanceRequirements.VCpuCount?.Min ?? 0,
      memoryMiB: override.InstanceRequirements.MemoryMiB?.Min ?? 0,
    },
  }));
  return { kind: 'mixed', template: useOf(policy.LaunchTemplateSpecification), overrides };
}

const asksForAttributes = (source: LaunchSource | undefined): boolean =>
  source?.kind === 'mixed' && source.overrides.some(({ requirements }) => requirements !== undefined);

/** Defaults: "Understand the default values for an instance refresh"; there is no health check grace period here. */
function preferencesOf(given: sdk.RefreshPreferences = {}): Preferences {
  const checkpoints = given.CheckpointPercentages ?? [];
  checkpoints.forEach((percent, i) => {
    within('CheckpointPercentages', percent, (checkpoints[i - 1] ?? 0) + 1, 100);
  });
  const minHealthyPercent = within('MinHealthyPercentage', given.MinHealthyPercentage ?? 90, 0, 100);
  const maxHealthyPercent = within('MaxHealthyPercentage', given.MaxHealthyPercentage ?? 100, 100, 200);
  // "The difference between them cannot be greater than 100", and one needs the other (API reference).
  if (given.MaxHealthyPercentage !== undefined && given.MinHealthyPercentage === undefined)
    throw invalid('MaxHealthyPercentage needs MinHealthyPercentage');
  within('MaxHealthyPercentage - MinHealthyPercentage', maxHealthyPercent - minHealthyPercent, 0, 100);
  return {
    minHealthyPercent,
    maxHealthyPercent,
    warmupSeconds: within('InstanceWarmup', given.InstanceWarmup ?? 0, 0, 21_600),
    checkpoints,
    checkpointDelaySeconds: within('CheckpointDelay', given.CheckpointDelay ?? 3600, 0, 172_800),
    bakeSeconds: within('BakeTime', given.BakeTime ?? 0, 0, 172_800),
    skipMatching: given.SkipMatching ?? false,
    autoRollback: given.AutoRollback ?? false,
    scaleInProtected: given.ScaleInProtectedInstances ?? 'Wait',
    standby: given.StandbyInstances ?? 'Wait',
    alarms: given.AlarmSpecification?.Alarms ?? [],
  };
}

export function createRefreshOperations(region: {
  refreshes: Refreshes;
  launches: Launches | undefined;
  groupNamed: (name: string) => AutoScalingGroup;
}) {
  const { refreshes, launches } = region;

  /** "Numeric version: rollback refuses $Latest, $Default, SSM images", in the group as in what is desired (AWS-CONTRACTS §5). */
  const canRollBack = (group: AutoScalingGroup, desired: LaunchSource | undefined): boolean =>
    [group.launch, desired].every((source) => source !== undefined && launches?.isRepeatable(source) === true);

  const activeOf = (name: string): Refresh => {
    const refresh = refreshes.active(region.groupNamed(name));
    if (refresh !== undefined && refresh.status !== 'Cancelling') return refresh;
    // UNVERIFIED: the wording, and that one that is being cancelled is not active any more.
    throw new AwsError(
      'ActiveInstanceRefreshNotFound',
      `No in progress or pending Instance Refresh found for Auto Scaling group ${name}`,
    );
  };

  const shape = ({ group, preferences, rollback, ...refresh }: Refresh): sdk.InstanceRefresh => ({
    InstanceRefreshId: refresh.id,
    AutoScalingGroupName: group.name,
    Status: refresh.status,
    StatusReason: refresh.because,
    StartTime: new Date(refresh.startedAtMs),
    EndTime: refresh.endedAtMs === undefined ? undefined : new Date(refresh.endedAtMs),
    // Neither is there before it has begun.
    ...(refresh.status === 'Pending' ? {} : { PercentageComplete: refresh.percent, InstancesToUpdate: refresh.left }),
    DesiredConfiguration: refresh.desired && launchShape(launches, refresh.desired),
    Preferences: {
      MinHealthyPercentage: preferences.minHealthyPercent,
      MaxHealthyPercentage: preferences.maxHealthyPercent,
      InstanceWarmup: preferences.warmupSeconds,
      CheckpointPercentages: [...preferences.checkpoints],
      CheckpointDelay: preferences.checkpointDelaySeconds,
      BakeTime: preferences.bakeSeconds,
      SkipMatching: preferences.skipMatching,
      AutoRollback: preferences.autoRollback,
      ScaleInProtectedInstances: preferences.scaleInProtected,
      StandbyInstances: preferences.standby,
      AlarmSpecification: { Alarms: [...preferences.alarms] },
    },
    RollbackDetails: rollback && {
      RollbackReason: rollback.because,
      RollbackStartTime: new Date(rollback.atMs),
      PercentageCompleteOnRollback: rollback.percent,
      InstancesToUpdateOnRollback: rollback.left,
    },
  });

  return {
    StartInstanceRefresh(input: sdk.StartInstanceRefreshCommandInput) {
      const group = region.groupNamed(input.AutoScalingGroupName ?? '');
      const preferences = preferencesOf(input.Preferences);
      const desired = sourceOf(input.DesiredConfiguration);
      if (refreshes.active(group) !== undefined) {
        throw new AwsError(
          'InstanceRefreshInProgress',
          'An Instance Refresh is already in progress and blocks the execution of this Instance Refresh.',
        );
      }
      // UNVERIFIED: the wording.
      if (desired !== undefined && launches?.resolve(desired, 0) === undefined)
        throw invalid('You must use a valid fully-formed launch template.');
      // UNVERIFIED: the wording. The rule is AWS-CONTRACTS §5.
      if (preferences.skipMatching && asksForAttributes(desired ?? group.launch))
        throw invalid('SkipMatching cannot be used with InstanceRequirements.');
      if (preferences.autoRollback && desired === undefined) {
        // terraform-provider-aws#29830
        throw invalid(
          "The request isn't valid. The AutoRollback parameter cannot be set to true when the DesiredConfiguration parameter is empty. Set AutoRollback to false or specify a desired configuration and try again.",
        );
      }
      // UNVERIFIED: the wording.
      if (preferences.autoRollback && !canRollBack(group, desired)) {
        throw invalid(
          "The request isn't valid. The AutoRollback parameter cannot be set to true when a launch template uses $Latest, $Default or an AWS Systems Manager parameter.",
        );
      }
      return { InstanceRefreshId: refreshes.start(group, desired, preferences).id };
    },

    DescribeInstanceRefreshes(input: sdk.DescribeInstanceRefreshesCommandInput) {
      const known = refreshes.of(region.groupNamed(input.AutoScalingGroupName ?? '')).toReversed();
      const wanted = known.filter(({ id }) => input.InstanceRefreshIds?.includes(id) ?? true);
      return {
        InstanceRefreshes: wanted.slice(0, input.MaxRecords ?? 50).map(shape),
      } satisfies sdk.DescribeInstanceRefreshesAnswer;
    },

    CancelInstanceRefresh(input: sdk.CancelInstanceRefreshCommandInput) {
      const refresh = activeOf(input.AutoScalingGroupName ?? '');
      refreshes.cancel(refresh);
      return { InstanceRefreshId: refresh.id };
    },

    RollbackInstanceRefresh(input: sdk.RollbackInstanceRefreshCommandInput) {
      const refresh = activeOf(input.AutoScalingGroupName ?? '');
      if (refresh.status === 'RollbackInProgress') {
        // UNVERIFIED: which error answers a second rollback.
        throw new AwsError('ActiveInstanceRefreshNotFound', 'A rollback is already in progress.');
      }
      if (refresh.desired === undefined || !canRollBack(refresh.group, refresh.desired)) {
        // "No desired configuration, an SSM parameter, $Latest or $Default" (API reference); the wording is UNVERIFIED.
        throw new AwsError('IrreversibleInstanceRefresh', 'The instance refresh cannot be rolled back.');
      }
      refreshes.rollBack(refresh, 'Rollback due to user request.');
      return { InstanceRefreshId: refresh.id };
    },
  };
}
