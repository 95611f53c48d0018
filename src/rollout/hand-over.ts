import { renderAlert } from '../alert.ts';
import { placeOptions } from '../place.ts';
import type { AlertPort, ExecutionPort, Failure } from '../ports.ts';
import type { Hint } from './notice.ts';
import { readReleases } from './notice.ts';
import { executionName, ReleaseRequest, RolloutRequest } from './request.ts';
import { COPY_OF } from './tags.ts';
import type { RolloutAlert } from './telling.ts';

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

/**
 * Starts an execution for a parameter that fleets may follow, and that was written.
 * @throws Error where that could not be done, so that the event comes again.
 */
export async function handOverChange(request: ReleaseRequest, executions: ExecutionPort, log: Log): Promise<void> {
  const execution = executionName(request);
  const started = await executions.start(execution, request);
  if (!started.ok) throw new Error(`${started.operation} ${started.reason}: ${started.message}`);
  log('info', 'handed over to the AMI roll-out', { source: request.source, execution });
}

/** An execution that ended without a result. */
interface Failed {
  readonly arn: string;
  readonly name: string;
  readonly status: string;
  readonly functionArn: string;
}

/**
 * Tells people of a roll-out whose execution failed. It is not started again by itself, as a drain is: what it had begun is
 * half done, and an instance refresh that it watched goes on without it, so that somebody has to look first.
 * @throws Error where that could not be done, so that the event comes again.
 */
export async function handOverFailure(
  failed: Failed,
  {
    executions,
    alerts,
    stack,
  }: { readonly executions: ExecutionPort; readonly alerts: AlertPort; readonly stack: string },
  log: Log,
): Promise<void> {
  const input = await executions.inputOf(failed.arn);
  if (!input.ok) throw new Error(`${input.operation} ${input.reason}: ${input.message}`);
  const request = RolloutRequest.safeParse(parseJson(input.value));
  if (!request.success) {
    log('error', 'a failed execution had no request of a roll-out as its input', { execution: failed.name });
    return;
  }
  log('warn', 'a roll-out failed, and people are told', { execution: failed.name });
  const told = await alerts.publish(renderAlert(failureAlert(failed, request.data, stack), failed.functionArn, stack));
  if (!told.ok) throw new Error(`${told.operation} ${told.reason}: ${told.message}`);
}

function failureAlert(
  { name, status, functionArn }: Failed,
  request: RolloutRequest,
  stack: string,
): Omit<RolloutAlert, 'key'> {
  const fleets = request.kind === 'fleet' ? [request.fleet] : (request.fleets ?? []);
  const only = fleets.map((fleet) => ` --group '${fleet.replaceAll("'", `'\\''`)}'`).join('');
  const [, , , region = ''] = functionArn.split(':');
  return {
    kind: 'rollout-failed',
    rollout: request.kind === 'fleet' ? request.release : name,
    course: name,
    fleet: request.kind === 'fleet' ? request.fleet : undefined,
    family: request.source,
    version: request.version ?? 'latest',
    because:
      request.kind === 'fleet'
        ? `${request.fleet}: its rollout broke off (${status}), and nobody watches what it began.`
        : `The rollout broke off (${status}): no further fleet is begun. Those that were begun go on by themselves.`,
    details: [
      ...(request.kind === 'fleet' ? leftBy(request.fleet) : []),
      `ecs-drain rollout start ${request.source}${only} --because 'it broke off' ${placeOptions({ region, stack }).join(' ')}`,
    ],
  };
}

/** What a fleet's course may have left, wherever it broke off. */
function leftBy(fleet: string): string[] {
  const id = /^spot-fleet\/(.+)/.exec(fleet)?.[1];
  if (id === undefined) return ['An instance refresh that it started goes on without it.'];
  return [
    `A copy of it, tagged ${COPY_OF} with ${id}, may run beside it; its own target may be zero, and instances of it DRAINING.`,
    'Choose the one that stays: it needs its target, and its instances ACTIVE. Drain the instances of the other, then cancel it: while both are there, no rollout begins on either.',
  ];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
