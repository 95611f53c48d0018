import type { InvocationEnd } from './execution.ts';
import type { World } from './world.ts';

/** UNVERIFIED, as everybody observes it: an idle environment is kept for some minutes. */
const KEEP_WARM_MS = 600_000;
const DEFAULT_INIT_MS = 350;
/** Few invocations last longer, and most are much shorter: a random death tends to come early, but at any moment. */
const DIES_WITHIN_MS = 200;

/** Read whenever one may strike, so that whoever owns them can end them in mid-run. */
export interface EnvironmentFaults {
  /** Probability (0 to 1) that an invocation's sandbox dies within its first 200 ms, if it lasts that long. */
  readonly crash?: number | undefined;
  /** The most by which an environment's clock is ahead or behind, in milliseconds. */
  readonly clockSkewMs?: number | undefined;
}

/** What one function has cost so far. */
export interface FunctionTotals {
  readonly name: string;
  readonly memoryMb: number;
  readonly invocations: number;
  readonly coldStarts: number;
  /** Milliseconds, rounded up for each invocation, initialisation included. */
  readonly billedMs: number;
}

interface Environment {
  readonly skewMs: number;
  idleSinceMs: number;
}

/** A function's environments, and their bill. */
export interface Fleet {
  readonly name: string;
  readonly timeoutSeconds: number;
  readonly initMs: number | undefined;
  readonly totals: { -readonly [K in keyof FunctionTotals]: FunctionTotals[K] };
  /** The last used comes last. */
  readonly idle: Environment[];
}

export function createFleet(options: {
  name: string;
  memoryMb: number;
  timeoutSeconds: number;
  initMs?: number | undefined;
}): Fleet {
  const { name, memoryMb, timeoutSeconds, initMs } = options;
  const totals = { name, memoryMb, invocations: 0, coldStarts: 0, billedMs: 0 };
  return { name, timeoutSeconds, initMs, totals, idle: [] };
}

/** One invocation's time in an environment, from when the environment is ready. */
export interface Stay {
  /** False once it has ended, by whatever. */
  readonly open: boolean;
  /** When Lambda ends it, in milliseconds since 1970. */
  readonly deadlineMs: number;
  readonly skewMs: number;
  /** Does nothing when it has ended. */
  end(outcome: InvocationEnd['outcome'], value: unknown, because: string): void;
}

/** Gives an invocation its environment, now if one is warm; bills the stay, and ends it at its timeout or by a fault. */
export type Occupy = (
  fleet: Fleet,
  executionName: string | undefined,
  begin: (stay: Stay) => void,
  ended: (end: InvocationEnd) => void,
) => void;

export function createOccupy(world: World, faults: EnvironmentFaults): Occupy {
  const { clock } = world;
  const random = world.random('lambda');
  const skews = world.random('clock-skew');

  /** Takes the environment that was used last, if it is still warm. */
  const takeWarm = ({ idle }: Fleet): Environment | undefined => {
    const youngest = idle.pop();
    if (youngest !== undefined && clock.nowMs() - youngest.idleSinceMs <= KEEP_WARM_MS) return youngest;
    // All others are older: they are gone as well.
    idle.length = 0;
    return undefined;
  };

  const start = (fleet: Fleet): Environment => {
    fleet.totals.coldStarts++;
    const { clockSkewMs = 0 } = faults;
    return { skewMs: clockSkewMs === 0 ? 0 : skews.int(-clockSkewMs, clockSkewMs), idleSinceMs: 0 };
  };

  return (fleet, executionName, begin, ended) => {
    const { name: functionName, totals, timeoutSeconds } = fleet;
    const startedMs = clock.nowMs();
    const warm = takeWarm(fleet);
    const environment = warm ?? start(fleet);
    totals.invocations++;
    world.emit({ kind: 'invoked', functionName, executionName });

    const ready = (): void => {
      let open = true;
      const end: Stay['end'] = (outcome, value, because) => {
        if (!open) return;
        open = false;
        clock.cancel(timeout);
        clock.cancel(death);
        const billedMs = Math.max(1, clock.nowMs() - startedMs);
        totals.billedMs += billedMs;
        if (outcome === 'returned' || outcome === 'error') {
          environment.idleSinceMs = clock.nowMs();
          fleet.idle.push(environment);
        }
        const reason = outcome === 'returned' ? undefined : because;
        world.emit({ kind: 'invocation-ended', functionName, executionName, outcome, because: reason, billedMs });
        ended({ outcome, value, because, billedMs });
      };
      const deadlineMs = clock.nowMs() + timeoutSeconds * 1000;
      const timeout = clock.at(deadlineMs, () => {
        end('timeout', undefined, `Task timed out after ${timeoutSeconds} seconds`);
      });
      const death = random.chance(faults.crash ?? 0)
        ? clock.after(random.int(0, random.int(0, DIES_WITHIN_MS)), () =>
            end('crashed', undefined, 'by the fault "crash"'),
          )
        : undefined;
      begin({
        get open() {
          return open;
        },
        deadlineMs,
        skewMs: environment.skewMs,
        end,
      });
    };
    if (warm) ready();
    else clock.after(fleet.initMs ?? DEFAULT_INIT_MS, ready);
  };
}
