import type { DrainPolicy } from '../config.ts';
import type { Result } from '../ports.ts';
import type { Replacing } from '../service.ts';
import type { ClusterSeen } from './clusters.ts';
import type { Group, Hook } from './hooks.ts';
import type { RunningExecution } from './removal.ts';
import type { Stack } from './stack.ts';

/** An Auto Scaling group with its hooks. */
export interface GroupSeen {
  readonly group: Group;
  readonly hooks: Result<readonly Hook[]>;
}

/** A service whose tasks run on EC2 instances. */
export interface ServiceSeen extends Replacing {
  readonly name: string;
  readonly taskDefinition: string;
}

/** Tasks on EC2 instances that no service started. */
export interface StandaloneSeen {
  /** Task families, each as often as there are tasks of it. */
  readonly families: readonly string[];
  /** Tasks of the cluster, and how many of them were looked at. */
  readonly tasks: number;
  readonly lookedAt: number;
}

/** What runs in a cluster that has container instances of the groups looked at. */
export interface WorkloadSeen {
  readonly cluster: string;
  readonly services: Result<readonly ServiceSeen[]>;
  readonly standalone: Result<StandaloneSeen>;
}

/** The longest stop timeout of a task definition's containers in seconds; undefined: none says one, and the agent's holds. */
export interface TaskDefinitionSeen {
  readonly arn: string;
  readonly stopTimeoutSeconds: Result<number | undefined>;
}

export interface SubscriptionSeen {
  readonly protocol: string;
  readonly confirmed: boolean;
}

/** The version of the drain function that its alias leads to. */
export interface DrainFunctionSeen {
  readonly version: string;
  readonly durable: boolean;
  /** Active, Pending, Inactive or Failed; AWS may add others. */
  readonly state: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Everything that was looked at in one region; what could not be read is a failure in its place. */
export interface DoctorSeen {
  readonly stack: Stack;
  /** The groups that were asked for; empty: all of the region. */
  readonly named: readonly string[];
  readonly groups: Result<readonly GroupSeen[]>;
  readonly clusters: Result<readonly ClusterSeen[]>;
  readonly workloads: readonly WorkloadSeen[];
  readonly taskDefinitions: readonly TaskDefinitionSeen[];
  /** Task definitions beyond the number that are read. */
  readonly unreadTaskDefinitions: number;
  /** ARNs of the groups behind capacity providers with managed draining. */
  readonly managedDraining: Result<readonly string[]>;
  readonly subscriptions: Result<readonly SubscriptionSeen[]>;
  /** Messages that wait in the dead-letter queue, about. */
  readonly deadLetters: Result<number>;
  /** Undefined: there is no such function. */
  readonly drainFunction: Result<DrainFunctionSeen | undefined>;
  /** What the function was deployed with; or what is wrong with it; undefined where it could not be read. */
  readonly deployed: DrainPolicy | { readonly mistakes: string } | undefined;
  readonly running: Result<readonly RunningExecution[]>;
  /** The text of the switch; undefined: nobody has written one. */
  readonly switchText: Result<string | undefined>;
  /** Concurrent executions that Lambda has for functions without a reservation. */
  readonly unreservedConcurrency: Result<number>;
}
