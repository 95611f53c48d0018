import { blockersOf } from './checks.ts';
import { isHeldBySwitch, isPaused } from './control.ts';
import { held, waiting } from './fleet-alerts.ts';
import type { SpotMemory } from './spot-memory.ts';
import { hinderedFor } from './spot-patience.ts';
import type { RolloutAlert, Words } from './telling.ts';
import { fleetSpeaker, lastingTrouble, nextAlert } from './telling.ts';

const HOUR_MS = 3_600_000;

/** What people should hear of one Spot Fleet's rollout on the way. Pure. */
export function spotAlertDue(memory: SpotMemory): RolloutAlert | undefined {
  const { copy, request, look } = memory;
  const because = `${copy?.id} is launched beside it on ${request.version}; the old fleet stays until every instance of it is drained.`;
  return nextAlert(memory, fleetSpeaker(request), {
    news: copy && { kind: 'rollout-started', key: 'started', because },
    lasting: problemsOf(memory),
    control: look?.control,
  });
}

function problemsOf(memory: SpotMemory): Words[] {
  const { look, copy, request, blockedSinceMs, undo } = memory;
  const trouble = lastingTrouble(memory);
  const problems: Words[] = trouble ? [{ kind: 'rollout-stuck', ...trouble }] : [];
  const hindered = undo && hinderedFor(memory, HOUR_MS / 1000);
  if (hindered) {
    const because = `it cannot be taken back yet, ${hindered}; it is tried again.`;
    problems.push({ kind: 'rollout-stuck', key: `hindered ${memory.hinderedSinceMs}`, because });
  }
  if (copy === undefined) {
    if (isHeldBySwitch(look?.control)) problems.push(held(look?.control));
    const [blocker] = look?.facts === undefined ? [] : blockersOf(look.facts, 0);
    if (blocker && look && look.atMs - (blockedSinceMs ?? look.atMs) >= HOUR_MS) problems.push(waiting(blocker));
    return problems;
  }
  if (isPaused(look?.control) && (undo === undefined || isHeldBySwitch(look?.control))) {
    const because = `paused by ${look?.control?.by}: both ${request.fleet} and ${copy.id} run meanwhile.`;
    problems.push({ kind: 'rollout-paused', key: `paused ${look?.control?.at}`, because });
  }
  return problems;
}
