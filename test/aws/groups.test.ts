import {
  AutoScalingClient,
  DescribeAutoScalingGroupsCommand,
  DescribeLifecycleHooksCommand,
} from '@aws-sdk/client-auto-scaling';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, describe, expect, it } from 'vitest';
import { deleteHook, groups, hooksOf, putHook } from '../../src/aws/groups.ts';
import type { Result } from '../../src/ports.ts';
import { sessionIn } from '../cli/support.ts';
import { aHook } from '../operator/build.ts';

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

const SCENARIO = {
  name: 'groups',
  durationSeconds: 3_600,
  clusters: [{ name: 'web', instances: 2, group: 'web-asg' }],
  groups: [{ name: 'plain-asg', instances: 1 }],
  hooks: [{ group: 'web-asg', heartbeatSeconds: 600 }],
  events: [{ atSeconds: 10, toWarmPool: { group: 'web-asg', count: 1 } }],
};

async function here(scenario: object = SCENARIO, atSeconds = 0) {
  const session = await sessionIn(scenario, atSeconds);
  open.push(session);
  return session;
}

const value = <T>(answer: Result<T>): T => (answer.ok ? answer.value : expect.fail(answer.message));

describe('groups', () => {
  it('are those that are named and exist, or all', async () => {
    const { aws } = await here();
    const named = value(await groups(aws.autoScaling, ['web-asg', 'nowhere']));
    expect(named.map(({ name, instances }) => [name, instances.map(({ state }) => state)])).toEqual([
      ['web-asg', ['InService', 'InService']],
    ]);
    expect(value(await groups(aws.autoScaling, undefined)).map(({ name }) => name)).toEqual(['web-asg', 'plain-asg']);
    expect(value(await groups(aws.autoScaling, []))).toEqual([]);
  });

  it('have their warm pool’s instances too', async () => {
    const { aws } = await here(SCENARIO, 60);
    const [web] = value(await groups(aws.autoScaling, ['web-asg']));
    expect(web?.instances.map(({ state }) => state)).toContain('Warmed:Pending:Wait');
  });

  it('are read page by page', async () => {
    const client = new AutoScalingClient({ region: 'eu-west-1' });
    const group = { AutoScalingGroupName: 'a', MinSize: 0, MaxSize: 1, DesiredCapacity: 1, DefaultCooldown: 300 };
    const more = { HealthCheckType: 'EC2', CreatedTime: new Date(0), AvailabilityZones: [] };
    mockClient(client)
      .on(DescribeAutoScalingGroupsCommand)
      .resolvesOnce({ AutoScalingGroups: [{ ...group, ...more }], NextToken: 'more' })
      .resolvesOnce({ AutoScalingGroups: [{ ...group, ...more, AutoScalingGroupName: 'b' }] });
    expect(value(await groups(client, undefined)).map(({ name }) => name)).toEqual(['a', 'b']);
  });
});

describe('hooks', () => {
  it('are put, read back as they were put, and deleted', async () => {
    const { aws } = await here();
    const hook = aHook({ name: 'second', heartbeatSeconds: 60, globalTimeoutSeconds: 6_000 });

    expect(await putHook(aws.autoScaling, 'plain-asg', hook)).toEqual({ ok: true, value: undefined });
    expect(value(await hooksOf(aws.autoScaling, 'plain-asg'))).toEqual([hook]);
    expect(await deleteHook(aws.autoScaling, 'plain-asg', 'second')).toEqual({ ok: true, value: undefined });
    expect(value(await hooksOf(aws.autoScaling, 'plain-asg'))).toEqual([]);
  });

  it('of a group that does not exist are a failure', async () => {
    const { aws } = await here();
    expect(await hooksOf(aws.autoScaling, 'nowhere')).toMatchObject({ ok: false, reason: 'other' });
  });

  it('have AWS’s own defaults where they say nothing', async () => {
    const client = new AutoScalingClient({ region: 'eu-west-1' });
    mockClient(client)
      .on(DescribeLifecycleHooksCommand)
      .resolves({ LifecycleHooks: [{ LifecycleHookName: 'x' }] });
    expect(value(await hooksOf(client, 'web-asg'))).toMatchObject([
      { heartbeatSeconds: 3_600, globalTimeoutSeconds: 172_800, defaultResult: 'ABANDON', targetArn: undefined },
    ]);
  });

  it('are at most 50 in a group', async () => {
    const { aws } = await here();
    for (let n = 0; n < 50; n++) value(await putHook(aws.autoScaling, 'plain-asg', aHook({ name: `hook-${n}` })));
    expect(await putHook(aws.autoScaling, 'plain-asg', aHook({ name: 'one-more' }))).toMatchObject({ ok: false });
  });
});
