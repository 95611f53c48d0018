import { describe, expect, it } from 'vitest';
import type { AttachSeen, AttachWish } from '../../src/operator/attach.ts';
import { mayAct, observing, planAttach } from '../../src/operator/attach.ts';
import type { ClusterSeen } from '../../src/operator/clusters.ts';
import { clustersOf } from '../../src/operator/clusters.ts';
import { MANAGED_DRAINING_HOOK } from '../../src/operator/hooks.ts';
import type { Failure } from '../../src/ports.ts';
import { aGroup, aHook, STACK } from './build.ts';

const DENIED: Failure = { ok: false, reason: 'denied', operation: 'ecs:ListContainerInstances', message: 'no' };

const plan = (seen: Partial<AttachSeen> = {}, wish: Partial<AttachWish> = {}) =>
  planAttach(STACK, { hook: 'ecs-drain', ...wish }, { group: aGroup(), hooks: [], clusters: ['web'], ...seen });

const foreign = aHook({ name: 'logs', targetArn: undefined, roleArn: undefined, metadata: undefined });

describe('attaching a group without a hook', () => {
  it('creates one that tells the topic, with the stack’s role, ten minutes, CONTINUE and the cluster', () => {
    const { action, changes, wanted, notes } = plan();
    expect(action).toBe('create');
    expect(changes.map(({ field, before, after }) => [field, before, after])).toEqual([
      ['target', undefined, STACK.lifecycleTopicArn],
      ['role', undefined, STACK.hookRoleArn],
      ['heartbeat', undefined, '600 s'],
      ['default result', undefined, 'CONTINUE'],
      ['metadata', undefined, '{"cluster":"web"}'],
    ]);
    expect(wanted).toEqual(aHook({ globalTimeoutSeconds: 0 }));
    expect(notes).toEqual([]);
  });

  it('takes heartbeat, default result and cluster from the operator, and warns of the dangerous ones', () => {
    const { wanted, notes } = plan(
      { clusters: undefined },
      { heartbeatSeconds: 60, defaultResult: 'ABANDON', cluster: 'x' },
    );
    expect(wanted).toMatchObject({ heartbeatSeconds: 60, defaultResult: 'ABANDON', metadata: '{"cluster":"x"}' });
    expect(notes).toEqual([expect.stringContaining('under 180 s'), expect.stringContaining('with ABANDON')]);
  });

  it.each([
    ['in no cluster', [], 'none of its instances is registered'],
    ['in two clusters', ['web', 'jobs'], 'in 2 clusters (web, jobs)'],
    ['in clusters that cannot be read', DENIED, 'ecs:ListContainerInstances: no'],
  ] as const)('names no cluster when its instances are %s, and says so', (_where, clusters, note) => {
    const { wanted, notes } = plan({ clusters });
    expect(wanted?.metadata).toBeUndefined();
    expect(notes).toEqual([expect.stringContaining(note)]);
  });

  it('leaves other hooks alone, and says when one of them is of managed draining', () => {
    const managed = aHook({ name: MANAGED_DRAINING_HOOK, targetArn: undefined });
    const { action, foreign: others, notes } = plan({ hooks: [foreign, managed] });
    expect({ action, others }).toEqual({ action: 'create', others: [foreign, managed] });
    expect(notes).toEqual([expect.stringContaining('managed draining')]);
  });
});

describe('attaching a group again', () => {
  it('changes nothing when nothing is to be changed', () => {
    expect(plan({ hooks: [aHook()] })).toMatchObject({
      action: 'none',
      changes: [],
      because: 'it is attached already',
    });
  });

  it.each([
    ['an older role', aHook({ roleArn: 'arn:old' }), {}, [['role', 'arn:old', STACK.hookRoleArn]]],
    [
      'no target, under the stack’s name',
      aHook({ targetArn: undefined }),
      {},
      [['target', undefined, STACK.lifecycleTopicArn]],
    ],
    [
      'another heartbeat',
      aHook({ heartbeatSeconds: 900 }),
      { heartbeatSeconds: 600 },
      [['heartbeat', '900 s', '600 s']],
    ],
    [
      'ABANDON',
      aHook({ defaultResult: 'ABANDON' }),
      { defaultResult: 'CONTINUE' },
      [['default result', 'ABANDON', 'CONTINUE']],
    ],
    [
      'another cluster',
      aHook({ metadata: '{"cluster":"old","team":"a"}' }),
      {},
      [['metadata', '{"cluster":"old","team":"a"}', '{"cluster":"web","team":"a"}']],
    ],
    ['the metadata of somebody', aHook({ metadata: 'hello' }), {}, [['metadata', 'hello', '{"cluster":"web"}']]],
  ] as const)('changes only what differs: %s', (_what, hook, wish, changes) => {
    const made = plan({ hooks: [hook] }, wish);
    expect(made.action).toBe('change');
    expect(made.changes.map(({ field, before, after }) => [field, before, after])).toEqual(changes);
  });

  it('keeps what the operator does not speak of', () => {
    const hook = aHook({ heartbeatSeconds: 1_800, defaultResult: 'ABANDON' });
    expect(plan({ hooks: [hook] }).action).toBe('none');
  });

  it.each([
    ['cannot be read', DENIED, '{"cluster":"web"}'],
    ['has no instance just now', [], '{"cluster":"web"}'],
    ['is in two clusters by now', ['web', 'jobs'], '{}'],
  ] as const)('when the group %s, the metadata is %s', (_what, clusters, metadata) => {
    const made = plan({ hooks: [aHook()], clusters });
    expect((made.wanted ?? aHook()).metadata).toBe(metadata);
  });
});

describe('attaching is refused', () => {
  const twin = aHook({ name: 'drain' });
  const full = Array.from({ length: 50 }, (_, n) => ({ ...foreign, name: `hook-${n}` }));
  it.each([
    ['when the name tells somebody else', [aHook({ targetArn: 'arn:theirs' })], {}, 'it tells arn:theirs'],
    [
      'when a hook of another name without a target is not ours',
      [foreign],
      { hook: 'logs' },
      'a hook logs that is not ours',
    ],
    [
      'when the name is of a launch hook',
      [aHook({ transition: 'autoscaling:EC2_INSTANCE_LAUNCHING' })],
      {},
      'EC2_INSTANCE_LAUNCHING',
    ],
    ['when another hook tells the topic already', [twin], {}, 'say --hook drain'],
    ['when AWS allows no more hooks', full, {}, 'AWS allows 50'],
  ] as const)('%s', (_when, hooks, wish, because) => {
    const made = plan({ hooks }, wish);
    expect(made).toMatchObject({ action: 'refused', changes: [], foreign: hooks });
    expect(made.because).toContain(because);
    expect(made.wanted).toBeUndefined();
  });
});

describe('the clusters of a group', () => {
  const seen = (name: string, ...ids: string[]): ClusterSeen => ({
    name,
    registrations: {
      ok: true,
      value: ids.map((instanceId) => ({ instanceId, status: 'ACTIVE', agentConnected: true, tasks: 1 })),
    },
  });

  it('are those where one of its instances is registered', () => {
    const clusters = [seen('web', 'i-9', 'i-1'), seen('jobs', 'i-2'), seen('fargate')];
    expect(clustersOf(aGroup(), { ok: true, value: clusters })).toEqual(['web']);
  });

  it('are unknown when one cluster could not be read, for it may hold them', () => {
    const clusters = [seen('web', 'i-1'), { name: 'secret', registrations: DENIED }];
    expect(clustersOf(aGroup(), { ok: true, value: clusters })).toBe(DENIED);
    expect(clustersOf(aGroup(), DENIED)).toBe(DENIED);
  });
});

describe('the switch before the first group', () => {
  it.each([
    [undefined, true],
    ['{"mode":"act"}', true],
    ['{"mode":"observe"}', false],
    ['{"mode":"observe","groups":{"web-asg":{"mode":"act"}}}', true],
    ['{"groups":{"web-asg":{"mode":"pause"}}}', false],
    ['nonsense', false],
  ])('%s lets it act: %s', (text, acts) => {
    expect(mayAct(text, 'web-asg')).toBe(acts);
  });

  it('is turned to observe with all else as it is', () => {
    expect(observing('{"mode":"act","policy":{"atDeadline":"ABANDON"}}')).toBe(
      '{"mode":"observe","policy":{"atDeadline":"ABANDON"}}',
    );
    expect(observing(undefined)).toBe('{"mode":"observe"}');
  });
});
