import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];
/** Text and how it looks; kept apart so that widths are counted without escape codes. */
export type Piece = readonly [text: string, style?: Style];
export type Line = readonly Piece[];

/** Whatever is recorded has its time, in seconds from the scenario's start. */
export interface Timed {
  readonly atSeconds: number;
}

export interface Mark extends Timed {
  readonly text: string;
}

/** The stage of a machinery that works at that moment. */
export interface Light<Stage extends string> extends Timed {
  readonly stage: Stage;
}

/** The last of what had happened by then; the list is in the order of time. */
export function latest<T extends Timed>(list: readonly T[], atSeconds: number): T | undefined {
  return list.findLast((entry) => entry.atSeconds <= atSeconds);
}

/** Stages with an arrow between each two; one glows for so many simulated seconds, for real invocations are too short to see. */
export function lightsOf<Stage extends string>(
  lights: readonly Light<Stage>[],
  stages: readonly Stage[],
  atSeconds: number,
  glowSeconds: number,
): Line {
  return stages.flatMap((stage, i): Piece[] => {
    const lit = lights.some(
      (light) => light.stage === stage && light.atSeconds <= atSeconds && atSeconds < light.atSeconds + glowSeconds,
    );
    const arrow: Piece[] = i === 0 ? [] : [[' → ', 'dim']];
    return [...arrow, lit ? [`● ${stage}`, ['yellow', 'bold']] : [`○ ${stage}`, 'dim']];
  });
}

/** The last marks by then, always so many lines: the frame keeps its height. */
export function logOf(
  marks: readonly Mark[],
  atSeconds: number,
  height: number,
  clock: (atSeconds: number) => string,
): Line[] {
  const shown = marks.filter((mark) => mark.atSeconds <= atSeconds).slice(-height);
  return Array.from({ length: height }, (_, i): Line => {
    const mark = shown[i];
    return mark ? [[`${clock(mark.atSeconds)}  `, 'dim'], [mark.text.slice(0, 69)]] : [];
  });
}

export function pad(line: Line, width: number): Line {
  const wide = line.reduce((sum, [text]) => sum + text.length, 0);
  return [...line, [' '.repeat(Math.max(0, width - wide))]];
}

export function paint(line: Line, colour: boolean): string {
  const text = line
    .map(([piece, style]) => (colour && style ? styleText(style, piece, { validateStream: false }) : piece))
    .join('');
  return text.trimEnd();
}
