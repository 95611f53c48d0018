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

/** Whether its time has come; and the moment since the look that it came at, for which another look is due. Pure. */
export function timeOf(
  { control, atMs: lookedAtMs }: { readonly control?: Control | undefined; readonly atMs: number },
  atMs: number,
  target: Pick<Target, 'releasedAtMs'>,
  policy: Pick<FleetPolicy, 'mode' | 'minimumAgeSeconds' | 'window'>,
): { readonly isEarly: boolean; readonly startMs: number | undefined; readonly lookMs: number } {
  const startMs = startsAtMs({ control, atMs }, target, policy);
  const sinceLookMs = startsAtMs({ control, atMs: lookedAtMs }, target, policy) ?? lookedAtMs;
  return {
    isEarly: startMs === undefined || startMs > atMs,
    startMs,
    lookMs: sinceLookMs > lookedAtMs ? sinceLookMs : Number.POSITIVE_INFINITY,
  };
}

/** Why it is not begun with, before its time has come. */
export function notBefore(startMs: number | undefined): string {
  if (startMs === undefined) return 'nobody has approved it';
  return `by its window and the age of the release, not before ${new Date(startMs).toISOString()}`;
}

/** An approval of a moment ago may be late in showing. */
const SHOWN_MS = 600_000;

/**
 * Why its tag forbids to begin with it, which it did not when its rollout was started. Pure.
 * @param lastedMs since then.
 */
export function forbiddenByTag(
  { mode }: Pick<FleetPolicy, 'mode'>,
  control: Control | undefined,
  lastedMs: number,
): string | undefined {
  if (mode === 'notify') return 'its tag asks only to be told by now';
  if (mode !== 'approve' || isApproved(control) || lastedMs < SHOWN_MS) return undefined;
  return 'its tag asks for an approval by now, and nobody has given one: order it anew';
}
