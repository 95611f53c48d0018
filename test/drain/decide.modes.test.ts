import { describe, expect, it } from 'vitest';
import type { DrainPolicy } from '../../src/config.ts';
import { decide } from '../../src/drain/decide.ts';
import type { Memory } from '../../src/drain/memory.ts';
import { ACTS } from '../../src/drain/move.ts';
import { remember } from '../../src/drain/remember.ts';
import type { DrainRequest } from '../../src/drain/request.ts';
import type { Seen } from '../../src/drain/seen.ts';
import type { Mode } from '../../src/drain/switch.ts';
import {
  aFailure,
  aMaintenanceRequest,
  anHour,
  anOrder,
  aPolicy,
  aRebalanceRequest,
  aRequest,
  aSpotRequest,
  havingSeen,
  havingSeenFor,
  isoSecond,
  later,
  PLACEMENTS,
  STARTS,
  seen,
  turned,
} from '../support/build.ts';
import { alert, atLook, finish, look, table, wait } from '../support/moves.ts';

const throttled = aFailure('throttled');
const denied = aFailure('denied');

/** The first answer comes with what the switch says; the rest with nothing new. */
const under = (mode: Mode, policy: Partial<DrainPolicy>, first: Seen, ...rest: readonly Seen[]): Seen[] => [
  turned(first, mode, policy),
  ...rest,
];
const observing = (...answers: readonly [Seen, ...Seen[]]): Memory => havingSeen(...under('observe', {}, ...answers));
const pausing = (...answers: readonly [Seen, ...Seen[]]): Memory => havingSeen(...under('pause', {}, ...answers));
const misread = (answer: Seen, mistakes = 'it is not JSON'): Seen => ({ ...answer, settings: { mistakes } });

const begun: readonly [Seen, ...Seen[]] = [
  seen.leaving(1),
  seen.found(2),
  seen.draining(3, 2),
  seen.told(4, 'started'),
];

describe('in observe mode', () => {
  const leaving = observing(seen.leaving(1), seen.found(2));
  table([
    ['it is still looked where the instance stands', observing(seen.verifyFailed(1, throttled)), { kind: 'wait' }],
    ['and where its container instance is', observing(seen.leaving(1)), { kind: 'find' }],
    [
      'and then people hear what would be done',
      leaving,
      alert('observed', /nothing is done; next would come: start-draining, for its group takes it away/),
    ],
    ['and that is the end', remember(leaving, seen.told(3, 'observed')), finish('observed')],
    [
      'told or not',
      [3, 4, 5].reduce((memory, second) => remember(memory, seen.told(second, 'observed', denied)), leaving),
      finish('observed'),
    ],
    [
      'an instance in no cluster would be released',
      observing(seen.leaving(1), seen.found(2, [])),
      alert('observed', /release, for every cluster answered/),
    ],
    [
      'an instance that stays is told as in any mode: it is no more than was seen',
      observing(seen.staying(1, 'InService'), seen.staying(121, 'InService')),
      alert('hook-gone'),
    ],
    [
      'a failed read is told as in any mode',
      observing(seen.leaving(1), seen.found(2, [], denied)),
      alert('stuck', /denied/),
    ],
    [
      'the action is not kept alive, though a hook would want it',
      later(observing(seen.leaving(1, { heartbeatTimeoutSeconds: 30, globalTimeoutSeconds: 3_000 })), 900),
      { kind: 'find' },
    ],
    [
      'what would be forced at the deadline is told as that',
      later(observing(seen.verifyFailed(1, denied), seen.told(2, 'stuck')), 2_700),
      alert('observed', /release, for the deadline has come/),
    ],
  ]);

  const kind = (request: DrainRequest, policy: Partial<DrainPolicy>, ...answers: readonly [Seen, ...Seen[]]): Memory =>
    havingSeenFor(request, policy, ...under('observe', policy, ...answers));
  const found: readonly [Seen, ...Seen[]] = [seen.grouped(1), seen.found(2)];
  table([
    ['an order', kind(anOrder(), {}, ...found), alert('observed', /start-draining, for alice ordered it/)],
    ['a Spot interruption', kind(aSpotRequest(), {}, ...found), alert('observed', /start-draining, for its Spot/)],
    [
      'a rebalance recommendation that would be replaced',
      kind(aRebalanceRequest(), { rebalance: 'replace' }, ...found),
      alert('observed', /replace, for its Spot capacity is at risk/),
    ],
    ['one that would only be told is told', kind(aRebalanceRequest(), {}, ...found), alert('noticed')],
    [
      'maintenance waits for its time, and the switch may be turned until then',
      kind(aMaintenanceRequest(), { maintenance: 'drain' }, ...found),
      wait(6 * 3_600),
    ],
    [
      'and tells at its time',
      kind(
        aMaintenanceRequest({ startsAt: isoSecond(3_000) }),
        { maintenance: 'drain' },
        ...found,
        seen.wanted(3, 2, { statuses: ['ACTIVE'] }),
      ),
      alert('observed', /start-draining, for AWS reboots it/),
    ],
  ]);

  const hook = { ...anHour, defaultResult: 'ABANDON' };
  const turnedOnTheWay = (...more: readonly Seen[]): Memory =>
    havingSeen(
      seen.leaving(1, hook),
      seen.found(2),
      seen.draining(3, 2),
      seen.told(4, 'started'),
      turned(seen.wanted(33, 2), 'observe'),
      ...more,
    );
  table([
    [
      'what was begun is kept alive: tasks are not to be cut off by our silence',
      later(turnedOnTheWay(), 1_800),
      { kind: 'heartbeat' },
    ],
    [
      'and when it is to be released, people hear what becomes of the hook, and when',
      turnedOnTheWay(seen.heartbeat(1_800, hook), seen.goingDown(2_100, {})),
      alert(
        'observed',
        /nothing more is done; next would come: release.*stays DRAINING\. Nobody completes the hook .* in 55 min, with its default result \(ABANDON\), unless you do/,
      ),
    ],
    [
      'as they do when the deadline comes first',
      later(turnedOnTheWay(seen.heartbeat(1_800, hook), seen.wanted(2_900, 2)), 3_000),
      alert('observed', /release, for the deadline has come: 2 tasks are .* in 40 min, with its default result/),
    ],
    [
      'what was never begun is not kept alive, and that is told as well',
      observing(seen.leaving(1, hook), seen.found(2)),
      alert('observed', /nothing is done; .*start-draining.* it ends by itself in 60 min, with its default result/),
    ],
    [
      'of a hook that could not be read its timeouts are not known',
      later(observing(seen.verifyFailed(1, denied), seen.told(2, 'stuck')), 2_700),
      alert('observed', /ends by itself at its heartbeat timeout, with its default result, unless you do/),
    ],
    [
      'what came back is not set ACTIVE, and that is told',
      later(
        havingSeenFor(
          aMaintenanceRequest(),
          { maintenance: 'drain' },
          seen.grouped(1),
          seen.found(2),
          seen.wanted(STARTS - 86_400, 2, { statuses: ['ACTIVE'] }),
          seen.draining(STARTS - 86_399, 2),
          seen.told(STARTS - 86_398, 'started'),
          seen.goingDown(STARTS - 86_000, {}),
          seen.told(STARTS - 85_999, 'drained'),
          turned(seen.notBack(STARTS + 60, true), 'observe', { maintenance: 'drain' }),
        ),
        STARTS + 120,
      ),
      alert('observed', /next would come: restore.* The container instance stays DRAINING\.$/),
    ],
  ]);

  it('a switch that is turned to it on the way ends the drain at its next act', () => {
    const turning = havingSeen(...begun, turned(seen.wanted(33, 2), 'observe'));
    expect(decide(turning)).toMatchObject({ kind: 'wait' });
    expect(decide(atLook(turning))).toMatchObject(look({}));
    const empty = remember(turning, seen.goingDown(70, {}));
    expect(decide(empty)).toMatchObject(alert('observed', /release, for every task on the instance has stopped/));
  });
});

describe('in a pause', () => {
  const HOOK = { heartbeatTimeoutSeconds: 7_200, globalTimeoutSeconds: 172_800 };
  const held = pausing(seen.leaving(1, HOOK), seen.told(2, 'paused'));
  const midway = havingSeen(...begun, turned(seen.wanted(33, 2), 'pause'));
  const brief = { heartbeatTimeoutSeconds: 60, globalTimeoutSeconds: 6_000 };
  table([
    [
      'that is told first',
      pausing(seen.leaving(1)),
      alert('paused', /nothing is done, and nothing is known yet.*kept alive until its global timeout/),
    ],
    ['also on the way, with what is left', midway, alert('paused', /2 tasks are still wanted on it/)],
    ['then the switch is read each minute', held, wait(60)],
    ['and read', later(held, 62), { kind: 'read-switch' }],
    [
      'the hook is kept alive',
      later(pausing(seen.leaving(1, brief), seen.told(2, 'paused')), 30),
      { kind: 'heartbeat' },
    ],
    [
      'before anything else',
      later(havingSeen(seen.leaving(1, brief), turned(seen.found(2), 'pause')), 30),
      { kind: 'heartbeat' },
    ],
    [
      'an instance that was not verified yet still is: without it nobody knows how long its hook lives',
      pausing(seen.verifyFailed(1, throttled), seen.told(2, 'paused')),
      { kind: 'wait' },
    ],
    ['and then is', later(pausing(seen.verifyFailed(1, throttled), seen.told(2, 'paused')), 12), { kind: 'verify' }],
    ['but it is not looked for', pausing(seen.leaving(1, HOOK), seen.told(2, 'paused')), wait(60)],
    [
      'a drain that is empty is not released',
      havingSeen(...begun, seen.goingDown(60, {}), turned(seen.nothing(61), 'pause'), seen.told(62, 'paused')),
      wait(60),
    ],
    [
      'the deadline passes',
      later(havingSeen(...begun, turned(seen.heartbeat(2_980), 'pause'), seen.told(2_990, 'paused')), 3_000),
      { kind: 'wait' },
    ],
    [
      'people hear of it again each hour',
      havingSeen(seen.leaving(1, HOOK), turned(seen.told(2, 'paused'), 'pause'), seen.heartbeat(3_602, HOOK)),
      alert('paused'),
    ],
    [
      'and not before',
      havingSeen(seen.leaving(1, HOOK), turned(seen.told(2, 'paused'), 'pause'), seen.heartbeat(3_601, HOOK)),
      { kind: 'wait' },
    ],
    [
      'an instance that stays is told all the same, and ends it',
      pausing(seen.staying(1, 'InService'), seen.told(2, 'paused'), seen.staying(121, 'InService')),
      alert('hook-gone'),
    ],
    [
      'an action that somebody ended ends it',
      pausing(seen.leaving(1, brief), seen.told(2, 'paused'), seen.heartbeat(30, aFailure('gone'))),
      alert('hook-gone'),
    ],
    [
      'the hook’s global timeout ends it',
      later(pausing(seen.leaving(1, brief), seen.told(2, 'paused'), seen.heartbeat(5_990, brief)), 6_000),
      alert('failed', /could not be completed before its global timeout \(the switch says pause\)/),
    ],
    [
      'that is over, everything goes on where it was',
      atLook(
        havingSeen(
          ...begun,
          turned(seen.wanted(33, 2), 'pause'),
          seen.told(34, 'paused'),
          turned(seen.nothing(94), 'act'),
        ),
      ),
      look({}),
    ],
    [
      'that is over is no stall, however long it was: patience begins with its end, not with its alert',
      havingSeen(
        ...begun,
        turned(seen.wanted(33, 2), 'pause'),
        seen.nothing(1_200),
        seen.heartbeat(1_801),
        turned(seen.nothing(2_000), 'act'),
        seen.wanted(2_033, 2),
      ),
      { kind: 'wait' },
    ],
    [
      'that is over is a stall again once nothing has changed for long enough since',
      havingSeen(
        ...begun,
        turned(seen.wanted(33, 2), 'pause'),
        seen.heartbeat(1_801),
        turned(seen.nothing(2_000), 'act'),
        seen.wanted(2_600, 2),
      ),
      { kind: 'diagnose' },
    ],
    [
      'that is over after the deadline is followed by the release',
      havingSeen(
        ...begun,
        turned(seen.wanted(33, 2), 'pause'),
        seen.told(34, 'paused'),
        seen.heartbeat(3_050, anHour),
        turned(seen.nothing(3_060), 'act'),
      ),
      { kind: 'release', forced: true },
    ],
  ]);

  it('becomes rarer to be looked up, the longer it lasts: two days fit into what an execution may do', () => {
    // Prepare
    let memory = held;
    const waits: number[] = [];

    // Act
    while (memory.atMs < later(held, 172_000).atMs) {
      const move = decide(memory);
      const second = (memory.atMs - later(held, 2).atMs) / 1000 + 2;
      if (move.kind === 'wait') {
        waits.push(move.seconds);
        memory = later(memory, second + move.seconds);
      } else if (move.kind === 'heartbeat') memory = remember(memory, seen.heartbeat(second, HOOK));
      else if (move.kind === 'alert') memory = remember(memory, seen.told(second, move.alert.kind));
      else if (move.kind === 'read-switch') memory = remember(memory, seen.nothing(second));
      else expect.fail(`an unexpected move: ${move.kind}`);
    }

    // Assess
    expect(Math.max(...waits.slice(0, 8))).toBeLessThanOrEqual(60);
    expect(Math.max(...waits)).toBeLessThanOrEqual(450);
    expect(waits.length).toBeLessThan(600);
  });

  const found: readonly [Seen, ...Seen[]] = [seen.grouped(1), seen.found(2)];
  table([
    [
      'an order waits as well',
      havingSeenFor(anOrder(), {}, ...under('pause', {}, ...found), seen.told(3, 'paused')),
      wait(60),
    ],
    [
      'and ends at its deadline: nobody is held by it',
      havingSeenFor(
        anOrder(),
        {},
        ...found,
        seen.draining(3, 2),
        seen.told(4, 'started'),
        turned(seen.nothing(33), 'pause'),
        seen.told(34, 'paused'),
        seen.nothing(3_000),
      ),
      alert('failed', /Not drained by its deadline: 2 tasks are still wanted/),
    ],
    [
      'a Spot interruption ends with its two minutes',
      havingSeenFor(aSpotRequest(), {}, ...under('pause', {}, ...found), seen.told(3, 'paused'), seen.nothing(120)),
      alert('forced', /two minutes are over: nothing is known yet/),
    ],
    [
      'one that is only told is told, for nothing is done to it',
      havingSeenFor(aRebalanceRequest(), {}, ...under('pause', {}, ...found)),
      alert('noticed'),
    ],
  ]);

  it('no request acts, but for the heartbeat of a hook', () => {
    const requests: readonly DrainRequest[] = [aSpotRequest(), aRebalanceRequest(), aMaintenanceRequest(), anOrder()];
    const policy = { rebalance: 'replace', maintenance: 'drain', maintenanceLeadSeconds: 1_209_600 } as const;
    for (const request of requests) {
      const memory = havingSeenFor(request, policy, ...under('pause', policy, ...found));
      expect(decide(memory)).toMatchObject({ kind: 'alert', alert: { kind: 'paused' } });
      const move = decide(remember(memory, seen.told(3, 'paused')));
      expect(ACTS.has(move.kind as never), move.kind).toBe(false);
    }
  });
});

describe('a switch that cannot be understood', () => {
  const act = havingSeen(seen.leaving(1), misread(seen.found(2)));
  const paused = havingSeen(turned(seen.leaving(1), 'pause'), seen.told(2, 'paused'), misread(seen.nothing(62)));
  table([
    ['is told, with its mistakes', act, alert('misconfigured', /\(it is not JSON\): what held before holds on/)],
    ['and changes nothing', remember(act, seen.told(3, 'misconfigured')), { kind: 'start-draining' }],
    [
      'is told once an hour, though it is seen with each step',
      havingSeen(
        seen.leaving(1),
        misread(seen.found(2)),
        misread(seen.told(3, 'misconfigured')),
        misread(seen.draining(4, 2)),
        misread(seen.told(5, 'started')),
      ),
      { kind: 'wait' },
    ],
    [
      'also when the drain gets on meanwhile',
      havingSeen(
        misread(seen.leaving(1)),
        seen.told(2, 'misconfigured'),
        seen.found(3),
        seen.draining(4, 2),
        seen.told(5, 'started'),
        seen.wanted(700, 1),
      ),
      { kind: 'wait' },
    ],
    [
      'and again after that',
      havingSeenFor(
        aRequest(),
        { deadlineSeconds: 86_400 },
        misread(seen.leaving(1)),
        seen.told(2, 'misconfigured'),
        misread(seen.heartbeat(3_602)),
      ),
      alert('misconfigured'),
    ],
    ['is told in a pause as well: somebody may believe that it is over', paused, alert('misconfigured')],
    ['and the pause goes on', remember(paused, seen.told(63, 'misconfigured')), { kind: 'wait' }],
    [
      'and in observe mode',
      havingSeen(turned(seen.leaving(1), 'observe'), misread(seen.staying(2, 'InService'))),
      alert('misconfigured'),
    ],
    [
      'that is mended is no news any more',
      havingSeen(seen.leaving(1), misread(seen.found(2)), turned(seen.nothing(3), 'act')),
      { kind: 'start-draining' },
    ],
  ]);

  it('keeps what held before it, mode and policy', () => {
    const before = havingSeen(turned(seen.leaving(1), 'act', { deadlineSeconds: 600 }));
    expect(remember(before, misread(seen.found(2))).settings).toEqual({
      mode: 'act',
      policy: aPolicy({ deadlineSeconds: 600 }),
    });
  });
});

describe('a policy that is changed on the way', () => {
  const longer = havingSeen(...begun, turned(seen.wanted(2_900, 1), 'act', { deadlineSeconds: 6_000 }));
  const shorter = havingSeen(...begun, turned(seen.wanted(700, 1), 'act', { deadlineSeconds: 600 }));
  table([
    [
      'puts the deadline off',
      later(remember(longer, seen.heartbeat(2_950)), 3_001),
      { kind: expect.not.stringMatching('release') },
    ],
    ['or brings it near', shorter, { kind: 'release', forced: true, placements: PLACEMENTS }],
    [
      'decides what the deadline does',
      later(
        havingSeen(...begun, seen.heartbeat(1_800), turned(seen.wanted(2_990, 1), 'act', { atDeadline: 'ABANDON' })),
        3_000,
      ),
      { kind: 'release', result: 'ABANDON' },
    ],
    [
      'turns a recommendation that was to be drained into one that is told',
      havingSeenFor(
        aRebalanceRequest(),
        { rebalance: 'drain' },
        seen.grouped(1),
        turned(seen.found(2), 'act', { rebalance: 'notify' }),
      ),
      alert('noticed'),
    ],
    [
      'brings maintenance forward',
      havingSeenFor(
        aMaintenanceRequest({ change: 'leave' }),
        { maintenance: 'drain' },
        seen.grouped(1),
        turned(seen.found(2), 'act', { maintenance: 'drain', maintenanceLeadSeconds: 1_209_600 }),
      ),
      { kind: 'start-draining' },
    ],
    [
      'stops standalone tasks from now on',
      havingSeen(
        ...begun,
        turned(seen.wanted(700, 1), 'act', { stopStandaloneAfterSeconds: 60, stuckAfterSeconds: 6_000 }),
      ),
      { kind: 'stop-standalone' },
    ],
  ]);

  it('is known from the first answer that brought it', () => {
    const memory = havingSeenFor(aRequest(), {}, turned(seen.leaving(1), 'pause', { deadlineSeconds: 60 }));
    expect(memory.settings).toEqual({ mode: 'pause', policy: aPolicy({ deadlineSeconds: 60 }) });
  });
});
