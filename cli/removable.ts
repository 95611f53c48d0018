import type { Command } from 'commander';
import { listRunning } from '../src/aws/executions.ts';
import { listGroupHooks } from '../src/aws/stack-hooks.ts';
import { holdsBack } from '../src/operator/removal.ts';
import type { OperatorOptions } from './operate.ts';
import { inRegions, talksToAws } from './operate.ts';
import { printable } from './table.ts';
import type { Print, Run } from './usage.ts';

export function addRemovable(program: Command, run: Run, print: Print): void {
  talksToAws(program.command('removable'))
    .description('whether the stack may be removed: no hook leads to it, and no drain or rollout runs')
    .action((options: OperatorOptions) => run(removable(options, print)));
}

/** Answers the exit code: 1 if the stack must stay in any of the regions, or that is not known. Changes nothing. */
async function removable(options: OperatorOptions, print: Print): Promise<number> {
  const answers = await inRegions(options, async ({ aws, stack }) => ({
    stack: stack.name,
    reasons: holdsBack(stack, {
      hooks: await listGroupHooks(aws.autoScaling),
      drains: await listRunning(aws.lambda, stack.drainFunctionArn),
      rollouts: stack.rollouts && (await listRunning(aws.lambda, stack.rollouts.functionArn)),
    }),
  }));
  if (options.json) print(JSON.stringify(answers));
  else for (const answer of answers) for (const line of lines(answer)) print(`${answer.region}: ${printable(line)}`);
  return answers.every((answer) => answer.ok && answer.value.reasons.length === 0) ? 0 : 1;
}

function lines(answer: Awaited<ReturnType<typeof inRegions<{ stack: string; reasons: readonly string[] }>>>[number]) {
  if (!answer.ok) return [answer.problem];
  const { stack, reasons } = answer.value;
  return reasons.length > 0 ? reasons : [`nothing depends on ${stack}: it may be removed`];
}
