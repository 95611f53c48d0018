import type { Waits, WaitsFor } from '../src/operator/rollout-waits.ts';
import { span } from './time.ts';

/** A moment to the minute, in UTC: `2026-11-24 02:00Z`. */
export function moment(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}

/** When a fleet that was not begun will be, in a few words. */
export function waitWords(waits: Waits): string {
  if (waits.isOnlyTold) return 'its people are told, and nothing is done';
  if (waits.waitsFor.length === 0) return 'at once';
  const words: Readonly<Record<WaitsFor, string>> = {
    resume: 'when somebody resumes it',
    approval: 'when somebody approves it',
    wave: 'when the waves before are done',
    age: `when the release is ${span(waits.minimumAgeSeconds * 1000)} old`,
    window: `in ${waits.window}`,
  };
  const notBefore = waits.startsAtMs === undefined ? [] : [`not before ${moment(waits.startsAtMs)}`];
  return [...waits.waitsFor.map((one) => words[one]), ...notBefore].join(', ');
}
