import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Alert, AlertKind } from '../src/alert.ts';
import { renderAlert, severityOf } from '../src/alert.ts';

const KINDS: Readonly<Record<AlertKind, 'info' | 'warning' | 'critical'>> = {
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
const kinds = Object.keys(KINDS) as AlertKind[];

const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:alerts';
const INSTANCE = 'i-0a1b2c3d480000000';
const DRAIN = `${INSTANCE}-0f0f0f0f-1111-2222-3333-444444444444`;

const anAlert = (different: Partial<Alert> = {}): Alert => ({
  kind: 'stuck',
  drain: DRAIN,
  instanceId: INSTANCE,
  group: 'web-asg',
  cluster: 'web',
  because: '2 tasks of service api cannot leave.',
  details: ['service:api 0123456789ab RUNNING'],
  ...different,
});

const render = (different: Partial<Alert> = {}) => renderAlert(anAlert(different), TOPIC);
const mailOf = (different: Partial<Alert> = {}) => render(different).bodies.email.split('\n');
const jsonOf = (different: Partial<Alert> = {}) => JSON.parse(render(different).bodies.default);
const cardOf = (different: Partial<Alert> = {}) => JSON.parse(render(different).bodies.https);

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
    expect(severityOf(kind)).toBe(KINDS[kind]);
    expect(attributes).toMatchObject({ kind, severity: KINDS[kind] });
    expect(subject).toMatch(new RegExp(`^\\[ecs-drain ${KINDS[kind]}\\] .*${INSTANCE}`));
  });

  it('has a title of its own for each kind', () => {
    const subjects = kinds.map((kind) => render({ kind }).subject.replace(/^\[.*?\]/, ''));
    expect(new Set(subjects).size).toBe(kinds.length);
  });

  it.each(kinds.filter((kind) => KINDS[kind] !== 'info'))('of kind %s says what to do', (kind) => {
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

const hostileAlert = fc.record({
  kind: fc.constantFrom(...kinds),
  group: fc.option(hostileText, { nil: undefined }),
  cluster: fc.option(hostileText, { nil: undefined }),
  because: hostileText,
  details: fc.array(hostileText, { maxLength: 15 }),
  resolves: fc.subarray<AlertKind>(['stuck', 'paused', 'misconfigured']),
});

describe('names and words from outside, whatever they are', () => {
  const holds = (check: (alert: Partial<Alert>) => void) =>
    fc.assert(fc.property(hostileAlert, check), { numRuns: 300 });

  it('leave a subject that SNS takes', () => {
    holds((alert) => {
      expect(render(alert).subject).toMatch(SUBJECT);
    });
  });

  it('write no line of their own in a mail or a text message', () => {
    const usual = mailOf({ details: [] }).length;
    const steps = (alert: Partial<Alert>) => jsonOf(alert).nextSteps.length;
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
      const { group, cluster, resolves, ...context } = card.metadata.additionalContext;
      card.metadata.additionalContext = { ...context, group: '', cluster: '' };
      expect(shape(card)).toEqual(shape(cardOf()));
      expect(card.metadata).toMatchObject({ threadId: `ecs-drain-${INSTANCE}`, relatedResources: [INSTANCE] });
      const { description, ...content } = card.content;
      for (const text of [...textsIn(content), ...description.split('\n'), ...textsIn([group, cluster])]) {
        // What we write ourselves has none of these signs either, the runbook's name included.
        expect(text).not.toMatch(ACTIVE);
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

  it('make a message that can be sent: well-formed, small, and no attribute without a value', () => {
    holds((alert) => {
      const { subject, bodies, attributes } = render(alert);
      const message = JSON.stringify(bodies);
      // The SDK sends it in a form, whose encoding throws on half characters.
      expect(() => encodeURIComponent(message + Object.values(attributes).join('') + subject)).not.toThrow();
      for (const [name, value] of Object.entries(attributes)) {
        expect(value, name).not.toBe('');
        expect(value.length).toBeLessThanOrEqual(255);
        // What SNS takes in an attribute: the characters of XML.
        expect(value).not.toMatch(/[^\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u);
      }
      // SNS takes 256 KB in all (AWS-CONTRACTS §2).
      expect(Buffer.byteLength(message)).toBeLessThan(256_000);
    });
  });
});
