import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DrainRequest, executionName } from '../../src/drain/request.ts';
import { restartName } from '../../src/drain/restart.ts';
import {
  aMaintenanceRequest,
  anOrder,
  aRebalanceRequest,
  aRequest,
  aSpotRequest,
  INSTANCE,
  OCCASION,
  TOKEN,
} from '../support/build.ts';

const REQUESTS: readonly DrainRequest[] = [
  aRequest(),
  aSpotRequest(),
  aRebalanceRequest(),
  aMaintenanceRequest(),
  anOrder(),
];

describe('a request', () => {
  it.each(REQUESTS)('$kind survives the way through JSON into the durable execution unchanged', (request) => {
    expect(DrainRequest.parse(JSON.parse(JSON.stringify(request)))).toEqual(request);
  });

  it.each<[string, unknown]>([
    ['another kind', { ...aRequest(), kind: 'launching' }],
    ['no kind', { ...aRequest(), kind: undefined }],
    ['a member that nobody defined', { ...aSpotRequest(), policy: { deadlineSeconds: 60 } }],
    ['a member of another kind', { ...aRebalanceRequest(), token: TOKEN }],
    ['an occasion with other characters', { ...anOrder(), id: 'order 1' }],
    ['an occasion that is empty', { ...anOrder(), id: '' }],
    ['an occasion too long for a name', { ...anOrder(), id: 'x'.repeat(41) }],
    ['an occasion that ends as a restart does', { ...anOrder(), id: 'patch-r1' }],
    ['an occasion that is a restart’s suffix', { ...anOrder(), id: 'r1' }],
    ['a token that ends as a restart does', { ...aRequest(), token: `${TOKEN}-r2` }],
    ['a time that is none', { ...aRebalanceRequest(), noticedAt: 'noon' }],
    ['an external instance', { ...anOrder(), instanceId: 'mi-0a1b2c3d4e5f60718' }],
    ['a Spot action that is not known', { ...aSpotRequest(), action: 'reboot' }],
    ['a change that is not known', { ...aMaintenanceRequest(), change: 'upgrade' }],
    ['a start that is no time', { ...aMaintenanceRequest(), startsAt: 'Tue, 03 Mar 2026 12:00:00 GMT' }],
    ['an end that is no time', { ...aMaintenanceRequest(), endsAt: '' }],
    ['nobody who ordered it', { ...anOrder(), by: '' }],
    ['no reason', { ...anOrder(), reason: '' }],
    ['a reason longer than anybody reads', { ...anOrder(), reason: 'x'.repeat(501) }],
    ['an ordered deadline of less than a minute', { ...anOrder(), deadlineSeconds: 59 }],
    ['an ordered deadline beyond any', { ...anOrder(), deadlineSeconds: 1_209_601 }],
    ['an ordered deadline of half a second', { ...anOrder(), deadlineSeconds: 60.5 }],
    ['an empty cluster', { ...anOrder(), cluster: '' }],
  ])('with %s is refused', (_, request) => {
    expect(DrainRequest.safeParse(request).success).toBe(false);
  });

  it.each(['r', 'patch-r', 'patch-r1x', 'server1', 'patch-r1-2'])(
    'may have the occasion %s, which is none of a restart’s',
    (id) => {
      expect(DrainRequest.parse(anOrder({ id }))).toMatchObject({ id });
    },
  );

  it.each([60, 1_209_600])('may be ordered with a deadline of %i s', (deadlineSeconds) => {
    expect(DrainRequest.parse(anOrder({ deadlineSeconds }))).toMatchObject({ deadlineSeconds });
  });
});

describe('an execution’s name', () => {
  it.each([
    [aRequest(), `${INSTANCE}-${TOKEN}`],
    [aSpotRequest(), `${INSTANCE}-${OCCASION}`],
    [aRebalanceRequest(), `${INSTANCE}-${OCCASION}`],
    [aMaintenanceRequest(), `${INSTANCE}-health-0a1b2c3d`],
    [anOrder(), `${INSTANCE}-order-1`],
  ])('is instance and occasion: %#', (request, name) => {
    expect(executionName(request)).toBe(name);
  });

  it('has at most 60 characters, so that a restart’s suffix fits into Lambda’s 64, for every request that parses', () => {
    const isOriginal = (text: string): boolean => !/(^|-)r\d+$/.test(text);
    const instanceId = fc.stringMatching(/^i-[0-9a-f]{8,17}$/);
    const id = fc.stringMatching(/^[A-Za-z0-9-]{1,40}$/).filter(isOriginal);
    const token = fc.stringMatching(/^[A-Za-z0-9-]{8,40}$/).filter(isOriginal);
    fc.assert(
      fc.property(instanceId, id, token, (instance, occasion, lifecycleToken) => {
        const same = { instanceId: instance, id: occasion };
        for (const request of [
          aRequest({ instanceId: instance, token: lifecycleToken }),
          aSpotRequest(same),
          aRebalanceRequest(same),
          aMaintenanceRequest(same),
          anOrder(same),
        ]) {
          const name = executionName(DrainRequest.parse(request));
          expect(name.length).toBeLessThanOrEqual(60);
          expect(restartName(name)).toBe(`${name}-r1`);
          expect(`${name}-r1`).toMatch(/^[a-zA-Z0-9-_]{1,64}$/);
        }
      }),
    );
  });
});
