import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { AutoScalingClient, DescribeAutoScalingInstancesCommand } from '@aws-sdk/client-auto-scaling';
import { ECSClient, ListClustersCommand } from '@aws-sdk/client-ecs';
import { PublishCommand } from '@aws-sdk/client-sns';
import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { afterEach, describe, expect, it } from 'vitest';
import { EPOCH_MS } from '../../sim/clock.ts';
import type { Sandbox } from '../../sim/virtual-time.ts';
import { installVirtualTime, pause, runWorld, sandboxes } from '../../sim/virtual-time.ts';
import { createWorld } from '../../sim/world.ts';
import { createRunningRegion, inVirtualTime } from './running-region.ts';

const realNow = performance.now.bind(performance);
const newWorld = (seed = 1) => createWorld({ seed, region: 'eu-west-1' });

let uninstall = (): void => {};
afterEach(() => uninstall());

const installed = (seed = 1) => {
  const world = newWorld(seed);
  uninstall = installVirtualTime(world);
  return world;
};

describe('the clock of the code under test', () => {
  it('is the clock of the world', async () => {
    const world = installed();
    const started = new Date();
    const seen: number[] = [];
    setTimeout(() => seen.push(Date.now(), performance.now()), 1500);
    await runWorld(world, EPOCH_MS + 60_000);
    expect(started.toISOString()).toBe('2026-01-01T00:00:00.000Z');
    expect(seen).toEqual([EPOCH_MS + 1500, 1500]);
    expect(Date.now()).toBe(EPOCH_MS + 60_000);
  });

  it('gives dates that are dates, whoever made them', () => {
    const before = new Date(0);
    installed();
    const subclassed = new (class Moment extends Date {})();
    expect([before, new Date(), new Date(5), subclassed].every((date) => date instanceof Date)).toBe(true);
    expect(subclassed.getTime()).toBe(EPOCH_MS);
    expect(new Date(2026, 0, 2).getDate()).toBe(2);
    expect(new Date('2026-03-01T00:00:00Z').getTime()).toBe(Date.UTC(2026, 2, 1));
    expect(typeof Date()).toBe('string');
  });

  it('is put back exactly', () => {
    const before = [Date, setTimeout, setInterval, setImmediate, Math.random, performance.now, crypto.randomUUID];
    installed();
    expect(globalThis.Date).not.toBe(before[0]);
    uninstall();
    uninstall();
    expect([Date, setTimeout, setInterval, setImmediate, Math.random, performance.now, crypto.randomUUID]).toEqual(
      before,
    );
    expect(Math.abs(Date.now() - EPOCH_MS)).toBeGreaterThan(0);
  });

  it('refuses a second world, and says what to do', () => {
    installed();
    expect(() => installVirtualTime(newWorld())).toThrow('uninstall it before another world begins');
  });

  it('draws what is random from the seed', () => {
    const draw = (seed: number) => {
      installed(seed);
      const drawn = [
        Math.random(),
        randomUUID(),
        crypto.randomUUID(),
        [...crypto.getRandomValues(new Uint8Array(4))].join(),
      ];
      uninstall();
      return drawn;
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw(7)[1]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-/);
  });
});

describe('timers', () => {
  it('fire in order, with their arguments, unless they are cleared', async () => {
    const world = installed();
    const seen: unknown[] = [];
    const note = (...args: unknown[]): void => void seen.push(performance.now(), ...args);
    setTimeout(note, 20, 'late');
    setTimeout(note, -5, 'negative is one');
    setImmediate(note, 'immediate');
    clearTimeout(setTimeout(note, 5, 'cleared'));
    clearTimeout(Number(setTimeout(note, 5, 'cleared by its number')));
    clearImmediate(setImmediate(note, 'cleared'));
    const ticking = setInterval(note, 8, 'tick');
    setTimeout(() => clearInterval(ticking), 17);
    await runWorld(world, () => false);
    expect(seen).toEqual([0, 'immediate', 1, 'negative is one', 8, 'tick', 16, 'tick', 20, 'late']);
  });

  it('are objects as in Node', async () => {
    const world = installed();
    let firedMs = 0;
    const timer = setTimeout(() => {
      firedMs = performance.now();
    }, 10);
    expect(timer.unref().ref().hasRef()).toBe(true);
    setTimeout(() => timer.refresh(), 5);
    await runWorld(world, () => false);
    expect(firedMs).toBe(15);
  });

  it('keep the async context they were set in', async () => {
    const world = installed();
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    storage.run('inner', () => setTimeout(() => seen.push(storage.getStore()), 1));
    await runWorld(world, () => false);
    expect(seen).toEqual(['inner']);
  });

  it('of a dead sandbox never fire', async () => {
    const world = installed();
    const seen: string[] = [];
    const sandbox = { alive: true, crash: () => {} };
    sandboxes.run(sandbox satisfies Sandbox, () => {
      setTimeout(() => seen.push('before'), 1);
      setTimeout(() => seen.push('after'), 3);
      void pause(world, 3).then(() => seen.push('paused'));
    });
    setTimeout(() => {
      sandbox.alive = false;
    }, 2);
    await runWorld(world, () => false);
    expect(seen).toEqual(['before']);
  });
});

describe('running the world', () => {
  it('lets every promise settle before time goes on', async () => {
    const world = installed();
    let settledAtMs = -1;
    world.clock.after(5, () => {
      void (async () => {
        for (let i = 0; i < 10_000; i++) await null;
        await new Promise((resolve) => process.nextTick(resolve));
        settledAtMs = performance.now();
      })();
    });
    world.clock.after(6, () => {});
    await runWorld(world, () => false);
    expect(settledAtMs).toBe(5);
  });

  it('stops as soon as the condition holds, and ends when nothing is left', async () => {
    const world = installed();
    let count = 0;
    for (let i = 1; i <= 10; i++) world.clock.after(i, () => count++);
    await runWorld(world, () => count === 4);
    expect(performance.now()).toBe(4);
    await runWorld(world, () => false);
    expect(count).toBe(10);
  });

  it('does not run for ever after a condition that never comes', async () => {
    const world = installed();
    setInterval(() => {}, 2 ** 31 - 1);
    await expect(runWorld(world, () => false)).rejects.toThrow('in a simulated year');
  });

  it('takes tens of thousands of steps a second', async () => {
    const world = installed();
    for (let i = 0; i < 50_000; i++) setTimeout(() => {}, i);
    const startedMs = realNow();
    await runWorld(world, () => false);
    const perSecond = 50_000 / ((realNow() - startedMs) / 1000);
    expect(perSecond).toBeGreaterThan(10_000);
  });
});

describe('an SDK client in virtual time', () => {
  /** The kinds of real input and output that began while `work` ran: files, sockets, names, threads. */
  const realIo = async (work: () => Promise<unknown>): Promise<string[]> => {
    const kinds: string[] = [];
    const hook = createHook({
      init(_id, type) {
        if (/REQ|WRAP|HANDLE|ZLIB|Timeout|FSEVENT/.test(type)) kinds.push(type);
      },
    });
    hook.enable();
    try {
      await work();
    } finally {
      hook.disable();
    }
    return kinds;
  };

  it('does no real input or output, from its first call on', async () => {
    const { world, ssm, sns, clients, requestHandler } = createRunningRegion();
    ssm.set('/a', 'b');
    const topic = sns.createTopic('alerts');
    const kinds = await realIo(async () => {
      // This region has neither service, and says so; the clients have gone all their way by then.
      const ecs = new ECSClient({ requestHandler });
      const autoScaling = new AutoScalingClient({ requestHandler });
      const refused = { $metadata: expect.objectContaining({ attempts: 1 }) };
      await expect(inVirtualTime(world, () => ecs.send(new ListClustersCommand({})))).rejects.toMatchObject(refused);
      const describe = new DescribeAutoScalingInstancesCommand({});
      await expect(inVirtualTime(world, () => autoScaling.send(describe))).rejects.toMatchObject(refused);
      const found = await inVirtualTime(world, () => clients.ssm.send(new GetParameterCommand({ Name: '/a' })));
      expect(found.Parameter?.Value).toBe('b');
      const publish = new PublishCommand({ TopicArn: topic, Message: 'hello' });
      expect((await inVirtualTime(world, () => clients.sns.send(publish))).MessageId).toHaveLength(36);
    });
    expect(kinds).toEqual([]);
  });

  it('would read files without the environment that the region gives it', async () => {
    const { world, clients } = createRunningRegion();
    delete process.env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'];
    const kinds = await realIo(async () => {
      const outcome = inVirtualTime(world, () => clients.ssm.send(new GetParameterCommand({ Name: '/a' })));
      await outcome.catch(() => {});
    });
    expect(kinds).toContain('FSREQPROMISE');
  });
});
