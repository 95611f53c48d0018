import {
  DescribeServicesCommand,
  ECSClient,
  ListContainerInstancesCommand,
  ListServicesCommand,
  UpdateContainerInstancesStateCommand,
} from '@aws-sdk/client-ecs';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { ecsClient } from '../../src/aws/clients.ts';
import { clustersPort } from '../../src/aws/fleet-clusters.ts';
import { createWorldOfAws } from './sim.ts';

function prepare(clusters: object[]) {
  const aws = createWorldOfAws({ clusters });
  return { ...aws, clusters: clustersPort(ecsClient(aws.requestHandler)) };
}
const arn = (cluster: string): string => `arn:aws:ecs:eu-west-1:123456789012:cluster/${cluster}`;

describe('clusters', () => {
  it('are found by the instances that are registered in them', async () => {
    const { clusters, region, value } = prepare([
      { name: 'none', instances: 1, group: 'a' },
      { name: 'web', instances: 250, group: 'b' },
      { name: 'batch', instances: 3, group: 'c' },
    ]);
    const ids = [...region.instancesOf('b'), region.instancesOf('c')[2] ?? ''];
    expect(await value(() => clusters.clustersOf(ids, []))).toEqual([arn('web'), arn('batch')]);
    expect(await value(() => clusters.clustersOf(['i-gone'], [arn('web')]))).toEqual([]);
    expect(await value(() => clusters.clustersOf([], []))).toEqual([]);
  });

  it('are asked where the instances were before, and elsewhere only for those that are not there', async () => {
    const { clusters, region, value, calls } = prepare([
      { name: 'none', instances: 1, group: 'a' },
      { name: 'web', instances: 3, group: 'b' },
      { name: 'batch', instances: 3, group: 'c' },
    ]);
    const web = region.instancesOf('b');
    const both = [...web, ...region.instancesOf('c')];

    expect(await value(() => clusters.clustersOf(web, [arn('web')]))).toEqual([arn('web')]);
    expect(calls).toEqual(['ecs:ListContainerInstances']);
    expect(await value(() => clusters.clustersOf(both, [arn('deleted'), arn('web')]))).toEqual([
      arn('web'),
      arn('batch'),
    ]);
  });
});

describe('the hosts of a cluster', () => {
  it('are described with what they run, those asked for and no others', async () => {
    const { clusters, region, value } = prepare([
      { name: 'web', instances: 250, group: 'web', services: [{ name: 'api', desired: 500 }] },
    ]);
    const ids = region.instancesOf('web');
    region.ecs.setAgentConnected(ids[0] ?? '', false);
    region.ecs.setStatus(ids[1] ?? '', 'DRAINING');

    const hosts = await value(() => clusters.hosts('web', ids.slice(0, 240)));

    const plain = {
      agentConnected: true,
      agentVersion: '1.98.0',
      runtimeVersion: 'Docker version 25.0.8',
      runningTasks: 2,
    };
    expect(hosts.map(({ instanceId }) => instanceId)).toEqual(ids.slice(0, 240));
    expect(hosts[0]).toEqual({ ...plain, instanceId: ids[0], status: 'ACTIVE', agentConnected: false });
    expect(hosts[1]).toMatchObject({ instanceId: ids[1], status: 'DRAINING' });
    expect(hosts[2]).toEqual({ ...plain, instanceId: ids[2], status: 'ACTIVE' });
    expect(await value(() => clusters.hosts('web', ['i-gone']))).toEqual([]);
  });

  it('of a cluster that does not exist are gone', async () => {
    const { clusters, ask } = prepare([]);
    expect(await ask(() => clusters.hosts('web', ['i-1']))).toMatchObject({ ok: false, reason: 'gone' });
    expect(await ask(() => clusters.services('web'))).toMatchObject({ ok: false, reason: 'gone' });
  });
});

describe('the services of a cluster', () => {
  it('are all told of, with how steady they are', async () => {
    const services = Array.from({ length: 45 }, (_, i) => ({ name: `s${i}`, desired: 1, cpu: 1, memory: 1 }));
    const big = { name: 'big', desired: 9, cpu: 1_000, minimumHealthyPercent: 50, maximumPercent: 150 };
    const { clusters, value } = prepare([{ name: 'web', instances: 2, group: 'web', services: [big, ...services] }]);

    const steady = await value(() => clusters.services('web'));

    expect(steady).toHaveLength(46);
    expect(steady[0]).toEqual({
      service: 'big',
      desired: 9,
      running: 8,
      pending: 0,
      deployments: 1,
      minimumHealthyPercent: 50,
      maximumPercent: 150,
      daemon: false,
      ecsReplaces: true,
    });
    expect(steady[45]).toMatchObject({ service: 's44', desired: 1, running: 1, minimumHealthyPercent: 100 });
  });

  it('are those on EC2 instances: how steady Fargate is says nothing about ours', async () => {
    const client = new ECSClient({ region: 'eu-west-1' });
    const fargate = { capacityProviderStrategy: [{ capacityProvider: 'FARGATE' }] };
    const other = { deploymentController: { type: 'EXTERNAL' as const }, schedulingStrategy: 'DAEMON' as const };
    mockClient(client)
      .on(ListServicesCommand)
      .resolves({ serviceArns: ['a'] })
      .on(DescribeServicesCommand)
      .resolves({
        services: [
          { serviceName: 'far', status: 'ACTIVE', ...fargate, desiredCount: 2 },
          { serviceName: 'gone', status: 'DRAINING', launchType: 'EC2' },
          { serviceName: 'ours', status: 'ACTIVE', launchType: 'EC2', ...other },
        ],
      });
    expect(await clustersPort(client).services('web')).toMatchObject({
      ok: true,
      value: [{ service: 'ours', daemon: true, ecsReplaces: false, minimumHealthyPercent: 100, maximumPercent: 200 }],
    });
  });
});

describe('groups whose instances a capacity provider protects', () => {
  it('are found on every page, and no others', async () => {
    const clusters = Array.from({ length: 24 }, (_, i) => ({
      name: `c${i}`,
      instances: 0,
      group: `g${i}`,
      protectedFromScaleIn: i % 2 === 0,
      managedDraining: i % 3 === 0,
    }));
    const { clusters: port, value } = prepare(clusters);
    const arns = await value(() => port.terminationProtectedGroups());
    expect(arns.map((one) => one.replace(/.*\//, ''))).toEqual(
      clusters.filter(({ protectedFromScaleIn }) => protectedFromScaleIn).map(({ group }) => group),
    );
  });
});

describe('container instances that are set ACTIVE', () => {
  const asking = (failures: { arn: string; reason: string }[]) => {
    const client = new ECSClient({ region: 'eu-west-1' });
    const aws = mockClient(client);
    aws.on(ListContainerInstancesCommand).resolves({ containerInstanceArns: ['a', 'b'] });
    aws.on(UpdateContainerInstancesStateCommand).resolves({ failures });
    return clustersPort(client).activate('web', ['i-a', 'i-b']);
  };

  it('may be gone meanwhile', async () => {
    expect(await asking([{ arn: 'a', reason: 'MISSING' }])).toMatchObject({ ok: true });
  });

  it('are not, where ECS says anything else of one', async () => {
    expect(await asking([{ arn: 'b', reason: 'UNKNOWN' }])).toMatchObject({ ok: false, message: 'b: UNKNOWN' });
  });
});
