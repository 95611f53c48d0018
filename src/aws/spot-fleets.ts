import type { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling';
import { DescribeScalableTargetsCommand } from '@aws-sdk/client-application-auto-scaling';
import type { EC2Client } from '@aws-sdk/client-ec2';
import {
  CancelSpotFleetRequestsCommand,
  DescribeSpotFleetInstancesCommand,
  DescribeSpotFleetRequestsCommand,
  ModifySpotFleetRequestCommand,
  RequestSpotFleetCommand,
} from '@aws-sdk/client-ec2';
import type { FleetInstance, SpotFleetsPort } from '../rollout/ports.ts';
import { attempt } from './failure.ts';
import { instancesById } from './instances.ts';
import { allPages } from './pages.ts';
import { copyOf, fleetSeen } from './spot-fleet-shapes.ts';

const FLEETS_A_PAGE = 100;
const INSTANCES_A_PAGE = 1_000;

export function spotFleetsPort(ec2: EC2Client, scaling: ApplicationAutoScalingClient): SpotFleetsPort {
  const describe = async (id: string) => {
    try {
      const answer = await ec2.send(new DescribeSpotFleetRequestsCommand({ SpotFleetRequestIds: [id] }));
      return answer.SpotFleetRequestConfigs?.[0];
    } catch (error) {
      if (error instanceof Error && error.name === 'InvalidSpotFleetRequestId.NotFound') return undefined;
      throw error;
    }
  };

  return {
    taggedFleets: (key) =>
      attempt('ec2:DescribeSpotFleetRequests', async () => {
        const fleets = await allPages(async ({ nextToken }) => {
          const asked = { MaxResults: FLEETS_A_PAGE, NextToken: nextToken };
          const page = await ec2.send(new DescribeSpotFleetRequestsCommand(asked));
          return { items: page.SpotFleetRequestConfigs, nextToken: page.NextToken };
        });
        return fleets.map(fleetSeen).filter(({ tags }) => Object.hasOwn(tags, key));
      }),

    describeFleet: (id) =>
      attempt('ec2:DescribeSpotFleetRequests', async () => {
        const fleet = await describe(id);
        return fleet && fleetSeen(fleet);
      }),

    fleetInstances: (id) =>
      attempt('ec2:DescribeSpotFleetInstances', async () => {
        const active = await allPages(async ({ nextToken }) => {
          const asked = { SpotFleetRequestId: id, MaxResults: INSTANCES_A_PAGE, NextToken: nextToken };
          const page = await ec2.send(new DescribeSpotFleetInstancesCommand(asked));
          return { items: page.ActiveInstances, nextToken: page.NextToken };
        });
        // A fleet does not tell what its instances run.
        const known = await instancesById(
          ec2,
          active.flatMap(({ InstanceId }) => InstanceId ?? []),
        );
        return active
          .map(({ InstanceId = '', InstanceHealth = 'healthy' }): FleetInstance & { isGone: boolean } => ({
            id: InstanceId,
            imageId: known.get(InstanceId)?.imageId,
            state: InstanceHealth,
            protectedFromScaleIn: false,
            isGone: known.get(InstanceId)?.isGone ?? false,
          }))
          .flatMap(({ isGone, ...instance }) => (isGone ? [] : [instance]));
      }),

    copyFleet: (id, images, token, tags) =>
      attempt('ec2:RequestSpotFleet', async () => {
        const fleet = await describe(id);
        if (fleet === undefined) throw new Error(`there is no Spot Fleet request ${id}`);
        const config = copyOf(fleet, images, token, tags);
        const { SpotFleetRequestId } = await ec2.send(new RequestSpotFleetCommand({ SpotFleetRequestConfig: config }));
        return SpotFleetRequestId ?? '';
      }),

    setTarget: (id, capacity) =>
      attempt('ec2:ModifySpotFleetRequest', async () => {
        await ec2.send(
          new ModifySpotFleetRequestCommand({
            SpotFleetRequestId: id,
            TargetCapacity: capacity,
            ExcessCapacityTerminationPolicy: 'noTermination',
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
  };
}
