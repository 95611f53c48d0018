import { describe, expect, it } from 'vitest';
import { decide } from '../../src/drain/decide.ts';
import type { Memory } from '../../src/drain/memory.ts';
import { remember } from '../../src/drain/remember.ts';
import type { Seen } from '../../src/drain/seen.ts';
import { deadlineMs } from '../../src/drain/times.ts';
import { shortName } from '../../src/drain/words.ts';
import {
  aFailure,
  anHour,
  atSecond,
  CLUSTER,
  havingSeen,
  havingSeenUnder,
  INSTANCE_ARN,
  later,
  PLACEMENTS,
  seen,
} from '../support/build.ts';
import {
  alert,
  atLook,
  atRetry,
  finish,
  look,
  release,
  table,
  wait,
  waitForLook,
  waitForRetry,
} from '../support/moves.ts';

const throttled = aFailure('throttled');
const denied = aFailure('denied', 'ecs:ListContainerInstances');
const SHORTEST_HOOK = { heartbeatTimeoutSeconds: 30, globalTimeoutSeconds: 3_000 };
/** A hook whose end, and not the policy's, decides. */
const ENDING_HOOK = { heartbeatTimeoutSeconds: 7_200, globalTimeoutSeconds: 4_000 };
/** A hook that never needs a heartbeat within the test. */
const LONG_HOOK = { heartbeatTimeoutSeconds: 7_200, globalTimeoutSeconds: 172_800 };

/** Verified, found, DRAINING and announced, with so many tasks wanted on it at second 4. */
const begun = (wanted: number, hook = anHour): Seen[] => [
  seen.leaving(1, hook),
  seen.found(2),
  seen.draining(3, wanted),
  seen.told(4, 'started'),
];

const ids = (count: number): string[] => Array.from({ length: count }, (_, n) => String(n).padStart(32, '0'));

describe('before anything is touched', () => {
  const lag = havingSeen(seen.staying(1, 'InService'));
  const unknown = havingSeen(seen.staying(1));
  table([
    ['a new drain verifies that the instance is leaving', havingSeen(), { kind: 'verify' }],
    ['a verified one looks for the container instance', havingSeen(seen.leaving(1)), { kind: 'find' }],
    ['an instance that is still InService may be lag: look again soon', lag, wait(3)],
    ['and soon is now', later(lag, 4), { kind: 'verify' }],
    ['an instance that Auto Scaling does not know may be lag as well', unknown, wait(3)],
    [
      'lag that ends is followed by the drain',
      havingSeen(seen.staying(1, 'InService'), seen.leaving(4)),
      { kind: 'find' },
    ],
    [
      'nothing is kept alive for an instance that stays',
      havingSeen(seen.staying(1, 'InService'), seen.staying(16, 'InService'), seen.staying(31, 'InService')),
      wait(30),
    ],
    [
      'the question is asked more and more rarely, and once more when two minutes are over',
      havingSeen(seen.staying(1, 'InService'), seen.staying(97, 'InService')),
      wait(24),
    ],
    [
      'after 119 s it is still lag',
      havingSeen(seen.staying(1, 'InService'), seen.staying(120, 'InService')),
      { kind: 'wait' },
    ],
    [
      'an old answer alone does not end it: it is asked once more when two minutes are over',
      later(havingSeen(seen.staying(1, 'InService'), seen.staying(110, 'InService')), 125),
      { kind: 'verify' },
    ],
    [
      'two minutes after the first such answer it is no lag any more',
      havingSeen(seen.staying(1, 'InService'), seen.staying(121, 'InService')),
      alert('hook-gone', /Auto Scaling says InService: nothing was changed/),
    ],
    [
      'an instance that is unknown for two minutes is told as such',
      havingSeen(seen.staying(1), seen.staying(121)),
      alert('hook-gone', /does not know the instance/),
    ],
    [
      'and that is the end',
      havingSeen(seen.staying(1, 'InService'), seen.staying(121, 'InService'), seen.told(122, 'hook-gone')),
      finish('hook-gone'),
    ],
    [
      'a failed read between two such answers neither ends the two minutes nor starts them anew',
      havingSeen(
        seen.staying(1, 'InService'),
        seen.verifyFailed(60, throttled),
        seen.staying(65, 'InService'),
        seen.staying(121, 'InService'),
      ),
      alert('hook-gone'),
    ],
    [
      'a notice that comes after its deadline, for an instance that stays, is verified as any other',
      later(havingSeen(seen.staying(3_500, 'InService')), 3_515),
      { kind: 'verify' },
    ],
    [
      'and ends as nothing to do',
      havingSeen(seen.staying(3_500), seen.staying(3_620)),
      alert('hook-gone', /does not know the instance/),
    ],
    [
      'even two days after the notice, when the hook must have timed out: first it is asked again',
      havingSeen(seen.staying(180_000)),
      wait(3),
    ],
    [
      'and then it is no failure of ours',
      havingSeen(seen.staying(180_000), seen.staying(180_120)),
      alert('hook-gone', /does not know the instance/),
    ],
  ]);
});

describe('once the instance is leaving', () => {
  const unreadable = havingSeen(seen.leaving(1), seen.found(2, [], throttled));
  const refused = havingSeen(seen.leaving(1), seen.found(2), seen.drainingFailed(3, throttled));
  const foundBesides = havingSeen(seen.leaving(1), seen.found(2, PLACEMENTS, denied));
  const muted = havingSeen(
    seen.leaving(1),
    seen.found(2),
    seen.draining(3, 4),
    seen.told(4, 'started', throttled),
    seen.told(5, 'started', throttled),
    seen.told(6, 'started', throttled),
  );
  table([
    [
      'found in a cluster, it is set DRAINING',
      havingSeen(seen.leaving(1), seen.found(2)),
      { kind: 'start-draining', placements: PLACEMENTS },
    ],
    [
      'found although another place could not be read, people hear of it first',
      foundBesides,
      alert('stuck', /ListContainerInstances/),
    ],
    [
      'and it is set DRAINING all the same',
      atRetry(remember(foundBesides, seen.told(3, 'stuck'))),
      { kind: 'start-draining', placements: PLACEMENTS },
    ],
    [
      'in no cluster, and every cluster has answered: released at once, after looking at nothing',
      havingSeen(seen.leaving(1), seen.found(2, [])),
      release({ placements: [], result: 'CONTINUE', forced: false }),
    ],
    ['in no cluster that answered, but not all did: look again, never release', unreadable, waitForRetry(unreadable)],
    ['and again', atRetry(unreadable), { kind: 'find' }],
    [
      'DRAINING, that is announced',
      havingSeen(seen.leaving(1), seen.found(2), seen.draining(3, 4)),
      alert('started', /for its group takes it away; it is over in 50 min at the latest/),
    ],
    [
      'an announcement that failed is tried again at once',
      havingSeen(seen.leaving(1), seen.found(2), seen.draining(3, 4), seen.told(4, 'started', throttled)),
      alert('started'),
    ],
    ['and given up after three tries: nobody waits for the mail', muted, waitForLook(muted)],
    ['setting it DRAINING failed: again soon', refused, waitForRetry(refused)],
    ['and soon is now', atRetry(refused), { kind: 'start-draining' }],
  ]);
});

describe('while tasks are on it', () => {
  const wanted = havingSeen(...begun(4));
  const stopping = havingSeen(...begun(4), seen.goingDown(34, { STOPPING: 4 }));
  const leavingBalancer = havingSeen(...begun(4), seen.goingDown(34, { DEACTIVATING: 4 }));
  const mixed = havingSeen(...begun(4), seen.goingDown(34, { STOPPING: 3, DEACTIVATING: 1 }));
  const many = havingSeen(...begun(250), seen.goingDown(34, { STOPPING: 250 }));
  table([
    ['with tasks wanted, the next look comes at the slow pace', wanted, waitForLook(wanted)],
    ['when it is due, everything is looked at and the crowd is counted', atLook(wanted), look({ countCrowd: true })],
    [
      'the crowd is not counted again for five minutes',
      atLook(havingSeen(...begun(4), seen.wanted(33, 4, { crowd: 1 }))),
      look({ countCrowd: false }),
    ],
    [
      'and then it is',
      atLook(havingSeen(...begun(4), seen.wanted(33, 4, { crowd: 1 }), seen.wanted(310, 2))),
      look({ countCrowd: true }),
    ],
    [
      'no task is wanted any more: who is on the way down is looked up at once',
      havingSeen(seen.leaving(1), seen.found(2), seen.draining(3, 0), seen.told(4, 'started')),
      look({ countCrowd: true }),
    ],
    ['tasks leaving their load balancer are looked at at the slow pace', leavingBalancer, waitForLook(leavingBalancer)],
    ['and then they alone, in one call', atLook(leavingBalancer), look({ known: [ids(4)] })],
    ['tasks inside their stop timeout are looked at at the fast pace', stopping, waitForLook(stopping)],
    ['and then they alone', atLook(stopping), look({ known: [ids(4)] })],
    [
      'after two minutes of that, the instance itself is looked at again',
      atLook(havingSeen(...begun(4), seen.goingDown(34, { STOPPING: 4 }), seen.known(150, { STOPPING: 1 }))),
      look({ countCrowd: true }),
    ],
    ['too many tasks to keep in mind are listed again at each look', atLook(many), look({ countCrowd: true })],
    ['one task of a known few that is not yet STOPPING keeps the pace slow', mixed, waitForLook(leavingBalancer)],
    [
      'a status that AWS adds one day is no end',
      atLook(havingSeen(...begun(1), seen.goingDown(34, { HIBERNATING: 1 }))),
      { kind: 'look' },
    ],
    [
      'somebody set it ACTIVE: it is drained again, for it is still leaving',
      havingSeen(...begun(4), seen.wanted(33, 4, { statuses: ['ACTIVE'] })),
      { kind: 'start-draining', placements: PLACEMENTS, because: expect.stringMatching(/ACTIVE again/) },
    ],
    [
      'one of two registrations set ACTIVE is enough',
      havingSeen(...begun(0), seen.wanted(33, 0, { statuses: ['DRAINING', 'ACTIVE'] })),
      { kind: 'start-draining' },
    ],
  ]);

  it('no known look asks for more than the tasks that were left', () => {
    expect(decide(atLook(stopping))).not.toHaveProperty('countCrowd', true);
    expect(decide(atLook(many))).not.toHaveProperty('known');
  });
});

describe('the release', () => {
  const empty = havingSeen(...begun(4), seen.goingDown(34, { STOPPING: 4 }), seen.known(40, {}));
  const tookBack = havingSeen(...begun(4), seen.goingDown(34, {}), seen.tookBack(35, 1));
  const notReleased = havingSeen(...begun(4), seen.goingDown(34, {}), seen.notReleased(35, throttled));
  table([
    [
      'comes as soon as the known tasks have stopped, and rests on that look',
      empty,
      release({ placements: PLACEMENTS, result: 'CONTINUE', forced: false, lookAtAll: false }),
    ],
    ['looks at everything again when that look is old', later(empty, 101), release({ forced: false, lookAtAll: true })],
    [
      'comes when ECS no longer has the container instance',
      havingSeen(...begun(4), seen.deregistered(34)),
      release({ result: 'CONTINUE', forced: false }),
    ],
    [
      'does not come while one registration of two is there with tasks',
      havingSeen(...begun(4), {
        kind: 'look',
        look: { atMs: atSecond(34), instances: { statuses: ['DRAINING'], missing: 1, wanted: 1, agentsAway: 0 } },
      }),
      { kind: 'wait' },
    ],
    ['does not come from a count of zero alone', havingSeen(...begun(4), seen.wanted(34, 0)), { kind: 'look' }],
    ['that was taken back because a task had come looks again after a while', tookBack, waitForLook(tookBack)],
    ['that failed is tried again soon', notReleased, waitForRetry(notReleased)],
    ['and soon is now', atRetry(notReleased), release({ forced: false })],
    [
      'is told',
      havingSeen(...begun(4), seen.goingDown(34, {}), seen.released(35)),
      alert('drained', /released after 35 s/),
    ],
    [
      'and told again when that failed',
      havingSeen(...begun(4), seen.goingDown(34, {}), seen.released(35), seen.told(36, 'drained', throttled)),
      alert('drained'),
    ],
    [
      'and is the end, told or not',
      havingSeen(
        ...begun(4),
        seen.goingDown(34, {}),
        seen.released(35),
        seen.told(36, 'drained', denied),
        seen.told(37, 'drained', denied),
        seen.told(38, 'drained', denied),
      ),
      finish('drained'),
    ],
    [
      'of an instance in no cluster is told as that',
      havingSeen(seen.leaving(1), seen.found(2, []), seen.released(3)),
      alert('not-a-container-instance', /in no ECS cluster of this region/),
    ],
    [
      'and ends as that',
      havingSeen(seen.leaving(1), seen.found(2, []), seen.released(3), seen.told(4, 'not-a-container-instance')),
      finish('not-a-container-instance'),
    ],
  ]);

  it('names instance, group, cluster and reason in the result', () => {
    const ended = havingSeen(...begun(4), seen.goingDown(34, {}), seen.released(35), seen.told(36, 'drained'));
    expect(decide(ended)).toEqual({
      kind: 'finish',
      because: 'Every task has stopped; the instance was released after 35 s.',
      outcome: {
        instanceId: 'i-0a1b2c3d480000000',
        group: 'web-asg',
        cluster: 'web',
        outcome: 'drained',
        because: 'Every task has stopped; the instance was released after 35 s.',
      },
    });
  });
});

describe('the deadline', () => {
  const soon = { deadlineSeconds: 600, stuckAfterSeconds: 86_400 };
  const running = (policy: object, hook = LONG_HOOK) =>
    havingSeenUnder({ ...soon, ...policy }, ...begun(2, hook), seen.wanted(590, 2));
  const unverified = havingSeenUnder(
    soon,
    seen.verifyFailed(1, denied),
    seen.told(2, 'stuck'),
    seen.heartbeat(598, 'unread'),
  );
  const unforced = havingSeen(...begun(2, LONG_HOOK), seen.wanted(2_990, 2), seen.notReleased(3_000, throttled, true));
  const forced = { forced: true, lookAtAll: true, placements: PLACEMENTS };
  table([
    ['ends a wait', running({}), wait(10)],
    [
      'releases with CONTINUE where the policy says so',
      later(running({}), 600),
      release({ ...forced, result: 'CONTINUE' }),
    ],
    [
      'releases with ABANDON where the policy says so',
      later(running({ atDeadline: 'ABANDON' }), 600),
      release({ ...forced, result: 'ABANDON', because: expect.stringMatching(/deadline.*2 tasks are still wanted/) }),
    ],
    [
      'comes five minutes before the hook’s global timeout, whatever the policy says',
      later(
        havingSeenUnder({ deadlineSeconds: 86_400 }, ...begun(2, ENDING_HOOK), seen.heartbeat(3_699, ENDING_HOOK)),
        3_700,
      ),
      release(forced),
    ],
    [
      'and not a second earlier',
      later(
        havingSeenUnder({ deadlineSeconds: 86_400 }, ...begun(2, ENDING_HOOK), seen.heartbeat(3_690, ENDING_HOOK)),
        3_699,
      ),
      { kind: expect.not.stringMatching('release') },
    ],
    [
      'is kept five minutes off the least global timeout there is, as long as the hook could not be read',
      later(
        havingSeenUnder(
          { deadlineSeconds: 86_400 },
          seen.verifyFailed(1, denied),
          seen.told(2, 'stuck'),
          seen.heartbeat(2_699, 'unread'),
        ),
        2_700,
      ),
      release({ forced: true }),
    ],
    [
      'releases an instance that was never found, without looking',
      later(unverified, 600),
      release({ forced: true, placements: undefined, because: expect.stringMatching(/nothing is known yet/) }),
    ],
    [
      'is not put off by a look that failed shortly before it',
      later(
        havingSeenUnder(
          soon,
          ...begun(2, LONG_HOOK),
          ...[60, 120, 240, 420, 590].map((s) => seen.lookFailed(s, throttled)),
        ),
        600,
      ),
      release(forced),
    ],
    ['waits a little when the forced release failed', unforced, waitForRetry(unforced)],
    ['and forces it again', atRetry(unforced), release({ forced: true })],
    [
      'does not come before a heartbeat that is due',
      later(
        havingSeenUnder(
          soon,
          ...begun(2, { heartbeatTimeoutSeconds: 600, globalTimeoutSeconds: 60_000 }),
          seen.wanted(290, 2),
        ),
        600,
      ),
      { kind: 'heartbeat' },
    ],
    [
      'tells what was cut off',
      havingSeenUnder(soon, ...begun(2, LONG_HOOK), seen.released(600, { STOPPING: 1, DEACTIVATING: 2 }, true)),
      alert('forced', /with CONTINUE: 3 tasks left \(1 STOPPING, 2 DEACTIVATING\)\. These tasks are cut off/),
    ],
    [
      'tells what was cut off also when the last look failed',
      havingSeenUnder(soon, ...begun(2, LONG_HOOK), seen.wanted(590, 2), seen.releasedBlind(600, throttled)),
      alert('forced', /2 tasks are still wanted/),
    ],
    [
      'tells when nothing is known of the tasks',
      havingSeenUnder(soon, seen.verifyFailed(1, denied), seen.releasedBlind(600)),
      alert('forced', /nothing is known yet of the tasks/),
    ],
    [
      'ends as forced',
      havingSeenUnder(
        soon,
        ...begun(2, LONG_HOOK),
        seen.released(600, { STOPPING: 1 }, true),
        seen.told(601, 'forced'),
      ),
      finish('forced'),
    ],
    [
      'ends as abandoned where the policy says ABANDON',
      havingSeenUnder(
        { ...soon, atDeadline: 'ABANDON' },
        ...begun(2, LONG_HOOK),
        seen.released(600, { STOPPING: 1 }, true),
        seen.told(601, 'forced'),
      ),
      finish('abandoned'),
    ],
    [
      'ends as drained when the last look finds the last task stopped after all',
      havingSeenUnder(soon, ...begun(2, LONG_HOOK), seen.released(600, {}, true), seen.told(601, 'drained')),
      finish('drained'),
    ],
  ]);

  it('names at most five of the tasks that are cut off', () => {
    const move = decide(havingSeenUnder(soon, ...begun(8, LONG_HOOK), seen.released(600, { STOPPING: 8 }, true)));
    expect(move).toMatchObject({
      kind: 'alert',
      alert: { details: expect.arrayContaining([expect.stringMatching(/^service:api \d+ STOPPING$/)]) },
    });
    expect(move.kind === 'alert' && move.alert.details).toHaveLength(5);
  });

  it.each([
    [
      'the policy’s, where that is sooner',
      3_000,
      { heartbeatTimeoutSeconds: 3_600, globalTimeoutSeconds: 172_800 },
      3_000,
    ],
    [
      'the hook’s less five minutes, where that is sooner',
      172_500,
      { heartbeatTimeoutSeconds: 30, globalTimeoutSeconds: 3_000 },
      2_700,
    ],
    ['both alike at 48 hours', 172_500, { heartbeatTimeoutSeconds: 7_200, globalTimeoutSeconds: 172_800 }, 172_500],
  ])('is %s', (_, deadlineSeconds, hook, second) => {
    expect(deadlineMs(havingSeenUnder({ deadlineSeconds }, seen.leaving(1, hook)))).toBe(atSecond(second));
  });

  it('does not move away with a hook that gets a longer heartbeat: the action may keep the global timeout it began with', () => {
    const memory = havingSeenUnder(
      { deadlineSeconds: 172_500 },
      seen.leaving(1, SHORTEST_HOOK),
      seen.heartbeat(15, anHour),
    );
    expect(deadlineMs(memory)).toBe(atSecond(2_700));
  });
});

describe('heartbeats', () => {
  const shortly = { heartbeatTimeoutSeconds: 60, globalTimeoutSeconds: 6_000 };
  table([
    [
      'are sent when half of the period has passed since the notice',
      later(havingSeen(...begun(4, shortly)), 30),
      { kind: 'heartbeat' },
    ],
    ['and not before', havingSeen(...begun(4, shortly)), wait(26)],
    [
      'again half a period later',
      later(havingSeen(...begun(4, shortly), seen.heartbeat(30, shortly), seen.wanted(33, 4)), 60),
      { kind: 'heartbeat' },
    ],
    [
      'never later than half the period: a look that is due later waits',
      havingSeen(...begun(4, shortly), seen.heartbeat(30, shortly), seen.wanted(50, 4)),
      wait(10),
    ],
    [
      'are not sent again right after one failed',
      havingSeen(...begun(4, shortly), seen.heartbeat(30, throttled)),
      { kind: 'wait' },
    ],
    [
      'are sent again a tenth of the period after one failed',
      later(havingSeen(...begun(4, shortly), seen.heartbeat(30, throttled)), 36),
      { kind: 'heartbeat' },
    ],
    [
      'of the shortest hook get at least four tries in the half period that is left',
      later(
        havingSeen(
          ...begun(4, SHORTEST_HOOK),
          seen.heartbeat(15, throttled),
          seen.heartbeat(18, throttled),
          seen.heartbeat(22, throttled),
        ),
        29,
      ),
      { kind: 'heartbeat' },
    ],
    [
      'are hurried when the hook could not be read after the last: its period may be another by now',
      later(havingSeen(...begun(4, shortly), seen.heartbeat(30, 'unread'), seen.wanted(33, 4)), 36),
      { kind: 'heartbeat' },
    ],
    [
      'but not for ever: a hook that can never be read is kept alive as it was last known',
      havingSeen(
        ...begun(4, shortly),
        ...[30, 36, 42, 48, 54, 60].map((second) => seen.heartbeat(second, 'unread')),
        seen.wanted(80, 4),
      ),
      wait(10),
    ],
    [
      'follow a hook that somebody has changed, from the next heartbeat on',
      havingSeen(...begun(4, anHour), seen.wanted(1_795, 1), seen.heartbeat(1_800, shortly), seen.wanted(1_820, 1)),
      wait(10),
    ],
    [
      'do not trust a longer period yet that the hook was given about when the heartbeat went out',
      havingSeen(...begun(4, shortly), seen.heartbeat(30, anHour), seen.wanted(50, 4)),
      wait(10),
    ],
    [
      'trust it from the next heartbeat on',
      later(
        havingSeen(...begun(4, shortly), seen.heartbeat(30, anHour), seen.heartbeat(60, anHour), seen.wanted(95, 4)),
        100,
      ),
      wait(28),
    ],
    [
      'go by the last period that was read where the hook cannot be read',
      havingSeen(
        ...begun(4, shortly),
        seen.heartbeat(30, { heartbeatTimeoutSeconds: 100, globalTimeoutSeconds: 10_000 }),
        ...[60, 70, 80, 90, 100, 110].map((second) => seen.heartbeat(second, 'unread')),
        seen.wanted(140, 4),
      ),
      wait(20),
    ],
    [
      'are sent at once where the hook is first read long after the notice: it may have been changed meanwhile',
      havingSeen(seen.verifyFailed(1, throttled), seen.leaving(60, anHour)),
      { kind: 'heartbeat' },
    ],
    [
      'that were denied are told',
      havingSeen(...begun(4), seen.heartbeat(1_800, aFailure('denied', 'autoscaling:RecordLifecycleActionHeartbeat'))),
      alert('stuck', /RecordLifecycleActionHeartbeat/),
    ],
    [
      'are sent while the verification fails, every 15 s: the hook may be the shortest',
      later(havingSeen(seen.verifyFailed(1, throttled)), 15),
      { kind: 'heartbeat' },
    ],
    [
      'that find the action over say so',
      havingSeen(...begun(4), seen.wanted(33, 3), seen.heartbeat(1_800, aFailure('gone'))),
      alert('hook-gone', /ended by somebody else or timed out: 3 tasks are still wanted/),
    ],
    [
      'and then it is over for us as well',
      havingSeen(...begun(4), seen.heartbeat(1_800, aFailure('gone')), seen.told(1_801, 'hook-gone')),
      finish('hook-gone'),
    ],
  ]);

  it('of the shortest hook that keep failing come ever more rarely, though never less than twice a minute at first', () => {
    // Prepare
    let memory = havingSeen(...begun(4, SHORTEST_HOOK));
    const sent: number[] = [];

    // Act
    while (memory.atMs < atSecond(600)) {
      const move = decide(memory);
      if (move.kind === 'heartbeat') {
        sent.push((memory.atMs - atSecond(0)) / 1000);
        memory = remember(memory, { kind: 'heartbeat', atMs: memory.atMs, failure: throttled });
      } else if (move.kind === 'wait') {
        memory = later(memory, (memory.atMs - atSecond(0)) / 1000 + move.seconds);
      } else if (move.kind === 'look') {
        memory = remember(memory, { kind: 'look', look: { atMs: memory.atMs, failure: throttled } });
      } else if (move.kind === 'alert') {
        memory = remember(memory, { kind: 'alert', atMs: memory.atMs, alert: move.alert.kind });
      } else {
        expect.fail(`an unexpected move: ${move.kind}`);
      }
    }

    // Assess
    const gaps = sent.slice(1).map((second, i) => second - (sent[i] ?? 0));
    expect(sent.filter((second) => second < 60).length).toBeGreaterThanOrEqual(4);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(3);
    expect(sent.length).toBeLessThan(40);
  });
});

describe('trouble', () => {
  const failing = (reason: Parameters<typeof aFailure>[0], ...seconds: number[]): Memory =>
    havingSeen(...begun(4, LONG_HOOK), seen.wanted(33, 4), ...seconds.map((s) => seen.lookFailed(s, aFailure(reason))));
  const forgotten = havingSeen(
    ...begun(4, LONG_HOOK),
    seen.lookFailed(34, throttled),
    seen.wanted(36, 4),
    seen.lookFailed(66, throttled),
  );
  const told = (memory: Memory, second: number): Memory => remember(memory, seen.told(second, 'stuck'));
  table([
    ['makes one wait a little', failing('other', 63), waitForRetry(failing('other', 63))],
    ['then longer', failing('other', 63, 66), waitForRetry(failing('other', 63, 66))],
    ['and then goes on', atLook(atRetry(failing('other', 63))), { kind: 'look' }],
    ['that passes is forgotten', forgotten, waitForRetry(failing('throttled', 66))],
    ['is no news in its first two minutes', failing('other', 63, 182), { kind: 'wait' }],
    [
      'of throttling is no news for twenty minutes: many drain at once',
      failing('throttled', 63, 1_262),
      { kind: 'wait' },
    ],
    ['but then it is', failing('throttled', 63, 1_263), alert('stuck', /ecs:DescribeTasks.*throttled/)],
    ['of another kind is told after two minutes', failing('other', 63, 183), alert('stuck', /other/)],
    ['by a denied read is told at once', failing('denied', 63), alert('stuck', /ecs:DescribeTasks.*denied/)],
    ['by something that does not exist is told at once', failing('gone', 63), alert('stuck', /gone/)],
    ['that was told is tried again', told(failing('denied', 63), 64), waitForRetry(told(failing('denied', 63), 64))],
    ['and again, and not told again', told(failing('denied', 63, 65, 69), 70), { kind: 'wait' }],
    [
      'in the verification is told, too',
      havingSeen(seen.verifyFailed(1, aFailure('denied', 'autoscaling:DescribeAutoScalingInstances'))),
      alert('stuck', /autoscaling:DescribeAutoScalingInstances.*tried again until the deadline/),
    ],
    [
      'in the search for the container instance is told, too: not found is not empty',
      havingSeen(seen.leaving(1), seen.found(2, [], aFailure('gone', 'ecs:ListContainerInstances'))),
      alert('stuck', /ecs:ListContainerInstances/),
    ],
    [
      'whose alert cannot be sent is tried three times, then only the trouble itself',
      [1, 2, 3].reduce((memory, n) => remember(memory, seen.told(63 + n, 'stuck', denied)), failing('denied', 63)),
      { kind: expect.not.stringMatching('alert') },
    ],
  ]);

  it('that lasts longer than an hour is told every hour', () => {
    const patient = { deadlineSeconds: 86_400 };
    const denials = [63, 3_664, 3_670].map((second) => seen.lookFailed(second, denied));
    const [first, ...rest] = denials;
    const memory = havingSeenUnder(
      patient,
      ...begun(4, LONG_HOOK),
      ...(first ? [first] : []),
      seen.told(64, 'stuck'),
      seen.heartbeat(3_600, LONG_HOOK),
    );
    expect(decide(later(memory, 3_663))).not.toMatchObject({ kind: 'alert' });
    expect(decide(later(memory, 3_664))).toMatchObject(alert('stuck'));
    expect(decide(rest.reduce(remember, remember(memory, seen.told(3_664, 'stuck'))))).not.toMatchObject({
      kind: 'alert',
    });
  });

  it('that lasts for days is looked at more and more rarely', () => {
    const patient = { deadlineSeconds: 172_500 };
    const memory = havingSeenUnder(
      patient,
      ...begun(4, LONG_HOOK),
      seen.lookFailed(33, denied),
      seen.told(34, 'stuck'),
    );
    const muchLater = [
      seen.heartbeat(86_400, LONG_HOOK),
      seen.lookFailed(86_400, denied),
      seen.told(86_401, 'stuck'),
    ].reduce(remember, memory);
    expect(decide(muchLater)).toMatchObject({
      kind: 'wait',
      seconds: expect.toSatisfy((s: number) => s > 300 && s <= 450),
    });
  });
});

describe('a drain that does not get on', () => {
  const stalled = havingSeen(...begun(4, LONG_HOOK), seen.wanted(603, 4));
  const diagnosed = (reasons?: string[]): Memory => remember(stalled, seen.diagnosis(604, reasons));
  table([
    [
      'is not stuck before the time that the policy gives it',
      later(havingSeen(...begun(4, LONG_HOOK), seen.wanted(602, 4)), 620),
      { kind: 'wait' },
    ],
    [
      'is then diagnosed',
      stalled,
      { kind: 'diagnose', placements: PLACEMENTS, sinceMs: atSecond(3), because: expect.stringMatching(/600 s/) },
    ],
    [
      'and told, with the first reason as headline',
      diagnosed(['no capacity', 'port clash']),
      alert('stuck', /^no capacity$/),
    ],
    [
      'and told also where no reason is to be seen',
      diagnosed([]),
      alert('stuck', /no cause is to be seen: 4 tasks are still wanted/),
    ],
    ['and then goes on looking', remember(diagnosed(), seen.told(605, 'stuck')), { kind: 'wait' }],
    [
      'but not once more within the hour',
      later([seen.told(605, 'stuck'), seen.wanted(2_000, 4)].reduce(remember, diagnosed()), 2_900),
      { kind: 'look' },
    ],
    [
      'that got on in between was not stuck at all',
      atLook(havingSeen(...begun(4, LONG_HOOK), seen.wanted(500, 3), seen.wanted(700, 3))),
      { kind: 'look' },
    ],
    [
      'is stuck anew when it stalls again after progress',
      havingSeen(
        ...begun(4, LONG_HOOK),
        seen.wanted(603, 4),
        seen.diagnosis(604),
        seen.told(605, 'stuck'),
        seen.wanted(1_000, 3),
        seen.wanted(1_600, 3),
      ),
      { kind: 'diagnose' },
    ],
    [
      'a task that moves from RUNNING to STOPPING is progress',
      later(
        havingSeen(
          ...begun(2, LONG_HOOK),
          seen.goingDown(500, { DEACTIVATING: 2 }),
          seen.goingDown(900, { STOPPING: 1, DEACTIVATING: 1 }),
        ),
        1_400,
      ),
      { kind: 'look' },
    ],
  ]);

  it('says how long people have, and what is left, with the reasons', () => {
    const memory = havingSeen(
      ...begun(2, LONG_HOOK),
      seen.goingDown(34, { STOPPING: 2 }),
      seen.goingDown(634, { STOPPING: 2 }),
    );
    const move = decide(remember(memory, seen.diagnosis(635, ['first', 'second'])));
    expect(move).toMatchObject({
      kind: 'alert',
      alert: {
        because: 'first',
        details: [
          'Its deadline is in 39 min: then it is released with CONTINUE, whatever is left.',
          'second',
          expect.stringMatching(/^service:api .* STOPPING$/),
          expect.any(String),
        ],
      },
    });
  });

  it('is diagnosed and told again every hour, and no more often', () => {
    // Prepare
    let memory = havingSeenUnder({ deadlineSeconds: 172_500 }, ...begun(4, LONG_HOOK));
    const told: number[] = [];
    let diagnoses = 0;

    // Act
    while (memory.atMs < atSecond(6 * 3_600)) {
      const move = decide(memory);
      const now = memory.atMs;
      if (move.kind === 'wait') memory = later(memory, (now - atSecond(0)) / 1000 + move.seconds);
      else if (move.kind === 'look')
        memory = remember(memory, {
          kind: 'look',
          look: { atMs: now, instances: { statuses: ['DRAINING'], missing: 0, wanted: 4, agentsAway: 0 } },
        });
      else if (move.kind === 'heartbeat') memory = remember(memory, { kind: 'heartbeat', atMs: now });
      else if (move.kind === 'diagnose') {
        diagnoses++;
        memory = remember(memory, { kind: 'diagnose', atMs: now, reasons: ['no capacity'] });
      } else if (move.kind === 'alert') {
        told.push(now);
        memory = remember(memory, { kind: 'alert', atMs: now, alert: move.alert.kind });
      } else expect.fail(`an unexpected move: ${move.kind}`);
    }

    // Assess
    const gaps = told.slice(1).map((atMs, i) => (atMs - (told[i] ?? 0)) / 1000);
    expect(told.length).toBeGreaterThanOrEqual(5);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(3_600);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(3_600 + 900);
    expect(diagnoses).toBe(told.length);
  });
});

describe('the end that nobody wants', () => {
  const all = aFailure('denied', 'autoscaling:CompleteLifecycleAction');
  const failing = havingSeen(...begun(2, SHORTEST_HOOK), seen.notReleased(2_990, all, true), seen.told(2_991, 'stuck'));
  table([
    [
      'is not given up before the hook’s global timeout',
      failing,
      { kind: expect.stringMatching(/wait|heartbeat|release/) },
    ],
    [
      'comes with the global timeout, and says what stood in the way',
      later(failing, 3_000),
      alert('failed', /global timeout.*CompleteLifecycleAction.*denied.*default result/),
    ],
    ['and is the execution’s result', later(remember(failing, seen.told(3_001, 'failed')), 3_001), finish('failed')],
  ]);
});

describe('a cluster’s name', () => {
  it.each([
    ['web', 'web'],
    [CLUSTER, 'web'],
    [INSTANCE_ARN, '0123456789abcdef0123456789abcdef'],
  ])('of %s is %s', (cluster, name) => {
    expect(shortName(cluster)).toBe(name);
  });
});
