import type { Window } from './window.ts';
import { readWindow } from './window.ts';

/** What a fleet's owner wants done with a new image. */
export interface FleetPolicy {
  /** `notify`: people are told. `approve`: it is rolled when somebody approves. `auto`: by itself. */
  readonly mode: 'notify' | 'approve' | 'auto';
  /** `write`: a template version is made. `keep`: the template is its owner's, and only what it says is rolled out. */
  readonly template: 'write' | 'keep';
  /** Fleets of a later wave wait until those before are done. */
  readonly wave: number;
  readonly window: Window | undefined;
  /** How old a release must be, in seconds: others find its faults first. */
  readonly minimumAgeSeconds: number;
  /** Of the desired capacity, in percent. */
  readonly minHealthyPercent: number;
  readonly maxHealthyPercent: number;
  /** Where it stops for a while, in percent, beyond the first instance, at which it always does. */
  readonly checkpoints: readonly number[];
  readonly checkpointDelaySeconds: number;
  readonly bakeSeconds: number;
  /** CloudWatch alarms that turn it back. */
  readonly alarms: readonly string[];
  /** A parameter to follow instead of AWS's own, which holds an image id or a `recommended` document. */
  readonly follow: string | undefined;
}

/** What is wrong with a fleet's tags; and what it follows, as far as that can be read: who speaks of it goes by that. */
export interface TagMistakes {
  readonly mistakes: readonly string[];
  readonly follow?: string;
}

/** How many of a group's instances are replaced at once: as many as its healthy percentages let go or come. */
export function atOnce({ minHealthyPercent, maxHealthyPercent }: FleetPolicy, desired: number): number {
  const share = Math.max(maxHealthyPercent - 100, 100 - minHealthyPercent) / 100;
  return Math.max(1, Math.floor(desired * share));
}

/** The tag that opts a fleet in. Its value is the mode. */
export const OPT_IN = 'ecs-drain:ami';

/** What we tag the copy of a Spot Fleet with: whose copy it is, and the execution that made it. Nobody sets them. */
export const COPY_OF = 'ecs-drain:copy-of';
export const MADE_BY = 'ecs-drain:rollout';
const OUR_OWN: readonly string[] = [COPY_OF, MADE_BY];

/** CloudFormation tags what it made; what it made it will set back (docs/amis.md). */
const BY_CLOUDFORMATION = 'aws:cloudformation:stack-id';

const HOUR = 3_600;
const DAY = 86_400;

interface TagShape<T> {
  readonly otherwise: T;
  /** What people read in the table of tags, and in the mistake. */
  readonly says: string;
  readonly means: string;
  read(value: string): T | undefined;
}

function oneOf<T extends string>(words: readonly T[], otherwise: T, means: string): TagShape<T> {
  return {
    otherwise,
    says: words.join(', '),
    means,
    read: (value) => words.find((word) => word === value),
  };
}

function duration(otherwise: number, mostSeconds: number, means: string): TagShape<number> {
  const unit: Readonly<Record<string, number>> = { s: 1, m: 60, h: HOUR, d: DAY };
  return {
    otherwise,
    says: `a time like 45m, 12h or 3d, at most ${mostSeconds / HOUR}h`,
    means,
    read(value) {
      const [, count, letter = ''] = /^(\d{1,6})([smhd])$/.exec(value) ?? [];
      const seconds = Number(count) * (unit[letter] ?? Number.NaN);
      return seconds <= mostSeconds ? seconds : undefined;
    },
  };
}

/** The tags, in the order of the documentation; docs/amis.md has the table made from this. */
export const TAGS = {
  [OPT_IN]: oneOf(['notify', 'approve', 'auto'] as const, 'notify', 'opts the fleet in, and says how far we go'),
  'ecs-drain:template': oneOf(
    ['write', 'keep'] as const,
    'write',
    'write: we add a launch template version; keep: its owner does, and we roll out what it says. Where CloudFormation made the fleet, keep is the default',
  ),
  'ecs-drain:wave': {
    otherwise: 1,
    says: 'a whole number from 1 to 9',
    means: 'fleets of a wave begin when those of the waves before are done',
    read: (value: string) => (/^[1-9]$/.test(value) ? Number(value) : undefined),
  },
  'ecs-drain:window': {
    otherwise: undefined as Window | undefined,
    says: 'days, times and a time zone, like Tue-Thu 02:00-05:00 Europe/Berlin',
    means: 'begins only within it; at any time unless given',
    read: readWindow,
  },
  'ecs-drain:minimum-age': duration(
    0,
    7 * DAY,
    'how old a release must be before it is rolled out by itself; a newer one supersedes it, and AWS releases every week or two',
  ),
  'ecs-drain:healthy': {
    otherwise: [100, 110] as const,
    says: 'two percentages, like 90-100: 0 to 100, and 100 to 200, at most 100 apart',
    means: 'of its instances that stay healthy meanwhile, at least and at most',
    read(value: string): readonly [number, number] | undefined {
      const [, least, most] = (/^(\d{1,3})-(\d{1,3})$/.exec(value) ?? []).map(Number);
      if (least === undefined || most === undefined) return undefined;
      return least <= 100 && most >= 100 && most <= 200 && most - least <= 100 ? [least, most] : undefined;
    },
  },
  'ecs-drain:checkpoints': {
    otherwise: [] as readonly number[],
    says: 'up to five rising percentages from 1 to 99, like 25 50',
    means: 'where it rests as well, beyond its first instance',
    read(value: string): readonly number[] | undefined {
      const numbers = value.split(' ').map((part) => (/^[1-9]\d?$/.test(part) ? Number(part) : Number.NaN));
      const isRising = numbers.every((number, i) => number > (numbers[i - 1] ?? 0));
      return isRising && numbers.length <= 5 ? numbers : undefined;
    },
  },
  'ecs-drain:checkpoint-delay': duration(900, 48 * HOUR, 'how long it rests at each of them'),
  'ecs-drain:bake': duration(
    0,
    48 * HOUR,
    'how long it is watched before it counts as done; until then it can turn back',
  ),
  'ecs-drain:alarms': {
    otherwise: [] as readonly string[],
    says: 'up to ten names of CloudWatch alarms, separated by spaces',
    means: 'any of them, in alarm, turns it back',
    read(value: string): readonly string[] | undefined {
      const names = value.split(' ');
      return names.length <= 10 && names.every((name) => name !== '') ? names : undefined;
    },
  },
  'ecs-drain:follow': {
    otherwise: undefined as string | undefined,
    says: 'the name of an SSM parameter, beginning with a slash',
    means: "the image to have, instead of AWS's recommendation: what staging has verified, or your own",
    read: (value: string) => (/^\/[A-Za-z0-9_.\-/]{1,1010}$/.test(value) ? value : undefined),
  },
} as const satisfies Record<string, TagShape<unknown>>;

/**
 * Reads a fleet's tags; every mistake at once, for what is meant is never guessed. Undefined where it has not opted in.
 * Pure.
 */
export function readTags(tags: Readonly<Record<string, string>>): FleetPolicy | TagMistakes | undefined {
  if (!Object.hasOwn(tags, OPT_IN)) return undefined;
  const mistakes = Object.keys(tags)
    .filter((key) => key.startsWith('ecs-drain:') && !Object.hasOwn(TAGS, key) && !OUR_OWN.includes(key))
    .map((key) => `there is no tag ${key}`);
  const read = <K extends keyof typeof TAGS>(key: K): (typeof TAGS)[K]['otherwise'] => {
    const { otherwise, says, read: parse } = TAGS[key] as TagShape<(typeof TAGS)[K]['otherwise']>;
    const value = Object.hasOwn(tags, key) ? tags[key] : undefined;
    if (value === undefined) return otherwise;
    // IAM compares the tag as it is (stack/rollout-role.yml): what is read here with a blank would be denied there.
    if (value.trim() !== value) {
      mistakes.push(`${key} is ${JSON.stringify(value)}, with white space at its beginning or end: take it away`);
      return otherwise;
    }
    const meaning = parse(value);
    if (meaning === undefined) mistakes.push(`${key} is ${JSON.stringify(value)}, and must be ${says}`);
    return meaning ?? otherwise;
  };
  const [minHealthyPercent, maxHealthyPercent] = read('ecs-drain:healthy');
  const isForKeeps = Object.hasOwn(tags, BY_CLOUDFORMATION) && !Object.hasOwn(tags, 'ecs-drain:template');
  const policy: FleetPolicy = {
    mode: read(OPT_IN),
    template: isForKeeps ? 'keep' : read('ecs-drain:template'),
    wave: read('ecs-drain:wave'),
    window: read('ecs-drain:window'),
    minimumAgeSeconds: read('ecs-drain:minimum-age'),
    minHealthyPercent,
    maxHealthyPercent,
    checkpoints: read('ecs-drain:checkpoints'),
    checkpointDelaySeconds: read('ecs-drain:checkpoint-delay'),
    bakeSeconds: read('ecs-drain:bake'),
    alarms: read('ecs-drain:alarms'),
    follow: read('ecs-drain:follow'),
  };
  if (mistakes.length === 0) return policy;
  return { mistakes, ...(policy.follow === undefined ? {} : { follow: policy.follow }) };
}
