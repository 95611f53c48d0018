import { familyById } from './family.ts';
import type { FleetFacts, ImageName, Slot, Target } from './fleet.ts';
import { contentsOf, familiesOf, standingOf, UNKNOWN_IMAGE } from './fleet.ts';
import type { FleetPolicy } from './tags.ts';
import { atOnce } from './tags.ts';

/** What would be done with one fleet. */
export interface PlannedFleet {
  readonly id: string;
  readonly policy: FleetPolicy;
  /** `write`: a template version is made first; `keep`: the template says it already. */
  readonly how: 'write' | 'keep';
  /** The slots whose image changes; none where the template is there already and only instances are old. */
  readonly slots: readonly Slot[];
  /**
   * Image ids that it comes from; of AWS's images also the version, and the kernel where the name carries it; agent and
   * runtime of what runs, where they could be read.
   */
  readonly from: readonly string[];
  /** Instances to replace. */
  readonly instances: number;
  /** Instances that wait in its warm pool, which AWS renews with them. */
  readonly warm: number;
  readonly expectedMinutes: number;
}

/** A fleet of this release's that is not touched, and why; `isNews`: its owner should hear of it. */
export interface LeftAlone {
  readonly id: string;
  readonly because: string;
  readonly isNews: boolean;
}

export interface Plan {
  readonly target: Target;
  /** By wave, then by name. */
  readonly fleets: readonly PlannedFleet[];
  readonly leftAlone: readonly LeftAlone[];
}

/** Rough, and said to be: a drain, and a new instance that boots and joins. */
const MINUTES_A_BATCH = 9;
/** Of a Spot Fleet: all of the copy comes at once, then all of the old one is drained, and nothing new may show for a while. */
const SPOT_MINUTES = 2 * MINUTES_A_BATCH + 7;

/** What a release means for the fleets that opted in; `isOrdered`: somebody asked for just this. Pure. */
export function planOf(target: Target, fleets: readonly FleetFacts[], isOrdered: boolean): Plan {
  const planned: PlannedFleet[] = [];
  const leftAlone: LeftAlone[] = [];
  for (const facts of fleets) {
    const { id } = facts;
    const verdict = judge(facts, target, isOrdered);
    if (verdict === 'not-concerned') continue;
    if ('because' in verdict) leftAlone.push({ id, ...verdict });
    else planned.push(verdict);
  }
  planned.sort((a, b) => a.policy.wave - b.policy.wave || (a.id < b.id ? -1 : 1));
  return { target, fleets: planned, leftAlone };
}

/** What a look at one fleet means for it: what would be done, or why nothing is. Pure. */
export function verdictOf({
  facts,
  target,
}: {
  readonly facts?: FleetFacts;
  readonly target?: Target;
}): PlannedFleet | LeftAlone | undefined {
  if (facts === undefined || target === undefined) return undefined;
  const { fleets, leftAlone } = planOf(target, [facts], true);
  return fleets[0] ?? leftAlone[0];
}

type Verdict = PlannedFleet | Omit<LeftAlone, 'id'> | 'not-concerned';

function judge(facts: FleetFacts, target: Target, isOrdered: boolean): Verdict {
  const { policy, slots } = facts;
  const standings = slots.map((slot) => standingOf(slot, target));
  const isOurs = policy.follow === undefined ? familiesOf(facts).has(target.source) : policy.follow === target.source;
  if ('mistakes' in policy) {
    return isOurs || isNobodys(facts, target)
      ? news(`its tags are wrong: ${policy.mistakes.join('; ')}`)
      : 'not-concerned';
  }
  if (!isOurs) return judgeStranger(facts, target);
  const unsupported = whyUnsupported(target.source, isOrdered);
  if (unsupported !== undefined) return news(unsupported);
  if (facts.launch === 'configuration') {
    return news('it has a launch configuration, of which no new version can be made: move it to a launch template');
  }
  if (facts.launch === 'specifications') {
    return news('it has launch specifications instead of launch templates: make it anew with a template');
  }
  const unread = whyUnread(facts);
  if (unread !== undefined) return news(unread);
  if (standings.every((standing) => standing === 'newer' || standing === 'other')) {
    return standings.includes('newer')
      ? quiet('it runs a newer image already')
      : news('its image is of another architecture or family than what it follows');
  }

  const changing = slots.filter((_, i) => standings[i] === 'older');
  const old = oldInstances(facts, target, changing);
  const unknown = facts.images[UNKNOWN_IMAGE] ?? 0;
  if (changing.length === 0 && old === 0)
    return quiet(unknown > 0 ? `what ${unknown} of its instances run is not known yet` : 'it runs this image already');
  // A parameter that a template resolves is its owner's way to choose: there is nothing for us to write.
  const unwritable = changing.filter(({ written }) => written === 'parameter');
  if (changing.length > 0 && (policy.template === 'keep' || unwritable.length > 0)) {
    const why = unwritable.length > 0 ? 'the parameter that it resolves' : 'its launch template';
    return news(
      `${why} still says ${changing[0]?.version ?? changing[0]?.imageId}: its owner has to change it, then it is rolled out`,
    );
  }
  const reckless = changing.map((slot) => whyNotWritten(slot, facts)).find((why) => why !== undefined);
  if (reckless !== undefined) return news(reckless);
  return {
    id: facts.id,
    policy,
    how: changing.length > 0 ? 'write' : 'keep',
    slots: changing,
    from: fromOf(facts, target),
    instances: old,
    warm: facts.warm,
    expectedMinutes: facts.id.startsWith('spot-fleet/') ? SPOT_MINUTES : expectedMinutes(policy, old, facts.desired),
  };
}

/**
 * A fleet that hardly any release of its own will speak of, for its image is its owner's, or gone, or of a family whose
 * life has ended: its people hear so with each release of plain Amazon Linux 2023 of its architecture.
 */
function judgeStranger(facts: FleetFacts, { source }: Target): Verdict {
  if (facts.policy.follow !== undefined) return 'not-concerned';
  // Nobody knows the architecture of an image that is gone: somebody has to speak of it all the same.
  const architecture = facts.slots.flatMap((slot) => slot.architecture ?? [])[0] ?? 'x86_64';
  const isSpokesman = source === `al2023/${architecture}`;
  if (isCustom(facts)) {
    const { because } = whyCustom(facts);
    return isSpokesman ? news(because) : quiet(because);
  }
  // Windows has releases of its own, each month.
  const ended = [...familiesOf(facts)].find((id) => familyById(id)?.support === 'ended');
  const because = ended === undefined ? undefined : whyUnsupported(ended, false);
  return isSpokesman && because !== undefined ? news(because) : 'not-concerned';
}

/** What is wrong with an image that is of no family; `isGone`: EC2 does not describe it, and so launches nothing from it. */
export function whyCustom({ slots }: FleetFacts): { readonly because: string; readonly isGone: boolean } {
  const gone = slots.find(({ architecture }) => architecture === undefined);
  return gone === undefined
    ? {
        because: "its image is none of AWS's ECS images: the tag ecs-drain:follow can name the parameter to follow",
        isGone: false,
      }
    : {
        because: `its image ${gone.imageId} does not exist any more, or is not shared with this account: nothing can be launched from it`,
        isGone: true,
      };
}

/**
 * Whatever launches `$Latest` launches a new version from the moment that it is there: before it is proved, and also when
 * it was found to be bad. A version cannot be taken back so that nobody notices.
 */
function whyNotWritten({ written, template }: Slot, { latestOf = {} }: FleetFacts): string | undefined {
  if (written !== 'image' || template === undefined) return undefined;
  const instead = 'a number or $Default, or tag this one ecs-drain:template keep and change the template yourself';
  if (template.asked === '$Latest') {
    return `it launches $Latest of ${template.id}, and so any new version at once, proved or not: have it launch ${instead}`;
  }
  const [first, ...more] = latestOf[template.id] ?? [];
  if (first === undefined) return undefined;
  const who = more.length === 0 ? `group/${first} launches` : `group/${first} and ${more.length} more launch`;
  return `${who} $Latest of ${template.id}, and so any new version at once, without being asked: have ${more.length === 0 ? 'it' : 'them'} launch ${instead}`;
}

function whyUnsupported(id: string, isOrdered: boolean): string | undefined {
  const family = familyById(id);
  if (family?.support === 'windows') return 'Windows images are told of, and rolled out by hand';
  if (family?.support !== 'ended' || isOrdered) return undefined;
  return `${family.osName} reached its end on ${family.endsOn}: move to a family that is mended, or order this rollout (ecs-drain rollout start)`;
}

/** What is changed in one place and not in another, and what nobody knows the image of, is for its owner to look at. */
function whyUnread({ slots, unread }: FleetFacts): string | undefined {
  if (unread.length > 0) return `what it launches from cannot be read in full: ${unread.join('; ')}`;
  return slots.length > 0
    ? undefined
    : 'it has neither a launch template nor a launch configuration that could be seen';
}

/** Its image tells no family and it follows nothing: the release of any family speaks of it, for no other would. */
function isNobodys(facts: FleetFacts, { source }: Target): boolean {
  return facts.policy.follow === undefined && familiesOf(facts).size === 0 && !source.startsWith('/');
}

function news(because: string): Omit<LeftAlone, 'id'> {
  return { because, isNews: true };
}

function quiet(because: string): Omit<LeftAlone, 'id'> {
  return { because, isNews: false };
}

function isCustom({ slots }: FleetFacts): boolean {
  return slots.length > 0 && slots.every(({ family }) => family === undefined);
}

/** Instances on an image that a changing slot launches, or on any older image where only instances are behind. */
function oldInstances({ images, slots }: FleetFacts, target: Target, changing: readonly Slot[]): number {
  const stays = new Set(slots.filter((slot) => !changing.includes(slot)).map(({ imageId }) => imageId));
  return Object.entries(images)
    .filter(([imageId]) => imageId !== target.imageId && imageId !== UNKNOWN_IMAGE && !stays.has(imageId))
    .reduce((sum, [, count]) => sum + count, 0);
}

function fromOf({ slots, images, named, agents = {} }: FleetFacts, target: Target): string[] {
  const known = new Map<string, Pick<Slot | ImageName, 'version' | 'kernel'>>([
    ...Object.entries(named),
    ...slots.map((slot) => [slot.imageId, slot] as const),
  ]);
  const ids = new Set([...slots.map(({ imageId }) => imageId), ...Object.keys(images)]);
  return [...ids]
    .filter((id) => id !== target.imageId && id !== UNKNOWN_IMAGE)
    .map((id) => {
      const { version, kernel } = known.get(id) ?? {};
      const runs = agents[id]?.join(' or ');
      const [first, ...more] = [version ?? [], id, contentsOf({ kernel }), runs ?? []].flat();
      return more.length === 0 ? `${first}` : `${first} (${more.join(', ')})`;
    });
}

/** One instance first, then as many at once as the healthy percentages let go or come. */
function expectedMinutes(policy: FleetPolicy, instances: number, desired: number): number {
  const { checkpoints, checkpointDelaySeconds, bakeSeconds } = policy;
  const batches = 1 + Math.ceil(Math.max(0, instances - 1) / atOnce(policy, desired));
  const restSeconds = (1 + checkpoints.length) * checkpointDelaySeconds + bakeSeconds;
  return batches * MINUTES_A_BATCH + Math.round(restSeconds / 60);
}
