import { describe, expect, it } from 'vitest';
import type { Region } from '../../sim/region.ts';
import { readScenario } from '../../sim/run.ts';
import type { RefreshPreferences } from '../../src/rollout/ports.ts';
import type { StandIn } from './stand-in.ts';
import { newVersion, oldFleet, PREFERENCES, refresh, rulesBrokenBy } from './stand-in.ts';

/** Each rule about rollouts, broken by a program that does the wrong thing on purpose, in place of our function. */

/** The request that a release makes for the group, as far as the audit reads it. */
function orderOf({ amis }: Region) {
  const imageId = amis.recommended('al2023/x86_64').id;
  const request = { kind: 'fleet', fleet: 'group/web-asg', imageId };
  return {
    FunctionName: 'ecs-drain-ami-update:durable',
    InvocationType: 'Event',
    DurableExecutionName: 'a-fleet',
    Payload: new TextEncoder().encode(JSON.stringify(request)),
  };
}

/** Rolls as far as the first checkpoint, and stops there. */
const halfway: StandIn = async (hands) => {
  const { groups, durable, act } = hands;
  await refresh(hands, PREFERENCES);
  await durable.wait('wait', 1_200);
  await act(() => groups.cancelRefresh('web-asg'));
  await durable.wait('wait', 600);
};

describe('the audit sees a rollout that', () => {
  it('touches a group whose tag does not ask for it, or for which nobody has given the word', async () => {
    const touching =
      (group: string): StandIn =>
      ({ groups, act }) =>
        act(() => groups.startRefresh(group, undefined, PREFERENCES));
    const untagged = readScenario('rollout-untagged');
    expect(await rulesBrokenBy(touching('other-asg'), untagged)).toEqual(new Set(['touched-unasked']));
    expect(await rulesBrokenBy(touching('web-asg'), untagged)).toEqual(new Set());
    expect(await rulesBrokenBy(touching('web-asg'), readScenario('rollout-refused'))).toContain('touched-unasked');
    const late: StandIn = async (hands) => {
      await hands.durable.wait('wait', 9_000);
      await touching('web-asg')(hands);
    };
    expect(await rulesBrokenBy(late, readScenario('rollout-approved'))).toEqual(new Set());
  });

  it("writes into a template that is its owner's", async () => {
    expect(await rulesBrokenBy(halfway, readScenario('rollout-keep'))).toContain('touched-unasked');
  });

  it('leaves a group on two images and tells nobody; and is content when somebody is told', async () => {
    const scenario = readScenario('rollout-auto');
    expect(await rulesBrokenBy(halfway, scenario)).toEqual(new Set(['mixture-untold']));
    const telling =
      (kind: string): StandIn =>
      async (hands) => {
        await halfway(hands);
        await hands.tell(kind, { fleet: 'group/web-asg' });
      };
    expect(await rulesBrokenBy(telling('rollout-started'), scenario)).toEqual(new Set(['mixture-untold']));
    expect(await rulesBrokenBy(telling('rollout-failed'), scenario)).toEqual(new Set());
  });

  it('goes on to a second instance while ECS has not seen the first, or without waiting for it', async () => {
    const bad = readScenario('rollout-bad-image');
    const rolling =
      (preferences: Partial<RefreshPreferences>): StandIn =>
      async (hands) => {
        await refresh(hands, { ...PREFERENCES, ...preferences });
        await hands.durable.wait('wait', 9_000);
      };
    expect(await rulesBrokenBy(rolling({ checkpointDelaySeconds: 900 }), bad)).toContain('went-on-unjoined');
    expect(await rulesBrokenBy(rolling({ checkpoints: [] }), bad)).toContain('went-on-unjoined');
    // Nothing is taken away at the first checkpoint but one instance, and it lasts an hour.
    const patient: StandIn = async (hands) => {
      await refresh(hands, PREFERENCES);
      await hands.durable.wait('wait', 1_800);
      await hands.act(() => hands.groups.cancelRefresh('web-asg'));
      await hands.tell('rollout-failed', { fleet: 'group/web-asg' });
      await hands.durable.wait('wait', 9_000);
    };
    expect(await rulesBrokenBy(patient, bad)).not.toContain('went-on-unjoined');
    const auto = readScenario('rollout-auto');
    expect(await rulesBrokenBy(rolling({ checkpointDelaySeconds: 900 }), auto)).toEqual(new Set());
    // In a group of one, the new instance must be at work before the old one goes.
    const alone = {
      ...bad,
      clusters: bad.clusters.map((cluster) => ({ ...cluster, instances: 1, instanceCpu: 4_096 })),
    };
    const warm = { checkpoints: [], maxHealthyPercent: 200, warmupSeconds: 900 };
    expect(await rulesBrokenBy(rolling(warm), alone)).toContain('went-on-unjoined');
    const well = { ...alone, events: auto.events };
    expect(await rulesBrokenBy(rolling(warm), well)).toEqual(new Set());
  });

  it('calls a group rolled that is not, in service or in its warm pool', async () => {
    /** Says of the group, so long after the refresh was begun, that it is rolled. */
    const claiming =
      (afterSeconds: number, preferences: Partial<RefreshPreferences> = {}): StandIn =>
      async (hands) => {
        const { event, region, durable, act } = hands;
        if ((event as { readonly kind: string }).kind === 'fleet') return;
        await refresh(hands, { ...PREFERENCES, checkpointDelaySeconds: 600, ...preferences });
        await durable.wait('wait', afterSeconds);
        await act(async () => region.lambda.operations['Invoke']?.(orderOf(region)));
        await durable.wait('wait', 9_000);
      };
    const scenario = readScenario('rollout-auto');
    expect(await rulesBrokenBy(claiming(300), scenario)).toEqual(new Set(['rolled-untrue']));
    expect(await rulesBrokenBy(claiming(3_600), scenario)).toEqual(new Set());
    const bad = readScenario('rollout-bad-image');
    expect(await rulesBrokenBy(claiming(7_000), bad)).toContain('rolled-untrue');
    const pool = readScenario('rollout-warm-pool');
    expect(await rulesBrokenBy(claiming(900), pool)).toContain('rolled-untrue');
    expect(await rulesBrokenBy(claiming(3_600), pool)).toEqual(new Set());
  });

  it('does not end', async () => {
    const scenario = { ...readScenario('rollout-auto'), durationSeconds: 9_000 };
    const asleep: StandIn = ({ durable }) => durable.wait('wait', 86_400);
    expect(await rulesBrokenBy(asleep, scenario)).toEqual(new Set(['rollout-unfinished']));
  });

  it('makes two copies of one Spot Fleet, and gives none of them up when it could have noticed', async () => {
    const copies =
      (tokens: readonly string[], givesUpAfterSeconds?: number): StandIn =>
      async ({ spotFleets, region, act, durable }) => {
        for (const token of tokens) await act(() => spotFleets.copyFleet(oldFleet(region), [], token, {}));
        if (givesUpAfterSeconds === undefined) return;
        await durable.wait('wait', givesUpAfterSeconds);
        const newest = [...region.spotFleets.fleets.keys()].at(-1) ?? '';
        await act(() => spotFleets.setTarget(newest, 0));
      };
    const scenario = readScenario('rollout-spot-fleet');
    expect(await rulesBrokenBy(copies(['one']), scenario)).toEqual(new Set());
    expect(await rulesBrokenBy(copies(['one', 'two']), scenario)).toEqual(new Set(['two-rollouts']));
    expect(await rulesBrokenBy(copies(['one', 'two'], 600), scenario)).toEqual(new Set());
    expect(await rulesBrokenBy(copies(['one', 'two'], 2_400), scenario)).toEqual(new Set(['two-rollouts']));
  });

  it('works on a group at which another one works, or turns what another one began', async () => {
    const scenario = readScenario('rollout-auto');
    const start: StandIn = ({ groups, act }) => act(() => groups.startRefresh('web-asg', undefined, PREFERENCES));
    const cancel: StandIn = ({ groups, act }) => act(() => groups.cancelRefresh('web-asg'));
    const write: StandIn = async (hands) => void (await newVersion(hands));
    /** The first starts a refresh, and is at it for so long; a minute later there is a second one. */
    const beside = (seconds: number, second: StandIn): StandIn => {
      let count = 0;
      return async (hands) => {
        count += 1;
        if (count > 1) {
          await hands.durable.wait('wait', 60);
          return second(hands);
        }
        await start(hands);
        await hands.act(async () => hands.region.rollOut('al2023/x86_64', undefined));
        await hands.durable.wait('wait', seconds);
      };
    };
    for (const second of [start, cancel, write])
      expect(await rulesBrokenBy(beside(3_000, second), scenario)).toEqual(new Set(['two-rollouts']));
    // The first one has ended, and its refresh has not.
    expect(await rulesBrokenBy(beside(1, cancel), scenario)).toEqual(new Set(['two-rollouts']));
    expect(await rulesBrokenBy(beside(1, start), scenario)).toEqual(new Set());
    const patient: StandIn = async (hands) => {
      await hands.durable.wait('wait', 15_000);
      await start(hands);
      await cancel(hands);
    };
    expect(await rulesBrokenBy(beside(3_000, patient), scenario)).toEqual(new Set());
  });

  it('cancels a Spot Fleet under the tasks that run on it', async () => {
    const hasty: StandIn = ({ spotFleets, region, act }) => act(() => spotFleets.cancelFleet(oldFleet(region)));
    expect(await rulesBrokenBy(hasty, readScenario('rollout-spot-fleet'))).toEqual(
      new Set(['cancelled-undrained', 'cut-by-fleet', 'below-minimum', 'copy-not-at-work']),
    );
    const toldBefore: StandIn = async (hands) => {
      for (const instanceId of hands.region.instancesOf('spots')) await hands.tell('forced', { instanceId });
      await hands.act(() => hands.spotFleets.setTarget(oldFleet(hands.region), 0));
      await hasty(hands);
    };
    // That people heard of it does not bring the tasks back.
    expect(await rulesBrokenBy(toldBefore, readScenario('rollout-spot-fleet'))).toEqual(
      new Set(['below-minimum', 'copy-not-at-work']),
    );
  });

  it('replaces instances under their tasks; and not where somebody else does', async () => {
    const scenario = readScenario('rollout-undrained');
    const start: StandIn = ({ groups, act }) => act(() => groups.startRefresh('web-asg', undefined, PREFERENCES));
    const hasty: StandIn = async (hands) => {
      await start(hands);
      await hands.durable.wait('wait', 6_000);
    };
    expect(await rulesBrokenBy(hasty, scenario)).toEqual(new Set(['below-minimum']));
    const toldBefore: StandIn = async (hands) => {
      for (const instanceId of hands.region.instancesOf('web-asg')) await hands.tell('forced', { instanceId });
      await hasty(hands);
    };
    expect(await rulesBrokenBy(toldBefore, scenario)).toEqual(new Set(['below-minimum']));
    const others = { ...scenario, events: [...scenario.events, { atSeconds: 3_600, refresh: { group: 'web-asg' } }] };
    const idle: StandIn = ({ durable }) => durable.wait('wait', 6_000);
    expect(await rulesBrokenBy(idle, others)).toEqual(new Set());
  });

  it('replaces all instances by such as never join, so that their drains find no room and end by force', async () => {
    const blind: StandIn = async (hands) => {
      await refresh(hands, { ...PREFERENCES, minHealthyPercent: 0, maxHealthyPercent: 100, checkpoints: [] });
      await hands.durable.wait('wait', 9_000);
    };
    expect(await rulesBrokenBy(blind, readScenario('rollout-bad-image'))).toContain('below-minimum');
  });

  it('cancels an empty Spot Fleet whose target somebody has raised again', async () => {
    const raised =
      (target: number): StandIn =>
      async ({ spotFleets, durable, region, act }) => {
        await act(() => spotFleets.setTarget(oldFleet(region), 0));
        await durable.wait('wait', 60);
        for (const id of region.instancesOf('spots')) region.ec2.vanish(id, 'spot');
        // Nothing has been launched for it yet.
        await act(async () => {
          const fleet = region.spotFleets.fleets.get(oldFleet(region));
          if (fleet && target > 0) region.spotFleets.setTarget(fleet, target);
        });
        await act(() => spotFleets.cancelFleet(oldFleet(region)));
      };
    const scenario = readScenario('rollout-spot-fleet');
    expect(await rulesBrokenBy(raised(0), scenario)).not.toContain('cancelled-undrained');
    expect(await rulesBrokenBy(raised(3), scenario)).toContain('cancelled-undrained');
  });

  it('cancels a Spot Fleet whose tag its owner has taken away meanwhile', async () => {
    const cancelling =
      (atSeconds: number): StandIn =>
      async ({ spotFleets, durable, region, act }) => {
        await durable.wait('wait', atSeconds);
        for (const id of region.instancesOf('spots')) region.ec2.vanish(id, 'spot');
        await act(() => spotFleets.setTarget(oldFleet(region), 0));
        await act(() => spotFleets.cancelFleet(oldFleet(region)));
      };
    const scenario = readScenario('rollout-spot-opted-out');
    expect(await rulesBrokenBy(cancelling(1), scenario)).not.toContain('touched-unasked');
    expect(await rulesBrokenBy(cancelling(1_800), scenario)).toContain('touched-unasked');
  });

  it('drains a Spot Fleet that is to keep its instances', async () => {
    const draining =
      (...targets: number[]): StandIn =>
      async ({ spotFleets, ecs, durable, region, act }) => {
        for (const target of targets) {
          await act(() => spotFleets.setTarget(oldFleet(region), target));
          await durable.wait('wait', 60);
        }
        const [id = ''] = region.instancesOf('spots');
        await act(async () => {
          const arns = await ecs.findContainerInstances('web', id);
          await ecs.setStatus('web', arns.ok ? arns.value : [], 'DRAINING');
        });
      };
    const scenario = readScenario('rollout-spot-fleet');
    expect(await rulesBrokenBy(draining(), scenario)).toEqual(new Set(['drained-not-leaving']));
    expect(await rulesBrokenBy(draining(0), scenario)).not.toContain('drained-not-leaving');
    expect(await rulesBrokenBy(draining(0, 3), scenario)).toContain('drained-not-leaving');
  });
});
