import { AwsError } from './aws-error.ts';
import { createStaleReads } from './stale-reads.ts';
import { pause, sandboxes } from './virtual-time.ts';
import type { Dispatcher, WireCall, WireRequest, WireResponse } from './wire.ts';
import type { World } from './world.ts';

/** Probabilities from 0 to 1, drawn by seed for every call. */
export interface TransportFaults {
  /** The service answers its throttling error and does nothing. */
  readonly throttle?: number | undefined;
  /** The same from this call on, for a while. */
  readonly throttleBurst?: number | undefined;
  /** The service answers 500 and does nothing. */
  readonly serverError?: number | undefined;
  /** The operation is carried out, and then the connection is reset. */
  readonly timeoutAfterEffect?: number | undefined;
  /** The answer to a Describe or a List is up to five seconds old when it arrives. */
  readonly staleRead?: number | undefined;
}

/** Ends the sandbox that makes a call: before the request arrives, or when it has been carried out. */
export type CallFault = 'kill-before' | 'kill-after';

export interface TransportOptions {
  readonly world: World;
  readonly wire: Dispatcher;
  readonly faults?: TransportFaults | undefined;
  /** Round trip in milliseconds, give or take a fifth by seed; half of it passes before the operation. Default 20. */
  readonly latencyMs?: number | undefined;
  /** Asked before each call; `sequence` counts the calls of this transport from one. */
  readonly beforeCall?: ((call: WireCall, sequence: number) => CallFault | undefined) | undefined;
}

/** The part of an SDK request that goes over the wire. */
export interface SdkRequest {
  readonly method: string;
  readonly path: string;
  readonly query?: WireRequest['query'];
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** What any SDK client takes as its `requestHandler`. */
export interface Transport {
  handle(request: SdkRequest): Promise<{ response: WireResponse }>;
  updateHttpClientConfig(): void;
  httpHandlerConfigs(): Record<string, never>;
  destroy(): void;
}

/** Each service's own words for "too many requests" and "our fault": code and HTTP status. */
const ERRORS: Readonly<Record<string, { throttle: readonly [string, number]; server: string }>> = {
  autoscaling: { throttle: ['Throttling', 400], server: 'InternalFailure' },
  ec2: { throttle: ['RequestLimitExceeded', 503], server: 'InternalError' },
  ecs: { throttle: ['ThrottlingException', 400], server: 'ServerException' },
  lambda: { throttle: ['TooManyRequestsException', 429], server: 'ServiceException' },
  servicequotas: { throttle: ['TooManyRequestsException', 400], server: 'ServiceException' },
  sns: { throttle: ['Throttled', 429], server: 'InternalError' },
  ssm: { throttle: ['ThrottlingException', 400], server: 'InternalServerError' },
};
const OTHER = { throttle: ['ThrottlingException', 400], server: 'InternalFailure' } as const;

/** Five attempts of an SDK are over after eight seconds at most. Our figure. */
const BURST_SECONDS = [10, 20] as const;

/** As Node's own handler reports a connection that broke while it waited for the answer. */
const connectionReset = (): Error =>
  Object.assign(new Error('socket hang up'), { name: 'TimeoutError', code: 'ECONNRESET' });

const toWire = ({ method, path, query, headers, body }: SdkRequest): WireRequest => ({
  method,
  path,
  query: query ?? {},
  headers,
  body: typeof body === 'string' || body instanceof Uint8Array ? body : undefined,
});

/**
 * The network between the SDK clients and the simulated services: no sockets, virtual time, faults by seed. A call
 * belongs to the sandbox that makes it; if that one is gone when the answer comes, there is no answer.
 */
export function createTransport({ world, wire, faults = {}, latencyMs = 20, beforeCall }: TransportOptions): Transport {
  const random = world.random('transport');
  const bursts = world.random('transport/bursts');
  /** By service, until when it throttles whatever comes. */
  const throttlesUntilMs = new Map<string, number>();
  let sequence = 0;

  const isInBurst = (service: string): boolean => {
    const nowMs = world.clock.nowMs();
    if (nowMs < (throttlesUntilMs.get(service) ?? 0)) return (faults.throttleBurst ?? 0) > 0;
    if (!bursts.chance(faults.throttleBurst ?? 0)) return false;
    throttlesUntilMs.set(service, nowMs + bursts.int(...BURST_SECONDS) * 1000);
    return true;
  };

  const tell = ({ service, operation, input }: WireCall, error: string | undefined): void =>
    world.emit({ kind: 'call', service, operation, error, input, by: sandboxes.getStore()?.executionName });

  /** The service's answer. Its effect, if any, happens here, at one moment. */
  const answer = (call: WireCall, injected?: AwsError): WireResponse => {
    try {
      if (injected) throw injected;
      const response = wire.perform(call);
      tell(call, undefined);
      return response;
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      tell(call, error.code);
      return wire.renderError(call, error);
    }
  };

  const answerOrStale = createStaleReads(world, () => faults.staleRead ?? 0, answer);

  const draw = (call: WireCall): { injected: AwsError | undefined; reset: boolean } => {
    const { throttle, server } = ERRORS[call.service] ?? OTHER;
    const throttled = random.chance(faults.throttle ?? 0) || isInBurst(call.service);
    const broken = random.chance(faults.serverError ?? 0);
    const reset = random.chance(faults.timeoutAfterEffect ?? 0);
    if (throttled) return { injected: new AwsError(throttle[0], 'Rate exceeded', { statusCode: throttle[1] }), reset };
    if (broken) return { injected: new AwsError(server, 'Internal error.', { statusCode: 500 }), reset };
    return { injected: undefined, reset };
  };

  return {
    async handle(request) {
      const sandbox = sandboxes.getStore();
      if (sandbox?.alive === false) await pause(world, 0);
      const call = wire.parse(toWire(request));
      sequence++;
      const number = sequence;
      const fault = beforeCall?.(call, number);
      const roundTripMs = Math.round(random.around(latencyMs, 0.2));
      const thereMs = Math.floor(roundTripMs / 2);
      const { injected, reset } = draw(call);
      const die = (): void => sandbox?.crash(`${fault} at call ${number}, ${call.service}:${call.operation}`);

      if (fault === 'kill-before') die();
      await pause(world, thereMs);
      const { response, lateMs } = guard(world, () =>
        injected ? { response: answer(call, injected), lateMs: 0 } : answerOrStale(call),
      );
      if (fault === 'kill-after') die();
      await pause(world, roundTripMs - thereMs + lateMs);
      if (reset) throw connectionReset();
      return { response };
    },
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
    destroy() {},
  };
}

/** A defect of the simulation must end the run: the SDK would take it for a network error and try again. */
function guard<T>(world: World, work: () => T): T {
  try {
    return work();
  } catch (defect) {
    world.clock.after(0, () => {
      throw defect;
    });
    throw defect;
  }
}
