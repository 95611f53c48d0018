import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readNotice } from '../../src/drain/notice.ts';
import { DrainRequest, executionName } from '../../src/drain/request.ts';
import { ACCOUNT, aRequest, hookMessage, INSTANCE, NOTICED_AT, TOKEN } from '../support/build.ts';

const read = (body: unknown, account = ACCOUNT) => readNotice(JSON.stringify(body), account);
const DURABLE_NAME = /^[a-zA-Z0-9-_]{1,64}$/;

describe('a termination notice', () => {
  it('becomes a request that holds what the notice said, and nothing else', () => {
    expect(read(hookMessage())).toEqual({
      kind: 'terminating',
      instanceId: INSTANCE,
      group: 'web-asg',
      hook: 'ecs-drain',
      token: TOKEN,
      noticedAt: NOTICED_AT,
      departure: 'terminate',
    });
  });

  it.each([
    ['to EC2', { Origin: 'AutoScalingGroup', Destination: 'EC2' }, 'terminate'],
    ['out of a warm pool', { Origin: 'WarmPool', Destination: 'EC2' }, 'terminate'],
    ['into a warm pool', { Origin: 'AutoScalingGroup', Destination: 'WarmPool' }, 'warm-pool'],
    [
      'for a new root volume',
      { Origin: 'AutoScalingGroup', Destination: 'AutoScalingGroup', Action: 'ReplaceRootVolume' },
      'replace-root-volume',
    ],
    ['of a hook that names neither end', { Origin: undefined, Destination: undefined }, 'terminate'],
    ['to a place that AWS has not named yet', { Destination: 'Hibernation' }, 'terminate'],
  ])('%s says where the instance goes', (_, members, departure) => {
    expect(read(hookMessage(members))).toMatchObject({ kind: 'terminating', departure });
  });

  it.each([
    ['a name', '{"cluster":"web"}', 'web'],
    [
      'an ARN',
      '{"cluster":"arn:aws:ecs:eu-west-1:123456789012:cluster/web","x":1}',
      'arn:aws:ecs:eu-west-1:123456789012:cluster/web',
    ],
    ['no JSON', 'managed by the platform team', undefined],
    ['JSON without a cluster', '{"team":"web"}', undefined],
    ['a cluster that is no string', '{"cluster":["web"]}', undefined],
    ['an empty cluster', '{"cluster":""}', undefined],
    ['a cluster longer than any', JSON.stringify({ cluster: 'w'.repeat(2_049) }), undefined],
    ['JSON null', 'null', undefined],
    ['nothing', '', undefined],
  ])('takes the cluster from metadata with %s', (_, NotificationMetadata, cluster) => {
    // Act
    const notice = read(hookMessage({ NotificationMetadata }));

    // Assess
    expect(notice).toEqual(aRequest(cluster === undefined ? {} : { cluster }));
    expect('cluster' in notice).toBe(cluster !== undefined);
  });

  it('with further members that AWS may add makes the same request', () => {
    expect(read(hookMessage({ Progress: 50, Details: { zone: 'a' } }))).toEqual(read(hookMessage()));
  });

  it('delivered twice makes equal requests under one name', () => {
    // Prepare: the second delivery has its members in another order, as JSON allows.
    const first = JSON.stringify(hookMessage());
    const second = JSON.stringify(Object.fromEntries(Object.entries(hookMessage()).reverse()), null, 2);

    // Act
    const [a, b] = [readNotice(first, ACCOUNT), readNotice(second, ACCOUNT)];

    // Assess
    expect(a).toStrictEqual(b);
    expect(JSON.stringify(a)).toBe(JSON.stringify(b));
    expect(executionName(DrainRequest.parse(a))).toBe(executionName(DrainRequest.parse(b)));
  });

  it('survives the way through JSON into the durable execution unchanged', () => {
    const request = read(hookMessage({ NotificationMetadata: '{"cluster":"web"}' }));
    expect(DrainRequest.parse(JSON.parse(JSON.stringify(request)))).toEqual(request);
  });
});

describe('the request that a durable execution is started with', () => {
  it.each([
    ['nothing', undefined],
    ['another kind', { ...aRequest(), kind: 'launching' }],
    ['a member that nobody defined', { ...aRequest(), policy: { deadlineSeconds: 1 } }],
    ['a wrong instance id', { ...aRequest(), instanceId: 'i-xyz' }],
    ['no token', { ...aRequest(), token: undefined }],
    ['a time that is none', { ...aRequest(), noticedAt: 'yesterday' }],
  ])('is refused with %s', (_, request) => {
    expect(DrainRequest.safeParse(request).success).toBe(false);
  });
});

describe('an execution name', () => {
  it('differs with the lifecycle token and with the instance', () => {
    const names = [
      aRequest(),
      aRequest({ token: '2b671a64-40d5-491e-99b0-da01ff1f3341' }),
      aRequest({ instanceId: 'i-0a1b2c3d480000001' }),
    ].map(executionName);
    expect(new Set(names).size).toBe(3);
  });

  it('leaves room for a restart suffix within what Lambda allows, for every request that parses', () => {
    const hex = fc.stringMatching(/^[0-9a-f]{8,17}$/);
    const token = fc.stringMatching(/^[A-Za-z0-9-]{8,40}$/).filter((text) => !/(^|-)r\d+$/.test(text));
    fc.assert(
      fc.property(hex, token, (digits, LifecycleActionToken) => {
        const request = read(hookMessage({ EC2InstanceId: `i-${digits}`, LifecycleActionToken }));
        expect(`${executionName(DrainRequest.parse(request))}-r1`).toMatch(DURABLE_NAME);
      }),
    );
  });
});

describe('a message that asks for no drain is ignored', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

  it.each<[string, unknown, 'debug' | 'warn', RegExp]>([
    [
      'a test notification',
      { Event: 'autoscaling:TEST_NOTIFICATION', AccountId: ACCOUNT },
      'debug',
      /test notification/,
    ],
    [
      'a plain group notification, which looks much like a notice',
      hookMessage({ Event: 'autoscaling:EC2_INSTANCE_TERMINATE', LifecycleTransition: undefined }),
      'debug',
      /plain group notification.*EC2_INSTANCE_TERMINATE/,
    ],
    ['a failed launch', { Event: 'autoscaling:EC2_INSTANCE_LAUNCH_ERROR' }, 'debug', /plain group notification/],
    [
      'a launching hook',
      hookMessage({ LifecycleTransition: 'autoscaling:EC2_INSTANCE_LAUNCHING' }),
      'debug',
      /EC2_INSTANCE_LAUNCHING.*not a termination/,
    ],
    [
      'a transition that is not known yet',
      hookMessage({ LifecycleTransition: 'autoscaling:EC2_REBOOT' }),
      'debug',
      /not a termination/,
    ],
    ['an object of somebody else', { hello: 'world' }, 'warn', /names no lifecycle transition/],
    [
      'an AMI release',
      { ECSAgent: { ReleaseVersion: '1.90.0' }, ECSAmis: [] },
      'warn',
      /names no lifecycle transition/,
    ],
    ['an empty object', {}, 'warn', /names no lifecycle transition/],
    ['a list', [hookMessage()], 'warn', /not a JSON object/],
    ['a string', 'terminate', 'warn', /not a JSON object/],
    ['a number', 17, 'warn', /not a JSON object/],
    ['null', null, 'warn', /not a JSON object/],
    ['a notice of another account', hookMessage({ AccountId: '999999999999' }), 'warn', /account "999999999999"/],
    ['a notice without an account', hookMessage({ AccountId: undefined }), 'warn', /AccountId/],
    ['an external instance', hookMessage({ EC2InstanceId: 'mi-0a1b2c3d4e5f60718' }), 'warn', /external instance/],
    ['no instance', hookMessage({ EC2InstanceId: undefined }), 'warn', /EC2InstanceId/],
    ['an id that is none', hookMessage({ EC2InstanceId: 'i-0A1B2C3D' }), 'warn', /instanceId/],
    [
      'an id with a query in it',
      hookMessage({ EC2InstanceId: "i-0a1b2c3d'] or status in ['ACTIVE" }),
      'warn',
      /instanceId/,
    ],
    ['an id with a line break', hookMessage({ EC2InstanceId: `${INSTANCE}\n` }), 'warn', /instanceId/],
    ['an id that is a list', hookMessage({ EC2InstanceId: [INSTANCE] }), 'warn', /EC2InstanceId/],
    ['no token', hookMessage({ LifecycleActionToken: undefined }), 'warn', /LifecycleActionToken/],
    ['an empty token', hookMessage({ LifecycleActionToken: '' }), 'warn', /token/],
    ['a token too long for a name', hookMessage({ LifecycleActionToken: 'a'.repeat(41) }), 'warn', /token/],
    ['a token with other characters', hookMessage({ LifecycleActionToken: '../../../../etc/passwd' }), 'warn', /token/],
    ['no hook', hookMessage({ LifecycleHookName: undefined }), 'warn', /LifecycleHookName/],
    ['an empty hook', hookMessage({ LifecycleHookName: '' }), 'warn', /hook/],
    ['a hook longer than any', hookMessage({ LifecycleHookName: 'h'.repeat(256) }), 'warn', /hook/],
    ['an empty group', hookMessage({ AutoScalingGroupName: '' }), 'warn', /group/],
    ['a group longer than any', hookMessage({ AutoScalingGroupName: 'g'.repeat(256) }), 'warn', /group/],
    ['no time', hookMessage({ Time: undefined }), 'warn', /Time/],
    ['a time in words', hookMessage({ Time: 'noon' }), 'warn', /noticedAt/],
    ['a time that does not exist', hookMessage({ Time: '2026-02-30T12:00:00Z' }), 'warn', /noticedAt/],
    ['a time without its zone', hookMessage({ Time: '2026-03-01T12:00:00' }), 'warn', /noticedAt/],
    ['a transition that is no string', hookMessage({ LifecycleTransition: 7 }), 'warn', /LifecycleTransition/],
    ['a transition of null', hookMessage({ LifecycleTransition: null }), 'warn', /LifecycleTransition/],
    [
      'metadata that is no string',
      hookMessage({ NotificationMetadata: { cluster: 'web' } }),
      'warn',
      /NotificationMetadata/,
    ],
  ])('%s', (_, body, level, because) => {
    expect(read(body)).toEqual({ kind: 'ignored', level, because: expect.stringMatching(because) });
  });

  it.each<[string, unknown, RegExp]>([
    ['no message at all', undefined, /empty/],
    ['null', null, /empty/],
    ['an object that was never a string', hookMessage(), /empty/],
    ['an empty message', '', /empty/],
    ['blanks', ' \n\t ', /empty/],
    ['prose', 'Hello from SNS!', /not a JSON object/],
    ['half a notice', JSON.stringify(hookMessage()).slice(0, -10), /not a JSON object/],
    ['keys and values, as mail subscribers get them', 'Service: AWS Auto Scaling\nEvent: x', /not a JSON object/],
    [
      'a message larger than any notice',
      JSON.stringify(hookMessage({ padding: 'x'.repeat(64 * 1024) })),
      /more than any notice/,
    ],
    ['lists nested as deeply as fits', nested(32_000), /not a JSON object/],
    ['objects nested as deeply as fits', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`, /names no lifecycle/],
  ])('%s', (_, message, because) => {
    expect(readNotice(message, ACCOUNT)).toEqual({
      kind: 'ignored',
      level: 'warn',
      because: expect.stringMatching(because),
    });
  });

  it('when its members come through the prototype only, and the prototype stays clean', () => {
    // Prepare
    const hostile = `{"__proto__": ${JSON.stringify(hookMessage())}, "constructor": {"prototype": {"kind": "terminating"}}}`;

    // Act
    const notice = readNotice(hostile, ACCOUNT);

    // Assess
    expect(notice).toMatchObject({ kind: 'ignored', level: 'warn' });
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as Record<string, unknown>)['kind']).toBeUndefined();
  });

  it('with a reason that stays one short line, whatever the message holds', () => {
    const hostile = `${'evil\r\n{"level":"ERROR"}\u2028'.repeat(100)}`;
    for (const members of [
      { Event: hostile },
      { LifecycleTransition: hostile },
      { AccountId: hostile },
      { EC2InstanceId: hostile },
      { LifecycleActionToken: hostile },
      { Time: hostile },
    ]) {
      const notice = read(hookMessage(members));
      expect(notice.kind).toBe('ignored');
      if (notice.kind !== 'ignored') continue;
      expect(notice.because).not.toMatch(/[\r\n]/);
      expect(notice.because.length).toBeLessThan(400);
    }
  });
});

describe('reading a notice never throws, and answers only requests that are whole', () => {
  const holds = (message: unknown): void => {
    const notice = readNotice(message, ACCOUNT);
    if (notice.kind === 'ignored') {
      expect(notice.because).not.toBe('');
    } else {
      expect(DrainRequest.safeParse(notice).success).toBe(true);
      expect(Date.parse(notice.noticedAt)).not.toBeNaN();
    }
    expect(readNotice(message, ACCOUNT)).toStrictEqual(notice);
  };

  it('for any value and any string', () => {
    fc.assert(fc.property(fc.oneof(fc.anything(), fc.string({ unit: 'binary' })), holds));
  });

  it('for any JSON', () => {
    fc.assert(fc.property(fc.json({ maxDepth: 4 }), holds));
  });

  it('for a notice with any of its members replaced by anything', () => {
    const keys = Object.keys(hookMessage());
    const changes = fc.dictionary(fc.constantFrom(...keys, 'Event', 'Action', 'NotificationMetadata'), fc.jsonValue(), {
      maxKeys: 3,
    });
    fc.assert(fc.property(changes, (members) => holds(JSON.stringify(hookMessage(members)))));
  });

  it('for a notice with any time that looks like one', () => {
    const part = (least: number, most: number) =>
      fc.integer({ min: least, max: most }).map((n) => String(n).padStart(2, '0'));
    const time = fc
      .tuple(fc.integer({ min: 0, max: 9999 }), part(0, 13), part(0, 32), part(0, 25), part(0, 61), part(0, 61))
      .map(([y, mo, d, h, mi, s]) => `${String(y).padStart(4, '0')}-${mo}-${d}T${h}:${mi}:${s}Z`);
    fc.assert(fc.property(time, (Time) => holds(JSON.stringify(hookMessage({ Time })))));
  });
});

const SAMPLES = new URL('../../../shared/samples/', import.meta.url);

// Real payloads lie beside the checkout where the project is developed and on CI; a lone clone does not have them.
describe.skipIf(!existsSync(SAMPLES))('a real payload lands where it should', () => {
  const open = (file: string): string => readFileSync(new URL(file, SAMPLES), 'utf8');
  const messageOf = (file: string): string => {
    const envelope = JSON.parse(open(file));
    return envelope.Records?.[0].Sns.Message ?? envelope.Message;
  };

  const EXPECTED: Readonly<Record<string, [account: string, notice: object]>> = {
    'sns-lambda.asg-lifecycle-terminating.captured.json': [
      '123456789012',
      {
        kind: 'terminating',
        instanceId: 'i-05629ab7d9287e205',
        group: 'example-asg',
        hook: 'dev-sg-dns-discovery-drain',
        token: '465e0162-e6af-4786-b4e8-bb544ae58790',
        noticedAt: '2024-03-23T03:26:43.904Z',
        departure: 'terminate',
      },
    ],
    'sns-lambda.asg-lifecycle-launching.captured.json': [
      '123456789012',
      { kind: 'ignored', level: 'debug', because: expect.stringMatching(/LAUNCHING/) },
    ],
    'sns-lambda.asg-plain-terminate-notification-not-a-hook.captured.json': [
      '612961644341',
      { kind: 'ignored', level: 'debug', because: expect.stringMatching(/plain group notification/) },
    ],
    'sns-http.asg-test-notification.captured.json': [
      '341288657826',
      { kind: 'ignored', level: 'debug', because: expect.stringMatching(/test notification/) },
    ],
    'sns-http.ecs-ami-update.doc.json': [
      '123456789012',
      { kind: 'ignored', level: 'warn', because: expect.stringMatching(/names no lifecycle transition/) },
    ],
    'sns-lambda.generic.doc.json': [
      '123456789012',
      { kind: 'ignored', level: 'warn', because: expect.stringMatching(/not a JSON object/) },
    ],
    'asg-lifecycle-notification.doc-keyvalue.txt': [
      '123456789012',
      { kind: 'ignored', level: 'warn', because: expect.stringMatching(/not a JSON object/) },
    ],
    'asg-test-notification.doc-keyvalue.txt': [
      '123456789012',
      { kind: 'ignored', level: 'warn', because: expect.stringMatching(/not a JSON object/) },
    ],
  };

  it.each(existsSync(SAMPLES) ? readdirSync(SAMPLES).filter((file) => /^(sns|asg)-/.test(file)) : [])('%s', (file) => {
    const [account, notice] = EXPECTED[file] ?? expect.fail('a new sample: say here what it should become');
    expect(readNotice(file.endsWith('.txt') ? open(file) : messageOf(file), account)).toEqual(notice);
  });

  it('and none that is expected here has gone', () => {
    expect(readdirSync(SAMPLES)).toEqual(expect.arrayContaining(Object.keys(EXPECTED)));
  });
});
