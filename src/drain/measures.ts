import type { Measure } from '../ports.ts';
import type { Memory } from './memory.ts';
import type { Move } from './move.ts';

/**
 * What a move adds to the metrics: taken from what people are told, so that the two agree, and from the first try of it
 * alone. Pure. An instance that ECS does not know, and nobody asked about, is not counted: nobody hears of it either.
 */
export function measuresOf(move: Move, memory: Memory): Measure[] {
  const { said } = memory;
  // As often as it is looked at, so that the alarm lasts as long as the stall.
  const stuck: Measure[] = said.stuck?.open ? [{ name: 'StuckDrains', unit: 'Count', value: 1 }] : [];
  if (move.kind !== 'alert') return stuck;
  const { kind } = move.alert;
  if ((said[kind]?.tries ?? 0) > 0) return [];
  if (kind === 'stuck') return [{ name: 'StuckDrains', unit: 'Count', value: 1 }];
  if (kind === 'started') return [{ name: 'DrainsStarted', unit: 'Count', value: 1 }];
  return move.outcome === undefined ? [] : ended(move.outcome, memory);
}

function ended(outcome: NonNullable<Extract<Move, { kind: 'alert' }>['outcome']>, memory: Memory): Measure[] {
  const { drainingSinceMs, released, look, atMs } = memory;
  const endMs = released?.atMs ?? look?.atMs ?? atMs;
  const isCut = outcome === 'forced' || outcome === 'abandoned';
  return [
    { name: 'DrainsEnded', unit: 'Count', value: 1, outcome },
    ...(drainingSinceMs === undefined
      ? []
      : [{ name: 'DrainSeconds', unit: 'Seconds', value: (endMs - drainingSinceMs) / 1000 } as const]),
    ...(isCut ? [{ name: 'TasksCutOff', unit: 'Count', value: tasksLeft(memory) } as const] : []),
  ];
}

function tasksLeft({ look }: Memory): number {
  return look?.remaining?.total ?? look?.instances?.wanted ?? 0;
}
