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

const WHEN_NEEDED = "import('@aws-sdk/client-lambda')";

/**
 * The durable SDK imports all of Lambda's client when it first needs it, and esbuild keeps every operation of what is
 * imported so, which is 35 KB more than when it is imported by name, from the first moment on.
 */
const durableLambda: Plugin = {
  name: 'durable-lambda',
  setup: ({ onLoad }) =>
    onLoad({ filter: /durable-execution-sdk-js[\\/]dist[\\/]index\.mjs$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      if (!text.includes(WHEN_NEEDED)) throw new Error(`${path} does not say ${WHEN_NEEDED} any more`);
      const ours = `import * as durableLambda from ${JSON.stringify(`${root}src/aws/durable-lambda.ts`)};`;
      return { contents: `${ours}\n${text.replace(WHEN_NEEDED, 'Promise.resolve(durableLambda)')}`, loader: 'js' };
    }),
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
