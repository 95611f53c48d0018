import type { SpotFleetRequestConfigData } from '@aws-sdk/client-ec2';
import type { LaunchOverride, LaunchSource } from './launch.ts';
import type { Region } from './region.ts';
import type { Scenario } from './scenario.ts';

type Cluster = Scenario['clusters'][number];
type Fleet = Scenario['spotFleets'][number];

/** The image that a group or a fleet begins with. */
export function imageOf({ amis }: Region, fleet: Pick<Cluster, 'image' | 'behind'>): string {
  return fleet.image === 'custom' ? amis.custom('al2023/x86_64').id : amis.behind(fleet.image, fleet.behind).id;
}

/** What the template of such a group resolves. */
export const imageParameterOf = (group: string): string => `/fleets/${group}/ami`;

/** Makes what the scenario says the group launches from: its templates, its image parameter, its overrides. */
export function launchSourceOf(region: Region, cluster: Cluster): LaunchSource {
  const { templates, amis, ssm } = region;
  const { group, template: kind, mixed, behind } = cluster;
  const image = imageOf(region, cluster);
  if (kind === 'configuration') return { kind: 'configuration', name: `${group}-configuration`, imageId: image };

  const parameter = imageParameterOf(group);
  if (kind === 'resolve:ssm') ssm.set(parameter, image);
  const templateId = templates.create(group, {
    image: kind === 'resolve:ssm' ? `resolve:ssm:${parameter}` : image,
    instanceType: 'm7i.xlarge',
  });
  const template = { templateId, version: kind.startsWith('$') ? kind : '1' };
  if (mixed === 'none') return { kind: 'template', template };

  const arm = amis.behind('al2023/arm64', behind).id;
  if (mixed === 'attributes')
    return { kind: 'mixed', template, overrides: [{ requirements: { vCpus: 4, memoryMiB: 8_192 } }] };
  const other: LaunchOverride = { instanceType: mixed === 'types' ? 'm6i.xlarge' : 'm7g.xlarge' };
  if (mixed === 'images') Object.assign(other, { imageId: arm });
  if (mixed === 'templates') {
    const own = templates.create(`${group}-arm`, { image: arm, instanceType: 'm7g.xlarge' });
    Object.assign(other, { template: { ...template, templateId: own } });
  }
  return { kind: 'mixed', template, overrides: [{ instanceType: 'm7i.xlarge' }, other] };
}

/** What the scenario's Spot Fleets in a cluster were requested with, and they themselves. Answers their instances' ids. */
export function createSpotFleetsOf(region: Region, cluster: string, members: Map<string, Set<string>>): string[] {
  const { spotFleets } = region;
  return region.scenario.spotFleets
    .filter((fleet) => fleet.cluster === cluster)
    .flatMap((fleet) => {
      const tags = Object.entries(fleet.tags).map(([Key, Value]) => ({ Key, Value }));
      const made = spotFleets.create(fleet.name, cluster, spotFleetConfigOf(region, fleet), tags);
      if (fleet.stack !== undefined) spotFleets.putInStack(made, fleet.stack);
      if (fleet.scalableTarget) spotFleets.makeScalable(made);
      members.set(fleet.name, new Set(made.instances.keys()));
      return [...made.instances.keys()];
    });
}

function spotFleetConfigOf(region: Region, fleet: Fleet): SpotFleetRequestConfigData {
  const { world, templates } = region;
  const image = imageOf(region, fleet);
  const launch = (): Partial<SpotFleetRequestConfigData> => {
    if (fleet.launch !== 'specification') {
      const LaunchTemplateId = templates.create(fleet.name, { image, instanceType: 'm7i.xlarge' });
      const which = fleet.launch === 'template' ? { LaunchTemplateId } : { LaunchTemplateName: fleet.name };
      return { LaunchTemplateConfigs: [{ LaunchTemplateSpecification: { ...which, Version: '1' } }] };
    }
    const UserData = Buffer.from(
      `#!/bin/sh\n# ${fleet.name}\necho ECS_CLUSTER=${fleet.cluster} >> /etc/ecs/ecs.config\n`,
    ).toString('base64');
    return { LaunchSpecifications: [{ ImageId: image, InstanceType: 'm7i.xlarge', UserData }] };
  };
  return {
    IamFleetRole: `arn:aws:iam::${world.accountId}:role/spot-fleet`,
    AllocationStrategy: 'priceCapacityOptimized',
    Type: 'maintain',
    TargetCapacity: fleet.instances,
    OnDemandTargetCapacity: fleet.onDemand,
    ReplaceUnhealthyInstances: false,
    TerminateInstancesWithExpiration: true,
    ...(fleet.validFromSeconds === undefined
      ? {}
      : { ValidFrom: new Date(world.clock.nowMs() + fleet.validFromSeconds * 1000) }),
    ...(fleet.validSeconds === undefined
      ? {}
      : { ValidUntil: new Date(world.clock.nowMs() + fleet.validSeconds * 1000) }),
    ...launch(),
  };
}
