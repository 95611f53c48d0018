import type { EventPattern } from './event-pattern.ts';
import { matchesPattern, readPattern } from './event-pattern.ts';
import type { HookNotice, World } from './world.ts';

/** An event as targets get it. */
export interface BusEvent {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  /** To the second. */
  readonly time: string;
  readonly region: string;
  readonly resources?: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

/** What its sender says of an event; the bus adds the rest. */
export interface BusEntry {
  readonly detailType: string;
  readonly source: string;
  readonly resources?: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface EventBridgeOptions {
  /** Hands an event to a function, asynchronously: `deliver` of the simulated Lambda. */
  readonly deliver: (functionName: string, event: unknown) => void;
  /** Probabilities from 0 to 1, by seed, for each delivery: events are best effort (AWS-CONTRACTS §1 and §6). */
  readonly faults?:
    | {
        readonly duplicate?: number | undefined;
        readonly reorder?: number | undefined;
        readonly lost?: number | undefined;
      }
    | undefined;
}

/** A scheduled change of EC2 instances, as AWS Health tells it (AWS-CONTRACTS §8). */
export interface HealthChange {
  /** Like `AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED`. */
  readonly code: string;
  readonly instanceIds: readonly string[];
  /** Milliseconds since 1970, told to the second. */
  readonly startsAtMs: number;
  readonly endsAtMs?: number | undefined;
  /** `open` or `upcoming` by the seed unless given; `closed` when AWS has called it off or has done it. */
  readonly status?: 'open' | 'upcoming' | 'closed' | undefined;
  /** Bare ids or ARNs; drawn by the seed unless given. */
  readonly entities?: 'id' | 'arn' | undefined;
  /** Instances on a page; by default all of them are on one. */
  readonly pageSize?: number | undefined;
  /** Every page comes once more, as the copy for the backup region. Default false. */
  readonly backup?: boolean | undefined;
  /** Where the instances are; this region unless given. */
  readonly region?: string | undefined;
}

export interface EventBridge {
  /** Sends what matches to a function. @throws an error naming what in the pattern is not implemented. */
  rule(name: string, pattern: EventPattern, functionName: string): void;
  /** Calls a function so often. UNVERIFIED when a new rule does so first: within a minute here, as the seed says. */
  schedule(name: string, everySeconds: number, functionName: string): void;
  put(entry: BusEntry): void;
  /** Only tells: taking the instance two minutes later is somebody else's work (AWS-CONTRACTS §6). */
  spotInterruption(instanceId: string, action: 'hibernate' | 'stop' | 'terminate'): void;
  rebalanceRecommendation(instanceId: string): void;
  health(change: HealthChange): void;
}

/** How late a second copy, or a delivery that others overtake, may be. */
const LATE_MS = 60_000;

const toTheSecond = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, 19)}Z`;

/** The default bus of the region, and what the services of the region put on it by themselves. */
export function createEventBridge(world: World, { deliver, faults = {} }: EventBridgeOptions): EventBridge {
  const { clock, region, accountId } = world;
  const random = world.random('event-bridge');
  const unknowns = world.random('event-bridge-unverified');
  const rules = new Map<string, { readonly pattern: EventPattern; readonly functionName: string }>();

  const send = (functionName: string, event: BusEvent): void => {
    if (random.chance(faults.lost ?? 0)) return;
    const copies = random.chance(faults.duplicate ?? 0) ? 2 : 1;
    for (let copy = 1; copy <= copies; copy++) {
      const late = copy > 1 || random.chance(faults.reorder ?? 0);
      clock.after(random.int(100, 900) + (late ? random.int(0, LATE_MS) : 0), () => deliver(functionName, event));
    }
  };

  const eventOf = ({ detailType, source, resources, detail }: BusEntry): BusEvent => ({
    version: '0',
    id: random.uuid(),
    'detail-type': detailType,
    source,
    account: accountId,
    time: toTheSecond(clock.nowMs()),
    region,
    ...(resources === undefined ? {} : { resources }),
    detail,
  });

  const put = (entry: BusEntry): void => {
    const { detailType, source, detail } = entry;
    world.emit({ kind: 'eventbridge', detailType, source, detail });
    const event = eventOf(entry);
    for (const { pattern, functionName } of rules.values()) {
      if (matchesPattern(pattern, { ...event })) send(functionName, event);
    }
  };

  const instanceArn = (instanceId: string, at = region): string =>
    `arn:aws:ec2:${at}:${accountId}:instance/${instanceId}`;

  const tellsPlainOrigin = unknowns.chance(0.5);
  /** EventBridge hears of every hook, also of those with a target and of other people's (AWS-CONTRACTS §1). */
  const tellHook = ({ message }: HookNotice): void => {
    const { AccountId: _a, RequestId: _r, Service: _s, Time: _t, Origin, Destination, ...detail } = message;
    const kind = message['LifecycleTransition']?.endsWith('LAUNCHING') ? 'launch' : 'terminate';
    // UNVERIFIED in AWS-CONTRACTS §1, "optional": the samples have them for warm pools and root volumes only.
    const isPlain = Origin === 'EC2' || Destination === 'EC2';
    const route = isPlain && !tellsPlainOrigin ? {} : { Origin, Destination };
    put({
      detailType: `EC2 Instance-${kind} Lifecycle Action`,
      source: 'aws.autoscaling',
      resources: [
        `arn:aws:autoscaling:${region}:${accountId}:autoScalingGroup:00000000-0000-0000-0000-000000000000:autoScalingGroupName/${message['AutoScalingGroupName']}`,
      ],
      detail: { ...detail, ...route },
    });
  };

  world.on((event) => {
    if (event.kind === 'hook-waiting') tellHook(event.notice);
    if (event.kind === 'execution') {
      const { detail } = event;
      put({ detailType: 'Durable Execution Status Change', source: 'aws.lambda', resources: [], detail });
    }
    if (event.kind === 'parameter') {
      // "Parameter Store events" of the Systems Manager user guide; its `description` is that of the parameter, and ours have none.
      const { operation, name, type, arn } = event;
      put({
        detailType: 'Parameter Store Change',
        source: 'aws.ssm',
        resources: [arn],
        detail: { operation, name, type },
      });
    }
  });

  /** One notice of a Health event: a page of it, or that page's copy (samples/eb-health-*.json). */
  const healthPage = (
    change: HealthChange & { readonly status: string },
    ids: { event: string; communication: string },
    page: {
      readonly number: number;
      readonly of: number;
      readonly entities: readonly string[];
      readonly copy: boolean;
    },
  ): BusEntry => {
    const now = new Date(clock.nowMs()).toUTCString();
    const eventRegion = change.region ?? region;
    return {
      detailType: 'AWS Health Event',
      source: 'aws.health',
      // One of the two samples has none.
      ...(unknowns.chance(0.5) ? { resources: page.entities } : {}),
      detail: {
        eventArn: `arn:aws:health:${eventRegion}::event/${change.code}_${ids.event}`,
        service: 'EC2',
        eventTypeCode: change.code,
        eventTypeCategory: 'scheduledChange',
        eventScopeCode: 'ACCOUNT_SPECIFIC',
        // The page's number is part of it, and the copy has the same.
        communicationId: `${ids.communication}-${page.number}`,
        startTime: new Date(change.startsAtMs).toUTCString(),
        ...(change.endsAtMs === undefined ? {} : { endTime: new Date(change.endsAtMs).toUTCString() }),
        lastUpdatedTime: now,
        statusCode: change.status,
        eventRegion,
        eventDescription: [{ language: 'en_US', latestDescription: 'EC2 has scheduled a change of your instance.' }],
        affectedEntities: page.entities.map((entityValue) => ({
          entityValue,
          lastUpdatedTime: now,
          status: 'PENDING',
        })),
        affectedAccount: accountId,
        page: String(page.number),
        totalPages: String(page.of),
        backupEvent: String(page.copy),
        personas: ['OPERATIONS'],
        actionability: 'ACTION_REQUIRED',
      },
    };
  };

  return {
    rule: (name, pattern, functionName) => void rules.set(name, { pattern: readPattern(pattern), functionName }),
    schedule(name, everySeconds, functionName) {
      const resources = [`arn:aws:events:${region}:${accountId}:rule/${name}`];
      const tick = (): void => {
        send(functionName, eventOf({ detailType: 'Scheduled Event', source: 'aws.events', resources, detail: {} }));
        clock.after(everySeconds * 1000, tick);
      };
      clock.after(random.int(0, LATE_MS), tick);
    },
    put,
    spotInterruption: (instanceId, action) =>
      put({
        detailType: 'EC2 Spot Instance Interruption Warning',
        source: 'aws.ec2',
        resources: [instanceArn(instanceId)],
        detail: { 'instance-id': instanceId, 'instance-action': action },
      }),
    rebalanceRecommendation: (instanceId) =>
      put({
        detailType: 'EC2 Instance Rebalance Recommendation',
        source: 'aws.ec2',
        resources: [instanceArn(instanceId)],
        detail: { 'instance-id': instanceId },
      }),
    health(change) {
      const { instanceIds, pageSize = instanceIds.length } = change;
      const { entities = unknowns.chance(0.5) ? 'id' : 'arn', status = unknowns.chance(0.5) ? 'open' : 'upcoming' } =
        change;
      const values = instanceIds.map((id) => (entities === 'id' ? id : instanceArn(id, change.region)));
      const pages = Array.from({ length: Math.ceil(values.length / pageSize) }, (_, i) =>
        values.slice(i * pageSize, (i + 1) * pageSize),
      );
      const ids = { event: random.hex(17), communication: random.hex(40) };
      for (const copy of change.backup ? [false, true] : [false]) {
        for (const [i, entities] of pages.entries()) {
          put(healthPage({ ...change, status }, ids, { number: i + 1, of: pages.length, entities, copy }));
        }
      }
    },
  };
}
