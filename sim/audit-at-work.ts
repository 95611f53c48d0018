import type { Violate } from './audit.ts';
import type { There } from './audit-rollouts.ts';
import type { SpotFleet } from './spot-fleets.ts';
import type { World } from './world.ts';

/** A look may be two minutes old; what was launched or lost since need not be in it. */
const LOOK_SECONDS = 180;
/** Where others look for what was verified: written out once more here, on purpose. */
const VERIFIED = '/ecs-drain/verified/';

export interface AtWork {
  /** An execution has begun with a fleet of that name. */
  begun(by: string | undefined, name: string): void;
  /** An execution has made a copy of a Spot Fleet. */
  copied(by: string | undefined, copy: SpotFleet): void;
  /**
   * It takes a Spot Fleet away: its target to zero, or cancelled. False where that is no step onwards: its own copy it may
   * give up at any time, and what is repeated, its answer being lost, has been done.
   */
  judgeLeaving(fleet: SpotFleet, operation: string, by: string | undefined): boolean;
  /** It writes a parameter. */
  judgePromotion(input: { readonly Name?: string; readonly Value?: string }, by: string | undefined): void;
}

/** Watches that new instances are at work in ECS before anything rests on them: an old fleet that goes, others that follow. */
export function watchAtWork(
  world: World,
  {
    there,
    membersOf,
    violate,
  }: {
    there: Pick<There, 'amis' | 'autoScaling' | 'spotFleets'>;
    /** Instances of the groups and fleets of that name that are in service. */
    membersOf: (name: string) => readonly string[];
    violate: Violate;
  },
): AtWork {
  const { amis, autoScaling, spotFleets } = there;
  const active = new Set<string>();
  const launchedAtSeconds = new Map<string, number>();
  /** When an instance was last ACTIVE that is not any more. */
  const lostAtSeconds = new Map<string, number>();
  const fleetsOf = new Map<string, Set<string>>();
  const copiesOf = new Map<string, SpotFleet[]>();
  const leaving = new Set<string>();
  const isRecent = (atSeconds = Number.NEGATIVE_INFINITY): boolean =>
    world.clock.nowSeconds() - atSeconds <= LOOK_SECONDS;

  world.on((event) => {
    const now = world.clock.nowSeconds();
    if (event.kind === 'instance-launched') launchedAtSeconds.set(event.instanceId, now);
    if (event.kind !== 'container-instance') return;
    if (event.status === 'ACTIVE') active.add(event.instanceId);
    else if (active.delete(event.instanceId)) lostAtSeconds.set(event.instanceId, now);
  });

  const isAtWork = (id: string): boolean => active.has(id) || isRecent(lostAtSeconds.get(id));
  const imageOf = (id: string) => amis.get((autoScaling.imageOf(id) ?? spotFleets.imageOf(id))?.id ?? '');

  return {
    begun(by = '', name) {
      fleetsOf.set(by, (fleetsOf.get(by) ?? new Set()).add(name));
    },

    copied(by = '', copy) {
      copiesOf.set(by, [...(copiesOf.get(by) ?? []), copy]);
    },

    judgeLeaving(fleet, operation, by = '') {
      const copies = copiesOf.get(by) ?? [];
      const isFirst = !leaving.has(`${operation} ${fleet.id}`);
      leaving.add(`${operation} ${fleet.id}`);
      if (copies.includes(fleet) || !isFirst) return false;
      const copy = copies.at(-1);
      const working = [...(copy?.instances.keys() ?? [])].filter(isAtWork).length;
      if (copy !== undefined && working >= copy.target) return true;
      const because = `its copy has ${working} of ${copy?.target ?? 0} instances at work`;
      violate('copy-not-at-work', undefined, `${operation} was called for ${fleet.id}, and ${because}`);
      return true;
    },

    judgePromotion({ Name = '', Value = '' }, by = '') {
      if (!Name.startsWith(VERIFIED)) return;
      const target = amis.get(Value);
      const names = [...(fleetsOf.get(by) ?? [])];
      const members = names.flatMap(membersOf).map((id) => ({ id, image: imageOf(id) }));
      const alike = members.filter(({ image }) => image?.family === target?.family);
      const old = alike.find(({ image }) => (image?.createdAtMs ?? 0) < (target?.createdAtMs ?? 0));
      const idle = alike.find(({ id }) => !isAtWork(id) && !isRecent(launchedAtSeconds.get(id)));
      if (target === undefined || !alike.some(({ image }) => image?.id === Value))
        violate('promoted-unverified', undefined, `${Name} was written, and nothing that ${by} rolled runs ${Value}`);
      else if (old) violate('promoted-unverified', old.id, `${Name} was written, and it runs ${old.image?.id} still`);
      else if (idle) violate('promoted-unverified', idle.id, `${Name} was written, and ECS has not got it at work`);
    },
  };
}
