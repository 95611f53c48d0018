import type { Drain, Violation } from './audit.ts';
import type { ExecutionRecord } from './execution.ts';
import type { World } from './world.ts';

/** What a run came to; the shape is a contract (docs/simulator.md). Times in simulated seconds from the start. */
export interface Report {
  readonly schema: 1;
  readonly scenario: string;
  readonly seed: number;
  readonly instances: readonly InstanceReport[];
  /** Requests that our SDK clients sent, by service and operation; checkpoints are not among them. */
  readonly calls: Readonly<Record<string, number>>;
  readonly peakEcsReadsPerSecond: number;
  /** The worst 30-second mean. */
  readonly meanEcsReadsPerSecond30: number;
  readonly billedMs: number;
  readonly durableOperations: number;
  readonly alerts: readonly AlertReport[];
  /** New AMIs that were announced; only where the scenario watches them. */
  readonly announcements?: readonly AnnouncementReport[];
  /** Releases and fleets that were begun; only where the scenario rolls out. */
  readonly rollouts?: readonly RolloutReport[];
  readonly violations: readonly Violation[];
}

/** How the rollout of a release ended, or that of one of its fleets. */
export interface RolloutReport {
  readonly source?: string;
  readonly fleet?: string;
  /** `running` where the run ended before it. */
  readonly outcome: string;
  readonly because: string;
}

export interface InstanceReport {
  readonly instanceId: string;
  readonly cluster: string | null;
  readonly outcome: string;
  readonly drainingAtSeconds: number | null;
  readonly lastTaskStoppedAtSeconds: number | null;
  readonly releasedAtSeconds: number | null;
  readonly premature: boolean;
  readonly tasksCut: number;
}

export interface AlertReport {
  readonly kind: string;
  readonly severity: string;
  readonly instanceId: string | null;
  readonly atSeconds: number;
  readonly because: string;
}

export interface AnnouncementReport {
  readonly family: string;
  readonly version: string;
  readonly atSeconds: number;
}

/** Counts what our clients send and what people hear, while the run goes on. */
export interface Meter {
  readonly calls: Readonly<Record<string, number>>;
  readonly alerts: readonly AlertReport[];
  readonly announcements: readonly AnnouncementReport[];
  /** ECS reads in the busiest second, and in the busiest half minute per second. */
  readsPerSecond(): { peak: number; mean30: number };
}

export function createMeter(
  world: World,
  { alertTopicArn, releaseTopicArn }: { readonly alertTopicArn: string; readonly releaseTopicArn: string },
): Meter {
  const calls: Record<string, number> = {};
  const alerts: AlertReport[] = [];
  const announcements: AnnouncementReport[] = [];
  const readsAtSeconds: number[] = [];

  world.on((event) => {
    if (event.kind === 'call') {
      const name = `${event.service}:${event.operation}`;
      calls[name] = (calls[name] ?? 0) + 1;
      if (/^ecs:(Describe|List)/.test(name)) readsAtSeconds.push(world.clock.nowSeconds());
    }
    if (event.kind === 'published' && event.topicArn === releaseTopicArn) {
      const { family = 'unknown', version = 'unknown' } = event.attributes;
      announcements.push({ family, version, atSeconds: world.clock.nowSeconds() });
    }
    if (event.kind === 'published' && event.topicArn === alertTopicArn) {
      alerts.push({
        kind: event.attributes['kind'] ?? 'unknown',
        severity: event.attributes['severity'] ?? 'unknown',
        instanceId: event.attributes['instanceId'] ?? null,
        atSeconds: world.clock.nowSeconds(),
        because: sentenceOf(event.message),
      });
    }
  });

  /** The most of the ascending times that any window of so many seconds holds. */
  const most = (seconds: number): number => {
    let start = 0;
    let best = 0;
    for (const [i, at] of readsAtSeconds.entries()) {
      while ((readsAtSeconds[start] ?? at) <= at - seconds) start += 1;
      best = Math.max(best, i - start + 1);
    }
    return best;
  };

  return {
    calls,
    alerts,
    announcements,
    readsPerSecond: () => ({ peak: most(1), mean30: Math.round((most(30) / 30) * 100) / 100 }),
  };
}

/** The sentence that an alert comes down to: a member of its JSON, or the first line of plain text. */
export function sentenceOf(message: string): string {
  const because = message.startsWith('{') ? JSON.parse(message).because : undefined;
  return typeof because === 'string' ? because : (message.split('\n')[0] ?? '');
}

/** What an execution of the function that rolls out came to. */
export function rolloutReport({ input, status, result }: ExecutionRecord): RolloutReport {
  const { kind, source, fleet } = JSON.parse(input) as { kind: string; source: string; fleet?: string };
  const ended = status === 'SUCCEEDED' ? (result as { outcome: string; because: string }) : undefined;
  return {
    ...(kind === 'release' ? { source } : { fleet: fleet ?? '' }),
    outcome: ended?.outcome ?? (status === 'RUNNING' ? 'running' : 'failed'),
    because: ended?.because ?? '',
  };
}

export function instanceReport(departure: Drain, outcome: string): InstanceReport {
  return {
    instanceId: departure.instanceId,
    cluster: departure.cluster ?? null,
    outcome,
    drainingAtSeconds: departure.drainingAtSeconds ?? null,
    lastTaskStoppedAtSeconds: departure.lastTaskStoppedAtSeconds ?? null,
    releasedAtSeconds: departure.releasedAtSeconds ?? null,
    premature: departure.premature,
    tasksCut: departure.tasksCut,
  };
}
