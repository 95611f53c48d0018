import { readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HANDLERS } from '../scripts/build.ts';
import { root } from './cli/support.ts';

describe.each(HANDLERS)('the bundle of %s', (name) => {
  const path = `${root}dist/${name}/index.mjs`;

  it('is at most 750 KB', () => {
    expect(statSync(path).size).toBeLessThanOrEqual(750_000);
  });

  it('takes its credentials from the environment alone', () => {
    expect(readFileSync(path, 'utf8')).not.toContain('sso_start_url');
  });
});
