import type { Line, Piece } from './demo-frame.ts';
import { latest, lightsOf, logOf, pad, paint } from './demo-frame.ts';
import type { Recording, Stage } from './demo-recording.ts';

const PANE = 39;
const STAGES: readonly Stage[] = ['hook', 'SNS', 'intake', 'drain'];
const GLOW_SECONDS = 1.2;
const MARKS_SHOWN = 7;

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
    (_, i): Line => [...pad(left[i] ?? [], PANE), [' │ ', 'dim'], ...(right[i] ?? [])],
  );
  const log = logOf(withDrain.marks, atSeconds, MARKS_SHOWN, (seconds) => `${seconds.toFixed(1).padStart(6)} s`);
  const clock = `${atSeconds.toFixed(0).padStart(3)} s`;
  const head: Line = [[title.slice(0, 74).padEnd(75)], [clock, 'bold']];
  return [head, [], ...rows, [], ...log].map((line) => paint(line, colour));
}

function pane(title: string, recording: Recording, atSeconds: number, stages: readonly Stage[]): Line[] {
  const requests = recording.requests.filter((request) => request.endSeconds <= atSeconds);
  const cut = requests.filter((request) => request.cut).length;
  const leaving = recording.tasks.some((change) => change.atSeconds <= atSeconds);
  const count = 1 + Math.max(-1, ...recording.tasks.map(({ task }) => task));
  const begun = recording.replacements.filter((change) => change.atSeconds <= atSeconds).length;

  return [
    [[title, 'bold']],
    stages.length === 0 ? [['no hook, no drain', 'dim']] : lightsOf(recording.lights, stages, atSeconds, GLOW_SECONDS),
    [],
    [[recording.instanceId], ['  '], [latest(recording.states, atSeconds)?.text ?? '']],
    ...Array.from({ length: count }, (_, task): Line => {
      const status =
        latest(
          recording.tasks.filter((change) => change.task === task),
          atSeconds,
        )?.status ?? 'RUNNING';
      return [[`  task ${task + 1}  `], statusPiece(status)];
    }),
    [[`replacements running: ${leaving ? Math.min(begun, count) : 0} of ${count}`, 'dim']],
    [],
    [[`requests served ${String(requests.length - cut).padStart(6)}`]],
    [['requests cut    '], [String(cut).padStart(6), cut > 0 ? ['red', 'bold'] : 'green']],
  ];
}

function statusPiece(status: string): Piece {
  if (status === 'CUT') return ['cut off', ['red', 'bold']];
  if (status === 'RUNNING') return ['RUNNING', 'green'];
  if (status === 'STOPPED') return ['gone', 'dim'];
  return [status, status === 'DEACTIVATING' ? 'cyan' : 'yellow'];
}
