import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Served } from './support.ts';
import { serving, servingHere } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'ecs-drain-'));
const open: Served[] = [];
afterAll(async () => {
  await Promise.all(open.map((one) => one.close()));
  rmSync(folder, { recursive: true });
});

/** A region with our functions in it, standing still so many seconds from its start. */
async function region(name: string, scenario: object, atSeconds: number): Promise<Served['ecsDrain']> {
  const path = join(folder, `${name}.json`);
  writeFileSync(path, JSON.stringify({ name, durationSeconds: 1_209_600, ...scenario }));
  const served = await serving(path, '--functions', '--at', String(atSeconds), '--speed', '0');
  open.push(served);
  return served.ecsDrain;
}

/** The same without functions, where none has to run: it is there at once. */
async function still(scenario: object): Promise<Served['ecsDrain']> {
  const served = await servingHere({ name: 'still', durationSeconds: 1_209_600, ...scenario }, 700);
  open.push(served);
  return served.ecsDrain;
}

const golden = (name: string): string => new URL(`golden/${name}`, import.meta.url).pathname;
const widest = (text: string): number => Math.max(...text.split('\n').map((line) => line.length));

/** AWS recommends a new image at 600 s; from an hour on it is rolled out, where our hourly look runs. */
const REGION = {
  rollouts: true,
  clusters: [
    { name: 'web', instances: 4, group: 'web-asg', maximum: 8, tags: { 'ecs-drain:ami': 'auto' } },
    {
      name: 'prod',
      instances: 2,
      group: 'prod-asg',
      maximum: 4,
      tags: {
        'ecs-drain:ami': 'approve',
        'ecs-drain:wave': '2',
        'ecs-drain:window': 'Mon-Fri 02:00-05:00 Europe/Berlin',
      },
    },
    { name: 'test', instances: 1, group: 'test-asg', behind: 2, tags: { 'ecs-drain:ami': 'notify' } },
    { name: 'own', instances: 1, group: 'own-asg', image: 'custom', tags: { 'ecs-drain:ami': 'auto' } },
    { name: 'bottle', instances: 2, group: 'bottle-asg', image: 'bottlerocket-2/x86_64', behind: 1 },
    { name: 'odd', instances: 1, group: 'odd-asg', tags: { 'ecs-drain:ami': 'sometimes' } },
  ].map((cluster) => ({ services: [{ name: 'api', desired: 2 * cluster.instances }], ...cluster })),
  groups: [{ name: 'db-asg', instances: 1 }],
  hooks: ['web-asg', 'prod-asg'].map((group) => ({ group, heartbeatSeconds: 600 })),
  events: [{ atSeconds: 600, release: { family: 'al2023/x86_64' } }],
};
const RELEASE = 'al2023-x86-6-bcbc82db-2023-0-20260101';

describe('before anything is rolled out', () => {
  // Where time stands still, what AWS allows of calls is not filled up again: each test has a region of its own.
  let ecsDrain: Served['ecsDrain'];
  let regions = 0;
  beforeEach(async () => {
    ecsDrain = await region(`quiet-${++regions}`, REGION, 700);
  });

  it('rollout plan shows waves, fleets, what they would get, and what stands in the way', async () => {
    const { code, stdout, stderr } = await ecsDrain('rollout', 'plan');

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    await expect(stdout).toMatchFileSnapshot(golden('rollout-plan.txt'));
    expect(widest(stdout)).toBeLessThanOrEqual(80);
  });

  it('rollout plan is one JSON document, and a region that fails hides no other', async () => {
    const args = ['--group', 'prod-asg', '--json', '--region', 'eu-west-1', '--region', 'us-east-1'];
    const { code, stdout } = await ecsDrain('rollout', 'plan', ...args);

    expect(code).toBe(1);
    await expect(stdout).toMatchFileSnapshot(golden('rollout-plan-json.txt'));
  });

  it('rollout start shows the plan, starts nothing with --dry-run, and nothing where nothing would come of it', async () => {
    const because = ['--because', 'CVE-2026-1'];
    const [dry, told] = await Promise.all([
      ecsDrain('rollout', 'start', 'al2023/x86_64', ...because, '--dry-run'),
      ecsDrain('rollout', 'start', 'al2023/x86_64', ...because, '--group', 'test-asg', '--yes'),
    ]);
    const { stdout } = await ecsDrain('rollout', 'status');

    expect(dry.code).toBe(0);
    expect(dry.stdout).toContain('1 rollout would be started. Nothing was (--dry-run).');
    expect(told.stdout.replaceAll(/\s+/g, ' ')).toContain(
      'Nothing would be rolled out: nothing was started. group/test-asg wants to be told only (notify), and an order goes by the tags: set ecs-drain:ami to approve or auto first.',
    );
    expect(stdout).toContain('0 rollouts under way');
  });
});

describe('what is only looked at', () => {
  it("rollout plan says where one of EC2's quotas has no room, for people and as JSON", async () => {
    // Twelve instances of four vCPUs run.
    const ecsDrain = await still({ ...REGION, quotas: { 'L-1216C47A': 50 } });
    const [text, json] = await Promise.all([
      ecsDrain('rollout', 'plan', '--group', 'web-asg'),
      ecsDrain('rollout', 'plan', '--group', 'web-asg', '--json'),
    ]);

    const name = 'Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances';
    const because = `a new instance needs 4 vCPUs, and 2 are left of "${name}": ask for more in Service Quotas`;
    expect(text.stdout.replaceAll(/\n\s+/g, ' ')).toContain(`waits: ${because}`);
    expect(JSON.parse(json.stdout).regions[0].plans[0].fleets[0].blockers).toContainEqual({
      because,
      passes: true,
      about: name,
    });
  });

  it('rollout plan looks at what it is asked for', async () => {
    const ecsDrain = await still(REGION);
    const [parameter, none] = await Promise.all([
      ecsDrain('rollout', 'plan', '--source', '/ecs-drain/verified/al2023/x86_64'),
      ecsDrain('rollout', 'plan', '--source', 'bottlerocket-2/x86_64'),
    ]);

    expect(parameter.code).toBe(1);
    expect(parameter.stdout).toContain('names no image: there is no parameter /ecs-drain/verified/al2023/x86_64 in');
    expect(none.code).toBe(0);
    expect(none.stdout).toContain('nothing to roll out');
  });

  it('rollout plan says how many fleets a rollout leaves out, and has each of them that is asked for', async () => {
    const groups = Array.from({ length: 52 }, (_, i) => ({ name: `g${i}-asg`, instances: 0 }));
    const cluster = { instances: 0, maximum: 4, tags: { 'ecs-drain:ami': 'auto' } };
    const ecsDrain = await still({
      rollouts: true,
      clusters: groups.map(({ name }) => ({ ...cluster, name, group: name })),
    });
    const words = /2 further fleets opted in and are left out, for a rollout takes 50 at most/;

    const all = await ecsDrain('rollout', 'plan');
    const json = await ecsDrain('rollout', 'plan', '--json');
    const each = await Promise.all(['g51-asg', 'g9-asg'].map((name) => ecsDrain('rollout', 'plan', '--group', name)));
    const amis = await ecsDrain('amis', '--json');

    expect(all.stdout.replaceAll(/\s+/g, ' ')).toMatch(words);
    expect(JSON.parse(json.stdout).regions[0].notes.at(-1)).toMatch(words);
    for (const { code, stdout } of each) {
      expect(code).toBe(0);
      expect(stdout).not.toContain('left out');
    }
    // It looks at every group.
    expect(new Set(JSON.parse(amis.stdout).regions[0].images.map(({ fleet }: { fleet: string }) => fleet)).size).toBe(
      52,
    );
  });

  it('amis shows what each fleet runs, opted in or not, the worst first', async () => {
    const ecsDrain = await still(REGION);
    const { code, stdout, stderr } = await ecsDrain('amis');

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    await expect(stdout).toMatchFileSnapshot(golden('amis.txt'));
    expect(widest(stdout)).toBeLessThanOrEqual(80);
  });

  it('amis is one JSON document', async () => {
    const ecsDrain = await still(REGION);
    const { stdout } = await ecsDrain('amis', '--json');

    await expect(stdout).toMatchFileSnapshot(golden('amis-json.txt'));
    expect(JSON.parse(stdout)).toMatchObject({ schema: 1, command: 'amis', regions: [{ ok: true }] });
  });
});

describe('what cannot be used', () => {
  let ecsDrain: Served['ecsDrain'];
  beforeAll(async () => {
    ecsDrain = await still(REGION);
  });

  it.each([
    ['a source that is none', ['plan', '--source', 'al2024/x86_64'], 'not an AMI family, nor the name of a parameter'],
    ['a fleet that did not opt in', ['plan', '--group', 'bottle-asg'], 'no fleet group/bottle-asg with the tag'],
    ['a wildcard', ['plan', '--group', 'web-*'], 'without wildcards: "web-*"'],
    ['a start without a reason', ['start', 'al2023/x86_64', '--yes'], "required option '--because <text>'"],
    ['an empty reason', ['start', 'al2023/x86_64', '--because', ' ', '--yes'], '--because takes a reason of 1 to 500'],
    ['nobody to ask', ['start', 'al2023/x86_64', '--because', 'a fix'], 'Nobody is there to answer: say --yes'],
    ['JSON that would ask', ['start', 'al2023/x86_64', '--because', 'a fix', '--json'], '--json does not ask'],
    ['a reason that is too long', ['pause', 'x', '--because', 'y'.repeat(501), '--yes'], 'at most 500 characters'],
    ['a watch in JSON', ['status', '--watch', '--json'], 'it does not go with --watch'],
  ])('%s is refused with exit code 2', async (_what, args, message) => {
    const { code, stderr } = await ecsDrain('rollout', ...args);

    expect(code).toBe(2);
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(message);
  });
});

describe('rollout start', () => {
  it('starts what it has shown, once, and says how to follow and to approve it', async () => {
    const ecsDrain = await region('started', REGION, 700);
    const args = ['al2023/x86_64', '--group', 'prod-asg', '--because', 'CVE-2026-1', '--by', 'kim', '--yes'];
    const { code, stdout } = await ecsDrain('rollout', 'start', ...args);
    const status = await ecsDrain('rollout', 'status');
    const nowhere = await ecsDrain('rollout', 'approve', 'nowhere', '--yes');

    expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining('no rollout nowhere in eu-west-1') });
    expect(code).toBe(0);
    const name = /started (\S+-cli-[0-9a-f]{8})/.exec(stdout)?.[1] ?? '?';
    await expect(stdout.replaceAll(name, `${RELEASE.slice(0, -1)}-cli-0a1b2c3d`)).toMatchFileSnapshot(
      golden('rollout-start.txt'),
    );
    expect(status.stdout).toContain('1 rollout under way');
    expect(status.stdout).toContain('ordered by kim: CVE-2026-1');

    const again = await ecsDrain('rollout', 'start', ...args, '--json');
    expect(again.code).toBe(0);
    await expect(again.stdout.replaceAll(/-cli-[0-9a-f]{8}/g, '-cli-0a1b2c3d')).toMatchFileSnapshot(
      golden('rollout-start-json.txt'),
    );
  });
});

describe('a rollout under way', () => {
  let ecsDrain: Served['ecsDrain'];
  beforeAll(async () => {
    ecsDrain = await region('running', { ...REGION, amiWatch: true }, 4_500);
  });

  it('is named to whoever orders another of the same source, before anything is started', async () => {
    const order = ['rollout', 'start', 'al2023/x86_64', '--group', 'prod-asg', '--because', 'in a hurry'];
    const words = `A rollout of al2023/x86_64 is under way already, by ${RELEASE}. Wait for it, or end it first:`;
    const command = `ecs-drain rollout cancel ${RELEASE} --region eu-west-1`;

    const asked = await ecsDrain(...order);
    const json = await ecsDrain(...order, '--dry-run', '--json');

    expect(asked.code).toBe(2);
    expect(asked.stdout.replaceAll(/\s+/g, ' ')).toContain(words);
    // As a shell reads it.
    expect(asked.stdout.replaceAll(/ \\\n\s*/g, ' ')).toContain(`\n  ${command}\n`);
    expect(widest(asked.stdout)).toBeLessThanOrEqual(80);
    expect(asked.stderr).toContain('Start 1 rollout of al2023/x86_64 beside what is under way?');
    expect(JSON.parse(json.stdout).regions[0].notes).toEqual([`${words} ${command}`]);
  });

  it('is shown fleet by fleet, by its own history, and steered by its record', async () => {
    const status = await ecsDrain('rollout', 'status');
    const reject = await ecsDrain('rollout', 'reject', RELEASE, '--yes');
    const resume = await ecsDrain('rollout', 'resume', RELEASE, '--yes');
    const pause = await ecsDrain('rollout', 'pause', 'al2023/x86_64', '--because', 'a look', '--by', 'kim', '--yes');
    const again = await ecsDrain('rollout', 'pause', 'al2023', '--by', 'jo', '--yes');
    const approve = await ecsDrain('rollout', 'approve', 'al2023', '--by', 'jo', '--yes', '--json');
    const cancel = await ecsDrain('rollout', 'cancel', 'al2023', '--because', 'wrong', '--by', 'kim', '--yes');
    const after = await ecsDrain('rollout', 'approve', 'al2023', '--by', 'jo', '--yes');
    const json = await ecsDrain('rollout', 'status', '--json');

    expect({ code: status.code, stderr: status.stderr }).toEqual({ code: 0, stderr: '' });
    await expect(status.stdout).toMatchFileSnapshot(golden('rollout-status.txt'));
    expect(widest(status.stdout)).toBeLessThanOrEqual(80);
    expect([reject.code, resume.code]).toEqual([1, 1]);
    expect(reject.stdout).toContain('REFUSED: 1 of its fleets was begun already: cancel it instead');
    expect(resume.stdout).toContain('REFUSED: this rollout is not paused');
    expect(pause.code).toBe(0);
    await expect(pause.stdout).toMatchFileSnapshot(golden('rollout-pause.txt'));
    expect(again.code).toBe(0);
    expect(again.stdout).toContain('nothing to change: kim said pause');
    expect(approve.code).toBe(0);
    await expect(approve.stdout).toMatchFileSnapshot(golden('rollout-approve-json.txt'));
    expect(cancel.code).toBe(0);
    expect(cancel.stdout).toContain('before: approve, by jo at 2026-01-01 01:15Z');
    expect(after.code).toBe(1);
    expect(after.stdout.replaceAll(/\n\s+/g, ' ')).toContain('REFUSED: this rollout was ended by kim');
    await expect(json.stdout).toMatchFileSnapshot(golden('rollout-status-json.txt'));
  });
});

describe('a rollout that runs while it is watched', () => {
  it('is followed to its end, and then nothing can be said of it', async () => {
    const path = join(folder, 'watched.json');
    const [web] = REGION.clusters;
    const scenario = { ...REGION, name: 'watched', durationSeconds: 1_209_600, amiWatch: true, clusters: [web] };
    writeFileSync(path, JSON.stringify({ ...scenario, hooks: [{ group: 'web-asg', heartbeatSeconds: 600 }] }));
    const served = await serving(path, '--functions', '--at', '4500', '--speed', '60');
    open.push(served);

    const watched = await served.ecsDrain('rollout', 'status', '--watch', '--every', '1');
    const cancel = await served.ecsDrain('rollout', 'cancel', RELEASE, '--yes');

    expect(watched.code).toBe(0);
    expect(watched.stdout).toContain(`${RELEASE} running`);
    expect(watched.stdout).toContain('group/web-asg: rolled');
    expect(watched.stdout).toContain(`${RELEASE} rolled`);
    expect(cancel.code).toBe(1);
    expect(cancel.stdout).toContain('REFUSED: it has ended: rolled');
  });
});

describe('a stack or an operator that lacks something', () => {
  it('a stack without rollouts says so, and shows its images all the same', async () => {
    const ecsDrain = await still({ ...REGION, rollouts: false });

    const [plan, status, start, approve, amis] = await Promise.all([
      ecsDrain('rollout', 'plan'),
      ecsDrain('rollout', 'status'),
      ecsDrain('rollout', 'start', 'al2023/x86_64', '--because', 'x', '--yes'),
      ecsDrain('rollout', 'approve', 'x', '--yes'),
      ecsDrain('amis'),
    ]);

    for (const { code, stdout } of [plan, status, start, approve]) {
      expect(code).toBe(1);
      expect(stdout.replaceAll(/\s+/g, ' ')).toContain('stack ecs-drain has no rollouts: deploy it with Rollouts=on');
    }
    expect(amis.code).toBe(0);
  });

  it.each([
    ['autoscaling:DescribeAutoScalingGroups', ['rollout', 'plan'], 1],
    ['ec2:DescribeLaunchTemplateVersions', ['rollout', 'plan'], 1],
    ['lambda:GetFunctionConfiguration', ['rollout', 'plan'], 0],
    ['lambda:ListVersionsByFunction', ['rollout', 'status'], 1],
    [
      'lambda:ListVersionsByFunction',
      ['rollout', 'start', 'al2023/x86_64', '--group', 'prod-asg', '--because', 'x', '--dry-run'],
      0,
    ],
    ['ssm:GetParameters', ['amis'], 0],
    ['ec2:DescribeSpotFleetRequests', ['amis'], 0],
    ['ec2:DescribeImages', ['amis'], 1],
  ])('without %s, %j names the permission', async (action, args, exitCode) => {
    const ecsDrain = await still({ ...REGION, denied: [action] });

    const { code, stdout } = await ecsDrain(...args);

    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(`no permission for ${action}`);
    expect(code).toBe(exitCode);
  });

  it('without lambda:InvokeFunction nothing is started, and without ssm:PutParameter nothing is said', async () => {
    const denied = ['lambda:Invoke', 'lambda:InvokeFunction', 'ssm:PutParameter'];
    const ecsDrain = await still({ ...REGION, denied });

    const { code, stdout } = await ecsDrain('rollout', 'start', 'al2023/x86_64', '--because', 'x', '--yes');

    expect(code).toBe(1);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('no permission for lambda:Invoke');
    expect(stdout).not.toContain('started al2023');
  });
});
