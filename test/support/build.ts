import type { DrainAlertKind } from '../../src/alert.ts';
import type { DrainPolicy } from '../../src/config.ts';
import { begin, type Memory, rest } from '../../src/drain/memory.ts';
import { remember } from '../../src/drain/remember.ts';
import type { DrainRequest, LifecycleRequest } from '../../src/drain/request.ts';
import type { Look, Placement, Remaining, Seen } from '../../src/drain/seen.ts';
import type { Mode } from '../../src/drain/switch.ts';
import type { Failure, HookSeen } from '../../src/ports.ts';

/** Small builders for what the tests talk about. Times are seconds since the notice. */

export const ACCOUNT = '123456789012';
export const NOTICED_AT = '2026-03-01T12:00:00.000Z';
/** Its last eight digits put it in the middle of the spread of first looks: the pace is then exactly 30 s. */
export const INSTANCE = 'i-0a1b2c3d480000000';
export const TOKEN = '1b671a64-40d5-491e-99b0-da01ff1f3341';
export const GROUP = 'web-asg';
export const HOOK = 'ecs-drain';
/** The topic that our hooks notify. */
export const LIFECYCLE_TOPIC = 'arn:aws:sns:eu-west-1:123456789012:ecs-drain-lifecycle';
export const CLUSTER = 'arn:aws:ecs:eu-west-1:123456789012:cluster/web';
export const INSTANCE_ARN =
  'arn:aws:ecs:eu-west-1:123456789012:container-instance/web/0123456789abcdef0123456789abcdef';

export const atSecond = (seconds: number): number => Date.parse(NOTICED_AT) + seconds * 1000;

export type RequestOf<Kind extends DrainRequest['kind']> = Extract<DrainRequest, { kind: Kind }>;

/** EventBridge's id of the event; for an order, whatever the operator's tool made up. */
export const OCCASION = '7bf73129-1428-4cd3-a780-95db273d1602';

/** A termination notice's. */
export function aRequest(different: Partial<LifecycleRequest> = {}): LifecycleRequest {
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

export function aSpotRequest(different: Partial<RequestOf<'spot-interruption'>> = {}): RequestOf<'spot-interruption'> {
  return {
    kind: 'spot-interruption',
    instanceId: INSTANCE,
    noticedAt: NOTICED_AT,
    id: OCCASION,
    action: 'terminate',
    ...different,
  };
}

export function aRebalanceRequest(different: Partial<RequestOf<'rebalance'>> = {}): RequestOf<'rebalance'> {
  return { kind: 'rebalance', instanceId: INSTANCE, noticedAt: NOTICED_AT, id: OCCASION, ...different };
}

/** A reboot two days after the notice, which takes an hour at most. */
export function aMaintenanceRequest(different: Partial<RequestOf<'maintenance'>> = {}): RequestOf<'maintenance'> {
  return {
    kind: 'maintenance',
    instanceId: INSTANCE,
    noticedAt: NOTICED_AT,
    id: 'health-0a1b2c3d',
    change: 'reboot',
    startsAt: isoSecond(STARTS),
    endsAt: isoSecond(STARTS + 3_600),
    ...different,
  };
}

export function anOrder(different: Partial<RequestOf<'ordered'>> = {}): RequestOf<'ordered'> {
  return {
    kind: 'ordered',
    instanceId: INSTANCE,
    noticedAt: NOTICED_AT,
    id: 'order-1',
    by: 'alice',
    reason: 'its disk is failing',
    ...different,
  };
}

/** When the maintenance of `aMaintenanceRequest` starts, in seconds since the notice. */
export const STARTS = 172_800;

export function isoSecond(second: number): string {
  return new Date(atSecond(second)).toISOString();
}

/** As the stack is deployed by default. */
export function aPolicy(different: Partial<DrainPolicy> = {}): DrainPolicy {
  return {
    deadlineSeconds: 3_000,
    stuckAfterSeconds: 600,
    atDeadline: 'CONTINUE',
    spotInterruption: 'drain',
    rebalance: 'notify',
    maintenance: 'notify',
    maintenanceLeadSeconds: 86_400,
    ...different,
  };
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

const HEALTH_DETAIL = {
  eventArn: 'arn:aws:health:eu-west-1::event/AWS_EC2_INSTANCE_REBOOT_MAINTENANCE_SCHEDULED_90353408594353983',
  service: 'EC2',
  eventTypeCode: 'AWS_EC2_INSTANCE_REBOOT_MAINTENANCE_SCHEDULED',
  eventTypeCategory: 'scheduledChange',
  eventScopeCode: 'ACCOUNT_SPECIFIC',
  communicationId: '1234abc01232a4012345678-1',
  startTime: 'Tue, 03 Mar 2026 12:00:00 GMT',
  endTime: 'Tue, 03 Mar 2026 13:00:00 GMT',
  lastUpdatedTime: 'Sun, 01 Mar 2026 11:59:00 GMT',
  statusCode: 'open',
  eventRegion: 'eu-west-1',
  affectedEntities: [{ entityValue: INSTANCE, status: 'PENDING' }],
  affectedAccount: ACCOUNT,
  page: '1',
  totalPages: '1',
  backupEvent: 'false',
};

const EVENTS = {
  terminating: ['aws.autoscaling', 'EC2 Instance-terminate Lifecycle Action', hookMessage()],
  'spot-interruption': [
    'aws.ec2',
    'EC2 Spot Instance Interruption Warning',
    { 'instance-id': INSTANCE, 'instance-action': 'terminate' },
  ],
  rebalance: ['aws.ec2', 'EC2 Instance Rebalance Recommendation', { 'instance-id': INSTANCE }],
  maintenance: ['aws.health', 'AWS Health Event', HEALTH_DETAIL],
} as const;

/** An event as EventBridge delivers it. */
export function anEvent(
  kind: keyof typeof EVENTS,
  detail: Record<string, unknown> = {},
  envelope: Record<string, unknown> = {},
) {
  const [source, detailType, members] = EVENTS[kind];
  return {
    version: '0',
    id: OCCASION,
    'detail-type': detailType,
    source,
    account: ACCOUNT,
    time: NOTICED_AT,
    region: 'eu-west-1',
    resources: [],
    detail: { ...members, ...detail },
    ...envelope,
  };
}

/** The end of a durable execution, as EventBridge tells it. */
export function statusChange(detail: Record<string, unknown> = {}, envelope: Record<string, unknown> = {}) {
  const functionArn = `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:ecs-drain-prod-drain:17`;
  return {
    version: '0',
    id: 'd019b03c-a8a3-9d58-85de-241e96206538',
    'detail-type': 'Durable Execution Status Change',
    source: 'aws.lambda',
    account: ACCOUNT,
    time: NOTICED_AT,
    region: 'eu-west-1',
    resources: [],
    detail: {
      durableExecutionArn: `${functionArn}/durable-execution/${INSTANCE}-${TOKEN}/9f7d84c9-ea3d-3ffc-b3e5-5ec51c34ffc9`,
      durableExecutionName: `${INSTANCE}-${TOKEN}`,
      functionArn,
      status: 'FAILED',
      startTimestamp: NOTICED_AT,
      ...detail,
    },
    ...envelope,
  };
}

/** What the moves of a drain answer. */
/** Kinds of alerts after which a drain goes on. */
const GOING_ON: readonly DrainAlertKind[] = ['started', 'stuck', 'paused', 'misconfigured', 'reactivated'];

export const seen = {
  leaving: (second: number, hook: HookSeen = anHour): Seen => ({
    kind: 'verify',
    atMs: atSecond(second),
    state: 'Terminating:Wait',
    departing: true,
    hook,
  }),
  /** What Auto Scaling says of an instance for which no hook's notice came. */
  grouped: (second: number, group: string | undefined = GROUP): Seen => ({
    kind: 'verify',
    atMs: atSecond(second),
    departing: true,
    ...(group === undefined ? {} : { group, state: 'InService' }),
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
  /** A heartbeat that failed; or one that went well, and the hook as it was read after it, if it could be. */
  heartbeat: (second: number, answer: Failure | HookSeen | 'unread' = anHour): Seen => ({
    kind: 'heartbeat',
    atMs: atSecond(second),
    ...(answer === 'unread' ? {} : 'ok' in answer ? { failure: answer } : { hook: answer }),
  }),
  /** Nothing but the switch was read. */
  nothing: (second: number): Seen => ({ kind: 'read-switch', atMs: atSecond(second) }),
  standalone: (second: number, failure?: Failure): Seen => ({
    kind: 'stop-standalone',
    atMs: atSecond(second),
    stopped: failure ? 0 : 1,
    ...(failure && { failure }),
  }),
  replaced: (second: number, failure?: Failure): Seen => ({
    kind: 'replace',
    atMs: atSecond(second),
    ...(failure && { failure }),
  }),
  restored: (second: number): Seen => ({ kind: 'restore', atMs: atSecond(second), restored: true, agentAway: false }),
  /** Not set ACTIVE: its agent is away, or is there and it is too early. */
  notBack: (second: number, agentAway: boolean, failure?: Failure): Seen => ({
    kind: 'restore',
    atMs: atSecond(second),
    restored: false,
    agentAway,
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
    // With its ending, whatever people heard of a drain is over.
    ...(GOING_ON.includes(alert) ? {} : { resolves: ['stuck', 'paused', 'misconfigured'] }),
    ...(failure && { failure }),
  }),
  released: (second: number, byStatus: Record<string, number> = {}, forced = false): Seen => ({
    kind: 'release',
    look: { atMs: atSecond(second), instances: instances(0), remaining: remaining(byStatus) },
    forced,
    completed: true,
    already: false,
  }),
  /** Completed, as it turned out, by somebody else, or by ourselves before a crash. */
  releasedAlready: (second: number, look: Partial<Look>, forced = false): Seen => ({
    kind: 'release',
    look: { atMs: atSecond(second), ...look },
    forced,
    completed: true,
    already: true,
  }),
  /** Released although the last look could not be made. */
  releasedBlind: (second: number, failure?: Failure): Seen => ({
    kind: 'release',
    look: { atMs: atSecond(second), ...(failure && { failure }) },
    forced: true,
    completed: true,
    already: false,
  }),
  notReleased: (second: number, failure: Failure, forced = false): Seen => ({
    kind: 'release',
    look: { atMs: atSecond(second), instances: instances(0), remaining: remaining({}) },
    forced,
    completed: false,
    already: false,
    failure,
  }),
  /** The last look showed tasks: nothing was completed. */
  tookBack: (second: number, wanted: number): Seen => ({
    kind: 'release',
    look: { atMs: atSecond(second), instances: instances(wanted) },
    forced: false,
    completed: false,
    already: false,
  }),
} as const;

export function instances(wanted: number, statuses: readonly string[] = ['DRAINING'], agentsAway = 0) {
  const active = PLACEMENTS.filter((_, i) => statuses[i] === 'ACTIVE').map(({ arn }) => arn);
  return { statuses, ...(active.length > 0 ? { active } : {}), missing: 0, wanted, agentsAway };
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

/** The same answer, given under a switch that has been turned since. */
export function turned(seen: Seen, mode: Mode, policy: Partial<DrainPolicy> = {}): Seen {
  return { ...seen, settings: { mode, policy: aPolicy(policy) } };
}

/** What a drain knows after it saw these, in order. */
export function havingSeen(...answers: readonly Seen[]): Memory {
  return havingSeenUnder({}, ...answers);
}

export function havingSeenUnder(different: Partial<DrainPolicy>, ...answers: readonly Seen[]): Memory {
  return havingSeenFor(aRequest(), different, ...answers);
}

export function havingSeenFor(
  request: DrainRequest,
  different: Partial<DrainPolicy>,
  ...answers: readonly Seen[]
): Memory {
  return answers.reduce(remember, begin(request, aPolicy(different)));
}

/** The same memory, when so many seconds have passed since the notice. */
export function later(memory: Memory, second: number): Memory {
  const seconds = (atSecond(second) - memory.atMs) / 1000;
  if (seconds < 0) throw new Error(`second ${second} has passed already`);
  return rest(memory, { kind: 'wait', seconds, because: 'the test says so' });
}
