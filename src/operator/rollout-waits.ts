import { isApproved, isPaused } from '../rollout/control.ts';
import type { ReleaseMemory } from '../rollout/memory.ts';
import type { Plan, PlannedFleet } from '../rollout/plan.ts';
import { startsAtMs } from '../rollout/start-time.ts';
import type { FleetPolicy } from '../rollout/tags.ts';
import { isItsTurn } from '../rollout/waves.ts';

/** What keeps a planned fleet from being begun: somebody's word, the waves before, the clock. */
export type WaitsFor = 'resume' | 'approval' | 'wave' | 'window' | 'age';

export interface Waits {
  readonly mode: FleetPolicy['mode'];
  /** As its tag has it. */
  readonly window?: string;
  /** How old the release must be, in seconds, where nobody approves it. */
  readonly minimumAgeSeconds: number;
  /** Nobody will begin it: its tag says notify. */
  readonly isOnlyTold: boolean;
  /** None of them, and it is not only told: it is begun at the next look. */
  readonly waitsFor: readonly WaitsFor[];
  /** When the clock lets it begin, as far as that depends on nobody's word. */
  readonly startsAtMs?: number;
}

/** What a fleet that is not begun waits for, in the rollout's own terms. Pure. */
export function waitsOf(memory: ReleaseMemory, plan: Plan, fleet: PlannedFleet): Waits {
  const { control, atMs } = memory;
  const { policy } = fleet;
  const said = {
    mode: policy.mode,
    minimumAgeSeconds: policy.minimumAgeSeconds,
    ...(policy.window === undefined ? {} : { window: policy.window.text }),
  };
  if (policy.mode === 'notify') return { ...said, isOnlyTold: true, waitsFor: [] };
  const starts = startsAtMs(memory, plan.target, fleet.policy);
  const isTooNew = !isApproved(control) && plan.target.releasedAtMs + policy.minimumAgeSeconds * 1000 > atMs;
  const isLater = starts !== undefined && starts > atMs;
  const waits: readonly (readonly [WaitsFor, boolean])[] = [
    ['resume', isPaused(control)],
    ['approval', policy.mode === 'approve' && !isApproved(control)],
    ['wave', !isItsTurn(memory, plan, fleet)],
    ['age', policy.mode === 'auto' && isTooNew],
    // Without an approval there is no moment to ask the window about.
    ['window', policy.window !== undefined && (starts === undefined || isLater)],
  ];
  return {
    ...said,
    isOnlyTold: false,
    waitsFor: waits.flatMap(([what, is]) => (is ? [what] : [])),
    ...(isLater ? { startsAtMs: starts } : {}),
  };
}
