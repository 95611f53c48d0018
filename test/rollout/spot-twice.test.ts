import { describe, expect, it } from 'vitest';
import { START_MS } from './builders.ts';
import { isAsBefore, OLD_FLEET, playSpot } from './spot-world.ts';

describe('two rollouts of one Spot Fleet', () => {
  const at = (createdAtMs: number, id = 'sfr-0other') => ({ id, by: 'another-rollout', createdAtMs });
  const beside = 'sfr-0other is a copy of it';

  it('never begin one beside the other: it waits, and people hear of it after an hour', () => {
    const { result, minutes, alerts } = playSpot({ facts: (atMinutes) => (atMinutes < 90 ? { beside } : {}) });
    expect(result.outcome).toBe('rolled');
    expect(minutes).toBeGreaterThan(90);
    expect(alerts.map(({ kind }) => kind)).toEqual(['rollout-waiting', 'resolved', 'rollout-started']);
    expect(alerts[0]?.because).toContain(beside);
  });

  it('are over for the second when the first has put its copy in the place, or has kept the original', () => {
    for (const copyOf of [undefined, { id: 'sfr-0first', isThere: true }]) {
      const { result, world, alerts } = playSpot({
        facts: () => ({ beside, ...(copyOf && { copyOf }) }),
        others: () => (copyOf ? {} : { heir: 'sfr-0other' }),
        meddles: {
          when: (_, atMinutes) => atMinutes > 20,
          with: ({ old }) => Object.assign(old, { state: 'cancelled_terminating' }),
        },
      });
      expect(result).toMatchObject({ outcome: 'up-to-date', because: expect.stringContaining('another rollout') });
      expect(world.copies).toBe(0);
      expect(alerts).toEqual([]);
    }
  });

  it.each([
    ['was made before', -1_000, 'sfr-0z'],
    ['was made in the same moment, and has the lesser id', 0, 'sfr-0a'],
  ])('that met: the one whose copy %s goes on, and the other takes its own back', (_, laterMs, id) => {
    const played = playSpot({
      // The list has it only half a minute after ours was made.
      others: (atMinutes, { copy }) =>
        copy && START_MS + atMinutes * 60_000 > copy.createdAtMs + 30_000
          ? { others: [at(copy.createdAtMs + laterMs, id)], heir: id }
          : {},
    });
    const { result, moves, world, alerts } = played;
    expect(result).toMatchObject({ outcome: 'rolled-back', because: expect.stringContaining(`came first with ${id}`) });
    // The old fleet is the other one's: nothing of it is changed, not even back.
    const touched = moves.filter((move) => 'fleetId' in move && move.kind !== 'copy' && move.fleetId === OLD_FLEET);
    expect(touched).toEqual([]);
    expect(isAsBefore(played)).toBe(true);
    expect(world.harm).toEqual([]);
    expect(alerts.at(-1)?.kind).toBe('rolled-back');
  });

  it.each([
    ['was made later', 1_000, 'sfr-0a'],
    ['was made in the same moment, and has the greater id', 0, 'sfr-0z'],
  ])('that met: ours goes on where the other copy %s', (_, laterMs, id) => {
    const { result, world } = playSpot({
      others: (_at, { copy }) => (copy ? { others: [at(copy.createdAtMs + laterMs, id)], heir: id } : {}),
    });
    expect(result.outcome).toBe('rolled');
    expect(world.copies).toBe(1);
  });

  it('that met: the later one takes its copy back also when the first has ended the old fleet meanwhile', () => {
    const { result, world } = playSpot({
      drainMinutes: 120,
      others: (_, { copy }) => (copy ? { others: [at(copy.createdAtMs - 1)], heir: 'sfr-0other' } : {}),
      meddles: {
        when: (_, atMinutes) => atMinutes > 60,
        with: ({ old }) => Object.assign(old, { state: 'cancelled_terminating' }),
      },
    });
    expect(result.outcome).toBe('rolled-back');
    expect(world.copy).toMatchObject({ state: 'cancelled_terminating' });
    expect(world.harm).toEqual([]);
  });

  it('that met: the first does not yield to the later copy when somebody else ends the old fleet', () => {
    const { result } = playSpot({
      others: (_, { copy }) => (copy ? { others: [at(copy.createdAtMs + 1)], heir: 'sfr-0other' } : {}),
      drainMinutes: 60,
      meddles: {
        when: (_, atMinutes) => atMinutes > 20,
        with: ({ old }) => Object.assign(old, { state: 'cancelled_running' }),
      },
    });
    expect(result).toMatchObject({ outcome: 'failed', because: expect.stringContaining('somebody else ended') });
  });

  it('cannot miss each other: nothing is changed before a look a minute after the copy, not even of an empty fleet', () => {
    const { result, moves } = playSpot({
      size: 0,
      facts: () => ({ images: {} }),
      others: (atMinutes, { copy }) =>
        copy && START_MS + atMinutes * 60_000 >= copy.createdAtMs + 60_000
          ? { others: [at(copy.createdAtMs - 1)], heir: 'sfr-0other' }
          : {},
    });
    expect(result.outcome).toBe('rolled-back');
    expect(moves).not.toContainEqual(expect.objectContaining({ kind: 'set-target', fleetId: OLD_FLEET }));
  });
});
