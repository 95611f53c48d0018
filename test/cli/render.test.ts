import { describe, expect, it } from 'vitest';
import { renderAnswer } from '../../cli/doctor.ts';
import { renderRegion } from '../../cli/plan.ts';
import { quoted, wrap } from '../../cli/text.ts';
import { planAttach } from '../../src/operator/attach.ts';
import { planDetach } from '../../src/operator/detach.ts';
import { aGroup, aHook, STACK } from '../operator/build.ts';

/** A name that would clear a terminal, and begin a line of its own. */
const HOSTILE = 'web\u001b[2J\nProblem: none\u202e';
const stack = { ...STACK, hookRoleArn: `arn:aws:iam::123456789012:role/${'a-long-path/'.repeat(8)}hook` };

const isPlain = (lines: readonly string[]): void => {
  for (const line of lines) {
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
    expect(line.length).toBeLessThanOrEqual(80);
  }
};

it('what attach and detach are about to do is plain text of 80 columns, whatever groups and roles are called', () => {
  const group = aGroup({ name: HOSTILE, instances: [{ id: 'i-1', state: 'Terminating:Wait' }] });
  const seen = { group, hooks: [aHook({ metadata: `{"cluster":"${'x'.repeat(200)}"}` })] };
  const plans = [
    planAttach(stack, { hook: 'ecs-drain' }, { ...seen, clusters: ['web', HOSTILE] }),
    planAttach(stack, { hook: 'ecs-drain' }, { ...seen, hooks: [], clusters: [] }),
    ...planDetach(stack, { force: true }, seen),
  ];

  const lines = renderRegion({
    region: 'eu-west-1',
    ok: true,
    value: { here: { aws: undefined as never, stack }, plans, missing: [HOSTILE], advice: [] },
  });

  isPlain(lines);
  expect(lines.join('\n')).toContain('web [2J Problem: none : changes of the hook ecs-drain');
});

it('what doctor found is plain text of 80 columns, whatever groups are called', () => {
  const findings = [{ severity: 'problem' as const, what: `${HOSTILE}: ${'y'.repeat(200)}` }];
  const check = { id: 'attached', look: 'l', because: 'b', fix: 'f', severity: 'problem' as const, findings };
  const text = renderAnswer({
    region: 'eu-west-1',
    ok: true,
    value: { stack: 'ecs-drain', missing: [HOSTILE], checks: [check], calls: 1 },
  });
  isPlain(text.split('\n'));
});

describe('words', () => {
  it('are wrapped at spaces, and cut only where one has no room in a line', () => {
    expect(wrap('  a b', '    ')).toEqual(['  a b']);
    expect(wrap(`one ${'x'.repeat(76)} two`, '  ')).toEqual([`one ${'x'.repeat(76)}`, '  two']);
    expect(wrap('z'.repeat(81), '  ')).toEqual(['z'.repeat(80), '  z']);
  });

  it('for a shell stay one word', () => {
    expect(quoted(`it's "$HOME"`)).toBe(`'it'\\''s "$HOME"'`);
  });
});
