import { DescribeImagesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { ec2Client } from '../../src/aws/clients.ts';
import { imagesNamed, imagesPort } from '../../src/aws/images.ts';
import { createWorldOfAws } from './sim.ts';

function prepare(options: { seed?: number } = {}, scenario: object = {}) {
  const aws = createWorldOfAws(scenario, options);
  const client = ec2Client(aws.requestHandler);
  return { ...aws, images: imagesPort(client), client, amis: aws.region.amis };
}

describe('images', () => {
  it('are described by id, with whose they are and how old', async () => {
    const { amis, images, value } = prepare();
    const current = amis.recommended('al2023/arm64');
    const ours = amis.custom('al2023/x86_64');

    const seen = await value(() => images.describeImages([current.id, ours.id]));

    expect(seen).toEqual([
      {
        id: current.id,
        name: 'al2023-ami-ecs-hvm-2023.0.20251212-kernel-6.1-arm64',
        byAmazon: true,
        architecture: 'arm64',
        available: true,
        createdAtMs: Date.parse('2025-12-12T00:00:00Z'),
        deprecatedAtMs: Date.parse('2027-12-12T00:00:00Z'),
      },
      {
        id: ours.id,
        name: `our-${ours.id}`,
        byAmazon: false,
        architecture: 'x86_64',
        available: true,
        createdAtMs: expect.any(Number),
      },
    ]);
  });

  it.each([1, 2, 3, 4, 5, 6])(
    'that are deprecated are described too, whatever AWS does by default (seed %i)',
    async (seed) => {
      const { amis, images, value } = prepare({ seed });
      const [old] = await value(() => images.describeImages([amis.behind('al2023/x86_64', 9).id]));
      expect(old?.deprecatedAtMs).toBeLessThan(Date.UTC(2026, 0, 1));
    },
  );

  it('that no longer exist are left out, and the others are described all the same', async () => {
    const { amis, images, value, calls } = prepare();
    const known = Array.from({ length: 150 }, () => amis.custom('al2023/x86_64').id);
    const gone = amis.custom('al2023/x86_64').id;
    amis.deregister(gone);

    const seen = await value(() => images.describeImages([...known, gone, 'ami-0dead', 'ami-0dead']));

    expect(seen.map(({ id }) => id)).toEqual(known);
    // Two chunks, the second asked for once more without those that are gone.
    expect(calls).toEqual(['ec2:DescribeImages', 'ec2:DescribeImages', 'ec2:DescribeImages']);
  });

  it('that are not images at all are left out like those that are gone', async () => {
    const { amis, images, value } = prepare();
    const current = amis.recommended('al2023/x86_64').id;
    expect(await value(() => images.describeImages(['resolve:ssm:/x', current]))).toHaveLength(1);
  });

  it('that EC2 throttles the asking for are a failure that says so, when the SDK has given up', async () => {
    const reasons = new Set<string>();
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const { amis, images, ask } = prepare({ seed }, { faults: { throttle: 0.9 } });
      const answer = await ask(() => images.describeImages([amis.recommended('al2023/arm64').id]));
      reasons.add(answer.ok ? 'ok' : answer.reason);
    }
    expect(reasons).toEqual(new Set(['ok', 'throttled']));
  });

  it('of nothing are asked of nobody', async () => {
    const { images, value, calls } = prepare();
    expect(await value(() => images.describeImages([]))).toEqual([]);
    expect(calls).toEqual([]);
  });

  it.each([1, 2, 3, 4])(
    'of a name are all that Amazon made, deprecated ones too, and nobody else’s (seed %i)',
    async (seed) => {
      const { amis, client, value } = prepare({ seed });
      amis.custom('al2023/x86_64');
      const newest = amis.release('al2023/x86_64');

      const seen = await value(() => imagesNamed(client, 'al2023-ami-ecs-hvm-*-kernel-*-x86_64'));

      const before = [2, 1, 0].map((releases) => amis.behind('al2023/x86_64', releases + 1).id);
      expect(seen.map(({ id }) => id)).toEqual([...before, newest.id]);
      expect(seen[0]?.deprecatedAtMs).toBeLessThan(Date.UTC(2026, 0, 1));
    },
  );

  it('of a name are read to the last page', async () => {
    const ec2 = mockClient(EC2Client);
    const asked = { Owners: ['amazon'], Filters: [{ Name: 'name', Values: ['web-*'] }], IncludeDeprecated: true };
    ec2
      .on(DescribeImagesCommand, { ...asked, MaxResults: 1_000 }, true)
      .resolves({ Images: [{ ImageId: 'ami-1' }], NextToken: 'more' })
      .on(DescribeImagesCommand, { ...asked, MaxResults: 1_000, NextToken: 'more' }, true)
      .resolves({ Images: [{ ImageId: 'ami-2' }] });

    const seen = await imagesNamed(new EC2Client({}), 'web-*');

    expect(seen.ok && seen.value.map(({ id }) => id)).toEqual(['ami-1', 'ami-2']);
    ec2.restore();
  });
});
