import type { EC2Client, Instance } from '@aws-sdk/client-ec2';
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import type { FleetInstance } from '../rollout/ports.ts';
import { allPages, inChunks } from './pages.ts';

/** A filter takes 200 values. */
const MOST_FILTERED = 200;

/**
 * What EC2 says of instances, by id; `by` is what they are asked for by. By filter: an id that is not known yet, or not any
 * more, is left out and fails no call.
 */
export async function describeInstances(
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

/**
 * The same lists, with the image of every instance that EC2 knows. Auto Scaling tells it only where an override named it,
 * or a root volume was replaced (API reference of Instance); what it tells is the newer.
 */
export async function withImages(
  ec2: EC2Client,
  lists: readonly (readonly FleetInstance[])[],
): Promise<FleetInstance[][]> {
  const unnamed = lists.flatMap((list) => list.filter(({ imageId }) => imageId === undefined).map(({ id }) => id));
  const known = await describeInstances(ec2, 'instance-id', unnamed);
  return lists.map((list) => list.map((one) => ({ ...one, imageId: one.imageId ?? known.get(one.id)?.ImageId })));
}
