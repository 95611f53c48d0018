import type { DurablePort } from '../../src/ports.ts';

export interface Operation {
  readonly kind: 'step' | 'wait';
  readonly name: string;
  readonly seconds?: number;
  /** JSON, as a checkpoint keeps it. */
  readonly result?: string;
}

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Where the machine dies: just before the n-th operation's effect, or after the effect and before its checkpoint. */
export interface CrashPoint {
  readonly operation: number;
  readonly when: 'before' | 'after';
}

class MachineGone extends Error {}

/** More invocations than any drain needs: a program that does not end must fail, not hang. */
const MOST_INVOCATIONS = 5_000;

/**
 * A durable execution in memory. As on Lambda, every wait and every crash ends the invocation, and the next one runs
 * the program again from the top over the results that were kept.
 */
export function durableExecution(passTime: (seconds: number) => void, crashes: readonly CrashPoint[] = []) {
  const history: Operation[] = [];
  const log: LogLine[] = [];
  const pending = new Set(crashes.map(({ operation, when }) => `${operation} ${when}`));
  let invocations = 0;

  const dieAt = (operation: number, when: CrashPoint['when']): void => {
    if (pending.delete(`${operation} ${when}`)) throw new MachineGone();
  };

  function invocation(): DurablePort {
    let position = 0;
    const replayed = (kind: Operation['kind'], name: string): Operation | undefined => {
      const kept = history[position];
      if (kept && (kept.kind !== kind || kept.name !== name)) {
        throw new Error(`operation ${position} was ${kept.kind} ${kept.name}, and is ${kind} ${name} at the replay`);
      }
      if (kept) position++;
      return kept;
    };
    return {
      async step<T>(name: string, run: () => Promise<T>): Promise<T> {
        const kept = replayed('step', name);
        if (kept) return JSON.parse(kept.result ?? 'null') as T;
        dieAt(position, 'before');
        const result = JSON.stringify(await run());
        dieAt(position, 'after');
        history.push({ kind: 'step', name, result });
        position++;
        return JSON.parse(result) as T;
      },
      async wait(name, seconds) {
        const kept = replayed('wait', name);
        if (kept) {
          if (kept.seconds !== seconds) throw new Error(`wait ${position - 1} was ${kept.seconds} s, now ${seconds} s`);
          return;
        }
        dieAt(position, 'before');
        history.push({ kind: 'wait', name, seconds });
        passTime(seconds);
        throw new MachineGone();
      },
      log(level, message, fields) {
        if (position === history.length) log.push({ level, message, fields });
      },
    };
  }

  return {
    history,
    log,
    invocations: () => invocations,
    async run<T>(program: (durable: DurablePort) => Promise<T>): Promise<T> {
      while (invocations++ < MOST_INVOCATIONS) {
        try {
          return await program(invocation());
        } catch (error) {
          if (!(error instanceof MachineGone)) throw error;
        }
      }
      throw new Error(`no end after ${MOST_INVOCATIONS} invocations`);
    },
  };
}
