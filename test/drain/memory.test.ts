import { describe, expect, it } from 'vitest';
import { begin, rest } from '../../src/drain/memory.ts';
import { remember } from '../../src/drain/remember.ts';
import type { Look, Seen } from '../../src/drain/seen.ts';
import { isEmpty, leftToDo } from '../../src/drain/seen.ts';
import {
  aFailure,
  anHour,
  aPolicy,
  aRequest,
  atSecond,
  havingSeen,
  INSTANCE_ARN,
  PLACEMENTS,
  remaining,
  seen,
} from '../support/build.ts';

const throttled = aFailure('throttled');
const instances = (members: object = {}) => ({
  statuses: ['DRAINING'],
  missing: 0,
  wanted: 0,
  agentsAway: 0,
  ...members,
});

describe('an instance is empty', () => {
  it.each<[string, Partial<Look>, boolean]>([
    ['when every task on it has stopped', { instances: instances(), remaining: remaining({}) }, true],
    ['when the known tasks have stopped', { remaining: remaining({}) }, true],
    ['when ECS no longer has any registration of it', { instances: instances({ statuses: [], missing: 1 }) }, true],
    ['but not when nothing was seen', {}, false],
    ['but not when the look failed', { failure: throttled }, false],
    ['but not when a look failed that showed none before', { remaining: remaining({}), failure: throttled }, false],
    [
      'but not when the look failed after all registrations were gone',
      { instances: instances({ statuses: [], missing: 1 }), failure: throttled },
      false,
    ],
    ['but not from a count of zero alone', { instances: instances() }, false],
    ['but not while a task is wanted', { instances: instances({ wanted: 1 }), remaining: remaining({}) }, false],
    [
      'but not while a task leaves its load balancer',
      { instances: instances(), remaining: remaining({ DEACTIVATING: 1 }) },
      false,
    ],
    ['but not while a task is inside its stop timeout', { remaining: remaining({ STOPPING: 1 }) }, false],
    ['but not while a task’s network is taken down', { remaining: remaining({ DEPROVISIONING: 1 }) }, false],
    ['but not while a task has a status that we do not know', { remaining: remaining({ HIBERNATING: 1 }) }, false],
    ['but not when one registration of two is gone', { instances: instances({ missing: 1 }) }, false],
    ['but not when there is no registration and none is missing', { instances: instances({ statuses: [] }) }, false],
  ])('%s', (_, look, empty) => {
    expect(isEmpty({ atMs: 0, ...look })).toBe(empty);
  });
});

describe('what is left to do', () => {
  it.each<[string, Partial<Look>, number | undefined]>([
    ['is unknown before a look', {}, undefined],
    ['is nothing on an empty instance', { remaining: remaining({}) }, 0],
    ['is the whole way for each task that is wanted', { instances: instances({ wanted: 3 }) }, 12],
    [
      'is less for each stage on the way down',
      { remaining: remaining({ DEACTIVATING: 1, STOPPING: 1, DEPROVISIONING: 1 }) },
      6,
    ],
    ['is the whole way for a status that we do not know', { remaining: remaining({ HIBERNATING: 2 }) }, 8],
  ])('%s', (_, look, left) => {
    expect(leftToDo({ atMs: 0, ...look })).toBe(left);
  });
});

describe('a drain remembers', () => {
  const begun = havingSeen(seen.leaving(1), seen.found(2), seen.draining(3, 4));

  it('nothing at first but the notice and its time', () => {
    expect(begin(aRequest(), aPolicy())).toMatchObject({
      atMs: atSecond(0),
      verified: false,
      heartbeatAtMs: atSecond(0),
      said: {},
    });
  });

  it('that time has passed, after a wait', () => {
    expect(rest(begun, { kind: 'wait', seconds: 7, because: 'x' })).toEqual({ ...begun, atMs: begun.atMs + 7_000 });
  });

  it('the hook once it is verified', () => {
    expect(havingSeen(seen.leaving(1))).toMatchObject({ verified: true, hook: anHour });
  });

  it('since when the instance has been said to stay, and forgets it when it leaves', () => {
    const staying = havingSeen(seen.staying(1, 'InService'), seen.staying(20, 'Standby'));
    expect(staying.staying).toEqual({ sinceMs: atSecond(1), atMs: atSecond(20), state: 'Standby' });
    expect(remember(staying, seen.leaving(30))).not.toHaveProperty('staying');
  });

  it('what it knew of a staying instance when the next question fails', () => {
    const memory = havingSeen(seen.staying(1, 'InService'), seen.verifyFailed(5, throttled));
    expect(memory.staying).toEqual({ sinceMs: atSecond(1), atMs: atSecond(1), state: 'InService' });
  });

  it.each<[string, Seen, unknown]>([
    ['where it was found', seen.found(2), PLACEMENTS],
    ['where it was found although another place did not answer', seen.found(2, PLACEMENTS, throttled), PLACEMENTS],
    ['that it is nowhere, when every place answered', seen.found(2, []), []],
    ['nothing, when it was not found and a place did not answer', seen.found(2, [], throttled), undefined],
  ])('%s', (_, answer, placements) => {
    expect(havingSeen(seen.leaving(1), answer).placements).toEqual(placements);
  });

  it('when draining began, also after it is begun anew', () => {
    expect(begun.drainingSinceMs).toBe(atSecond(3));
    expect(remember(begun, seen.draining(60, 2)).drainingSinceMs).toBe(atSecond(3));
  });

  it('no draining that failed', () => {
    const memory = havingSeen(seen.leaving(1), seen.found(2), seen.drainingFailed(3, throttled));
    expect(memory.drainingSinceMs).toBeUndefined();
    expect(memory.look).toBeUndefined();
  });

  it('the look before, when the next one fails', () => {
    const failed = remember(begun, seen.lookFailed(60, throttled));
    expect(failed.look).toEqual(begun.look);
    expect(failed.trouble).toEqual({ count: 1, sinceMs: atSecond(60), atMs: atSecond(60), failure: throttled });
  });

  it('how many failures there were in a row, since when, and the latest of them', () => {
    const denied = aFailure('denied');
    const memory = [seen.lookFailed(60, throttled), seen.heartbeat(61, denied), seen.lookFailed(70, denied)].reduce(
      remember,
      begun,
    );
    expect(memory.trouble).toEqual({ count: 3, sinceMs: atSecond(60), atMs: atSecond(70), failure: denied });
    expect(remember(memory, seen.wanted(80, 4))).not.toHaveProperty('trouble');
  });

  it('trouble with reading although a heartbeat went well', () => {
    const memory = [seen.lookFailed(60, throttled), seen.heartbeat(61)].reduce(remember, begun);
    expect(memory.trouble?.count).toBe(1);
    expect(memory.heartbeatAtMs).toBe(atSecond(61));
  });

  it('no trouble of a heartbeat that failed by chance, for it is tried again in its own time', () => {
    expect(remember(begun, seen.heartbeat(60, throttled))).not.toHaveProperty('trouble');
    expect(remember(begun, seen.heartbeat(60, throttled)).heartbeatFailedAtMs).toBe(atSecond(60));
    expect(remember(begun, seen.heartbeat(60, aFailure('denied'))).trouble).toMatchObject({ count: 1 });
  });

  it('the hook as it was read with the latest heartbeat, or how often it could not be', () => {
    const another = { heartbeatTimeoutSeconds: 60, globalTimeoutSeconds: 6_000 };
    const unread = [seen.heartbeat(60, 'unread'), seen.heartbeat(70, 'unread')].reduce(remember, begun);
    expect(unread).toMatchObject({ hook: anHour, hookUnread: 2, heartbeatAtMs: atSecond(70) });
    expect(remember(unread, seen.heartbeat(80, another))).toMatchObject({ hook: another, hookUnread: 0 });
  });

  it('no trouble of an alert: that has nothing to do with the instance', () => {
    expect(remember(begun, seen.told(4, 'started', throttled))).not.toHaveProperty('trouble');
  });

  it('that an action is over, from a heartbeat that says so', () => {
    expect(remember(begun, seen.heartbeat(60, aFailure('gone')))).toMatchObject({ actionGone: true });
    expect(remember(begun, seen.heartbeat(60, throttled))).not.toHaveProperty('actionGone');
  });

  it('the least that was ever left, and since when: going back up is no progress, and coming down again is none', () => {
    const looks = [seen.wanted(33, 2), seen.wanted(63, 4), seen.wanted(93, 2)].reduce(remember, begun);
    expect(looks.progress).toEqual({ left: 8, atMs: atSecond(33) });
    expect(remember(looks, seen.wanted(123, 1)).progress).toEqual({ left: 4, atMs: atSecond(123) });
  });

  it('the crowd it counted, also after looks that did not count it', () => {
    const memory = [seen.wanted(33, 4, { crowd: 100 }), seen.wanted(63, 4)].reduce(remember, begun);
    expect(memory.crowd).toEqual({ count: 100, atMs: atSecond(33) });
  });

  it('when it last looked at the instance itself and not only at known tasks', () => {
    const memory = [seen.goingDown(33, { STOPPING: 2 }), seen.known(39, { STOPPING: 1 })].reduce(remember, begun);
    expect(memory.wholeLookAtMs).toBe(atSecond(33));
    expect(memory.look?.atMs).toBe(atSecond(39));
  });

  it('an alert as said once it went out, or was tried three times in vain', () => {
    const once = remember(begun, seen.told(4, 'started', throttled));
    const twice = remember(once, seen.told(5, 'started', throttled));
    const thrice = remember(twice, seen.told(6, 'started', throttled));
    expect([once, twice, thrice].map(({ said }) => said.started?.done)).toEqual([false, false, true]);
    expect(remember(begun, seen.told(4, 'started')).said.started).toMatchObject({ done: true, atMs: atSecond(4) });
  });

  it('gives a repeated alert its three tries anew', () => {
    const given = [1, 2, 3].reduce((memory, s) => remember(memory, seen.told(s + 60, 'stuck', throttled)), begun);
    expect(remember(given, seen.told(4_000, 'stuck', throttled)).said.stuck).toMatchObject({ done: false, tries: 1 });
  });

  it.each<[string, Seen, unknown]>([
    ['a release', seen.released(90), { atMs: atSecond(90), forced: false, tasksLeft: false, vanished: false }],
    [
      'a forced release that cut tasks off',
      seen.released(90, { STOPPING: 1 }, true),
      { atMs: atSecond(90), forced: true, tasksLeft: true, vanished: false },
    ],
    [
      'a forced release of an empty instance',
      seen.released(90, {}, true),
      { atMs: atSecond(90), forced: true, tasksLeft: false, vanished: false },
    ],
    [
      'a forced release without a look as one that cut tasks off',
      seen.releasedBlind(90),
      { atMs: atSecond(90), forced: true, tasksLeft: true, vanished: false },
    ],
    ['no release that failed', seen.notReleased(90, throttled), undefined],
    ['no release that was taken back', seen.tookBack(90, 1), undefined],
  ])('%s', (_, answer, released) => {
    expect(remember(begun, answer).released).toEqual(released);
  });

  it('what the last look of a release that was taken back showed', () => {
    expect(remember(begun, seen.tookBack(90, 1)).look).toMatchObject({ instances: { wanted: 1 } });
  });

  it('by its own time when a machine’s clock is behind: nothing seems to have happened long ago', () => {
    // Prepare: the wait has ended at second 93, and the next machine believes that it is second 40.
    const waited = rest(begun, { kind: 'wait', seconds: 90, because: 'x' });

    // Act
    const memory = [
      seen.heartbeat(40),
      seen.wanted(40, 1, { crowd: 3 }),
      seen.told(40, 'stuck'),
      seen.diagnosis(40),
    ].reduce(remember, waited);

    // Assess
    expect(memory).toMatchObject({
      atMs: waited.atMs,
      heartbeatAtMs: waited.atMs,
      wholeLookAtMs: waited.atMs,
      look: { atMs: waited.atMs },
      crowd: { atMs: waited.atMs },
      progress: { atMs: waited.atMs },
      diagnosis: { atMs: waited.atMs },
      said: { stuck: { atMs: waited.atMs } },
    });
  });

  it('short ids only: an ARN never gets into what a look keeps', () => {
    expect(JSON.stringify(havingSeen(seen.goingDown(33, { STOPPING: 20 })).look)).not.toContain(INSTANCE_ARN);
  });
});
