import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import type { Result } from '../ports.ts';
import { attempt } from './failure.ts';

/** The outputs of a CloudFormation stack, by key. Undefined when there is no stack of that name. */
export function stackOutputs(
  client: CloudFormationClient,
  name: string,
): Promise<Result<Readonly<Record<string, string>> | undefined>> {
  return attempt('cloudformation:DescribeStacks', async () => {
    try {
      const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: name }));
      const outputs = Stacks[0]?.Outputs ?? [];
      return Object.fromEntries(outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]));
    } catch (error) {
      // A ValidationError like any other, but for its words.
      if (error instanceof Error && /does not exist/.test(error.message)) return undefined;
      throw error;
    }
  });
}
