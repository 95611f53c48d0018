import type { Change, Plan } from './attach.ts';
import type { Group, Hook } from './hooks.ts';
import { isOurs } from './hooks.ts';
import type { Stack } from './stack.ts';

export interface DetachSeen {
  readonly group: Group;
  readonly hooks: readonly Hook[];
}

/** The states before and in the wait of a terminate hook (AWS-CONTRACTS §1). */
const HELD = /^(Terminating|Warmed:Terminating|Warmed:Pending|ReplacingRootVolume)(:Wait)?$/;
/** At most so many instances are named. */
const MOST_NAMED = 3;

/**
 * What detaching would remove: the hooks that tell our topic, or the named one of them. Deleting a hook lets waiting
 * terminations continue at once (API reference, DeleteLifecycleHook), tasks on them or not; so that is refused without
 * `force`. Pure.
 */
export function planDetach(
  stack: Stack,
  wish: { readonly hook?: string | undefined; readonly force: boolean },
  { group, hooks }: DetachSeen,
): readonly Plan[] {
  const ours = hooks.filter((hook) => isOurs(hook, stack) && (wish.hook === undefined || hook.name === wish.hook));
  const foreign = hooks.filter((hook) => !ours.includes(hook));
  const hook = wish.hook ?? stack.name;
  const plan = { group: group.name, hook, changes: [], because: '', hooks, foreign, notes: [] } as const;
  const namesake = foreign.find(({ name }) => name === plan.hook);
  if (ours.length === 0 && namesake !== undefined) {
    return [{ ...plan, action: 'refused', because: `its hook ${namesake.name} is not ours, and is not touched` }];
  }
  if (ours.length === 0) return [{ ...plan, action: 'none', because: 'it is not attached' }];

  const held = heldInstances(group);
  const cut = `${held.length} of its instances wait${held.length === 1 ? 's' : ''} to leave (${named(held)}), and would be let go at once, with tasks on ${held.length === 1 ? 'it' : 'them'} or not`;
  return ours.map((hook) => {
    const of = { ...plan, hook: hook.name };
    if (held.length > 0 && !wish.force) {
      return { ...of, action: 'refused', because: `${cut}: wait for the drains to end, or say --force` };
    }
    return { ...of, action: 'delete', changes: removalOf(hook), notes: held.length > 0 ? [cut] : [] };
  });
}

/** Those that wait for a terminate hook: for ours, perhaps, or for another; Auto Scaling does not say for which. */
function heldInstances({ instances }: Group): string[] {
  return instances.filter(({ state }) => HELD.test(state)).map(({ id }) => id);
}

function named(ids: readonly string[]): string {
  return ids.length <= MOST_NAMED
    ? ids.join(', ')
    : `${ids.slice(0, MOST_NAMED).join(', ')} and ${ids.length - MOST_NAMED} more`;
}

function removalOf(hook: Hook): Change[] {
  const all: Change[] = [
    { field: 'target', before: hook.targetArn, after: undefined },
    { field: 'heartbeat', before: `${hook.heartbeatSeconds} s`, after: undefined },
    { field: 'default result', before: hook.defaultResult, after: undefined },
    { field: 'metadata', before: hook.metadata, after: undefined },
  ];
  return all.filter(({ before }) => before !== undefined);
}
