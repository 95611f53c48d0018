import type { DrainRules } from '../../src/rollout/checks.ts';
import type { Control } from '../../src/rollout/control.ts';
import { rest } from '../../src/rollout/course.ts';
import type { ReleaseMove } from '../../src/rollout/decide.ts';
import { decide } from '../../src/rollout/decide.ts';
import type { ReleaseResult } from '../../src/rollout/ending.ts';
import type { FleetFacts, Target } from '../../src/rollout/fleet.ts';
import type { ReleaseMemory, ReleaseSeen } from '../../src/rollout/memory.ts';
import { begin, remember } from '../../src/rollout/memory.ts';
import type { FleetOutcome, FleetRequest, ReleaseRequest } from '../../src/rollout/request.ts';
import type { RolloutAlert } from '../../src/rollout/telling.ts';
import { NEW, OLD, START_MS, target } from './builders.ts';

export interface Script {
  readonly request?: Partial<ReleaseRequest>;
  /** What the source names, by hours since the start. */
  readonly target?: (hours: number) => Target | { because: string };
  /** The same all the time, or by hours since the start. */
  readonly fleets: readonly FleetFacts[] | ((hours: number) => readonly FleetFacts[]);
  /** Fleets beyond those that a survey keeps (none unless said). */
  readonly leftOut?: number;
  /** How drains go, by fleet, as the survey has it. */
  readonly drains?: Readonly<Record<string, DrainRules>>;
  /** What people say, and when. */
  readonly says?: readonly { readonly atHours: number; readonly word: Control['word'] }[];
  /** How each fleet ends (rolled, after half an hour, unless said). */
  readonly ends?: Readonly<
    Record<string, { readonly outcome: FleetOutcome; readonly afterHours: number; readonly because?: string }>
  >;
  /** The nth call, counted from one: `refused` or `before` nothing happens, `after` the effect is there and the answer is lost. */
  readonly failing?: (call: number, move: ReleaseMove['kind']) => 'before' | 'after' | 'refused' | undefined;
}

export interface Played {
  readonly result: ReleaseResult;
  readonly trace: readonly string[];
  readonly alerts: readonly RolloutAlert[];
  readonly started: readonly { readonly fleet: string; readonly atHours: number }[];
  /** What was ever asked to be started: Lambda refuses a name with another payload (AWS-CONTRACTS §7). */
  readonly payloads: ReadonlySet<string>;
  /** Steps and waits: what Lambda counts. */
  readonly operations: number;
  readonly hours: number;
}

const hoursSince = (atMs: number): number => (atMs - START_MS) / 3_600_000;

/** Plays a release's course against a script, with nothing but the pure functions, and a clock that only they move. */
export function play(script: Script): Played {
  let nowMs = START_MS;
  const trace: string[] = [];
  const alerts: Played['alerts'][number][] = [];
  const started = new Map<string, number>();
  const payloads = new Set<string>();
  const start = (request: FleetRequest): void => {
    payloads.add(JSON.stringify(request));
    if (!started.has(request.fleet)) started.set(request.fleet, nowMs);
  };
  let operations = 0;
  let calls = 0;
  const request = {
    kind: 'release',
    source: target.source,
    version: target.version,
    noticedAt: new Date(START_MS).toISOString(),
    ...script.request,
  } as const;
  let memory: ReleaseMemory = begin(request);

  const isEnded = (fleet: string): boolean => {
    const afterHours = script.ends?.[fleet]?.afterHours ?? 0.5;
    const atMs = started.get(fleet);
    return atMs !== undefined && nowMs >= atMs + afterHours * 3_600_000;
  };
  const fleetsNow = (): FleetFacts[] =>
    (typeof script.fleets === 'function' ? script.fleets(hoursSince(nowMs)) : script.fleets).map((facts) => {
      const isRolled = isEnded(facts.id) && (script.ends?.[facts.id]?.outcome ?? 'rolled') === 'rolled';
      return isRolled
        ? {
            ...facts,
            slots: facts.slots.map((slot) => ({ ...slot, imageId: NEW, version: target.version })),
            images: { [NEW]: facts.images[OLD] ?? 0 },
          }
        : facts;
    });

  const controlNow = (): { control?: Control } => {
    const said = script.says?.findLast(({ atHours }) => atHours <= hoursSince(nowMs));
    if (said === undefined) return {};
    const approved = script.says?.some((one) => one.word === 'approve' && one.atHours <= said.atHours) ?? false;
    const when = new Date(START_MS + said.atHours * 3_600_000).toISOString();
    return { control: { word: said.word, by: 'kim', at: when, because: '', approved } };
  };

  const carryOut = (move: ReleaseMove): ReleaseSeen => {
    nowMs += 1_000;
    calls += 1;
    const at = { atMs: nowMs };
    const fails = script.failing?.(calls, move.kind);
    if (fails !== undefined) {
      if (fails === 'after' && move.kind === 'start-fleet') start(move.request);
      const failure = {
        ok: false,
        reason: fails === 'before' ? 'other' : 'throttled',
        operation: 'ssm:GetParameters',
        message: 'Rate exceeded',
        ...(fails === 'refused' ? {} : { lost: true as const }),
      } as const;
      if (move.kind === 'look') return { kind: 'look', ended: [], failure, ...at };
      if (move.kind === 'alert') return { kind: 'alert', alert: move.alert.key, failure, ...at };
      return { kind: move.kind, failure, ...at };
    }
    switch (move.kind) {
      case 'survey': {
        const named = script.target?.(hoursSince(nowMs)) ?? target;
        const what = 'because' in named ? { because: named.because } : { target: named };
        const { leftOut = 0, drains = {} } = script;
        return {
          kind: 'survey',
          ...at,
          survey: { ...at, ...what, fleets: fleetsNow(), leftOut, drains },
        };
      }
      case 'resolve': {
        const resolved = script.target?.(hoursSince(nowMs)) ?? target;
        return { kind: 'resolve', ...at, resolved };
      }
      case 'hand-over':
        return { kind: 'hand-over', ...at };
      case 'start-fleet':
        start(move.request);
        return { kind: 'start-fleet', ...at };
      case 'look': {
        // Asking joins the execution, or starts it.
        for (const request of move.requests) start(request);
        const ended = move.requests
          .filter(({ fleet }) => isEnded(fleet))
          .map(({ fleet }) => ({
            fleet,
            outcome: script.ends?.[fleet]?.outcome ?? 'rolled',
            because: script.ends?.[fleet]?.because ?? 'all 4 instances run it after 28 min, and are at work',
          }));
        const named = script.target?.(hoursSince(nowMs)) ?? target;
        const isAsked = move.requests.length === 0 && 'imageId' in named;
        return { kind: 'look', ...at, ...controlNow(), ended, ...(isAsked ? { imageId: named.imageId } : {}) };
      }
      case 'alert':
        alerts.push(move.alert);
        return { kind: 'alert', ...at, alert: move.alert.key };
    }
  };

  for (; operations < 3_000; operations++) {
    const move = decide(memory);
    if (move.kind === 'finish') {
      const hours = hoursSince(nowMs);
      const starts = [...started].map(([fleet, atMs]) => ({ fleet, atHours: hoursSince(atMs) }));
      return { result: move.outcome, trace, alerts, started: starts, payloads, operations, hours };
    }
    if (move.kind === 'wait') {
      nowMs = Math.max(nowMs, memory.atMs) + move.seconds * 1000;
      memory = rest(memory, move);
      continue;
    }
    trace.push(move.kind);
    memory = remember(memory, move, carryOut(move));
  }
  throw new Error(`no end after ${operations} operations: ${trace.slice(-20).join(' ')}`);
}
