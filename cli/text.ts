import stringWidth from 'string-width';
import { printable } from './table.ts';

/** What a terminal has at least. */
const WIDTH = 80;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** As much of the text as the cells of a line hold, by whole characters, and the rest: wide ones take two cells. */
function cut(text: string): readonly [string, string] {
  let cells = 0;
  for (const { segment, index } of graphemes.segment(text)) {
    cells += stringWidth(segment);
    if (cells > WIDTH) return [text.slice(0, index), text.slice(index)];
  }
  return [text, ''];
}

/**
 * A paragraph at most 80 columns wide, its lines but the first indented by `indent`. What no space divides is cut only
 * where a line has no room for it at all.
 */
export function wrap(text: string, indent = ''): string[] {
  const lines: string[] = [];
  let line = /^ */.exec(text)?.[0] ?? '';
  let isEmpty = true;
  for (const word of printable(text).split(/ +/)) {
    if (!isEmpty && stringWidth(line) + 1 + stringWidth(word) > WIDTH) {
      lines.push(line);
      line = indent;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
    while (stringWidth(line) > WIDTH) {
      const [held, rest] = cut(line);
      lines.push(held);
      line = indent + rest;
    }
  }
  return [...lines, line];
}

/**
 * A command that is copied, behind words that say what it is for: where it is too wide, it is broken between its parts,
 * and as a shell reads on.
 */
export function commandLines(lead: string, parts: readonly string[], indent: string): string[] {
  const lines: string[] = [];
  let line = lead;
  let isEmpty = true;
  for (const [i, part] of parts.map(printable).entries()) {
    const isLast = i === parts.length - 1;
    const next = isEmpty ? `${line}${part}` : `${line} ${part}`;
    if (!isEmpty && stringWidth(next) + (isLast ? 0 : 2) > WIDTH) {
      lines.push(`${line} \\`);
      line = `${indent}${part}`;
    } else line = next;
    isEmpty = false;
  }
  return [...lines, line];
}

/** `1 group`, `2 groups`. */
export function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}

/** One word for a shell, whatever is in it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
