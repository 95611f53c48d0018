import type { ServiceSeen, TaskSeen } from '../ports.ts';
import { isLocked, percentWords } from '../service.ts';

/** What was read of an instance that does not empty. */
export interface Stall {
  readonly agentConnected: boolean;
  /** Tasks on it whose last status is not STOPPED. */
  readonly tasks: readonly TaskSeen[];
  /** The services that these tasks belong to. */
  readonly services: readonly ServiceSeen[];
  /** Short ids of the tasks that are under task protection. */
  readonly kept: readonly string[];
  /** When the drain began: what a service said long before is not why it is stuck. */
  readonly sinceMs: number;
}

/** ECS does not repeat itself at once: a lack that began before the drain may have been told of only then. */
const OLDEST_EVENT_SECONDS = 3_600;

/**
 * Why the instance does not empty, as sentences that a person can act on: one for each cause, the most telling first.
 * Pure. Empty when nothing is to be seen.
 */
export function diagnose({ agentConnected, tasks, services, kept, sinceMs }: Stall): string[] {
  const reasons: string[] = [];
  if (!agentConnected) {
    reasons.push(
      'The ECS agent on the instance is disconnected: ECS cannot stop its tasks, nor see them stop. Look at the agent and the network of the instance.',
    );
  }
  const whyStay = (described: ServiceSeen): string[] => {
    const events = described.events.filter(({ atMs }) => atMs >= sinceMs - OLDEST_EVENT_SECONDS * 1000);
    const service = { ...described, events };
    const stuck = tasks.filter(({ group, status }) => group === `service:${service.name}` && !isOnItsWayDown(status));
    return stuck.length > 0 ? [whyServiceStays(service, stuck, kept)] : [];
  };
  reasons.push(...services.filter(({ daemon }) => !daemon).flatMap(whyStay));
  const standalone = tasks.filter(({ group }) => !group.startsWith('service:'));
  if (standalone.length > 0) {
    reasons.push(
      `${count(standalone.length, 'standalone task')} (${groupsOf(standalone)}) will not be stopped by ECS: wait for it to end, or stop it with aws ecs stop-task.`,
    );
  }
  const stopping = tasks.filter(({ status }) => isOnItsWayDown(status));
  if (stopping.length > 0) {
    reasons.push(
      `${count(stopping.length, 'task')} (${groupsOf(stopping)}) ${stopping.length === 1 ? 'was' : 'were'} told to stop and ${stopping.length === 1 ? 'has' : 'have'} not stopped: deregistration delay or stop timeout is long, or the container hangs.`,
    );
  }
  // Daemons go last by nature: the cause is whatever keeps the others.
  return [...reasons, ...services.filter(({ daemon }) => daemon).flatMap(whyStay)];
}

function whyServiceStays(service: ServiceSeen, tasks: readonly TaskSeen[], kept: readonly string[]): string {
  const { name } = service;
  const left = `${count(tasks.length, 'task')} of service ${name} cannot leave`;
  const protectedTasks = tasks.filter(({ id }) => kept.includes(id)).length;
  if (protectedTasks > 0) {
    return `${left}: ${protectedTasks === 1 ? 'one is' : `${protectedTasks} are`} under task protection, which may keep ECS from stopping them. Wait for it to end, or end it with aws ecs update-task-protection.`;
  }
  if (service.daemon) return `${left}: daemon tasks go last, when the other tasks have gone.`;
  if (isLocked(service)) {
    return `${left}: its ${percentWords(service)}, so ECS may neither stop a task first nor start one more. Raise maximumPercent or lower minimumHealthyPercent.`;
  }
  // The service's own words name the cause: no capacity, a port in use, a placement constraint.
  const event = service.events.find(({ message }) =>
    /unable to (place|consistently start)|were stopped|is unhealthy/.test(message),
  );
  if (event) return `${left}: ECS says "${event.message.slice(0, 300)}"`;
  return `${left}: its replacement is not running yet, and ECS gives no reason. Look at the service's events.`;
}

function isOnItsWayDown(status: string): boolean {
  return status === 'DEACTIVATING' || status === 'STOPPING' || status === 'DEPROVISIONING';
}

function groupsOf(tasks: readonly TaskSeen[]): string {
  const groups = [...new Set(tasks.map(({ group }) => group))];
  return groups.length <= 3 ? groups.join(', ') : `${groups.slice(0, 3).join(', ')} and ${groups.length - 3} more`;
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
