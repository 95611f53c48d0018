import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withFamilies } from '../scripts/ami-docs.ts';
import { withTable } from '../scripts/scenario-docs.ts';
import { FAMILIES } from '../src/rollout/family.ts';
import { root } from './cli/support.ts';

const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`),
].filter((name) => name.endsWith('.md'));

describe('the documentation', () => {
  it('lists the members of a scenario as the schema has them (npm run docs writes them)', () => {
    const page = readFileSync(join(root, 'docs/simulator.md'), 'utf8');
    expect(page).toBe(withTable(page));
    expect(page).toContain('| `clusters[].services[].minimumHealthyPercent` |');
  });

  it('lists every family of AMIs as the code has them (npm run docs writes them)', () => {
    const page = readFileSync(join(root, 'docs/amis.md'), 'utf8');
    expect(page).toBe(withFamilies(page));
    expect(page.match(/^\| `[a-z0-9-]+` \| `/gm)).toHaveLength(FAMILIES.length);
  });

  it.each(pages)('%s links only to files that exist', (name) => {
    const links = [...readFileSync(join(root, name), 'utf8').matchAll(/\]\((?!https?:)([^)#]+)/g)].map(
      (match) => match[1] ?? '',
    );
    for (const link of links) expect(existsSync(join(root, dirname(name), link)), link).toBe(true);
  });

  it.each(pages)('%s names only npm scripts that exist', (name) => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const named = [...readFileSync(join(root, name), 'utf8').matchAll(/npm run ([a-z:-]+)/g)].map(
      (match) => match[1] ?? '',
    );
    for (const script of named) expect(Object.keys(scripts)).toContain(script);
  });
});
