import type { SNSClient } from '@aws-sdk/client-sns';
import { PublishCommand } from '@aws-sdk/client-sns';
import type { AlertPort } from '../ports.ts';
import { attempt } from './failure.ts';

/** Publishes to the one topic whose subscribers are the people on call. */
export function alertPort(client: SNSClient, topicArn: string): AlertPort {
  return {
    publish: ({ subject, bodies, attributes }) =>
      attempt('sns:Publish', async () => {
        await client.send(
          new PublishCommand({
            TopicArn: topicArn,
            Subject: subject,
            // Each protocol takes the body of its name, and `default` where there is none (AWS-CONTRACTS §2).
            MessageStructure: 'json',
            Message: JSON.stringify(bodies),
            MessageAttributes: Object.fromEntries(
              Object.entries(attributes).map(([name, value]) => [name, { DataType: 'String', StringValue: value }]),
            ),
          }),
        );
        return undefined;
      }),
  };
}
