/** Something that people should know. A value: who is told, and how, is decided elsewhere. */
export interface Alert {
  readonly kind: AlertKind;
  readonly instanceId: string;
  /** Auto Scaling group, where it is in one. */
  readonly group: string | undefined;
  /** Cluster name, once it is known. */
  readonly cluster: string | undefined;
  /** One sentence that a person can act on; the first thing they read. */
  readonly because: string;
  /** What else is known, most useful first; at most ten lines. */
  readonly details: readonly string[];
}

export type AlertKind = keyof typeof KINDS;
export type Severity = 'info' | 'warning' | 'critical';

const KINDS = {
  started: ['info', 'Draining'],
  drained: ['info', 'Drained'],
  restored: ['info', 'Back in service:'],
  cancelled: ['info', 'Drain called off:'],
  'not-a-container-instance': ['info', 'Nothing to drain on'],
  noticed: ['info', 'Noticed, nothing done:'],
  replacing: ['info', 'Being replaced:'],
  observed: ['info', 'Observed, nothing done:'],
  paused: ['warning', 'Paused:'],
  reactivated: ['warning', 'Set ACTIVE by somebody, drained again:'],
  misconfigured: ['warning', 'The switch cannot be read:'],
  stuck: ['warning', 'Stuck: draining'],
  'hook-gone': ['warning', 'No longer held by its hook:'],
  forced: ['critical', 'Forced: taken away with tasks on it:'],
  failed: ['critical', 'Failed:'],
} as const satisfies Record<string, readonly [Severity, string]>;

/** An alert as SNS takes it. */
export interface AlertMessage {
  /** Under 100 ASCII characters without line breaks or control characters, as SNS demands (AWS-CONTRACTS §2). */
  readonly subject: string;
  readonly body: string;
  /** For subscription filter policies. */
  readonly attributes: Readonly<Record<string, string>>;
}

export function severityOf(kind: AlertKind): Severity {
  return KINDS[kind][0];
}

/** Writes the alert for people: first what to do or know, then the facts, a line each. */
export function renderAlert(alert: Alert): AlertMessage {
  const severity = severityOf(alert.kind);
  // The name may come from a hook's metadata, and SNS refuses an attribute without a value.
  const cluster = oneLine(alert.cluster ?? '', 255);
  const group = oneLine(alert.group ?? '', 255);
  const lines = [
    oneLine(alert.because, 1_000),
    '',
    ...alert.details.slice(0, 10).map((detail) => `- ${oneLine(detail, 2_000)}`),
    `Instance: ${alert.instanceId}`,
    ...(group === '' ? [] : [`Auto Scaling group: ${group}`]),
    ...(cluster === '' ? [] : [`Cluster: ${cluster}`]),
  ];
  return {
    subject: asSubject(
      `[ecs-drain ${severity}] ${KINDS[alert.kind][1]} ${alert.instanceId}${group === '' ? '' : ` (${group})`}`,
    ),
    body: lines.join('\n'),
    attributes: {
      kind: alert.kind,
      severity,
      instanceId: alert.instanceId,
      ...(cluster === '' ? {} : { cluster }),
    },
  };
}

/** Names come from outside: a line break in one must not make a line of its own. */
function oneLine(text: string, longest: number): string {
  const flat = text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim();
  return flat.length <= longest ? flat : `${flat.slice(0, longest - 1)}…`;
}

function asSubject(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, '?').slice(0, 99);
}
