import type { Result } from '../ports.ts';
import type { SpotFleetSeen } from './ports.ts';
import { isCancelled } from './spot-copies.ts';
import type { TAGS } from './tags.ts';
import { COPY_OF, MADE_BY } from './tags.ts';

/** What is known of a Spot Fleet beside its request. */
export interface Bonds {
  readonly atMs: number;
  /** Application Auto Scaling looks after its target. */
  readonly hasScalableTarget: boolean;
  /** The CloudFormation stack that it belongs to. */
  readonly stack: Result<string | undefined>;
  readonly instances: number;
  /** Places of its request that name an image, as far as could be seen. */
  readonly slots: number;
}

/**
 * Each look of its course lists the instances of both fleets, up to seven hundred times in 14 days, and all of that is
 * read again whenever the execution wakes up: so many are 6 MB (AWS-CONTRACTS §7 allows 100). And each of them is a
 * drain of its own, asked after by tens: once around takes 20 minutes and more.
 */
export const MOST_SPOT_INSTANCES = 200;
/** EC2 allows 50 tags, and the copy has two of ours. */
const MOST_TAGS = 48;

/** What an instance refresh knows and a copy does not: whoever counts on an alarm must hear that nobody looks at it. */
const FOR_GROUPS = [
  'ecs-drain:healthy',
  'ecs-drain:checkpoints',
  'ecs-drain:checkpoint-delay',
  'ecs-drain:bake',
  'ecs-drain:alarms',
] as const satisfies (keyof typeof TAGS)[];

/** As a rule it tags what it made, but a Spot Fleet request takes no tags from it. */
const BY_CLOUDFORMATION = 'aws:cloudformation:stack-id';

/** States of a request that is there to stay, or soon will be. */
const LASTING: ReadonlySet<string> = new Set(['active', 'modifying', 'submitted']);

/**
 * Why a Spot Fleet is not to be replaced by a copy: a copy loses what is bound to the old one's id, what belongs to
 * CloudFormation is CloudFormation's to replace, and the old one must come to a target of zero. Pure.
 */
export function boundOf(fleet: SpotFleetSeen, bonds: Bonds): string[] {
  const { type, state, onDemandCapacity, validFromMs, validUntilMs, launch } = fleet;
  const tags = Object.keys(fleet.tags).filter((key) => !isReserved(key));
  // Launch specifications are refused as such (plan.ts).
  const unread = fleet.specifications > 0 ? 0 : launch.length - bonds.slots;
  const stack = stackOf(fleet, bonds);
  const bound: string[] = [];
  const idle = FOR_GROUPS.filter((key) => fleet.tags[key] !== undefined);
  if (idle.length > 0) {
    bound.push(
      `${idle.join(', ')} mean${idle.length === 1 ? 's' : ''} nothing for a Spot Fleet, which nothing turns back but ECS and people: take ${idle.length === 1 ? 'it' : 'them'} away`,
    );
  }
  if (type !== 'maintain') bound.push(`it is of type ${type}, and only one of type maintain is replaced`);
  if (!LASTING.has(state) && !isCancelled(state)) bound.push(`its request is ${state}`);
  if (onDemandCapacity > 0) {
    bound.push(
      `${onDemandCapacity} of its units are On-Demand, and EC2 sets no target below that, so it cannot be emptied: move them to a fleet of their own`,
    );
  }
  if (unread > 0) {
    bound.push(
      `of its ${launch.length} launch templates, ${unread} could not be found or name${unread === 1 ? 's' : ''} no image: it would be rolled by half`,
    );
  }
  if (bonds.hasScalableTarget) {
    bound.push(
      'a scalable target looks after its capacity, and a copy would lose that: remove the target first, and make it anew for the copy',
    );
  }
  if (validFromMs !== undefined && validFromMs > bonds.atMs) {
    bound.push(`it begins at ${instant(validFromMs)}, and its copy would begin at once: wait until it has begun`);
  }
  if (validUntilMs !== undefined) {
    bound.push(`it ends at ${instant(validUntilMs)}, and so would its copy: make it anew without an end`);
  }
  if (stack !== undefined) bound.push(stack);
  if (bonds.instances > MOST_SPOT_INSTANCES) {
    bound.push(`it has ${bonds.instances} instances, and one of at most ${MOST_SPOT_INSTANCES} is replaced: split it`);
  }
  if (tags.length > MOST_TAGS) {
    bound.push(`it has ${tags.length} tags, and its copy needs two more than that: EC2 allows 50`);
  }
  return bound;
}

/** Why it is not to be changed just now. Pure. */
export function unsettledOf({ state }: SpotFleetSeen): string | undefined {
  if (state === 'modifying') return 'somebody is changing its target: EC2 takes no other change meanwhile';
  return state === 'submitted' ? 'its request is submitted, and not active yet' : undefined;
}

function stackOf({ tags }: SpotFleetSeen, { stack }: Bonds): string | undefined {
  if (!stack.ok) {
    return `whether CloudFormation made it could not be asked (${stack.operation}: ${stack.message}): allow that call`;
  }
  const name = stack.value ?? tags[BY_CLOUDFORMATION];
  return (
    name && `CloudFormation made it (stack ${name}), and would not know its copy: change the image in its template`
  );
}

/** A tag that a copy does not take over. */
function isReserved(key: string): boolean {
  return key.startsWith('aws:') || key === COPY_OF || key === MADE_BY;
}

function instant(atMs: number): string {
  return new Date(atMs).toISOString();
}
