import { PublishCommand } from '@aws-sdk/client-sns';
import type { SNSEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { createRunningRegion, inVirtualTime, runOut } from './running-region.ts';

const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:drain';

/** A region with a topic and a function that keeps what it is given. */
function createListener(faults: { duplicate?: number; reorder?: number } = {}, seed = 1) {
  const region = createRunningRegion({ seed, sns: { faults } });
  const received: { event: SNSEvent; atSeconds: number }[] = [];
  region.lambda.register({
    name: 'intake',
    durable: false,
    timeoutSeconds: 30,
    memoryMb: 256,
    handler: async (event: SNSEvent) => void received.push({ event, atSeconds: region.world.clock.nowSeconds() }),
  });
  region.sns.subscribe(region.sns.createTopic('drain'), 'intake');
  const publish = (input: Record<string, unknown>) =>
    inVirtualTime(region.world, () =>
      region.clients.sns.send(new PublishCommand({ TopicArn: TOPIC, Message: 'hello', ...input })),
    );
  return { region, received, publish };
}

describe('publishing', () => {
  it('reaches a subscribed function as the event that Lambda gets', async () => {
    const { region, received, publish } = createListener();
    const MessageAttributes = { severity: { DataType: 'String', StringValue: 'page' } };
    const { MessageId } = await publish({ Subject: 'stuck', MessageAttributes });
    await runOut(region.world);
    expect(received).toHaveLength(1);
    expect(received[0]?.event.Records[0]?.Sns).toMatchObject({
      Type: 'Notification',
      MessageId,
      TopicArn: TOPIC,
      Subject: 'stuck',
      Message: 'hello',
      MessageAttributes: { severity: { Type: 'String', Value: 'page' } },
    });
    expect(region.of('published')).toMatchObject([
      { topicArn: TOPIC, subject: 'stuck', message: 'hello', attributes: { severity: 'page' } },
    ]);
  });

  it('gives Lambda the default body of a structured message', async () => {
    const { region, received, publish } = createListener();
    await publish({ MessageStructure: 'json', Message: JSON.stringify({ default: 'plain', email: 'long' }) });
    await runOut(region.world);
    expect(received[0]?.event.Records[0]?.Sns.Message).toBe('plain');
    expect(region.of('published')).toMatchObject([{ message: 'plain', bodies: { default: 'plain', email: 'long' } }]);
  });

  it('gives Lambda the body that is meant for it, and passes over what is not text', async () => {
    const { region, received, publish } = createListener();
    const Message = JSON.stringify({ default: 'plain', lambda: 'for functions', https: { not: 'text' } });
    await publish({ MessageStructure: 'json', Message });
    await runOut(region.world);
    expect(received[0]?.event.Records[0]?.Sns.Message).toBe('for functions');
    expect(region.of('published')[0]?.bodies).not.toHaveProperty('https');
  });

  it.each([
    ['an empty message', { Message: '' }, 'Empty message'],
    ['a message over 256 KB', { Message: 'x'.repeat(262_145) }, 'Message too long'],
    ['a subject of 100 characters', { Subject: 'x'.repeat(100) }, 'Subject'],
    ['a subject with a line break', { Subject: 'a\nb' }, 'Subject'],
    [
      'a structured message without a default',
      { MessageStructure: 'json', Message: '{"email":"a"}' },
      'No default entry',
    ],
    [
      'a structured message whose default is not text',
      { MessageStructure: 'json', Message: '{"default":{"a":1}}' },
      'No default entry',
    ],
    ['a structured message that is not JSON', { MessageStructure: 'json', Message: 'a' }, 'failed to parse'],
    ['something that is no topic', { TopicArn: 'drain' }, 'TopicArn'],
  ])('refuses %s', async (_what, input, because) => {
    const { region, publish } = createListener();
    await expect(publish(input)).rejects.toMatchObject({
      name: 'InvalidParameterException',
      message: expect.stringContaining(because),
    });
    expect(region.of('published')).toEqual([]);
  });

  it('takes a subject of 99 characters, and a message of exactly 256 KB', async () => {
    const { region, publish } = createListener();
    await publish({ Subject: 'x'.repeat(99), Message: 'x'.repeat(262_144) });
    expect(region.of('published')).toHaveLength(1);
  });

  it('does not know a topic that nobody created', async () => {
    const { publish } = createListener();
    await expect(publish({ TopicArn: `${TOPIC}-other` })).rejects.toMatchObject({
      name: 'NotFoundException',
      $metadata: { httpStatusCode: 404 },
    });
  });

  it('repeats and delays deliveries by seed, with the same message id', async () => {
    const run = async (seed: number) => {
      const { region, received, publish } = createListener({ duplicate: 0.5, reorder: 0.5 }, seed);
      for (let i = 0; i < 10; i++) await publish({ Message: String(i) });
      await runOut(region.world);
      return received.map(({ event }) => event.Records[0]?.Sns).map((sns) => [sns?.Message, sns?.MessageId]);
    };
    const first = await run(5);
    expect(await run(5)).toEqual(first);
    expect(first.length).toBeGreaterThan(10);
    expect(new Set(first.map(String)).size).toBe(10);
    expect(first.map(([message]) => message)).not.toEqual([...first.map(([message]) => message)].sort());
  });
});

describe('the notice of a lifecycle hook', () => {
  /** From a captured delivery: samples/sns-lambda.asg-lifecycle-terminating.captured.json. */
  const captured = {
    record: ['EventSource', 'EventSubscriptionArn', 'EventVersion', 'Sns'],
    sns: [
      ...['Message', 'MessageAttributes', 'MessageId', 'Signature', 'SignatureVersion', 'SigningCertUrl', 'Subject'],
      ...['Timestamp', 'TopicArn', 'Type', 'UnsubscribeUrl'],
    ],
    subject: "Auto Scaling:  Lifecycle action 'TERMINATING' for instance i-05629ab7d9287e205 in progress.",
  };
  const message = {
    Origin: 'AutoScalingGroup',
    LifecycleHookName: 'dev-sg-dns-discovery-drain',
    Destination: 'EC2',
    LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
    AutoScalingGroupName: 'example-asg',
    EC2InstanceId: 'i-05629ab7d9287e205',
    LifecycleActionToken: '465e0162-e6af-4786-b4e8-bb544ae58790',
  };
  const waiting = (targetArn: string | undefined) =>
    ({
      kind: 'hook-waiting',
      instanceId: message.EC2InstanceId,
      group: 'example-asg',
      hook: 'drain',
      token: 'token',
      notice: { targetArn, roleArn: undefined, message },
    }) as const;

  it('is published as Auto Scaling does it, with the keys and the subject of the captured sample', async () => {
    const { region, received } = createListener();
    region.world.emit(waiting(TOPIC));
    await runOut(region.world);
    const record = received[0]?.event.Records[0];
    expect(Object.keys(record ?? {}).sort()).toEqual(captured.record);
    expect(Object.keys(record?.Sns ?? {}).sort()).toEqual(captured.sns);
    expect(record?.Sns.Subject).toBe(captured.subject);
    expect(JSON.parse(record?.Sns.Message ?? '')).toEqual(message);
    expect(received[0]?.atSeconds).toBeLessThan(1);
  });

  it('goes nowhere when the hook has no topic of ours', async () => {
    const { region } = createListener();
    region.world.emit(waiting(undefined));
    region.world.emit(waiting('arn:aws:sqs:eu-west-1:123456789012:queue'));
    await runOut(region.world);
    expect(region.of('published')).toEqual([]);
  });
});
