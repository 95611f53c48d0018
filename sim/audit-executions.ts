import type { Violate } from './audit.ts';
import type { ExecutionRecord } from './execution.ts';
import type { World } from './world.ts';

/** AWS-CONTRACTS §7. */
const MOST_OPERATIONS = 3_000;
const MOST_BYTES = 100 * 2 ** 20;

/** Watches the invocations of durable functions. Answers what judges their executions when the run is over. */
export function watchExecutions(world: World, violate: Violate): (executions: readonly ExecutionRecord[]) => void {
  const live = new Map<string, number>();
  const inputs = new Map<string, { name: string; closedAtMs: number | undefined }>();

  world.on((event) => {
    if (event.kind === 'execution' && (event.status === 'FAILED' || event.status === 'TIMED_OUT'))
      violate('execution-failed', undefined, `${event.name} ended ${event.status}`);
    if (event.kind !== 'invoked' && event.kind !== 'invocation-ended') return;
    if (event.executionName === undefined) return;
    const running = (live.get(event.executionName) ?? 0) + (event.kind === 'invoked' ? 1 : -1);
    live.set(event.executionName, running);
    if (event.kind === 'invoked' && running > 1)
      violate('two-at-once', undefined, `execution ${event.executionName} runs twice at the same time`);
  });

  return (executions) => {
    for (const { name, operations, bytes, startedAtMs, closedAtMs, input } of executions) {
      if (operations >= MOST_OPERATIONS)
        violate('operation-limit', undefined, `${name} used ${operations} durable operations`);
      if (bytes >= MOST_BYTES) violate('data-limit', undefined, `${name} wrote ${bytes} bytes`);
      const previous = inputs.get(input);
      if (previous && startedAtMs < (previous.closedAtMs ?? Number.POSITIVE_INFINITY)) {
        violate('two-executions', undefined, `${previous.name} and ${name} ran for one request at the same time`);
      }
      inputs.set(input, { name, closedAtMs });
    }
  };
}
