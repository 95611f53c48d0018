import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Family } from '../src/rollout/family.ts';
import { FAMILIES, familiesOf, GROUPS, parametersOf } from '../src/rollout/family.ts';
import { OPT_IN, TAGS } from '../src/rollout/tags.ts';

const PAGE = fileURLToPath(new URL('../docs/amis.md', import.meta.url));

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

/** Every tag: what it may say, what it says otherwise, what it is for. */
export function tagTable(): string {
  const rows = Object.entries(TAGS).map(
    ([tag, { says, otherwise, means }]) => `| \`${tag}\` | ${says} | ${otherwiseOf(tag, otherwise)} | ${means} |`,
  );
  return ['| tag | says | unless given | means |', '|---|---|---|---|', ...rows].join('\n');
}

function otherwiseOf(tag: string, otherwise: unknown): string {
  if (tag === OPT_IN) return 'never touched';
  if (otherwise === undefined || (Array.isArray(otherwise) && otherwise.length === 0)) return 'none';
  if (Array.isArray(otherwise)) return `\`${otherwise.join('-')}\``;
  return typeof otherwise === 'number' && /age|delay|bake/.test(tag)
    ? `\`${otherwise / 60}m\``
    : `\`${String(otherwise)}\``;
}

const BLOCKS = { families: familyTable, tags: tagTable };

/** The page with its tables as the code has them now. */
export function withTables(page: string): string {
  return Object.entries(BLOCKS).reduce(
    (text, [name, table]) =>
      text.replace(
        new RegExp(`(<!-- ${name}:[^>]*-->\\n)[\\s\\S]*?(<!-- /${name} -->)`),
        (_all, start: string, end: string) => `${start}${table()}\n${end}`,
      ),
    page,
  );
}

if (import.meta.main) writeFileSync(PAGE, withTables(readFileSync(PAGE, 'utf8')));
