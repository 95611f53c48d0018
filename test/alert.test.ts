import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Alert, AlertKind, DrainAlert, DrainAlertKind, RolloutAlert, RolloutAlertKind } from '../src/alert.ts';
import { renderAlert, severityOf } from '../src/alert.ts';

const DRAIN_KINDS: Readonly<Record<DrainAlertKind, 'info' | 'warning' | 'critical'>> = {
  started: 'info',
  drained: 'info',
  restored: 'info',
  cancelled: 'info',
  'not-a-container-instance': 'info',
  noticed: 'info',
  replacing: 'info',
  observed: 'info',
  resolved: 'info',
  paused: 'warning',
  reactivated: 'warning',
  misconfigured: 'warning',
  stuck: 'warning',
  'hook-gone': 'warning',
  forced: 'critical',
  failed: 'critical',
};
const kinds = Object.keys(DRAIN_KINDS) as DrainAlertKind[];

const ROLLOUT_KINDS: Readonly<Record<RolloutAlertKind, 'info' | 'warning' | 'critical'>> = {
  'image-available': 'info',
  'rollout-started': 'info',
  'rollout-done': 'info',
  'rollout-ended': 'info',
  resolved: 'info',
  'approval-needed': 'warning',
  'fleet-left-alone': 'warning',
  'rollout-waiting': 'warning',
  'rollout-paused': 'warning',
  'rollout-stuck': 'warning',
  'rollout-stopped': 'warning',
  'rolled-back': 'warning',
  'rollout-failed': 'critical',
};
const rolloutKinds = Object.keys(ROLLOUT_KINDS) as RolloutAlertKind[];
const severities: Readonly<Record<AlertKind, string>> = { ...DRAIN_KINDS, ...ROLLOUT_KINDS };

const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:alerts';
const INSTANCE = 'i-0a1b2c3d480000000';
const DRAIN = `${INSTANCE}-0f0f0f0f-1111-2222-3333-444444444444`;

const anAlert = (different: Partial<DrainAlert> = {}): DrainAlert => ({
  kind: 'stuck',
  drain: DRAIN,
  instanceId: INSTANCE,
  group: 'web-asg',
  cluster: 'web',
  because: '2 tasks of service api cannot leave.',
  details: ['service:api 0123456789ab RUNNING'],
  ...different,
});

const RELEASE = 'al2023-x86-6-1a2b3c4d-2023-0-20261115';
const COURSE = 'group-web-asg-1a2b3c4d-0bbbbbbbbbbbbbbb2-5e6f';

const aRollout = (different: Partial<RolloutAlert> = {}): RolloutAlert => ({
  kind: 'rollout-waiting',
  rollout: RELEASE,
  course: COURSE,
  fleet: 'group/web-asg',
  family: 'al2023/x86_64',
  version: '2023.0.20261115',
  because: 'group/web-asg: waits, for service api: not steady.',
  details: ['Wave 1.'],
  ...different,
});

const write = (alert: Alert) => renderAlert(alert, TOPIC);
const render = (different: Partial<DrainAlert> = {}) => write(anAlert(different));
const mailOf = (different: Partial<DrainAlert> = {}) => render(different).bodies.email.split('\n');
const jsonOf = (different: Partial<DrainAlert> = {}) => JSON.parse(render(different).bodies.default);
const cardOf = (different: Partial<DrainAlert> = {}) => JSON.parse(render(different).bodies.https);
const cardOfRollout = (different: Partial<RolloutAlert> = {}) => JSON.parse(write(aRollout(different)).bodies.https);
const jsonOfRollout = (different: Partial<RolloutAlert> = {}) => JSON.parse(write(aRollout(different)).bodies.default);

/** What SNS takes as a subject (AWS-CONTRACTS §2). */
const SUBJECT = /^[\x21-\x7e][\x20-\x7e]{0,98}$/;

describe('an alert as mail', () => {
  it('says in its first line what happened and what to do, then the facts, a line each', () => {
    expect(render().subject).toBe(`[ecs-drain warning] Stuck: draining ${INSTANCE} (web-asg)`);
    expect(mailOf()).toEqual([
      '2 tasks of service api cannot leave. Once the cause is gone, the drain goes on by itself.',
      '',
      '- service:api 0123456789ab RUNNING',
      'Then: If it cannot be helped before the deadline, move what must not be cut off by hand.',
      `Instance: ${INSTANCE}`,
      'Auto Scaling group: web-asg',
      'Cluster: web',
      'Region: eu-west-1 (account 123456789012)',
      'Runbook: docs/operating.md#stuck',
    ]);
  });

  it.each(kinds)('of kind %s has its severity, and a subject that says which instance', (kind) => {
    const { subject, attributes } = render({ kind });
    expect(severityOf(kind)).toBe(severities[kind]);
    expect(attributes).toMatchObject({ kind, severity: severities[kind] });
    expect(subject).toMatch(new RegExp(`^\\[ecs-drain ${severities[kind]}\\] .*${INSTANCE}`));
  });

  it('has a title of its own for each kind', () => {
    const subjects = kinds.map((kind) => render({ kind }).subject.replace(/^\[.*?\]/, ''));
    expect(new Set(subjects).size).toBe(kinds.length);
  });

  it.each(kinds.filter((kind) => severities[kind] !== 'info'))('of kind %s says what to do', (kind) => {
    expect(mailOf({ kind })[0]).toMatch(/^2 tasks of service api cannot leave\. [A-Z].*\.$/);
    expect(cardOf({ kind }).content.nextSteps.length).toBeGreaterThan(1);
  });

  it('leaves the group out when the instance is in none', () => {
    expect(render({ group: undefined }).subject).toBe(`[ecs-drain warning] Stuck: draining ${INSTANCE}`);
    expect(mailOf({ group: undefined }).join()).not.toContain('Auto Scaling group');
    expect(render({ group: undefined }).attributes).not.toHaveProperty('group');
  });

  it.each([
    ['no cluster is known', undefined],
    ['the cluster’s name is empty: SNS refuses an attribute without a value', ''],
    ['the cluster’s name is nothing but control characters', '\u0000\n\u2028'],
  ])('leaves the cluster out when %s', (_, cluster) => {
    expect(mailOf({ cluster }).join()).not.toContain('Cluster:');
    expect(render({ cluster }).attributes).not.toHaveProperty('cluster');
    expect(jsonOf({ cluster }).cluster).toBeNull();
  });

  it('lists ten details at most, the first ones', () => {
    const details = Array.from({ length: 30 }, (_, n) => `detail ${n}.`);
    const lines = mailOf({ details }).filter((line) => line.startsWith('- '));
    expect(lines).toEqual(details.slice(0, 10).map((detail) => `- ${detail}`));
  });

  it('of a group with the longest name still has a subject that SNS takes', () => {
    const { subject } = render({ group: 'g'.repeat(255) });
    expect(subject).toMatch(SUBJECT);
    expect(subject).toContain(INSTANCE);
  });

  it('says what is over with it', () => {
    expect(mailOf({ kind: 'drained', resolves: ['stuck', 'paused'] })).toContain('This is over: stuck, paused');
    expect(mailOf({ kind: 'drained' }).join()).not.toContain('This is over');
  });
});

describe('an alert as a text message', () => {
  it('is its subject and its reason, however long they are', () => {
    expect(render().bodies.sms).toBe(
      `[ecs-drain warning] Stuck: draining ${INSTANCE} (web-asg): 2 tasks of service api cannot leave.`,
    );
    expect(render({ because: 'x'.repeat(5_000) }).bodies.sms).toHaveLength(280);
  });
});

describe('an alert for machines', () => {
  it('has every fact under a name of its own', () => {
    expect(jsonOf({ resolves: ['paused'] })).toEqual({
      schema: 1,
      source: 'ecs-drain',
      kind: 'stuck',
      severity: 'warning',
      title: `Stuck: draining ${INSTANCE} (web-asg)`,
      because: '2 tasks of service api cannot leave.',
      details: ['service:api 0123456789ab RUNNING'],
      nextSteps: expect.arrayContaining(['Once the cause is gone, the drain goes on by itself.']),
      runbook: 'docs/operating.md#stuck',
      instanceId: INSTANCE,
      group: 'web-asg',
      cluster: 'web',
      region: 'eu-west-1',
      accountId: '123456789012',
      drain: DRAIN,
      dedupKey: `ecs-drain/${DRAIN}/stuck`,
      resolves: [`ecs-drain/${DRAIN}/paused`],
    });
  });

  it('closes what it opened: the key of the problem is the same in both', () => {
    const opened = jsonOf({ kind: 'stuck' });
    const closed = jsonOf({ kind: 'resolved', resolves: ['stuck'], because: 'other words', details: [] });
    expect(closed.resolves).toEqual([opened.dedupKey]);
  });

  it('has another key for another problem, and for another drain of the same instance', () => {
    const keys = [jsonOf(), jsonOf({ kind: 'paused' }), jsonOf({ drain: `${INSTANCE}-other` })].map(
      ({ dedupKey }) => dedupKey,
    );
    expect(new Set(keys).size).toBe(3);
    // PagerDuty takes keys of 255 characters, Opsgenie of 250.
    for (const key of keys) expect(key.length).toBeLessThan(250);
  });
});

describe('an alert about a rollout', () => {
  it('says in a mail which fleet, which image and which rollout, and by which command to answer', () => {
    const { subject, bodies } = write(aRollout());
    expect(subject).toBe('[ecs-drain warning] Rollout waits: group/web-asg (al2023/x86_64 2023.0.20261115)');
    expect(bodies.email.split('\n')).toEqual([
      'group/web-asg: waits, for service api: not steady. Once the cause is gone, it begins by itself; after a day it is given up.',
      '',
      '- Wave 1.',
      `Then: To give it up now: ecs-drain rollout cancel ${RELEASE} --region eu-west-1`,
      'Fleet: group/web-asg',
      'Image: al2023/x86_64 2023.0.20261115',
      `Rollout: ${RELEASE}`,
      'Region: eu-west-1 (account 123456789012)',
      'Runbook: docs/operating.md#rollout-waiting',
    ]);
  });

  it.each(rolloutKinds)('of kind %s has its severity, and what to do unless it is only information', (kind) => {
    const { subject, attributes, bodies } = write(aRollout({ kind }));
    expect(severityOf(kind)).toBe(ROLLOUT_KINDS[kind]);
    expect(attributes).toMatchObject({ kind, severity: ROLLOUT_KINDS[kind] });
    expect(subject).toMatch(/^\[ecs-drain \w+\] .*group\/web-asg/);
    const steps = JSON.parse(bodies.default).nextSteps;
    if (ROLLOUT_KINDS[kind] !== 'info') expect(steps.length).toBeGreaterThan(0);
    expect(steps.join()).not.toMatch(/[{}]/);
  });

  it.each(rolloutKinds)('of kind %s has only commands that mean its region and stack, and end with that', (kind) => {
    const alert = aRollout({ kind });
    const stepsOf = (arn: string, stack?: string): string[] =>
      JSON.parse(renderAlert(alert, arn, stack).bodies.default).nextSteps;
    const commands = (steps: string[]) => steps.filter((step) => step.includes('ecs-drain '));

    const usual = commands(stepsOf(TOPIC.replace('eu-west-1', 'us-east-1')));
    const mine = commands(stepsOf(TOPIC, 'mine'));
    for (const step of usual) expect(step).toMatch(/: ecs-drain rollout \w+ \S+ .*--region us-east-1$/);
    for (const step of mine) expect(step).toMatch(/ --region eu-west-1 --stack mine$/);
    expect(mine).toHaveLength(usual.length);
  });

  it('of a whole release names the image instead of a fleet', () => {
    const alert = aRollout({ kind: 'approval-needed', fleet: undefined });
    const { subject, bodies, attributes } = write(alert);
    expect(subject).toBe('[ecs-drain warning] Approve or reject: al2023/x86_64 2023.0.20261115');
    expect(bodies.email).not.toContain('Fleet:');
    expect(bodies.email).toContain(`ecs-drain rollout approve ${RELEASE} --region eu-west-1\n`);
    expect(attributes).not.toHaveProperty('fleet');
    expect(JSON.parse(bodies.default)).toMatchObject({ fleet: null, group: null });
  });

  it('has titles of its own for each kind', () => {
    const titles = [
      ...kinds.map((kind) => jsonOf({ kind }).title.replace(INSTANCE, '')),
      ...rolloutKinds.map((kind) => jsonOfRollout({ kind }).title.split(' group/')[0]),
    ].map((title) => title.replace(/ \(.*/, ''));
    expect(new Set(titles.map((title) => title.trim())).size).toBe(kinds.length + rolloutKinds.length - 1);
  });

  it('has every fact for machines, and closes what the same execution opened', () => {
    expect(jsonOfRollout({ kind: 'rolled-back', resolves: ['rollout-waiting'] })).toMatchObject({
      schema: 1,
      source: 'ecs-drain',
      fleet: 'group/web-asg',
      group: 'web-asg',
      family: 'al2023/x86_64',
      version: '2023.0.20261115',
      rollout: RELEASE,
      dedupKey: `ecs-drain/${COURSE}/rolled-back`,
      resolves: [jsonOfRollout().dedupKey],
    });
  });

  it('can be filtered by kind, severity, fleet, group, family and version', () => {
    expect(write(aRollout({ resolves: ['rollout-paused'] })).attributes).toEqual({
      kind: 'rollout-waiting',
      severity: 'warning',
      fleet: 'group/web-asg',
      group: 'web-asg',
      family: 'al2023/x86_64',
      version: '2023.0.20261115',
      resolves: 'rollout-paused',
    });
    expect(write(aRollout({ fleet: 'spot-fleet/sfr-1' })).attributes).not.toHaveProperty('group');
  });

  it('is a card in one thread with all others of its release, fleets and all', () => {
    const card = cardOfRollout();
    expect(card.content.description.split('\n').at(-1)).toBe(
      'group/web-asg, al2023/x86_64 2023.0.20261115, eu-west-1 (123456789012)',
    );
    expect(card.metadata).toMatchObject({
      threadId: `ecs-drain-${RELEASE}`,
      relatedResources: ['group/web-asg'],
      additionalContext: { fleet: 'group/web-asg', rollout: RELEASE, dedupKey: `ecs-drain/${COURSE}/rollout-waiting` },
    });
    const whole = cardOfRollout({ kind: 'rollout-done', fleet: undefined, course: RELEASE });
    expect(whole.metadata.threadId).toBe(card.metadata.threadId);
  });
});

describe('the attributes to filter by', () => {
  it('are kind, severity, instance, cluster and group, and what is over', () => {
    expect(render({ resolves: ['stuck', 'paused'] }).attributes).toEqual({
      kind: 'stuck',
      severity: 'warning',
      instanceId: INSTANCE,
      cluster: 'web',
      group: 'web-asg',
      resolves: 'stuck paused',
    });
    expect(render().attributes).not.toHaveProperty('resolves');
  });
});

describe('an alert as a card of Amazon Q Developer', () => {
  it('has its schema, and nothing that is not in it', () => {
    expect(cardOf()).toEqual({
      version: '1.0',
      source: 'custom',
      content: {
        textType: 'client-markdown',
        title: `⚠️ Stuck: draining ${INSTANCE} (web-asg)`,
        description: [
          '2 tasks of service api cannot leave.',
          '• service:api 0123456789ab RUNNING',
          `${INSTANCE}, group web-asg, cluster web, eu-west-1 (123456789012)`,
        ].join('\n'),
        nextSteps: [
          'Once the cause is gone, the drain goes on by itself.',
          'If it cannot be helped before the deadline, move what must not be cut off by hand.',
          'Runbook: docs/operating.md#stuck',
        ],
        keywords: ['ecs-drain', 'warning', 'web-asg', 'web'],
      },
      metadata: {
        threadId: `ecs-drain-${INSTANCE}`,
        summary: `ecs-drain: ${INSTANCE}`,
        eventType: 'ecs-drain stuck',
        relatedResources: [INSTANCE],
        additionalContext: {
          kind: 'stuck',
          severity: 'warning',
          instanceId: INSTANCE,
          group: 'web-asg',
          cluster: 'web',
          region: 'eu-west-1',
          accountId: '123456789012',
          dedupKey: `ecs-drain/${DRAIN}/stuck`,
          runbook: 'docs/operating.md#stuck',
        },
      },
    });
  });

  it('is in one thread with all others about the instance', () => {
    const threads = kinds.map((kind) => cardOf({ kind, because: kind, details: [kind] }).metadata.threadId);
    expect(new Set(threads).size).toBe(1);
    expect(cardOf({ instanceId: 'i-00000000' }).metadata.threadId).not.toBe(threads[0]);
  });

  it('shows at a glance how bad it is, and that something is over', () => {
    const titles = [
      cardOf({ kind: 'started' }),
      cardOf({ kind: 'stuck' }),
      cardOf({ kind: 'forced', resolves: ['stuck'] }),
      cardOf({ kind: 'drained', resolves: ['stuck'] }),
    ].map(({ content }) => content.title.split(' ')[0]);
    expect(titles).toEqual(['ℹ️', '⚠️', '🚨', '✅']);
  });

  it('keeps the underscores of names, so that they can be copied', () => {
    const { description } = cardOf({ because: 'family:web_api_v2 of _all_ and __init__' }).content;
    expect(description.split('\n')[0]).toBe('family:web_api_v2 of ＿all＿ and ＿＿init＿＿');
  });
});

/** Every text in a value, however deep. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** What some chat takes for formatting, a mention, a channel, a link, an entity or an escape. */
const ACTIVE = /[*~`<>[\]@&\\]|:\/\/|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/u;

const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.string({ unit: 'grapheme', maxLength: 100 }),
  // Half characters, as a careless cut or a forged message may leave them.
  fc.array(fc.integer({ min: 0xd7f0, max: 0xe010 }), { maxLength: 30 }).map((codes) => String.fromCharCode(...codes)),
  fc
    .array(
      fc.constantFrom(
        '*bold*',
        '_it_',
        '~no~',
        '`code`',
        '```',
        '<@U012345>',
        '<!channel>',
        '<!here>',
        '@here',
        '<#C01>',
        '#general',
        '<https://evil.example|all is well>',
        '[all is well](https://evil.example)',
        'http://evil.example',
        '&lt;!everyone&gt;',
        '<at>all</at>',
        '","kind":"drained',
        '\\u0022',
        '\r\n\r\nInstance: i-11111111',
        '\u2028',
        '\u202e',
        '\u0000',
        '\u001b[31m',
        'web',
        ' ',
        'x'.repeat(300),
        '😀'.repeat(200),
      ),
      { maxLength: 8 },
    )
    .map((parts) => parts.join('')),
);

const hostileWords = { because: hostileText, details: fc.array(hostileText, { maxLength: 15 }) };

const hostileAlert = fc.record({
  kind: fc.constantFrom(...kinds),
  group: fc.option(hostileText, { nil: undefined }),
  cluster: fc.option(hostileText, { nil: undefined }),
  ...hostileWords,
  resolves: fc.subarray<DrainAlertKind>(['stuck', 'paused', 'misconfigured']),
});

const hostileRollout = fc.record({
  kind: fc.constantFrom(...rolloutKinds),
  fleet: fc.option(
    hostileText.map((name) => `group/${name}`),
    { nil: undefined },
  ),
  family: hostileText,
  version: hostileText,
  rollout: hostileText,
  course: hostileText,
  ...hostileWords,
  resolves: fc.subarray<RolloutAlertKind>(['approval-needed', 'rollout-waiting', 'rollout-paused', 'rollout-stuck']),
});

const everyAlert: fc.Arbitrary<Alert> = fc.oneof(hostileAlert.map(anAlert), hostileRollout.map(aRollout));

describe('names and words from outside, whatever they are', () => {
  const holds = (check: (alert: Partial<DrainAlert>) => void) =>
    fc.assert(fc.property(hostileAlert, check), { numRuns: 300 });
  const holdsForEvery = (check: (alert: Alert) => void) => fc.assert(fc.property(everyAlert, check), { numRuns: 400 });

  it('leave a subject that SNS takes', () => {
    holdsForEvery((alert) => {
      expect(write(alert).subject).toMatch(SUBJECT);
    });
  });

  it('write no line of their own in a mail or a text message', () => {
    const usual = mailOf({ details: [] }).length;
    const steps = (alert: Partial<DrainAlert>) => jsonOf(alert).nextSteps.length;
    holds((alert) => {
      const lines = mailOf(alert);
      const { group, cluster } = jsonOf(alert);
      const missing = [group, cluster].filter((name) => name === null).length;
      const details = Math.min(alert.details?.length ?? 0, 10);
      const more = Math.max(0, steps(alert) - 1) - 1;
      const over = (alert.resolves ?? []).length > 0 ? 1 : 0;
      expect(lines).toHaveLength(usual + details + more + over - missing);
      // The first line is theirs: it is why.
      expect(lines.slice(1).filter((line) => line.startsWith('Instance:'))).toEqual([`Instance: ${INSTANCE}`]);
      expect(lines.join('')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(render(alert).bodies.sms).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    });
  });

  it('do nothing in a card but show, with the same members as in any other', () => {
    const shape = (value: unknown): unknown =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shape(member)]))
        : typeof value;
    holds((alert) => {
      const card = cardOf(alert);
      const { group: _, cluster: __, resolves, ...context } = card.metadata.additionalContext;
      card.metadata.additionalContext = { ...context, group: '', cluster: '' };
      expect(shape(card)).toEqual(shape(cardOf()));
      expect(card.metadata).toMatchObject({ threadId: `ecs-drain-${INSTANCE}`, relatedResources: [INSTANCE] });
    });
  });

  it('show in a card as themselves, within what a Slack message holds', () => {
    holdsForEvery((alert) => {
      const { content, metadata } = JSON.parse(write(alert).bodies.https);
      const { description } = content;
      for (const text of textsIn([{ ...content, description: description.split('\n') }, metadata])) {
        // What we write ourselves has none of these signs either, but for the runbook's anchor.
        expect(text.replace(/docs\/operating\.md#[a-z-]+$/, '')).not.toMatch(ACTIVE);
        expect(text).not.toMatch(/[\p{Cc}]|\u202e/u);
      }
      // Within a Slack header and a Slack section.
      expect(content.title.length).toBeLessThanOrEqual(150);
      expect(description.length).toBeLessThanOrEqual(3_000);
      expect(description.split('\n').length).toBeLessThanOrEqual(8);
    });
  });

  it('are values in the JSON, and never members', () => {
    const members = Object.keys(jsonOf());
    holds((alert) => {
      const message = jsonOf(alert);
      expect(Object.keys(message)).toEqual(members);
      expect(message).toMatchObject({ kind: alert.kind, instanceId: INSTANCE, drain: DRAIN });
      for (const text of textsIn(message)) expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    });
  });

  it('of a rollout write no line of their own, and are values in the JSON', () => {
    const members = Object.keys(jsonOfRollout());
    fc.assert(
      fc.property(hostileRollout, (hostile) => {
        const { bodies } = write(aRollout(hostile));
        const message = JSON.parse(bodies.default);
        expect(Object.keys(message)).toEqual(members);
        for (const text of textsIn(message)) expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u);
        const [, ...lines] = bodies.email.split('\n');
        expect(lines.filter((line) => line.startsWith('Region: '))).toHaveLength(1);
        expect(lines.filter((line) => line.startsWith('Instance:'))).toEqual([]);
        const labels = lines.filter((line) => /^(Fleet|Image|Rollout|Region|Runbook): /.test(line));
        const fleet = message.fleet === null ? 0 : 1;
        const rollout = message.rollout === '' ? 0 : 1;
        expect(labels).toHaveLength(3 + fleet + rollout);
        expect(lines.join('')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
      { numRuns: 300 },
    );
  });

  it('make a message that can be sent: well-formed, small, and no attribute without a value', () => {
    holdsForEvery((alert) => {
      const { subject, bodies, attributes } = write(alert);
      const message = JSON.stringify(bodies);
      // The SDK sends it in a form, whose encoding throws on half characters.
      expect(() => encodeURIComponent(message + Object.values(attributes).join('') + subject)).not.toThrow();
      for (const [name, value] of Object.entries(attributes)) {
        expect(value, name).not.toBe('');
        expect(value.length).toBeLessThanOrEqual('group/'.length + 255);
        // What SNS takes in an attribute: the characters of XML.
        expect(value).not.toMatch(/[^\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u);
      }
      // SNS takes 256 KB in all (AWS-CONTRACTS §2).
      expect(Buffer.byteLength(message)).toBeLessThan(256_000);
    });
  });
});
