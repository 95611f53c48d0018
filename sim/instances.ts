import type * as sdk from '@aws-sdk/client-ec2';
import type { AutoScaling } from './autoscaling.ts';
import { AwsError } from './aws-error.ts';
import type { Launched } from './launch.ts';
import type { SpotFleets } from './spot-fleets.ts';
import type { World } from './world.ts';

/** What EC2 answers of an instance, whoever launched it. */
interface Instance {
  readonly id: string;
  readonly launched: Launched;
  readonly isGone: boolean;
}

/** "The changes might not be visible to subsequent commands at once" (EC2 API reference, eventual consistency). Our figure. */
const MOST_LAG_MS = 5_000;

/** The EC2 instances of the region: those of groups, and those of Spot Fleets. */
export function createInstances(
  world: World,
  region: { autoScaling: Pick<AutoScaling, 'launched'>; spotFleets: Pick<SpotFleets, 'instance'> },
) {
  const { autoScaling, spotFleets } = region;
  const random = world.random('ec2-instances');
  /** From when on EC2 shows what a group has launched. */
  const shownFromMs = new Map<string, number>();
  world.on((event) => {
    if (event.kind === 'instance-launched')
      shownFromMs.set(event.instanceId, world.clock.nowMs() + random.int(0, MOST_LAG_MS));
  });

  const shape = ({ id, launched, isGone }: Instance): sdk.Instance => ({
    InstanceId: id,
    ImageId: launched.image.id,
    InstanceType: launched.instanceType as sdk._InstanceType | undefined,
    State: isGone ? { Code: 48, Name: 'terminated' } : { Code: 16, Name: 'running' },
  });

  return {
    operations: {
      DescribeInstances(input: sdk.DescribeInstancesCommandInput) {
        const ids = input.Filters?.flatMap(({ Name, Values = [] }) => (Name === 'instance-id' ? Values : []));
        // Better refused than ignored: ours asks by a filter on ids.
        if (ids === undefined || input.InstanceIds !== undefined || input.Filters?.length !== 1)
          throw new AwsError('InvalidParameterValue', 'Only one filter on instance-id is simulated');
        // "The filter value limit is 200" (EC2 user guide).
        if (ids.length > 200) throw new AwsError('FilterLimitExceeded', 'The maximum number of filter values is 200');
        const inGroups = new Map(autoScaling.launched().map((one) => [one.id, { ...one, isGone: false }]));
        const isShown = (id: string): boolean => (shownFromMs.get(id) ?? 0) <= world.clock.nowMs();
        const inGroup = (id: string): Instance | undefined => (isShown(id) ? inGroups.get(id) : undefined);
        const found = ids.flatMap((id) => inGroup(id) ?? spotFleets.instance(id) ?? []);
        return {
          Reservations: found.map((one) => ({ Instances: [shape(one)] })),
        } satisfies sdk.DescribeInstancesResult;
      },
    },
  };
}
