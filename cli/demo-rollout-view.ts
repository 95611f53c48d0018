import type { Line, Piece } from './demo-frame.ts';
import { latest, lightsOf, logOf, pad, paint } from './demo-frame.ts';
import type { InstanceState, RolloutRecording, TaskChange } from './demo-rollout-recording.ts';
import { ROLLOUT_STAGES } from './demo-rollout-recording.ts';

const WIDTH = 80;
/** A frame of the show is some 3.5 simulated seconds: each stage is seen in several. */
const GLOW_SECONDS = 20;
const MARKS_SHOWN = 5;
/** A group's name may have 255 characters. */
const NAME = 20;
const BAR = 20;
const COLUMNS = { instance: 21, image: 18, state: 11 } as const;

type Instance = RolloutRecording['members'][number];

/** One frame of a fleet that is rolled, at a simulated time. Pure: 80 columns at most, always as many lines. */
export function renderRolloutFrame(
  recording: RolloutRecording,
  atSeconds: number,
  title: string,
  colour: boolean,
): string[] {
  const head: Line = [...pad([[title.slice(0, 70)]], WIDTH - 7), [timeOf(atSeconds), 'bold']];
  const lines: Line[] = [
    head,
    lightsOf(recording.lights, ROLLOUT_STAGES, atSeconds, GLOW_SECONDS),
    [],
    ...refreshLines(recording, atSeconds),
    [],
    row([['instance', 'dim']], [['image', 'dim']], [['state', 'dim']], [['tasks', 'dim']]),
    ...recording.members.map((member) => (member.atSeconds <= atSeconds ? rowOf(recording, member, atSeconds) : [])),
    [],
    countsOf(recording, atSeconds),
    [],
    ...logOf(recording.marks, atSeconds, MARKS_SHOWN, timeOf),
  ];
  return lines.map((line) => paint(line, colour));
}

/** `1:00:24`: hours, minutes, seconds from the start. */
export function timeOf(atSeconds: number): string {
  const two = (n: number): string => String(Math.floor(n)).padStart(2, '0');
  return `${Math.floor(atSeconds / 3_600)}:${two((atSeconds / 60) % 60)}:${two(atSeconds % 60)}`;
}

function refreshLines({ group, refreshes }: RolloutRecording, atSeconds: number): Line[] {
  const refresh = latest(refreshes, atSeconds);
  const name = group.slice(0, NAME);
  if (refresh === undefined) return [[[`${name}: no instance refresh yet`]], []];
  const { status, percent, because } = refresh;
  const done = Math.floor((percent / 100) * BAR);
  const bar = `[${'#'.repeat(done)}${'.'.repeat(BAR - done)}]`;
  const tone = /^(Failed|Cancel|Rollback)/.test(status) ? 'red' : 'green';
  return [
    [[`${name}: ${bar} ${String(percent).padStart(3)} %, refresh `], [status.slice(0, 20), tone]],
    [[`  ${because}`.slice(0, WIDTH), 'dim']],
  ];
}

const row = (instance: Line, image: Line, state: Line, tasks: Line): Line => [
  ...pad(instance, COLUMNS.instance),
  ...pad(image, COLUMNS.image),
  ...pad(state, COLUMNS.state),
  ...tasks,
];

const LOOKS = {
  starting: 'yellow',
  ACTIVE: 'green',
  DRAINING: 'cyan',
  released: 'dim',
  gone: 'dim',
} as const satisfies Record<InstanceState, Piece[1]>;

function rowOf(recording: RolloutRecording, { instanceId, version }: Instance, atSeconds: number): Line {
  const state = stateOf(recording, instanceId, atSeconds);
  const isNew = version === recording.release.version;
  const tasks = state === 'gone' ? '' : tasksOf(recording.tasks, instanceId, atSeconds);
  return row(
    [[instanceId]],
    [[version.slice(0, COLUMNS.image - 2), isNew ? 'bold' : 'dim']],
    [[state, LOOKS[state]]],
    [[tasks.slice(0, WIDTH - COLUMNS.instance - COLUMNS.image - COLUMNS.state)]],
  );
}

function stateOf({ instances }: RolloutRecording, instanceId: string, atSeconds: number): InstanceState {
  const own = instances.filter((change) => change.instanceId === instanceId);
  return latest(own, atSeconds)?.state ?? 'starting';
}

/** How many tasks of the instance are in which state: `3 running, 1 stopping`. */
function tasksOf(tasks: readonly TaskChange[], instanceId: string, atSeconds: number): string {
  const own = tasks.filter((change) => change.instanceId === instanceId && change.atSeconds <= atSeconds);
  const states = [...new Map(own.map(({ taskArn, state }) => [taskArn, state])).values()];
  return (['running', 'starting', 'stopping'] as const)
    .map((state) => ({ state, n: states.filter((one) => one === state).length }))
    .flatMap(({ state, n }) => (n === 0 ? [] : [`${n} ${state}`]))
    .join(', ');
}

function countsOf(recording: RolloutRecording, atSeconds: number): Line {
  const { members, release, requests, announcedAtSeconds } = recording;
  const here = members.filter(
    (member) => member.atSeconds <= atSeconds && stateOf(recording, member.instanceId, atSeconds) !== 'gone',
  );
  const fresh = here.filter(({ version }) => version === release.version).length;
  const ended = requests.filter((request) => {
    return request.endSeconds <= atSeconds && request.atSeconds >= announcedAtSeconds;
  });
  const cut = ended.filter((request) => request.cut).length;
  return [
    [`${fresh} new, ${here.length - fresh} old`],
    [`   requests served ${ended.length - cut}, cut `],
    [String(cut), cut > 0 ? ['red', 'bold'] : 'green'],
  ];
}
