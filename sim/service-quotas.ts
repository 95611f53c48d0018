import type * as sdk from '@aws-sdk/client-service-quotas';
import type { Operations } from './aws-error.ts';
import { AwsError } from './aws-error.ts';
import type { Scenario } from './scenario.ts';
import { DEFAULT_VCPUS } from './scenario.ts';
import type { World } from './world.ts';

export type QuotaCode = keyof Scenario['quotas'];
export type Market = 'on-demand' | 'spot';

/** What the instance types here count towards, and what AWS calls it. */
const QUOTAS: Readonly<Record<Market, { readonly code: QuotaCode; readonly name: string }>> = {
  'on-demand': {
    code: 'L-1216C47A',
    name: 'Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances',
  },
  spot: { code: 'L-34B43A08', name: 'All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests' },
};

export interface ServiceQuotas {
  readonly operations: Operations;
  /** AWS grants another one. What waits for it is launched when it is tried again. */
  set(code: QuotaCode, vCpus: number): void;
  /** Whether so many vCPUs more may run; what does not fit is refused as `VcpuLimitExceeded` or `MaxSpotInstanceCountExceeded`. */
  hasRoom(market: Market, vCpus: number): boolean;
}

/** The applied quotas of EC2, and what they refuse. @param inUse vCPUs that run, asked only where a quota is not the default. */
export function createServiceQuotas(
  world: World,
  quotas: Scenario['quotas'],
  inUse: (market: Market) => number,
): ServiceQuotas {
  const applied = { ...quotas };
  // UNVERIFIED: for which quotas there is no applied value. "For some quotas, only the default values are available" (API
  // reference of ListServiceQuotas); the seed picks whether one that nobody has changed is such.
  const unchangedIsUnknown = world.random('unverified/unchanged-quota-is-unknown').chance(0.5);

  const quotaNamed = ({ ServiceCode, QuotaCode }: sdk.GetServiceQuotaCommandInput) => {
    const found = ServiceCode === 'ec2' ? Object.values(QUOTAS).find(({ code }) => code === QuotaCode) : undefined;
    if (found !== undefined) return found;
    // UNVERIFIED: the wording.
    throw new AwsError('NoSuchResourceException', `The quota ${QuotaCode} of ${ServiceCode} does not exist.`);
  };

  const shape = ({ code, name }: (typeof QUOTAS)[Market], Value: number): { Quota: sdk.ServiceQuota } => ({
    Quota: {
      ServiceCode: 'ec2',
      ServiceName: 'Amazon Elastic Compute Cloud (Amazon EC2)',
      QuotaArn: `arn:aws:servicequotas:${world.region}:${world.accountId}:ec2/${code}`,
      QuotaCode: code,
      QuotaName: name,
      Value,
      Unit: 'None',
      Adjustable: true,
      GlobalQuota: false,
    },
  });

  return {
    operations: {
      GetServiceQuota(input: sdk.GetServiceQuotaCommandInput): sdk.GetServiceQuotaResponse {
        const quota = quotaNamed(input);
        const vCpus = applied[quota.code];
        if (unchangedIsUnknown && vCpus === DEFAULT_VCPUS)
          throw new AwsError('NoSuchResourceException', `There is no applied value of ${quota.code}.`);
        return shape(quota, vCpus);
      },

      GetAWSDefaultServiceQuota(
        input: sdk.GetAWSDefaultServiceQuotaCommandInput,
      ): sdk.GetAWSDefaultServiceQuotaResponse {
        return shape(quotaNamed(input), DEFAULT_VCPUS);
      },
    },

    set(code, vCpus) {
      applied[code] = vCpus;
    },

    hasRoom(market, vCpus) {
      const most = applied[QUOTAS[market].code];
      return most === DEFAULT_VCPUS || inUse(market) + vCpus <= most;
    },
  };
}
