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

/** The standard fleet with something different in it: by the first seed, the first of its instances leaves at second 10. */
async function standard(second: number, speed: number, different: object = {}): Promise<Served> {
  const path = join(folder, `${second}-${speed}.json`);
  const scenario = JSON.parse(readFileSync(join(root, 'sim/scenarios/standard.json'), 'utf8'));
  writeFileSync(path, JSON.stringify({ ...scenario, ...different }));
  const served = await serving(path, '--functions', '--at', String(second), '--speed', String(speed));
  open.push(served);
  return served;
}

const LEAVING = 'i-0fddc32562351ea8f';
const STAYING = 'i-063afeca99e290877';
const why = ['--reason', 'its disk is failing'];

describe('ecs-drain drain', () => {
  it('orders a drain and says what comes next; what leaves already, or is drained, it refuses', async () => {
    const served = await standard(60, 0);

    const first = await served.ecsDrain('drain', STAYING, LEAVING, STAYING, ...why, '--deadline', '30m');
    const again = await served.ecsDrain('drain', STAYING, ...why, '--json');

    expect({ code: first.code, stderr: first.stderr }).toEqual({ code: 1, stderr: '' });
    await expect(first.stdout.replaceAll(/-cli-[0-9a-f-]{36}/g, '-cli-…')).toMatchFileSnapshot('golden/drain.txt');
    expect(again.code).toBe(1);
    expect(JSON.parse(again.stdout).instances).toMatchObject([
      {
        instanceId: STAYING,
        refused: expect.stringMatching(/^it is being drained already, by the execution i-063.*cli-/),
      },
    ]);
  });

  it('--wait follows it to its end', async () => {
    const served = await standard(2, 60, { events: [] });
    const { code, stdout } = await served.ecsDrain('drain', STAYING, ...why, '--wait', '--every', '1');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^[\\d:]+Z ${STAYING} draining: `, 'm'));
    expect(stdout).toContain(`${STAYING} drained: Every task has stopped; the container`);
  });

  it('--wait ends with 1 where it is not drained, with the outcome, as one document', async () => {
    const served = await standard(2, 60, { events: [] });
    const unknown = 'i-0123456789abcdef0';
    const args = ['--by', 'alice', '--wait', '--every', '1', '--json'];
    const { code, stdout } = await served.ecsDrain('drain', unknown, ...why, ...args);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 1,
      command: 'drain',
      region: 'eu-west-1',
      instances: [{ instanceId: unknown, outcome: 'not-a-container-instance' }],
    });
  });

  it('says when the switch holds it back, and names a permission that is missing', async () => {
    const paused = await standard(3, 0, { events: [], switch: '{"groups":{"web-asg":{"mode":"pause"}}}' });
    const denied = await standard(4, 0, { events: [], denied: ['lambda:Invoke'] });
    const [first, second] = await Promise.all([
      paused.ecsDrain('drain', STAYING, ...why),
      denied.ecsDrain('drain', STAYING, ...why),
    ]);
    expect(first.code).toBe(0);
    expect(first.stdout).toContain('The switch says pause: it begins when somebody resumes.');
    expect(second.code).toBe(1);
    expect(second.stdout).toContain('not ordered: no permission for lambda:Invoke');
  });

  it.each([
    ['an id that is none', ['i-7', ...why], '"i-7" is not the id of an EC2 instance'],
    ['an external instance', ['mi-0123456789abcdef0', ...why], 'leaves those alone'],
    ['no reason', [STAYING], "required option '--reason <text>'"],
    ['an empty reason', [STAYING, '--reason', ' '], 'cannot be used: --reason'],
    ['a deadline out of range', [STAYING, ...why, '--deadline', '10s'], '--deadline takes seconds'],
    ['two regions', [STAYING, ...why, '--region', 'a', '--region', 'b'], 'give --region once'],
  ])('refuses %s with exit code 2, before it asks anything', async (_what, args, says) => {
    const { code, stdout, stderr } = await mainHere('drain', ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(says);
  });
});
