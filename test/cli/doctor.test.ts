import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { Severity } from '../../src/operator/checks.ts';
import { CHECKS } from '../../src/operator/doctor.ts';
import type { Served } from './support.ts';
import { serving } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'ecs-drain-'));
const open: Served[] = [];
afterAll(async () => {
  await Promise.all(open.map((one) => one.close()));
  rmSync(folder, { recursive: true });
});

/** A region with our functions in it, standing still so many seconds from its start. */
async function region(scenario: { readonly name: string }, atSeconds = 0): Promise<Served['ecsDrain']> {
  const path = join(folder, `${scenario.name}.json`);
  writeFileSync(path, JSON.stringify({ durationSeconds: 3_600, ...scenario }));
  const served = await serving(path, '--functions', '--at', String(atSeconds), '--speed', '0');
  open.push(served);
  return served.ecsDrain;
}

const golden = (name: string): string => new URL(`golden/${name}`, import.meta.url).pathname;
const widest = (text: string): number => Math.max(...text.split('\n').map((line) => line.length));

interface Told {
  readonly regions: readonly {
    readonly region: string;
    readonly ok: boolean;
    readonly problem?: string;
    readonly calls?: number;
    readonly checks?: readonly { id: string; severity: Severity; findings: readonly { what: string }[] }[];
  }[];
}

/** What each check of the first region came to. */
const severities = (stdout: string): Record<string, Severity> => {
  const [first] = (JSON.parse(stdout) as Told).regions;
  return Object.fromEntries((first?.checks ?? []).map(({ id, severity }) => [id, severity]));
};

const WELL = {
  name: 'well',
  switch: '{"mode":"act"}',
  clusters: [{ name: 'web', instances: 2, group: 'web-asg', services: [{ name: 'api', desired: 4 }] }],
  groups: [{ name: 'db-asg', instances: 1 }],
  hooks: [{ group: 'web-asg', heartbeatSeconds: 600 }],
  stack: { subscribers: [{ protocol: 'email' }] },
};

const ILL = {
  name: 'ill',
  switch: '{"mode":"observe","groups":{"gone-asg":{}}}',
  clusters: [
    {
      name: 'web',
      instances: 2,
      group: 'web-asg',
      managedDraining: true,
      services: [
        { name: 'api', desired: 4, maximumPercent: 100 },
        { name: 'slow', desired: 1, stopTimeoutSeconds: 600 },
      ],
      standalone: [{ count: 2, runsSeconds: 3_600 }],
    },
    { name: 'jobs', instances: 1, group: 'jobs-asg' },
    { name: 'batch', instances: 1, group: 'batch-asg' },
  ],
  hooks: [
    { group: 'web-asg', heartbeatSeconds: 60, defaultResult: 'ABANDON' },
    { group: 'web-asg', name: 'second', heartbeatSeconds: 600 },
    { group: 'jobs-asg', target: 'arn:aws:sns:eu-west-1:123456789012:other' },
    ...Array.from({ length: 46 }, (_, n) => ({ group: 'batch-asg', name: `hook-${n}`, ours: false })),
  ],
  events: [
    { atSeconds: 5, terminate: { group: 'web-asg', count: 1 } },
    { atSeconds: 20, agentAway: { group: 'web-asg' } },
  ],
  stack: { subscribers: [{ confirmed: false }], deadLetters: 3, durable: false, unreservedConcurrency: 10 },
};

it('finds nothing wrong where all is well, and exits with 0', async () => {
  const ecsDrain = await region(WELL);

  const { code, stdout, stderr } = await ecsDrain('doctor');

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  await expect(stdout).toMatchFileSnapshot(golden('doctor-well.txt'));
});

it('finds every fault of a region where nothing is well, and exits with 1', async () => {
  const ecsDrain = await region(ILL, 30);

  const [text, json, one, nowhere] = await Promise.all([
    ecsDrain('doctor'),
    ecsDrain('doctor', '--json', '--region', 'eu-west-1', '--region', 'us-east-1'),
    ecsDrain('doctor', 'batch-asg'),
    ecsDrain('doctor', 'nowhere-asg'),
  ]);

  expect({ code: text.code, stderr: text.stderr }).toEqual({ code: 1, stderr: '' });
  await expect(text.stdout).toMatchFileSnapshot(golden('doctor.txt'));
  expect(widest(text.stdout)).toBeLessThanOrEqual(80);
  expect(severities(json.stdout)).toEqual({
    attached: 'warning',
    'hook-target': 'problem',
    'hook-twice': 'warning',
    heartbeat: 'problem',
    'default-result': 'warning',
    'managed-draining': 'warning',
    'hook-quota': 'warning',
    'min-max': 'problem',
    standalone: 'warning',
    agents: 'warning',
    subscribers: 'problem',
    'dead-letters': 'problem',
    'drain-function': 'problem',
    'old-versions': 'ok',
    switch: 'warning',
    concurrency: 'warning',
  });
  // The region that does not answer hides nothing of the one that does.
  expect(json.code).toBe(1);
  expect((JSON.parse(json.stdout) as Told).regions.map(({ region: name, ok }) => [name, ok])).toEqual([
    ['eu-west-1', true],
    ['us-east-1', false],
  ]);
  await expect(`${JSON.stringify(JSON.parse(json.stdout), null, 2)}\n`).toMatchFileSnapshot(golden('doctor-json.txt'));
  // A named group is looked at by itself.
  expect(one.code).toBe(1);
  expect(one.stdout).toContain('batch-asg: no hook of ours');
  expect(one.stdout).not.toContain('jobs-asg');
  expect(nowhere).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('no Auto Scaling group nowhere-asg'),
  });
});

it('tells of drains that run an older version, and of agents that are away', async () => {
  const ecsDrain = await region(
    {
      ...WELL,
      name: 'busy',
      events: [
        { atSeconds: 5, terminate: { group: 'web-asg', count: 1 } },
        { atSeconds: 20, agentAway: { group: 'web-asg' } },
        { atSeconds: 40, deploy: {} },
      ],
    } as { name: string },
    60,
  );

  const { code, stdout } = await ecsDrain('doctor');

  expect(code).toBe(0);
  expect(stdout).toMatch(/- web: 1 agent away, with \d tasks? \(i-0\w+\)/);
  expect(stdout).toContain('old-versions: 1 of 1 drain of version 1; now it is 2');
});

it('takes nothing that it may not read for well, names the permission, and goes on', async () => {
  const denied = [
    'autoscaling:DescribeAutoScalingGroups',
    'ecs:ListClusters',
    'ecs:DescribeCapacityProviders',
    'sns:ListSubscriptionsByTopic',
    'sqs:GetQueueAttributes',
    'lambda:GetFunctionConfiguration',
    'lambda:ListVersionsByFunction',
    'lambda:GetAccountSettings',
    'ssm:GetParameter',
  ];
  const ecsDrain = await region({ ...WELL, name: 'denied', denied } as { name: string });

  const { stdout } = await ecsDrain('doctor', '--json');

  const told = severities(stdout);
  expect(told).toEqual(Object.fromEntries(CHECKS.map(({ id }) => [id, 'unknown'])));
  for (const action of denied) expect(stdout).toContain(`no permission for ${action}`);
});

it('goes on past a cluster that cannot be read', async () => {
  const ecsDrain = await region(
    {
      ...WELL,
      name: 'partly',
      clusters: [...WELL.clusters, { name: 'secret', instances: 1, group: 'secret-asg' }],
      events: [{ atSeconds: 5, unreadable: { cluster: 'secret', error: 'AccessDeniedException' } }],
    } as { name: string },
    10,
  );

  const { stdout } = await ecsDrain('doctor');

  expect(stdout).toContain('UNKNOWN  min-max\n  - the services of secret: no permission for ecs:ListServices');
  expect(stdout).toContain('UNKNOWN  agents');
  expect(stdout).toMatch(/ok: [\s\S]*subscribers/);
});
