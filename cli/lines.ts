import { styleText } from 'node:util';
import type { Print } from './usage.ts';

/** A line of output, and how it is painted on a terminal. */
export interface Line {
  readonly text: string;
  readonly tone?: 'strong' | 'quiet' | 'good' | 'warn' | 'bad';
}

const STYLES = { strong: 'bold', quiet: 'dim', good: 'green', warn: 'yellow', bad: 'red' } as const;

/** Lines as they go to the terminal, or plain where there is none. */
export function painted(lines: readonly Line[]): string {
  const isColoured = process.stdout.isTTY === true && process.stdout.hasColors();
  return lines
    .map(({ text, tone }) => (tone && isColoured ? styleText(STYLES[tone], text, { validateStream: false }) : text))
    .join('\n');
}

export function printLines(lines: readonly Line[], print: Print): void {
  if (lines.length > 0) print(painted(lines));
}

export function plain(texts: readonly string[], tone?: Line['tone']): Line[] {
  return texts.map((text) => (tone === undefined ? { text } : { text, tone }));
}
