import type { Result } from '../ports.ts';
import type { Replacing } from '../service.ts';

/**
 * What watching and rolling out AMIs needs from the world, and no more. `src/aws` implements these. Operating errors are
 * values, as in src/ports.ts. Sizes are bounded by whoever asks: a fleet may have thousands of instances.
 */

/** One parameter of the parameter store: AWS's public ones, and the users' own. */
export interface ParameterSeen {
  readonly name: string;
  readonly value: string;
  readonly changedAtMs: number;
}

export interface ParametersPort {
  /** Those that exist, in as many calls as it takes; the others are left out. */
  readParameters(names: readonly string[]): Promise<Result<readonly ParameterSeen[]>>;
  writeParameter(name: string, value: string): Promise<Result<undefined>>;
}

/** What a claim takes beside reading and writing. */
export interface ClaimsPort {
  /** Writes it where there is none; false where there is one, which stays as it is. No two callers are both told true. */
  createParameter(name: string, value: string): Promise<Result<boolean>>;
  /** Also where there is none. */
  deleteParameter(name: string): Promise<Result<undefined>>;
}

export interface ImageSeen {
  readonly id: string;
  readonly name: string;
  /** Amazon itself made it: by owner alias, not by name. */
  readonly byAmazon: boolean;
  /** `x86_64`, `arm64`. */
  readonly architecture: string;
  readonly available: boolean;
  readonly createdAtMs: number;
  readonly deprecatedAtMs?: number;
}

export interface ImagesPort {
  /** Deprecated ones too; those that no longer exist, or that we may not see, are left out. */
  describeImages(ids: readonly string[]): Promise<Result<readonly ImageSeen[]>>;
}

/** Which version a fleet launches from: a number, `$Latest` or `$Default`. */
export interface TemplateRef {
  readonly templateId: string;
  readonly version: string;
}

/** A Spot Fleet is told by the name, where its request was made with that. */
export interface TemplateByName {
  readonly templateName: string;
  readonly version: string;
}

/** Where a fleet takes its instances' image from. */
export type LaunchSeen =
  | { readonly kind: 'template'; readonly template: TemplateRef }
  | {
      readonly kind: 'mixed';
      readonly template: TemplateRef;
      /** Some of its overrides ask for attributes instead of an instance type. */
      readonly byRequirements: boolean;
      /** At most 20 templates of their own, or images of their own (AWS-CONTRACTS §5); the others follow the base. */
      readonly overrides: readonly OverrideSeen[];
    }
  | { readonly kind: 'configuration'; readonly name: string }
  | { readonly kind: 'unknown' };

export interface OverrideSeen {
  /** Position in the policy: it is how an override is told from another. */
  readonly at: number;
  readonly instanceType?: string;
  readonly template?: TemplateRef;
  readonly imageId?: string;
}

export interface FleetInstance {
  readonly id: string;
  /** Undefined where EC2 does not know the instance yet, or not any more: neither old nor new may be concluded from that. */
  readonly imageId: string | undefined;
  /** What a group launched it from, with the number of the version; undefined where AWS does not tell. */
  readonly template?: TemplateRef;
  /** `InService`, `Pending`, …; of a Spot Fleet, `healthy`. */
  readonly state: string;
  readonly protectedFromScaleIn: boolean;
  /** Of a Spot Fleet's. */
  readonly instanceType?: string;
}

export interface GroupSeen {
  readonly name: string;
  readonly arn: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly min: number;
  readonly max: number;
  readonly desired: number;
  /** Names of suspended processes, `Launch` for one. */
  readonly suspended: readonly string[];
  readonly launch: LaunchSeen;
  readonly instances: readonly FleetInstance[];
  /** Instances that wait in its warm pool. */
  readonly warm: number;
}

/** As the API spells them (AWS-CONTRACTS §5). */
export type RefreshStatus =
  | 'Pending'
  | 'InProgress'
  | 'Successful'
  | 'Failed'
  | 'Cancelling'
  | 'Cancelled'
  | 'RollbackInProgress'
  | 'RollbackFailed'
  | 'RollbackSuccessful'
  | 'Baking';

export interface RefreshSeen {
  readonly id: string;
  readonly status: RefreshStatus;
  readonly because: string;
  /** Of the instances to update, in percent. */
  readonly percent: number;
  readonly left: number;
  readonly startedAtMs: number;
  readonly endedAtMs?: number;
  /** The template that the group is to launch from; of a mixed policy the base one. How ours is told from another's. */
  readonly template?: TemplateRef;
}

/**
 * What a refresh makes the group launch from: numbers only, or rollback is refused (AWS-CONTRACTS §5). Of a mixed policy
 * only the overrides that change are named; whatever else is in the policy stays as it is.
 */
export type Desired =
  | { readonly kind: 'template'; readonly template: TemplateRef }
  | { readonly kind: 'mixed'; readonly template: TemplateRef; readonly overrides: readonly OverrideSeen[] };

export interface RefreshPreferences {
  readonly minHealthyPercent: number;
  readonly maxHealthyPercent: number;
  /** Ascending, ending at 100; empty for none. */
  readonly checkpoints: readonly number[];
  readonly checkpointDelaySeconds: number;
  readonly bakeSeconds: number;
  readonly warmupSeconds?: number;
  readonly alarms: readonly string[];
  readonly autoRollback: boolean;
  readonly scaleInProtected: 'Refresh' | 'Ignore' | 'Wait';
  readonly standby: 'Terminate' | 'Ignore' | 'Wait';
  readonly skipMatching: boolean;
}

export interface GroupsPort {
  /** Of the whole region, opted in or not: for whoever asks what runs. */
  everyGroup(): Promise<Result<readonly GroupSeen[]>>;
  /** Every group that has the tag key, whatever its value. */
  taggedGroups(key: string): Promise<Result<readonly GroupSeen[]>>;
  /** What each group of the region launches from, opted in or not. */
  everyLaunch(): Promise<Result<readonly Pick<GroupSeen, 'name' | 'launch'>[]>>;
  describeGroup(name: string): Promise<Result<GroupSeen | undefined>>;
  /** What waits in the group's warm pool: those are not among its instances. */
  pooledInstances(group: string): Promise<Result<readonly FleetInstance[]>>;
  /** Terminate hooks of the group, by name, and where they notify. */
  terminateHooks(
    group: string,
  ): Promise<Result<readonly { readonly name: string; readonly targetArn: string | undefined }[]>>;
  /** Newest first; the latest few. */
  refreshes(group: string): Promise<Result<readonly RefreshSeen[]>>;
  /** The refresh's id. `gone`: there is no such group. `busy`: another refresh is under way. */
  startRefresh(
    group: string,
    /** Undefined: what the group launches from already. */
    desired: Desired | undefined,
    preferences: RefreshPreferences,
  ): Promise<Result<{ readonly id: string } | { readonly busy: true }>>;
  /** True when there was nothing to stop. */
  cancelRefresh(group: string): Promise<Result<{ readonly already: boolean }>>;
  /** Back to what it launched from before. `already`: none is under way that could be rolled back. */
  rollBackRefresh(group: string): Promise<Result<{ readonly already: boolean }>>;
}

export interface TemplateVersionSeen {
  readonly templateId: string;
  readonly number: number;
  readonly isLatest: boolean;
  readonly isDefault: boolean;
  /** The template's own words: an image id, or `resolve:ssm:<parameter>`; undefined where it names none. */
  readonly image: string | undefined;
  readonly instanceType: string | undefined;
  /** It asks for attributes instead of an instance type. */
  readonly byRequirements: boolean;
}

export interface TemplatesPort {
  /** What a number, `$Latest` or `$Default` means now; undefined when there is no such version. */
  describeTemplate(template: TemplateRef | TemplateByName): Promise<Result<TemplateVersionSeen | undefined>>;
  /**
   * A new version made from another one, with another image; the same token makes the same version. It is made also
   * when AWS finds something in it that is not valid: that is in `warnings`, which a repeated call may not say again.
   */
  createVersion(
    source: { readonly templateId: string; readonly number: number },
    imageId: string,
    token: string,
    description: string,
  ): Promise<Result<{ readonly number: number; readonly warnings: readonly string[] }>>;
}

/** What becomes of instances above a target that is lowered, as the API spells it: they stay, or are terminated. */
export type ExcessPolicy = 'noTermination' | 'default';

/** One place of a Spot Fleet's request that leads to an image. */
export interface SpotPlaceSeen {
  readonly at: number;
  readonly instanceType?: string;
  readonly template?: TemplateRef | TemplateByName;
  readonly imageId?: string;
}

export interface SpotFleetSeen {
  readonly id: string;
  readonly tags: Readonly<Record<string, string>>;
  /** `active`, `modifying`, `cancelled_running`, … */
  readonly state: string;
  readonly createdAtMs: number;
  readonly type: string;
  readonly targetCapacity: number;
  readonly fulfilledCapacity: number;
  /** Of the target, what is to be On-Demand. */
  readonly onDemandCapacity: number;
  readonly excess: ExcessPolicy;
  readonly validFromMs?: number;
  readonly validUntilMs?: number;
  /** How many units of capacity an instance counts, by its type; one each where no type counts otherwise. */
  readonly weights?: Readonly<Record<string, number>>;
  /** One for each of its launch template configurations (`template`), or of its launch specifications (`imageId`). */
  readonly launch: readonly SpotPlaceSeen[];
  /** How many of them are launch specifications: all or none. */
  readonly specifications: number;
}

export interface SpotFleetsPort {
  /** Those too that were cancelled in the last 48 hours. */
  taggedFleets(key: string): Promise<Result<readonly SpotFleetSeen[]>>;
  describeFleet(id: string): Promise<Result<SpotFleetSeen | undefined>>;
  /**
   * What the fleet's list has, which "might be out of date" (AWS-CONTRACTS §6), and what EC2 has tagged as the fleet's;
   * those that EC2 knows to be terminated are left out.
   */
  fleetInstances(id: string): Promise<Result<readonly FleetInstance[]>>;
  /**
   * A fleet like the old one, its tags and its end included, with other images by their place in `launch`: a template's
   * version, or the image of a launch specification; `tags` are its from its first moment on, beside the old one's. The
   * same token makes the same fleet, whatever became of the old one meanwhile: it is known by `tags`. Its id.
   */
  copyFleet(
    id: string,
    images: readonly OverrideSeen[],
    token: string,
    tags: Readonly<Record<string, string>>,
  ): Promise<Result<string>>;
  /**
   * Refused for some seconds after another change (`other`).
   * @param excess what becomes of instances above the target, then and later on; unless given, they stay.
   */
  setTarget(id: string, capacity: number, excess?: ExcessPolicy): Promise<Result<undefined>>;
  cancelFleet(id: string): Promise<Result<undefined>>;
  /** Application Auto Scaling looks after its target: a copy would lose that. */
  hasScalableTarget(id: string): Promise<Result<boolean>>;
  /** The CloudFormation stack that it belongs to, by name. */
  stackOf(id: string): Promise<Result<string | undefined>>;
}

/** An instance that counts towards one of EC2's quotas of vCPUs. */
export interface RunningSeen {
  readonly id: string;
  /** `m7i.xlarge`. */
  readonly type: string;
  readonly market: 'on-demand' | 'spot';
  readonly vCpus: number;
}

export interface QuotaSeen {
  /** As AWS calls it: `Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances`. */
  readonly name: string;
  readonly vCpus: number;
}

/** What may not be read is unknown here and no failure: whoever rolls out goes on without it. */
export interface QuotasPort {
  /** All of the region that run or are about to, whoever's they are; undefined where there are too many to count. */
  running(): Promise<Result<readonly RunningSeen[] | undefined>>;
  /** What a quota of EC2 allows; undefined where Service Quotas knows none of that code. */
  quota(code: string): Promise<Result<QuotaSeen | undefined>>;
}

/** A container instance of a fleet, and what it runs. */
export interface HostSeen {
  readonly instanceId: string;
  readonly status: string;
  readonly agentConnected: boolean;
  readonly agentVersion: string | undefined;
  /** Like `Docker version 25.0.8`, as AWS's parameters spell it too. */
  readonly runtimeVersion: string | undefined;
  readonly runningTasks: number;
}

/** A service, as far as it is steady, and may be moved. */
export interface SteadySeen extends Replacing {
  readonly service: string;
  readonly running: number;
  readonly pending: number;
  readonly deployments: number;
}

export interface ClustersPort {
  /**
   * The clusters in which the EC2 instances are registered; most fleets have one.
   * @param likely are asked first; the others only when some of the instances are in none of these.
   */
  clustersOf(instanceIds: readonly string[], likely: readonly string[]): Promise<Result<readonly string[]>>;
  /** The registrations of these EC2 instances in the cluster. */
  hosts(cluster: string, instanceIds: readonly string[]): Promise<Result<readonly HostSeen[]>>;
  /** Those whose tasks run on EC2 instances. */
  services(cluster: string): Promise<Result<readonly SteadySeen[]>>;
  /** The ARNs of groups whose instances a capacity provider protects from scale-in, and lets go of by itself. */
  terminationProtectedGroups(): Promise<Result<readonly string[]>>;
  /** Sets the registrations of these EC2 instances ACTIVE again; those that are gone are left out. */
  activate(cluster: string, instanceIds: readonly string[]): Promise<Result<undefined>>;
}

/** The topic of releases. */
export interface AnnouncementPort {
  publish(message: {
    readonly subject: string;
    readonly body: string;
    readonly attributes: Readonly<Record<string, string>>;
  }): Promise<Result<undefined>>;
}

/** How a named execution stands. */
export interface ExecutionSeen {
  readonly status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'STOPPED';
  /** What it ended with, as JSON. */
  readonly result?: string;
}

export interface RolloutExecutionsPort {
  /** Starts the durable execution of that name, or joins the one that exists, and says how it stands. */
  run(name: string, request: object): Promise<Result<ExecutionSeen>>;
  /** Starts it, unless there is one of that name, whatever that one was asked for and however it ended. */
  start(name: string, request: object): Promise<Result<undefined>>;
}

/** An order of one drain. What is the same in all of it is the same order. */
export interface DrainOrder {
  readonly instanceId: string;
  /** At most 40 letters, digits and hyphens. */
  readonly id: string;
  readonly reason: string;
  /** ISO 8601; the drain's deadline counts from it. */
  readonly noticedAt: string;
}

export interface DrainsPort {
  /** Orders the drain of one instance, or joins the order that exists, and says how it stands. */
  drain(order: DrainOrder): Promise<Result<ExecutionSeen>>;
}
