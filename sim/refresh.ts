import type { AutoScalingGroup, AutoScalingInstance } from './autoscaling-state.ts';
import type { Launches, LaunchSource } from './launch.ts';
import type { Preferences, Refresh } from './refresh-state.ts';
import type { World } from './world.ts';

/** "14 days at most; an hour without progress fails it" (AWS-CONTRACTS §5). */
const LONGEST_MS = 14 * 86_400_000;
const WITHOUT_PROGRESS_MS = 3_600_000;
/** How often it looks at its group. Our figure: AWS publishes none. */
const LOOK_SECONDS = 15;
const PENDING_SECONDS = 10;
/** From the success of a refresh until its warm pool is renewed, where that comes after it. Our figure. */
const POOL_SECONDS = 300;

export interface Refreshes {
  /** Of a group, the oldest first. */
  of(group: AutoScalingGroup): readonly Refresh[];
  /** The one that has not ended. */
  active(group: AutoScalingGroup): Refresh | undefined;
  start(group: AutoScalingGroup, desired: LaunchSource | undefined, preferences: Preferences): Refresh;
  /** Waits for what it launches and terminates just now, drains included (API reference of CancelInstanceRefresh). */
  cancel(refresh: Refresh): void;
  rollBack(refresh: Refresh, because: string): void;
}

/** Replaces the instances of a group through the group itself, so that every hook fires (AWS-CONTRACTS §5). */
export function createRefreshes(
  world: World,
  region: {
    launches: Launches | undefined;
    launch: (group: AutoScalingGroup) => AutoScalingInstance | undefined;
    /** Terminates it; the group launches another only as far as it is below its desired capacity then. */
    terminate: (instance: AutoScalingInstance) => void;
    /** Scales in what is above the desired capacity. */
    trim: (group: AutoScalingGroup) => void;
    /** Replaces what waits in the warm pool. */
    renewWarmPool: (group: AutoScalingGroup) => void;
    isAlarm: (name: string) => boolean;
  },
): Refreshes {
  const { clock } = world;
  const byGroup = new Map<AutoScalingGroup, Refresh[]>();
  // UNVERIFIED: whether the next batch waits for the terminations of the last. Either way a drain counts against the hour.
  const waitsForTerminations = world.random('unverified/refresh-waits-for-terminations').chance(0.5);
  // UNVERIFIED: whether it may launch past the group's maximum size.
  const exceedsMaximum = world.random('unverified/refresh-exceeds-maximum').chance(0.5);

  // UNVERIFIED: how skip matching takes what the user guide does not name.
  const matching = {
    resolvesVersions: world.random('unverified/refresh-matching-resolves-versions').chance(0.5),
    seesImages: world.random('unverified/refresh-matching-sees-images').chance(0.5),
  };

  // UNVERIFIED: whether a refresh is over before its group's warm pool is renewed.
  const poolSeconds = world.random('unverified/refresh-pool-after-success').chance(0.5) ? POOL_SECONDS : 0;

  const isStaying = ({ state }: AutoScalingInstance): boolean => state === 'Pending' || state === 'InService';
  const isGoing = ({ state }: AutoScalingInstance): boolean => state.startsWith('Terminating');
  const staying = ({ group }: Refresh): AutoScalingInstance[] => [...group.instances.values()].filter(isStaying);
  const isOpen = ({ status }: Refresh): boolean =>
    /^(Pending|InProgress|Baking|Cancelling|RollbackInProgress)$/.test(status);

  const tell = (refresh: Refresh, status: Refresh['status'], because: string): void => {
    refresh.status = status;
    refresh.because = because;
  };

  const end = (refresh: Refresh, status: Refresh['status'], because: string): void => {
    const { group, desired } = refresh;
    tell(refresh, status, because);
    refresh.endedAtMs = clock.nowMs();
    group.launching = undefined;
    // The group changes with the success and not before (terraform-provider-aws#39007).
    if (status === 'Successful' && desired !== undefined) group.launch = desired;
    if (status === 'Successful') clock.after(poolSeconds * 1000, () => region.renewWarmPool(group));
    region.trim(group);
  };

  const rollBack = (refresh: Refresh, because: string): void => {
    const { percent, left } = refresh;
    refresh.rollback = { because, atMs: clock.nowMs(), percent, left };
    refresh.group.launching = undefined;
    refresh.old = new Set(staying(refresh).filter((instance) => !refresh.present.has(instance)));
    refresh.percent = 0;
    refresh.left = refresh.old.size;
    refresh.progressAtMs = clock.nowMs();
    refresh.waitsUntilMs = undefined;
    tell(refresh, 'RollbackInProgress', because);
  };

  const fail = (refresh: Refresh, because: string): void => {
    if (refresh.status === 'RollbackInProgress') end(refresh, 'RollbackFailed', because);
    else if (refresh.preferences.autoRollback) rollBack(refresh, because);
    else end(refresh, 'Failed', because);
  };

  /** How it stands: `fresh` ones count when they are InService for as long as the warm-up says. */
  const look = (refresh: Refresh) => {
    const { group, old } = refresh;
    const here = staying(refresh);
    const warmSinceMs = clock.nowMs() - refresh.preferences.warmupSeconds * 1000;
    const isReady = (instance: AutoScalingInstance): boolean => (instance.inServiceAtMs ?? Infinity) <= warmSinceMs;
    const aside = [...old].filter(({ state }) => state === 'Standby');
    const remaining = [...here.filter((instance) => old.has(instance)), ...aside];
    const fresh = here.filter((instance) => !old.has(instance));
    const ready = fresh.filter(isReady);
    const going = [...old].filter((instance) => group.instances.has(instance.id) && isGoing(instance));
    // What is not ready yet is no replacement, unless it comes before what it replaces is gone.
    const above = Math.max(0, here.length - group.desired);
    const unready = Math.max(0, fresh.length - ready.length - above) + Math.max(0, group.desired - here.length);
    const replaced = Math.max(0, old.size - remaining.length - unready);
    return { here, remaining, fresh, ready, going, replaced };
  };
  type Look = ReturnType<typeof look>;

  /** Takes away and launches as many as the percentages and the next checkpoint allow. */
  const replace = (refresh: Refresh, seen: Look, allowed: number): void => {
    const { group, preferences } = refresh;
    const { minHealthyPercent, maxHealthyPercent, scaleInProtected, standby } = preferences;
    const aside = [...group.instances.values()].filter(({ state }) => state === 'Standby');
    // "Waits one hour for you to return the instances to service. Otherwise, the instance refresh will fail" (API reference).
    if (standby === 'Wait' && aside.length > 0) return;
    if (standby === 'Terminate') for (const instance of aside) region.terminate(instance);
    if (group.suspended.has('Terminate') || (waitsForTerminations && seen.going.length > 0)) return;
    const candidates = seen.remaining.filter((one) => scaleInProtected === 'Refresh' || !one.protectedFromScaleIn);
    // One that is not in service costs no healthy capacity.
    candidates.sort((one, other) => Number(one.state === 'InService') - Number(other.state === 'InService'));
    const idle = candidates.filter(({ state }) => state !== 'InService').length;
    const healthy = seen.remaining.filter(({ state }) => state === 'InService').length + seen.ready.length;
    // "Rounded up to the nearest integer" (API reference of RefreshPreferences). That a small group below 100 percent goes
    // on one by one all the same is UNVERIFIED, and what people see.
    const spare = healthy - Math.ceil((group.desired * minHealthyPercent) / 100);
    const least = minHealthyPercent < 100 && healthy >= group.desired ? 1 : 0;
    const count = Math.max(0, Math.min(allowed, idle + Math.max(least, spare), candidates.length));
    for (const instance of candidates.slice(0, count)) region.terminate(instance);
    // "Launch the new instances first if the minimum healthy percentage is 100" (user guide, how an instance refresh works).
    const most = Math.floor((group.desired * maxHealthyPercent) / 100);
    const wanted = minHealthyPercent === 100 ? Math.max(most, group.desired + 1) : most;
    const ceiling = exceedsMaximum ? wanted : Math.min(wanted, group.max);
    const above = seen.here.length - count - group.desired;
    const room = Math.min(
      ceiling - seen.here.length + count,
      allowed - count - above,
      candidates.length - count - above,
    );
    for (let i = 0; i < room; i++) if (region.launch(group) === undefined) break;
  };

  const problemOf = ({ startedAtMs, progressAtMs, preferences, status }: Refresh): string | undefined => {
    const alarm = status === 'RollbackInProgress' ? undefined : preferences.alarms.find(region.isAlarm);
    if (alarm !== undefined) return `The CloudWatch alarm ${alarm} is in the ALARM state.`;
    if (clock.nowMs() - startedAtMs >= LONGEST_MS) return 'The instance refresh took 14 days.';
    return clock.nowMs() - progressAtMs >= WITHOUT_PROGRESS_MS ? 'No progress was made within an hour.' : undefined;
  };

  const tally = (refresh: Refresh, { replaced }: Look): void => {
    const total = refresh.old.size;
    const percent = total === 0 ? 100 : Math.floor((100 * replaced) / total);
    if (percent > refresh.percent || total - replaced < refresh.left) refresh.progressAtMs = clock.nowMs();
    refresh.percent = Math.max(refresh.percent, percent);
    refresh.left = Math.min(refresh.left, total - replaced);
  };

  const step = (refresh: Refresh): void => {
    const { preferences, group } = refresh;
    const seen = look(refresh);
    tally(refresh, seen);
    const problem = problemOf(refresh);
    if (problem !== undefined) fail(refresh, problem);
    if (problem !== undefined || group.suspended.has('InstanceRefresh')) return;
    // "The minimum percentage of instances that must be new before the checkpoint is reached" (user guide, checkpoints).
    const checkpoints = refresh.status === 'RollbackInProgress' ? [] : preferences.checkpoints;
    const checkpoint = checkpoints[refresh.passed] ?? 100;
    const target = Math.ceil((refresh.old.size * checkpoint) / 100);
    if (seen.replaced < target) {
      replace(refresh, seen, target - (refresh.old.size - seen.remaining.length));
      if (refresh.status === 'InProgress') refresh.because = waiting(refresh, seen);
    } else if (refresh.passed < checkpoints.length - 1) {
      pause(refresh, preferences.checkpointDelaySeconds, `Waiting at the checkpoint of ${checkpoint} percent.`);
    } else if (seen.going.length === 0) finish(refresh);
  };

  const pause = (refresh: Refresh, seconds: number, because: string): void => {
    refresh.waitsUntilMs = clock.nowMs() + seconds * 1000;
    refresh.because = because;
  };

  const finish = (refresh: Refresh): void => {
    const { status, preferences, because } = refresh;
    if (status === 'RollbackInProgress') end(refresh, 'RollbackSuccessful', because);
    else if (preferences.bakeSeconds === 0) end(refresh, 'Successful', '');
    else {
      refresh.status = 'Baking';
      pause(refresh, preferences.bakeSeconds, 'Waiting for the bake time to pass.');
    }
  };

  /** At a checkpoint, or baking. That is no want of progress; an alarm ends it all the same. */
  const wait = (refresh: Refresh, untilMs: number): void => {
    refresh.progressAtMs = clock.nowMs();
    const problem = problemOf(refresh);
    if (problem !== undefined) return void fail(refresh, problem);
    if (clock.nowMs() < untilMs) return;
    refresh.waitsUntilMs = undefined;
    refresh.passed += 1;
    if (refresh.status === 'Baking') end(refresh, 'Successful', '');
  };

  const waiting = ({ group }: Refresh, seen: Look): string => {
    const id = (instances: readonly AutoScalingInstance[]): string => instances[0]?.id ?? '';
    const warming = seen.fresh.filter((instance) => !seen.ready.includes(instance));
    // The first wording is from public logs; the others are UNVERIFIED.
    if (warming.length > 0) {
      return `Waiting for instances to warm up before continuing. For example: ${id(warming)} is warming up.`;
    }
    if (seen.going.length > 0) return `Waiting for instances to terminate. For example: ${id(seen.going)}.`;
    const guarded = seen.remaining.filter(({ protectedFromScaleIn }) => protectedFromScaleIn);
    if (guarded.length > 0) return `Instances are protected from scale in. For example: ${id(guarded)}.`;
    return `Waiting for the instances of ${group.name} to be available.`;
  };

  const advance = (refresh: Refresh): void => {
    if (refresh.status === 'Cancelling') {
      const { fresh, ready, going } = look(refresh);
      if (going.length === 0 && fresh.length === ready.length) end(refresh, 'Cancelled', refresh.because);
    } else if (refresh.waitsUntilMs !== undefined) wait(refresh, refresh.waitsUntilMs);
    else step(refresh);
  };

  const keepUp = (refresh: Refresh, seconds: number): void => {
    clock.after(seconds * 1000, () => {
      if (!isOpen(refresh)) return;
      if (refresh.status === 'Pending') tell(refresh, 'InProgress', '');
      advance(refresh);
      if (isOpen(refresh)) keepUp(refresh, LOOK_SECONDS);
    });
  };

  return {
    of: (group) => byGroup.get(group) ?? [],
    active: (group) => byGroup.get(group)?.find(isOpen),
    cancel: (refresh) => tell(refresh, 'Cancelling', 'Cancelled due to user request.'),
    rollBack,

    start(group, desired, preferences) {
      const target = desired ?? group.launch;
      const isMatching = ({ launched }: AutoScalingInstance): boolean =>
        preferences.skipMatching &&
        target !== undefined &&
        region.launches?.matches(launched, target, matching) === true;
      const old = [...group.instances.values()].filter(
        (instance) =>
          (isStaying(instance) || (instance.state === 'Standby' && preferences.standby === 'Wait')) &&
          !isMatching(instance) &&
          !(preferences.scaleInProtected === 'Ignore' && instance.protectedFromScaleIn),
      );
      const refresh: Refresh = {
        id: world.random('instance-refreshes').uuid(),
        group,
        preferences,
        desired,
        startedAtMs: clock.nowMs(),
        endedAtMs: undefined,
        status: 'Pending',
        because: '',
        old: new Set(old),
        present: new Set(group.instances.values()),
        percent: 0,
        left: old.length,
        passed: 0,
        waitsUntilMs: undefined,
        progressAtMs: clock.nowMs(),
        rollback: undefined,
      };
      group.launching = desired;
      byGroup.set(group, [...(byGroup.get(group) ?? []), refresh]);
      keepUp(refresh, PENDING_SECONDS);
      return refresh;
    },
  };
}
