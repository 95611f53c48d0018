import { describe, expect, it } from 'vitest';
import type { Control, SwitchMode } from '../../src/rollout/control.ts';
import { isHeldBySwitch, saidBefore, underSwitch } from '../../src/rollout/control.ts';
import { heldBack } from '../../src/rollout/held.ts';
import type { RolloutPorts } from '../../src/rollout/rollout.ts';
import { fleetRequest } from './builders.ts';

const said = (word: Control['word'], approved = false): Control => ({
  word,
  by: 'kim',
  at: '2026-11-23T08:00:00Z',
  because: '',
  approved,
});
const at = '2026-11-23T09:00:00Z';
const later = '2026-11-23T10:00:00Z';
const first = { before: undefined, isFirst: true, at };

describe('a rollout under the switch', () => {
  it.each(['observe', 'pause'] as const)('is paused while it says %s, whatever was approved', (mode) => {
    const held = underSwitch(said('approve'), mode, first);
    expect(held).toMatchObject({ word: 'pause', by: `the switch (it says ${mode})`, at, approved: true });
    expect(isHeldBySwitch(held)).toBe(true);
    // The same pause at the next look: people hear of it once.
    expect(underSwitch(said('approve'), mode, { before: held, isFirst: false, at: later })).toEqual(held);
  });

  it('holds to what people had said where their record cannot be understood any more', () => {
    expect(saidBefore(undefined)).toBeUndefined();
    for (const word of ['approve', 'pause', 'resume', 'cancel'] as const)
      expect(saidBefore(said(word))).toEqual(said(word));
    // Under the switch an approval is all that shows of it.
    expect(saidBefore(underSwitch(said('approve'), 'observe', first))).toMatchObject({ word: 'approve' });
    expect(saidBefore(underSwitch(undefined, 'observe', first))).toBeUndefined();
  });

  it('is as people said when it says act', () => {
    const held = underSwitch(undefined, 'observe', first);
    expect(underSwitch(undefined, 'act', first)).toBeUndefined();
    expect(underSwitch(said('resume', true), 'act', { before: held, isFirst: false, at })).toEqual(
      said('resume', true),
    );
  });

  it.each(['reject', 'cancel', 'pause'] as const)('is left to who said %s', (word) => {
    const control = underSwitch(said(word), 'observe', first);
    expect(control).toEqual(said(word));
    expect(isHeldBySwitch(control)).toBe(false);
  });

  it('begins nothing by a switch that cannot be understood, and goes on with what it had begun', () => {
    const held = underSwitch(undefined, 'unknown', first);
    expect(held?.by).toContain('cannot be understood');
    expect(isHeldBySwitch(underSwitch(undefined, 'unknown', { before: held, isFirst: false, at: later }))).toBe(true);
    expect(underSwitch(undefined, 'unknown', { before: undefined, isFirst: false, at: later })).toBeUndefined();
  });
});

describe('an effect that comes after the switch was turned', () => {
  const request = fleetRequest({ noticedAt: at });
  const reading = (mode: SwitchMode): RolloutPorts => {
    const drainRules = (fleet: string) =>
      Promise.resolve({ ok: true, value: { mode: fleet === 'web-asg' ? mode : 'act', deadlineSeconds: 1_800 } });
    return { drainRules } as unknown as RolloutPorts;
  };

  it.each(['observe', 'pause', 'unknown'] as const)('is held back by %s, and asked for again', async (mode) => {
    expect(await heldBack(request, reading(mode))).toMatchObject({ ok: false, reason: 'denied' });
  });

  it('is let through by act', async () => {
    expect(await heldBack(request, reading('act'))).toBeUndefined();
  });
});
