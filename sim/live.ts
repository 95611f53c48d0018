import { AwsError } from './aws-error.ts';
import { EPOCH_MS } from './clock.ts';
import type { Region } from './region.ts';
import type { Server } from './serve.ts';
import { serve } from './serve.ts';

/** How often the world catches up with the wall clock while nobody asks it anything, in milliseconds. */
const TICK_MS = 100;

/**
 * A region that lives in real time, for any AWS SDK or the aws CLI over loopback HTTP. Nothing of ours runs in it:
 * whoever calls is the one who drains. A request sees everything that is due by then.
 */
export async function serveRegion({ world, wire }: Region, port: number): Promise<Server> {
  const startedMs = Date.now();
  const catchUp = (): void => {
    while (world.clock.step(EPOCH_MS + Date.now() - startedMs));
  };
  const server = await serve(
    async (request) => {
      catchUp();
      const call = wire.parse(request);
      try {
        return wire.perform(call);
      } catch (error) {
        if (error instanceof AwsError) return wire.renderError(call, error);
        throw error;
      }
    },
    { port },
  );
  const ticking = setInterval(catchUp, TICK_MS);
  return {
    port: server.port,
    close() {
      clearInterval(ticking);
      return server.close();
    },
  };
}
