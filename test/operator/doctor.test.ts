import { describe, expect, it } from 'vitest';
import type { DrainPolicy } from '../../src/config.ts';
import { CHECKS, examine } from '../../src/operator/doctor.ts';
import type { DoctorSeen, ServiceSeen } from '../../src/operator/doctor-seen.ts';
import type { Hook } from '../../src/operator/hooks.ts';
import { MANAGED_DRAINING_HOOK } from '../../src/operator/hooks.ts';
import type { Failure, Result } from '../../src/ports.ts';
import { aGroup, aHook, STACK } from './build.ts';

const POLICY: DrainPolicy = {
  deadlineSeconds: 3_000,
  stuckAfterSeconds: 600,
  atDeadline: 'CONTINUE',
  spotInterruption: 'drain',
  rebalance: 'notify',
  maintenance: 'notify',
  maintenanceLeadSeconds: 86_400,
};
const TASK_DEFINITION = 'arn:aws:ecs:eu-west-1:123456789012:task-definition/api:7';

const good = <T>(value: T): Result<T> => ({ ok: true, value });
const denied = (operation: string): Failure => ({
  ok: false,
  reason: 'denied',
  operation,
  message: `User: u is not authorized to perform: ${operation}`,
});

const aService = (some: Partial<ServiceSeen> = {}): ServiceSeen => ({
  name: 'api',
  daemon: false,
  ecsReplaces: true,
  desired: 6,
  minimumHealthyPercent: 100,
  maximumPercent: 200,
  taskDefinition: TASK_DEFINITION,
  ...some,
});

const registered = (instanceId: string, agentConnected = true, tasks = 2) => ({
  instanceId,
  status: 'ACTIVE',
  agentConnected,
  tasks,
});

/** A region where all is well: one group, attached, one cluster, one service. What is given replaces its members. */
const aRegion = (some: Partial<DoctorSeen> = {}): DoctorSeen => ({
  stack: STACK,
  named: [],
  groups: good([{ group: aGroup(), hooks: good([aHook()]) }]),
  clusters: good([{ name: 'web', registrations: good([registered('i-1')]) }]),
  workloads: [
    { cluster: 'web', services: good([aService()]), standalone: good({ families: [], tasks: 6, lookedAt: 6 }) },
  ],
  taskDefinitions: [{ arn: TASK_DEFINITION, stopTimeoutSeconds: good(120) }],
  unreadTaskDefinitions: 0,
  managedDraining: good([]),
  subscriptions: good([{ protocol: 'email', confirmed: true }]),
  deadLetters: good(0),
  drainFunction: good({ version: '3', durable: true, state: 'Active', environment: {} }),
  deployed: POLICY,
  running: good([]),
  switchText: good('{"mode":"act"}'),
  unreservedConcurrency: good(1_000),
  ...some,
});

const hooked = (...hooks: Hook[]): Partial<DoctorSeen> => ({ groups: good([{ group: aGroup(), hooks: good(hooks) }]) });
const serving = (...services: ServiceSeen[]): Partial<DoctorSeen> => ({
  workloads: [{ cluster: 'web', services: good(services), standalone: good({ families: [], tasks: 6, lookedAt: 6 }) }],
});
const standing = (families: string[], tasks = 6, lookedAt = 6): Partial<DoctorSeen> => ({
  workloads: [{ cluster: 'web', services: good([]), standalone: good({ families, tasks, lookedAt }) }],
});
const registering = (...registrations: ReturnType<typeof registered>[]): Partial<DoctorSeen> => ({
  clusters: good([{ name: 'web', registrations: good(registrations) }]),
});

const checked = (id: string, some: Partial<DoctorSeen>) => {
  const found = examine(aRegion(some)).find((check) => check.id === id);
  if (found === undefined) throw new Error(`there is no check ${id}`);
  return found;
};

it('finds nothing where all is well', () => {
  expect(examine(aRegion()).map(({ id, severity, findings }) => [id, severity, findings])).toEqual(
    CHECKS.map(({ id }) => [id, 'ok', []]),
  );
});

it('has a name of its own for each check, and says what it looks at, why, and what to do', () => {
  expect(new Set(CHECKS.map(({ id }) => id)).size).toBe(CHECKS.length);
  for (const { look, because, fix } of CHECKS)
    expect([look, because, fix].every((text) => text.length > 10)).toBe(true);
});

const foreign = aHook({ name: 'logs', targetArn: 'arn:theirs' });
const managed = aHook({ name: MANAGED_DRAINING_HOOK, targetArn: undefined });
const many = Array.from({ length: 46 }, (_, n) => aHook({ name: `hook-${n}`, targetArn: 'arn:theirs' }));
const arnOf = (version: string) => `${STACK.drainFunctionArn.replace(':durable', '')}:${version}/durable-execution/x/1`;
const drain = (version: string) => ({ arn: arnOf(version), name: 'i-1', startedAtMs: 0 });

describe('the faults that it knows', () => {
  it.each([
    ['attached', 'no group at all is attached', hooked(foreign), 'problem', 'no group of the region is attached'],
    ['attached', 'a group with instances is not', hooked(foreign), 'problem', 'web-asg: no hook of ours (in web)'],
    [
      'attached',
      'a named group is not',
      { ...hooked(), named: ['web-asg'] },
      'problem',
      'web-asg: no hook of ours (in web)',
    ],
    [
      'hook-target',
      'ours by name tells somebody else',
      hooked(aHook({ targetArn: 'arn:theirs' })),
      'problem',
      'tells arn:theirs, not our topic',
    ],
    [
      'hook-target',
      'ours has no target, and there is no rule',
      hooked(aHook({ targetArn: undefined })),
      'problem',
      'has no target',
    ],
    [
      'hook-target',
      'another role publishes',
      hooked(aHook({ roleArn: 'arn:role' })),
      'warning',
      'publishes with arn:role',
    ],
    [
      'hook-twice',
      'two hooks lead to us',
      hooked(aHook(), aHook({ name: 'drain' })),
      'warning',
      '2 hooks of ours (ecs-drain, drain)',
    ],
    [
      'heartbeat',
      'it is under three minutes',
      hooked(aHook({ heartbeatSeconds: 179 })),
      'problem',
      'a heartbeat of 179 s',
    ],
    [
      'heartbeat',
      'it is shorter than a stop timeout and a minute',
      {
        ...hooked(aHook({ heartbeatSeconds: 200 })),
        taskDefinitions: [{ arn: TASK_DEFINITION, stopTimeoutSeconds: good(141) }],
      },
      'warning',
      'web/api may take 141 s to stop',
    ],
    [
      'attached',
      'one of two groups with instances is not',
      {
        groups: good([
          { group: aGroup({ name: 'a' }), hooks: good([aHook()]) },
          { group: aGroup({ name: 'b' }), hooks: good([]) },
        ]),
      },
      'warning',
      'b: no hook of ours (in web)',
    ],
    [
      'heartbeat',
      'the hook ends before the deadline of drains',
      hooked(aHook({ globalTimeoutSeconds: 3_299 })),
      'warning',
      'ends after 3299 s; the deadline of drains is 3000 s',
    ],
    [
      'default-result',
      'it is ABANDON',
      hooked(aHook({ defaultResult: 'ABANDON' })),
      'warning',
      'the hook ecs-drain has ABANDON',
    ],
    [
      'managed-draining',
      'its hook is beside ours',
      hooked(aHook(), managed),
      'warning',
      'web-asg: ECS drains its instances too',
    ],
    [
      'managed-draining',
      'a capacity provider has it on',
      { managedDraining: good([aGroup().arn]) },
      'warning',
      'web-asg: ECS drains',
    ],
    ['hook-quota', 'hardly a hook more is allowed', hooked(...many), 'warning', 'web-asg: 46 hooks of 50'],
    [
      'min-max',
      '100 and 100',
      serving(aService({ maximumPercent: 100 })),
      'problem',
      'web/api: 100 % to 100 % of 6 tasks',
    ],
    [
      'min-max',
      'the maximum of one task is one task',
      serving(aService({ desired: 1, maximumPercent: 199 })),
      'problem',
      '199 % of 1 task',
    ],
    [
      'min-max',
      'the minimum is rounded up',
      serving(aService({ desired: 3, minimumHealthyPercent: 67, maximumPercent: 133 })),
      'problem',
      '67 % to 133 % of 3',
    ],
    [
      'standalone',
      'tasks that no policy stops',
      standing(['batch', 'batch', 'etl']),
      'warning',
      'web: 3 standalone tasks (batch, etl)',
    ],
    ['standalone', 'not all tasks were looked at', standing([], 5_000, 1_000), 'unknown', '1000 of 5000 tasks'],
    [
      'agents',
      'an agent is away',
      registering(registered('i-1', false)),
      'warning',
      'web: 1 agent away, with 2 tasks (i-1)',
    ],
    [
      'agents',
      'a leftover has tasks',
      registering(registered('i-1'), registered('i-1', false, 1)),
      'warning',
      '1 agent away, with 1 task',
    ],
    ['subscribers', 'there are none', { subscriptions: good([]) }, 'problem', 'nobody is subscribed'],
    [
      'subscribers',
      'none is confirmed',
      { subscriptions: good([{ protocol: 'email', confirmed: false }]) },
      'problem',
      '1 subscription not confirmed (email)',
    ],
    [
      'subscribers',
      'some are not confirmed',
      {
        subscriptions: good([
          { protocol: 'sqs', confirmed: true },
          { protocol: 'https', confirmed: false },
        ]),
      },
      'warning',
      'not confirmed (https)',
    ],
    ['dead-letters', 'messages wait', { deadLetters: good(2) }, 'problem', 'about 2 messages'],
    ['drain-function', 'it is gone', { drainFunction: good(undefined) }, 'problem', 'no such function'],
    [
      'drain-function',
      'it is not durable',
      { drainFunction: good({ version: '3', durable: false, state: 'Active', environment: {} }) },
      'problem',
      'no DurableConfig',
    ],
    [
      'drain-function',
      'it is not active',
      { drainFunction: good({ version: '3', durable: true, state: 'Inactive', environment: {} }) },
      'problem',
      'Inactive, not Active',
    ],
    [
      'drain-function',
      'its settings are wrong',
      { deployed: { mistakes: '1 wrong setting: X' } },
      'problem',
      '1 wrong setting: X',
    ],
    [
      'old-versions',
      'drains of an older version run',
      { running: good([drain('2'), drain('3')]) },
      'ok',
      '1 of 2 drains of version 2; now it is 3',
    ],
    [
      'old-versions',
      'drains of this version run',
      { running: good([drain('3')]) },
      'ok',
      '1 drain running, of version 3',
    ],
    [
      'switch',
      'it is nonsense',
      { switchText: good('{"mode":"stop"}') },
      'problem',
      'mode: must be one of observe, act, pause',
    ],
    ['switch', 'there is none', { switchText: good(undefined) }, 'warning', 'there is no parameter /ecs-drain/switch'],
    ['switch', 'it does not say act', { switchText: good('{"mode":"pause"}') }, 'warning', 'the mode is pause'],
    [
      'switch',
      'a group does not act',
      { switchText: good('{"groups":{"web-asg":{"mode":"observe"}}}') },
      'warning',
      'the mode of web-asg is observe',
    ],
    [
      'switch',
      'it names a group that is not there',
      { switchText: good('{"groups":{"wbe-asg":{}}}') },
      'warning',
      'settings for wbe-asg, and there is no such group',
    ],
    ['concurrency', 'it is low', { unreservedConcurrency: good(10) }, 'warning', '10 executions at once'],
  ] as [string, string, Partial<DoctorSeen>, string, string][])('%s: %s', (id, _fault, seen, severity, what) => {
    const found = checked(id, seen);
    expect(found.severity).toBe(severity);
    expect(found.findings.map((finding) => finding.what).join('\n')).toContain(what);
  });
});

describe('what is no fault', () => {
  it.each([
    [
      'attached',
      'a group without instances in a cluster',
      {
        ...registering(),
        groups: good([
          { group: aGroup(), hooks: good([aHook()]) },
          { group: aGroup({ name: 'db-asg', instances: [] }), hooks: good([]) },
        ]),
      },
    ],
    [
      'attached',
      'a group that ECS drains by itself',
      {
        groups: good([
          { group: aGroup({ name: 'a' }), hooks: good([aHook()]) },
          { group: aGroup({ name: 'b' }), hooks: good([managed]) },
        ]),
      },
    ],
    [
      'hook-target',
      'a hook without a target that the stack has a rule for',
      { ...hooked(aHook({ targetArn: undefined })), stack: { ...STACK, hookNamePrefix: 'ecs-' } },
    ],
    ['hook-target', 'what others do', hooked(aHook(), foreign)],
    ['heartbeat', 'one as long as the stop timeout and a minute', hooked(aHook({ heartbeatSeconds: 180 }))],
    ['default-result', "another's ABANDON", hooked(aHook(), { ...foreign, defaultResult: 'ABANDON' })],
    ['managed-draining', 'managed draining on a group of no concern', hooked(managed)],
    ['min-max', 'a daemon at 100 and 100', serving(aService({ daemon: true, maximumPercent: 100 }))],
    ['min-max', 'a service that CodeDeploy replaces', serving(aService({ ecsReplaces: false, maximumPercent: 100 }))],
    ['min-max', 'a service without tasks', serving(aService({ desired: 0, maximumPercent: 100 }))],
    ['min-max', 'room for one more', serving(aService({ desired: 1, maximumPercent: 200 }))],
    [
      'standalone',
      'tasks that the deployed policy stops',
      { ...standing(['etl']), deployed: { ...POLICY, stopStandaloneAfterSeconds: 60 } },
    ],
    [
      'standalone',
      'tasks that the switch stops',
      { ...standing(['etl']), switchText: good('{"policy":{"stopStandaloneAfterSeconds":60}}') },
    ],
    ['agents', 'a leftover without tasks', registering(registered('i-1'), registered('i-1', false, 0))],
    [
      'agents',
      'an agent of another group',
      { ...registering(registered('i-1'), registered('i-9', false)), named: ['web-asg'] },
    ],
  ] as [string, string, Partial<DoctorSeen>][])('%s: %s', (id, _what, seen) => {
    expect(checked(id, seen)).toMatchObject({ severity: 'ok', findings: [] });
  });
});

describe('what cannot be read', () => {
  const oneGroup = { groups: good([{ group: aGroup(), hooks: denied('autoscaling:DescribeLifecycleHooks') }]) };
  const oneCluster = { clusters: good([{ name: 'web', registrations: denied('ecs:DescribeContainerInstances') }]) };
  const services = {
    workloads: [{ cluster: 'web', services: denied('ecs:ListServices'), standalone: denied('ecs:ListTasks') }],
  };
  it.each([
    [
      'attached hook-target hook-twice heartbeat default-result managed-draining hook-quota',
      { groups: denied('autoscaling:DescribeAutoScalingGroups') },
      'autoscaling:DescribeAutoScalingGroups',
    ],
    [
      'attached hook-target hook-twice heartbeat default-result managed-draining hook-quota',
      oneGroup,
      'autoscaling:DescribeLifecycleHooks',
    ],
    ['attached heartbeat min-max standalone agents', { clusters: denied('ecs:ListClusters') }, 'ecs:ListClusters'],
    ['attached heartbeat agents', oneCluster, 'ecs:DescribeContainerInstances'],
    ['heartbeat min-max', services, 'ecs:ListServices'],
    ['standalone', services, 'ecs:ListTasks'],
    [
      'heartbeat',
      { taskDefinitions: [{ arn: TASK_DEFINITION, stopTimeoutSeconds: denied('ecs:DescribeTaskDefinition') }] },
      'ecs:DescribeTaskDefinition',
    ],
    ['managed-draining', { managedDraining: denied('ecs:DescribeCapacityProviders') }, 'ecs:DescribeCapacityProviders'],
    ['subscribers', { subscriptions: denied('sns:ListSubscriptionsByTopic') }, 'sns:ListSubscriptionsByTopic'],
    ['dead-letters', { deadLetters: denied('sqs:GetQueueAttributes') }, 'sqs:GetQueueAttributes'],
    [
      'drain-function',
      { drainFunction: denied('lambda:GetFunctionConfiguration'), deployed: undefined },
      'lambda:GetFunctionConfiguration',
    ],
    ['old-versions', { running: denied('lambda:ListVersionsByFunction') }, 'lambda:ListVersionsByFunction'],
    ['switch', { switchText: denied('ssm:GetParameter') }, 'ssm:GetParameter'],
    ['concurrency', { unreservedConcurrency: denied('lambda:GetAccountSettings') }, 'lambda:GetAccountSettings'],
  ] as [string, Partial<DoctorSeen>, string][])(
    '%s: unknown, and never ok, with the permission that is missing',
    (ids, seen, action) => {
      for (const id of ids.split(' ')) {
        const { severity, findings } = checked(id, seen);
        expect({ id, severity }).toEqual({ id, severity: 'unknown' });
        expect(findings.map(({ what }) => what).join('\n')).toContain(`no permission for ${action}`);
      }
    },
  );

  it('stops no other check', () => {
    const seen = aRegion({ groups: denied('autoscaling:DescribeAutoScalingGroups'), deadLetters: good(1) });
    expect(examine(seen).find(({ id }) => id === 'dead-letters')?.severity).toBe('problem');
    expect(examine(seen).find(({ id }) => id === 'subscribers')?.severity).toBe('ok');
  });

  it('is told once for each reason, however many there are', () => {
    const taskDefinitions = ['a', 'b', 'c'].map((name) => ({
      arn: `arn:x/${name}:1`,
      stopTimeoutSeconds: denied('ecs:DescribeTaskDefinition'),
    }));
    expect(checked('heartbeat', { taskDefinitions }).findings).toEqual([
      { severity: 'unknown', what: expect.stringContaining('the stop timeout of a:1, b:1, c:1: no permission') },
    ]);
  });

  it('hides no problem beside it', () => {
    const hooks = good([aHook({ heartbeatSeconds: 60 })]);
    const found = checked('heartbeat', {
      groups: good([
        { group: aGroup(), hooks },
        { group: aGroup({ name: 'other' }), hooks: denied('autoscaling:DescribeLifecycleHooks') },
      ]),
    });
    expect(found.severity).toBe('problem');
    expect(found.findings.map(({ severity }) => severity)).toContain('unknown');
  });

  it('makes standalone tasks unknown, when nobody knows whether the policy stops them', () => {
    expect(checked('standalone', { ...standing(['etl']), deployed: undefined }).severity).toBe('unknown');
    expect(checked('standalone', { ...standing(['etl']), switchText: denied('ssm:GetParameter') }).severity).toBe(
      'unknown',
    );
  });

  it('is no stop timeout: thirty seconds are the default of the agent, not of ignorance', () => {
    const read = {
      ...hooked(aHook({ heartbeatSeconds: 85 })),
      taskDefinitions: [{ arn: TASK_DEFINITION, stopTimeoutSeconds: good(undefined) }],
    };
    expect(JSON.stringify(checked('heartbeat', read).findings)).toContain('may take 30 s');
    expect(JSON.stringify(checked('heartbeat', { ...read, taskDefinitions: [] }).findings)).not.toContain('may take');
  });
});
