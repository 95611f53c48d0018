import type { Command } from 'commander';
import { autoScalingPort } from '../src/aws/auto-scaling.ts';
import { ecsPort } from '../src/aws/ecs.ts';
import { groups, hooksOf } from '../src/aws/groups.ts';
import { storedSwitch } from '../src/aws/switch.ts';
import type { Placement } from '../src/drain/seen.ts';
import { clusterIn, isOurs } from '../src/operator/hooks.ts';
import { mistakeInId } from '../src/operator/order.ts';
import type { Check, Readiness } from '../src/operator/rehearsal.ts';
import { checksOf, stagesOf, verdictOf } from '../src/operator/rehearsal.ts';
import { modeOf } from '../src/operator/switch-text.ts';
import { confirm } from './confirm.ts';
import { drainReader } from './drains.ts';
import type { Line } from './lines.ts';
import { plain, printLines } from './lines.ts';
import type { Here, OperatorOptions } from './operate.ts';
import { askOn, CallFailed, inRegions, need, talksToAws } from './operate.ts';
import { renderEvidence, watchRehearsal } from './rehearse-watch.ts';
import { renderProblems } from './status-view.ts';
import { wrap } from './text.ts';
import type { Print, Run } from './usage.ts';
import { UsageError } from './usage.ts';
import { everyOption, everySeconds } from './watch.ts';

interface RehearseOptions extends OperatorOptions {
  readonly instance?: string;
  readonly yes?: boolean;
  readonly every: string;
}

/** Looking at an instance costs a few calls. */
const MOST_CANDIDATES = 10;

export function addRehearse(program: Command, run: Run, print: Print): void {
  const command = program
    .command('rehearse <group>')
    .description('terminate one instance of an Auto Scaling group, with your consent, and prove that it is drained')
    .option('--instance <id>', 'this one (default: one in service with few tasks)')
    .option('--yes', 'do not ask');
  talksToAws(everyOption(command)).action((group: string, options: RehearseOptions) =>
    run(rehearse(group, options, print)),
  );
}

/** The instance that goes, and where it stands. */
export interface Chosen {
  readonly instanceId: string;
  readonly placement: Placement;
}

interface Prepared {
  readonly here: Here;
  readonly readiness: Readiness;
  readonly chosen: Chosen | undefined;
}

async function rehearse(group: string, options: RehearseOptions, print: Print): Promise<number> {
  const every = everySeconds(options);
  const mistake = options.instance === undefined ? undefined : mistakeInId(options.instance);
  if (mistake) throw new UsageError(mistake);
  if ((options.region?.length ?? 0) > 1) throw new UsageError('a group is in one region: give --region once');
  if (options.json && !options.yes) throw new UsageError('--json does not ask: say --yes');

  const say: Print = options.json ? () => undefined : print;
  const [prepared] = await inRegions(options, (here) => prepare(here, group, options.instance));
  if (!prepared?.ok) return fail(prepared?.problem ?? '', prepared?.region ?? '', options, print);
  const { here, readiness, chosen } = prepared.value;
  const checks = checksOf(readiness);
  printLines(checks.flatMap(renderCheck), say);
  if (chosen === undefined || checks.some(({ result }) => result === 'no')) {
    printLines([{ text: 'Nothing was changed.' }], say);
    if (options.json) print(JSON.stringify({ schema: 1, command: 'rehearse', group, checks, proven: false }, null, 2));
    return 1;
  }
  const agreed = await confirm(`Terminate ${chosen.instanceId} of ${group}, which launches another?`, options.yes);
  if (!agreed) {
    printLines([{ text: 'Nothing was changed.' }], say);
    return 1;
  }
  const [ended] = await askOn([prepared], async () => {
    const before = readiness.inService;
    const askedAtMs = here.aws.now();
    need(await autoScalingPort(here.aws.autoScaling).terminate(chosen.instanceId));
    return watchRehearsal(
      { here, group, chosen, before, askedAtMs },
      { every, print: say, quiet: options.json === true },
    );
  });
  if (!ended?.ok) return fail(ended?.problem ?? '', prepared.region, options, print);
  const verdict = verdictOf(ended.value);
  const stages = stagesOf(ended.value).map(({ atMs, ...stage }) => ({
    ...stage,
    ...(atMs === undefined ? {} : { at: new Date(atMs).toISOString() }),
  }));
  const { instanceId, execution } = ended.value;
  const head = {
    schema: 1,
    command: 'rehearse',
    region: prepared.region,
    group,
    instanceId,
    execution: execution?.name,
  };
  const document = { ...head, checks, stages, ...verdict };
  if (options.json) print(JSON.stringify(document, null, 2));
  else printLines(renderEvidence(ended.value), print);
  return verdict.proven ? 0 : 1;
}

function fail(problem: string, region: string, options: RehearseOptions, print: Print): number {
  if (options.json) print(JSON.stringify({ schema: 1, command: 'rehearse', region, problem, proven: false }, null, 2));
  else printLines(renderProblems([{ region, ok: false, problem }]), print);
  return 1;
}

async function prepare(here: Here, name: string, instance: string | undefined): Promise<Prepared> {
  const { aws, stack } = here;
  const [group] = need(await groups(aws.autoScaling, [name]));
  if (group === undefined) throw new CallFailed(`there is no Auto Scaling group ${name}: nothing was changed`);
  const hooks = need(await hooksOf(aws.autoScaling, name));
  const stored = need(await storedSwitch(aws.ssm, stack.switchParameter));
  const reader = drainReader(here);
  const { drains } = await reader.lookInto((await reader.running()).executions);
  const inService = group.instances.filter(({ state }) => state === 'InService').map(({ id }) => id);
  if (instance !== undefined && !inService.includes(instance)) {
    throw new CallFailed(`${instance} is not in service in ${name}: nothing was changed`);
  }
  const cluster = clusterIn(hooks.find((hook) => isOurs(hook, stack))?.metadata);
  const candidates = instance === undefined ? inService.slice(0, MOST_CANDIDATES) : [instance];
  const chosen = await choose(here, candidates, cluster);
  return {
    here,
    readiness: {
      group: name,
      hooks,
      doors: stack,
      mode: modeOf(stored?.text, name),
      inService,
      draining: drains.filter((drain) => drain.group === name).map(({ instanceId }) => instanceId),
      chosen: chosen && (await describe(here, chosen)),
    },
    chosen,
  };
}

/** The one with the fewest tasks that has any: the least is at stake, and something is shown. */
async function choose(
  { aws }: Here,
  candidates: readonly string[],
  named: string | undefined,
): Promise<Chosen | undefined> {
  const ecs = ecsPort(aws.ecs);
  const clusters = named === undefined ? need(await ecs.listClusters()) : [named];
  let best: (Chosen & { readonly tasks: number }) | undefined;
  for (const instanceId of candidates) {
    for (const cluster of clusters) {
      const [arn] = need(await ecs.findContainerInstances(cluster, instanceId));
      if (arn === undefined) continue;
      const [instance] = need(await ecs.describeContainerInstances(cluster, [arn])).found;
      const tasks = (instance?.runningTasks ?? 0) + (instance?.pendingTasks ?? 0);
      if (instance?.status !== 'ACTIVE' || tasks === 0) continue;
      if (best === undefined || tasks < best.tasks) best = { instanceId, placement: { cluster, arn }, tasks };
    }
  }
  return best;
}

async function describe({ aws }: Here, { instanceId, placement }: Chosen): Promise<NonNullable<Readiness['chosen']>> {
  const ecs = ecsPort(aws.ecs);
  const { cluster, arn } = placement;
  const tasks = need(await ecs.describeTasks(cluster, need(await ecs.listTasks(cluster, arn, 'RUNNING'))));
  const names = [...new Set(tasks.map(({ group }) => group))].flatMap((group) =>
    group.startsWith('service:') ? [group.slice('service:'.length)] : [],
  );
  return {
    instanceId,
    cluster,
    tasks: tasks.length,
    standalone: tasks.filter(({ group }) => !group.startsWith('service:')).length,
    services: names.length === 0 ? [] : need(await ecs.describeServices(cluster, names)),
  };
}

const MARKS = { ok: 'ok  ', warn: 'note', no: 'NO  ' } as const;
const TONES = { ok: 'good', warn: 'warn', no: 'bad' } as const;

function renderCheck({ result, says }: Check): Line[] {
  return plain(wrap(`${MARKS[result].trim()}: ${says}`, '    '), TONES[result]);
}
