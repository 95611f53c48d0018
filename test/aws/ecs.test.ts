import {
  DescribeContainerInstancesCommand,
  DescribeServicesCommand,
  DescribeTasksCommand,
  ECSClient,
  ListClustersCommand,
  ListContainerInstancesCommand,
  ListTasksCommand,
  StopTaskCommand,
  UpdateContainerInstancesStateCommand,
} from '@aws-sdk/client-ecs';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { ecsPort } from '../../src/aws/ecs.ts';
import type { Result } from '../../src/ports.ts';
import { CLUSTER, INSTANCE, INSTANCE_ARN } from '../support/build.ts';

const client = new ECSClient({ region: 'eu-west-1' });
const aws = mockClient(client);
const ecs = ecsPort(client);

beforeEach(() => aws.reset());

/** The inputs of every request that was sent, in order. */
const sent = (): unknown[] => aws.calls().map((call) => call.args[0].input);
const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${prefix}${n}`);
const throttle = Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException' });

const value = <T>(answer: Result<T>): T => (answer.ok ? answer.value : expect.fail(answer.message));

describe('ListClusters', () => {
  it('asks for every page', async () => {
    aws
      .on(ListClustersCommand)
      .resolvesOnce({ clusterArns: names('c', 100), nextToken: 'more' })
      .resolvesOnce({ clusterArns: ['c100'] });
    expect(value(await ecs.listClusters())).toEqual(names('c', 101));
    expect(sent()).toEqual([{ maxResults: 100 }, { nextToken: 'more', maxResults: 100 }]);
  });
});

describe('finding container instances', () => {
  it('filters by EC2 instance, names no status so that all but INACTIVE are found, and reads every page', async () => {
    const filter = `ec2InstanceId in ['${INSTANCE}']`;
    aws
      .on(ListContainerInstancesCommand)
      .resolvesOnce({ containerInstanceArns: ['a'], nextToken: 'more' })
      .resolvesOnce({ containerInstanceArns: ['b'] });
    expect(value(await ecs.findContainerInstances(CLUSTER, INSTANCE))).toEqual(['a', 'b']);
    expect(sent()).toEqual([
      { cluster: CLUSTER, filter },
      { cluster: CLUSTER, filter, nextToken: 'more' },
    ]);
  });

  it('that are none is an answer', async () => {
    aws.on(ListContainerInstancesCommand).resolves({});
    expect(await ecs.findContainerInstances(CLUSTER, INSTANCE)).toEqual({ ok: true, value: [] });
  });

  it('in a cluster that does not exist is not', async () => {
    aws
      .on(ListContainerInstancesCommand)
      .rejects(Object.assign(new Error('Cluster not found.'), { name: 'ClusterNotFoundException' }));
    expect(await ecs.findContainerInstances('nowhere', INSTANCE)).toEqual({
      ok: false,
      reason: 'gone',
      operation: 'ecs:ListContainerInstances',
      message: 'Cluster not found.',
    });
  });

  it('whose second page fails is a failure, not half an answer', async () => {
    aws
      .on(ListContainerInstancesCommand)
      .resolvesOnce({ containerInstanceArns: ['a'], nextToken: 'more' })
      .rejectsOnce(throttle);
    expect(await ecs.findContainerInstances(CLUSTER, INSTANCE)).toMatchObject({ ok: false, reason: 'throttled' });
  });
});

describe('counting those that drain', () => {
  it.each([
    ['counts those of the one page', 100, undefined, 100],
    ['says 101 for any more, in one call: a thousand that count each other are too many', 100, 'more', 101],
  ])('%s', async (_, listed, nextToken, count) => {
    aws
      .on(ListContainerInstancesCommand)
      .resolves({ containerInstanceArns: names('a', listed), ...(nextToken === undefined ? {} : { nextToken }) });
    expect(value(await ecs.countDraining(CLUSTER))).toBe(count);
    expect(sent()).toEqual([{ cluster: CLUSTER, status: 'DRAINING' }]);
  });
});

describe('DescribeContainerInstances', () => {
  it('takes a hundred at a time and adds the answers up', async () => {
    aws.on(DescribeContainerInstancesCommand).callsFake(({ containerInstances }: { containerInstances: string[] }) => ({
      containerInstances: containerInstances.map((containerInstanceArn) => ({
        containerInstanceArn,
        status: 'DRAINING',
      })),
    }));
    const arns = names('arn', 101);
    expect(value(await ecs.describeContainerInstances(CLUSTER, arns)).found.map(({ arn }) => arn)).toEqual(arns);
    expect(sent()).toEqual([
      { cluster: CLUSTER, containerInstances: arns.slice(0, 100) },
      { cluster: CLUSTER, containerInstances: ['arn100'] },
    ]);
  });

  it('answers with what a drain needs, and what is MISSING beside it', async () => {
    aws.on(DescribeContainerInstancesCommand).resolves({
      containerInstances: [
        {
          containerInstanceArn: INSTANCE_ARN,
          status: 'DRAINING',
          agentConnected: true,
          runningTasksCount: 3,
          pendingTasksCount: 1,
          ec2InstanceId: INSTANCE,
        },
      ],
      failures: [{ arn: 'other', reason: 'MISSING' }],
    });
    expect(value(await ecs.describeContainerInstances(CLUSTER, [INSTANCE_ARN, 'other']))).toEqual({
      found: [{ arn: INSTANCE_ARN, status: 'DRAINING', agentConnected: true, runningTasks: 3, pendingTasks: 1 }],
      missing: ['other'],
    });
  });

  it('takes a registration that is INACTIVE for missing as well, in whatever words', async () => {
    aws.on(DescribeContainerInstancesCommand).resolves({
      containerInstances: [],
      failures: [{ arn: 'other', reason: 'INACTIVE' }],
    });
    expect(value(await ecs.describeContainerInstances(CLUSTER, ['other']))).toEqual({ found: [], missing: ['other'] });
  });

  it.each([
    ['any other reason', 'ACCESS_DENIED', /other: ACCESS_DENIED detail/],
    ['no reason', undefined, /other: no reason given detail/],
  ])('with a failure of %s is a failure: not found is not empty', async (_, reason, message) => {
    aws
      .on(DescribeContainerInstancesCommand)
      .resolves({ containerInstances: [], failures: [{ arn: 'other', reason, detail: 'detail' }] });
    expect(await ecs.describeContainerInstances(CLUSTER, ['other'])).toEqual({
      ok: false,
      reason: 'other',
      operation: 'ecs:DescribeContainerInstances',
      message: expect.stringMatching(message),
      lost: true,
    });
  });

  it('takes an agent for away and a status for unknown where ECS does not say', async () => {
    aws
      .on(DescribeContainerInstancesCommand)
      .resolves({ containerInstances: [{ containerInstanceArn: INSTANCE_ARN }] });
    expect(value(await ecs.describeContainerInstances(CLUSTER, [INSTANCE_ARN])).found).toEqual([
      { arn: INSTANCE_ARN, status: 'UNKNOWN', agentConnected: false, runningTasks: 0, pendingTasks: 0 },
    ]);
  });
});

describe('UpdateContainerInstancesState', () => {
  it('sets ten at a time DRAINING, and reads the answer', async () => {
    aws
      .on(UpdateContainerInstancesStateCommand)
      .callsFake(({ containerInstances }: { containerInstances: string[] }) => ({
        containerInstances: containerInstances.map((containerInstanceArn) => ({
          containerInstanceArn,
          status: 'DRAINING',
          runningTasksCount: 2,
        })),
      }));
    const arns = names('arn', 11);
    expect(value(await ecs.setStatus(CLUSTER, arns, 'DRAINING')).found).toHaveLength(11);
    expect(sent()).toEqual([
      { cluster: CLUSTER, containerInstances: arns.slice(0, 10), status: 'DRAINING' },
      { cluster: CLUSTER, containerInstances: ['arn10'], status: 'DRAINING' },
    ]);
  });

  it('sets ACTIVE again as well', async () => {
    aws
      .on(UpdateContainerInstancesStateCommand)
      .resolves({ containerInstances: [{ containerInstanceArn: 'a', status: 'ACTIVE', agentConnected: true }] });
    expect(value(await ecs.setStatus(CLUSTER, ['a'], 'ACTIVE')).found).toMatchObject([{ arn: 'a', status: 'ACTIVE' }]);
    expect(sent()).toEqual([{ cluster: CLUSTER, containerInstances: ['a'], status: 'ACTIVE' }]);
  });

  it('that fails for one of several is a failure: none may be forgotten', async () => {
    aws.on(UpdateContainerInstancesStateCommand).resolves({
      containerInstances: [{ containerInstanceArn: 'a', status: 'DRAINING' }],
      failures: [{ arn: 'b', reason: 'UNKNOWN' }],
    });
    expect(await ecs.setStatus(CLUSTER, ['a', 'b'], 'DRAINING')).toMatchObject({
      ok: false,
      operation: 'ecs:UpdateContainerInstancesState',
    });
  });
});

describe('ListTasks', () => {
  it.each(['RUNNING', 'STOPPED'] as const)(
    'asks for those desired %s on the instance, every page, and keeps short ids',
    async (desiredStatus) => {
      aws
        .on(ListTasksCommand)
        .resolvesOnce({ taskArns: ['arn:aws:ecs:eu-west-1:123456789012:task/web/aaaa'], nextToken: 'more' })
        .resolvesOnce({ taskArns: ['arn:aws:ecs:eu-west-1:123456789012:task/bbbb'] });
      expect(value(await ecs.listTasks(CLUSTER, INSTANCE_ARN, desiredStatus))).toEqual(['aaaa', 'bbbb']);
      const request = { cluster: CLUSTER, containerInstance: INSTANCE_ARN, desiredStatus, maxResults: 100 };
      expect(sent()).toEqual([request, { ...request, nextToken: 'more' }]);
    },
  );
});

describe('DescribeTasks', () => {
  it('takes a hundred at a time: the 101st is asked for as well', async () => {
    aws.on(DescribeTasksCommand).callsFake(({ tasks }: { tasks: string[] }) => ({
      tasks: tasks.map((id) => ({
        taskArn: `arn:aws:ecs:eu-west-1:123456789012:task/web/${id}`,
        lastStatus: 'STOPPING',
        desiredStatus: 'STOPPED',
        group: 'service:api',
      })),
    }));
    const ids = names('t', 250);
    expect(value(await ecs.describeTasks(CLUSTER, ids))).toEqual(
      ids.map((id) => ({ id, status: 'STOPPING', group: 'service:api' })),
    );
    expect(sent().map((input) => (input as { tasks: string[] }).tasks.length)).toEqual([100, 100, 50]);
  });

  it('goes by the last status, not by the desired one', async () => {
    aws.on(DescribeTasksCommand).resolves({
      tasks: [{ taskArn: 'x/a', lastStatus: 'DEACTIVATING', desiredStatus: 'STOPPED', group: 'family:report' }],
    });
    expect(value(await ecs.describeTasks(CLUSTER, ['a']))).toEqual([
      { id: 'a', status: 'DEACTIVATING', group: 'family:report' },
    ]);
  });

  it('takes a task without a status for one that has not stopped', async () => {
    aws.on(DescribeTasksCommand).resolves({ tasks: [{ taskArn: 'x/a' }] });
    expect(value(await ecs.describeTasks(CLUSTER, ['a']))).toEqual([
      { id: 'a', status: 'UNKNOWN', group: 'family:unknown' },
    ]);
  });

  it('leaves out a task that ECS has forgotten', async () => {
    aws.on(DescribeTasksCommand).resolves({ tasks: [], failures: [{ arn: 'a', reason: 'MISSING' }] });
    expect(await ecs.describeTasks(CLUSTER, ['a'])).toEqual({ ok: true, value: [] });
  });

  it('fails when ECS fails to tell about a task for another reason', async () => {
    aws.on(DescribeTasksCommand).resolves({ tasks: [], failures: [{ arn: 'a', reason: 'INTERNAL' }] });
    expect(await ecs.describeTasks(CLUSTER, ['a'])).toMatchObject({
      ok: false,
      reason: 'other',
      message: 'a: INTERNAL',
    });
  });

  it('fails as a whole when its second call does', async () => {
    aws.on(DescribeTasksCommand).resolvesOnce({ tasks: [] }).rejectsOnce(throttle);
    expect(await ecs.describeTasks(CLUSTER, names('t', 101))).toMatchObject({ ok: false, reason: 'throttled' });
  });
});

describe('StopTask', () => {
  it('names task and cluster, and says why', async () => {
    aws.on(StopTaskCommand).resolves({});
    expect(await ecs.stopTask(CLUSTER, 'aaaa', 'because')).toEqual({ ok: true, value: undefined });
    expect(sent()).toEqual([{ cluster: CLUSTER, task: 'aaaa', reason: 'because' }]);
  });
});

describe('DescribeServices', () => {
  it('takes ten at a time, with what a diagnosis needs and ten events at most', async () => {
    const createdAt = new Date('2026-03-01T12:00:00Z');
    aws.on(DescribeServicesCommand).callsFake(({ services }: { services: string[] }) => ({
      services: services.map((serviceName) => ({
        serviceName,
        schedulingStrategy: 'REPLICA',
        desiredCount: 2,
        deploymentConfiguration: { minimumHealthyPercent: 50, maximumPercent: 150 },
        events: Array.from({ length: 12 }, (_, n) => ({ createdAt, message: `event ${n}` })),
      })),
    }));
    const services = value(await ecs.describeServices(CLUSTER, names('s', 11)));
    expect(sent()).toEqual([
      { cluster: CLUSTER, services: names('s', 10) },
      { cluster: CLUSTER, services: ['s10'] },
    ]);
    expect(services).toHaveLength(11);
    expect(services[10]).toEqual({
      name: 's10',
      daemon: false,
      ecsReplaces: true,
      minimumHealthyPercent: 50,
      maximumPercent: 150,
      desired: 2,
      events: Array.from({ length: 10 }, (_, n) => ({ atMs: createdAt.getTime(), message: `event ${n}` })),
    });
  });

  it('takes 100 and 200 percent where a service does not say, and knows a daemon', async () => {
    aws.on(DescribeServicesCommand).resolves({ services: [{ serviceName: 'agent', schedulingStrategy: 'DAEMON' }] });
    expect(value(await ecs.describeServices(CLUSTER, ['agent']))).toEqual([
      {
        name: 'agent',
        daemon: true,
        ecsReplaces: true,
        minimumHealthyPercent: 100,
        maximumPercent: 200,
        desired: 0,
        events: [],
      },
    ]);
  });
});

describe('a call that AWS refuses comes back as a value', () => {
  it.each<[string, () => Promise<Result<unknown>>]>([
    ['ecs:ListClusters', () => ecs.listClusters()],
    ['ecs:ListContainerInstances', () => ecs.findContainerInstances(CLUSTER, INSTANCE)],
    ['ecs:ListContainerInstances', () => ecs.countDraining(CLUSTER)],
    ['ecs:DescribeContainerInstances', () => ecs.describeContainerInstances(CLUSTER, ['a'])],
    ['ecs:UpdateContainerInstancesState', () => ecs.setStatus(CLUSTER, ['a'], 'DRAINING')],
    ['ecs:ListTasks', () => ecs.listTasks(CLUSTER, 'a', 'STOPPED')],
    ['ecs:DescribeTasks', () => ecs.describeTasks(CLUSTER, ['a'])],
    ['ecs:StopTask', () => ecs.stopTask(CLUSTER, 'a', 'because')],
    ['ecs:DescribeServices', () => ecs.describeServices(CLUSTER, ['a'])],
  ])('%s', async (operation, call) => {
    aws.onAnyCommand().rejects(throttle);
    expect(await call()).toEqual({ ok: false, reason: 'throttled', operation, message: 'Rate exceeded' });
  });
});
