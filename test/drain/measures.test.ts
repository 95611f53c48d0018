import { describe, expect, it } from 'vitest';
import type { Measure } from '../../src/ports.ts';
import { fakeAws } from '../support/fake-aws.ts';
import { runDrain } from '../support/run.ts';

const STOPS = { deactivating: 60, stopping: 30, deprovisioning: 5 };
const tasks = (running = 60) => [
  { id: '0'.repeat(32), group: 'service:api', running, ...STOPS },
  { id: '1'.repeat(32), group: 'service:api', running, ...STOPS },
];
const named = (measures: readonly Measure[]): string[] =>
  measures.map(({ name, outcome }) => (outcome === undefined ? name : `${name} ${outcome}`));
const total = (measures: readonly Measure[], name: Measure['name']): number =>
  measures.filter((measure) => measure.name === name).reduce((sum, { value }) => sum + value, 0);

describe('the metrics of a drain', () => {
  it('are its start, its end and how long it took from DRAINING to the release', async () => {
    const aws = fakeAws({ tasks: tasks() });
    await runDrain(aws);
    expect(named(aws.measures)).toEqual(['DrainsStarted', 'DrainsEnded drained', 'DrainSeconds']);
    const seconds = ((aws.released[0]?.atMs ?? 0) - (aws.instances[0]?.drainingSinceMs ?? 0)) / 1000;
    expect(total(aws.measures, 'DrainSeconds')).toBeCloseTo(seconds, 0);
    expect(seconds).toBeGreaterThan(155);
  });

  it.each([
    ['CONTINUE', 'forced'],
    ['ABANDON', 'abandoned'],
  ] as const)('say how many tasks were cut off, when the deadline ends it with %s', async (atDeadline, outcome) => {
    const aws = fakeAws({ tasks: tasks(9_000) });
    await runDrain(aws, { policy: { deadlineSeconds: 300, atDeadline } });
    expect(named(aws.measures)).toEqual(['DrainsStarted', `DrainsEnded ${outcome}`, 'DrainSeconds', 'TasksCutOff']);
    expect(total(aws.measures, 'TasksCutOff')).toBe(2);
  });

  it('say that it is stuck as often as it is looked at, until it is not', async () => {
    // Prepare
    const aws = fakeAws({ tasks: tasks(2_000) });
    const stuckAt: number[] = [];
    const { emit } = aws.ports.metrics;
    Object.assign(aws.ports.metrics, {
      emit: (measures: readonly Measure[]) => {
        if (named(measures).includes('StuckDrains')) stuckAt.push(aws.secondOf(aws.ports.now()));
        emit(measures);
      },
    });

    // Act
    await runDrain(aws);

    // Assess: from the alert, ten minutes after the drain began, until the tasks move.
    expect(stuckAt.length).toBeGreaterThan(10);
    expect(stuckAt[0]).toBeLessThan(700);
    expect(stuckAt.at(-1)).toBeLessThan(2_100);
    const gaps = stuckAt.slice(1).map((at, i) => at - (stuckAt[i] ?? 0));
    // The alarm's period; a longer gap would end it.
    expect(Math.max(...gaps)).toBeLessThan(900);
  });

  it('count what is told once also where it is hard to tell', async () => {
    const aws = fakeAws({ tasks: tasks(), faults: [{ operation: 'sns:Publish', reason: 'denied' }] });
    await runDrain(aws);
    expect(aws.published).toEqual([]);
    expect(named(aws.measures)).toEqual(['DrainsStarted', 'DrainsEnded drained', 'DrainSeconds']);
  });

  it.each([
    ['are not counted again by a replay, wherever a machine dies before a move', 'before', 1],
    ['are counted twice at worst, where a machine dies after each move and before it is kept', 'after', 2],
  ] as const)('%s', async (_, when, times) => {
    // Prepare
    const plain = fakeAws({ tasks: tasks() });
    const { moves } = await runDrain(plain);
    const aws = fakeAws({ tasks: tasks() });

    // Act
    await runDrain(aws, { crashes: moves.map((_move, operation) => ({ operation, when })) });

    // Assess
    const counted = (measures: readonly Measure[], name: string) => named(measures).filter((other) => other === name);
    for (const name of named(plain.measures)) expect(counted(aws.measures, name)).toHaveLength(times);
    expect(named(aws.measures)).toHaveLength(3 * times);
  });

  it('have an outcome for each drain that people hear the end of', async () => {
    const staying = fakeAws({ tasks: tasks(), state: 'InService' });
    await runDrain(staying);
    const elsewhere = fakeAws({ instances: [] });
    await runDrain(elsewhere);
    const observed = fakeAws({ tasks: tasks(), control: '{"mode":"observe"}' });
    await runDrain(observed);
    expect([staying, elsewhere, observed].map(({ measures }) => named(measures))).toEqual([
      ['DrainsEnded hook-gone'],
      ['DrainsEnded not-a-container-instance'],
      ['DrainsEnded observed'],
    ]);
  });
});
