import { newer } from './family.ts';
import type { QuotaFacts } from './quotas.ts';
import type { FleetPolicy, TagMistakes } from './tags.ts';

/** The image that is to be rolled out: from the parameter store and from EC2, whatever a message said. */
export interface Target {
  /** A family of family.ts, or the name of the parameter that fleets follow. */
  readonly source: string;
  /** The family of its image; undefined for an image that AWS did not make. */
  readonly family: string | undefined;
  /** Like `2023.0.20261115`; the image's id where it has no version. */
  readonly version: string;
  readonly imageId: string;
  readonly architecture: string;
  /** Like `6.1`, where the image's name says it. */
  readonly kernel?: string;
  readonly agentVersion?: string;
  readonly runtimeVersion?: string;
  /** When the parameter began to say so. */
  readonly releasedAtMs: number;
}

/** What an image brings along, as far as it is known: as people are told of what there is, and of what there was before. */
export function contentsOf({
  kernel,
  agentVersion,
  runtimeVersion,
}: {
  readonly kernel?: string | undefined;
  readonly agentVersion?: string | undefined;
  readonly runtimeVersion?: string | undefined;
}): string[] {
  return [
    ...(kernel === undefined ? [] : [`kernel ${kernel}`]),
    ...(agentVersion === undefined ? [] : [`agent ${agentVersion}`]),
    ...(runtimeVersion === undefined ? [] : [runtimeVersion]),
  ];
}

/** One place in a fleet's launch settings that names an image. */
export interface Slot {
  /** The base, or the place of an override in its list. */
  readonly at: 'base' | number;
  /** Where the image is written: a template's version, an override, or a parameter that the template resolves. */
  readonly template?: {
    readonly id: string;
    readonly number: number;
    readonly asked: string;
    /** It asks for attributes instead of an instance type. */
    readonly byRequirements?: true;
  };
  readonly written: 'image' | 'parameter' | 'override';
  readonly imageId: string;
  /** Undefined for an image that is no ECS-optimized one of AWS's. */
  readonly family: string | undefined;
  readonly version: string | undefined;
  readonly architecture: string | undefined;
  readonly kernel?: string;
}

/** What the name of one of AWS's ECS images says. */
export interface ImageName {
  readonly family: string;
  readonly version: string;
  readonly kernel?: string;
}

/** What one fleet is like, in a few hundred bytes: counts instead of lists, as far as decisions go. */
export interface FleetFacts {
  /** `group/<name>` or `spot-fleet/<id>`. */
  readonly id: string;
  readonly policy: FleetPolicy | TagMistakes;
  /** `configuration`: a launch configuration, which no version can be made of. */
  readonly launch: 'template' | 'mixed' | 'configuration' | 'specifications' | 'unknown';
  readonly slots: readonly Slot[];
  /** Why a place that it launches from names no image that could be read; three at most. */
  readonly unread: readonly string[];
  /** Other groups that launch `$Latest` of a template of these slots, by the template's id: what is written there is theirs at once. */
  readonly latestOf?: Readonly<Record<string, readonly string[]>>;
  /** An override of it asks for attributes instead of an instance type. */
  readonly byRequirements?: true;
  /** Instances by image id; at most ten images, the others summed up as `other`; `unknown`: EC2 does not know them yet. */
  readonly images: Readonly<Record<string, number>>;
  /** Those of them that are AWS's and that no slot names, by id. */
  readonly named: Readonly<Record<string, ImageName>>;
  /** The agents and runtimes of a few of them, by image id, like `agent 1.97.0, Docker version 25.0.8`: only told of. */
  readonly agents?: Readonly<Record<string, readonly string[]>>;
  readonly desired: number;
  /** The most that the group may have; undefined for what knows no such bound. */
  readonly max?: number;
  /** What drains an instance that is replaced; `none`: nobody, and tasks would be cut off. */
  readonly drainedBy: 'hook' | 'managed-draining' | 'order' | 'none';
  /** An instance refresh is under way, of ours or of somebody else. */
  readonly refreshing: boolean;
  readonly suspended: readonly string[];
  readonly protectedFromScaleIn: number;
  /** A capacity provider protects its instances, and lets go of those that are empty: not a person. */
  readonly managedProtection: boolean;
  /** Instances in Standby, a few by name: a refresh leaves them as they are. */
  readonly standby?: readonly string[];
  readonly warm: number;
  readonly clusters: readonly string[];
  /** Services that lack tasks, or that somebody deploys: nothing begins meanwhile. */
  readonly unsteady: readonly string[];
  /** Those of them that lack tasks, or wait for some to start: a deployment alone is not held against what was begun. */
  readonly lacking: readonly string[];
  /** Services of whose tasks ECS may neither stop one first nor start one more (service.ts). */
  readonly immovable: readonly string[];
  /** Whether what it launches meanwhile fits into EC2's quotas; undefined where that is not known. */
  readonly quota?: QuotaFacts;
  /** What else forbids to copy it, of a Spot Fleet: a scalable target, an end of validity, CloudFormation. */
  readonly bound: readonly string[];
  /** Why a Spot Fleet is not to be changed just now: it is being changed, or not yet set up. */
  readonly unsettled?: string;
  /** Why another rollout is at work on it, of a Spot Fleet. */
  readonly beside?: string;
  /** The Spot Fleet that it was made a copy of, and whether that one is there still. */
  readonly copyOf?: { readonly id: string; readonly isThere: boolean };
}

/**
 * The families whose releases concern a fleet: of what it launches; and of what its instances run, where what it launches
 * cannot be read in full.
 */
export function familiesOf({ slots, unread, named }: FleetFacts): ReadonlySet<string> {
  const launched = slots.flatMap(({ family }) => family ?? []);
  const run = slots.length > 0 && unread.length === 0 ? [] : Object.values(named).map(({ family }) => family);
  return new Set([...launched, ...run]);
}

/** What stands in `images` for an image that is not known: neither old nor new. */
export const UNKNOWN_IMAGE = 'unknown';

/** Where a slot or an instance stands against a target. */
export type Standing = 'at-target' | 'older' | 'newer' | 'other';

export function standingOf(slot: Slot, target: Target): Standing {
  if (slot.imageId === target.imageId) return 'at-target';
  if (slot.architecture !== undefined && slot.architecture !== target.architecture) return 'other';
  // Whoever follows a parameter wants what it says, forwards or back.
  if (target.source.startsWith('/')) {
    return slot.family === undefined || target.family === undefined || slot.family === target.family
      ? 'older'
      : 'other';
  }
  if (slot.family !== target.family || slot.version === undefined) return 'other';
  return newer(slot.version, target.version) ? 'newer' : 'older';
}

/** It launches from a number: `$Latest` and `$Default` are something else tomorrow. */
export function isNumbered({ template }: Slot): boolean {
  return template === undefined || /^\d+$/.test(template.asked);
}

/** AWS refuses to go back to what is not a number, or not an image: `$Latest`, `$Default`, a parameter (AWS-CONTRACTS §5). */
export function canRollBack({ slots }: FleetFacts): boolean {
  return slots.every((slot) => slot.written !== 'parameter' && isNumbered(slot));
}

/** Images that a fleet launches beside those that the target concerns: their instances are not old. */
export function imagesThatStay(slots: readonly Slot[], target: Target): ReadonlySet<string> {
  const isKept = (slot: Slot) => ['other', 'newer'].includes(standingOf(slot, target));
  return new Set(slots.filter(isKept).map(({ imageId }) => imageId));
}
