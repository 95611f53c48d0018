import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deadlineMs, decide, type Move } from '../../src/drain/decide.ts';
import type { Look, Memory, Seen } from '../../src/drain/memory.ts';
import { begin, remember, rest } from '../../src/drain/memory.ts';
import type { Failure, HookSeen } from '../../src/ports.ts';
import { aFailure, aPolicy, aRequest, atSecond, PLACEMENTS, remaining } from '../support/build.ts';

/** One course: what the world is like in it. Small and shrinkable; the seed fills in the rest. */
interface Weather {
  readonly seed: number;
  readonly heartbeatSeconds: number;
  readonly deadlineSeconds: number;
  /** Of each call. */
  readonly failing: number;
  /** Of each look: the chance that a task has moved on. */
  readonly progress: number;
  readonly latencyMs: number;
  /** How far the clock of each machine that a step runs on may be off. */
  readonly skewMs: number;
  /** The first of these many answers say that the instance is not leaving. */
  readonly lag: number;
}

const weather: fc.Arbitrary<Weather> = fc.record({
  seed: fc.integer(),
  heartbeatSeconds: fc.constantFrom(30, 45, 300, 1_728, 3_600, 7_200),
  deadlineSeconds: fc.constantFrom(60, 600, 3_000, 20_000, 172_500),
  failing: fc.constantFrom(0, 0.05, 0.5, 0.9, 1),
  progress: fc.constantFrom(0, 0.05, 0.5, 1),
  latencyMs: fc.constantFrom(0, 20, 900, 8_000),
  skewMs: fc.constantFrom(0, 0, 2_000, 60_000),
  lag: fc.constantFrom(0, 0, 1, 3, 100),
});

/** mulberry32: seeded, so that a failure can be run again. */
function dice(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const DOWN = ['DEACTIVATING', 'STOPPING', 'DEPROVISIONING'];

/** A world that gives plausible answers: tasks only go down, except that somebody may meddle now and then. */
function plausible(weather: Weather) {
  const roll = dice(weather.seed);
  const chance = (p: number): boolean => roll() < p;
  const hook: HookSeen = {
    heartbeatTimeoutSeconds: weather.heartbeatSeconds,
    globalTimeoutSeconds: Math.min(172_800, 100 * weather.heartbeatSeconds),
  };
  /** The stage of each task: 0 wanted, 1 to 3 on the way down, 4 stopped. */
  const stages = Array.from({ length: Math.floor(roll() * 25) }, () => 0);
  let lag = weather.lag;
  let status = 'ACTIVE';

  const failure = (): Failure | undefined =>
    chance(weather.failing)
      ? aFailure((['throttled', 'throttled', 'other', 'denied', 'gone'] as const)[Math.floor(roll() * 5)] ?? 'other')
      : undefined;

  const counted = () => {
    if (chance(0.01)) status = 'ACTIVE';
    return { statuses: [status], missing: 0, wanted: stages.filter((s) => s === 0).length, agentsAway: 0 };
  };
  const left = () => {
    const byStatus: Record<string, number> = {};
    for (const stage of stages) {
      const name = stage === 0 ? 'RUNNING' : DOWN[stage - 1];
      if (name !== undefined) byStatus[name] = (byStatus[name] ?? 0) + 1;
    }
    return remaining(byStatus);
  };
  const look = (atMs: number, known: boolean, nameAll = false): Look => {
    for (const [i, stage] of stages.entries()) if (chance(weather.progress)) stages[i] = stage + 1;
    if (chance(0.01)) stages.push(0);
    const failed = failure();
    if (failed) return { atMs, failure: failed };
    if (known) return { atMs, remaining: left() };
    if (chance(0.005)) return { atMs, instances: { statuses: [], missing: 1, wanted: 0, agentsAway: 0 } };
    const instances = counted();
    return { atMs, instances, crowd: 3, ...(instances.wanted === 0 || nameAll ? { remaining: left() } : {}) };
  };
  const withFailure = () => {
    const failed = failure();
    return failed && { failure: failed };
  };

  return {
    hook,
    answer(move: Move, atMs: number): Seen {
      switch (move.kind) {
        case 'verify': {
          const failed = withFailure();
          if (failed) return { kind: 'verify', atMs, departing: false, ...failed };
          if (lag-- > 0) return { kind: 'verify', atMs, departing: false, state: 'InService' };
          return { kind: 'verify', atMs, departing: true, state: 'Terminating:Wait', hook };
        }
        case 'find': {
          const placements = chance(0.1) ? [] : PLACEMENTS;
          return { kind: 'find', atMs, placements, searched: 1, ...withFailure() };
        }
        case 'start-draining': {
          const failed = withFailure();
          if (failed) return { kind: 'start-draining', look: { atMs, ...failed } };
          status = 'DRAINING';
          return { kind: 'start-draining', look: { atMs, instances: counted() } };
        }
        case 'look':
          return { kind: 'look', look: look(atMs, move.known !== undefined) };
        case 'heartbeat': {
          const failed = withFailure();
          return { kind: 'heartbeat', atMs, ...(failed?.failure.reason === 'gone' && chance(0.9) ? {} : failed) };
        }
        case 'diagnose':
          return { kind: 'diagnose', atMs, reasons: chance(0.5) ? [] : ['because'] };
        case 'alert':
          return { kind: 'alert', atMs, alert: move.alert.kind, ...withFailure() };
        case 'release': {
          const last = move.placements?.length ? look(atMs, false, true) : { atMs, remaining: remaining({}) };
          if (!move.forced && !nothingLeft(last)) {
            return { kind: 'release', look: last, forced: false, completed: false };
          }
          const failed = withFailure();
          return { kind: 'release', look: last, forced: move.forced, completed: failed === undefined, ...failed };
        }
      }
    },
  };
}

/** What "drained" means, said once more, independently of the source. */
function nothingLeft(look: Look | undefined): boolean {
  if (look === undefined || look.failure) return false;
  if (look.instances && look.instances.statuses.length === 0 && look.instances.missing > 0) return true;
  return !(look.instances && look.instances.wanted > 0) && look.remaining?.total === 0;
}

interface Turn {
  readonly move: ReturnType<typeof decide>;
  readonly before: Memory;
  readonly seen: Seen | undefined;
  readonly after: Memory;
}

/** Lambda's 3,000 operations less a margin: what the loop allows. */
const MOST_MOVES = 2_500;

function play(conditions: Weather): {
  turns: Turn[];
  world: ReturnType<typeof plausible>;
  end: ReturnType<typeof decide>;
} {
  const world = plausible(conditions);
  const clockDice = dice(~conditions.seed);
  const turns: Turn[] = [];
  let nowMs = atSecond(1);
  let memory = begin(aRequest(), aPolicy({ deadlineSeconds: conditions.deadlineSeconds }));
  for (;;) {
    const move = decide(memory);
    if (move.kind === 'finish' || turns.length > MOST_MOVES) return { turns, world, end: move };
    const before = memory;
    if (move.kind === 'wait') {
      nowMs += move.seconds * 1000;
      memory = rest(memory, move);
      turns.push({ move, before, seen: undefined, after: memory });
    } else {
      nowMs += conditions.latencyMs;
      const seen = world.answer(move, nowMs + Math.round((clockDice() * 2 - 1) * conditions.skewMs));
      memory = remember(memory, seen);
      turns.push({ move, before, seen, after: memory });
    }
  }
}

/** 150 courses for each property; fast-check shrinks a counterexample and prints the seed that brings it back. */
function always(holds: (course: ReturnType<typeof play>, conditions: Weather) => void): void {
  fc.assert(
    fc.property(weather, (conditions) => holds(play(conditions), conditions)),
    { numRuns: 150 },
  );
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
}

describe('whatever the world answers', () => {
  it('every course ends, within the moves that an execution has', () => {
    const outcomes = new Set<string>();
    always(({ turns, end }) => {
      expect(turns.length).toBeLessThanOrEqual(MOST_MOVES);
      if (end.kind !== 'finish') expect.fail('the course does not end');
      outcomes.add(end.outcome.outcome);
    });
    // The weather is worth something only if it brings about most endings.
    expect([...outcomes]).toEqual(
      expect.arrayContaining(['drained', 'forced', 'hook-gone', 'not-a-container-instance']),
    );
  });

  it('nothing is released before the deadline unless the last look showed nothing left, or every cluster answered', () => {
    always(({ turns }) => {
      let last: Look | undefined;
      let nowhere = false;
      for (const { move, seen } of turns) {
        if (move.kind === 'release' && !move.forced) {
          expect(nothingLeft(last) || nowhere, JSON.stringify(last)).toBe(true);
        }
        if (seen?.kind === 'find') nowhere = seen.placements.length === 0 && seen.failure === undefined;
        if (seen && 'look' in seen && !seen.look.failure && (seen.look.instances || seen.look.remaining))
          last = seen.look;
      }
    });
  });

  it('nothing is forced before the deadline', () => {
    always(({ turns }) => {
      for (const { move, before } of turns) {
        if (move.kind === 'release' && move.forced) expect(before.atMs).toBeGreaterThanOrEqual(deadlineMs(before));
      }
    });
  });

  it('nothing is touched before it was verified that the instance is leaving', () => {
    always(({ turns }) => {
      const verified = turns.findIndex(({ seen }) => seen?.kind === 'verify' && seen.departing);
      const touched = turns.findIndex(({ move }) => move.kind === 'start-draining');
      if (touched >= 0) expect(verified).toBeGreaterThanOrEqual(0);
      if (touched >= 0) expect(touched).toBeGreaterThan(verified);
    });
  });

  it('every move says why', () => {
    always(({ turns, end }) => {
      for (const { because } of [...turns.map(({ move }) => move), end]) expect(because.trim()).not.toBe('');
    });
  });

  it('there is never a long run of moves without a wait', () => {
    always(({ turns }) => {
      let run = 0;
      for (const { move } of turns) {
        run = move.kind === 'wait' ? 0 : run + 1;
        expect(run).toBeLessThan(25);
      }
    });
  });

  it('time never goes back, however wrong the clocks of the machines are', () => {
    always(({ turns }) => {
      for (const { before, after } of turns) expect(after.atMs).toBeGreaterThanOrEqual(before.atMs);
    });
  });

  it('a wait is whole seconds, at least one, and never past the deadline', () => {
    always(({ turns }) => {
      for (const { move, before } of turns) {
        if (move.kind !== 'wait') continue;
        expect(Number.isInteger(move.seconds)).toBe(true);
        expect(move.seconds).toBeGreaterThanOrEqual(1);
        const left = deadlineMs(before) - before.atMs;
        // Rounding up to whole seconds may go past it by less than one.
        if (left > 0) expect(move.seconds * 1000).toBeLessThan(left + 1000);
      }
    });
  });

  it('a wait is never longer than half of what is left of the heartbeat period, once the hook is known', () => {
    always(({ turns, world }) => {
      const periodMs = world.hook.heartbeatTimeoutSeconds * 1000;
      let sinceMs = atSecond(0);
      for (const { move, before, seen, after } of turns) {
        if (seen?.kind === 'heartbeat' && !seen.failure) sinceMs = after.atMs;
        if (move.kind !== 'wait' || !before.verified) continue;
        const leftMs = sinceMs + periodMs - before.atMs;
        if (leftMs <= 0) continue;
        // Where heartbeats fail, they are tried again each tenth of the period.
        expect(move.seconds * 1000).toBeLessThan(Math.max(leftMs / 2, periodMs / 10) + 1000);
      }
    });
  });

  it('each kind of alert but stuck is said once', () => {
    always(({ turns }) => {
      const said = turns.flatMap(({ seen }) => (seen?.kind === 'alert' && !seen.failure ? [seen.alert] : []));
      const once = said.filter((kind) => kind !== 'stuck');
      expect(once.length).toBe(new Set(once).size);
    });
  });

  it('decide and remember are pure: frozen inputs, and the same answer twice', () => {
    always(({ turns }) => {
      for (const { before, move, seen, after } of turns.slice(0, 300)) {
        freeze(before);
        freeze(seen);
        if (!isDeepStrictEqual(decide(before), move)) expect(decide(before)).toEqual(move);
        const again = seen ? remember(before, seen) : rest(before, move as Extract<typeof move, { kind: 'wait' }>);
        if (!isDeepStrictEqual(again, after)) expect(again).toEqual(after);
      }
    });
  });

  it('the moves are the same when they are made again from what JSON kept', () => {
    always(({ turns }, { deadlineSeconds }) => {
      let memory = begin(JSON.parse(JSON.stringify(aRequest())), aPolicy({ deadlineSeconds }));
      for (const { move, seen } of turns.slice(0, 300)) {
        const again = decide(memory);
        if (!isDeepStrictEqual(again, move)) expect(again).toEqual(move);
        memory = move.kind === 'wait' ? rest(memory, move) : remember(memory, JSON.parse(JSON.stringify(seen)));
      }
    });
  });
});

describe('a drain that takes 48 hours', () => {
  const budget = 1_500;

  it.each([1_728, 3_600, 7_200])(
    'stays within 1,500 operations under a hook of %i s, stuck all the time',
    (heartbeatSeconds) => {
      const { turns, end } = play({
        seed: 7,
        heartbeatSeconds,
        deadlineSeconds: 172_500,
        failing: 0,
        progress: 0,
        latencyMs: 100,
        skewMs: 0,
        lag: 0,
      });
      expect(end).toMatchObject({ outcome: { outcome: expect.stringMatching(/forced|drained/) } });
      expect(turns.length).toBeLessThan(budget);
    },
  );

  it('stays within 1,500 operations when every read fails after the first', () => {
    // Prepare
    const hook = { heartbeatTimeoutSeconds: 3_600, globalTimeoutSeconds: 172_800 };
    let memory = begin(aRequest(), aPolicy({ deadlineSeconds: 172_500 }));
    memory = remember(memory, { kind: 'verify', atMs: atSecond(1), departing: true, hook });
    let operations = 0;

    // Act
    for (let move = decide(memory); move.kind !== 'finish'; move = decide(memory)) {
      if (++operations > MOST_MOVES) break;
      const { atMs } = memory;
      const failure = aFailure('denied');
      if (move.kind === 'wait') memory = rest(memory, move);
      else if (move.kind === 'heartbeat') memory = remember(memory, { kind: 'heartbeat', atMs });
      else if (move.kind === 'find')
        memory = remember(memory, { kind: 'find', atMs, placements: [], searched: 0, failure });
      else if (move.kind === 'alert') memory = remember(memory, { kind: 'alert', atMs, alert: move.alert.kind });
      else if (move.kind === 'release')
        memory = remember(memory, { kind: 'release', look: { atMs }, forced: true, completed: true });
      else expect.fail(`an unexpected move: ${move.kind}`);
    }

    // Assess
    expect(operations).toBeLessThan(budget);
  });
});
