import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { alertPort } from '../../src/aws/sns.ts';

const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:alerts';
const client = new SNSClient({ region: 'eu-west-1' });
const aws = mockClient(client);
const alerts = alertPort(client, TOPIC);

beforeEach(() => aws.reset());

describe('an alert', () => {
  it('is published to the one topic once, with a body for each protocol and attributes to filter by', async () => {
    aws.on(PublishCommand).resolves({ MessageId: 'x' });
    const answer = await alerts.publish({
      subject: 'Stuck',
      bodies: { default: '{"a":1}', email: 'line\nline' },
      attributes: { kind: 'stuck', severity: 'warning' },
    });
    expect(answer).toEqual({ ok: true, value: undefined });
    expect(aws.calls().map((call) => call.args[0].input)).toEqual([
      {
        TopicArn: TOPIC,
        Subject: 'Stuck',
        MessageStructure: 'json',
        Message: '{"default":"{\\"a\\":1}","email":"line\\nline"}',
        MessageAttributes: {
          kind: { DataType: 'String', StringValue: 'stuck' },
          severity: { DataType: 'String', StringValue: 'warning' },
        },
      },
    ]);
  });

  it('that cannot be published is a value', async () => {
    aws.on(PublishCommand).rejects(Object.assign(new Error('Topic does not exist'), { name: 'NotFoundException' }));
    expect(await alerts.publish({ subject: 's', bodies: { default: 'b' }, attributes: {} })).toEqual({
      ok: false,
      reason: 'gone',
      operation: 'sns:Publish',
      message: 'Topic does not exist',
    });
  });
});
