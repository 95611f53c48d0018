import type { Instance } from '@aws-sdk/client-ec2';
import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import {
  GetAWSDefaultServiceQuotaCommand,
  GetServiceQuotaCommand,
  ServiceQuotasClient,
} from '@aws-sdk/client-service-quotas';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { ec2Client, serviceQuotasClient } from '../../src/aws/clients.ts';
import { quotasPort } from '../../src/aws/quotas.ts';
import { createWorldOfAws } from './sim.ts';

const STANDARD = 'L-1216C47A';
const STANDARD_SPOT = 'L-34B43A08';
const NAME = 'Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances';

function prepare(scenario: object = {}, options: { seed?: number } = {}) {
  const aws = createWorldOfAws(scenario, options);
  return { ...aws, port: quotasPort(ec2Client(aws.requestHandler), serviceQuotasClient(aws.requestHandler)) };
}

describe('over the wire', () => {
  it('counts the instances of groups and of Spot Fleets, by type and market, and none of a warm pool', async () => {
    const { value, port, region } = prepare({
      clusters: [{ name: 'web', instances: 2, group: 'web-asg', mixed: 'images', warm: 1 }],
      spotFleets: [{ name: 'spot', cluster: 'web', instances: 1 }],
    });
    const [intel = '', arm = ''] = region.instancesOf('web-asg');
    const [spot = ''] = region.instancesOf('spot');
    expect(await value(port.running)).toEqual([
      { id: intel, type: 'm7i.xlarge', market: 'on-demand', vCpus: 4 },
      { id: arm, type: 'm7g.xlarge', market: 'on-demand', vCpus: 4 },
      { id: spot, type: 'm7i.xlarge', market: 'spot', vCpus: 4 },
    ]);
  });

  it('pages through a region of more than a thousand', async () => {
    const { value, port, calls } = prepare({ groups: [{ name: 'many', instances: 2_001 }] });
    const running = await value(port.running);
    expect(new Set(running?.map(({ id }) => id)).size).toBe(2_001);
    expect(calls).toEqual(Array.from({ length: 3 }, () => 'ec2:DescribeInstances'));
  });

  it('has the quota as it was granted', async () => {
    const { value, port, calls } = prepare({ quotas: { [STANDARD]: 64 } });
    expect(await value(() => port.quota(STANDARD))).toEqual({ name: NAME, vCpus: 64 });
    expect(calls).toEqual(['servicequotas:GetServiceQuota']);
  });

  it("has AWS's default where there is no applied value", async () => {
    const asked = new Set<number>();
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const { value, port, calls } = prepare({}, { seed });
      expect(await value(() => port.quota(STANDARD_SPOT))).toMatchObject({ vCpus: 100_000 });
      asked.add(calls.length);
    }
    // The seed picks whether there is one.
    expect(asked).toEqual(new Set([1, 2]));
  });

  it('knows no quota of another code', async () => {
    const { value, port } = prepare();
    expect(await value(() => port.quota('L-00000000'))).toBeUndefined();
  });
});

describe('as AWS may answer', () => {
  const named = (name: string) => Object.assign(new Error('it is so'), { name });
  const mocked = () => {
    const ec2 = mockClient(EC2Client);
    const quotas = mockClient(ServiceQuotasClient);
    const port = quotasPort(new EC2Client({ region: 'eu-west-1' }), new ServiceQuotasClient({ region: 'eu-west-1' }));
    return { ec2, quotas, port };
  };
  const instance = (changes: Partial<Instance> = {}): Instance => ({
    InstanceId: 'i-1',
    InstanceType: 'm7i.xlarge',
    CpuOptions: { CoreCount: 2, ThreadsPerCore: 2 },
    Placement: { Tenancy: 'default' },
    ...changes,
  });

  it('asks for what runs or is about to, a thousand at a time', async () => {
    const { ec2, port } = mocked();
    ec2.on(DescribeInstancesCommand).resolves({ Reservations: [] });
    expect(await port.running()).toEqual({ ok: true, value: [] });
    expect(ec2.commandCalls(DescribeInstancesCommand).map(({ args: [{ input }] }) => input)).toEqual([
      { Filters: [{ Name: 'instance-state-name', Values: ['pending', 'running'] }], MaxResults: 1_000 },
    ]);
  });

  it.each<[string, Partial<Instance>, object[]]>([
    ['one thread to a core', { CpuOptions: { CoreCount: 2, ThreadsPerCore: 1 } }, [{ market: 'on-demand', vCpus: 2 }]],
    ['Spot', { InstanceLifecycle: 'spot' }, [{ market: 'spot', vCpus: 4 }]],
    ['dedicated hardware', { Placement: { Tenancy: 'dedicated' } }, [{ market: 'on-demand', vCpus: 4 }]],
    ['a Dedicated Host, which has quotas of its own', { Placement: { Tenancy: 'host' } }, []],
    ['a Capacity Block', { InstanceLifecycle: 'capacity-block' }, []],
  ])('counts %s as it is', async (_, changes, counted) => {
    const { ec2, port } = mocked();
    ec2.on(DescribeInstancesCommand).resolves({ Reservations: [{ Instances: [instance(changes)] }] });
    expect(await port.running()).toEqual({
      ok: true,
      value: counted.map((one) => ({ id: 'i-1', type: 'm7i.xlarge', ...one })),
    });
  });

  it('does not count where the list has more than ten pages', async () => {
    const { ec2, port } = mocked();
    ec2.on(DescribeInstancesCommand).resolves({ Reservations: [{ Instances: [instance()] }], NextToken: 'more' });
    expect(await port.running()).toEqual({ ok: true, value: undefined });
    expect(ec2.commandCalls(DescribeInstancesCommand)).toHaveLength(10);
  });

  it.each(['UnauthorizedOperation', 'AccessDeniedException'])('leaves out what is denied (%s)', async (name) => {
    const { ec2, quotas, port } = mocked();
    ec2.on(DescribeInstancesCommand).rejects(named(name));
    quotas.on(GetServiceQuotaCommand).rejects(named(name));
    expect(await port.running()).toEqual({ ok: true, value: undefined });
    expect(await port.quota(STANDARD)).toEqual({ ok: true, value: undefined });
    // The default may be less than what was granted.
    expect(quotas.commandCalls(GetAWSDefaultServiceQuotaCommand)).toEqual([]);
  });

  it('leaves out a quota whose default is denied, is not there, or has no value', async () => {
    const { quotas, port } = mocked();
    quotas.on(GetServiceQuotaCommand).rejects(named('NoSuchResourceException'));
    for (const name of ['AccessDeniedException', 'NoSuchResourceException']) {
      quotas.on(GetAWSDefaultServiceQuotaCommand).rejects(named(name));
      expect(await port.quota(STANDARD)).toEqual({ ok: true, value: undefined });
    }
    quotas.on(GetServiceQuotaCommand).resolves({ Quota: { QuotaCode: STANDARD, ErrorReason: {} } });
    expect(await port.quota(STANDARD)).toEqual({ ok: true, value: undefined });
  });

  it.each([
    ['TooManyRequestsException', 'throttled'],
    ['ServiceException', 'other'],
  ])('fails with %s like any other read', async (name, reason) => {
    const { ec2, quotas, port } = mocked();
    ec2.on(DescribeInstancesCommand).rejects(named(name));
    quotas.on(GetServiceQuotaCommand).rejects(named(name));
    expect(await port.running()).toMatchObject({ ok: false, reason, operation: 'ec2:DescribeInstances' });
    expect(await port.quota(STANDARD)).toMatchObject({ ok: false, reason, operation: 'servicequotas:GetServiceQuota' });
  });
});
