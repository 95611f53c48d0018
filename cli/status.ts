import type { Command } from 'commander';
import { storedSwitch } from '../src/aws/switch.ts';
import { describeSwitch } from '../src/operator/switch-text.ts';
import type { DrainReader } from './drains.ts';
import { drainReader } from './drains.ts';
import { printLines } from './lines.ts';
import type { Answer, Here, OperatorOptions } from './operate.ts';
import { askOn, explain, inRegions, talksToAws } from './operate.ts';
import type { RegionStatus } from './status-view.ts';
import { renderStatus, statusDocument } from './status-view.ts';
import type { Print, Run } from './usage.ts';
import { duration, UsageError } from './usage.ts';
import { everyOption, everySeconds } from './watch.ts';
import { exitCodeOfDrains, watchDrains } from './watch-drains.ts';

interface StatusOptions extends OperatorOptions {
  readonly watch?: boolean;
  readonly every: string;
  readonly since: string;
  readonly allOutcomes?: boolean;
}

const MOST_SHOWN = 20;
/** Each is a call of its own. */
const MOST_WITH_ALL = 500;
/** Lambda keeps what it knows of an execution for 90 days at most (API reference, DurableConfig). */
const LONGEST_SECONDS = 90 * 86_400;

export function addStatus(program: Command, run: Run, print: Print): void {
  const command = program
    .command('status')
    .description('what drains now, what it waits for and why; and how others have ended')
    .option('--since <time>', 'drains that have ended since, like 30m, 24h or 7d', '24h')
    .option('--all-outcomes', `up to ${MOST_WITH_ALL} of them, not only the last ${MOST_SHOWN}`)
    .option('--watch', 'go on until nothing drains any more, or Ctrl-C');
  talksToAws(everyOption(command)).action((options: StatusOptions) => run(status(options, print)));
}

async function status(options: StatusOptions, print: Print): Promise<number> {
  const sinceSeconds = duration('--since', options.since, 60, LONGEST_SECONDS);
  const every = everySeconds(options);
  if (options.watch && options.json) throw new UsageError('--json is one document: it does not go with --watch');

  const heres = await inRegions(options, async (here) => ({ here, reader: drainReader(here) }));
  if (options.watch) {
    return exitCodeOfDrains(await watchDrains(heres, { every, print }));
  }
  const most = options.allOutcomes ? MOST_WITH_ALL : MOST_SHOWN;
  const regions = await askOn(heres, ({ here, reader }) => regionStatus(here, reader, sinceSeconds, most));
  if (options.json) print(JSON.stringify(statusDocument(regions), null, 2));
  else printLines(renderStatus(regions, sinceSeconds), print);
  return exitCodeOf(regions);
}

/** One region that could not be asked is worth an exit code of its own, whatever the others say. */
export function exitCodeOf(answers: readonly Answer<unknown>[]): number {
  return answers.every(({ ok }) => ok) ? 0 : 1;
}

async function regionStatus(
  here: Here,
  reader: DrainReader,
  sinceSeconds: number,
  most: number,
): Promise<RegionStatus> {
  const { executions, more } = await reader.running();
  const running = await reader.lookInto(executions);
  const atMs = here.aws.now();
  return {
    atMs,
    switch: await switchInWords(here),
    newestVersion: await reader.newestVersion(),
    running: { ...running, more },
    ended: await reader.ended(atMs - sinceSeconds * 1000, most),
  };
}

/** Nothing of the drains is hidden because the switch cannot be read. */
export async function switchInWords({ aws, stack }: Here): Promise<string> {
  const stored = await storedSwitch(aws.ssm, stack.switchParameter);
  return stored.ok ? describeSwitch(stored.value?.text) : `the switch cannot be read: ${explain(stored)}`;
}
