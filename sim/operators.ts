import { imageParameterOf } from './fleets.ts';
import type { Region } from './region.ts';

/** What people do through our commands, as those do it: an invocation of a function, a record in the parameter store. */

/** Orders a drain, by invoking the function itself. */
export function order(
  { world, lambda }: Region,
  functionName: string,
  instanceId: string,
  reason: string,
  deadlineSeconds: number | undefined,
): void {
  const id = `order-${world.random('orders').hex(12)}`;
  const noticedAt = new Date(world.clock.nowMs()).toISOString();
  const request = { kind: 'ordered', instanceId, noticedAt, id, by: 'operator', reason, deadlineSeconds };
  invoke(lambda, functionName, `${instanceId}-${id}`, request);
}

/** Orders the rollout of whatever the source names; of these groups and Spot Fleets only, where any are given. */
export function orderRollout(
  { world, lambda, spotFleets }: Region,
  functionName: string,
  source: string,
  groups: readonly string[] | undefined,
): void {
  const fleetOf = (name: string): string => {
    const spotFleet = [...spotFleets.fleets.values()].find((fleet) => fleet.name === name);
    return spotFleet === undefined ? `group/${name}` : `spot-fleet/${spotFleet.id}`;
  };
  const request = {
    kind: 'release',
    source,
    noticedAt: new Date(world.clock.nowMs()).toISOString(),
    ...(groups === undefined ? {} : { fleets: groups.map(fleetOf) }),
    by: 'operator',
    because: 'patching',
    id: world.random('orders').hex(8),
  };
  const slug = source.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '');
  invoke(lambda, functionName, `${slug.slice(0, 12)}-${checksum(source)}-latest-${request.id}`, request);
}

/**
 * Writes what somebody says of the rollout that runs for the source; nothing where none does, or where our command would
 * not take it: somebody has ended it, or there is nothing to resume.
 */
export function say({ world, lambda, ssm }: Region, source: string, word: string): void {
  const running = lambda.executions().filter(({ status, input }) => {
    const request = JSON.parse(input);
    return status === 'RUNNING' && request.kind === 'release' && request.source === source;
  });
  const rollout = running.at(-1);
  if (rollout === undefined) return;
  const parameter = `/ecs-drain/rollouts/${rollout.name}`;
  const before = JSON.parse(ssm.get(parameter) ?? '{}');
  const isOver = before.word === 'cancel' || before.word === 'reject';
  if (isOver || (word === 'resume' && before.word !== 'pause')) return;
  const approved = word === 'approve' || before.word === 'approve' || before.approved === true;
  const at = new Date(world.clock.nowMs()).toISOString();
  ssm.set(parameter, JSON.stringify({ word, by: 'an operator', at, because: 'as planned', approved }));
}

/** Whoever owns the group's template writes the recommended image of its family into a new version of it. */
export function writeTemplate({ scenario, autoScaling, templates, amis, ssm }: Region, group: string): void {
  const { image, template: kind } = scenario.clusters.find((cluster) => cluster.group === group) ?? { image: 'custom' };
  const [described] = autoScaling.operations.DescribeAutoScalingGroups({
    AutoScalingGroupNames: [group],
  }).AutoScalingGroups;
  const templateId = described?.LaunchTemplate?.LaunchTemplateId;
  if (templateId === undefined || image === 'custom') return;
  const { id } = amis.recommended(image);
  if (kind === 'resolve:ssm') {
    ssm.set(imageParameterOf(group), id);
    return;
  }
  const number = templates.write(templateId, id, { makeDefault: true });
  if (kind === 'numbered') autoScaling.setVersion(group, String(number));
}

function invoke(lambda: Region['lambda'], functionName: string, executionName: string, request: object): void {
  lambda.operations['Invoke']?.({
    FunctionName: `${functionName}:durable`,
    InvocationType: 'Event',
    DurableExecutionName: executionName,
    Payload: new TextEncoder().encode(JSON.stringify(request)),
  });
}

/** FNV-1a, as the name of a rollout's execution has it of its source. */
function checksum(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, '0');
}
