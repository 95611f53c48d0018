import { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling';
import { EC2Client } from '@aws-sdk/client-ec2';
import { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import type { Result } from '../ports.ts';
import type {
  ClustersPort,
  GroupsPort,
  ImageSeen,
  ImagesPort,
  ParametersPort,
  QuotasPort,
  SpotFleetsPort,
  TemplatesPort,
} from '../rollout/ports.ts';
import { clustersPort } from './fleet-clusters.ts';
import { groupsPort } from './fleet-groups.ts';
import { imagesNamed, imagesPort } from './images.ts';
import { parametersPort } from './parameters.ts';
import { quotasPort } from './quotas.ts';
import type { Session } from './session.ts';
import { spotFleetsPort } from './spot-fleets.ts';
import { templatesPort } from './templates.ts';

/** What looking at fleets takes, with an operator's credentials. */
export interface FleetPorts {
  readonly clusters: ClustersPort;
  readonly groups: GroupsPort;
  readonly images: ImagesPort;
  /** Amazon's own, by what their names look like. */
  readonly imagesNamed: (names: string) => Promise<Result<readonly ImageSeen[]>>;
  readonly parameters: ParametersPort;
  readonly quotas: QuotasPort;
  readonly spotFleets: SpotFleetsPort;
  readonly templates: TemplatesPort;
}

/** Kept apart from the session, for EC2's client takes half a second to load, and most commands do without. */
export function fleetPorts({ autoScaling, client, cloudFormation, ecs, ssm }: Session): FleetPorts {
  const ec2 = client((settings) => new EC2Client(settings));
  const scaling = client((settings) => new ApplicationAutoScalingClient(settings));
  return {
    clusters: clustersPort(ecs),
    groups: groupsPort(autoScaling, ec2),
    images: imagesPort(ec2),
    imagesNamed: (names) => imagesNamed(ec2, names),
    parameters: parametersPort(ssm),
    quotas: quotasPort(
      ec2,
      client((settings) => new ServiceQuotasClient(settings)),
    ),
    spotFleets: spotFleetsPort(ec2, scaling, cloudFormation),
    templates: templatesPort(ec2),
  };
}
