import { beforeAll, describe, expect, it } from 'vitest';
import type { Flaw } from '../../sim/amis.ts';
import type { Region } from '../../sim/region.ts';
import { type Bundles, loadBundles, run } from '../../sim/run.ts';
import { parseScenario } from '../../sim/scenario.ts';

let bundles: Bundles;
beforeAll(async () => {
  bundles = await loadBundles();
});

/** Somebody starts an instance refresh of a group that ecs-drain drains: it comes to us as notices of its hook. */
function scenario(flaw?: Flaw) {
  const services = [
    { name: 'api', desired: 12, deregistrationSeconds: 30 },
    { name: 'log', strategy: 'DAEMON' },
  ];
  return parseScenario(
    JSON.stringify({
      name: 'refresh',
      durationSeconds: 20_000,
      clusters: [{ name: 'web', group: 'asg', instances: 4, template: '$Latest', services }],
      hooks: [{ group: 'asg' }],
      events: [
        { atSeconds: 10, release: { family: 'al2023/x86_64', flaw } },
        { atSeconds: 30, refresh: { group: 'asg' } },
      ],
    }),
    'test',
  );
}

/** Whoever owns the template writes a version with each new image; the group launches from the latest. */
function watch({ amis, templates, autoScaling }: Region): void {
  amis.onRelease(({ id }) => {
    const [group] = autoScaling.operations.DescribeAutoScalingGroups({}).AutoScalingGroups;
    templates.write(group?.LaunchTemplate?.LaunchTemplateId ?? '', id);
  });
}

describe('an instance refresh', () => {
  it.each([1, 2])('rolls a whole fleet, every instance of it drained (seed %i)', async (seed) => {
    const { report, region } = await run(scenario(), seed, { bundles, engine: 'store', watch });

    expect(report.violations).toEqual([]);
    expect(report.instances.map(({ outcome }) => outcome)).toEqual(['drained', 'drained', 'drained', 'drained']);
    const { operations } = region.autoScaling;
    const [refresh] = operations.DescribeInstanceRefreshes({ AutoScalingGroupName: 'asg' }).InstanceRefreshes;
    expect(refresh?.Status).toBe('Successful');
    const [group] = operations.DescribeAutoScalingGroups({}).AutoScalingGroups;
    const next = region.amis.recommended('al2023/x86_64').id;
    expect(group?.Instances?.map(({ InstanceId = '' }) => region.autoScaling.imageOf(InstanceId)?.id)).toEqual([
      next,
      next,
      next,
      next,
    ]);
  });

  it('to an image that is never healthy fails, and nothing is released early', async () => {
    const { report, region } = await run(scenario('never-healthy'), 1, { bundles, engine: 'store', watch });

    expect(report.violations).toEqual([]);
    const name = { AutoScalingGroupName: 'asg' };
    const [refresh] = region.autoScaling.operations.DescribeInstanceRefreshes(name).InstanceRefreshes;
    expect(refresh?.Status).toBe('Failed');
    expect(new Set(report.instances.map(({ outcome }) => outcome))).toEqual(
      new Set(['drained', 'not-a-container-instance']),
    );
  });
});
