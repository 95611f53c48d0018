import { afterEach, describe, expect, it } from 'vitest';
import { mainHere } from './in-process.ts';
import type { Served } from './support.ts';
import { serving } from './support.ts';

const open: Served[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((served) => served.close()));
});

async function at(second: number, scenario: string, speed = 0): Promise<Served> {
  const served = await serving(scenario, '--functions', '--at', String(second), '--speed', String(speed));
  open.push(served);
  return served;
}

/** By the first seed, the instance that each of these scenarios drains. */
const DRAINED = 'i-0fddc32562351ea8f';
const OTHER = 'i-063afeca99e290877';

describe('ecs-drain cancel', () => {
  it('shows what it sets ACTIVE, does so, and refuses the rest; the drain then ends as cancelled', async () => {
    const served = await at(12, 'ordered', 4);

    const asked = await served.ecsDrain('cancel', DRAINED);
    expect(asked).toMatchObject({ code: 2, stderr: expect.stringContaining('say --yes') });
    const done = await served.ecsDrain('cancel', DRAINED, OTHER, '--yes');

    expect({ code: done.code, stderr: done.stderr }).toEqual({ code: 1, stderr: '' });
    await expect(done.stdout).toMatchFileSnapshot('golden/cancel.txt');
    const watched = await served.ecsDrain('status', '--watch', '--every', '3');
    expect(watched.code).toBe(1);
    expect(watched.stdout).toContain(`${DRAINED} cancelled: Somebody set the container instance`);
  });

  it('refuses what Auto Scaling takes anyway, and says what can be done', async () => {
    const served = await at(60, 'standard');
    const { code, stdout } = await served.ecsDrain('cancel', DRAINED, '--yes');
    expect(code).toBe(1);
    await expect(stdout).toMatchFileSnapshot('golden/cancel-terminating.txt');
  });

  it('refuses what has not begun, and says how the switch keeps it from beginning', async () => {
    const served = await at(100, 'maintenance-reboot');
    const { code, stdout } = await served.ecsDrain('cancel', DRAINED, '--yes', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 1,
      command: 'cancel',
      region: 'eu-west-1',
      instances: [
        {
          instanceId: DRAINED,
          action: 'refused',
          because: expect.stringContaining('its drain begins at 2026-01-01T01:00:10.000Z'),
          notes: [expect.stringContaining('{"groups":{"web-asg":{"policy":{"maintenance":"notify"}}}}')],
          cancelled: false,
        },
      ],
    });
  });

  it.each([
    ['an id that is none', ['web-asg'], 'is not the id of an EC2 instance'],
    ['two regions', [DRAINED, '--region', 'a', '--region', 'b'], 'give --region once'],
    ['to ask in a document', [DRAINED, '--json'], '--json does not ask'],
  ])('refuses %s with exit code 2, before it asks anything', async (_what, args, says) => {
    const { code, stdout, stderr } = await mainHere('cancel', ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(says);
  });
});
