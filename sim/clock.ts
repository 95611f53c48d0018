import TinyQueue from 'tinyqueue';

/** A thing that will happen; keep it only to cancel it. */
export interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** Epoch of every simulated run: fixed, so that the same seed gives the same timestamps. 2026-01-01T00:00:00Z. */
export const EPOCH_MS = Date.UTC(2026, 0, 1);

/** One virtual clock for a whole world. Things due at the same millisecond happen in the order they were asked for. */
export interface Clock {
  /** Milliseconds since 1970, as `Date.now()` would say it in the simulated world. */
  nowMs(): number;
  /** Seconds since the run began; what reports and scenarios speak in. */
  nowSeconds(): number;
  at(atMs: number, run: () => void): Timer;
  after(delayMs: number, run: () => void): Timer;
  cancel(timer: Timer | undefined): void;
  /** When the next thing is due, if anything is. */
  nextMs(): number | undefined;
  /** Moves to the next thing and does it. False when there is nothing left before `untilMs`; the clock then stands at `untilMs`. */
  step(untilMs: number): boolean;
}

export function createClock(): Clock {
  let nowMs = EPOCH_MS;
  let order = 0;
  const queue = new TinyQueue<Timer>([], (a, b) => a.atMs - b.atMs || a.order - b.order);

  const peek = (): Timer | undefined => {
    for (let timer = queue.peek(); timer !== undefined; timer = queue.peek()) {
      if (!timer.cancelled) return timer;
      queue.pop();
    }
    return undefined;
  };

  const clock: Clock = {
    nowMs: () => nowMs,
    nowSeconds: () => (nowMs - EPOCH_MS) / 1000,
    at(atMs, run) {
      const timer: Timer = { atMs: Math.max(nowMs, Math.ceil(atMs)), order: order++, run, cancelled: false };
      queue.push(timer);
      return timer;
    },
    after: (delayMs, run) => clock.at(nowMs + delayMs, run),
    cancel(timer) {
      if (timer) timer.cancelled = true;
    },
    nextMs: () => peek()?.atMs,
    step(untilMs) {
      const timer = peek();
      if (timer === undefined || timer.atMs > untilMs) {
        nowMs = Math.max(nowMs, untilMs);
        return false;
      }
      queue.pop();
      nowMs = timer.atMs;
      timer.run();
      return true;
    },
  };
  return clock;
}
