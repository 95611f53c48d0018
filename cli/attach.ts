import { isDeepStrictEqual } from 'node:util';
import type { Command } from 'commander';
import { Option } from 'commander';
import { clusterExists, clusters } from '../src/aws/clusters.ts';
import { hooksOf, putHook, groups as readGroups } from '../src/aws/groups.ts';
import { switchPort } from '../src/aws/ssm.ts';
import { listGroupHooks } from '../src/aws/stack-hooks.ts';
import type { AttachPlan, AttachWish } from '../src/operator/attach.ts';
import { DEFAULT_HEARTBEAT_SECONDS, mayAct, observing, planAttach } from '../src/operator/attach.ts';
import type { ClusterSeen } from '../src/operator/clusters.ts';
import { clustersOf } from '../src/operator/clusters.ts';
import type { Group } from '../src/operator/hooks.ts';
import { leadsTo } from '../src/operator/removal.ts';
import type { Result } from '../src/ports.ts';
import type { Here } from './operate.ts';
import { CallFailed, inRegions, need, talksToAws } from './operate.ts';
import type { Advice, ChangeOptions, RegionPlan } from './plan.ts';
import { changesHooks, checkGroups, execute, refuseUnknown } from './plan.ts';
import { quoted } from './text.ts';
import type { Print, Run } from './usage.ts';
import { UsageError, wholeNumber } from './usage.ts';

interface AttachOptions extends ChangeOptions {
  readonly heartbeat?: string;
  readonly defaultResult?: 'CONTINUE' | 'ABANDON';
  readonly hook?: string;
  readonly cluster?: string;
}

export function addAttach(program: Command, run: Run, print: Print): void {
  const command = program
    .command('attach <group...>')
    .description('let Auto Scaling groups wait for a drain before they terminate an instance')
    .option('--heartbeat <seconds>', `of the hook, 30 to 7200 (default of a new one: ${DEFAULT_HEARTBEAT_SECONDS})`)
    .addOption(
      new Option(
        '--default-result <result>',
        'what follows if nobody answers the hook (default of a new one: CONTINUE)',
      ).choices(['CONTINUE', 'ABANDON']),
    )
    .option('--hook <name>', "the hook's name (default: the stack's)")
    .option(
      '--cluster <name>',
      'the ECS cluster that the hook names (default: the one its instances are in, if it is one)',
    );
  changesHooks(talksToAws(command)).action((groups: string[], options: AttachOptions) =>
    run(attach(groups, options, print)),
  );
}

async function attach(named: readonly string[], options: AttachOptions, print: Print): Promise<number> {
  const groups = checkGroups(named);
  const wish = readWish(options);
  const answers = await inRegions(options, (here) => plan(here, groups, wish));
  refuseUnknown(groups, answers);
  return execute({ command: 'attach', answers, carryOut: put }, options, print);
}

async function put({ aws }: Here, { group, hooks, wanted }: AttachPlan): Promise<void> {
  // Whoever was asked may have taken an hour to answer.
  if (wanted === undefined || !isDeepStrictEqual(hooks, need(await hooksOf(aws.autoScaling, group)))) {
    throw new CallFailed('its hooks have changed meanwhile: look again');
  }
  need(await putHook(aws.autoScaling, group, wanted));
}

function readWish(options: AttachOptions): AttachWish {
  const { hook = options.stack, cluster, defaultResult, heartbeat } = options;
  if (!/^[A-Za-z0-9_/-]{1,255}$/.test(hook)) {
    throw new UsageError(`--hook takes letters, digits, -, _ and /, not ${JSON.stringify(hook)}`);
  }
  if (cluster !== undefined && !/^[A-Za-z0-9_-]{1,255}$/.test(cluster)) {
    throw new UsageError(`--cluster takes the name of a cluster, not ${JSON.stringify(cluster)}`);
  }
  const heartbeatSeconds = heartbeat === undefined ? undefined : wholeNumber('--heartbeat', heartbeat, 30, 7_200);
  return { hook, cluster, defaultResult, heartbeatSeconds };
}

async function plan(here: Here, names: readonly string[], wish: AttachWish): Promise<RegionPlan<AttachPlan>> {
  const { aws, stack } = here;
  const found = need(await readGroups(aws.autoScaling, names));
  const registered = await registrations(here, found, wish);
  const plans: AttachPlan[] = [];
  for (const group of found) {
    const hooks = need(await hooksOf(aws.autoScaling, group.name));
    const where = registered && clustersOf(group, registered);
    plans.push(planAttach(stack, wish, { group, hooks, clusters: where }));
  }
  const missing = names.filter((name) => !found.some((group) => group.name === name));
  return { here, plans, missing, advice: await adviceFor(here, plans) };
}

/** Where container instances are registered; a cluster that the operator names has to exist, and no other is looked at. */
async function registrations(
  { aws }: Here,
  found: readonly Group[],
  { cluster }: AttachWish,
): Promise<Result<readonly ClusterSeen[]> | undefined> {
  if (found.length === 0) return undefined;
  if (cluster === undefined) return clusters(aws.ecs);
  if (!need(await clusterExists(aws.ecs, cluster))) throw new CallFailed(`there is no cluster ${cluster}`);
  return undefined;
}

/** A careful team watches its first group before anything is done to it. */
async function adviceFor({ aws, stack }: Here, plans: readonly AttachPlan[]): Promise<Advice[]> {
  const first = plans.find(({ action }) => action === 'create');
  if (first === undefined) return [];
  const text = await switchPort(aws.ssm, stack.switchParameter, aws.now).read();
  if (!text.ok || !mayAct(text.value, first.group)) return [];
  const all = await listGroupHooks(aws.autoScaling);
  if (!all.ok || all.value.some((hook) => leadsTo(stack, hook))) return [];
  return [
    {
      text: "The switch says act, and this is the region's first group. To watch first what would be done, and do nothing:",
      command: [
        `aws ssm put-parameter --region ${aws.region} --overwrite`,
        `--name ${stack.switchParameter}`,
        `--value ${quoted(observing(text.value))}`,
      ],
    },
  ];
}
