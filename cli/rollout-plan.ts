import type { Command } from 'commander';
import { plansFor } from '../src/operator/rollout-plan.ts';
import { familyById } from '../src/rollout/family.ts';
import { fleetIds, lookForPlan, refuseUnknownFleets, rolloutsOf } from './fleets.ts';
import { printLines } from './lines.ts';
import type { Here, OperatorOptions } from './operate.ts';
import { inRegions, talksToAws } from './operate.ts';
import type { PlanShown } from './rollout-plan-view.ts';
import { exitCodeOfPlans, planDocument, renderPlans } from './rollout-plan-view.ts';
import type { Print, Run } from './usage.ts';
import { UsageError } from './usage.ts';

interface PlanOptions extends OperatorOptions {
  readonly source?: readonly string[];
  readonly group?: readonly string[];
}

export const collect = (value: string, all: readonly string[] = []): readonly string[] => [...new Set([...all, value])];

export function addRolloutPlan(rollout: Command, run: Run, print: Print): void {
  const command = rollout
    .command('plan')
    .description('what would be rolled out where, in which order, and what stands in the way; changes nothing')
    .option('--source <name>', 'an AMI family like al2023/x86_64, or a parameter (default: those in use)', collect)
    .option('--group <name>', 'only this fleet; give it again for more', collect);
  talksToAws(command).action((options: PlanOptions) => run(plan(options, print)));
}

async function plan(options: PlanOptions, print: Print): Promise<number> {
  const sources = options.source?.map(checkSource);
  const ids = fleetIds(options.group ?? []);
  const answers = await inRegions(options, (here) => look(here, ids, sources));
  refuseUnknownFleets(ids, answers);
  if (options.json) {
    print(JSON.stringify({ schema: 1, command: 'rollout plan', regions: answers.map(planDocument) }, null, 2));
  } else printLines(answers.flatMap(renderPlans), print);
  return exitCodeOfPlans(answers);
}

async function look(here: Here, ids: readonly string[], sources: readonly string[] | undefined): Promise<PlanShown> {
  rolloutsOf(here);
  const { seen, missing, notes } = await lookForPlan(here, ids, sources);
  return { ...plansFor(seen, { fleets: ids, isOrdered: false }), atMs: seen.atMs, missing, notes };
}

/** @throws UsageError for what can be neither a family nor a parameter. */
export function checkSource(source: string): string {
  if (/^\/[A-Za-z0-9_.\-/]{1,1010}$/.test(source) || familyById(source) !== undefined) return source;
  throw new UsageError(
    `not an AMI family, nor the name of a parameter: ${JSON.stringify(source)} (ecs-drain amis shows the families in use)`,
  );
}
