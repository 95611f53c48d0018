import { describe, expect, it } from 'vitest';
import { HAPPENINGS } from '../../sim/happening-shapes.ts';
import { randomScenario } from '../../sim/random-scenario.ts';
import { Scenario } from '../../sim/scenario.ts';

/** What happens in rollouts alone is seldom. */
const many = Array.from({ length: 3_000 }, (_, seed) => randomScenario(seed));
const scenarios = many.slice(0, 500);

describe('the scenarios of the soak', () => {
  it('are the same for the same seed', () => {
    expect(randomScenario(7)).toEqual(randomScenario(7));
    expect(randomScenario(7)).not.toEqual(randomScenario(8));
  });

  it('have everything happen that can happen', () => {
    const happened = new Set(many.flatMap(({ events }) => events.flatMap((event) => Object.keys(event))));
    expect([...happened].sort()).toEqual(['atSeconds', ...Object.keys(HAPPENINGS)].sort());
  });

  it('have every fault, in some and not in all, and let all of them end', () => {
    const { name, durationSeconds } = scenarios[0] as Scenario;
    for (const fault of Object.keys(Scenario.parse({ name, durationSeconds }).faults) as (keyof Scenario['faults'])[]) {
      const some = scenarios.filter(({ faults }) => faults[fault] > 0).length;
      expect(some, fault).toBeGreaterThan(100);
      expect(some, fault).toBeLessThan(400);
    }
    for (const { events } of scenarios) expect(events.some(({ faultsEnd }) => faultsEnd !== undefined)).toBe(true);
  });

  it('roll groups and Spot Fleets, with bake times, waves and percentages, and pause some of it', () => {
    const rollouts = many.filter((one) => one.rollouts);
    expect(rollouts.length).toBeGreaterThan(80);
    const most = rollouts.length - 10;
    const some = (isIt: (scenario: Scenario) => boolean, least: number): void => {
      const count = rollouts.filter(isIt).length;
      expect(count).toBeGreaterThan(least);
      expect(count).toBeLessThan(most);
    };
    const isTagged = (key: string) => (scenario: Scenario) =>
      scenario.clusters.some(({ tags }) => Object.hasOwn(tags, key));
    some(({ spotFleets }) => spotFleets.length > 0, 20);
    some(({ spotFleets }) => spotFleets.some(({ launch }) => launch === 'specification'), 10);
    some(({ events }) => events.some(({ say }) => say?.word === 'pause'), 5);
    for (const key of ['ecs-drain:bake', 'ecs-drain:wave', 'ecs-drain:healthy']) some(isTagged(key), 15);
  });
});
