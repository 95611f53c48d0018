import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Recording } from '../../cli/demo-recording.ts';
import { renderFrame } from '../../cli/demo-view.ts';
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
