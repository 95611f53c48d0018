import type { Clock } from './clock.ts';

/** A token bucket, full at first; each call takes one token. */
export interface Bucket {
  /** False when the bucket is empty; nothing is taken then. */
  take(): boolean;
}

/** AWS throttles per account and region with buckets of `burst` tokens, refilled at `perSecond` (AWS-CONTRACTS §3). */
export function createBucket(clock: Pick<Clock, 'nowMs'>, options: { burst: number; perSecond: number }): Bucket {
  let tokens = options.burst;
  let filledAtMs = clock.nowMs();
  return {
    take() {
      const nowMs = clock.nowMs();
      tokens = Math.min(options.burst, tokens + ((nowMs - filledAtMs) / 1000) * options.perSecond);
      filledAtMs = nowMs;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
