import { describe, expect, it } from 'vitest';
import { createAudit } from '../../sim/audit.ts';
import { EPOCH_MS } from '../../sim/clock.ts';
import { readScenario } from '../../sim/run.ts';
import { Scenario } from '../../sim/scenario.ts';
import type { WorldEvent } from '../../sim/world.ts';
import { createWorld } from '../../sim/world.ts';

/** Where the audit lets a hook end by its timeout: each case beside its neighbour, in which somebody was to blame. */

const TOKEN = 'c0ffee00-0000-4000-8000-000000000000';
const ACTION = { instanceId: 'i-0', group: 'web-asg', hook: 'ecs-drain' } as const;
const NAME = { functionName: 'ecs-drain-drain', executionName: `i-0-${TOKEN}` } as const;

type Moment = readonly [second: number, event: WorldEvent];

const begins = (second: number): Moment => [
  second,
  { kind: 'execution', name: NAME.executionName, status: 'RUNNING', detail: {} } as unknown as WorldEvent,
];
const heartbeat = (second: number): Moment => [second, { kind: 'hook-heartbeat', ...ACTION }];
/** A machine that ends a tenth of a second after it started. */
const machine = (second: number, outcome: 'crashed' | 'returned' | 'error'): Moment[] => [
  [second, { kind: 'invoked', ...NAME }],
  [second + 0.1, { kind: 'invocation-ended', ...NAME, outcome, because: undefined, billedMs: 100 }],
];
const dies = (...seconds: number[]): Moment[] => seconds.flatMap((second) => machine(second, 'crashed'));
const lives = (second: number): Moment[] => machine(second, 'returned');

/** The rules that are broken where the hook waits from the tenth second on, and then ends by its heartbeat timeout. */
function rulesBroken(expiresAt: number, moments: readonly Moment[], events: readonly object[] = []): string[] {
  const world = createWorld({ seed: 1, region: 'eu-west-1' });
  const groups = [{ name: 'another-asg', instances: 1 }];
  const scenario = Scenario.parse({ ...readScenario('standard'), groups, events });
  const audit = createAudit(world, scenario);
  const waiting = { kind: 'hook-waiting', ...ACTION, token: TOKEN, notice: {} } as unknown as WorldEvent;
  const ends = { kind: 'hook-finished', ...ACTION, token: TOKEN, result: 'ABANDON', by: 'heartbeat-timeout' } as const;
  for (const [second, event] of [[10, waiting] as Moment, ...moments, [expiresAt, ends] as Moment]) {
    world.clock.at(EPOCH_MS + second * 1000, () => world.emit(event));
  }
  while (world.clock.step(EPOCH_MS + 10_000_000));
  return audit.finish([]).map(({ rule }) => rule);
}

describe('a hook that ends because Lambda machines die', () => {
  it('is nobody’s fault where none of them has ever lived, however late the first came', () => {
    expect(rulesBroken(77, [begins(71), ...dies(71, 72, 74)])).toEqual([]);
  });

  it('nor where each died from when the heartbeat was due', () => {
    expect(rulesBroken(77, [begins(11), ...lives(11), ...dies(44, 45, 47, 51, 59, 75)])).toEqual([]);
    expect(rulesBroken(107, [begins(11), ...lives(11), heartbeat(40), ...dies(74, 75, 77, 81, 89, 105)])).toEqual([]);
  });

  it('is our fault where one lived in between', () => {
    expect(rulesBroken(77, [begins(71), ...dies(71), ...lives(72), ...dies(74)])).toEqual(['hook-expired']);
    expect(rulesBroken(77, [begins(11), ...lives(11), ...dies(44, 45), ...lives(47), ...dies(75)])).toEqual([
      'hook-expired',
    ]);
  });

  it('where the first that died came too late to send the heartbeat in its time', () => {
    expect(rulesBroken(77, [begins(11), ...lives(11), ...dies(60, 61, 63, 67, 75)])).toEqual(['hook-expired']);
    expect(rulesBroken(77, [begins(11), ...lives(11)])).toEqual(['hook-expired']);
  });

  it('where it was our own error that ended them', () => {
    expect(rulesBroken(77, [begins(71), ...machine(71, 'error')])).toEqual(['hook-expired']);
  });

  it('and where they were another drain’s', () => {
    const another = dies(71, 72, 74).map(
      ([second, event]): Moment => [second, { ...event, executionName: 'i-1-another' } as WorldEvent],
    );
    expect(rulesBroken(77, [begins(11), ...lives(11), ...another])).toEqual(['hook-expired']);
  });
});

describe('a hook whose drain begins late', () => {
  it('is nobody’s fault where nothing but a moment was left', () => {
    expect(rulesBroken(77, [begins(73)])).toEqual([]);
  });

  it('is our fault where there was time for a heartbeat', () => {
    expect(rulesBroken(77, [begins(71), ...lives(71)])).toEqual(['hook-expired']);
  });
});

describe('a hook that ends because it was deleted', () => {
  const deleted = (atSeconds: number, group = 'web-asg') => [{ atSeconds, deleteHook: { group, name: 'ecs-drain' } }];

  it('is nobody’s fault where that was before its first reader could come, however late', () => {
    expect(rulesBroken(100, [begins(12), ...lives(12)], deleted(10))).toEqual([]);
    expect(rulesBroken(100, [begins(12), ...lives(12)], deleted(17))).toEqual([]);
    expect(rulesBroken(100, [begins(60), ...lives(60)], deleted(50))).toEqual([]);
  });

  it('is our fault where it could be read in time, or was kept alive before', () => {
    expect(rulesBroken(100, [begins(12), ...lives(12)], deleted(18))).toEqual(['hook-expired']);
    expect(rulesBroken(100, [begins(12), ...lives(12), heartbeat(14)], deleted(16))).toEqual(['hook-expired']);
  });

  it('and where it was deleted before, or another group’s', () => {
    expect(rulesBroken(100, [begins(12), ...lives(12)], deleted(9))).toEqual(['hook-expired']);
    expect(rulesBroken(100, [begins(12), ...lives(12)], deleted(12, 'another-asg'))).toEqual(['hook-expired']);
  });
});

describe('a hook that ends sooner than it says', () => {
  const changed = (atSeconds: number, heartbeatSeconds: number, group = 'web-asg') => [
    { atSeconds, changeHook: { group, name: 'ecs-drain', heartbeatSeconds } },
  ];
  const alive = [begins(12), ...lives(12)];

  it('is nobody’s fault where it was made much longer before its first reader could come', () => {
    expect(rulesBroken(100, alive, changed(10, 200))).toEqual([]);
    expect(rulesBroken(100, alive, changed(15, 200))).toEqual([]);
  });

  it('is our fault where it was changed before, or later', () => {
    expect(rulesBroken(100, alive, changed(9, 200))).toEqual(['hook-expired']);
    expect(rulesBroken(100, alive, changed(16, 200))).toEqual(['hook-expired']);
  });

  it('where half of the longer period is no longer than the one that ran', () => {
    expect(rulesBroken(100, alive, changed(12, 170))).toEqual(['hook-expired']);
  });

  it('where a heartbeat had begun another period', () => {
    expect(rulesBroken(140, [...alive, heartbeat(50)], changed(12, 900))).toEqual(['hook-expired']);
  });

  it('and where it was another group’s hook', () => {
    expect(rulesBroken(100, alive, changed(12, 200, 'another-asg'))).toEqual(['hook-expired']);
  });
});
