import type { World } from './world.ts';

/** What the switch says, as far as the audit goes by it. */
export interface SwitchWatch {
  mode(): string;
  deadlineSeconds(): number | undefined;
  /** True while the switch forbids whatever changes something. */
  isHeld(): boolean;
  /** True where a drain noticed at that second may have read `observe`, and ended by it. */
  mayHaveObserved(noticedAtSeconds: number): boolean;
  /** It was given this text; what cannot be read changes nothing. */
  turn(text: string): void;
}

interface Switch {
  readonly mode: string;
  readonly deadlineSeconds: number | undefined;
}

const ACT: Switch = { mode: 'act', deadlineSeconds: undefined };
/** The switch takes effect within two minutes, and what was under way may end. */
const SWITCH_GRACE_SECONDS = 150;

export function watchSwitch(world: World, text: string | undefined): SwitchWatch {
  const now = (): number => world.clock.nowSeconds();
  let control = (text === undefined ? undefined : readSwitch(text)) ?? ACT;
  let sinceSeconds = Number.NEGATIVE_INFINITY;
  let observedUntilSeconds = Number.NEGATIVE_INFINITY;
  return {
    mode: () => control.mode,
    deadlineSeconds: () => control.deadlineSeconds,
    isHeld: () => control.mode !== 'act' && now() - sinceSeconds > SWITCH_GRACE_SECONDS,
    mayHaveObserved: (noticedAtSeconds) =>
      control.mode === 'observe' || noticedAtSeconds <= observedUntilSeconds + SWITCH_GRACE_SECONDS,
    turn(next) {
      const read = readSwitch(next);
      if (read === undefined) return;
      if (read.mode !== control.mode) sinceSeconds = now();
      if (control.mode === 'observe') observedUntilSeconds = now();
      control = read;
    },
  };
}

/** As much of the switch as matters here; undefined where the text is none. */
function readSwitch(text: string): Switch | undefined {
  try {
    const { mode = 'act', policy = {} } = JSON.parse(text);
    return ['observe', 'act', 'pause'].includes(mode) ? { mode, deadlineSeconds: policy.deadlineSeconds } : undefined;
  } catch {
    return undefined;
  }
}
