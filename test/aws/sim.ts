import { EPOCH_MS } from '../../sim/clock.ts';
import { createRegion, type Handles, type Region } from '../../sim/region.ts';
import { parseScenario } from '../../sim/scenario.ts';
import { lambdaEnvironment } from '../../sim/virtual-time.ts';
import type { RequestHandler } from '../../src/aws/clients.ts';
import type { Result } from '../../src/ports.ts';
import { inVirtualTime } from '../sim/running-region.ts';

/** A simulated region for adapters to talk to: what they send and get goes over the wire, in virtual time. */
export function createWorldOfAws(scenario: object, options: { seed?: number } & Handles = {}) {
  const text = JSON.stringify({ name: 'adapters', durationSeconds: 1_209_600, ...scenario });
  const { seed = 1, ...handles } = options;
  const region: Region = createRegion(parseScenario(text, 'test'), seed, handles);
  Object.assign(process.env, lambdaEnvironment(region.world));
  const calls: string[] = [];
  region.world.on((event) => event.kind === 'call' && calls.push(`${event.service}:${event.operation}`));
  return {
    region,
    /** What was sent, oldest first: `ec2:DescribeImages`. */
    calls,
    requestHandler: region.transport as unknown as RequestHandler,
    /** Moves the clock to so many seconds from the start. */
    runTo(seconds: number): void {
      while (region.world.clock.step(EPOCH_MS + seconds * 1000));
    },
    /** What a port answers, its success taken for granted. */
    async value<T>(ask: () => Promise<Result<T>>): Promise<T> {
      const answer = await inVirtualTime(region.world, ask);
      if (!answer.ok) throw new Error(`${answer.operation}: ${answer.reason}: ${answer.message}`);
      return answer.value;
    },
    ask: <T>(call: () => Promise<T>): Promise<T> => inVirtualTime(region.world, call),
  };
}
