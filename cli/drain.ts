import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { autoScalingPort } from '../src/aws/auto-scaling.ts';
import { executionPort } from '../src/aws/lambda.ts';
import { storedSwitch } from '../src/aws/switch.ts';
import { executionName } from '../src/drain/request.ts';
import type { Order } from '../src/operator/order.ts';
import { mistakeInId, orderFor, refusalOf } from '../src/operator/order.ts';
import { instanceOf } from '../src/operator/status.ts';
import { modeOf } from '../src/operator/switch-text.ts';
import { drainReader } from './drains.ts';
import type { Line } from './lines.ts';
import { plain, printLines } from './lines.ts';
import type { Answer, Here, OperatorOptions } from './operate.ts';
import { explain, inRegions, need, talksToAws } from './operate.ts';
import { renderProblems } from './status-view.ts';
import { commandLines, wrap } from './text.ts';
import type { Print, Run } from './usage.ts';
import { duration, UsageError } from './usage.ts';
import { everyOption, everySeconds } from './watch.ts';
import type { Shots, Watched } from './watch-drains.ts';
import { exitCodeOfDrains, watchDrains } from './watch-drains.ts';
import { userName } from './who.ts';

interface DrainOptions extends OperatorOptions {
  readonly reason: string;
  readonly deadline?: string;
  readonly cluster?: string;
  readonly by?: string;
  readonly wait?: boolean;
  readonly every: string;
}

/** Each costs some calls; whoever has more to drain lets their group replace them. */
const MOST_INSTANCES = 50;
/** As the request has it (src/drain/request.ts). */
const DEADLINE_SECONDS = { least: 60, most: 1_209_600 };

export function addDrain(program: Command, run: Run, print: Print): void {
  const command = program
    .command('drain <instances...>')
    .description('drain container instances, and do nothing else to them')
    .requiredOption('--reason <text>', 'why: it is in every alert about it')
    .option('--deadline <time>', "give up after so long, like 900 or 30m (default: the policy's)")
    .option('--cluster <name>', 'where it is registered; without it, every cluster is looked through')
    .option('--by <name>', 'who wants it (default: your user name)')
    .option('--wait', 'follow them to their end; the exit code is 0 only if all of them are drained');
  talksToAws(everyOption(command)).action((instances: string[], options: DrainOptions) =>
    run(drain(instances, options, print)),
  );
}

/** What became of the order for one instance. */
interface Ordered {
  readonly instanceId: string;
  readonly execution?: string;
  /** Why nothing was ordered. */
  readonly refused?: string;
  readonly notes: readonly string[];
}

type Orders = Watched & { readonly ordered: readonly Ordered[] };

async function drain(ids: readonly string[], options: DrainOptions, print: Print): Promise<number> {
  const instances = oneByOne(ids);
  const order = readOrder(options);
  const every = everySeconds(options);
  if ((options.region?.length ?? 0) > 1) throw new UsageError('an instance is in one region: give --region once');

  const [answer] = await inRegions(options, (here) => orderAll(here, instances, order));
  if (answer === undefined) return 1;
  const say: Print = options.json ? () => undefined : print;
  printLines(renderOrders(answer), say);
  const isRefused = !answer.ok || answer.value.ordered.some(({ refused }) => refused !== undefined);
  const watched = options.wait && answer.ok ? [answer] : [];
  const shots = await watchDrains(watched, { every, print: say, quiet: options.json === true });
  if (options.json) print(JSON.stringify(document(answer, shots), null, 2));
  return isRefused ? 1 : exitCodeOfDrains(shots);
}

/** Each instance once. @throws UsageError for what cannot be one. */
export function oneByOne(ids: readonly string[]): string[] {
  const mistakes = ids.flatMap((id) => mistakeInId(id) ?? []);
  if (mistakes.length > 0) throw new UsageError(mistakes.join('; '));
  if (ids.length > MOST_INSTANCES) throw new UsageError(`at most ${MOST_INSTANCES} instances at a time`);
  return [...new Set(ids)];
}

function readOrder(options: DrainOptions): Omit<Order, 'noticedAtMs'> {
  const { least, most } = DEADLINE_SECONDS;
  const order = {
    id: `cli-${randomUUID()}`,
    by: options.by ?? userName(),
    reason: options.reason.trim(),
    deadlineSeconds: options.deadline === undefined ? undefined : duration('--deadline', options.deadline, least, most),
    cluster: options.cluster,
  };
  const tried = orderFor('i-0123456789abcdef0', { ...order, noticedAtMs: 0 });
  if ('mistakes' in tried) {
    throw new UsageError(
      `cannot be used: --${tried.mistakes.replaceAll(', ', ', --')} (a reason has 1 to 500 characters, a name 1 to 100)`,
    );
  }
  return order;
}

/** One after another; the requests of one command have one id and one time, so that a repeated call joins. */
async function orderAll(here: Here, instances: readonly string[], order: Omit<Order, 'noticedAtMs'>): Promise<Orders> {
  const { aws, stack } = here;
  const reader = drainReader(here);
  const { executions } = await reader.running();
  const noticedAtMs = aws.now();
  const executionsOf = executionPort(aws.lambda, stack.drainFunctionArn);
  const ordered: Ordered[] = [];
  for (const instanceId of instances) {
    const instance = need(await autoScalingPort(aws.autoScaling).describeInstance(instanceId));
    const running = executions.filter(({ name }) => instanceOf(name) === instanceId).map(({ name }) => name);
    const refused = refusalOf({ running, state: instance?.state });
    const request = orderFor(instanceId, { ...order, noticedAtMs });
    if (refused !== undefined || 'mistakes' in request) {
      ordered.push({ instanceId, refused: refused ?? 'it cannot be asked for', notes: [] });
      continue;
    }
    const execution = executionName(request);
    const notes = await heldBack(here, instance?.group);
    const started = await executionsOf.start(execution, request);
    ordered.push(started.ok ? { instanceId, execution, notes } : { instanceId, refused: explain(started), notes: [] });
  }
  const names = ordered.flatMap(({ execution }) => execution ?? []);
  return { here, reader, ordered, only: { names, startedAfterMs: noticedAtMs - CLOCK_MARGIN_MS } };
}

/** AWS tells its time in whole seconds, and each service has its own. */
const CLOCK_MARGIN_MS = 60_000;

/** That the switch does not let it act, where that is to be seen. */
async function heldBack({ aws, stack }: Here, group: string | undefined): Promise<string[]> {
  const stored = await storedSwitch(aws.ssm, stack.switchParameter);
  const mode = stored.ok ? modeOf(stored.value?.text, group) : 'act';
  if (mode === 'pause') return ['The switch says pause: it begins when somebody resumes.'];
  return mode === 'observe' ? ['The switch says observe: it says what it would do, and does nothing.'] : [];
}

function renderOrders(answer: Answer<Orders>): Line[] {
  if (!answer.ok) return renderProblems([answer]);
  const { ordered } = answer.value;
  const done = ordered.filter(({ execution }) => execution !== undefined);
  const ids = done.map(({ instanceId }) => instanceId);
  return [
    ...ordered.flatMap(({ instanceId, execution, refused, notes }) => [
      ...(execution === undefined
        ? plain(wrap(`${instanceId}: not ordered: ${refused}`, '  '), 'bad')
        : plain(wrap(`${instanceId}: ordered`, '  '), 'good')),
      ...notes.flatMap((note) => plain(wrap(`  ${note}`, '  '), 'warn')),
    ]),
    ...(done.length === 0
      ? []
      : plain([
          ...wrap('Each is set DRAINING within seconds; services start their tasks elsewhere first.'),
          ...wrap('When its tasks have gone it stays DRAINING, and runs on: what next is for you.'),
          'To follow:  ecs-drain status --watch',
          ...commandLines('To call off: ', ['ecs-drain cancel', ...ids], '  '),
        ])),
  ];
}

function document(answer: Answer<Orders>, shots: Shots): object {
  if (!answer.ok) return { schema: 1, command: 'drain', region: answer.region, problem: answer.problem };
  const [shot] = shots;
  const ended = shot?.ok ? shot.value.ended : [];
  return {
    schema: 1,
    command: 'drain',
    region: answer.region,
    instances: answer.value.ordered.map((one) => {
      const end = ended.find(({ execution }) => execution === one.execution);
      return { ...one, ...(end && { outcome: end.outcome, because: end.because }) };
    }),
    ...(shot?.ok === false ? { problem: shot.problem } : {}),
  };
}
