import { describe, expect, it } from 'vitest';
import type { Memory } from '../../src/drain/memory.ts';
import { begin } from '../../src/drain/memory.ts';
import { backoffSeconds, paceSeconds } from '../../src/drain/pace.ts';
import { remember } from '../../src/drain/remember.ts';
import type { Seen } from '../../src/drain/seen.ts';
import { aFailure, aPolicy, aRequest, havingSeen, later, seen } from '../support/build.ts';

const begun = (wanted: number): Seen[] => [seen.leaving(1), seen.found(2), seen.draining(3, wanted)];
const looked = (...looks: Seen[]): Memory => havingSeen(...begun(4), ...looks);

describe('the pace', () => {
  it.each<[string, Memory, number]>([
    ['is 33 s while tasks are wanted', looked(seen.wanted(33, 4)), 33],
    ['is 33 s while a task leaves its load balancer', looked(seen.goingDown(33, { DEACTIVATING: 1, STOPPING: 9 })), 33],
    ['is 8 s when every task is inside its stop timeout', looked(seen.goingDown(33, { STOPPING: 3 })), 8],
    ['is 8 s when networks are taken down', looked(seen.goingDown(33, { STOPPING: 1, DEPROVISIONING: 1 })), 8],
    ['is 33 s for a status that we do not know', looked(seen.goingDown(33, { HIBERNATING: 1 })), 33],
    [
      'is 33 s when a task is wanted beside those that stop',
      looked({
        kind: 'look',
        look: {
          atMs: 0,
          instances: { statuses: ['DRAINING'], missing: 0, wanted: 1, agentsAway: 0 },
          remaining: { total: 1, byStatus: { STOPPING: 1 }, samples: [] },
        },
      }),
      33,
    ],
    ['does not grow while it is waited for', later(looked(seen.wanted(33, 3), seen.wanted(633, 3)), 690), 60],
    ['is slower in a crowd of a hundred', looked(seen.wanted(33, 4, { crowd: 100 })), 40],
    [
      'is slower near the end in a crowd of a hundred',
      looked(seen.wanted(33, 4, { crowd: 100 }), seen.goingDown(63, { STOPPING: 4 })),
      16,
    ],
    [
      'is slower still where more than a hundred drain, who are not counted',
      looked(seen.wanted(33, 4, { crowd: 101 })),
      160,
    ],
    ['is not slower in a crowd of ten', looked(seen.wanted(33, 4, { crowd: 10 })), 33],
    ['is a tenth of the quiet time', looked(seen.wanted(33, 3), seen.wanted(633, 3)), 60],
    ['is 450 s at most, however quiet', looked(seen.wanted(33, 3), seen.wanted(100_000, 3)), 450],
    [
      'slows down near the end as well, where nothing changes',
      looked(seen.goingDown(33, { STOPPING: 1 }), seen.known(633, { STOPPING: 1 })),
      60,
    ],
  ])('%s', (_, memory, seconds) => {
    expect(paceSeconds(memory)).toBeCloseTo(seconds, 5);
  });

  it('of a hundred instances together stays under ten reads a second of the twenty that there are', () => {
    const far = paceSeconds(looked(seen.wanted(33, 4, { crowd: 100 })));
    const near = paceSeconds(looked(seen.wanted(33, 4, { crowd: 100 }), seen.goingDown(63, { STOPPING: 4 })));
    // One read for each look: DescribeContainerInstances while far, DescribeTasks when near.
    expect(100 / far).toBeLessThan(10);
    expect(100 / near).toBeLessThan(10);
  });

  it('of the first look is spread by instance, so that a hundred drained in one second do not look in one second', () => {
    // Prepare
    const paces = Array.from({ length: 100 }, (_, n) => {
      const id = `i-0a1b2c3d4${Math.floor((n / 100) * 2 ** 32)
        .toString(16)
        .padStart(8, '0')}`;
      return paceSeconds(begun(4).reduce(remember, begin(aRequest({ instanceId: id }), aPolicy())));
    });

    // Assess
    expect(Math.min(...paces)).toBeCloseTo(33 * 0.7, 0);
    expect(Math.max(...paces)).toBeLessThan(33 * 1.3);
    expect(Math.max(...paces)).toBeGreaterThan(33 * 1.28);
    expect(new Set(paces.map(Math.round)).size).toBeGreaterThan(15);
  });

  it('is the same for all after the first look', () => {
    const pace = (instanceId: string): number =>
      paceSeconds([...begun(4), seen.wanted(33, 4)].reduce(remember, begin(aRequest({ instanceId }), aPolicy())));
    expect(pace('i-00000000')).toBe(pace('i-ffffffff'));
  });
});

describe('a pace that was slowed down because ECS throttled us', () => {
  const throttled = (count: number): Memory =>
    looked(
      seen.wanted(33, 4),
      ...Array.from({ length: count }, (_, n) => seen.lookFailed(34 + n, aFailure('throttled'))),
    );

  it.each([
    ['one throttled call is chance', 1, 33],
    ['the second in a row doubles it', 2, 66],
    ['the third once more', 3, 132],
    ['and 450 s are the end of it', 20, 450],
  ])('%s', (_, count, seconds) => {
    expect(paceSeconds(throttled(count))).toBeCloseTo(seconds, 5);
  });

  it('does not change where a call fails for another reason', () => {
    const memory = looked(
      seen.wanted(33, 4),
      seen.lookFailed(34, aFailure('throttled')),
      seen.lookFailed(35, aFailure('other')),
    );
    expect(paceSeconds(memory)).toBeCloseTo(33, 5);
  });

  it('recovers by half with each call that ECS answers', () => {
    const answers = [seen.wanted(40, 4), seen.wanted(41, 4), seen.wanted(42, 4), seen.wanted(43, 4)];
    const paces = answers.map((_, n) =>
      Math.round(paceSeconds(answers.slice(0, n + 1).reduce(remember, throttled(3)))),
    );
    expect(paces).toEqual([66, 33, 33, 33]);
  });
});

describe('the backoff', () => {
  const failing = (count: number, everySeconds = 1, reason: 'throttled' | 'other' = 'other', id?: string): Memory =>
    [
      ...begun(4),
      seen.wanted(33, 4),
      ...Array.from({ length: count }, (_, n) => seen.lookFailed(34 + n * everySeconds, aFailure(reason))),
    ].reduce(remember, begin(aRequest(id === undefined ? {} : { instanceId: id }), aPolicy()));
  const doubling = (count: number): number => Math.min(60, 2 ** count);

  it('is nothing without trouble', () => {
    expect(backoffSeconds(looked(seen.wanted(33, 4)))).toBe(0);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 60])('doubles up to a minute, give or take a half: %i failures in a row', (count) => {
    expect(backoffSeconds(failing(count))).toBeGreaterThanOrEqual(doubling(count) * 0.5);
    expect(backoffSeconds(failing(count))).toBeLessThan(doubling(count) * 1.5);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 60])('is twice as long where ECS throttles: %i failures in a row', (count) => {
    expect(backoffSeconds(failing(count, 1, 'throttled'))).toBeCloseTo(2 * backoffSeconds(failing(count)), 5);
  });

  it('differs from instance to instance and from turn to turn, so that those throttled together come apart', () => {
    const instances = Array.from(
      { length: 20 },
      (_, n) => `i-0a1b2c3d4${(n * 0x0bad5eed).toString(16).slice(-8).padStart(8, '0')}`,
    );
    for (const count of [1, 2, 3]) {
      const seconds = instances.map((id) => backoffSeconds(failing(count, 1, 'throttled', id)));
      expect(new Set(seconds).size).toBeGreaterThan(15);
    }
  });

  it('is the same at a replay: chance has no part in it', () => {
    expect(backoffSeconds(failing(3))).toBe(backoffSeconds(failing(3)));
  });

  it('is a tenth of the time that the trouble lasts, once that is more, and 450 s at most', () => {
    expect(backoffSeconds(failing(31, 60))).toBe(180);
    expect(backoffSeconds(failing(500, 60))).toBe(450);
  });
});
