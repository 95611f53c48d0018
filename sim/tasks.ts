import type { ContainerInstance, Names, StopCode, Task, TaskSettings } from './ecs-state.ts';
import type { TaskStatus, World } from './world.ts';

/** Who wants a new task, and how it is labelled. */
export type TaskOrigin = Pick<Task, 'service' | 'family' | 'group' | 'startedBy'>;

/** The life of a task from PROVISIONING to STOPPED (AWS-CONTRACTS §3), and the resources it holds meanwhile. */
export interface Tasks {
  /** `settled`: it has been RUNNING since before the run began, and no start-up is played. */
  start(instance: ContainerInstance, settings: TaskSettings, origin: TaskOrigin, settled: boolean): Task;
  /** Tells a task to stop. One already told is left as it is. */
  stop(task: Task, stopCode: StopCode, stoppedReason: string): void;
  /** The instance is gone: whatever was not STOPPED is cut off. */
  cut(instance: ContainerInstance): void;
  /** Runs `then` after about `seconds`, and not before the instance's agent is connected. */
  later(task: Task, seconds: number, then: () => void): void;
}

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

export function createTasks(
  world: World,
  names: Names,
  options: { jitter: number; changed: (task: Task) => void },
): Tasks {
  const { clock } = world;
  const random = world.random('tasks');

  const tell = (task: Task, cut = false): void => {
    task.version++;
    world.emit({
      kind: 'task',
      taskArn: task.arn,
      instanceId: task.instance.ec2InstanceId,
      cluster: task.instance.cluster.name,
      service: task.service?.name,
      lastStatus: task.lastStatus,
      desiredStatus: task.desiredStatus,
      cut,
    });
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
    tell(task, cut);
  };

  // ECS cannot confirm anything while the agent is disconnected (AWS-CONTRACTS §3): it happens when the agent is back.
  const later = (task: Task, seconds: number, then: () => void): void => {
    const timer = clock.after(random.around(seconds, options.jitter) * 1000, () => {
      if (task.instance.agentConnected) then();
      else task.instance.unreported.push(() => timer.cancelled || then());
    });
    task.timer = timer;
  };

  const walk = (task: Task, steps: readonly Step[], end: TaskStatus): void => {
    const [step, ...rest] = steps;
    move(task, step?.[0] ?? end);
    if (step !== undefined) later(task, step[1], () => walk(task, rest, end));
  };

  const told = (task: Task, stopCode: StopCode, stoppedReason: string): void => {
    clock.cancel(task.timer);
    task.desiredStatus = 'STOPPED';
    task.stopped = { stopCode, stoppedReason };
    task.times.stoppingAt = new Date(clock.nowMs());
  };

  return {
    later,
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
      return task;
    },

    stop(task, stopCode, stoppedReason) {
      if (task.desiredStatus === 'STOPPED') return;
      told(task, stopCode, stoppedReason);
      // Nothing runs yet: "service PENDING tasks stop at once" (AWS-CONTRACTS §3).
      if (task.lastStatus === 'PROVISIONING' || task.lastStatus === 'PENDING') {
        move(task, 'STOPPED');
        return;
      }
      const { deregistrationSeconds, stopSeconds, deprovisioningSeconds } = task.settings;
      const steps: Step[] = [['DEPROVISIONING', deprovisioningSeconds]];
      // A container that exited by itself is past stopping.
      if (stopCode !== 'EssentialContainerExited') {
        steps.unshift(['STOPPING', stopSeconds]);
        if (deregistrationSeconds > 0) steps.unshift(['DEACTIVATING', deregistrationSeconds]);
      }
      tell(task);
      later(task, AGENT_SECONDS, () => walk(task, steps, 'STOPPED'));
    },

    cut(instance) {
      for (const task of [...instance.tasks]) {
        if (task.lastStatus === 'STOPPED') continue;
        // The reason's wording is from the wild; its stop code is UNVERIFIED.
        if (task.desiredStatus === 'STOPPED') clock.cancel(task.timer);
        else told(task, 'TerminationNotice', `Host EC2 (instance ${instance.ec2InstanceId}) terminated.`);
        move(task, 'STOPPED', true);
      }
    },
  };
}
