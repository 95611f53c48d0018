import type { ExcessPolicy, OverrideSeen } from './ports.ts';
import type { RolloutAlert } from './telling.ts';

/** What a Spot Fleet's rollout can do next. One move is one effect, safe to repeat; undoable until the old fleet is cancelled. */
export type SpotMove = {
  readonly because: string;
  /** Why all of it is taken back, from this move on. */
  readonly undo?: string;
} & (
  | {
      readonly kind: 'look';
      readonly copyId: string | undefined;
      /** Where instances of either fleet were found before. */
      readonly clusters: readonly string[];
      /** Instances that were drained: does anything run on them again? */
      readonly emptied: readonly string[];
      /** Old instances that were drained, and are to be ACTIVE again: are they? */
      readonly restored: readonly string[];
    }
  | {
      readonly kind: 'make-version';
      readonly source: { readonly templateId: string; readonly number: number };
      readonly imageId: string;
      readonly description: string;
    }
  | { readonly kind: 'copy'; readonly fleetId: string; readonly images: readonly OverrideSeen[] }
  | {
      readonly kind: 'set-target';
      readonly fleetId: string;
      readonly capacity: number;
      /** Its owner's own, given back; unless given, what is above the target stays. */
      readonly excess?: ExcessPolicy;
    }
  /** Orders the drains, or asks how those that were ordered stand. */
  | {
      readonly kind: 'drain';
      readonly instances: readonly string[];
      /** When each was ordered first, by instance. */
      readonly orderedAtMs: Readonly<Record<string, number>>;
    }
  | { readonly kind: 'activate'; readonly clusters: readonly string[]; readonly instances: readonly string[] }
  | { readonly kind: 'cancel'; readonly fleetId: string }
  /** Others may follow what was verified. */
  | { readonly kind: 'promote'; readonly imageId: string }
  | { readonly kind: 'alert'; readonly alert: RolloutAlert }
);
