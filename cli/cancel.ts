import type { Command } from 'commander';
import { ecsPort } from '../src/aws/ecs.ts';
import { shortName } from '../src/drain/words.ts';
import type { Cancellation } from '../src/operator/cancel.ts';
import { cancellation } from '../src/operator/cancel.ts';
import { recall } from '../src/operator/recall.ts';
import { instanceOf } from '../src/operator/status.ts';
import { confirm } from './confirm.ts';
import { oneByOne } from './drain.ts';
import { drainReader } from './drains.ts';
import type { Line } from './lines.ts';
import { plain, printLines } from './lines.ts';
import type { Answer, Here, OperatorOptions } from './operate.ts';
import { explain, inRegions, talksToAws } from './operate.ts';
import { renderProblems } from './status-view.ts';
import { count, wrap } from './text.ts';
import type { Print, Run } from './usage.ts';
import { UsageError } from './usage.ts';

interface CancelOptions extends OperatorOptions {
  readonly yes?: boolean;
}

interface Planned {
  readonly instanceId: string;
  readonly plan: Cancellation;
}

interface Plans {
  readonly here: Here;
  readonly planned: readonly Planned[];
}

/** What went wrong with an instance, by its id; an instance that was set ACTIVE has an empty text. */
type Results = ReadonlyMap<string, string>;

export function addCancel(program: Command, run: Run, print: Print): void {
  const command = program
    .command('cancel <instances...>')
    .description('call drains off that need not be: ordered ones, and those before an interruption or maintenance')
    .option('--yes', 'do not ask');
  talksToAws(command).action((instances: string[], options: CancelOptions) => run(cancel(instances, options, print)));
}

async function cancel(ids: readonly string[], options: CancelOptions, print: Print): Promise<number> {
  const instances = oneByOne(ids);
  if ((options.region?.length ?? 0) > 1) throw new UsageError('an instance is in one region: give --region once');
  if (options.json && !options.yes) throw new UsageError('--json does not ask: say --yes');

  const [answer] = await inRegions(options, (here) => planAll(here, instances));
  if (answer === undefined) return 1;
  if (!options.json) printLines(renderPlans(answer), print);

  const changing = answer.ok ? answer.value.planned.filter(({ plan }) => plan.action === 'activate') : [];
  const question = `Set ${count(changing.length, 'container instance')} ACTIVE?`;
  const agreed = changing.length === 0 || (await confirm(question, options.yes));
  const results = agreed && answer.ok ? await activateAll(answer.value.here, changing) : new Map<string, string>();
  if (options.json) print(JSON.stringify(document(answer, results), null, 2));
  else printLines(renderResults(results, agreed), print);
  return agreed && answer.ok && answer.value.planned.every(({ instanceId }) => results.get(instanceId) === '') ? 0 : 1;
}

async function planAll(here: Here, instances: readonly string[]): Promise<Plans> {
  const reader = drainReader(here);
  const { executions } = await reader.running();
  const planned: Planned[] = [];
  for (const instanceId of instances) {
    const own = executions.filter(({ name }) => instanceOf(name) === instanceId);
    const memories = [];
    for (const execution of own) memories.push(recall(await reader.history(execution)).memory);
    planned.push({ instanceId, plan: cancellation(memories, here.aws.now()) });
  }
  return { here, planned };
}

/** One after another: what fails for one keeps no other from its turn. */
async function activateAll({ aws }: Here, planned: readonly Planned[]): Promise<Results> {
  const results = new Map<string, string>();
  for (const { instanceId, plan } of planned) {
    if (plan.action === 'activate') results.set(instanceId, await activate(ecsPort(aws.ecs), plan.placements));
  }
  return results;
}

async function activate(
  ecs: ReturnType<typeof ecsPort>,
  placements: Extract<Cancellation, { action: 'activate' }>['placements'],
): Promise<string> {
  for (const cluster of new Set(placements.map((placement) => placement.cluster))) {
    const arns = placements.filter((placement) => placement.cluster === cluster).map(({ arn }) => arn);
    const answer = await ecs.setStatus(cluster, arns, 'ACTIVE');
    if (!answer.ok) return explain(answer);
  }
  return '';
}

function renderPlans(answer: Answer<Plans>): Line[] {
  if (!answer.ok) return renderProblems([answer]);
  return answer.value.planned.flatMap(({ instanceId, plan }) => [
    ...(plan.action === 'refused'
      ? plain(wrap(`${instanceId}: not called off: ${plan.because}`, '  '), 'bad')
      : plan.placements.flatMap(({ cluster, arn }) =>
          plain(wrap(`${instanceId}: container instance ${shortName(arn)} in ${shortName(cluster)}: → ACTIVE`, '  ')),
        )),
    ...plan.notes.flatMap((note) => plain(wrap(`  ${note}`, '  '))),
  ]);
}

function renderResults(results: Results, agreed: boolean): Line[] {
  if (!agreed) return [{ text: 'Nothing was changed.' }];
  return [...results].flatMap(([instanceId, problem]) =>
    problem === ''
      ? plain([`${instanceId}: set ACTIVE`], 'good')
      : plain(wrap(`${instanceId}: NOT set ACTIVE: ${problem}`, '  '), 'bad'),
  );
}

function document(answer: Answer<Plans>, results: Results): object {
  const head = { schema: 1, command: 'cancel', region: answer.region };
  if (!answer.ok) return { ...head, problem: answer.problem };
  return {
    ...head,
    instances: answer.value.planned.map(({ instanceId, plan }) => {
      const problem = results.get(instanceId);
      return { instanceId, ...plan, cancelled: problem === '', ...(problem ? { problem } : {}) };
    }),
  };
}
