import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { GetDurableExecutionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import type { Context, SNSEvent } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RequestHandler } from '../../src/aws/clients.ts';
import { DrainRequest } from '../../src/drain/request.ts';
import { ReleaseRequest } from '../../src/rollout/request.ts';
import { ACCOUNT, aRequest, hookMessage, INSTANCE, TOKEN } from '../support/build.ts';

const TOPIC = `arn:aws:sns:eu-west-1:${ACCOUNT}:alerts`;
const FUNCTION = `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:ecs-drain-drain:durable`;
const CONTEXT = { invokedFunctionArn: `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:ecs-drain-intake` } as Context;

const aws = mockClient(LambdaClient);
const sns = mockClient(SNSClient);
let intake: typeof import('../../handlers/intake.ts');

beforeAll(async () => {
  // The module wires its handler from the environment when it is loaded, as on Lambda.
  vi.stubEnv('DRAIN_FUNCTION_ARN', FUNCTION);
  vi.stubEnv('ALERT_TOPIC_ARN', TOPIC);
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'example');
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
  intake = await import('../../handlers/intake.ts');
});

beforeEach(() => {
  aws.reset();
  sns.reset();
  sns.on(PublishCommand).resolves({});
  aws.on(InvokeCommand).resolves({ StatusCode: 202 });
});
afterEach(() => vi.restoreAllMocks());

const record = (Message: unknown) => ({
  EventSource: 'aws:sns',
  EventVersion: '1.0',
  EventSubscriptionArn: 'x',
  Sns: { Message },
});
const event = (...records: unknown[]) => ({ Records: records }) as SNSEvent;
const notice = (EC2InstanceId: string): unknown => record(JSON.stringify(hookMessage({ EC2InstanceId })));
const started = (): (string | undefined)[] =>
  aws.commandCalls(InvokeCommand).map((call) => call.args[0].input.DurableExecutionName);

const EVENTS = new URL('../events/', import.meta.url);
const open = (file: string): SNSEvent => JSON.parse(readFileSync(new URL(file, EVENTS), 'utf8'));

describe('the intake', () => {
  it('starts one durable execution for a termination notice, named by its action', async () => {
    await intake.handler(open('lifecycle-terminating.json'), CONTEXT);
    const [call, ...more] = aws.commandCalls(InvokeCommand).map((invoked) => invoked.args[0].input);
    expect(more).toEqual([]);
    expect(call).toMatchObject({
      FunctionName: FUNCTION,
      InvocationType: 'Event',
      DurableExecutionName: `${INSTANCE}-${TOKEN}`,
    });
    expect(JSON.parse(new TextDecoder().decode(call?.Payload as Uint8Array))).toEqual(aRequest());
  });

  it.each(['lifecycle-launching.json', 'group-notification.json', 'test-notification.json'])(
    'starts nothing for %s',
    async (file) => {
      await intake.handler(open(file), CONTEXT);
      expect(started()).toEqual([]);
    },
  );

  it('gives the same name and payload to a message that is delivered twice', async () => {
    await intake.handler(open('lifecycle-terminating.json'), CONTEXT);
    await intake.handler(open('lifecycle-terminating.json'), CONTEXT);
    const [first, second] = aws.commandCalls(InvokeCommand).map((call) => call.args[0].input);
    expect(second).toEqual(first);
  });

  it('ignores a notice of another account, whoever could publish it to our topic', async () => {
    const other = { ...CONTEXT, invokedFunctionArn: CONTEXT.invokedFunctionArn.replace(ACCOUNT, '999999999999') };
    await intake.handler(open('lifecycle-terminating.json'), other);
    expect(started()).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['a record without a message', { Sns: {} }],
    ['a record of something else', { s3: { bucket: {} } }],
    ['an empty record', {}],
    ['no record at all', null],
    ['prose', record('Hello from SNS!')],
    ['half a notice', record('{"LifecycleTransition":"autoscaling:EC2_INSTANCE_TERMI')],
  ])('lets %s block nothing', async (_, bad) => {
    await intake.handler(event(bad, notice('i-00000001'), bad, notice('i-00000002'), bad), CONTEXT);
    expect(started()).toEqual([`i-00000001-${TOKEN}`, `i-00000002-${TOKEN}`]);
  });

  it.each([{}, { Records: [] }])('takes an event without records for nothing to do (%j)', async (empty) => {
    await intake.handler(empty as SNSEvent, CONTEXT);
    expect(started()).toEqual([]);
  });

  it('tries every record before it fails, so that Lambda delivers the event again and the rest join', async () => {
    // Prepare
    aws
      .on(InvokeCommand, { DurableExecutionName: `i-00000001-${TOKEN}` })
      .rejects(Object.assign(new Error('Rate Exceeded.'), { name: 'TooManyRequestsException' }));

    // Act
    const failure = await intake
      .handler(event(notice('i-00000001'), notice('i-00000002')), CONTEXT)
      .catch((error: unknown) => error);

    // Assess
    expect(started()).toEqual([`i-00000001-${TOKEN}`, `i-00000002-${TOKEN}`]);
    expect(failure).toBeInstanceOf(AggregateError);
    expect(failure).toMatchObject({ message: "1 of the delivery's notices could not be handed over" });
  });

  it('takes an execution that exists already for success', async () => {
    aws.on(InvokeCommand).rejects(Object.assign(new Error('x'), { name: 'DurableExecutionAlreadyStartedException' }));
    await expect(intake.handler(open('lifecycle-terminating.json'), CONTEXT)).resolves.toBeUndefined();
  });
});

describe('what EventBridge delivers', () => {
  const openEvent = (file: string): { detail: Record<string, unknown> } =>
    JSON.parse(readFileSync(new URL(file, EVENTS), 'utf8'));

  it.each([
    ['hook-by-event-bridge.json', `${INSTANCE}-${TOKEN}`, 'terminating'],
    ['spot-interruption.json', `${INSTANCE}-3b1f0f7e-6c1d-4f0b-9a6e-5f1b2c3d4e02`, 'spot-interruption'],
    ['rebalance-recommendation.json', `${INSTANCE}-3b1f0f7e-6c1d-4f0b-9a6e-5f1b2c3d4e03`, 'rebalance'],
    ['health-retirement.json', expect.stringMatching(/^i-0a1b2c3d480000000-health-[0-9a-f]{8}$/), 'maintenance'],
  ])('%s starts one execution, with a request that the drain takes', async (file, name, kind) => {
    await intake.handler(openEvent(file), CONTEXT);
    const [call, ...more] = aws.commandCalls(InvokeCommand).map((invoked) => invoked.args[0].input);
    expect(more).toEqual([]);
    expect(call).toMatchObject({ FunctionName: FUNCTION, InvocationType: 'Event', DurableExecutionName: name });
    const request = DrainRequest.parse(JSON.parse(new TextDecoder().decode(call?.Payload as Uint8Array)));
    expect(request).toMatchObject({ kind, instanceId: INSTANCE });
  });

  it('joins what the SNS message of the same hook has started', async () => {
    await intake.handler(openEvent('hook-by-event-bridge.json'), CONTEXT);
    await intake.handler(open('lifecycle-terminating.json'), CONTEXT);
    const names = started();
    expect(names).toHaveLength(2);
    expect(new Set(names).size).toBe(1);
  });

  it('starts an execution that failed once more, under a name of its own', async () => {
    // Prepare
    const event = openEvent('execution-failed.json');
    aws.on(GetDurableExecutionCommand).resolves({ InputPayload: JSON.stringify(aRequest()) });

    // Act
    await intake.handler(event, CONTEXT);

    // Assess
    expect(aws.commandCalls(GetDurableExecutionCommand).map((call) => call.args[0].input)).toEqual([
      { DurableExecutionArn: event.detail['durableExecutionArn'] },
    ]);
    expect(started()).toEqual([`${INSTANCE}-${TOKEN}-r1`]);
    expect(sns.calls()).toEqual([]);
  });

  it('tells people when that failed as well', async () => {
    const { detail, ...envelope } = openEvent('execution-failed.json');
    aws.on(GetDurableExecutionCommand).resolves({ InputPayload: JSON.stringify(aRequest()) });
    const again = { ...envelope, detail: { ...detail, durableExecutionName: `${INSTANCE}-${TOKEN}-r1` } };
    await intake.handler(again, CONTEXT);
    expect(started()).toEqual([]);
    expect(sns.commandCalls(PublishCommand).map((call) => call.args[0].input)).toEqual([
      expect.objectContaining({
        TopicArn: TOPIC,
        Message: expect.stringMatching(/failed twice[\s\S]*aws lambda invoke/),
      }),
    ]);
  });
});

describe('what is about images', () => {
  const UPDATE = `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:ecs-drain-ami-update:durable`;
  const create = (environment: Record<string, string>) =>
    intake.create({ environment: { ALERT_TOPIC_ARN: TOPIC, DRAIN_FUNCTION_ARN: FUNCTION, ...environment } });

  it('starts an execution of the AMI roll-out, named by family and release, and none of the drain', async () => {
    await create({ AMI_UPDATE_FUNCTION_ARN: UPDATE })(open('ami-release.json'), CONTEXT);
    const [call, ...more] = aws.commandCalls(InvokeCommand).map((invoked) => invoked.args[0].input);
    expect(more).toEqual([]);
    expect(call).toMatchObject({
      FunctionName: UPDATE,
      InvocationType: 'Event',
      DurableExecutionName: expect.stringMatching(/^al2023-x86-6-[0-9a-f]{8}-2023-0-20261113$/),
    });
    expect(ReleaseRequest.parse(JSON.parse(new TextDecoder().decode(call?.Payload as Uint8Array)))).toEqual({
      kind: 'release',
      source: 'al2023/x86_64',
      version: '2023.0.20261113',
      noticedAt: '2026-11-13T08:00:05.123Z',
    });
  });

  it('starts nothing where nothing is set up to roll AMIs out', async () => {
    await create({})(open('ami-release.json'), CONTEXT);
    expect(started()).toEqual([]);
  });
});

describe('the intake’s wiring', () => {
  it('refuses an environment without its function and its topic at cold start, before anything can be lost', () => {
    expect(() => intake.create({ environment: {} })).toThrow(
      /^2 wrong settings: ALERT_TOPIC_ARN is missing.*DRAIN_FUNCTION_ARN is missing/,
    );
  });

  it('sends Lambda the execution’s name, the qualified function and an asynchronous call, on the wire', async () => {
    // Prepare
    aws.restore();
    const requests: { method: string; path: string; query: unknown; headers: Record<string, string> }[] = [];
    const requestHandler = {
      handle: async (request: (typeof requests)[number]) => {
        requests.push(request);
        return { response: { statusCode: 202, headers: {}, body: new Uint8Array() } };
      },
    } as unknown as RequestHandler;

    // Act
    await intake.create({ environment: { ALERT_TOPIC_ARN: TOPIC, DRAIN_FUNCTION_ARN: FUNCTION }, requestHandler })(
      open('lifecycle-terminating.json'),
      CONTEXT,
    );

    // Assess
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({
      method: 'POST',
      path: `/2015-03-31/functions/${encodeURIComponent(FUNCTION)}/invocations`,
      headers: { 'x-amz-invocation-type': 'Event', 'x-amz-durable-execution-name': `${INSTANCE}-${TOKEN}` },
    });
  });
});

const SAMPLES = new URL('../../../shared/samples/', import.meta.url);

// Real payloads lie beside the checkout where the project is developed and on CI; a lone clone does not have them.
describe.skipIf(!existsSync(SAMPLES))('our own events have the members of the real ones', () => {
  const members = (value: unknown, path = ''): string[] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.entries(value).flatMap(([key, inner]) => [`${path}.${key}`, ...members(inner, `${path}.${key}`)])
      : [];
  const messageMembers = (text: string): string[] => members(JSON.parse(text)).sort();

  it.each([
    ['lifecycle-terminating.json', 'sns-lambda.asg-lifecycle-terminating.captured.json'],
    ['lifecycle-launching.json', 'sns-lambda.asg-lifecycle-launching.captured.json'],
    ['group-notification.json', 'sns-lambda.asg-plain-terminate-notification-not-a-hook.captured.json'],
  ])('%s', (ours, real) => {
    const [a] = open(ours).Records;
    const [b] = (JSON.parse(readFileSync(new URL(real, SAMPLES), 'utf8')) as SNSEvent).Records;
    expect(members(a).sort()).toEqual(members(b).sort());
    expect(messageMembers(a?.Sns.Message ?? '')).toEqual(messageMembers(b?.Sns.Message ?? ''));
  });

  it.each([
    ['hook-by-event-bridge.json', 'eb-asg-warmpool-terminating-autoscalinggroup-to-warmpool.json'],
    ['rebalance-recommendation.json', 'eb-ec2-rebalance-recommendation.doc.json'],
    ['spot-interruption.json', 'eb-ec2-spot-interruption-warning.doc.json'],
    // A retirement may come without the resources, the metadata and the personas that the documented one has or lacks.
    [
      'health-retirement.json',
      'eb-health-ec2-instance-retirement.doc.json',
      /^\.(resources|detail\.(eventMetadata.*|personas|actionability))$/,
    ],
    ['execution-failed.json', 'eb-lambda-durable-execution-status-change.doc.json', /^\.detail\.endTimestamp$/],
  ])('%s', (ours, real, besides = /^$/) => {
    const read = (url: URL): string[] =>
      members(JSON.parse(readFileSync(url, 'utf8')))
        .filter((member) => !besides.test(member))
        .sort();
    expect(read(new URL(ours, EVENTS))).toEqual(read(new URL(real, SAMPLES)));
  });

  it('test-notification.json', () => {
    const real = JSON.parse(readFileSync(new URL('sns-http.asg-test-notification.captured.json', SAMPLES), 'utf8'));
    expect(messageMembers(open('test-notification.json').Records[0]?.Sns.Message ?? '')).toEqual(
      messageMembers(real.Message),
    );
  });

  it('and each of them is tested here', () => {
    expect(readdirSync(EVENTS).sort()).toEqual([
      // These are held to their samples in test/rollout/notice.test.ts; nobody has published one for Windows.
      'ami-base-al2023.json',
      'ami-release-retired.json',
      'ami-release.json',
      'ami-windows.json',
      'execution-failed.json',
      'group-notification.json',
      'health-retirement.json',
      'hook-by-event-bridge.json',
      'lifecycle-launching.json',
      'lifecycle-terminating.json',
      // As the user guide of Systems Manager has it; test/intake.test.ts reads it.
      'parameter-verified.json',
      'rebalance-recommendation.json',
      'spot-interruption.json',
      'test-notification.json',
    ]);
  });
});
