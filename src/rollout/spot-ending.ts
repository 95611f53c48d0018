import { blockersOf } from './checks.ts';
import { endedBy } from './control.ts';
import type { LeftAlone, PlannedFleet } from './plan.ts';
import { planOf } from './plan.ts';
import type { FleetOutcome } from './request.ts';
import type { SpotLook, SpotMemory } from './spot-memory.ts';
import type { RolloutAlert } from './telling.ts';
import { fleetEndAlert } from './telling.ts';

export interface SpotEnding {
  readonly outcome: FleetOutcome;
  readonly because: string;
  readonly alert?: RolloutAlert;
}

const LONGEST_SECONDS = 14 * 86_400;
const PATIENCE_SECONDS = 86_400;
const VERIFY_SECONDS = 1_800;

/** How the fleet's rollout has ended, or undefined while there is something to do. Pure. */
export function spotEndingOf(memory: SpotMemory): SpotEnding | undefined {
  const { look, request, atMs, copy, cancelled, undo } = memory;
  const lastedMs = atMs - Date.parse(request.noticedAt);
  if (look === undefined) {
    const { trouble } = memory;
    if (trouble === undefined || lastedMs < PATIENCE_SECONDS * 1000) return undefined;
    return ended(memory, 'failed', `for a day ${trouble.failure.operation} has answered "${trouble.failure.message}"`);
  }
  if (copy === undefined) return beforeCopy(memory, look, lastedMs);
  if (undo && cancelled.includes(copy.id)) {
    const cut = Object.entries(memory.drains).filter(
      ([id, outcome]) => outcome === 'forced' && !look.old?.instances.includes(id),
    );
    const lost = cut.length === 0 ? '' : `; tasks were cut off on ${cut.map(([id]) => id).join(', ')}`;
    return ended(memory, 'rolled-back', `taken back, the old fleet is as it was: ${undo.because}${lost}`);
  }
  if (memory.promoted) {
    const because = `${copy.id} has taken its place with ${look.hosts.fresh} instances on ${request.version}, and they are at work`;
    return { outcome: 'rolled', because };
  }
  const isOver = cancelled.includes(request.fleet.slice('spot-fleet/'.length));
  if (isOver && atMs - look.atMs < 60_000 && atMs - (memory.drainsAtMs ?? atMs) >= VERIFY_SECONDS * 1000) {
    return ended(memory, 'failed', `the old fleet is drained and cancelled, but ${copy.id} is not all at work`);
  }
  if (lastedMs < LONGEST_SECONDS * 1000) return undefined;
  return ended(memory, 'mixed', `it did not end within 14 days: ${request.fleet} and ${copy.id} both run`);
}

function beforeCopy(memory: SpotMemory, look: SpotLook, lastedMs: number): SpotEnding | undefined {
  const { request } = memory;
  if (look.facts === undefined || look.old === undefined)
    return ended(memory, 'failed', 'there is no such fleet any more');
  const word = endedBy(look.control);
  if (word) return { outcome: 'cancelled', because: word };
  if (memory.templateWarning !== undefined) {
    return ended(memory, 'blocked', `AWS finds the new template version wrong: ${memory.templateWarning}`);
  }
  if (look.target?.imageId !== request.imageId) {
    return { outcome: 'superseded', because: `its source names ${look.target?.version ?? 'no image'} by now` };
  }
  const verdict = spotVerdictOf(look);
  if (verdict === undefined) return { outcome: 'up-to-date', because: 'it has nothing of this release any more' };
  if (!('policy' in verdict)) return { outcome: 'up-to-date', because: verdict.because };
  const blockers = blockersOf(look.facts, 0);
  const lasting = blockers.find(({ passes }) => !passes);
  if (lasting) return ended(memory, 'blocked', lasting.because);
  if (blockers[0] && lastedMs >= PATIENCE_SECONDS * 1000)
    return ended(memory, 'blocked', `for a day: ${blockers[0].because}`);
  return lastedMs < LONGEST_SECONDS * 1000 ? undefined : ended(memory, 'cancelled', 'it was paused for 14 days');
}

/** What would be done with the fleet, or why nothing is. */
export function spotVerdictOf({ facts, target }: SpotLook): PlannedFleet | LeftAlone | undefined {
  if (facts === undefined || target === undefined) return undefined;
  const { fleets, leftAlone } = planOf(target, [facts], true);
  return fleets[0] ?? leftAlone[0];
}

/** Its capacity is there, ECS has every instance of it at work, and no service is worse off. */
export function isCopyAtWork({ copy }: SpotMemory, { copy: side, hosts, facts }: SpotLook): boolean {
  if (copy === undefined || side === undefined) return false;
  const isThere = side.fulfilledCapacity >= copy.capacity && hosts.fresh > 0;
  return isThere && hosts.strangers.length === 0 && (facts === undefined || facts.unsteady.length === 0);
}

function ended(memory: SpotMemory, outcome: FleetOutcome, because: string): SpotEnding {
  return { outcome, because, alert: fleetEndAlert(memory.request, outcome, because) };
}
