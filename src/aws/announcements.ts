import type { SNSClient } from '@aws-sdk/client-sns';
import { PublishCommand } from '@aws-sdk/client-sns';
import type { AnnouncementPort } from '../rollout/ports.ts';
import { attempt } from './failure.ts';

/** A topic whose subscribers all get the same body. */
export function announcementPort(client: SNSClient, topicArn: string): AnnouncementPort {
  return {
    publish: ({ subject, body, attributes }) =>
      attempt('sns:Publish', async () => {
        await client.send(
          new PublishCommand({
            TopicArn: topicArn,
            Subject: subject,
            Message: body,
            MessageAttributes: Object.fromEntries(
              Object.entries(attributes).map(([name, value]) => [name, { DataType: 'String', StringValue: value }]),
            ),
          }),
        );
        return undefined;
      }),
  };
}
