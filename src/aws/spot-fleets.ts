import type { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling';
import { DescribeScalableTargetsCommand } from '@aws-sdk/client-application-auto-scaling';
import type { EC2Client, Instance } from '@aws-sdk/client-ec2';
import {
  CancelSpotFleetRequestsCommand,
  DescribeInstancesCommand,
  DescribeSpotFleetInstancesCommand,
  DescribeSpotFleetRequestsCommand,
  ModifySpotFleetRequestCommand,
  RequestSpotFleetCommand,
} from '@aws-sdk/client-ec2';
import type { FleetInstance, SpotFleetsPort } from '../rollout/ports.ts';
import { attempt } from './failure.ts';
import { allPages, inChunks } from './pages.ts';
import { copyOf, fleetSeen } from './spot-fleet-shapes.ts';

const FLEETS_A_PAGE = 100;
const INSTANCES_A_PAGE = 1_000;
/** A filter takes 200 values. */
const MOST_FILTERED = 200;
/** EC2 tags what a Spot Fleet launches with the id of its request. */
const FLEET_TAG = 'tag:aws:ec2spot:fleet-request-id';
const GONE: ReadonlySet<string | undefined> = new Set(['shutting-down', 'terminated']);
const UP: ReadonlySet<string | undefined> = new Set(['pending', 'running']);

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
        const listed = await allPages(async ({ nextToken }) => {
          const asked = { SpotFleetRequestId: id, MaxResults: INSTANCES_A_PAGE, NextToken: nextToken };
          const page = await ec2.send(new DescribeSpotFleetInstancesCommand(asked));
          return { items: page.ActiveInstances, nextToken: page.NextToken };
        });
        const health = new Map(listed.map(({ InstanceId = '', InstanceHealth }) => [InstanceId, InstanceHealth]));
        const known = await describeInstances(ec2, FLEET_TAG, [id]);
        const others = [...health.keys()].filter((one) => !known.has(one));
        const all = new Map([...known, ...(await describeInstances(ec2, 'instance-id', others))]);
        return [...new Set([...health.keys(), ...known.keys()])].flatMap((one): FleetInstance[] => {
          const { ImageId: imageId, InstanceType, State } = all.get(one) ?? {};
          // What the list leaves out is there only where EC2 says so: it may have been stopped, and so have no tasks.
          const isThere = health.has(one) ? !GONE.has(State?.Name) : UP.has(State?.Name);
          const state = health.get(one) ?? 'healthy';
          const type = InstanceType === undefined ? {} : { instanceType: InstanceType };
          return isThere ? [{ id: one, imageId, state, protectedFromScaleIn: false, ...type }] : [];
        });
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

/** A fleet does not tell what its instances run. By filter: an id that is no longer known fails no call. */
async function describeInstances(
  ec2: EC2Client,
  by: string,
  values: readonly string[],
): Promise<ReadonlyMap<string, Instance>> {
  const chunks = await inChunks(values, MOST_FILTERED, (Values) =>
    allPages(async ({ nextToken }) => {
      const Filters = [{ Name: by, Values }];
      const page = await ec2.send(new DescribeInstancesCommand({ Filters, NextToken: nextToken }));
      return { items: page.Reservations?.flatMap(({ Instances }) => Instances ?? []), nextToken: page.NextToken };
    }),
  );
  return new Map(chunks.flat().map((instance) => [instance.InstanceId ?? '', instance]));
}
