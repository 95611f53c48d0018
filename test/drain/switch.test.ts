import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSwitch } from '../../src/drain/switch.ts';
import { aPolicy, GROUP } from '../support/build.ts';

const DEPLOYED = aPolicy({ stopStandaloneAfterSeconds: 900 });
const read = (value: unknown, group: string | undefined = GROUP) => readSwitch(JSON.stringify(value), group, DEPLOYED);
const mistakes = (pattern: RegExp) => ({ mistakes: expect.stringMatching(pattern) });

describe('the switch', () => {
  it('that says nothing leaves everything as it was deployed', () => {
    expect(read({})).toEqual({ mode: 'act', policy: DEPLOYED });
  });

  it.each(['observe', 'act', 'pause'] as const)('says %s', (mode) => {
    expect(read({ mode })).toEqual({ mode, policy: DEPLOYED });
  });

  it.each([
    ['deadlineSeconds', 60],
    ['deadlineSeconds', 172_500],
    ['stuckAfterSeconds', 60],
    ['stuckAfterSeconds', 172_800],
    ['atDeadline', 'ABANDON'],
    ['stopStandaloneAfterSeconds', 0],
    ['stopStandaloneAfterSeconds', 172_800],
    ['spotInterruption', 'notify'],
    ['rebalance', 'replace'],
    ['maintenance', 'drain'],
    ['maintenanceLeadSeconds', 0],
    ['maintenanceLeadSeconds', 1_209_600],
  ])('may set %s to %j and leave the rest of the policy', (member, value) => {
    expect(read({ policy: { [member]: value } })).toEqual({ mode: 'act', policy: { ...DEPLOYED, [member]: value } });
  });

  it('changes nothing of what was deployed', () => {
    const before = structuredClone(DEPLOYED);
    read({ policy: { deadlineSeconds: 60 }, groups: { [GROUP]: { policy: { atDeadline: 'ABANDON' } } } });
    expect(DEPLOYED).toEqual(before);
  });
});

describe('the switch of one group', () => {
  const text = {
    mode: 'observe',
    policy: { deadlineSeconds: 600, atDeadline: 'ABANDON' },
    groups: { [GROUP]: { mode: 'act', policy: { deadlineSeconds: 1_200 } }, batch: { policy: { rebalance: 'drain' } } },
  };

  it('goes before the region’s, member by member', () => {
    expect(read(text)).toEqual({
      mode: 'act',
      policy: { ...DEPLOYED, deadlineSeconds: 1_200, atDeadline: 'ABANDON' },
    });
  });

  it('takes the region’s mode where it has none of its own', () => {
    expect(read(text, 'batch')).toEqual({
      mode: 'observe',
      policy: { ...DEPLOYED, deadlineSeconds: 600, atDeadline: 'ABANDON', rebalance: 'drain' },
    });
  });

  it.each([
    ['another group', 'other'],
    ['an instance that is in no group, or in none that is known yet', undefined],
    ['a group whose name differs in case', GROUP.toUpperCase()],
  ])('is not %s’s', (_, group) => {
    // The default of a parameter stands in for undefined, hence the long way.
    expect(readSwitch(JSON.stringify(text), group, DEPLOYED)).toEqual({
      mode: 'observe',
      policy: { ...DEPLOYED, deadlineSeconds: 600, atDeadline: 'ABANDON' },
    });
  });

  it('may be empty', () => {
    expect(read({ mode: 'pause', groups: { [GROUP]: {} } })).toEqual({ mode: 'pause', policy: DEPLOYED });
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype'])(
    'named %s, which every object has, is only there where the switch has it',
    (group) => {
      expect(read({ mode: 'pause' }, group)).toEqual({ mode: 'pause', policy: DEPLOYED });
    },
  );

  it.each(['constructor', 'toString', 'hasOwnProperty'])('named %s may have a switch of its own', (group) => {
    expect(read({ groups: { [group]: { mode: 'observe' } } }, group)).toMatchObject({ mode: 'observe' });
  });

  it('named __proto__ makes no prototype of anything', () => {
    // Act
    const hostile = '{"groups": {"__proto__": {"mode": "pause", "policy": {"deadlineSeconds": 60}}}}';
    const others = readSwitch(hostile, GROUP, DEPLOYED);
    const own = readSwitch(hostile, '__proto__', DEPLOYED);

    // Assess
    expect(others).toEqual({ mode: 'act', policy: DEPLOYED });
    expect(own).toEqual(expect.not.objectContaining({ mode: 'observe' }));
    expect(({} as Record<string, unknown>)['mode']).toBeUndefined();
  });
});

describe('a switch that cannot be understood says why, every mistake at once', () => {
  it.each<[string, string, RegExp]>([
    ['nothing', '', /^it is not JSON$/],
    ['prose', 'pause', /^it is not JSON$/],
    ['half of it', '{"mode": "pause"', /^it is not JSON$/],
    ['JSON text', '"pause"', /^it: /],
    ['null', 'null', /^it: /],
    ['a list', '[]', /^it: /],
    ['a mode that there is not', '{"mode":"stop"}', /^mode: must be one of observe, act, pause$/],
    ['a mode in capitals', '{"mode":"PAUSE"}', /^mode: /],
    ['a mode of null', '{"mode":null}', /^mode: /],
    ['a member that nobody reads', '{"mdoe":"pause"}', /^it: there is no mdoe$/],
    ['a policy that is text', '{"policy":"fast"}', /^policy: must be of type object$/],
    ['a policy of null', '{"policy":null}', /^policy: /],
    ['a misspelt policy', '{"policy":{"deadline":60}}', /^policy: there is no deadline$/],
    ['a deadline that is text', '{"policy":{"deadlineSeconds":"60"}}', /^policy\.deadlineSeconds: /],
    [
      'a deadline that is too soon',
      '{"policy":{"deadlineSeconds":59}}',
      /^policy\.deadlineSeconds: must be at least 60$/,
    ],
    [
      'a deadline that is too late',
      '{"policy":{"deadlineSeconds":172501}}',
      /^policy\.deadlineSeconds: must be at most 172500$/,
    ],
    ['a deadline of half a second', '{"policy":{"deadlineSeconds":60.5}}', /^policy\.deadlineSeconds: /],
    ['a deadline of null', '{"policy":{"deadlineSeconds":null}}', /^policy\.deadlineSeconds: /],
    ['patience that is too short', '{"policy":{"stuckAfterSeconds":0}}', /^policy\.stuckAfterSeconds: /],
    ['a result that there is not', '{"policy":{"atDeadline":"RETAIN"}}', /^policy\.atDeadline: /],
    ['a time before the drain', '{"policy":{"stopStandaloneAfterSeconds":-1}}', /^policy\.stopStandalone/],
    ['a Spot instance to replace', '{"policy":{"spotInterruption":"replace"}}', /^policy\.spotInterruption: /],
    ['a rebalance to ignore', '{"policy":{"rebalance":"ignore"}}', /^policy\.rebalance: /],
    ['a maintenance to ignore', '{"policy":{"maintenance":true}}', /^policy\.maintenance: /],
    ['a lead of a month', '{"policy":{"maintenanceLeadSeconds":2592000}}', /^policy\.maintenanceLeadSeconds: /],
    ['groups that are a list', '{"groups":["web-asg"]}', /^groups/],
    ['a group that is a mode', '{"groups":{"web-asg":"pause"}}', /^groups\.web-asg: /],
    ['a group’s mode that there is not', '{"groups":{"web-asg":{"mode":"on"}}}', /^groups\.web-asg\.mode: /],
    ['another group’s mistake', '{"groups":{"x":{"policy":{"deadlineSeconds":1}}}}', /^groups\.x\.policy\./],
    [
      'a group’s member that nobody reads',
      '{"groups":{"web-asg":{"paused":true}}}',
      /^groups\.web-asg: there is no paused$/,
    ],
  ])('%s', (_, text, pattern) => {
    expect(readSwitch(text, GROUP, DEPLOYED)).toEqual(mistakes(pattern));
  });

  it('names all of them', () => {
    expect(read({ mode: 'stop', policy: { deadlineSeconds: 1, atDeadline: 'MAYBE' } })).toEqual(
      mistakes(/mode: .*; policy\.deadlineSeconds: .*; policy\.atDeadline: /),
    );
  });
});

describe('reading the switch never throws, and what it answers is whole', () => {
  const holds = (text: string): void => {
    const settings = readSwitch(text, GROUP, DEPLOYED);
    if ('mistakes' in settings) {
      expect(settings.mistakes).not.toBe('');
      return;
    }
    expect(['observe', 'act', 'pause']).toContain(settings.mode);
    expect(Object.keys(settings.policy).sort()).toEqual(Object.keys(DEPLOYED).sort());
    expect(Object.values(settings.policy)).not.toContain(undefined);
    expect(settings.policy.deadlineSeconds).toBeGreaterThanOrEqual(60);
    expect(settings.policy.deadlineSeconds).toBeLessThanOrEqual(172_500);
  };

  it('for any text', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), holds));
  });

  it('for anything that looks like a switch', () => {
    const seconds = fc.oneof(fc.integer({ min: -1, max: 200_000 }), fc.constantFrom(60, 600, 3_000), fc.jsonValue());
    const policy = fc.dictionary(
      fc.constantFrom(...Object.keys(DEPLOYED)),
      fc.oneof(seconds, fc.constantFrom('notify', 'drain', 'replace', 'CONTINUE', 'ABANDON')),
      { maxKeys: 3 },
    );
    const mode = fc.constantFrom('observe', 'act', 'pause', 'stop');
    const one = fc.record({ mode, policy }, { requiredKeys: [] });
    const groups = fc.dictionary(fc.constantFrom(GROUP, 'x', '__proto__', 'constructor'), one, { maxKeys: 2 });
    fc.assert(
      fc.property(fc.record({ mode, policy, groups }, { requiredKeys: [] }), (value) => holds(JSON.stringify(value))),
      { numRuns: 500 },
    );
  });
});
