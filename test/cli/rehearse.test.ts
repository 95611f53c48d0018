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

/** The standard fleet, from which nobody takes anything but us, with something different in it. */
async function standard(name: string, speed: number, different: object = {}): Promise<Served> {
  const path = join(folder, `${name}.json`);
  const scenario = JSON.parse(readFileSync(join(root, 'sim/scenarios/standard.json'), 'utf8'));
  writeFileSync(path, JSON.stringify({ ...scenario, durationSeconds: 86_400, events: [], ...different }));
  const served = await serving(path, '--functions', '--at', '5', '--speed', String(speed));
  open.push(served);
  return served;
}

const checks = (stdout: string, mark: string): string[] =>
  stdout
    .replaceAll(/\n {4}/g, ' ')
    .split('\n')
    .filter((line) => line.startsWith(`${mark}: `));

describe('ecs-drain rehearse', () => {
  it('terminates one instance with consent, watches each stage, and proves that nothing was cut off', async () => {
    const served = await standard('proven', 30);

    const { code, stdout, stderr } = await served.ecsDrain('rehearse', 'web-asg', '--yes', '--every', '1');

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    // How long a process takes decides about when each stage comes, and is seen: here only that it did.
    const [, evidence = ''] = stdout.split('\n\n');
    const timeless = stdout
      .split('\n\n')[0]
      ?.split('\n')
      .filter((line) => !/^\d\d:/.test(line));
    const still = `${timeless?.join('\n')}\n\n${evidence.replaceAll(/\d\d:\d\d:\d\dZ/g, 'hh:mm:ssZ')}`;
    const masked = still.replaceAll(/\d+\.\d s/g, '2.6 s').replaceAll(/task [0-9a-f]{8}…/g, 'task 246f1572…');
    await expect(masked).toMatchFileSnapshot('golden/rehearse.txt');
    expect(stdout.split('\n').every((line) => line.length <= 80)).toBe(true);
    expect(stdout).toMatch(/^\d\d:\d\d:\d\dZ released$/m);
    const lag = Number(/Proven: released (\d+\.\d) s after the last/.exec(stdout)?.[1]);
    expect(lag).toBeLessThan(20);
  });

  it('takes the one that it is told to, and says it all as one document', async () => {
    const served = await standard('document', 30);
    const id = 'i-063afeca99e290877';
    const args = ['--instance', id, '--yes', '--json', '--every', '1'];
    const { code, stdout } = await served.ecsDrain('rehearse', 'web-asg', ...args);
    expect(code).toBe(0);
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({ schema: 1, command: 'rehearse', group: 'web-asg', instanceId: id, proven: true });
    expect(document.stages.map(({ stage }: { stage: string }) => stage)).toContain('all stopped');
    expect(document.stages.every(({ at }: { at?: string }) => at !== undefined)).toBe(true);
  });

  it('changes nothing where it would not be safe, or would show nothing', async () => {
    const scenario = JSON.parse(readFileSync(join(root, 'sim/scenarios/standard.json'), 'utf8'));
    const [cluster] = scenario.clusters;
    const [service] = cluster.services;
    const served = await standard('unsafe', 0, {
      switch: '{"groups":{"web-asg":{"mode":"pause"}}}',
      hooks: [{ ...scenario.hooks[0], ours: false }],
      clusters: [{ ...cluster, services: [{ ...service, desired: 4, maximumPercent: 100 }] }],
    });
    const { code, stdout } = await served.ecsDrain('rehearse', 'web-asg', '--yes');
    expect(code).toBe(1);
    expect(checks(stdout, 'NO')).toEqual([
      'NO: no terminate hook of web-asg tells our topic: ecs-drain attach web-asg',
      'NO: the switch says pause: ecs-drain resume web-asg',
      'NO: api: minimum and maximum healthy percent are both 100, so no task can leave',
    ]);
    expect(stdout).toContain('Nothing was changed.');
    const after = await served.ecsDrain('status');
    expect(after.stdout).toContain('Nothing drains.');
  });

  it('in observe mode says first what will be shown instead, and proves nothing', async () => {
    const served = await standard('observe', 30, { switch: '{"mode":"observe"}' });
    const asked = await served.ecsDrain('rehearse', 'web-asg');
    expect(asked).toMatchObject({ code: 2, stderr: expect.stringContaining('say --yes') });
    expect(checks(asked.stdout, 'note')[0]).toContain('The hook times out, and the tasks are cut off');
    const { code, stdout } = await served.ecsDrain('rehearse', 'web-asg', '--yes', '--every', '1');
    expect(code).toBe(1);
    expect(stdout.replaceAll(/\n +/g, ' ')).toContain('The drain ended without a release, as observed');
  });

  it('names what is not there, and the permission that is missing', async () => {
    const served = await standard('denied', 0, { denied: ['autoscaling:TerminateInstanceInAutoScalingGroup'] });
    const [group, instance, denied] = await Promise.all([
      served.ecsDrain('rehearse', 'nowhere-asg', '--yes'),
      served.ecsDrain('rehearse', 'web-asg', '--instance', 'i-0123456789abcdef0', '--yes'),
      served.ecsDrain('rehearse', 'web-asg', '--yes'),
    ]);
    expect([group.code, instance.code, denied.code]).toEqual([1, 1, 1]);
    expect(group.stdout).toContain('there is no Auto Scaling group nowhere-asg: nothing was changed');
    expect(instance.stdout.replaceAll(/\n +/g, ' ')).toContain('is not in service in web-asg: nothing was changed');
    expect(denied.stdout.replaceAll(/\n +/g, ' ')).toContain(
      'no permission for autoscaling:TerminateInstanceInAutoScalingGroup',
    );
  });

  it.each([
    ['an id that is none', ['web-asg', '--instance', 'web'], 'is not the id of an EC2 instance'],
    ['two regions', ['web-asg', '--region', 'a', '--region', 'b'], 'give --region once'],
    ['to ask in a document', ['web-asg', '--json'], '--json does not ask'],
  ])('refuses %s with exit code 2, before it asks anything', async (_what, args, says) => {
    const { code, stdout, stderr } = await mainHere('rehearse', ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(says);
  });
});
