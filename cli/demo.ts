import type { Command } from 'commander';
import { Argument } from 'commander';
import type { Region } from '../sim/region.ts';
import { loadBundles, type Run, readScenario, run } from '../sim/run.ts';
import { costOf } from './cost.ts';
import type { Recording } from './demo-recording.ts';
import { record } from './demo-recording.ts';
import { demoRollout } from './demo-rollout.ts';
import { show } from './demo-show.ts';
import { renderFrame } from './demo-view.ts';
import type { Print, Run as RunCommand } from './usage.ts';
import { wholeNumber } from './usage.ts';

/** The show on a terminal: both worlds from their start to a little after the release. */
const SHOW_SECONDS = 24;
const EPILOGUE_SECONDS = 6;

export function addDemo(program: Command, run: RunCommand, print: Print): void {
  program
    .command('demo')
    .description('watch one instance leave, with and without a drain; or a whole fleet get a new AMI')
    .addArgument(new Argument('[what]', 'what to watch').choices(['drain', 'rollout']).default('drain'))
    .option('--seed <number>', 'which run of it', '7')
    .action((what: string, options: { seed: string }) => run(demo(what, options, print)));
}

async function demo(what: string, options: { seed: string }, print: Print): Promise<number> {
  const seed = wholeNumber('--seed', options.seed, 0, 2 ** 31 - 1);
  return what === 'rollout' ? demoRollout(seed, print) : demoDrain(seed, print);
}

/**
 * One instance is taken away in two worlds of the same seed. Both have been run to their end, on the built bundles,
 * before the first frame is shown: what is drawn is what happened. Answers 0 only if nothing was cut off with the drain.
 */
async function demoDrain(seed: number, print: Print): Promise<number> {
  const bundles = await loadBundles();
  const scenario = readScenario('demo');

  const play = async (hooks: typeof scenario.hooks) => {
    const films: ((untilSeconds: number) => Recording)[] = [];
    const played = await run({ ...scenario, hooks }, seed, {
      bundles,
      watch: (region: Region) => films.push(record(region)),
    });
    return { ...played, film: films[0] as (untilSeconds: number) => Recording };
  };
  const withDrain = await play(scenario.hooks);
  const without = await play([]);

  const releasedAtSeconds = Math.max(...withDrain.report.instances.map((instance) => instance.releasedAtSeconds ?? 0));
  const endSeconds = Math.ceil(releasedAtSeconds) + EPILOGUE_SECONDS;
  const films = { without: without.film(endSeconds), withDrain: withDrain.film(endSeconds) };
  const title = `One of ${scenario.clusters[0]?.instances} instances is taken away (seed ${seed}, virtual time)`;

  if (process.stdout.isTTY) {
    await show(SHOW_SECONDS, (share, colour) =>
      renderFrame(films.without, films.withDrain, share * endSeconds, title, colour),
    );
  } else print(narrate(films, endSeconds, title));

  const cut = { with: cutOf(films.withDrain), without: cutOf(films.without) };
  print(`\n${summarise(withDrain, cut)}`);
  const clean =
    withDrain.report.violations.length === 0 &&
    withDrain.report.instances.every((instance) => instance.outcome === 'drained' && instance.tasksCut === 0);
  return clean && cut.with === 0 ? 0 : 1;
}

interface Films {
  readonly without: Recording;
  readonly withDrain: Recording;
}

/** Everything the show has, for a log file or a pipe: what happened in each world, then the last frame. */
function narrate({ without, withDrain }: Films, endSeconds: number, title: string): string {
  const tell = ({ marks }: Recording) =>
    marks.map(({ atSeconds, text }) => `${atSeconds.toFixed(1).padStart(7)} s  ${text}`);
  return [
    'Without a drain:',
    ...tell(without),
    '',
    'With ecs-drain:',
    ...tell(withDrain),
    '',
    ...renderFrame({ ...without }, { ...withDrain, marks: [] }, endSeconds, title, false),
  ]
    .join('\n')
    .trimEnd();
}

const cutOf = ({ requests }: Recording): number => requests.filter(({ cut }) => cut).length;

function summarise(played: Run, cut: { with: number; without: number }): string {
  const [instance] = played.report.instances;
  const lag = (instance?.releasedAtSeconds ?? 0) - (instance?.lastTaskStoppedAtSeconds ?? 0);
  const calls = Object.values(played.report.calls).reduce((sum, count) => sum + count, 0);
  return [
    `requests cut: ${cut.with} (without: ${cut.without})`,
    `released ${lag.toFixed(1)} s after the last task stopped, with ${calls} AWS calls, for $${costOf(played).toFixed(6)}`,
    'next: npx --no-install ecs-drain simulate --scenario hundred-of-thousand',
  ].join('\n');
}
