/** Something that people should know. A value: who is told, and how, is decided elsewhere. */
export interface Alert {
  readonly kind: AlertKind;
  /** What all alerts of one drain have in common, and nothing else has: the name that its execution was started under. */
  readonly drain: string;
  readonly instanceId: string;
  /** Auto Scaling group, where it is in one. */
  readonly group: string | undefined;
  /** Cluster name, once it is known. */
  readonly cluster: string | undefined;
  /** One sentence that a person can act on; the first thing they read. */
  readonly because: string;
  /** What else is known, most useful first; at most ten lines. */
  readonly details: readonly string[];
  /** Problems that people have heard of and that are over with this. */
  readonly resolves?: readonly AlertKind[];
}

export type AlertKind = keyof typeof KINDS;
export type Severity = 'info' | 'warning' | 'critical';

/** Where the runbook is, as its reader finds it; each kind of alert and each alarm has an entry of its name there. */
export const RUNBOOK = 'docs/operating.md';

/** How bad it is, what it is called, and what to do, the most urgent first. */
const KINDS = {
  started: ['info', 'Draining', []],
  drained: ['info', 'Drained', []],
  restored: ['info', 'Back in service:', []],
  cancelled: ['info', 'Drain called off:', []],
  'not-a-container-instance': ['info', 'Nothing to drain on', []],
  noticed: ['info', 'Noticed, nothing done:', ['Drain it by an order if you do not want to wait for AWS.']],
  replacing: ['info', 'Being replaced:', []],
  observed: ['info', 'Observed, nothing done:', ['When this is what you want, turn the switch to act.']],
  resolved: ['info', 'Resolved:', []],
  paused: [
    'warning',
    'Paused:',
    [
      'Turn the switch to act when drains may go on.',
      'To let a single group go on, give it a mode of its own in the switch.',
    ],
  ],
  reactivated: [
    'warning',
    'Set ACTIVE by somebody, drained again:',
    ['Find out who set it ACTIVE, and why: its group takes it away all the same.'],
  ],
  misconfigured: ['warning', 'The switch cannot be read:', ['Mend the SSM parameter of the switch.']],
  stuck: [
    'warning',
    'Stuck: draining',
    [
      'Once the cause is gone, the drain goes on by itself.',
      'If it cannot be helped before the deadline, move what must not be cut off by hand.',
    ],
  ],
  'hook-gone': [
    'warning',
    'No longer held by its hook:',
    ['Find out who completed the action or removed the hook.', 'Look whether tasks were cut off.'],
  ],
  forced: [
    'critical',
    'Forced: taken away with tasks on it:',
    [
      'Look at the services whose tasks were cut off.',
      'Remove what kept them, or allow more time, before the next drain.',
    ],
  ],
  failed: ['critical', 'Failed:', ['Look at the instance: nobody drains it any more.']],
} as const satisfies Record<string, readonly [Severity, string, readonly string[]]>;

/** An alert as SNS takes it. */
export interface AlertMessage {
  /** Under 100 ASCII characters without line breaks or control characters, as SNS demands (AWS-CONTRACTS §2). */
  readonly subject: string;
  /** What each protocol's subscribers get; `default` is for all that are not named. */
  readonly bodies: Readonly<Record<'default' | 'email' | 'sms' | 'https', string>>;
  /** For subscription filter policies. */
  readonly attributes: Readonly<Record<string, string>>;
}

export function severityOf(kind: AlertKind): Severity {
  return KINDS[kind][0];
}

/**
 * Writes the alert for each channel: people read mail, a text message or a card, machines JSON.
 * @param arn any ARN of the region and account that it comes from.
 */
export function renderAlert(alert: Alert, arn: string): AlertMessage {
  const facts = factsOf(alert, arn);
  const subject = `[ecs-drain ${facts.severity}] ${facts.title}`;
  return {
    subject: subject.replace(/[^\x20-\x7e]+/g, '?').slice(0, 99),
    bodies: {
      default: JSON.stringify(machineMessage(facts), null, 1),
      email: mail(facts),
      sms: shorten(`${subject}: ${facts.because}`, 280),
      https: JSON.stringify(card(facts)),
    },
    attributes: present({
      kind: facts.kind,
      severity: facts.severity,
      instanceId: facts.instanceId,
      cluster: facts.cluster,
      group: facts.group,
      resolves: (alert.resolves ?? []).join(' '),
    }),
  };
}

/** All that is said in any channel. Text from outside is one line each, and well-formed, from here on. */
function factsOf(alert: Alert, arn: string) {
  const { kind, drain, instanceId, resolves = [] } = alert;
  const [severity, title, nextSteps] = KINDS[kind];
  const [, , , region = '', accountId = ''] = arn.split(':');
  const group = oneLine(alert.group ?? '', 255);
  return {
    kind,
    severity,
    title: `${title} ${instanceId}${group === '' ? '' : ` (${group})`}`,
    because: oneLine(alert.because, 1_000),
    details: alert.details.slice(0, 10).map((detail) => oneLine(detail, 2_000)),
    nextSteps: nextSteps as readonly string[],
    runbook: `${RUNBOOK}#${kind}`,
    instanceId,
    group,
    cluster: oneLine(alert.cluster ?? '', 255),
    region,
    accountId,
    drain,
    problems: resolves,
    dedupKey: keyOf(drain, kind),
    resolves: resolves.map((problem) => keyOf(drain, problem)),
  };
}

type Facts = ReturnType<typeof factsOf>;

/** The same for all that is said of one problem of one drain, whoever says it and however often. */
function keyOf(drain: string, kind: AlertKind): string {
  return `ecs-drain/${drain}/${kind}`;
}

/** Plain text: what happened and what to do in the first line, which is all that a locked phone shows. */
function mail(facts: Facts): string {
  const [first, ...more] = facts.nextSteps;
  const { group, cluster } = facts;
  return [
    first === undefined ? facts.because : `${facts.because} ${first}`,
    '',
    ...facts.details.map((detail) => `- ${detail}`),
    ...more.map((step) => `Then: ${step}`),
    ...(facts.problems.length === 0 ? [] : [`This is over: ${facts.problems.join(', ')}`]),
    `Instance: ${facts.instanceId}`,
    ...(group === '' ? [] : [`Auto Scaling group: ${group}`]),
    ...(cluster === '' ? [] : [`Cluster: ${cluster}`]),
    `Region: ${facts.region} (account ${facts.accountId})`,
    `Runbook: ${facts.runbook}`,
  ].join('\n');
}

/** For queues, functions, and whatever opens incidents: open `dedupKey` unless it is info, close each of `resolves`. */
function machineMessage({ problems: _, ...facts }: Facts): object {
  return { schema: 1, source: 'ecs-drain', ...facts, group: facts.group || null, cluster: facts.cluster || null };
}

/** One sign in front says at a glance how bad it is; a chat shows no colours. */
const SIGNS: Readonly<Record<Severity, string>> = { info: 'ℹ️', warning: '⚠️', critical: '🚨' };

/**
 * A custom notification of Amazon Q Developer in chat applications, which shows its own schema and drops anything else
 * in silence (AWS-CONTRACTS §2). It does not say how long the parts may be; these stay within what a Slack message can
 * hold, 150 characters for a header and 3,000 for a section. `additionalContext` takes text only.
 */
function card(facts: Facts): object {
  const group = asMarkdown(facts.group);
  const cluster = asMarkdown(facts.cluster);
  const where = [
    facts.instanceId,
    ...(group === '' ? [] : [`group ${group}`]),
    ...(cluster === '' ? [] : [`cluster ${cluster}`]),
    `${facts.region} (${facts.accountId})`,
  ];
  const sign = facts.problems.length > 0 && facts.severity === 'info' ? '✅' : SIGNS[facts.severity];
  const over = facts.problems.length === 0 ? [] : [`This is over: ${facts.problems.join(', ')}`];
  const details = facts.details.slice(0, 5).map((detail) => `• ${shorten(asMarkdown(detail), 300)}`);
  return {
    version: '1.0',
    source: 'custom',
    content: {
      textType: 'client-markdown',
      title: shorten(`${sign} ${asMarkdown(facts.title)}`, 150),
      description: [asMarkdown(facts.because), ...details, ...over, where.join(', ')].join('\n'),
      nextSteps: [...facts.nextSteps, `Runbook: ${facts.runbook}`],
      keywords: ['ecs-drain', facts.severity, ...[group, cluster].filter((name) => name !== '')],
    },
    metadata: {
      threadId: `ecs-drain-${facts.instanceId}`,
      summary: `ecs-drain: ${facts.instanceId}`,
      eventType: `ecs-drain ${facts.kind}`,
      relatedResources: [facts.instanceId],
      additionalContext: present({
        kind: facts.kind,
        severity: facts.severity,
        instanceId: facts.instanceId,
        group,
        cluster,
        region: facts.region,
        accountId: facts.accountId,
        dedupKey: facts.dedupKey,
        resolves: facts.resolves.join(' '),
        runbook: facts.runbook,
      }),
    },
  };
}

/** Each sign that any chat's markdown could take for formatting, a mention or a link, and one that only looks like it. */
const LOOK_ALIKES: Readonly<Record<string, string>> = {
  '*': '∗',
  '~': '∼',
  '`': 'ˋ',
  '<': '‹',
  '>': '›',
  '[': '［',
  ']': '］',
  '@': '＠',
  '&': '＆',
  '\\': '＼',
  '#': '＃',
};

/**
 * Text that shows as itself and does nothing: Slack and Teams disagree on how to escape, and a card may go to either. An
 * underscore inside a name is no formatting for any of them, and stays, so that names can be copied.
 */
function asMarkdown(text: string): string {
  return text
    .replace(/[*~`<>[\]@&\\#]/g, (sign) => LOOK_ALIKES[sign] ?? '')
    .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '＿')
    .replaceAll('://', ':⁄⁄');
}

/** Names come from outside: a line break in one must not make a line of its own. */
function oneLine(text: string, longest: number): string {
  return shorten(
    text
      .toWellFormed()
      .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}]+/gu, ' ')
      .trim(),
    longest,
  );
}

/** By whole characters: half of one is no text that could be sent. */
function shorten(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** SNS refuses an attribute without a value. */
function present(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
}
