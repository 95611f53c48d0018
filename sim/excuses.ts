import type { Scenario } from './scenario.ts';
import type { World } from './world.ts';

/** A lifecycle action that ended by its heartbeat timeout. */
export interface Expired {
  readonly group: string;
  readonly instanceId: string;
  readonly token: string;
  readonly noticedAtSeconds: number;
}

/** What no program could have helped. */
export interface Excuses {
  /** Why nobody could keep the action alive that ends just now; undefined where somebody could. */
  of(expired: Expired): string | undefined;
}

/** So soon after the notice the hook is first read, with the lag of Auto Scaling; what happened to it just before is not known. */
const FIRST_READ_SECONDS = 5;
/** What a drain needs to come to its first heartbeat: a cold start, two reads, some of the calls tried again. */
const START_SECONDS = 5;
/** How much later than half of the period a heartbeat may be tried: a wait is in whole seconds, and a start takes time. */
const TRY_SECONDS = 5;

/** Since when each machine of an execution has died, one after the other. */
interface Dying {
  readonly sinceSeconds: number;
  readonly deaths: number;
  /** None has ever lived. */
  readonly isFirst: boolean;
}

/** Watches what Lambda machines and hooks do. */
export function createExcuses(world: World, scenario: Scenario): Excuses {
  const dying = new Map<string, Dying | undefined>();
  const beatAt = new Map<string, number>();
  const begunAt = new Map<string, number>();
  const now = (): number => world.clock.nowSeconds();

  world.on((event) => {
    if (event.kind === 'hook-waiting') beatAt.delete(`${event.instanceId} ${event.hook}`);
    if (event.kind === 'hook-heartbeat') beatAt.set(`${event.instanceId} ${event.hook}`, now());
    if (event.kind === 'execution' && event.status === 'RUNNING') begunAt.set(event.name, now());
    if (!('executionName' in event) || event.executionName === undefined) return;
    const name = event.executionName;
    const streak = dying.get(name);
    if (event.kind === 'invoked' && streak === undefined) {
      dying.set(name, { sinceSeconds: now(), deaths: 0, isFirst: !dying.has(name) });
    }
    if (event.kind === 'invocation-ended') {
      const died = event.outcome === 'crashed' && streak !== undefined;
      dying.set(name, died ? { ...streak, deaths: streak.deaths + 1 } : undefined);
    }
  });

  /** Each machine died that was to send the heartbeat, from when it was due, or from the very first on. */
  const everyMachineDied = (token: string, sinceSeconds: number): boolean =>
    [...dying].some(([name, streak]) => {
      if (!name.includes(token) || streak === undefined || streak.deaths === 0) return false;
      return streak.isFirst || streak.sinceSeconds <= (sinceSeconds + now()) / 2 + TRY_SECONDS;
    });

  /** When the drain of the action began; undefined where none has. */
  const begunFor = (token: string): number | undefined => [...begunAt].find(([name]) => name.includes(token))?.[1];

  /** The hook was deleted before anybody could read it: nothing says any more that the action is ours to keep alive. */
  const wasDeletedUnread = ({ group, token, noticedAtSeconds }: Expired, name: string | undefined): boolean => {
    const lastAt = (begunFor(token) ?? noticedAtSeconds) + FIRST_READ_SECONDS + scenario.faults.clockSkewSeconds;
    return scenario.events.some(
      ({ atSeconds, deleteHook }) =>
        deleteHook?.group === group && deleteHook.name === name && atSeconds >= noticedAtSeconds && atSeconds <= lastAt,
    );
  };

  /** The hook got a much longer period before anybody could read the one that the action began with. */
  const nobodyKnewThePeriod = ({ group, noticedAtSeconds }: Expired): boolean =>
    scenario.events.some(({ atSeconds, changeHook }) => {
      if (changeHook?.group !== group || changeHook.heartbeatSeconds / 2 <= now() - noticedAtSeconds) return false;
      const afterSeconds = atSeconds - noticedAtSeconds;
      return afterSeconds >= 0 && afterSeconds <= FIRST_READ_SECONDS + scenario.faults.clockSkewSeconds;
    });

  return {
    of(expired) {
      const { group, instanceId, token, noticedAtSeconds } = expired;
      const hook = scenario.hooks.find((entry) => entry.ours && entry.group === group)?.name;
      const beat = beatAt.get(`${instanceId} ${hook}`);
      if (now() - (begunFor(token) ?? 0) < START_SECONDS) return 'the drain began in the last moment';
      if (everyMachineDied(token, beat ?? noticedAtSeconds)) return 'each Lambda machine died';
      if (beat === undefined && nobodyKnewThePeriod(expired)) return 'the hook was changed before it could be read';
      if (beat === undefined && wasDeletedUnread(expired, hook)) return 'the hook was deleted before it could be read';
      return undefined;
    },
  };
}
