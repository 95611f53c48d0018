import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { serveRegion } from '../../sim/live.ts';
import type { Region } from '../../sim/region.ts';
import { createRegion } from '../../sim/region.ts';
import { parseScenario } from '../../sim/scenario.ts';
import type { Session } from '../../src/aws/session.ts';
import { openSession } from '../../src/aws/session.ts';

export const root = fileURLToPath(new URL('../../', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command as a user runs it: a process of its own, its output not a terminal. */
export function ecsDrain(...args: string[]): Promise<Ended> {
  return start(args).ended;
}

function start(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [`${root}bin/ecs-drain.ts`, ...args], {
    cwd: root,
    env: { ...process.env, NO_COLOR: '1', ...environment },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject).on('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { child, ended };
}

/** A region behind HTTP, in a process of its own, and the command as an operator of that region runs it. */
export interface Served {
  readonly url: string;
  ecsDrain(...args: string[]): Promise<Ended>;
  close(): Promise<Ended>;
}

const environmentOf = (url: string, region: string) => ({
  AWS_ENDPOINT_URL: url,
  AWS_REGION: region,
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_EC2_METADATA_DISABLED: 'true',
});

/** Serves a scenario (a name, or a file) with the given further flags of `simulate --serve`. */
export async function serving(scenario: string, ...flags: string[]): Promise<Served> {
  const { child, ended } = start(['simulate', '--serve', '--port', '0', '--scenario', scenario, ...flags]);
  // Its first line says where; if it ends instead, its own words are the best reason.
  const first = await Promise.race([once(child.stdout, 'data').then(String), ended.then(({ stderr }) => stderr)]);
  const [, region, url] = /region (\S+) at (http:\S+)/.exec(first) ?? [];
  if (region === undefined || url === undefined) throw new Error(`the region is not served: ${first}`);
  const environment = environmentOf(url, region);
  return {
    url,
    ecsDrain: (...args) => start(args, environment).ended,
    close() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

/** The same in this process, where a test can look into the region; its time stands still, and no functions run. */
export async function servingHere(scenario: object, atSeconds = 0): Promise<Served & { readonly region: Region }> {
  const region = createRegion(parseScenario(JSON.stringify(scenario), 'here'), 1);
  const server = await serveRegion(region, 0, { atSeconds, speed: 0 });
  const url = `http://127.0.0.1:${server.port}`;
  return {
    region,
    url,
    ecsDrain: (...args) => start(args, environmentOf(url, region.world.region)).ended,
    async close() {
      await server.close();
      return { code: 0, stdout: '', stderr: '' };
    },
  };
}

/** A region served here, and an operator's session in it. */
export async function sessionIn(
  scenario: object,
  atSeconds = 0,
): Promise<{ readonly aws: Session; readonly region: Region; close(): Promise<unknown> }> {
  const served = await servingHere(scenario, atSeconds);
  Object.assign(process.env, environmentOf(served.url, served.region.world.region));
  return { aws: await openSession({}), region: served.region, close: () => served.close() };
}
