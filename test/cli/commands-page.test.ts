import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { withExamples } from '../../scripts/commands-docs.ts';
import { root } from './support.ts';

const page = readFileSync(`${root}docs/commands.md`, 'utf8');

it('docs/commands.md has the examples and the checks as they are (npm run docs writes them)', () => {
  expect(page).toBe(withExamples(page));
  expect(page).toContain('| `heartbeat` |');
});

it('docs/commands.md has an example of each command that it tells of', () => {
  const commands = [...page.matchAll(/^## (\S+)$/gm)].map(([, name]) => name);
  const examples = [...page.matchAll(/<!-- golden: (\S+)\.txt -->/g)].map(([, name]) => name);
  expect(commands.length).toBeGreaterThan(2);
  expect(examples).toEqual(expect.arrayContaining(commands));
});
