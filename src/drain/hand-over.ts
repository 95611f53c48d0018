import type { ExecutionPort, Failure } from '../ports.ts';
import { readNotice } from './notice.ts';
import { executionName } from './request.ts';

type Log = (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: Record<string, string>) => void;

/**
 * Starts a drain for each message that asks for one. Every message gets its turn whatever became of those before it;
 * only then is it said which could not be handed over, so that the whole event is delivered again and the rest join.
 * @throws AggregateError of the notices that could not be handed over.
 */
export async function handOver(
  messages: readonly unknown[],
  ownAccountId: string,
  executions: ExecutionPort,
  log: Log,
): Promise<void> {
  const failures: Failure[] = [];
  for (const message of messages) {
    const notice = readNotice(message, ownAccountId);
    if (notice.kind === 'ignored') {
      log(notice.level, `ignored: ${notice.because}`, {});
      continue;
    }
    const { instanceId, group, hook } = notice;
    const started = await executions.start(executionName(notice), notice);
    if (started.ok) {
      log('info', 'handed over to the drain', { instanceId, group, hook, execution: executionName(notice) });
    } else {
      log('error', `could not be handed over: ${started.message}`, { instanceId, group, hook, reason: started.reason });
      failures.push(started);
    }
  }
  if (failures.length > 0) {
    const errors = failures.map(({ operation, reason, message }) => new Error(`${operation} ${reason}: ${message}`));
    throw new AggregateError(errors, `${failures.length} of ${messages.length} notices could not be handed over`);
  }
}
