import type { ReleaseStatus } from './rollout-status.ts';

type Named = Pick<ReleaseStatus, 'name' | 'source' | 'state'>;

/** The one that was meant; or why none, or more than one, can have been. */
export type Choice<T> =
  | { readonly kind: 'one'; readonly release: T }
  | { readonly kind: 'none' }
  | { readonly kind: 'several'; readonly names: readonly string[] };

/**
 * The release that is called so: by its name, by what its name begins with, or by its source. What runs comes before what
 * has ended: of that only the one that was named in full is meant, or the latest of a source. Pure.
 * @param releases newest first.
 */
export function choose<T extends Named>(releases: readonly T[], called: string): Choice<T> {
  const exact = releases.find(({ name }) => name === called);
  if (exact) return { kind: 'one', release: exact };
  const meant = releases.filter(({ name, source }) => source === called || name.startsWith(called));
  const running = meant.filter(({ state }) => state === 'running');
  const [first, ...others] = running.length > 0 ? running : meant;
  if (first === undefined) return { kind: 'none' };
  // Of what has ended nothing can be said any more: whichever it was, the answer is the same.
  if (others.length === 0 || running.length === 0) return { kind: 'one', release: first };
  return { kind: 'several', names: [first, ...others].map(({ name }) => name) };
}
