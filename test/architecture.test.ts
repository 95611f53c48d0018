import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importsOf, withoutComments } from './support/imports.ts';

/** Who may import whom: the Layout section of the design, kept true. Paths are relative to the repository's root. */

interface Layer {
  readonly name: string;
  readonly files: RegExp;
  /** Modules of ours that may be imported for what they do. */
  readonly mayUse: readonly RegExp[];
  /** Modules of ours of which only types may be imported. */
  readonly mayKnow?: readonly RegExp[];
  readonly packages: readonly RegExp[];
  readonly because: string;
}

const NODE = /^node:/;
const AWS = /^@aws-sdk\/|^@aws\/durable|^@smithy\//;
const ANY_BUT_AWS = /^(?!@aws-sdk\/|@aws\/durable|@smithy\/)[@a-z]/;
/** Both use cases lean on these, and these on nothing. */
const SHARED = [/^src\/(loop|alert|hook|place|ports|service)\.ts$/];

/** What rollouts conclude, without the modules that look or act. */
const ROLLOUTS_CONCLUSIONS =
  /^src\/rollout\/(checks|control|course|decide|family|fleet|fleet-decide|fleet-memory|memory|plan|quotas|request|spot-decide|spot-memory|start-time|tags|telling|waves)\.ts$/;

const LAYERS: readonly Layer[] = [
  {
    name: 'handlers',
    files: /^handlers\//,
    mayUse: [/^handlers\/platform\.ts$/, /^src\//],
    packages: [ANY_BUT_AWS],
    because: 'a handler wires, parses and runs; AWS is reached through src/aws',
  },
  {
    name: 'src/drain',
    files: /^src\/drain\//,
    mayUse: [/^src\/drain\//, ...SHARED],
    mayKnow: [/^src\/config\.ts$/],
    packages: [/^zod\/mini$/],
    because: 'a drain knows AWS through ports only, and rollouts not at all: AWS is the interface between the two',
  },
  {
    name: 'src/rollout',
    files: /^src\/rollout\//,
    // Text from outside is made harmless in one place.
    mayUse: [/^src\/rollout\//, ...SHARED, /^src\/alert-text\.ts$/],
    mayKnow: [/^src\/config\.ts$/],
    packages: [/^zod\/mini$/, /^croner$/],
    because: 'a rollout knows AWS through ports only, and drains not at all: AWS is the interface between the two',
  },
  {
    name: 'src/intake',
    files: /^src\/intake\.ts$/,
    mayUse: [
      /^src\/(drain|rollout)\/hand-over\.ts$/,
      /^src\/rollout\/(notice|parameter-change)\.ts$/,
      /^src\/drain\/restart\.ts$/,
    ],
    mayKnow: [/^src\/ports\.ts$/],
    packages: [],
    because: 'the one door knows which room a message is for; the rooms behind it do not know each other',
  },
  {
    name: 'src/operator',
    files: /^src\/operator\//,
    mayUse: [
      /^src\/operator\//,
      /^src\/drain\/(coming-back|memory|purpose|remember|request|seen|switch|times|words)\.ts$/,
      ROLLOUTS_CONCLUSIONS,
      ...SHARED,
    ],
    mayKnow: [/^src\/(config|(drain|rollout)\/[\w-]+)\.ts$/],
    packages: [/^zod\/mini$/],
    because: "what operators' commands conclude is pure, and knows drains by their requests and results",
  },
  {
    name: 'the shared modules',
    files: /^src\/(loop|ports|place|alert|alert-kinds|alert-text|hook|service|config)\.ts$/,
    mayUse: [/^src\/(place|alert-(kinds|text))\.ts$/],
    mayKnow: [/^src\/(loop|ports|alert|config|service)\.ts$/],
    packages: [/^zod\/mini$/],
    because: 'what everybody leans on leans on nobody',
  },
  {
    name: 'src/aws',
    files: /^src\/aws\//,
    mayUse: [/^src\/aws\//],
    mayKnow: [/^src\/(rollout\/)?ports\.ts$/, /^src\/service\.ts$/, /^src\/operator\//],
    packages: [AWS, /^@aws-lambda-powertools\/metrics$/],
    because: 'an adapter knows AWS and the ports, and decides nothing',
  },
  {
    name: 'cli and bin',
    files: /^(cli|bin)\//,
    mayUse: [/^cli\//, /^src\//, /^sim\//],
    packages: [NODE, ANY_BUT_AWS],
    because: 'the command line shows the simulator, and talks to AWS through src/aws',
  },
  {
    name: 'sim',
    files: /^sim\//,
    mayUse: [/^sim\//],
    packages: [/./],
    because: 'a simulator that shared code with the source would agree with its mistakes',
  },
];

interface Exemption {
  readonly file: string;
  readonly imports: string;
  readonly because: string;
}

/** Each of these must still be needed: one that is not fails the test below. */
const EXEMPTIONS: readonly Exemption[] = [
  {
    file: 'handlers/drain.ts',
    imports: '@aws/durable-execution-sdk-js',
    because: 'withDurableExecution makes the handler itself; there is nothing to hide behind a port',
  },
  {
    file: 'handlers/ami-update.ts',
    imports: '@aws/durable-execution-sdk-js',
    because: 'withDurableExecution makes the handler itself; there is nothing to hide behind a port',
  },
];

const ROOT = new URL('../', import.meta.url);
const FOLDERS = ['handlers', 'src', 'cli', 'bin', 'sim'];
const MODULES = FOLDERS.filter((folder) => existsSync(new URL(folder, ROOT))).flatMap((folder) =>
  readdirSync(new URL(folder, ROOT), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.[cm]?[jt]sx?$/.test(file))
    .map((file) => posix.join(folder, file.replaceAll('\\', '/'))),
);
const read = (module: string): string => readFileSync(new URL(module, ROOT), 'utf8');

const resolve = (module: string, from: string): string =>
  from.startsWith('.') ? posix.join(posix.dirname(module), from) : from;

function violations(module: string, source: string): string[] {
  const layer = LAYERS.find(({ files }) => files.test(module));
  if (layer === undefined) return [`${module} is in no layer: say in this test what it may import`];
  return importsOf(source).flatMap(({ from, typeOnly }) => {
    const target = resolve(module, from);
    const allowed = from.startsWith('.')
      ? [...layer.mayUse, ...(typeOnly ? (layer.mayKnow ?? []) : [])]
      : layer.packages;
    return allowed.some((pattern) => pattern.test(target)) ? [] : [`${module} → ${target}: ${layer.because}`];
  });
}

const isExempt = (violation: string): boolean =>
  EXEMPTIONS.some(({ file, imports }) => violation.startsWith(`${file} → ${imports}:`));

describe('who imports whom', () => {
  it.each(MODULES)('%s imports only what its layer may', (module) => {
    expect(violations(module, read(module)).filter((violation) => !isExempt(violation))).toEqual([]);
  });

  it.each(EXEMPTIONS)('the exemption of $file for $imports is still needed', ({ file, imports, because }) => {
    expect(because).not.toBe('');
    expect(violations(file, read(file))).toContainEqual(expect.stringContaining(`${file} → ${imports}:`));
  });

  it.each(LAYERS)('there is something in $name', ({ files }) => {
    expect(MODULES.filter((module) => files.test(module))).not.toEqual([]);
  });

  it.each([
    ['src/drain/x.ts', "import { a } from '../rollout/plan.ts';"],
    ['src/rollout/x.ts', "import type { A } from '../drain/decide.ts';"],
    ['src/drain/x.ts', "import { readDrainConfig } from '../config.ts';"],
    ['src/drain/x.ts', "import { ECSClient } from '@aws-sdk/client-ecs';"],
    ['src/drain/x.ts', "import type { Task } from '@aws-sdk/client-ecs';"],
    ['src/drain/x.ts', "import { ecsPort } from '../aws/ecs.ts';"],
    ['src/drain/x.ts', "import { readFileSync } from 'node:fs';"],
    ['src/drain/x.ts', "import * as z from 'zod';"],
    ['src/intake.ts', "import { decide } from './drain/decide.ts';"],
    ['src/loop.ts', "import { isEmpty } from './drain/memory.ts';"],
    ['src/alert.ts', "import { follow } from './loop.ts';"],
    ['src/aws/x.ts', "import { something } from '../ports.ts';"],
    ['src/aws/x.ts', "import { renderAlert } from '../alert.ts';"],
    ['handlers/x.ts', "import { ECSClient } from '@aws-sdk/client-ecs';"],
    ['handlers/x.ts', "const sim = await import('../sim/world.ts');"],
    ['handlers/x.ts', "import '../test/setup.ts';"],
    ['handlers/x.ts', "export * from './drain.ts';"],
    ['cli/x.ts', "import { aRequest } from '../test/support/build.ts';"],
    ['sim/x.ts', "import { classify } from '../src/aws/failure.ts';"],
    ['sim/x.ts', "import type { Result } from '../src/ports.ts';"],
    ['scripts/x.ts', "import { a } from './a.ts';"],
  ])('%s with %s would fail', (module, source) => {
    expect(violations(module, source)).toHaveLength(1);
  });

  it.each([
    ['src/drain/x.ts', "import type { DrainPolicy } from '../config.ts';"],
    ['src/drain/x.ts', "import { type DrainPolicy } from '../config.ts';"],
    ['src/drain/x.ts', "import { follow } from '../loop.ts';"],
    ['src/aws/x.ts', "import type { Result } from '../ports.ts';"],
    ['cli/x.ts', "import { run } from '../sim/run.ts';"],
    ['handlers/x.ts', "// import { a } from '../sim/world.ts';\n/* import '../test/a.ts'; */"],
  ])('%s with %s would pass', (module, source) => {
    expect(violations(module, source)).toEqual([]);
  });
});

/** Time, chance and the outside come in as observed facts, or through ports: else a replay would see another world. */
const IMPURE: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['reads the clock', /\bDate\.now\b|\bnew Date\(\s*\)|(?<!\bnew )\bDate\(\s*\)|\bperformance\./],
  ['reads the environment', /\bprocess\b\s*[.[?]/],
  ['throws dice', /\bMath\.random\b|\bcrypto\b|\brandomUUID\b/],
  ['talks to the network', /\bfetch\s*\(|\bWebSocket\b|\bXMLHttpRequest\b/],
  ['waits by itself', /\bset(Timeout|Interval|Immediate)\b|\bqueueMicrotask\b/],
  ['writes to the console', /\bconsole\./],
  ['uses Node itself', /['"]node:/],
];

/** The shells that carry out are among them: they are given their clock, like everything else, through a port. */
const PURE = MODULES.filter((module) =>
  /^src\/(drain|rollout|operator)\/|^src\/(loop|alert|alert-kinds|alert-text|hook|service|config|ports|intake)\.ts$/.test(
    module,
  ),
);

const impurities = (source: string): string[] =>
  IMPURE.filter(([, pattern]) => pattern.test(withoutComments(source))).map(([what]) => what);

describe('what decides is pure', () => {
  it.each(PURE)('%s has no clock, no environment, no randomness and no I/O of its own', (module) => {
    expect(impurities(read(module))).toEqual([]);
  });

  it.each([
    'const t = Date.now();',
    'const t = new Date();',
    'const e = process.env;',
    "const e = process['env'];",
    'const r = Math.random();',
    'await fetch(url);',
    'setTimeout(f, 1);',
    "import { x } from 'node:fs';",
    'const id = crypto.randomUUID();',
    'console.log(1);',
  ])('%s would fail', (source) => {
    expect(impurities(source)).not.toEqual([]);
  });

  it.each([
    'const t = Date.parse(text);',
    'const t = new Date(atMs);',
    '// Date.now() belongs into a step',
    'const processed = 1;',
  ])('%s would pass', (source) => {
    expect(impurities(source)).toEqual([]);
  });
});

describe('the imports of a module', () => {
  it.each([
    ["import a from 'x';", [{ from: 'x', typeOnly: false }]],
    ["import type { A } from './a.ts';", [{ from: './a.ts', typeOnly: true }]],
    ["import { type A, b } from './a.ts';", [{ from: './a.ts', typeOnly: false }]],
    ["import {\n  type A,\n  type B,\n} from './a.ts';", [{ from: './a.ts', typeOnly: true }]],
    ["import * as z from 'zod/mini';", [{ from: 'zod/mini', typeOnly: false }]],
    ["import './a.ts';", [{ from: './a.ts', typeOnly: false }]],
    ["export { a } from './a.ts';", [{ from: './a.ts', typeOnly: false }]],
    ["export type { A } from './a.ts';", [{ from: './a.ts', typeOnly: true }]],
    ["export * from './a.ts';", [{ from: './a.ts', typeOnly: false }]],
    ["const a = await import('./a.ts');", [{ from: './a.ts', typeOnly: false }]],
    [
      "import a from 'x';\nimport b from 'y';",
      [
        { from: 'x', typeOnly: false },
        { from: 'y', typeOnly: false },
      ],
    ],
    ["const text = 'read from here'; // import x from 'y'", []],
    ["const url = 'https://example.org'; import a from 'x';", [{ from: 'x', typeOnly: false }]],
  ])('%s', (source, imports) => {
    expect(importsOf(source)).toEqual(imports);
  });
});
