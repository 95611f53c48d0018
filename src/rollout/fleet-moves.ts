import type { FleetLook } from './fleet-memory.ts';
import type { Desired, RefreshPreferences } from './ports.ts';
import type { RolloutAlert } from './telling.ts';

/** What one fleet's rollout can do next. One move is one effect, safe to repeat. */
export type FleetMove = { readonly because: string } & (
  | {
      readonly kind: 'look';
      /** Our refresh; undefined: none was started that we know of. */
      readonly refreshId: string | undefined;
      /** The look before. `isSettled`: only what a refresh changes is read anew, not what it was started by. */
      readonly known?: { readonly look: FleetLook; readonly isSettled: boolean };
    }
  /** No other rollout works on it from then on, until it is given back. */
  | { readonly kind: 'claim' | 'give-back' }
  | {
      readonly kind: 'make-version';
      readonly source: { readonly templateId: string; readonly number: number };
      readonly imageId: string;
      readonly description: string;
    }
  | {
      readonly kind: 'start-refresh';
      readonly group: string;
      readonly desired: Desired | undefined;
      readonly preferences: RefreshPreferences;
    }
  | { readonly kind: 'roll-back'; readonly group: string }
  | {
      readonly kind: 'cancel-refresh';
      readonly group: string;
      /** Paused: it is begun again when somebody resumes it. */
      readonly forPause: boolean;
    }
  /** Others may follow what was verified. */
  | { readonly kind: 'promote'; readonly imageId: string }
  | { readonly kind: 'alert'; readonly alert: RolloutAlert }
);
