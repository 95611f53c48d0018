import { DescribeLifecycleHooksCommand } from '@aws-sdk/client-auto-scaling';
import { DescribeImagesCommand } from '@aws-sdk/client-ec2';
import { ListClustersCommand } from '@aws-sdk/client-ecs';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { PublishCommand } from '@aws-sdk/client-sns';
import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  autoScalingClient,
  ec2Client,
  ecsClient,
  lambdaClient,
  patientLambdaClient,
  patientSsmClient,
  type RequestHandler,
  snsClient,
  ssmClient,
} from '../../src/aws/clients.ts';

beforeAll(() => {
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'example');
});
afterAll(() => vi.unstubAllEnvs());

/** An AWS that is down, and counts how often it is asked. */
function outage() {
  let requests = 0;
  const handler = {
    handle: async () => {
      requests++;
      return { response: { statusCode: 503, headers: {}, body: new Uint8Array() } };
    },
  } as unknown as RequestHandler;
  return { handler, requests: () => requests };
}

describe('a client asks AWS', () => {
  it.each([
    ['ECS once: the drain is its own retry', 1, (h: RequestHandler) => ecsClient(h).send(new ListClustersCommand({}))],
    [
      'for the switch three times: until it is read, a drain does not know that it is to hold back',
      3,
      (h: RequestHandler) => ssmClient(h).send(new GetParameterCommand({ Name: '/n' })),
    ],
    [
      'Auto Scaling five times: a lost heartbeat costs an instance',
      5,
      (h: RequestHandler) =>
        autoScalingClient(h).send(new DescribeLifecycleHooksCommand({ AutoScalingGroupName: 'g' })),
    ],
    [
      'for AMIs five times: nobody else tries within the hour',
      5,
      (h: RequestHandler) => patientSsmClient(h).send(new GetParameterCommand({ Name: '/n' })),
    ],
    ['EC2 five times', 5, (h: RequestHandler) => ec2Client(h).send(new DescribeImagesCommand({}))],
    [
      'SNS five times',
      5,
      (h: RequestHandler) => snsClient(h).send(new PublishCommand({ TopicArn: 't', Message: 'm' })),
    ],
    ['Lambda five times', 5, (h: RequestHandler) => lambdaClient(h).send(new InvokeCommand({ FunctionName: 'f' }))],
    [
      'Lambda eight times where a notice is handed over, which happens once',
      8,
      (h: RequestHandler) => patientLambdaClient(h).send(new InvokeCommand({ FunctionName: 'f' })),
    ],
  ])(
    '%s',
    async (_, times, send) => {
      const aws = outage();
      await expect(send(aws.handler)).rejects.toThrow();
      expect(aws.requests()).toBe(times);
    },
    30_000,
  );
});
