import { describe, expect, it } from 'vitest';
import type { FleetFacts, Slot } from '../../src/rollout/fleet.ts';
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
    expect(trace.filter((kind) => kind !== 'look')).toEqual([
      'claim',
      'make-version',
      'start-refresh',
      'alert',
      'promote',
      'give-back',
    ]);
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
        skipMatching: true,
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

  it('rolls a large group whose instances each take minutes to join, however many of them come one after the other', () => {
    const { result, minutes } = playFleet({ facts: () => ({ desired: 40 }), joinMinutes: () => 6 });
    expect(minutes).toBeGreaterThan(180);
    expect(result.outcome).toBe('rolled');
  });

  it('finds the one instance that never joins among others that come late', () => {
    const { result, alerts } = playFleet({
      facts: () => ({ desired: 20 }),
      joinMinutes: (nth) => (nth === 5 ? Number.POSITIVE_INFINITY : 6),
    });
    expect(result).toMatchObject({ outcome: 'rolled-back', because: expect.stringContaining('i-0new05 runs') });
    expect(alerts.at(-1)?.kind).toBe('rolled-back');
  });

  it('gives each instance its whole time, though it was seen only once before', () => {
    // The first look at it comes late, for the services were not steady for half a day.
    const { result, trace } = playFleet({
      facts: (at) => (at < 780 ? { unsteady: ['api'] } : {}),
      joinMinutes: (nth) => (nth === 0 ? 9 : 0),
    });
    expect(result.outcome).toBe('rolled');
    expect(trace).not.toContain('roll-back');
  });

  it.each([
    [
      'was paused for two days',
      {
        says: [
          { atMinutes: 4, word: 'pause' as const },
          { atMinutes: 2_880, word: 'resume' as const },
        ],
      },
    ],
    [
      'waited for twenty hours',
      { facts: (at: number) => ({ desired: 10, ...(at < 1_200 ? { unsteady: ['api'] } : {}) }) },
    ],
  ])('stops a bad image at its first instance also where the rollout %s', (_, script) => {
    const { result, alerts, moves, fresh, trace } = playFleet({ ...script, agentNeverJoins: true });
    expect([result.outcome, fresh, trace.includes('roll-back')]).toEqual(['rolled-back', 0, true]);
    expect(alerts.at(-1)?.because).toContain('i-0new');
    const looks = moves.filter((move) => move.kind === 'look').length;
    expect(looks).toBeLessThan(400);
  });

  it('does not give a rollout up on one look at services that are steady again by the next', () => {
    // Five hundred instances take 2,516 minutes: by then it is looked at every 38 minutes.
    const { result, minutes } = playFleet({
      facts: (at) => ({ desired: 500, ...(at >= 2_500 && at < 2_530 ? { unsteady: ['api'] } : {}) }),
    });
    expect(result.outcome).toBe('rolled');
    expect(minutes).toBeGreaterThan(2_530);
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
    expect(result.because).toContain('AWS cannot roll it back: its template names no number of a version');
  });

  it('starts what a kept template says by number, which AWS could only roll back to the same image', () => {
    const kept = [slot({ imageId: NEW, version: target.version, template: { id: 'lt-0a', number: 9, asked: '9' } })];
    const facts = () => ({ slots: kept, policy: policy({ 'ecs-drain:template': 'keep' }) });
    const { result, moves } = playFleet({ facts });
    expect(startOf(moves)).toMatchObject({ desired: undefined, preferences: { autoRollback: false } });
    expect(result.outcome).toBe('rolled');

    const bad = playFleet({ facts, agentNeverJoins: true });
    expect(bad.trace).not.toContain('roll-back');
    expect(bad.result).toMatchObject({
      outcome: 'mixed',
      because: expect.stringContaining('AWS cannot roll it back: its own template names this image already'),
    });
  });

  describe('has AWS skip the instances that are new already', () => {
    const skips = (facts: Partial<FleetFacts>, oldFrom: readonly string[] = []) =>
      startOf(playFleet({ facts: (minutes) => (minutes < 1 ? facts : {}), oldFrom }).moves)?.preferences.skipMatching;
    const kept = (asked: string, changes: Partial<Slot> = {}): Partial<FleetFacts> => ({
      policy: policy({ 'ecs-drain:template': 'keep' }),
      slots: [slot({ imageId: NEW, version: target.version, template: { id: 'lt-0a', number: 9, asked }, ...changes })],
    });
    const attributes = { id: 'lt-0a', number: 3, asked: '3', byRequirements: true } as const;

    it.each<[string, boolean, Partial<FleetFacts>, string[]?]>([
      ['the template gets a version of ours', true, {}, ['lt-0a 3']],
      ['its owner wrote a version and gave the group its number', true, kept('9')],
      ['old instances are of the very version that is launched from', false, kept('9'), ['lt-0a 9']],
      ['what an old instance was launched from is not told', false, {}, ['unknown']],
      ['the template is kept, and no number says which version', false, kept('$Latest')],
      ['the template resolves a parameter', false, kept('9', { written: 'parameter' }), ['lt-0a 9']],
      ['the policy asks for attributes instead of types', false, { byRequirements: true }],
      ['the template asks for attributes instead of a type', false, { slots: [slot({ template: attributes })] }],
      [
        'an override changes its own image, whatever the base does',
        false,
        { launch: 'mixed', slots: [slot(), slot({ at: 1, written: 'override', template: undefined as never })] },
      ],
      [
        'a part of the policy stays as it is, and old instances are of it',
        false,
        {
          launch: 'mixed',
          slots: [
            slot(),
            slot({ at: 1, imageId: NEW, version: target.version, template: { id: 'lt-0b', number: 2, asked: '2' } }),
          ],
        },
        ['lt-0a 3', 'lt-0b 2'],
      ],
    ])('where %s: %s', (_, expected, facts, oldFrom) => {
      expect(skips(facts, oldFrom)).toBe(expected);
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

  it.each([
    ['bakes for two hours', { 'ecs-drain:bake': '2h' }],
    ['rests for two hours at each checkpoint', { 'ecs-drain:checkpoints': '50', 'ecs-drain:checkpoint-delay': '2h' }],
  ])('says nothing of a stall while it %s', (_, tags) => {
    const { result, alerts, minutes } = playFleet({ facts: () => ({ policy: policy(tags) }) });
    expect(result.outcome).toBe('rolled');
    expect(minutes).toBeGreaterThan(120);
    expect(alerts.map(({ kind }) => kind)).toEqual(['rollout-started']);
  });

  it.each([
    ['between two instances', {}, 2],
    ['in a bake that is longer than was asked for', { 'ecs-drain:bake': '1h' }, 90],
  ])('tells of a stall %s', (_, tags, afterMinutes) => {
    const status = afterMinutes > 60 ? ('Baking' as const) : ('InProgress' as const);
    const { alerts } = playFleet({
      facts: () => ({ policy: policy(tags) }),
      turns: { afterMinutes, status },
      says: [{ atMinutes: 300, word: 'cancel' }],
    });
    const stuck = alerts.find(({ kind }) => kind === 'rollout-stuck');
    expect(stuck?.because).toContain(status === 'Baking' ? 'nothing has changed for 90 min' : 'changed for 30 min');
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

  it('leaves aside what somebody puts into Standby meanwhile, and says at the end that it was left out', () => {
    expect(startOf(playFleet().moves)?.preferences.standby).toBe('Ignore');
    const facts = (minutes: number) => (minutes > 10 ? { standby: ['i-0aside'] } : {});
    const { result } = playFleet({ facts, leftOut: 1 });
    expect(result).toMatchObject({
      outcome: 'mixed',
      because: expect.stringContaining('the refresh left instances out: i-0aside is in Standby'),
    });
  });

  it('is not verified while instances on the old image wait in the warm pool', () => {
    const { result, trace } = playFleet({ oldPooled: 2 });
    expect(trace).not.toContain('promote');
    expect(result).toMatchObject({
      outcome: 'mixed',
      because: 'the instances in service run the new image, and 2 that wait in the warm pool another',
    });
  });

  it('is not verified while EC2 does not tell what an instance runs, and does not call it old either', () => {
    const { result, trace } = playFleet({ unknown: 1 });
    expect(trace).not.toContain('promote');
    expect(result).toMatchObject({
      outcome: 'failed',
      because: expect.stringContaining('EC2 does not tell what 1 of its instances run'),
    });
  });

  it('waits for EC2 to know an instance before it says that there is nothing to do, and half an hour at most', () => {
    const there = [slot({ imageId: NEW, version: target.version })];
    const facts = () => ({ slots: there, images: { [NEW]: 3, unknown: 1 } });
    const late = playFleet({ facts, leftOut: -4, unknown: 1 });
    expect(late.result.outcome).toBe('blocked');
    expect(late.minutes).toBeGreaterThanOrEqual(30);
    expect(late.starts).toBe(0);
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

  const nthLost = (nth: number, kind: FleetMove['kind']) => {
    let seen = 0;
    return (_: number, move: FleetMove['kind']) => {
      if (move !== kind) return undefined;
      seen += 1;
      return seen === nth ? 'after' : undefined;
    };
  };

  it('begins nothing again after a pause when what it had launched has not joined ECS in all that time', () => {
    const { result, starts, fresh } = playFleet({
      agentNeverJoins: true,
      says: [
        { atMinutes: 7, word: 'pause' },
        { atMinutes: 100, word: 'resume' },
      ],
    });
    expect(starts).toBe(1);
    expect(fresh).toBe(1);
    expect(result).toMatchObject({ outcome: 'mixed', because: expect.stringContaining('ECS has not seen it at work') });
  });

  it('does not say "rolled back" of a fleet that keeps what was replaced before a pause', () => {
    const { result, fresh, alerts } = playFleet({
      agentNeverJoins: true,
      says: [
        { atMinutes: 7, word: 'pause' },
        { atMinutes: 13, word: 'resume' },
      ],
    });
    expect(fresh).toBe(1);
    expect(result).toMatchObject({
      outcome: 'mixed',
      because: expect.stringMatching(
        /not what was replaced before: i-0new.*1 of its instances run the new image and 3/,
      ),
    });
    expect(alerts.at(-1)?.kind).toBe('rollout-failed');
  });

  it.each([1, 2])('knows its refresh again when the answer of start %i was lost, after a pause as well', (nth) => {
    const says = [
      { atMinutes: 12, word: 'pause' as const },
      { atMinutes: 100, word: 'resume' as const },
    ];
    const { result, starts, minutes, isLeftRunning } = playFleet({ says, failing: nthLost(nth, 'start-refresh') });
    expect([result.outcome, starts, isLeftRunning]).toEqual(['rolled', 2, false]);
    expect(minutes).toBeLessThan(200);
  });

  it('stops a bad image also where the answer of the start after a pause was lost', () => {
    const { fresh, isLeftRunning, alerts } = playFleet({
      says: [
        { atMinutes: 4, word: 'pause' },
        { atMinutes: 100, word: 'resume' },
      ],
      agentNeverJoins: true,
      failing: nthLost(2, 'start-refresh'),
    });
    expect([fresh, isLeftRunning]).toEqual([0, false]);
    expect(alerts.at(-1)?.kind).toBe('rolled-back');
  });

  it("takes no refresh of somebody else's for its own, though it began while ours was asked for", () => {
    const { result, minutes, trace } = playFleet({ other: { fromMinutes: 0.04, toMinutes: 90 } });
    expect(result.outcome).toBe('rolled');
    expect(minutes).toBeGreaterThan(90);
    expect(trace).not.toContain('roll-back');
  });

  it('cancels a refresh whose way back is refused, after a look at each refusal', () => {
    const { result, trace, fresh, alerts } = playFleet({
      agentNeverJoins: true,
      failing: (_, move) => (move === 'roll-back' ? 'before' : undefined),
    });
    expect(trace.join(' ')).toMatch(/look roll-back look roll-back look cancel-refresh look/);
    expect([result.outcome, fresh]).toEqual(['mixed', 1]);
    expect(alerts.at(-1)?.because).toContain('ECS has not seen it at work');
  });

  it('turns a bad image back in time though looks fail for minutes', () => {
    let looks = 0;
    const { result, starts, minutes } = playFleet({
      agentNeverJoins: true,
      // From the first look that would see it on.
      failing: (_, move) => {
        looks += move === 'look' ? 1 : 0;
        return move === 'look' && looks > 12 && looks <= 21 ? 'before' : undefined;
      },
    });
    expect([result.outcome, starts]).toEqual(['rolled-back', 1]);
    expect(minutes).toBeLessThan(5 + 15 + 8);
  });

  it('hears a resume while the cancel of the pause is refused, and goes on', () => {
    const { result, starts, minutes } = playFleet({
      says: [
        { atMinutes: 12, word: 'pause' },
        { atMinutes: 40, word: 'resume' },
      ],
      failing: (_, move) => (move === 'cancel-refresh' ? 'before' : undefined),
    });
    expect([result.outcome, starts]).toEqual(['rolled', 1]);
    expect(minutes).toBeLessThan(60);
  });

  it.each(['roll-back', 'cancel-refresh'] as const)('knows that a %s was heard whose answer was lost', (kind) => {
    const words = kind === 'roll-back' ? (['cancel'] as const) : (['pause', 'resume'] as const);
    const { result, trace } = playFleet({
      says: words.map((word, i) => ({ atMinutes: 12 + 60 * i, word })),
      failing: nthLost(1, kind),
    });
    expect(result.outcome).toBe(kind === 'roll-back' ? 'rolled-back' : 'rolled');
    expect(trace.filter((move) => move === kind)).toHaveLength(1);
  });

  it('tells people within minutes of a bad image that cannot be stopped, and that it could be in the end', () => {
    let failed = 0;
    const { alerts } = playFleet({
      agentNeverJoins: true,
      failing: (_, move) => {
        if (!['roll-back', 'cancel-refresh'].includes(move)) return undefined;
        failed += 1;
        return failed <= 8 ? 'before' : undefined;
      },
    });
    const stuck = alerts.find(({ kind }) => kind === 'rollout-stuck');
    expect(stuck?.because).toContain('it is to be stopped, and autoscaling:Some answers "socket hang up"');
    expect(stuck?.atMinutes).toBeLessThan(20);
    expect(alerts.map(({ kind }) => kind)).toEqual(['rollout-started', 'rollout-stuck', 'resolved', 'rollout-failed']);
  });

  it('does not look without a rest while its source names nothing', () => {
    const { result, operations } = playFleet({
      target: (at) => (at < 10 ? target : undefined),
      says: [{ atMinutes: 15, word: 'cancel' }],
    });
    expect(result.outcome).toBe('rolled-back');
    expect(operations).toBeLessThan(60);
  });

  const resumed = [
    { atMinutes: 12, word: 'pause' as const },
    { atMinutes: 100, word: 'resume' as const },
  ];

  it.each([
    ['nothing drains it any more', { drainedBy: 'none' as const }, 'attach the hook'],
    ['its tag was taken away', { policy: { mistakes: ['it has not opted in'] } }, 'it has not opted in'],
    ['its owner has written an unknown image', { slots: [slot({ family: undefined })] }, "none of AWS's ECS images"],
  ])('ends, and tells what is left, when it is resumed and %s', (_, changes, because) => {
    const { result, minutes, alerts } = playFleet({ says: resumed, facts: (at) => (at > 50 ? changes : {}) });
    expect(result).toMatchObject({ outcome: 'mixed', because: expect.stringContaining(because) });
    expect(minutes).toBeLessThan(110);
    expect(alerts.at(-1)).toMatchObject({ kind: 'rollout-failed', resolves: ['rollout-paused'] });
  });

  it('ends in silence when somebody else has brought it to its end in the pause', () => {
    const done = { desired: 1, images: { [NEW]: 1 }, slots: [slot({ imageId: NEW, version: target.version })] };
    const { result, starts } = playFleet({ says: resumed, facts: (at) => (at > 50 ? done : {}) });
    expect([result.outcome, starts]).toEqual(['up-to-date', 1]);
  });

  it('tells after an hour what a resumed fleet waits for, and gives it up after a day', () => {
    const { result, alerts, minutes } = playFleet({
      says: resumed,
      facts: (at) => (at > 50 ? { suspended: ['Launch'] } : {}),
    });
    expect(alerts.find(({ kind }) => kind === 'rollout-waiting')?.atMinutes).toBeGreaterThan(160);
    expect(result).toMatchObject({
      outcome: 'mixed',
      because: expect.stringContaining('for a day: its processes Launch'),
    });
    expect(minutes).toBeLessThan(100 + 1_440 + 40);
  });

  it('is patient for a day of what blocks it: not of the time before, and not of a pause', () => {
    const { result, minutes } = playFleet({
      says: [
        { atMinutes: 0, word: 'pause' },
        { atMinutes: 1_800, word: 'resume' },
      ],
      facts: (at) => (at > 1_500 && at < 2_400 ? { unsteady: ['api'] } : {}),
    });
    expect(result.outcome).toBe('rolled');
    expect(minutes).toBeGreaterThan(2_400);
  });

  it('begins within its window, also where something stood in the way while it was open', () => {
    const window = policy({ 'ecs-drain:window': '09:00-12:00 UTC' });
    const startOf = (script: Parameters<typeof playFleet>[0]): number | undefined =>
      playFleet(script).alerts.find(({ kind }) => kind === 'rollout-started')?.atMinutes;
    const steadyFrom = (minute: number): Parameters<typeof playFleet>[0] => ({
      facts: (at) => ({ policy: window, unsteady: at < minute ? ['api'] : [] }),
    });
    expect(startOf(steadyFrom(60))).toBeLessThan(65);
    expect(startOf(steadyFrom(300))).toBeGreaterThanOrEqual(1_440);
    expect(startOf(steadyFrom(300))).toBeLessThan(1_442);
  });

  it('goes on at any time with what was begun within its window', () => {
    const { result, minutes } = playFleet({
      facts: () => ({ policy: policy({ 'ecs-drain:window': '09:00-10:00 UTC' }) }),
      says: resumed,
    });
    expect(result.outcome).toBe('rolled');
    expect(minutes).toBeLessThan(1_440);
  });

  it('is over where its tag asks by now for an approval that nobody has given; one of a moment ago may show late', () => {
    const asks = () => ({ policy: policy({ 'ecs-drain:ami': 'approve' }) });
    const { result, starts, alerts } = playFleet({ facts: asks });
    expect([result, starts]).toEqual([
      expect.objectContaining({ outcome: 'blocked', because: expect.stringContaining('nobody has given one') }),
      0,
    ]);
    expect(alerts.map(({ kind }) => kind)).toEqual(['rollout-stopped']);
    expect(playFleet({ facts: asks, says: [{ atMinutes: 5, word: 'approve' }] }).result.outcome).toBe('rolled');
  });

  it('is looked at when its window opens, whatever blocked it before', () => {
    const { result, minutes } = playFleet({
      facts: (at) => ({
        policy: policy({ 'ecs-drain:window': 'Mon 09:00-09:30 UTC' }),
        // Missed once; and a week later steady just in time, when looks come by the hour.
        unsteady: at < 60 || (at > 10_018 && at < 10_078) ? ['api'] : [],
      }),
    });
    expect(result.outcome).toBe('rolled');
    expect(minutes).toBeLessThan(10_080 + 120);
  });

  it.each([
    ['from its start on', 12],
    ['from its first new instance on', 18],
  ])('turns back before AWS goes on where looks fail %s: nobody knows whether the image is any good', (_, from) => {
    const { result, fresh, trace } = playFleet({
      agentNeverJoins: true,
      facts: () => ({ desired: 10 }),
      failing: (call, kind) => (kind === 'look' && call > from && call < 200 ? 'before' : undefined),
    });
    expect(trace).toContain('roll-back');
    expect(result.outcome).toBe('rolled-back');
    expect(fresh).toBe(0);
    const good = playFleet({
      failing: (call, kind) => (kind === 'look' && call > from && call < from + 5 ? 'before' : undefined),
    });
    expect(good.result.outcome).toBe('rolled');
  });

  it.each(['15m', '2h', '12h', '48h'])('is judged before AWS goes on, where it rests for %s', (delay) => {
    const { result, fresh, operations } = playFleet({
      agentNeverJoins: true,
      facts: () => ({ policy: policy({ 'ecs-drain:checkpoint-delay': delay }) }),
    });
    expect([result.outcome, fresh]).toEqual(['rolled-back', 0]);
    expect(operations).toBeLessThan(700);
  });

  it.each(['2h', '4h', '12h'])('does not sleep past that moment where it rests for %s', (delay) => {
    const { moves, result, fresh, alerts } = playFleet({
      agentNeverJoins: true,
      facts: () => ({ policy: policy({ 'ecs-drain:checkpoint-delay': delay }) }),
      failing: (call, kind) => (kind === 'look' && call > 6 && call < 400 ? 'before' : undefined),
    });
    expect(moves.some(({ kind }) => kind === 'roll-back')).toBe(true);
    expect([result.outcome, fresh]).toEqual(['rolled-back', 0]);
    // Nobody hears that it gets on before it does.
    const kinds = alerts.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'rollout-stuck')).toHaveLength(1);
  });

  it('looks and tells between its tries where nobody can see it and it cannot be turned either', () => {
    const { alerts, operations } = playFleet({
      agentNeverJoins: true,
      failing: (call, kind) =>
        ['look', 'roll-back', 'cancel-refresh'].includes(kind) && call > 12 ? 'before' : undefined,
    });
    const stuck = alerts.filter(({ kind }) => kind === 'rollout-stuck');
    expect(stuck[0]?.atMinutes).toBeLessThan(30);
    expect(stuck[0]?.because).toContain('it is to be stopped');
    expect(operations).toBeLessThan(1_500);
  });

  it('is not looked at closely while AWS turns it back by itself', () => {
    const { operations } = playFleet({
      agentNeverJoins: true,
      turns: { afterMinutes: 7, status: 'RollbackInProgress' },
    });
    expect(operations).toBeLessThan(1_500);
  });

  it('is not given up for one failure more, a day after somebody paused what failed for minutes', () => {
    const { result } = playFleet({
      says: [
        { atMinutes: 15, word: 'pause' },
        { atMinutes: 1_600, word: 'resume' },
      ],
      failing: (() => {
        let later = 0;
        return (call: number, kind: FleetMove['kind']) => {
          if (kind !== 'start-refresh') return undefined;
          if (call < 40) return 'before' as const;
          later += 1;
          return later === 1 ? ('before' as const) : undefined;
        };
      })(),
    });
    expect(result.outcome).toBe('rolled');
  });

  it('is given up after a day of failures, though some looks fail meanwhile', () => {
    const { result, minutes, alerts, operations } = playFleet({
      failing: (call, kind) => {
        if (kind === 'start-refresh') return 'before';
        return kind === 'look' && call % 20 === 0 ? 'before' : undefined;
      },
    });
    expect(result).toMatchObject({ outcome: 'failed', because: expect.stringMatching(/^for 2[4-6] h/) });
    expect(minutes).toBeLessThan(27 * 60);
    expect(alerts.map(({ kind }) => kind)).toEqual(['rollout-stuck', 'rollout-failed']);
    expect(operations).toBeLessThan(400);
  });

  it('does not say any longer that it cannot be stopped when somebody has resumed it', () => {
    const { alerts } = playFleet({
      says: [
        { atMinutes: 4, word: 'pause' },
        { atMinutes: 13, word: 'resume' },
      ],
      failing: (_, kind) => (kind === 'cancel-refresh' ? 'before' : undefined),
    });
    const stuck = alerts.findIndex(({ kind }) => kind === 'rollout-stuck');
    const over = alerts.slice(stuck).find(({ resolves = [] }) => resolves.includes('rollout-stuck'));
    expect(stuck).toBeGreaterThanOrEqual(0);
    expect(over?.atMinutes).toBeLessThan(30);
  });

  it('takes nobody’s deployment for a fault of the image, but tasks that are missing', () => {
    const deploying = playFleet({ facts: (at) => (at > 5 ? { unsteady: ['theirs'], lacking: [] } : {}) });
    expect(deploying.result.outcome).toBe('rolled');
    const missing = playFleet({ facts: (at) => (at > 5 ? { unsteady: ['api'] } : {}) });
    expect(missing.result).toMatchObject({ outcome: 'failed', because: expect.stringContaining('not steady: api') });
  });

  it('forgets what failed long ago: what fails once in the next window has not failed for a week', () => {
    const { result } = playFleet({
      facts: () => ({ policy: policy({ 'ecs-drain:window': 'Mon 09:00-09:02 UTC' }) }),
      failing: (call, kind) => (kind === 'claim' && call < 12 ? 'before' : undefined),
    });
    expect(result.outcome).toBe('rolled');
  });

  it('gives a refresh 14 days from its own start, and then turns it back', () => {
    const late = playFleet({
      says: [
        { atMinutes: 0, word: 'pause' },
        { atMinutes: 13.5 * 1_440, word: 'resume' },
      ],
      facts: () => ({ desired: 300 }),
    });
    expect(late.minutes).toBeGreaterThan(14 * 1_440);
    expect(late.result.outcome).toBe('rolled');

    const endless = playFleet({ facts: () => ({ desired: 5_000 }) });
    expect(endless.result).toMatchObject({
      outcome: 'rolled-back',
      because: expect.stringContaining('it did not end within 14 days'),
    });
    expect(endless.isLeftRunning).toBe(false);
    expect(endless.operations).toBeLessThan(1_500);
  });

  it.each([12, 30])(
    'cancels, at minute %i, what nothing drains any more: the way back would not be drained either',
    (from) => {
      const { result, trace, alerts, minutes } = playFleet({
        facts: (at) => (at >= from ? { drainedBy: 'none' } : {}),
      });
      expect(trace).not.toContain('roll-back');
      expect(trace).toContain('cancel-refresh');
      expect(result).toMatchObject({ outcome: 'mixed', because: expect.stringContaining('attach the hook') });
      expect(alerts.at(-1)?.kind).toBe('rollout-failed');
      expect(minutes).toBeLessThan(from + 9);
    },
  );

  it('lets what bakes end, though nothing drains any more: there is nothing left to replace', () => {
    const { result, trace } = playFleet({
      // The last instance comes in minute 35.
      facts: (at) => ({ policy: policy({ 'ecs-drain:bake': '2h' }), ...(at >= 40 ? { drainedBy: 'none' } : {}) }),
    });
    expect(result.outcome).toBe('rolled');
    expect(trace).not.toContain('cancel-refresh');
  });

  it('stops on its way back, too, when nothing drains any more', () => {
    const { result, trace } = playFleet({
      agentNeverJoins: true,
      // It is told to go back in minute 16.
      facts: (at) => (at >= 17 ? { drainedBy: 'none' } : {}),
    });
    expect(trace.filter((kind) => kind.endsWith('-back') || kind.startsWith('cancel')).slice(0, 2)).toEqual([
      'roll-back',
      'cancel-refresh',
    ]);
    expect(result).toMatchObject({ outcome: 'mixed', because: expect.stringContaining('attach the hook') });
  });

  it.each([
    ['is taken away', { policy: { mistakes: ['it has not opted in'] } }, 'it has not opted in'],
    ['says notify', { policy: policy({ 'ecs-drain:ami': 'notify' }) }, 'only to be told'],
  ])('goes back when the tag %s in the middle', (_, changes, because) => {
    const { result, fresh, alerts } = playFleet({ facts: (at) => (at >= 12 ? changes : {}) });
    expect(result).toMatchObject({ outcome: 'rolled-back', because: expect.stringContaining(because) });
    expect([fresh, alerts.at(-1)?.kind]).toEqual([0, 'rolled-back']);
  });

  it('does not begin what only wants to be told by then', () => {
    const { result, starts } = playFleet({ facts: () => ({ policy: policy({ 'ecs-drain:ami': 'notify' }) }) });
    expect([result.outcome, starts]).toEqual(['blocked', 0]);
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
      /^all claim all make-version start-refresh all (few )+cancel-refresh (all )+start-refresh all (few )+promote give-back$/,
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

  it.each(['make-version', 'start-refresh', 'look', 'promote'])(
    'ends with an alert when the call behind %s fails for ever',
    (kind) => {
      const { result, alerts, operations } = playFleet({
        failing: (_, move) => (move === kind ? 'before' : undefined),
      });
      expect(result).toMatchObject({ outcome: 'failed', because: expect.stringContaining('socket hang up') });
      expect(alerts.map((alert) => alert.kind).slice(-2)).toEqual(['rollout-stuck', 'rollout-failed']);
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
