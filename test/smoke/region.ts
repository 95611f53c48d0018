/**
 * The embedded AWS for the smoke test, as `ecs-drain simulate --serve` serves it. Besides its address it prints, a line
 * each, what its Auto Scaling would publish to a hook's target: here that target is in another emulator, and whoever
 * reads the lines carries them there. It ends with its scenario, or when it is told to.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { serveRegion } from '../../sim/live.ts';
import { createRegion } from '../../sim/region.ts';
import { readScenario } from '../../sim/run.ts';

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const scenario = readScenario(fileURLToPath(new URL('world.json', import.meta.url)));
const region = createRegion(scenario, 7);
region.world.on((event) => {
  if (event.kind === 'hook-waiting') print(JSON.stringify(event.notice));
});
const server = await serveRegion(region, 0, { atSeconds: 0, speed: 1 });
print(`http://127.0.0.1:${server.port}`);

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
await sleep(scenario.durationSeconds * 1000, undefined, { signal: stop.signal }).catch(() => undefined);
await server.close();
