import type { FleetFacts } from './fleet.ts';
import type { SpotFleetSeen } from './ports.ts';
import { COPY_OF, MADE_BY } from './tags.ts';

/** A copy of a Spot Fleet that another rollout has made, and that is not cancelled. */
export interface OtherCopy {
  readonly id: string;
  /** The execution that made it. */
  readonly by: string;
  readonly createdAtMs: number;
}

/** The copies of the fleet that are there, among all that are tagged as copies. Pure. */
export function copiesOf(fleetId: string, copies: readonly SpotFleetSeen[]): OtherCopy[] {
  return copies
    .filter(({ tags, state }) => tags[COPY_OF] === fleetId && !isCancelled(state))
    .map(({ id, tags, createdAtMs }) => ({ id, by: tags[MADE_BY] ?? 'unknown', createdAtMs }));
}

/** Who has come in the fleet's place: a copy that is there, or a copy of one that is not any more. Pure. */
export function heirOf(fleetId: string, copies: readonly SpotFleetSeen[]): string | undefined {
  const direct = copies.filter(({ tags }) => tags[COPY_OF] === fleetId);
  // Tags are anybody's to write: each step leaves some out, so that a circle comes to an end.
  const others = copies.filter((copy) => !direct.includes(copy));
  const heirs = direct.map(({ id, state }) => (isCancelled(state) ? heirOf(id, others) : id));
  return heirs.find((id) => id !== undefined);
}

/**
 * Why nobody may work on the fleet now: it has a copy, or is one and its place is not its own yet. Once it stands alone,
 * a copy is a fleet like any other. Pure.
 */
export function besideOf(
  id: string,
  copies: readonly SpotFleetSeen[],
  copyOf: FleetFacts['copyOf'],
): string | undefined {
  const [copy] = copiesOf(id, copies);
  if (copy) return `${copy.id} is a copy of it, made by ${copy.by}: two rollouts never work on one fleet`;
  if (copyOf === undefined) return undefined;
  if (copyOf.isThere) return `it is a copy of ${copyOf.id}, which is there still: one of them has to go first`;
  const others = copies.filter((one) => one.id !== id);
  const twin = heirOf(copyOf.id, others);
  return twin && `it and ${twin} are copies of one fleet: one of them has to go first`;
}

/** It is gone, or about to be: whatever it still has, it will not be kept. */
export function isCancelled(state: string): boolean {
  return state.startsWith('cancelled') || state === 'failed';
}
