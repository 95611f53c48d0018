import type { Cluster, ContainerInstance, Names, Service, Task, UnverifiedEcs } from './ecs-state.ts';
import { explain, fits, isMeantFor, place, reservations } from './placement.ts';
import { isStarting, type Tasks } from './tasks.ts';
import type { World } from './world.ts';

/** The service scheduler: it keeps services at their desired count and takes their tasks off DRAINING instances. */
export interface Scheduler {
  /** Has the service looked at in about a second. */
  schedule(service: Service): void;
  /** Looks now. `settled`: what it starts is RUNNING at once, as if it had been there for long. */
  settle(service: Service): void;
  /** The instance's status, agent or capacity changed. */
  instanceChanged(instance: ContainerInstance): void;
  /** A task moved. */
  taskChanged(task: Task): void;
}

/** The scheduler reacts "within a second or two" to a change; our figure. */
const REACTION_SECONDS = 1;

/** "Duplicate event messages are omitted until either the cause is resolved or six hours passes" (developer guide, service event messages). */
const REPEAT_MS = 6 * 3_600_000;
const EVENTS_KEPT = 100;

const shortList = (tasks: readonly Task[]): string => tasks.map((task) => `(task ${task.id})`).join(' ');

export function createScheduler(
  world: World,
  names: Names,
  tasks: Tasks,
  options: { jitter: number; unverified: UnverifiedEcs },
): Scheduler {
  const { clock } = world;
  const random = world.random('scheduler');

  const tell = (service: Service, words: string): void => {
    service.events.unshift({ id: names.uuid(), atMs: clock.nowMs(), message: `(service ${service.name}) ${words}` });
    service.events.length = Math.min(service.events.length, EVENTS_KEPT);
  };

  const complain = (service: Service, cause: string, words: string): void => {
    const last = service.complaint;
    if (last?.cause === cause && clock.nowMs() - last.atMs < REPEAT_MS) return;
    service.complaint = { cause, atMs: clock.nowMs() };
    tell(service, words);
    clock.cancel(service.reminder);
    service.reminder = clock.after(REPEAT_MS, () => scheduler.schedule(service));
  };

  const resolve = (service: Service): void => {
    clock.cancel(service.reminder);
    service.complaint = undefined;
  };

  const complainOfPlacement = (service: Service, candidates: Iterable<ContainerInstance>): void => {
    const isDaemon = service.strategy === 'DAEMON';
    const { cause, sentence } = explain(
      candidates,
      service.settings,
      isDaemon ? undefined : reservations(service.cluster),
    );
    complain(
      service,
      cause,
      `was unable to place a task because no container instance met all of its requirements. ${sentence} For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.`,
    );
  };

  const started = (service: Service, made: readonly Task[], settled: boolean): void => {
    if (made.length > 0 && !settled) tell(service, `has started ${made.length} tasks: ${shortList(made)}.`);
  };

  const stop = (service: Service, leaving: readonly Task[]): void => {
    if (leaving.length === 0) return;
    for (const task of leaving) {
      tasks.stop(task, {
        stopCode: 'ServiceSchedulerInitiated',
        stoppedReason: `Scaling activity initiated by (deployment ${service.deploymentId})`,
      });
    }
    tell(service, `has stopped ${leaving.length} running tasks: ${shortList(leaving)}.`);
  };

  const startOn = (service: Service, instance: ContainerInstance, settled: boolean): Task =>
    tasks.start(
      instance,
      service.settings,
      { service, family: service.name, group: `service:${service.name}`, startedBy: service.deploymentId },
      settled,
    );

  const isProtected = (task: Task): boolean => clock.nowMs() < task.protectedUntilMs;

  const isHeld = (task: Task): boolean => isProtected(task) && options.unverified.protectionHoldsOffDraining;

  /** Tasks to keep, and tasks that a DRAINING instance must lose. */
  const sort = (service: Service): { keep: Task[]; drain: Task[] } => {
    const keep: Task[] = [];
    const drain: Task[] = [];
    for (const task of service.live) {
      if (task.desiredStatus === 'STOPPED') continue;
      (task.instance.status === 'DRAINING' && !isHeld(task) ? drain : keep).push(task);
    }
    return { keep, drain };
  };

  /** A drain that was called off leaves too many: the newest go, never the protected ("protection covers scale-in", §3). */
  const surplusOf = (keep: readonly Task[], desired: number): Task[] => {
    if (keep.length <= desired) return [];
    const loose = keep.filter((task) => !isProtected(task));
    return loose.sort((a, b) => b.order - a.order).slice(0, keep.length - desired);
  };

  const steady = (service: Service, isSteady: boolean): void => {
    if (isSteady && !service.steady) tell(service, 'has reached a steady state.');
    service.steady = isSteady;
  };

  /**
   * Replacement under minimumHealthyPercent (rounded up) and maximumPercent (rounded down) of the desired count. RUNNING is
   * healthy. A task counts towards the maximum until it is STOPPED: "if the maximum is 100 %, then replacement tasks can't
   * start until the draining tasks have stopped" (UpdateContainerInstancesState; AWS-CONTRACTS §3).
   */
  const passReplica = (service: Service, settled: boolean): void => {
    const { keep, drain } = sort(service);
    const floor = Math.ceil((service.desired * service.minimumHealthyPercent) / 100);
    const ceiling = Math.floor((service.desired * service.maximumPercent) / 100);
    const running = [...keep, ...drain].filter((task) => task.lastStatus === 'RUNNING').length;

    const idle = drain.filter((task) => task.lastStatus !== 'RUNNING');
    const busy = drain.filter((task) => task.lastStatus === 'RUNNING').slice(0, Math.max(0, running - floor));
    const surplus = surplusOf(keep, service.desired);
    stop(service, [...idle, ...busy, ...surplus]);

    const missing = service.desired - keep.length;
    const room = ceiling - service.live.size;
    const wanted = Math.max(0, Math.min(missing, room));
    const crowd = new Map<ContainerInstance, number>();
    for (const task of keep) crowd.set(task.instance, (crowd.get(task.instance) ?? 0) + 1);
    const made: Task[] = [];
    const placed =
      wanted === 0
        ? 0
        : place(service.cluster, service.settings, wanted, crowd, (on) => made.push(startOn(service, on, settled)));
    started(service, made, settled);

    const nothingMoves = running === service.live.size && idle.length + busy.length + surplus.length === 0;
    if (placed < wanted) complainOfPlacement(service, service.cluster.instances.values());
    else if (drain.length > 0 && wanted === 0 && nothingMoves && missing > 0) {
      // min = max = 100 % deadlocks (§3). The words are those for a deployment; for a drain UNVERIFIED: the seed picks.
      if (options.unverified.deadlockIsTold) {
        complain(
          service,
          'deadlock',
          'was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.',
        );
      }
    } else resolve(service);
    steady(service, drain.length === 0 && service.live.size === service.desired && running === service.desired);
  };

  /** One task on each instance; a DRAINING one loses it last, when the other service tasks are gone (AWS-CONTRACTS §3). */
  const passDaemon = (service: Service, settled: boolean): void => {
    const { drain } = sort(service);
    const replicaIsLeft = ({ tasks: all }: ContainerInstance): boolean =>
      [...all].some((task) => task.service?.strategy === 'REPLICA' && task.lastStatus !== 'STOPPED');
    stop(
      service,
      drain.filter((task) => !replicaIsLeft(task.instance)),
    );
    const taken = new Set([...service.live].map((task) => task.instance));
    const made: Task[] = [];
    const refused: ContainerInstance[] = [];
    for (const instance of service.cluster.instances.values()) {
      if (taken.has(instance) || !isMeantFor(instance, service.settings)) continue;
      if (fits(instance, service.settings)) made.push(startOn(service, instance, settled));
      else refused.push(instance);
    }
    started(service, made, settled);
    if (refused.length > 0) complainOfPlacement(service, refused);
    else resolve(service);
    steady(service, refused.length === 0 && [...service.live].every((task) => task.lastStatus === 'RUNNING'));
  };

  /** "Service PENDING tasks stop at once" on a DRAINING instance (AWS-CONTRACTS §3). */
  const stopPending = (instance: ContainerInstance): void => {
    for (const service of new Set([...instance.tasks].map((task) => task.service))) {
      const isPending = (task: Task): boolean => task.service === service && isStarting(task);
      if (service !== undefined) stop(service, [...instance.tasks].filter(isPending));
    }
  };

  const pass = (service: Service, settled: boolean): void => {
    clock.cancel(service.pass);
    service.pass = undefined;
    if (service.strategy === 'DAEMON') passDaemon(service, settled);
    else passReplica(service, settled);
  };

  const scheduleAll = (cluster: Cluster, affected: (service: Service) => boolean): void => {
    for (const service of cluster.services.values()) if (affected(service)) scheduler.schedule(service);
  };

  const scheduler: Scheduler = {
    schedule(service) {
      service.pass ??= clock.after(random.around(REACTION_SECONDS, options.jitter) * 1000, () => pass(service, false));
    },
    settle: (service) => pass(service, true),
    instanceChanged(instance) {
      if (instance.status === 'DRAINING') stopPending(instance);
      const here = new Set([...instance.tasks].map((task) => task.service));
      // A service that waits for a place may find one now, and a daemon follows every instance.
      scheduleAll(
        instance.cluster,
        (service) => here.has(service) || service.complaint !== undefined || service.strategy === 'DAEMON',
      );
    },
    taskChanged(task) {
      const { service, instance } = task;
      const stopped = task.lastStatus === 'STOPPED';
      if (service !== undefined && (stopped || task.lastStatus === 'RUNNING')) scheduler.schedule(service);
      if (!stopped) return;
      scheduleAll(instance.cluster, ({ strategy, complaint }) =>
        instance.status === 'DRAINING' ? strategy === 'DAEMON' : complaint !== undefined,
      );
    },
  };
  return scheduler;
}
