import * as z from 'zod/mini';

/**
 * What people last said of a rollout: one record, in one SSM parameter, that its loop reads at each look. The latest word
 * holds; who wrote it, when and why is kept with it.
 */
const Control = z.readonly(
  z.strictObject({
    word: z.enum(['approve', 'reject', 'pause', 'resume', 'cancel']),
    by: z.string().check(z.minLength(1), z.maxLength(200)),
    at: z.iso.datetime(),
    because: z.string().check(z.maxLength(500)),
    /** Resumed after a pause, an approval given before it still holds. */
    approved: z.optional(z.boolean()),
  }),
);
export type Control = z.infer<typeof Control>;

/** Reads the record; the mistake instead of guessing what was meant. Pure. */
export function readControl(text: string): Control | { readonly mistake: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { mistake: 'it is not JSON' };
  }
  const parsed = Control.safeParse(value);
  if (parsed.success) return parsed.data;
  return {
    mistake: parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`).join('; '),
  };
}

/** The record after somebody has said something more. @throws Error where the word has no meaning after the one before. */
export function saying(before: Control | undefined, next: Omit<Control, 'approved'>): Control {
  if (before?.word === 'cancel' || before?.word === 'reject') {
    throw new Error(`this rollout was ended by ${before.by} at ${before.at} (${before.word}): start another`);
  }
  if (next.word === 'resume' && before?.word !== 'pause') throw new Error('this rollout is not paused');
  return { ...next, approved: next.word === 'approve' || isApproved(before) };
}

export function isApproved(control: Control | undefined): boolean {
  return control?.word === 'approve' || control?.approved === true;
}

export function isPaused(control: Control | undefined): boolean {
  return control?.word === 'pause';
}

/** Why it is over by somebody's word, if it is. */
export function endedBy(control: Control | undefined): string | undefined {
  if (control?.word !== 'reject' && control?.word !== 'cancel') return undefined;
  const verb = control.word === 'reject' ? 'rejected' : 'cancelled';
  return `${control.by} ${verb} it at ${control.at}${control.because === '' ? '' : `: ${control.because}`}`;
}

/** What the switch says of a fleet's drains; `unknown`: it cannot be understood. */
export type SwitchMode = 'act' | 'observe' | 'pause' | 'unknown';

const SWITCH = 'the switch';

/**
 * What holds of a fleet: what people said of its rollout, or a pause as long as the switch does not say `act`, for then
 * nothing drains its instances. A switch that cannot be understood changes nothing, and lets nothing begin. Pure.
 * @param before what held at the look before; `isFirst`: there was none.
 */
export function underSwitch(
  said: Control | undefined,
  mode: SwitchMode,
  { before, isFirst, at }: { readonly before: Control | undefined; readonly isFirst: boolean; readonly at: string },
): Control | undefined {
  const isHeld = isHeldBySwitch(before);
  const isHeldNow = mode === 'unknown' ? isHeld || isFirst : mode !== 'act';
  if (!isHeldNow || endedBy(said) !== undefined || isPaused(said)) return said;
  const by = `${SWITCH} (${mode === 'unknown' ? 'it cannot be understood' : `it says ${mode}`})`;
  return { word: 'pause', by, at: isHeld && before ? before.at : at, because: '', approved: isApproved(said) };
}

/**
 * What people had said, by what held at the look before, where their record cannot be understood now: the switch's own
 * pause hides all but an approval. Pure.
 */
export function saidBefore(before: Control | undefined): Control | undefined {
  if (before === undefined || !isHeldBySwitch(before)) return before;
  return before.approved ? { ...before, word: 'approve' } : undefined;
}

/** It is paused by the switch, and by nobody. */
export function isHeldBySwitch(control: Control | undefined): boolean {
  return isPaused(control) && control?.by.startsWith(SWITCH) === true;
}
