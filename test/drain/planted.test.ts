import { describe, expect, it } from 'vitest';
import { decide } from '../../src/drain/decide.ts';
import { lookAt } from '../../src/drain/look.ts';
import { ACTS } from '../../src/drain/move.ts';
import { isEmpty } from '../../src/drain/seen.ts';
import type { EcsPort } from '../../src/ports.ts';
import { aPolicy, aRequest, havingSeenFor, INSTANCE_ARN, later, PLACEMENTS, seen } from '../support/build.ts';

/** Bugs that were planted on purpose and that no other test of the core had seen (docs/architecture.md). */

const notAsked = (): never => {
  throw new Error('nobody asked for this');
};

function ecsThatCounts(running: number, pending: number): EcsPort {
  return {
    listClusters: notAsked,
    findContainerInstances: notAsked,
    countDraining: notAsked,
    setStatus: notAsked,
    protectedTasks: notAsked,
    stopTask: notAsked,
    describeServices: notAsked,
    describeTasks: notAsked,
    // ECS lists a PENDING task under desired RUNNING, and nothing is on its way down.
    listTasks: async () => ({ ok: true, value: [] }),
    describeContainerInstances: async () => ({
      ok: true,
      value: {
        found: [
          { arn: INSTANCE_ARN, status: 'DRAINING', agentConnected: true, runningTasks: running, pendingTasks: pending },
        ],
        missing: [],
      },
    }),
  };
}

describe('a look', () => {
  it.each([
    ['at nothing is empty', 0, 0, true],
    ['counts a task that still starts', 0, 1, false],
    ['counts a task that runs', 1, 0, false],
  ])('%s', async (_, running, pending, empty) => {
    const look = await lookAt(PLACEMENTS, ecsThatCounts(running, pending), () => 0);
    expect(look.instances?.wanted).toBe(running + pending);
    expect(isEmpty(look)).toBe(empty);
  });
});

describe('after the release of an instance that stays', () => {
  it('no heartbeat is sent any more, however long it takes to come back', () => {
    const request = aRequest({ departure: 'replace-root-volume' });
    const hook = { heartbeatTimeoutSeconds: 60, globalTimeoutSeconds: 6_000 };
    const answers = [
      seen.leaving(1, hook),
      seen.found(2),
      seen.wanted(3, 0, { statuses: ['ACTIVE'] }),
      seen.draining(4, 0),
      seen.told(5, 'started'),
      seen.goingDown(6, {}),
      seen.released(7),
      seen.told(8, 'drained'),
    ];
    for (const second of [10, 40, 100, 1_000]) {
      const move = decide(later(havingSeenFor(request, aPolicy(), ...answers), second));
      expect(['wait', 'restore'], `second ${second}`).toContain(move.kind);
    }
    const waiting = decide(havingSeenFor(request, aPolicy(), ...answers, seen.notBack(70, true)));
    expect(waiting).toMatchObject({ kind: 'wait', seconds: 60 });
  });
});

describe('the switch', () => {
  it('can hold back each move that changes something in AWS', () => {
    // Written out once more: a move that is missing there would act in observe mode.
    const changing = ['heartbeat', 'release', 'replace', 'restore', 'start-draining', 'stop-standalone'];
    expect([...ACTS].sort()).toEqual(changing);
  });
});
