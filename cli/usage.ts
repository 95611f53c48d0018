/** The command was given something it cannot use: nothing was done. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** @throws UsageError unless the text is a whole number within the bounds. */
export function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`${flag} takes a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`);
}

/** Writes a line, or several, to standard output. */
export type Print = (text: string) => void;

/** Runs one command's work, and keeps its exit code: 0 done, 1 it found something wrong, 2 it could not use what it was given. */
export type Run = (exitCode: Promise<number>) => Promise<void>;
