import type { Command } from 'commander';
import type { Change, Plan } from '../src/operator/attach.ts';
import { confirm } from './confirm.ts';
import type { Answer, Here, OperatorOptions } from './operate.ts';
import { CallFailed } from './operate.ts';
import { printable } from './table.ts';
import { count, wrap } from './text.ts';
import type { Print } from './usage.ts';
import { UsageError } from './usage.ts';

/** What the commands that change hooks have in common: they plan, show, ask, do, and say what came of it. */
export interface ChangeOptions extends OperatorOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** What whoever decides should know of the region, and a command of a shell for it, in lines that are not wrapped. */
export interface Advice {
  readonly text: string;
  readonly command: readonly string[];
}

/** One region's part. */
export interface RegionPlan<P extends Plan> {
  readonly here: Here;
  readonly plans: readonly P[];
  /** Groups that the region does not have. */
  readonly missing: readonly string[];
  readonly advice: readonly Advice[];
}

type Outcome = { readonly result: 'done' } | { readonly result: 'failed'; readonly problem: string };

export interface Work<P extends Plan> {
  readonly command: 'attach' | 'detach';
  readonly answers: readonly Answer<RegionPlan<P>>[];
  /** Rejects with CallFailed where it could not. */
  readonly carryOut: (here: Here, plan: P) => Promise<void>;
}

export function changesHooks(command: Command): Command {
  return command.option('--dry-run', 'show what would change, and change nothing').option('--yes', 'do not ask');
}

/** Each group once. @throws UsageError for what cannot be the name of one group. */
export function checkGroups(groups: readonly string[]): string[] {
  for (const group of groups) {
    if (/[*?]/.test(group))
      throw new UsageError(`groups are named one by one, without wildcards: ${JSON.stringify(group)}`);
    if (group === '' || group.length > 255) throw new UsageError(`not the name of a group: ${JSON.stringify(group)}`);
  }
  return [...new Set(groups)];
}

/** @throws UsageError when a group is in none of the regions, and all of them have answered. */
export function refuseUnknown(
  groups: readonly string[],
  answers: readonly Answer<{ missing: readonly string[] }>[],
): void {
  const unknown = groups.filter((group) =>
    answers.every((answer) => answer.ok && answer.value.missing.includes(group)),
  );
  if (unknown.length === 0) return;
  const regions = answers.map(({ region }) => region).join(', ');
  throw new UsageError(`no Auto Scaling group ${unknown.join(', ')} in ${regions}: nothing was changed`);
}

/** Shows the plans, asks, and carries out what changes something. Answers the exit code. */
export async function execute<P extends Plan>(work: Work<P>, options: ChangeOptions, print: Print): Promise<number> {
  const { command, answers } = work;
  const say: Print = options.json ? () => undefined : print;
  for (const answer of answers) for (const line of renderRegion(answer)) say(line);

  const changing = answers.flatMap((answer) => (answer.ok ? answer.value.plans.filter(isChange) : []));
  const outcomes = new Map<Plan, Outcome>();
  let agreed = true;
  if (changing.length > 0 && !options.dryRun) {
    if (options.json && !options.yes) throw new UsageError('--json does not ask: say --yes, or --dry-run');
    agreed = await confirm(`${command} ${count(changing.length, 'hook')}?`, options.yes);
    if (agreed) await carryOutAll(work, outcomes, say);
  }
  if (options.json) print(JSON.stringify(document(work, options, outcomes)));
  else for (const line of ending(answers, options, changing.length, agreed)) print(line);
  if (outcomes.size > 0 && command === 'attach') say('Next, for what else could hold drains up: ecs-drain doctor');
  return agreed && answers.every((answer) => isFine(answer, outcomes)) ? 0 : 1;
}

const isChange = ({ action }: Plan): boolean => ['create', 'change', 'delete'].includes(action);

function isFine(answer: Answer<RegionPlan<Plan>>, outcomes: ReadonlyMap<Plan, Outcome>): boolean {
  return (
    answer.ok &&
    answer.value.plans.every((plan) => plan.action !== 'refused' && outcomes.get(plan)?.result !== 'failed')
  );
}

/** One after another: what fails for one group keeps no other from its turn. */
async function carryOutAll<P extends Plan>(
  { answers, carryOut, command }: Work<P>,
  outcomes: Map<Plan, Outcome>,
  say: Print,
): Promise<void> {
  for (const answer of answers) {
    if (!answer.ok) continue;
    const { here, plans } = answer.value;
    for (const plan of plans.filter(isChange)) {
      const outcome = await carryOut(here, plan).then((): Outcome => ({ result: 'done' }), failed);
      outcomes.set(plan, outcome);
      const what = outcome.result === 'failed' ? `NOT ${command}ed: ${outcome.problem}` : `${command}ed`;
      for (const line of wrap(`${answer.region}: ${plan.group} ${what}`, '  ')) say(line);
    }
  }
}

function failed(error: unknown): Outcome {
  if (error instanceof CallFailed) return { result: 'failed', problem: error.message };
  throw error;
}

/** What is about to happen in one region, as lines. Pure. */
export function renderRegion(answer: Answer<RegionPlan<Plan>>): string[] {
  if (!answer.ok) return wrap(`${answer.region}: ${answer.problem}`, '  ');
  const { plans, missing, advice } = answer.value;
  return [
    answer.region,
    ...plans.flatMap(renderPlan),
    ...missing.flatMap((group) => wrap(`  ${group}: there is no such group here`, '    ')),
    ...advice.flatMap(({ text, command }) => [...wrap(`  ${text}`, '  '), `    ${command.join(' \\\n      ')}`]),
    '',
  ];
}

const WORDS: Readonly<Record<Plan['action'], string>> = {
  create: 'the new hook',
  change: 'changes of the hook',
  delete: 'no more hook',
  none: 'nothing to do',
  refused: 'REFUSED',
};

function renderPlan(plan: Plan): string[] {
  const what = isChange(plan) ? `${WORDS[plan.action]} ${plan.hook}` : `${WORDS[plan.action]}: ${plan.because}`;
  const others = plan.foreign.map(({ name }) => name).join(', ');
  return [
    ...wrap(`  ${plan.group}: ${what}`, '    '),
    ...plan.changes.flatMap(renderChange),
    ...(others === '' ? [] : wrap(`    untouched: ${others}`, '    ')),
    ...plan.notes.flatMap((note) => wrap(`    note: ${note}`, '      ')),
  ];
}

function renderChange({ field, before, after }: Change): string[] {
  const label = `    ${field.padEnd(16)}`;
  const values = [before, after].filter((value) => value !== undefined).map(printable);
  const line = label + values.join(' → ');
  if (line.length <= 80) return [line];
  return [label.trimEnd(), ...values.flatMap((value, i) => wrap(`      ${i === 0 ? value : `→ ${value}`}`, '      '))];
}

function ending(
  answers: readonly Answer<RegionPlan<Plan>>[],
  { dryRun }: ChangeOptions,
  changing: number,
  agreed: boolean,
): string[] {
  if (changing > 0 && dryRun) return [`${count(changing, 'hook')} would change. Nothing was changed (--dry-run).`];
  if (changing > 0) return agreed ? [] : ['Nothing was changed.'];
  return [answers.every((answer) => isFine(answer, new Map())) ? 'Nothing to do.' : 'Nothing was changed.'];
}

function document<P extends Plan>(
  { command, answers }: Work<P>,
  { dryRun = false }: ChangeOptions,
  outcomes: ReadonlyMap<Plan, Outcome>,
): object {
  return {
    schema: 1,
    command,
    dryRun,
    regions: answers.map((answer) => {
      if (!answer.ok) return answer;
      const { here, plans, missing, advice } = answer.value;
      return {
        region: answer.region,
        ok: true,
        stack: here.stack.name,
        groups: plans.map((plan) => ({
          group: plan.group,
          hook: plan.hook,
          action: plan.action,
          because: plan.because,
          changes: plan.changes,
          untouched: plan.foreign.map(({ name }) => name),
          notes: plan.notes,
          ...(outcomes.get(plan) ?? { result: 'untried' }),
        })),
        missing,
        advice: advice.map(({ text, command }) => ({ text, command: command.join(' ') })),
        calls: here.aws.calls(),
      };
    }),
  };
}
