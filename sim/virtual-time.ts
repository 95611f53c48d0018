import { AsyncLocalStorage } from 'node:async_hooks';
import nodeCrypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import type { Timer } from './clock.ts';
import { EPOCH_MS } from './clock.ts';
import type { World } from './world.ts';

/**
 * One invocation of a function, as the code inside it is seen from outside. A sandbox that is not alive is frozen: its
 * timers never fire and its calls are never answered, as on the real service, where nothing of it would be left.
 */
export interface Sandbox {
  readonly alive: boolean;
  /** Milliseconds by which its clock is ahead; 0 unless given. `Date` alone shows it: timers measure, they do not read. */
  readonly skewMs?: number;
  /** The durable execution that is taken further in it. */
  readonly executionName?: string | undefined;
  /** Ends the sandbox at once; what it awaited is lost. */
  crash(because: string): void;
}

/** Which sandbox the running code belongs to. Invocations of one function share a module, so a variable would not do. */
export const sandboxes = new AsyncLocalStorage<Sandbox>();

/** Waits on the world's clock. A sandbox that has died by then never comes back from it. */
export function pause(world: World, delayMs: number): Promise<void> {
  const sandbox = sandboxes.getStore();
  return new Promise((resolve) => {
    world.clock.after(delayMs, () => {
      if (sandbox?.alive !== false) resolve();
    });
  });
}

/** Kept from before any installation: a real macrotask turn is how the simulation waits for promises to settle. */
const realSetImmediate = globalThis.setImmediate;
const LONGEST_DELAY_MS = 2 ** 31 - 1;
const RANDOM_STEPS = 2 ** 30;
const YEAR_MS = 366 * 86_400_000;

interface TimeoutHandle {
  ref(): TimeoutHandle;
  unref(): TimeoutHandle;
  hasRef(): boolean;
  refresh(): TimeoutHandle;
  close(): void;
  [Symbol.toPrimitive](): number;
  [Symbol.dispose](): void;
}

type Callback = (...args: unknown[]) => void;

/** The timer functions of Node on the world's clock. Callbacks keep the async context they were set in, as in Node. */
function createTimers(world: World) {
  const armed = new Map<number, Timer>();
  let lastId = 0;

  const clear = (handle: unknown): void => {
    const id = Number(handle);
    world.clock.cancel(armed.get(id));
    armed.delete(id);
  };

  const set = (callback: Callback, delayMs: number, repeats: boolean, args: unknown[]): TimeoutHandle => {
    const id = ++lastId;
    const sandbox = sandboxes.getStore();
    const run = AsyncLocalStorage.bind(callback);
    const arm = (): void => {
      const fire = (): void => {
        armed.delete(id);
        if (sandbox?.alive === false) return;
        if (repeats) arm();
        run(...args);
      };
      armed.set(id, world.clock.after(delayMs, fire));
    };
    const handle: TimeoutHandle = {
      ref: () => handle,
      unref: () => handle,
      hasRef: () => true,
      refresh() {
        clear(id);
        arm();
        return handle;
      },
      close: () => clear(id),
      [Symbol.toPrimitive]: () => id,
      [Symbol.dispose]: () => clear(id),
    };
    arm();
    return handle;
  };

  // Node turns every delay below 1 ms and every one that overflows 31 bits into 1 ms.
  const node = (delayMs: unknown): number => {
    const delay = Number(delayMs);
    return delay >= 1 && delay <= LONGEST_DELAY_MS ? Math.trunc(delay) : 1;
  };
  return {
    setTimeout: (callback: Callback, delayMs?: number, ...args: unknown[]) => set(callback, node(delayMs), false, args),
    setInterval: (callback: Callback, delayMs?: number, ...args: unknown[]) => set(callback, node(delayMs), true, args),
    setImmediate: (callback: Callback, ...args: unknown[]) => set(callback, 0, false, args),
    clearTimeout: clear,
    clearInterval: clear,
    clearImmediate: clear,
  };
}

/** `Date` on the world's clock, or on that of the sandbox that asks. It shares the real prototype, so `instanceof` holds for dates of either kind. */
function createDate(RealDate: DateConstructor, nowMs: () => number): DateConstructor {
  function VirtualDate(...args: unknown[]): unknown {
    if (new.target === undefined) return new RealDate(nowMs()).toString();
    const target = new.target === VirtualDate ? RealDate : new.target;
    return Reflect.construct(RealDate, args.length === 0 ? [nowMs()] : args, target);
  }
  const descriptors = { ...Object.getOwnPropertyDescriptors(RealDate), now: { value: nowMs, configurable: true } };
  return Object.defineProperties(VirtualDate, descriptors) as unknown as DateConstructor;
}

/** Replaces own properties of `target`; the answer puts back exactly what was there. */
function override(target: object, values: Readonly<Record<string, unknown>>): () => void {
  const before = Object.keys(values).map((key) => [key, Object.getOwnPropertyDescriptor(target, key)] as const);
  for (const [key, value] of Object.entries(values)) {
    Object.defineProperty(target, key, { value, configurable: true, writable: true, enumerable: true });
  }
  return () => {
    for (const [key, descriptor] of before) {
      if (descriptor) Object.defineProperty(target, key, descriptor);
      else Reflect.deleteProperty(target, key);
    }
  };
}

/** No signature is checked here (docs/simulator.md), and making real ones took a tenth of each run. */
const createHmac = () => {
  const hmac = { update: () => hmac, digest: () => new Uint8Array(32) };
  return hmac;
};

let installed = false;

/**
 * Makes the whole process live on `world.clock` and on the world's seed: `Date`, the timers, `performance.now`,
 * `Math.random`, what `crypto` hands out at random, and what requests are signed with. Call the answer in a `finally`. One world at a time.
 *
 * Not covered, because nothing that runs in the simulation uses them: `node:timers/promises`, `AbortSignal.timeout`,
 * `process.hrtime`, and every real I/O.
 */
export function installVirtualTime(world: World): () => void {
  if (installed) throw new Error('Virtual time is already installed: uninstall it before another world begins.');
  installed = true;
  const numbers = world.random('process.random');
  const nowMs = (): number => world.clock.nowMs() + (sandboxes.getStore()?.skewMs ?? 0);
  const randomUUID = (): string => numbers.uuid();
  const getRandomValues = <T extends NodeJS.TypedArray>(array: T): T => {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let i = 0; i < bytes.length; i++) bytes[i] = numbers.int(0, 255);
    return array;
  };
  const restores = [
    override(globalThis, { ...createTimers(world), Date: createDate(globalThis.Date, nowMs) }),
    override(performance, { now: () => world.clock.nowMs() - EPOCH_MS }),
    override(Math, { random: () => numbers.int(0, RANDOM_STEPS - 1) / RANDOM_STEPS }),
    override(globalThis.crypto, { randomUUID, getRandomValues }),
    override(nodeCrypto, { randomUUID, createHmac }),
  ];
  syncBuiltinESMExports();
  return () => {
    if (!installed) return;
    for (const restore of restores) restore();
    syncBuiltinESMExports();
    installed = false;
  };
}

/** One real macrotask turn. Everything else is virtual, so every promise that can settle has settled by its end. */
const settle = (): Promise<void> => new Promise((resolve) => realSetImmediate(resolve));

/**
 * Runs the world, letting all promises settle after every step, until `until`: a time on its clock (milliseconds since
 * 1970, where the clock then stands), or a condition. A condition that never comes ends with the last thing in the
 * queue, or, where something repeats for ever, with an error after a simulated year.
 */
export async function runWorld(world: World, until: number | (() => boolean)): Promise<void> {
  const { clock } = world;
  const timed = typeof until === 'number';
  const lastMs = timed ? until : clock.nowMs() + YEAR_MS;
  for (await settle(); timed || !until(); await settle()) {
    const nextMs = clock.nextMs();
    if (nextMs === undefined || nextMs > lastMs) {
      if (timed) clock.step(lastMs);
      else if (nextMs !== undefined) throw new Error('The condition has not come true in a simulated year.');
      return;
    }
    clock.step(lastMs);
  }
}

/**
 * The environment variables of a Lambda sandbox in the simulated region, chosen so that no SDK client touches a file:
 * a setting that is absent here would send it to `~/.aws` with real I/O. Values are the SDK's own defaults.
 */
export function lambdaEnvironment(world: World): Record<string, string> {
  return {
    AWS_REGION: world.region,
    AWS_DEFAULT_REGION: world.region,
    AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    AWS_SESSION_TOKEN: 'embedded',
    AWS_ACCOUNT_ID: world.accountId,
    AWS_AUTH_SCHEME_PREFERENCE: '',
    AWS_DEFAULTS_MODE: 'legacy',
    AWS_DISABLE_CLOCK_SKEW_CORRECTION: 'false',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true',
    AWS_LAMBDA_LOG_LEVEL: 'ERROR',
    AWS_MAX_ATTEMPTS: '3',
    AWS_PROFILE: '',
    AWS_RETRY_MODE: 'standard',
    AWS_SDK_UA_APP_ID: '',
    AWS_USE_DUALSTACK_ENDPOINT: 'false',
    AWS_USE_FIPS_ENDPOINT: 'false',
  };
}
