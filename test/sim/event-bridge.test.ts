import { describe, expect, it } from 'vitest';
import type { BusEvent, EventBridgeOptions } from '../../sim/event-bridge.ts';
import { createEventBridge } from '../../sim/event-bridge.ts';
import type { EventPattern } from '../../sim/event-pattern.ts';
import { matchesPattern, readPattern } from '../../sim/event-pattern.ts';
import { runWorld } from '../../sim/virtual-time.ts';
import { createRunningRegion, runOut } from './running-region.ts';

const INSTANCE = 'i-1234567890abcdef0';
const ALL: EventPattern = { version: ['0'] };

/** A bus whose one rule sends what matches to a function that keeps it. */
function createBus(pattern: EventPattern = ALL, faults: EventBridgeOptions['faults'] = {}, seed = 1) {
  const region = createRunningRegion({ seed });
  const received: { event: BusEvent; atSeconds: number }[] = [];
  region.lambda.register({
    name: 'intake',
    durable: false,
    timeoutSeconds: 30,
    memoryMb: 256,
    handler: async (event: BusEvent) => void received.push({ event, atSeconds: region.world.clock.nowSeconds() }),
  });
  const bus = createEventBridge(region.world, { deliver: region.lambda.deliver, faults });
  bus.rule('all', pattern, 'intake');
  return { region, bus, received, run: () => runOut(region.world) };
}

const keysOf = (value: unknown): string[] => Object.keys(value as object).sort();
/** Of samples/eb-*.json, all of which are sent within the same envelope. */
const ENVELOPE = ['account', 'detail', 'detail-type', 'id', 'region', 'resources', 'source', 'time', 'version'];

describe('a schedule', () => {
  it('calls its function so often, first within a minute, with the event of a schedule', async () => {
    const { region, bus, received } = createBus({ source: ['ecs-drain'] });
    bus.schedule('hourly', 3_600, 'intake');
    await runWorld(region.world, () => region.world.clock.nowSeconds() > 3 * 3_600 + 120);
    const times = received.map(({ atSeconds }) => atSeconds);
    expect(times).toHaveLength(4);
    expect(times[0]).toBeLessThan(62);
    for (const [i, atSeconds] of times.entries())
      expect(Math.abs(atSeconds - (times[0] ?? 0) - i * 3_600)).toBeLessThan(2);
    expect(received[0]?.event).toMatchObject({
      'detail-type': 'Scheduled Event',
      source: 'aws.events',
      resources: ['arn:aws:events:eu-west-1:123456789012:rule/hourly'],
      detail: {},
    });
    expect(new Set(received.map(({ event }) => event.id)).size).toBe(4);
  });
});

describe('an event', () => {
  it('reaches the functions whose rules match, a moment later, in its envelope', async () => {
    const { region, bus, received, run } = createBus({ source: ['ecs-drain'] });
    bus.put({ detailType: 'Test', source: 'ecs-drain', resources: ['a'], detail: { b: 1 } });
    bus.put({ detailType: 'Test', source: 'other', detail: {} });
    await run();
    expect(received).toHaveLength(1);
    expect(received[0]?.event).toEqual({
      version: '0',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      'detail-type': 'Test',
      source: 'ecs-drain',
      account: '123456789012',
      time: '2026-01-01T00:00:00Z',
      region: 'eu-west-1',
      resources: ['a'],
      detail: { b: 1 },
    });
    expect(received[0]?.atSeconds).toBeGreaterThan(0.1);
    expect(region.of('eventbridge').map(({ source }) => source)).toEqual(['ecs-drain', 'other']);
  });

  it('may be lost, repeated or late, by seed', async () => {
    const send = async (faults: EventBridgeOptions['faults'], seed = 1) => {
      const { bus, received, run } = createBus(ALL, faults, seed);
      for (let i = 0; i < 20; i++) bus.put({ detailType: String(i), source: 'test', detail: {} });
      await run();
      return received.map(({ event }) => [event['detail-type'], event.id]);
    };
    const numbers = (events: readonly unknown[][]): unknown[] => events.map(([number]) => number);
    expect(await send({ lost: 1 })).toEqual([]);
    const doubled = await send({ duplicate: 1 });
    expect(doubled).toHaveLength(40);
    expect(new Set(doubled.map(String)).size).toBe(20);
    expect(numbers(await send({ reorder: 0.5 }))).not.toEqual(numbers(await send({})));
    const mixed = { lost: 0.3, duplicate: 0.3, reorder: 0.3 };
    expect(await send(mixed, 7)).toEqual(await send(mixed, 7));
    expect(await send(mixed, 7)).not.toEqual(await send(mixed, 8));
  });
});

describe('a pattern', () => {
  const event = {
    source: 'aws.ec2',
    detail: { name: 'ecs-drain-web', codes: ['A', 'B'], nested: { n: 1, none: null } },
  };

  it.each<[string, EventPattern, boolean]>([
    ['an exact value', { source: ['aws.ec2'] }, true],
    ['another value', { source: ['aws.ecs'] }, false],
    ['one of several values', { source: ['aws.ecs', 'aws.ec2'] }, true],
    ['two fields of which one fits', { source: ['aws.ec2'], detail: { name: ['other'] } }, false],
    ['a prefix', { detail: { name: [{ prefix: 'ecs-drain' }] } }, true],
    ['another prefix', { detail: { name: [{ prefix: 'drain' }] } }, false],
    ['a prefix of what is no string', { detail: { nested: { n: [{ prefix: '1' }] } } }, false],
    ['anything but another value', { source: [{ 'anything-but': 'aws.ecs' }] }, true],
    ['anything but this value', { source: [{ 'anything-but': 'aws.ec2' }] }, false],
    ['anything but a list with it', { source: [{ 'anything-but': ['aws.ecs', 'aws.ec2'] }] }, false],
    ['anything but its prefix', { detail: { name: [{ 'anything-but': { prefix: 'ecs-' } }] } }, false],
    ['anything but another prefix', { detail: { name: [{ 'anything-but': { prefix: 'asg-' } }] } }, true],
    ['anything but, where there is nothing', { detail: { other: [{ 'anything-but': 'a' }] } }, false],
    ['a field that is not there', { detail: { other: ['a'] } }, false],
    ['an item of a list', { detail: { codes: ['B'] } }, true],
    ['no item of a list', { detail: { codes: ['C'] } }, false],
    ['a number and null, further down', { detail: { nested: { n: [1], none: [null] } } }, true],
    ['the number as text', { detail: { nested: { n: ['1'] } } }, false],
  ])('with %s', (_what, pattern, expected) => {
    expect(matchesPattern(readPattern(pattern), event)).toBe(expected);
  });

  it.each([
    [{}, 'the pattern is not an object with fields'],
    [{ source: 'aws.ec2' }, 'the pattern, source is not an object with fields'],
    [{ source: [] }, 'the pattern, source: an empty list matches nothing'],
    [{ detail: { n: [{ numeric: ['>', 0] }] } }, 'the pattern, detail, n: {"numeric":[">",0]} is not implemented'],
    [{ source: [{ 'anything-but': { suffix: 'a' } }] }, 'is not implemented'],
    [{ source: [{ prefix: { 'equals-ignore-case': 'a' } }] }, 'is not implemented'],
  ])('that cannot be one is refused: %j', (pattern, message) => {
    const { bus } = createBus();
    expect(() => bus.rule('bad', pattern as unknown as EventPattern, 'intake')).toThrow(message);
  });
});

describe('a lifecycle hook that waits', () => {
  const MESSAGE = {
    Origin: 'AutoScalingGroup',
    LifecycleHookName: 'my-hook',
    Destination: 'EC2',
    AccountId: '123456789012',
    RequestId: 'r',
    LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
    AutoScalingGroupName: 'my-asg',
    Service: 'AWS Auto Scaling',
    Time: '2026-01-01T00:00:00.000Z',
    EC2InstanceId: INSTANCE,
    LifecycleActionToken: '87654321-4321-4321-4321-210987654321',
    NotificationMetadata: 'additional-info',
  };
  const tell = async (message: Partial<typeof MESSAGE> & { Action?: string }, targetArn?: string, seed = 1) => {
    const { region, received, run } = createBus(ALL, {}, seed);
    const notice = { targetArn, roleArn: undefined, message: { ...MESSAGE, ...message } };
    region.world.emit({ kind: 'hook-waiting', instanceId: INSTANCE, group: 'my-asg', hook: 'h', token: 't', notice });
    await run();
    return received.map(({ event }) => event);
  };
  /** Of samples/eb-asg-ec2-instance-terminate-lifecycle-action.json. */
  const PLAIN = [
    ...['AutoScalingGroupName', 'EC2InstanceId', 'LifecycleActionToken', 'LifecycleHookName', 'LifecycleTransition'],
    'NotificationMetadata',
  ];

  it('is told, whether or not it has a target of its own', async () => {
    const [event, ...others] = await tell({});
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      source: 'aws.autoscaling',
      'detail-type': 'EC2 Instance-terminate Lifecycle Action',
    });
    expect(keysOf(event)).toEqual(ENVELOPE);
    expect(event?.resources?.[0]).toMatch(/^arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:.*\/my-asg$/);
    expect(await tell({}, 'arn:aws:sns:eu-west-1:123456789012:topic')).toHaveLength(1);
  });

  it('is told with or without where the instance goes, by seed, as long as it simply goes', async () => {
    const details = [];
    for (let seed = 1; seed <= 10; seed++) details.push(keysOf((await tell({}, undefined, seed))[0]?.detail).join());
    expect(new Set(details)).toEqual(new Set([PLAIN.join(), ['Destination', 'Origin', ...PLAIN].sort().join()]));
  });

  it('is told with it for a warm pool and for a new root volume (samples/eb-asg-warmpool-*, eb-asg-replacerootvolume-*)', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const [pool] = await tell({ Destination: 'WarmPool' }, undefined, seed);
      expect(keysOf(pool?.detail)).toEqual(['Destination', 'Origin', ...PLAIN].sort());
      const [volume] = await tell({ Destination: 'AutoScalingGroup', Action: 'ReplaceRootVolume' }, undefined, seed);
      expect(keysOf(volume?.detail)).toEqual(['Action', 'Destination', 'Origin', ...PLAIN].sort());
    }
  });

  it('of a launch is told as one', async () => {
    const [event] = await tell({ LifecycleTransition: 'autoscaling:EC2_INSTANCE_LAUNCHING' });
    expect(event?.['detail-type']).toBe('EC2 Instance-launch Lifecycle Action');
  });
});

describe('EC2', () => {
  it('warns of an interruption and recommends a rebalance (samples/eb-ec2-*.json)', async () => {
    const { bus, received, run } = createBus();
    bus.spotInterruption(INSTANCE, 'hibernate');
    bus.rebalanceRecommendation(INSTANCE);
    await run();
    const resources = [`arn:aws:ec2:eu-west-1:123456789012:instance/${INSTANCE}`];
    const events = received.map(({ event }) => event).sort((a, b) => (a['detail-type'] < b['detail-type'] ? 1 : -1));
    expect(events).toMatchObject([
      {
        ...{ 'detail-type': 'EC2 Spot Instance Interruption Warning', source: 'aws.ec2', resources },
        detail: { 'instance-id': INSTANCE, 'instance-action': 'hibernate' },
      },
      {
        ...{ 'detail-type': 'EC2 Instance Rebalance Recommendation', source: 'aws.ec2', resources },
        detail: { 'instance-id': INSTANCE },
      },
    ]);
    for (const event of events) expect(keysOf(event)).toEqual(ENVELOPE);
  });
});

describe('AWS Health', () => {
  const code = 'AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED';
  const startsAtMs = Date.UTC(2026, 7, 27, 13, 19, 3);
  const tell = async (change: Partial<Parameters<ReturnType<typeof createEventBridge>['health']>[0]>, seed = 1) => {
    const { bus, received, run } = createBus(ALL, {}, seed);
    bus.health({ code, instanceIds: [INSTANCE], startsAtMs, ...change });
    await run();
    return received
      .map(({ event }) => event)
      .sort((a, b) => (JSON.stringify(a.detail) < JSON.stringify(b.detail) ? -1 : 1));
  };
  interface Detail {
    readonly affectedEntities: readonly { entityValue: string }[];
    readonly statusCode: string;
    readonly backupEvent: string;
    readonly page: string;
    readonly totalPages: string;
    readonly communicationId: string;
  }
  const detailOf = (event: BusEvent | undefined): Detail => (event?.detail ?? {}) as unknown as Detail;
  /** Of samples/eb-health-ec2-instance-retirement.doc.json, without its eventMetadata. */
  const DETAIL = [
    ...['actionability', 'affectedAccount', 'affectedEntities', 'backupEvent', 'communicationId', 'eventArn'],
    ...['eventDescription', 'eventRegion', 'eventScopeCode', 'eventTypeCategory', 'eventTypeCode', 'lastUpdatedTime'],
    ...['page', 'personas', 'service', 'startTime', 'statusCode', 'totalPages'],
  ];

  it('tells a scheduled change with bare times', async () => {
    const [event] = await tell({ entities: 'id' });
    expect(event).toMatchObject({
      source: 'aws.health',
      'detail-type': 'AWS Health Event',
      detail: {
        service: 'EC2',
        eventTypeCode: code,
        eventTypeCategory: 'scheduledChange',
        eventRegion: 'eu-west-1',
        startTime: 'Thu, 27 Aug 2026 13:19:03 GMT',
        lastUpdatedTime: 'Thu, 01 Jan 2026 00:00:00 GMT',
        affectedEntities: [{ entityValue: INSTANCE }],
        ...{ page: '1', totalPages: '1', backupEvent: 'false' },
      },
    });
    expect(keysOf(event?.detail)).toEqual(DETAIL);
  });

  it('names instances by id or by ARN, with or without resources, open or upcoming, by seed', async () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 30; seed++) {
      const [event] = await tell({}, seed);
      const [entity] = detailOf(event).affectedEntities;
      seen
        .add(entity?.entityValue ?? '')
        .add(detailOf(event).statusCode)
        .add(String(event?.resources !== undefined));
    }
    const arn = `arn:aws:ec2:eu-west-1:123456789012:instance/${INSTANCE}`;
    expect(seen).toEqual(new Set([INSTANCE, arn, 'open', 'upcoming', 'true', 'false']));
  });

  it('comes in pages, and again as the copy for the backup region with the same communication id', async () => {
    const events = await tell({ instanceIds: ['i-1', 'i-2', 'i-3'], pageSize: 2, backup: true, entities: 'id' });
    expect(new Set(events.map(({ id }) => id)).size).toBe(4);
    const told = events.map(detailOf);
    expect(told.map(({ backupEvent, page, totalPages }) => `${backupEvent} ${page}/${totalPages}`).sort()).toEqual([
      ...['false 1/2', 'false 2/2', 'true 1/2', 'true 2/2'],
    ]);
    for (const { communicationId, page } of told) expect(communicationId).toMatch(new RegExp(`^[0-9a-f]{40}-${page}$`));
    expect(new Set(told.map(({ communicationId }) => communicationId)).size).toBe(2);
    expect(told.map(({ affectedEntities }) => affectedEntities.length).sort()).toEqual([1, 1, 2, 2]);
  });

  it('tells of another region and of the end, where asked to', async () => {
    const [event] = await tell({
      region: 'us-east-1',
      endsAtMs: startsAtMs + 60_000,
      entities: 'arn',
      status: 'closed',
    });
    expect(event?.region).toBe('eu-west-1');
    expect(event?.detail).toMatchObject({
      ...{ eventRegion: 'us-east-1', endTime: 'Thu, 27 Aug 2026 13:20:03 GMT', statusCode: 'closed' },
      affectedEntities: [{ entityValue: `arn:aws:ec2:us-east-1:123456789012:instance/${INSTANCE}` }],
    });
  });
});

describe('a durable execution', () => {
  it('is told when it starts and when it ends (samples/eb-lambda-durable-execution-status-change.doc.json)', async () => {
    const { region, received, run } = createBus({ 'detail-type': ['Durable Execution Status Change'] });
    const program = {
      durable: true,
      timeoutSeconds: 30,
      memoryMb: 256,
      handler: async () => Promise.reject(new Error()),
    };
    region.lambda.register({ name: 'drain', alias: 'durable', ...program });
    region.lambda.deliver('drain', { n: 1 });
    await run();
    const [execution] = region.lambda.executions();
    const details = received.map(({ event }) => event.detail);
    expect(details.map(({ status }) => status)).toEqual(['RUNNING', 'FAILED']);
    expect(received[0]?.event).toMatchObject({ source: 'aws.lambda', resources: [] });
    expect(details[0]).toEqual({
      durableExecutionArn: execution?.arn,
      durableExecutionName: execution?.name,
      functionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:drain:1',
      status: 'RUNNING',
      startTimestamp: expect.stringMatching(/^2026-01-01T/),
    });
  });
});

describe('the parameter store', () => {
  it('tells of what is written to it (Systems Manager user guide, Parameter Store events)', async () => {
    const { region, received, run } = createBus({ source: ['aws.ssm'] });
    region.ssm.set('/ecs-drain/verified/al2023/x86_64', 'ami-1');
    region.ssm.set('/ecs-drain/verified/al2023/x86_64', 'ami-2');
    await run();
    expect(received.map(({ event }) => event['detail-type'])).toEqual(Array(2).fill('Parameter Store Change'));
    expect(received[0]?.event).toMatchObject({
      resources: ['arn:aws:ssm:eu-west-1:123456789012:parameter/ecs-drain/verified/al2023/x86_64'],
      detail: { operation: 'Create', name: '/ecs-drain/verified/al2023/x86_64', type: 'String' },
    });
    expect(received[1]?.event.detail['operation']).toBe('Update');
    // No event carries a value.
    expect(JSON.stringify(received)).not.toContain('ami-1');
  });
});
