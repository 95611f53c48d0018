import type { Memory } from './memory.ts';
import type { Remaining } from './seen.ts';
import { isForgotten } from './seen.ts';

/** What is left on the instance, as people and logs read it. */
export function describeRemaining({ look }: Memory): string {
  if (look === undefined) return 'nothing is known yet of the tasks on it';
  if (look.instances && isForgotten(look.instances)) return 'ECS has no registration of it any more';
  if (look.remaining) return countTasks(look.remaining);
  const wanted = look.instances?.wanted ?? 0;
  return `${wanted} task${wanted === 1 ? ' is' : 's are'} still wanted on it`;
}

function countTasks({ total, byStatus }: Remaining): string {
  if (total === 0) return 'no task is left';
  const counts = Object.entries(byStatus).map(([status, count]) => `${count} ${status}`);
  return `${total} task${total === 1 ? '' : 's'} left (${counts.join(', ')})`;
}

export function describeTrouble(memory: Memory): string {
  const failure = memory.trouble?.failure;
  if (failure) return `${failure.operation} answers "${failure.message}" (${failure.reason})`;
  return memory.settings.mode === 'pause' ? 'the switch says pause' : 'no answer from Auto Scaling';
}

/** Why somebody wants it drained. */
export function describeRequest({ request }: Memory): string {
  switch (request.kind) {
    case 'terminating':
      return 'its group takes it away';
    case 'spot-interruption':
      return `its Spot capacity is interrupted (${request.action})`;
    case 'rebalance':
      return 'its Spot capacity is at risk (rebalance recommendation)';
    case 'maintenance':
      return request.change === 'reboot'
        ? `AWS reboots it at ${request.startsAt}`
        : `AWS retires or stops it at ${request.startsAt}`;
    case 'ordered':
      return `${request.by} ordered it: ${request.reason}`;
  }
}

/** A cluster's name, from its name or its ARN. */
export function shortName(cluster: string): string {
  return cluster.slice(cluster.lastIndexOf('/') + 1);
}

export function minutesUntil(untilMs: number, nowMs: number): string {
  const minutes = Math.max(0, Math.round((untilMs - nowMs) / 60_000));
  return minutes === 0 ? 'less than a minute' : `${minutes} min`;
}
