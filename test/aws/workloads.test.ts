import {
  DescribeServicesCommand,
  DescribeTasksCommand,
  ECSClient,
  ListServicesCommand,
  ListTasksCommand,
} from '@aws-sdk/client-ecs';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, describe, expect, it } from 'vitest';
import { managedDrainingGroups } from '../../src/aws/capacity-providers.ts';
import { servicesOnInstances, standaloneTasks, stopTimeout } from '../../src/aws/workloads.ts';
import type { Result } from '../../src/ports.ts';
import { sessionIn } from '../cli/support.ts';

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

/** More services than one page, and than one call may describe; a dozen capacity providers are two pages. */
const services = Array.from({ length: 12 }, (_, n) => ({ name: `api-${n}`, desired: 1, cpu: 1, memory: 1 }));
const SCENARIO = {
  name: 'workloads',
  durationSeconds: 3_600,
  clusters: [
    {
      name: 'web',
      instances: 2,
      group: 'web-asg',
      services: [
        { name: 'slow', desired: 2, stopTimeoutSeconds: 300, minimumHealthyPercent: 50, maximumPercent: 150 },
        { name: 'agent', strategy: 'DAEMON' },
        ...services,
      ],
      standalone: [{ count: 2, runsSeconds: 3_600 }],
    },
    ...Array.from({ length: 12 }, (_, n) => ({ name: `c-${n}`, instances: 0, group: `g-${n}`, managedDraining: true })),
  ],
};

async function here(scenario: object = SCENARIO) {
  const session = await sessionIn(scenario);
  open.push(session);
  return session;
}

const value = <T>(answer: Result<T>): T => (answer.ok ? answer.value : expect.fail(answer.message));

describe('services', () => {
  it('are all read, page by page and ten at a time', async () => {
    const { aws } = await here();

    const found = value(await servicesOnInstances(aws.ecs, 'web'));

    expect(found).toHaveLength(14);
    expect(found[0]).toEqual({
      name: 'slow',
      daemon: false,
      ecsReplaces: true,
      desired: 2,
      minimumHealthyPercent: 50,
      maximumPercent: 150,
      taskDefinition: 'arn:aws:ecs:eu-west-1:123456789012:task-definition/slow:1',
    });
    expect(found[1]).toMatchObject({ name: 'agent', daemon: true });
    expect(aws.calls()).toBe(3);
  });

  it('of Fargate, external instances and the past are left out; without a launch type they may be ours', async () => {
    const client = new ECSClient({ region: 'eu-west-1' });
    const on = (capacityProvider: string) => ({ capacityProviderStrategy: [{ capacityProvider }] });
    mockClient(client)
      .on(ListServicesCommand)
      .resolves({ serviceArns: ['a'] })
      .on(DescribeServicesCommand)
      .resolves({
        services: [
          { serviceName: 'fargate', status: 'ACTIVE', launchType: 'FARGATE' },
          { serviceName: 'spot', status: 'ACTIVE', ...on('FARGATE_SPOT') },
          { serviceName: 'far', status: 'ACTIVE', launchType: 'EXTERNAL' },
          { serviceName: 'old', status: 'DRAINING', launchType: 'EC2' },
          { serviceName: 'ours', status: 'ACTIVE', ...on('web-instances') },
          { serviceName: 'blue', status: 'ACTIVE', launchType: 'EC2', deploymentController: { type: 'CODE_DEPLOY' } },
        ],
      });
    expect(value(await servicesOnInstances(client, 'web')).map(({ name, ecsReplaces }) => [name, ecsReplaces])).toEqual(
      [
        ['ours', true],
        ['blue', false],
      ],
    );
  });

  it.each(['ecs:ListServices', 'ecs:DescribeServices'])('are unknown without %s', async (action) => {
    const { aws } = await here({ ...SCENARIO, denied: [action] });
    expect(await servicesOnInstances(aws.ecs, 'web')).toMatchObject({ ok: false, reason: 'denied', operation: action });
  });
});

describe('standalone tasks', () => {
  it('are those that no service started', async () => {
    const { aws } = await here();
    expect(value(await standaloneTasks(aws.ecs, 'web'))).toEqual({
      families: ['standalone', 'standalone'],
      tasks: 18,
      lookedAt: 18,
    });
    expect(value(await standaloneTasks(aws.ecs, 'c-0'))).toEqual({ families: [], tasks: 0, lookedAt: 0 });
  });

  it('on Fargate are none of ours, and of very many tasks a thousand are looked at', async () => {
    const client = new ECSClient({ region: 'eu-west-1' });
    const mock = mockClient(client)
      .on(ListTasksCommand)
      .resolves({ taskArns: Array.from({ length: 1_001 }, (_, n) => `t-${n}`) })
      .on(DescribeTasksCommand)
      .resolves({ tasks: [{ group: 'family:f' }, { group: 'family:e', containerInstanceArn: 'ci' }] });
    const { families, tasks, lookedAt } = value(await standaloneTasks(client, 'web'));
    expect({ tasks, lookedAt, families: new Set(families) }).toEqual({
      tasks: 1_001,
      lookedAt: 1_000,
      families: new Set(['e']),
    });
    expect(mock.commandCalls(DescribeTasksCommand)).toHaveLength(10);
  });
});

it('the stop timeout of a task definition is its longest; one that is gone is a failure', async () => {
  const { aws } = await here();
  expect(value(await stopTimeout(aws.ecs, 'arn:aws:ecs:eu-west-1:123456789012:task-definition/slow:1'))).toBe(300);
  expect(await stopTimeout(aws.ecs, 'nothing:1')).toMatchObject({
    ok: false,
    message: expect.stringContaining('Unable'),
  });
});

it('groups with managed draining are found behind every page of capacity providers', async () => {
  const { aws, region } = await here();
  const { AutoScalingGroups } = region.autoScaling.operations.DescribeAutoScalingGroups({ MaxRecords: 100 });
  const arns = AutoScalingGroups.map(({ AutoScalingGroupARN }) => AutoScalingGroupARN).slice(1);
  expect(value(await managedDrainingGroups(aws.ecs))).toEqual(arns);
  expect(aws.calls()).toBe(2);
});
