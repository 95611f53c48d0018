import type { Run } from '../sim/run.ts';
import { loadBundles, readScenario, run } from '../sim/run.ts';
import { costOf } from './cost.ts';
import type { RolloutRecording } from './demo-rollout-recording.ts';
import { recordRollout } from './demo-rollout-recording.ts';
import { renderRolloutFrame, timeOf } from './demo-rollout-view.ts';
import { show } from './demo-show.ts';
import { count, wrap } from './text.ts';
import { span } from './time.ts';
import type { Print } from './usage.ts';

const SCENARIO = 'rollout-auto';
/** The show on a terminal: from just before the announcement to a little after the last word. */
const SHOW_SECONDS = 36;
const PROLOGUE_SECONDS = 15;
const EPILOGUE_SECONDS = 30;

/** What a rollout came to, by the region itself and not by what was drawn. */
export interface RolloutEnding {
  /** Of the release's execution: `rolled` is the good one. */
  readonly outcome: string;
  readonly family: string;
  readonly version: string;
  readonly imageId: string;
  /** Instances that were there before. */
  readonly wanted: number;
  readonly drained: number;
  /** In service at the end: on the new image, and in all. */
  readonly fresh: number;
  readonly inService: number;
  readonly tasksCut: number;
  readonly requests: number;
  readonly requestsCut: number;
  /** What the verified parameter names. */
  readonly verified: string | undefined;
  readonly violations: number;
}

/** True when the whole fleet runs the new image, nothing was cut off for it, and nothing was wrong on the way. */
export function isClean(ending: RolloutEnding): boolean {
  const { wanted, drained, fresh, inService } = ending;
  return (
    ending.outcome === 'rolled' &&
    wanted > 0 &&
    drained === wanted &&
    fresh === inService &&
    inService >= wanted &&
    ending.tasksCut === 0 &&
    ending.requestsCut === 0 &&
    ending.verified === ending.imageId &&
    ending.violations === 0
  );
}

/** A fleet is rolled to its end, on the built bundles, before the first frame is shown: what is drawn is what happened. */
export async function demoRollout(seed: number, print: Print): Promise<number> {
  const scenario = readScenario(SCENARIO);
  const { group = '', instances = 0 } = scenario.clusters[0] ?? {};
  const films: ReturnType<typeof recordRollout>[] = [];
  const played = await run(scenario, seed, {
    bundles: await loadBundles(),
    watch: (region) => films.push(recordRollout(region, group)),
  });

  const lastSeconds = played.report.alerts.at(-1)?.atSeconds ?? scenario.durationSeconds;
  const endSeconds = Math.ceil(lastSeconds) + EPILOGUE_SECONDS;
  const recording = (films[0] as ReturnType<typeof recordRollout>)(endSeconds);
  const title = `A fleet of ${instances} is rolled to a new AMI (seed ${seed}, virtual time)`;
  const startSeconds = Math.max(0, recording.announcedAtSeconds - PROLOGUE_SECONDS);

  if (process.stdout.isTTY) {
    await show(SHOW_SECONDS, (share, colour) =>
      renderRolloutFrame(recording, startSeconds + share * (endSeconds - startSeconds), title, colour),
    );
  } else print(narrate(recording, endSeconds, title));

  const ending = endingOf(played, recording, instances);
  print(`\n${summarise(ending, played, lastSeconds - recording.announcedAtSeconds)}`);
  return isClean(ending) ? 0 : 1;
}

/** Everything the show has, for a log file or a pipe: what happened, then the last frame. */
export function narrate(recording: RolloutRecording, endSeconds: number, title: string): string {
  const told = recording.marks.flatMap(({ atSeconds, text }) => wrap(`${timeOf(atSeconds)}  ${text}`, ' '.repeat(9)));
  return [...told, '', ...renderRolloutFrame({ ...recording, marks: [] }, endSeconds, title, false)]
    .join('\n')
    .trimEnd();
}

function endingOf({ report, region }: Run, recording: RolloutRecording, wanted: number): RolloutEnding {
  const { autoScaling, ssm } = region;
  const { family, version, imageId } = recording.release;
  const serving = region.instancesOf(recording.group).filter((id) => autoScaling.stateOf(id) === 'InService');
  const requests = recording.requests.filter(({ atSeconds }) => atSeconds >= recording.announcedAtSeconds);
  return {
    outcome: report.rollouts?.find(({ source }) => source === family)?.outcome ?? 'none',
    family,
    version,
    imageId,
    wanted,
    drained: report.instances.filter(({ outcome }) => outcome === 'drained').length,
    fresh: serving.filter((id) => autoScaling.imageOf(id)?.id === imageId).length,
    inService: serving.length,
    tasksCut: recording.tasks.filter(({ cut }) => cut).length,
    requests: requests.length,
    requestsCut: requests.filter(({ cut }) => cut).length,
    verified: ssm.get(`/ecs-drain/verified/${family}`),
    violations: report.violations.length,
  };
}

function summarise(ending: RolloutEnding, played: Run, seconds: number): string {
  const calls = Object.values(played.report.calls).reduce((sum, each) => sum + each, 0);
  return [
    `${ending.fresh} of ${ending.inService} instances run ${ending.version}; ${ending.drained} of ${ending.wanted} old ones were drained`,
    `tasks cut: ${ending.tasksCut}; requests cut: ${ending.requestsCut} of ${ending.requests}`,
    `${ending.outcome} ${span(seconds * 1000)} after the announcement, with ${calls} AWS calls, for $${costOf(played).toFixed(4)}`,
    `/ecs-drain/verified/${ending.family}: ${ending.verified ?? 'not written'}`,
    `audit: ${ending.violations === 0 ? 'no violation' : count(ending.violations, 'violation')}`,
    'next: npx --no-install ecs-drain simulate --scenario rollout-bad-image',
  ].join('\n');
}
