import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { BUNDLING, HANDLERS } from '../../scripts/build.ts';
import { billOfMaterials, packagesIn } from '../../scripts/sbom.ts';
import { packaged, root } from './support.ts';

interface Bill {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly metadata: { readonly component: { readonly hashes: unknown }; readonly timestamp?: string };
  readonly components: readonly {
    readonly group?: string;
    readonly name: string;
    readonly version: string;
    readonly purl: string;
    readonly licenses: readonly unknown[];
  }[];
}

let folder: string;
let unminified: Map<string, string>;

beforeAll(async () => {
  folder = await packaged();
  const { outputFiles } = await build({ ...BUNDLING, minify: false, write: false });
  unminified = new Map(outputFiles.map(({ path, text }) => [path.split('/').at(-2) ?? '', text]));
}, 60_000);

const textOf = (handler: string) => readFileSync(join(folder, `${handler}.cdx.json`), 'utf8');
const billOf = (handler: string) => JSON.parse(textOf(handler)) as Bill;

/** Told by the code itself: before each module that it has put in, esbuild writes a comment with the file's path. */
function packagesInCode(handler: string): string[] {
  const modules = (unminified.get(handler) ?? '').matchAll(
    /^ *\/\/ (?:\.\.\/)*node_modules\/((?:@[^/\n]+\/)?[^/\n]+)\//gm,
  );
  return [...new Set([...modules].map(([, name = '']) => name))].sort();
}

describe.each(HANDLERS)('the bill of materials of %s', (handler) => {
  it('names the packages that the bundle has code of, and no other', () => {
    const named = billOf(handler).components.map(({ group, name }) =>
      group === undefined ? name : `${group}/${name}`,
    );

    expect(named.length).toBeGreaterThan(5);
    expect(named.sort()).toEqual(packagesInCode(handler));
  });

  it('has each with the version that is installed, a licence, and a purl', () => {
    for (const { group, name, version, purl, licenses } of billOf(handler).components) {
      const installed = JSON.parse(readFileSync(join(root, 'node_modules', group ?? '', name, 'package.json'), 'utf8'));
      expect(version).toBe(installed.version);
      expect(decodeURIComponent(purl)).toBe(`pkg:npm/${installed.name}@${version}`);
      expect(licenses).toHaveLength(1);
    }
  });

  it('is CycloneDX, of this very bundle, and the same bytes each time', () => {
    const content = createHash('sha256')
      .update(readFileSync(join(root, 'dist', handler, 'index.mjs')))
      .digest('hex');
    const metafile = JSON.parse(readFileSync(join(root, 'dist/metafile.json'), 'utf8'));

    expect(billOf(handler)).toMatchObject({
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      metadata: { component: { name: `ecs-drain-${handler}`, hashes: [{ alg: 'SHA-256', content }] } },
    });
    expect(billOf(handler)).not.toHaveProperty('serialNumber');
    expect(billOf(handler).metadata).not.toHaveProperty('timestamp');
    expect(billOfMaterials(root, metafile, handler)).toBe(textOf(handler));
  });
});

describe('the packages of a bundle', () => {
  it('are those with bytes in it, each by its innermost folder, without what is ours', () => {
    const inputs = {
      'handlers/drain.ts': { bytesInOutput: 10 },
      'node_modules/zod/mini/index.js': { bytesInOutput: 10 },
      'node_modules/zod/v4/core.js': { bytesInOutput: 10 },
      'node_modules/shaken/index.js': { bytesInOutput: 0 },
      'node_modules/@a/b/node_modules/@c/d/index.js': { bytesInOutput: 1 },
    };

    expect(packagesIn({ outputs: { 'dist/drain/index.mjs': { inputs } } }, 'drain')).toEqual([
      'node_modules/@a/b/node_modules/@c/d',
      'node_modules/zod',
    ]);
  });
});

describe('each dependency of the project', () => {
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  ) as Record<string, Record<string, string>>;

  it.each(Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }))(
    '%s is pinned: one version, and no range (%s)',
    (_, version) => {
      expect(version).toMatch(/^(?:npm:[\w@/-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/);
    },
  );
});
