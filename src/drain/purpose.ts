import type { DrainPolicy } from '../config.ts';
import type { DrainRequest } from './request.ts';

/** What one request is for, under the policy of the moment. */
export interface Purpose {
  /** `notify`: people are told, and nothing is done. `replace`: the group terminates it, and its hook drains it. */
  readonly action: 'notify' | 'drain' | 'replace';
  /** Nothing is done before this time. */
  readonly startAtMs: number;
  /** The drain is over then, whatever is left. */
  readonly deadlineMs: number;
  /** The instance stays or comes back: what we drained is set ACTIVE again. */
  readonly restore: boolean;
  /** The instance need not leave: who sets it ACTIVE again calls the drain off. */
  readonly callable: boolean;
}

/** AWS takes a Spot instance two minutes after its warning (AWS-CONTRACTS §6). */
const SPOT_SECONDS = 120;

export function purposeOf(request: DrainRequest, policy: DrainPolicy): Purpose {
  const noticedAtMs = Date.parse(request.noticedAt);
  const byPolicy = noticedAtMs + policy.deadlineSeconds * 1000;
  switch (request.kind) {
    case 'terminating':
      return {
        action: 'drain',
        startAtMs: noticedAtMs,
        deadlineMs: byPolicy,
        restore: request.departure === 'replace-root-volume',
        callable: false,
      };
    case 'spot-interruption': {
      const deadlineMs = noticedAtMs + SPOT_SECONDS * 1000;
      return {
        action: policy.spotInterruption,
        startAtMs: noticedAtMs,
        deadlineMs,
        // A persistent request or a fleet that maintains its capacity starts it again some day, by EC2's own hand.
        restore: request.action !== 'terminate',
        callable: false,
      };
    }
    case 'rebalance':
      return { action: policy.rebalance, startAtMs: noticedAtMs, deadlineMs: byPolicy, restore: false, callable: true };
    case 'maintenance': {
      const startsAtMs = Date.parse(request.startsAt);
      return {
        action: policy.maintenance,
        startAtMs: Math.max(noticedAtMs, startsAtMs - policy.maintenanceLeadSeconds * 1000),
        // Between notice and start there may be less time than a drain takes; it then still gets a minute.
        deadlineMs: Math.max(startsAtMs, noticedAtMs + 60_000),
        restore: request.change === 'reboot',
        callable: true,
      };
    }
    case 'ordered': {
      const deadlineMs =
        request.deadlineSeconds === undefined ? byPolicy : noticedAtMs + request.deadlineSeconds * 1000;
      return { action: 'drain', startAtMs: noticedAtMs, deadlineMs, restore: false, callable: true };
    }
  }
}
