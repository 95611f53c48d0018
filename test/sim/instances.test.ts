import { describe, expect, test } from 'vitest';
import { EPOCH_MS } from '../../sim/clock.ts';
import { createInstances } from '../../sim/instances.ts';
import { createRegion } from '../../sim/region.ts';
import { parseScenario } from '../../sim/scenario.ts';
import { refusal } from './bare-region.ts';

/** A group of one instance that launches from a template, and one of two that has an override with an image of its own. */
function prepare(seed = 1) {
  const scenario = {
    name: 'instances',
    durationSeconds: 3_600,
    clusters: [
      { name: 'plain', instances: 1, group: 'plain' },
      { name: 'mixed', instances: 2, group: 'mixed', mixed: 'images' },
    ],
  };
  const region = createRegion(parseScenario(JSON.stringify(scenario), 'test'), seed);
  const { world, autoScaling, amis } = region;
  const { DescribeInstances } = createInstances(world, region).operations;
  const inEc2 = (ids: readonly string[]) =>
    DescribeInstances({ Filters: [{ Name: 'instance-id', Values: [...ids] }] })
      .Reservations.flatMap(({ Instances }) => Instances ?? [])
      .map(({ ImageId }) => ImageId);
  return {
    ...region,
    DescribeInstances,
    inEc2,
    x86: amis.recommended('al2023/x86_64').id,
    arm: amis.recommended('al2023/arm64').id,
    inAutoScaling: (name: string) =>
      autoScaling.operations
        .DescribeAutoScalingGroups({ AutoScalingGroupNames: [name] })
        .AutoScalingGroups.flatMap(({ Instances }) => Instances ?? [])
        .map(({ ImageId }) => ImageId),
    runTo(seconds: number): void {
      while (world.clock.step(EPOCH_MS + seconds * 1000));
    },
  };
}

describe('the image of an instance', () => {
  test('is told by EC2, and by Auto Scaling only where an override named it', () => {
    const { instancesOf, inEc2, inAutoScaling, x86, arm } = prepare();
    expect(inAutoScaling('plain')).toEqual([undefined]);
    expect(inAutoScaling('mixed')).toEqual([undefined, arm]);
    expect(inEc2(instancesOf('plain'))).toEqual([x86]);
    expect(inEc2(instancesOf('mixed'))).toEqual([x86, arm]);
  });

  test('is not told for some seconds from the launch on: how many, the seed picks', () => {
    const known = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => {
      const { autoScaling, instancesOf, inEc2, runTo } = prepare(seed);
      autoScaling.scale('plain', 2);
      const fresh = instancesOf('plain').slice(1);
      expect(inEc2(fresh)).toEqual([]);
      runTo(2);
      const { length } = inEc2(fresh);
      runTo(6);
      expect(inEc2(fresh)).toHaveLength(1);
      return length;
    });
    expect(new Set(known)).toEqual(new Set([0, 1]));
  });

  test('is asked for by ids, 200 at most, and an id that nobody knows is no error', () => {
    const { inEc2, DescribeInstances } = prepare();
    expect(inEc2(['i-0'])).toEqual([]);
    expect(refusal(() => inEc2(Array.from({ length: 201 }, (_, i) => `i-${i}`)))).toContain('FilterLimitExceeded');
    expect(refusal(() => DescribeInstances({}))).toContain('InvalidParameterValue');
  });
});
