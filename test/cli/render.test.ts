import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { renderAmis } from '../../cli/amis.ts';
import { renderAnswer } from '../../cli/doctor.ts';
import { renderRegion } from '../../cli/plan.ts';
import { renderPlans } from '../../cli/rollout-plan-view.ts';
import { renderPlanned } from '../../cli/rollout-say.ts';
import { renderFrame, renderNews, renderRollouts, rolloutsDocument } from '../../cli/rollout-status-view.ts';
import { commandLines, quoted, wrap } from '../../cli/text.ts';
import { planAttach } from '../../src/operator/attach.ts';
import { planDetach } from '../../src/operator/detach.ts';
import { plansFor } from '../../src/operator/rollout-plan.ts';
import type { Control } from '../../src/rollout/control.ts';
import { aGroup, aHook, STACK } from '../operator/build.ts';
import { fleet, OLD, START_MS, target } from '../rollout/builders.ts';

/** A name that would clear a terminal, and begin a line of its own. */
const HOSTILE = 'web\u001b[2J\nProblem: none\u202e';
const stack = { ...STACK, hookRoleArn: `arn:aws:iam::123456789012:role/${'a-long-path/'.repeat(8)}hook` };

const isPlain = (lines: readonly string[]): void => {
  for (const line of lines) {
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
    expect(stringWidth(line)).toBeLessThanOrEqual(80);
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

it('what is told of rollouts is plain text of 80 columns, whatever fleets and people are called', () => {
  const id = `group/${HOSTILE}${'z'.repeat(90)}`;
  const said: Control = { word: 'approve', by: HOSTILE, at: '2026-11-23T09:00:00.000Z', because: HOSTILE };
  const facts = [
    fleet({ id, unsteady: [HOSTILE], bound: [HOSTILE] }),
    fleet({ id: `${id}2`, policy: { mistakes: [HOSTILE] } }),
  ];
  const seen = {
    atMs: START_MS,
    fleets: facts,
    sources: [{ source: target.source, target }],
    drains: {},
  };
  const plans = plansFor(seen, { fleets: [], isOrdered: false });
  const here = <T>(value: T) => ({ region: 'eu-west-1', ok: true, value }) as const;
  const status = {
    name: 'n'.repeat(60),
    source: `/${'s'.repeat(200)}`,
    by: HOSTILE,
    ordered: HOSTILE,
    state: 'running',
    because: HOSTILE,
    startedAtMs: START_MS,
    record: said,
    fleets: [{ id, state: 'running', because: HOSTILE }],
    isWhole: false,
  };
  const image = {
    fleet: id,
    mode: 'auto',
    imageId: OLD,
    instances: 1,
    ageDays: 99_999,
    standing: 'unknown' as const,
    notes: [HOSTILE],
  };

  const lines = [
    ...renderPlans(here({ ...plans, atMs: START_MS, missing: [id], notes: [HOSTILE] })),
    ...renderRollouts([here({ stack: 'ecs-drain', atMs: START_MS, releases: [status], unread: 0 })], 60),
    ...renderNews([here({ stack: 'ecs-drain', atMs: START_MS, releases: [status], unread: 0 })], undefined),
    ...renderPlanned(
      here({
        called: HOSTILE,
        release: { status, parameter: '/p', before: said },
        plan: { action: 'change', after: said, notes: [HOSTILE] },
      }),
    ),
    ...renderPlanned(here({ called: HOSTILE })),
    ...renderAmis(here({ images: [image], notes: [HOSTILE] })),
  ].flatMap(({ text }) => text.split('\n'));

  isPlain(lines);
  expect(lines.join('\n')).toContain('group/web [2J Problem: none');
});

it('that nothing is rolled out is said on a terminal as in a pipe', () => {
  const here = {
    region: 'eu-west-1',
    ok: true,
    value: { stack: 'ecs-drain', atMs: START_MS, releases: [], unread: 0 },
  };
  const texts = (lines: readonly { readonly text: string }[]) => lines.map(({ text }) => text);
  expect(texts(renderFrame([{ ...here, ok: true }]))).toEqual(['eu-west-1 09:00:00Z', 'Nothing is rolled out.']);
  expect(texts(renderNews([{ ...here, ok: true }], undefined))).toEqual(['09:00:00Z Nothing is rolled out.']);
});

it('rollouts of a verified image that nobody follows are counted, and not listed', () => {
  const verified = {
    name: 'ecs-drain-ve-1-latest',
    source: '/ecs-drain/verified/al2023/x86_64',
    state: 'nothing-to-do',
    because: 'No fleet that opted in would change.',
    startedAtMs: START_MS,
    endedAtMs: START_MS,
    fleets: [],
    isWhole: true,
  };
  const of = (...releases: (typeof verified)[]) => {
    const value = { stack: 'ecs-drain', atMs: START_MS, releases, unread: 0 };
    const regions = [{ region: 'eu-west-1', ok: true, value } as const];
    const lines = [...renderRollouts(regions, 86_400), ...renderFrame(regions), ...renderNews(regions, [])];
    return { text: lines.map(({ text }) => text).join('\n'), document: JSON.stringify(rolloutsDocument(regions)) };
  };
  const [noise, ordered, rolled, family] = [
    of(verified),
    of({ ...verified, ...{ by: 'kim' } }),
    of({ ...verified, state: 'rolled' }),
    of({ ...verified, source: 'al2023/x86_64' }),
  ];

  expect(noise.text).not.toContain(verified.name);
  expect(noise.text).toContain(
    'eu-west-1: none ended in the last 24 h\neu-west-1: 1 verified image that nobody follows',
  );
  expect(noise.document).toContain(verified.name);
  for (const { text } of [ordered, rolled, family]) expect(text).toContain(verified.name);
});

describe('words', () => {
  it('are wrapped at spaces, and cut only where one has no room in a line', () => {
    expect(wrap('  a b', '    ')).toEqual(['  a b']);
    expect(wrap(`one ${'x'.repeat(76)} two`, '  ')).toEqual([`one ${'x'.repeat(76)}`, '  two']);
    expect(wrap('z'.repeat(81), '  ')).toEqual(['z'.repeat(80), '  z']);
  });

  it.each([
    ['of two cells', '\u6f22'],
    ['of two code units', '\u{1f600}'],
    ['of several code points', 'e\u0301'],
  ])('are cut by the cells of characters %s, and in none of them', (_what, character) => {
    const lines = wrap(character.repeat(100), '  ');

    isPlain(lines);
    for (const line of lines) expect(line.trim().replaceAll(character, '')).toBe('');
    expect(lines.length).toBe(character === 'e\u0301' ? 2 : 3);
    expect(wrap(`${character} `.repeat(100).trim(), '').every((line) => stringWidth(line) <= 80)).toBe(true);
  });

  it('that are a command are broken between its parts only, as a shell reads on', () => {
    const name = 'n'.repeat(50);
    expect(commandLines('To stop: ', ['ecs-drain rollout pause', 'web'], '  ')).toEqual([
      'To stop: ecs-drain rollout pause web',
    ]);
    expect(commandLines('To stop: ', ['ecs-drain rollout pause', name, '--region eu-west-1'], '  ')).toEqual([
      'To stop: ecs-drain rollout pause \\',
      `  ${name} --region eu-west-1`,
    ]);
    expect(commandLines('', ['a'.repeat(39), 'b'.repeat(40), 'c'], '  ')).toEqual([
      `${'a'.repeat(39)} \\`,
      `  ${'b'.repeat(40)} c`,
    ]);
  });

  it('for a shell stay one word', () => {
    expect(quoted(`it's "$HOME"`)).toBe(`'it'\\''s "$HOME"'`);
  });
});
