import type { Control } from './control.ts';
import { isApproved } from './control.ts';
import type { Target } from './fleet.ts';
import type { FleetPolicy } from './tags.ts';
import { windowAt } from './window.ts';

/** When a fleet may be begun with, as things are; undefined while that depends on somebody's word. Pure. */
export function startsAtMs(
  { control, atMs }: { readonly control?: Control | undefined; readonly atMs: number },
  { releasedAtMs }: Pick<Target, 'releasedAtMs'>,
  { mode, minimumAgeSeconds, window }: Pick<FleetPolicy, 'mode' | 'minimumAgeSeconds' | 'window'>,
): number | undefined {
  const approved = isApproved(control);
  if (mode === 'approve' && !approved) return undefined;
  // Who approves knows the release: its age matters only where nobody is asked.
  const oldEnoughMs = approved ? atMs : Math.max(atMs, releasedAtMs + minimumAgeSeconds * 1000);
  if (window === undefined) return oldEnoughMs;
  const found = windowAt(window, oldEnoughMs);
  if (found === undefined) return undefined;
  return 'openUntilMs' in found ? oldEnoughMs : found.opensAtMs;
}

export const NOT_APPROVED = 'nobody has approved it';

export function notBefore(ms: number): string {
  return `by its window and the age of the release, not before ${new Date(ms).toISOString()}`;
}
