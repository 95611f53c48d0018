import { parentPort, workerData } from 'node:worker_threads';
import { randomScenario } from '../sim/random-scenario.ts';
import { loadBundles, readScenario, run } from '../sim/run.ts';
import type { SoakJob, SoakResult } from './soak.ts';

/** Runs every `stride`-th job from its own first one: each worker has globals of its own, and so a time of its own. */
const { jobs, first, stride } = workerData as { jobs: readonly SoakJob[]; first: number; stride: number };

const bundles = await loadBundles();
for (let i = first; i < jobs.length; i += stride) {
  const job = jobs[i];
  if (job) parentPort?.postMessage(await once(job));
}

async function once(job: SoakJob): Promise<SoakResult> {
  const { seed, name, engine } = job;
  try {
    const scenario = name === undefined ? randomScenario(seed) : readScenario(name);
    const { report } = await run(scenario, seed, { bundles, engine });
    return { job, drains: report.instances.length, violations: report.violations };
  } catch (error) {
    const because = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { job, drains: 0, violations: [{ rule: 'crashed', instanceId: undefined, atSeconds: 0, because }] };
  }
}
