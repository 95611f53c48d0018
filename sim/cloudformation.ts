import type { DescribeStacksCommandInput, DescribeStacksCommandOutput } from '@aws-sdk/client-cloudformation';
import type { Operations } from './aws-error.ts';
import { AwsError } from './aws-error.ts';
import type { World } from './world.ts';

/** A stack that was created before the run: nothing here deploys one. */
export interface Stack {
  readonly name: string;
  readonly outputs: Readonly<Record<string, string>>;
}

export function createCloudFormation(world: World, stacks: readonly Stack[]): { readonly operations: Operations } {
  const createdAtMs = world.clock.nowMs();
  const shape = ({ name, outputs }: Stack) => ({
    StackName: name,
    StackId: `arn:aws:cloudformation:${world.region}:${world.accountId}:stack/${name}/00000000-0000-4000-8000-000000000000`,
    CreationTime: new Date(createdAtMs),
    StackStatus: 'CREATE_COMPLETE' as const,
    Outputs: Object.entries(outputs).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue })),
  });
  return {
    operations: {
      DescribeStacks({ StackName }: DescribeStacksCommandInput) {
        const found = stacks.filter(({ name }) => StackName === undefined || name === StackName);
        if (StackName !== undefined && found.length === 0) {
          throw new AwsError('ValidationError', `Stack with id ${StackName} does not exist`);
        }
        return { Stacks: found.map(shape) } satisfies Omit<DescribeStacksCommandOutput, '$metadata'>;
      },
    },
  };
}
