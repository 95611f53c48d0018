import { describe, expect, it } from 'vitest';
import { readScenario } from '../../sim/run.ts';
import type { Scenario, ScenarioEvent } from '../../sim/scenario.ts';
import type { Hands, StandIn } from './stand-in.ts';
import { oldFleet, PREFERENCES, refresh, rulesBrokenBy } from './stand-in.ts';

/** Rules about when a fleet may be begun with and what may rest on it, broken like those in audit-rollouts.test.ts. */

const SOURCE = 'al2023/x86_64';
/** When the release of the scenarios is announced, and a stand-in begins. */
const BEGINS_SECONDS = 3_600;

const start = ({ groups, act }: Pick<Hands, 'groups' | 'act'>, group = 'web-asg'): Promise<void> =>
  act(() => groups.startRefresh(group, undefined, PREFERENCES));

const later =
  (seconds: number, then: StandIn): StandIn =>
  async (hands) => {
    if (seconds > 0) await hands.durable.wait('wait', seconds);
    await then(hands);
  };

const tagged = (scenario: Scenario, tags: Readonly<Record<string, string>>): Scenario => ({
  ...scenario,
  clusters: scenario.clusters.map((cluster) => ({ ...cluster, tags: { ...cluster.tags, ...tags } })),
});
const withEvents = (scenario: Scenario, ...events: readonly ScenarioEvent[]): Scenario => ({
  ...scenario,
  events: [...scenario.events, ...events],
});
const say = (atSeconds: number, word: 'approve' | 'pause' | 'resume') => ({ atSeconds, say: { source: SOURCE, word } });

describe('the audit sees a rollout that', () => {
  it('takes an approval of one release for that of another', async () => {
    const scenario = withEvents(
      readScenario('rollout-approved'),
      { atSeconds: 12_000, release: { family: SOURCE } },
      { atSeconds: 12_000, rollOut: { source: SOURCE } },
    );
    let count = 0;
    const approvedBefore: StandIn = async (hands) => {
      count += 1;
      if (count === 1) await hands.durable.wait('wait', 9_000);
      else await start(hands);
    };
    expect(await rulesBrokenBy(approvedBefore, scenario)).toEqual(new Set(['touched-unasked']));
    expect(await rulesBrokenBy(later(9_000, start), scenario)).toContain('touched-unasked');
    expect(await rulesBrokenBy(later(9_000, start), withEvents(scenario, say(14_000, 'approve')))).toEqual(new Set());
  });

  // A scenario begins on a Thursday at midnight in UTC, one o'clock in Berlin.
  it.each<[window: string, seconds: number, isOpen: boolean]>([
    ['04:00-06:00 Europe/Berlin', 0, false],
    ['02:00-04:00 Europe/Berlin', 0, true],
    ['Thu 02:00-04:00 Europe/Berlin', 0, true],
    ['Fri-Wed 02:00-04:00 Europe/Berlin', 0, false],
    ['Wed 22:00-05:00 Europe/Berlin', 0, true],
    ['Thu 22:00-05:00 Europe/Berlin', 0, false],
    ['Mon-Fri 22:00-05:00 Europe/Berlin', 0, true],
    // It was begun with while the window was open still; and much too late for that.
    ['01:30-02:05 Europe/Berlin', 600, true],
    ['01:30-02:05 Europe/Berlin', 3_600, false],
  ])('begins outside of the window %s, %i s later (open: %s)', async (window, seconds, isWithin) => {
    const scenario = tagged(readScenario('rollout-auto'), { 'ecs-drain:window': window });
    const rules = isWithin ? [] : ['out-of-window'];
    expect(await rulesBrokenBy(later(seconds, start), scenario)).toEqual(new Set(rules));
  });

  it('begins before the release is as old as the tag wants it; but not where somebody approved it', async () => {
    const scenario = tagged(readScenario('rollout-auto'), { 'ecs-drain:minimum-age': '2h' });
    expect(await rulesBrokenBy(start, scenario)).toEqual(new Set(['too-young']));
    expect(await rulesBrokenBy(later(7_200, start), scenario)).toEqual(new Set());
    const approved = withEvents(scenario, say(BEGINS_SECONDS + 100, 'approve'));
    expect(await rulesBrokenBy(later(300, start), approved)).toEqual(new Set());
  });

  it('begins with a fleet before those of earlier waves are done', async () => {
    const scenario = readScenario('rollout-waves');
    const stage: StandIn = (hands) => start(hands, 'stage-asg');
    expect(await rulesBrokenBy((hands) => start(hands, 'dev-asg'), scenario)).toEqual(new Set());
    expect(await rulesBrokenBy(stage, scenario)).toEqual(new Set(['out-of-turn']));
    const notified = scenario.clusters.map((cluster) =>
      cluster.group === 'dev-asg' ? { ...cluster, tags: { ...cluster.tags, 'ecs-drain:ami': 'notify' } } : cluster,
    );
    expect(await rulesBrokenBy(stage, { ...scenario, clusters: notified })).toEqual(new Set());
    const elsewhere = scenario.clusters.map((cluster) =>
      cluster.group === 'dev-asg' ? { ...cluster, image: 'bottlerocket-2/x86_64' as const } : cluster,
    );
    expect(await rulesBrokenBy(stage, { ...scenario, clusters: elsewhere })).toEqual(new Set());
  });

  it('begins in a pause, and not where somebody has resumed it', async () => {
    const paused = withEvents(readScenario('rollout-auto'), say(BEGINS_SECONDS + 100, 'pause'));
    expect(await rulesBrokenBy(later(600, start), paused)).toEqual(new Set(['begun-in-pause']));
    // Its look may have been a moment before that.
    expect(await rulesBrokenBy(later(200, start), paused)).toEqual(new Set());
    const resumed = withEvents(paused, say(BEGINS_SECONDS + 400, 'resume'));
    expect(await rulesBrokenBy(later(900, start), resumed)).toEqual(new Set());
  });

  it('begins while a service of its cluster lacks tasks', async () => {
    const scenario = readScenario('rollout-auto');
    const clusters = scenario.clusters.map((cluster) => ({ ...cluster, instances: 2 }));
    expect(await rulesBrokenBy(start, { ...scenario, clusters })).toContain('begun-unsteady');
    expect(await rulesBrokenBy(start, scenario)).toEqual(new Set());
  });

  it('writes for others to follow what nothing runs, what not all of it runs, or what ECS does not know', async () => {
    const promote: StandIn = async ({ source, parameters, region, act }) => {
      // What is written is told of to whoever follows it, and that would be we again.
      if (source !== SOURCE) return;
      await act(() => parameters.writeParameter(`/ecs-drain/verified/${SOURCE}`, region.amis.recommended(SOURCE).id));
    };
    const scenario = readScenario('rollout-auto');
    expect(await rulesBrokenBy(promote, scenario)).toEqual(new Set(['promoted-unverified']));
    const rolling =
      (seconds: number): StandIn =>
      async (hands) => {
        if (hands.source !== SOURCE) return;
        await refresh(hands, { ...PREFERENCES, checkpointDelaySeconds: 600 });
        await hands.durable.wait('wait', seconds);
        await promote(hands);
      };
    expect(await rulesBrokenBy(rolling(60), scenario)).toContain('promoted-unverified');
    expect(await rulesBrokenBy(rolling(7_200), scenario)).toEqual(new Set());
    const bad = scenario.events.map((event) => ({
      ...event,
      ...(event.release && { release: { ...event.release, flaw: 'agent-never-joins' as const } }),
    }));
    const idle = scenario.clusters.map((cluster) => ({ ...cluster, services: [] }));
    expect(await rulesBrokenBy(rolling(7_200), { ...scenario, events: bad, clusters: idle })).toContain(
      'promoted-unverified',
    );
  });

  it('takes an old Spot Fleet away before its copy is at work, or in a pause', async () => {
    const scenario = readScenario('rollout-spot-fleet');
    const replacing =
      (seconds: number, isCopied = true): StandIn =>
      async ({ spotFleets, region, act, durable }) => {
        const old = oldFleet(region);
        if (isCopied) await act(() => spotFleets.copyFleet(old, [], 'one', {}));
        if (seconds > 0) await durable.wait('wait', seconds);
        await act(() => spotFleets.setTarget(old, 0));
      };
    expect(await rulesBrokenBy(replacing(0, false), scenario)).toEqual(new Set(['copy-not-at-work']));
    expect(await rulesBrokenBy(replacing(60), scenario)).toEqual(new Set(['copy-not-at-work']));
    expect(await rulesBrokenBy(replacing(600), scenario)).toEqual(new Set());
    const paused = withEvents(scenario, say(BEGINS_SECONDS + 100, 'pause'));
    expect(await rulesBrokenBy(replacing(600), paused)).toEqual(new Set(['begun-in-pause']));
    const givingUp: StandIn = async ({ spotFleets, region, act, durable }) => {
      await act(() => spotFleets.copyFleet(oldFleet(region), [], 'one', {}));
      await durable.wait('wait', 600);
      await act(() => spotFleets.setTarget([...region.spotFleets.fleets.keys()].at(-1) ?? '', 0));
    };
    expect(await rulesBrokenBy(givingUp, paused)).toEqual(new Set());
  });
});
