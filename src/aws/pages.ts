interface Page<T> {
  readonly items: readonly T[] | undefined;
  readonly nextToken: string | undefined;
}

/** 1,000 pages of 100: beyond any quota. A service that pages for ever must not hold a Lambda for ever. */
const MOST_PAGES = 1_000;

/** Every page of a list. The first is asked for without a token. */
export async function allPages<T>(ask: (token: { nextToken?: string }) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  let token: { nextToken?: string } = {};
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const page = await ask(token);
    items.push(...(page.items ?? []));
    if (!page.nextToken) return items;
    token = { nextToken: page.nextToken };
  }
  throw new Error(`the list did not end after ${MOST_PAGES} pages`);
}

/** Asks about at most `most` identifiers at a time; one answer per call, in order. */
export async function inChunks<T>(
  ids: readonly string[],
  most: number,
  ask: (chunk: string[]) => Promise<T>,
): Promise<T[]> {
  const answers: T[] = [];
  for (let start = 0; start < ids.length; start += most) answers.push(await ask(ids.slice(start, start + most)));
  return answers;
}
