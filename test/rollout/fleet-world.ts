import type { Control } from '../../src/rollout/control.ts';
import { rest } from '../../src/rollout/course.ts';
import type { FleetFacts, Target } from '../../src/rollout/fleet.ts';
import { decideFleet } from '../../src/rollout/fleet-decide.ts';
import type { FleetLook, FleetMemory, FleetSeen } from '../../src/rollout/fleet-memory.ts';
import { beginFleet, rememberFleet } from '../../src/rollout/fleet-memory.ts';
import type { FleetMove } from '../../src/rollout/fleet-moves.ts';
import type { RefreshPreferences, RefreshSeen } from '../../src/rollout/ports.ts';
import type { FleetResult } from '../../src/rollout/request.ts';
import type { RolloutAlert } from '../../src/rollout/telling.ts';
import { fleet, fleetRequest, NEW, OLD, START_MS, target } from './builders.ts';

export interface Script {
  readonly facts?: (minutes: number) => Partial<FleetFacts>;
  readonly target?: (minutes: number) => Target | undefined;
  readonly says?: readonly { readonly atMinutes: number; readonly word: Control['word'] }[];
  /** New instances never appear in ECS. */
  readonly agentNeverJoins?: true;
  /** From EC2's "in service" until ECS has the nth new instance at work. */
  readonly joinMinutes?: (nth: number) => number;
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
  /** A refresh of somebody else's, in the group's list and in our way. */
  readonly other?: { readonly fromMinutes: number; readonly toMinutes: number };
  /** So long another rollout has the fleet; then it breaks off, and leaves its claim. */
  readonly claimedUntilMinutes?: number;
}

interface Instance {
  readonly id: string;
  readonly nth: number;
  readonly inServiceMs: number;
}

interface Refresh {
  readonly id: string;
  readonly startedMs: number;
  readonly template: string | undefined;
  readonly preferences: RefreshPreferences;
  /** On the new image before it began. */
  readonly kept: readonly Instance[];
  /** What it replaces, when nothing stops it. */
  readonly coming: readonly Instance[];
  turned?: { readonly atMs: number; readonly to: 'RollbackSuccessful' | 'Cancelled' };
}

const INSTANCE_MS = 300_000;
const ON_ITS_WAY: ReadonlySet<string> = new Set(['Pending', 'InProgress', 'Baking']);
const UNDER_WAY: ReadonlySet<string> = new Set(['Pending', 'InProgress', 'Cancelling', 'RollbackInProgress', 'Baking']);

/** Plays the course of one group of four instances against a script: a refresh replaces one, rests, and then the others. */
export function playFleet(script: Script = {}) {
  let nowMs = START_MS;
  const trace: string[] = [];
  const moves: FleetMove[] = [];
  const alerts: (RolloutAlert & { readonly atMinutes: number })[] = [];
  const refreshes: Refresh[] = [];
  let calls = 0;
  let taken = 0;
  const minutes = (): number => (nowMs - START_MS) / 60_000;
  const desired = (): number => fleet(script.facts?.(minutes())).desired;

  /** The instances on the new image, and how the refresh stands. */
  const progress = (refresh: Refresh): { fresh: readonly Instance[]; status: RefreshSeen['status'] } => {
    const { startedMs, turned, kept, coming, preferences } = refresh;
    const untilMs = Math.min(nowMs, turned?.atMs ?? nowMs);
    const fresh = [...kept, ...coming.filter(({ inServiceMs }) => inServiceMs <= untilMs)];
    if (script.turns && untilMs - startedMs >= script.turns.afterMinutes * 60_000) {
      const { status } = script.turns;
      return { fresh: status === 'RollbackSuccessful' ? kept : fresh, status };
    }
    if (turned) {
      const isOver = nowMs >= turned.atMs + INSTANCE_MS;
      if (turned.to === 'Cancelled') return { fresh, status: isOver ? 'Cancelled' : 'Cancelling' };
      return isOver ? { fresh: kept, status: 'RollbackSuccessful' } : { fresh, status: 'RollbackInProgress' };
    }
    if (fresh.length < kept.length + coming.length) return { fresh, status: 'InProgress' };
    const doneMs = coming.at(-1)?.inServiceMs ?? startedMs;
    return { fresh, status: nowMs < doneMs + preferences.bakeSeconds * 1000 ? 'Baking' : 'Successful' };
  };
  const latest = () => {
    const refresh = refreshes.at(-1);
    return refresh === undefined
      ? { fresh: [], status: undefined }
      : { ...progress(refresh), startedMs: refresh.startedMs };
  };
  const isOthers = (): boolean =>
    script.other !== undefined && minutes() >= script.other.fromMinutes && minutes() < script.other.toMinutes;

  const begin = ({ desired: asked, preferences }: Extract<FleetMove, { kind: 'start-refresh' }>): string => {
    const { fresh: kept } = latest();
    const id = `refresh-${refreshes.length + 1}`;
    const coming = Array.from({ length: Math.max(0, desired() - kept.length) }, (_, i): Instance => {
      const restMs = i > 0 && preferences.checkpoints.length > 0 ? preferences.checkpointDelaySeconds * 1000 : 0;
      const nth = kept.length + i;
      return {
        id: refreshes.length + i === 0 ? 'i-0new' : `i-0new${refreshes.length}${i}`,
        nth,
        inServiceMs: nowMs + INSTANCE_MS * (i + 1) + restMs,
      };
    });
    refreshes.push({ id, startedMs: nowMs, template: asked?.template.version, preferences, kept, coming });
    return id;
  };

  const seenOf = (refresh: Refresh): RefreshSeen => {
    const { fresh, status } = progress(refresh);
    return {
      id: refresh.id,
      status,
      because: 'AWS says so',
      percent: Math.round((100 * fresh.length) / desired()),
      left: desired() - fresh.length,
      startedAtMs: refresh.startedMs,
      ...(refresh.template === undefined ? {} : { template: { templateId: 'lt-0a', version: refresh.template } }),
    };
  };

  const look = ({ refreshId, known }: Extract<FleetMove, { kind: 'look' }>): FleetLook => {
    const { fresh, status } = latest();
    const named = script.target === undefined ? target : script.target(minutes());
    const said = script.says?.findLast(({ atMinutes }) => atMinutes <= minutes());
    const joinMs = (nth: number) =>
      script.agentNeverJoins ? Number.POSITIVE_INFINITY : (script.joinMinutes?.(nth) ?? 0) * 60_000;
    const strangers = fresh.filter(({ nth, inServiceMs }) => nowMs < inServiceMs + joinMs(nth)).map(({ id }) => id);
    const before = known?.look.hosts.strangers ?? [];
    const old = desired() - fresh.length + (script.leftOut ?? 0);
    // The group takes the desired configuration over when the refresh has succeeded.
    const isNew = status === 'Successful';
    const slots = fleet().slots.map((one) => (isNew ? { ...one, imageId: NEW, version: target.version } : one));
    const others: RefreshSeen[] = isOthers()
      ? [
          {
            id: 'others-1',
            status: 'InProgress',
            because: '',
            percent: 10,
            left: 3,
            startedAtMs: START_MS + (script.other?.fromMinutes ?? 0) * 60_000,
          },
        ]
      : [];
    const seen = [...others, ...refreshes.map(seenOf).toReversed()];
    const refresh = seen.find(({ id }) => id === refreshId);
    const [newest] = seen;
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
              images: { ...(old > 0 ? { [OLD]: old } : {}), ...(fresh.length > 0 ? { [NEW]: fresh.length } : {}) },
              refreshing: isOthers() || UNDER_WAY.has(status ?? ''),
              ...script.facts?.(minutes()),
            }),
          }),
      ...(refresh === undefined ? {} : { refresh }),
      ...(newest === undefined || newest.id === refresh?.id ? {} : { other: newest }),
      hosts: {
        fresh: fresh.length,
        joined: fresh.length - strangers.length,
        working: fresh.length - strangers.length,
        strangers: strangers.sort((a, b) => Number(before.includes(b)) - Number(before.includes(a))).slice(0, 5),
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
        return { kind: 'look', ...at, look: look(move) };
      case 'make-version':
        return {
          kind: 'make-version',
          ...at,
          number: 4,
          ...(script.templateWarning ? { warnings: [script.templateWarning] } : {}),
        };
      case 'start-refresh':
        if (minutes() < (script.busyMinutes ?? 0) || isOthers() || UNDER_WAY.has(latest().status ?? ''))
          return { kind: 'start-refresh', ...at };
        return { kind: 'start-refresh', ...at, id: begin(move) };
      case 'roll-back':
      case 'cancel-refresh': {
        const to = move.kind === 'roll-back' ? 'RollbackSuccessful' : 'Cancelled';
        const refresh = refreshes.at(-1);
        const status = refresh && progress(refresh).status;
        // A way back can be cancelled, too: what it has not done by then stays.
        if (refresh && ON_ITS_WAY.has(status ?? '')) refresh.turned = { atMs: nowMs, to };
        if (refresh?.turned && to === 'Cancelled' && status === 'RollbackInProgress') {
          refresh.turned = { atMs: refresh.turned.atMs, to };
        }
        return { kind: move.kind, ...at };
      }
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
        alerts.push({ ...move.alert, atMinutes: minutes() });
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

  let memory: FleetMemory = beginFleet(fleetRequest({ release: 'al2023-x86-6-bcbc82db-2023-0-20261115' }));
  for (let operations = 0; operations < 3_000; operations++) {
    const move = decideFleet(memory);
    if (move.kind === 'finish') {
      const result: FleetResult = move.outcome;
      const { fresh, status = '' } = latest();
      return {
        result,
        trace,
        moves,
        alerts,
        operations,
        starts: refreshes.length,
        minutes: minutes(),
        fresh: fresh.length,
        /** Instances that were replaced while nothing drained them. */
        undrained: refreshes
          .flatMap(({ coming, turned }) => coming.filter(({ inServiceMs }) => inServiceMs <= (turned?.atMs ?? nowMs)))
          .filter(({ inServiceMs }) => script.facts?.((inServiceMs - START_MS) / 60_000).drainedBy === 'none').length,
        /** Nobody looks after it any more. */
        isLeftRunning: UNDER_WAY.has(status),
      };
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
