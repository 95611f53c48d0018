import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Family } from '../src/rollout/family.ts';
import { FAMILIES, familiesOf, GROUPS, parametersOf } from '../src/rollout/family.ts';
import { COPY_OF, MADE_BY, OPT_IN, TAGS } from '../src/rollout/tags.ts';

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

/** Tags that rollouts write, and nobody else. */
const WRITTEN = [
  [COPY_OF, 'the id of a Spot Fleet', 'of a Spot Fleet that a rollout made: the one that it takes the place of'],
  [MADE_BY, 'the name of an execution', 'of a Spot Fleet that a rollout made: which rollout'],
] as const;

/** Every tag: what it may say, what it says otherwise, what it is for. */
export function tagTable(): string {
  const rows = Object.entries(TAGS).map(
    ([tag, { says, otherwise, means }]) => `| \`${tag}\` | ${says} | ${otherwiseOf(tag, otherwise)} | ${means} |`,
  );
  const written = WRITTEN.map(
    ([tag, says, means]) => `| \`${tag}\` | ${says} | written by rollouts, never by you | ${means} |`,
  );
  return ['| tag | says | unless given | means |', '|---|---|---|---|', ...rows, ...written].join('\n');
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
