import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { Scenario } from '../sim/scenario.ts';

const PAGE = fileURLToPath(new URL('../docs/simulator.md', import.meta.url));
const BLOCK = /(<!-- schema:[^>]*-->\n)[\s\S]*?(\n## )/;

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
}

/** The members of a scenario file as a table, from the schema that reads them. */
export function scenarioTable(): string {
  const schema = z.toJSONSchema(Scenario, { io: 'input' }) as Schema;
  const rows = [...members('', schema)].map(([path, member, required]) => {
    const otherwise =
      member.default === undefined ? (required ? 'required' : '') : `\`${JSON.stringify(member.default)}\``;
    return `| \`${path}\` | ${typeOf(member)} | ${otherwise} | ${member.description ?? ''} |`;
  });
  return ['| member | type | default | what it is |', '|---|---|---|---|', ...rows].join('\n');
}

function* members(prefix: string, schema: Schema): Generator<[string, Schema, boolean]> {
  for (const [name, member] of Object.entries(schema.properties ?? {})) {
    const path = prefix + name;
    yield [path, member, schema.required?.includes(name) ?? false];
    for (const option of [member, ...(member.anyOf ?? [])]) {
      yield* members(`${path}.`, option);
      for (const item of [option.items, ...(option.items?.anyOf ?? [])]) if (item) yield* members(`${path}[].`, item);
    }
  }
}

function typeOf(schema: Schema): string {
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}s`;
  const { minimum, maximum } = schema;
  const bounds =
    minimum !== undefined && maximum !== undefined && Math.abs(maximum) < 2 ** 40 ? ` ${minimum} to ${maximum}` : '';
  return `${schema.type ?? 'value'}${bounds}`;
}

/** The page with its table as the code has it now. */
export function withTable(page: string): string {
  return page.replace(BLOCK, (_all, start: string, end: string) => `${start}${scenarioTable()}\n${end}`);
}

if (import.meta.main) writeFileSync(PAGE, withTable(readFileSync(PAGE, 'utf8')));
