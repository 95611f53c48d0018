import type { EC2Client, Image } from '@aws-sdk/client-ec2';
import { DescribeImagesCommand } from '@aws-sdk/client-ec2';
import type { Result } from '../ports.ts';
import type { ImageSeen, ImagesPort } from '../rollout/ports.ts';
import { attempt } from './failure.ts';
import { allPages, inChunks } from './pages.ts';

/** Named ones are not paged: asked for so many at a time, the answer stays small. */
const MOST_DESCRIBED = 100;

export function imagesPort(client: EC2Client): ImagesPort {
  return {
    describeImages: (ids) =>
      attempt('ec2:DescribeImages', async () =>
        (await inChunks([...new Set(ids)], MOST_DESCRIBED, (chunk) => describe(client, chunk))).flat(),
      ),
  };
}

/** What EC2 answers on one page at most. */
const PAGE = 1_000;

/** Amazon's own images of such names, `*` standing for anything; deprecated ones too. Those that were deregistered are not there. */
export function imagesNamed(client: EC2Client, names: string): Promise<Result<readonly ImageSeen[]>> {
  const asked = { Owners: ['amazon'], Filters: [{ Name: 'name', Values: [names] }], IncludeDeprecated: true };
  return attempt('ec2:DescribeImages', () =>
    allPages(async ({ nextToken }) => {
      const page = { MaxResults: PAGE, ...(nextToken === undefined ? {} : { NextToken: nextToken }) };
      const { Images, NextToken } = await client.send(new DescribeImagesCommand({ ...asked, ...page }));
      return { items: Images?.map(imageSeen), nextToken: NextToken };
    }),
  );
}

/** One image that no longer exists fails the whole call, and the error names it: the others are asked for again. */
async function describe(client: EC2Client, ids: readonly string[]): Promise<ImageSeen[]> {
  if (ids.length === 0) return [];
  try {
    const answer = await client.send(new DescribeImagesCommand({ ImageIds: [...ids], IncludeDeprecated: true }));
    return (answer.Images ?? []).map(imageSeen);
  } catch (error) {
    if (!(error instanceof Error) || !/^InvalidAMIID\./.test(error.name)) throw error;
    const { message } = error;
    const left = ids.filter((id) => !message.includes(id));
    if (left.length < ids.length) return describe(client, left);
    // The error names none of ours. Alone, an image is there or it is not.
    if (ids.length === 1) return [];
    return (await inChunks(ids, 1, (chunk) => describe(client, chunk))).flat();
  }
}

function imageSeen(image: Image): ImageSeen {
  const deprecatedAtMs = Date.parse(image.DeprecationTime ?? '');
  return {
    id: image.ImageId ?? '',
    name: image.Name ?? '',
    byAmazon: image.ImageOwnerAlias === 'amazon',
    architecture: image.Architecture ?? 'unknown',
    available: image.State === 'available',
    createdAtMs: Date.parse(image.CreationDate ?? '') || 0,
    ...(Number.isNaN(deprecatedAtMs) ? {} : { deprecatedAtMs }),
  };
}
