import {
  CancelSpotFleetRequestsCommand,
  DescribeImagesCommand,
  EC2Client,
  RequestSpotFleetCommand,
} from '@aws-sdk/client-ec2';
import { describe, expect, test, vi } from 'vitest';
import { AwsError } from '../../sim/aws-error.ts';
import type { WireRequest, WireResponse } from '../../sim/wire.ts';
import { createWire } from '../../sim/wire.ts';

const answeredBy = (handle: (request: WireRequest) => Promise<WireResponse>): EC2Client =>
  new EC2Client({
    region: 'eu-west-1',
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    maxAttempts: 1,
    requestHandler: {
      handle: async (request: WireRequest) => ({ response: (await handle(request)) as never }),
      updateHttpClientConfig() {},
      httpHandlerConfigs: () => ({}),
    },
  });

const signed = (service: string): Record<string, string> => ({
  authorization: `AWS4-HMAC-SHA256 Credential=A/20260101/eu-west-1/${service}/aws4_request, SignedHeaders=host, Signature=0`,
  'content-type': 'application/x-www-form-urlencoded',
});
const post = (headers: Record<string, string>, body: string): WireRequest => ({
  method: 'POST',
  path: '/',
  query: {},
  headers,
  body,
});
const text = (response: WireResponse): string => new TextDecoder().decode(response.body);

describe('EC2 (ec2Query)', () => {
  test('lists, lists in structures in lists, numbers, booleans and times arrive as they were sent', async () => {
    const RequestSpotFleet = vi.fn((_input: unknown) => ({ SpotFleetRequestId: 'sfr-1' }));
    const client = answeredBy(createWire({ ec2: { RequestSpotFleet } }));
    const SpotFleetRequestConfig = {
      IamFleetRole: 'arn:aws:iam::123456789012:role/fleet',
      TargetCapacity: 12,
      TerminateInstancesWithExpiration: false,
      ValidUntil: new Date('2026-02-03T04:05:06Z'),
      LaunchTemplateConfigs: Array.from({ length: 11 }, (_, i) => ({
        LaunchTemplateSpecification: { LaunchTemplateId: `lt-${i}`, Version: '3' },
        Overrides: [{ InstanceType: 'm7i.large' as const, WeightedCapacity: 1.5 }, { SubnetId: 'a&b=<ü> c' }],
      })),
      TagSpecifications: [{ ResourceType: 'spot-fleet-request' as const, Tags: [{ Key: 'a', Value: '' }] }],
      ClientToken: 't',
    };

    const answer = await client.send(new RequestSpotFleetCommand({ SpotFleetRequestConfig }));

    expect(answer.SpotFleetRequestId).toBe('sfr-1');
    expect(RequestSpotFleet).toHaveBeenCalledExactlyOnceWith({ SpotFleetRequestConfig });
  });

  test('an answer has its members beside the request id, and its lists in items', async () => {
    const DescribeImages = () => ({ Images: [{ ImageId: 'ami-1', Name: 'a <b> & c' }, { ImageId: 'ami-2' }] });
    const wire = createWire({ ec2: { DescribeImages } });

    const { Images } = await answeredBy(wire).send(new DescribeImagesCommand({ ImageIds: ['ami-1', 'ami-2'] }));
    const raw = text(await wire(post(signed('ec2'), 'Action=DescribeImages&ImageId.1=ami-1')));

    expect(Images).toEqual([{ ImageId: 'ami-1', Name: 'a <b> & c' }, { ImageId: 'ami-2' }]);
    expect(raw).toMatch(
      /^<DescribeImagesResponse xmlns="http:\/\/ec2.amazonaws.com\/doc\/2016-11-15"><requestId>[0-9-]+<\/requestId><imagesSet><item>/,
    );
  });

  test('an empty list comes back as one', async () => {
    const wire = createWire({ ec2: { DescribeImages: () => ({ Images: [] }) } });
    expect((await answeredBy(wire).send(new DescribeImagesCommand({}))).Images).toEqual([]);
  });

  test('an error has its code and its words, in the form that EC2 writes', async () => {
    const DescribeImages = () => {
      throw new AwsError('InvalidAMIID.NotFound', "The image id '[ami-1]' does not exist");
    };
    const wire = createWire({ ec2: { DescribeImages } });

    await expect(answeredBy(wire).send(new DescribeImagesCommand({}))).rejects.toMatchObject({
      name: 'InvalidAMIID.NotFound',
      message: "The image id '[ami-1]' does not exist",
      $metadata: { httpStatusCode: 400 },
    });
    expect(text(await wire(post(signed('ec2'), 'Action=DescribeImages')))).toContain(
      '<Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15"><Errors><Error><Code>InvalidAMIID.NotFound</Code>',
    );
  });

  test.each([
    ['an operation that does not exist here', 'Action=DescribeVpcs', 'InvalidAction'],
    ['a number that is none', 'Action=ModifySpotFleetRequest&SpotFleetRequestId=a&TargetCapacity=x', 'Invalid'],
    ['a required parameter that is missing', 'Action=CancelSpotFleetRequests&TerminateInstances=true', 'MissingParam'],
  ])('%s is refused', async (_what, body, code) => {
    const CancelSpotFleetRequests = vi.fn(() => ({}));
    const wire = createWire({ ec2: { CancelSpotFleetRequests, ModifySpotFleetRequest: CancelSpotFleetRequests } });
    const response = await wire(post(signed('ec2'), body));
    expect([response.statusCode, text(response)]).toEqual([400, expect.stringContaining(`<Code>${code}`)]);
    expect(CancelSpotFleetRequests).not.toHaveBeenCalled();
  });

  test('an operation that AWS does not have fails when EC2 is called for the first time', async () => {
    const wire = createWire({ ec2: { DescribeImage: () => ({}) } });
    const call = answeredBy(wire).send(
      new CancelSpotFleetRequestsCommand({ SpotFleetRequestIds: [], TerminateInstances: true }),
    );
    await expect(call).rejects.toThrow('ec2 has no operation DescribeImage');
  });
});
