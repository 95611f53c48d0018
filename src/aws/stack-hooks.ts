import type { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import type { Result } from '../ports.ts';
import { groups, hooksOf } from './groups.ts';

/** A hook that tells the stack's topic, and the group that it is attached to. */
export interface StackHook {
  readonly group: string;
  readonly hook: string;
}

/**
 * Every hook of the region whose target is the topic. Auto Scaling cannot be asked for them: one call for each group.
 * The first call that fails is the answer, for what could not be read may be attached.
 */
export async function stackHooks(
  client: AutoScalingClient,
  lifecycleTopicArn: string,
): Promise<Result<readonly StackHook[]>> {
  const all = await groups(client, undefined);
  if (!all.ok) return all;
  const found: StackHook[] = [];
  for (const { name: group } of all.value) {
    const hooks = await hooksOf(client, group);
    if (!hooks.ok) return hooks;
    for (const { name: hook, targetArn } of hooks.value)
      if (targetArn === lifecycleTopicArn) found.push({ group, hook });
  }
  return { ok: true, value: found };
}
