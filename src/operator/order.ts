import { DrainRequest } from '../drain/request.ts';

/** What an operator says of the drains that are ordered together. */
export interface Order {
  /** Tells this order from any other; part of the executions' names. */
  readonly id: string;
  readonly noticedAtMs: number;
  readonly by: string;
  readonly reason: string;
  readonly deadlineSeconds: number | undefined;
  readonly cluster: string | undefined;
}

/** What is wrong with the id of an instance, in words; undefined when it could be one. */
export function mistakeInId(instanceId: string): string | undefined {
  if (/^mi-/.test(instanceId)) {
    return `${instanceId} is an external or managed instance: ecs-drain leaves those alone`;
  }
  if (/^i-[0-9a-f]{8,17}$/.test(instanceId)) return undefined;
  return `${JSON.stringify(instanceId)} is not the id of an EC2 instance, like i-0123456789abcdef0`;
}

/** The request for one instance; or what is wrong with it. Pure. */
export function orderFor(instanceId: string, order: Order): DrainRequest | { readonly mistakes: string } {
  const { id, noticedAtMs, by, reason, deadlineSeconds, cluster } = order;
  const request = DrainRequest.safeParse({
    kind: 'ordered',
    instanceId,
    noticedAt: new Date(noticedAtMs).toISOString(),
    id,
    by,
    reason,
    ...(deadlineSeconds === undefined ? {} : { deadlineSeconds }),
    ...(cluster === undefined ? {} : { cluster }),
  });
  if (request.success) return request.data;
  return { mistakes: [...new Set(request.error.issues.map(({ path }) => path.join('.')))].join(', ') };
}

/** Lifecycle states of an instance that its group is taking away already (AWS-CONTRACTS §1). */
const LEAVING = /^(Terminating|Warmed:Terminating|Warmed:Pending|ReplacingRootVolume|Terminated)/;

/** Why a drain of the instance is not ordered; undefined when it is. */
export function refusalOf(facts: {
  /** Names of the drains of this instance that are under way. */
  readonly running: readonly string[];
  /** In its Auto Scaling group; undefined when it is in none. */
  readonly state: string | undefined;
}): string | undefined {
  const [running] = facts.running;
  if (running !== undefined) return `it is being drained already, by the execution ${running}`;
  if (facts.state !== undefined && LEAVING.test(facts.state)) {
    return `its group is taking it away already (${facts.state}): the group's hook has it drained`;
  }
  return undefined;
}
