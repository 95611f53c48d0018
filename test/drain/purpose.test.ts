import { describe, expect, it } from 'vitest';
import type { DrainPolicy } from '../../src/config.ts';
import type { Purpose } from '../../src/drain/purpose.ts';
import { purposeOf } from '../../src/drain/purpose.ts';
import type { DrainRequest } from '../../src/drain/request.ts';
import {
  aMaintenanceRequest,
  anOrder,
  aPolicy,
  aRebalanceRequest,
  aRequest,
  aSpotRequest,
  atSecond,
  isoSecond,
  STARTS,
} from '../support/build.ts';

type Row = readonly [
  situation: string,
  request: DrainRequest,
  policy: Partial<DrainPolicy>,
  purpose: Partial<Omit<Purpose, 'startAtMs' | 'deadlineMs'>> & { readonly starts?: number; readonly ends?: number },
];

function table(rows: readonly Row[]): void {
  it.each(rows)('%s', (_, request, policy, { starts, ends, ...rest }) => {
    const purpose = purposeOf(request, aPolicy(policy));
    expect(purpose).toMatchObject(rest);
    if (starts !== undefined) expect(purpose.startAtMs).toBe(atSecond(starts));
    if (ends !== undefined) expect(purpose.deadlineMs).toBe(atSecond(ends));
  });
}

describe('a termination notice', () => {
  table([
    [
      'is drained at once, to the policy’s deadline; nobody can call it off',
      aRequest(),
      {},
      { action: 'drain', starts: 0, ends: 3_000, restore: false, callable: false },
    ],
    [
      'is drained whatever the policy says of other requests',
      aRequest(),
      { spotInterruption: 'notify', rebalance: 'notify', maintenance: 'replace' },
      { action: 'drain' },
    ],
    ['into a warm pool is for good', aRequest({ departure: 'warm-pool' }), {}, { restore: false }],
    ['for a new root volume is not', aRequest({ departure: 'replace-root-volume' }), {}, { restore: true }],
  ]);
});

describe('a Spot interruption', () => {
  table([
    [
      'is drained at once, in two minutes, whatever deadline the policy has',
      aSpotRequest(),
      { deadlineSeconds: 60 },
      { action: 'drain', starts: 0, ends: 120, restore: false, callable: false },
    ],
    ['that stops the instance may start it again', aSpotRequest({ action: 'stop' }), {}, { restore: true, ends: 120 }],
    ['as one that hibernates it may', aSpotRequest({ action: 'hibernate' }), {}, { restore: true, callable: false }],
    ['is only told where policy says so', aSpotRequest(), { spotInterruption: 'notify' }, { action: 'notify' }],
  ]);
});

describe('a rebalance recommendation', () => {
  table([
    [
      'is only told, unless policy says otherwise',
      aRebalanceRequest(),
      {},
      { action: 'notify', starts: 0, ends: 3_000, callable: true },
    ],
    ['is drained where policy says so', aRebalanceRequest(), { rebalance: 'drain' }, { action: 'drain' }],
    ['is replaced where policy says so', aRebalanceRequest(), { rebalance: 'replace' }, { action: 'replace' }],
    ['is not what maintenance is', aRebalanceRequest(), { maintenance: 'drain' }, { action: 'notify' }],
  ]);
});

describe('maintenance', () => {
  const drained = { maintenance: 'drain', maintenanceLeadSeconds: 3_600 } as const;
  table([
    ['is only told, unless policy says otherwise', aMaintenanceRequest(), {}, { action: 'notify', callable: true }],
    [
      'is drained from its lead time on, to its start',
      aMaintenanceRequest(),
      drained,
      { action: 'drain', starts: STARTS - 3_600, ends: STARTS },
    ],
    ['is replaced where policy says so', aMaintenanceRequest(), { maintenance: 'replace' }, { action: 'replace' }],
    [
      'that is noticed within its lead time is drained at once',
      aMaintenanceRequest({ startsAt: isoSecond(1_800) }),
      drained,
      { starts: 0, ends: 1_800 },
    ],
    [
      'that starts in a moment still gets a minute',
      aMaintenanceRequest({ startsAt: isoSecond(5) }),
      drained,
      { starts: 0, ends: 60 },
    ],
    [
      'that has started already still gets a minute',
      aMaintenanceRequest({ startsAt: isoSecond(-86_400) }),
      drained,
      { starts: 0, ends: 60 },
    ],
    [
      'without any lead time is drained at its start',
      aMaintenanceRequest(),
      { maintenanceLeadSeconds: 0 },
      { starts: STARTS },
    ],
    ['that reboots brings the instance back', aMaintenanceRequest(), drained, { restore: true }],
    ['that takes the instance does not', aMaintenanceRequest({ change: 'leave' }), drained, { restore: false }],
  ]);
});

describe('an order', () => {
  table([
    ['is carried out at once, to the policy’s deadline', anOrder(), {}, { action: 'drain', starts: 0, ends: 3_000 }],
    ['may have a deadline of its own', anOrder({ deadlineSeconds: 7_200 }), {}, { ends: 7_200 }],
    ['can be called off, and restores nothing', anOrder(), {}, { callable: true, restore: false }],
  ]);
});
