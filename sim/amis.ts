import type { World } from './world.ts';

/** The families that exist here; a release of one is an event of a scenario. */
export const FAMILIES = ['al2023/x86_64', 'al2023/arm64', 'bottlerocket-2/x86_64'] as const;
export type Family = (typeof FAMILIES)[number];

/** What can be wrong with an image, as seen from outside: its agent never registers, or EC2 finds the instance impaired. */
export type Flaw = 'agent-never-joins' | 'never-healthy';

/** What an instance is by the image it was launched from; travels with the launch. */
export interface ImageFacts {
  readonly id: string;
  readonly agentVersion: string;
  /** As the public parameters and ECS count it: `25.0.8`. */
  readonly dockerVersion: string;
  readonly flaw: Flaw | undefined;
}

export interface Ami extends ImageFacts {
  /** Undefined for an image of the users' own. */
  readonly family: Family | undefined;
  readonly name: string;
  /** What the family's version parameter says: `2023.0.20251212`, `1.50.0-3c1b2a00`. */
  readonly version: string;
  readonly owner: 'amazon' | 'self';
  readonly architecture: 'x86_64' | 'arm64';
  readonly createdAtMs: number;
  /** ECS AMIs are deprecated two years after creation (AWS-CONTRACTS §4). */
  readonly deprecatedAtMs: number;
}

/** All the images there are, by whoever answers for them: EC2, the public parameters, launches. */
export interface Amis {
  get(id: string): Ami | undefined;
  all(): readonly Ami[];
  /** The one that AWS recommends of a family just now. */
  recommended(family: Family): Ami;
  /** So many releases before the recommended one; the oldest there is, if there are fewer. */
  behind(family: Family, releases: number): Ami;
  /** An image that users made of a family's recommended one. */
  custom(family: Family): Ami;
  /** AWS releases a new image of a family: it is the recommended one from now on. */
  release(family: Family, flaw?: Flaw): Ami;
  /** Told of every release, after it. */
  onRelease(listener: (ami: Ami) => void): void;
  /** Deregistered: nothing can be launched from it any more, and it is not described (what runs goes on). */
  deregister(id: string): void;
}

const DAY_MS = 86_400_000;
const TWO_YEARS_MS = 730 * DAY_MS;
/** How long before the start each family had its releases, in days: the first is deprecated by now. */
const PAST_DAYS = [800, 50, 20];

const architectureOf = (family: Family): 'x86_64' | 'arm64' => (family.endsWith('/arm64') ? 'arm64' : 'x86_64');

/** Names as AWS-CONTRACTS §4 has them. */
function naming(family: Family, release: number, dayMs: number): { name: string; version: string } {
  const date = new Date(dayMs).toISOString().slice(0, 10).replaceAll('-', '');
  const architecture = architectureOf(family);
  if (family.startsWith('bottlerocket')) {
    const commit = (0x3c1b2a00 + release).toString(16);
    // Bottlerocket's own form, from its public releases: `bottlerocket-aws-ecs-2-x86_64-v1.19.2-29cc92cc`.
    const version = `1.${48 + release}.0`;
    return { name: `bottlerocket-aws-ecs-2-${architecture}-v${version}-${commit}`, version: `${version}-${commit}` };
  }
  return { name: `al2023-ami-ecs-hvm-2023.0.${date}-kernel-6.1-${architecture}`, version: `2023.0.${date}` };
}

/** The releases that lie before the start are the same in every world: an id names the same image in every test. */
export function createAmis(world: Pick<World, 'clock'>): Amis {
  const byId = new Map<string, Ami>();
  const listeners: ((ami: Ami) => void)[] = [];
  const releases = new Map<Family, Ami[]>(FAMILIES.map((family) => [family, []]));
  let serial = 0;

  /** `ami-0ec5000000000000a` is the first AL2023 image that is recommended at the start. */
  const nextId = (): string => `ami-0ec5${(8 + serial++).toString(16).padStart(13, '0')}`;

  const add = (family: Family, createdAtMs: number, flaw: Flaw | undefined): Ami => {
    const known = releases.get(family) ?? [];
    // Two releases of one day would have one name.
    let dayMs = createdAtMs;
    while (known.some(({ name }) => name === naming(family, known.length, dayMs).name)) dayMs += DAY_MS;
    const ami: Ami = {
      id: nextId(),
      family,
      ...naming(family, known.length, dayMs),
      owner: 'amazon',
      architecture: architectureOf(family),
      agentVersion: `1.${96 + known.length}.0`,
      dockerVersion: `25.0.${6 + known.length}`,
      createdAtMs,
      deprecatedAtMs: createdAtMs + TWO_YEARS_MS,
      flaw,
    };
    byId.set(ami.id, ami);
    releases.set(family, [...known, ami]);
    return ami;
  };

  const startMs = world.clock.nowMs();
  for (const family of FAMILIES) for (const days of PAST_DAYS) add(family, startMs - days * DAY_MS, undefined);

  const behind = (family: Family, count: number): Ami => {
    const known = releases.get(family) ?? [];
    const ami = known[Math.max(0, known.length - 1 - count)];
    if (ami === undefined) throw new Error(`There is no image of the family ${family}.`);
    return ami;
  };

  return {
    get: (id) => byId.get(id),
    all: () => [...byId.values()],
    recommended: (family) => behind(family, 0),
    behind,
    custom(family) {
      const { version: _, ...base } = behind(family, 0);
      const id = nextId();
      const made: Ami = { ...base, id, family: undefined, name: `our-${id}`, version: '', owner: 'self' };
      byId.set(id, made);
      return made;
    },
    release(family, flaw) {
      const ami = add(family, world.clock.nowMs(), flaw);
      for (const listener of listeners) listener(ami);
      return ami;
    },
    onRelease: (listener) => void listeners.push(listener),
    deregister: (id) => void byId.delete(id),
  };
}
