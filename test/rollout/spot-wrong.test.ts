import { describe, expect, it } from 'vitest';
import { policy } from './builders.ts';
import type { Script, World } from './spot-world.ts';
import { isAsBefore, OLD_FLEET, playSpot } from './spot-world.ts';

/** What goes wrong around a Spot Fleet's rollout while nobody looks: other hands, late answers, and capacity that goes. */

const isZero = ({ old }: World) => old.targetCapacity === 0;
const raise =
  (targetCapacity: number) =>
  ({ old }: World) =>
    void Object.assign(old, { targetCapacity });
const interrupt = ({ old }: World) => void old.instances.delete('i-0old0');

describe('a target that somebody sets for the old fleet after our zero', () => {
  it.each([4, 6, 1])('is theirs: with %i the old fleet is kept, and has what they set', (target) => {
    const played = playSpot({ meddles: { when: (world, at) => isZero(world) && at > 8, with: raise(target) } });
    expect(played.result).toMatchObject({
      outcome: 'rolled-back',
      because: expect.stringContaining(`changed to ${target} meanwhile`),
    });
    expect(isAsBefore(played, target)).toBe(true);
    expect(played.world.harm).toEqual([]);
  });

  it('saves what was launched for it: nothing undrained is ended', () => {
    const { result, world } = playSpot({
      drainMinutes: 5,
      meddles: {
        when: (world, at) => isZero(world) && at > 8,
        with: raise(4),
        next: { when: () => true, with: interrupt },
      },
    });
    expect(result.outcome).toBe('rolled-back');
    expect(world.harm).toEqual([]);
    expect([...world.old.instances.keys()]).toContain('i-0more1');
  });

  it('is noticed in the last look before the cancelling', () => {
    let isDrained = false;
    const { result, world } = playSpot({
      // In the quiet after the last drain.
      failing: (_, move) => {
        isDrained ||=
          move.kind === 'drain' && isZero(world0) && [...world0.old.instances.values()].every(({ busy }) => !busy);
        return undefined;
      },
      meddles: {
        when: (world) => {
          world0 = world;
          return isDrained;
        },
        with: raise(4),
      },
    });
    expect(result.outcome).toBe('rolled-back');
    expect(world.harm).toEqual([]);
  });
  let world0: World;

  it('is told from one that EC2 shows late: that is waited for, and nothing is drained before', () => {
    const { result, moves, world } = playSpot({ lagMinutes: 7 });
    expect(result.outcome).toBe('rolled');
    expect(world.harm).toEqual([]);
    const kinds = moves.map(({ kind }) => kind);
    const looks = kinds.slice(kinds.indexOf('set-target'), kinds.indexOf('drain')).filter((kind) => kind === 'look');
    expect(looks.length).toBeGreaterThan(5);
  });

  it('is zero, and never shows: after an hour all is taken back', () => {
    const played = playSpot({ lagMinutes: 100_000 });
    expect(played.result).toMatchObject({
      outcome: 'rolled-back',
      because: expect.stringContaining('EC2 shows a target of 4 for the old fleet'),
    });
    expect(played.moves).not.toContainEqual(expect.objectContaining({ kind: 'drain', instances: ['i-0old0'] }));
  });
});

describe('the old fleet that is taken back', () => {
  it('has its instances activated in every cluster that a look has ever found, whatever the last one found', () => {
    const { moves, result } = playSpot({
      says: [{ atMinutes: 10, word: 'cancel' }],
      drainMinutes: 60,
      sees: (_, at) => ({ clusters: at < 3 ? ['web', 'batch'] : at < 9 ? ['web'] : [] }),
    });
    expect(result.outcome).toBe('rolled-back');
    expect(moves.find(({ kind }) => kind === 'activate')).toMatchObject({ clusters: ['web', 'batch'] });
  });

  it('is not said to be as it was while ECS has one of its instances DRAINING; people hear of it', () => {
    const stubborn: Script = {
      says: [{ atMinutes: 10, word: 'cancel' }],
      drainMinutes: 60,
      sees: ({ notActive, old }, at) => ({ notActive: at > 10 && old?.targetCapacity === 4 ? ['i-0old2'] : notActive }),
    };
    const { result, alerts, world, moves } = playSpot(stubborn);
    expect(result).toMatchObject({
      outcome: 'mixed',
      because: expect.stringContaining('i-0old2 of the old fleet was drained, and is not ACTIVE again'),
    });
    expect(alerts.map(({ kind }) => kind)).toEqual(['rollout-started', 'rollout-stuck', 'rollout-failed']);
    expect(moves.filter(({ kind }) => kind === 'activate').length).toBeGreaterThan(10);
    expect(world.copy?.state).toBe('active');
  });

  it('keeps the copy until a look has shown its target and its instances again', () => {
    const { moves, world, result } = playSpot({ ends: { 'i-0old1': 'forced' }, lagMinutes: 3 });
    expect(result.outcome).toBe('rolled-back');
    const back = moves.findIndex((move) => move.kind === 'set-target' && move.capacity === 4);
    const end = moves.findIndex((move) => move.kind === 'set-target' && move.fleetId !== OLD_FLEET);
    expect(moves.slice(back, end).filter(({ kind }) => kind === 'look').length).toBeGreaterThan(1);
    expect(world.harm).toEqual([]);
  });
});

describe('what fails for good before the cancelling is taken back', () => {
  it.each(['set-target', 'drain', 'cancel'] as const)('%s of the old fleet, after three days', (kind) => {
    for (const when of ['before', 'refused', 'invalid'] as const) {
      const played = playSpot({
        failing: (_, move) => {
          const isOfOld =
            move.kind === 'drain'
              ? move.instances[0]?.startsWith('i-0old')
              : 'fleetId' in move && move.fleetId === OLD_FLEET;
          const isZeroing = move.kind !== 'set-target' || move.capacity === 0;
          return move.kind === kind && isOfOld && isZeroing ? when : undefined;
        },
      });
      expect([when, played.result]).toMatchObject([
        when,
        { outcome: 'rolled-back', because: expect.stringMatching(/for 7\d h ec2:Some has answered/) },
      ]);
      expect(isAsBefore(played)).toBe(true);
      expect(played.alerts.map((alert) => alert.kind)).toContain('rollout-stuck');
      expect(played.world.harm).toEqual([]);
    }
  });

  it.each([
    ['taken away', { mistakes: ['it has not opted in'] }, 'it has not opted in'],
    ['set to notify', policy({ 'ecs-drain:ami': 'notify' }), 'it says notify'],
  ])('a tag that is %s meanwhile', (_, changed, because) => {
    for (const from of [2, 10]) {
      const played = playSpot({ drainMinutes: 30, facts: (at) => (at > from ? { policy: changed } : {}) });
      expect(played.result).toMatchObject({ outcome: 'rolled-back', because: expect.stringContaining(because) });
      expect(isAsBefore(played)).toBe(true);
      expect(played.minutes).toBeLessThan(120);
    }
  });
});

describe('a copy whose answer was lost, or that EC2 refused', () => {
  const until = (minutes: number, when: 'before' | 'invalid'): Script => ({
    failing: (_, move, at) => (move.kind === 'copy' && at < minutes ? when : undefined),
  });

  it.each(['reject', 'cancel', 'pause'] as const)('is not launched after somebody says %s', (word) => {
    for (const when of ['before', 'invalid'] as const) {
      const { world, result } = playSpot({ ...until(30, when), says: [{ atMinutes: 1, word }] });
      expect([when, world.copies]).toEqual([when, 0]);
      expect([when, result.outcome]).toEqual([when, 'cancelled']);
    }
  });

  it('is not launched where something forbids it by then', () => {
    for (const when of ['before', 'invalid'] as const) {
      const { world, result } = playSpot({ ...until(30, when), facts: (at) => (at > 1 ? { bound: ['it ends'] } : {}) });
      expect([when, world.copies, result.outcome]).toEqual([when, 0, 'blocked']);
    }
  });

  it('is found by its tag, and is the one that goes on', () => {
    let tries = 0;
    const { result, world } = playSpot({
      unseenMinutes: 0.5,
      failing: (_, move) => {
        if (move.kind !== 'copy') return undefined;
        tries += 1;
        return 'after';
      },
    });
    expect(result.outcome).toBe('rolled');
    expect(world.copies).toBe(1);
    expect(tries).toBe(1);
  });

  it('is found by its tag, and taken back, when somebody cancels', () => {
    const played = playSpot({
      unseenMinutes: 0.5,
      says: [{ atMinutes: 0.05, word: 'cancel' }],
      failing: (_, move) => (move.kind === 'copy' ? 'after' : undefined),
    });
    expect(played.result.outcome).toBe('rolled-back');
    expect(isAsBefore(played)).toBe(true);
  });

  it('goes on where the answer to the last cancel was lost, and asks for none a second time', () => {
    const { result, moves } = playSpot({ failing: (_, move) => (move.kind === 'cancel' ? 'after' : undefined) });
    expect(result.outcome).toBe('rolled');
    expect(moves.filter(({ kind }) => kind === 'cancel')).toHaveLength(1);
  });
});

describe('patience counts from when something came in the way', () => {
  const between = (from: number, to: number) => (at: number) => (at > from && at < to ? ['api'] : []);

  it.each([2, 3, 4, 8, 12, 14, 15, 16])(
    'not from a pause: paused at minute %i for hours, a blip of services is none',
    (at) => {
      const { result } = playSpot({
        drainMinutes: 5,
        says: [
          { atMinutes: at, word: 'pause' },
          { atMinutes: 300, word: 'resume' },
        ],
        unsteady: between(100, 104),
      });
      expect(result.outcome).toBe('rolled');
    },
  );

  it('and an instance of the copy that is interrupted in a pause, and replaced, is none', () => {
    const { result } = playSpot({
      drainMinutes: 5,
      says: [
        { atMinutes: 14, word: 'pause' },
        { atMinutes: 300, word: 'resume' },
      ],
      sees: ({ copy }, at) => (copy && at > 100 && at < 104 ? { copy: { ...copy, fulfilledCapacity: 3 } } : {}),
    });
    expect(result.outcome).toBe('rolled');
  });

  it('services that are not steady while it is paused, the old fleet untouched, are no reason to end it', () => {
    const { result, minutes } = playSpot({
      says: [
        { atMinutes: 5, word: 'pause' },
        { atMinutes: 300, word: 'resume' },
      ],
      unsteady: between(10, 320),
    });
    expect(result.outcome).toBe('rolled');
    expect(minutes).toBeGreaterThan(320);
  });

  it('but a copy that is lost while it is paused is taken back where the old fleet is drained', () => {
    const played = playSpot({
      drainMinutes: 5,
      says: [{ atMinutes: 9, word: 'pause' }],
      meddles: { when: (world, at) => isZero(world) && at > 20, with: ({ copy }) => copy?.instances.clear() },
    });
    expect(played.result).toMatchObject({ outcome: 'rolled-back', because: expect.stringContaining('0 of 4 units') });
    expect(isAsBefore(played)).toBe(true);
  });
});

describe('the copy is at work only with every instance', () => {
  const rows: readonly (readonly [string, NonNullable<Script['sees']>, RegExp])[] = [
    [
      'that EC2 lists',
      ({ copy, hosts }) =>
        copy
          ? { copy: { ...copy, instances: copy.instances.slice(0, 1), units: 1 }, hosts: { ...hosts, fresh: 1 } }
          : {},
      /of the new fleet 1 of 4 units of capacity are listed/,
    ],
    [
      'on an image that it launches',
      ({ copy, hosts }) => (copy ? { hosts: { ...hosts, fresh: 1, joined: 1, old: 3 } } : {}),
      /of the new fleet 3 are not healthy, or run an image that it does not launch/,
    ],
    [
      'that ECS has',
      ({ copy, hosts }) => (copy ? { hosts: { ...hosts, joined: 3, strangers: ['i-0new3'] } } : {}),
      /ECS has not seen i-0new3/,
    ],
  ];

  it.each(rows)('%s: the old fleet is not touched before', (_, sees, because) => {
    const played = playSpot({ sees: (look, at, world) => (at < 90 ? sees(look, at, world) : {}) });
    expect(played.result).toMatchObject({ outcome: 'rolled-back', because: expect.stringMatching(because) });
    expect(played.moves).not.toContainEqual(expect.objectContaining({ kind: 'set-target', fleetId: OLD_FLEET }));
    expect(played.promoted).toEqual([]);
  });

  it.each(rows)('%s, and is not verified by one of them', (_, sees, because) => {
    const { result, promoted } = playSpot({
      sees: (look, at, world) => (world.old.state === 'active' ? {} : sees(look, at, world)),
    });
    expect(result).toMatchObject({ outcome: 'failed', because: expect.stringMatching(because) });
    expect(promoted).toEqual([]);
  });

  it('and those on an image of another slot, which stays, count as well', () => {
    const { result } = playSpot({
      sees: ({ hosts, copy }) =>
        copy ? { hosts: { ...hosts, fresh: hosts.fresh / 2, staying: hosts.fresh / 2 } } : {},
    });
    expect(result).toMatchObject({ outcome: 'rolled', because: expect.stringContaining('2 instances') });
  });
});

describe('an old instance that the list leaves out', () => {
  const late = { ids: ['i-0late'], afterMinutes: 13 };
  it('is waited for where the capacity has it', () => {
    const { result, world, moves } = playSpot({ late: { ids: ['i-0late'], afterMinutes: 40, areCounted: true } });
    expect(result.outcome).toBe('rolled');
    expect(moves).toContainEqual(
      expect.objectContaining({ kind: 'drain', instances: expect.arrayContaining(['i-0late']) }),
    );
    expect(world.harm).toEqual([]);
  });

  it('and never shows keeps the old fleet, and all of it is taken back', () => {
    const played = playSpot({ late: { ids: ['i-0late'], afterMinutes: 100_000, areCounted: true } });
    expect(played.result).toMatchObject({
      outcome: 'rolled-back',
      because: expect.stringContaining('for an hour: of the old fleet 4 of 5 units of capacity are listed'),
    });
    expect(isAsBefore(played)).toBe(true);
    expect(played.world.harm).toEqual([]);
  });

  it('and that no figure has may yet show in the quiet after the last drain', () => {
    const { result, world } = playSpot({ late });
    expect(result.outcome).toBe('rolled');
    expect(world.harm).toEqual([]);
  });
});

describe('a copy that is lost', () => {
  it('while drains run for hours is noticed after one, and the old instances take tasks again', () => {
    const played = playSpot({
      drainMinutes: 600,
      meddles: { when: (world, at) => isZero(world) && at > 9, with: ({ copy }) => copy?.instances.clear() },
      unsteady: (at) => (at > 9 ? ['api'] : []),
    });
    expect(played.result).toMatchObject({ outcome: 'rolled-back', because: expect.stringContaining('0 of 4 units') });
    expect(isAsBefore(played)).toBe(true);
    const turned = played.moves.findIndex(({ undo }) => undo !== undefined);
    expect(turned).toBeGreaterThan(0);
    expect(played.minutes).toBeLessThan(180);
  });

  it('in the moment of our zero has nothing drained', () => {
    const { moves, result } = playSpot({
      sees: ({ copy }, _at, { old }) =>
        copy && old.targetCapacity === 0 ? { copy: { ...copy, fulfilledCapacity: 3 } } : {},
    });
    expect(result.outcome).toBe('rolled-back');
    const drained = moves.flatMap((move) => (move.kind === 'drain' ? move.instances : []));
    expect(drained.filter((id) => id.startsWith('i-0old'))).toEqual([]);
  });

  it('does not count services on the move: their tasks leave what is drained', () => {
    const { result } = playSpot({
      drainMinutes: 300,
      unsteady: (at) => (at > 9 && at < 300 ? ['api'] : []),
    });
    expect(result.outcome).toBe('rolled');
  });

  it.each(['cancelled', 'failed'])('since EC2 itself ended it at once (%s) leaves the old fleet as it was', (state) => {
    const played = playSpot({
      meddles: {
        when: ({ copy }) => copy !== undefined,
        with: ({ copy }) => {
          Object.assign(copy ?? {}, { state, targetCapacity: 0 });
          copy?.instances.clear();
        },
      },
    });
    expect(played.result).toMatchObject({
      outcome: 'rolled-back',
      because: expect.stringContaining('EC2 or somebody cancelled sfr-0copy'),
    });
    expect(played.world.old).toMatchObject({ state: 'active', targetCapacity: 4 });
    expect(played.alerts.at(-1)?.kind).toBe('rolled-back');
  });
});
