import { AwsError } from './aws-error.ts';

export const invalid = (message: string): AwsError => new AwsError('InvalidParameterException', message);

interface Paging {
  readonly maxResults?: number | undefined;
  readonly nextToken?: string | undefined;
}

/** One page of things in the order of their numbers. The token is the last number seen, so that pages survive changes between them. */
export function page<T extends { readonly order: number }>(
  things: Iterable<T>,
  isWanted: (thing: T) => boolean,
  { maxResults = 100, nextToken }: Paging,
): { items: T[]; nextToken?: string } {
  if (maxResults < 1 || maxResults > 100) throw invalid('maxResults must be between 1 and 100.');
  const after = nextToken === undefined ? 0 : Number(Buffer.from(nextToken, 'base64url').toString());
  if (!Number.isInteger(after)) throw invalid('Invalid token.');
  const items: T[] = [];
  for (const thing of things) {
    if (thing.order <= after || !isWanted(thing)) continue;
    const last = items.at(-1);
    if (items.length === maxResults && last !== undefined) {
      return { items, nextToken: Buffer.from(String(last.order)).toString('base64url') };
    }
    items.push(thing);
  }
  return { items };
}
