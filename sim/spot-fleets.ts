import type { ExcessCapacityTerminationPolicy, SpotFleetRequestConfigData, Tag } from '@aws-sdk/client-ec2';
import type { ImageFacts } from './amis.ts';
import type { Launched, Launches } from './launch.ts';
import type { World } from './world.ts';

export interface SpotInstance {
  readonly id: string;
  readonly fleet: SpotFleet;
  readonly launched: Launched;
  /** From and until when DescribeSpotFleetInstances shows it: "might be out of date" (AWS-CONTRACTS §6). */
  readonly shownFromMs: number;
  shownUntilMs: number;
  isGone: boolean;
}

export interface SpotFleet {
  readonly id: string;
  /** The scenario's name for it, and for all that are copies of it. */
  readonly name: string;
  readonly cluster: string;
  /** As it was asked for; what changes of it is below. */
  readonly config: SpotFleetRequestConfigData;
  tags: readonly Tag[];
  readonly createdAtMs: number;
  /** From when the list of all fleets has it: EC2's API is "eventually consistent". */
  listedFromMs: number;
  state: 'submitted' | 'active' | 'modifying' | 'cancelled_running' | 'cancelled_terminating' | 'cancelled';
  target: number;
  /** What becomes of what it has above its target: the last that was said holds. */
  excess: ExcessCapacityTerminationPolicy;
  /** Its target when it was cancelled. */
  targetAtEnd: number;
  readonly instances: Map<string, SpotInstance>;
  launches: number;
  filling: boolean;
}

export interface SpotFleets {
  readonly fleets: ReadonlyMap<string, SpotFleet>;
  readonly scalable: ReadonlySet<string>;
  /** By fleet, the CloudFormation stack that made it. */
  readonly stacks: ReadonlyMap<string, string>;
  /** A fleet as the scenario begins with it: its instances run for long. Answers their ids. */
  create(name: string, cluster: string, config: SpotFleetRequestConfigData, tags: readonly Tag[]): SpotFleet;
  /** A fleet that has to launch first; in the cluster of the fleet that launched from the same before. */
  request(config: SpotFleetRequestConfigData, tags: readonly Tag[]): SpotFleet;
  setTarget(fleet: SpotFleet, target: number): void;
  cancel(fleet: SpotFleet, terminate: boolean): void;
  /** Application Auto Scaling looks after its target. */
  makeScalable(fleet: SpotFleet): void;
  putInStack(fleet: SpotFleet, stack: string): void;
  /** The list of its fleet leaves it out from now on. */
  unlist(instance: SpotInstance): void;
  /** Whether anything can be launched for the fleets of that name. */
  setCapacity(name: string, hasCapacity: boolean): void;
  /** The instance, also when it is gone. */
  instance(id: string): SpotInstance | undefined;
  imageOf(id: string): ImageFacts | undefined;
}

/** Our figures: AWS publishes none. */
const LAUNCH_SECONDS = [20, 60] as const;
const RETRY_SECONDS = 60;
const MODIFYING_SECONDS = 10;
const TERMINATING_SECONDS = 5;
const MOST_STALE_SECONDS = 60;
const MOST_UNLISTED_SECONDS = 30;

/** Spot Fleets of type maintain; every instance counts as one unit of capacity here. */
export function createSpotFleets(
  world: World,
  launches: Launches,
  /** Whether EC2's quotas let it be launched; otherwise it answers MaxSpotInstanceCountExceeded, and the fleet tries on. */
  fits: (launched: Launched) => boolean = () => true,
): SpotFleets {
  const { clock } = world;
  const random = world.random('spot-fleets');
  const listing = world.random('spot-fleets/listing');
  const fleets = new Map<string, SpotFleet>();
  const instances = new Map<string, SpotInstance>();
  const scalable = new Set<string>();
  const stacks = new Map<string, string>();
  const without = new Set<string>();

  const staleMs = (): number => random.int(0, MOST_STALE_SECONDS * 1000);
  const members = (fleet: SpotFleet): SpotInstance[] => [...fleet.instances.values()].filter(({ isGone }) => !isGone);

  const launchedFrom = ({ config, launches: nth }: SpotFleet): Launched | undefined => {
    const templates = config.LaunchTemplateConfigs ?? [];
    const use = templates[nth % Math.max(1, templates.length)]?.LaunchTemplateSpecification;
    const templateId = launches.idOf(use);
    if (templateId !== undefined) {
      const template = { templateId, version: use?.Version ?? '$Default' };
      return launches.resolve({ kind: 'template', template }, 0);
    }
    const specifications = config.LaunchSpecifications ?? [];
    const specification = specifications[nth % Math.max(1, specifications.length)];
    const imageId = specification?.ImageId ?? '';
    const launched = launches.resolve({ kind: 'configuration', name: '', imageId }, 0);
    return launched && { ...launched, instanceType: specification?.InstanceType };
  };

  const add = (fleet: SpotFleet, launched: Launched, shownFromMs: number): SpotInstance => {
    const id = `i-0${random.hex(16)}`;
    const instance = { id, fleet, launched, shownFromMs, shownUntilMs: Number.POSITIVE_INFINITY, isGone: false };
    fleet.instances.set(id, instance);
    instances.set(id, instance);
    fleet.launches += 1;
    return instance;
  };

  const begins = ({ config }: SpotFleet): number => config.ValidFrom?.getTime() ?? 0;

  /** One attempt to get up to the target, when it is its time; a fleet that maintains tries for ever. */
  const fill = (fleet: SpotFleet, seconds = random.int(...LAUNCH_SECONDS)): void => {
    if (fleet.filling) return;
    fleet.filling = true;
    clock.after(Math.max(0, begins(fleet) - clock.nowMs()) + seconds * 1000, () => {
      fleet.filling = false;
      if (fleet.state.startsWith('cancelled')) return;
      if (fleet.state === 'submitted') fleet.state = 'active';
      for (let missing = fleet.target - members(fleet).length; missing > 0; missing--) {
        const launched = without.has(fleet.name) ? undefined : launchedFrom(fleet);
        if (launched === undefined || !fits(launched)) {
          fill(fleet, RETRY_SECONDS);
          return;
        }
        const { id } = add(fleet, launched, clock.nowMs() + staleMs());
        const { name: group, cluster } = fleet;
        world.emit({ kind: 'instance-launched', instanceId: id, group, cluster, image: launched.image });
      }
    });
  };

  const terminate = (leaving: readonly SpotInstance[], cause: string): void => {
    for (const { id } of leaving) {
      clock.after(TERMINATING_SECONDS * 1000, () => {
        if (instances.get(id)?.isGone === false) world.emit({ kind: 'instance-terminated', instanceId: id, cause });
      });
    }
  };

  const make = (name: string, cluster: string, config: SpotFleetRequestConfigData, tags: readonly Tag[]): SpotFleet => {
    const fleet: SpotFleet = {
      id: `sfr-${random.uuid()}`,
      name,
      cluster,
      config,
      tags,
      createdAtMs: clock.nowMs(),
      listedFromMs: clock.nowMs(),
      state: 'submitted',
      target: config.TargetCapacity ?? 0,
      // "The default is to terminate" (API reference).
      excess: config.ExcessCapacityTerminationPolicy ?? 'default',
      targetAtEnd: 0,
      instances: new Map(),
      launches: 0,
      filling: false,
    };
    fleets.set(fleet.id, fleet);
    return fleet;
  };

  world.on((event) => {
    const instance = event.kind === 'instance-terminated' ? instances.get(event.instanceId) : undefined;
    if (instance === undefined || instance.isGone) return;
    const { fleet } = instance;
    instance.isGone = true;
    instance.shownUntilMs = clock.nowMs() + staleMs();
    if (fleet.state === 'cancelled_terminating' && members(fleet).length === 0) fleet.state = 'cancelled';
    if (members(fleet).length < fleet.target) fill(fleet);
  });

  /** A fleet's user data says which cluster its instances join, and a copy has the same: told by what it launches from. */
  const originalOf = (config: SpotFleetRequestConfigData): SpotFleet | undefined => {
    const key = (of: SpotFleetRequestConfigData): string | undefined =>
      launches.idOf(of.LaunchTemplateConfigs?.[0]?.LaunchTemplateSpecification) ??
      of.LaunchSpecifications?.[0]?.UserData;
    return [...fleets.values()].find((fleet) => key(fleet.config) === key(config));
  };

  return {
    fleets,
    scalable,
    stacks,

    create(name, cluster, config, tags) {
      const fleet = make(name, cluster, config, tags);
      fleet.state = 'active';
      if (begins(fleet) > clock.nowMs()) {
        fill(fleet);
        return fleet;
      }
      for (let i = 0; i < fleet.target; i++) {
        const launched = launchedFrom(fleet);
        if (launched) add(fleet, launched, clock.nowMs());
      }
      return fleet;
    },

    request(config, tags) {
      const original = originalOf(config);
      const fleet = make(original?.name ?? 'unknown', original?.cluster ?? 'default', config, tags);
      fleet.listedFromMs += listing.int(0, MOST_UNLISTED_SECONDS * 1000);
      fill(fleet);
      return fleet;
    },

    setTarget(fleet, target) {
      fleet.target = target;
      fleet.state = 'modifying';
      clock.after(MODIFYING_SECONDS * 1000, () => {
        if (fleet.state !== 'modifying') return;
        fleet.state = 'active';
        if (fleet.excess !== 'noTermination') terminate(members(fleet).slice(fleet.target), 'spot fleet');
      });
      fill(fleet);
    },

    cancel(fleet, terminates) {
      fleet.targetAtEnd = fleet.target;
      fleet.target = 0;
      fleet.state = terminates ? 'cancelled_terminating' : 'cancelled_running';
      if (members(fleet).length === 0) fleet.state = 'cancelled';
      if (terminates) terminate(members(fleet), 'spot fleet');
    },

    unlist(instance) {
      instance.shownUntilMs = clock.nowMs();
    },

    makeScalable: (fleet) => void scalable.add(fleet.id),
    putInStack: (fleet, stack) => void stacks.set(fleet.id, stack),
    setCapacity: (name, hasCapacity) => void (hasCapacity ? without.delete(name) : without.add(name)),
    instance: (id) => instances.get(id),
    imageOf: (id) => instances.get(id)?.launched.image,
  };
}
