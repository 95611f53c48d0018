import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Family } from '../../src/rollout/family.ts';
import { FAMILIES, familyById, familyOfImage, newer, parametersOf, recommendedOf } from '../../src/rollout/family.ts';
import { aRecommendation, imageName } from '../support/amis.ts';

const EACH = FAMILIES.map((family) => [family.id, family] as const);
const seen = (name: string, value: string) => ({ name, value, changedAtMs: 0 });
const family = (id: string): Family => familyById(id) ?? expect.fail(`no family ${id}`);

/** Names as AWS published them, with the family that each is of. */
const PUBLISHED: readonly (readonly [name: string, family: string, version: string, kernel: string])[] = [
  ['al2023-ami-ecs-hvm-2023.0.20241115-kernel-6.1-x86_64', 'al2023/x86_64', '2023.0.20241115', '6.1'],
  ['al2023-ami-ecs-hvm-2023.0.20261113-kernel-6.1-arm64', 'al2023/arm64', '2023.0.20261113', '6.1'],
  ['al2023-ami-ecs-neuron-hvm-2023.0.20261113-kernel-6.1-x86_64', 'al2023-neuron/x86_64', '2023.0.20261113', '6.1'],
  ['al2023-ami-ecs-gpu-hvm-2023.0.20260901-kernel-6.1-x86_64-ebs', 'al2023-gpu/x86_64', '2023.0.20260901', '6.1'],
  ['bottlerocket-aws-ecs-2-x86_64-v1.42.0-5ed15786', 'bottlerocket-2/x86_64', '1.42.0-5ed15786', ''],
  ['bottlerocket-aws-ecs-3-aarch64-v1.65.0-0be31b34', 'bottlerocket-3/arm64', '1.65.0-0be31b34', ''],
  ['bottlerocket-aws-ecs-2-nvidia-x86_64-v1.32.0-cacc4ce9', 'bottlerocket-2-nvidia/x86_64', '1.32.0-cacc4ce9', ''],
  ['bottlerocket-aws-ecs-2-fips-x86_64-v1.32.0-cacc4ce9', 'bottlerocket-2-fips/x86_64', '1.32.0-cacc4ce9', ''],
  ['bottlerocket-aws-ecs-1-x86_64-v1.14.1', 'bottlerocket-1/x86_64', '1.14.1', ''],
  ['amzn2-ami-ecs-hvm-2.0.20220304-x86_64-ebs', 'al2/x86_64', '2.0.20220304', ''],
  ['amzn2-ami-ecs-hvm-2.0.20240611-arm64-ebs', 'al2/arm64', '2.0.20240611', ''],
  ['amzn2-ami-ecs-gpu-hvm-2.0.20190402-x86_64-ebs', 'al2-gpu/x86_64', '2.0.20190402', ''],
  ['amzn2-ami-ecs-inf-hvm-2.0.20240611-x86_64-ebs', 'al2-inf/x86_64', '2.0.20240611', ''],
  ['amzn2-ami-ecs-kernel-5.10-hvm-2.0.20240712-x86_64-ebs', 'al2-kernel-5.10/x86_64', '2.0.20240712', '5.10'],
  ['amzn2-ami-ecs-kernel-5.10-hvm-2.0.20240528-arm64-ebs', 'al2-kernel-5.10/arm64', '2.0.20240528', '5.10'],
  ['amzn2-ami-ecs-kernel-5.10-gpu-hvm-2.0.20240528-x86_64-ebs', 'al2-kernel-5.10-gpu/x86_64', '2.0.20240528', '5.10'],
  ['amzn2-ami-ecs-kernel-5.10-inf-hvm-2.0.20240611-x86_64-ebs', 'al2-kernel-5.10-inf/x86_64', '2.0.20240611', '5.10'],
  ['amzn-ami-2017.09.j-amazon-ecs-optimized', 'al1/x86_64', '2017.09.j', ''],
  ['amzn-ami-2018.03.20230627-amazon-ecs-optimized', 'al1/x86_64', '2018.03.20230627', ''],
  ['Windows_Server-2025-English-Core-ECS_Optimized-2025.09.13', 'windows-2025-core/x86_64', '2025.09.13', ''],
  ['Windows_Server-2022-English-Full-ECS_Optimized-2025.08.24', 'windows-2022-full/x86_64', '2025.08.24', ''],
  ['Windows_Server-2019-English-Core-ECS_Optimized-2025.07.16', 'windows-2019-core/x86_64', '2025.07.16', ''],
  ['Windows_Server-2016-English-Full-ECS_Optimized-2025.09.13', 'windows-2016-full/x86_64', '2025.09.13', ''],
];

describe('the image that a fleet runs', () => {
  it.each(PUBLISHED)('%s is of %s', (name, id, version, kernel) => {
    expect(familyOfImage(name)).toEqual({
      family: family(id),
      version,
      ...(kernel === '' ? {} : { kernel }),
    });
  });

  it.each(EACH)('is recognised in every family: %s', (id, of) => {
    expect(familyOfImage(imageName(of))?.family.id).toBe(id);
  });

  it.each(EACH)('is of one family only: %s', (id, of) => {
    const matching = FAMILIES.filter(({ images }) => images.test(imageName(of)));
    expect(matching.map((one) => one.id)).toEqual([id]);
  });

  it.each([
    'my-golden-ami-2026-01',
    '',
    // Amazon's own, without ECS in it.
    'al2023-ami-2023.12.20260930.0-kernel-6.1-x86_64',
    'al2023-ami-minimal-2023.6.20241111.0-kernel-6.1-x86_64',
    'amzn2-ami-minimal-hvm-2.0.20220218.1-x86_64-ebs',
    'bottlerocket-aws-k8s-1.33-x86_64-v1.42.0-5ed15786',
    'Windows_Server-2022-English-Full-Base-2025.09.10',
    // Copies, which somebody else may have changed.
    'copy-of-al2023-ami-ecs-hvm-2023.0.20241115-kernel-6.1-x86_64',
    'al2023-ami-ecs-hvm-2023.0.20241115-kernel-6.1-x86_64-hardened',
    'amzn2-ami-ecs-hvm-2.0.20220304-x86_64-ebs\nx',
    // Not as AWS writes them: only GPU images have -ebs, arm64 is aarch64 to Bottlerocket, and no release has a seven-digit date.
    'al2023-ami-ecs-hvm-2023.0.20241115-kernel-6.1-x86_64-ebs',
    'al2023-ami-ecs-gpu-hvm-2023.0.20260901-kernel-6.1-x86_64',
    'bottlerocket-aws-ecs-2-arm64-v1.42.0-5ed15786',
    'al2023-ami-ecs-hvm-2023.0.2024111-kernel-6.1-x86_64',
  ])('%j is a custom image', (name) => {
    expect(familyOfImage(name)).toBeUndefined();
  });
});

describe('the table', () => {
  it('names each family and each parameter once', () => {
    const ids = FAMILIES.map(({ id }) => id);
    const parameters = FAMILIES.flatMap(parametersOf);
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(parameters).size).toBe(parameters.length);
  });

  it.each([
    ['al2023/x86_64', ['/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended']],
    ['al2023/arm64', ['/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64/recommended']],
    ['al2023-gpu/x86_64', ['/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended']],
    ['al2023-neuron/x86_64', ['/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron/recommended']],
    ['al2/x86_64', ['/aws/service/ecs/optimized-ami/amazon-linux-2/recommended']],
    ['al2/arm64', ['/aws/service/ecs/optimized-ami/amazon-linux-2/arm64/recommended']],
    ['al2-gpu/x86_64', ['/aws/service/ecs/optimized-ami/amazon-linux-2/gpu/recommended']],
    ['al2-inf/x86_64', ['/aws/service/ecs/optimized-ami/amazon-linux-2/inf/recommended']],
    ['al2-kernel-5.10/x86_64', ['/aws/service/ecs/optimized-ami/amazon-linux-2/kernel-5.10/recommended']],
    ['al2-kernel-5.10/arm64', ['/aws/service/ecs/optimized-ami/amazon-linux-2/kernel-5.10/arm64/recommended']],
    ['al2-kernel-5.10-gpu/x86_64', ['/aws/service/ecs/optimized-ami/amazon-linux-2/kernel-5.10/gpu/recommended']],
    ['al2-kernel-5.10-inf/x86_64', ['/aws/service/ecs/optimized-ami/amazon-linux-2/kernel-5.10/inf/recommended']],
    [
      'bottlerocket-2/arm64',
      [
        '/aws/service/bottlerocket/aws-ecs-2/arm64/latest/image_id',
        '/aws/service/bottlerocket/aws-ecs-2/arm64/latest/image_version',
      ],
    ],
    [
      'bottlerocket-3-nvidia-fips/x86_64',
      [
        '/aws/service/bottlerocket/aws-ecs-3-nvidia-fips/x86_64/latest/image_id',
        '/aws/service/bottlerocket/aws-ecs-3-nvidia-fips/x86_64/latest/image_version',
      ],
    ],
    ['windows-2022-core/x86_64', ['/aws/service/ami-windows-latest/Windows_Server-2022-English-Core-ECS_Optimized']],
  ])('%s is recommended at %j', (id, parameters) => {
    expect(parametersOf(family(id))).toEqual(parameters);
  });

  it.each([
    ['al2023', 'full'],
    ['bottlerocket-2', 'full'],
    ['bottlerocket-1', 'ended'],
    ['al2', 'ended'],
    ['al1', 'ended'],
    ['windows', 'windows'],
  ])('%s: %s', (prefix, support) => {
    const those = FAMILIES.filter(({ id }) => new RegExp(`^${prefix}[-/]`).test(id));
    expect(those).not.toEqual([]);
    expect(new Set(those.map((one) => one.support))).toEqual(new Set([support]));
  });

  it('knows the day on which each ended family ended, and no other family as ended', () => {
    for (const { support, endsOn } of FAMILIES.filter((one) => one.support === 'ended')) {
      expect([support, endsOn]).toEqual(['ended', expect.stringMatching(/^\d{4}-\d{2}-\d{2}$/)]);
    }
    expect(family('al2/x86_64').endsOn).toBe('2026-06-30');
    expect(family('bottlerocket-1/arm64').endsOn).toBe('2025-07-24');
    expect(familyById('al2022/x86_64')).toBeUndefined();
  });
});

describe('the recommended image', () => {
  it.each(EACH)('of %s is an image of that family', (_, of) => {
    const read = recommendedOf(of, aRecommendation(of));
    expect(read).toMatchObject({ kind: 'recommended', image: { name: imageName(of) } });
    if (read.kind === 'recommended') {
      expect(familyOfImage(read.image.name)).toMatchObject({ family: of, version: read.image.version });
    }
  });

  it('comes with what is in it', () => {
    expect(recommendedOf(family('al2023/x86_64'), aRecommendation(family('al2023/x86_64')))).toEqual({
      kind: 'recommended',
      image: {
        imageId: 'ami-0281c9a5cd9de63bd',
        name: 'al2023-ami-ecs-hvm-2023.0.20261113-kernel-6.1-x86_64',
        version: '2023.0.20261113',
        agentVersion: '1.108.3',
        runtimeVersion: 'Docker version 25.0.18',
      },
    });
  });

  it('of Bottlerocket is named by its version', () => {
    const of = family('bottlerocket-2-nvidia/arm64');
    expect(recommendedOf(of, aRecommendation(of, { version: '1.62.1-5ed15786' }))).toEqual({
      kind: 'recommended',
      image: {
        imageId: 'ami-0281c9a5cd9de63bd',
        name: 'bottlerocket-aws-ecs-2-nvidia-aarch64-v1.62.1-5ed15786',
        version: '1.62.1-5ed15786',
      },
    });
  });

  it.each(EACH)('of %s is absent where the region has no such parameter', (_, of) => {
    expect(recommendedOf(of, [seen('/aws/service/other', 'x')])).toEqual({ kind: 'absent' });
  });

  const al2023 = family('al2023/x86_64');
  const value = (json: object): string =>
    JSON.stringify({ image_id: 'ami-0281c9a5cd9de63bd', image_name: imageName(al2023), ...json });

  it.each<[string, string, string]>([
    ['prose', 'see the console', 'the value is not what AWS documents'],
    ['an empty value', '', 'the value is not what AWS documents'],
    ['a list', '[]', 'the value is not what AWS documents'],
    ['something that is no image id', value({ image_id: 'resolve:ssm:/x' }), 'image_id not the id of an image'],
    [
      'an image of another architecture',
      value({ image_name: imageName(family('al2023/arm64')) }),
      'is not an image of',
    ],
    ['an image of another family', value({ image_name: imageName(family('al2/x86_64')) }), 'is not an image of'],
    ['a custom image', value({ image_name: 'mine' }), '"mine" is not an image of al2023/x86_64'],
  ])('that is %s is a mistake', (_, text, because) => {
    expect(recommendedOf(al2023, [seen(parametersOf(al2023)[0] ?? '', text)])).toEqual({
      kind: 'mistake',
      because: expect.stringContaining(because),
    });
  });

  it('of Bottlerocket that has lost one of its two halves is a mistake', () => {
    const of = family('bottlerocket-3/x86_64');
    const [imageId, version] = aRecommendation(of);
    expect(recommendedOf(of, imageId ? [imageId] : [])).toMatchObject({ kind: 'mistake' });
    expect(recommendedOf(of, version ? [version] : [])).toMatchObject({ kind: 'mistake' });
  });
});

const SAMPLES = new URL('../../../shared/samples/', import.meta.url);

// Real values lie beside the checkout where the project is developed; a lone clone does not have them.
describe.skipIf(!existsSync(SAMPLES))('values that AWS has published', () => {
  it.each([
    [
      'al2023/x86_64',
      'ssm-get-parameter.ecs-al2023-recommended.captured.json',
      'ami-0281c9a5cd9de63bd',
      '2023.0.20241115',
    ],
    ['al2/x86_64', 'ssm-get-parameters.ecs-al2-recommended.captured.json', 'ami-0bb273345f0961e90', '2.0.20220304'],
    // Of 2019, before there was an image_version.
    ['al2-gpu/x86_64', 'ssm-get-parameter.ecs-al2-gpu-recommended.doc.json', 'ami-083c800fe4211192f', '2.0.20190402'],
  ])('%s: %s', (id, file, imageId, version) => {
    const answer = JSON.parse(readFileSync(new URL(file, SAMPLES), 'utf8'));
    const { Name, Value } = answer.Parameter ?? answer.Parameters[0];
    expect(recommendedOf(family(id), [seen(Name, Value)])).toMatchObject({
      kind: 'recommended',
      image: { imageId, version },
    });
  });
});

describe('which of two versions is newer', () => {
  it.each([
    ['2023.0.20261113', '2023.0.20241115'],
    ['2023.1.20250101', '2023.0.20261113'],
    ['2.0.20220304', '2.0.20190402'],
    // Where the order of strings would lie.
    ['1.10.0-00000000', '1.9.5-ffffffff'],
    ['1.42.10-5ed15786', '1.42.9-5ed15786'],
    ['1.100.0', '1.99.0'],
    ['2025.09.13', '2025.08.24'],
    ['2017.09.j', '2017.09.d'],
    ['2018.03.a', '2017.09.l'],
    ['2018.03.20190301', '2018.03.u'],
  ])('%s is newer than %s, and not the other way', (late, early) => {
    expect(newer(late, early)).toBe(true);
    expect(newer(early, late)).toBe(false);
  });

  it.each([
    ['2023.0.20261113', '2023.0.20261113'],
    ['1.42.0-5ed15786', '1.42.0-cacc4ce9'],
    ['nonsense', '1.42.0'],
    ['1.42.0', 'nonsense'],
  ])('%s and %s: neither', (a, b) => {
    expect([newer(a, b), newer(b, a)]).toEqual([false, false]);
  });
});
