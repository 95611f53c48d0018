import { describe, expect, it } from 'vitest';
import { claimFleet, releaseFleet } from '../../src/rollout/claim.ts';
import type { ExecutionSeen } from '../../src/rollout/ports.ts';
import { executionName } from '../../src/rollout/request.ts';
import type { RolloutPorts } from '../../src/rollout/rollout.ts';
import { fleetRequest, START_MS, target } from './builders.ts';
import { playFleet } from './fleet-world.ts';

const requestOf = (release: string, atMs = START_MS) =>
  fleetRequest({ release, noticedAt: new Date(atMs).toISOString() });

const first = requestOf('first');
const second = requestOf('second');

/** A parameter store of one region, and executions that stand as they are said to. */
function aRegion(standing: Readonly<Record<string, ExecutionSeen['status']>> = {}) {
  const stored = new Map<string, string>();
  const started: string[] = [];
  const ok = <T>(value: T) => Promise.resolve({ ok: true as const, value });
  const ports = {
    parameters: {
      readParameters: (names: readonly string[]) =>
        ok(names.flatMap((name) => (stored.has(name) ? [{ name, value: stored.get(name), changedAtMs: 0 }] : []))),
      createParameter: (name: string, value: string) => ok(!stored.has(name) && stored.set(name, value) !== undefined),
      writeParameter: (name: string, value: string) => ok(void stored.set(name, value)),
      deleteParameter: (name: string) => ok(void stored.delete(name)),
    },
    executions: {
      run: (name: string) => {
        started.push(name);
        return ok({ status: standing[name] ?? 'RUNNING' });
      },
    },
    claimParameter: (fleet: string) => `/ecs-drain/fleets/${fleet}`,
    now: () => START_MS + 3_600_000,
  };
  return { ports: ports as unknown as RolloutPorts, stored, started };
}

describe('the claim of a fleet', () => {
  it('is given to one rollout, and to the same one again after a crash', async () => {
    const { ports } = aRegion();
    expect(await claimFleet(first, ports)).toEqual({ isOurs: true, isTaken: false });
    expect(await claimFleet(first, ports)).toEqual({ isOurs: true, isTaken: false });
    expect(await claimFleet(second, ports)).toEqual({ isOurs: false, by: executionName(first) });
  });

  it('is free again once it was given back, by whoever has it and by nobody else', async () => {
    const { ports } = aRegion();
    await claimFleet(first, ports);
    await releaseFleet(second, ports);
    expect(await claimFleet(second, ports)).toMatchObject({ isOurs: false });
    await releaseFleet(first, ports);
    await releaseFleet(first, ports);
    expect(await claimFleet(second, ports)).toEqual({ isOurs: true, isTaken: false });
  });

  it.each(['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'STOPPED'] as const)(
    'is taken from a rollout that ended as %s without giving it back',
    async (status) => {
      const { ports } = aRegion({ [executionName(first)]: status });
      await claimFleet(first, ports);
      expect(await claimFleet(second, ports)).toEqual({ isOurs: true, isTaken: true });
      expect(await claimFleet(second, ports)).toEqual({ isOurs: true, isTaken: false });
    },
  );

  it('is taken from one so old that Lambda may not know it any more, which is not asked: that would start it anew', async () => {
    const { ports, started } = aRegion();
    await claimFleet(requestOf('first', START_MS - 31 * 86_400_000), ports);
    expect(await claimFleet(second, ports)).toEqual({ isOurs: true, isTaken: true });
    expect(started).toEqual([]);
  });

  it('is taken where somebody wrote something else into it', async () => {
    const { ports, stored } = aRegion();
    stored.set('/ecs-drain/fleets/group/web-asg', 'mine');
    expect(await claimFleet(first, ports)).toEqual({ isOurs: true, isTaken: true });
  });
});

describe('a group that another rollout works on', () => {
  it('is claimed before anything is made, and given back at the end', () => {
    const { trace, result } = playFleet();
    expect(result.outcome).toBe('rolled');
    expect(trace.indexOf('claim')).toBeLessThan(trace.indexOf('make-version'));
    expect(trace.slice(trace.indexOf('claim'), trace.indexOf('make-version'))).toContain('look');
    expect(trace.at(-1)).toBe('give-back');
  });

  it('is waited for, looked at anew, and then rolled', () => {
    const { trace, result, moves } = playFleet({ claimedUntilMinutes: 90 });
    expect(result.outcome).toBe('rolled');
    expect(moves.filter(({ kind }) => kind === 'claim').length).toBeGreaterThan(10);
    // What was taken is asked about once more before it is believed.
    expect(trace.slice(0, trace.indexOf('make-version')).filter((kind) => kind === 'claim').length).toBe(
      moves.filter(({ kind }) => kind === 'claim').length,
    );
  });

  it('is left to it for as long as that takes, and given back by nobody else', () => {
    const { trace, result } = playFleet({
      claimedUntilMinutes: 1_000_000,
      target: (minutes) => (minutes > 3 * 1_440 ? { ...target, imageId: 'ami-0ddddddddddddddd4' } : target),
    });
    expect(result.outcome).toBe('superseded');
    expect(trace).not.toContain('give-back');
    expect(trace).not.toContain('start-refresh');
  });
});
