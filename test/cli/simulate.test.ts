import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ecsDrain } from './support.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ecs-drain-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: unknown): string => {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};

describe('simulate', () => {
  it('prints the report and nothing else with --json, and exits with 0 when no rule was broken', async () => {
    const { code, stdout, stderr } = await ecsDrain('simulate', '--scenario', 'standard', '--seed', '5', '--json');

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ schema: 1, scenario: 'standard', seed: 5, violations: [] });
    expect(Object.keys(report)).toEqual([
      'schema',
      'scenario',
      'seed',
      'instances',
      'calls',
      'peakEcsReadsPerSecond',
      'meanEcsReadsPerSecond30',
      'billedMs',
      'durableOperations',
      'alerts',
      'violations',
    ]);
  });

  it('prints the same bytes for the same seed, in another process', async () => {
    const [first, second] = await Promise.all([
      ecsDrain('simulate', '--scenario', 'duplicate-storm', '--seed', '3', '--json'),
      ecsDrain('simulate', '--scenario', 'duplicate-storm', '--seed', '3', '--json'),
    ]);
    expect(second.stdout).toBe(first.stdout);
  });

  it('runs a scenario from a file, and exits with 1 when a rule is broken', async () => {
    // A second is too short for any drain: the instance is still held when the run ends.
    const path = file('short.json', {
      name: 'short',
      durationSeconds: 20,
      clusters: [{ name: 'web', instances: 2, group: 'web-asg', services: [{ name: 'api', desired: 4 }] }],
      hooks: [{ group: 'web-asg' }],
      events: [{ atSeconds: 1, terminate: { group: 'web-asg', count: 1 } }],
    });

    const { code, stdout } = await ecsDrain('simulate', '--scenario', path, '--json');

    expect(code).toBe(1);
    expect(JSON.parse(stdout).violations).toMatchObject([{ rule: 'unfinished' }]);
  });

  it.each([
    ['a seed that is no number', ['--seed', 'seven'], '--seed takes a whole number'],
    ['a negative seed', ['--seed', '-1'], '--seed takes a whole number'],
    ['an unknown flag', ['--sede', '1'], "unknown option '--sede'"],
    ['a scenario that does not exist', ['--scenario', 'nothing-like-it'], 'or one of'],
    ['a port without a server', ['--port', '1'], '--port goes with --serve'],
    ['a port out of range', ['--serve', '--port', '70000'], '--port takes a whole number'],
    ['a server asked for a report', ['--serve', '--json'], '--json has no meaning with --serve'],
  ])('refuses %s with a clear word and exit code 2', async (_what, args, says) => {
    const { code, stdout, stderr } = await ecsDrain('simulate', ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(says);
  });

  it('names every mistake of a scenario file at once', async () => {
    const path = file('wrong.json', {
      name: 'wrong',
      durationSeconds: 'long',
      hooks: [{ group: 'nowhere', heartbeatSeconds: 5 }],
      surprise: true,
    });

    const { code, stdout, stderr } = await ecsDrain('simulate', '--scenario', path);

    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    for (const mistake of ['durationSeconds', 'hooks.0.heartbeatSeconds', 'surprise'])
      expect(stderr).toContain(mistake);
  });

  it('says where a scenario speaks of a group that is not there', async () => {
    const path = file('nowhere.json', { name: 'nowhere', durationSeconds: 9, hooks: [{ group: 'nowhere' }] });
    const { code, stderr } = await ecsDrain('simulate', '--scenario', path);
    expect(code).toBe(2);
    expect(stderr).toContain('hooks.0.group: there is no group "nowhere"');
  });

  it('refuses a file that is not JSON', async () => {
    const { code, stderr } = await ecsDrain('simulate', '--scenario', file('text.json', 'no: json'));
    expect(code).toBe(2);
    expect(stderr).toContain('not JSON');
  });
});
