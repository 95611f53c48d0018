import type { Failure } from '../../src/ports.ts';
import type { Control } from '../../src/rollout/control.ts';
import { rest } from '../../src/rollout/course.ts';
import type { FleetFacts, Target } from '../../src/rollout/fleet.ts';
import type { ExcessPolicy } from '../../src/rollout/ports.ts';
import type { FleetResult } from '../../src/rollout/request.ts';
import { decideSpot } from '../../src/rollout/spot-decide.ts';
import type { FleetSide, SpotLook, SpotMemory, SpotSeen } from '../../src/rollout/spot-memory.ts';
import { beginSpot, rememberSpot } from '../../src/rollout/spot-memory.ts';
import type { SpotMove } from '../../src/rollout/spot-moves.ts';
import type { RolloutAlert } from '../../src/rollout/telling.ts';
import { fleet, NEW, OLD, START_MS, slot, target } from './builders.ts';

export const OLD_FLEET = 'sfr-0old';
export const COPY = 'sfr-0copy';

export interface Script {
  /** Units of capacity, and instances; four unless said. */
  readonly size?: number;
  /** The old fleet's policy for what is above its target; `default` unless given. */
  readonly excess?: ExcessPolicy;
  readonly facts?: (minutes: number) => Partial<FleetFacts>;
  readonly target?: (minutes: number) => Target | undefined;
  readonly says?: readonly { readonly atMinutes: number; readonly word: Control['word'] }[];
  /** How many of the copy's instances ever come. */
  readonly comes?: number;
  readonly agentNeverJoins?: true;
  /** The copy's instances join ECS only then; a drain before that finds no container instance. */
  readonly joinsAtMinutes?: number;
  readonly unsteady?: (minutes: number) => readonly string[];
  /** How the drain of an instance ends (`drained` unless said), and how long it takes. */
  readonly ends?: Readonly<Record<string, string>>;
  readonly drainMinutes?: number;
  /** Old instances that the list, and the capacity unless they are counted, show only so long after the zero. */
  readonly late?: { readonly ids: readonly string[]; readonly afterMinutes: number; readonly areCounted?: true };
  /** The list of the old fleet's instances is empty until then. */
  readonly unlistedMinutes?: number;
  readonly templateWarning?: string;
  /** EC2 shows the target of the old fleet so much later. */
  readonly lagMinutes?: number;
  /** The list of copies has ours so long after it was made. */
  readonly unseenMinutes?: number;
  /** What a look finds otherwise than it is. */
  readonly sees?: (look: SpotLook, minutes: number, world: World) => Partial<SpotLook>;
  /** Copies of other rollouts, and what has come in the old fleet's place by them. */
  readonly others?: (minutes: number, world: World) => Partial<Pick<SpotLook, 'others' | 'heir'>>;
  /**
   * The nth call: no answer comes, and nothing has happened `before` it, or the effect is there `after` it; or it is
   * `refused` for want of permission, or as `invalid`.
   */
  readonly failing?: (call: number, move: SpotMove, minutes: number) => Failing | undefined;
  /** What somebody else does to the world, once; and what after that. */
  readonly meddles?: Meddling;
}

export type Failing = 'before' | 'after' | 'refused' | 'invalid';

interface Meddling {
  readonly when: (world: World, minutes: number) => boolean;
  readonly with: (world: World) => void;
  readonly next?: Meddling;
}

interface Fleet {
  readonly createdAtMs: number;
  targetCapacity: number;
  state: string;
  excess: ExcessPolicy;
  readonly instances: Map<string, Host>;
}

/** What runs on it: `ACTIVE` takes tasks, `DRAINING` is on its way to be empty, `empty` is done. */
interface Host {
  status: 'ACTIVE' | 'DRAINING';
  busy: boolean;
  readonly sinceMs: number;
}

export interface World {
  readonly old: Fleet;
  copy: Fleet | undefined;
  copies: number;
  /** What no rollout may do: an undrained instance that was terminated, a fleet that was emptied twice. */
  readonly harm: string[];
}

const BOOT_MINUTES = 4;
const LAUNCH_MS = 30_000;
const A_MOMENT_MS = 5_000;

/** Plays the course of one Spot Fleet against a script, with nothing but the pure functions, and a clock that they move. */
export function playSpot(script: Script = {}) {
  let nowMs = START_MS;
  let calls = 0;
  let zeroedMs: number | undefined;
  let meddling = script.meddles;
  const targets: { readonly atMs: number; readonly capacity: number }[] = [];
  const size = script.size ?? 4;
  const late = script.late?.ids ?? [];
  let bytes = 0;
  let replacements = 0;
  const trace: string[] = [];
  const moves: SpotMove[] = [];
  const alerts: RolloutAlert[] = [];
  const promoted: string[] = [];
  const drains = new Map<string, { readonly endsMs: number; readonly outcome: string }>();
  const host = (sinceMs: number): Host => ({ status: 'ACTIVE', busy: true, sinceMs });
  const ids = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `i-0${prefix}${i}`);
  const world: World = {
    old: {
      createdAtMs: START_MS - 86_400_000,
      targetCapacity: size,
      state: 'active',
      excess: script.excess ?? 'default',
      instances: new Map([...ids('old', size), ...late].map((id) => [id, host(START_MS - 1)])),
    },
    copy: undefined,
    copies: 0,
    harm: [],
  };
  const minutes = (): number => (nowMs - START_MS) / 60_000;
  const fleetOf = (id: string): Fleet | undefined => (id === OLD_FLEET ? world.old : world.copy);
  const hostOf = (id: string): Host | undefined => world.old.instances.get(id) ?? world.copy?.instances.get(id);

  /** Lets what was begun take its time: instances boot, drains end. */
  const settle = (): void => {
    for (const [id, { endsMs, outcome }] of drains) {
      const one = hostOf(id);
      if (one === undefined || nowMs < endsMs || one.status === 'ACTIVE') continue;
      if (outcome === 'drained' || outcome === 'forced') one.busy = false;
    }
    if (meddling?.when(world, minutes())) {
      meddling.with(world);
      meddling = meddling.next;
    }
    const { old } = world;
    if (old.targetCapacity !== targets.at(-1)?.capacity) targets.push({ atMs: nowMs, capacity: old.targetCapacity });
    // A fleet maintains its target: what is missing of it is launched after a while, and takes tasks.
    for (let i = old.instances.size; old.state === 'active' && isOld(LAUNCH_MS) && i < old.targetCapacity; i++) {
      replacements += 1;
      old.instances.set(`i-0more${replacements}`, { status: 'ACTIVE', busy: true, sinceMs: START_MS - 1 });
    }
  };
  /** The target of the old fleet has been what it is for so long. */
  const isOld = (ms: number): boolean => nowMs - (targets.at(-1)?.atMs ?? nowMs) >= ms;
  /** The target of the old fleet as EC2 shows it. */
  const shownTarget = (): number =>
    targets.findLast(({ atMs }) => atMs <= nowMs - (script.lagMinutes ?? 0) * 60_000)?.capacity ?? size;
  const isUp = ({ sinceMs }: Host): boolean => nowMs - sinceMs >= BOOT_MINUTES * 60_000 || sinceMs < START_MS;

  const listed = (id: string): boolean => {
    if (late.includes(id)) {
      return zeroedMs !== undefined && nowMs >= zeroedMs + (script.late?.afterMinutes ?? 0) * 60_000;
    }
    return minutes() >= (script.unlistedMinutes ?? 0);
  };
  const side = ({ targetCapacity, state, instances, createdAtMs, excess }: Fleet): FleetSide => {
    const up = [...instances].filter(([, one]) => isUp(one)).map(([id]) => id);
    const shown = up.filter(listed);
    const isCounted = (id: string): boolean => !late.includes(id) || script.late?.areCounted === true || listed(id);
    const fulfilledCapacity = up.filter(isCounted).length;
    return { state, createdAtMs, targetCapacity, fulfilledCapacity, excess, instances: shown, units: shown.length };
  };

  const look = (move: Extract<SpotMove, { kind: 'look' }>): SpotLook => {
    const seen = lookAt(move);
    return { ...seen, ...script.sees?.(seen, minutes(), world) };
  };

  const lookAt = ({ copyId, emptied, restored }: Extract<SpotMove, { kind: 'look' }>): SpotLook => {
    const named = script.target === undefined ? target : script.target(minutes());
    const said = script.says?.findLast(({ atMinutes }) => atMinutes <= minutes());
    const copy = copyId === undefined ? undefined : world.copy;
    const unsteady = script.unsteady?.(minutes()) ?? [];
    const fresh = copy === undefined ? [] : side(copy).instances;
    const isOut = script.agentNeverJoins || !hasJoined();
    const isCopyShown = nowMs >= (world.copy?.createdAtMs ?? nowMs) + (script.unseenMinutes ?? 0) * 60_000;
    const ours = copyId === undefined && isCopyShown ? world.copy : undefined;
    const old = { ...side(world.old), targetCapacity: shownTarget() };
    const when = new Date(START_MS + (said?.atMinutes ?? 0) * 60_000).toISOString();
    return {
      atMs: nowMs,
      ...(named === undefined ? {} : { target: named }),
      ...(said === undefined ? {} : { control: { word: said.word, by: 'kim', at: when, because: '' } }),
      facts: fleet({
        id: `spot-fleet/${OLD_FLEET}`,
        slots: [slot({ at: 0 })],
        images: { [OLD]: size },
        desired: world.old.targetCapacity,
        drainedBy: 'order',
        unsteady,
        ...script.facts?.(minutes()),
      }),
      old,
      ...(copy === undefined ? {} : { copy: side(copy) }),
      ...(ours === undefined ? {} : { ours: { id: COPY, capacity: ours.targetCapacity } }),
      clusters: ['web'],
      hosts: {
        fresh: fresh.length,
        joined: isOut ? 0 : fresh.length,
        working: isOut ? 0 : fresh.length,
        strangers: isOut ? fresh.slice(0, 5) : [],
        old: 0,
        staying: 0,
        oldFrom: [],
        oldPooled: 0,
        unknown: 0,
      },
      lacking: unsteady,
      others: [],
      ...script.others?.(minutes(), world),
      occupied: emptied.filter((id) => hostOf(id)?.status === 'ACTIVE' && isKnown(id)),
      notActive: restored.filter((id) => old.instances.includes(id) && hostOf(id)?.status !== 'ACTIVE'),
    };
  };

  const hasJoined = (): boolean => minutes() >= (script.joinsAtMinutes ?? 0);
  const isKnown = (id: string): boolean => hasJoined() || !world.copy?.instances.has(id);

  const drain = (id: string): string => {
    const one = hostOf(id);
    if (one === undefined || !isKnown(id)) return 'not-a-container-instance';
    const ordered = drains.get(id);
    if (ordered === undefined) {
      one.status = 'DRAINING';
      drains.set(id, {
        endsMs: nowMs + (script.drainMinutes ?? 10) * 60_000,
        outcome: script.ends?.[id] ?? 'drained',
      });
      return 'running';
    }
    if (one.status === 'ACTIVE' && nowMs < ordered.endsMs) return 'cancelled';
    return nowMs < ordered.endsMs ? 'running' : ordered.outcome;
  };

  const cancel = (id: string): void => {
    const one = fleetOf(id);
    if (one === undefined || one.state.startsWith('cancelled')) return;
    one.state = 'cancelled_terminating';
    // What somebody changes in the same moment nobody can see before.
    if (one.targetCapacity > 0 && isOld(A_MOMENT_MS))
      world.harm.push(`${id} was cancelled with a target of ${one.targetCapacity}`);
    for (const [instance, { busy }] of one.instances) {
      if (busy) world.harm.push(`${instance} was terminated with tasks on it`);
    }
    one.instances.clear();
  };

  const effect = (move: SpotMove): SpotSeen => {
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
      case 'copy': {
        // The same token makes the same fleet.
        if (world.copy === undefined) {
          world.copies += 1;
          const comes = Math.min(script.comes ?? size, world.old.targetCapacity);
          const instances = new Map(ids('new', comes).map((id) => [id, host(nowMs)]));
          const { targetCapacity, excess } = world.old;
          world.copy = { createdAtMs: nowMs, targetCapacity, state: 'active', excess, instances };
        }
        return { kind: 'copy', ...at, id: COPY };
      }
      case 'set-target': {
        const one = fleetOf(move.fleetId);
        if (one === undefined) throw new Error(`there is no fleet ${move.fleetId}`);
        one.targetCapacity = move.capacity;
        one.excess = move.excess ?? 'noTermination';
        if (move.fleetId === OLD_FLEET && move.capacity === 0) zeroedMs ??= nowMs;
        return { kind: 'set-target', ...at };
      }
      case 'drain':
        return { kind: 'drain', ...at, outcomes: Object.fromEntries(move.instances.map((id) => [id, drain(id)])) };
      case 'activate':
        for (const id of move.instances) {
          const one = hostOf(id);
          if (one) Object.assign(one, { status: 'ACTIVE', busy: true });
        }
        return { kind: 'activate', ...at };
      case 'cancel':
        cancel(move.fleetId);
        return { kind: 'cancel', ...at };
      case 'promote':
        promoted.push(move.imageId);
        return { kind: 'promote', ...at };
      case 'alert':
        alerts.push(move.alert);
        return { kind: 'alert', ...at, alert: move.alert.key };
    }
  };

  const carryOut = (move: SpotMove): SpotSeen => {
    nowMs += 1_000;
    calls += 1;
    settle();
    const fails = script.failing?.(calls, move, minutes());
    const seen = fails === undefined || fails === 'after' ? effect(move) : undefined;
    if (fails === undefined && seen !== undefined) return seen;
    const reason = fails === 'refused' ? 'denied' : 'other';
    const lost = fails === 'before' || fails === 'after' ? ({ lost: true } as const) : {};
    const failure: Failure = { ok: false, reason, operation: 'ec2:Some', message: 'socket hang up', ...lost };
    if (move.kind === 'alert') return { kind: 'alert', alert: move.alert.key, failure, atMs: nowMs };
    if (move.kind === 'drain') return { kind: 'drain', outcomes: {}, failure, atMs: nowMs };
    return { kind: move.kind, failure, atMs: nowMs };
  };

  let memory: SpotMemory = beginSpot({
    kind: 'fleet',
    fleet: `spot-fleet/${OLD_FLEET}`,
    source: target.source,
    imageId: NEW,
    version: target.version,
    noticedAt: new Date(START_MS).toISOString(),
    release: 'al2023-x86-6-bcbc82db-2023-0-20261115',
  });
  for (let operations = 0; operations < 3_000; operations++) {
    const move = decideSpot(memory);
    if (move.kind === 'finish') {
      settle();
      const result: FleetResult = move.outcome;
      return { result, trace, moves, alerts, operations, bytes, minutes: minutes(), world, promoted };
    }
    if (move.kind === 'wait') {
      nowMs = Math.max(nowMs, memory.atMs) + move.seconds * 1000;
      memory = rest(memory, move);
      continue;
    }
    trace.push(move.kind);
    moves.push(move);
    const seen = carryOut(move);
    bytes += JSON.stringify(seen).length;
    memory = rememberSpot(memory, move, seen);
  }
  throw new Error(`no end: ${trace.slice(-20).join(' ')}`);
}

export type SpotPlayed = ReturnType<typeof playSpot>;

/** The old fleet is as it was before: at its target, with every instance ACTIVE, and nothing is left of the copy. */
export function isAsBefore({ world }: SpotPlayed, size = 4): boolean {
  const { old, copy } = world;
  const isKept = old.state === 'active' && old.targetCapacity === size;
  const isActive = [...old.instances.values()].every(({ status }) => status === 'ACTIVE');
  return (
    isKept && isActive && (copy === undefined || (copy.state.startsWith('cancelled') && copy.instances.size === 0))
  );
}
