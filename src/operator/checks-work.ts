import { readSwitch } from '../drain/switch.ts';
import type { Result } from '../ports.ts';
import { isLocked } from '../service.ts';
import type { Check, Finding } from './checks.ts';
import { count, named, problem, unknown, unread, unreadOnes, warning } from './checks.ts';
import type { Registration } from './clusters.ts';
import type { DoctorSeen, ServiceSeen, StandaloneSeen, WorkloadSeen } from './doctor-seen.ts';

export const WORK_CHECKS: readonly Check[] = [
  {
    id: 'min-max',
    look: 'minimum and maximum healthy percent of the services',
    because:
      'A task on a draining instance moves only if ECS may stop one first, or start one more: else the drain runs into its deadline.',
    fix: 'Raise maximumPercent or lower minimumHealthyPercent, so that with the number of tasks it comes to one more or one less.',
    find: (seen) =>
      perWorkload(
        seen,
        'the services of',
        ({ services }) => services,
        (cluster, services) => services.filter(isLocked).map((service) => problem(lockedIn(cluster, service))),
      ),
  },
  {
    id: 'standalone',
    look: 'tasks that no service started, and whether the policy stops them',
    because: 'ECS leaves them alone on a draining instance: the drain waits for them to end, until its deadline.',
    fix: 'Set StopStandaloneAfterSeconds, or stopStandaloneAfterSeconds in the switch, if they may be stopped.',
    find: (seen) =>
      perWorkload(
        seen,
        'the tasks of',
        ({ standalone }) => standalone,
        (cluster, standalone) => standaloneIn(cluster, standalone, seen),
      ),
  },
  {
    id: 'agents',
    look: 'whether the ECS agents of the instances are connected',
    because:
      'While an agent is away, ECS can neither stop tasks on its instance nor see them stop. Minutes are normal, hours are not.',
    fix: 'Look at the agent and the network of the instance, or terminate it through its group.',
    find: findAway,
  },
];

/** Asks of every cluster whose workload was read. Without the clusters nobody knows what runs on the instances. */
function perWorkload<T>(
  { clusters, workloads }: DoctorSeen,
  what: string,
  read: (workload: WorkloadSeen) => Result<T>,
  find: (cluster: string, value: T) => readonly Finding[],
): Finding[] {
  if (!clusters.ok) return [unread(clusters)];
  const all = workloads.map((workload) => ({ name: workload.cluster, read: read(workload) }));
  return [...all.flatMap(({ name, read: one }) => (one.ok ? find(name, one.value) : [])), ...unreadOnes(what, all)];
}

function lockedIn(
  cluster: string,
  { name, desired, minimumHealthyPercent: least, maximumPercent: most }: ServiceSeen,
): string {
  return `${cluster}/${name}: ${least} % to ${most} % of ${count(desired, 'task')} is neither one less nor one more`;
}

function standaloneIn(cluster: string, { families, tasks, lookedAt }: StandaloneSeen, seen: DoctorSeen): Finding[] {
  const partly = lookedAt < tasks ? [unknown(`${cluster}: ${lookedAt} of ${tasks} tasks were looked at`)] : [];
  if (families.length === 0) return partly;
  const what = `${cluster}: ${count(families.length, 'standalone task')} (${named([...new Set(families)])})`;
  const policy = policyOf(seen);
  if (policy === undefined) return [unknown(`${what}; whether the policy stops them could not be read`), ...partly];
  return policy.stopStandaloneAfterSeconds === undefined
    ? [warning(`${what}, and no policy stops them`), ...partly]
    : partly;
}

/** What holds in the region; groups may have their own. */
function policyOf({ deployed, switchText }: DoctorSeen) {
  if (deployed === undefined || 'mistakes' in deployed || !switchText.ok) return undefined;
  const settings = readSwitch(switchText.value ?? '{}', undefined, deployed);
  return 'mistakes' in settings ? undefined : settings.policy;
}

function findAway({ clusters, groups, named: asked }: DoctorSeen): Finding[] {
  if (!clusters.ok) return [unread(clusters)];
  if (!groups.ok && asked.length > 0) return [unread(groups)];
  const ids = new Set(groups.ok ? groups.value.flatMap(({ group }) => group.instances.map(({ id }) => id)) : []);
  const isAskedFor = ({ instanceId }: Registration): boolean => asked.length === 0 || ids.has(instanceId);
  return [
    ...clusters.value.flatMap(({ name, registrations: read }) => (read.ok ? awayIn(name, read.value, isAskedFor) : [])),
    ...unreadOnes(
      'the instances of cluster',
      clusters.value.map(({ name, registrations: read }) => ({ name, read })),
    ),
  ];
}

function awayIn(
  cluster: string,
  registrations: readonly Registration[],
  isAskedFor: (registration: Registration) => boolean,
): Finding[] {
  const connected = new Set(registrations.filter((one) => one.agentConnected).map(({ instanceId }) => instanceId));
  // Without tasks, and beside a registration that is connected, it is a leftover that nobody waits for (AWS-CONTRACTS §3).
  const away = registrations
    .filter(({ instanceId, agentConnected, tasks }) => !agentConnected && (tasks > 0 || !connected.has(instanceId)))
    .filter(isAskedFor);
  const ids = [...new Set(away.map(({ instanceId }) => instanceId))];
  const tasks = away.reduce((sum, registration) => sum + registration.tasks, 0);
  if (ids.length === 0) return [];
  return [warning(`${cluster}: ${count(ids.length, 'agent')} away, with ${count(tasks, 'task')} (${named(ids)})`)];
}
