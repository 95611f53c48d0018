import type { HandOverPorts } from './drain/hand-over.ts';
import { handOver } from './drain/hand-over.ts';
import type { FailedExecution } from './drain/restart.ts';
import { readFailure } from './drain/restart.ts';
import type { ExecutionPort } from './ports.ts';
import type { SnsRecord } from './rollout/hand-over.ts';
import { handOverChange, handOverFailure, handOverReleases } from './rollout/hand-over.ts';
import { isAboutImages } from './rollout/notice.ts';
import { readChange } from './rollout/parameter-change.ts';

type Log = (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: Record<string, string>) => void;

/** Where we run. */
export interface Here {
  readonly accountId: string;
  readonly region: string;
}

export interface IntakePorts extends HandOverPorts {
  /** Of AMI roll-outs; undefined where nothing rolls AMIs out. */
  readonly rollouts: RolloutsPort | undefined;
}

interface RolloutsPort extends ExecutionPort {
  readonly functionArn: string;
  /** The stack that it belongs to, by which commands find it. */
  readonly stack: string;
}

/**
 * The one door: messages about images, parameters that name some, and executions of roll-outs that failed go to the
 * roll-outs, everything else to the drains. What goes wrong in one room keeps nothing from the other.
 * @throws AggregateError of what could not be handed over, so that the whole delivery comes again and the rest join.
 */
export async function takeIn(delivery: unknown, here: Here, ports: IntakePorts, log: Log): Promise<void> {
  const { rollouts, alerts } = ports;
  const failed = readFailure(delivery, here.accountId);
  if (rollouts && failed && isOf(rollouts, failed))
    return handOverFailure(failed, { executions: rollouts, alerts, stack: rollouts.stack }, log);
  const change = readChange(delivery, here.accountId);
  if (rollouts && change) return handOverChange(change, rollouts, log);
  const { releases, rest } = sort(delivery);
  const outcomes = await Promise.allSettled([
    handOver(rest, here.accountId, ports, log),
    handOverReleases(releases, here.region, rollouts, log),
  ]);
  const failures: unknown[] = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  if (failures.length > 1) throw new AggregateError(failures, 'neither drains nor releases could all be handed over');
  if (failures.length === 1) throw failures[0];
}

/** By the function's name: its version or alias is another one each time. */
function isOf({ functionArn }: RolloutsPort, failed: FailedExecution): boolean {
  const nameIn = (arn: string) => arn.split(':')[6];
  return nameIn(failed.functionArn) === nameIn(functionArn);
}

/** SNS speaks of images and of instances, a record each. */
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
