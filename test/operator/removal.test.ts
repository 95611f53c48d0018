import { describe, expect, it } from 'vitest';
import type { Dependents, GroupHook, RunningExecution } from '../../src/operator/removal.ts';
import { leadsTo, holdsBack as reasonsOf } from '../../src/operator/removal.ts';
import type { Stack } from '../../src/operator/stack.ts';

const OURS = 'arn:aws:sns:eu-west-1:123456789012:ecs-drain-lifecycle';
const stack: Stack = {
  name: 'ecs-drain',
  lifecycleTopicArn: OURS,
  alertTopicArn: 'arn:aws:sns:eu-west-1:123456789012:ecs-drain-alerts',
  hookRoleArn: 'arn:aws:iam::123456789012:role/hook',
  drainFunctionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:ecs-drain-drain:durable',
  switchParameter: '/ecs-drain/switch',
  deadLettersUrl: 'https://sqs.eu-west-1.amazonaws.com/123456789012/ecs-drain-dead-letters',
};
const aHook = (hook: Partial<GroupHook> = {}): GroupHook => ({
  group: 'web-asg',
  name: 'ecs-drain',
  terminating: true,
  targetArn: OURS,
  roleArn: stack.hookRoleArn,
  metadata: undefined,
  heartbeatSeconds: 600,
  defaultResult: 'CONTINUE',
  ...hook,
});
const anExecution = (name: string): RunningExecution => ({ arn: `arn:${name}`, name, startedAtMs: 0 });
const seen = <T>(value: T) => ({ ok: true, value }) as const;
const holdsBack = (of: Stack, what: Partial<Dependents>) =>
  reasonsOf(of, { hooks: seen([]), drains: seen([]), rollouts: undefined, ...what });
const denied = (operation: string) => ({ ok: false, reason: 'denied', operation, message: 'not authorized' }) as const;

describe('a hook leads to the stack', () => {
  it.each<[string, boolean, Partial<Stack>, Partial<GroupHook>]>([
    ['by its target', true, {}, {}],
    ['by its target, whatever its name and transition', true, {}, { name: 'x', terminating: false }],
    [
      'not with another target, though the name is one of ours',
      false,
      { hookNamePrefix: 'ecs' },
      { targetArn: 'arn:x' },
    ],
    ['not by its name where the stack listens for none', false, {}, { targetArn: undefined }],
    ['by its name where the stack listens for it', true, { hookNamePrefix: 'ecs-' }, { targetArn: undefined }],
    ['not by another name', false, { hookNamePrefix: 'drain-' }, { targetArn: undefined }],
    [
      'not by its name when it holds instances that are launched',
      false,
      { hookNamePrefix: 'ecs-' },
      { targetArn: undefined, terminating: false },
    ],
  ])('%s', (_, expected, stackSays, hookSays) => {
    expect(leadsTo({ ...stack, ...stackSays }, aHook(hookSays))).toBe(expected);
  });
});

describe('the stack', () => {
  it('may be removed when no hook leads to it and no drain runs', () => {
    expect(holdsBack(stack, { hooks: seen([aHook({ targetArn: 'arn:x' })]), rollouts: seen([]) })).toEqual([]);
  });

  it('must stay while hooks lead to it, and says which and how to take them off', () => {
    const hooks = [
      aHook(),
      aHook({ targetArn: 'arn:x', group: 'theirs' }),
      aHook({ group: 'batch-asg', name: 'drain' }),
    ];

    const [reason, ...more] = holdsBack(stack, { hooks: seen(hooks) });

    expect(more).toEqual([]);
    expect(reason).toMatch(
      /web-asg \(ecs-drain\), batch-asg \(drain\)\. Detach them: ecs-drain detach --stack ecs-drain/,
    );
  });

  it('must stay while drains run, and says which, no more than ten by name', () => {
    const running = Array.from({ length: 12 }, (_, i) => anExecution(`i-${i}`));

    expect(holdsBack(stack, { drains: seen(running) })).toEqual([
      expect.stringMatching(/i-0, .*i-9 and 2 more\. Wait for them: ecs-drain status --stack ecs-drain$/),
    ]);
  });

  it('must stay while rollouts run, though nothing else depends on it, and says which and how to end them', () => {
    const rollouts = seen([anExecution('al2023-x86-6-bcbc82db-2023-0-20261115'), anExecution('group-web-asg-1')]);

    expect(holdsBack(stack, { rollouts })).toEqual([
      'Rollouts run, and what they have begun would go on with nobody to watch it: al2023-x86-6-bcbc82db-2023-0-20261115, group-web-asg-1. ' +
        'Wait for them, or end them: ecs-drain rollout status --stack ecs-drain, ecs-drain rollout cancel --stack ecs-drain RELEASE',
    ]);
  });

  it('must stay when that cannot be told: what was not read is not empty', () => {
    expect(holdsBack(stack, { hooks: denied('autoscaling:DescribeLifecycleHooks') })).toEqual([
      expect.stringContaining('autoscaling:DescribeLifecycleHooks: not authorized'),
    ]);
    expect(holdsBack(stack, { drains: denied('lambda:ListVersionsByFunction') })).toEqual([
      expect.stringContaining('lambda:ListVersionsByFunction: not authorized'),
    ]);
    expect(holdsBack(stack, { rollouts: denied('lambda:ListDurableExecutionsByFunction') })).toEqual([
      expect.stringMatching(/the running rollouts could not be read\. lambda:ListDurableExecutionsByFunction/),
    ]);
  });

  it('names no group in a way that moves a terminal’s cursor or makes a line of its own', () => {
    const [reason = ''] = holdsBack(stack, { hooks: seen([aHook({ group: 'a\nb\u001b[2Jc\u202e' })]) });

    expect(reason).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});
