import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { packageTemplate } from '../../scripts/package-template.ts';
import type { Template } from '../support/cloudformation.ts';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** All that `serverless package` reads. */
const FILES = ['serverless.yml', 'package.json', 'package-lock.json'];
const FOLDERS = ['stack', 'scripts', 'dist'];

/** `serverless package` in a copy of the sources: the checkout's own .serverless belongs to whoever works there. */
export async function serverlessPackage(folder: string, ...options: string[]): Promise<void> {
  for (const source of [...FILES, ...FOLDERS]) cpSync(join(root, source), join(folder, source), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const command = [
    join(root, 'node_modules/serverless/bin/serverless.js'),
    'package',
    '--region',
    'eu-west-1',
    ...options,
  ];
  await promisify(execFile)(process.execPath, command, { cwd: folder, timeout: 50_000 });
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'ecs-drain-stack-'));
}

/** What `npm run package` leaves in .serverless: made from the sources as they are, and kept until they change. */
export async function packaged(): Promise<string> {
  const cache = join(root, 'node_modules/.cache');
  const kept = join(cache, `ecs-drain-stack-${digest()}`);
  if (existsSync(kept)) return kept;
  const folder = temporaryFolder();
  try {
    await serverlessPackage(folder);
    packageTemplate(root, join(folder, '.serverless'));
    mkdirSync(cache, { recursive: true });
    for (const name of readdirSync(cache).filter((name) => name.startsWith('ecs-drain-stack-'))) {
      // Not those that another run, of a copy of the checkout perhaps, is just reading.
      const ageMs = Date.now() - statSync(join(cache, name)).mtimeMs;
      if (ageMs > 3_600_000) rmSync(join(cache, name), { recursive: true, force: true });
    }
    const whole = mkdtempSync(join(cache, 'new-ecs-drain-stack-'));
    cpSync(join(folder, '.serverless'), whole, { recursive: true });
    // Test files run side by side; whoever comes second finds it done.
    if (existsSync(kept)) rmSync(whole, { recursive: true });
    else renameSync(whole, kept);
    return kept;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function digest(): string {
  const inFolders = FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort(),
  );
  const hash = createHash('sha256');
  for (const file of [...FILES.map((name) => join(root, name)), ...inFolders])
    hash.update(file).update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

export function read(file: string): Template {
  return JSON.parse(readFileSync(file, 'utf8')) as Template;
}

/** The template that osls deploys. The self-contained one has the same resources: packaging.test.ts. */
export async function stackTemplate(): Promise<Template> {
  return read(join(await packaged(), 'cloudformation-template-update-stack.json'));
}
