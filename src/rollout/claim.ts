import type { Failure } from '../ports.ts';
import { executionName, FleetRequest } from './request.ts';
import type { RolloutPorts } from './rollout.ts';

/**
 * One rollout works on a fleet at a time, whichever releases the others are of: who begins claims the fleet, in a
 * parameter that is made only where there is none, and gives it back at its end. It holds the request of who has it, so
 * that others can ask how that one stands.
 */
export type Claimed =
  /** `isTaken`: from a rollout that broke off. Others may have taken it in the same moment, and the last word holds. */
  { readonly isOurs: true; readonly isTaken: boolean } | { readonly isOurs: false; readonly by: string };

/** Lambda knows an execution for so long after its end (serverless.yml), and no fleet's rollout lasts as long. */
const KNOWN_SECONDS = 30 * 86_400;

/** Claims the fleet, or says who has it. Safe to repeat: our own claim from before a crash is ours. */
export async function claimFleet(request: FleetRequest, ports: RolloutPorts): Promise<Claimed | Failure> {
  const { parameters } = ports;
  const name = ports.claimParameter(request.fleet);
  const ours = JSON.stringify(request);
  const created = await parameters.createParameter(name, ours);
  if (!created.ok) return created;
  if (created.value) return { isOurs: true, isTaken: false };
  const held = await readClaim(name, ports);
  if (!held.ok) return held;
  if (held.value === ours) return { isOurs: true, isTaken: false };
  const by = await runningHolder(held.value, ports);
  if (typeof by === 'object') return by;
  if (by !== undefined) return { isOurs: false, by };
  const taken = await parameters.writeParameter(name, ours);
  return taken.ok ? { isOurs: true, isTaken: true } : taken;
}

/** Gives the fleet back, where it is ours still. */
export async function releaseFleet(request: FleetRequest, ports: RolloutPorts): Promise<Failure | undefined> {
  const name = ports.claimParameter(request.fleet);
  const held = await readClaim(name, ports);
  if (!held.ok) return held;
  if (held.value !== JSON.stringify(request)) return undefined;
  const released = await ports.parameters.deleteParameter(name);
  return released.ok ? undefined : released;
}

async function readClaim(name: string, { parameters }: RolloutPorts) {
  const found = await parameters.readParameters([name]);
  return found.ok ? { ok: true as const, value: found.value[0]?.value } : found;
}

/** The rollout that has the claim, as long as it runs; undefined for one that has ended without giving it back. */
async function runningHolder(text: string | undefined, ports: RolloutPorts): Promise<string | undefined | Failure> {
  const holder = FleetRequest.safeParse(parseJson(text));
  // Nobody's any more, or written by somebody else.
  if (!holder.success) return undefined;
  const name = executionName(holder.data);
  // Asked for later, it would be started anew.
  if (ports.now() - Date.parse(holder.data.noticedAt) > KNOWN_SECONDS * 1000) return undefined;
  const seen = await ports.executions.run(name, holder.data);
  if (!seen.ok) return seen;
  return seen.value.status === 'RUNNING' ? name : undefined;
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
