import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Usage } from '../cli/cost.ts';
import { PRICE, usageOf } from '../cli/cost.ts';
import { loadBundles, readScenario, run } from '../sim/run.ts';

/** Fifty instances, each replaced once a week: a new AMI, and some scaling. */
const INSTANCES = 50;
const DRAINS = Math.round((INSTANCES * 52) / 12);
const SEEDS = 20;
/** What nothing here measures, in bytes, generously: a log line of each operation, and Lambda's own three of each invocation. */
const LOGGED_EACH_OPERATION = 1_000;
const LOGGED_EACH_INVOCATION = 500;

/** What one drain of the scenario `standard` (ten tasks on the instance) uses, on average over some seeds. */
export async function averageDrain(): Promise<Usage> {
  const bundles = await loadBundles();
  const all: Usage[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) all.push(usageOf(await run(readScenario('standard'), seed, { bundles })));
  const mean = (name: keyof Usage): number => all.reduce((sum, usage) => sum + usage[name], 0) / SEEDS;
  return {
    gigabyteSeconds: mean('gigabyteSeconds'),
    invocations: mean('invocations'),
    operations: mean('operations'),
    gigabytesWritten: mean('gigabytesWritten'),
    publishes: mean('publishes'),
  };
}

/** One line of the bill: of something that each drain uses, how much, and what that costs. */
interface Item {
  readonly what: string;
  readonly amount: string;
  readonly price: string;
  readonly dollars: number;
}

/** A month's bill. `alarms` is how many the stack has, with all its settings on. */
export function monthlyBill(drain: Usage, alarms: number): readonly Item[] {
  const { gigabyteSeconds, invocations, operations, gigabytesWritten, publishes } = drain;
  const gigabytesLogged = (operations * LOGGED_EACH_OPERATION + invocations * LOGGED_EACH_INVOCATION) / 1e9;
  const kilobytes = (gigabytes: number): string => `${figure(gigabytes * 1e6)} KB`;
  const millions = (price: number): string => `$${(price * 1e6).toFixed(2)} a million`;
  const item = (what: string, amount: string, used: number, price: string, each: number): Item => ({
    what,
    amount: `${amount} × ${DRAINS}`,
    price,
    dollars: DRAINS * used * each,
  });
  return [
    item(
      'Lambda: time, at 512 MB',
      `${figure(gigabyteSeconds)} GB-s`,
      gigabyteSeconds,
      `$${PRICE.gigabyteSecond}`,
      PRICE.gigabyteSecond,
    ),
    item('Lambda: invocations', figure(invocations), invocations, millions(PRICE.invocation), PRICE.invocation),
    item('durable operations', figure(operations), operations, millions(PRICE.operation), PRICE.operation),
    item('their history, written', kilobytes(gigabytesWritten), gigabytesWritten, '$0.25 a GB', PRICE.gigabyteWritten),
    item('and kept for 30 days', kilobytes(gigabytesWritten), gigabytesWritten, '$0.15 a GB', PRICE.gigabyteKept),
    item('SNS: alerts', figure(publishes), publishes, millions(PRICE.publish), PRICE.publish),
    item('logs, assumed', kilobytes(gigabytesLogged), gigabytesLogged, '$0.50 a GB', PRICE.gigabyteLogged),
    { what: 'alarms', amount: String(alarms), price: '$0.10 each', dollars: alarms * PRICE.alarm },
  ];
}

export const totalOf = (bill: readonly Item[]): number => bill.reduce((sum, { dollars }) => sum + dollars, 0);

/** Two digits: the drains of a real fleet differ by more. */
function figure(value: number): string {
  return String(Number(value.toPrecision(2)));
}

export function costTable(bill: readonly Item[]): string {
  return [
    `| what | used | price | a month |`,
    '|---|---|---|---|',
    ...bill.map(({ what, amount, price, dollars }) => `| ${what} | ${amount} | ${price} | $${dollars.toFixed(4)} |`),
    `| **all of it** | ${DRAINS} drains: ${INSTANCES} instances, each replaced once a week | | **$${totalOf(bill).toFixed(2)}** |`,
  ].join('\n');
}

/** A page with its table, or its sum, as the run has them now. */
export function withCost(page: string, bill: readonly Item[]): string {
  return page
    .replace(
      /(<!-- cost:[^>]*-->\n)[\s\S]*?(<!-- \/cost -->)/,
      (_all, start, end) => `${start}\n${costTable(bill)}\n\n${end}`,
    )
    .replace(/(<!-- monthly -->)\$[\d.]+/, (_all, start) => `${start}$${totalOf(bill).toFixed(2)}`);
}

/** How many alarms a template has. */
export function alarmsIn(template: {
  readonly Resources: Readonly<Record<string, { readonly Type: string }>>;
}): number {
  return Object.values(template.Resources).filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm').length;
}

if (import.meta.main) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const template = JSON.parse(readFileSync(`${root}.serverless/ecs-drain.template.json`, 'utf8'));
  const bill = monthlyBill(await averageDrain(), alarmsIn(template));
  for (const page of ['README.md', 'docs/deploying.md']) {
    writeFileSync(`${root}${page}`, withCost(readFileSync(`${root}${page}`, 'utf8'), bill));
  }
}
