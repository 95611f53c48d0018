import type { Command } from 'commander';
import { printLines } from './lines.ts';
import type { Answer, Here, OperatorOptions } from './operate.ts';
import { askOn, inRegions, talksToAws } from './operate.ts';
import type { RolloutsShown } from './rollout-status-view.ts';
import { isFine, renderFrame, renderNews, renderRollouts, rolloutsDocument } from './rollout-status-view.ts';
import type { Rollouts } from './rollouts.ts';
import { rolloutReader } from './rollouts.ts';
import { exitCodeOf } from './status.ts';
import type { Print, Run } from './usage.ts';
import { duration, UsageError } from './usage.ts';
import { everyOption, everySeconds, patient, watch } from './watch.ts';

interface StatusOptions extends OperatorOptions {
  readonly watch?: boolean;
  readonly every: string;
  readonly since: string;
}

/** Lambda keeps what it knows of an execution for 90 days at most (API reference, DurableConfig). */
const LONGEST_SECONDS = 90 * 86_400;

export function addRolloutStatus(rollout: Command, run: Run, print: Print): void {
  const command = rollout
    .command('status')
    .description('what is rolled out now, fleet by fleet, and what it waits for; and how others have ended')
    .option('--since <time>', 'rollouts that have ended since, like 24h or 30d', '7d')
    .option('--watch', 'go on until none is under way any more, or Ctrl-C');
  talksToAws(everyOption(command)).action((options: StatusOptions) => run(status(options, print)));
}

async function status(options: StatusOptions, print: Print): Promise<number> {
  const sinceSeconds = duration('--since', options.since, 60, LONGEST_SECONDS);
  const every = everySeconds(options);
  if (options.watch && options.json) throw new UsageError('--json is one document: it does not go with --watch');

  const heres = await inRegions(options, async (here) => ({ here, read: rolloutReader(here) }));
  if (options.watch) return watchAll(heres, every, print);
  const regions = await askOn(heres, async ({ here, read }) =>
    shown(here, await read(here.aws.now() - sinceSeconds * 1000)),
  );
  if (options.json) print(JSON.stringify(rolloutsDocument(regions), null, 2));
  else printLines(renderRollouts(regions, sinceSeconds), print);
  return exitCodeOf(regions);
}

function shown({ stack }: Here, { atMs, rollouts, unread }: Rollouts): RolloutsShown {
  return { stack: stack.name, atMs, releases: rollouts.map(({ status: one }) => one), unread };
}

/** What runs now, and what ends meanwhile. 0 if all that ended is as it should be. */
async function watchAll(
  heres: readonly Answer<{ readonly here: Here; readonly read: ReturnType<typeof rolloutReader> }>[],
  every: number,
  print: Print,
): Promise<number> {
  const looks = await askOn(heres, async ({ here, read }) => {
    const sinceMs = here.aws.now();
    return patient(async () => shown(here, await read(sinceMs)));
  });
  const last = await watch<readonly Answer<RolloutsShown>[]>(
    {
      look: () => askOn(looks, (look) => look()),
      frame: renderFrame,
      news: renderNews,
      isOver: (regions) =>
        regions.every((region) => !region.ok || region.value.releases.every(({ state }) => state !== 'running')),
      calls: () => heres.reduce((sum, region) => sum + (region.ok ? region.value.here.aws.calls() : 0), 0),
    },
    { every, print },
  );
  return last.every((region) => region.ok && region.value.releases.every(({ state }) => isFine(state))) ? 0 : 1;
}
