import { expect, it } from 'vitest';
import { planDetach } from '../../src/operator/detach.ts';
import type { Hook } from '../../src/operator/hooks.ts';
import { aGroup, aHook, STACK } from './build.ts';

const foreign = aHook({ name: 'logs', targetArn: 'arn:theirs' });
const plan = (
  hooks: readonly Hook[],
  { hook, force = false, states = ['InService'] }: { hook?: string; force?: boolean; states?: string[] } = {},
) =>
  planDetach(
    STACK,
    { hook, force },
    { group: aGroup({ instances: states.map((state, n) => ({ id: `i-${n}`, state })) }), hooks },
  );

it('removes the hook that tells the topic, and no other', () => {
  expect(plan([foreign, aHook()])).toMatchObject([{ hook: 'ecs-drain', action: 'delete', foreign: [foreign] }]);
});

it('shows what is lost', () => {
  expect(plan([aHook()])[0]?.changes).toContainEqual({ field: 'heartbeat', before: '600 s', after: undefined });
});

it('removes every hook that tells the topic, whatever its name, or the named one', () => {
  const hooks = [aHook(), aHook({ name: 'drain' })];
  expect(plan(hooks).map(({ hook, action }) => [hook, action])).toEqual([
    ['ecs-drain', 'delete'],
    ['drain', 'delete'],
  ]);
  expect(plan(hooks, { hook: 'drain' }).map(({ hook }) => hook)).toEqual(['drain']);
});

it.each([
  ['none at all', [], 'none', 'it is not attached'],
  ['only foreign hooks', [foreign], 'none', 'it is not attached'],
  ['a foreign hook of our name', [aHook({ targetArn: 'arn:theirs' })], 'refused', 'is not ours'],
] as const)('with %s, changes nothing', (_what, hooks, action, because) => {
  const [made] = plan(hooks);
  expect(made).toMatchObject({ action, changes: [] });
  expect(made?.because).toContain(because);
});

it.each([
  'Terminating',
  'Terminating:Wait',
  'Warmed:Terminating:Wait',
  'Warmed:Pending:Wait',
  'ReplacingRootVolume:Wait',
])('is refused while an instance is %s, unless it is forced', (state) => {
  const states = ['InService', state];
  expect(plan([aHook()], { states })).toMatchObject([{ action: 'refused', changes: [] }]);
  expect(plan([aHook()], { states })[0]?.because).toContain('1 of its instances waits to leave (i-1)');
  const [forced] = plan([aHook()], { states, force: true });
  expect(forced).toMatchObject({ action: 'delete', notes: [expect.stringContaining('let go at once')] });
});

it.each(['InService', 'Pending', 'Pending:Wait', 'Terminating:Proceed', 'Terminating:Retained', 'Warmed:Stopped'])(
  'does not mind an instance that is %s',
  (state) => {
    expect(plan([aHook()], { states: [state] })).toMatchObject([{ action: 'delete', notes: [] }]);
  },
);

it('names three of many instances', () => {
  const states = Array.from({ length: 5 }, () => 'Terminating:Wait');
  expect(plan([aHook()], { states })[0]?.because).toContain('(i-0, i-1, i-2 and 2 more)');
});
