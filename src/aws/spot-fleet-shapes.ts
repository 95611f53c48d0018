import type {
  LaunchTemplateConfig,
  SpotFleetLaunchSpecification,
  SpotFleetRequestConfig,
  SpotFleetRequestConfigData,
} from '@aws-sdk/client-ec2';
import type { OverrideSeen, SpotFleetSeen, SpotPlaceSeen } from '../rollout/ports.ts';

export function fleetSeen(fleet: SpotFleetRequestConfig): SpotFleetSeen {
  const config = fleet.SpotFleetRequestConfig;
  const templates = config?.LaunchTemplateConfigs ?? [];
  const specifications = config?.LaunchSpecifications ?? [];
  return {
    id: fleet.SpotFleetRequestId ?? '',
    tags: Object.fromEntries((fleet.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
    state: fleet.SpotFleetRequestState ?? 'unknown',
    createdAtMs: fleet.CreateTime?.getTime() ?? 0,
    // "The default is maintain" (API reference).
    type: config?.Type ?? 'maintain',
    targetCapacity: config?.TargetCapacity ?? 0,
    fulfilledCapacity: config?.FulfilledCapacity ?? 0,
    onDemandCapacity: config?.OnDemandTargetCapacity ?? 0,
    // Answers have been seen with capital letters, too.
    excess: /^noTermination$/i.test(config?.ExcessCapacityTerminationPolicy ?? '') ? 'noTermination' : 'default',
    ...(config?.ValidFrom === undefined ? {} : { validFromMs: config.ValidFrom.getTime() }),
    ...(config?.ValidUntil === undefined ? {} : { validUntilMs: config.ValidUntil.getTime() }),
    launch: templates.length > 0 ? templates.map(templateSeen) : specifications.map(specificationSeen),
    specifications: specifications.length,
    ...weightsOf(templates, specifications),
  };
}

/** The heaviest of each type, for Availability Zones may differ. What names no type is under the empty one. */
function weightsOf(
  templates: readonly LaunchTemplateConfig[],
  specifications: readonly SpotFleetLaunchSpecification[],
): Pick<SpotFleetSeen, 'weights'> {
  const weights: Record<string, number> = {};
  for (const { InstanceType, WeightedCapacity = 1 } of [
    ...templates.flatMap((one) => one.Overrides ?? []),
    ...specifications,
  ]) {
    const key = InstanceType ?? '';
    weights[key] = Math.max(weights[key] ?? 0, WeightedCapacity);
  }
  return Object.values(weights).every((weight) => weight === 1) ? {} : { weights };
}

/** Whoever made the fleet gave either the id or the name, and EC2 may answer with that alone. */
function templateSeen({ LaunchTemplateSpecification: use }: LaunchTemplateConfig, at: number): SpotPlaceSeen {
  const { LaunchTemplateId: templateId, LaunchTemplateName: templateName, Version: version = '$Default' } = use ?? {};
  if (templateId !== undefined) return { at, template: { templateId, version } };
  return templateName === undefined ? { at } : { at, template: { templateName, version } };
}

function specificationSeen({ InstanceType, ImageId }: SpotFleetLaunchSpecification, at: number): SpotPlaceSeen {
  return {
    at,
    ...(InstanceType === undefined ? {} : { instanceType: InstanceType }),
    ...(ImageId === undefined ? {} : { imageId: ImageId }),
  };
}

/** The request for a fleet like this one. What AWS alone can set, and what would bring it to an end early, is left out. */
export function copyOf(
  fleet: SpotFleetRequestConfig,
  images: readonly OverrideSeen[],
  token: string,
  tags: Readonly<Record<string, string>>,
): SpotFleetRequestConfigData {
  if (fleet.SpotFleetRequestConfig === undefined) throw new Error('the Spot Fleet request has no configuration');
  const {
    ClientToken: _token,
    FulfilledCapacity: _fulfilled,
    OnDemandFulfilledCapacity: _onDemand,
    // The copy begins at once.
    ValidFrom: _from,
    LaunchTemplateConfigs: templates = [],
    LaunchSpecifications: specifications = [],
    TagSpecifications: _tags,
    ...rest
  } = fleet.SpotFleetRequestConfig;
  if (images.some(({ at }) => at >= Math.max(templates.length, specifications.length))) {
    throw new Error('the Spot Fleet request is not the one that was looked at');
  }
  const imageAt = (at: number) => images.find((image) => image.at === at);
  // Tags of AWS's own cannot be given.
  const kept = (fleet.Tags ?? []).filter(({ Key = '' }) => !Key.startsWith('aws:') && !Object.hasOwn(tags, Key));
  const Tags = [...kept, ...Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))];
  return {
    ...rest,
    ClientToken: token,
    ...(templates.length === 0
      ? {}
      : { LaunchTemplateConfigs: templates.map((one, i) => withTemplate(one, imageAt(i))) }),
    ...(specifications.length === 0
      ? {}
      : {
          LaunchSpecifications: specifications.map((one, i) => ({
            ...one,
            ImageId: imageAt(i)?.imageId ?? one.ImageId,
          })),
        }),
    ...(Tags.length === 0 ? {} : { TagSpecifications: [{ ResourceType: 'spot-fleet-request', Tags }] }),
  };
}

/** Overrides of a Spot Fleet have no image of their own: it comes with the template's version. */
function withTemplate(config: LaunchTemplateConfig, image: OverrideSeen | undefined): LaunchTemplateConfig {
  const use = config.LaunchTemplateSpecification;
  const Version = image?.template?.version ?? use?.Version;
  const LaunchTemplateId = image?.template?.templateId ?? use?.LaunchTemplateId;
  // Either the id or the name, and answers may have both.
  return LaunchTemplateId === undefined
    ? config
    : { ...config, LaunchTemplateSpecification: { LaunchTemplateId, Version } };
}
