import { describe, expect, test } from 'vitest';
import { createRegion } from '../../sim/region.ts';
import { parseScenario, ScenarioError } from '../../sim/scenario.ts';

const CLUSTER = { name: 'web', instances: 2, group: 'web-asg', services: [{ name: 'api', desired: 4 }] };
const FLEET = { name: 'spot', cluster: 'web', instances: 2 };

const parse = (members: object) =>
  parseScenario(JSON.stringify({ name: 'fleets', durationSeconds: 3_600, clusters: [CLUSTER], ...members }), 'test');

function mistakes(members: object): string {
  try {
    parse(members);
  } catch (error) {
    if (error instanceof ScenarioError) return error.message;
  }
  return '';
}

function runTo(region: ReturnType<typeof createRegion>, seconds: number): void {
  const untilMs = region.world.clock.nowMs() + seconds * 1000;
  while (region.world.clock.step(untilMs));
}

describe('the fleets of a scenario', () => {
  test('are in clusters that exist, with names of their own, and only what can happen to them happens', () => {
    expect(mistakes({ spotFleets: [{ ...FLEET, cluster: 'no' }] })).toContain('there is no cluster no');
    expect(mistakes({ spotFleets: [{ ...FLEET, name: 'web-asg' }] })).toContain('there is a group web-asg already');
    const events = [
      { atSeconds: 1, capacity: { group: 'spot', available: false } },
      { atSeconds: 1, scale: { group: 'spot', to: 3 } },
    ];
    const said = mistakes({ spotFleets: [FLEET], events });
    expect(said).toContain('events.1.scale.group: there is no group "spot"');
    expect(said).not.toContain('events.0');
  });

  test('carry tasks from the start, and Spot takes them away like others', () => {
    const spotInterruption = { group: 'spot', count: 1 };
    const region = createRegion(parse({ spotFleets: [FLEET], events: [{ atSeconds: 1, spotInterruption }] }), 1);
    const ids = region.instancesOf('spot');
    expect(ids.map((id) => region.ecs.liveTasks(id).length)).toEqual([1, 1]);
    runTo(region, 400);
    expect(region.ecs.liveTasks(ids[0] ?? '')).toEqual([]);
    // A fleet that maintains has another by then.
    expect(region.instancesOf('spot')).toHaveLength(3);
  });

  test.each([
    ['al2023/x86_64', 0, /^al2023-ami-ecs-hvm-2023\.0\.20251212-kernel-6\.1-x86_64$/],
    ['al2023/arm64', 1, /^al2023-ami-ecs-hvm-2023\.0\.20251112-kernel-6\.1-arm64$/],
    ['bottlerocket-2/x86_64', 2, /^bottlerocket-aws-ecs-2-x86_64-v1\.48\.0-[0-9a-f]{8}$/],
    ['custom', 0, /^our-ami-/],
  ])('begin on an image of %s, %i releases behind', (image, behind, name) => {
    const region = createRegion(parse({ clusters: [{ ...CLUSTER, image, behind }] }), 1);
    const [id = ''] = region.instancesOf('web-asg');
    const { id: imageId = '' } = region.autoScaling.imageOf(id) ?? {};
    expect(region.amis.get(imageId)?.name).toMatch(name);
  });
});

describe('a release', () => {
  test('is the recommended image from then on, with a name and an agent of its own', () => {
    const family = 'al2023/arm64';
    const events = [
      { atSeconds: 10, release: { family } },
      { atSeconds: 20, release: { family, flaw: 'agent-never-joins' } },
    ];
    const { amis, ...region } = createRegion(parse({ events }), 1);
    const heard: string[] = [];
    amis.onRelease(({ name }) => heard.push(name));
    const first = amis.recommended(family);
    while (region.world.clock.step(region.world.clock.nowMs() + 60_000));

    const last = amis.recommended(family);
    expect(heard).toEqual([
      'al2023-ami-ecs-hvm-2023.0.20260101-kernel-6.1-arm64',
      'al2023-ami-ecs-hvm-2023.0.20260102-kernel-6.1-arm64',
    ]);
    expect(last).toMatchObject({ name: heard[1], agentVersion: '1.100.0', flaw: 'agent-never-joins' });
    expect(amis.behind(family, 2)).toBe(first);
    expect(amis.recommended('al2023/x86_64').name).toContain('20251212');
  });
});
