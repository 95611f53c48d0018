/** What of a stack says which lifecycle hooks are its own. */
export interface HookDoors {
  readonly lifecycleTopicArn: string;
  /** What the stack's EventBridge rule listens for; undefined: there is no such rule. */
  readonly hookNamePrefix?: string | undefined;
}

/** A hook leads to the stack by its target; or, where it has none, by a name that the stack listens for. Pure. */
export function isOurHook(
  { lifecycleTopicArn, hookNamePrefix }: HookDoors,
  hook: { readonly name: string; readonly targetArn?: string | undefined },
): boolean {
  if (hook.targetArn !== undefined) return hook.targetArn === lifecycleTopicArn;
  return hookNamePrefix !== undefined && hook.name.startsWith(hookNamePrefix);
}
