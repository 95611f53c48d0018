import type { LambdaClient } from '@aws-sdk/client-lambda';
import { GetAccountSettingsCommand, GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import type { SNSClient } from '@aws-sdk/client-sns';
import { ListSubscriptionsByTopicCommand } from '@aws-sdk/client-sns';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type { DrainFunctionSeen, SubscriptionSeen } from '../operator/doctor-seen.ts';
import type { Result } from '../ports.ts';
import { attempt } from './failure.ts';
import { allPages } from './pages.ts';

/** What an unconfirmed subscription has in the place of its ARN (API reference of SNS, examples). */
const PENDING = 'PendingConfirmation';

export function subscriptions(client: SNSClient, topicArn: string): Promise<Result<readonly SubscriptionSeen[]>> {
  return attempt('sns:ListSubscriptionsByTopic', async () => {
    const all = await allPages(async ({ nextToken }) => {
      const page = await client.send(new ListSubscriptionsByTopicCommand({ TopicArn: topicArn, NextToken: nextToken }));
      return { items: page.Subscriptions, nextToken: page.NextToken };
    });
    return all.map(({ Protocol = '', SubscriptionArn }) => ({
      protocol: Protocol,
      confirmed: SubscriptionArn !== PENDING,
    }));
  });
}

/** How many messages the queue has, about: those that somebody is reading just now included. */
export function waitingMessages(client: SQSClient, queueUrl: string): Promise<Result<number>> {
  return attempt('sqs:GetQueueAttributes', async () => {
    const { Attributes: { ApproximateNumberOfMessages: waiting, ApproximateNumberOfMessagesNotVisible: read } = {} } =
      await client.send(
        new GetQueueAttributesCommand({
          QueueUrl: queueUrl,
          AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
        }),
      );
    if (waiting === undefined) throw new Error('the answer has no ApproximateNumberOfMessages');
    return Number(waiting) + Number(read ?? 0);
  });
}

/** The version of a function that the qualified ARN leads to; undefined when there is none. */
export function drainFunction(
  client: LambdaClient,
  functionArn: string,
): Promise<Result<DrainFunctionSeen | undefined>> {
  return attempt('lambda:GetFunctionConfiguration', async () => {
    try {
      const found = await client.send(new GetFunctionConfigurationCommand({ FunctionName: functionArn }));
      return {
        version: found.Version ?? '',
        durable: found.DurableConfig !== undefined,
        state: found.State ?? 'UNKNOWN',
        environment: found.Environment?.Variables ?? {},
      };
    } catch (error) {
      if (error instanceof Error && error.name === 'ResourceNotFoundException') return undefined;
      throw error;
    }
  });
}

export function unreservedConcurrency(client: LambdaClient): Promise<Result<number>> {
  return attempt('lambda:GetAccountSettings', async () => {
    const { AccountLimit: { UnreservedConcurrentExecutions } = {} } = await client.send(
      new GetAccountSettingsCommand({}),
    );
    if (UnreservedConcurrentExecutions === undefined) throw new Error('the answer has no unreserved concurrency');
    return UnreservedConcurrentExecutions;
  });
}
