import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { root } from './support.ts';

const page = readFileSync(`${root}docs/commands.md`, 'utf8');
const examples = [...page.matchAll(/<!-- golden: (\S+) -->\n```text\n([\s\S]*?)```/g)];

it('docs/commands.md has an example of each command', () => {
  const commands = [...page.matchAll(/^## (\S+)$/gm)].map(([, name]) => name);
  for (const name of commands) expect(examples.map(([, file]) => file)).toContain(`${name}.txt`);
});

it.each(examples.map(([, file = '', text = '']) => ({ file, text })))(
  'its example $file is what the command prints',
  ({ file, text }) => {
    expect(text).toBe(readFileSync(`${root}test/cli/golden/${file}`, 'utf8'));
  },
);
