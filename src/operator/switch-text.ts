import type { DrainPolicy } from '../config.ts';
import type { Mode } from '../drain/switch.ts';
import { readSwitch } from '../drain/switch.ts';
import { parsed } from './recall.ts';

export interface Turn {
  /** Undefined, for groups only: what the region says holds for them again. */
  readonly mode: Mode | undefined;
  /** None: the whole region. */
  readonly groups: readonly string[];
}

interface SwitchValue {
  readonly mode?: Mode;
  readonly groups?: Readonly<Record<string, { readonly mode?: Mode }>>;
}

/** Asked for its mode alone, the switch needs no policy to lay its own over. */
const NO_POLICY = {} as DrainPolicy;

/** What the switch says for a group, or for the region; nobody has written one: it acts. */
export function modeOf(text: string | undefined, group?: string): Mode | { readonly mistakes: string } {
  const read = readSwitch(text ?? '{}', group, NO_POLICY);
  return 'mistakes' in read ? read : read.mode;
}

/**
 * The text of the switch with another mode for the region, or for groups; all else in it stays as it is. Pure.
 * @returns the mistakes instead, where the text is not a switch: whoever wrote it meant something.
 */
export function turnSwitch(
  text: string | undefined,
  { mode, groups }: Turn,
): { readonly text: string } | { readonly mistakes: string } {
  const now = modeOf(text);
  if (typeof now === 'object') return now;
  // It was read above: it is a switch.
  const before = parsed(text ?? '{}') as SwitchValue;
  const after = groups.length === 0 ? { ...before, mode } : { ...before, groups: turnGroups(before, groups, mode) };
  // As its owner laid it out, in one line or in several.
  return { text: JSON.stringify(after, null, text?.includes('\n') ? 2 : undefined) };
}

function turnGroups(
  { groups = {} }: SwitchValue,
  names: readonly string[],
  mode: Mode | undefined,
): SwitchValue['groups'] {
  const turned = new Map(Object.entries(groups));
  for (const name of names) {
    const { mode: _, ...rest } = turned.get(name) ?? {};
    if (mode !== undefined) turned.set(name, { ...rest, mode });
    else if (Object.keys(rest).length > 0) turned.set(name, rest);
    else turned.delete(name);
  }
  return Object.fromEntries(turned);
}

/** The groups that have a mode of their own, and which. */
export function ownModes(text: string | undefined): readonly (readonly [group: string, mode: Mode])[] {
  if (typeof modeOf(text) === 'object') return [];
  const { groups = {} } = parsed(text ?? '{}') as SwitchValue;
  return Object.entries(groups).flatMap(([name, { mode }]) => (mode ? [[name, mode] as const] : []));
}

/** The switch in a sentence: the region's mode, and that of each group with one of its own. */
export function describeSwitch(text: string | undefined): string {
  const mode = modeOf(text);
  if (typeof mode === 'object') return `the switch cannot be understood: ${mode.mistakes}`;
  const own = ownModes(text).map(([name, itsMode]) => `${name}: ${itsMode}`);
  const shown = own.length > 5 ? [...own.slice(0, 5), `and ${own.length - 5} more`] : own;
  return `the switch says ${[mode, ...shown].join('; ')}`;
}
