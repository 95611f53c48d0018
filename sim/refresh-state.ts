import type { AutoScalingGroup, AutoScalingInstance } from './autoscaling-state.ts';
import type { LaunchSource } from './launch.ts';

/** As they hold, defaults filled in (AWS-CONTRACTS §5; "Understand the default values for an instance refresh"). */
export interface Preferences {
  readonly minHealthyPercent: number;
  readonly maxHealthyPercent: number;
  readonly warmupSeconds: number;
  /** Ending at 100 where all is to be replaced; empty for none. */
  readonly checkpoints: readonly number[];
  readonly checkpointDelaySeconds: number;
  readonly bakeSeconds: number;
  readonly skipMatching: boolean;
  readonly autoRollback: boolean;
  readonly scaleInProtected: 'Refresh' | 'Ignore' | 'Wait';
  readonly standby: 'Terminate' | 'Ignore' | 'Wait';
  readonly alarms: readonly string[];
}

export interface Refresh {
  readonly id: string;
  readonly group: AutoScalingGroup;
  readonly preferences: Preferences;
  readonly desired: LaunchSource | undefined;
  readonly startedAtMs: number;
  endedAtMs: number | undefined;
  status:
    | 'Pending'
    | 'InProgress'
    | 'Baking'
    | 'Successful'
    | 'Failed'
    | 'Cancelling'
    | 'Cancelled'
    | `Rollback${'InProgress' | 'Failed' | 'Successful'}`;
  because: string;
  /** What is still to be replaced, or was: the instances that it began with, or in a rollback those that it launched. */
  old: ReadonlySet<AutoScalingInstance>;
  /** Whatever was there when it began, to be replaced or not. */
  readonly present: ReadonlySet<AutoScalingInstance>;
  percent: number;
  left: number;
  /** How many checkpoints are passed. */
  passed: number;
  /** A checkpoint or the bake time lasts until then. */
  waitsUntilMs: number | undefined;
  progressAtMs: number;
  rollback:
    | { readonly because: string; readonly atMs: number; readonly percent: number; readonly left: number }
    | undefined;
}
