import type { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling';
import { DescribeScalableTargetsCommand } from '@aws-sdk/client-application-auto-scaling';
import type { CloudFormationClient, StackResource } from '@aws-sdk/client-cloudformation';
import { DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import type { EC2Client } from '@aws-sdk/client-ec2';
import {
  CancelSpotFleetRequestsCommand,
  DescribeSpotFleetRequestsCommand,
  ModifySpotFleetRequestCommand,
  RequestSpotFleetCommand,
} from '@aws-sdk/client-ec2';
import type { SpotFleetSeen, SpotFleetsPort } from '../rollout/ports.ts';
import { attempt } from './failure.ts';
import { allSpotFleets, spotFleetLooks } from './spot-fleet-looks.ts';
import { copyOf, fleetSeen } from './spot-fleet-shapes.ts';

/** A resource that its stack has let go of: it is kept, and nobody's. */
const LET_GO: ReadonlySet<string> = new Set(['DELETE_COMPLETE', 'DELETE_SKIPPED']);

export function spotFleetsPort(
  ec2: EC2Client,
  scaling: ApplicationAutoScalingClient,
  cloudFormation: CloudFormationClient,
): SpotFleetsPort {
  const describe = async (id: string) => {
    try {
      const answer = await ec2.send(new DescribeSpotFleetRequestsCommand({ SpotFleetRequestIds: [id] }));
      return answer.SpotFleetRequestConfigs?.[0];
    } catch (error) {
      if (error instanceof Error && error.name === 'InvalidSpotFleetRequestId.NotFound') return undefined;
      throw error;
    }
  };

  /** Each try copies the fleet as it is then: if somebody has changed it since, the token is refused, and its fleet is there. */
  const alreadyMade = async (error: unknown, tags: Readonly<Record<string, string>>): Promise<string> => {
    if (!(error instanceof Error) || error.name !== 'IdempotentParameterMismatch') throw error;
    const wanted = Object.entries(tags);
    const isIt = (fleet: SpotFleetSeen) =>
      wanted.length > 0 && wanted.every(([key, value]) => fleet.tags[key] === value);
    const made = (await allSpotFleets(ec2)).find(isIt);
    // The list may not have it yet.
    if (made === undefined) throw error;
    return made.id;
  };

  return {
    ...spotFleetLooks(ec2),

    describeFleet: (id) =>
      attempt('ec2:DescribeSpotFleetRequests', async () => {
        const fleet = await describe(id);
        return fleet && fleetSeen(fleet);
      }),

    copyFleet: (id, images, token, tags) =>
      attempt('ec2:RequestSpotFleet', async () => {
        const fleet = await describe(id);
        if (fleet === undefined) throw new Error(`there is no Spot Fleet request ${id}`);
        const config = copyOf(fleet, images, token, tags);
        try {
          const made = await ec2.send(new RequestSpotFleetCommand({ SpotFleetRequestConfig: config }));
          return made.SpotFleetRequestId ?? '';
        } catch (error) {
          return await alreadyMade(error, tags);
        }
      }),

    setTarget: (id, capacity, excess = 'noTermination') =>
      attempt('ec2:ModifySpotFleetRequest', async () => {
        await ec2.send(
          new ModifySpotFleetRequestCommand({
            SpotFleetRequestId: id,
            TargetCapacity: capacity,
            ExcessCapacityTerminationPolicy: excess,
          }),
        );
        return undefined;
      }),

    cancelFleet: (id) =>
      attempt('ec2:CancelSpotFleetRequests', async () => {
        const { UnsuccessfulFleetRequests: refused } = await ec2.send(
          new CancelSpotFleetRequestsCommand({ SpotFleetRequestIds: [id], TerminateInstances: true }),
        );
        const error = refused?.[0]?.Error;
        // A repeated cancel may be refused, and is as good.
        const isCancelled = async () => (await describe(id))?.SpotFleetRequestState?.startsWith('cancelled');
        if (error !== undefined && !(await isCancelled())) throw new Error(`${error.Code}: ${error.Message}`);
        return undefined;
      }),

    hasScalableTarget: (id) =>
      attempt('application-autoscaling:DescribeScalableTargets', async () => {
        const ResourceIds = [`spot-fleet-request/${id}`];
        const answer = await scaling.send(new DescribeScalableTargetsCommand({ ServiceNamespace: 'ec2', ResourceIds }));
        return (answer.ScalableTargets ?? []).length > 0;
      }),

    // CloudFormation puts no tag on a Spot Fleet request: its schema of AWS::EC2::SpotFleet says `taggable: false`.
    stackOf: (id) =>
      attempt('cloudformation:DescribeStackResources', async () => {
        const resources = await stackResources(cloudFormation, id);
        // A stack's first hundred, which need not have this one among them.
        const its = resources.find(({ PhysicalResourceId }) => PhysicalResourceId === id);
        return LET_GO.has(its?.ResourceStatus ?? '') ? undefined : resources[0]?.StackName;
      }),
  };
}

/** Of the stack that this one belongs to; none where it belongs to none. */
async function stackResources(client: CloudFormationClient, id: string): Promise<readonly StackResource[]> {
  try {
    const answer = await client.send(new DescribeStackResourcesCommand({ PhysicalResourceId: id }));
    return answer.StackResources ?? [];
  } catch (error) {
    // A ValidationError like any other, but for its words.
    if (error instanceof Error && /does not exist/.test(error.message)) return [];
    throw error;
  }
}
