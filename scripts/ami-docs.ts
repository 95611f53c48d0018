import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Family } from '../src/rollout/family.ts';
import { FAMILIES, familiesOf, GROUPS, parametersOf } from '../src/rollout/family.ts';

const PAGE = fileURLToPath(new URL('../docs/amis.md', import.meta.url));
const BLOCK = /(<!-- families:[^>]*-->\n)[\s\S]*?(<!-- \/families -->)/;

/** Every family, by the words that settings call it by. */
export function familyTable(): string {
  const groups = Object.keys(GROUPS).filter((group) => group !== 'supported');
  const rows = groups.flatMap((group) => familiesOf([group]).map((family) => row(group, family)));
  if (rows.length !== FAMILIES.length) throw new Error('a family is in no group of settings, or in two');
  return ['| in `AmiFamilies` | family | what is done | recommended at |', '|---|---|---|---|', ...rows].join('\n');
}

function row(group: string, family: Family): string {
  const parameters = parametersOf(family).map((name) => `\`${name}\``);
  return `| \`${group}\` | \`${family.id}\` | ${doneOf(family)} | ${parameters.join(', ')} |`;
}

function doneOf({ support, endsOn }: Family): string {
  const end = endsOn === undefined ? '' : `; its life ends on ${endsOn}`;
  if (support === 'full') return `announced, rolled out${end}`;
  if (support === 'windows') return `announced${end}`;
  return `announced; its life ended on ${endsOn}: rolled out only when asked for`;
}

/** The page with its table as the code has it now. */
export function withFamilies(page: string): string {
  return page.replace(BLOCK, (_all, start: string, end: string) => `${start}${familyTable()}\n${end}`);
}

if (import.meta.main) writeFileSync(PAGE, withFamilies(readFileSync(PAGE, 'utf8')));
