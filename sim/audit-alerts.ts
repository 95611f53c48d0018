import type { Departure, Violate } from './audit.ts';
import type { Scenario } from './scenario.ts';
import type { World } from './world.ts';

/** What the stack's settings say unless the scenario says otherwise: written out once more here, on purpose. */
const DEFAULT_STUCK_SECONDS = 600;
/** By then a stall must have been told: the longest pace, a look, the diagnosis. */
const STALL_GRACE_SECONDS = 600;
/** Where ECS throttles the looks themselves, it is news only after so long (docs/operating.md): drains get on, slower. */
const THROTTLED_SECONDS = 1_200;
/** So many of its looks must have been throttled in the stall: one or two are nothing. */
const LEAST_THROTTLED = 5;
/** More of one kind about one instance within an hour is noise, even where a machine died after some of them. */
const MOST_ALERTS_AN_HOUR = 10;

/** Watches what people are told: too often is as bad as never. */
export function watchAlerts(world: World, scenario: Scenario, violate: Violate) {
  /** By instance, when people were told something that explains why it does not get on. */
  const stuckTold = new Map<string, number[]>();
  /** By instance and kind, within the last hour. */
  const told = new Map<string, number[]>();
  /** By execution, when ECS throttled it. */
  const throttled = new Map<string, number[]>();
  const now = (): number => world.clock.nowSeconds();

  world.on((event) => {
    if (event.kind === 'call' && event.error === 'ThrottlingException' && event.service === 'ecs' && event.by)
      throttled.set(event.by, [...(throttled.get(event.by) ?? []), now()]);
    if (event.kind !== 'published') return;
    const { instanceId, kind } = event.attributes;
    if (instanceId === undefined || kind === undefined) return;
    const key = `${instanceId} ${kind}`;
    const times = [...(told.get(key) ?? []), now()].filter((at) => at > now() - 3_600);
    told.set(key, times);
    if (times.length === MOST_ALERTS_AN_HOUR + 1) {
      violate('nagging', instanceId, `people were told ${kind} ${times.length} times within an hour`);
    }
    if (kind !== 'stuck' && kind !== 'paused' && kind !== 'observed') return;
    stuckTold.set(instanceId, [...(stuckTold.get(instanceId) ?? []), now()]);
  });

  return {
    judgeStall({ instanceId, longestStall: { fromSeconds, toSeconds } }: Departure): void {
      const seen = [...throttled].flatMap(([name, times]) => (name.startsWith(`${instanceId}-`) ? times : []));
      const isThrottled = seen.filter((at) => at >= fromSeconds && at <= toSeconds).length >= LEAST_THROTTLED;
      const setting = Number(scenario.settings['STUCK_AFTER_SECONDS'] ?? DEFAULT_STUCK_SECONDS);
      const stuckAfter = isThrottled ? Math.max(setting, THROTTLED_SECONDS) : setting;
      // Who was told within the hour before is not told again of the same.
      const isTold = (stuckTold.get(instanceId) ?? []).some((at) => at >= fromSeconds - 3_600 && at <= toSeconds);
      if (toSeconds - fromSeconds <= stuckAfter + STALL_GRACE_SECONDS || isTold) return;
      const seconds = Math.round(toSeconds - fromSeconds);
      violate('silent-stall', instanceId, `nothing changed for ${seconds} s, and nobody was told`);
    },
  };
}
