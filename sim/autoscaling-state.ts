import type { Launched, LaunchSource } from './launch.ts';
import type { LifecycleAction, LifecycleHook, Move } from './lifecycle.ts';

/** The ways out of service that hooks can hold up, and what their notices say (AWS-CONTRACTS §1). */
export const WAYS = {
  Terminating: { origin: 'AutoScalingGroup', destination: 'EC2' },
  'Warmed:Terminating': { origin: 'WarmPool', destination: 'EC2' },
  'Warmed:Pending': { origin: 'AutoScalingGroup', destination: 'WarmPool' },
  ReplacingRootVolume: { origin: 'AutoScalingGroup', destination: 'AutoScalingGroup', action: 'ReplaceRootVolume' },
} as const satisfies Record<string, Omit<Move, 'instanceId' | 'group'>>;

export type Way = keyof typeof WAYS;
export type LifecycleState =
  | 'Pending'
  | 'InService'
  | 'Standby'
  | 'Warmed:Stopped'
  | 'RootVolumeReplaced'
  | Way
  | `${Way}:${'Wait' | 'Proceed'}`
  | `${Exclude<Way, 'ReplacingRootVolume'>}:Retained`;

export interface AutoScalingInstance {
  readonly id: string;
  readonly group: AutoScalingGroup;
  readonly launched: Launched;
  /** Since when it is InService; undefined when it has not been yet. */
  inServiceAtMs: number | undefined;
  /** The state as it is. What DescribeAutoScalingInstances says can be older: see `shown`. */
  state: LifecycleState;
  /** States and since when the API shows them, the oldest first. */
  readonly shown: { readonly state: LifecycleState; readonly fromMs: number }[];
  actions: readonly LifecycleAction[];
  protectedFromScaleIn: boolean;
  /** Its EC2 instance is gone, and the group has not come to an end with it. */
  isGone: boolean;
}

export interface AutoScalingGroup {
  readonly name: string;
  readonly arn: string;
  /** The ECS cluster that its instances join, if any. */
  readonly cluster: string | undefined;
  readonly min: number;
  readonly max: number;
  desired: number;
  /** Undefined where nothing says it: then every launch gets the same image. */
  launch: LaunchSource | undefined;
  /** What an instance refresh launches from meanwhile. */
  launching: LaunchSource | undefined;
  /** How many launches there were: overrides take turns. */
  launches: number;
  /** False while there is no capacity for it to launch in. */
  hasCapacity: boolean;
  /** Another try to launch is due. */
  retrying: boolean;
  /** Names of its suspended processes, for good. */
  readonly suspended: ReadonlySet<string>;
  readonly tags: Readonly<Record<string, string>>;
  /** `NewInstancesProtectedFromScaleIn`; its first instances are protected too. */
  readonly protectedFromScaleIn: boolean;
  /** `TerminateHookAbandon: retain` (AWS-CONTRACTS §1). */
  readonly retainOnAbandon: boolean;
  readonly createdAtMs: number;
  readonly instances: Map<string, AutoScalingInstance>;
  readonly hooks: Map<string, LifecycleHook>;
}

type Given<T> = { readonly [K in keyof T]?: T[K] | undefined };

export type GroupSpec = { readonly name: string; readonly desired: number } & Given<
  Pick<
    AutoScalingGroup,
    'cluster' | 'min' | 'max' | 'launch' | 'suspended' | 'tags' | 'protectedFromScaleIn' | 'retainOnAbandon'
  >
> & {
    /** Instances that wait in its warm pool, stopped. */
    readonly warm?: number | undefined;
  };
export type HookSpec = { readonly name: string } & Given<Omit<LifecycleHook, 'name'>>;

/** What AWS-CONTRACTS §1 leaves open, as this seed has it. */
export interface UnverifiedAutoScaling {
  /** Actions of a deleted hook end at once with CONTINUE, as the API reference has it; otherwise they go on to their timeout. */
  readonly deletedHookLetsGo: boolean;
  /** An instance that ended in service still passes through the hooks, when a health check finds it gone. */
  readonly goneInstancePassesHooks: boolean;
  /** A replacement of the root volume that a hook abandons is carried out; otherwise the instance is in service again at once. */
  readonly abandonedVolumeIsReplaced: boolean;
}
