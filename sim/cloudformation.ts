import type {
  DescribeStackResourcesCommandInput,
  DescribeStackResourcesCommandOutput,
  DescribeStacksCommandInput,
  DescribeStacksCommandOutput,
} from '@aws-sdk/client-cloudformation';
import type { Operations } from './aws-error.ts';
import { AwsError } from './aws-error.ts';
import type { World } from './world.ts';

/** A stack that was created before the run: nothing here deploys one. */
export interface Stack {
  readonly name: string;
  readonly outputs: Readonly<Record<string, string>>;
}

/** @param stackOf the stack that made a resource: a tag does not tell of each. */
export function createCloudFormation(
  world: World,
  stacks: readonly Stack[],
  stackOf: (physicalId: string) => string | undefined,
): { readonly operations: Operations } {
  const createdAtMs = world.clock.nowMs();
  const idOf = (name: string): string =>
    `arn:aws:cloudformation:${world.region}:${world.accountId}:stack/${name}/00000000-0000-4000-8000-000000000000`;
  const shape = ({ name, outputs }: Stack) => ({
    StackName: name,
    StackId: idOf(name),
    CreationTime: new Date(createdAtMs),
    StackStatus: 'CREATE_COMPLETE' as const,
    Outputs: Object.entries(outputs).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue })),
  });
  return {
    operations: {
      DescribeStackResources({ StackName, PhysicalResourceId: id }: DescribeStackResourcesCommandInput) {
        // Better refused than ignored: ours asks whose a resource is.
        if (id === undefined || StackName !== undefined)
          throw new AwsError('ValidationError', 'Only PhysicalResourceId alone is simulated');
        const name = stackOf(id);
        if (name === undefined) throw new AwsError('ValidationError', `Stack for ${id} does not exist`);
        const resource = (LogicalResourceId: string, PhysicalResourceId: string, ResourceType: string) => ({
          StackName: name,
          StackId: idOf(name),
          LogicalResourceId,
          PhysicalResourceId,
          ResourceType,
          Timestamp: new Date(createdAtMs),
          ResourceStatus: 'CREATE_COMPLETE' as const,
        });
        // "The associated resources of the stack that the resource belongs to are returned" (API reference).
        return {
          StackResources: [
            resource('FleetRole', `${name}-fleet-role`, 'AWS::IAM::Role'),
            resource('Fleet', id, 'AWS::EC2::SpotFleet'),
          ],
        } satisfies Omit<DescribeStackResourcesCommandOutput, '$metadata'>;
      },

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
