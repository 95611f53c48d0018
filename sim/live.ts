import { AwsError } from './aws-error.ts';
import { EPOCH_MS } from './clock.ts';
import type { Region } from './region.ts';
import type { Server } from './serve.ts';
import { serve } from './serve.ts';
import { runWorld } from './virtual-time.ts';
import type { WireRequest, WireResponse } from './wire.ts';
import { answerTo, renderFault } from './wire.ts';

/** The process's own, kept from before the world's clock takes their place. */
const { setInterval, clearInterval } = globalThis;
const realMs = (): number => Number(process.hrtime.bigint() / 1_000_000n);

/** How often the world catches up with the wall clock while nobody asks it anything, in milliseconds. */
const TICK_MS = 100;

export interface Pace {
  /** Where in the scenario it begins, in seconds; all that comes before has happened by then. */
  readonly atSeconds: number;
  /** Seconds of the region for each second of the wall clock; 0: time stands still. */
  readonly speed: number;
}

/** A region behind loopback HTTP, for any AWS SDK or the aws CLI. A request sees everything that is due by then. */
export async function serveRegion(region: Region, port: number, { atSeconds, speed }: Pace): Promise<Server> {
  const { world } = region;
  const startMs = EPOCH_MS + atSeconds * 1000;
  await runWorld(world, startMs);
  const startedMs = realMs();
  const catchUp = (): Promise<void> => runWorld(world, startMs + (realMs() - startedMs) * speed);

  // The world has one clock: whoever moves it, the others wait.
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work);
    turn = result.catch(() => undefined);
    return result;
  };

  const server = await serve(
    (request) =>
      inTurn(async () => {
        await catchUp();
        const { headers, ...response } = answer(region, request);
        // What the region's time is, callers can only tell by this.
        return { ...response, headers: { ...headers, date: new Date(world.clock.nowMs()).toUTCString() } };
      }),
    { port },
  );
  const ticking = setInterval(() => void inTurn(catchUp), TICK_MS);
  return {
    port: server.port,
    async close() {
      clearInterval(ticking);
      await server.close();
    },
  };
}

function answer({ world, wire, scenario }: Region, request: WireRequest): WireResponse {
  const call = wire.parse(request);
  const regionAsked = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(request.headers['authorization'] ?? '')?.[1];
  if (regionAsked !== undefined && regionAsked !== world.region) {
    // As a real endpoint answers what was signed for another region.
    const message = 'Credential should be scoped to a valid region.';
    return renderFault(request.headers, new AwsError('SignatureDoesNotMatch', message, { statusCode: 403 }));
  }
  const action = `${call.service}:${call.operation}`;
  if (!scenario.denied.includes(action)) return answerTo(wire, call).response;
  const code = call.service === 'ecs' || call.service === 'lambda' ? 'AccessDeniedException' : 'AccessDenied';
  const who = `arn:aws:iam::${world.accountId}:user/operator`;
  const message = `User: ${who} is not authorized to perform: ${action} because no identity-based policy allows the ${action} action`;
  return wire.renderError(call, new AwsError(code, message, { statusCode: 403 }));
}
