import type { EC2Client } from '@aws-sdk/client-ec2';
import { DescribeSpotFleetInstancesCommand, DescribeSpotFleetRequestsCommand } from '@aws-sdk/client-ec2';
import type { FleetInstance, SpotFleetSeen, SpotFleetsPort } from '../rollout/ports.ts';
import { attempt } from './failure.ts';
import { describeInstances } from './instances.ts';
import { allPages } from './pages.ts';
import { fleetSeen } from './spot-fleet-shapes.ts';

const FLEETS_A_PAGE = 100;
const INSTANCES_A_PAGE = 1_000;
/** EC2 tags what a Spot Fleet launches with the id of its request. */
const FLEET_TAG = 'tag:aws:ec2spot:fleet-request-id';
const GONE: ReadonlySet<string | undefined> = new Set(['shutting-down', 'terminated']);
const UP: ReadonlySet<string | undefined> = new Set(['pending', 'running']);

export async function allSpotFleets(ec2: EC2Client): Promise<readonly SpotFleetSeen[]> {
  const fleets = await allPages(async ({ nextToken }) => {
    const asked = { MaxResults: FLEETS_A_PAGE, NextToken: nextToken };
    const page = await ec2.send(new DescribeSpotFleetRequestsCommand(asked));
    return { items: page.SpotFleetRequestConfigs, nextToken: page.NextToken };
  });
  return fleets.map(fleetSeen);
}

/** Apart from what changes fleets: whoever only looks needs, and loads, no more than this. */
export function spotFleetLooks(ec2: EC2Client): Pick<SpotFleetsPort, 'taggedFleets' | 'fleetInstances'> {
  return {
    taggedFleets: (key) =>
      attempt('ec2:DescribeSpotFleetRequests', async () =>
        (await allSpotFleets(ec2)).filter(({ tags }) => Object.hasOwn(tags, key)),
      ),

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
  };
}
