import { isOurHook } from '../hook.ts';
import type { Failure, Result } from '../ports.ts';
import type { Stack } from './stack.ts';

/** A lifecycle hook of an Auto Scaling group, anybody's. */
export interface GroupHook {
  readonly group: string;
  readonly name: string;
  readonly terminating: boolean;
  /** Undefined where only EventBridge tells of it. */
  readonly targetArn: string | undefined;
  readonly roleArn: string | undefined;
  readonly metadata: string | undefined;
  readonly heartbeatSeconds: number | undefined;
  readonly defaultResult: 'CONTINUE' | 'ABANDON';
}

/** A drain or a rollout that has not ended. */
export interface RunningExecution {
  readonly arn: string;
  /** A drain's begins with the instance's id. */
  readonly name: string;
  readonly startedAtMs: number;
}

/** Whether the hook leads to this stack: by its target, or by the name that the stack's rule listens for. Pure. */
export function leadsTo(stack: Stack, hook: Pick<GroupHook, 'name' | 'terminating' | 'targetArn'>): boolean {
  return isOurHook(stack, hook) && (hook.terminating || hook.targetArn !== undefined);
}

/** What would end, or act otherwise, without the stack. */
export interface Dependents {
  readonly hooks: Result<readonly GroupHook[]>;
  readonly drains: Result<readonly RunningExecution[]>;
  /** Of the ami-update function: of releases and of their fleets; undefined where the stack has no such function. */
  readonly rollouts: Result<readonly RunningExecution[]> | undefined;
}

/** People read no list of a thousand. */
const MOST_NAMED = 10;

/**
 * Why the stack must not be removed now, a sentence for each reason, with what to do about it; none: it may be. What
 * could not be read counts as a reason, for not found is not empty. Pure.
 */
export function holdsBack(
  stack: Stack,
  { hooks, drains, rollouts = { ok: true, value: [] } }: Dependents,
): readonly string[] {
  if (!hooks.ok) return [unread('the hooks of the Auto Scaling groups', hooks)];
  if (!drains.ok) return [unread('the running drains', drains)];
  if (!rollouts.ok) return [unread('the running rollouts', rollouts)];
  const attached = hooks.value.filter((hook) => leadsTo(stack, hook));
  const groups = named(attached.map(({ group, name }) => `${group} (${name})`));
  const reasons = [
    attached.length > 0 &&
      `Hooks lead to ${stack.name}, and would give their default result at once, tasks or no tasks: ${groups}. ` +
        `Detach them: ecs-drain detach --stack ${stack.name} GROUP`,
    drains.value.length > 0 &&
      `Drains run, and would end in the middle: ${namesOf(drains.value)}. Wait for them: ecs-drain status --stack ${stack.name}`,
    // An instance refresh goes on without us, and nobody would look at its first instance.
    rollouts.value.length > 0 &&
      `Rollouts run, and what they have begun would go on with nobody to watch it: ${namesOf(rollouts.value)}. ` +
        `Wait for them, or end them: ecs-drain rollout status --stack ${stack.name}, ecs-drain rollout cancel --stack ${stack.name} RELEASE`,
  ];
  return reasons.filter((reason) => reason !== false);
}

function namesOf(executions: readonly RunningExecution[]): string {
  return named(executions.map(({ name }) => name));
}

function unread(what: string, { operation, message }: Failure): string {
  return `It is not known whether anything depends on the stack: ${what} could not be read. ${operation}: ${message}`;
}

function named(names: readonly string[]): string {
  // Names of groups and hooks come from outside, and are read on a terminal.
  const some = names.slice(0, MOST_NAMED).map((name) => name.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' '));
  const more = names.length - some.length;
  return some.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
