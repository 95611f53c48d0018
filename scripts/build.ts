import { readdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parse } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildOptions, Plugin } from 'esbuild';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Everything in handlers/ that is an entry point; `platform.ts` is what they share. */
export const HANDLERS = readdirSync(`${root}handlers`)
  .map((file) => parse(file).name)
  .filter((name) => name !== 'platform')
  .sort();

/** Ours import by name what they use; an import at run time would bring in all of the package. */
const durableLambda: Plugin = {
  name: 'durable-lambda',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^@aws-sdk\/client-lambda$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: `${root}src/aws/durable-lambda.ts` } : undefined,
    ),
};

/** A client reads its own version, and nothing else of two kilobytes. */
const versionsOnly: Plugin = {
  name: 'versions-only',
  setup: ({ onLoad }) =>
    onLoad({ filter: /@aws-sdk[\\/]client-[^\\/]+[\\/]package\.json$/ }, async ({ path }) => {
      const { version } = JSON.parse(await readFile(path, 'utf8'));
      return { contents: JSON.stringify({ version }), loader: 'json' };
    }),
};

export const BUNDLING = {
  absWorkingDir: root,
  entryPoints: HANDLERS.map((name) => ({ in: `handlers/${name}.ts`, out: `${name}/index` })),
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  minify: true,
  keepNames: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  plugins: [durableLambda, versionsOnly],
  alias: { '@aws-sdk/credential-provider-node': './src/aws/credentials.ts' },
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
  // Some dependencies are CommonJS and call require() for Node's own modules.
  banner: {
    js: "import{createRequire as createRequireOfNode}from'node:module';const require=createRequireOfNode(import.meta.url);",
  },
} satisfies BuildOptions;

/**
 * `dist/<handler>/index.mjs`, each exporting `handler`: what is deployed, and what the simulator runs. Beside them, in
 * `dist/metafile.json`, what they are made of.
 */
export async function buildHandlers(): Promise<void> {
  const { metafile } = await build(BUNDLING);
  writeFileSync(`${root}dist/metafile.json`, JSON.stringify(metafile));
}

if (import.meta.main) await buildHandlers();
