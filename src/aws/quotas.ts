import type { EC2Client, Instance } from '@aws-sdk/client-ec2';
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import type { ServiceQuota, ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { GetAWSDefaultServiceQuotaCommand, GetServiceQuotaCommand } from '@aws-sdk/client-service-quotas';
import type { Result } from '../ports.ts';
import type { QuotaSeen, QuotasPort, RunningSeen } from '../rollout/ports.ts';
import { attempt } from './failure.ts';
import { firstPages } from './pages.ts';

const INSTANCES_A_PAGE = 1_000;
/** Each page is megabytes and takes seconds: where more instances run, they are not counted. */
const MOST_PAGES = 10;
/** What counts: "running" of the quotas' names includes what is being launched. */
const COUNTED = [{ Name: 'instance-state-name', Values: ['pending', 'running'] }];

export function quotasPort(ec2: EC2Client, client: ServiceQuotasClient): QuotasPort {
  return {
    running: async () =>
      unlessDenied(
        await attempt('ec2:DescribeInstances', () =>
          firstPages(MOST_PAGES, async ({ nextToken }) => {
            const asked = { Filters: COUNTED, MaxResults: INSTANCES_A_PAGE, NextToken: nextToken };
            const page = await ec2.send(new DescribeInstancesCommand(asked));
            const instances = page.Reservations?.flatMap(({ Instances }) => Instances ?? []) ?? [];
            return { items: instances.flatMap(runningSeen), nextToken: page.NextToken };
          }),
        ),
      ),

    quota: async (code) => {
      const asked = { ServiceCode: 'ec2', QuotaCode: code };
      const applied = await attempt('servicequotas:GetServiceQuota', () =>
        known(client.send(new GetServiceQuotaCommand(asked))),
      );
      // One that nobody has changed may have no applied value. A value that may not be read is no reason to believe the default.
      if (!applied.ok || applied.value !== undefined) return quotaIn(applied);
      return quotaIn(
        await attempt('servicequotas:GetAWSDefaultServiceQuota', () =>
          known(client.send(new GetAWSDefaultServiceQuotaCommand(asked))),
        ),
      );
    },
  };
}

/** An organization may deny a whole service: that is a check less, and no reason to hold a rollout. */
function unlessDenied<T>(result: Result<T>): Result<T | undefined> {
  return !result.ok && result.reason === 'denied' ? { ok: true, value: undefined } : result;
}

/** Undefined where there is no such quota. */
async function known<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchResourceException') return undefined;
    throw error;
  }
}

function quotaIn(
  answer: Result<{ readonly Quota?: ServiceQuota | undefined } | undefined>,
): Result<QuotaSeen | undefined> {
  const result = unlessDenied(answer);
  if (!result.ok) return result;
  const { QuotaName, QuotaCode = '', Value } = result.value?.Quota ?? {};
  return { ok: true, value: Value === undefined ? undefined : { name: QuotaName ?? QuotaCode, vCpus: Value } };
}

/** Instances on Dedicated Hosts have quotas of hosts, and Capacity Blocks their own: neither counts (EC2 user guide). */
function runningSeen({ InstanceId, InstanceType, InstanceLifecycle, Placement, CpuOptions }: Instance): RunningSeen[] {
  const market = InstanceLifecycle === undefined ? 'on-demand' : InstanceLifecycle === 'spot' ? 'spot' : undefined;
  if (InstanceId === undefined || InstanceType === undefined || market === undefined) return [];
  if (Placement?.Tenancy === 'host') return [];
  const { CoreCount = 0, ThreadsPerCore = 0 } = CpuOptions ?? {};
  return [{ id: InstanceId, type: InstanceType, market, vCpus: CoreCount * ThreadsPerCore }];
}
