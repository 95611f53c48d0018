import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { announcementPort } from '../../src/aws/announcements.ts';

const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:ecs-drain-ami-releases';
const client = new SNSClient({ region: 'eu-west-1' });
const aws = mockClient(client);
const topic = announcementPort(client, TOPIC);
const message = { subject: 'new', body: '{"ECSAmis":[]}', attributes: { family: 'al2023/arm64' } };

beforeEach(() => aws.reset());

describe('an announcement', () => {
  it('is the same text for every subscriber, with what filters go by', async () => {
    aws.on(PublishCommand).resolves({ MessageId: 'x' });
    expect(await topic.publish(message)).toEqual({ ok: true, value: undefined });
    expect(aws.calls().map((call) => call.args[0].input)).toEqual([
      {
        TopicArn: TOPIC,
        Subject: 'new',
        Message: '{"ECSAmis":[]}',
        MessageAttributes: { family: { DataType: 'String', StringValue: 'al2023/arm64' } },
      },
    ]);
  });

  it('that could not be published is a failure', async () => {
    aws.on(PublishCommand).rejects(Object.assign(new Error('on purpose'), { name: 'NotFound' }));
    expect(await topic.publish(message)).toMatchObject({ ok: false, reason: 'gone', operation: 'sns:Publish' });
  });
});
