import type { DrainConfig, DrainPolicy } from '../../src/config.ts';
import type { DrainResult } from '../../src/drain/decide.ts';
import { drain } from '../../src/drain/drain.ts';
import type { DrainRequest } from '../../src/drain/request.ts';
import { aPolicy, aRequest } from './build.ts';
import type { CrashPoint } from './durable.ts';
import { durableExecution } from './durable.ts';
import type { FakeAws } from './fake-aws.ts';

export interface DrainRun {
  readonly result: DrainResult;
  /** Names of the durable operations, in order: the moves, as the Lambda console shows them. */
  readonly moves: readonly string[];
  readonly log: ReturnType<typeof durableExecution>['log'];
  readonly history: ReturnType<typeof durableExecution>['history'];
}

/** One drain over the fakes, from its notice to its end, through every wait, crash and replay on the way. */
export async function runDrain(
  aws: FakeAws,
  {
    request = {},
    policy = {},
    clusters = [],
    crashes = [],
  }: {
    readonly request?: Partial<DrainRequest>;
    readonly policy?: Partial<DrainPolicy>;
    readonly clusters?: readonly string[];
    readonly crashes?: readonly CrashPoint[];
  } = {},
): Promise<DrainRun> {
  const execution = durableExecution(aws.passTime, crashes);
  const config: DrainConfig = { alertTopicArn: 'unused', clusters, policy: aPolicy(policy) };
  const result = await execution.run((durable) => drain(aRequest(request), config, aws.ports, durable));
  return { result, moves: execution.history.map(({ name }) => name), log: execution.log, history: execution.history };
}
