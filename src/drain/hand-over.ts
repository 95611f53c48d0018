import { renderAlert } from '../alert.ts';
import type { AlertPort, ExecutionPort, Failure, Result } from '../ports.ts';
import { isEvent, readEvent } from './event.ts';
import type { Notice } from './notice.ts';
import { readNotice } from './notice.ts';
import { DrainRequest, executionName } from './request.ts';
import type { FailedExecution } from './restart.ts';
import { readFailure, restartName } from './restart.ts';

type Log = (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: Record<string, string>) => void;

export interface HandOverPorts {
  readonly executions: ExecutionPort;
  readonly alerts: AlertPort;
}

/**
 * Starts a drain for each notice in a delivery of SNS or EventBridge that asks for one. Every notice gets its turn
 * whatever became of those before it; only then is it said which could not be handed over, so that the whole delivery
 * comes again and the rest join.
 * @throws AggregateError of the notices that could not be handed over.
 */
export async function handOver(delivery: unknown, ownAccountId: string, ports: HandOverPorts, log: Log): Promise<void> {
  const failures: Failure[] = [];
  const failed = readFailure(delivery, ownAccountId);
  if (failed) {
    const restarted = await restart(failed, ports, log);
    if (!restarted.ok) failures.push(restarted);
  }
  const notices = failed ? [] : readDelivery(delivery, ownAccountId);
  for (const notice of notices) {
    if (notice.kind === 'ignored') {
      log(notice.level, `ignored: ${notice.because}`, {});
      continue;
    }
    const execution = executionName(notice);
    const fields = { instanceId: notice.instanceId, notice: notice.kind, execution };
    const started = await ports.executions.start(execution, notice);
    if (started.ok) log('info', 'handed over to the drain', fields);
    else {
      log('error', `could not be handed over: ${started.message}`, { ...fields, reason: started.reason });
      failures.push(started);
    }
  }
  if (failures.length > 0) {
    const errors = failures.map(({ operation, reason, message }) => new Error(`${operation} ${reason}: ${message}`));
    throw new AggregateError(errors, `${failures.length} of the delivery's notices could not be handed over`);
  }
}

function readDelivery(delivery: unknown, ownAccountId: string): Notice[] {
  if (isEvent(delivery)) return readEvent(delivery, ownAccountId);
  const records = (delivery as { Records?: unknown } | null | undefined)?.Records;
  if (!Array.isArray(records)) return [readNotice(undefined, ownAccountId)];
  return records.map((record) => readNotice(record?.Sns?.Message, ownAccountId));
}

/** A closed name is not started again (AWS-CONTRACTS §7): once more under a name of its own, then people are told. */
async function restart(
  failed: FailedExecution,
  { executions, alerts }: HandOverPorts,
  log: Log,
): Promise<Result<undefined>> {
  const input = await executions.inputOf(failed.arn);
  if (!input.ok) return input;
  const request = DrainRequest.safeParse(parseJson(input.value));
  if (!request.success) {
    log('error', 'a failed execution had no drain request as its input', { execution: failed.name });
    return { ok: true, value: undefined };
  }
  const again = restartName(failed.name);
  if (again !== undefined) {
    log('warn', 'the drain failed and is started once more', { execution: failed.name, again });
    return executions.start(again, request.data);
  }
  const { instanceId } = request.data;
  const because = `The drain of ${instanceId} failed twice (${failed.status}): nobody drains it now. Start it again under a fresh name.`;
  const payload = JSON.stringify(request.data).replaceAll(`'`, `'\\''`);
  const drain = executionName(request.data);
  const redrive = `aws lambda invoke --invocation-type Event --durable-execution-name ${drain}-r2 --function-name ${failed.functionArn} --cli-binary-format raw-in-base64-out --payload '${payload}' /dev/null`;
  const group = request.data.kind === 'terminating' ? request.data.group : undefined;
  const alert = { kind: 'failed', drain, instanceId, group, cluster: undefined, because, details: [redrive] } as const;
  return alerts.publish(renderAlert(alert, failed.functionArn));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
