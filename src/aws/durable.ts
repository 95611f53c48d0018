import type { DurableContext } from '@aws/durable-execution-sdk-js';
import { createRetryStrategy } from '@aws/durable-execution-sdk-js';
import type { DurablePort } from '../ports.ts';

/**
 * Operating errors come back as values, so a step that throws met a programmer's error or a dying machine: worth a few
 * tries, then the execution fails, loudly.
 */
const retryStrategy = createRetryStrategy({ maxAttempts: 4, initialDelay: { seconds: 2 }, maxDelay: { seconds: 30 } });

/** The durable execution SDK, as the loop sees it. */
export function durablePort(context: DurableContext): DurablePort {
  return {
    step: (name, run) => context.step(name, run, { retryStrategy }),
    wait: (name, seconds) => context.wait(name, { seconds }),
    log: (level, message, fields) => context.logger[level](message, fields),
  };
}
