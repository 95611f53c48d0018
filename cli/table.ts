import Table from 'cli-table3';
import stringWidth from 'string-width';

/** What a terminal has at least. */
const WIDTH = 80;
/** The narrowest a column gets: enough for a word. */
const NARROWEST = 8;

/**
 * Text from outside on one line, without what a terminal would obey: the name of a task must not move the cursor, nor
 * colour the line.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim();
}

/** Rows under a head, 80 columns wide at most: the widest columns are wrapped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map(printable));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => stringWidth(row[column] ?? ''))));
  // Each column has a space on either side, and a line after it; one more line comes before the first.
  const room = WIDTH - 1 - 3 * head.length;
  while (widths.reduce((sum, width) => sum + width, 0) > room && Math.max(...widths) > NARROWEST) {
    widths[widths.indexOf(Math.max(...widths))] = Math.max(...widths) - 1;
  }
  const drawn = new Table({
    head: [...(cells[0] ?? [])],
    colWidths: widths.map((width) => width + 2),
    wordWrap: true,
    wrapOnWordBoundary: cells.every((row) => row.every((cell) => longestWord(cell) <= Math.max(...widths))),
    style: { head: [], border: [] },
  });
  drawn.push(...cells.slice(1));
  return drawn.toString();
}

function longestWord(text: string): number {
  return Math.max(0, ...text.split(' ').map((word) => stringWidth(word)));
}
