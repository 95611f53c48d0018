import { createRandom } from './random.ts';
import type { TaskStatus, World } from './world.ts';

/** One request to a service behind a load balancer. Seconds from the scenario's start. */
export interface Request {
  readonly atSeconds: number;
  readonly endSeconds: number;
  /** Its task was killed under it, or it was sent to a task that was dead already. */
  readonly cut: boolean;
}

interface Target {
  readonly fromSeconds: number;
  /** No new request from then on: it leaves the load balancer (DEACTIVATING), or stops. */
  closesSeconds: number;
  /** What is still being served then is cut. */
  diesSeconds: number;
  killed: boolean;
}

/** How long a load balancer goes on sending requests to a target that died without deregistering: two checks of 5 s. */
const UNNOTICED_SECONDS = 10;
const REQUESTS_PER_SECOND = 40;
/** Most requests are short; one in twenty is an upload or a slow query. */
const SHORT_SECONDS = 0.4;
const LONG_SECONDS = 6;
const LONG_SHARE = 0.05;

/** Follows the tasks of a world from now on, and can then say what became of a stream of requests to them. */
export function watchTargets(world: World): { requests(untilSeconds: number): Request[] } {
  const targets = new Map<string, Target>();
  const closing: readonly TaskStatus[] = ['DEACTIVATING', 'STOPPING', 'DEPROVISIONING', 'STOPPED'];

  world.on((event) => {
    if (event.kind !== 'task') return;
    const now = world.clock.nowSeconds();
    const target = targets.get(event.taskArn);
    if (event.lastStatus === 'RUNNING' && target === undefined) {
      targets.set(event.taskArn, { fromSeconds: now, closesSeconds: Infinity, diesSeconds: Infinity, killed: false });
    } else if (target && (closing.includes(event.lastStatus) || !event.alive)) {
      target.closesSeconds = Math.min(target.closesSeconds, event.cut ? now + UNNOTICED_SECONDS : now);
      if (!event.alive && target.diesSeconds === Infinity) {
        target.diesSeconds = now;
        target.killed = event.cut;
      }
    }
  });

  return {
    requests(untilSeconds) {
      const random = createRandom(world.seed, 'requests');
      const requests: Request[] = [];
      for (let i = 0; i < untilSeconds * REQUESTS_PER_SECOND; i++) {
        const atSeconds = i / REQUESTS_PER_SECOND;
        const mean = random.chance(LONG_SHARE) ? LONG_SECONDS : SHORT_SECONDS;
        const endSeconds = atSeconds + random.around(mean, 0.9);
        const choice = random.int(0, 1_000_000);
        const open = [...targets.values()].filter((t) => t.fromSeconds <= atSeconds && atSeconds < t.closesSeconds);
        const target = open[choice % Math.max(1, open.length)];
        requests.push({ atSeconds, endSeconds, cut: target === undefined || endSeconds > target.diesSeconds });
      }
      return requests;
    },
  };
}
