import { describe, expect, it } from 'vitest';
import type { QuotaSeen, QuotasPort, RunningSeen } from '../../src/rollout/ports.ts';
import { quotaLook } from '../../src/rollout/quota-look.ts';
import { inUse, needsOfCopy, needsOfGroup, quotaCodeOf, tightest } from '../../src/rollout/quotas.ts';
import { reading } from '../../src/rollout/reading.ts';
import { policy } from './builders.ts';

const STANDARD = 'L-1216C47A';
const STANDARD_SPOT = 'L-34B43A08';
const G_AND_VT = 'L-DB2E81BA';

describe('the quota that an instance type counts towards', () => {
  it.each<[string, string | undefined, string | undefined]>([
    ...['a1', 'c7g', 'd3en', 'h1', 'i4i', 'i7ie', 'im4gn', 'is4gen', 'm7i-flex', 'r8gd', 't4g', 'z1d'].map(
      (family): [string, string, string] => [`${family}.large`, STANDARD, STANDARD_SPOT],
    ),
    ['g4dn.xlarge', G_AND_VT, 'L-3819A6DF'],
    ['g5g.xlarge', G_AND_VT, 'L-3819A6DF'],
    ['gr6.4xlarge', G_AND_VT, 'L-3819A6DF'],
    ['vt1.3xlarge', G_AND_VT, 'L-3819A6DF'],
    ['p2.xlarge', 'L-417A185B', 'L-7212CCBC'],
    ['p3dn.24xlarge', 'L-417A185B', 'L-7212CCBC'],
    ['p4d.24xlarge', 'L-417A185B', 'L-7212CCBC'],
    ['p5en.48xlarge', 'L-417A185B', 'L-C4BD4855'],
    ['p6-b200.48xlarge', 'L-417A185B', undefined],
    ['inf2.xlarge', 'L-1945791B', 'L-B5D1601B'],
    ['trn1n.32xlarge', 'L-2C3B7624', 'L-6B0D517C'],
    ['f2.6xlarge', 'L-74FC7D96', 'L-88CF9481'],
    ['x2idn.16xlarge', 'L-7295265B', 'L-E3A00192'],
    ['x8g.medium', 'L-7295265B', 'L-E3A00192'],
    ['dl1.24xlarge', 'L-6E869C2A', 'L-85EED4F7'],
    ['dl2q.24xlarge', 'L-6E869C2A', 'L-85EED4F7'],
    ['u-6tb1.metal', 'L-43DA4232', undefined],
    ['u7i-12tb.224xlarge', 'L-43DA4232', undefined],
    ['hpc7g.16xlarge', 'L-F7808C92', undefined],
    ['mac2.metal', undefined, undefined],
    ['', undefined, undefined],
  ])('%s: %s on demand, %s as Spot', (type, onDemand, spot) => {
    expect(quotaCodeOf({ type, market: 'on-demand' })).toBe(onDemand);
    expect(quotaCodeOf({ type, market: 'spot' })).toBe(spot);
  });
});

const running = (count: number, type: string, vCpus: number, market: RunningSeen['market'] = 'on-demand') =>
  Array.from({ length: count }, (_, i): RunningSeen => ({ id: `${type}-${market}-${i}`, type, market, vCpus }));

describe('what a group needs', () => {
  const needs = (own: readonly RunningSeen[], healthy: string, desired = own.length) =>
    needsOfGroup(own, policy({ 'ecs-drain:healthy': healthy }), desired);

  it.each<[string, number, number]>([
    ['100-110', 1, 8],
    ['100-150', 5, 40],
    // One that drains runs until it is empty, and its replacement comes meanwhile.
    ['50-100', 5, 40],
    ['90-130', 3, 24],
    ['0-100', 10, 80],
  ])('with %s of ten are %i instances at once, and %i vCPUs', (healthy, instances, vCpus) => {
    expect(needs(running(10, 'm7i.2xlarge', 8), healthy)).toEqual([{ code: STANDARD, instances, vCpus }]);
  });

  it('goes by its largest instances, apart for each quota, and by no more than it has', () => {
    const own = [
      ...running(4, 'm7i.large', 2),
      ...running(1, 'c7i.4xlarge', 16),
      ...running(1, 'g5.xlarge', 4),
      ...running(4, 'm7i.large', 2, 'spot'),
    ];
    expect(needs(own, '100-150')).toEqual([
      { code: STANDARD, instances: 5, vCpus: 80 },
      { code: G_AND_VT, instances: 1, vCpus: 4 },
      { code: STANDARD_SPOT, instances: 4, vCpus: 8 },
    ]);
  });

  it('is nothing where it has no instance, or none of a known quota', () => {
    expect(needs([], '100-150', 4)).toEqual([]);
    expect(needs(running(2, 'mac2.metal', 8), '100-150')).toEqual([]);
  });
});

it('a Spot Fleet needs all of it once more', () => {
  const own = [...running(3, 'm7i.large', 2, 'spot'), ...running(1, 'c7i.4xlarge', 16, 'spot')];
  expect(needsOfCopy(own)).toEqual([{ code: STANDARD_SPOT, instances: 4, vCpus: 22 }]);
});

describe('what is left', () => {
  const quota = (vCpus: number, name = 'Standard'): QuotaSeen => ({ name, vCpus });

  it('is the quota less all that runs in its class and market', () => {
    const used = inUse([
      ...running(3, 'm7i.large', 2),
      ...running(2, 'r7i.large', 2),
      ...running(9, 'm7i.large', 2, 'spot'),
    ]);
    const needs = [{ code: STANDARD, instances: 1, vCpus: 2 }];
    expect(tightest(needs, used, new Map([[STANDARD, quota(32)]]))).toEqual({
      name: 'Standard',
      instances: 1,
      neededVCpus: 2,
      leftVCpus: 22,
    });
  });

  it('is told of the quota with the least to spare; one that is unknown is passed over', () => {
    const needs = [
      { code: STANDARD, instances: 2, vCpus: 20 },
      { code: STANDARD_SPOT, instances: 2, vCpus: 8 },
      { code: G_AND_VT, instances: 9, vCpus: 900 },
    ];
    const quotas = new Map([
      [STANDARD, quota(30)],
      [STANDARD_SPOT, quota(10, 'Spot')],
    ]);
    expect(tightest(needs, new Map(), quotas)?.name).toBe('Spot');
    expect(tightest(needs, new Map(), new Map())).toBeUndefined();
  });

  it('may be below zero, where a quota was lowered', () => {
    const used = inUse(running(10, 'm7i.large', 2));
    const facts = tightest([{ code: STANDARD, instances: 1, vCpus: 2 }], used, new Map([[STANDARD, quota(5)]]));
    expect(facts?.leftVCpus).toBe(-15);
  });
});

describe('one look', () => {
  const region = [...running(4, 'm7i.large', 2), ...running(4, 'm7i.large', 2, 'spot')];
  const counting = (answers: Partial<QuotasPort> = {}) => {
    const calls: string[] = [];
    const port: QuotasPort = {
      running: async () => {
        calls.push('running');
        return { ok: true, value: region };
      },
      quota: async (code) => {
        calls.push(code);
        return { ok: true, value: { name: code, vCpus: 10 } };
      },
      ...answers,
    };
    return { calls, look: quotaLook(port) };
  };
  const ids = (own: readonly RunningSeen[]) => own.map(({ id }) => id);

  it('asks once for what runs, and once for each quota, however many fleets there are', async () => {
    const { calls, look } = counting();
    expect(await look(ids(region.slice(0, 2)), needsOfCopy)).toMatchObject({ neededVCpus: 4, leftVCpus: 2 });
    expect(await look(ids(region.slice(2, 4)), needsOfCopy)).toMatchObject({ neededVCpus: 4, leftVCpus: 2 });
    expect(await look(ids(region.slice(4)), needsOfCopy)).toMatchObject({ name: STANDARD_SPOT, neededVCpus: 8 });
    expect(calls).toEqual(['running', STANDARD, STANDARD_SPOT]);
  });

  it('asks for nothing where a fleet has no instance', async () => {
    const { calls, look } = counting();
    expect(await look([], needsOfCopy)).toBeUndefined();
    expect(calls).toEqual([]);
  });

  it.each<[string, Partial<QuotasPort>]>([
    ['too many run to be counted', { running: async () => ({ ok: true, value: undefined }) }],
    ['its quota is not known', { quota: async () => ({ ok: true, value: undefined }) }],
  ])('says nothing where %s', async (_, answers) => {
    expect(await counting(answers).look(ids(region), needsOfCopy)).toBeUndefined();
  });

  it('fails with the read that failed', async () => {
    const failure = {
      ok: false,
      reason: 'throttled',
      operation: 'ec2:DescribeInstances',
      message: 'slow down',
    } as const;
    const { look } = counting({ running: async () => failure });
    expect(await reading(() => look(ids(region), needsOfCopy))).toEqual(failure);
  });
});
