import { failingFor, pollSeconds } from './course.ts';
import type { SpotMemory } from './spot-memory.ts';
import { hindranceOf } from './spot-state.ts';

/** New Spot capacity comes within minutes, or there is none; as long everything may take to be at work again. */
const HINDERED_SECONDS = 3_600;
/** Both fleets run, which is safe, and people were told after an hour: they may have a weekend. */
export const LONG_PATIENCE_SECONDS = 3 * 86_400;
const LONGEST_SECONDS = 14 * 86_400;
/** A day more than a call may fail. */
const LONGEST_UNDO_SECONDS = 4 * 86_400;
/** One look now and one at the end would see a mishap twice, and call it lasting. */
const LEAST_POLLS = 2;

/** What has been in the way for so long, as look after look has shown; undefined while there is patience. Pure. */
export function hinderedFor(memory: SpotMemory, seconds: number): string | undefined {
  const { look, hinderedSinceMs } = memory;
  if (look === undefined || hinderedSinceMs === undefined) return undefined;
  const lastedMs = look.atMs - hinderedSinceMs;
  if (lastedMs < Math.max(seconds, LEAST_POLLS * pollSeconds(memory)) * 1000) return undefined;
  const hindrance = hindranceOf(memory, look);
  const hours = Math.round(lastedMs / 3_600_000);
  return hindrance && `for ${hours === 1 ? 'an hour' : `${hours} hours`}: ${hindrance}`;
}

/** Why it is not to go on: beside the copy, which is safe, and costs twice. Pure. */
export function whyNoPatience(memory: SpotMemory): string | undefined {
  const { atMs, request, copy } = memory;
  const failing = failingFor(memory, LONG_PATIENCE_SECONDS) ?? hinderedFor(memory, HINDERED_SECONDS);
  if (failing) return failing;
  const lastedMs = atMs - (copy?.atMs ?? Date.parse(request.noticedAt));
  return lastedMs < LONGEST_SECONDS * 1000 ? undefined : 'it did not end within 14 days';
}

/** Why it cannot be taken back either. Pure. */
export function whyNoWayBack(memory: SpotMemory): string | undefined {
  const { atMs, undo } = memory;
  const failing = failingFor(memory, LONG_PATIENCE_SECONDS) ?? hinderedFor(memory, LONG_PATIENCE_SECONDS);
  if (failing) return failing;
  const isLate = atMs - (undo?.atMs ?? atMs) >= LONGEST_UNDO_SECONDS * 1000;
  return isLate ? 'that did not end within 4 days' : undefined;
}
