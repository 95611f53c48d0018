import type { DrainPorts } from '../../src/drain/drain.ts';
import type { ContainerInstanceSeen, Failure, HookSeen, Measure, Result, ServiceSeen } from '../../src/ports.ts';
import { CLUSTER, GROUP, HOOK, INSTANCE, INSTANCE_ARN, LIFECYCLE_TOPIC, NOTICED_AT, TOKEN } from './build.ts';

/** How long a task stays in each status once its instance is DRAINING, in seconds. */
export interface FakeTask {
  readonly id: string;
  readonly group: string;
  readonly running: number;
  readonly deactivating: number;
  readonly stopping: number;
  readonly deprovisioning: number;
}

export interface FakeInstance {
  readonly cluster: string;
  readonly arn: string;
  readonly ec2InstanceId: string;
  status: 'ACTIVE' | 'DRAINING' | 'INACTIVE' | 'FORGOTTEN';
  agentConnected: boolean;
  drainingSinceMs: number | undefined;
  tasks: FakeTask[];
}

export function aTask(n: number, different: Partial<FakeTask> = {}): FakeTask {
  return {
    id: n.toString(16).padStart(32, '0'),
    group: 'service:api',
    running: 60,
    deactivating: 60,
    stopping: 30,
    deprovisioning: 5,
    ...different,
  };
}

export function tasks(count: number, different: Partial<FakeTask> = {}): FakeTask[] {
  return Array.from({ length: count }, (_, n) => aTask(n, different));
}

/** A task that ECS leaves alone. */
export const STANDALONE = { group: 'family:report', running: Number.POSITIVE_INFINITY };

/** A failure the fakes answer with: for so many calls of the operation, or as long as it says. */
export interface Fault {
  readonly operation: string;
  readonly reason: Failure['reason'];
  readonly times?: number;
  /** Only where the call's first argument is this. */
  readonly about?: string;
}

const CALL_MS = 30;
/** ECS forgets a stopped task after an hour or so (AWS-CONTRACTS §3). */
const REMEMBERED_MS = 3_600_000;

export type FakeAws = ReturnType<typeof fakeAws>;

/**
 * One account and region, small enough to read: ECS, one Auto Scaling hook, an alert topic, and a clock that moves only
 * when a call is made or the test lets time pass. It keeps state; nothing in it is programmed to expect a call.
 */
export function fakeAws(
  options: {
    readonly tasks?: readonly FakeTask[];
    readonly instances?: readonly FakeInstance[];
    readonly clusters?: readonly string[];
    readonly hook?: HookSeen | null;
    /** Whom the hook notifies, null for nobody; left out, our topic. */
    readonly target?: string | null;
    readonly state?: string;
    readonly group?: string;
    readonly services?: readonly ServiceSeen[];
    readonly faults?: readonly Fault[];
    readonly startSecond?: number;
    /** What the switch's parameter says; left out, nobody has written one. */
    readonly control?: string;
  } = {},
) {
  const instances = options.instances ? [...options.instances] : [anInstance({ tasks: [...(options.tasks ?? [])] })];
  let hook =
    options.hook === null
      ? undefined
      : (options.hook ?? { heartbeatTimeoutSeconds: 900, globalTimeoutSeconds: 90_000 });
  let target = options.target === null ? undefined : (options.target ?? LIFECYCLE_TOPIC);
  const faults = (options.faults ?? []).map((fault) => ({ ...fault, left: fault.times ?? Number.POSITIVE_INFINITY }));
  const calls: { readonly name: string; readonly atMs: number; readonly about: string }[] = [];
  const released: { readonly atMs: number; readonly result: string; readonly cut: readonly string[] }[] = [];
  const published: { readonly subject: string; readonly body: string; readonly kind: string }[] = [];
  const measures: Measure[] = [];
  /** Statuses that we set, one entry for each container instance that a call changed. */
  const statusesSet: { readonly atMs: number; readonly arn: string; readonly status: string }[] = [];
  /** Instances that their group was told to terminate. */
  const terminated: string[] = [];
  const toldToStopMs = new Map<string, number>();
  const plans: { readonly atMs: number; readonly change: () => void }[] = [];
  const noticedMs = Date.parse(NOTICED_AT);
  let nowMs = noticedMs + (options.startSecond ?? 1) * 1000;
  let state: string | undefined = options.state ?? 'Terminating:Wait';
  let heartbeatMs = noticedMs;
  let heartbeatSeconds = hook?.heartbeatTimeoutSeconds ?? 0;
  let ended: string | undefined;
  let control = options.control;

  const clusters = options.clusters ?? [...new Set(instances.map(({ cluster }) => cluster))];

  const move = (toMs: number): void => {
    for (;;) {
      const next = plans.filter(({ atMs }) => atMs <= toMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      plans.splice(plans.indexOf(next), 1);
      nowMs = Math.max(nowMs, next.atMs);
      next.change();
    }
    nowMs = Math.max(nowMs, toMs);
  };

  const statusOf = (instance: FakeInstance, task: FakeTask): string => {
    const toldMs = toldToStopMs.get(task.id);
    const sinceMs = toldMs ?? instance.drainingSinceMs;
    if (sinceMs === undefined) return 'RUNNING';
    let left = (nowMs - sinceMs) / 1000;
    for (const [status, seconds] of [
      ['RUNNING', toldMs === undefined ? task.running : 0],
      ['DEACTIVATING', task.deactivating],
      ['STOPPING', task.stopping],
      ['DEPROVISIONING', task.deprovisioning],
    ] as const) {
      if (left < seconds) return status;
      left -= seconds;
    }
    return left * 1000 > REMEMBERED_MS ? 'FORGOTTEN' : 'STOPPED';
  };

  const notStopped = (): string[] =>
    instances
      .filter(
        ({ ec2InstanceId, status }) => ec2InstanceId === INSTANCE && status !== 'INACTIVE' && status !== 'FORGOTTEN',
      )
      .flatMap((instance) =>
        instance.tasks.filter((task) => !/STOPPED|FORGOTTEN/.test(statusOf(instance, task))).map(({ id }) => id),
      );

  const describe = (instance: FakeInstance): ContainerInstanceSeen => ({
    arn: instance.arn,
    status: instance.status,
    agentConnected: instance.agentConnected,
    runningTasks: instance.tasks.filter((task) => statusOf(instance, task) === 'RUNNING').length,
    pendingTasks: 0,
  });

  const call = async <T>(name: string, about: string, run: () => Result<T>): Promise<Result<T>> => {
    move(nowMs + CALL_MS);
    calls.push({ name, atMs: nowMs, about });
    const fault = faults.find(
      ({ operation, left, about: only }) => operation === name && left > 0 && (only === undefined || only === about),
    );
    if (fault) {
      fault.left--;
      return { ok: false, reason: fault.reason, operation: name, message: `${fault.reason} on purpose` };
    }
    return run();
  };
  const ok = <T>(value: T): Result<T> => ({ ok: true, value });
  const gone = (operation: string, message: string): Failure => ({ ok: false, reason: 'gone', operation, message });

  const sameCluster = (a: string, b: string): boolean => a.split('/').at(-1) === b.split('/').at(-1);
  const inCluster = <T>(name: string, cluster: string, run: (found: FakeInstance[]) => Result<T>): Promise<Result<T>> =>
    call(name, cluster, () =>
      clusters.some((known) => sameCluster(known, cluster))
        ? run(instances.filter((instance) => sameCluster(instance.cluster, cluster)))
        : gone(name, 'Cluster not found.'),
    );
  const pick = (found: FakeInstance[], arns: readonly string[]) => {
    const known = found.filter(({ arn, status }) => arns.includes(arn) && status !== 'FORGOTTEN');
    return { known, missing: arns.filter((arn) => !known.some((instance) => instance.arn === arn)) };
  };

  /** The lifecycle action, as it is now: over when completed, or when nobody kept it alive. */
  const actionOver = (): boolean => {
    if (ended === undefined && hook) {
      const endsMs = Math.min(heartbeatMs + heartbeatSeconds * 1000, noticedMs + hook.globalTimeoutSeconds * 1000);
      if (nowMs >= endsMs) ended = 'timed out';
    }
    return ended !== undefined;
  };

  const ports: DrainPorts = {
    now: () => nowMs,
    ecs: {
      listClusters: () => call('ecs:ListClusters', '', () => ok(clusters)),
      findContainerInstances: (cluster, instanceId) =>
        inCluster('ecs:ListContainerInstances', cluster, (found) =>
          ok(
            found
              .filter(({ ec2InstanceId, status }) => ec2InstanceId === instanceId && /ACTIVE$|DRAINING/.test(status))
              .filter(({ status }) => status !== 'INACTIVE')
              .map(({ arn }) => arn),
          ),
        ),
      countDraining: (cluster) =>
        inCluster('ecs:ListContainerInstances', cluster, (found) =>
          ok(found.filter(({ status }) => status === 'DRAINING').length),
        ),
      describeContainerInstances: (cluster, arns) =>
        inCluster('ecs:DescribeContainerInstances', cluster, (found) => {
          const { known, missing } = pick(found, arns);
          return ok({ found: known.map(describe), missing });
        }),
      setStatus: (cluster, arns, status) =>
        inCluster('ecs:UpdateContainerInstancesState', cluster, (found) => {
          const { known, missing } = pick(found, arns);
          for (const instance of known) {
            if (instance.status === status || !/^(ACTIVE|DRAINING)$/.test(instance.status)) continue;
            instance.status = status;
            instance.drainingSinceMs = status === 'DRAINING' ? nowMs : undefined;
            statusesSet.push({ atMs: nowMs, arn: instance.arn, status });
          }
          return ok({ found: known.map(describe), missing });
        }),
      listTasks: (cluster, arn, desired) =>
        inCluster('ecs:ListTasks', cluster, (found) => {
          const { known } = pick(found, [arn]);
          const [instance] = known;
          // As the simulator answers; AWS's own words are not known.
          if (instance === undefined) {
            return { ok: false, reason: 'other', operation: 'ecs:ListTasks', message: 'Container instance not found.' };
          }
          const listed = instance.tasks.filter((task) => {
            const status = statusOf(instance, task);
            return status !== 'FORGOTTEN' && (status === 'RUNNING') === (desired === 'RUNNING');
          });
          return ok(listed.map(({ id }) => id));
        }),
      describeTasks: (cluster, ids) =>
        inCluster('ecs:DescribeTasks', cluster, (found) =>
          ok(
            found.flatMap((instance) =>
              instance.tasks
                .filter((task) => ids.includes(task.id) && statusOf(instance, task) !== 'FORGOTTEN')
                .map((task) => ({ id: task.id, status: statusOf(instance, task), group: task.group })),
            ),
          ),
        ),
      protectedTasks: (cluster) => inCluster('ecs:GetTaskProtection', cluster, () => ok([])),
      stopTask: (cluster, id) =>
        inCluster('ecs:StopTask', cluster, (found) => {
          const owner = found.find(({ tasks }) => tasks.some((task) => task.id === id));
          if (owner === undefined) return gone('ecs:StopTask', 'The referenced task was not found.');
          if (!toldToStopMs.has(id)) toldToStopMs.set(id, nowMs);
          return ok(undefined);
        }),
      describeServices: (cluster, names) =>
        inCluster('ecs:DescribeServices', cluster, () =>
          ok((options.services ?? []).filter(({ name }) => names.includes(name))),
        ),
    },
    autoScaling: {
      describeInstance: (instanceId) =>
        call('autoscaling:DescribeAutoScalingInstances', instanceId, () =>
          ok(state === undefined || instanceId !== INSTANCE ? undefined : { group: options.group ?? GROUP, state }),
        ),
      describeHook: (group, name) =>
        call('autoscaling:DescribeLifecycleHooks', group, () =>
          ok(group === GROUP && name === HOOK ? hook && { ...hook, ...(target && { targetArn: target }) } : undefined),
        ),
      terminate: (instanceId) =>
        call('autoscaling:TerminateInstanceInAutoScalingGroup', instanceId, () => {
          if (state === undefined)
            return gone('autoscaling:TerminateInstanceInAutoScalingGroup', 'No managed instance');
          if (state === 'InService') terminated.push(instanceId);
          state = 'Terminating:Wait';
          return ok(undefined);
        }),
      heartbeat: ({ token }) =>
        call('autoscaling:RecordLifecycleActionHeartbeat', token, () => {
          if (actionOver() || token !== TOKEN) return gone('autoscaling:RecordLifecycleActionHeartbeat', 'No active');
          heartbeatMs = nowMs;
          heartbeatSeconds = hook?.heartbeatTimeoutSeconds ?? 0;
          return ok(undefined);
        }),
      complete: ({ token }, result) =>
        call('autoscaling:CompleteLifecycleAction', token, () => {
          if (actionOver() || token !== TOKEN) return gone('autoscaling:CompleteLifecycleAction', 'No active');
          ended = result;
          released.push({ atMs: nowMs, result, cut: notStopped() });
          return ok(undefined);
        }),
    },
    alerts: {
      publish: ({ subject, bodies, attributes }) =>
        call('sns:Publish', attributes['kind'] ?? '', () => {
          published.push({ subject, body: bodies['email'] ?? '', kind: attributes['kind'] ?? '' });
          return ok(undefined);
        }),
    },
    metrics: { emit: (added) => measures.push(...added) },
    control: {
      // Without a parameter nobody is asked, as the adapter has it.
      read: async () => {
        const isFaulty = faults.some(({ operation, left }) => operation === 'ssm:GetParameter' && left > 0);
        return control === undefined && !isFaulty ? ok(undefined) : call('ssm:GetParameter', '', () => ok(control));
      },
    },
  };

  return {
    ports,
    calls,
    published,
    measures,
    /** Each completed lifecycle action, with the tasks that its release cut off. */
    released,
    instances,
    statusesSet,
    terminated,
    toldToStop: () => [...toldToStopMs.keys()],
    /** Writes the switch's parameter; an object as JSON. */
    turn: (text: string | object | undefined) => {
      control = typeof text === 'object' ? JSON.stringify(text) : text;
    },
    now: () => nowMs,
    secondOf: (atMs: number) => (atMs - noticedMs) / 1000,
    passTime: (seconds: number) => move(nowMs + seconds * 1000),
    /** Lets something happen at a second after the notice, whatever is going on then. */
    plan: (second: number, change: () => void) => plans.push({ atMs: noticedMs + second * 1000, change }),
    setState: (next: string | undefined) => {
      state = next;
    },
    /** What somebody sets on the hook while the action lasts. */
    changeHook: (next: HookSeen) => {
      hook = next;
    },
    changeTarget: (next: string | undefined) => {
      target = next;
    },
    endAction: (how: string) => {
      ended = how;
    },
    actionEnded: () => ended,
    count: (name: string) => calls.filter((made) => made.name === name).length,
  };
}

export function anInstance(different: Partial<FakeInstance> = {}): FakeInstance {
  return {
    cluster: CLUSTER,
    arn: INSTANCE_ARN,
    ec2InstanceId: INSTANCE,
    status: 'ACTIVE',
    agentConnected: true,
    drainingSinceMs: undefined,
    tasks: [],
    ...different,
  };
}
