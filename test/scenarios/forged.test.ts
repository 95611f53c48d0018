import { beforeAll, describe, expect, it } from 'vitest';
import type { Bundles } from '../../sim/run.ts';
import { loadBundles, readScenario, run } from '../../sim/run.ts';
import { Scenario } from '../../sim/scenario.ts';

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

describe('a real notice of somebody else’s hook, passed on to our topic with its real token', () => {
  it.each([
    ['that notifies somebody else', { target: 'arn:aws:sns:eu-west-1:123456789012:backup' }],
    ['that notifies nobody', {}],
  ])('changes nothing at the hook %s, beside ours or alone, and people hear of it', async (_, target) => {
    const standard = readScenario('standard');
    const theirs = {
      ...standard.hooks[0],
      group: 'web-asg',
      name: 'backup',
      heartbeatSeconds: 900,
      ours: false,
      ...target,
    };
    for (const [hooks, outcomes] of [
      [
        [...standard.hooks, theirs],
        ['drained', 'hook-gone'],
      ],
      [[theirs], ['hook-gone']],
    ] as const) {
      const finished: unknown[] = [];
      const scenario = Scenario.parse({ ...standard, hooks });
      const { report, region } = await run(scenario, 1, {
        bundles,
        engine: 'store',
        watch: ({ world, sns, lifecycleTopicArn }) =>
          world.on((event) => {
            if (event.kind === 'hook-finished' && event.hook === 'backup') finished.push(event.by);
            if (event.kind !== 'hook-waiting' || event.hook !== 'backup') return;
            const Message = JSON.stringify(event.notice.message);
            sns.operations['Publish']?.({ TopicArn: lifecycleTopicArn, Message });
          }),
      });

      expect(report.violations).toEqual([]);
      expect(
        region.lambda
          .executions()
          .map(({ result }) => (result as { outcome: string }).outcome)
          .sort(),
      ).toEqual(outcomes);
      expect(report.alerts.find(({ kind }) => kind === 'hook-gone')?.because).toContain('the hook backup notifies');
      expect(finished).toEqual(['heartbeat-timeout']);
      expect(report.calls['autoscaling:CompleteLifecycleAction'] ?? 0).toBe(outcomes.length - 1);
      expect(report.calls['ecs:UpdateContainerInstancesState'] ?? 0).toBe(outcomes.length - 1);
    }
  });
});
