import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Recording } from '../../cli/demo-recording.ts';
import type { RolloutEnding } from '../../cli/demo-rollout.ts';
import { isClean } from '../../cli/demo-rollout.ts';
import type { RolloutRecording } from '../../cli/demo-rollout-recording.ts';
import { recordRollout } from '../../cli/demo-rollout-recording.ts';
import { renderRolloutFrame } from '../../cli/demo-rollout-view.ts';
import { renderFrame } from '../../cli/demo-view.ts';
import { loadBundles, readScenario, run } from '../../sim/run.ts';
import { ecsDrain, root } from './support.ts';

/** The block of the README that shows what the demo prints. */
function exampleInReadme(): string {
  const readme = readFileSync(`${root}README.md`, 'utf8');
  return /<!-- demo:[^>]*-->\n```\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
}

describe('npm start', () => {
  it('prints, where there is no terminal, just what the README shows, and succeeds', async () => {
    const { code, stdout, stderr } = await ecsDrain('demo');

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(exampleInReadme()).toBe(stdout);
  });

  it('cuts requests off without a drain, and none with it, whatever the seed', async () => {
    for (const seed of ['1', '2', '3']) {
      const { code, stdout } = await ecsDrain('demo', '--seed', seed);
      expect(code, `seed ${seed}`).toBe(0);
      expect(stdout).toMatch(/requests cut: 0 \(without: [1-9]\d*\)/);
    }
  });
});

const golden = (name: string): string => new URL(`golden/${name}`, import.meta.url).pathname;
const widest = (text: string): number => Math.max(...text.split('\n').map((line) => line.length));

describe('npm start -- rollout', () => {
  it('tells, where there is no terminal, how a whole fleet got a new image, and succeeds', async () => {
    const { code, stdout, stderr } = await ecsDrain('demo', 'rollout');

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    await expect(stdout).toMatchFileSnapshot(golden('demo-rollout.txt'));
    expect(widest(stdout)).toBeLessThanOrEqual(80);
  });

  it('cuts nothing off, whatever the seed', async () => {
    for (const seed of ['1', '2']) {
      const { code, stdout } = await ecsDrain('demo', 'rollout', '--seed', seed);
      expect(code, `seed ${seed}`).toBe(0);
      expect(stdout).toMatch(/tasks cut: 0; requests cut: 0 of [1-9]\d{4}/);
    }
  });

  it('knows two demos', async () => {
    const { code, stdout, stderr } = await ecsDrain('demo', 'refresh');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Allowed choices are drain, rollout');
  });

  const clean: RolloutEnding = {
    outcome: 'rolled',
    family: 'al2023/x86_64',
    version: '2023.0.20260101',
    imageId: 'ami-2',
    wanted: 4,
    drained: 4,
    fresh: 4,
    inService: 4,
    tasksCut: 0,
    requests: 100,
    requestsCut: 0,
    verified: 'ami-2',
    violations: 0,
  };

  it('is content with a fleet that was rolled as it should be', () => {
    expect(isClean(clean)).toBe(true);
  });

  it.each<[string, Partial<RolloutEnding>]>([
    ['a rollout that ended otherwise', { outcome: 'rolled-back' }],
    ['an instance that was not drained', { drained: 3 }],
    ['an instance on the old image', { fresh: 3 }],
    ['an instance too few', { fresh: 3, inService: 3 }],
    ['no fleet at all', { wanted: 0, drained: 0, fresh: 0, inService: 0 }],
    ['a task that was cut off', { tasksCut: 1 }],
    ['a request that was cut off', { requestsCut: 1 }],
    ['another verified image', { verified: 'ami-1' }],
    ['no verified image', { verified: undefined }],
    ['a violation', { violations: 1 }],
  ])('is not content with %s', (_what, different) => {
    expect(isClean({ ...clean, ...different })).toBe(false);
  });
});

describe('a frame of the rollout', () => {
  let recording: RolloutRecording;
  beforeAll(async () => {
    const films: ReturnType<typeof recordRollout>[] = [];
    const watch: NonNullable<Parameters<typeof run>[2]['watch']> = (region) =>
      films.push(recordRollout(region, 'web-asg'));
    await run(readScenario('rollout-auto'), 7, { bundles: await loadBundles(), watch });
    recording = (films[0] as ReturnType<typeof recordRollout>)(4_700);
  });
  const frame = (atSeconds: number, colour = false): string =>
    `${renderRolloutFrame(recording, atSeconds, 'A fleet of 4', colour).join('\n')}\n`;

  it.each([
    ['one instance first, and the refresh waits at its checkpoint', 3_760, 'demo-rollout-checkpoint.txt'],
    ['the others, each drained through its hook', 4_420, 'demo-rollout-others.txt'],
  ])('shows %s', async (_what, atSeconds, file) => {
    await expect(frame(atSeconds)).toMatchFileSnapshot(golden(file));
  });

  it('has the same height at all times, and fits into 80 columns and 24 rows, the last for the cursor', () => {
    const shapes = [0, 3_640, 3_700, 4_350, 4_700].map((atSeconds) => frame(atSeconds).split('\n'));

    expect(new Set(shapes.map(({ length }) => length)).size).toBe(1);
    expect(shapes[0]?.length).toBeLessThanOrEqual(24);
    for (const lines of shapes) expect(widest(lines.join('\n'))).toBeLessThanOrEqual(80);
  });

  it('fits into 80 columns, whatever the texts', () => {
    const long = 'x'.repeat(200);
    const odd: RolloutRecording = {
      ...recording,
      group: 'g'.repeat(255),
      members: recording.members.map((member) => ({ ...member, version: long })),
      marks: [{ atSeconds: 0, text: long }],
      refreshes: [{ atSeconds: 0, status: long, percent: 100, because: long }],
    };
    for (const line of renderRolloutFrame(odd, 5, long, false)) expect(line.length).toBeLessThanOrEqual(80);
    const before = renderRolloutFrame({ ...odd, refreshes: [] }, 5, long, false);
    for (const line of before) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('has colours only where they are wanted', () => {
    const esc = String.fromCharCode(27);
    expect(frame(3_760)).not.toContain(esc);
    expect(frame(3_760, true)).toContain(esc);
  });
});

describe('a frame of the demo', () => {
  const recording: Recording = {
    instanceId: 'i-0123456789abcdef0',
    marks: [{ atSeconds: 2, text: 'x'.repeat(200) }],
    states: [{ atSeconds: 0, text: 'Terminating:Wait' }],
    tasks: [
      { atSeconds: 1, task: 0, status: 'RUNNING' },
      { atSeconds: 4, task: 0, status: 'CUT' },
    ],
    replacements: [],
    lights: [{ atSeconds: 2, stage: 'drain' }],
    requests: [{ atSeconds: 0, endSeconds: 3, cut: true }],
  };

  it('fits into 80 columns, whatever the texts', () => {
    for (const line of renderFrame(recording, recording, 5, 'title '.repeat(30), false)) {
      expect(line.length).toBeLessThanOrEqual(80);
    }
  });

  it('lights a stage up only while it works, and shows what was cut', () => {
    const at = (seconds: number) => renderFrame(recording, recording, seconds, 't', false).join('\n');
    expect(at(2.1)).toContain('● drain');
    expect(at(4.5)).not.toContain('● drain');
    expect(at(4.5)).toContain('cut off');
    expect(at(4.5)).toMatch(/requests cut +1/);
  });

  it('has colours only where they are wanted', () => {
    const esc = String.fromCharCode(27);
    expect(renderFrame(recording, recording, 5, 't', false).join('')).not.toContain(esc);
    expect(renderFrame(recording, recording, 5, 't', true).join('')).toContain(esc);
  });
});
