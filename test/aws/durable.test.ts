import { withDurableExecution } from '@aws/durable-execution-sdk-js';
import { LocalDurableTestRunner } from '@aws/durable-execution-sdk-js-testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { durablePort } from '../../src/aws/durable.ts';
import type { DurablePort } from '../../src/ports.ts';
import { skipTime } from '../support/skip-time.ts';

beforeAll(skipTime);
afterAll(() => LocalDurableTestRunner.teardownTestEnvironment());

/** Runs a program on the SDK's own engine. */
async function execute<T>(program: (durable: DurablePort) => Promise<T>, logger?: { lines: string[] }) {
  const write = (...words: unknown[]): void =>
    void logger?.lines.push(words.map((word) => JSON.stringify(word)).join(' '));
  const handler = withDurableExecution<unknown, T>((_, context) => {
    context.configureLogger({
      customLogger: { info: write, warn: write, error: write, debug: write },
      modeAware: true,
    });
    return program(durablePort(context));
  });
  return new LocalDurableTestRunner<T>({ handlerFunction: handler }).run({ payload: {} });
}

describe('the durable port', () => {
  it('runs steps by name and keeps their results over a wait', async () => {
    // Prepare
    let effects = 0;

    // Act
    const execution = await execute(async (durable) => {
      const first = await durable.step('look', async () => ({ n: ++effects }));
      await durable.wait('wait', 3_600);
      const second = await durable.step('look', async () => ({ n: ++effects }));
      return [first.n, second.n];
    });

    // Assess
    expect(execution.getResult()).toEqual([1, 2]);
    expect(effects).toBe(2);
    expect(execution.getOperations().map((operation) => operation.getName())).toEqual(['look', 'wait', 'look']);
    expect(execution.getOperations()[1]?.getWaitDetails()).toMatchObject({ waitSeconds: 3_600 });
    // The wait ends the invocation: nothing of ours runs, and nothing is paid for.
    expect(execution.getInvocations()).toHaveLength(2);
  });

  it('says each thing once, also when the code before it is replayed', async () => {
    const logger = { lines: [] as string[] };
    await execute(async (durable) => {
      await durable.step('a', async () => 1);
      durable.log('info', 'first', { move: 'a' });
      await durable.wait('wait', 60);
      await durable.step('b', async () => 2);
      durable.log('warn', 'second', { move: 'b' });
      await durable.wait('wait', 60);
      return 'done';
    }, logger);
    expect(logger.lines).toEqual(['"first" {"move":"a"}', '"second" {"move":"b"}']);
  });

  it('tries a step that throws again, for the machine may be dying', async () => {
    let tries = 0;
    const execution = await execute((durable) =>
      durable.step('look', async () => {
        if (++tries < 4) throw new Error('on purpose');
        return 'in the end';
      }),
    );
    expect(execution.getResult()).toBe('in the end');
    expect(tries).toBe(4);
  });

  it('gives up on a step that throws four times: that is a mistake of ours, and must be loud', async () => {
    let tries = 0;
    const execution = await execute((durable) =>
      durable.step('look', async () => {
        tries++;
        throw new TypeError('a mistake');
      }),
    );
    expect(execution.getStatus()).toBe('FAILED');
    expect(execution.getError().errorMessage).toMatch(/a mistake/);
    expect(tries).toBe(4);
  });
});
