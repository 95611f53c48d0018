import { describe, expect, it } from 'vitest';
import type { FleetFacts } from '../../src/rollout/fleet.ts';
import type { FleetMove } from '../../src/rollout/fleet-moves.ts';
import { NEW, policy, slot, target } from './builders.ts';
import { playFleet } from './fleet-world.ts';

const startOf = (moves: readonly FleetMove[]) => moves.find((move) => move.kind === 'start-refresh');

describe('the rollout of one group', () => {
  it('makes a numeric template version, rolls one instance first, then the others, verifies, and promotes', () => {
    const { result, moves, trace, alerts } = playFleet();

    expect(result).toMatchObject({
      outcome: 'rolled',
      because: expect.stringContaining('all 4 instances run 2023.0.20261115'),
    });
    expect(trace.filter((kind) => kind !== 'look')).toEqual(['make-version', 'start-refresh', 'alert', 'promote']);
    expect(moves.find((move) => move.kind === 'make-version')).toMatchObject({
      source: { templateId: 'lt-0a', number: 3 },
      imageId: NEW,
    });
    expect(startOf(moves)).toMatchObject({
      group: 'web-asg',
      desired: { kind: 'template', template: { templateId: 'lt-0a', version: '4' } },
      preferences: {
        checkpoints: [25, 100],
        checkpointDelaySeconds: 900,
        minHealthyPercent: 100,
        maxHealthyPercent: 110,
        autoRollback: true,
      },
    });
    expect(alerts.map(({ kind }) => kind)).toEqual(['rollout-started']);
  });

  it('stops at one instance and rolls back when the agent never joins', () => {
    const { result, alerts, fresh, minutes } = playFleet({ agentNeverJoins: true });

    expect(result).toMatchObject({
      outcome: 'rolled-back',
      because: expect.stringContaining('i-0new runs the new image'),
    });
    expect(fresh).toBe(0);
    // One instance after 5 minutes, 11 to join, and the way back: before the checkpoint's rest of 15 minutes was over.
    expect(minutes).toBeLessThan(5 + 15 + 8);
    expect(alerts.at(-1)).toMatchObject({ kind: 'rolled-back' });
  });

  it('has a group of one prove its instance before the old one goes', () => {
    const { result, moves } = playFleet({ facts: () => ({ desired: 1, images: { 'ami-0aaaaaaaaaaaaaaa1': 1 } }) });
    expect(result.outcome).toBe('rolled');
    expect(startOf(moves)?.preferences).toMatchObject({ checkpoints: [], warmupSeconds: 900 });
  });

  it('gives a kept template no numbers, and then cannot have AWS roll back', () => {
    const kept = [
      slot({ imageId: NEW, version: target.version, template: { id: 'lt-0a', number: 9, asked: '$Latest' } }),
    ];
    const { result, moves, trace } = playFleet({
      facts: () => ({ slots: kept, policy: policy({ 'ecs-drain:template': 'keep' }) }),
      agentNeverJoins: true,
    });
    expect(startOf(moves)).toMatchObject({ desired: undefined, preferences: { autoRollback: false } });
    expect(trace).not.toContain('make-version');
    expect(trace).toContain('cancel-refresh');
    expect(result).toMatchObject({
      outcome: 'mixed',
      because: expect.stringContaining('1 of its instances run the new image and 3 another'),
    });
  });

  it('changes of a mixed policy only what is older, each by its own means', () => {
    const { moves } = playFleet({
      facts: (minutes) =>
        minutes < 1
          ? {
              launch: 'mixed',
              slots: [
                slot({ template: { id: 'lt-0a', number: 3, asked: '$Default' } }),
                slot({ at: 0, template: { id: 'lt-0b', number: 7, asked: '7' } }),
                slot({ at: 1, written: 'override', template: undefined as never }),
                slot({ at: 2, family: 'al2023/arm64', architecture: 'arm64', imageId: 'ami-0ccccccccccccccc3' }),
              ],
            }
          : {},
    });
    expect(moves.filter((move) => move.kind === 'make-version').map(({ source }) => source.templateId)).toEqual([
      'lt-0a',
      'lt-0b',
    ]);
    expect(startOf(moves)?.desired).toEqual({
      kind: 'mixed',
      template: { templateId: 'lt-0a', version: '4' },
      overrides: [
        { at: 0, template: { templateId: 'lt-0b', version: '4' } },
        { at: 1, imageId: NEW },
      ],
    });
  });

  it('rests at the checkpoints of its tags as well', () => {
    const { moves } = playFleet({
      facts: () => ({ policy: policy({ 'ecs-drain:checkpoints': '10 50', 'ecs-drain:checkpoint-delay': '1h' }) }),
    });
    expect(startOf(moves)?.preferences).toMatchObject({ checkpoints: [25, 50, 100], checkpointDelaySeconds: 3_600 });
  });

  it('takes managed termination protection along, and no other', () => {
    const startWith = (facts: Partial<FleetFacts>) => startOf(playFleet({ facts: () => facts }).moves)?.preferences;
    for (const protectedFromScaleIn of [0, 2, 4]) {
      const managed = { protectedFromScaleIn, managedProtection: true };
      expect(startWith(managed)?.scaleInProtected).toBe('Refresh');
    }
    expect(startWith({})?.scaleInProtected).toBe('Ignore');
    expect(startWith({ protectedFromScaleIn: 4 })).toBeUndefined();
  });

  it.each([
    ['nothing drains it', { facts: () => ({ drainedBy: 'none' as const }) }, 'blocked', 'attach'],
    ['a service may not move', { facts: () => ({ immovable: ['api'] }) }, 'blocked', 'nor start one more'],
    ['its drains outlive a refresh', { deadlineSeconds: 7_200 }, 'blocked', 'without progress'],
    ['AWS finds the new version wrong', { templateWarning: 'no such key pair' }, 'blocked', 'no such key pair'],
    [
      'its tags have become wrong',
      { facts: () => ({ policy: { mistakes: ['ecs-drain:wave is "x"'] } }) },
      'blocked',
      'tags',
    ],
    [
      'its source names another image by now',
      { target: () => ({ ...target, imageId: 'ami-0ddddddddddddddd4' }) },
      'superseded',
      'by now',
    ],
    ['it is gone', { gone: true as const }, 'failed', 'no such fleet'],
    ['somebody cancelled', { says: [{ atMinutes: 0, word: 'cancel' as const }] }, 'cancelled', 'kim'],
  ])('does not begin when %s', (_, script, outcome, because) => {
    const { result, starts } = playFleet(script);
    expect(result).toMatchObject({ outcome, because: expect.stringContaining(because) });
    expect(starts).toBe(0);
  });

  it('waits for what passes, tells people after an hour, and begins when it has passed', () => {
    const { result, alerts, minutes } = playFleet({ facts: (at) => (at < 90 ? { unsteady: ['api'] } : {}) });
    expect(result.outcome).toBe('rolled');
    expect(minutes).toBeGreaterThan(90);
    expect(alerts[0]).toMatchObject({ kind: 'rollout-waiting', because: expect.stringContaining('api') });
  });

  it('gives up after a day of what does not pass', () => {
    const { result, minutes } = playFleet({ facts: () => ({ suspended: ['Launch'] }) });
    expect(result).toMatchObject({ outcome: 'blocked', because: expect.stringContaining('for a day') });
    expect(minutes).toBeLessThan(1_520);
  });

  it('stops where it is when somebody pauses, and goes on when it is resumed', () => {
    const { result, starts, alerts, trace } = playFleet({
      says: [
        { atMinutes: 12, word: 'pause' },
        { atMinutes: 100, word: 'resume' },
      ],
    });
    expect(trace).toContain('cancel-refresh');
    expect(alerts.find(({ kind }) => kind === 'rollout-paused')?.because).toContain(
      '1 of its instances run the new image and 3 another',
    );
    expect(starts).toBe(2);
    expect(result.outcome).toBe('rolled');
  });

  it('asks for what cannot change only before the refresh, after it, and when it was turned', () => {
    const { moves } = playFleet({
      says: [
        { atMinutes: 12, word: 'pause' },
        { atMinutes: 100, word: 'resume' },
      ],
    });
    const text = moves
      .filter(({ kind }) => kind !== 'alert')
      .map((move) => (move.kind === 'look' ? (move.known?.isSettled ? 'few' : 'all') : move.kind))
      .join(' ');

    // The refresh is not to be seen until it was looked at.
    expect(text).toMatch(
      /^all make-version start-refresh all (few )+cancel-refresh (all )+start-refresh all (few )+promote$/,
    );
  });

  it('rolls back what somebody cancels in the middle', () => {
    const { result, fresh } = playFleet({ says: [{ atMinutes: 12, word: 'cancel' }] });
    expect(result).toMatchObject({ outcome: 'rolled-back', because: expect.stringContaining('kim cancelled it') });
    expect(fresh).toBe(0);
  });

  it.each([
    ['Failed', 'mixed', 'the refresh failed'],
    ['Cancelled', 'mixed', 'somebody else cancelled its refresh'],
    ['RollbackSuccessful', 'rolled-back', 'AWS says so'],
    ['RollbackFailed', 'mixed', 'could not be rolled back'],
  ] as const)('says what is left when AWS ends the refresh as %s', (status, outcome, because) => {
    const { result, alerts } = playFleet({ turns: { afterMinutes: 12, status } });
    expect(result).toMatchObject({ outcome, because: expect.stringContaining(because) });
    expect(alerts.at(-1)?.because).toContain(because);
  });

  it('promotes the image that it has verified, whatever its source names by then, and none that no instance proved', () => {
    const newer = { ...target, version: '2023.0.20261201', imageId: 'ami-0ddddddddddddddd4' };
    const { result, moves } = playFleet({ target: (at) => (at > 15 ? newer : target) });
    expect(result.outcome).toBe('rolled');
    expect(moves.filter(({ kind }) => kind === 'promote')).toEqual([expect.objectContaining({ imageId: NEW })]);

    const empty = playFleet({ facts: () => ({ desired: 0, images: {} }) });
    expect(empty.result.outcome).toBe('rolled');
    expect(empty.trace).not.toContain('promote');
  });

  it.each(['make-version', 'start-refresh', 'look'])(
    'ends with an alert when the call behind %s fails for ever',
    (kind) => {
      const { result, alerts, operations } = playFleet({
        failing: (_, move) => (move === kind ? 'before' : undefined),
      });
      expect(result).toMatchObject({ outcome: 'failed', because: expect.stringContaining('socket hang up') });
      expect(alerts.map((alert) => alert.kind)).toEqual(['rollout-stuck', 'rollout-failed']);
      expect(alerts.at(-1)?.resolves).toEqual(['rollout-stuck']);
      expect(operations).toBeLessThan(1_500);
    },
  );

  it('does not ask again and again while AWS says that a refresh is under way, and none is to be seen', () => {
    const { result, trace } = playFleet({ busyMinutes: 30 });
    expect(result.outcome).toBe('rolled');
    expect(trace.filter((kind) => kind === 'start-refresh').length).toBeLessThan(15);
  });

  it('does not call a fleet rolled whose services are worse off than before', () => {
    const { result } = playFleet({ facts: (at) => (at > 30 ? { unsteady: ['api'] } : {}) });
    expect(result).toMatchObject({ outcome: 'failed', because: expect.stringContaining('not steady: api') });
  });

  it.each(['before', 'after'] as const)('comes to the same end when any one call fails, its effect %s', (when) => {
    const calm = playFleet();
    for (let n = 1; n <= calm.trace.length; n++) {
      const { result, starts } = playFleet({ failing: (call) => (call === n ? when : undefined) });
      expect([n, result.outcome, starts]).toEqual([n, 'rolled', 1]);
    }
  });

  it('stays under 1,500 durable operations for 14 days', () => {
    const { operations } = playFleet({ says: [{ atMinutes: 0, word: 'pause' }] });
    expect(operations).toBeLessThan(1_500);
  });
});
