import type { GetQueueAttributesRequest, GetQueueAttributesResult } from '@aws-sdk/client-sqs';
import type { Operations } from './aws-error.ts';
import { AwsError } from './aws-error.ts';
import type { World } from './world.ts';

/** One queue, into which Lambda puts what a function gave up on; nobody takes anything out of it. */
export function createDeadLetters(
  world: World,
  { url, already }: { readonly url: string; readonly already: number },
): { readonly operations: Operations } {
  let messages = already;
  world.on((event) => {
    if (event.kind === 'dead-letter') messages += 1;
  });
  const attributes = (): Readonly<Record<string, string>> => ({
    ApproximateNumberOfMessages: String(messages),
    ApproximateNumberOfMessagesNotVisible: '0',
    ApproximateNumberOfMessagesDelayed: '0',
  });
  return {
    operations: {
      /** Values are texts; attributes that were not asked for are left out (API reference). */
      GetQueueAttributes({ QueueUrl, AttributeNames = [] }: GetQueueAttributesRequest) {
        if (QueueUrl !== url) throw new AwsError('QueueDoesNotExist', 'The specified queue does not exist.');
        const wanted = new Set<string>(AttributeNames);
        const known = Object.entries(attributes()).filter(([name]) => wanted.has('All') || wanted.has(name));
        return { Attributes: Object.fromEntries(known) } satisfies GetQueueAttributesResult;
      },
    },
  };
}
