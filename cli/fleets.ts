import type { FleetPorts } from '../src/aws/fleet-ports.ts';
import { drainFunction } from '../src/aws/stack-health.ts';
import { storedSwitch } from '../src/aws/switch.ts';
import type { DrainPolicy } from '../src/config.ts';
import { readSwitch } from '../src/drain/switch.ts';
import type { PlanSeen } from '../src/operator/rollout-plan.ts';
import { sourcesOf } from '../src/operator/rollout-plan.ts';
import type { DrainRules } from '../src/rollout/checks.ts';
import type { FleetFacts } from '../src/rollout/fleet.ts';
import { fleetsOptedIn, leftOutWords } from '../src/rollout/opted-in.ts';
import { reading } from '../src/rollout/reading.ts';
import type { SurveyPorts } from '../src/rollout/survey.ts';
import { readTarget } from '../src/rollout/target.ts';
import { policyIn } from './doctor-look.ts';
import type { Here } from './operate.ts';
import { CallFailed, explain, need } from './operate.ts';
import { UsageError } from './usage.ts';

/** What was looked at in one region for a plan. */
export interface LookedAt {
  readonly seen: PlanSeen;
  /** Fleets that were asked for, and that are not among those that opted in here. */
  readonly missing: readonly string[];
  /** What whoever reads the plan should know beside it. */
  readonly notes: readonly string[];
}

/** Where the stack keeps its rollouts. @throws CallFailed where it has none. */
export function rolloutsOf({ stack }: Here): NonNullable<Here['stack']['rollouts']> {
  if (stack.rollouts) return stack.rollouts;
  throw new CallFailed(
    `stack ${stack.name} has no rollouts: deploy it with Rollouts=on, which is not the default (docs/amis.md says how)`,
  );
}

/** EC2's client takes half a second to load: only what looks at fleets waits for it. */
export async function surveyPorts({ aws, stack }: Here): Promise<SurveyPorts & Pick<FleetPorts, 'imagesNamed'>> {
  const { fleetPorts } = await import('../src/aws/fleet-ports.ts');
  const { lifecycleTopicArn, hookNamePrefix } = stack;
  return { ...fleetPorts(aws), now: aws.now, lifecycleTopicArn, hookNamePrefix };
}

/** `web-asg` is a group; a Spot Fleet is asked for by the id that the plan shows. @throws UsageError */
export function fleetIds(names: readonly string[]): string[] {
  for (const name of names) {
    if (/[*?]/.test(name)) {
      throw new UsageError(`fleets are named one by one, without wildcards: ${JSON.stringify(name)}`);
    }
    if (name === '' || name.length > 280) throw new UsageError(`not the name of a fleet: ${JSON.stringify(name)}`);
  }
  return [...new Set(names.map((name) => (/^(group|spot-fleet)\//.test(name) ? name : `group/${name}`)))];
}

/** The fleets that opted in, and what each of the sources names. @param sources those in use, unless given. */
export async function lookForPlan(
  here: Here,
  ids: readonly string[],
  sources: readonly string[] | undefined,
): Promise<LookedAt> {
  const ports = await surveyPorts(here);
  const { fleets, leftOut } = need(await reading(() => fleetsOptedIn(ports, ids)));
  const meant = ids.length === 0 ? fleets : fleets.filter(({ id }) => ids.includes(id));
  const named = [];
  for (const source of sources ?? sourcesOf(meant)) {
    named.push({ source, target: need(await reading(() => readTarget(source, ports))) });
  }
  const { drains, notes } = await drainRules(here, meant);
  return {
    seen: { atMs: ports.now(), fleets, sources: named, drains },
    missing: ids.filter((id) => !fleets.some((fleet) => fleet.id === id)),
    notes: [...notes, ...(leftOut > 0 ? [leftOutWords(leftOut)] : [])],
  };
}

/** @throws UsageError when a fleet is in none of the regions, and all of them have answered. */
export function refuseUnknownFleets(
  ids: readonly string[],
  answers: readonly ({ readonly region: string } & (
    | { readonly ok: true; readonly value: { readonly missing: readonly string[] } }
    | { readonly ok: false }
  ))[],
): void {
  const unknown = ids.filter((id) => answers.every((answer) => answer.ok && answer.value.missing.includes(id)));
  if (unknown.length === 0) return;
  const regions = answers.map(({ region }) => region).join(', ');
  throw new UsageError(`no fleet ${unknown.join(', ')} with the tag ecs-drain:ami in ${regions}: nothing was changed`);
}

/** How drains go, by stack and switch, as each drain itself reads it. */
async function drainRules(
  { aws, stack }: Here,
  fleets: readonly FleetFacts[],
): Promise<Pick<PlanSeen, 'drains'> & { readonly notes: readonly string[] }> {
  const unknown = (why: string) => ({
    drains: {},
    notes: [`Whether the switch says act, and a drain fits into a refresh's hour, is not checked: ${why}`],
  });
  const found = await drainFunction(aws.lambda, stack.drainFunctionArn);
  if (!found.ok) return unknown(explain(found));
  const stored = await storedSwitch(aws.ssm, stack.switchParameter);
  if (!stored.ok) return unknown(explain(stored));
  const deployed = policyIn(found.value?.environment ?? {});
  if (deployed === undefined || 'mistakes' in deployed) {
    return unknown('what the drain function was deployed with cannot be read');
  }
  const text = stored.value?.text ?? '{}';
  return {
    drains: Object.fromEntries(fleets.map(({ id }) => [id, rulesFor(id, text, deployed)])),
    notes: [],
  };
}

/** Of a switch that cannot be understood, drains keep to what they were deployed with. */
function rulesFor(id: string, text: string, deployed: DrainPolicy): DrainRules {
  const settings = readSwitch(text, id.slice(id.indexOf('/') + 1), deployed);
  if ('mistakes' in settings) return { mode: 'unknown', deadlineSeconds: deployed.deadlineSeconds };
  return { mode: settings.mode, deadlineSeconds: settings.policy.deadlineSeconds };
}
