import type { DescribeImagesCommandInput, DescribeImagesResult, Image } from '@aws-sdk/client-ec2';
import type { Ami, Amis } from './amis.ts';
import { AwsError } from './aws-error.ts';
import type { World } from './world.ts';

/** The account that ECS-optimized Linux images belong to, as public listings of them show. */
const AMAZON_ACCOUNT = '591542846629';

/** "An asterisk (*) matches zero or more characters, and a question mark (?) matches zero or one character" (EC2 user guide). */
function pattern(value: string): RegExp {
  const escaped = value.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.?')}$`, 's');
}

/** What EC2 answers about images. */
export function createImageOperations(world: World, amis: Pick<Amis, 'get' | 'all'>) {
  // UNVERIFIED: whether a deprecated image that is named by its id is described without IncludeDeprecated. The seed picks.
  const namedIsDescribed = world.random('unverified/ec2-deprecated-image-by-id').chance(0.5);

  const shape = (ami: Ami): Image => ({
    ImageId: ami.id,
    Name: ami.name,
    State: 'available',
    Architecture: ami.architecture,
    OwnerId: ami.owner === 'amazon' ? AMAZON_ACCOUNT : world.accountId,
    // "The owner alias": images of ordinary accounts have none (API reference of Image).
    ...(ami.owner === 'amazon' ? { ImageOwnerAlias: 'amazon' } : {}),
    Public: ami.owner === 'amazon',
    ImageType: 'machine',
    RootDeviceType: 'ebs',
    VirtualizationType: 'hvm',
    CreationDate: new Date(ami.createdAtMs).toISOString(),
    ...(ami.owner === 'amazon' ? { DeprecationTime: new Date(ami.deprecatedAtMs).toISOString() } : {}),
  });

  /** "Default: no deprecated AMIs are included"; an owner sees all of theirs (API reference of DescribeImages). */
  const isShown = (ami: Ami, input: DescribeImagesCommandInput): boolean =>
    ami.owner === 'self' ||
    ami.deprecatedAtMs > world.clock.nowMs() ||
    (input.IncludeDeprecated ?? (namedIsDescribed && input.ImageIds !== undefined));

  return {
    DescribeImages(input: DescribeImagesCommandInput): DescribeImagesResult {
      const { ImageIds, Owners, Filters = [], MaxResults, NextToken } = input;
      const isNamed = Filters.map(({ Name, Values = [] }) => {
        // Better refused than ignored.
        if (Name !== 'name') throw new AwsError('InvalidParameterValue', `The filter ${Name} is not simulated`);
        const patterns = Values.map(pattern);
        return (ami: Ami) => patterns.some((one) => one.test(ami.name));
      });
      if (MaxResults !== undefined && ImageIds !== undefined)
        throw new AwsError('InvalidParameterCombination', 'MaxResults cannot be given with ImageIds');
      for (const id of ImageIds ?? []) {
        if (!/^ami-[0-9a-f]+$/.test(id)) throw new AwsError('InvalidAMIID.Malformed', `Invalid id: "${id}"`);
      }
      const missing = (ImageIds ?? []).filter((id) => amis.get(id) === undefined);
      // The wordings for one and for several are in public logs.
      if (missing.length === 1)
        throw new AwsError('InvalidAMIID.NotFound', `The image id '[${missing[0]}]' does not exist`);
      if (missing.length > 1)
        throw new AwsError('InvalidAMIID.NotFound', `The image ids '[${missing.join(', ')}]' do not exist`);
      const named = ImageIds?.flatMap((id) => amis.get(id) ?? []) ?? amis.all();
      const isOwned = (ami: Ami): boolean =>
        Owners === undefined || Owners.some((owner) => owner === ami.owner || owner === shape(ami).OwnerId);
      const found = named.filter(
        (ami) => isShown(ami, input) && isOwned(ami) && isNamed.every((matches) => matches(ami)),
      );
      const from = Number(NextToken ?? 0);
      const to = from + (MaxResults ?? found.length);
      return {
        Images: found.slice(from, to).map(shape),
        ...(to < found.length ? { NextToken: String(to) } : {}),
      };
    },
  };
}
