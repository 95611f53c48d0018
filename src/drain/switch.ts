import * as z from 'zod/mini';
import type { DrainPolicy } from '../config.ts';

/** `observe`: say what would be done. `pause`: keep hooks alive and do nothing else, until told otherwise. */
export type Mode = 'observe' | 'act' | 'pause';

/** What holds for one drain now. */
export interface Settings {
  readonly mode: Mode;
  readonly policy: DrainPolicy;
}

const seconds = (least: number, most: number) => z.optional(z.int().check(z.gte(least), z.lte(most)));

const Policy = z.strictObject({
  deadlineSeconds: seconds(60, 172_500),
  stuckAfterSeconds: seconds(60, 172_800),
  atDeadline: z.optional(z.enum(['CONTINUE', 'ABANDON'])),
  stopStandaloneAfterSeconds: seconds(0, 172_800),
  spotInterruption: z.optional(z.enum(['notify', 'drain'])),
  rebalance: z.optional(z.enum(['notify', 'drain', 'replace'])),
  maintenance: z.optional(z.enum(['notify', 'drain', 'replace'])),
  maintenanceLeadSeconds: seconds(0, 1_209_600),
});

const mode = z.enum(['observe', 'act', 'pause']);

/** The one SSM parameter of a region: the mode, the policy, and both again for single groups. */
const Switch = z.strictObject({
  mode: z._default(mode, 'act'),
  policy: z._default(Policy, {}),
  groups: z._default(
    z.record(z.string(), z.strictObject({ mode: z.optional(mode), policy: z._default(Policy, {}) })),
    {},
  ),
});

/**
 * Reads the switch for one group: what the group says, else what the region says, else what the stack was deployed
 * with. Pure.
 * @returns the mistakes instead, when the text is not a switch: whoever asks keeps what held before.
 */
export function readSwitch(
  text: string,
  group: string | undefined,
  deployed: DrainPolicy,
): Settings | { readonly mistakes: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { mistakes: 'it is not JSON' };
  }
  const parsed = Switch.safeParse(value);
  if (!parsed.success) {
    return {
      mistakes: parsed.error.issues.map((issue) => `${issue.path.join('.') || 'it'}: ${mistake(issue)}`).join('; '),
    };
  }
  const { mode, policy, groups } = parsed.data;
  const own = group !== undefined && Object.hasOwn(groups, group) ? groups[group] : undefined;
  return {
    mode: own?.mode ?? mode,
    policy: { ...deployed, ...given(policy), ...given(own?.policy ?? {}) },
  };
}

/** `zod/mini` brings no words of its own, and somebody has to mend the switch. */
function mistake(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `there is no ${issue.keys.join(', ')}`;
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.join(', ')}`;
  if (issue.code === 'too_small') return `must be at least ${issue.minimum}`;
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}`;
  return issue.code === 'invalid_type' ? `must be of type ${issue.expected}` : issue.message;
}

/** Without the members that are undefined, so that they do not hide what they are laid over. */
function given(policy: z.infer<typeof Policy>): Partial<DrainPolicy> {
  return Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== undefined));
}
