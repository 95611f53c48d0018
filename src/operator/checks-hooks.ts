import { readSwitch } from '../drain/switch.ts';
import { SHORTEST_HEARTBEAT_SECONDS } from './attach.ts';
import type { Check, Finding } from './checks.ts';
import {
  attachedBy,
  count,
  isManaged,
  named,
  perGroup,
  perHook,
  problem,
  unknown,
  unread,
  unreadOnes,
  warning,
} from './checks.ts';
import { clustersOf } from './clusters.ts';
import type { DoctorSeen, ServiceSeen } from './doctor-seen.ts';
import { explain } from './explain.ts';
import type { Hook } from './hooks.ts';
import { isOurs, MOST_HOOKS } from './hooks.ts';

/** After the stop timeout ECS still has to see the task stop, and the drain to look; our figure. */
const STOP_MARGIN_SECONDS = 60;
/** No drain's deadline is later than this before its hook's end (src/drain/times.ts). */
const BEFORE_GLOBAL_TIMEOUT_SECONDS = 300;
/** Where neither the task definition nor the agent says otherwise (ECS API reference, ContainerDefinition). */
const AGENT_STOP_TIMEOUT_SECONDS = 30;
/** So few hooks more than there are, and the group has no room for ours when it is put anew. */
const HOOKS_ROOM = 5;

export const HOOK_CHECKS: readonly Check[] = [
  {
    id: 'attached',
    look: 'the hooks of each group, and which groups have instances in an ECS cluster',
    because: 'Without a hook of ours, Auto Scaling terminates an instance with its tasks on it.',
    fix: 'ecs-drain attach GROUP',
    find: findUnattached,
  },
  {
    id: 'hook-target',
    look: 'whom the hooks of ours tell, and with which role',
    because:
      'A hook that does not tell the lifecycle topic holds each instance until its heartbeat is over, for nothing.',
    fix: "ecs-drain attach GROUP, which mends a hook of ours; where the name is somebody else's, with another --hook.",
    find: (seen) => perGroup(seen, (group, hooks) => hooks.flatMap((hook) => targetOf(hook, group.name, seen))),
  },
  {
    id: 'hook-twice',
    look: 'how many hooks of a group lead to the stack',
    because: 'Each of them brings a drain of its own for the same instance.',
    fix: 'ecs-drain detach GROUP --hook NAME, for all but one.',
    find: (seen) =>
      perGroup(seen, (group, hooks) => {
        const ours = attachedBy(hooks, seen).map(({ name }) => name);
        return ours.length > 1
          ? [warning(`${group.name}: ${count(ours.length, 'hook')} of ours (${named(ours)})`)]
          : [];
      }),
  },
  {
    id: 'heartbeat',
    look: 'the heartbeat of the hooks, beside the stop timeouts of the services on their groups and the deadline of drains',
    because: 'Until the first heartbeat of a drain, the hook lives for one heartbeat only; and for a hundred in all.',
    fix: 'ecs-drain attach GROUP --heartbeat SECONDS, longer than the longest stop timeout; 600 is a good start.',
    find: findHeartbeats,
  },
  {
    id: 'default-result',
    look: 'what follows when nobody answers a hook',
    because:
      "ABANDON ends the group's other hooks too, and with a retention policy leaves the instance behind, running and billed.",
    fix: 'ecs-drain attach GROUP --default-result CONTINUE, unless you mean it.',
    find: (seen) =>
      perHook(seen, ({ name, defaultResult }, group) =>
        defaultResult === 'CONTINUE' ? [] : [warning(`${group.name}: the hook ${name} has ${defaultResult}`)],
      ),
  },
  {
    id: 'managed-draining',
    look: 'capacity providers with managed draining, and its hook',
    because: 'Two drain the same instance, and it waits for both: for up to 48 h, whatever our deadline says.',
    fix: 'Choose one: turn managedDraining off in the capacity provider, or ecs-drain detach GROUP.',
    find: (seen) => [
      ...(seen.managedDraining.ok ? [] : [unread(seen.managedDraining)]),
      ...perGroup(seen, (group, hooks) =>
        attachedBy(hooks, seen).length > 0 && isManaged(group, hooks, seen)
          ? [warning(`${group.name}: ECS drains its instances too`)]
          : [],
      ),
    ],
  },
  {
    id: 'hook-quota',
    look: 'how many hooks each group has',
    because: `AWS allows ${MOST_HOOKS} for a group; beyond that ours cannot be attached.`,
    fix: 'Delete hooks that nobody needs, or ask AWS for more.',
    find: (seen) =>
      perGroup(seen, (group, { length }) =>
        length > MOST_HOOKS - HOOKS_ROOM ? [warning(`${group.name}: ${count(length, 'hook')} of ${MOST_HOOKS}`)] : [],
      ),
  },
];

function findUnattached(seen: DoctorSeen): Finding[] {
  const { groups, clusters, named: asked } = seen;
  if (!groups.ok) return [unread(groups)];
  const isAttached = groups.value.some(({ hooks }) => hooks.ok && attachedBy(hooks.value, seen).length > 0);
  const allRead = groups.value.every(({ hooks }) => hooks.ok);
  return [
    ...(!isAttached && allRead && asked.length === 0
      ? [problem('no group of the region is attached: nothing is drained')]
      : []),
    ...(clusters.ok ? [] : [unknown(`which groups have instances in a cluster: ${explain(clusters)}`)]),
    ...unreadOnes(
      'the instances of cluster',
      (clusters.ok ? clusters.value : []).map(({ name, registrations: read }) => ({ name, read })),
    ),
    ...perGroup(seen, (group, hooks) => {
      if (attachedBy(hooks, seen).length > 0 || isManaged(group, hooks, seen)) return [];
      const where = clustersOf(group, clusters);
      const inClusters = 'ok' in where || where.length === 0 ? '' : ` (in ${named(where)})`;
      if (asked.length > 0) return [problem(`${group.name}: no hook of ours${inClusters}`)];
      return inClusters === '' ? [] : [warning(`${group.name}: no hook of ours${inClusters}`)];
    }),
  ];
}

function targetOf(hook: Hook, group: string, { stack }: DoctorSeen): Finding[] {
  const at = `${group}: the hook ${hook.name}`;
  if (hook.name === stack.name && !isOurs(hook, stack))
    return [problem(`${at} tells ${hook.targetArn}, not our topic`)];
  if (!isOurs(hook, stack)) return [];
  if (hook.targetArn === undefined) {
    const prefix = stack.hookNamePrefix;
    return prefix !== undefined && hook.name.startsWith(prefix)
      ? []
      : [problem(`${at} has no target, and the stack has no rule for its name (HookNamePrefix)`)];
  }
  if (hook.roleArn === stack.hookRoleArn) return [];
  return [warning(`${at} publishes with ${hook.roleArn ?? 'no role'}; whether that may, cannot be seen here`)];
}

function findHeartbeats(seen: DoctorSeen): Finding[] {
  return [
    ...perHook(seen, ({ name, heartbeatSeconds: heartbeat, globalTimeoutSeconds }, group) => {
      const at = `${group.name}: the hook ${name} has a heartbeat of ${heartbeat} s`;
      const where = clustersOf(group, seen.clusters);
      const slowest = 'ok' in where ? undefined : slowestIn(where, seen);
      const deadline = deadlineOf(group.name, seen);
      return [
        ...(heartbeat < SHORTEST_HEARTBEAT_SECONDS
          ? [problem(`${at}: over before a notice that failed at first comes again (${SHORTEST_HEARTBEAT_SECONDS} s)`)]
          : []),
        ...('ok' in where ? [unknown(`which services are on ${group.name}: ${explain(where)}`)] : []),
        ...(slowest !== undefined && heartbeat < slowest.seconds + STOP_MARGIN_SECONDS
          ? [warning(`${at}, and ${slowest.service} may take ${slowest.seconds} s to stop`)]
          : []),
        ...(deadline !== undefined && deadline > globalTimeoutSeconds - BEFORE_GLOBAL_TIMEOUT_SECONDS
          ? [warning(`${at}, so it ends after ${globalTimeoutSeconds} s; the deadline of drains is ${deadline} s`)]
          : []),
      ];
    }),
    ...unreadOnes(
      'the services of',
      seen.workloads.map(({ cluster: name, services: read }) => ({ name, read })),
    ),
    ...unreadOnes(
      'the stop timeout of',
      seen.taskDefinitions.map(({ arn, stopTimeoutSeconds: read }) => ({ name: shortName(arn), read })),
    ),
    ...(seen.unreadTaskDefinitions > 0
      ? [unknown(`the stop timeouts of ${seen.unreadTaskDefinitions} more task definitions were not read`)]
      : []),
  ];
}

/** The service that may take longest to stop, of those in the clusters. */
function slowestIn(clusters: readonly string[], seen: DoctorSeen) {
  const services = seen.workloads.flatMap(({ cluster, services: read }) =>
    read.ok && clusters.includes(cluster)
      ? read.value.map((service) => ({ service: `${cluster}/${service.name}`, seconds: stopOf(service, seen) ?? 0 }))
      : [],
  );
  return services.toSorted((one, other) => other.seconds - one.seconds)[0];
}

/** Undefined where it could not be read. */
function stopOf({ taskDefinition }: ServiceSeen, { taskDefinitions }: DoctorSeen): number | undefined {
  const read = taskDefinitions.find(({ arn }) => arn === taskDefinition)?.stopTimeoutSeconds;
  return read?.ok ? (read.value ?? AGENT_STOP_TIMEOUT_SECONDS) : undefined;
}

function deadlineOf(group: string, { deployed, switchText }: DoctorSeen): number | undefined {
  if (deployed === undefined || 'mistakes' in deployed || !switchText.ok) return undefined;
  const settings = readSwitch(switchText.value ?? '{}', group, deployed);
  return 'mistakes' in settings ? undefined : settings.policy.deadlineSeconds;
}

function shortName(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1);
}
