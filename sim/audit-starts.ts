import type { Ami } from './amis.ts';
import { FAMILIES } from './amis.ts';
import type { Violate } from './audit.ts';
import type { There } from './audit-rollouts.ts';
import type { Order, Words } from './audit-words.ts';
import { EPOCH_MS } from './clock.ts';
import type { Scenario } from './scenario.ts';
import type { World } from './world.ts';

/** The tags of a fleet that say when it may be begun: written out once more here, on purpose. */
const [MODE, WAVE, WINDOW, AGE, FOLLOW, TEMPLATE] = [
  'ecs-drain:ami',
  'ecs-drain:wave',
  'ecs-drain:window',
  'ecs-drain:minimum-age',
  'ecs-drain:follow',
  'ecs-drain:template',
] as const;

/** A start rests on a look of two minutes ago at most; a machine that dies, or a call that fails, may make it later. */
const LOOK_SECONDS = 180;
/** From the moment that a fleet is begun with to its first change: looks, a template version, calls that fail. */
const BEGINNING_SECONDS = 1_800;
/** By which clocks of Lambda machines may differ, and more. */
const SKEW_SECONDS = 60;

type Fleet = Pick<Scenario['clusters'][number], 'tags' | 'image'> & {
  readonly name: string;
  readonly cluster: string;
  /** No version can be made of what it launches from. */
  readonly isFixed: boolean;
};

export interface Starts {
  /** The first thing that is done to a fleet's instances: a refresh was started, or a copy of it made. */
  judge(name: string, operation: string, by: string | undefined): void;
  /** Nothing further is begun in a pause. */
  judgePause(name: string, operation: string, by: string | undefined): void;
}

/** Watches when fleets are begun with: by their tags, by what people said, and by what runs in their clusters. */
export function watchStarts(
  world: World,
  scenario: Scenario,
  {
    there,
    words,
    imagesOf,
    violate,
  }: {
    there: Pick<There, 'amis' | 'spotFleets' | 'executions'>;
    words: Words;
    /** The images that a fleet's instances run. */
    imagesOf: (name: string) => readonly (Ami | undefined)[];
    violate: Violate;
  },
): Starts {
  const { amis } = there;
  const nowSeconds = (): number => world.clock.nowSeconds();
  /** Fleets that an execution has begun with: it goes on with them at any time. */
  const begun = new Set<string>();
  const lacking = watchServices(world, scenario);

  const fleets: readonly Fleet[] = [
    ...scenario.clusters.map((cluster) => ({
      ...cluster,
      name: cluster.group,
      cluster: cluster.name,
      isFixed: cluster.template === 'configuration' || cluster.tags[TEMPLATE] === 'keep',
    })),
    ...scenario.spotFleets.map((fleet) => ({ ...fleet, isFixed: fleet.launch === 'specification' })),
  ];
  const idsOf = ({ name }: Fleet): string[] => [
    `group/${name}`,
    ...[...there.spotFleets.fleets.values()].filter((one) => one.name === name).map(({ id }) => `spot-fleet/${id}`),
  ];

  const targetOf = ({ imageId, source }: Order): Ami | undefined => {
    const family = FAMILIES.find((one) => one === source);
    return imageId === undefined ? family && amis.recommended(family) : amis.get(imageId);
  };

  const judgeWindow = ({ name, tags }: Fleet): void => {
    const window = tags[WINDOW];
    const atMs = EPOCH_MS + nowSeconds() * 1000;
    if (window === undefined || isOpen(window, atMs) || isOpen(window, atMs - BEGINNING_SECONDS * 1000)) return;
    violate('out-of-window', undefined, `${name} was begun with at ${new Date(atMs).toISOString()}, not ${window}`);
  };

  const judgeAge = ({ name, tags }: Fleet, order: Order): void => {
    const target = targetOf(order);
    if (target === undefined || order.source.startsWith('/') || words.wordOf(order.release).isApproved) return;
    const ageSeconds = nowSeconds() - (target.createdAtMs - EPOCH_MS) / 1000;
    if (ageSeconds + SKEW_SECONDS >= secondsOf(tags[AGE])) return;
    violate('too-young', undefined, `${name} was begun with ${Math.round(ageSeconds)} s after ${target.version} came`);
  };

  /** What is to be rolled before it: it is running, or has instances of an older image, whatever became of it. */
  const judgeTurn = (fleet: Fleet, order: Order): void => {
    const { family, createdAtMs = 0 } = targetOf(order) ?? {};
    const isOlder = (image: Ami | undefined): boolean =>
      image !== undefined && image.family === family && image.createdAtMs < createdAtMs;
    const earlier = fleets.filter((other) => isRolled(other, order) && waveOf(other) < waveOf(fleet) && !other.isFixed);
    const running = there.executions().flatMap(({ status, input }) => {
      const request = JSON.parse(input);
      return status === 'RUNNING' && request.release === order.release ? [request.fleet as string] : [];
    });
    const first = earlier.find(
      (other) => imagesOf(other.name).some(isOlder) || idsOf(other).some((id) => running.includes(id)),
    );
    if (first === undefined) return;
    violate(
      'out-of-turn',
      undefined,
      `${fleet.name} was begun with before ${first.name}, of an earlier wave, was done`,
    );
  };

  /** Its owner may have taken the tag away since. */
  const hasOptedIn = ({ name, tags }: Fleet): boolean => {
    const [spotFleet] = [...there.spotFleets.fleets.values()].filter((one) => one.name === name);
    const mode = spotFleet === undefined ? tags[MODE] : spotFleet.tags.find(({ Key }) => Key === MODE)?.Value;
    return mode === 'auto' || mode === 'approve';
  };

  const isRolled = (fleet: Fleet, { source, fleets: asked }: Order): boolean =>
    hasOptedIn(fleet) &&
    (fleet.tags[FOLLOW] ?? fleet.image) === source &&
    (asked === undefined || idsOf(fleet).some((id) => asked.includes(id)));

  const judgePause = (name: string, operation: string, by: string | undefined): void => {
    const { pausedSinceSeconds } = words.wordOf(words.orderOf(by)?.release);
    if (pausedSinceSeconds === undefined || nowSeconds() - pausedSinceSeconds <= LOOK_SECONDS) return;
    violate('begun-in-pause', undefined, `${operation} was called for ${name}, ${by} being paused`);
  };

  return {
    judgePause,
    judge(name, operation, by) {
      const fleet = fleets.find((one) => one.name === name);
      const order = words.orderOf(by);
      if (fleet === undefined || order === undefined) return;
      judgePause(name, operation, by);
      // A fleet without instances has none that a service could lose.
      const service = imagesOf(name).length === 0 ? undefined : lacking(fleet.cluster);
      if (service) violate('begun-unsteady', undefined, `${name} was begun with, and ${service} lacked tasks for long`);
      if (begun.has(`${by} ${name}`)) return;
      begun.add(`${by} ${name}`);
      judgeWindow(fleet);
      judgeAge(fleet, order);
      judgeTurn(fleet, order);
    },
  };
}

const waveOf = ({ tags }: Fleet): number => Number(tags[WAVE] ?? 1);

/** Answers which service of a cluster has had fewer tasks than it is to have for longer than a look is old. */
function watchServices(world: World, scenario: Scenario): (cluster: string) => string | undefined {
  const running = new Map<string, Set<string>>();
  const lackingSince = new Map<string, number>();
  const desired = new Map<string, number>(
    scenario.clusters.flatMap(({ name, services }) =>
      services.flatMap((service) =>
        service.strategy === 'REPLICA' ? [[`${name}/${service.name}`, service.desired] as const] : [],
      ),
    ),
  );

  world.on((event) => {
    if (event.kind !== 'task' || event.service === undefined) return;
    const key = `${event.cluster}/${event.service}`;
    const tasks = running.get(key) ?? new Set<string>();
    running.set(key, tasks);
    const isCounted = event.lastStatus === 'RUNNING' && event.desiredStatus === 'RUNNING';
    tasks[isCounted ? 'add' : 'delete'](event.taskArn);
    if (tasks.size >= (desired.get(key) ?? 0)) lackingSince.delete(key);
    else if (!lackingSince.has(key)) lackingSince.set(key, world.clock.nowSeconds());
  });

  return (cluster) =>
    [...desired.entries()].find(([key, count]) => {
      if (!key.startsWith(`${cluster}/`) || (running.get(key)?.size ?? 0) >= count) return false;
      return world.clock.nowSeconds() - (lackingSince.get(key) ?? 0) > LOOK_SECONDS;
    })?.[0];
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** Whether a window like `Tue-Thu 22:00-05:00 Europe/Berlin` is open at that moment; its days are those on which it opens. */
function isOpen(window: string, atMs: number): boolean {
  const [, first, last, from = '', to = '', timeZone = ''] =
    /^(?:(\w{3})(?:-(\w{3}))? )?(\d\d:\d\d)-(\d\d:\d\d) (\S+)$/.exec(window) ?? [];
  const local = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const parts = Object.fromEntries(local.formatToParts(new Date(atMs)).map(({ type, value }) => [type, value]));
  const today = DAYS.indexOf(parts['weekday'] ?? '');
  const time = `${parts['hour']}:${parts['minute']}`;
  const [begin, end] = [DAYS.indexOf(first ?? 'Sun'), DAYS.indexOf(last ?? first ?? 'Sat')];
  const isDay = (day: number): boolean => (day - begin + 7) % 7 <= (end - begin + 7) % 7;
  if (from < to) return isDay(today) && from <= time && time < to;
  return (isDay(today) && from <= time) || (isDay((today + 6) % 7) && time < to);
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

function secondsOf(age = '0s'): number {
  return Number(age.slice(0, -1)) * (UNITS[age.slice(-1)] ?? 0);
}
