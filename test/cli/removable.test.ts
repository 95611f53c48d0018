import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Served } from './support.ts';
import { root, serving } from './support.ts';

let region: Served | undefined;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ecs-drain-removable-'));
});
afterEach(async () => {
  await region?.close();
  region = undefined;
  rmSync(folder, { recursive: true });
});

/** A group with a hook of ours; an instance leaves before a new version is deployed, and is still draining after it. */
const IN_USE = {
  name: 'in-use',
  durationSeconds: 600,
  clusters: [
    { name: 'web', instances: 2, group: 'web-asg', services: [{ name: 'api', desired: 2, neverStops: true }] },
  ],
  hooks: [{ group: 'web-asg', heartbeatSeconds: 600 }],
  events: [
    { atSeconds: 60, terminate: { group: 'web-asg', count: 1 } },
    { atSeconds: 90, deploy: {} },
  ],
};

async function served(scenario: object, ...flags: string[]): Promise<Served> {
  const file = join(folder, 'scenario.json');
  writeFileSync(file, JSON.stringify(scenario));
  region = await serving(file, '--functions', '--speed', '0', ...flags);
  return region;
}

/** `serverless remove` itself, with its AWS where the region is. */
async function serverlessRemove(url: string, ...options: string[]): Promise<string> {
  const command = [
    join(root, 'node_modules/serverless/bin/serverless.js'),
    'remove',
    '--region',
    'eu-west-1',
    ...options,
  ];
  const environment = {
    ...process.env,
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_EC2_METADATA_DISABLED: 'true',
    NO_COLOR: '1',
  };
  const running = promisify(execFile)(process.execPath, command, { cwd: root, env: environment, timeout: 60_000 });
  return running.then(
    () => expect.fail('it removed something'),
    (error: { stdout: string; stderr: string }) => error.stdout + error.stderr,
  );
}

describe('a stack that hooks lead to and whose old version still drains', () => {
  it('may not be removed: the command says why, in words and as JSON, and answers 1', async () => {
    const { ecsDrain } = await served(IN_USE, '--at', '120');

    const said = await ecsDrain('removable');
    const json = await ecsDrain('removable', '--json');

    expect(said).toMatchObject({ code: 1, stderr: '' });
    const [hooks, drains] = said.stdout.trim().split('\n');
    expect(hooks).toMatch(/^eu-west-1: Hooks lead to ecs-drain, .*: web-asg \(ecs-drain\)\. Detach them: /);
    expect(drains).toMatch(/^eu-west-1: Drains run, .*: i-[0-9a-f]{17}-[0-9a-f-]{36}\. Wait for them: /);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject([
      {
        region: 'eu-west-1',
        ok: true,
        value: { stack: 'ecs-drain', reasons: [expect.any(String), expect.any(String)] },
      },
    ]);
  });

  it('is not removed by osls either, before anything is touched', async () => {
    const { url } = await served(IN_USE, '--at', '120');

    const said = await serverlessRemove(url);

    expect(said).toMatch(/Hooks lead to ecs-drain, [\s\S]*web-asg \(ecs-drain\)[\s\S]*Drains run, /);
    // The first thing that osls does by itself is to look for its repository of images.
    expect(said).not.toMatch(/ecr|S3/i);
  });

  it('may not be removed when its hooks may not be read', async () => {
    const { ecsDrain } = await served({ ...IN_USE, denied: ['autoscaling:DescribeLifecycleHooks'] });

    const { code, stdout } = await ecsDrain('removable');

    expect(code).toBe(1);
    expect(stdout).toMatch(
      /It is not known whether anything depends on the stack: .*autoscaling:DescribeLifecycleHooks/,
    );
  });
});

describe('a stack whose rollout waits for somebody', () => {
  const tags = { 'ecs-drain:ami': 'approve' };
  const ROLLING = {
    name: 'rolling',
    durationSeconds: 36_000,
    rollouts: true,
    amiWatch: true,
    clusters: [{ name: 'web', instances: 1, group: 'web-asg', maximum: 2, tags }],
    events: [{ atSeconds: 600, release: { family: 'al2023/x86_64' } }],
  };

  it('may not be removed, by the command or by osls: both name it, and say what to do', async () => {
    const { url, ecsDrain } = await served(ROLLING, '--at', '4500');

    const said = await ecsDrain('removable');
    const removing = await serverlessRemove(url);
    const elsewhere = await ecsDrain('rollout', 'cancel', 'al2023', '--because', 'we leave', '--yes');

    expect(said).toMatchObject({ code: 1, stderr: '' });
    expect(said.stdout).toMatch(
      /^eu-west-1: Rollouts run, .*: al2023-x86-6-[0-9a-z-]+\. Wait for them, or end them: .*rollout cancel --stack ecs-drain RELEASE\n$/,
    );
    expect(removing.replaceAll(/\s+/g, ' ')).toMatch(/Rollouts run, .*al2023-x86-6-/);
    expect(removing).not.toMatch(/ecr|S3/i);
    // What it says is what ends it.
    expect(elsewhere.code).toBe(0);
  });
});

describe('a stack that nothing depends on', () => {
  const UNUSED = { ...IN_USE, hooks: [{ group: 'web-asg', name: 'theirs', ours: false }], events: [] };

  it('may be removed: the command says so, and answers 0', async () => {
    const { ecsDrain } = await served(UNUSED);

    expect(await ecsDrain('removable')).toEqual({
      code: 0,
      stdout: 'eu-west-1: nothing depends on ecs-drain: it may be removed\n',
      stderr: '',
    });
  });

  it('is left to osls, as is one that does not exist', async () => {
    const { url } = await served(UNUSED);

    for (const options of [[], ['--param=Name=nowhere']]) {
      const said = await serverlessRemove(url, ...options);

      // The embedded AWS has none of what osls asks for then.
      expect(said).not.toMatch(/lead to|Drains run|could not be read/);
      expect(said).toMatch(/Removing ecs-drain/);
    }
  });

  it('that there is not is named, with exit code 1', async () => {
    const { ecsDrain } = await served(UNUSED);

    const { code, stdout } = await ecsDrain('removable', '--stack', 'nowhere');

    expect([code, stdout]).toEqual([1, expect.stringContaining('there is no stack nowhere')]);
  });
});
