import { describe, expect, it } from 'vitest';
import type { Memory } from '../../src/drain/memory.ts';
import { remember } from '../../src/drain/remember.ts';
import type { DrainRequest } from '../../src/drain/request.ts';
import type { Seen } from '../../src/drain/seen.ts';
import { cancellation } from '../../src/operator/cancel.ts';
import { recall } from '../../src/operator/recall.ts';
import {
  aMaintenanceRequest,
  anOrder,
  aPolicy,
  aRebalanceRequest,
  aRequest,
  aSpotRequest,
  atSecond,
  isoSecond,
  PLACEMENTS,
  STARTS,
  seen,
} from '../support/build.ts';

function memoryOf(request: DrainRequest, ...history: Seen[]): Memory {
  const deployed = aPolicy({ rebalance: 'drain', maintenance: 'drain' });
  const { memory } = recall({ input: JSON.stringify(request), answers: [], deployed });
  if (memory === undefined) throw new Error('not a request');
  return history.reduce(remember, memory);
}

const cancel = (second: number, ...drains: (Memory | undefined)[]) => cancellation(drains, atSecond(second));
const BEGUN = [seen.grouped(2), seen.found(3), seen.draining(4, 3)] as const;
const ACTIVATE = { action: 'activate', placements: PLACEMENTS };
const ENDS_SOON = 'The drain sees it at one of its next looks, and ends as cancelled within about three minutes.';

describe('calling a drain off', () => {
  it.each([
    ['that somebody ordered', anOrder()],
    ['before a possible interruption', aRebalanceRequest()],
    ['before maintenance', aMaintenanceRequest({ change: 'leave', startsAt: isoSecond(600) })],
  ])('%s sets its container instance ACTIVE', (_what, request) => {
    expect(cancel(60, memoryOf(request, ...BEGUN))).toEqual({ ...ACTIVATE, notes: [ENDS_SOON] });
  });

  it.each<[string, (Memory | undefined)[], string]>([
    ['where there is none', [], 'no drain of it is under way'],
    ['of another version', [undefined], 'of another version than this command'],
    ['of what its group terminates', [memoryOf(aRequest(), seen.leaving(2), seen.found(3))], 'Auto Scaling takes it'],
    ['of an interrupted Spot instance', [memoryOf(aSpotRequest(), ...BEGUN)], 'two minutes after the warning'],
    ['that has not begun', [memoryOf(anOrder())], 'its drain has not begun'],
    ['that is planned', [memoryOf(aMaintenanceRequest())], 'its drain begins at 2026-03-02T12:00:00.000Z'],
    [
      'whose tasks have gone',
      [memoryOf(aMaintenanceRequest(), seen.grouped(2), seen.found(3), seen.draining(4, 0), seen.goingDown(9, {}))],
      'its tasks have gone already',
    ],
    ['beside one that cannot be', [memoryOf(anOrder(), ...BEGUN), memoryOf(aRequest())], 'Auto Scaling takes it'],
  ])('%s is refused', (_what, drains, because) => {
    expect(cancel(60, ...drains)).toMatchObject({ action: 'refused', because: expect.stringContaining(because) });
  });

  it('that is planned says how the switch keeps it from beginning, for its group alone where it has one', () => {
    const alone = cancel(60, memoryOf(aMaintenanceRequest()));
    expect(alone.notes[0]).toContain('{"policy":{"maintenance":"notify"}}');
    const grouped = cancel(60, memoryOf(aMaintenanceRequest(), seen.grouped(2)));
    expect(grouped.notes[0]).toContain('{"groups":{"web-asg":{"policy":{"maintenance":"notify"}}}}');
  });

  it('that should have begun, and has not, is worth another try', () => {
    const planned = memoryOf(aMaintenanceRequest());
    expect(cancel(STARTS, planned)).toMatchObject({ because: expect.stringContaining('try again in a minute') });
  });

  it('says what a pause, and somebody else before us, mean for it', () => {
    const paused: Seen = { ...seen.nothing(60), settings: { mode: 'pause', policy: aPolicy() } };
    expect(cancel(61, memoryOf(anOrder(), ...BEGUN, paused)).notes).toEqual([
      'The switch says pause: the drain sees it, and ends, when somebody resumes.',
    ]);
    const drainedBefore = seen.wanted(3, 3, { statuses: ['DRAINING'] });
    const maintained = memoryOf(
      aMaintenanceRequest(),
      seen.grouped(2),
      seen.found(3),
      drainedBefore,
      seen.draining(4, 3),
    );
    expect(cancel(60, maintained).notes[0]).toBe(
      'It was DRAINING before this drain began: somebody else may want it so.',
    );
  });
});
