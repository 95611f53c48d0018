import type { Command } from 'commander';
import { addRolloutPlan } from './rollout-plan.ts';
import { addRolloutWords } from './rollout-say.ts';
import { addRolloutStart } from './rollout-start.ts';
import { addRolloutStatus } from './rollout-status.ts';
import type { Print, Run } from './usage.ts';

/** The commands that look at rollouts of AMIs, and steer them. */
export function addRollout(program: Command, run: Run, print: Print): void {
  const rollout = program.command('rollout').description('plan, start, watch and steer the rollout of a new AMI');
  for (const add of [addRolloutPlan, addRolloutStart, addRolloutStatus, addRolloutWords]) add(rollout, run, print);
}
