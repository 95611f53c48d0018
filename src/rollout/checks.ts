import type { SwitchMode } from './control.ts';
import type { FleetFacts } from './fleet.ts';
import type { QuotaFacts } from './quotas.ts';

/** Something that keeps a fleet from being rolled. `passes`: it may be otherwise soon, and is worth waiting for. */
export interface Blocker {
  readonly because: string;
  readonly passes: boolean;
  /** What it is about, where its words say how much as well: that may change from look to look, and is no news. */
  readonly about?: string;
}

/** How the drains of one fleet go, by stack and switch. */
export interface DrainRules {
  readonly mode: SwitchMode;
  /** What one may take at most. */
  readonly deadlineSeconds: number;
}

/** Processes without which an instance refresh does nothing, or leaves the group short. */
const NEEDED = ['Launch', 'Terminate', 'ReplaceUnhealthy', 'HealthCheck', 'InstanceRefresh'];

/** An instance refresh fails after an hour without progress (AWS-CONTRACTS §5), and a drain counts against it. */
const HOUR_SECONDS = 3_600;
const HOUR_MARGIN_SECONDS = 600;

/** What forbids to replace this fleet's instances now, the reason that a person can act on first. Pure. */
export function blockersOf(facts: FleetFacts, drainDeadlineSeconds: number): Blocker[] {
  const lasting = (because: string): Blocker => ({ because, passes: false });
  const passing = (because: string): Blocker => ({ because, passes: true });
  const { suspended, desired, immovable, unsteady } = facts;
  const missing = suspended.filter((process) => NEEDED.includes(process));
  const blockers: Blocker[] = [];
  if (facts.drainedBy === 'none') {
    blockers.push(
      lasting('nothing drains its instances: attach the hook first (ecs-drain attach), or turn managed draining on'),
    );
  }
  if (facts.drainedBy === 'hook' && drainDeadlineSeconds > HOUR_SECONDS - HOUR_MARGIN_SECONDS) {
    blockers.push(
      lasting(
        `a drain may take ${minutes(drainDeadlineSeconds)}, and an instance refresh fails after an hour without progress: lower the drain's deadline for this group`,
      ),
    );
  }
  blockers.push(...protectedByHand(facts).map(lasting));
  // Whether a refresh may launch past the maximum is not documented; where it may not, it would fail after an hour.
  if (keepsAll(facts) && facts.max !== undefined && desired >= facts.max) {
    blockers.push(
      lasting(
        'it is at its maximum size, and none of its instances may go first: raise the maximum, or tag it ecs-drain:healthy 90-100',
      ),
    );
  }
  if (immovable.length > 0) {
    blockers.push(
      lasting(
        `${some(immovable)}: by minimum and maximum healthy percent ECS may neither stop a task first nor start one more: raise maximumPercent or lower minimumHealthyPercent`,
      ),
    );
  }
  blockers.push(...facts.bound.map(lasting));
  if (facts.beside !== undefined) blockers.push(passing(facts.beside));
  if (facts.unsettled !== undefined) blockers.push(passing(facts.unsettled));
  blockers.push(...inNoCluster(facts).map(passing));
  if (facts.refreshing) blockers.push(passing('an instance refresh is under way already'));
  const [aside] = facts.standby ?? [];
  if (aside !== undefined) {
    blockers.push(
      passing(`${aside} is in Standby, and a refresh would leave it as it is: return it to service, or end it`),
    );
  }
  if (missing.length > 0) blockers.push(passing(`its processes ${missing.join(', ')} are suspended: resume them`));
  if (facts.quota && facts.quota.neededVCpus > facts.quota.leftVCpus) {
    blockers.push({ ...passing(beyond(facts.id, facts.quota)), about: facts.quota.name });
  }
  if (unsteady.length > 0) blockers.push(passing(`${some(unsteady)}: not steady, and a rollout would make it worse`));
  return blockers;
}

/** What a capacity provider protects, a refresh is told to replace, and ECS lets go of the empty ones by itself. */
function protectedByHand({ protectedFromScaleIn: count, managedProtection }: FleetFacts): string[] {
  if (managedProtection || count === 0) return [];
  return [
    `${count} of its instances ${count === 1 ? 'is' : 'are'} protected from scale-in, and no capacity provider does that: end the protection, or leave the group out`,
  ];
}

/** Whether a new instance is at work could not be seen. */
function inNoCluster({ clusters, desired }: FleetFacts): string[] {
  return clusters.length > 0 || desired === 0 ? [] : ['none of its instances is registered in any cluster'];
}

/** Shown in a plan; in a course it is a pause. */
export function heldBlocker(mode: SwitchMode): Blocker | undefined {
  if (mode === 'act') return undefined;
  const says = mode === 'unknown' ? 'cannot be understood' : `says ${mode}`;
  return { because: `the switch ${says}: nothing is rolled out until it says act (ecs-drain resume)`, passes: true };
}

function keepsAll({ policy }: FleetFacts): boolean {
  return !('mistakes' in policy) && policy.minHealthyPercent >= 100;
}

function beyond(id: string, { name, instances, neededVCpus, leftVCpus }: QuotaFacts): string {
  const left = Math.max(0, leftVCpus);
  const words = (what: string) =>
    `${what} ${neededVCpus} vCPUs, and ${left} ${left === 1 ? 'is' : 'are'} left of "${name}": ask for more in Service Quotas`;
  if (id.startsWith('spot-fleet/')) return words('its copy needs');
  if (instances === 1) return words('a new instance needs');
  return `${words(`${instances} instances at once need`)}, or let fewer go at once (ecs-drain:healthy)`;
}

function some(services: readonly string[]): string {
  const named = services.slice(0, 3).join(', ');
  const more = services.length - 3;
  return `${services.length === 1 ? 'service' : 'services'} ${named}${more > 0 ? ` and ${more} more` : ''}`;
}

function minutes(seconds: number): string {
  return `${Math.round(seconds / 60)} min`;
}
