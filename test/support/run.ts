import type { DrainConfig, DrainPolicy } from '../../src/config.ts';
import type { DrainResult } from '../../src/drain/decide.ts';
import { drain } from '../../src/drain/drain.ts';
import type { DrainRequest, LifecycleRequest } from '../../src/drain/request.ts';
import type { DurablePort } from '../../src/ports.ts';
import { aPolicy, aRequest, LIFECYCLE_TOPIC } from './build.ts';
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

export interface RunOptions {
  /** A whole request, or what is different in a termination notice's. */
  readonly request?: DrainRequest | Omit<Partial<LifecycleRequest>, 'kind'>;
  readonly policy?: Partial<DrainPolicy>;
  readonly clusters?: readonly string[];
  readonly hookNamePrefix?: string;
  readonly crashes?: readonly CrashPoint[];
  /** What happens in the world between the decision for a move and the move. */
  readonly beforeStep?: (move: string) => void;
}

/** One drain over the fakes, from its notice to its end, through every wait, crash and replay on the way. */
export async function runDrain(
  aws: FakeAws,
  {
    request = {},
    policy = {},
    clusters = [],
    hookNamePrefix,
    crashes = [],
    beforeStep = () => undefined,
  }: RunOptions = {},
): Promise<DrainRun> {
  const execution = durableExecution(aws.passTime, crashes);
  const config: DrainConfig = {
    alertTopicArn: 'unused',
    lifecycleTopicArn: LIFECYCLE_TOPIC,
    hookNamePrefix,
    clusters,
    policy: aPolicy(policy),
    switchParameter: undefined,
    metrics: true,
  };
  const whole = 'kind' in request ? request : aRequest(request);
  const result = await execution.run((durable) => {
    const step: DurablePort['step'] = (name, run) =>
      durable.step(name, () => {
        beforeStep(name);
        return run();
      });
    return drain(whole, config, aws.ports, { ...durable, step });
  });
  return { result, moves: execution.history.map(({ name }) => name), log: execution.log, history: execution.history };
}
