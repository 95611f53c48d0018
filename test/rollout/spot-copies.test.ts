import { describe, expect, it } from 'vitest';
import type { Failure, Result } from '../../src/ports.ts';
import type { FleetInstance, SpotFleetSeen } from '../../src/rollout/ports.ts';
import { MOST_SPOT_INSTANCES } from '../../src/rollout/spot-bound.ts';
import { besideOf, copiesOf, heirOf } from '../../src/rollout/spot-copies.ts';
import type { SurveyPorts } from '../../src/rollout/survey.ts';
import { factsOfSpotFleets } from '../../src/rollout/survey.ts';
import { readTags } from '../../src/rollout/tags.ts';
import { OLD, START_MS } from './builders.ts';

/** As `name of original state`: `b of a active`. */
function seen(words: string): SpotFleetSeen {
  const [id = '', , of, state = 'active'] = words.split(' ');
  const copied = of === undefined ? {} : { 'ecs-drain:copy-of': of, 'ecs-drain:rollout': `makes-${id}` };
  return {
    id,
    tags: { 'ecs-drain:ami': 'auto', ...copied },
    state,
    createdAtMs: START_MS,
    type: 'maintain',
    targetCapacity: 1,
    fulfilledCapacity: 1,
    onDemandCapacity: 0,
    excess: 'default',
    launch: [],
    specifications: 0,
  };
}
const all = (...words: string[]) => words.map(seen);

describe('the copies of a Spot Fleet', () => {
  it('are those that tell so by their tag, and are not cancelled', () => {
    const copies = all(
      'b of a active',
      'c of a modifying',
      'd of a cancelled_running',
      'e of b active',
      // EC2 gave it up itself.
      'f of a failed',
    );
    expect(copiesOf('a', copies)).toEqual([
      { id: 'b', by: 'makes-b', createdAtMs: START_MS },
      { id: 'c', by: 'makes-c', createdAtMs: START_MS },
    ]);
  });

  it.each<[string[], string | undefined]>([
    [['b of a active'], 'b'],
    [['b of a cancelled', 'c of b active'], 'c'],
    [['b of a cancelled', 'c of a cancelled', 'd of c cancelled_terminating', 'e of d active'], 'e'],
    [['b of a cancelled'], undefined],
    [['c of b active'], undefined],
    // Anybody may write such tags.
    [['a of a cancelled'], undefined],
    [['b of a cancelled', 'a of b cancelled'], undefined],
  ])('%j: what has come in the place of a is %s', (words, heir) => {
    expect(heirOf('a', all(...words))).toBe(heir);
  });
});

describe('a Spot Fleet is left to the rollout that works on it', () => {
  const of = (id: string, isThere: boolean) => ({ id, isThere });

  it.each<[string, string, string[], ReturnType<typeof of> | undefined, RegExp]>([
    ['with a copy', 'a', ['b of a active'], undefined, /b is a copy of it, made by makes-b/],
    ['a copy whose original is there', 'b', ['b of a active'], of('a', true), /copy of a, which is there still/],
    [
      'a copy beside another one',
      'b',
      ['b of a active', 'c of a active'],
      of('a', false),
      /it and c are copies of one fleet/,
    ],
    [
      'a copy beside what came of another one',
      'b',
      ['b of a active', 'c of a cancelled', 'd of c active'],
      of('a', false),
      /it and d/,
    ],
  ])('%s', (_, id, words, copyOf, because) => {
    expect(besideOf(id, all(...words), copyOf)).toMatch(because);
  });

  it.each<[string, string, string[], ReturnType<typeof of> | undefined]>([
    ['one that was never copied', 'a', ['c of b active'], undefined],
    ['one whose copy was taken back', 'a', ['b of a cancelled_terminating'], undefined],
    ['a copy that has its place', 'b', ['b of a active'], of('a', false)],
    ['a copy whose twin was taken back', 'b', ['b of a active', 'c of a cancelled'], of('a', false)],
  ])('and is a fleet like any other: %s', (_, id, words, copyOf) => {
    expect(besideOf(id, all(...words), copyOf)).toBeUndefined();
  });
});

describe('what the survey finds of a Spot Fleet', () => {
  const ok = async <T>(value: T) => ({ ok: true, value }) as const;
  const factsOf = async (
    fleet: SpotFleetSeen,
    count: number,
    there: readonly SpotFleetSeen[] = [],
    stack: Result<string | undefined> = { ok: true, value: undefined },
  ) => {
    const instance = (_: unknown, i: number): FleetInstance => ({
      id: `i-${i}`,
      imageId: OLD,
      state: 'healthy',
      protectedFromScaleIn: false,
    });
    const ports = {
      images: { describeImages: () => ok([]) },
      spotFleets: {
        hasScalableTarget: () => ok(false),
        stackOf: async () => stack,
        describeFleet: (id: string) => ok(there.find((one) => one.id === id)),
      },
      clusters: { clustersOf: () => ok([]) },
      now: () => START_MS,
    } as unknown as SurveyPorts;
    const instances = Array.from({ length: count }, instance);
    const [facts] = await factsOfSpotFleets([{ fleet, instances }], there, undefined, ports);
    return facts;
  };

  it('of its stack is asked CloudFormation: what may not be asked forbids to replace it, what fails is asked again', async () => {
    const failure = (reason: Failure['reason']): Failure => {
      return { ok: false, reason, operation: 'cloudformation:DescribeStackResources', message: 'no' };
    };
    expect((await factsOf(seen('a'), 1, [], { ok: true, value: 'network' }))?.bound).toEqual([
      expect.stringContaining('CloudFormation made it (stack network)'),
    ]);
    expect((await factsOf(seen('a'), 1, [], failure('denied')))?.bound).toEqual([
      expect.stringContaining('could not be asked (cloudformation:DescribeStackResources: no): allow that call'),
    ]);
    await expect(factsOf(seen('a'), 1, [], failure('throttled'))).rejects.toThrow('no');
  });

  it('that is being changed, or not set up yet, says so, and that passes', async () => {
    for (const state of ['modifying', 'submitted']) {
      const facts = await factsOf({ ...seen('a'), state }, 1);
      expect(facts).toMatchObject({ bound: [], refreshing: false, unsettled: expect.any(String) });
    }
    expect(await factsOf(seen('a'), 1)).not.toHaveProperty('unsettled');
  });

  it('that has more instances than one execution can follow forbids to replace it', async () => {
    expect((await factsOf(seen('a'), MOST_SPOT_INSTANCES))?.bound).toEqual([]);
    expect((await factsOf(seen('a'), MOST_SPOT_INSTANCES + 1))?.bound).toEqual([
      expect.stringContaining('it has 201 instances, and one of at most 200 is replaced'),
    ]);
  });

  it('that has no room for two more tags forbids to replace it; those of ours and of AWS do not count', async () => {
    const tagged = (count: number) => {
      const copy = seen('b of a active');
      const names = Array.from({ length: count - 1 }, (_, i) => [`tag-${i}`, '']);
      return { ...copy, tags: { ...copy.tags, 'aws:x': '', ...Object.fromEntries(names) } };
    };
    expect((await factsOf(tagged(48), 1))?.bound).toEqual([]);
    expect((await factsOf(tagged(49), 1))?.bound).toEqual([expect.stringContaining('it has 49 tags')]);
  });

  it('that is a copy tells of whom, and waits while that one is there', async () => {
    const copy = seen('b of a active');
    const waiting = await factsOf(copy, 1, [seen('a'), copy]);
    expect(waiting).toMatchObject({ copyOf: { id: 'a', isThere: true }, beside: expect.stringContaining('of a') });
    for (const there of [[copy], [copy, { ...seen('a'), state: 'cancelled' }]]) {
      const alone = await factsOf(copy, 1, there);
      expect(alone).toMatchObject({ copyOf: { id: 'a', isThere: false } });
      expect(alone).not.toHaveProperty('beside');
    }
  });
});

it('our own tags on a copy are no mistake of its owner', () => {
  expect(readTags(seen('b of a').tags)).toMatchObject({ mode: 'auto' });
  expect(readTags({ ...seen('b of a').tags, 'ecs-drain:copy': 'x' })).toEqual({
    mistakes: ['there is no tag ecs-drain:copy'],
  });
});
