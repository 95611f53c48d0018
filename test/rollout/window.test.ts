import { describe, expect, it } from 'vitest';
import type { Window } from '../../src/rollout/window.ts';
import { readWindow, windowAt } from '../../src/rollout/window.ts';

const at = (text: string, moment: string) => {
  const seen = windowAt(readWindow(text) as Window, Date.parse(moment));
  return Object.entries(seen ?? {})
    .map(([key, ms]) => `${key} ${new Date(ms).toISOString().slice(0, 16)}`)
    .join();
};

describe('a maintenance window', () => {
  it.each([
    ['Tue-Thu 02:00-05:00 Europe/Berlin', '2026-11-24T01:00:00Z', 'openUntilMs 2026-11-24T04:00'],
    ['Tue-Thu 02:00-05:00 Europe/Berlin', '2026-11-24T00:59:59Z', 'opensAtMs 2026-11-24T01:00'],
    ['Tue-Thu 02:00-05:00 Europe/Berlin', '2026-11-24T03:59:59Z', 'openUntilMs 2026-11-24T04:00'],
    ['Tue-Thu 02:00-05:00 Europe/Berlin', '2026-11-24T04:00:00Z', 'opensAtMs 2026-11-25T01:00'],
    ['Tue-Thu 02:00-05:00 Europe/Berlin', '2026-11-26T04:00:00Z', 'opensAtMs 2026-12-01T01:00'],
    // Over midnight, and over the weekend.
    ['22:00-02:00 UTC', '2026-11-24T01:00:00Z', 'openUntilMs 2026-11-24T02:00'],
    ['Fri-Mon 01:00-02:00 UTC', '2026-11-23T01:30:00Z', 'openUntilMs 2026-11-23T02:00'],
    ['Fri-Mon 01:00-02:00 UTC', '2026-11-24T01:30:00Z', 'opensAtMs 2026-11-27T01:00'],
    // The night in which the clocks go forward: 02:00 does not exist in Berlin, and the week goes on in summer time.
    ['Mon 02:00-05:00 Europe/Berlin', '2026-03-29T12:00:00Z', 'opensAtMs 2026-03-30T00:00'],
  ])('%s at %s: %s', (text, moment, seen) => {
    expect(at(text, moment)).toBe(seen);
  });

  it.each([
    '',
    'Foo 01:00-02:00 UTC',
    '01:00-02:00',
    '01:00-02:00 Nowhere/Land',
    '25:00-02:00 UTC',
    '01:60-02:00 UTC',
    '1:00-2:00 UTC',
    'Mon-Foo 01:00-02:00 UTC',
  ])('is not %j', (text) => {
    expect(readWindow(text)).toBeUndefined();
  });
});
