import { createInterface } from 'node:readline/promises';
import { UsageError } from './usage.ts';

/**
 * Asks before anything is changed. The question goes to standard error, for standard output may be a file.
 * @throws UsageError when there is nobody to ask, and `--yes` was not given.
 */
export async function confirm(question: string, yes: boolean | undefined): Promise<boolean> {
  if (yes) return true;
  if (!process.stdin.isTTY) throw new UsageError(`${question} Nobody is there to answer: say --yes`);
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await asking.question(`${question} [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    asking.close();
  }
}
