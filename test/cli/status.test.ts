import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { mainHere } from './in-process.ts';
import type { Served } from './support.ts';
import { root, serving } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'ecs-drain-'));
const open: Served[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((served) => served.close()));
});

/** Our functions at work in a scenario, at a moment of it; time stands still there unless a speed says otherwise. */
async function at(second: number, scenario: string, speed = 0): Promise<Served> {
  const served = await serving(scenario, '--functions', '--at', String(second), '--speed', String(speed));
  open.push(served);
  return served;
}

/** A named scenario with something different in it, as a file. */
function changed(name: string, different: object): string {
  const path = join(folder, `${name}.json`);
  const scenario = JSON.parse(readFileSync(join(root, `sim/scenarios/${name}.json`), 'utf8'));
  writeFileSync(path, JSON.stringify({ ...scenario, ...different }));
  return path;
}

/** Wrapped lines joined again. */
const unwrapped = (text: string): string => text.replaceAll(/\n +/g, ' ');
const widest = (text: string): number => Math.max(...text.split('\n').map((line) => line.length));

describe('ecs-drain status', () => {
  it('tells of a stuck drain what it waits for, why, and until when; the same as JSON; beside a region that fails', async () => {
    const served = await at(1_200, 'stuck-no-capacity');

    const [text, json, regions] = await Promise.all([
      served.ecsDrain('status'),
      served.ecsDrain('status', '--json'),
      served.ecsDrain('status', '--region', 'eu-west-1', '--region', 'us-east-1'),
    ]);

    expect({ code: text.code, stderr: text.stderr }).toEqual({ code: 0, stderr: '' });
    await expect(text.stdout).toMatchFileSnapshot('golden/status.txt');
    expect(json.code).toBe(0);
    await expect(json.stdout).toMatchFileSnapshot('golden/status-json.txt');
    expect(regions.code).toBe(1);
    await expect(regions.stdout).toMatchFileSnapshot('golden/status-regions.txt');
    expect(Math.max(widest(text.stdout), widest(regions.stdout))).toBeLessThanOrEqual(80);
  });

  it('tells how drains ended, each that was not simply drained with its reason, and counts those it leaves out', async () => {
    const events = [
      { atSeconds: 10, terminate: { group: 'web-asg', count: 3 } },
      { atSeconds: 20, rebalance: { group: 'web-asg', count: 21 } },
    ];
    const base = JSON.parse(readFileSync(join(root, 'sim/scenarios/standard.json'), 'utf8'));
    const [cluster] = base.clusters;
    const served = await at(1_500, changed('standard', { events, clusters: [{ ...cluster, instances: 30 }] }));

    const [some, all] = await Promise.all([
      served.ecsDrain('status'),
      served.ecsDrain('status', '--all-outcomes', '--json'),
    ]);

    expect(some.stdout).toContain('Nothing drains.\n\n24 ended in the last 24 h\n');
    expect(some.stdout).toContain('and 4 before these: --all-outcomes shows them\n');
    expect(unwrapped(some.stdout)).toMatch(/observed: Nothing was done, for policy says to tell only: its Spot/);
    const [{ ended, endedBefore }] = JSON.parse(all.stdout).regions;
    expect([ended.length, endedBefore]).toEqual([24, 0]);
    expect(ended.filter(({ outcome }: { outcome: string }) => outcome === 'drained')).toHaveLength(3);

    const lately = await served.ecsDrain('status', '--since', '1m');
    expect(lately.stdout).toContain('No drain has ended in the last 60 s.\n');
  });

  it('finds drains of earlier versions of the function, and says that they are', async () => {
    const served = await at(
      60,
      changed('standard', {
        events: [
          { atSeconds: 10, terminate: { group: 'web-asg', count: 1 } },
          { atSeconds: 30, deploy: {} },
        ],
      }),
    );
    const { stdout } = await served.ecsDrain('status');
    expect(stdout).toContain('1 drain under way');
    expect(unwrapped(stdout)).toContain('Function version 1, not the newest.');
  });

  it('tells of planned ones, and of a pause', async () => {
    const planned = await at(100, 'maintenance-reboot');
    const paused = await at(300, 'paused-midway');
    const [first, second] = await Promise.all([planned.ecsDrain('status'), paused.ecsDrain('status')]);
    await expect(first.stdout).toMatchFileSnapshot('golden/status-planned.txt');
    await expect(second.stdout).toMatchFileSnapshot('golden/status-paused.txt');
  });

  it('names the permission that is missing, and shows the drains although the switch cannot be read', async () => {
    const blind = await at(60, changed('standard', { denied: ['lambda:ListDurableExecutionsByFunction'] }));
    const half = await at(60, changed('standard', { denied: ['ssm:GetParameter'] }));
    const [first, second] = await Promise.all([blind.ecsDrain('status'), half.ecsDrain('status')]);
    expect(first.code).toBe(1);
    expect(first.stdout).toContain('no permission for lambda:ListDurableExecutionsByFunction');
    expect(second.code).toBe(0);
    expect(unwrapped(second.stdout)).toContain('no permission for ssm:GetParameter');
    expect(second.stdout).toContain('1 drain under way');
  });

  it('shows names from outside without what a terminal would obey', async () => {
    const base = JSON.parse(readFileSync(join(root, 'sim/scenarios/stuck-no-capacity.json'), 'utf8'));
    const group = 'web\u009b31m\u202easg';
    const [cluster] = base.clusters;
    const served = await at(
      1_200,
      changed('stuck-no-capacity', {
        clusters: [{ ...cluster, group }],
        hooks: [{ ...base.hooks[0], group }],
        events: [{ atSeconds: 10, terminate: { group, count: 1 } }],
      }),
    );
    const { code, stdout } = await served.ecsDrain('status');
    expect(code).toBe(0);
    expect(stdout).toContain('1 drain under way');
    expect(stdout).toContain('group web 31m asg');
    expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it.each([
    ['a time that is none', ['--since', 'yesterday'], '--since takes seconds, or a time like'],
    ['a pace out of range', ['--watch', '--every', '0'], '--every takes a whole number from 1 to 300'],
    ['a document without end', ['--watch', '--json'], 'does not go with --watch'],
  ])('refuses %s with exit code 2', async (_what, args, says) => {
    const { code, stdout, stderr } = await mainHere('status', ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(says);
  });
});

describe('ecs-drain status --watch', () => {
  it('says each change on a line of its own, and ends when nothing drains any more', async () => {
    const served = await at(12, 'standard', 60);
    const { code, stdout } = await served.ecsDrain('status', '--watch', '--every', '1');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^00:0\d:\d\dZ i-[0-9a-f]{17} draining: /m);
    expect(stdout).toMatch(/ i-[0-9a-f]{17} drained: Every task has stopped; the instance was/);
    expect(stdout.split('\n').every((line) => line.length <= 80)).toBe(true);
  });

  it('ends at once where nothing drains', async () => {
    const served = await at(0, 'standard');
    expect(await served.ecsDrain('status', '--watch')).toEqual({
      code: 0,
      stdout: '00:00:00Z Nothing drains.\n',
      stderr: '',
    });
  });
});
