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

/** A drain that has not ended. */
export interface RunningExecution {
  readonly arn: string;
  /** Begins with the instance's id. */
  readonly name: string;
  readonly startedAtMs: number;
}

/** Whether the hook leads to this stack: by its target, or by the name that the stack's rule listens for. Pure. */
export function leadsTo(stack: Stack, hook: Pick<GroupHook, 'name' | 'terminating' | 'targetArn'>): boolean {
  return isOurHook(stack, hook) && (hook.terminating || hook.targetArn !== undefined);
}

/** People read no list of a thousand. */
const MOST_NAMED = 10;

/**
 * Why the stack must not be removed now, a sentence for each reason, with what to do about it; none: it may be. What
 * could not be read counts as a reason, for not found is not empty. Pure.
 */
export function holdsBack(
  stack: Stack,
  hooks: Result<readonly GroupHook[]>,
  running: Result<readonly RunningExecution[]>,
): readonly string[] {
  if (!hooks.ok) return [unread('the hooks of the Auto Scaling groups', hooks)];
  if (!running.ok) return [unread('the running drains', running)];
  const attached = hooks.value.filter((hook) => leadsTo(stack, hook));
  const groups = named(attached.map(({ group, name }) => `${group} (${name})`));
  const drains = named(running.value.map(({ name }) => name));
  return [
    ...(attached.length === 0
      ? []
      : [
          `Hooks lead to ${stack.name}, and would give their default result at once, tasks or no tasks: ${groups}. ` +
            `Detach them: ecs-drain detach --stack ${stack.name} GROUP`,
        ]),
    ...(running.value.length === 0
      ? []
      : [`Drains run, and would end in the middle: ${drains}. Wait for them: ecs-drain status --stack ${stack.name}`]),
  ];
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
