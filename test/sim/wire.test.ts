import {
  AutoScalingClient,
  CompleteLifecycleActionCommand,
  DescribeAutoScalingGroupsCommand,
  DescribeAutoScalingInstancesCommand,
  DescribeScalingActivitiesCommand,
  PutLifecycleHookCommand,
  ResourceContentionFault,
  StartInstanceRefreshCommand,
} from '@aws-sdk/client-auto-scaling';
import {
  ClusterNotFoundException,
  ConflictException,
  DescribeTasksCommand,
  ECSClient,
  ListTasksCommand,
  StopTaskCommand,
  UpdateContainerInstancesStateCommand,
} from '@aws-sdk/client-ecs';
import {
  DurableExecutionAlreadyStartedException,
  GetFunctionCommand,
  InvokeCommand,
  LambdaClient,
  ListDurableExecutionsByFunctionCommand,
  TooManyRequestsException,
} from '@aws-sdk/client-lambda';
import {
  DeleteTopicCommand,
  GetTopicAttributesCommand,
  NotFoundException,
  PublishCommand,
  SNSClient,
} from '@aws-sdk/client-sns';
import { GetParameterCommand, ParameterNotFound, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import fc from 'fast-check';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { Operations } from '../../sim/aws-error.ts';
import { AwsError } from '../../sim/aws-error.ts';
import type { WireRequest, WireResponse } from '../../sim/wire.ts';
import { createDispatcher, createWire } from '../../sim/wire.ts';

/** What a client needs to be answered by `handle`, without sockets. */
const answeredBy = (handle: (request: WireRequest) => Promise<WireResponse>) => ({
  region: 'eu-west-1',
  credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
  maxAttempts: 1,
  requestHandler: {
    handle: async (request: WireRequest) => ({ response: await handle(request) }),
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
  },
});

/** An operation that remembers its inputs. */
function remembering(output: object = {}) {
  return vi.fn((_input: unknown) => output);
}

const failing =
  (error: Error): Operations[string] =>
  () => {
    throw error;
  };

const at = (iso: string): Date => new Date(iso);
const text = (response: WireResponse): string => new TextDecoder().decode(response.body);

const authorization = (service: string): string =>
  `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-west-1/${service}/aws4_request, SignedHeaders=host, Signature=0`;

const jsonRequest = (service: string, target: string, body: string): WireRequest => ({
  method: 'POST',
  path: '/',
  query: {},
  headers: { Authorization: authorization(service), 'X-Amz-Target': target },
  body,
});

const formRequest = (service: string, body: string): WireRequest => ({
  method: 'POST',
  path: '/',
  query: {},
  headers: {
    authorization: authorization(service),
    'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
  },
  body,
});

const restRequest = (method: string, path: string, query: WireRequest['query'] = {}): WireRequest => ({
  method,
  path,
  query,
  headers: { authorization: authorization('lambda') },
  body: undefined,
});

const DESCRIBE_TASKS = 'AmazonEC2ContainerServiceV20141113.DescribeTasks';

describe('ECS and SSM (awsJson1.1)', () => {
  test('nested structures, lists, timestamps and empty lists come back as the operation gave them', async () => {
    const tasks = [
      {
        taskArn: 'arn:aws:ecs:eu-west-1:123456789012:task/web/1',
        lastStatus: 'STOPPED',
        version: 4,
        enableExecuteCommand: false,
        createdAt: at('2026-01-01T00:00:00.000Z'),
        stoppedAt: at('2026-01-01T00:00:01.234Z'),
        attachments: [],
        containers: [{ name: 'api', exitCode: 0, networkBindings: [{ containerPort: 80, hostPort: 32768 }] }],
        overrides: { containerOverrides: [{ name: 'api', environment: [{ name: 'A', value: '' }] }] },
      },
    ];
    const DescribeTasks = remembering({ tasks, failures: [{ arn: 'arn:x', reason: 'MISSING' }] });
    const ecs = new ECSClient(answeredBy(createWire({ ecs: { DescribeTasks } })));

    const { $metadata, ...output } = await ecs.send(new DescribeTasksCommand({ cluster: 'web', tasks: ['1', 'x'] }));

    expect(DescribeTasks).toHaveBeenCalledExactlyOnceWith({ cluster: 'web', tasks: ['1', 'x'] });
    expect(output).toEqual({ tasks, failures: [{ arn: 'arn:x', reason: 'MISSING' }] });
    expect($metadata).toMatchObject({ httpStatusCode: 200, requestId: '00000000-0000-4000-8000-000000000001' });
  });

  test('an empty list arrives empty, and a member that was not sent is not there', async () => {
    const DescribeTasks = remembering();
    const ecs = new ECSClient(answeredBy(createWire({ ecs: { DescribeTasks } })));

    await ecs.send(new DescribeTasksCommand({ tasks: [] }));

    expect(DescribeTasks).toHaveBeenCalledExactlyOnceWith({ tasks: [] });
  });

  test('a request without a body is one without members', async () => {
    const ListTasks = remembering();

    await createWire({ ecs: { ListTasks } })(jsonRequest('ecs', 'AmazonEC2ContainerServiceV20141113.ListTasks', ''));

    expect(ListTasks).toHaveBeenCalledExactlyOnceWith({});
  });

  test('SSM parameters go in and come out', async () => {
    const PutParameter = remembering({ Version: 2, Tier: 'Standard' });
    const Parameter = { Name: '/a', Value: '{"x":1}', Version: 2, LastModifiedDate: at('2026-01-01T00:00:00Z') };
    const ssm = new SSMClient(answeredBy(createWire({ ssm: { PutParameter, GetParameter: () => ({ Parameter }) } })));

    const put = { Name: '/a', Value: '{"x":1}', Overwrite: true, Tags: [{ Key: 'k', Value: 'v' }] };
    const { Version } = await ssm.send(new PutParameterCommand(put));
    const got = await ssm.send(new GetParameterCommand({ Name: '/a' }));

    expect(PutParameter).toHaveBeenCalledExactlyOnceWith(put);
    expect(Version).toBe(2);
    expect(got.Parameter).toEqual(Parameter);
  });
});

describe('Auto Scaling and SNS (awsQuery)', () => {
  test('structures, lists, numbers, booleans and timestamps go in and come out', async () => {
    const group = {
      AutoScalingGroupName: 'web-asg',
      MinSize: 0,
      MaxSize: 12,
      DesiredCapacity: 6,
      DefaultCooldown: 300,
      AvailabilityZones: ['eu-west-1a', 'eu-west-1b'],
      HealthCheckType: 'EC2',
      CreatedTime: at('2026-01-01T00:00:00.500Z'),
      NewInstancesProtectedFromScaleIn: true,
      Instances: [],
      Tags: [{ Key: 'template', Value: 'write', PropagateAtLaunch: false }],
    };
    const StartInstanceRefresh = remembering({ InstanceRefreshId: 'r-1' });
    const operations = { StartInstanceRefresh, DescribeAutoScalingGroups: () => ({ AutoScalingGroups: [group] }) };
    const autoscaling = new AutoScalingClient(answeredBy(createWire({ autoscaling: operations })));

    const refresh = {
      AutoScalingGroupName: 'web-asg',
      DesiredConfiguration: { LaunchTemplate: { LaunchTemplateId: 'lt-1', Version: '3' } },
      Preferences: { CheckpointPercentages: [1, 50, 100], AutoRollback: false, AlarmSpecification: { Alarms: ['a'] } },
    };
    const started = await autoscaling.send(new StartInstanceRefreshCommand(refresh));
    const described = await autoscaling.send(new DescribeAutoScalingGroupsCommand({}));

    expect(StartInstanceRefresh).toHaveBeenCalledExactlyOnceWith(refresh);
    expect(started.InstanceRefreshId).toBe('r-1');
    expect(described.AutoScalingGroups).toEqual([group]);
    expect(started.$metadata.requestId).toBe('00000000-0000-4000-8000-000000000001');
  });

  test('lists keep their order beyond nine members, and empty ones arrive and come back empty', async () => {
    const DescribeAutoScalingInstances = remembering({ AutoScalingInstances: [] });
    const autoscaling = new AutoScalingClient(
      answeredBy(createWire({ autoscaling: { DescribeAutoScalingInstances } })),
    );
    const InstanceIds = Array.from({ length: 12 }, (_, index) => `i-${index}`);

    const output = await autoscaling.send(new DescribeAutoScalingInstancesCommand({ InstanceIds }));
    await autoscaling.send(new DescribeAutoScalingInstancesCommand({ InstanceIds: [] }));
    await autoscaling.send(new DescribeAutoScalingInstancesCommand({}));

    expect(DescribeAutoScalingInstances.mock.calls).toEqual([[{ InstanceIds }], [{ InstanceIds: [] }], [{}]]);
    expect(output.AutoScalingInstances).toEqual([]);
  });

  test('maps and blobs go in, and maps come out', async () => {
    const Attributes = { DisplayName: 'alerts <&>', Policy: '{"Version":"2012-10-17"}' };
    const Publish = remembering({ MessageId: 'm-1' });
    const wire = createWire({ sns: { Publish, GetTopicAttributes: () => ({ Attributes }) } });
    const sns = new SNSClient(answeredBy(wire));

    const message = {
      TopicArn: 'arn:aws:sns:eu-west-1:123456789012:alerts',
      Message: 'a=1&b=2+3 %25',
      MessageAttributes: {
        kind: { DataType: 'String', StringValue: 'stuck' },
        raw: { DataType: 'Binary', BinaryValue: Uint8Array.of(0, 255, 10) },
      },
    };
    await sns.send(new PublishCommand(message));
    const output = await sns.send(new GetTopicAttributesCommand({ TopicArn: message.TopicArn }));

    expect(Publish).toHaveBeenCalledExactlyOnceWith(message);
    expect(output.Attributes).toEqual(Attributes);
  });

  test('an operation without output answers with metadata only', async () => {
    const wire = createWire({ sns: { DeleteTopic: () => ({}) } });
    const sns = new SNSClient(answeredBy(wire));

    const { $metadata, ...output } = await sns.send(new DeleteTopicCommand({ TopicArn: 'arn:x' }));
    const raw = text(await wire(formRequest('sns', 'Action=DeleteTopic&Version=2010-03-31&TopicArn=arn%3Ax')));

    expect(output).toEqual({});
    expect($metadata.requestId).toBe('00000000-0000-4000-8000-000000000001');
    expect(raw).toBe(
      '<DeleteTopicResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><ResponseMetadata>' +
        '<RequestId>00000000-0000-4000-8000-000000000002</RequestId></ResponseMetadata></DeleteTopicResponse>',
    );
  });

  test('an output structure is wrapped in the response and the result of its operation', async () => {
    const wire = createWire({ autoscaling: { RecordLifecycleActionHeartbeat: () => ({}) } });

    const response = await wire(
      formRequest(
        'autoscaling',
        'Action=RecordLifecycleActionHeartbeat&Version=2011-01-01&LifecycleHookName=h&AutoScalingGroupName=g',
      ),
    );

    expect(response.headers['content-type']).toBe('text/xml');
    expect(text(response)).toBe(
      '<RecordLifecycleActionHeartbeatResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/">' +
        '<RecordLifecycleActionHeartbeatResult/><ResponseMetadata>' +
        '<RequestId>00000000-0000-4000-8000-000000000001</RequestId></ResponseMetadata></RecordLifecycleActionHeartbeatResponse>',
    );
  });
});

describe('Lambda (restJson1)', () => {
  test('an invocation has its name from the path, its mode from headers, its qualifier from the query and its payload as bytes', async () => {
    const DurableExecutionArn = 'arn:aws:lambda:eu-west-1:123456789012:function:drain:1/durable-execution/x/1';
    const Invoke = remembering({ StatusCode: 202, DurableExecutionArn });
    const lambda = new LambdaClient(answeredBy(createWire({ lambda: { Invoke } })));

    const input = {
      FunctionName: 'arn:aws:lambda:eu-west-1:123456789012:function:drain',
      InvocationType: 'Event',
      DurableExecutionName: 'token-1',
      Qualifier: 'durable',
      Payload: Uint8Array.of(123, 34, 195, 188, 34, 58, 0, 255, 125),
    } as const;
    const output = await lambda.send(new InvokeCommand(input));

    expect(Invoke).toHaveBeenCalledExactlyOnceWith(input);
    expect(output).toMatchObject({ StatusCode: 202, DurableExecutionArn });
    expect(output.$metadata.httpStatusCode).toBe(202);
  });

  test('a payload comes back byte for byte, beside the headers of a function error', async () => {
    const Payload = Uint8Array.of(0, 1, 254, 255);
    const Invoke = remembering({ StatusCode: 200, FunctionError: 'Unhandled', ExecutedVersion: '7', Payload });
    const lambda = new LambdaClient(answeredBy(createWire({ lambda: { Invoke } })));

    const output = await lambda.send(new InvokeCommand({ FunctionName: 'drain' }));

    expect(Invoke).toHaveBeenCalledExactlyOnceWith({ FunctionName: 'drain' });
    expect(output).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled', ExecutedVersion: '7' });
    expect([...(output.Payload ?? [])]).toEqual([0, 1, 254, 255]);
  });

  test('lists, timestamps, booleans and numbers arrive from the query, and the rest comes back in the body', async () => {
    const execution = {
      DurableExecutionArn: 'arn:x',
      DurableExecutionName: 'n',
      FunctionArn: 'arn:f',
      Status: 'RUNNING',
      StartTimestamp: at('2026-01-01T00:00:00.250Z'),
    };
    const ListDurableExecutionsByFunction = remembering({ DurableExecutions: [execution] });
    const lambda = new LambdaClient(answeredBy(createWire({ lambda: { ListDurableExecutionsByFunction } })));

    const input = {
      FunctionName: 'drain',
      Statuses: ['RUNNING', 'FAILED'],
      StartedAfter: at('2026-01-01T00:00:00Z'),
      ReverseOrder: true,
      MaxItems: 5,
    } as const;
    const output = await lambda.send(
      new ListDurableExecutionsByFunctionCommand({ ...input, Statuses: [...input.Statuses] }),
    );
    await lambda.send(new ListDurableExecutionsByFunctionCommand({ FunctionName: 'drain', Statuses: ['RUNNING'] }));

    expect(ListDurableExecutionsByFunction.mock.calls).toEqual([
      [input],
      [{ FunctionName: 'drain', Statuses: ['RUNNING'] }],
    ]);
    expect(output.DurableExecutions).toEqual([execution]);
  });

  test('what a member has its place for outside the body is not taken from the body', async () => {
    const ListDurableExecutionsByFunction = remembering();
    const wire = createWire({ lambda: { ListDurableExecutionsByFunction } });

    const request = restRequest('GET', '/2025-12-01/functions/drain/durable-executions');
    await wire({ ...request, body: '{"FunctionName":"other","Qualifier":"1"}' });

    expect(ListDurableExecutionsByFunction).toHaveBeenCalledExactlyOnceWith({ FunctionName: 'drain' });
  });
});

describe('any text survives', () => {
  const hostile = [
    `<a href="x">&amp;</a> ' ]]> <!-- --> <?xml?>`,
    'tab\tline\nreturn\rnext\u0085separator\u2028',
    '  spaces at both ends  ',
    '日本語 🚒 e\u0301 \u00ff \ufffd',
    'a+b=c&d%20e;f,g"h\\i',
    '__proto__',
    '',
  ];
  const echo: Record<string, (value: string) => Promise<string | undefined>> = {
    async ecs(reason) {
      const StopTask = ({ reason: stoppedReason }: { reason: string }) => ({ task: { stoppedReason } });
      const ecs = new ECSClient(answeredBy(createWire({ ecs: { StopTask } })));
      return (await ecs.send(new StopTaskCommand({ task: 't', reason }))).task?.stoppedReason;
    },
    async autoscaling(NextToken) {
      const DescribeScalingActivities = (input: { NextToken?: string }) => ({ Activities: [], ...input });
      const autoscaling = new AutoScalingClient(answeredBy(createWire({ autoscaling: { DescribeScalingActivities } })));
      return (await autoscaling.send(new DescribeScalingActivitiesCommand({ NextToken }))).NextToken;
    },
    async sns(Subject) {
      const Publish = (input: { Subject: string }) => ({ MessageId: input.Subject });
      const sns = new SNSClient(answeredBy(createWire({ sns: { Publish } })));
      return (await sns.send(new PublishCommand({ Message: 'm', Subject }))).MessageId;
    },
    async lambda(name) {
      const GetFunction = ({ FunctionName }: { FunctionName: string }) => ({
        Configuration: { Description: FunctionName },
      });
      const lambda = new LambdaClient(answeredBy(createWire({ lambda: { GetFunction } })));
      return (await lambda.send(new GetFunctionCommand({ FunctionName: name }))).Configuration?.Description;
    },
  };

  test.each(Object.keys(echo))('%s: hostile text comes back as it was sent', async (service) => {
    // An empty name is no path label; the SDK refuses to send it.
    const sendable = hostile.filter((value) => service !== 'lambda' || value !== '');
    for (const value of sendable) expect(await echo[service]?.(value)).toBe(value);
  });

  test.each(['ecs', 'autoscaling'])('%s: any text that XML can hold comes back as it was sent', async (service) => {
    const printable = fc.string({ unit: 'grapheme', maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(printable, async (value) => {
        expect(await echo[service]?.(value)).toBe(value);
      }),
      { numRuns: 100, seed: 1 },
    );
  });

  test('characters that XML cannot hold do not make an answer unreadable', async () => {
    expect(await echo['autoscaling']?.('a\u0000b\u0008c\ufffed')).toBe('a\ufffdb\ufffdc\ufffdd');
  });
});

describe('errors', () => {
  const ecsError = (error: Error) => {
    const ecs = new ECSClient(answeredBy(createWire({ ecs: { ListTasks: failing(error) } })));
    return ecs.send(new ListTasksCommand({})).catch((caught: unknown) => caught);
  };
  const autoscalingError = (error: Error) => {
    const wire = createWire({ autoscaling: { CompleteLifecycleAction: failing(error) } });
    const input = { LifecycleHookName: 'h', AutoScalingGroupName: 'g', LifecycleActionResult: 'CONTINUE' };
    return new AutoScalingClient(answeredBy(wire))
      .send(new CompleteLifecycleActionCommand(input))
      .catch((caught: unknown) => caught);
  };
  const lambdaError = (error: Error) => {
    const lambda = new LambdaClient(answeredBy(createWire({ lambda: { Invoke: failing(error) } })));
    return lambda.send(new InvokeCommand({ FunctionName: 'f' })).catch((caught: unknown) => caught);
  };

  test('an error that ECS models is thrown as its own class, with its own members', async () => {
    const gone = await ecsError(new AwsError('ClusterNotFoundException', 'Cluster not found.'));
    const conflict = await ecsError(new AwsError('ConflictException', 'busy', { fields: { resourceIds: ['a', 'b'] } }));

    expect(gone).toBeInstanceOf(ClusterNotFoundException);
    expect(gone).toMatchObject({ message: 'Cluster not found.', $fault: 'client', $metadata: { httpStatusCode: 400 } });
    expect(conflict).toBeInstanceOf(ConflictException);
    expect(conflict).toMatchObject({ resourceIds: ['a', 'b'] });
  });

  test('an error that nobody models keeps its code, message and status', async () => {
    const throttled = new AwsError('ThrottlingException', 'Rate exceeded');

    for (const caught of [await ecsError(throttled), await autoscalingError(throttled), await lambdaError(throttled)]) {
      expect(caught).toMatchObject({ name: 'ThrottlingException', message: 'Rate exceeded' });
      expect(caught).toMatchObject({ $metadata: { httpStatusCode: 400 } });
    }
    expect(await autoscalingError(new AwsError('InternalFailure', 'x', { statusCode: 503 }))).toMatchObject({
      $fault: 'server',
      $metadata: { httpStatusCode: 503 },
    });
  });

  test('a query error is known by its wire code and has the status of its model', async () => {
    const caught = await autoscalingError(new AwsError('ResourceContention', 'try <again> & "again"'));

    expect(caught).toBeInstanceOf(ResourceContentionFault);
    expect(caught).toMatchObject({ message: 'try <again> & "again"', $metadata: { httpStatusCode: 500 } });
    expect(caught).toMatchObject({ Error: { Type: 'Receiver', Code: 'ResourceContention' } });
  });

  test('the error of a finished lifecycle action is the one that Auto Scaling answers', async () => {
    const message = 'No active Lifecycle Action found with token 6ba7b810';
    const wire = createWire({
      autoscaling: { CompleteLifecycleAction: failing(new AwsError('ValidationError', message)) },
    });

    const body =
      'Action=CompleteLifecycleAction&Version=2011-01-01&LifecycleHookName=h&AutoScalingGroupName=g&LifecycleActionResult=CONTINUE';
    const response = await wire(formRequest('autoscaling', body));

    expect(response.statusCode).toBe(400);
    expect(text(response)).toBe(
      '<ErrorResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/"><Error><Type>Sender</Type>' +
        `<Code>ValidationError</Code><Message>${message}</Message></Error>` +
        '<RequestId>00000000-0000-4000-8000-000000000001</RequestId></ErrorResponse>',
    );
  });

  test('a failure of ECS itself is a server error', async () => {
    const broken = await ecsError(new AwsError('ServerException', 'x'));

    expect(broken).toMatchObject({ name: 'ServerException', $fault: 'server', $metadata: { httpStatusCode: 500 } });
  });

  test('a Lambda error spells its message as its model does', async () => {
    const wire = createWire({
      lambda: { Invoke: failing(new AwsError('ResourceNotFoundException', 'Function not found')) },
    });

    const response = await wire(restRequest('POST', '/2015-03-31/functions/f/invocations'));

    expect(response.statusCode).toBe(404);
    expect(response.headers).toMatchObject({ 'x-amzn-errortype': 'ResourceNotFoundException' });
    expect(JSON.parse(text(response))).toEqual({ Type: 'User', Message: 'Function not found' });
  });

  test('SNS, SSM and Lambda errors are thrown as their own classes, with the status of their models', async () => {
    const sns = new SNSClient(
      answeredBy(createWire({ sns: { Publish: failing(new AwsError('NotFound', 'no topic')) } })),
    );
    const parameters = { GetParameter: failing(new AwsError('ParameterNotFound', 'no parameter')) };
    const ssm = new SSMClient(answeredBy(createWire({ ssm: parameters })));

    const noTopic = await sns.send(new PublishCommand({ Message: 'm' })).catch((caught: unknown) => caught);
    const noParameter = await ssm.send(new GetParameterCommand({ Name: '/a' })).catch((caught: unknown) => caught);
    const started = await lambdaError(new AwsError('DurableExecutionAlreadyStartedException', 'other payload'));
    const busy = await lambdaError(
      new AwsError('TooManyRequestsException', 'Rate Exceeded.', {
        fields: { Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded', retryAfterSeconds: '7' },
      }),
    );

    expect(noTopic).toBeInstanceOf(NotFoundException);
    expect(noTopic).toMatchObject({ message: 'no topic', $metadata: { httpStatusCode: 404 } });
    expect(noParameter).toBeInstanceOf(ParameterNotFound);
    expect(noParameter).toMatchObject({ message: 'no parameter', $metadata: { httpStatusCode: 400 } });
    expect(started).toBeInstanceOf(DurableExecutionAlreadyStartedException);
    expect(started).toMatchObject({ message: 'other payload', Type: 'User' });
    expect(started).toMatchObject({ $metadata: { httpStatusCode: 409 } });
    expect(busy).toBeInstanceOf(TooManyRequestsException);
    expect(busy).toMatchObject({ Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded', retryAfterSeconds: '7' });
    expect(busy).toMatchObject({ message: 'Rate Exceeded.', $metadata: { httpStatusCode: 429 } });
  });
});

describe('requests that no operation sees', () => {
  const never = vi.fn(() => ({}));
  const services = {
    ecs: { DescribeTasks: never, UpdateContainerInstancesState: never },
    autoscaling: { PutLifecycleHook: never, StartInstanceRefresh: never },
    lambda: { Invoke: never, ListDurableExecutionsByFunction: never },
    ssm: { PutParameter: never },
  };
  const wire = createWire(services);
  const clients = {
    ecs: new ECSClient(answeredBy(wire)),
    autoscaling: new AutoScalingClient(answeredBy(wire)),
    lambda: new LambdaClient(answeredBy(wire)),
    sns: new SNSClient(answeredBy(wire)),
    ssm: new SSMClient(answeredBy(wire)),
  };
  const caught = (error: unknown) => error;
  beforeEach(() => void never.mockClear());

  test('an operation that we do not have is unknown, in the words of each protocol', async () => {
    const { ecs, autoscaling, lambda, sns } = clients;
    const errors = await Promise.all([
      ecs.send(new ListTasksCommand({})).catch(caught),
      autoscaling.send(new DescribeAutoScalingInstancesCommand({})).catch(caught),
      lambda.send(new GetFunctionCommand({ FunctionName: 'f' })).catch(caught),
      sns.send(new DeleteTopicCommand({ TopicArn: 'arn:x' })).catch(caught),
    ]);

    expect(errors).toMatchObject([
      { name: 'UnknownOperationException', $metadata: { httpStatusCode: 400 } },
      {
        name: 'InvalidAction',
        message: 'Could not find operation DescribeAutoScalingInstances for version 2011-01-01',
        $metadata: { httpStatusCode: 400 },
      },
      { name: 'UnknownOperationException', $metadata: { httpStatusCode: 404 } },
      { name: 'InvalidAction', $metadata: { httpStatusCode: 400 } },
    ]);
    expect(never).not.toHaveBeenCalled();
  });

  test('an operation is not found under the target of another service, nor under the name of a prototype member', async () => {
    const targets = ['AmazonSSM.DescribeTasks', 'DescribeTasks', 'AmazonEC2ContainerServiceV20141113.constructor', ''];
    for (const target of targets) {
      const response = await wire(jsonRequest('ecs', target, '{"tasks":["t"]}'));
      expect(JSON.parse(text(response))).toMatchObject({ __type: 'UnknownOperationException' });
    }
    expect(never).not.toHaveBeenCalled();
  });

  test('a required member that is missing is refused in the words of each service, however deep it is', async () => {
    const { ecs, autoscaling, ssm } = clients;
    const nullMember = (name: string) =>
      `1 validation error detected: Value null at '${name}' failed to satisfy constraint: Member must not be null`;
    const errors = await Promise.all([
      ecs.send(new DescribeTasksCommand({ tasks: undefined })).catch(caught),
      ecs
        .send(new UpdateContainerInstancesStateCommand({ containerInstances: ['c'], status: undefined }))
        .catch(caught),
      autoscaling
        .send(new PutLifecycleHookCommand({ LifecycleHookName: undefined, AutoScalingGroupName: 'g' }))
        .catch(caught),
      autoscaling
        .send(
          new StartInstanceRefreshCommand({
            AutoScalingGroupName: 'g',
            DesiredConfiguration: {
              MixedInstancesPolicy: {
                LaunchTemplate: {
                  Overrides: [
                    { InstanceRequirements: { VCpuCount: { Min: undefined, Max: 2 }, MemoryMiB: { Min: 1 } } },
                  ],
                },
              },
            },
          }),
        )
        .catch(caught),
      ssm.send(new PutParameterCommand({ Name: undefined, Value: 'v' })).catch(caught),
    ]);

    expect(errors).toMatchObject([
      { name: 'InvalidParameterException', message: 'Tasks cannot be empty.' },
      { name: 'InvalidParameterException', message: 'Status cannot be empty.' },
      { name: 'ValidationError', message: nullMember('lifecycleHookName') },
      {
        name: 'ValidationError',
        message: expect.stringContaining("overrides.1.member.instanceRequirements.vCpuCount.min'"),
      },
      { name: 'ValidationException', message: nullMember('name') },
    ]);
    expect(never).not.toHaveBeenCalled();
  });

  test.each([
    ['no JSON', jsonRequest('ecs', DESCRIBE_TASKS, '{"tasks":['), 'SerializationException'],
    ['JSON that is no object', jsonRequest('ecs', DESCRIBE_TASKS, '"tasks"'), 'SerializationException'],
    ['text for a list', jsonRequest('ecs', DESCRIBE_TASKS, '{"tasks":"t"}'), 'SerializationException'],
    ['a number for text', jsonRequest('ecs', DESCRIBE_TASKS, '{"tasks":[1]}'), 'SerializationException'],
    [
      'a word for a number',
      formRequest(
        'autoscaling',
        'Action=PutLifecycleHook&LifecycleHookName=h&AutoScalingGroupName=g&HeartbeatTimeout=soon',
      ),
      'MalformedInput',
    ],
    [
      'a structure for text',
      formRequest('autoscaling', 'Action=PutLifecycleHook&LifecycleHookName.x=h&AutoScalingGroupName=g'),
      'MalformedInput',
    ],
    [
      'a word for a timestamp',
      restRequest('GET', '/2025-12-01/functions/f/durable-executions', { StartedAfter: 'soon' }),
      'SerializationException',
    ],
    ['a broken escape', restRequest('POST', '/2015-03-31/functions/%E0%A4%A/invocations'), 'SerializationException'],
  ])('%s is refused as malformed', async (_what, request, code) => {
    const response = await wire(request);

    expect(response.statusCode).toBe(400);
    expect(response.headers['x-amzn-errortype'] ?? /<Code>(.*)<\/Code>/.exec(text(response))?.[1]).toBe(code);
    expect(never).not.toHaveBeenCalled();
  });

  test('a request without a signature is refused in the form of its protocol', async () => {
    const unsigned = (request: WireRequest): WireRequest => ({
      ...request,
      headers: { ...request.headers, authorization: 'Basic eA==', Authorization: 'Basic eA==' },
    });

    const asJson = await wire(unsigned(jsonRequest('ecs', DESCRIBE_TASKS, '{}')));
    const asQuery = await wire(unsigned(formRequest('sns', 'Action=Publish')));
    const asRest = await wire(unsigned(restRequest('GET', '/')));

    expect([asJson.statusCode, JSON.parse(text(asJson)).__type]).toEqual([400, 'MissingAuthenticationTokenException']);
    expect(asQuery.statusCode).toBe(403);
    expect(text(asQuery)).toContain('<Code>MissingAuthenticationToken</Code>');
    expect([asRest.statusCode, asRest.headers['x-amzn-errortype']]).toEqual([
      403,
      'MissingAuthenticationTokenException',
    ]);
  });
});

describe('the parts of the wire', () => {
  test('a call is known before it is carried out, and another answer can be given in its place', async () => {
    const DescribeTasks = remembering();
    const dispatcher = createDispatcher({ ecs: { DescribeTasks } });
    const ecs = new ECSClient(
      answeredBy(async (request) => {
        const call = dispatcher.parse(request);
        expect(call).toMatchObject({ service: 'ecs', operation: 'DescribeTasks', input: { tasks: ['t'] } });
        return dispatcher.renderError(call, new AwsError('ThrottlingException', 'Rate exceeded'));
      }),
    );

    await expect(ecs.send(new DescribeTasksCommand({ tasks: ['t'] }))).rejects.toMatchObject({
      name: 'ThrottlingException',
      message: 'Rate exceeded',
    });
    expect(DescribeTasks).not.toHaveBeenCalled();
  });

  test('every call is reported once, with its input and the error it ended with, refusals included', async () => {
    const calls: unknown[] = [];
    const gone = new AwsError('ClusterNotFoundException', 'Cluster not found.');
    const wire = createWire({ ecs: { DescribeTasks: () => ({}), ListTasks: failing(gone) } }, (call) =>
      calls.push(call),
    );
    const ecs = new ECSClient(answeredBy(wire));

    await ecs.send(new DescribeTasksCommand({ tasks: ['t'] }));
    await ecs.send(new ListTasksCommand({ cluster: 'c' })).catch(() => undefined);
    await ecs.send(new StopTaskCommand({ task: 't' })).catch(() => undefined);

    expect(calls).toEqual([
      { service: 'ecs', operation: 'DescribeTasks', input: { tasks: ['t'] }, error: undefined },
      { service: 'ecs', operation: 'ListTasks', input: { cluster: 'c' }, error: gone },
      { service: 'ecs', operation: 'StopTask', input: undefined, error: expect.any(AwsError) },
    ]);
  });

  test('answers need microtasks only and are the same bytes for the same requests', async () => {
    const services = { ecs: { DescribeTasks: () => ({ tasks: [{ createdAt: at('2026-01-01T00:00:00Z') }] }) } };
    const requests = [jsonRequest('ecs', DESCRIBE_TASKS, '{"tasks":["t"]}'), jsonRequest('ecs', DESCRIBE_TASKS, '{}')];
    const answers: WireResponse[][] = [[], []];

    for (const into of answers) {
      const wire = createWire(services);
      for (const request of requests) void wire(request).then((response) => into.push(response));
    }
    for (let turn = 0; turn < 3; turn++) await Promise.resolve();

    expect(answers[0]?.map((response) => response.statusCode)).toEqual([200, 400]);
    expect(answers[1]).toEqual(answers[0]);
  });
});

describe('defects of the simulation', () => {
  const request = jsonRequest('ecs', DESCRIBE_TASKS, '{"tasks":["t"]}');

  test('an error that is no AwsError is not answered but thrown on', async () => {
    const bug = new TypeError('undefined is not a function');

    await expect(createWire({ ecs: { DescribeTasks: failing(bug) } })(request)).rejects.toBe(bug);
  });

  test.each([
    ['a member that the shape does not have', { tasks: [{ tasksArn: 'x' }] }, 'tasks.1.member.tasksArn'],
    ['text for a timestamp', { tasks: [{ createdAt: '2026-01-01T00:00:00Z' }] }, 'tasks.1.member.createdAt'],
    ['a number that is none', { tasks: [{ version: Number.NaN }] }, 'tasks.1.member.version'],
    ['a promise', Promise.resolve({}), 'unfit'],
  ])('%s in an output is thrown, not sent', async (_what, output, where) => {
    await expect(createWire({ ecs: { DescribeTasks: () => output } })(request)).rejects.toThrow(where);
  });

  test('a required member that an output lacks is thrown, not sent', async () => {
    const wire = createWire({ autoscaling: { DescribeAutoScalingInstances: () => ({ AutoScalingInstances: [{}] }) } });

    const answer = wire(formRequest('autoscaling', 'Action=DescribeAutoScalingInstances'));

    await expect(answer).rejects.toThrow('AutoScalingInstances.1.member.InstanceId');
  });

  test('a service or an operation that AWS does not have cannot be offered', () => {
    expect(() => createWire({ ecs: { DescribeTask: () => ({}) } })).toThrow('ecs has no operation DescribeTask');
    expect(() => createWire({ ecs: { Task: () => ({}) } })).toThrow('ecs has no operation Task');
    expect(() => createWire({ ec3: {} })).toThrow('ec3');
  });
});
