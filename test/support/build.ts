import type { DrainPolicy } from '../../src/config.ts';
import type { Placement, Remaining, Seen } from '../../src/drain/memory.ts';
import { begin, type Memory, remember, rest } from '../../src/drain/memory.ts';
import type { DrainRequest } from '../../src/drain/request.ts';
import type { Failure, HookSeen } from '../../src/ports.ts';

/** Small builders for what the tests talk about. Times are seconds since the notice. */

export const ACCOUNT = '123456789012';
export const NOTICED_AT = '2026-03-01T12:00:00.000Z';
/** Its last eight digits put it in the middle of the spread of first looks: the pace is then exactly 30 s. */
export const INSTANCE = 'i-0a1b2c3d480000000';
export const TOKEN = '1b671a64-40d5-491e-99b0-da01ff1f3341';
export const GROUP = 'web-asg';
export const HOOK = 'ecs-drain';
export const CLUSTER = 'arn:aws:ecs:eu-west-1:123456789012:cluster/web';
export const INSTANCE_ARN =
  'arn:aws:ecs:eu-west-1:123456789012:container-instance/web/0123456789abcdef0123456789abcdef';

export const atSecond = (seconds: number): number => Date.parse(NOTICED_AT) + seconds * 1000;

export function aRequest(different: Partial<DrainRequest> = {}): DrainRequest {
  return {
    kind: 'terminating',
    instanceId: INSTANCE,
    group: GROUP,
    hook: HOOK,
    token: TOKEN,
    noticedAt: NOTICED_AT,
    departure: 'terminate',
    ...different,
  };
}

export function aPolicy(different: Partial<DrainPolicy> = {}): DrainPolicy {
  return { deadlineSeconds: 3_000, stuckAfterSeconds: 600, atDeadline: 'CONTINUE', ...different };
}

export const anHour: HookSeen = { heartbeatTimeoutSeconds: 3_600, globalTimeoutSeconds: 172_800 };

export const PLACEMENTS: readonly Placement[] = [{ cluster: CLUSTER, arn: INSTANCE_ARN }];

export function aFailure(reason: Failure['reason'], operation = 'ecs:DescribeTasks'): Failure {
  return { ok: false, reason, operation, message: `${reason} on purpose` };
}

/** A message body as Auto Scaling publishes it, as an object. */
export function hookMessage(different: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    Origin: 'AutoScalingGroup',
    Destination: 'EC2',
    LifecycleHookName: HOOK,
    AccountId: ACCOUNT,
    RequestId: '0e5c8a1e-52f5-4f0a-9d5d-3f8f1c2d7a10',
    LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
    AutoScalingGroupName: GROUP,
    Service: 'AWS Auto Scaling',
    Time: NOTICED_AT,
    EC2InstanceId: INSTANCE,
    LifecycleActionToken: TOKEN,
    ...different,
  };
}

/** What the moves of a drain answer. */
export const seen = {
  leaving: (second: number, hook: HookSeen = anHour): Seen => ({
    kind: 'verify',
    atMs: atSecond(second),
    state: 'Terminating:Wait',
    departing: true,
    hook,
  }),
  staying: (second: number, state?: string): Seen => ({
    kind: 'verify',
    atMs: atSecond(second),
    departing: false,
    ...(state === undefined ? {} : { state }),
  }),
  verifyFailed: (second: number, failure: Failure): Seen => ({
    kind: 'verify',
    atMs: atSecond(second),
    departing: false,
    failure,
  }),
  found: (second: number, placements: readonly Placement[] = PLACEMENTS, failure?: Failure): Seen => ({
    kind: 'find',
    atMs: atSecond(second),
    placements,
    searched: 1,
    ...(failure && { failure }),
  }),
  draining: (second: number, wanted: number): Seen => ({
    kind: 'start-draining',
    look: { atMs: atSecond(second), instances: instances(wanted) },
  }),
  drainingFailed: (second: number, failure: Failure): Seen => ({
    kind: 'start-draining',
    look: { atMs: atSecond(second), failure },
  }),
  /** A whole look while tasks are wanted on it. */
  wanted: (second: number, wanted: number, more: { statuses?: string[]; crowd?: number } = {}): Seen => ({
    kind: 'look',
    look: {
      atMs: atSecond(second),
      instances: instances(wanted, more.statuses),
      ...(more.crowd === undefined ? {} : { crowd: more.crowd }),
    },
  }),
  /** A whole look that lists the tasks on their way down. */
  goingDown: (second: number, byStatus: Record<string, number>): Seen => ({
    kind: 'look',
    look: { atMs: atSecond(second), instances: instances(0), remaining: remaining(byStatus) },
  }),
  /** A look that asked for known tasks only. */
  known: (second: number, byStatus: Record<string, number>): Seen => ({
    kind: 'look',
    look: { atMs: atSecond(second), remaining: remaining(byStatus) },
  }),
  deregistered: (second: number): Seen => ({
    kind: 'look',
    look: { atMs: atSecond(second), instances: { statuses: [], missing: 1, wanted: 0, agentsAway: 0 } },
  }),
  lookFailed: (second: number, failure: Failure): Seen => ({
    kind: 'look',
    look: { atMs: atSecond(second), failure },
  }),
  heartbeat: (second: number, failure?: Failure): Seen => ({
    kind: 'heartbeat',
    atMs: atSecond(second),
    ...(failure && { failure }),
  }),
  diagnosis: (second: number, reasons: readonly string[] = ['service api has no capacity']): Seen => ({
    kind: 'diagnose',
    atMs: atSecond(second),
    reasons,
  }),
  told: (second: number, alert: Extract<Seen, { kind: 'alert' }>['alert'], failure?: Failure): Seen => ({
    kind: 'alert',
    atMs: atSecond(second),
    alert,
    ...(failure && { failure }),
  }),
  released: (second: number, byStatus: Record<string, number> = {}, forced = false): Seen => ({
    kind: 'release',
    look: { atMs: atSecond(second), instances: instances(0), remaining: remaining(byStatus) },
    forced,
    completed: true,
  }),
  /** Released although the last look could not be made. */
  releasedBlind: (second: number, failure?: Failure): Seen => ({
    kind: 'release',
    look: { atMs: atSecond(second), ...(failure && { failure }) },
    forced: true,
    completed: true,
  }),
  notReleased: (second: number, failure: Failure, forced = false): Seen => ({
    kind: 'release',
    look: { atMs: atSecond(second), instances: instances(0), remaining: remaining({}) },
    forced,
    completed: false,
    failure,
  }),
  /** The last look showed tasks: nothing was completed. */
  tookBack: (second: number, wanted: number): Seen => ({
    kind: 'release',
    look: { atMs: atSecond(second), instances: instances(wanted) },
    forced: false,
    completed: false,
  }),
} as const;

function instances(wanted: number, statuses: readonly string[] = ['DRAINING']) {
  return { statuses, missing: 0, wanted, agentsAway: 0 };
}

export function remaining(byStatus: Readonly<Record<string, number>>): Remaining {
  const tasks = Object.entries(byStatus).flatMap(([status, count]) => Array.from({ length: count }, () => status));
  const ids = tasks.map((_, i) => String(i).padStart(32, '0'));
  return {
    total: tasks.length,
    byStatus,
    ...(tasks.length <= 20 ? { ids: [ids] } : {}),
    samples: tasks.slice(0, 5).map((status, i) => `service:api ${ids[i]?.slice(0, 12)} ${status}`),
  };
}

/** What a drain knows after it saw these, in order. */
export function havingSeen(...answers: readonly Seen[]): Memory {
  return havingSeenUnder({}, ...answers);
}

export function havingSeenUnder(different: Partial<DrainPolicy>, ...answers: readonly Seen[]): Memory {
  return answers.reduce(remember, begin(aRequest(), aPolicy(different)));
}

/** The same memory, when so many seconds have passed since the notice. */
export function later(memory: Memory, second: number): Memory {
  const seconds = (atSecond(second) - memory.atMs) / 1000;
  if (seconds < 0) throw new Error(`second ${second} has passed already`);
  return rest(memory, { kind: 'wait', seconds, because: 'the test says so' });
}
