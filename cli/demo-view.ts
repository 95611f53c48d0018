import { styleText } from 'node:util';
import type { Recording, Stage } from './demo-recording.ts';

const PANE = 39;
const STAGES: readonly Stage[] = ['hook', 'SNS', 'intake', 'drain'];
/** How long a stage stays lit, in simulated seconds: real invocations are too short to see. */
const GLOW_SECONDS = 1.2;
const MARKS_SHOWN = 7;

type Style = Parameters<typeof styleText>[0];
/** Text and how it looks; kept apart so that widths are counted without escape codes. */
type Piece = readonly [text: string, style?: Style];
type Line = readonly Piece[];

/** One frame of both worlds at a simulated time. Pure: 80 columns at most, no cursor movements. */
export function renderFrame(
  without: Recording,
  withDrain: Recording,
  atSeconds: number,
  title: string,
  colour: boolean,
): string[] {
  const left = pane('WITHOUT A DRAIN', without, atSeconds, []);
  const right = pane('WITH ecs-drain', withDrain, atSeconds, STAGES);
  const height = Math.max(left.length, right.length);
  const rows = Array.from(
    { length: height },
    (_, i): Line => [...pad(left[i] ?? []), [' │ ', 'dim'], ...(right[i] ?? [])],
  );
  const shown = withDrain.marks.filter((mark) => mark.atSeconds <= atSeconds).slice(-MARKS_SHOWN);
  const log = Array.from({ length: MARKS_SHOWN }, (_, i): Line => {
    const mark = shown[i];
    return mark ? [[`${mark.atSeconds.toFixed(1).padStart(6)} s  `, 'dim'], [mark.text.slice(0, 69)]] : [];
  });
  const clock = `${atSeconds.toFixed(0).padStart(3)} s`;
  const head: Line = [[title.slice(0, 74).padEnd(75)], [clock, 'bold']];
  return [head, [], ...rows, [], ...log].map((line) => paint(line, colour));
}

function pane(title: string, recording: Recording, atSeconds: number, stages: readonly Stage[]): Line[] {
  const latest = <T extends { atSeconds: number }>(list: readonly T[]): T | undefined =>
    list.findLast((entry) => entry.atSeconds <= atSeconds);
  const requests = recording.requests.filter((request) => request.endSeconds <= atSeconds);
  const cut = requests.filter((request) => request.cut).length;
  const leaving = recording.tasks.some((change) => change.atSeconds <= atSeconds);
  const count = 1 + Math.max(-1, ...recording.tasks.map(({ task }) => task));
  const begun = recording.replacements.filter((change) => change.atSeconds <= atSeconds).length;

  return [
    [[title, 'bold']],
    stages.length === 0 ? [['no hook, no drain', 'dim']] : lightsOf(recording, stages, atSeconds),
    [],
    [[recording.instanceId], ['  '], [latest(recording.states)?.text ?? '']],
    ...Array.from({ length: count }, (_, task): Line => {
      const status = latest(recording.tasks.filter((change) => change.task === task))?.status ?? 'RUNNING';
      return [[`  task ${task + 1}  `], statusPiece(status)];
    }),
    [[`replacements running: ${leaving ? Math.min(begun, count) : 0} of ${count}`, 'dim']],
    [],
    [[`requests served ${String(requests.length - cut).padStart(6)}`]],
    [['requests cut    '], [String(cut).padStart(6), cut > 0 ? ['red', 'bold'] : 'green']],
  ];
}

function lightsOf(recording: Recording, stages: readonly Stage[], atSeconds: number): Line {
  return stages.flatMap((stage, i): Piece[] => {
    const lit = recording.lights.some(
      (light) => light.stage === stage && light.atSeconds <= atSeconds && atSeconds < light.atSeconds + GLOW_SECONDS,
    );
    const arrow: Piece[] = i === 0 ? [] : [[' → ', 'dim']];
    return [...arrow, lit ? [`● ${stage}`, ['yellow', 'bold']] : [`○ ${stage}`, 'dim']];
  });
}

function statusPiece(status: string): Piece {
  if (status === 'CUT') return ['cut off', ['red', 'bold']];
  if (status === 'RUNNING') return ['RUNNING', 'green'];
  if (status === 'STOPPED') return ['gone', 'dim'];
  return [status, status === 'DEACTIVATING' ? 'cyan' : 'yellow'];
}

function pad(line: Line): Line {
  const width = line.reduce((sum, [text]) => sum + text.length, 0);
  return [...line, [' '.repeat(Math.max(0, PANE - width))]];
}

function paint(line: Line, colour: boolean): string {
  const text = line
    .map(([piece, style]) => (colour && style ? styleText(style, piece, { validateStream: false }) : piece))
    .join('');
  return text.trimEnd();
}
