import { AutoScalingClient, DescribeAutoScalingInstancesCommand } from '@aws-sdk/client-auto-scaling';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { ECSClient, StopTaskCommand } from '@aws-sdk/client-ecs';
import { LambdaClient, ListDurableExecutionsByFunctionCommand } from '@aws-sdk/client-lambda';
import { afterEach, expect, test } from 'vitest';
import { serveRegion } from '../../sim/live.ts';
import { createRegion } from '../../sim/region.ts';
import { readScenario } from '../../sim/run.ts';
import type { Server } from '../../sim/serve.ts';
import { serving } from '../cli/support.ts';

const open: { close(): Promise<unknown> }[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

const settings = (endpoint: string, region = 'eu-west-1') => ({
  region,
  endpoint,
  credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
  maxAttempts: 1,
});

async function servedHere(denied: string[] = []) {
  const region = createRegion({ ...readScenario('standard'), denied }, 1);
  const server: Server = await serveRegion(region, 0, { atSeconds: 100, speed: 0 });
  open.push(server);
  return { region, endpoint: `http://127.0.0.1:${server.port}` };
}

test('begins where it is told to, and stands still there', async () => {
  const { region, endpoint } = await servedHere();
  const dates: (string | undefined)[] = [];
  const client = new AutoScalingClient(settings(endpoint));
  client.middlewareStack.add(
    (next) => async (request) => {
      const output = await next(request);
      dates.push((output.response as { headers: Record<string, string> }).headers['date']);
      return output;
    },
    { step: 'deserialize', priority: 'low' },
  );

  const { AutoScalingInstances = [] } = await client.send(new DescribeAutoScalingInstancesCommand({}));
  await new Promise((resolve) => setTimeout(resolve, 150));
  await client.send(new DescribeAutoScalingInstancesCommand({}));

  expect(region.world.clock.nowSeconds()).toBe(100);
  expect(dates).toEqual(['Thu, 01 Jan 2026 00:01:40 GMT', 'Thu, 01 Jan 2026 00:01:40 GMT']);
  expect(AutoScalingInstances.map(({ LifecycleState }) => LifecycleState)).toContain('Terminating:Wait');
});

test('puts out what the stack of ecs-drain puts out, and knows no other stack', async () => {
  const { endpoint } = await servedHere();
  const client = new CloudFormationClient(settings(endpoint));

  const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: 'ecs-drain' }));

  expect(Stacks[0]?.Outputs?.map(({ OutputKey }) => OutputKey)).toContain('LifecycleTopicArn');
  await expect(client.send(new DescribeStacksCommand({ StackName: 'other' }))).rejects.toMatchObject({
    name: 'ValidationError',
    message: 'Stack with id other does not exist',
  });
});

test('refuses what the scenario denies, naming the action, and what was signed for another region', async () => {
  const { endpoint } = await servedHere(['ecs:StopTask']);

  const denied = new ECSClient(settings(endpoint)).send(new StopTaskCommand({ cluster: 'web', task: 'a' }));
  const elsewhere = new ECSClient(settings(endpoint, 'us-east-1')).send(new StopTaskCommand({ task: 'a' }));

  await expect(denied).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: expect.stringContaining('is not authorized to perform: ecs:StopTask'),
  });
  await expect(elsewhere).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' });
});

test('with functions, drains by itself as time goes on', { timeout: 30_000 }, async () => {
  const region = await serving('standard', '--functions', '--speed', '200');
  open.push(region);
  const lambda = new LambdaClient(settings(region.url));
  const list = new ListDurableExecutionsByFunctionCommand({ FunctionName: 'ecs-drain-drain', Qualifier: 'durable' });

  await expect
    .poll(async () => (await lambda.send(list)).DurableExecutions?.map(({ Status }) => Status), { timeout: 20_000 })
    .toEqual(['SUCCEEDED']);
});
