import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isEvent, readEvent } from '../../src/drain/event.ts';
import { readNotice } from '../../src/drain/notice.ts';
import { DrainRequest, executionName } from '../../src/drain/request.ts';
import {
  ACCOUNT,
  aMaintenanceRequest,
  anEvent,
  anOrder,
  aRebalanceRequest,
  aRequest,
  aSpotRequest,
  hookMessage,
  INSTANCE,
  NOTICED_AT,
  OCCASION,
  statusChange,
} from '../support/build.ts';

const OTHER_INSTANCE = 'i-0a1b2c3d480000001';
const KINDS = ['terminating', 'spot-interruption', 'rebalance', 'maintenance'] as const;
const ARN = `arn:aws:ec2:eu-west-1:${ACCOUNT}:instance/${INSTANCE}`;

const read = (event: unknown) => readEvent(event, ACCOUNT);
const health = (detail: Record<string, unknown> = {}, envelope: Record<string, unknown> = {}) =>
  read(anEvent('maintenance', detail, envelope));
/** The names under which an event's requests are started. */
const namesOf = (event: unknown): string[] => read(event).map((notice) => executionName(DrainRequest.parse(notice)));
const entities = (...values: string[]) => ({ affectedEntities: values.map((entityValue) => ({ entityValue })) });

describe('a hook’s event', () => {
  it('makes the very request that its SNS message makes', () => {
    const message = hookMessage({ NotificationMetadata: '{"cluster":"web"}' });
    expect(read(anEvent('terminating', message))).toEqual([readNotice(JSON.stringify(message), ACCOUNT)]);
  });

  it('has the name of its SNS message also where the two disagree about the time', () => {
    const { Time, ...detail } = hookMessage();
    const event = { ...anEvent('terminating'), time: '2026-03-01T12:00:01Z', detail };
    expect(namesOf(event)).toEqual([executionName(aRequest())]);
  });

  it('takes account and time from its envelope, for its detail has none', () => {
    const { AccountId, Time, Service, RequestId, ...detail } = hookMessage();
    expect(read({ ...anEvent('terminating'), detail })).toEqual([aRequest()]);
  });

  it.each([
    ['into a warm pool', { Origin: 'AutoScalingGroup', Destination: 'WarmPool' }, 'warm-pool'],
    [
      'for a new root volume',
      { Origin: 'AutoScalingGroup', Destination: 'AutoScalingGroup', Action: 'ReplaceRootVolume' },
      'replace-root-volume',
    ],
    ['that ends the instance', {}, 'terminate'],
  ])('%s says where the instance goes', (_, detail, departure) => {
    expect(read(anEvent('terminating', detail))).toEqual([aRequest({ departure } as Partial<typeof aRequest>)]);
  });

  it('of another transition than a termination is ignored, whatever the event calls itself', () => {
    const launching = { LifecycleTransition: 'autoscaling:EC2_INSTANCE_LAUNCHING' };
    expect(read(anEvent('terminating', launching))).toEqual([
      { kind: 'ignored', level: 'debug', because: expect.stringMatching(/EC2_INSTANCE_LAUNCHING.*not a termination/) },
    ]);
  });
});

describe('a Spot interruption warning', () => {
  it.each(['hibernate', 'stop', 'terminate'] as const)('to %s becomes a request', (action) => {
    expect(read(anEvent('spot-interruption', { 'instance-action': action }))).toEqual([aSpotRequest({ action })]);
  });

  it.each([
    ['no action', { 'instance-action': undefined }, /action/],
    ['an action that is not known', { 'instance-action': 'reboot' }, /action/],
    ['no instance', { 'instance-id': undefined }, /instanceId/],
    ['an external instance', { 'instance-id': 'mi-0a1b2c3d4e5f60718' }, /instanceId/],
  ])('with %s is ignored', (_, detail, because) => {
    expect(read(anEvent('spot-interruption', detail))).toEqual([
      { kind: 'ignored', level: 'warn', because: expect.stringMatching(because) },
    ]);
  });
});

describe('a rebalance recommendation', () => {
  it('becomes a request', () => {
    expect(read(anEvent('rebalance'))).toEqual([aRebalanceRequest()]);
  });

  it('is started under the event’s own id: the next one is another occasion', () => {
    const again = anEvent('rebalance', {}, { id: 'c0ffee00-1428-4cd3-a780-95db273d1602' });
    expect(namesOf(anEvent('rebalance'))).toEqual([`${INSTANCE}-${OCCASION}`]);
    expect(namesOf(again)).not.toEqual(namesOf(anEvent('rebalance')));
  });
});

describe('a Health event', () => {
  it('becomes a request, with its RFC 1123 times in ISO 8601', () => {
    const [request] = health();
    expect(request).toEqual(aMaintenanceRequest({ id: expect.stringMatching(/^health-[0-9a-f]{8}$/) as never }));
  });

  it.each([
    ['AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED', 'leave'],
    ['AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED', 'leave'],
    ['AWS_EC2_INSTANCE_STOP_SCHEDULED', 'leave'],
    ['AWS_EC2_INSTANCE_TERMINATION_SCHEDULED', 'leave'],
    ['AWS_EC2_INSTANCE_REBOOT_MAINTENANCE_SCHEDULED', 'reboot'],
    ['AWS_EC2_INSTANCE_REBOOT_FLEXIBLE_MAINTENANCE_SCHEDULED', 'reboot'],
    ['AWS_EC2_SYSTEM_REBOOT_MAINTENANCE_SCHEDULED', 'reboot'],
  ])('%s means that the instance will %s', (eventTypeCode, change) => {
    expect(health({ eventTypeCode })).toEqual([expect.objectContaining({ kind: 'maintenance', change })]);
  });

  it.each([
    ['a bare id', INSTANCE],
    ['an ARN', ARN],
    ['an ARN in China', ARN.replace('arn:aws:', 'arn:aws-cn:')],
  ])('names its instance by %s', (_, entityValue) => {
    expect(health(entities(entityValue))).toEqual([expect.objectContaining({ instanceId: INSTANCE })]);
  });

  it('that names several instances becomes a request for each, under names of their own', () => {
    const event = anEvent('maintenance', entities(ARN, OTHER_INSTANCE));
    expect(read(event)).toEqual([
      expect.objectContaining({ instanceId: INSTANCE }),
      expect.objectContaining({ instanceId: OTHER_INSTANCE }),
    ]);
    expect(new Set(namesOf(event)).size).toBe(2);
  });

  it('keeps those instances that it names rightly beside what is none', () => {
    expect(health(entities('h-0a1b2c3d4e5f60718', INSTANCE, 'vol-0a1b2c3d'))).toEqual([
      expect.objectContaining({ kind: 'ignored', level: 'warn' }),
      expect.objectContaining({ instanceId: INSTANCE }),
      expect.objectContaining({ kind: 'ignored', level: 'warn' }),
    ]);
  });

  it('comes in pages, of which each becomes its own instances’ requests', () => {
    const pages = [INSTANCE, OTHER_INSTANCE].map((instance, n) =>
      anEvent('maintenance', { ...entities(instance), page: String(n + 1), totalPages: '2' }),
    );
    expect(pages.flatMap(read).map((notice) => notice.kind)).toEqual(['maintenance', 'maintenance']);
    expect(new Set(pages.flatMap(namesOf)).size).toBe(2);
  });

  it('is repeated to a backup region, and joins there what has been started', () => {
    const backup = anEvent(
      'maintenance',
      { backupEvent: 'true' },
      { region: 'us-west-2', id: '121345678-1234-1234-1234-123456789012', time: '2026-03-01T12:00:07Z' },
    );
    expect(namesOf(backup)).toEqual(namesOf(anEvent('maintenance')));
  });

  it('that says something else about the same instance is another occasion', () => {
    const names = [
      anEvent('maintenance'),
      anEvent('maintenance', { communicationId: '1234abc01232a4012345678-2' }),
      anEvent('maintenance', { communicationId: 'another-1' }),
    ].flatMap(namesOf);
    expect(new Set(names).size).toBe(3);
  });

  it.each([
    ['RFC 1123', 'Thu, 27 Aug 2026 13:19:03 GMT', '2026-08-27T13:19:03.000Z'],
    ['RFC 1123 with a day of one digit', 'Fri, 3 Jul 2026 05:01:10 GMT', '2026-07-03T05:01:10.000Z'],
    ['ISO 8601', '2026-08-27T13:19:03Z', '2026-08-27T13:19:03.000Z'],
  ])('has its times in %s', (_, startTime, startsAt) => {
    expect(health({ startTime, endTime: startTime })).toEqual([
      expect.objectContaining({ startsAt, endsAt: startsAt }),
    ]);
  });

  it.each([
    ['none', undefined],
    ['one that is no time', 'soon'],
  ])('without an end (%s) is taken all the same', (_, endTime) => {
    const [request] = health({ endTime });
    expect(request).toMatchObject({ kind: 'maintenance' });
    expect(request).not.toHaveProperty('endsAt');
  });

  it.each<[string, Record<string, unknown>, 'debug' | 'warn', RegExp]>([
    ['that is over', { statusCode: 'closed' }, 'debug', /is over/],
    ['of another service', { service: 'RDS' }, 'debug', /schedules nothing/],
    ['of another category', { eventTypeCategory: 'issue' }, 'debug', /schedules nothing/],
    ['of the account', { eventTypeCategory: 'accountNotification' }, 'debug', /schedules nothing/],
    [
      'whose change takes no task away',
      { eventTypeCode: 'AWS_EC2_INSTANCE_NETWORK_MAINTENANCE_SCHEDULED' },
      'debug',
      /takes no task away.*NETWORK/,
    ],
    ['that names no instance', { affectedEntities: [] }, 'debug', /names no instance/],
    ['that leaves its instances out', { affectedEntities: undefined }, 'debug', /names no instance/],
    ['about another account of the organization', { affectedAccount: '999999999999' }, 'debug', /999999999999/],
    ['without a start', { startTime: undefined }, 'warn', /startTime/],
    ['whose start is no time', { startTime: 'next week' }, 'warn', /start is no time: "next week"/],
    ['without its communication', { communicationId: undefined }, 'warn', /communicationId/],
    ['whose instances are no list', { affectedEntities: INSTANCE }, 'warn', /affectedEntities/],
  ])('%s is ignored', (_, detail, level, because) => {
    expect(health(detail)).toEqual([{ kind: 'ignored', level, because: expect.stringMatching(because) }]);
  });

  it('that claims to name thousands is read as far as any real one goes', () => {
    const many = Array.from({ length: 5_000 }, (_, n) => `i-${n.toString(16).padStart(8, '0')}`);
    expect(health(entities(...many))).toHaveLength(100);
  });
});

describe('an event that asks for no drain is ignored', () => {
  it.each(KINDS)('where it is of another account (%s)', (kind) => {
    expect(read(anEvent(kind, {}, { account: '999999999999' }))).toEqual([
      { kind: 'ignored', level: 'warn', because: expect.stringMatching(/account "999999999999", not ours/) },
    ]);
  });

  it.each(KINDS)('where its time is none (%s)', (kind) => {
    // The hook's detail may carry the time as well, as its SNS message does.
    expect(read(anEvent(kind, { Time: undefined }, { time: 'noon' }))).toEqual([
      expect.objectContaining({ kind: 'ignored', level: 'warn' }),
    ]);
  });

  it.each<[string, unknown]>([
    ['a launch', { ...anEvent('terminating'), 'detail-type': 'EC2 Instance-launch Lifecycle Action' }],
    ['a plain termination', { ...anEvent('terminating'), 'detail-type': 'EC2 Instance Terminate Successful' }],
    ['a known type of another source', { ...anEvent('rebalance'), source: 'my.app' }],
    ['the end of an execution that needs nothing', statusChange({ status: 'SUCCEEDED' })],
    ['a schedule', { ...anEvent('rebalance'), source: 'aws.events', 'detail-type': 'Scheduled Event' }],
  ])('where it is %s', (_, event) => {
    expect(read(event)).toEqual([
      { kind: 'ignored', level: 'warn', because: expect.stringMatching(/^not an event that we know/) },
    ]);
  });

  it.each<[string, Record<string, unknown>]>([
    ['no detail', { detail: undefined }],
    ['a detail that is a list', { detail: [] }],
    ['a detail that is text', { detail: 'x' }],
    ['no id', { id: undefined }],
    ['an id that is no id', { id: '../../x' }],
    ['an id longer than a name takes', { id: 'x'.repeat(41) }],
    ['no source', { source: undefined }],
    ['an account that is a number', { account: 123456789012 }],
  ])('where it has %s', (_, envelope) => {
    expect(read(anEvent('rebalance', {}, envelope))).toEqual([
      { kind: 'ignored', level: 'warn', because: expect.stringMatching(/^an event with wrong members/) },
    ]);
  });

  it.each([undefined, null, 'text', 17, [], {}])('where it is %j', (event) => {
    expect(isEvent(event)).toBe(false);
    expect(read(event)).toEqual([expect.objectContaining({ kind: 'ignored', level: 'warn' })]);
  });

  it('where its members come through the prototype only', () => {
    const hostile = JSON.parse(`{"__proto__": ${JSON.stringify(anEvent('rebalance'))}, "detail-type": "x"}`);
    expect(read(hostile)).toEqual([expect.objectContaining({ kind: 'ignored' })]);
    expect(({} as Record<string, unknown>)['source']).toBeUndefined();
  });

  it('with a reason that stays one short line, whatever it holds', () => {
    const evil = 'evil\r\n{"level":"ERROR"}\u2028'.repeat(100);
    const events = [
      anEvent('rebalance', {}, { source: evil }),
      anEvent('rebalance', {}, { 'detail-type': evil }),
      anEvent('rebalance', {}, { account: evil }),
      anEvent('rebalance', { 'instance-id': evil }),
      anEvent('maintenance', { eventTypeCode: evil }),
      anEvent('maintenance', { startTime: evil }),
      anEvent('maintenance', { affectedAccount: evil }),
      anEvent('maintenance', { eventTypeCategory: evil }),
    ];
    for (const notice of events.flatMap(read)) {
      if (notice.kind !== 'ignored') expect.fail('it asks for a drain');
      expect(notice.because).not.toMatch(/[\r\n]/);
      expect(notice.because.length).toBeLessThan(400);
    }
  });
});

describe('reading an event never throws, and answers only requests that are whole', () => {
  const holds = (event: unknown): void => {
    const notices = read(event);
    expect(notices).not.toEqual([]);
    for (const notice of notices) {
      if (notice.kind === 'ignored') {
        expect(notice.because).not.toBe('');
        continue;
      }
      expect(DrainRequest.parse(JSON.parse(JSON.stringify(notice)))).toEqual(notice);
      expect(`${executionName(notice)}-r1`).toMatch(/^[a-zA-Z0-9-_]{1,64}$/);
      expect(Date.parse(notice.noticedAt)).not.toBeNaN();
    }
    expect(read(event)).toStrictEqual(notices);
  };

  it('for any value', () => {
    fc.assert(fc.property(fc.anything(), holds));
  });

  it('for an event with any of its members replaced by anything', () => {
    const envelopeKeys = Object.keys(anEvent('rebalance'));
    const detailKeys = [
      ...KINDS.flatMap((kind) => Object.keys(anEvent(kind).detail)),
      'Action',
      'NotificationMetadata',
    ];
    const changes = (keys: readonly string[]) =>
      fc.dictionary(fc.constantFrom(...keys), fc.oneof(fc.jsonValue(), fc.constant(undefined)), { maxKeys: 2 });
    fc.assert(
      fc.property(fc.constantFrom(...KINDS), changes(detailKeys), changes(envelopeKeys), (kind, detail, envelope) =>
        holds(anEvent(kind, detail, envelope)),
      ),
      { numRuns: 500 },
    );
  });

  it('for a Health event with any times, and any instances', () => {
    const time = fc.oneof(
      fc.string(),
      fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
    );
    const entity = fc.oneof(fc.string(), fc.constantFrom(INSTANCE, ARN), fc.stringMatching(/^i-[0-9a-f]{8,17}$/));
    fc.assert(
      fc.property(time, time, fc.array(entity, { maxLength: 4 }), (startTime, endTime, values) =>
        holds(anEvent('maintenance', { startTime, endTime, ...entities(...values) })),
      ),
    );
  });
});

it('an operator’s request is no event: it comes to the drain itself', () => {
  expect(isEvent(anOrder())).toBe(false);
});

const SAMPLES = new URL('../../../shared/samples/', import.meta.url);

// Real payloads lie beside the checkout where the project is developed and on CI; a lone clone does not have them.
describe.skipIf(!existsSync(SAMPLES))('a documented event lands where it should', () => {
  const ID = '12345678-1234-1234-1234-123456789012';
  const hook = (different: object) => ({
    ...aRequest({ instanceId: 'i-1234567890abcdef0', group: 'my-asg' }),
    ...different,
  });
  const unknown = { kind: 'ignored', level: 'warn', because: expect.stringMatching(/^not an event that we know/) };
  const UNKNOWN = [
    /^eb-asg-ec2-auto-scaling-instance-refresh-/,
    /^eb-asg-ec2-instance-(launch|terminate-(un)?successful)/,
    /^eb-asg-(replacerootvolume-launch|warmpool-launching)/,
    /^eb-ecs-task-state-change/,
    /^eb-lambda-durable-execution-status-change/,
  ];
  const EXPECTED: Readonly<Record<string, object>> = {
    'eb-asg-ec2-instance-terminate-lifecycle-action.json': hook({
      hook: 'my-lifecycle-hook',
      token: '87654321-4321-4321-4321-210987654321',
    }),
    'eb-asg-replacerootvolume-terminate.json': hook({
      hook: 'my-terminate-lifecycle-hook',
      token: '71514b9d-6a40-4b26-8523-05e7eEXAMPLE',
      noticedAt: '2021-01-13T00:12:37.214Z',
      departure: 'replace-root-volume',
    }),
    'eb-asg-warmpool-terminating-autoscalinggroup-to-warmpool.json': hook({
      hook: 'my-termination-lifecycle-hook',
      token: '42694b3d-4b70-6a62-8523-09a1eEXAMPLE',
      noticedAt: '2022-03-28T00:12:37.214Z',
      departure: 'warm-pool',
    }),
    'eb-ec2-rebalance-recommendation.doc.json': aRebalanceRequest({ instanceId: 'i-1234567890abcdef0', id: ID }),
    'eb-ec2-spot-interruption-warning.doc.json': aSpotRequest({ instanceId: 'i-1234567890abcdef0', id: ID }),
    'eb-health-ec2-instance-retirement.doc.json': {
      kind: 'maintenance',
      instanceId: 'i-1234567890abcdef0',
      noticedAt: '2026-01-27T01:43:21Z',
      change: 'leave',
      startsAt: '2026-08-27T13:19:03.000Z',
      id: expect.stringMatching(/^health-/),
    },
    'eb-health-ec2-instance-store-degraded-backup.doc.json': {
      kind: 'ignored',
      level: 'debug',
      because: expect.stringMatching(/schedules nothing/),
    },
    'eb-ecs-container-instance-state-change.doc.json': {
      kind: 'ignored',
      level: 'warn',
      because: expect.stringMatching(/account "111122223333"/),
    },
  };

  /** Some of AWS's pages print a placeholder where a real event has a value. */
  const open = (file: string): Record<string, unknown> => {
    const event = JSON.parse(readFileSync(new URL(file, SAMPLES), 'utf8'));
    const action = event.detail['instance-action'] === 'action' ? { 'instance-action': 'terminate' } : {};
    return {
      ...event,
      ...(event.time.startsWith('yyyy') ? { time: NOTICED_AT } : {}),
      detail: { ...event.detail, ...action },
    };
  };

  it.each(existsSync(SAMPLES) ? readdirSync(SAMPLES).filter((file) => file.startsWith('eb-')) : [])('%s', (file) => {
    const expected = UNKNOWN.some((pattern) => pattern.test(file))
      ? unknown
      : (EXPECTED[file] ?? expect.fail('a new sample: say here what it should become'));
    expect(isEvent(open(file))).toBe(true);
    expect(read(open(file))).toEqual([expected]);
  });

  it('and none that is expected here has gone', () => {
    expect(readdirSync(SAMPLES)).toEqual(expect.arrayContaining(Object.keys(EXPECTED)));
  });
});
