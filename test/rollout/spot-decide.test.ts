import { describe, expect, it } from 'vitest';
import { NEW, OLD, policy, slot, target } from './builders.ts';
import type { Script } from './spot-world.ts';
import { COPY, isAsBefore, OLD_FLEET, playSpot } from './spot-world.ts';

const kindsOf = ({ trace }: { trace: readonly string[] }) => trace.filter((kind) => kind !== 'look');

describe('the rollout of a Spot Fleet', () => {
  it('has a copy at work first, drains every old instance, lists again, cancels, verifies and promotes', () => {
    const played = playSpot();
    const { result, moves, world, promoted, alerts } = played;

    expect(result).toMatchObject({ outcome: 'rolled', because: expect.stringContaining('4 instances') });
    expect([...new Set(kindsOf(played))]).toEqual([
      'make-version',
      'copy',
      'alert',
      'set-target',
      'drain',
      'cancel',
      'promote',
    ]);
    expect(moves.find((move) => move.kind === 'copy')).toMatchObject({
      fleetId: OLD_FLEET,
      images: [{ at: 0, template: { templateId: 'lt-0a', version: '4' } }],
    });
    expect(world).toMatchObject({ copies: 1, harm: [], old: { state: 'cancelled_terminating', targetCapacity: 0 } });
    expect(promoted).toEqual([NEW]);
    expect(alerts.map(({ kind }) => kind)).toEqual(['rollout-started']);
  });

  it('lists once more after a quiet while, between the last drain and the cancelling', () => {
    const { moves } = playSpot();
    const cancelled = moves.findIndex((move) => move.kind === 'cancel');
    expect(moves[cancelled - 1]).toMatchObject({ kind: 'look', emptied: ['i-0old0', 'i-0old1', 'i-0old2', 'i-0old3'] });
  });

  it('drains an instance too that the list shows only after all the others were drained', () => {
    const { result, moves, world } = playSpot({ late: { ids: ['i-0late'], afterMinutes: 13 } });
    expect(moves).toContainEqual(expect.objectContaining({ kind: 'drain', instances: ['i-0late'] }));
    expect(world.harm).toEqual([]);
    expect(result.outcome).toBe('rolled');
  });

  it('does not take a list that is out of date for an empty fleet', () => {
    const { result, world, moves } = playSpot({ unlistedMinutes: 40 });
    expect(result.outcome).toBe('rolled');
    expect(world.harm).toEqual([]);
    expect(moves.filter((move) => move.kind === 'drain').length).toBeGreaterThan(0);
  });

  it('drains more than ten instances in steps of ten, and asks after each of them', () => {
    const { result, moves, world } = playSpot({ size: 37, drainMinutes: 25 });
    const asked = moves.flatMap((move) => (move.kind === 'drain' ? [move.instances] : []));
    expect(Math.max(...asked.map(({ length }) => length))).toBe(10);
    expect(new Set(asked.flat()).size).toBe(37);
    expect(world.harm).toEqual([]);
    expect(result.outcome).toBe('rolled');
  });

  it('promotes the image that it has verified, not the one that its source names by then', () => {
    const newer = { ...target, version: '2023.0.20261201', imageId: 'ami-0ddddddddddddddd4' };
    const { result, promoted } = playSpot({ target: (at) => (at > 10 ? newer : target) });
    expect(result.outcome).toBe('rolled');
    expect(promoted).toEqual([NEW]);
  });

  it('promotes nothing that an empty fleet has proved', () => {
    const { result, promoted } = playSpot({ size: 0, facts: () => ({ images: {} }) });
    expect(result.outcome).toBe('rolled');
    expect(promoted).toEqual([]);
  });

  it('says so when the new fleet is not at work after the old one has gone', () => {
    let hasCancelled = false;
    const { result, alerts, minutes } = playSpot({
      // From the moment that the old fleet is cancelled.
      failing: (_, move) => {
        hasCancelled ||= move.kind === 'cancel';
        return undefined;
      },
      unsteady: () => (hasCancelled ? ['api'] : []),
    });
    expect(result).toMatchObject({ outcome: 'failed', because: expect.stringContaining('is not all at work') });
    expect(alerts.at(-1)).toMatchObject({ kind: 'rollout-failed' });
    expect(minutes).toBeLessThan(24 * 60);
  });
});

it.each([undefined, 'noTermination'] as const)(
  'a Spot Fleet that is taken back has its own policy for what is above its target again: %s',
  (excess) => {
    const played = playSpot({ ends: { 'i-0old1': 'forced' }, ...(excess && { excess }) });
    const set = played.moves.filter((move) => move.kind === 'set-target');
    expect(set.map(({ fleetId, capacity }) => [fleetId, capacity])).toEqual([
      [OLD_FLEET, 0],
      [OLD_FLEET, 4],
      [COPY, 0],
    ]);
    expect(played.world.old.excess).toBe(excess ?? 'default');
    // What the copy has above its target of zero is drained, not terminated.
    expect(played.world.copy?.excess).toBe('noTermination');
  },
);

describe('a Spot Fleet whose replacement goes wrong before the cancelling is as it was before', () => {
  const always = <T>(value: T) => Object.fromEntries(['i-0old0', 'i-0old1'].map((id) => [id, value]));
  const rows: readonly (readonly [string, Script, RegExp])[] = [
    ['no capacity comes', { comes: 0 }, /for an hour: the new fleet has 0 of 4/],
    ['not all of the capacity comes', { comes: 3 }, /3 of 4 units/],
    ['ECS never sees its instances', { agentNeverJoins: true }, /ECS has not seen i-0new0/],
    ['services do not become steady', { unsteady: (at) => (at > 3 ? ['api'] : []) }, /for an hour: api not steady/],
    [
      'a drain is forced',
      { ends: { 'i-0old1': 'forced' } },
      /drain of i-0old1 ended as forced; tasks were cut off on i-0old1/,
    ],
    ['a drain fails at its deadline', { ends: { 'i-0old2': 'failed' } }, /i-0old2 ended as failed/],
    ['the switch says observe', { ends: always('observed') }, /ended as observed/],
    ['somebody rejects it while the new fleet starts', { says: [{ atMinutes: 3, word: 'reject' }] }, /kim rejected it/],
    [
      'somebody cancels while it drains',
      { says: [{ atMinutes: 10, word: 'cancel' }], drainMinutes: 60 },
      /kim cancelled it/,
    ],
    ['somebody cancels after the drains', { says: [{ atMinutes: 18, word: 'cancel' }] }, /kim cancelled it/],
    [
      'somebody sets a drained instance ACTIVE',
      {
        meddles: {
          when: ({ old }) => [...old.instances.values()].every(({ busy }) => !busy),
          with: ({ old }) => Object.assign(old.instances.get('i-0old3') ?? {}, { status: 'ACTIVE', busy: true }),
        },
      },
      /i-0old3 was drained, and is in use again/,
    ],
  ];

  it.each(rows)('%s', (_, script, because) => {
    const played = playSpot(script);
    const { result, alerts, world, promoted } = played;
    expect(result).toMatchObject({ outcome: 'rolled-back', because: expect.stringMatching(because) });
    expect(isAsBefore(played)).toBe(true);
    expect(world.harm).toEqual([]);
    expect(promoted).toEqual([]);
    expect(alerts.at(-1)).toMatchObject({ kind: 'rolled-back' });
  });

  it('keeps a target that somebody changed meanwhile', () => {
    const played = playSpot({
      meddles: { when: ({ copy }) => copy !== undefined, with: ({ old }) => Object.assign(old, { targetCapacity: 6 }) },
    });
    expect(played.result).toMatchObject({
      outcome: 'rolled-back',
      because: expect.stringContaining('changed to 6 meanwhile'),
    });
    expect(played.world.old).toMatchObject({ targetCapacity: 6, state: 'active' });
  });

  it('sets an instance ACTIVE again whose drain begins only after all of it was called off', () => {
    let lost = true;
    const played = playSpot({
      says: [{ atMinutes: 7, word: 'cancel' }],
      drainMinutes: 60,
      failing: (_, move) => {
        if (move.kind !== 'drain' || !lost) return undefined;
        lost = false;
        return 'after';
      },
    });
    expect(played.result.outcome).toBe('rolled-back');
    expect(isAsBefore(played)).toBe(true);
  });
});

describe('a Spot Fleet that cannot be brought back is told to people, and nothing more is ended', () => {
  it.each<[string, Script, string, RegExp]>([
    [
      'the new fleet cannot be emptied',
      { ends: { 'i-0old0': 'failed', 'i-0new2': 'failed' } },
      'mixed',
      /sfr-0copy could not be emptied: the drain of i-0new2/,
    ],
    [
      'somebody else cancels the old fleet',
      {
        meddles: {
          when: (_, at) => at > 8,
          with: ({ old }) => Object.assign(old, { state: 'cancelled_running' }),
        },
        drainMinutes: 30,
      },
      'failed',
      /somebody else ended the old fleet meanwhile; sfr-0copy has 4 of 4/,
    ],
    [
      'somebody else cancels the new fleet',
      {
        meddles: {
          when: ({ copy }, at) => copy !== undefined && at > 8,
          with: ({ copy }) => Object.assign(copy ?? {}, { state: 'cancelled_running' }),
        },
        drainMinutes: 30,
      },
      'mixed',
      /EC2 or somebody cancelled sfr-0copy; the old fleet is as it was, but instances of sfr-0copy may still run/,
    ],
  ])('%s', (_, script, outcome, because) => {
    const { result, alerts, world } = playSpot(script);
    expect(result).toMatchObject({ outcome, because: expect.stringMatching(because) });
    expect(alerts.at(-1)).toMatchObject({ kind: 'rollout-failed' });
    expect(world.harm).toEqual([]);
  });
});

describe('a Spot Fleet is not begun', () => {
  it.each<[string, Script, string, string]>([
    [
      'with a scalable target',
      { facts: () => ({ bound: ['a scalable target looks after its capacity'] }) },
      'blocked',
      'scalable',
    ],
    ['with an end', { facts: () => ({ bound: ['it ends at noon'] }) }, 'blocked', 'it ends'],
    ['that CloudFormation made', { facts: () => ({ bound: ['CloudFormation made it'] }) }, 'blocked', 'CloudFormation'],
    ['with wrong tags', { facts: () => ({ policy: { mistakes: ['ecs-drain:wave is "x"'] } }) }, 'blocked', 'tags'],
    [
      'with launch specifications',
      { facts: () => ({ launch: 'specifications' as const }) },
      'blocked',
      'launch specifications',
    ],
    [
      'whose template its owner keeps',
      { facts: () => ({ policy: policy({ 'ecs-drain:template': 'keep' }) }) },
      'blocked',
      'its owner has to change it',
    ],
    ['whose new version AWS finds wrong', { templateWarning: 'no such key pair' }, 'blocked', 'no such key pair'],
    ['whose source names another image', { target: () => ({ ...target, imageId: OLD }) }, 'superseded', 'by now'],
    [
      'that runs the image already',
      { facts: () => ({ slots: [slot({ at: 0, imageId: NEW, version: target.version })], images: { [NEW]: 4 } }) },
      'up-to-date',
      'already',
    ],
    ['that somebody cancelled', { says: [{ atMinutes: 0, word: 'cancel' }] }, 'cancelled', 'kim'],
    [
      'that is being ended',
      { meddles: { when: () => true, with: ({ old }) => Object.assign(old, { state: 'cancelled_running' }) } },
      'failed',
      'no such fleet',
    ],
  ])('%s', (_, script, outcome, because) => {
    const { result, world, alerts } = playSpot(script);
    expect(result).toMatchObject({ outcome, because: expect.stringContaining(because) });
    expect(world.copies).toBe(0);
    const isTold = outcome === 'blocked' || outcome === 'failed';
    expect(alerts).toHaveLength(isTold ? 1 : 0);
  });

  it('while it is not steady: people hear of it after an hour, and that it is over', () => {
    const { result, alerts, minutes } = playSpot({ unsteady: (at) => (at < 90 ? ['api'] : []) });
    expect(result.outcome).toBe('rolled');
    expect(minutes).toBeGreaterThan(90);
    expect(alerts.map(({ kind }) => kind)).toEqual(['rollout-waiting', 'resolved', 'rollout-started']);
    expect(alerts[1]?.resolves).toEqual(['rollout-waiting']);
  });
});

describe('a Spot Fleet with a window', () => {
  const policyOf = (window: string) => policy({ 'ecs-drain:window': window });

  it('is begun within it, also where something stood in the way while it was open', () => {
    const { result, minutes } = playSpot({
      facts: () => ({ policy: policyOf('09:00-12:00 UTC') }),
      unsteady: (at) => (at < 300 ? ['api'] : []),
    });
    expect(result.outcome).toBe('rolled');
    expect(minutes).toBeGreaterThan(1_440);
    expect(minutes).toBeLessThan(1_500);
  });

  it('is given a day from when something came in its way, not from its order', () => {
    const { result } = playSpot({
      facts: () => ({ policy: policyOf('Thu 09:00-12:00 UTC') }),
      unsteady: (at) => (at > 4_320 && at < 4_400 ? ['api'] : []),
    });
    expect(result.outcome).toBe('rolled');
    const never = playSpot({
      facts: () => ({ policy: policyOf('Thu 09:00-12:00 UTC') }),
      unsteady: (at) => (at > 4_320 ? ['api'] : []),
    });
    expect(never.result).toMatchObject({ outcome: 'blocked', because: expect.stringContaining('for a day') });
    expect(never.minutes).toBeGreaterThan(4_320 + 1_380);
    expect(never.world.copies).toBe(0);
  });

  it.each([
    ['notify', 'asks only to be told'],
    ['approve', 'nobody has given one'],
  ])('is not begun where its tag says %s when it opens', (mode, because) => {
    const { result, world } = playSpot({
      facts: (at) => ({
        policy: policy({ 'ecs-drain:ami': at < 600 ? 'auto' : mode, 'ecs-drain:window': '20:00-23:00 UTC' }),
      }),
    });
    expect(result).toMatchObject({ outcome: 'blocked', because: expect.stringContaining(because) });
    expect(world.copies).toBe(0);
  });

  it('has fourteen days from its copy, not from its order', () => {
    const { result, minutes } = playSpot({
      facts: () => ({ policy: policyOf('Mon 08:30-10:00 UTC') }),
      unsteady: (at) => (at < 60 || (at > 10_000 && at < 10_140) ? ['api'] : []),
    });
    expect(result.outcome).toBe('rolled');
    expect(minutes).toBeGreaterThan(13.9 * 1_440);
  });

  it('tells what stands in its way after an hour of it', () => {
    const { alerts } = playSpot({
      facts: () => ({ policy: policyOf('21:00-23:00 UTC') }),
      unsteady: (at) => (at > 300 && at < 306 ? ['api'] : []),
    });
    expect(alerts.map(({ kind }) => kind)).toEqual(['rollout-started']);
  });

  it('has not failed all the time since where its looks fail for minutes two days later', () => {
    const { result } = playSpot({
      facts: () => ({ policy: policyOf('Mon 09:00-09:03 UTC') }),
      failing: (_, { kind }, at) => {
        const fails = kind === 'copy' ? at < 10 : kind === 'look' && at > 2_880 && at < 2_885;
        return fails ? 'refused' : undefined;
      },
    });
    expect(result.outcome).toBe('rolled');
  });
});

describe('a Spot Fleet whose copy is taken back', () => {
  it('drains the instances of the copy only when they have joined ECS: before, there is nothing to drain', () => {
    const { moves, result, world } = playSpot({
      // EC2 lists them from minute 4 on.
      joinsAtMinutes: 9,
      says: [{ atMinutes: 5, word: 'cancel' }],
    });
    expect(result.outcome).toBe('rolled-back');
    expect(world.harm).toEqual([]);
    expect(moves.filter(({ kind }) => kind === 'drain').length).toBeGreaterThan(0);
  });
});

describe('a Spot Fleet of two hundred', () => {
  it.each<[string, Script, string]>([
    ['is rolled', {}, 'rolled'],
    ['is taken back', { ends: { 'i-0old7': 'forced' } }, 'rolled-back'],
    ['is paused half-way, for ever', { says: [{ atMinutes: 9, word: 'pause' }] }, 'rolled-back'],
  ])('%s with fewer than 1,500 durable operations, and a few MB of history', (_, script, outcome) => {
    const { result, operations, bytes, world } = playSpot({ ...script, size: 200, drainMinutes: 120 });
    expect(result.outcome).toBe(outcome);
    expect(operations).toBeLessThan(1_500);
    expect(bytes).toBeLessThan(10_000_000);
    expect(world.harm).toEqual([]);
  });
});

describe('a Spot Fleet that is paused', () => {
  it.each([2, 5, 9, 17])('after %i minutes goes no further, and goes on when it is resumed', (atMinutes) => {
    const pause = { atMinutes, word: 'pause' } as const;
    const { result, world, minutes } = playSpot({ says: [pause, { atMinutes: 300, word: 'resume' }] });
    expect(result.outcome).toBe('rolled');
    expect(minutes).toBeGreaterThan(300);
    expect(world.harm).toEqual([]);
  });

  it('tells people that both fleets run, and that it is over', () => {
    const { alerts } = playSpot({
      says: [
        { atMinutes: 9, word: 'pause' },
        { atMinutes: 300, word: 'resume' },
      ],
    });
    expect(alerts.find(({ kind }) => kind === 'rollout-paused')?.because).toContain(`${COPY} run meanwhile`);
    expect(alerts).toContainEqual(expect.objectContaining({ kind: 'resolved', resolves: ['rollout-paused'] }));
  });

  it('for 14 days ends with an alert, under 1,500 durable operations', () => {
    for (const atMinutes of [0, 9]) {
      const { result, alerts, operations } = playSpot({ says: [{ atMinutes, word: 'pause' }] });
      expect(result.outcome).toBe(atMinutes === 0 ? 'cancelled' : 'rolled-back');
      expect(alerts.at(-1)?.because).toContain('14 days');
      expect(operations).toBeLessThan(1_500);
    }
  });
});

describe('a failed call', () => {
  const stories: readonly (readonly [string, Script, string])[] = [
    ['a rollout', {}, 'rolled'],
    ['a rollout of twelve', { size: 12 }, 'rolled'],
    ['one that is taken back', { ends: { 'i-0old1': 'forced' } }, 'rolled-back'],
    ['one whose capacity never comes', { comes: 1 }, 'rolled-back'],
    ['one that somebody cancels', { says: [{ atMinutes: 10, word: 'cancel' }], drainMinutes: 60 }, 'rolled-back'],
  ];
  for (const when of ['before', 'after', 'refused', 'invalid'] as const) {
    it.each(stories)(`of %s changes nothing about its end, its effect ${when}`, (_, script, outcome) => {
      const calm = playSpot(script);
      for (let n = 1; n <= calm.trace.length; n++) {
        const played = playSpot({ ...script, failing: (call) => (call === n ? when : undefined) });
        expect([n, played.result.outcome, played.world.copies, played.world.harm]).toEqual([n, outcome, 1, []]);
        if (outcome === 'rolled-back') expect([n, isAsBefore(played)]).toEqual([n, true]);
      }
    });
  }

  it('leaves no copy behind whose answer was lost when somebody cancels', () => {
    let lost = true;
    const played = playSpot({
      says: [{ atMinutes: 0.05, word: 'cancel' }],
      failing: (_, move) => {
        if (move.kind !== 'copy' || !lost) return undefined;
        lost = false;
        return 'after';
      },
    });
    expect(played.result.outcome).toBe('rolled-back');
    expect(isAsBefore(played)).toBe(true);
  });

  it.each(['copy', 'set-target', 'drain', 'cancel', 'activate', 'promote'] as const)(
    'that fails for ever, %s, is told after an hour, and ends with an alert, under 1,500 durable operations',
    (kind) => {
      for (const when of ['before', 'refused', 'invalid'] as const) {
        const isActivating = kind === 'activate' ? { ends: { 'i-0old1': 'forced' } } : {};
        const played = playSpot({ ...isActivating, failing: (_, move) => (move.kind === kind ? when : undefined) });
        expect(played.alerts.map((alert) => alert.kind)).toContain('rollout-stuck');
        expect(played.alerts.at(-1)).toMatchObject({
          kind: 'rollout-failed',
          because: expect.stringMatching(/socket hang up/),
        });
        expect(played.world.harm).toEqual([]);
        expect(played.operations).toBeLessThan(1_500);
      }
    },
  );
});
