import { leadsTo } from './removal.ts';
import type { Stack } from './stack.ts';

/** A lifecycle hook of an Auto Scaling group, as it is (AWS-CONTRACTS §1). */
export interface Hook {
  readonly name: string;
  /** Like `autoscaling:EC2_INSTANCE_TERMINATING`. */
  readonly transition: string;
  /** Without one, only EventBridge tells of what the hook holds. */
  readonly targetArn: string | undefined;
  /** What Auto Scaling publishes with. */
  readonly roleArn: string | undefined;
  readonly heartbeatSeconds: number;
  readonly globalTimeoutSeconds: number;
  readonly defaultResult: string;
  readonly metadata: string | undefined;
}

export interface Group {
  readonly name: string;
  readonly arn: string;
  /** Those of its warm pool included. */
  readonly instances: readonly { readonly id: string; readonly state: string }[];
}

export const TERMINATING = 'autoscaling:EC2_INSTANCE_TERMINATING';
/** By default; "your maximum limit of lifecycle hooks, which by default is 50 per Auto Scaling group" (PutLifecycleHook). */
export const MOST_HOOKS = 50;
/** The hook that ECS adds for managed draining (AWS-CONTRACTS §1). */
export const MANAGED_DRAINING_HOOK = 'ecs-managed-draining-termination-hook';

/**
 * Ours is what leads to the stack (removal.ts); and a hook that is named after the stack and tells nobody, for nobody else
 * gives it that name.
 */
export function isOurs(hook: Hook, stack: Stack): boolean {
  const terminating = hook.transition === TERMINATING;
  return leadsTo(stack, { ...hook, terminating }) || (hook.targetArn === undefined && hook.name === stack.name);
}

/** The cluster that a hook's metadata names to the drain, if any. The metadata is the user's own text. */
export function clusterIn(metadata: string | undefined): string | undefined {
  const { cluster } = membersOf(metadata);
  return typeof cluster === 'string' ? cluster : undefined;
}

/** The metadata with another cluster in it, or with none; further members of the user's stay. */
export function withCluster(metadata: string | undefined, cluster: string | undefined): string {
  const { cluster: _, ...others } = membersOf(metadata);
  return JSON.stringify(cluster === undefined ? others : { cluster, ...others });
}

function membersOf(metadata: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(metadata ?? '{}');
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
  } catch {
    return {};
  }
}
