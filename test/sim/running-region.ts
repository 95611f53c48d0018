import { LambdaClient } from '@aws-sdk/client-lambda';
import { SNSClient } from '@aws-sdk/client-sns';
import { SSMClient } from '@aws-sdk/client-ssm';
import type { LambdaOptions } from '../../sim/lambda.ts';
import { createLambda } from '../../sim/lambda.ts';
import type { SnsOptions } from '../../sim/sns.ts';
import { createSns } from '../../sim/sns.ts';
import { createSsm } from '../../sim/ssm.ts';
import type { TransportOptions } from '../../sim/transport.ts';
import { createTransport } from '../../sim/transport.ts';
import { installVirtualTime, lambdaEnvironment, runWorld } from '../../sim/virtual-time.ts';
import { createDispatcher } from '../../sim/wire.ts';
import type { World, WorldEvent } from '../../sim/world.ts';
import { createWorld } from '../../sim/world.ts';

interface RegionOptions {
  readonly seed?: number;
  readonly lambda?: LambdaOptions;
  readonly sns?: Omit<SnsOptions, 'deliver'>;
  readonly transport?: Omit<TransportOptions, 'world' | 'wire'>;
}

/** The region's services that run code or carry messages, an SDK client for each, and all that happened. */
export function createRunningRegion(options: RegionOptions = {}) {
  const world = createWorld({ seed: options.seed ?? 1, region: 'eu-west-1' });
  Object.assign(process.env, lambdaEnvironment(world));
  const events: (WorldEvent & { atSeconds: number })[] = [];
  world.on((event) => events.push({ ...event, atSeconds: world.clock.nowSeconds() }));
  const lambda = createLambda(world, options.lambda);
  const sns = createSns(world, { deliver: lambda.deliver, ...options.sns });
  const ssm = createSsm(world);
  const wire = createDispatcher({ lambda: lambda.operations, sns: sns.operations, ssm: ssm.operations });
  const requestHandler = createTransport({ world, wire, ...options.transport });
  return {
    world,
    events,
    /** The events of one kind, oldest first. */
    of<K extends WorldEvent['kind']>(kind: K) {
      type Wanted = Extract<WorldEvent, { kind: K }> & { atSeconds: number };
      return events.filter((event): event is Wanted => event.kind === kind);
    },
    lambda,
    sns,
    ssm,
    requestHandler,
    clients: {
      lambda: new LambdaClient({ requestHandler }),
      sns: new SNSClient({ requestHandler }),
      ssm: new SSMClient({ requestHandler }),
    },
  };
}

/** Lets the work have its way in virtual time, and runs the world until it has settled. */
export async function inVirtualTime<T>(world: World, work: () => Promise<T>): Promise<T> {
  const uninstall = installVirtualTime(world);
  try {
    let settled = false;
    const promise = work();
    const done = (): void => {
      settled = true;
    };
    promise.then(done, done);
    await runWorld(world, () => settled);
    if (!settled) throw new Error('The world came to its end and the work did not.');
    return await promise;
  } finally {
    uninstall();
  }
}

/** Runs the world in virtual time until nothing is left to happen. */
export async function runOut(world: World): Promise<void> {
  const uninstall = installVirtualTime(world);
  try {
    await runWorld(world, () => false);
  } finally {
    uninstall();
  }
}
