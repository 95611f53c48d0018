import { describe, expect, it } from 'vitest';
import type { AmisSeen, FleetSeen } from '../../src/operator/amis.ts';
import { familiesIn, imagesInUse } from '../../src/operator/amis.ts';
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
