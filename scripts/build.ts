import { readdirSync } from 'node:fs';
import { parse } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Everything in handlers/ that is an entry point; `platform.ts` is what they share. */
export const HANDLERS = readdirSync(`${root}handlers`)
  .map((file) => parse(file).name)
  .filter((name) => name !== 'platform')
  .sort();

/** `dist/<handler>/index.mjs`, each exporting `handler`: what is deployed, and what the simulator runs. */
export async function buildHandlers(): Promise<void> {
  await build({
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
    alias: { '@aws-sdk/credential-provider-node': './src/aws/credentials.ts' },
    legalComments: 'none',
    logLevel: 'warning',
    // Some dependencies are CommonJS and call require() for Node's own modules.
    banner: {
      js: "import{createRequire as createRequireOfNode}from'node:module';const require=createRequireOfNode(import.meta.url);",
    },
  });
}

if (import.meta.main) await buildHandlers();
