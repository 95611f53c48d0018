import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { FleetOutcome } from '../../src/rollout/request.ts';
import type { RolloutAlert } from '../../src/rollout/telling.ts';
import { fleet, policy, target } from './builders.ts';
import { playFleet } from './fleet-world.ts';
import { play } from './release-world.ts';
import type { Script } from './spot-world.ts';
import { isAsBefore, playSpot } from './spot-world.ts';

const DAYS_14 = 14 * 24;
const FINE: ReadonlySet<string> = new Set(['rolled', 'up-to-date']);
const words = fc.constantFrom('approve', 'reject', 'pause', 'resume', 'cancel' as const);

/** So much may come together that half of it is left out each time: else nothing would ever go well. */
const SELDOM = { nil: undefined, freq: 2 } as const;

/** Calls that fail: some by their number, and for a while all of one kind. */
const calls = (kinds: readonly string[]) =>
  fc.record({
    numbers: fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 8 }),
    kind: fc.constantFrom(...kinds),
    from: fc.integer({ min: 1, max: 20 }),
    count: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.constant(100_000)),
    when: fc.constantFrom('before', 'after', 'refused' as const),
  });

type Outage = typeof calls extends (kinds: readonly string[]) => fc.Arbitrary<infer T> ? T : never;

function failingBy({ numbers, kind, from, count, when }: Outage) {
  let seen = 0;
  return (call: number, what: string) => {
    if (what === kind) seen += 1;
    const isOut = what === kind && seen >= from && seen < from + count;
    return isOut || numbers.includes(call) ? when : undefined;
  };
}

/** Problems that were told, and never said to be over. */
function stillOpen(alerts: readonly RolloutAlert[]): string[] {
  const open = new Set<string>();
  for (const { kind, resolves = [] } of alerts) {
    for (const problem of resolves) open.delete(problem);
    if (['approval-needed', 'rollout-waiting', 'rollout-paused', 'rollout-stuck'].includes(kind)) open.add(kind);
  }
  return [...open];
}

const releaseScript = fc.record({
  fleets: fc.array(
    fc.record({
      mode: fc.constantFrom('notify', 'approve', 'auto'),
      wave: fc.integer({ min: 1, max: 4 }),
      window: fc.option(fc.constantFrom('Tue 02:00-05:00 UTC', '22:00-02:00 Europe/Berlin'), { nil: undefined }),
      age: fc.option(fc.constantFrom('3h', '2d'), { nil: undefined }),
      outcome: fc.oneof(
        { weight: 4, arbitrary: fc.constant<FleetOutcome>('rolled') },
        fc.constantFrom<FleetOutcome>(
          'rolled-back',
          'blocked',
          'cancelled',
          'superseded',
          'mixed',
          'failed',
          'up-to-date',
        ),
      ),
      afterHours: fc.double({ min: 0.1, max: 60, noNaN: true }),
    }),
    { minLength: 1, maxLength: 8 },
  ),
  says: fc.array(fc.record({ atHours: fc.double({ min: 0, max: 400, noNaN: true }), word: words }), { maxLength: 4 }),
  newerAfterHours: fc.option(fc.double({ min: 0, max: 400, noNaN: true }), { nil: undefined }),
  outage: calls(['look', 'survey', 'start-fleet', 'alert']),
});

it('a release, whatever happens: each fleet once, no later wave after a failure, an end, and every end told once', () => {
  fc.assert(
    fc.property(releaseScript, ({ fleets, says, newerAfterHours, outage }) => {
      const facts = fleets.map(({ mode, wave, window, age }, i) =>
        fleet({
          id: `group/g${i}`,
          policy: policy({
            'ecs-drain:ami': mode,
            'ecs-drain:wave': String(wave),
            ...(window === undefined ? {} : { 'ecs-drain:window': window }),
            ...(age === undefined ? {} : { 'ecs-drain:minimum-age': age }),
          }),
        }),
      );
      const newer = { ...target, version: '2023.0.20261201', imageId: 'ami-0ddddddddddddddd4' };
      const failing = failingBy(outage);
      let lost = 0;
      const { result, started, payloads, alerts, operations, hours } = play({
        fleets: facts,
        ends: Object.fromEntries(fleets.map(({ outcome, afterHours }, i) => [`group/g${i}`, { outcome, afterHours }])),
        says: [...says].sort((a, b) => a.atHours - b.atHours),
        target: (at) => (newerAfterHours !== undefined && at >= newerAfterHours ? newer : target),
        failing: (call, kind) => {
          const when = failing(call, kind);
          if (kind === 'alert' && when !== undefined) lost += 1;
          return when;
        },
      });

      // An end, within what it may take.
      expect(operations).toBeLessThan(hours < DAYS_14 + 1 ? 1_500 : 2_400);
      // What runs at the end of the 14 days is looked after for as long again.
      expect(hours).toBeLessThan(2 * DAYS_14 + 48);

      // Never twice, and never one that only wants to be told.
      expect(payloads.size).toBe(started.length);
      const waveOf = (id: string) => fleets[Number(id.slice('group/g'.length))]?.wave ?? 0;
      for (const { fleet: id } of started) expect(fleets[Number(id.slice('group/g'.length))]?.mode).not.toBe('notify');

      // No later wave after a failure, nor before the earlier one is done.
      const endOf = (id: string) => {
        const own = fleets[Number(id.slice('group/g'.length))];
        const begun = started.find((one) => one.fleet === id);
        return { isFine: FINE.has(own?.outcome ?? ''), atHours: (begun?.atHours ?? 0) + (own?.afterHours ?? 0) };
      };
      for (const later of started) {
        for (const earlier of started.filter((one) => waveOf(one.fleet) < waveOf(later.fleet))) {
          expect(endOf(earlier.fleet)).toMatchObject({ isFine: true });
          expect(endOf(earlier.fleet).atHours).toBeLessThanOrEqual(later.atHours);
        }
      }

      // Every end that is not fine is told once, and nothing is told twice.
      expect(new Set(alerts.map(({ key }) => key)).size).toBe(alerts.length);
      const ends = alerts.filter(({ key }) => key.startsWith('end '));
      const isHeldBack = started.length < fleets.filter(({ mode }) => mode !== 'notify').length;
      // A fleet says itself how it ended: the release only what is held back by it.
      const isQuiet =
        ['nothing-to-do', 'notified', 'ignored'].includes(result.outcome) ||
        (result.outcome === 'stopped' && !isHeldBack && hours < 2 * DAYS_14);
      if (lost === 0) expect([result.outcome, ends.length]).toEqual([result.outcome, isQuiet ? 0 : 1]);
      else expect(ends.length).toBeLessThanOrEqual(1);
      // Whatever people were told to look at, they are told that it is over.
      if (lost === 0) expect(stillOpen(alerts)).toEqual([]);
    }),
    { numRuns: 100 },
  );
});

const fleetWords = fc.array(fc.record({ atMinutes: fc.double({ min: 0, max: 300, noNaN: true }), word: words }), {
  maxLength: 3,
});
const sorted = <T extends { readonly atMinutes: number }>(says: readonly T[]): T[] =>
  [...says].sort((a, b) => a.atMinutes - b.atMinutes);
const unsteady = fc.option(
  fc.tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 400 })).map(([from, length]) => {
    return (at: number) => (at >= from && at < from + length ? ['api'] : []);
  }),
  { nil: undefined },
);

it('a group, whatever happens: one refresh at a time, an end, and every end that is not fine told once', () => {
  const script = fc.record({
    desired: fc.integer({ min: 1, max: 9 }),
    says: fleetWords,
    unsteady,
    agentNeverJoins: fc.option(fc.constant(true as const), { nil: undefined }),
    turns: fc.option(
      fc.record({
        afterMinutes: fc.integer({ min: 1, max: 60 }),
        status: fc.constantFrom('Failed', 'Cancelled', 'RollbackSuccessful', 'RollbackFailed' as const),
      }),
      { nil: undefined },
    ),
    newerAfterMinutes: fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined }),
    outage: calls(['look', 'make-version', 'start-refresh', 'roll-back', 'cancel-refresh', 'promote', 'alert']),
  });
  fc.assert(
    fc.property(script, ({ desired, says, unsteady, agentNeverJoins, turns, newerAfterMinutes, outage }) => {
      const failing = failingBy(outage);
      let lost = 0;
      const newer = { ...target, version: '2023.0.20261201', imageId: 'ami-0ddddddddddddddd4' };
      const { result, alerts, operations, minutes } = playFleet({
        facts: (at) => ({ desired, ...(unsteady && { unsteady: unsteady(at) }) }),
        says: sorted(says),
        target: (at) => (newerAfterMinutes !== undefined && at >= newerAfterMinutes ? newer : target),
        ...(agentNeverJoins && { agentNeverJoins }),
        ...(turns && { turns }),
        failing: (call, kind) => {
          const when = failing(call, kind);
          if (kind === 'alert' && when !== undefined && when !== 'after') lost += 1;
          return when === 'refused' ? 'before' : when;
        },
      });
      expect(operations).toBeLessThan(1_500);
      expect(minutes).toBeLessThan(15 * 24 * 60);
      if (lost > 0) return;
      const ends = new Set(alerts.filter(({ key }) => key.startsWith('end ')).map(({ key }) => key));
      const isTold = !FINE.has(result.outcome) && !['cancelled', 'superseded'].includes(result.outcome);
      if (isTold) expect([result, ends.size]).toEqual([result, 1]);
      else expect(ends.size).toBeLessThanOrEqual(1);
      expect(stillOpen(alerts)).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

it('a Spot Fleet, whatever happens, and whoever else has a hand in it: nothing undrained is ended, one copy, an end, and no two fleets without an alert', () => {
  const outcomes = fc.constantFrom('drained', 'drained', 'drained', 'forced', 'failed', 'observed', 'cancelled');
  const script = fc.record({
    size: fc.integer({ min: 0, max: 24 }),
    says: fleetWords,
    unsteady: fc.option(unsteady, SELDOM),
    comes: fc.option(fc.integer({ min: 0, max: 24 }), SELDOM),
    agentNeverJoins: fc.option(fc.constant(true as const), SELDOM),
    outcomes: fc.array(fc.tuple(fc.constantFrom('old', 'new'), fc.integer({ min: 0, max: 24 }), outcomes), {
      maxLength: 2,
    }),
    drainMinutes: fc.integer({ min: 1, max: 300 }),
    late: fc.option(
      fc.record({
        afterMinutes: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 5, max: 200 })),
        areCounted: fc.constant(true as const),
      }),
      SELDOM,
    ),
    unseenMinutes: fc.double({ min: 0, max: 0.9, noNaN: true }),
    /** Somebody sets the old target, and Spot takes an instance of the old fleet; or EC2 shows targets late. */
    target: fc.option(
      fc.oneof(
        fc.record({
          atMinutes: fc.integer({ min: 0, max: 200 }),
          to: fc.integer({ min: 0, max: 24 }),
          interrupts: fc.boolean(),
        }),
        fc.record({ lagMinutes: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant(100_000)) }),
      ),
      SELDOM,
    ),
    withdrawnAtMinutes: fc.option(fc.integer({ min: 0, max: 200 }), SELDOM),
    /** So many of the copy's instances are lost, and do not come back. */
    loses: fc.option(
      fc.record({ atMinutes: fc.integer({ min: 4, max: 200 }), count: fc.integer({ min: 1, max: 24 }) }),
      SELDOM,
    ),
    newerAfterMinutes: fc.option(fc.integer({ min: 0, max: 100 }), SELDOM),
    outage: calls(['look', 'make-version', 'copy', 'set-target', 'drain', 'activate', 'cancel', 'promote', 'alert']),
  });
  fc.assert(
    fc.property(script, (one) => {
      const failing = failingBy(one.outage);
      let lost = 0;
      const newer = { ...target, version: '2023.0.20261201', imageId: 'ami-0ddddddddddddddd4' };
      const { size, comes, late, newerAfterMinutes, loses, withdrawnAtMinutes = Number.POSITIVE_INFINITY } = one;
      const changed = one.target && 'to' in one.target ? one.target : undefined;
      const lose: Script['meddles'] = loses && {
        when: ({ copy }, at) => copy !== undefined && at >= loses.atMinutes,
        with: ({ copy }) => {
          for (const id of [...(copy?.instances.keys() ?? [])].slice(0, loses.count)) copy?.instances.delete(id);
        },
      };
      const change: Script['meddles'] = changed && {
        when: (_, at) => at >= changed.atMinutes,
        with: ({ old }) => {
          if (old.state !== 'active') return;
          // A lowered target keeps what runs here, whatever else EC2 may do.
          old.targetCapacity = changed.to;
          const [taken = ''] = old.instances.keys();
          if (changed.interrupts) old.instances.delete(taken);
        },
        ...(lose && { next: lose }),
      };
      const meddles = change ?? lose;
      const played = playSpot({
        size,
        says: sorted(one.says),
        drainMinutes: one.drainMinutes,
        ends: Object.fromEntries(one.outcomes.map(([side, i, outcome]) => [`i-0${side}${i}`, outcome])),
        target: (at) => (newerAfterMinutes !== undefined && at >= newerAfterMinutes ? newer : target),
        ...(one.unsteady && { unsteady: one.unsteady }),
        ...(comes === undefined ? {} : { comes }),
        ...(one.agentNeverJoins && { agentNeverJoins: true }),
        ...(late === undefined ? {} : { late: { ids: ['i-0late'], ...late } }),
        ...(one.target && 'lagMinutes' in one.target ? one.target : {}),
        unseenMinutes: one.unseenMinutes,
        facts: (at) => (at < withdrawnAtMinutes ? {} : { policy: { mistakes: ['it has not opted in'] } }),
        ...(meddles && { meddles }),
        failing: (call, { kind }) => {
          const when = failing(call, kind);
          if (kind === 'alert' && when !== undefined && when !== 'after') lost += 1;
          return when;
        },
      });
      const { result, alerts, operations, minutes, world } = played;
      expect(operations).toBeLessThan(1_500);
      // 14 days, and what the way back may take.
      expect(minutes).toBeLessThan((DAYS_14 + 4 * 24 + 3) * 60);
      expect(world.harm).toEqual([]);
      expect(world.copies).toBeLessThanOrEqual(1);
      // What somebody else has set it to last is theirs; we may have set ours over it before it showed.
      const targets = [size, ...(changed ? [changed.to] : [])];
      if (result.outcome === 'rolled-back') expect(targets.some((target) => isAsBefore(played, target))).toBe(true);
      const isOver = (state = 'cancelled') => state.startsWith('cancelled');
      const both = !isOver(world.old.state) && !isOver(world.copy?.state);
      if (lost > 0) return;
      if (both) expect(alerts.map(({ kind }) => kind)).toContain('rollout-failed');
      const ends = alerts.filter(({ key }) => key.startsWith('end ')).length;
      const isTold = !FINE.has(result.outcome) && !['cancelled', 'superseded'].includes(result.outcome);
      if (isTold) expect(ends).toBeGreaterThanOrEqual(1);
      expect(stillOpen(alerts)).toEqual([]);
    }),
    { numRuns: 400 },
  );
});
