import { describe, expect, it } from 'vitest';
import type { Answer } from '../../cli/operate.ts';
import { CallFailed } from '../../cli/operate.ts';
import { patient } from '../../cli/watch.ts';
import type { Shot } from '../../cli/watch-drains.ts';
import { bar, exitCodeOfDrains, renderFrame, renderNews } from '../../cli/watch-drains.ts';
import type { Drain, PastDrain } from '../../src/operator/status.ts';

const second = (n: number): number => Date.UTC(2026, 2, 1, 12) + n * 1000;

const drain = (different: Partial<Drain> = {}): Drain => ({
  instanceId: 'i-0123456789abcdef0',
  phase: 'draining',
  sinceMs: second(0),
  wanted: 'its group takes it away',
  tasksLeft: 3,
  waitsFor: '3 tasks left (3 STOPPING).',
  because: [],
  deadlineMs: second(3_000),
  execution: 'i-0123456789abcdef0-token',
  version: '1',
  ...different,
});

const ended = (outcome = 'drained'): PastDrain => ({
  instanceId: 'i-0fedcba9876543210',
  outcome,
  because: 'Every task has stopped.',
  endedAtMs: second(60),
  execution: 'i-0fedcba9876543210-token',
  version: '1',
});

const shot = (at: number, different: Partial<Shot> = {}): Answer<Shot> => ({
  region: 'eu-west-1',
  ok: true,
  value: { atMs: second(at), drains: [], others: 0, ended: [], isOver: false, ...different },
});

const texts = (lines: readonly { readonly text: string }[]): string[] => lines.map(({ text }) => text);

describe('what a terminal shows', () => {
  it('has a bar for each drain, from its start to its deadline', () => {
    const stuck = drain({ because: ['no capacity'], phase: 'stuck' });
    expect(texts(renderFrame([shot(1_500, { drains: [drain(), stuck], ended: [ended()] })]))).toEqual([
      'eu-west-1 12:25:00Z: 2 under way, 1 ended since',
      '[#######.......] i-0123456789abcdef0 draining, 3 tasks left, 25 min of 50 min',
      '  3 tasks left (3 STOPPING).',
      '[#######.......] i-0123456789abcdef0 stuck, 3 tasks left, 25 min of 50 min',
      '  no capacity',
      'i-0fedcba9876543210 drained: Every task has stopped.',
    ]);
  });

  it.each([
    [0, '[..............]'],
    [3_000, '[##############]'],
    [9_999, '[##############]'],
    [-5, '[..............]'],
  ])('after %i s of 3,000 the bar is %s', (at, expected) => {
    expect(bar(drain(), second(at))).toBe(expected);
  });

  it('does not know how far a drain without a deadline has come', () => {
    expect(bar({ sinceMs: second(0) }, second(9))).toBe('[??????????????]');
  });
});

describe('what a pipe is told', () => {
  it('is each thing once', () => {
    const first = [shot(10, { drains: [drain()] })];
    const same = [shot(20, { drains: [drain()] })];
    const fewer = [shot(30, { drains: [drain({ waitsFor: '1 task left (1 STOPPING).' })] })];
    const over = [shot(40, { ended: [ended()] })];
    expect(texts(renderNews(first, undefined))).toEqual([
      '12:00:10Z i-0123456789abcdef0 draining: 3 tasks left (3 STOPPING).',
    ]);
    expect(renderNews(same, first)).toEqual([]);
    expect(texts(renderNews(fewer, same))).toEqual([
      '12:00:30Z i-0123456789abcdef0 draining: 1 task left (1 STOPPING).',
    ]);
    expect(texts(renderNews(over, fewer))).toEqual(['12:00:40Z i-0fedcba9876543210 drained: Every task has stopped.']);
    expect(renderNews(over, over)).toEqual([]);
  });

  it('names the region where there are several, and a failure of one once', () => {
    const failed: Answer<Shot> = { region: 'us-east-1', ok: false, problem: 'no permission' };
    const both = [shot(10, { drains: [drain()] }), failed];
    expect(texts(renderNews(both, undefined))).toEqual([
      '12:00:10Z eu-west-1 i-0123456789abcdef0 draining: 3 tasks left (3 STOPPING).',
      'us-east-1: no permission',
    ]);
    expect(renderNews(both, both)).toEqual([]);
  });
});

describe('the exit code of what was watched', () => {
  it.each([
    ['all drained', [shot(9, { ended: [ended()] })], 0],
    ['one forced', [shot(9, { ended: [ended(), ended('forced')] })], 1],
    ['a region that failed', [{ region: 'us-east-1', ok: false, problem: 'no' } as const], 1],
    ['nothing at all', [], 0],
  ])('with %s', (_what, shots, code) => {
    expect(exitCodeOfDrains(shots)).toBe(code);
  });
});

describe('a look that fails', () => {
  const answering = (...answers: (string | Error)[]) => {
    const all = [...answers];
    return patient(async () => {
      const next = all.shift();
      if (next === undefined || next instanceof Error) throw next;
      return next;
    });
  };
  const lost = new CallFailed('throttled');

  it('on the way shows what was seen last, five times in a row at most', async () => {
    const look = answering('one', lost, 'two', lost, lost, lost, lost, lost, lost);
    const seen = [];
    for (let i = 0; i < 8; i++) seen.push(await look());
    expect(seen).toEqual(['one', 'one', 'two', 'two', 'two', 'two', 'two', 'two']);
    await expect(look()).rejects.toThrow('throttled');
  });

  it('at first, or for another reason, is not hidden', async () => {
    await expect(answering(lost)()).rejects.toThrow('throttled');
    const look = answering('one', new TypeError('a defect'));
    await look();
    await expect(look()).rejects.toThrow('a defect');
  });
});
