import { describe, expect, it } from 'vitest';
import { describeSwitch, modeOf, turnSwitch } from '../../src/operator/switch-text.ts';

const turned = (text: string | undefined, mode: 'act' | 'observe' | 'pause' | undefined, ...groups: string[]) => {
  const result = turnSwitch(text, { mode, groups });
  return 'text' in result ? result.text : result;
};

describe('turning the switch', () => {
  it.each<[string, string | undefined, Parameters<typeof turned>[1], string[], string]>([
    ['pauses the region that nobody has written a switch for', undefined, 'pause', [], '{"mode":"pause"}'],
    ['pauses a region', '{"mode":"act"}', 'pause', [], '{"mode":"pause"}'],
    [
      'keeps policy and groups, in their order',
      '{"policy":{"deadlineSeconds":600},"mode":"act","groups":{"db":{"mode":"observe"}}}',
      'pause',
      [],
      '{"policy":{"deadlineSeconds":600},"mode":"pause","groups":{"db":{"mode":"observe"}}}',
    ],
    [
      'pauses one group of a region',
      '{"mode":"act"}',
      'pause',
      ['web'],
      '{"mode":"act","groups":{"web":{"mode":"pause"}}}',
    ],
    [
      'keeps the policy of a group, and other groups',
      '{"groups":{"web":{"policy":{"atDeadline":"ABANDON"}},"db":{"mode":"observe"}}}',
      'pause',
      ['web'],
      '{"groups":{"web":{"policy":{"atDeadline":"ABANDON"},"mode":"pause"},"db":{"mode":"observe"}}}',
    ],
    ['lets a group go by the region again', '{"groups":{"web":{"mode":"pause"}}}', undefined, ['web'], '{"groups":{}}'],
    [
      'lets a group go by the region again, with the policy that it has',
      '{"groups":{"web":{"mode":"pause","policy":{"deadlineSeconds":60}}}}',
      undefined,
      ['web'],
      '{"groups":{"web":{"policy":{"deadlineSeconds":60}}}}',
    ],
    ['keeps several lines', '{\n "mode": "act"\n}\n', 'pause', [], '{\n  "mode": "pause"\n}'],
    ['takes a group of any name', '{}', 'pause', ['__proto__'], '{"groups":{"__proto__":{"mode":"pause"}}}'],
  ])('%s', (_what, text, mode, groups, expected) => {
    expect(turned(text, mode, ...groups)).toBe(expected);
  });

  it.each([
    ['', 'it is not JSON'],
    ['pause', 'it is not JSON'],
    ['{"mode":"stop"}', 'mode: must be one of observe, act, pause'],
    ['{"mode":"act","owner":"alice"}', 'it: there is no owner'],
  ])('refuses to touch %j', (text, mistakes) => {
    expect(turned(text, 'pause')).toEqual({ mistakes });
  });

  it('twice is the same as once', () => {
    const once = turned('{"mode":"act"}', 'pause', 'web');
    expect(turned(String(once), 'pause', 'web')).toBe(once);
  });
});

describe('what the switch says', () => {
  it.each([
    [undefined, 'the switch says act'],
    ['{}', 'the switch says act'],
    ['{"mode":"pause","groups":{"web":{"mode":"act"},"db":{"policy":{}}}}', 'the switch says pause; web: act'],
    ['{"mode":', 'the switch cannot be understood: it is not JSON'],
    [
      JSON.stringify({ groups: Object.fromEntries([1, 2, 3, 4, 5, 6, 7].map((n) => [`g${n}`, { mode: 'pause' }])) }),
      'the switch says act; g1: pause; g2: pause; g3: pause; g4: pause; g5: pause; and 2 more',
    ],
  ])('%s is told in words', (text, words) => {
    expect(describeSwitch(text)).toBe(words);
  });

  it('for a group is what the group says, else what the region says', () => {
    const text = '{"mode":"observe","groups":{"web":{"mode":"act"}}}';
    expect([modeOf(text), modeOf(text, 'web'), modeOf(text, 'db')]).toEqual(['observe', 'act', 'observe']);
  });
});
