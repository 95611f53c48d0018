import { LambdaClient } from '@aws-sdk/client-lambda';
import { SSMClient } from '@aws-sdk/client-ssm';
import type { Answer } from '../../cli/operate.ts';
import type { RolloutsShown } from '../../cli/rollout-status-view.ts';
import { rolloutReader } from '../../cli/rollouts.ts';
import { createRegion } from '../../sim/region.ts';
import type { Bundles } from '../../sim/run.ts';
import { inhabit } from '../../sim/run.ts';
import type { Scenario } from '../../sim/scenario.ts';
import { runWorld } from '../../sim/virtual-time.ts';
import type { Session } from '../../src/aws/session.ts';
import { STACK } from '../operator/build.ts';

const SINCE_MS = 7 * 86_400_000;

/**
 * What `rollout status` reads of a scenario's region, our functions at work in it, at each of these seconds: in one run,
 * in this process and in virtual time, where a process for each moment would take minutes.
 */
export async function shotsAt(
  bundles: Bundles,
  scenario: Scenario,
  moments: readonly number[],
): Promise<readonly [Answer<RolloutsShown>][]> {
  const region = createRegion(scenario, 7);
  const { world, transport } = region;
  const functionArn = `arn:aws:lambda:${world.region}:${world.accountId}:function:ecs-drain-ami-update:durable`;
  const stack = { ...STACK, rollouts: { functionArn, parameterPrefix: '/ecs-drain/rollouts' } };
  const leave = inhabit(region, bundles);
  try {
    const startMs = world.clock.nowMs();
    const settings = { requestHandler: transport as never };
    const now = (): number => world.clock.nowMs();
    const aws = { lambda: new LambdaClient(settings), ssm: new SSMClient(settings), now, region: world.region };
    const read = rolloutReader({ aws: aws as unknown as Session, stack });

    const shots: [Answer<RolloutsShown>][] = [];
    for (const atSeconds of moments) {
      await runWorld(world, startMs + atSeconds * 1000);
      let shown: RolloutsShown | undefined;
      let failure: unknown;
      read(now() - SINCE_MS).then(
        ({ atMs, rollouts, unread }) => {
          shown = { stack: stack.name, atMs, releases: rollouts.map(({ status }) => status), unread };
        },
        (error) => {
          failure = error;
        },
      );
      await runWorld(world, () => shown !== undefined || failure !== undefined);
      if (shown === undefined) throw failure;
      shots.push([{ region: world.region, ok: true, value: shown }]);
    }
    return shots;
  } finally {
    leave();
  }
}
