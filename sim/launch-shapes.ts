import type * as sdk from '@aws-sdk/client-auto-scaling';
import type { Launches, LaunchSource, TemplateUse } from './launch.ts';

type Named = Pick<Launches, 'nameOf'> | undefined;

export const templateShape = (names: Named, { templateId, version }: TemplateUse): sdk.LaunchTemplateSpecification => ({
  LaunchTemplateId: templateId,
  LaunchTemplateName: names?.nameOf(templateId),
  Version: version,
});

/** As the group and the desired configuration of a refresh have it: one of three. */
export function launchShape(
  names: Named,
  source: LaunchSource | undefined,
): Pick<sdk.AutoScalingGroup, 'LaunchConfigurationName' | 'LaunchTemplate' | 'MixedInstancesPolicy'> {
  if (source === undefined) return {};
  if (source.kind === 'configuration') return { LaunchConfigurationName: source.name };
  if (source.kind === 'template') return { LaunchTemplate: templateShape(names, source.template) };
  const Overrides = source.overrides.map(({ instanceType, template, imageId, requirements }) => ({
    InstanceType: instanceType,
    LaunchTemplateSpecification: template && templateShape(names, template),
    ImageId: imageId,
    InstanceRequirements: requirements && {
      VCpuCount: { Min: requirements.vCpus },
      MemoryMiB: { Min: requirements.memoryMiB },
    },
  }));
  return {
    MixedInstancesPolicy: {
      LaunchTemplate: { LaunchTemplateSpecification: templateShape(names, source.template), Overrides },
    },
  };
}
