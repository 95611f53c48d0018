import type { DrainAlertKind } from '../alert.ts';
import type { Failure, HookSeen } from '../ports.ts';
import type { Settings } from './switch.ts';

/** One registration of the EC2 instance as an ECS container instance. */
export interface Placement {
  /** Cluster name or ARN, as it was found. */
  readonly cluster: string;
  readonly arn: string;
}

/** What is still on the instance: every task whose `lastStatus` is not STOPPED. Counts, and five samples. */
export interface Remaining {
  readonly total: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** Short ids, cluster by cluster in the order of the placements; left out where there are too many to keep. */
  readonly ids?: readonly (readonly string[])[];
  /** Like `service:api 0123456789ab RUNNING`. */
  readonly samples: readonly string[];
}

/** One look at the instance. */
export interface Look {
  readonly atMs: number;
  /** Container-instance statuses; undefined when this look asked only for known tasks. */
  readonly instances?: {
    readonly statuses: readonly string[];
    /** Which of them are ACTIVE, by ARN; not the leftover of an earlier agent, beside one whose agent is there. */
    readonly active?: readonly string[];
    /** Registrations that ECS no longer has. */
    readonly missing: number;
    /** Tasks whose desired status is RUNNING, running and pending together. */
    readonly wanted: number;
    readonly agentsAway: number;
  };
  /** Undefined while tasks are still wanted to run: nobody has listed those on their way down. */
  readonly remaining?: Remaining;
  /** How many container instances of the cluster are DRAINING, 101 for more than 100; undefined when not asked. */
  readonly crowd?: number;
  readonly failure?: Failure;
}

/** What a move answered. Each carries the time at which it was seen. */
export type Seen = {
  /** The switch, where it says something else than what held before; or why it cannot be read. */
  readonly settings?: Settings | { readonly mistakes: string };
} & (
  | {
      readonly kind: 'verify';
      readonly atMs: number;
      /** The instance's group and lifecycle state; undefined where Auto Scaling does not know it. */
      readonly group?: string;
      readonly state?: string;
      /** It is in the state that the request speaks of; true for a request that speaks of none. */
      readonly departing: boolean;
      readonly hook?: HookSeen;
      readonly failure?: Failure;
    }
  | {
      readonly kind: 'find';
      readonly atMs: number;
      readonly placements: readonly Placement[];
      readonly searched: number;
      readonly failure?: Failure;
    }
  | { readonly kind: 'start-draining'; readonly look: Look }
  | { readonly kind: 'look'; readonly look: Look }
  | { readonly kind: 'heartbeat'; readonly atMs: number; readonly hook?: HookSeen; readonly failure?: Failure }
  | { readonly kind: 'read-switch'; readonly atMs: number }
  | { readonly kind: 'stop-standalone'; readonly atMs: number; readonly stopped: number; readonly failure?: Failure }
  | {
      readonly kind: 'replace';
      readonly atMs: number;
      /** It was in no group any more: nobody had to be told anything. */
      readonly inNoGroup?: true;
      readonly failure?: Failure;
    }
  | { readonly kind: 'diagnose'; readonly atMs: number; readonly reasons: readonly string[] }
  | {
      readonly kind: 'alert';
      readonly atMs: number;
      readonly alert: DrainAlertKind;
      /** What people were told is over with it. */
      readonly resolves?: readonly DrainAlertKind[] | undefined;
      readonly failure?: Failure;
    }
  | {
      readonly kind: 'release';
      readonly look: Look;
      readonly forced: boolean;
      readonly completed: boolean;
      /** The action was over already when we came to complete it. */
      readonly already: boolean;
      readonly failure?: Failure;
    }
  | {
      readonly kind: 'restore';
      readonly atMs: number;
      readonly restored: boolean;
      readonly agentAway: boolean;
      /** ECS has no registration of it any more, or its group takes it away. */
      readonly gone?: true;
      readonly failure?: Failure;
    }
);

/** How far a task still has to go, by its last status; one that may yet be told to stop has the longest way. */
const WAY_TO_GO: Readonly<Record<string, number>> = { DEACTIVATING: 3, STOPPING: 2, DEPROVISIONING: 1 };
const WHOLE_WAY = 4;

/** What is left to do on the instance, as one number that only falls while a drain gets on; undefined when unseen. */
export function leftToDo(look: Look): number | undefined {
  if (look.remaining) {
    return Object.entries(look.remaining.byStatus).reduce(
      (sum, [status, count]) => sum + count * (WAY_TO_GO[status] ?? WHOLE_WAY),
      0,
    );
  }
  return look.instances && look.instances.wanted * WHOLE_WAY;
}

/** True when the look shows an instance that nothing runs on: every task on it has really stopped. */
export function isEmpty(look: Look): boolean {
  if (look.failure) return false;
  const { instances, remaining } = look;
  if (instances && isForgotten(instances)) return true;
  return (instances === undefined || instances.wanted === 0) && remaining?.total === 0;
}

/** ECS has no registration of the instance any more. */
export function isForgotten({ missing, statuses }: NonNullable<Look['instances']>): boolean {
  return missing > 0 && statuses.length === 0;
}

/** A registration of it is ACTIVE, or was when ECS wrote this answer. */
export function saysActive({ instances }: Look): boolean {
  return instances?.statuses.includes('ACTIVE') ?? false;
}
