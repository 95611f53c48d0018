import { once } from 'node:events';
import { connect } from 'node:net';
import { AutoScalingClient, DescribeAutoScalingInstancesCommand } from '@aws-sdk/client-auto-scaling';
import { ClusterNotFoundException, DescribeTasksCommand, ECSClient, ListTasksCommand } from '@aws-sdk/client-ecs';
import { InvokeCommand, LambdaClient, ListDurableExecutionsByFunctionCommand } from '@aws-sdk/client-lambda';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterEach, expect, test, vi } from 'vitest';
import type { Operations } from '../../sim/aws-error.ts';
import { AwsError } from '../../sim/aws-error.ts';
import type { Server } from '../../sim/serve.ts';
import { serve } from '../../sim/serve.ts';
import { createWire } from '../../sim/wire.ts';

const open: Server[] = [];

afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function serving(services: Record<string, Operations>) {
  const server = await serve(createWire(services), { port: 0 });
  open.push(server);
  const client = {
    region: 'eu-west-1',
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    maxAttempts: 1,
    endpoint: `http://127.0.0.1:${server.port}`,
  };
  return { server, client };
}

const remembering = (output: object) => vi.fn((_input: unknown) => output);

test('every protocol works over HTTP as it does in process', async () => {
  const Publish = remembering({ MessageId: 'm-ü' });
  const Invoke = remembering({ StatusCode: 200, Payload: Uint8Array.of(0, 255) });
  const ListDurableExecutionsByFunction = remembering({});
  const { client } = await serving({
    ecs: { DescribeTasks: (input: { tasks: string[] }) => ({ tasks: input.tasks.map((taskArn) => ({ taskArn })) }) },
    autoscaling: { DescribeAutoScalingInstances: () => ({ AutoScalingInstances: [] }) },
    sns: { Publish },
    lambda: { Invoke, ListDurableExecutionsByFunction },
    ssm: { GetParameter: ({ Name }: { Name: string }) => ({ Parameter: { Name, Value: 'v' } }) },
  });
  const lambda = new LambdaClient(client);

  const tasks = await new ECSClient(client).send(new DescribeTasksCommand({ tasks: ['t-1', 't-2'] }));
  const instances = await new AutoScalingClient(client).send(new DescribeAutoScalingInstancesCommand({}));
  const published = await new SNSClient(client).send(new PublishCommand({ Message: 'drain <stuck> & 日本' }));
  const arn = 'arn:aws:lambda:eu-west-1:123456789012:function:drain';
  const payload = Uint8Array.of(123, 0, 254, 125);
  const invoked = await lambda.send(new InvokeCommand({ FunctionName: arn, Qualifier: 'a b', Payload: payload }));
  const listing = { FunctionName: 'drain', Statuses: ['RUNNING' as const, 'FAILED' as const], MaxItems: 3 };
  await lambda.send(new ListDurableExecutionsByFunctionCommand(listing));
  const parameter = await new SSMClient(client).send(new GetParameterCommand({ Name: '/a/b' }));

  expect(tasks.tasks).toEqual([{ taskArn: 't-1' }, { taskArn: 't-2' }]);
  expect(instances.AutoScalingInstances).toEqual([]);
  expect(Publish).toHaveBeenCalledExactlyOnceWith({ Message: 'drain <stuck> & 日本' });
  expect(published.MessageId).toBe('m-ü');
  expect(Invoke).toHaveBeenCalledOnce();
  expect(Invoke.mock.calls[0]?.[0]).toMatchObject({ FunctionName: arn, Qualifier: 'a b' });
  expect(Invoke.mock.calls[0]?.[0]).toHaveProperty('Payload', Buffer.from(payload));
  expect([...(invoked.Payload ?? [])]).toEqual([0, 255]);
  expect(ListDurableExecutionsByFunction).toHaveBeenCalledExactlyOnceWith(listing);
  expect(parameter.Parameter).toEqual({ Name: '/a/b', Value: 'v' });
});

test('errors keep their class over HTTP', async () => {
  const ListTasks = () => {
    throw new AwsError('ClusterNotFoundException', 'Cluster not found.');
  };
  const { client } = await serving({ ecs: { ListTasks } });

  await expect(new ECSClient(client).send(new ListTasksCommand({}))).rejects.toBeInstanceOf(ClusterNotFoundException);
});

test('a body of more than a mebibyte is answered with 413 that the client can read, and the next call works', async () => {
  const Publish = remembering({ MessageId: 'm' });
  const { client } = await serving({ sns: { Publish }, ecs: { ListTasks: () => ({ taskArns: [] }) } });
  const sns = new SNSClient(client);
  const room = 1024 * 1024 - 'Action=Publish&Version=2010-03-31&Message='.length;

  await expect(sns.send(new PublishCommand({ Message: 'x'.repeat(room + 1) }))).rejects.toMatchObject({
    name: 'RequestEntityTooLarge',
    $metadata: { httpStatusCode: 413 },
  });
  await expect(
    new ECSClient(client).send(new ListTasksCommand({ cluster: 'x'.repeat(8 * 1024 * 1024) })),
  ).rejects.toMatchObject({ name: 'RequestEntityTooLarge', $metadata: { httpStatusCode: 413 } });
  await expect(sns.send(new PublishCommand({ Message: 'x'.repeat(room) }))).resolves.toMatchObject({ MessageId: 'm' });
});

test('a defect of an operation is a 500 for the client, in its protocol, and is written to standard error', async () => {
  const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const broken = () => {
    throw new RangeError('a bug in the simulation');
  };
  const { client } = await serving({
    ecs: { ListTasks: broken },
    sns: { Publish: broken },
    lambda: { Invoke: broken },
  });
  const internalFailure = { name: 'InternalFailure', $metadata: { httpStatusCode: 500 } };

  await expect(new ECSClient(client).send(new ListTasksCommand({}))).rejects.toMatchObject(internalFailure);
  await expect(new SNSClient(client).send(new PublishCommand({ Message: 'm' }))).rejects.toMatchObject(internalFailure);
  await expect(new LambdaClient(client).send(new InvokeCommand({ FunctionName: 'f' }))).rejects.toMatchObject(
    internalFailure,
  );

  const complaints = written.mock.calls.map(([text]) => String(text));
  expect(complaints).toHaveLength(3);
  for (const complaint of complaints) expect(complaint).toContain('RangeError: a bug in the simulation\n    at ');
});

test('an answer that HTTP cannot carry ends its connection and is written to standard error, and the server lives', async () => {
  const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const { client } = await serving({
    lambda: { Invoke: () => ({ ExecutedVersion: 'a\nb' }) },
    ssm: { GetParameter: () => ({}) },
  });

  await expect(new LambdaClient(client).send(new InvokeCommand({ FunctionName: 'f' }))).rejects.toThrow();
  await expect(new SSMClient(client).send(new GetParameterCommand({ Name: '/a' }))).resolves.toBeDefined();
  expect(String(written.mock.calls[0]?.[0])).toContain('Invalid character in header content');
});

test('a client that hangs up halfway is no defect', async () => {
  const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const { server, client } = await serving({ ecs: { ListTasks: () => ({ taskArns: [] }) } });

  const socket = connect(server.port, '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf');
  await once(socket, 'connect');
  await new ECSClient(client).send(new ListTasksCommand({}));
  socket.destroy();
  await once(socket, 'close');
  await new ECSClient(client).send(new ListTasksCommand({}));

  expect(written).not.toHaveBeenCalled();
});

test('close ends idle and half-sent connections and frees the port', async () => {
  const { server, client } = await serving({ ecs: { ListTasks: () => ({ taskArns: [] }) } });
  const halfSent = connect(server.port, '127.0.0.1').on('error', () => {});
  halfSent.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n');
  await new ECSClient(client).send(new ListTasksCommand({}));
  const ended = once(halfSent, 'close');

  open.length = 0;
  await server.close();
  await ended;

  const again = await serve(createWire({}), { port: server.port });
  open.push(again);
  expect(again.port).toBe(server.port);
});

test('a port that is taken is refused at once', async () => {
  const { server } = await serving({});

  await expect(serve(createWire({}), { port: server.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('nothing but a signed request is answered as a service would', async () => {
  const { client } = await serving({ ecs: { ListTasks: () => ({ taskArns: [] }) } });

  const response = await fetch(`${client.endpoint}//elsewhere?a=1&a=2`);

  expect(response.status).toBe(403);
  expect(await response.json()).toEqual({ message: 'Request is missing Authentication Token' });
});
