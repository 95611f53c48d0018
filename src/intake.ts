import type { HandOverPorts } from './drain/hand-over.ts';
import { handOver } from './drain/hand-over.ts';
import type { ExecutionPort } from './ports.ts';
import type { SnsRecord } from './rollout/hand-over.ts';
import { handOverReleases } from './rollout/hand-over.ts';
import { isAboutImages } from './rollout/notice.ts';

type Log = (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: Record<string, string>) => void;

/** Where we run. */
export interface Here {
  readonly accountId: string;
  readonly region: string;
}

export interface IntakePorts extends HandOverPorts {
  /** Of AMI roll-outs; undefined where nothing rolls AMIs out. */
  readonly rollouts: ExecutionPort | undefined;
}

/**
 * The one door: messages about images go to the roll-outs, everything else to the drains. What goes wrong in one room
 * keeps nothing from the other.
 * @throws AggregateError of what could not be handed over, so that the whole delivery comes again and the rest join.
 */
export async function takeIn(delivery: unknown, here: Here, ports: IntakePorts, log: Log): Promise<void> {
  const { releases, rest } = sort(delivery);
  const outcomes = await Promise.allSettled([
    handOver(rest, here.accountId, ports, log),
    handOverReleases(releases, here.region, ports.rollouts, log),
  ]);
  const failures: unknown[] = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  if (failures.length > 1) throw new AggregateError(failures, 'neither drains nor releases could all be handed over');
  if (failures.length === 1) throw failures[0];
}

/** EventBridge speaks of instances only; SNS of both, a record each. */
function sort(delivery: unknown): { releases: SnsRecord[]; rest: unknown } {
  const records = (delivery as { Records?: unknown } | null | undefined)?.Records;
  if (!Array.isArray(records)) return { releases: [], rest: delivery };
  const releases: SnsRecord[] = [];
  const rest: unknown[] = [];
  for (const record of records) {
    const { Message: message, TopicArn: topicArn, Timestamp: timestamp } = record?.Sns ?? {};
    if (isAboutImages({ body: message, topicArn })) releases.push({ message, topicArn, timestamp });
    else rest.push(record);
  }
  return { releases, rest: { Records: rest } };
}
