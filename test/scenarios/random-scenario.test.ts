import { describe, expect, it } from 'vitest';
import { HAPPENINGS } from '../../sim/happening-shapes.ts';
import { randomScenario } from '../../sim/random-scenario.ts';
import { Scenario } from '../../sim/scenario.ts';

const scenarios = Array.from({ length: 500 }, (_, seed) => randomScenario(seed));

describe('the scenarios of the soak', () => {
  it('are the same for the same seed', () => {
    expect(randomScenario(7)).toEqual(randomScenario(7));
    expect(randomScenario(7)).not.toEqual(randomScenario(8));
  });

  it('have everything happen that can happen', () => {
    const happened = new Set(scenarios.flatMap(({ events }) => events.flatMap((event) => Object.keys(event))));
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
});
