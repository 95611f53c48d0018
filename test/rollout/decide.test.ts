import { describe, expect, it } from 'vitest';
import type { FleetFacts } from '../../src/rollout/fleet.ts';
import { planOf } from '../../src/rollout/plan.ts';
import { fleet, NEW, OLD, policy, START_MS, slot, target } from './builders.ts';
import type { Played } from './release-world.ts';
import { play } from './release-world.ts';

const group = (name: string, tags: Record<string, string> = {}) => fleet({ id: `group/${name}`, policy: policy(tags) });
const day = 24;

describe('the rollout of a release', () => {
  it('announces its plan, rolls every fleet, and says when it is done', () => {
    const { result, alerts, started } = play({ fleets: [group('a'), group('b')] });

    expect(result).toMatchObject({ outcome: 'rolled', fleets: [{ fleet: 'group/a' }, { fleet: 'group/b' }] });
    expect(started.map(({ fleet }) => fleet)).toEqual(['group/a', 'group/b']);
    expect(alerts.map(({ kind }) => kind)).toEqual(['image-available', 'rollout-done']);
    expect(alerts[0]?.because).toBe(
      `al2023/x86_64 2023.0.20261115 (${NEW}, kernel 6.1, agent 1.108.3, Docker version 25.0.18) is there: 2 fleets with 8 instances would get it, 2 by themselves.`,
    );
  });

  it('announces what blocked a fleet when it was looked at, first what does not pass by itself', () => {
    const detailsOf = (facts: Partial<FleetFacts>) =>
      play({ fleets: [fleet(facts)], drains: { 'group/web-asg': { mode: 'act', deadlineSeconds: 7_200 } } }).alerts[0]
        ?.details;
    expect(detailsOf({ unsteady: ['api'] })).toEqual([
      expect.stringMatching(
        /^Wave 1, auto: .* about 51 min\. It is BLOCKED: a drain may take 120 min.* for this group \(and 1 more: ecs-drain rollout plan\)\.$/,
      ),
    ]);
    expect(detailsOf({ drainedBy: 'managed-draining', unsteady: ['api'] })).toEqual([
      expect.stringMatching(/ It would wait now: service api: not steady, and a rollout would make it worse\.$/),
    ]);
  });

  it('only tells fleets that want to be told', () => {
    const { result, started, alerts } = play({ fleets: [group('a', { 'ecs-drain:ami': 'notify' })] });
    expect(result.outcome).toBe('notified');
    expect(started).toEqual([]);
    expect(alerts).toHaveLength(1);
  });

  it('is silent where it concerns nobody', () => {
    const { result, alerts } = play({ fleets: [fleet({ slots: [slot({ family: 'bottlerocket-2/x86_64' })] })] });
    expect(result.outcome).toBe('nothing-to-do');
    expect(alerts).toEqual([]);
  });

  it('does nothing on a message that the parameter store does not bear out', () => {
    const { result, started } = play({ target: () => ({ because: 'there is no such image' }), fleets: [group('a')] });
    expect(result).toMatchObject({ outcome: 'ignored', because: 'there is no such image' });
    expect(started).toEqual([]);
  });

  it('begins a wave when the waves before are done', () => {
    const { started } = play({
      fleets: [group('late', { 'ecs-drain:wave': '3' }), group('first'), group('second', { 'ecs-drain:wave': '2' })],
      ends: { 'group/first': { outcome: 'rolled', afterHours: 5 } },
    });
    expect(started.map(({ fleet }) => fleet)).toEqual(['group/first', 'group/second', 'group/late']);
    expect((started[1]?.atHours ?? 0) - (started[0]?.atHours ?? 0)).toBeGreaterThan(5);
  });

  it.each([undefined, ['spot-fleet/sfr-0a']])(
    'looks again when another rollout has replaced a Spot Fleet, and rolls what came in its place (asked for: %j)',
    (asked) => {
      const old = fleet({ id: 'spot-fleet/sfr-0a' });
      const heir = fleet({ id: 'spot-fleet/sfr-0b', copyOf: { id: 'sfr-0a', isThere: false } });
      const { result, started, operations } = play({
        request: asked === undefined ? {} : { fleets: asked },
        // The copy came when this release had looked already.
        fleets: (hours) => (hours < 1 ? [old] : [heir]),
        ends: { [old.id]: { outcome: 'up-to-date', afterHours: 2 } },
      });
      expect(started.map(({ fleet: id }) => id)).toEqual([old.id, heir.id]);
      expect(result.outcome).toBe('rolled');
      expect(operations).toBeLessThan(300);
    },
  );

  it.each(['rolled-back', 'failed', 'blocked', 'mixed'] as const)(
    'stops the later waves when a fleet ends %s',
    (outcome) => {
      const { result, started, alerts } = play({
        fleets: [group('first'), group('second', { 'ecs-drain:wave': '2' })],
        ends: { 'group/first': { outcome, afterHours: 1 } },
      });
      expect(result).toMatchObject({ outcome: 'stopped' });
      expect(started.map(({ fleet }) => fleet)).toEqual(['group/first']);
      expect(alerts.at(-1)).toMatchObject({
        kind: 'rollout-stopped',
        because: expect.stringContaining('1 further fleet is not begun'),
      });
    },
  );

  it.each([
    ['the image does not boot', 'the image does not boot.'],
    ['AWS says: Instance refresh failed.', 'AWS says: Instance refresh failed.'],
    ['it answered "Rate exceeded."', 'it answered "Rate exceeded."'],
    ['it waits for i-0a (and others)', 'it waits for i-0a (and others).'],
  ])('ends what a fleet came to (%s) with one full stop, whatever follows', (because, words) => {
    const first = { outcome: 'failed', afterHours: 1, because } as const;
    const both = play({
      fleets: [group('first'), group('second', { 'ecs-drain:wave': '2' })],
      ends: { 'group/first': first },
    });
    const alone = play({ fleets: [group('first')], ends: { 'group/first': first } });

    expect(both.alerts.at(-1)?.because).toBe(`group/first: ${words} 1 further fleet is not begun.`);
    expect(both.result.because).toBe(both.alerts.at(-1)?.because);
    expect(alone.result.because).toBe(`group/first: ${words}`);
  });

  it('ends with one full stop where its last words are only that something is over', () => {
    const ended = { outcome: 'failed', afterHours: 3, because: 'It failed.' } as const;
    const { alerts } = play({
      fleets: [group('a')],
      ends: { 'group/a': ended },
      failing: (call, kind) => (kind === 'look' && call > 4 && call < 30 ? 'refused' : undefined),
    });

    expect(alerts.at(-1)).toMatchObject({ kind: 'resolved', because: 'group/a: It failed.' });
  });

  it('looks after what runs to its end before it stops', () => {
    const { result } = play({
      fleets: [group('bad'), group('slow')],
      ends: { 'group/bad': { outcome: 'failed', afterHours: 0.2 }, 'group/slow': { outcome: 'rolled', afterHours: 9 } },
    });
    expect(result.fleets.map(({ fleet, outcome }) => [fleet, outcome])).toEqual([
      ['group/bad', 'failed'],
      ['group/slow', 'rolled'],
    ]);
  });

  it('waits for an approval, and begins soon after it', () => {
    const { result, started } = play({
      fleets: [group('a', { 'ecs-drain:ami': 'approve' })],
      says: [{ atHours: 2, word: 'approve' }],
    });
    expect(result.outcome).toBe('rolled');
    expect(started[0]?.atHours).toBeGreaterThan(2);
    expect(started[0]?.atHours).toBeLessThan(2.2);
  });

  it.each([
    ['reject', 'rejected'],
    ['cancel', 'cancelled'],
  ] as const)('ends when somebody says %s', (word, outcome) => {
    const { result, started } = play({
      fleets: [group('a', { 'ecs-drain:ami': 'approve' })],
      says: [{ atHours: 1, word }],
    });
    expect(result).toMatchObject({ outcome, because: expect.stringContaining('kim') });
    expect(started).toEqual([]);
  });

  it('begins no fleet whose window opens while one that somebody cancelled is still turned back', () => {
    const { result, started } = play({
      fleets: [group('first'), group('later', { 'ecs-drain:window': '12:00-14:00 UTC' })],
      says: [{ atHours: 1, word: 'cancel' }],
      ends: { 'group/first': { outcome: 'cancelled', afterHours: 6 } },
    });
    expect(started.map(({ fleet }) => fleet)).toEqual(['group/first']);
    expect(result.outcome).toBe('cancelled');
  });

  it('asks nobody to approve any more when a fleet has failed and another still runs', () => {
    const { alerts } = play({
      fleets: [group('bad'), group('slow'), group('asked', { 'ecs-drain:ami': 'approve', 'ecs-drain:wave': '2' })],
      ends: { 'group/bad': { outcome: 'blocked', afterHours: 1 }, 'group/slow': { outcome: 'rolled', afterHours: 6 } },
    });
    expect(alerts.map(({ kind }) => kind)).toEqual(['approval-needed', 'resolved', 'rollout-stopped']);
    expect(alerts[1]?.because).toBe("nobody's word is needed any more.");
  });

  it('expires after 14 days without an answer, and says so, within 1,500 durable operations', () => {
    const { result, hours, operations } = play({ fleets: [group('a', { 'ecs-drain:ami': 'approve' })] });
    expect(result.outcome).toBe('expired');
    expect(hours).toBeGreaterThan(14 * day);
    expect(hours).toBeLessThan(14.1 * day);
    expect(operations).toBeLessThan(1_500);
  });

  it('stays under 1,500 durable operations over 20 fleets and 14 days', () => {
    const fleets = Array.from({ length: 20 }, (_, i) =>
      group(`g${i}`, { 'ecs-drain:wave': String(1 + Math.floor(i / 3)) }),
    );
    const ends = Object.fromEntries(fleets.map(({ id }) => [id, { outcome: 'rolled', afterHours: 46 } as const]));
    const { result, hours, operations } = play({ fleets, ends });
    expect(result.outcome).toBe('rolled');
    expect(hours).toBeGreaterThan(13 * day);
    expect(operations).toBeLessThan(1_500);
  });

  it('waits for the window, and for the age of the release', () => {
    // START_MS is a Monday, 09:00 UTC.
    const window = play({ fleets: [group('a', { 'ecs-drain:window': 'Tue 02:00-05:00 UTC' })] });
    expect(window.started[0]?.atHours).toBeGreaterThanOrEqual(17);
    expect(window.started[0]?.atHours).toBeLessThan(17.1);
    const age = play({ fleets: [group('a', { 'ecs-drain:minimum-age': '2d' })] });
    expect(age.started[0]?.atHours).toBeGreaterThanOrEqual(47);
    expect(age.started[0]?.atHours).toBeLessThan(47.1);
  });

  it('begins nothing while it is paused, and goes on when it is resumed', () => {
    const { started, alerts } = play({
      fleets: [group('a', { 'ecs-drain:minimum-age': '3h' })],
      says: [
        { atHours: 1, word: 'pause' },
        { atHours: 9, word: 'resume' },
      ],
    });
    expect(started[0]?.atHours).toBeGreaterThan(9);
    expect(alerts.map(({ kind }) => kind)).toContain('rollout-paused');
  });

  it('only a hint leads to the rollout of the release that its source names, and does nothing itself', () => {
    const { result, trace, alerts } = play({ request: { version: undefined }, fleets: [group('a')] });
    expect(trace).toEqual(['resolve', 'hand-over']);
    expect(result).toMatchObject({ outcome: 'handed-over', version: target.version });
    expect(result.because).toContain('al2023-x86-6-');
    expect(alerts).toEqual([]);
  });

  it('a hint that leads nowhere ends with the reason', () => {
    const { result, trace } = play({
      request: { version: undefined },
      target: () => ({ because: 'there is no such image' }),
      fleets: [],
    });
    expect(trace).toEqual(['resolve']);
    expect(result).toMatchObject({ outcome: 'ignored', because: 'there is no such image' });
  });

  it("somebody's order is no hint, though it names no version", () => {
    const { started } = play({ request: { version: undefined, by: 'kim', because: 'now' }, fleets: [group('a')] });
    expect(started).toHaveLength(1);
  });

  it('is superseded by a newer release while it waits', () => {
    const newer = { ...target, version: '2023.0.20261201', imageId: 'ami-0ddddddddddddddd4' };
    const { result, started, hours } = play({
      target: (at) => (at > 30 ? newer : target),
      fleets: [group('a', { 'ecs-drain:ami': 'approve' })],
      says: [{ atHours: 100, word: 'approve' }],
    });
    expect(result).toMatchObject({ outcome: 'superseded', because: expect.stringContaining('2023.0.20261201') });
    expect(started).toEqual([]);
    // At its next look, not at its next survey, which may be hours away.
    expect(hours).toBeLessThan(30.6);
  });

  it('begins nothing on a newer release that nobody has heard of, while fleets of its own still run', () => {
    const newer = { ...target, version: '2023.0.20261201', imageId: 'ami-0ddddddddddddddd4' };
    const { result, started } = play({
      target: (hours) => (hours > 1 ? newer : target),
      // The window opens when the newer release is there, and the first fleet is still being rolled.
      fleets: [group('first'), group('later', { 'ecs-drain:ami': 'approve', 'ecs-drain:window': '12:00-14:00 UTC' })],
      says: [{ atHours: 0.1, word: 'approve' }],
      ends: { 'group/first': { outcome: 'rolled', afterHours: 5 } },
    });
    expect(started.map(({ fleet }) => fleet)).toEqual(['group/first']);
    expect(result).toMatchObject({ outcome: 'superseded', fleets: [{ fleet: 'group/first', outcome: 'rolled' }] });
  });

  it('says so when the image that it waits with is withdrawn, and looks after what runs until then', () => {
    const { result, started, alerts } = play({
      target: (hours) => (hours > 1 ? { because: 'the image is not available' } : target),
      fleets: [group('first'), group('later', { 'ecs-drain:window': '12:00-14:00 UTC' })],
      ends: { 'group/first': { outcome: 'rolled', afterHours: 5 } },
    });
    expect(started.map(({ fleet }) => fleet)).toEqual(['group/first']);
    expect(result).toMatchObject({ outcome: 'superseded', fleets: [{ fleet: 'group/first', outcome: 'rolled' }] });
    expect(alerts.at(-1)).toMatchObject({
      kind: 'rollout-ended',
      because: expect.stringContaining('the image is not available'),
    });
  });

  it('looks again before it acts: what was superseded at the last moment is not begun', () => {
    const newer = { ...target, version: '2023.0.20261201', imageId: 'ami-0ddddddddddddddd4' };
    const { result, started } = play({
      target: (hours) => (hours > 1.9 ? newer : target),
      fleets: [group('a', { 'ecs-drain:ami': 'approve' })],
      says: [{ atHours: 2, word: 'approve' }],
    });
    expect(result.outcome).toBe('superseded');
    expect(started).toEqual([]);
  });

  it.each([6, 20, 36, 72])('says within two hours that it cannot look any more, from hour %i on', (from) => {
    let hours = 0;
    const { alerts } = play({
      fleets: [group('a', { 'ecs-drain:ami': 'approve' })],
      target: (at) => {
        hours = at;
        return target;
      },
      failing: (_, kind) => (kind === 'look' && hours >= from ? 'refused' : undefined),
    });
    expect(alerts.map(({ kind }) => kind)).toEqual(['approval-needed', 'rollout-stuck', 'rollout-stopped']);
  });

  it('says so in each window in which it does not get on', () => {
    let hours = 0;
    const { alerts } = play({
      fleets: [group('a', { 'ecs-drain:window': '12:00-15:00 UTC' })],
      target: (at) => {
        hours = at;
        return target;
      },
      failing: (_, kind) => (kind === 'start-fleet' && hours < 60 ? 'refused' : undefined),
    });
    expect(alerts.filter(({ kind }) => kind === 'rollout-stuck')).toHaveLength(3);
    expect(alerts.filter(({ kind }) => kind === 'resolved')).toHaveLength(3);
  });

  it('is superseded by another build of its version, which is a release of its own', () => {
    const family = 'bottlerocket-2/x86_64';
    const { result } = play({
      request: { source: family, version: '1.42.0-aaaaaaaa' },
      target: (at) => ({
        ...target,
        ...{ source: family, family },
        ...(at > 30
          ? { version: '1.42.0-bbbbbbbb', imageId: 'ami-0ddddddddddddddd4' }
          : { version: '1.42.0-aaaaaaaa' }),
      }),
      fleets: [{ ...group('a', { 'ecs-drain:ami': 'approve' }), slots: [slot({ family, version: '1.41.0' })] }],
    });
    expect(result.outcome).toBe('superseded');
  });

  it.each([
    ['made anew', target.version],
    ['taken back', '2023.0.20261101'],
  ])('tells as a warning that its image was %s: no release of its own comes after it', (_, version) => {
    const { result, alerts } = play({
      target: (at) => (at > 30 ? { ...target, version, imageId: 'ami-0ddddddddddddddd4' } : target),
      fleets: [group('a', { 'ecs-drain:ami': 'approve' })],
    });
    expect(result).toMatchObject({ outcome: 'stopped', because: expect.stringContaining('no newer release') });
    expect(alerts.at(-1)?.kind).toBe('rollout-stopped');
  });

  it.each([
    ['wrong tags', { policy: { mistakes: ['ecs-drain:wave is "x"'] } }, 'ecs-drain:wave is "x"'],
    ['what it launches from cannot be read', { unread: ['its template is gone'] }, 'its template is gone'],
  ])('says so where a fleet that waits has, by now, %s', (_, change, because) => {
    const waiting = group('later', { 'ecs-drain:window': 'Sat 02:00-05:00 UTC' });
    const alone = play({ fleets: (hours) => [hours > 24 ? { ...waiting, ...change } : waiting] });
    expect(alone.result).toMatchObject({ outcome: 'stopped', because: expect.stringContaining(because) });
    expect(alone.alerts.at(-1)?.kind).toBe('rollout-stopped');
    const beside = play({ fleets: (hours) => [group('a'), hours > 24 ? { ...waiting, ...change } : waiting] });
    expect(beside.started.map(({ fleet }) => fleet)).toEqual(['group/a']);
    expect(beside.result).toMatchObject({
      outcome: 'stopped',
      because: expect.stringMatching(/^group\/later was to be rolled, .* One fleet runs 2023\.0\.20261115\.$/),
    });
  });

  it.each([
    [3, /fleet3 was to be rolled, .*there\.$/],
    [4, / 1 more is left alone as well \(ecs-drain rollout plan\)\.$/],
    [5, / 2 more are left alone as well \(ecs-drain rollout plan\)\.$/],
  ])('names three of %d fleets that dropped out, and counts the others', (count, because) => {
    const all = Array.from({ length: count }, (_, at) =>
      group(`fleet${at + 1}`, { 'ecs-drain:window': 'Sat 02:00-05:00 UTC' }),
    );
    const { result } = play({
      fleets: (hours) => (hours > 24 ? all.map((fleet) => ({ ...fleet, unread: ['its template is not there'] })) : all),
    });
    expect(result).toMatchObject({ outcome: 'stopped', because: expect.stringMatching(because) });
    expect(result.because.match(/was to be rolled/g)).toHaveLength(3);
  });

  it('says nothing of a fleet that is gone, or whose owner took it out', () => {
    const waiting = group('later', { 'ecs-drain:window': 'Sat 02:00-05:00 UTC' });
    const { result } = play({ fleets: (hours) => (hours > 24 ? [group('a')] : [group('a'), waiting]) });
    expect(result.outcome).toBe('rolled');
  });

  it.each([
    ['after', 'a'],
    ['refused', 'a'],
  ] as const)('forgets a start that failed (%s) once it is done: what fails days later begins anew', (how, _) => {
    const { result, alerts } = play({
      fleets: [group('a'), group('b', { 'ecs-drain:wave': '2', 'ecs-drain:window': 'Sat 02:00-05:00 UTC' })],
      failing: (call, kind) => {
        if (kind === 'start-fleet' && call < 8) return how;
        return kind === 'look' && call % 90 === 0 ? 'refused' : undefined;
      },
    });
    expect(result.outcome).toBe('rolled');
    expect(alerts.map(({ kind }) => kind)).toEqual(['image-available', 'rollout-done']);
  });

  it('rolls only the fleets that an order names', () => {
    const { started } = play({ request: { fleets: ['group/b'], by: 'kim' }, fleets: [group('a'), group('b')] });
    expect(started.map(({ fleet }) => fleet)).toEqual(['group/b']);
  });

  it('gets on through failed calls, and comes to the same end', () => {
    const fleets = [group('a'), group('b', { 'ecs-drain:wave': '2' })];
    const calm = play({ fleets });
    for (let n = 1; n <= calm.trace.length; n++) {
      const { result, started } = play({ fleets, failing: (call) => (call === n ? 'refused' : undefined) });
      expect(result.outcome).toBe('rolled');
      expect(started.map(({ fleet }) => fleet)).toEqual(['group/a', 'group/b']);
    }
  });

  it('asks for a fleet once, with the same words, when the answer to its start is lost', () => {
    const { result, payloads, started } = play({
      fleets: [group('a')],
      failing: (call, kind) => (kind === 'start-fleet' && call < 6 ? 'after' : undefined),
    });
    expect(result.outcome).toBe('rolled');
    expect(started).toHaveLength(1);
    expect(payloads.size).toBe(1);
  });

  it('asks for an approval once, and says that it was given, or that nobody needs it any more', () => {
    const fleets = [group('a', { 'ecs-drain:ami': 'approve' })];
    const approved = play({ fleets, says: [{ atHours: 2, word: 'approve' }] }).alerts;
    expect(approved.map(({ kind }) => kind)).toEqual(['approval-needed', 'resolved', 'rollout-done']);
    expect(approved[1]).toMatchObject({ because: 'kim approved it.', resolves: ['approval-needed'] });
    const unanswered = play({ fleets }).alerts;
    expect(unanswered.map(({ kind }) => kind)).toEqual(['approval-needed', 'rollout-stopped']);
    expect(unanswered[1]?.resolves).toEqual(['approval-needed']);
  });

  it('says so when it does not get on for an hour', () => {
    const { alerts } = play({
      fleets: [group('a', { 'ecs-drain:minimum-age': '3h' })],
      failing: (call, kind) => (kind === 'look' && call < 40 ? 'refused' : undefined),
    });
    expect(alerts).toContainEqual(
      expect.objectContaining({ kind: 'rollout-stuck', because: expect.stringContaining('Rate exceeded') }),
    );
  });

  it('tells the owners whose fleets are left alone for a reason of theirs', () => {
    const { result, alerts } = play({ fleets: [fleet({ policy: { mistakes: ['ecs-drain:wave is "x"'] } })] });
    expect(result.outcome).toBe('nothing-to-do');
    expect(alerts[0]?.details).toEqual(['group/web-asg is left alone: its tags are wrong: ecs-drain:wave is "x".']);
  });

  const mistakes = { policy: { mistakes: ['ecs-drain:wave is "x"'] } };
  const configured = (mode: string) => ({
    launch: 'configuration' as const,
    policy: policy({ 'ecs-drain:ami': mode }),
  });
  it.each([
    ['with wrong tags', mistakes, true],
    ['that is rolled by itself', configured('auto'), true],
    ['that is rolled when somebody approves it', configured('approve'), true],
    ['that only wants to be told', configured('notify'), false],
    ['that is newer already', { slots: [slot({ version: '2023.0.20261120' })] }, false],
  ])(
    'a fleet %s and left alone is a warning, once, where somebody counts on its being rolled',
    (_, facts, isWarned) => {
      const it_ = fleet({ id: 'group/it', ...facts });
      const warnings = ({ alerts }: Played) => alerts.filter(({ kind }) => kind === 'fleet-left-alone');
      const isTold = ({ leftAlone }: ReturnType<typeof planOf>) => leftAlone.some(({ isNews }) => isNews);

      const alone = play({ fleets: [it_] });
      // For two weeks somebody's word is waited for, and the fleets are looked at every six hours.
      const beside = play({ fleets: [it_, group('asked', { 'ecs-drain:ami': 'approve' })] });

      for (const played of [alone, beside]) expect(warnings(played)).toHaveLength(isWarned ? 1 : 0);
      for (const { because, details } of [...warnings(alone), ...warnings(beside)]) {
        expect(because).toContain('1 fleet is left alone that nobody tagged notify');
        expect(details).toEqual([expect.stringMatching(/^group\/it is left alone: .*\.$/)]);
      }
      // The release itself is told of all the same, as before.
      const isNews = isTold(planOf(target, [it_], false));
      expect(alone.alerts.some(({ kind }) => kind === 'image-available')).toBe(isNews);
      expect(alone.result.outcome).toBe('nothing-to-do');
      expect(beside.alerts.some(({ kind }) => kind === 'approval-needed')).toBe(true);
    },
  );

  it.each([
    ['is a warning too', configured('notify'), 1],
    ['is none where it has been begun, for that is told by itself', {}, 0],
  ])('a fleet that comes to be left alone while the release waits %s', (_, before, warnings) => {
    const asked = group('asked', { 'ecs-drain:ami': 'approve' });
    const { alerts } = play({
      fleets: (hours) => [asked, fleet({ id: 'group/it', ...(hours > 24 ? mistakes : before) })],
      says: [{ atHours: 48, word: 'reject' }],
    });
    expect(alerts.filter(({ kind }) => kind === 'fleet-left-alone')).toHaveLength(warnings);
  });

  it('names many fleets that are left alone as a few, and how many more there are', () => {
    const fleets = Array.from({ length: 20 }, (_, i) => fleet({ id: `group/g${i}`, ...mistakes }));
    const [first] = play({ fleets }).alerts;
    expect(first).toMatchObject({
      kind: 'fleet-left-alone',
      because: expect.stringContaining('20 fleets are left alone'),
    });
    expect(first?.details).toHaveLength(9);
    expect(first?.details.at(-1)).toBe('and 12 more (ecs-drain rollout plan)');
  });

  it('reports what each fleet runs, and what it ran before; of many, how many more there are', () => {
    const few = play({ fleets: [group('a'), group('b')] }).alerts.at(-1);
    const many = play({ fleets: Array.from({ length: 20 }, (_, i) => group(`g${i}`)) }).alerts.at(-1);

    expect(few?.details).toEqual([
      `group/a: all 4 instances run it after 28 min, and are at work; before: 2023.0.20261001 (${OLD}, kernel 6.1); now: kernel 6.1, agent 1.108.3, Docker version 25.0.18`,
      `group/b: all 4 instances run it after 28 min, and are at work; before: 2023.0.20261001 (${OLD}, kernel 6.1); now: kernel 6.1, agent 1.108.3, Docker version 25.0.18`,
    ]);
    expect(many?.details).toHaveLength(9);
    expect(many?.details.at(-1)).toBe('and 12 more (ecs-drain rollout status)');
  });

  it.each([
    [
      1,
      '1 further fleet opted in and is left out, for a rollout takes 50 at most, fewer where they have very many overrides: order it by name',
    ],
    [
      3,
      '3 further fleets opted in and are left out, for a rollout takes 50 at most, fewer where they have very many overrides: order them by name',
    ],
  ])('says, at its beginning and at its end, that %i fleets beyond the most are left out', (leftOut, words) => {
    const { result, alerts } = play({ fleets: [group('a'), group('b')], leftOut });

    expect(alerts.map(({ kind }) => kind)).toEqual(['image-available', 'rollout-done']);
    expect(alerts[0]?.details).toHaveLength(3);
    expect(alerts[0]?.details.at(-1)).toContain(words);
    expect(result.because).toMatch(/^2 fleets run 2023\.0\.20261115, verified\. /);
    expect(result.because).toContain(words);
    expect(alerts[1]?.because).toBe(result.because);
  });

  it('says so in an announcement of many fleets as well, and where it concerns none of those that it sees', () => {
    const many = play({ fleets: Array.from({ length: 50 }, (_, i) => group(`g${i}`)), leftOut: 10 });
    const none = play({ fleets: [fleet({ slots: [slot({ family: 'bottlerocket-2/x86_64' })] })], leftOut: 10 });

    // renderAlert (src/alert.ts) shows ten lines.
    expect(many.alerts[0]?.details).toHaveLength(10);
    for (const { alerts } of [many, none]) expect(alerts[0]?.details.at(-1)).toContain('10 further fleets opted in');
    expect(none.result.outcome).toBe('nothing-to-do');
  });

  it('counts the age of a release from when its parameter began to name it', () => {
    expect(START_MS - target.releasedAtMs).toBe(3_600_000);
  });
});
