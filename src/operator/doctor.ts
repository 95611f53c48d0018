import type { Check, Finding, Severity } from './checks.ts';
import { HOOK_CHECKS } from './checks-hooks.ts';
import { STACK_CHECKS } from './checks-stack.ts';
import { WORK_CHECKS } from './checks-work.ts';
import type { DoctorSeen } from './doctor-seen.ts';

/** All that doctor looks at, in the order in which it tells. */
export const CHECKS: readonly Check[] = [...HOOK_CHECKS, ...WORK_CHECKS, ...STACK_CHECKS];

/** What a check came to; its severity is the worst of its findings. */
export interface Examined extends Omit<Check, 'find'> {
  readonly severity: Severity;
  readonly findings: readonly Finding[];
}

/** The worst first. What is unknown hides no warning, and is never taken for well. */
export const SEVERITIES: readonly Severity[] = ['problem', 'warning', 'unknown', 'ok'];

/** What is wrong in one region, given what was seen of it. Pure. */
export function examine(seen: DoctorSeen): readonly Examined[] {
  return CHECKS.map(({ find, ...check }) => {
    const findings = find(seen);
    const severity = SEVERITIES.find((one) => findings.some((finding) => finding.severity === one)) ?? 'ok';
    return { ...check, severity, findings };
  });
}
