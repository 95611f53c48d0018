import type { Failure } from '../ports.ts';
import type { FleetRequest } from './request.ts';
import type { RolloutPorts } from './rollout.ts';

/**
 * Why what would be done next is held back, though the last look allowed it: the switch may have been turned since. Asked
 * by every effect that begins something or leads further on, and by none that only stops or takes back a refresh.
 */
export async function heldBack({ fleet }: FleetRequest, ports: RolloutPorts): Promise<Failure | undefined> {
  const rules = await ports.drainRules(fleet.slice(fleet.indexOf('/') + 1));
  if (!rules.ok) return rules;
  const { mode } = rules.value;
  if (mode === 'act') return undefined;
  const message = mode === 'unknown' ? 'the switch cannot be understood' : `the switch says ${mode}`;
  return { ok: false, reason: 'denied', operation: 'ssm:GetParameter', message };
}
