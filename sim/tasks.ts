import type { ContainerInstance, Names, Task, TaskSettings } from './ecs-state.ts';
import type { TaskStatus, World } from './world.ts';

/** Who wants a new task, and how it is labelled. */
export type TaskOrigin = Pick<Task, 'service' | 'family' | 'group' | 'startedBy'>;

/** The life of a task from PROVISIONING to STOPPED (AWS-CONTRACTS §3), and the resources it holds meanwhile. */
export interface Tasks {
  /** `settled`: it has been RUNNING since before the run began, and no start-up is played. */
  start(instance: ContainerInstance, settings: TaskSettings, origin: TaskOrigin, settled: boolean): Task;
  /** Tells a task to stop. One already told is left as it is. */
  stop(task: Task, because: StopCause): void;
  /** Has its container exit by itself after about so many seconds, unless it is told to stop before. */
  exitAfter(task: Task, seconds: number): void;
  /**
   * The instance took its containers with it. ECS hears so at once, in these words; of an instance whose agent is
   * disconnected it hears when the agent is back, if ever (AWS-CONTRACTS §3).
   */
  cut(instance: ContainerInstance, because: StopCause): void;
  /** ECS gives up the tasks of a container instance, which run on. */
  orphan(instance: ContainerInstance, because: StopCause): void;
}

type StopCause = NonNullable<Task['stopped']>;

export const EXITED: StopCause = {
  stopCode: 'EssentialContainerExited',
  stoppedReason: 'Essential container in task exited',
};

/** How start-up divides; ACTIVATING only behind a load balancer. Our shares: no rule of ours depends on them. */
const PROVISIONING_SHARE = 0.05;
const ACTIVATING_SHARE = 0.2;

/** Until the agent has heard that a task is to stop; the task is still RUNNING, but desired STOPPED. */
const AGENT_SECONDS = 0.5;

type Step = readonly [TaskStatus, seconds: number];

/** The way up, without ACTIVATING where there is no load balancer to join. */
function startUp({ startSeconds, deregistrationSeconds }: TaskSettings): Step[] {
  const activating = deregistrationSeconds > 0 ? ACTIVATING_SHARE : 0;
  const pending = 1 - PROVISIONING_SHARE - activating;
  const steps: Step[] = [
    ['PROVISIONING', startSeconds * PROVISIONING_SHARE],
    ['PENDING', startSeconds * pending],
    ['ACTIVATING', startSeconds * activating],
  ];
  return steps.filter(([, seconds]) => seconds > 0);
}

/** Its containers do not run yet. */
export const isStarting = ({ lastStatus }: Task): boolean => lastStatus === 'PROVISIONING' || lastStatus === 'PENDING';

export function createTasks(
  world: World,
  names: Names,
  options: { jitter: number; changed: (task: Task) => void },
): Tasks {
  const { clock } = world;
  const random = world.random('tasks');

  const tell = (task: Task, cut = false): void =>
    world.emit({
      kind: 'task',
      taskArn: task.arn,
      instanceId: task.instance.ec2InstanceId,
      cluster: task.instance.cluster.name,
      service: task.service?.name,
      lastStatus: task.lastStatus,
      desiredStatus: task.desiredStatus,
      alive: task.alive,
      cut,
    });

  const changed = (task: Task, cut = false): void => {
    task.version++;
    tell(task, cut);
    options.changed(task);
  };

  const hold = (task: Task, sign: 1 | -1): void => {
    const { instance, settings } = task;
    instance.free.cpu -= sign * settings.cpu;
    instance.free.memory -= sign * settings.memory;
    if (settings.hostPort !== undefined) instance.ports[sign === 1 ? 'add' : 'delete'](settings.hostPort);
    instance.version++;
  };

  const move = (task: Task, status: TaskStatus, cut = false): void => {
    const now = new Date(clock.nowMs());
    task.lastStatus = status;
    if (status === 'RUNNING') task.times.startedAt = now;
    if (status === 'DEPROVISIONING' || cut) task.times.executionStoppedAt ??= now;
    if (status === 'STOPPED') {
      task.times.stoppedAt = now;
      hold(task, -1);
      task.service?.live.delete(task);
      task.instance.cluster.stopped.add(task);
    }
    changed(task, cut);
  };

  // ECS cannot confirm anything while the agent is disconnected (AWS-CONTRACTS §3): it happens when the agent is back.
  // A container that `exits` is gone all the same.
  const later = (task: Task, seconds: number, exits: boolean, then: () => void): void => {
    if (seconds === Infinity) return;
    const timer = clock.after(random.around(seconds, options.jitter) * 1000, () => {
      if (task.instance.agentConnected) return then();
      if (exits && task.alive) {
        task.alive = false;
        tell(task);
      }
      task.instance.unreported.push(() => timer.cancelled || then());
    });
    task.timer = timer;
  };

  /** Through the steps, to an end that lasts. */
  const walk = (task: Task, steps: readonly Step[], end: TaskStatus): void => {
    const [[status, seconds] = [end, Infinity], ...rest] = steps;
    if (status === 'STOPPED') task.alive = false;
    move(task, status);
    later(task, seconds, status === 'STOPPING', () => walk(task, rest, end));
  };

  const told = (task: Task, because: StopCause): void => {
    clock.cancel(task.timer);
    if (task.desiredStatus === 'STOPPED') return;
    task.desiredStatus = 'STOPPED';
    task.stopped = because;
    task.times.stoppingAt = new Date(clock.nowMs());
  };

  /** Straight to STOPPED, whatever it was doing. */
  const end = (task: Task, because: StopCause, cut = false): void => {
    if (task.lastStatus === 'STOPPED') return;
    told(task, because);
    move(task, 'STOPPED', cut);
  };

  const tasks: Tasks = {
    start(instance, settings, origin, settled) {
      const { cluster } = instance;
      const id = names.id();
      const task: Task = {
        ...origin,
        id,
        arn: names.arn('task', `${cluster.name}/${id}`),
        order: names.order(),
        instance,
        settings,
        lastStatus: 'PROVISIONING',
        desiredStatus: 'RUNNING',
        alive: true,
        protectedUntilMs: clock.nowMs() + settings.protectedSeconds * 1000,
        version: 0,
        times: { createdAt: new Date(clock.nowMs()) },
        stopped: undefined,
        timer: undefined,
      };
      hold(task, 1);
      cluster.tasks.set(id, task);
      instance.tasks.add(task);
      origin.service?.live.add(task);
      if (settled) move(task, 'RUNNING');
      else walk(task, startUp(settings), 'RUNNING');
      // When protection ends, the scheduler may have waited for that.
      if (settings.protectedSeconds > 0 && settings.protectedSeconds < Infinity) {
        clock.at(task.protectedUntilMs, () => options.changed(task));
      }
      return task;
    },

    stop(task, because) {
      if (task.desiredStatus === 'STOPPED') return;
      // Nothing runs yet: "service PENDING tasks stop at once" (AWS-CONTRACTS §3).
      if (isStarting(task)) {
        task.alive = false;
        return end(task, because);
      }
      told(task, because);
      const { deregistrationSeconds, stopSeconds, deprovisioningSeconds } = task.settings;
      const steps: Step[] = [['DEPROVISIONING', deprovisioningSeconds]];
      // A container that exited by itself is past stopping.
      if (because !== EXITED && task.alive) {
        steps.unshift(['STOPPING', stopSeconds]);
        if (deregistrationSeconds > 0) steps.unshift(['DEACTIVATING', deregistrationSeconds]);
      }
      changed(task);
      later(task, AGENT_SECONDS, false, () => walk(task, steps, 'STOPPED'));
    },

    exitAfter: (task, seconds) => later(task, seconds, true, () => tasks.stop(task, EXITED)),

    cut(instance, because) {
      const { agentConnected, unreported } = instance;
      for (const task of [...instance.tasks]) {
        const wasAlive = task.alive;
        task.alive = false;
        if (agentConnected) end(task, because, wasAlive);
        else if (wasAlive) {
          tell(task, true);
          unreported.push(() => end(task, because));
        }
      }
    },

    orphan(instance, because) {
      for (const task of instance.tasks) {
        if (isStarting(task)) task.alive = false;
        end(task, because);
      }
    },
  };
  return tasks;
}
