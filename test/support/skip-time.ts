import { LocalDurableTestRunner } from '@aws/durable-execution-sdk-js-testing';

/**
 * Durable waits take no time from here on. Node hands on what its parent process says by `process.nextTick`: on a faked
 * one, an answer that vitest waits for could be lost when the fake is taken away, and the test run would never end.
 */
export async function skipTime(): Promise<void> {
  const { nextTick } = process;
  await LocalDurableTestRunner.setupTestEnvironment({ skipTime: true });
  process.nextTick = nextTick;
}
