import { beforeAll, describe, expect, it } from 'vitest';
import type { Bundles } from '../../sim/run.ts';
import { loadBundles, readScenario, run } from '../../sim/run.ts';

let bundles: Bundles;
beforeAll(async () => {
  bundles = await loadBundles();
});

const TWO_DAYS_MS = 172_800_000;

describe('a forged notice for an instance that is really leaving', () => {
  it('with a token that is no action’s and a deadline long past ends no action: the tasks have the time they need', async () => {
    for (const seed of [1, 2, 3]) {
      const { report, region } = await run(readScenario('standard'), seed, {
        bundles,
        engine: 'store',
        watch: ({ world, sns, lifecycleTopicArn }) =>
          world.on((event) => {
            if (event.kind !== 'hook-waiting') return;
            const forged = {
              ...event.notice.message,
              LifecycleActionToken: '3f2d1c60-0000-4000-8000-000000000000',
              Time: new Date(world.clock.nowMs() - TWO_DAYS_MS).toISOString(),
            };
            sns.operations['Publish']?.({ TopicArn: lifecycleTopicArn, Message: JSON.stringify(forged) });
          }),
      });

      const requests = region.lambda.executions().map(({ input }) => JSON.parse(input));
      expect(requests.map(({ token }) => token)).toContain('3f2d1c60-0000-4000-8000-000000000000');
      expect(requests).toHaveLength(2);
      expect(report.instances.find(({ outcome }) => outcome === 'drained')).toMatchObject({
        premature: false,
        tasksCut: 0,
      });
      expect(report.violations.filter(({ rule }) => rule === 'released-early')).toEqual([]);
    }
  });
});
