import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { listRunning, readExecution } from '../src/aws/executions.ts';
import { executionPort } from '../src/aws/lambda.ts';
import type { Beside } from '../src/operator/rollout-beside.ts';
import { underWay } from '../src/operator/rollout-beside.ts';
import type { RegionPlans, SourcePlan } from '../src/operator/rollout-plan.ts';
import { plansFor, rollsAnything } from '../src/operator/rollout-plan.ts';
import { requestIn } from '../src/operator/rollout-recall.ts';
import { placeOptions } from '../src/place.ts';
import { executionName, ReleaseRequest } from '../src/rollout/request.ts';
import { OPT_IN } from '../src/rollout/tags.ts';
import { confirm } from './confirm.ts';
import { inTurns } from './drains.ts';
import { fleetIds, lookForPlan, refuseUnknownFleets, rolloutsOf } from './fleets.ts';
import type { Line } from './lines.ts';
import { plain, printLines } from './lines.ts';
import type { Answer, Here, OperatorOptions } from './operate.ts';
import { askOn, explain, inRegions, need, talksToAws } from './operate.ts';
import { checkSource, collect } from './rollout-plan.ts';
import type { PlanShown } from './rollout-plan-view.ts';
import { exitCodeOfPlans, planDocument, renderPlans } from './rollout-plan-view.ts';
import { exitCodeOf } from './status.ts';
import { renderProblems } from './status-view.ts';
import { commandLines, count, wrap } from './text.ts';
import type { Print, Run } from './usage.ts';
import { UsageError } from './usage.ts';
import { saidBy } from './who.ts';

interface StartOptions extends OperatorOptions {
  readonly group?: readonly string[];
  readonly because: string;
  readonly by?: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** The order, as one region would be asked; `request` is missing where nothing would come of it. */
interface Ordered {
  readonly here: Here;
  readonly shown: PlanShown;
  readonly missing: readonly string[];
  readonly request?: ReleaseRequest;
  /** Rollouts that are under way already, of the same source or of one of the fleets. */
  readonly beside: readonly Beside[];
}

export function addRolloutStart(rollout: Command, run: Run, print: Print): void {
  const command = rollout
    .command('start <source>')
    .description('roll the image out that a family recommends, or a parameter names; shows the plan and asks first')
    .requiredOption('--because <text>', 'why: it is kept with the rollout')
    .option('--group <name>', 'only this fleet; give it again for more', collect)
    .option('--by <name>', 'who wants it (default: your user name)')
    .option('--dry-run', 'show the plan, and start nothing')
    .option('--yes', 'do not ask');
  talksToAws(command).action((source: string, options: StartOptions) => run(start(source, options, print)));
}

async function start(source: string, options: StartOptions, print: Print): Promise<number> {
  checkSource(source);
  const ids = fleetIds(options.group ?? []);
  const { by, because } = saidBy(options);
  if (because === '') throw new UsageError('--because takes a reason of 1 to 500 characters');
  if (options.json && !options.yes && !options.dryRun)
    throw new UsageError('--json does not ask: say --yes, or --dry-run');
  // One order, however often a call of it is repeated: a second one with the same name and words joins the first.
  const id = `cli-${randomUUID().slice(0, 8)}`;
  const orders = await inRegions(options, (here) => order(here, source, ids, { id, by, because }));
  refuseUnknownFleets(ids, orders);

  const say: Print = options.json ? () => undefined : print;
  const shown = orders.map(
    (answer): Answer<PlanShown> => (answer.ok ? { ...answer, value: answer.value.shown } : answer),
  );
  printLines([...shown.flatMap(renderPlans), ...orders.flatMap(renderBeside)], say);
  const starting = orders.filter((answer) => answer.ok && answer.value.request !== undefined).length;
  const wants = starting > 0 && !options.dryRun;
  const isBeside = orders.some((answer) => answer.ok && answer.value.beside.length > 0);
  const question = `Start ${count(starting, 'rollout')} of ${source}${isBeside ? ' beside what is under way' : ''}?`;
  const agreed = !wants || (await confirm(question, options.yes));
  const started = wants && agreed ? await askOn(orders, invoke) : orders;
  if (options.json) print(JSON.stringify(document(shown, started, wants), null, 2));
  else printLines(ending(started, { starting, wants, agreed }), print);
  return agreed ? Math.max(exitCodeOfPlans(shown), exitCodeOf(started)) : 1;
}

async function order(
  here: Here,
  source: string,
  ids: readonly string[],
  said: Required<Pick<ReleaseRequest, 'id' | 'by' | 'because'>>,
): Promise<Ordered> {
  rolloutsOf(here);
  const { seen, missing, notes } = await lookForPlan(here, ids, [source]);
  const plans = plansFor(seen, { fleets: ids, isOrdered: true });
  const known = ids.filter((id) => !missing.includes(id));
  const isElsewhere = ids.length > 0 && known.length === 0;
  const shown = { ...plans, atMs: seen.atMs, missing, notes };
  const [plan] = plans.plans;
  if (isElsewhere || !rollsAnything(plans)) return { here, shown, missing, beside: [] };
  const { beside, unknown } = await lookBeside(here, source, plans);
  const told = { ...shown, notes: [...notes, ...unknown] };
  return { here, shown: told, missing, beside, request: requestOf(plan, known, seen.atMs, { source, ...said }) };
}

/** What the order would run beside; whoever may not look at that may order all the same, and is told. */
async function lookBeside(here: Here, source: string, { plans }: RegionPlans) {
  const unknown = (why: string) => ({
    beside: [],
    unknown: [`Whether a rollout of the same fleets is under way is not known: ${why}`],
  });
  const { lambda, region } = here.aws;
  const running = await listRunning(lambda, rolloutsOf(here).functionArn);
  if (!running.ok) return unknown(explain(running));
  const read = await inTurns(running.value, ({ arn }) => readExecution(lambda, arn));
  const failed = read.find((one) => !one.ok);
  if (failed && !failed.ok) return unknown(explain(failed));
  const requests = read.flatMap((one) => (one.ok ? (requestIn(one.value.input) ?? []) : []));
  const fleets = plans.flatMap((plan) =>
    'target' in plan ? plan.fleets.filter(({ waits }) => !waits.isOnlyTold).map(({ id }) => id) : [],
  );
  return { beside: underWay(requests, { source, fleets }, { region, stack: here.stack.name }), unknown: [] };
}

function requestOf(
  plan: SourcePlan | undefined,
  fleets: readonly string[],
  atMs: number,
  said: Pick<ReleaseRequest, 'source' | 'id' | 'by' | 'because'>,
): ReleaseRequest {
  return ReleaseRequest.parse({
    kind: 'release',
    ...said,
    ...(plan !== undefined && 'target' in plan ? { version: plan.target.version } : {}),
    // AWS tells its time in whole seconds.
    noticedAt: new Date(Math.floor(atMs / 1000) * 1000).toISOString(),
    ...(fleets.length === 0 ? {} : { fleets }),
  });
}

function renderBeside(answer: Answer<Ordered>): Line[] {
  if (!answer.ok) return [];
  return answer.value.beside.flatMap(({ because, command }) => [
    ...plain(wrap(`${answer.region}: ${because}`, '  '), 'warn'),
    ...plain(commandLines('  ', command, '    '), 'warn'),
  ]);
}

async function invoke(ordered: Ordered): Promise<Ordered> {
  const { here, request } = ordered;
  if (request === undefined) return ordered;
  const { functionArn } = rolloutsOf(here);
  need(await executionPort(here.aws.lambda, functionArn).start(executionName(request), request));
  return ordered;
}

function ending(
  started: readonly Answer<Ordered>[],
  { starting, wants, agreed }: { starting: number; wants: boolean; agreed: boolean },
): Line[] {
  if (starting === 0) return [{ text: 'Nothing would be rolled out: nothing was started.' }, ...tagFirst(started)];
  if (!wants) return [{ text: `${count(starting, 'rollout')} would be started. Nothing was (--dry-run).` }];
  if (!agreed) return [{ text: 'Nothing was started.' }];
  const done = started.flatMap((answer) =>
    answer.ok && answer.value.request
      ? [{ region: answer.region, ...answer.value, name: executionName(answer.value.request) }]
      : [],
  );
  return [
    ...done.flatMap(({ region, name }) => plain(wrap(`${region}: started ${name}`, '  '), 'good')),
    ...(done.length === 0
      ? []
      : plain(commandLines('To follow:  ', ['ecs-drain rollout status --watch', ...placesOf(done)], '  '))),
    ...approvals(done),
    ...renderProblems(started),
  ];
}

/** No order rolls a fleet whose owner only wants to be told. */
function tagFirst(orders: readonly Answer<Ordered>[]): Line[] {
  const plans = orders.flatMap((answer) => (answer.ok ? answer.value.shown.plans : []));
  const told = plans.flatMap((plan) => ('fleets' in plan ? plan.fleets.filter(({ waits }) => waits.isOnlyTold) : []));
  if (told.length === 0) return [];
  const who = told.length === 1 ? `${told[0]?.id} wants` : `${told.length} fleets want`;
  const words = `${who} to be told only (notify), and an order goes by the tags: set ${OPT_IN} to approve or auto first.`;
  return plain(wrap(words, '  '), 'warn');
}

type Done = Ordered & { readonly region: string; readonly name: string };

/** Regions that begin the same release are named in one command. */
function approvals(done: readonly Done[]): Line[] {
  const asking = done.filter(({ shown }) =>
    shown.plans.some(
      (plan) => 'fleets' in plan && plan.fleets.some(({ waits }) => waits.waitsFor.includes('approval')),
    ),
  );
  return [...new Set(asking.map(({ name }) => name))].flatMap((name) => {
    const places = placesOf(asking.filter((one) => one.name === name));
    return plain(commandLines('To approve: ', ['ecs-drain rollout approve', name, ...places], '  '));
  });
}

/** All of one command have one stack's name. */
function placesOf(done: readonly Done[]): string[] {
  const options = done.flatMap(({ region, here }) => placeOptions({ region, stack: here.stack.name }));
  return [...new Set(options)];
}

function document(shown: readonly Answer<PlanShown>[], started: readonly Answer<Ordered>[], wants: boolean): object {
  return {
    schema: 1,
    command: 'rollout start',
    regions: shown.map((answer, i) => {
      const end = started[i];
      const request = end?.ok ? end.value.request : undefined;
      const beside = (end?.ok ? end.value.beside : []).map(({ because, command }) => [because, ...command].join(' '));
      return {
        ...planDocument(answer),
        ...(answer.ok ? { notes: [...answer.value.notes, ...beside] } : {}),
        ...(request === undefined ? {} : { release: executionName(request) }),
        started: wants && request !== undefined,
        ...(answer.ok && end?.ok === false ? { problem: end.problem } : {}),
      };
    }),
  };
}
