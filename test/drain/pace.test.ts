import { describe, expect, it } from 'vitest';
import type { Memory, Seen } from '../../src/drain/memory.ts';
import { begin, remember } from '../../src/drain/memory.ts';
import { backoffSeconds, paceSeconds } from '../../src/drain/pace.ts';
import { aFailure, aPolicy, aRequest, havingSeen, later, seen } from '../support/build.ts';

const begun = (wanted: number): Seen[] => [seen.leaving(1), seen.found(2), seen.draining(3, wanted)];
const looked = (...looks: Seen[]): Memory => havingSeen(...begun(4), ...looks);

describe('the pace', () => {
  it.each<[string, Memory, number]>([
    ['is 30 s while tasks are wanted', looked(seen.wanted(33, 4)), 30],
    ['is 30 s while a task leaves its load balancer', looked(seen.goingDown(33, { DEACTIVATING: 1, STOPPING: 9 })), 30],
    ['is 6 s when every task is inside its stop timeout', looked(seen.goingDown(33, { STOPPING: 3 })), 6],
    ['is 6 s when networks are taken down', looked(seen.goingDown(33, { STOPPING: 1, DEPROVISIONING: 1 })), 6],
    ['is 30 s for a status that we do not know', looked(seen.goingDown(33, { HIBERNATING: 1 })), 30],
    [
      'is 30 s when a task is wanted beside those that stop',
      looked({
        kind: 'look',
        look: {
          atMs: 0,
          instances: { statuses: ['DRAINING'], missing: 0, wanted: 1, agentsAway: 0 },
          remaining: { total: 1, byStatus: { STOPPING: 1 }, samples: [] },
        },
      }),
      30,
    ],
    ['does not grow while it is waited for', later(looked(seen.wanted(33, 3), seen.wanted(633, 3)), 690), 60],
    ['is slower in a crowd of a hundred', looked(seen.wanted(33, 4, { crowd: 100 })), 40],
    [
      'is slower near the end in a crowd of a hundred',
      looked(seen.wanted(33, 4, { crowd: 100 }), seen.goingDown(63, { STOPPING: 4 })),
      16,
    ],
    ['is not slower in a crowd of ten', looked(seen.wanted(33, 4, { crowd: 10 })), 30],
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
    expect(Math.min(...paces)).toBeCloseTo(21, 0);
    expect(Math.max(...paces)).toBeLessThan(39);
    expect(Math.max(...paces)).toBeGreaterThan(38);
    expect(new Set(paces.map(Math.round)).size).toBeGreaterThan(15);
  });

  it('is the same for all after the first look', () => {
    const pace = (instanceId: string): number =>
      paceSeconds([...begun(4), seen.wanted(33, 4)].reduce(remember, begin(aRequest({ instanceId }), aPolicy())));
    expect(pace('i-00000000')).toBe(pace('i-ffffffff'));
  });
});

describe('the backoff', () => {
  const failing = (count: number, everySeconds = 1): Memory =>
    looked(
      seen.wanted(33, 4),
      ...Array.from({ length: count }, (_, n) => seen.lookFailed(34 + n * everySeconds, aFailure('throttled'))),
    );

  it.each([
    [1, 2],
    [2, 4],
    [3, 8],
    [4, 16],
    [5, 32],
    [6, 60],
    [7, 60],
    [60, 60],
  ])('after %i failures in a row is %i s', (count, seconds) => {
    expect(backoffSeconds(failing(count))).toBe(seconds);
  });

  it('is a tenth of the time that the trouble lasts, once that is more than a minute, and 450 s at most', () => {
    expect(backoffSeconds(failing(31, 60))).toBe(180);
    expect(backoffSeconds(failing(500, 60))).toBe(450);
  });
});
