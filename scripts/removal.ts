import { listRunning } from '../src/aws/executions.ts';
import type { Where } from '../src/aws/session.ts';
import { openSession } from '../src/aws/session.ts';
import { stackOutputs } from '../src/aws/stack.ts';
import { listGroupHooks } from '../src/aws/stack-hooks.ts';
import { holdsBack } from '../src/operator/removal.ts';
import { readStack } from '../src/operator/stack.ts';

/** Why the stack of that name must stay for now, a sentence for each reason; none where there is no whole stack. */
export async function heldBack(name: string, { region, credentials }: Where): Promise<readonly string[]> {
  const aws = await openSession({ region, ...(credentials && { credentials }) });
  const outputs = await stackOutputs(aws.cloudFormation, name);
  if (!outputs.ok) return [`The stack ${name} could not be read. ${outputs.operation}: ${outputs.message}`];
  // A stack that was never created whole has no outputs, and nobody could attach a hook to it.
  if (outputs.value === undefined || Object.keys(outputs.value).length === 0) return [];
  const stack = readStack(name, outputs.value);
  if ('missing' in stack) return [`${name} is not a stack of ecs-drain: it has no output ${stack.missing.join(', ')}.`];
  return holdsBack(stack, {
    hooks: await listGroupHooks(aws.autoScaling),
    drains: await listRunning(aws.lambda, stack.drainFunctionArn),
    rollouts: stack.rollouts && (await listRunning(aws.lambda, stack.rollouts.functionArn)),
  });
}
