import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { alarmsIn, averageDrain, monthlyBill, totalOf, withCost } from '../../scripts/cost-docs.ts';
import { root, stackTemplate } from './support.ts';

let bill: ReturnType<typeof monthlyBill>;

beforeAll(async () => {
  bill = monthlyBill(await averageDrain(), alarmsIn(await stackTemplate()));
}, 60_000);

describe('what the pages say of a month for 50 instances', () => {
  it.each([
    ['README.md', '<!-- monthly -->$'],
    ['docs/deploying.md', '| durable operations |'],
  ])('%s says as the bundles now run it (npm run docs writes it)', (name, something) => {
    const page = readFileSync(join(root, name), 'utf8');

    expect(page).toContain(something);
    expect(page).toBe(withCost(page, bill));
  });

  it('is the sum of its lines, none of them without a cost', () => {
    expect(totalOf(bill)).toBeCloseTo(
      bill.reduce((sum, { dollars }) => sum + dollars, 0),
      10,
    );
    for (const { what, dollars } of bill) expect(dollars, what).toBeGreaterThan(0);
    expect(totalOf(bill)).toBeLessThan(5);
  });
});

describe('a bill', () => {
  const drain = { gigabyteSeconds: 1, invocations: 10, operations: 20, gigabytesWritten: 0.001, publishes: 2 };

  it('is 217 times what a drain uses, at its price, and the alarms', () => {
    const lines = Object.fromEntries(monthlyBill(drain, 3).map(({ what, dollars }) => [what, dollars]));

    expect(lines['durable operations']).toBeCloseTo(217 * 20 * 8e-6, 10);
    expect(lines['Lambda: time, at 512 MB']).toBeCloseTo(217 * 0.0000133334, 10);
    expect(lines['their history, written']).toBeCloseTo(217 * 0.001 * 0.25, 10);
    expect(lines['alarms']).toBeCloseTo(0.3, 10);
  });
});
