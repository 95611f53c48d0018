interface Page<T> {
  readonly items: readonly T[] | undefined;
  readonly nextToken: string | undefined;
}

/** 1,000 pages of 100: beyond any quota. A service that pages for ever must not hold a Lambda for ever. */
const MOST_PAGES = 1_000;

type Ask<T> = (token: { nextToken?: string }) => Promise<Page<T>>;

/** Every page of a list. The first is asked for without a token. */
export async function allPages<T>(ask: Ask<T>): Promise<T[]> {
  const items = await firstPages(MOST_PAGES, ask);
  if (items === undefined) throw new Error(`the list did not end after ${MOST_PAGES} pages`);
  return items;
}

/** Every page of a list that has at most so many; undefined of a longer one. */
export async function firstPages<T>(mostPages: number, ask: Ask<T>): Promise<T[] | undefined> {
  const items: T[] = [];
  let token: { nextToken?: string } = {};
  for (let pages = 0; pages < mostPages; pages++) {
    const page = await ask(token);
    items.push(...(page.items ?? []));
    if (!page.nextToken) return items;
    token = { nextToken: page.nextToken };
  }
  return undefined;
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
