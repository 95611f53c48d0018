import { describe, expect, it } from 'vitest';
import type { Family } from '../../src/rollout/family.ts';
import { FAMILIES, familiesOf, familyById } from '../../src/rollout/family.ts';
import type { InUse, InUsePorts } from '../../src/rollout/in-use.ts';
import { familiesToWatch, inUseOf, lookAtUse } from '../../src/rollout/in-use.ts';
import type { FleetInstance, GroupSeen, ImageSeen, SpotFleetSeen } from '../../src/rollout/ports.ts';
import type { Remembered } from '../../src/rollout/seen.ts';
import { imageName } from '../support/amis.ts';
import { aFailure } from '../support/build.ts';

const family = (id: string): Family => familyById(id) ?? expect.fail(`no family ${id}`);
const ids = (families: Iterable<Family>): string[] => [...families].map(({ id }) => id);
const SIGHTING = { version: '2.0.20261113', imageId: 'ami-0281c9a5cd9de63bd' };
const remembered = (...of: string[]): Remembered => ({
  kind: 'seen',
  seen: Object.fromEntries(of.map((id) => [id, SIGHTING])),
});
const run = (isWhole: boolean, ...of: string[]): InUse => ({ families: new Set(of), isWhole });

describe('the families that are watched', () => {
  const AL2 = 'al2/x86_64';
  const WINDOWS = 'windows-2022-core/x86_64';
  const ARM = 'al2023/arm64';
  it.each<[string, string[], Remembered, InUse | undefined, string[]]>([
    ['are those that are configured', [ARM], { kind: 'first' }, run(true), [ARM]],
    ['and those in use', [ARM], { kind: 'first' }, run(true, AL2), [ARM, AL2]],
    ['each once', [ARM, AL2], remembered(AL2), run(false, AL2, ARM), [ARM, AL2]],
    ['in the order of the table', [WINDOWS], remembered(), run(true, AL2, ARM), [ARM, AL2, WINDOWS]],
    ['and none that was watched before, when all of what is in use is known', [ARM], remembered(AL2), run(true), [ARM]],
    ['and those too, when not all of it is known', [ARM], remembered(AL2), run(false, WINDOWS), [ARM, AL2, WINDOWS]],
    ['and those too, when none of it is known', [ARM], remembered(AL2), undefined, [ARM, AL2]],
    ['and no others, when nothing is remembered', [ARM], { kind: 'garbled' }, undefined, [ARM]],
    ['and none that is remembered and that there is not', [ARM], remembered('al3/x86_64'), undefined, [ARM]],
  ])('%s', (_, configured, before, inUse, expected) => {
    expect(ids(familiesToWatch(configured.map(family), before, inUse))).toEqual(expected);
  });

  it('can be all there are', () => {
    expect(familiesToWatch(familiesOf(['supported']), { kind: 'first' }, run(true, ...ids(FAMILIES)))).toEqual(
      FAMILIES,
    );
  });
});

const image = (id: string, of: Partial<ImageSeen> = {}): ImageSeen => ({
  id,
  name: imageName(family('al2/x86_64')),
  byAmazon: true,
  architecture: 'x86_64',
  available: true,
  createdAtMs: 0,
  ...of,
});

describe('what is in use', () => {
  const OWN = { name: 'golden', byAmazon: false };
  const CORE = { name: imageName(family('windows-2022-core/x86_64')) };
  it.each<[string, string[][], ImageSeen[], number, string[], boolean]>([
    ['is nothing where no fleet has opted in', [], [], 0, [], true],
    [
      'is what instances run',
      [['a'], ['b']],
      [image('a'), image('b', CORE)],
      0,
      ['al2/x86_64', 'windows-2022-core/x86_64'],
      true,
    ],
    [
      'is all that the instances of one fleet run',
      [['a', 'b']],
      [image('a'), image('b', CORE)],
      0,
      ['al2/x86_64', 'windows-2022-core/x86_64'],
      true,
    ],
    ['is no family where the image is their own', [['a']], [image('a', OWN)], 0, [], true],
    ['nor where it only has the name of one of AWS’s', [['a']], [image('a', { byAmazon: false })], 0, [], true],
    ['is not all known where a fleet has no instances', [['a'], []], [image('a')], 0, ['al2/x86_64'], false],
    ['nor where EC2 does not show its image', [['a'], ['b']], [image('a')], 0, ['al2/x86_64'], false],
    ['nor where it shows only another of its images', [['a', 'b']], [image('a')], 0, ['al2/x86_64'], false],
    ['is not all known where fleets are left out', [['a']], [image('a')], 1, ['al2/x86_64'], false],
  ])('%s', (_, fleets, images, leftOut, families, isWhole) => {
    const seen = inUseOf(fleets, images, leftOut);
    expect([[...seen.families].sort(), seen.isWhole]).toEqual([families, isWhole]);
  });
});

describe('the look at what is in use', () => {
  const instance = (imageId: string | undefined) => ({ imageId }) as FleetInstance;
  const group = (...run: (string | undefined)[]) => ({ instances: run.map(instance) }) as unknown as GroupSeen;
  function prepare(groups: readonly GroupSeen[], fleets: Readonly<Record<string, string>>, failing = '') {
    const asked: string[] = [];
    const answer = <T>(what: string, value: T) => {
      asked.push(what);
      return what === failing ? aFailure('denied', 'ec2:Describe') : ({ ok: true, value } as const);
    };
    const ports: InUsePorts = {
      groups: { taggedGroups: async (key) => answer(`groups ${key}`, groups) },
      spotFleets: {
        taggedFleets: async (key) =>
          answer(
            `fleets ${key}`,
            Object.entries(fleets).map(([id, state]) => ({ id, state }) as SpotFleetSeen),
          ),
        fleetInstances: async (id) => answer(`instances ${id}`, [instance(`of-${id}`)]),
      },
      images: {
        describeImages: async (names) =>
          answer(
            `images ${names.join(' ')}`,
            names.map((id) => image(id)),
          ),
      },
    };
    return { look: () => lookAtUse(ports), asked };
  }

  it('asks for the images of groups and Spot Fleets that opted in, each once, and for no cancelled fleet', async () => {
    const { look, asked } = prepare([group('a', 'a', undefined), group('b')], {
      one: 'active',
      two: 'cancelled_running',
    });
    expect(await look()).toEqual({ ok: true, value: run(true, 'al2/x86_64') });
    expect(asked).toEqual(['groups ecs-drain:ami', 'fleets ecs-drain:ami', 'instances one', 'images a b of-one']);
  });

  it('ends at fifty fleets, and says that it is not all', async () => {
    const groups = Array.from({ length: 49 }, () => group('a'));
    const { look, asked } = prepare(groups, { one: 'active', two: 'active' });
    expect(await look()).toEqual({ ok: true, value: run(false, 'al2/x86_64') });
    expect(asked).not.toContain('instances two');
  });

  it.each(['groups ecs-drain:ami', 'fleets ecs-drain:ami', 'instances one', 'images a of-one'])(
    'fails where it has no answer to %s',
    async (failing) => {
      expect(await prepare([group('a')], { one: 'active' }, failing).look()).toMatchObject({
        ok: false,
        reason: 'denied',
      });
    },
  );
});
