import type { RequestHandler } from '../src/aws/clients.ts';
import type { Environment } from '../src/config.ts';

/** What a handler is made of besides its code; on Lambda, the environment alone. */
export interface Platform {
  readonly environment: Environment;
  /** Carries the AWS clients' requests instead of the network: how the simulator runs the very bundles. */
  readonly requestHandler?: RequestHandler;
}

export const lambda: Platform = { environment: process.env };
