import { setTimeout as sleep } from 'node:timers/promises';
import { createLogUpdate } from 'log-update';

const FRAMES_PER_SECOND = 10;

/** Plays a film on the terminal, in place; `draw` is given how much of it has passed, from 0 to 1. */
export async function show(seconds: number, draw: (share: number, colour: boolean) => string[]): Promise<void> {
  const update = createLogUpdate(process.stdout, { showCursor: true });
  const frames = seconds * FRAMES_PER_SECOND;
  for (let frame = 0; frame <= frames; frame++) {
    update(draw(frame / frames, process.stdout.hasColors()).join('\n'));
    await sleep(1000 / FRAMES_PER_SECOND);
  }
  update.done();
}
