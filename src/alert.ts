import type { AlertKind, DrainAlertKind, RolloutAlertKind, Severity } from './alert-kinds.ts';
import { KINDS } from './alert-kinds.ts';
import { asMarkdown, oneLine, shorten } from './alert-text.ts';
import { DEFAULT_STACK, placeOptions } from './place.ts';

export type { AlertKind, DrainAlertKind, RolloutAlertKind, Severity } from './alert-kinds.ts';

/** Something that people should know. A value: who is told, and how, is decided elsewhere. */
export type Alert = DrainAlert | RolloutAlert;

interface Said<Kind extends AlertKind> {
  readonly kind: Kind;
  /** One sentence that a person can act on; the first thing they read. */
  readonly because: string;
  /** What else is known, most useful first; at most ten lines. */
  readonly details: readonly string[];
  /** Problems that people have heard of and that are over with this. */
  readonly resolves?: readonly Kind[];
}

/** About an instance that is drained. */
export interface DrainAlert extends Said<DrainAlertKind> {
  /** What all alerts of one drain have in common, and nothing else has: the name that its execution was started under. */
  readonly drain: string;
  readonly instanceId: string;
  /** Auto Scaling group, where it is in one. */
  readonly group: string | undefined;
  /** Cluster name, once it is known. */
  readonly cluster: string | undefined;
}

/** About an image that is rolled out: to all of its fleets, or to one. */
export interface RolloutAlert extends Said<RolloutAlertKind> {
  /** The name of the release's execution, which people approve, pause and cancel it by. */
  readonly rollout: string;
  /** The name of the execution that says this: the release's own, or its fleet's. */
  readonly course: string;
  /** `group/<name>` or `spot-fleet/<id>`; undefined: all of the release. */
  readonly fleet: string | undefined;
  /** The family that the image is of, or the parameter that names it. */
  readonly family: string;
  readonly version: string;
}

/** Where the runbook is, as its reader finds it; each kind of alert and each alarm has an entry of its name there. */
export const RUNBOOK = 'docs/operating.md';

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
 * @param stack the name of the stack that it comes from, for the commands in it.
 */
export function renderAlert(alert: Alert, arn: string, stack = DEFAULT_STACK): AlertMessage {
  const facts = factsOf(alert, arn, stack);
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
      ...facts.names,
      resolves: (alert.resolves ?? []).join(' '),
    }),
  };
}

/** What an alert is about. Names from outside are one line each from here on. */
interface About {
  /** The execution that says it: problems are opened and closed by its name. */
  readonly course: string;
  /** What a chat shows as one conversation. */
  readonly thread: string;
  /** Instance, fleet or release: what a person calls it, and what else tells it from others. */
  readonly subject: string;
  readonly context: string;
  /** As machines know it; empty where it has none. */
  readonly names: Readonly<Record<string, string>>;
  readonly execution: Readonly<Record<string, string>>;
  /** As people read it in a mail, by label, and behind a card's words. */
  readonly lines: Readonly<Record<string, string>>;
  readonly place: readonly string[];
  readonly keywords: readonly string[];
}

function aboutDrain({ drain, instanceId, ...known }: DrainAlert): About {
  const group = oneLine(known.group ?? '', 255);
  const cluster = oneLine(known.cluster ?? '', 255);
  return {
    course: drain,
    thread: instanceId,
    subject: instanceId,
    context: group,
    names: { instanceId, group, cluster },
    execution: { drain },
    lines: present({ Instance: instanceId, 'Auto Scaling group': group, Cluster: cluster }),
    place: [instanceId, ...(group === '' ? [] : [`group ${group}`]), ...(cluster === '' ? [] : [`cluster ${cluster}`])],
    keywords: [group, cluster],
  };
}

const GROUP = 'group/';

function aboutRollout(alert: RolloutAlert): About {
  const fleet = oneLine(alert.fleet ?? '', GROUP.length + 255);
  const family = oneLine(alert.family, 255);
  const version = oneLine(alert.version, 100);
  const rollout = oneLine(alert.rollout, 64);
  const image = `${family} ${version}`;
  return {
    course: oneLine(alert.course, 64),
    thread: rollout,
    subject: fleet === '' ? image : fleet,
    context: fleet === '' ? '' : image,
    // A team that filters by its groups hears of their drains and of their rollouts.
    names: { fleet, group: fleet.startsWith(GROUP) ? fleet.slice(GROUP.length) : '', family, version },
    execution: { rollout },
    lines: present({ Fleet: fleet, Image: image, Rollout: rollout }),
    place: [...(fleet === '' ? [] : [fleet]), image],
    keywords: [fleet, family],
  };
}

/** All that is said in any channel. Text from outside is well-formed, too, from here on. */
function factsOf(alert: Alert, arn: string, stack: string) {
  const { kind, resolves = [] } = alert;
  const [severity, title, nextSteps] = KINDS[kind];
  const [, , , region = '', accountId = ''] = arn.split(':');
  const about = 'drain' in alert ? aboutDrain(alert) : aboutRollout(alert);
  const { course, subject, context } = about;
  const words: Readonly<Record<string, string | undefined>> = {
    rollout: about.execution['rollout'],
    source: about.names['family'],
    place: placeOptions({ region, stack }).join(' '),
  };
  return {
    ...about,
    kind,
    severity,
    title: `${title} ${subject}${context === '' ? '' : ` (${context})`}`,
    because: oneLine(alert.because, 1_000),
    details: alert.details.slice(0, 10).map((detail) => oneLine(detail, 2_000)),
    nextSteps: nextSteps.map((step) => step.replace(/\{(\w+)\}/g, (_, word: string) => words[word] ?? '')),
    runbook: `${RUNBOOK}#${kind}`,
    region,
    accountId,
    problems: resolves,
    dedupKey: keyOf(course, kind),
    resolves: resolves.map((problem) => keyOf(course, problem)),
  };
}

type Facts = ReturnType<typeof factsOf>;

/** The same for all that is said of one problem of one drain or rollout, whoever says it and however often. */
function keyOf(course: string, kind: AlertKind): string {
  return `ecs-drain/${course}/${kind}`;
}

/** Plain text: what happened and what to do in the first line, which is all that a locked phone shows. */
function mail(facts: Facts): string {
  const [first, ...more] = facts.nextSteps;
  return [
    first === undefined ? facts.because : `${facts.because} ${first}`,
    '',
    ...facts.details.map((detail) => `- ${detail}`),
    ...more.map((step) => `Then: ${step}`),
    ...over(facts),
    ...Object.entries(facts.lines).map(([label, value]) => `${label}: ${value}`),
    `Region: ${facts.region} (account ${facts.accountId})`,
    `Runbook: ${facts.runbook}`,
  ].join('\n');
}

function over({ problems }: Facts): string[] {
  return problems.length === 0 ? [] : [`This is over: ${problems.join(', ')}`];
}

/** For queues, functions, and whatever opens incidents: open `dedupKey` unless it is info, close each of `resolves`. */
function machineMessage(facts: Facts): object {
  const { kind, severity, title, because, details, nextSteps, runbook, names, execution } = facts;
  return {
    schema: 1,
    source: 'ecs-drain',
    ...{ kind, severity, title, because, details, nextSteps, runbook },
    ...Object.fromEntries(Object.entries(names).map(([name, value]) => [name, value || null])),
    region: facts.region,
    accountId: facts.accountId,
    ...execution,
    dedupKey: facts.dedupKey,
    resolves: facts.resolves,
  };
}

/** One sign in front says at a glance how bad it is; a chat shows no colours. */
const SIGNS: Readonly<Record<Severity, string>> = { info: 'ℹ️', warning: '⚠️', critical: '🚨' };

/**
 * A custom notification of Amazon Q Developer in chat applications, which shows its own schema and drops anything else
 * in silence (AWS-CONTRACTS §2). It does not say how long the parts may be; these stay within what a Slack message can
 * hold, 150 characters for a header and 3,000 for a section. `additionalContext` takes text only.
 */
function card(facts: Facts): object {
  const { kind, severity, region, accountId, dedupKey, runbook } = facts;
  const sign = facts.problems.length > 0 && severity === 'info' ? '✅' : SIGNS[severity];
  const details = facts.details.slice(0, 5).map((detail) => `• ${shorten(asMarkdown(detail), 250)}`);
  const place = [...facts.place.map((name) => shorten(asMarkdown(name), 255)), `${region} (${accountId})`].join(', ');
  const subject = asMarkdown(facts.subject);
  const known = { ...facts.names, ...(facts.execution['rollout'] === undefined ? {} : facts.execution) };
  return {
    version: '1.0',
    source: 'custom',
    content: {
      textType: 'client-markdown',
      title: shorten(`${sign} ${asMarkdown(facts.title)}`, 150),
      description: [asMarkdown(facts.because), ...details, ...over(facts), place].join('\n'),
      nextSteps: [...facts.nextSteps.map(asMarkdown), `Runbook: ${runbook}`],
      keywords: ['ecs-drain', severity, ...facts.keywords.filter((word) => word !== '').map(asMarkdown)],
    },
    metadata: {
      threadId: `ecs-drain-${asMarkdown(facts.thread)}`,
      summary: `ecs-drain: ${subject}`,
      eventType: `ecs-drain ${kind}`,
      relatedResources: [subject],
      additionalContext: present({
        kind,
        severity,
        ...Object.fromEntries(Object.entries(known).map(([name, value]) => [name, asMarkdown(value)])),
        region,
        accountId,
        dedupKey: asMarkdown(dedupKey),
        resolves: facts.resolves.map(asMarkdown).join(' '),
        runbook,
      }),
    },
  };
}

/** SNS refuses an attribute without a value. */
function present(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
}
