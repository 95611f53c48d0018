import { functionVersions, listExecutions, readExecution, stepAnswers } from '../src/aws/executions.ts';
import type { StoredSwitch } from '../src/aws/switch.ts';
import { storedSwitch } from '../src/aws/switch.ts';
import type { Execution } from '../src/operator/executions.ts';
import type { RecordSeen, ReleaseKnown, RolloutExecution } from '../src/operator/rollout-status.ts';
import { fleetIn, releaseIn, releaseStatus } from '../src/operator/rollout-status.ts';
import { readControl } from '../src/rollout/control.ts';
import { executionName } from '../src/rollout/request.ts';
import { inTurns } from './drains.ts';
import { rolloutsOf } from './fleets.ts';
import type { Here } from './operate.ts';
import { explain, need } from './operate.ts';

/** A rollout lasts 14 days at most (src/rollout/ending.ts): one that ended lately began within this before. */
const LONGEST_ROLLOUT_MS = 15 * 86_400_000;
/** Each costs a call, or two: the latest so many. */
const MOST_READ = 200;

/** A release, with all that is known of it, and the text of its record. */
export interface Rollout extends ReleaseKnown {
  readonly parameter: string;
  readonly stored: StoredSwitch | undefined;
  readonly record: RecordSeen;
  /** Why the record could not be read, where it could not. */
  readonly unreadRecord?: string;
}

export interface Rollouts {
  readonly atMs: number;
  /** Newest first; those that run, and those that have ended since. */
  readonly rollouts: readonly Rollout[];
  /** Executions that were not looked into, for there are so many. */
  readonly unread: number;
}

/** Reads the rollouts of one region. What cannot change is read once, however often it is asked. */
export function rolloutReader(here: Here): (sinceMs: number) => Promise<Rollouts> {
  const { aws } = here;
  const { functionArn, parameterPrefix } = rolloutsOf(here);
  const over = new Map<string, RolloutExecution>();
  const inputs = new Map<string, string>();

  const list = async (sinceMs: number) => {
    const versions = need(await functionVersions(aws.lambda, functionArn)).map(({ version }) => version);
    const statuses = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'STOPPED'] as const;
    const which = { statuses, startedAfterMs: sinceMs - LONGEST_ROLLOUT_MS };
    return need(await listExecutions(aws.lambda, functionArn, versions, which));
  };

  const look = async (execution: Execution): Promise<RolloutExecution> => {
    const { arn, name, status, startedAtMs, endedAtMs } = execution;
    const known = over.get(arn);
    if (known) return known;
    const times = { startedAtMs, ...(endedAtMs === undefined ? {} : { endedAtMs }) };
    if (status === 'RUNNING') {
      const input = inputs.get(arn) ?? need(await readExecution(aws.lambda, arn)).input;
      inputs.set(arn, input);
      const answers = need(await stepAnswers(aws.lambda, arn)).map(({ payload }) => payload);
      return { name, status, ...times, input, result: '', error: '', answers };
    }
    const { input, result, error } = need(await readExecution(aws.lambda, arn));
    const read = { name, status, ...times, input, result, error, answers: [] };
    over.set(arn, read);
    return read;
  };

  return async (sinceMs) => {
    const { found } = await list(sinceMs);
    const all = await inTurns(found.slice(0, MOST_READ), look);
    const atMs = aws.now();
    const fleets = all.filter((execution) => fleetIn(execution) !== undefined);
    const releases = latestOfEach(all.filter((execution) => !fleets.includes(execution)));
    const wanted = releases.filter(({ status, endedAtMs = 0 }) => status === 'RUNNING' || endedAtMs >= sinceMs);
    const rollouts = await inTurns(wanted, async (execution): Promise<Rollout> => {
      const request = releaseIn(execution);
      const name = request === undefined ? execution.name : executionName(request);
      const parameter = `${parameterPrefix.replace(/\/$/, '')}/${name}`;
      const said = await readRecord(here, parameter);
      return { ...releaseStatus(execution, fleets, said.record, atMs), parameter, ...said };
    });
    return { atMs, rollouts, unread: Math.max(0, found.length - MOST_READ) };
  };
}

/** One that was started anew has two executions: the later one counts. They come newest first. */
function latestOfEach(executions: readonly RolloutExecution[]): RolloutExecution[] {
  const names = new Set<string>();
  return executions.filter((execution) => {
    const request = releaseIn(execution);
    const name = request === undefined ? execution.name : executionName(request);
    const isFirst = !names.has(name);
    names.add(name);
    return isFirst;
  });
}

/** A record that cannot be read hides nothing of the rollout, and nothing is written over it. */
async function readRecord(
  { aws }: Here,
  parameter: string,
): Promise<Pick<Rollout, 'stored' | 'record' | 'unreadRecord'>> {
  const stored = await storedSwitch(aws.ssm, parameter);
  if (!stored.ok) {
    const why = explain(stored);
    return { stored: undefined, record: { mistake: why }, unreadRecord: why };
  }
  if (stored.value === undefined) return { stored: undefined, record: undefined };
  return { stored: stored.value, record: readControl(stored.value.text) };
}
