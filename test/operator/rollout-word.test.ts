import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { choose } from '../../src/operator/rollout-choice.ts';
import type { SaidOf, Word } from '../../src/operator/rollout-word.ts';
import { planWord, WORDS } from '../../src/operator/rollout-word.ts';
import type { Control } from '../../src/rollout/control.ts';
import { START_MS } from '../rollout/builders.ts';

const record = (word: Word, changes: Partial<Control> = {}): Control => ({
  word,
  by: 'kim',
  at: '2026-11-22T09:00:00.000Z',
  because: '',
  approved: word === 'approve',
  ...changes,
});
const say = (word: Word, of: Partial<SaidOf> = {}) =>
  planWord({ word, by: 'jo', atMs: START_MS, because: 'why' }, { begun: 0, waiting: 1, ...of });

describe('a word', () => {
  it.each(WORDS.filter((word) => word !== 'resume'))('%s is written with who, when and why', (word) => {
    expect(say(word)).toMatchObject({
      action: 'change',
      after: { word, by: 'jo', at: '2026-11-23T09:00:00.000Z', because: 'why', approved: word === 'approve' },
    });
  });

  it.each<[Word, Partial<SaidOf>, string]>([
    ['resume', {}, 'this rollout is not paused'],
    ['resume', { before: record('approve') }, 'this rollout is not paused'],
    ['approve', { before: record('cancel', { approved: true }) }, 'was ended by kim'],
    ['cancel', { before: record('reject') }, 'was ended by kim'],
    ['approve', { waiting: 0 }, 'none of its fleets waits to be begun'],
    [
      'approve',
      { closed: 'group/web-asg ended as blocked' },
      'nothing further of it is begun: group/web-asg ended as blocked',
    ],
    ['approve', { before: record('resume', { approved: true }) }, 'it was approved already, and resumed by kim'],
    ['reject', { begun: 2 }, '2 of its fleets were begun already: cancel it instead'],
    ['pause', { ended: 'rolled: all of it' }, 'it has ended: rolled'],
    ['pause', { before: { mistake: 'it is not JSON' } }, 'its record cannot be understood (it is not JSON)'],
  ])('%s after %j is refused', (word, of, because) => {
    const plan = say(word, of);
    expect(plan.action).toBe('refused');
    expect('because' in plan && plan.because).toContain(because);
  });

  it.each(WORDS)('%s changes nothing where it was said last', (word) => {
    expect(say(word, { before: record(word) }).action).toBe('none');
  });

  it('keeps an approval through a pause', () => {
    const paused = say('pause', { before: record('approve') });
    expect(paused).toMatchObject({ action: 'change', after: { word: 'pause', approved: true } });
  });

  it.each<[Word, Partial<SaidOf>, string]>([
    ['approve', { before: record('pause') }, 'kim paused it: approved, it goes on'],
    ['pause', { begun: 1 }, 'stopped where it is'],
    ['cancel', { begun: 1 }, 'rolled back, where that can be done'],
    ['cancel', {}, 'cannot be taken back'],
  ])('%s says what it means', (word, of, note) => {
    const plan = say(word, of);
    expect(plan.action === 'change' && plan.notes.join('\n')).toContain(note);
  });

  it('of a rollout that cannot be looked into may be said all the same', () => {
    const plan = planWord({ word: 'approve', by: 'jo', atMs: START_MS, because: '' }, { begun: 0 });
    expect(plan.action).toBe('change');
  });
});

describe('the release that is meant', () => {
  const running = { name: 'al2023-x86-1-v2', source: 'al2023/x86_64', state: 'running' };
  const arm = { name: 'al2023-arm-1-v2', source: 'al2023/arm64', state: 'running' };
  const ended = { name: 'al2023-x86-1-v1', source: 'al2023/x86_64', state: 'rolled' };
  const older = { name: 'al2023-x86-1-v0', source: 'al2023/x86_64', state: 'rolled' };

  it.each([
    ['al2023-x86-1-v2', { kind: 'one', release: running }],
    ['al2023-x', { kind: 'one', release: running }],
    ['al2023/x86_64', { kind: 'one', release: running }],
    ['al2023-x86-1-v1', { kind: 'one', release: ended }],
    ['al2023', { kind: 'several', names: [running.name, arm.name] }],
    ['al2024', { kind: 'none' }],
  ])('by %s', (called, choice) => {
    expect(choose([running, arm, ended, older], called)).toEqual(choice);
  });

  it('is one and no other by the example of the page on operating, where x86 and arm64 roll together', () => {
    const page = readFileSync(new URL('../../docs/operating.md', import.meta.url), 'utf8');
    const [, called = ''] = /^npx ecs-drain rollout pause (\S+) /m.exec(page) ?? [];
    expect(choose([running, arm], called)).toEqual({ kind: 'one', release: running });
  });

  it('is the latest of those that have ended, where none runs', () => {
    expect(choose([ended, older], 'al2023/x86_64')).toEqual({ kind: 'one', release: ended });
  });
});
