import { expect, it } from 'vitest';
import { decide } from '../../src/drain/decide.ts';
import type { Memory } from '../../src/drain/memory.ts';
import { rest } from '../../src/drain/memory.ts';
import { backoffSeconds, paceSeconds } from '../../src/drain/pace.ts';
import { PLACEMENTS } from './build.ts';

/** What the tables over `decide` expect, and the times that they speak of; the paces themselves are pace.test.ts's. */

export const wait = (seconds: number) => ({ kind: 'wait', seconds });
export const alert = (kind: string, because: RegExp = /./) => ({
  kind: 'alert',
  alert: expect.objectContaining({ kind, because: expect.stringMatching(because) }),
});
export const finish = (outcome: string) => ({ kind: 'finish', outcome: expect.objectContaining({ outcome }) });
export const look = (members: object) => ({ kind: 'look', placements: PLACEMENTS, ...members });
export const release = (members: object) => ({ kind: 'release', ...members });

/** How long is left of the pace since the last look. */
const lookIn = (memory: Memory): number =>
  Math.ceil(((memory.look?.atMs ?? 0) + paceSeconds(memory) * 1000 - memory.atMs) / 1000);
/** How long is left of the backoff since the last failure. */
const retryIn = (memory: Memory): number =>
  Math.ceil(((memory.trouble?.atMs ?? 0) + backoffSeconds(memory) * 1000 - memory.atMs) / 1000);
const after = (memory: Memory, seconds: number): Memory =>
  rest(memory, { kind: 'wait', seconds, because: 'the test says so' });

export const waitForLook = (memory: Memory) => wait(lookIn(memory));
export const waitForRetry = (memory: Memory) => wait(retryIn(memory));
export const atLook = (memory: Memory): Memory => after(memory, lookIn(memory));
export const atRetry = (memory: Memory): Memory => after(memory, retryIn(memory));

type Row = readonly [situation: string, memory: Memory, next: object];

/** One row, one situation, and the move that follows from it. */
export function table(rows: readonly Row[]): void {
  it.each(rows)('%s', (_, memory, next) => {
    const move = decide(memory);
    expect(move).toMatchObject(next);
    expect(move.because).not.toBe('');
  });
}
