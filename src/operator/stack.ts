import * as z from 'zod/mini';

const given = z.string().check(z.minLength(1));

/** What the stack puts out, and operators' commands work with. */
const Outputs = z.object({
  LifecycleTopicArn: given,
  AlertTopicArn: given,
  HookRoleArn: given,
  /** Qualified with the alias. */
  DrainFunctionArn: given,
  SwitchParameterName: given,
  DeadLettersUrl: given,
  HookNamePrefix: z.optional(given),
  AmiUpdateFunctionArn: z.optional(given),
  RolloutPrefix: z.optional(given),
});

/** One deployed stack of ecs-drain. */
export interface Stack {
  readonly name: string;
  readonly lifecycleTopicArn: string;
  readonly alertTopicArn: string;
  readonly hookRoleArn: string;
  readonly drainFunctionArn: string;
  readonly switchParameter: string;
  readonly deadLettersUrl: string;
  /** Hooks without a target whose names begin so lead to the stack, through EventBridge. */
  readonly hookNamePrefix?: string;
  /** What rolls AMIs out; undefined where the stack has nothing that does. */
  readonly rollouts?: {
    /** Qualified with the alias. */
    readonly functionArn: string;
    /** Names of the parameters in which people say what they want begin so. */
    readonly parameterPrefix: string;
  };
}

/** Reads a stack's outputs; the names of those that are missing instead, where it is not one of ours. Pure. */
export function readStack(
  name: string,
  outputs: Readonly<Record<string, string>>,
): Stack | { readonly missing: readonly string[] } {
  const parsed = Outputs.safeParse(outputs);
  if (!parsed.success) return { missing: parsed.error.issues.map(({ path }) => path.join('.')) };
  const { data } = parsed;
  return {
    name,
    lifecycleTopicArn: data.LifecycleTopicArn,
    alertTopicArn: data.AlertTopicArn,
    hookRoleArn: data.HookRoleArn,
    drainFunctionArn: data.DrainFunctionArn,
    switchParameter: data.SwitchParameterName,
    deadLettersUrl: data.DeadLettersUrl,
    ...(data.HookNamePrefix === undefined ? {} : { hookNamePrefix: data.HookNamePrefix }),
    ...(data.AmiUpdateFunctionArn === undefined || data.RolloutPrefix === undefined
      ? {}
      : { rollouts: { functionArn: data.AmiUpdateFunctionArn, parameterPrefix: data.RolloutPrefix } }),
  };
}
