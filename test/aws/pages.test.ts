import { describe, expect, it } from 'vitest';
import { allPages, inChunks } from '../../src/aws/pages.ts';

/** A list as AWS pages it: the token is where the next page begins. */
function paged(items: readonly number[], size: number) {
  const asked: (string | undefined)[] = [];
  const ask = async ({ nextToken }: { nextToken?: string }) => {
    asked.push(nextToken);
    const start = Number(nextToken ?? 0);
    const end = start + size;
    return { items: items.slice(start, end), nextToken: end < items.length ? String(end) : undefined };
  };
  return { asked, ask };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

describe('all pages', () => {
  it.each([
    [0, [undefined]],
    [1, [undefined]],
    [100, [undefined]],
    [101, [undefined, '100']],
    [250, [undefined, '100', '200']],
  ])('of %i items are asked for, and no more', async (count, tokens) => {
    const list = paged(numbers(count), 100);
    expect(await allPages(list.ask)).toEqual(numbers(count));
    expect(list.asked).toEqual(tokens);
  });

  it('leave the token out of the first request, rather than sending it undefined', async () => {
    const requests: object[] = [];
    await allPages(async (token) => {
      requests.push(token);
      return { items: [], nextToken: undefined };
    });
    expect(requests).toStrictEqual([{}]);
  });

  it.each([
    ['a page without items', undefined, 'more'],
    ['an empty page', [], 'more'],
  ])('go on after %s that has a token', async (_, items, nextToken) => {
    const pages = [
      { items, nextToken },
      { items: [7], nextToken: undefined },
    ];
    expect(await allPages<number>(async () => pages.shift() ?? expect.fail('one page too many'))).toEqual([7]);
  });

  it('end with an empty token', async () => {
    let asked = 0;
    expect(
      await allPages(async () => {
        asked++;
        return { items: [1], nextToken: '' };
      }),
    ).toEqual([1]);
    expect(asked).toBe(1);
  });

  it('of a list that never ends are an error', async () => {
    await expect(allPages(async () => ({ items: [1], nextToken: 'again' }))).rejects.toThrow(
      'did not end after 1000 pages',
    );
  });
});

describe('chunks', () => {
  it.each([
    [0, []],
    [1, [1]],
    [10, [10]],
    [11, [10, 1]],
    [30, [10, 10, 10]],
  ])('of %i ids are at most ten each, in order', async (count, sizes) => {
    const ids = numbers(count).map(String);
    const chunks = await inChunks(ids, 10, async (chunk) => chunk);
    expect(chunks.map((chunk) => chunk.length)).toEqual(sizes);
    expect(chunks.flat()).toEqual(ids);
  });

  it('are asked one after another: reads are scarce', async () => {
    let running = 0;
    let most = 0;
    await inChunks(numbers(30).map(String), 10, async () => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
    });
    expect(most).toBe(1);
  });
});
