import type { Violate } from './audit.ts';
import type { World } from './world.ts';

const CHANGES_REFRESH = /^(Start|Cancel|Rollback)InstanceRefresh$/;

/**
 * Two rollouts never work on one group. An execution works on it from its first change until the execution ends; a start
 * that AWS refuses, since a refresh is under way, was an attempt all the same. Nor does one turn the refresh of another,
 * not even of one that has ended: whoever started it may have had a reason.
 * @param groupOf the Auto Scaling group that launches from a template.
 */
export function watchOneRollout(
  world: World,
  { groupOf, violate }: { groupOf: (templateId: string) => string | undefined; violate: Violate },
): void {
  const running = new Set<string>();
  /** By group: the executions that have changed something about it. */
  const workers = new Map<string, Set<string>>();
  /** By group: whose its latest refresh is; undefined for people's. */
  const refreshes = new Map<string, string | undefined>();

  const groupIn = (operation: string, input: Readonly<Record<string, unknown>>): string | undefined => {
    if (CHANGES_REFRESH.test(operation)) return String(input['AutoScalingGroupName']);
    return operation === 'CreateLaunchTemplateVersion' ? groupOf(String(input['LaunchTemplateId'])) : undefined;
  };

  world.on((event) => {
    if (event.kind === 'execution') {
      if (event.status === 'RUNNING') running.add(event.name);
      else running.delete(event.name);
    }
    if (event.kind !== 'call' || (event.error !== undefined && event.error !== 'InstanceRefreshInProgress')) return;
    const { operation, by } = event;
    const group = groupIn(operation, event.input as Readonly<Record<string, unknown>>);
    if (group === undefined) return;
    const before = workers.get(group) ?? new Set<string>();
    if (by !== undefined) {
      const other = [...before].find((name) => name !== by && running.has(name));
      if (other !== undefined)
        violate('two-rollouts', undefined, `${by} called ${operation} for ${group}, at which ${other} works`);
      const owner = refreshes.get(group);
      if (/^(Cancel|Rollback)/.test(operation) && other === undefined && owner !== by)
        violate('two-rollouts', undefined, `${by} called ${operation} for ${group}: ${owner ?? 'somebody'} started it`);
    }
    if (event.error !== undefined) return;
    if (operation === 'StartInstanceRefresh') refreshes.set(group, by);
    if (by !== undefined) workers.set(group, before.add(by));
  });
}
