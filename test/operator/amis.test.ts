import { describe, expect, it } from 'vitest';
import type { AmisSeen, FleetSeen } from '../../src/operator/amis.ts';
import { familiesIn, imagesInUse, namesToCount, versionsOf } from '../../src/operator/amis.ts';
import type { ImageSeen } from '../../src/rollout/ports.ts';
import { NEW, OLD, START_MS, slot, target } from '../rollout/builders.ts';

const DAY = 86_400_000;

const image = (id: string, version: string, days: number, changes: Partial<ImageSeen> = {}): ImageSeen => ({
  id,
  name: `al2023-ami-ecs-hvm-${version}-kernel-6.1-x86_64`,
  byAmazon: true,
  architecture: 'x86_64',
  available: true,
  createdAtMs: START_MS - days * DAY,
  ...changes,
});
const NEWEST = image(NEW, target.version, 5);

const one = (changes: Partial<FleetSeen> = {}): FleetSeen => ({
  id: 'group/web-asg',
  tags: {},
  instances: [{ imageId: OLD }, { imageId: OLD }],
  slots: [slot()],
  ...changes,
});
const seen = (images: readonly ImageSeen[], fleets = [one()], changes: Partial<AmisSeen> = {}): AmisSeen => ({
  atMs: START_MS,
  fleets,
  images: new Map(images.map((of) => [of.id, of])),
  targets: new Map([[target.source, target]]),
  recommended: new Map([[NEW, NEWEST]]),
  releases: new Map(),
  ...changes,
});

describe('an image in use', () => {
  it.each<[string, Partial<ImageSeen>, object]>([
    ['older than the recommended one', {}, { standing: 'behind', ageDays: 50, behindDays: 45, family: target.source }],
    ['that is deprecated', { deprecatedAtMs: START_MS - DAY }, { standing: 'deprecated', behindDays: 45 }],
    ['that will be deprecated', { deprecatedAtMs: START_MS + DAY }, { standing: 'behind' }],
    ['of a family at its end', { name: 'amzn2-ami-ecs-hvm-2.0.20250101-x86_64-ebs' }, { standing: 'ended' }],
    ['of somebody else', { byAmazon: false }, { standing: 'unknown', ageDays: 50 }],
  ])('%s is %j', (_what, changes, expected) => {
    const of = image(OLD, '2023.0.20261001', 50, changes);
    const tags = { 'ecs-drain:ami': 'auto' };
    expect(imagesInUse(seen([of], [one({ tags })]))).toMatchObject([{ instances: 2, mode: 'auto', ...expected }]);
  });

  it('that is recommended, or newer, is current', () => {
    const newer = image(OLD, '2023.0.20270101', 1);
    const fleets = [one({ instances: [{ imageId: NEW }], slots: [] }), one({ id: 'group/b' })];
    expect(
      imagesInUse(seen([newer, NEWEST], fleets)).map(({ standing, behindDays }) => [standing, behindDays]),
    ).toEqual([
      ['current', 0],
      ['current', 0],
    ]);
  });

  it('of which nobody knows what is recommended is unknown, and says why', () => {
    const targets = new Map([[target.source, { because: 'denied' }]]);
    const [row] = imagesInUse(seen([image(OLD, '2023.0.20261001', 50)], [one()], { targets }));
    expect(row).toMatchObject({ standing: 'unknown', notes: ['what is recommended is not known: denied'] });
    expect(row?.behindDays).toBeUndefined();
  });

  it('that does not exist any more is the worst where instances are launched from it', () => {
    const fleets = [
      one({ instances: [{ imageId: NEW }] }),
      one({ id: 'group/b', slots: [slot({ imageId: NEW })], instances: [{ imageId: OLD }] }),
    ];
    expect(
      imagesInUse(seen([NEWEST], fleets)).map(({ fleet, imageId, standing }) => [fleet, imageId, standing]),
    ).toEqual([
      ['group/web-asg', OLD, 'gone'],
      ['group/b', OLD, 'unknown'],
      ['group/b', NEW, 'current'],
      ['group/web-asg', NEW, 'current'],
    ]);
  });
});

it('a fleet without an image of ECS is there only if it has opted in, and tags that are wrong are told', () => {
  const custom = image(OLD, '1', 9, { byAmazon: false });
  const fleets = [one(), one({ id: 'group/in', tags: { 'ecs-drain:ami': 'auto', 'ecs-drain:wave': '0' } })];
  expect(imagesInUse(seen([custom], fleets)).map(({ fleet, mode }) => [fleet, mode])).toEqual([
    ['group/in', 'wrong tags'],
  ]);
});

it('the families are those of AWS’s own images, each once', () => {
  const images = [image(OLD, '2023.0.20261001', 9), NEWEST, image('ami-3', '2023.0.20261001', 9, { byAmazon: false })];
  expect(familiesIn(seen(images).images)).toEqual([target.source]);
});

describe('how many releases an image is behind', () => {
  const old = image(OLD, '2023.0.20261001', 50);
  const behind = (versions: readonly string[] | undefined, images = [old]) =>
    imagesInUse(
      seen(images, [one()], { releases: new Map(versions === undefined ? [] : [[target.source, versions]]) }),
    )[0]?.behindReleases;

  it('counts each release between it and the recommended one, that one too, whatever order EC2 has them in', () => {
    const versions = ['2023.0.20261020', target.version, '2023.0.20260901', '2023.0.20261001', '2023.0.20261020'];
    expect(behind([...versions, '2023.0.20261201'])).toBe(2);
  });

  it('is one at least, for the recommended one is there whatever EC2 still describes', () => {
    expect(behind([])).toBe(1);
  });

  it('is unknown where EC2 could not be asked, and none where it is the recommended one', () => {
    expect(behind(undefined)).toBeUndefined();
    expect(behind(undefined, [image(OLD, target.version, 5)])).toBe(0);
  });

  it('takes two builds of one version of Bottlerocket for one release', () => {
    const ofBottlerocket = { ...old, name: 'bottlerocket-aws-ecs-2-x86_64-v1.48.0-3c1b2a00' };
    const source = 'bottlerocket-2/x86_64';
    const named = { ...target, source, version: '1.50.0-3c1b2a02' };
    const [row] = imagesInUse(
      seen([ofBottlerocket], [one()], {
        targets: new Map([[source, named]]),
        releases: new Map([[source, ['1.49.0-aaaaaaaa', '1.49.0-bbbbbbbb', '1.50.0-3c1b2a02', '1.50.0-cccccccc']]]),
      }),
    );
    expect(row?.behindReleases).toBe(2);
  });

  it('is asked by what all names of its family look like, whatever version and kernel, and only where one is behind', () => {
    const targets = seen([]).targets;
    expect([...namesToCount(seen([old, NEWEST]).images, targets)]).toEqual([
      [target.source, 'al2023-ami-ecs-hvm-*-kernel-*-x86_64'],
    ]);
    expect([...namesToCount(seen([NEWEST]).images, targets)]).toEqual([]);
    expect([...namesToCount(seen([old]).images, new Map([[target.source, { because: 'denied' }]]))]).toEqual([]);
  });

  it('leaves out what is not of the family, or not Amazon’s', () => {
    const gpu = { ...old, name: 'al2023-ami-ecs-gpu-hvm-2023.0.20261001-kernel-6.1-x86_64-ebs' };
    expect(versionsOf(target.source, [old, gpu, { ...NEWEST, byAmazon: false }])).toEqual(['2023.0.20261001']);
  });
});
