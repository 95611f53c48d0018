import type { DrainAlert } from '../alert.ts';
import type { Memory, Outcome } from './memory.ts';
import type { Placement } from './seen.ts';
import type { Mode } from './switch.ts';

/** What a drain can do next. One move is one effect, safe to repeat; the same `because` goes to log, alert and trace. */
export type Move = { readonly because: string } & (
  | { readonly kind: 'verify' }
  | { readonly kind: 'find' }
  | { readonly kind: 'read-switch' }
  | { readonly kind: 'start-draining'; readonly placements: readonly Placement[] }
  | {
      readonly kind: 'look';
      readonly placements: readonly Placement[];
      /** Tasks known from the look before, by placement: asking for just these is one call. */
      readonly known?: readonly (readonly string[])[];
      readonly countCrowd?: boolean;
      /** Name every task, also those that are still wanted to run. */
      readonly nameAll?: boolean;
    }
  | { readonly kind: 'heartbeat' }
  | { readonly kind: 'stop-standalone'; readonly placements: readonly Placement[] }
  | { readonly kind: 'replace' }
  | { readonly kind: 'diagnose'; readonly placements: readonly Placement[]; readonly sinceMs: number }
  /** `outcome`: this is the drain's last word. */
  | { readonly kind: 'alert'; readonly alert: DrainAlert; readonly outcome?: Outcome }
  | {
      readonly kind: 'release';
      /** Undefined where the deadline comes before the instance could be found. */
      readonly placements: readonly Placement[] | undefined;
      readonly result: 'CONTINUE' | 'ABANDON';
      /** The deadline has come: release whatever the last look shows. */
      readonly forced: boolean;
      /** The look that this rests on is old: look at everything again, not only at the container instances. */
      readonly lookAtAll: boolean;
    }
  | {
      readonly kind: 'restore';
      readonly placements: readonly Placement[];
      /** Those of them, by ARN, that are ours to set ACTIVE. */
      readonly ours: readonly string[];
      /** It is not to be set ACTIVE before its agent has been seen away, or its time is up. */
      readonly onlyLook: boolean;
    }
);

/** The moves that change something in AWS; the switch can hold each of them back. */
export const ACTS: ReadonlySet<Move['kind']> = new Set([
  'start-draining',
  'heartbeat',
  'stop-standalone',
  'replace',
  'release',
  'restore',
]);

/** Whether the switch forbids the move. A heartbeat keeps what is there: only what was never begun needs none. */
export function isHeldBack({ kind }: Move, { drainingSinceMs }: Memory, mode: Mode): boolean {
  if (mode === 'act' || !ACTS.has(kind)) return false;
  return kind !== 'heartbeat' || (mode === 'observe' && drainingSinceMs === undefined);
}
