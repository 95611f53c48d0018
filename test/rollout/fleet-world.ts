import type { Control } from '../../src/rollout/control.ts';
import { rest } from '../../src/rollout/course.ts';
import type { FleetFacts, Target } from '../../src/rollout/fleet.ts';
import { decideFleet } from '../../src/rollout/fleet-decide.ts';
import type { FleetLook, FleetMemory, FleetSeen } from '../../src/rollout/fleet-memory.ts';
import { beginFleet, rememberFleet } from '../../src/rollout/fleet-memory.ts';
import type { FleetMove } from '../../src/rollout/fleet-moves.ts';
import type { RefreshSeen } from '../../src/rollout/ports.ts';
import type { FleetResult } from '../../src/rollout/request.ts';
import type { RolloutAlert } from '../../src/rollout/telling.ts';
import { fleet, NEW, OLD, START_MS, target } from './builders.ts';

export interface Script {
  readonly facts?: (minutes: number) => Partial<FleetFacts>;
  readonly target?: (minutes: number) => Target | undefined;
  readonly says?: readonly { readonly atMinutes: number; readonly word: Control['word'] }[];
  /** New instances never appear in ECS. */
  readonly agentNeverJoins?: true;
  /** What AWS makes of the refresh after so many minutes, whatever its progress. */
  readonly turns?: { readonly afterMinutes: number; readonly status: RefreshSeen['status'] };
  readonly templateWarning?: string;
  readonly deadlineSeconds?: number;
  /** What instances on the old image were launched from, of what is launched from now. */
  readonly oldFrom?: readonly string[];
  /** So many more are old than the refresh has left. */
  readonly leftOut?: number;
  /** Instances that EC2 does not know. */
  readonly unknown?: number;
  /** Instances of the warm pool that stay on the old image. */
  readonly oldPooled?: number;
  /** The nth call: `before` it nothing happens, `after` it the effect is there and the answer is lost. */
  readonly failing?: (call: number, move: FleetMove['kind']) => 'before' | 'after' | undefined;
  readonly gone?: true;
  /** So long a start is answered with "one is under way", and none is to be seen. */
  readonly busyMinutes?: number;
  /** So long another rollout has the fleet; then it breaks off, and leaves its claim. */
  readonly claimedUntilMinutes?: number;
}

interface Refresh {
  readonly id: string;
  readonly startedMs: number;
  readonly fresh: number;
  readonly template: string | undefined;
  turned?: { readonly atMs: number; readonly to: 'RollbackSuccessful' | 'Cancelled' };
}

const INSTANCE_MINUTES = 5;
const UNDER_WAY: ReadonlySet<string> = new Set(['Pending', 'InProgress', 'Cancelling', 'RollbackInProgress', 'Baking']);

/** Plays the course of one group of four instances against a script: a refresh replaces one, rests, and then the others. */
export function playFleet(script: Script = {}) {
  let nowMs = START_MS;
  const trace: string[] = [];
  const moves: FleetMove[] = [];
  const alerts: RolloutAlert[] = [];
  let refresh: Refresh | undefined;
  let rolled = 0;
  let versions = 0;
  let starts = 0;
  let calls = 0;
  let taken = 0;
  const minutes = (): number => (nowMs - START_MS) / 60_000;
  const desired = (): number => fleet(script.facts?.(minutes())).desired;

  /** Instances that the refresh has replaced by now, and how it stands. */
  const progress = (): { fresh: number; status: RefreshSeen['status']; endedMs?: number } => {
    if (refresh === undefined) return { fresh: rolled, status: 'Pending' };
    const { startedMs, fresh, turned } = refresh;
    const untilMs = Math.min(nowMs, turned?.atMs ?? nowMs);
    const elapsed = (untilMs - startedMs) / 60_000;
    const rest = desired() > 1 && fresh === 0 ? 15 : 0;
    const done = Math.min(
      desired() - fresh,
      elapsed < INSTANCE_MINUTES
        ? 0
        : 1 + Math.max(0, Math.floor((elapsed - INSTANCE_MINUTES - rest) / INSTANCE_MINUTES)),
    );
    if (script.turns && elapsed >= script.turns.afterMinutes)
      return { fresh: fresh + done, status: script.turns.status };
    if (turned) {
      const isOver = nowMs >= turned.atMs + INSTANCE_MINUTES * 60_000;
      if (turned.to === 'Cancelled') return { fresh: fresh + done, status: isOver ? 'Cancelled' : 'Cancelling' };
      return isOver
        ? { fresh: 0, status: 'RollbackSuccessful' }
        : { fresh: fresh + done, status: 'RollbackInProgress' };
    }
    return { fresh: fresh + done, status: fresh + done >= desired() ? 'Successful' : 'InProgress' };
  };

  const look = (): FleetLook => {
    const at = progress();
    const named = script.target === undefined ? target : script.target(minutes());
    const said = script.says?.findLast(({ atMinutes }) => atMinutes <= minutes());
    const hasStranger = script.agentNeverJoins === true && at.fresh > 0;
    const old = desired() - at.fresh + (script.leftOut ?? 0);
    // The group takes the desired configuration over when the refresh has succeeded.
    const isNew = at.status === 'Successful';
    const slots = fleet().slots.map((one) => (isNew ? { ...one, imageId: NEW, version: target.version } : one));
    return {
      atMs: nowMs,
      drainDeadlineSeconds: script.deadlineSeconds ?? 1_800,
      ...(named === undefined ? {} : { target: named }),
      ...(said === undefined
        ? {}
        : {
            control: {
              word: said.word,
              by: 'kim',
              at: new Date(START_MS + said.atMinutes * 60_000).toISOString(),
              because: '',
            },
          }),
      ...(script.gone
        ? {}
        : {
            facts: fleet({
              slots,
              images: { ...(old > 0 ? { [OLD]: old } : {}), ...(at.fresh > 0 ? { [NEW]: at.fresh } : {}) },
              refreshing:
                refresh !== undefined && ['InProgress', 'Cancelling', 'RollbackInProgress'].includes(at.status),
              ...script.facts?.(minutes()),
            }),
          }),
      ...(refresh === undefined
        ? {}
        : {
            refresh: {
              id: refresh.id,
              status: at.status,
              because: 'AWS says so',
              percent: Math.round((100 * at.fresh) / desired()),
              left: old,
              startedAtMs: refresh.startedMs,
              ...(refresh.template === undefined
                ? {}
                : { template: { templateId: 'lt-0a', version: refresh.template } }),
            },
          }),
      hosts: {
        fresh: at.fresh,
        joined: hasStranger ? 0 : at.fresh,
        working: hasStranger ? 0 : at.fresh,
        strangers: hasStranger ? ['i-0new'] : [],
        old,
        oldFrom: script.oldFrom ?? [],
        oldPooled: script.oldPooled ?? 0,
        unknown: script.unknown ?? 0,
      },
    };
  };

  const effect = (move: FleetMove): FleetSeen => {
    const at = { atMs: nowMs };
    switch (move.kind) {
      case 'look':
        return { kind: 'look', ...at, look: look() };
      case 'make-version':
        versions = 4;
        return {
          kind: 'make-version',
          ...at,
          number: versions,
          ...(script.templateWarning ? { warnings: [script.templateWarning] } : {}),
        };
      case 'start-refresh': {
        if (minutes() < (script.busyMinutes ?? 0)) return { kind: 'start-refresh', ...at };
        if (refresh !== undefined && UNDER_WAY.has(progress().status)) return { kind: 'start-refresh', ...at };
        const fresh = progress().fresh;
        starts += 1;
        rolled = fresh;
        refresh = { id: `refresh-${starts}`, startedMs: nowMs, fresh, template: move.desired?.template.version };
        return { kind: 'start-refresh', ...at, id: refresh.id };
      }
      case 'roll-back':
        if (refresh) refresh.turned ??= { atMs: nowMs, to: 'RollbackSuccessful' };
        return { kind: 'roll-back', ...at };
      case 'cancel-refresh':
        if (refresh) refresh.turned ??= { atMs: nowMs, to: 'Cancelled' };
        return { kind: 'cancel-refresh', ...at };
      case 'promote':
        return { kind: 'promote', ...at };
      case 'claim': {
        const { claimedUntilMinutes = 0 } = script;
        if (minutes() < claimedUntilMinutes) return { kind: 'claim', ...at, claimed: { isOurs: false, by: 'other' } };
        taken += 1;
        return { kind: 'claim', ...at, claimed: { isOurs: true, isTaken: claimedUntilMinutes > 0 && taken === 1 } };
      }
      case 'give-back':
        return { kind: 'give-back', ...at };
      case 'alert':
        alerts.push(move.alert);
        return { kind: 'alert', ...at, alert: move.alert.key };
    }
  };

  const carryOut = (move: FleetMove): FleetSeen => {
    nowMs += 1_000;
    calls += 1;
    const fails = script.failing?.(calls, move.kind);
    const seen = fails === 'before' ? undefined : effect(move);
    if (fails === undefined && seen !== undefined) return seen;
    const failure = { ok: false, reason: 'other', operation: 'autoscaling:Some', message: 'socket hang up' } as const;
    if (move.kind === 'alert') return { kind: 'alert', alert: move.alert.key, failure, atMs: nowMs };
    return { kind: move.kind, failure, atMs: nowMs };
  };

  let memory: FleetMemory = beginFleet({
    kind: 'fleet',
    fleet: 'group/web-asg',
    source: target.source,
    imageId: NEW,
    version: target.version,
    noticedAt: new Date(START_MS).toISOString(),
    release: 'al2023-x86-6-bcbc82db-2023-0-20261115',
  });
  for (let operations = 0; operations < 3_000; operations++) {
    const move = decideFleet(memory);
    if (move.kind === 'finish') {
      const result: FleetResult = move.outcome;
      return { result, trace, moves, alerts, starts, operations, minutes: minutes(), fresh: progress().fresh };
    }
    if (move.kind === 'wait') {
      nowMs = Math.max(nowMs, memory.atMs) + move.seconds * 1000;
      memory = rest(memory, move);
      continue;
    }
    trace.push(move.kind);
    moves.push(move);
    memory = rememberFleet(memory, move, carryOut(move));
  }
  throw new Error(`no end: ${trace.slice(-20).join(' ')}`);
}
