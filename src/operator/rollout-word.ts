import type { Control } from '../rollout/control.ts';
import { isPaused, saying } from '../rollout/control.ts';

export const WORDS = ['approve', 'reject', 'pause', 'resume', 'cancel'] as const;
export type Word = (typeof WORDS)[number];

/** What somebody is about to say of a rollout. */
export interface Saying {
  readonly word: Word;
  readonly by: string;
  readonly atMs: number;
  readonly because: string;
}

/** What is known of the rollout that it is said of. */
export interface SaidOf {
  /** How it has ended, in words; undefined while it runs. */
  readonly ended?: string;
  /** The record as it is; `mistake`: what is there cannot be understood. */
  readonly before?: Control | { readonly mistake: string };
  /** Fleets that wait to be begun; undefined where that cannot be told. */
  readonly waiting?: number;
  /** Why no further fleet of it is begun. */
  readonly closed?: string;
  /** Fleets whose own rollout was begun, ended or not. */
  readonly begun: number;
}

/** `change`: the record that is to be written. `none`: it says so already. */
export type WordPlan =
  | { readonly action: 'change'; readonly after: Control; readonly notes: readonly string[] }
  | { readonly action: 'none'; readonly because: string }
  | { readonly action: 'refused'; readonly because: string };

/** What saying this would write, and why it would not be said. Pure. */
export function planWord({ word, by, atMs, because }: Saying, of: SaidOf): WordPlan {
  const { before } = of;
  if (of.ended !== undefined) return refused(`it has ended: ${of.ended}`);
  if (before !== undefined && 'mistake' in before) {
    return refused(`its record cannot be understood (${before.mistake}): delete the parameter, then say it again`);
  }
  if (before?.word === word) {
    return { action: 'none', because: `${before.by} said ${word} at ${before.at} already` };
  }
  try {
    const after = saying(before, { word, by, at: new Date(atMs).toISOString(), because });
    const senseless = whySenseless(word, of, before);
    return senseless === undefined ? { action: 'change', after, notes: notesOn(word, of, before) } : refused(senseless);
  } catch (error) {
    return refused((error as Error).message);
  }
}

function refused(because: string): WordPlan {
  return { action: 'refused', because };
}

function whySenseless(word: Word, { waiting, closed, begun }: SaidOf, before: Control | undefined): string | undefined {
  if (word === 'approve' && closed !== undefined) return `nothing further of it is begun: ${closed}`;
  if (word === 'approve' && waiting === 0) return 'none of its fleets waits to be begun';
  if (word === 'approve' && before?.approved && !isPaused(before))
    return `it was approved already, and resumed by ${before.by}`;
  if (word === 'reject' && begun > 0) {
    return `${begun} of its fleets ${begun === 1 ? 'was' : 'were'} begun already: cancel it instead`;
  }
  return undefined;
}

function notesOn(word: Word, { begun }: SaidOf, before: Control | undefined): string[] {
  const notes: string[] = [];
  if (word === 'approve' && isPaused(before)) notes.push(`${before?.by} paused it: approved, it goes on`);
  if ((word === 'cancel' || word === 'pause') && begun > 0) {
    notes.push(
      word === 'pause'
        ? 'a fleet in the middle of its refresh is stopped where it is, and may run two images meanwhile'
        : 'a fleet in the middle of its refresh is rolled back, where that can be done',
    );
  }
  if (word === 'cancel' || word === 'reject')
    notes.push('this cannot be taken back: another rollout has to be started');
  return notes;
}
