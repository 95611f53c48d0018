import { isDeepStrictEqual } from 'node:util';
import type { Command } from 'commander';
import { deleteHook, hooksOf, groups as readGroups } from '../src/aws/groups.ts';
import type { Plan } from '../src/operator/attach.ts';
import { planDetach } from '../src/operator/detach.ts';
import type { Here } from './operate.ts';
import { CallFailed, inRegions, need, talksToAws } from './operate.ts';
import type { ChangeOptions, RegionPlan } from './plan.ts';
import { changesHooks, checkGroups, execute, refuseUnknown } from './plan.ts';
import type { Print, Run } from './usage.ts';

interface DetachOptions extends ChangeOptions {
  readonly hook?: string;
  readonly force?: boolean;
}

export function addDetach(program: Command, run: Run, print: Print): void {
  const command = program
    .command('detach <group...>')
    .description('take our hook off Auto Scaling groups: their instances go undrained from then on')
    .option('--hook <name>', 'only the hook of that name (default: each that tells the stack)')
    .option('--force', 'also while instances wait for it: they are let go at once');
  changesHooks(talksToAws(command)).action((groups: string[], options: DetachOptions) =>
    run(detach(groups, options, print)),
  );
}

async function detach(named: readonly string[], options: DetachOptions, print: Print): Promise<number> {
  const groups = checkGroups(named);
  const answers = await inRegions(options, (here) => plan(here, groups, options));
  refuseUnknown(groups, answers);
  const carryOut = async (here: Here, { group, hook, action, changes }: Plan): Promise<void> => {
    // Whoever was asked may have taken an hour to answer, and instances may wait by now.
    const again = (await plan(here, [group], options)).plans.find((other) => other.hook === hook);
    if (again?.action !== action || !isDeepStrictEqual(again.changes, changes)) {
      throw new CallFailed('it has changed meanwhile: look again');
    }
    need(await deleteHook(here.aws.autoScaling, group, hook));
  };
  return execute({ command: 'detach', answers, carryOut }, options, print);
}

async function plan(here: Here, names: readonly string[], options: DetachOptions): Promise<RegionPlan<Plan>> {
  const { aws, stack } = here;
  const found = need(await readGroups(aws.autoScaling, names));
  const plans: Plan[] = [];
  for (const group of found) {
    const hooks = need(await hooksOf(aws.autoScaling, group.name));
    plans.push(...planDetach(stack, { hook: options.hook, force: options.force ?? false }, { group, hooks }));
  }
  const missing = names.filter((name) => !found.some((group) => group.name === name));
  return { here, plans, missing, advice: [] };
}
