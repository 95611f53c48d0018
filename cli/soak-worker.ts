import { parentPort, workerData } from 'node:worker_threads';
import { randomScenario } from '../sim/random-scenario.ts';
import { loadBundles, run } from '../sim/run.ts';
import type { SoakResult } from './soak.ts';

/** Runs every `stride`-th seed from its own first one: each worker has globals of its own, and so a time of its own. */
const { firstSeed, lastSeed, stride } = workerData as { firstSeed: number; lastSeed: number; stride: number };

const bundles = await loadBundles();
for (let seed = firstSeed; seed <= lastSeed; seed += stride) {
  const result = await once(seed);
  parentPort?.postMessage(result);
}

async function once(seed: number): Promise<SoakResult> {
  try {
    const { report } = await run(randomScenario(seed), seed, { bundles, engine: 'store' });
    return { seed, drains: report.instances.length, violations: report.violations };
  } catch (error) {
    const because = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { seed, drains: 0, violations: [{ rule: 'crashed', instanceId: undefined, atSeconds: 0, because }] };
  }
}
