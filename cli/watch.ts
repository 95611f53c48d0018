import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { createLogUpdate } from 'log-update';
import type { Line } from './lines.ts';
import { painted, printLines } from './lines.ts';
import { CallFailed } from './operate.ts';
import type { Print } from './usage.ts';
import { wholeNumber } from './usage.ts';

/** Something that is looked at again and again, and how it is shown. */
export interface Show<T> {
  look(): Promise<T>;
  /** All of it, for a terminal. */
  frame(state: T): Line[];
  /** What is new in it, for a pipe or a log file. */
  news(state: T, before: T | undefined): Line[];
  isOver(state: T): boolean;
  /** How many calls were made so far: the more a look costs, the rarer it is. */
  calls(): number;
}

/** Lambda allows 15 calls of this kind a second for the whole account: a third of them is enough for a person. */
const CALLS_A_SECOND = 5;
/** A week: nobody watches for longer. */
const LONGEST_MS = 604_800_000;

export function everyOption(command: Command): Command {
  return command.option('--every <seconds>', 'while it watches: how often it looks', '5');
}

export function everySeconds({ every }: { readonly every: string }): number {
  return wholeNumber('--every', every, 1, 300);
}

/** The SDK has tried each call again already; after so many looks in vain, one after the other, there is no more to come. */
const MOST_IN_VAIN = 5;

/** A look that fails on the way shows what was seen last: whoever watches for an hour need not start anew for one lost call. */
export function patient<T>(look: () => Promise<T>): () => Promise<T> {
  let last: { readonly state: T } | undefined;
  let inVain = 0;
  return async () => {
    try {
      last = { state: await look() };
      inVain = 0;
    } catch (error) {
      inVain += 1;
      if (!(error instanceof CallFailed) || last === undefined || inVain > MOST_IN_VAIN) throw error;
    }
    return last.state;
  };
}

export interface How {
  /** Seconds between two looks. */
  readonly every: number;
  readonly print: Print;
  /** Only the end is of interest. */
  readonly quiet?: boolean;
}

/** Looks until it is over, and shows each look: in place on a terminal, line by line elsewhere. */
export async function watch<T>(show: Show<T>, { every, print, quiet = false }: How): Promise<T> {
  // A terminal that does not know its height would be shown nothing.
  const isTerminal = process.stdout.isTTY === true && process.stdout.rows > 0 && !quiet;
  const update = isTerminal ? createLogUpdate(process.stdout, { showCursor: true }) : undefined;
  const endsAtMs = Date.now() + LONGEST_MS;
  let before: T | undefined;
  for (;;) {
    const callsBefore = show.calls();
    const state = await show.look();
    if (update) update(painted(show.frame(state)));
    else if (!quiet) printLines(show.news(state, before), print);
    before = state;
    if (show.isOver(state) || Date.now() >= endsAtMs) break;
    await sleep(Math.max(every, (show.calls() - callsBefore) / CALLS_A_SECOND) * 1000);
  }
  update?.done();
  return before;
}
