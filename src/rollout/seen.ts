import * as z from 'zod/mini';

/** What people have been told of a family and need not be told again. */
export type Told = 'gone' | 'unreadable' | 'ended' | 'ending' | 'aging';

/** What was recommended of a family when it was last looked at. */
export interface Sighting {
  readonly version: string;
  readonly imageId: string;
  readonly told?: Told | undefined;
}

/** By family. */
export type Seen = Readonly<Record<string, Sighting>>;

/** What the last look left. `first`: nobody has looked yet. */
export type Remembered =
  | { readonly kind: 'first' }
  | { readonly kind: 'garbled' }
  | { readonly kind: 'seen'; readonly seen: Seen };

/** Version, image, and what has been told: "2023.0.20261113 ami-0281c9a5cd9de63bd ended". */
const SIGHTING = /^([A-Za-z0-9.-]{1,40}) (ami-[0-9a-f]{8,17})(?: (gone|unreadable|ended|ending|aging))?$/;

const Text = z.strictObject({
  schema: z.literal(1),
  seen: z.record(z.string(), z.string().check(z.regex(SIGHTING))),
});

/** @param text the parameter's, or undefined where there is none. */
export function readSeen(text: string | undefined): Remembered {
  if (text === undefined) return { kind: 'first' };
  const parsed = Text.safeParse(parseJson(text));
  if (!parsed.success) return { kind: 'garbled' };
  const sightings = Object.entries(parsed.data.seen).map(([family, line]) => {
    const [version = '', imageId = '', told] = line.split(' ');
    return [family, told === undefined ? { version, imageId } : { version, imageId, told: told as Told }] as const;
  });
  return { kind: 'seen', seen: Object.fromEntries(sightings) };
}

/** Short, for a parameter of the standard tier holds 4 KB, and no more; with every family there is it is some 3.5. */
export function writeSeen(seen: Seen): string {
  const lines = Object.entries(seen)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([family, { version, imageId, told }]) => [
      family,
      [version, imageId, ...(told === undefined ? [] : [told])].join(' '),
    ]);
  return JSON.stringify({ schema: 1, seen: Object.fromEntries(lines) });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
