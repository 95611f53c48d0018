import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DrainPolicy } from '../../src/config.ts';
import { isDone } from '../../src/drain/coming-back.ts';
import { decide } from '../../src/drain/decide.ts';
import type { Memory } from '../../src/drain/memory.ts';
import { begin, rest } from '../../src/drain/memory.ts';
import { ACTS, type Move } from '../../src/drain/move.ts';
import { purposeOf } from '../../src/drain/purpose.ts';
import { remember } from '../../src/drain/remember.ts';
import type { DrainRequest } from '../../src/drain/request.ts';
import type { Look, Seen } from '../../src/drain/seen.ts';
import type { Mode, Settings } from '../../src/drain/switch.ts';
import { deadlineMs } from '../../src/drain/times.ts';
import type { Failure, HookSeen } from '../../src/ports.ts';
import {
  aFailure,
  aMaintenanceRequest,
  anOrder,
  aPolicy,
  aRebalanceRequest,
  aRequest,
  aSpotRequest,
  atSecond,
  GROUP,
  instances,
  isoSecond,
  PLACEMENTS,
  remaining,
} from '../support/build.ts';

/** One course: what the world is like in it. Small and shrinkable; the seed fills in the rest. */
interface Weather {
  readonly seed: number;
  readonly request: DrainRequest;
  readonly policy: DrainPolicy;
  /** What the switch says: the same all the time, or turned now and then, and sometimes written wrongly. */
  readonly control: Mode | 'turning';
  readonly heartbeatSeconds: number;
  /** Of each call. */
  readonly failing: number;
  /** Of each look: the chance that a task has moved on. */
  readonly progress: number;
  readonly latencyMs: number;
  /** How far the clock of each machine that a step runs on may be off. */
  readonly skewMs: number;
  /** The first of these many answers say that the instance is not leaving. */
  readonly lag: number;
  /** Of each look: the chance that somebody has set the instance ACTIVE. */
  readonly meddling: number;
}

const DAY = 86_400;

const request: fc.Arbitrary<DrainRequest> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .constantFrom('terminate' as const, 'warm-pool' as const, 'replace-root-volume' as const)
      .map((departure) => aRequest({ departure })),
  },
  fc
    .constantFrom('hibernate' as const, 'stop' as const, 'terminate' as const)
    .map((action) => aSpotRequest({ action })),
  fc.constant(aRebalanceRequest()),
  fc
    .record({
      change: fc.constantFrom('reboot' as const, 'leave' as const),
      starts: fc.constantFrom(-DAY, 30, 1_800, 2 * DAY, 14 * DAY),
      lasts: fc.constantFrom(undefined, 0, 3_600, 3 * DAY),
    })
    .map(({ change, starts, lasts }) => {
      const { endsAt, ...planned } = aMaintenanceRequest({ change, startsAt: isoSecond(starts) });
      return lasts === undefined ? planned : { ...planned, endsAt: isoSecond(starts + lasts) };
    }),
  fc
    .constantFrom(undefined, 60, 7_200, 14 * DAY)
    .map((deadlineSeconds) => anOrder(deadlineSeconds === undefined ? {} : { deadlineSeconds })),
);

const policy: fc.Arbitrary<DrainPolicy> = fc
  .record(
    {
      deadlineSeconds: fc.constantFrom(60, 600, 3_000, 20_000, 172_500),
      atDeadline: fc.constantFrom('CONTINUE' as const, 'ABANDON' as const),
      stopStandaloneAfterSeconds: fc.constantFrom(0, 600),
      spotInterruption: fc.constantFrom('drain' as const, 'drain' as const, 'notify' as const),
      rebalance: fc.constantFrom('drain' as const, 'replace' as const, 'notify' as const),
      maintenance: fc.constantFrom('drain' as const, 'drain' as const, 'replace' as const, 'notify' as const),
      maintenanceLeadSeconds: fc.constantFrom(0, 3_600, DAY, 14 * DAY),
    },
    { requiredKeys: ['deadlineSeconds', 'spotInterruption', 'rebalance', 'maintenance', 'maintenanceLeadSeconds'] },
  )
  .map((different) => aPolicy(different));

const weather: fc.Arbitrary<Weather> = fc.record({
  seed: fc.integer(),
  request,
  policy,
  control: fc.constantFrom('act', 'act', 'act', 'turning', 'turning', 'observe', 'pause'),
  heartbeatSeconds: fc.constantFrom(30, 45, 300, 1_728, 3_600, 7_200),
  failing: fc.constantFrom(0, 0, 0.05, 0.5, 0.9, 1),
  progress: fc.constantFrom(0, 0.05, 0.5, 1),
  latencyMs: fc.constantFrom(0, 20, 900, 8_000),
  skewMs: fc.constantFrom(0, 0, 2_000, 60_000),
  lag: fc.constantFrom(0, 0, 1, 3, 100),
  meddling: fc.constantFrom(0, 0.01, 0.2),
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
function plausible({ seed, heartbeatSeconds, failing, progress, lag: lagging, meddling, request: asked }: Weather) {
  const roll = dice(seed);
  const chance = (p: number): boolean => roll() < p;
  const hook: HookSeen = {
    heartbeatTimeoutSeconds: heartbeatSeconds,
    globalTimeoutSeconds: Math.min(172_800, 100 * heartbeatSeconds),
  };
  /** The stage of each task: 0 wanted, 1 to 3 on the way down, 4 stopped. */
  const stages = Array.from({ length: Math.floor(roll() * 25) }, () => 0);
  const isInGroup = chance(0.8);
  let lag = lagging;
  const before = chance(0.8) ? 'ACTIVE' : 'DRAINING';
  let status = before;

  const failure = (): Failure | undefined =>
    chance(failing)
      ? aFailure((['throttled', 'throttled', 'other', 'denied', 'gone'] as const)[Math.floor(roll() * 5)] ?? 'other')
      : undefined;

  const counted = (meddled = meddling) => {
    if (chance(meddled)) status = 'ACTIVE';
    return instances(stages.filter((s) => s === 0).length, [status]);
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
    if (status === 'DRAINING') for (const [i, stage] of stages.entries()) if (chance(progress)) stages[i] = stage + 1;
    if (chance(0.01)) stages.push(0);
    const failed = failure();
    if (failed) return { atMs, failure: failed };
    if (known) return { atMs, remaining: left() };
    if (chance(0.005)) return { atMs, instances: { statuses: [], missing: 1, wanted: 0, agentsAway: 0 } };
    const seen = counted();
    return { atMs, instances: seen, crowd: 3, ...(seen.wanted === 0 || nameAll ? { remaining: left() } : {}) };
  };
  const withFailure = () => {
    const failed = failure();
    return failed && { failure: failed };
  };

  return {
    hook,
    wasActive: before === 'ACTIVE',
    roll,
    answer(move: Move, atMs: number): Seen {
      switch (move.kind) {
        case 'verify': {
          const failed = withFailure();
          if (failed) return { kind: 'verify', atMs, departing: false, ...failed };
          if (asked.kind !== 'terminating') {
            const found = isInGroup ? { group: GROUP, state: 'InService' } : {};
            return { kind: 'verify', atMs, departing: true, ...found };
          }
          if (lag-- > 0) return { kind: 'verify', atMs, departing: false, state: 'InService' };
          return { kind: 'verify', atMs, departing: true, state: 'Terminating:Wait', hook };
        }
        case 'find': {
          const placements = chance(0.1) ? [] : PLACEMENTS;
          return { kind: 'find', atMs, placements, searched: 1, ...withFailure() };
        }
        case 'read-switch':
          return { kind: 'read-switch', atMs };
        case 'start-draining': {
          const failed = withFailure();
          if (failed) return { kind: 'start-draining', look: { atMs, ...failed } };
          status = 'DRAINING';
          return { kind: 'start-draining', look: { atMs, instances: counted(0) } };
        }
        case 'look':
          return { kind: 'look', look: look(atMs, move.known !== undefined, move.nameAll) };
        case 'heartbeat': {
          const failed = withFailure();
          const isGone = failed?.failure.reason === 'gone' && chance(0.1);
          if (failed && (isGone || failed.failure.reason !== 'gone')) return { kind: 'heartbeat', atMs, ...failed };
          return { kind: 'heartbeat', atMs, ...(chance(failing) ? {} : { hook }) };
        }
        case 'stop-standalone':
          return { kind: 'stop-standalone', atMs, stopped: 1, ...withFailure() };
        case 'replace':
          return { kind: 'replace', atMs, ...withFailure() };
        case 'diagnose':
          return { kind: 'diagnose', atMs, reasons: chance(0.5) ? [] : ['because'] };
        case 'alert':
          return { kind: 'alert', atMs, alert: move.alert.kind, resolves: move.alert.resolves, ...withFailure() };
        case 'release': {
          const last = move.placements?.length ? look(atMs, false, true) : { atMs, remaining: remaining({}) };
          const released = { kind: 'release', look: last, forced: move.forced, already: false } as const;
          if (!move.forced && !nothingLeft(last)) return { ...released, completed: false };
          const failed = withFailure();
          return { ...released, completed: failed === undefined, ...failed };
        }
        case 'restore': {
          const failed = withFailure();
          const isBack = chance(0.5);
          return {
            kind: 'restore',
            atMs,
            restored: failed === undefined && isBack && !move.onlyLook && chance(0.8),
            agentAway: failed === undefined && !isBack,
            ...failed,
          };
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

/** The switch, which somebody turns; what it says is seen with each step, and holds back what it no longer allows. */
function switchOf({ control, policy: deployed }: Weather, roll: () => number) {
  let says: Settings = { mode: control === 'turning' ? 'act' : control, policy: deployed };
  const turn = (): void => {
    const mode = (['act', 'act', 'observe', 'pause', 'pause'] as const)[Math.floor(roll() * 5)] ?? 'act';
    const changed = roll() < 0.3 ? { ...deployed, deadlineSeconds: roll() < 0.5 ? 60 : 172_500 } : deployed;
    says = { mode, policy: changed };
  };
  return (memory: Memory, move: Move): { readonly settings?: Seen['settings']; readonly holdsBack: boolean } => {
    if (control === 'turning' && roll() < 0.1) turn();
    if (control === 'turning' && roll() < 0.02) return { settings: { mistakes: 'it is not JSON' }, holdsBack: false };
    if (isDeepStrictEqual(says, memory.settings) && memory.switchMistakes === undefined) return { holdsBack: false };
    const isBegun = memory.drainingSinceMs !== undefined;
    const holdsBack = ACTS.has(move.kind) && (move.kind !== 'heartbeat' || (says.mode === 'observe' && !isBegun));
    return { settings: says, holdsBack };
  };
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
  memory: Memory;
} {
  const world = plausible(conditions);
  const control = switchOf(conditions, dice(conditions.seed ^ 0x5eed));
  const clockDice = dice(~conditions.seed);
  const turns: Turn[] = [];
  let nowMs = atSecond(1);
  let memory = begin(conditions.request, conditions.policy);
  for (;;) {
    const move = decide(memory);
    if (move.kind === 'finish' || turns.length > MOST_MOVES) return { turns, world, end: move, memory };
    const before = memory;
    if (move.kind === 'wait') {
      nowMs += move.seconds * 1000;
      memory = rest(memory, move);
      turns.push({ move, before, seen: undefined, after: memory });
    } else {
      nowMs += conditions.latencyMs;
      const { settings, holdsBack } = control(memory, move);
      const atMs = nowMs + Math.round((clockDice() * 2 - 1) * conditions.skewMs);
      const answer = world.answer(holdsBack ? { kind: 'read-switch', because: 'the switch was turned' } : move, atMs);
      const seen = settings === undefined ? answer : { ...answer, settings };
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

const steps = (turns: readonly Turn[], ...kinds: readonly Move['kind'][]): Turn[] =>
  turns.filter(({ move }) => (kinds as readonly string[]).includes(move.kind));

describe('whatever the world answers', () => {
  it('every course ends, within the moves that an execution has', () => {
    always(({ turns, end }) => {
      expect(turns.length).toBeLessThanOrEqual(MOST_MOVES);
      if (end.kind !== 'finish') expect.fail('the course does not end');
    });
  });

  it('it is worth asking: every ending comes about, in every mode, and every move is made', () => {
    // Prepare: always the same courses, for this is about the weather and not about the drain.
    const courses = fc.sample(weather, { seed: 3, numRuns: 400 }).map(play);

    // Act
    const outcomes = courses.map(({ end }) => (end.kind === 'finish' ? end.outcome.outcome : 'none'));
    const turns = courses.flatMap((course) => course.turns);

    // Assess
    expect([...new Set(outcomes)].sort()).toEqual([
      'abandoned',
      'cancelled',
      'drained',
      'failed',
      'forced',
      'hook-gone',
      'not-a-container-instance',
      'observed',
      'replaced',
    ]);
    expect([...new Set(turns.map(({ before }) => before.settings.mode))].sort()).toEqual(['act', 'observe', 'pause']);
    const moves = new Set(turns.map(({ move }) => move.kind));
    expect([...moves].sort()).toEqual(
      [...ACTS, 'alert', 'diagnose', 'find', 'look', 'read-switch', 'verify', 'wait'].sort(),
    );
  });

  it('a request without a hook ends with its deadline, or with what it waits for after it', () => {
    always(({ memory }, { request: asked, policy: deployed, control, latencyMs, skewMs }) => {
      if (asked.kind === 'terminating') return;
      const policies = [deployed, { ...deployed, deadlineSeconds: 172_500 }];
      const deadline = Math.max(...policies.map((p) => purposeOf(asked, p).deadlineMs));
      const { startsAt = '', endsAt = startsAt } = asked.kind === 'maintenance' ? asked : {};
      // Two hours where AWS names no end, and then half an hour for the agent to come back.
      const backMs =
        asked.kind === 'maintenance' ? Math.max(Date.parse(startsAt) + 7_200_000, Date.parse(endsAt), deadline) : 0;
      const isStopped = asked.kind === 'spot-interruption' && asked.action !== 'terminate';
      // Spot has two weeks to start again what it stopped; and a pause of up to two days does not count.
      const waitsMs = isStopped ? 14 * DAY * 1000 : control === 'act' ? 0 : 172_800_000;
      const lastMs = Math.max(deadline + (isStopped ? waitsMs : 0), backMs + Math.max(1_800_000, waitsMs));
      // The longest wait is a hundredth of the whole course, or ten minutes; then come a few steps.
      const longestWaitMs = Math.max(600_000, (lastMs - atSecond(0)) / 90);
      expect(memory.atMs).toBeLessThan(lastMs + longestWaitMs + 15 * latencyMs + skewMs);
    });
  });

  it('a hook is over five minutes before its global timeout where AWS answers, and soon after it in any case', () => {
    always(({ memory, world }, { request: asked, failing, control, latencyMs, skewMs }) => {
      if (asked.kind !== 'terminating') return;
      const answered = failing === 0 && (control === 'act' || control === 'observe');
      const hookSeconds = failing === 0 ? world.hook.globalTimeoutSeconds : 172_800;
      const lastMs = answered ? deadlineMs({ ...memory, hook: world.hook }) : atSecond(hookSeconds);
      const isStaying = memory.staying !== undefined;
      const isPaused = control === 'pause' || control === 'turning';
      const restoreMs = asked.departure === 'replace-root-volume' ? (isPaused ? 172_800_000 : 1_900_000) : 0;
      const slackMs = (answered ? 60_000 : 900_000) + 20 * latencyMs + 2 * skewMs;
      const limitMs = Math.max(lastMs, isStaying ? atSecond(130) : 0) + restoreMs + slackMs;
      expect(memory.atMs).toBeLessThan(limitMs);
    });
  });

  it('a request without a hook sends no heartbeat and completes no action', () => {
    always(({ turns }, { request: asked }) => {
      if (asked.kind !== 'terminating') expect(steps(turns, 'heartbeat', 'release')).toEqual([]);
    });
  });

  it('in a pause nothing acts but heartbeats, and in observe mode only those of what was begun', () => {
    always(({ turns }) => {
      for (const { move, before } of turns) {
        const { mode } = before.settings;
        if (move.kind === 'wait' || move.kind === 'finish' || !ACTS.has(move.kind)) continue;
        if (mode !== 'act') expect(move.kind).toBe('heartbeat');
        if (mode === 'observe') expect(before.drainingSinceMs).toBeDefined();
      }
    });
  });

  it('nothing is done that the policy of the moment does not ask for, nor before its time', () => {
    always(({ turns }, { request: asked }) => {
      for (const { move, before } of steps(turns, 'start-draining', 'stop-standalone', 'replace')) {
        const { action, startAtMs } = purposeOf(asked, before.settings.policy);
        expect(action).toBe(move.kind === 'replace' ? 'replace' : 'drain');
        expect(before.atMs).toBeGreaterThanOrEqual(startAtMs);
        if (move.kind === 'replace') expect(before.group).toBe(GROUP);
        if (move.kind !== 'stop-standalone') continue;
        const after = before.settings.policy.stopStandaloneAfterSeconds ?? Number.NaN;
        expect(before.atMs - (before.drainingSinceMs ?? Number.NaN)).toBeGreaterThanOrEqual(after * 1000);
      }
    });
  });

  it('only what was ACTIVE before we drained it is set ACTIVE again, and only after it was empty or released', () => {
    always(({ turns, world }, { request: asked }) => {
      for (const { before } of steps(turns, 'restore')) {
        expect(purposeOf(asked, before.settings.policy).restore).toBe(true);
        expect(before.ours).toEqual(PLACEMENTS.map(({ arn }) => arn));
        // Somebody may set it ACTIVE between our steps: then it was not DRAINING when we came.
        if (!world.wasActive) expect(turns.some(({ seen }) => seen?.kind === 'look')).toBe(true);
        const isCutOff = before.said.forced?.done === true && before.atMs >= deadlineMs(before);
        const isOver = nothingLeft(before.look) || isCutOff;
        expect(asked.kind === 'terminating' ? before.released !== undefined : isOver).toBe(true);
      }
    });
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
      const touching = ['start-draining', 'stop-standalone', 'replace', 'restore'];
      const touched = turns.findIndex(({ move }) => touching.includes(move.kind));
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
        // After the drain it is waited for the instance to come back; and in a pause nothing has to be ended.
        if (isDone(before) || before.settings.mode === 'pause') continue;
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
        if (move.kind !== 'wait' || before.request.kind !== 'terminating' || !before.verified) continue;
        const isOnlySeen = before.settings.mode === 'observe' && before.drainingSinceMs === undefined;
        if (before.hook === undefined || isOnlySeen || before.released) continue;
        const leftMs = sinceMs + periodMs - before.atMs;
        if (leftMs <= 0) continue;
        // Where heartbeats fail, they are tried again each tenth of the period.
        expect(move.seconds * 1000).toBeLessThan(Math.max(leftMs / 2, periodMs / 10) + 1000);
      }
    });
  });

  it('each kind of alert is said once, but for those that tell of what goes on or comes again', () => {
    always(({ turns }) => {
      const said = turns.flatMap(({ seen }) => (seen?.kind === 'alert' && !seen.failure ? [seen.alert] : []));
      const once = said.filter(
        (kind) => !['stuck', 'paused', 'misconfigured', 'reactivated', 'resolved'].includes(kind),
      );
      expect(once.length).toBe(new Set(once).size);
    });
  });

  it('no alert comes again within ten minutes, but for an instance that is set ACTIVE again and again', () => {
    always(({ turns }) => {
      const saidMs = new Map<string, number>();
      for (const { move, after, seen } of turns) {
        if (move.kind !== 'alert' || seen?.kind !== 'alert') continue;
        // Two problems may be over soon after each other.
        if (seen.alert === 'reactivated' || seen.alert === 'resolved') continue;
        if (!after.said[seen.alert]?.done) continue;
        const beforeMs = saidMs.get(seen.alert);
        if (beforeMs !== undefined) expect(after.atMs - beforeMs).toBeGreaterThanOrEqual(600_000);
        saidMs.set(seen.alert, after.atMs);
      }
    });
  });

  it('what people heard of is said to be over once, and at the end at the latest', () => {
    let resolved = 0;
    always(({ turns }) => {
      const open = new Set<string>();
      for (const { move, seen, after } of turns) {
        if (move.kind !== 'alert' || seen?.kind !== 'alert') continue;
        const { kind, resolves = [] } = move.alert;
        for (const problem of resolves) expect(open).toContain(problem);
        // What could not be published is tried again, and given up in the end.
        if (after.said[kind]?.done) for (const problem of resolves) open.delete(problem);
        if (seen.failure === undefined && /^(stuck|paused|misconfigured)$/.test(kind)) open.add(kind);
        if (kind === 'resolved') resolved += 1;
      }
      if (turns.at(-1)?.move.kind === 'finish') expect([...open]).toEqual([]);
    });
    expect(resolved).toBeGreaterThan(10);
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
    always(({ turns }, { request: asked, policy: deployed }) => {
      let memory = begin(JSON.parse(JSON.stringify(asked)), JSON.parse(JSON.stringify(deployed)));
      for (const { move, seen } of turns.slice(0, 300)) {
        const again = decide(memory);
        if (!isDeepStrictEqual(again, move)) expect(again).toEqual(move);
        memory = move.kind === 'wait' ? rest(memory, move) : remember(memory, JSON.parse(JSON.stringify(seen)));
      }
    });
  });
});

const told = (move: Extract<Move, { kind: 'alert' }>, atMs: number) =>
  ({ kind: 'alert', atMs, alert: move.alert.kind, resolves: move.alert.resolves }) as const;

describe('a drain that takes as long as can be', () => {
  const budget = 1_500;
  const calm: Weather = {
    seed: 7,
    request: aRequest(),
    policy: aPolicy({ deadlineSeconds: 172_500 }),
    control: 'act',
    heartbeatSeconds: 1_728,
    failing: 0,
    progress: 0,
    latencyMs: 100,
    skewMs: 0,
    lag: 0,
    meddling: 0,
  };
  const drained = aPolicy({ deadlineSeconds: 172_500, maintenance: 'drain', maintenanceLeadSeconds: 14 * DAY });

  it.each([1_728, 3_600, 7_200])(
    'stays within 1,500 operations under a hook of %i s, stuck all of 48 hours',
    (heartbeatSeconds) => {
      const { turns, end } = play({ ...calm, heartbeatSeconds });
      expect(end).toMatchObject({ outcome: { outcome: expect.stringMatching(/forced|drained/) } });
      expect(turns.length).toBeLessThan(budget);
    },
  );

  it.each([1_728, 3_600, 7_200])(
    'stays within 1,500 operations under a hook of %i s, paused all of 48 hours',
    (heartbeatSeconds) => {
      const { turns, end, memory } = play({ ...calm, control: 'pause', heartbeatSeconds });
      expect(end).toMatchObject({ outcome: { outcome: 'failed' } });
      expect(memory.atMs).toBeGreaterThanOrEqual(atSecond(172_800));
      expect(turns.length).toBeLessThan(budget);
    },
  );

  it.each([0.05, 0.2, 0.5, 0.7, 0.9])(
    'stays within 1,500 operations when the share %d of all calls fails for 48 hours, whoever meddles and whatever the clocks say',
    (failing) => {
      for (const heartbeatSeconds of [1_728, 3_600, 7_200])
        for (const [seed, meddling, skewMs] of [
          [7_932, 0.01, 0],
          [23_770, 0.2, 60_000],
          [79_203, 0.2, 0],
          [300_935, 0, 60_000],
        ] as const) {
          const { turns, end } = play({ ...calm, seed, heartbeatSeconds, failing, meddling, skewMs });
          expect(end.kind).toBe('finish');
          expect(turns.length).toBeLessThan(budget);
        }
    },
  );

  it.each<[string, Partial<Weather>]>([
    ['ordered for two weeks, and stuck', { request: anOrder({ deadlineSeconds: 14 * DAY }) }],
    ['ordered for two weeks, and every call fails', { request: anOrder({ deadlineSeconds: 14 * DAY }), failing: 1 }],
    ['ordered for two weeks, and paused', { request: anOrder({ deadlineSeconds: 14 * DAY }), control: 'pause' }],
    [
      'planned in two weeks, and drained from today on',
      { request: aMaintenanceRequest({ startsAt: isoSecond(14 * DAY) }), policy: drained },
    ],
    [
      'planned in two weeks, and paused',
      { request: aMaintenanceRequest({ startsAt: isoSecond(14 * DAY) }), policy: drained, control: 'pause' },
    ],
    [
      'of an instance that may come back for a month, and does not',
      {
        request: aMaintenanceRequest({ startsAt: isoSecond(3_600), endsAt: isoSecond(30 * DAY) }),
        policy: drained,
        progress: 1,
        failing: 1,
      },
    ],
    ['of what Spot stops and never starts again', { request: aSpotRequest({ action: 'stop' }) }],
    [
      'of what Spot stops, when every call fails after that',
      { request: aSpotRequest({ action: 'stop' }), failing: 0.9, progress: 1 },
    ],
    ['of what Spot stops, paused', { request: aSpotRequest({ action: 'stop' }), control: 'turning', progress: 1 }],
  ])('%s, ends within the moves that an execution has', (_, different) => {
    const { turns, end } = play({ ...calm, ...different });
    expect(end.kind).toBe('finish');
    expect(turns.length).toBeLessThan(MOST_MOVES);
  });

  it.each([1_728, 3_600, 7_200])(
    'stays within 1,500 operations when every read fails after the first (%i s)',
    (period) => {
      // Prepare
      const hook = { heartbeatTimeoutSeconds: period, globalTimeoutSeconds: 172_800 };
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
        else if (move.kind === 'alert') memory = remember(memory, told(move, atMs));
        else if (move.kind === 'release')
          memory = remember(memory, { kind: 'release', look: { atMs }, forced: true, completed: true, already: false });
        else expect.fail(`an unexpected move: ${move.kind}`);
      }

      // Assess
      expect(operations).toBeLessThan(budget);
    },
  );

  it('ends as failed, within the moves that an execution has, when AWS denies everything from the first call', () => {
    // Prepare: not even the hook could be read, so nobody knows how long the action lives.
    const failure = aFailure('denied');
    let memory = begin(aRequest(), aPolicy({ deadlineSeconds: 172_500 }));
    let operations = 0;

    // Act
    let move = decide(memory);
    for (; move.kind !== 'finish' && operations <= MOST_MOVES; move = decide(memory)) {
      operations++;
      const { atMs } = memory;
      if (move.kind === 'wait') memory = rest(memory, move);
      else if (move.kind === 'heartbeat') memory = remember(memory, { kind: 'heartbeat', atMs, failure });
      else if (move.kind === 'verify') memory = remember(memory, { kind: 'verify', atMs, departing: false, failure });
      else if (move.kind === 'alert') memory = remember(memory, { ...told(move, atMs), failure });
      else if (move.kind === 'release')
        memory = remember(memory, {
          kind: 'release',
          look: { atMs },
          forced: true,
          completed: false,
          already: false,
          failure,
        });
      else expect.fail(`an unexpected move: ${move.kind}`);
    }

    // Assess
    expect(move).toMatchObject({ kind: 'finish', outcome: { outcome: 'failed' } });
  });
});
