import type { Failure, Result } from '../ports.ts';
import type { DoctorSeen, GroupSeen } from './doctor-seen.ts';
import { explain } from './explain.ts';
import type { Hook } from './hooks.ts';
import { isOurs, MANAGED_DRAINING_HOOK, TERMINATING } from './hooks.ts';

/** `unknown`: it could not be looked at, which says nothing about how it is. */
export type Severity = 'ok' | 'warning' | 'problem' | 'unknown';

/** What a check found; `what` names it, in one sentence without a full stop. */
export interface Finding {
  readonly severity: Severity;
  readonly what: string;
}

/** One thing to look at. `find` is pure; without a finding all is well. */
export interface Check {
  readonly id: string;
  /** What is looked at. */
  readonly look: string;
  /** Why it matters. */
  readonly because: string;
  /** What to do when it is not well. */
  readonly fix: string;
  readonly find: (seen: DoctorSeen) => readonly Finding[];
}

export const ok = (what: string): Finding => ({ severity: 'ok', what });
export const warning = (what: string): Finding => ({ severity: 'warning', what });
export const problem = (what: string): Finding => ({ severity: 'problem', what });
export const unknown = (what: string): Finding => ({ severity: 'unknown', what });
export const unread = (failure: Failure): Finding => unknown(explain(failure));

/** Things of which a read failed: one finding for each reason, however many there are. */
export function unreadOnes(
  what: string,
  failed: readonly { readonly name: string; readonly read: Result<unknown> }[],
): Finding[] {
  const byReason = new Map<string, string[]>();
  for (const { name, read } of failed) {
    if (read.ok) continue;
    const reason = explain(read);
    byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
  }
  return [...byReason].map(([reason, names]) => unknown(`${what} ${named(names)}: ${reason}`));
}

/** Asks for every group whose hooks were read; what could not be read is unknown, group by group. */
export function perGroup(
  { groups }: DoctorSeen,
  find: (group: GroupSeen['group'], hooks: readonly Hook[]) => readonly Finding[],
): Finding[] {
  if (!groups.ok) return [unread(groups)];
  return [
    ...groups.value.flatMap(({ group, hooks }) => (hooks.ok ? find(group, hooks.value) : [])),
    ...unreadOnes(
      'the hooks of',
      groups.value.map(({ group: { name }, hooks: read }) => ({ name, read })),
    ),
  ];
}

/** Asks for every terminate hook of ours. */
export function perHook(
  seen: DoctorSeen,
  find: (hook: Hook, group: GroupSeen['group']) => readonly Finding[],
): Finding[] {
  return perGroup(seen, (group, hooks) => attachedBy(hooks, seen).flatMap((hook) => find(hook, group)));
}

/** Hooks that bring a drain: by our topic, or by the rule that the stack has for their names. */
export function attachedBy(hooks: readonly Hook[], { stack }: DoctorSeen): readonly Hook[] {
  return hooks.filter((hook) => hook.transition === TERMINATING && isOurs(hook, stack));
}

/** True when ECS itself drains the group's instances; unknown counts as no, and is told by the check for it. */
export function isManaged({ arn }: GroupSeen['group'], hooks: readonly Hook[], seen: DoctorSeen): boolean {
  const behind = seen.managedDraining.ok && seen.managedDraining.value.includes(arn);
  return behind || hooks.some(({ name }) => name === MANAGED_DRAINING_HOOK);
}

/** At most so many things are named in one sentence. */
const MOST_NAMED = 5;

export function named(things: readonly string[]): string {
  const more = things.length - MOST_NAMED;
  return more > 0 ? `${things.slice(0, MOST_NAMED).join(', ')} and ${more} more` : things.join(', ');
}

export function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
