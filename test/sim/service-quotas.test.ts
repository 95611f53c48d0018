import { describe, expect, test } from 'vitest';
import { EPOCH_MS } from '../../sim/clock.ts';
import { cpuOf } from '../../sim/instances.ts';
import { createRegion } from '../../sim/region.ts';
import { parseScenario } from '../../sim/scenario.ts';

function regionOf(scenario: object) {
  const text = JSON.stringify({ name: 'quotas', durationSeconds: 10_000, ...scenario });
  const region = createRegion(parseScenario(text, 'test'), 1);
  return {
    region,
    runTo(seconds: number): void {
      while (region.world.clock.step(EPOCH_MS + seconds * 1000));
    },
  };
}

describe('beyond its quota nothing is launched, and as soon as it is raised', () => {
  test('the instances of a group are', () => {
    const { region, runTo } = regionOf({
      clusters: [{ name: 'web', instances: 2, group: 'web-asg', maximum: 6 }],
      quotas: { 'L-1216C47A': 14 },
      events: [
        { atSeconds: 10, scale: { group: 'web-asg', to: 5 } },
        { atSeconds: 600, quota: { code: 'L-1216C47A', vCpus: 20 } },
      ],
    });
    runTo(599);
    expect(region.instancesOf('web-asg')).toHaveLength(3);
    runTo(700);
    expect(region.instancesOf('web-asg')).toHaveLength(5);
  });

  test('those of a Spot Fleet are, which count apart', () => {
    const { region, runTo } = regionOf({
      clusters: [{ name: 'web', instances: 2, group: 'web-asg' }],
      spotFleets: [{ name: 'spot', cluster: 'web', instances: 1 }],
      quotas: { 'L-34B43A08': 8 },
      events: [{ atSeconds: 600, quota: { code: 'L-34B43A08', vCpus: 16 } }],
    });
    const [fleet] = region.spotFleets.fleets.values();
    if (fleet === undefined) return expect.fail('there is a fleet');
    region.spotFleets.setTarget(fleet, 3);
    runTo(599);
    expect(fleet.instances.size).toBe(2);
    runTo(700);
    expect(fleet.instances.size).toBe(3);
  });

  test('what has stopped or gone leaves room', () => {
    const { region, runTo } = regionOf({
      clusters: [{ name: 'web', instances: 2, group: 'web-asg', maximum: 6 }],
      quotas: { 'L-1216C47A': 8 },
      events: [
        { atSeconds: 10, terminate: { group: 'web-asg', count: 1 } },
        { atSeconds: 600, toWarmPool: { group: 'web-asg', count: 1 } },
        { atSeconds: 900, scale: { group: 'web-asg', to: 2 } },
      ],
    });
    runTo(500);
    expect(region.instancesOf('web-asg')).toHaveLength(3);
    runTo(1_500);
    expect(region.instancesOf('web-asg')).toHaveLength(4);
  });
});

test.each([
  ['m7i.xlarge', { cores: 2, threads: 2 }],
  ['m7g.xlarge', { cores: 4, threads: 1 }],
  ['c7gd.4xlarge', { cores: 16, threads: 1 }],
  ['g5.12xlarge', { cores: 24, threads: 2 }],
  ['m7i.large', { cores: 1, threads: 2 }],
  [undefined, { cores: 2, threads: 2 }],
])('the CPU of %s is %o', (type, cpu) => {
  expect(cpuOf(type)).toEqual(cpu);
});
