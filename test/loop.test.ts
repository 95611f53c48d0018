import { describe, expect, it } from 'vitest';
import type { Course, Finish, Step, Wait } from '../src/loop.ts';
import { follow } from '../src/loop.ts';
import { durableExecution } from './support/durable.ts';

interface Tally {
  readonly counted: number;
  readonly rested: number;
}
type Count = Step & { readonly kind: 'count' };

const COUNT: Count = { kind: 'count', because: 'one more is wanted' };
const WAIT: Wait = { kind: 'wait', seconds: 30, because: 'there is time' };
const finish = (outcome: string): Finish<string> => ({ kind: 'finish', because: 'it is enough', outcome });

/** Counts to three, with a wait before each. */
function counting(carriedOut: string[]): Course<Tally, Count, number, string> {
  return {
    decide: ({ counted, rested }) => {
      if (counted >= 3) return finish(`counted ${counted}`);
      return rested > counted ? COUNT : WAIT;
    },
    carryOut: async ({ kind }, { counted }) => {
      carriedOut.push(`${kind} ${counted}`);
      return counted + 1;
    },
    remember: (memory, _, counted) => ({ ...memory, counted }),
    rest: (memory) => ({ ...memory, rested: memory.rested + 1 }),
  };
}

const START: Tally = { counted: 0, rested: 0 };

describe('the loop', () => {
  it('decides, carries out, remembers and waits until the course is finished, and returns its outcome', async () => {
    // Prepare
    const carriedOut: string[] = [];
    let slept = 0;
    const execution = durableExecution((seconds) => {
      slept += seconds;
    });

    // Act
    const outcome = await execution.run((durable) => follow(counting(carriedOut), START, durable));

    // Assess
    expect(outcome).toBe('counted 3');
    expect(carriedOut).toEqual(['count 0', 'count 1', 'count 2']);
    expect(slept).toBe(90);
    expect(execution.history.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'wait wait',
      'step count',
      'wait wait',
      'step count',
      'wait wait',
      'step count',
    ]);
  });

  it('never carries a wait out', async () => {
    const carriedOut: string[] = [];
    await durableExecution(() => undefined).run((durable) => follow(counting(carriedOut), START, durable));
    expect(carriedOut.filter((line) => line.startsWith('wait'))).toEqual([]);
  });

  it('logs each move once, with its because and what was seen, and the end with its outcome', async () => {
    const execution = durableExecution(() => undefined);
    await execution.run((durable) => follow(counting([]), START, durable));
    expect(execution.log).toEqual([
      { level: 'info', message: 'one more is wanted', fields: { move: 'count', seen: 1 } },
      { level: 'info', message: 'one more is wanted', fields: { move: 'count', seen: 2 } },
      { level: 'info', message: 'one more is wanted', fields: { move: 'count', seen: 3 } },
      { level: 'info', message: 'it is enough', fields: { move: 'finish', outcome: 'counted 3' } },
    ]);
  });

  it.each(['before', 'after'] as const)(
    'comes to the same outcome when the machine dies %s any operation',
    async (when) => {
      for (let operation = 0; operation < 6; operation++) {
        const execution = durableExecution(() => undefined, [{ operation, when }]);
        expect(await execution.run((durable) => follow(counting([]), START, durable))).toBe('counted 3');
      }
    },
  );

  it('carries a move out twice when the machine dies after the effect, and remembers one result', async () => {
    const carriedOut: string[] = [];
    const execution = durableExecution(() => undefined, [{ operation: 1, when: 'after' }]);
    await execution.run((durable) => follow(counting(carriedOut), START, durable));
    expect(carriedOut).toEqual(['count 0', 'count 0', 'count 1', 'count 2']);
  });

  it('fails loudly, below Lambda’s 3,000 operations, when the course does not end', async () => {
    // Prepare
    let steps = 0;
    const endless: Course<Tally, Count, number, string> = { ...counting([]), decide: () => COUNT };

    // Act
    const ending = follow(endless, START, {
      step: async (_, run) => {
        steps++;
        return run();
      },
      wait: async () => undefined,
      log: () => undefined,
    });

    // Assess
    await expect(ending).rejects.toThrow('no end after 2500 moves');
    expect(steps).toBe(2_500);
  });

  it('fails when a step does, for ports return failures and only mistakes throw', async () => {
    const broken: Course<Tally, Count, number, string> = {
      ...counting([]),
      carryOut: async () => {
        throw new TypeError('a mistake of ours');
      },
    };
    await expect(durableExecution(() => undefined).run((durable) => follow(broken, START, durable))).rejects.toThrow(
      'a mistake of ours',
    );
  });
});
