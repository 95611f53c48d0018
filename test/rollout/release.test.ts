import { describe, expect, it } from 'vitest';
import { FAMILIES } from '../../src/rollout/family.ts';
import { ReleaseRequest, releaseName, requestOf } from '../../src/rollout/release.ts';
import { aVersion } from '../support/amis.ts';

const NOTICED_AT = '2026-11-13T08:00:05.123Z';
const hint = { kind: 'hint', family: 'al2023/x86_64', version: '2023.0.20261113', source: 'ecs' } as const;
const request = { kind: 'release', family: 'al2023/x86_64', version: '2023.0.20261113', noticedAt: NOTICED_AT };
const order = {
  kind: 'roll-out',
  family: 'al2/x86_64',
  noticedAt: NOTICED_AT,
  id: 'order-1',
  by: 'alice',
  reason: 'CVE',
};

describe('the request for a roll-out', () => {
  it('has the family, the release and when it was said, and nothing else of the hint', () => {
    expect(requestOf({ ...hint, imageId: 'ami-1' }, NOTICED_AT)).toEqual(request);
    expect(requestOf({ kind: 'hint', family: 'al2023/arm64', source: 'base' }, NOTICED_AT)).toEqual({
      kind: 'release',
      family: 'al2023/arm64',
      noticedAt: NOTICED_AT,
    });
  });

  it.each([undefined, '', 'yesterday', 1_763_020_805])('is none without a time of the message (%j)', (timestamp) => {
    expect(requestOf(hint, timestamp)).toBeUndefined();
  });

  it.each([request, { ...request, version: undefined }, order])('of %j is taken', (candidate) => {
    expect(ReleaseRequest.safeParse(JSON.parse(JSON.stringify(candidate))).success).toBe(true);
  });

  it.each<[string, object]>([
    ['an unknown family', { ...request, family: 'al2022/x86_64' }],
    ['a family that is no text', { ...request, family: null }],
    ['a version that would not go into a name', { ...request, version: '1/2' }],
    ['an image of somebody’s choice', { ...request, imageId: 'ami-0281c9a5cd9de63bd' }],
    ['another kind', { ...request, kind: 'terminating' }],
    ['no time', { ...request, noticedAt: 'now' }],
    ['an order by nobody', { ...order, by: '' }],
    ['an order without a reason', { ...order, reason: '' }],
    ['an order with an endless id', { ...order, id: 'x'.repeat(25) }],
  ])('with %s is refused', (_, candidate) => {
    expect(ReleaseRequest.safeParse(candidate).success).toBe(false);
  });
});

describe('the name of its execution', () => {
  const nameOf = (candidate: object): string => releaseName(ReleaseRequest.parse(candidate));

  it('is the family’s and the release’s, whoever spoke of it and whenever', () => {
    expect(nameOf(request)).toBe('al2023-x86_64-2023-0-20261113');
    expect(nameOf({ ...request, noticedAt: '2026-12-24T00:00:00Z' })).toBe(nameOf(request));
  });

  it('of a reason to look is the day’s', () => {
    const { version: _, ...look } = request;
    expect(nameOf(look)).toBe('al2023-x86_64-look-2026-11-13');
    expect(nameOf({ ...look, noticedAt: '2026-11-14T00:00:00Z' })).not.toBe(nameOf(look));
  });

  it('of an order is the order’s', () => {
    expect(nameOf(order)).toBe('al2-x86_64-order-1');
  });

  it('is one that Lambda takes, with room for a restart’s suffix, and is no other’s', () => {
    const names = FAMILIES.flatMap((family) => {
      const { version: _, ...look } = { ...request, family: family.id };
      return [
        nameOf(look),
        nameOf({ ...look, version: aVersion(family) }),
        nameOf({ ...order, family: family.id, id: 'x'.repeat(24) }),
      ];
    });
    expect(names.filter((name) => !/^[A-Za-z0-9_-]{1,60}$/.test(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });
});
