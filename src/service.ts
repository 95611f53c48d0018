/** What a service says of how ECS may replace its tasks. */
export interface Replacing {
  readonly desired: number;
  readonly minimumHealthyPercent: number;
  readonly maximumPercent: number;
  readonly daemon: boolean;
  /** False where CODE_DEPLOY or EXTERNAL replace its tasks, for which ECS goes by 100 and 200 (AWS-CONTRACTS §3). */
  readonly ecsReplaces: boolean;
}

/**
 * ECS may neither stop one of its tasks first nor start one more, so that none leaves a draining instance. The minimum is
 * rounded up and the maximum down (ECS API reference, DeploymentConfiguration): one task at 50 to 100 % is as stuck as any
 * at 100 to 100 %. Daemons stop last, without a replacement. Pure.
 */
export function isLocked(service: Replacing): boolean {
  const { desired, minimumHealthyPercent: least, maximumPercent: most } = service;
  if (service.daemon || !service.ecsReplaces || desired === 0) return false;
  return Math.ceil((desired * least) / 100) >= desired && Math.floor((desired * most) / 100) <= desired;
}

/** Its bounds, as they keep its tasks where they are. */
export function percentWords({ desired, minimumHealthyPercent: least, maximumPercent: most }: Replacing): string {
  const bounds =
    least === 100 && most === 100 ? 'both 100' : `${least} and ${most}, of ${desired} task${desired === 1 ? '' : 's'}`;
  return `minimum and maximum healthy percent are ${bounds}`;
}
