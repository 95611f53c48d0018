import type * as sdk from '@aws-sdk/client-ec2';
import type { AutoScaling } from './autoscaling.ts';
import { AwsError } from './aws-error.ts';
import type { Launched } from './launch.ts';
import type { Market } from './service-quotas.ts';
import type { SpotFleets } from './spot-fleets.ts';
import type { World } from './world.ts';

/** An instance as EC2 knows it, whoever launched it. */
interface Instance {
  readonly id: string;
  readonly launched: Launched;
  readonly market: Market;
  readonly state: 'pending' | 'running' | 'stopped' | 'terminated';
}

/** EC2's own tag on what a Spot Fleet launches; users of Spot Fleets list their instances by it. */
const FLEET_TAG = 'tag:aws:ec2spot:fleet-request-id';
/** "The changes might not be visible to subsequent commands at once" (EC2 API reference, eventual consistency). Our figure. */
const MOST_LAG_MS = 5_000;
/** What a group has that says nothing of its instances' type. */
const PLAIN_TYPE = 'm7i.xlarge';
const CODES = { pending: 0, running: 16, terminated: 48, stopped: 80 } as const;

/** Two threads to a core, but of Graviton, whose types have a g after the generation (EC2 user guide, CPU options). */
export function cpuOf(type: string = PLAIN_TYPE): { readonly cores: number; readonly threads: number } {
  const [, family = '', size = ''] = /^([a-z]+\d+[a-z]*)\.(\w+)$/.exec(type) ?? [];
  const [, times] = /^(\d*)xlarge$/.exec(size) ?? [];
  // A medium one has one vCPU or two, a large one two; nothing here launches any other.
  const vCpus = times === undefined ? 2 : 4 * Number(times || 1);
  const threads = /^[a-z]+\d+g/.test(family) ? 1 : 2;
  return { cores: vCpus / threads, threads };
}

export function vCpusOf({ instanceType }: Launched): number {
  const { cores, threads } = cpuOf(instanceType);
  return cores * threads;
}

/** The EC2 instances of the region: those of groups, and those of Spot Fleets. */
export function createInstances(
  world: World,
  region: { autoScaling: Pick<AutoScaling, 'launched'>; spotFleets: Pick<SpotFleets, 'fleets' | 'instance'> },
) {
  const { autoScaling, spotFleets } = region;
  const random = world.random('ec2-instances');
  /** From when on EC2 shows what a group has launched. */
  const shownFromMs = new Map<string, number>();
  world.on((event) => {
    if (event.kind === 'instance-launched')
      shownFromMs.set(event.instanceId, world.clock.nowMs() + random.int(0, MOST_LAG_MS));
  });
  const isShown = ({ id }: Instance): boolean => (shownFromMs.get(id) ?? 0) <= world.clock.nowMs();
  const stopped = new Set<string>();
  world.on((event) => void (event.kind === 'instance-stopped' && stopped.add(event.instanceId)));

  const ofGroups = (): Instance[] =>
    autoScaling.launched().map(({ id, state, launched }): Instance => {
      const isStopped = stopped.has(id) || /^Warmed:(Stopped|Terminating)/.test(state);
      return {
        id,
        launched,
        market: 'on-demand',
        state: isStopped ? 'stopped' : state === 'Pending' ? 'pending' : 'running',
      };
    });

  const all = (): Instance[] => [
    ...ofGroups(),
    ...[...spotFleets.fleets.values()].flatMap(({ instances }) => [...instances.values()].map(spotInstance)),
  ];

  const spotInstance = ({ id, launched, isGone }: { id: string; launched: Launched; isGone: boolean }): Instance => ({
    id,
    launched,
    market: 'spot',
    state: isGone ? 'terminated' : stopped.has(id) ? 'stopped' : 'running',
  });

  const isCounted = ({ state }: Instance): boolean => state === 'pending' || state === 'running';

  const shape = ({ id, launched, market, state }: Instance): sdk.Instance => {
    const { cores, threads } = cpuOf(launched.instanceType);
    return {
      InstanceId: id,
      ImageId: launched.image.id,
      InstanceType: (launched.instanceType ?? PLAIN_TYPE) as sdk._InstanceType,
      ...(market === 'spot' ? { InstanceLifecycle: 'spot' } : {}),
      State: { Code: CODES[state], Name: state },
      CpuOptions: { CoreCount: cores, ThreadsPerCore: threads },
      Placement: { AvailabilityZone: `${world.region}a`, Tenancy: 'default' },
    };
  };

  /** By what ours asks with: better refused than ignored. */
  const filtered = (input: sdk.DescribeInstancesCommandInput): Instance[] => {
    const [filter, ...others] = input.Filters ?? [];
    const values = new Set(filter?.Values);
    if (input.InstanceIds === undefined && others.length === 0) {
      // "The filter value limit is 200" (EC2 user guide).
      if (values.size > 200) throw new AwsError('FilterLimitExceeded', 'The maximum number of filter values is 200');
      if (filter?.Name === 'instance-state-name') return all().filter((one) => values.has(one.state) && isShown(one));
      if (filter?.Name === FLEET_TAG)
        return [...values]
          .flatMap((id) => [...(spotFleets.fleets.get(id)?.instances.values() ?? [])])
          .map(spotInstance);
      if (filter?.Name === 'instance-id') {
        const known = new Map(ofGroups().map((one) => [one.id, one]));
        const ofFleet = (id: string) => [spotFleets.instance(id) ?? []].flat().map(spotInstance);
        return [...values].flatMap((id) => known.get(id) ?? ofFleet(id)).filter(isShown);
      }
    }
    throw new AwsError(
      'InvalidParameterValue',
      `One filter is simulated: instance-id, instance-state-name or ${FLEET_TAG}`,
    );
  };

  return {
    /** vCPUs that count towards the quota of that market. */
    inUse: (market: Market): number =>
      all()
        .filter((one) => one.market === market && isCounted(one))
        .reduce((sum, { launched }) => sum + vCpusOf(launched), 0),

    operations: {
      DescribeInstances(input: sdk.DescribeInstancesCommandInput) {
        const found = filtered(input);
        const from = Number(input.NextToken ?? 0);
        const size = Math.min(input.MaxResults ?? 1_000, 1_000);
        return {
          Reservations: found.slice(from, from + size).map((one) => ({ Instances: [shape(one)] })),
          NextToken: from + size < found.length ? String(from + size) : undefined,
        } satisfies sdk.DescribeInstancesResult;
      },
    },
  };
}
