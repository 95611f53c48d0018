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

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** Seconds, from text like `90`, `90s`, `30m`, `24h` or `2d`. @throws UsageError unless it is one, within the bounds. */
export function duration(flag: string, text: string, least: number, most: number): number {
  const [, count, unit = 's'] = /^(\d{1,9})([smhd])?$/.exec(text) ?? [];
  const seconds = Number(count) * (UNIT_SECONDS[unit] ?? Number.NaN);
  if (seconds >= least && seconds <= most) return seconds;
  throw new UsageError(
    `${flag} takes seconds, or a time like 30m, 24h or 2d, from ${least} to ${most} seconds, not ${JSON.stringify(text)}`,
  );
}

/** Writes a line, or several, to standard output. */
export type Print = (text: string) => void;

/** Runs one command's work, and keeps its exit code: 0 done, 1 it found something wrong, 2 it could not use what it was given. */
export type Run = (exitCode: Promise<number>) => Promise<void>;
