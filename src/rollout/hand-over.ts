import type { ExecutionPort, Failure } from '../ports.ts';
import type { Hint } from './notice.ts';
import { readReleases } from './notice.ts';
import { executionName, ReleaseRequest } from './request.ts';

type Log = (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: Record<string, string>) => void;

/** A record of a delivery of SNS, as far as it matters here. */
export interface SnsRecord {
  readonly message: unknown;
  readonly topicArn: unknown;
  /** ISO 8601: when SNS took the message. */
  readonly timestamp: unknown;
}

/**
 * Starts an execution for each release that the messages speak of. Each gets its turn whatever became of those before.
 * @param executions undefined where nothing rolls AMIs out: then it is only logged.
 * @throws AggregateError of the releases that could not be handed over.
 */
export async function handOverReleases(
  records: readonly SnsRecord[],
  region: string,
  executions: ExecutionPort | undefined,
  log: Log,
): Promise<void> {
  const failures: Failure[] = [];
  for (const { message, topicArn, timestamp } of records) {
    for (const notice of readReleases({ body: message, topicArn }, region)) {
      if (notice.kind === 'ignored') {
        log(notice.level, `ignored: ${notice.because}`, {});
        continue;
      }
      const request = requestOf(notice, timestamp);
      if (request === undefined) {
        log('warn', 'ignored: a release without the time of its message', { family: notice.family });
        continue;
      }
      const execution = executionName(request);
      const fields = { family: notice.family, source: notice.source, execution };
      if (executions === undefined) {
        log('info', 'ignored: nothing is set up to roll AMIs out', fields);
        continue;
      }
      const started = await executions.start(execution, request);
      if (started.ok) log('info', 'handed over to the AMI roll-out', fields);
      else {
        log('error', `could not be handed over: ${started.message}`, { ...fields, reason: started.reason });
        failures.push(started);
      }
    }
  }
  if (failures.length > 0) {
    const errors = failures.map(({ operation, reason, message }) => new Error(`${operation} ${reason}: ${message}`));
    throw new AggregateError(errors, `${failures.length} of the delivery's releases could not be handed over`);
  }
}

/**
 * The canonical request, made from the message alone: no receipt data, so that whoever speaks of one release, however
 * often, asks for the same execution. It names no image, for that comes from AWS's parameters whatever was said. A hint
 * without a release is good for one look a day.
 * @param timestamp when SNS took the message: the same for each delivery of it.
 */
function requestOf({ family, version }: Hint, timestamp: unknown): ReleaseRequest | undefined {
  const request = ReleaseRequest.safeParse({
    kind: 'release',
    source: family,
    ...(version === undefined ? { id: `look-${String(timestamp).slice(0, 'yyyy-mm-dd'.length)}` } : { version }),
    noticedAt: timestamp,
  });
  return request.success ? request.data : undefined;
}
