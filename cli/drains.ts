import { functionVersions, listExecutions, readExecution, stepAnswers } from '../src/aws/executions.ts';
import type { DrainPolicy } from '../src/config.ts';
import { readDrainConfig } from '../src/config.ts';
import type { Execution, FunctionVersion, History } from '../src/operator/executions.ts';
import type { Drain, PastDrain } from '../src/operator/status.ts';
import { drainStatus, instanceOf, pastDrain } from '../src/operator/status.ts';
import type { Here } from './operate.ts';
import { need } from './operate.ts';

/** Each costs a call or two; a person reads no more either. */
const MOST_LOOKED_INTO = 50;
const CALLS_AT_ONCE = 4;
/** No drain of a hook lasts longer (AWS-CONTRACTS §1): one that ended lately began within this before. */
const LONGEST_DRAIN_MS = 172_800_000;

const OVER = ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'STOPPED'] as const;

/** Reads the drains of one region. What cannot change is read once, however often it is asked. */
export interface DrainReader {
  /** Executions under way, the longest first; `more`: there are others that were not even listed. */
  running(): Promise<{ readonly executions: readonly Execution[]; readonly more: boolean }>;
  history(execution: Execution): Promise<History>;
  /** What the given ones have come to; 50 at most, the rest is counted. */
  lookInto(executions: readonly Execution[]): Promise<{ readonly drains: readonly Drain[]; readonly others: number }>;
  /** Those that have ended since, the latest first; no more than `most` are read, the rest is counted. */
  ended(sinceMs: number, most: number): Promise<{ readonly drains: readonly PastDrain[]; readonly others: number }>;
  /** Those of the given names, under way or over. */
  named(names: readonly string[], startedAfterMs: number): Promise<readonly Execution[]>;
  /** Those of one instance, under way or over. */
  startedFor(instanceId: string, startedAfterMs: number): Promise<readonly Execution[]>;
  newestVersion(): Promise<string | undefined>;
}

export function drainReader({ aws, stack }: Here): DrainReader {
  const functionArn = stack.drainFunctionArn;
  const inputs = new Map<string, string>();
  let known: readonly FunctionVersion[] | undefined;
  const versions = async (): Promise<readonly FunctionVersion[]> => {
    known ??= need(await functionVersions(aws.lambda, functionArn));
    return known;
  };
  const list = async (which: Parameters<typeof listExecutions>[3]) => {
    const names = (await versions()).map(({ version }) => version);
    return need(await listExecutions(aws.lambda, functionArn, names, which));
  };
  const inputOf = async ({ arn }: Execution): Promise<string> => {
    const input = inputs.get(arn) ?? need(await readExecution(aws.lambda, arn)).input;
    inputs.set(arn, input);
    return input;
  };

  const history = async (execution: Execution): Promise<History> => ({
    input: await inputOf(execution),
    answers: need(await stepAnswers(aws.lambda, execution.arn)),
    deployed: policyOf((await versions()).find(({ version }) => version === execution.version)),
  });

  return {
    async running() {
      const { found, more } = await list({ statuses: ['RUNNING'] });
      return { executions: found.toReversed(), more };
    },

    history,

    async lookInto(executions) {
      const drains = await inTurns(executions.slice(0, MOST_LOOKED_INTO), async (execution) =>
        drainStatus(execution, await history(execution)),
      );
      return { drains, others: Math.max(0, executions.length - MOST_LOOKED_INTO) };
    },

    async ended(sinceMs, most) {
      const { found } = await list({ statuses: OVER, startedAfterMs: sinceMs - LONGEST_DRAIN_MS });
      const lately = found
        .filter(({ endedAtMs = 0 }) => endedAtMs >= sinceMs)
        .sort((a, b) => (b.endedAtMs ?? 0) - (a.endedAtMs ?? 0));
      const drains = await inTurns(lately.slice(0, most), async (execution) =>
        pastDrain(execution, need(await readExecution(aws.lambda, execution.arn))),
      );
      return { drains, others: lately.length - drains.length };
    },

    async named(names, startedAfterMs) {
      const { found } = await list({ statuses: ['RUNNING', ...OVER], startedAfterMs });
      return found.filter(({ name }) => names.includes(name));
    },

    async startedFor(instanceId, startedAfterMs) {
      const { found } = await list({ statuses: ['RUNNING', ...OVER], startedAfterMs });
      return found.filter(({ name }) => instanceOf(name) === instanceId);
    },

    newestVersion: async () => (await versions())[0]?.version,
  };
}

/** The policy that a version was deployed with; undefined where its environment cannot be read. */
function policyOf(version: FunctionVersion | undefined): DrainPolicy | undefined {
  try {
    return readDrainConfig(version?.environment ?? {}).policy;
  } catch {
    return undefined;
  }
}

/** A few at once, in order: Lambda's own limit of such calls is for the whole account. */
export async function inTurns<T, U>(items: readonly T[], work: (item: T) => Promise<U>): Promise<U[]> {
  const done: U[] = [];
  for (let from = 0; from < items.length; from += CALLS_AT_ONCE) {
    done.push(...(await Promise.all(items.slice(from, from + CALLS_AT_ONCE).map(work))));
  }
  return done;
}
