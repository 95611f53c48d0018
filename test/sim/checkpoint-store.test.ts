import { withDurableExecution } from '@aws/durable-execution-sdk-js';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { PublishCommand } from '@aws-sdk/client-sns';
import { describe, expect, it } from 'vitest';
import type { DurableLike } from '../../sim/checkpoint-store.ts';
import type { CheckpointFault } from '../../sim/durable.ts';
import type { FunctionOptions, LambdaOptions } from '../../sim/lambda.ts';
import type { CallFault, TransportFaults } from '../../sim/transport.ts';
import { durablePort } from '../../src/aws/durable.ts';
import { createRunningRegion, inVirtualTime, runOut } from './running-region.ts';

interface Options {
  readonly seed?: number;
  readonly lambda?: LambdaOptions;
  readonly fn?: Partial<FunctionOptions>;
  readonly faults?: TransportFaults;
  readonly beforeCall?: (call: unknown, sequence: number) => CallFault | undefined;
}

interface World {
  /** An effect in the world: a message that everybody can count. */
  publish(message: string): Promise<string>;
}
type Program = (durable: DurableLike, world: World) => Promise<unknown>;

/** One execution of a program on one engine, and everything that happened in the region meanwhile. */
async function play(engine: 'sdk' | 'store', program: Program, options: Options = {}) {
  const { seed = 1, faults, beforeCall } = options;
  const region = createRunningRegion({
    seed,
    lambda: { engine, ...options.lambda },
    transport: { faults, beforeCall },
  });
  const TopicArn = region.sns.createTopic('effects');
  const publish = async (Message: string): Promise<string> => {
    await region.clients.sns.send(new PublishCommand({ TopicArn, Message }));
    return Message;
  };
  const core = (_event: unknown, durable: DurableLike) => program(durable, { publish });
  region.lambda.register({
    ...{ name: 'drain', alias: 'durable', durable: true, timeoutSeconds: 60, memoryMb: 256, core },
    handler: withDurableExecution((event, context) => core(event, durablePort(context))),
    ...options.fn,
  });
  const start = new InvokeCommand({
    FunctionName: 'drain:durable',
    InvocationType: 'Event',
    DurableExecutionName: 'one',
  });
  await inVirtualTime(region.world, () =>
    region.clients.lambda.send(start).catch(() => region.clients.lambda.send(start)),
  );
  await runOut(region.world);
  const [execution] = region.lambda.executions();
  if (!execution) throw new Error('There is no execution.');
  const { name, arn, status, result, error, moves, operations, bytes, checkpoints, invocations, billedMs } = execution;
  return {
    record: { name, arn, status, result, error, moves, operations, bytes, checkpoints, invocations, billedMs },
    effects: region.of('published').map(({ message }) => message),
    /** All that happened and when, but for what only one engine can tell. */
    events: region.events.filter(({ kind }) => kind !== 'said'),
    said: region.of('said').map(({ message }) => message),
    totals: region.lambda.totals(),
  };
}

const looksAndWaits: Program = async (durable, { publish }) => {
  const begun = await durable.step('begin', () => publish('begin'));
  let looks = 0;
  do {
    await durable.wait('wait', 30);
    looks += await durable.step('look', async () => (await publish(`look ${looks}`)).length - 5);
  } while (looks < 4);
  await durable.step('nothing', async () => undefined);
  const atMs = await durable.step('clock', async () => Date.now());
  return { begun, looks, atMs, released: await durable.step('release', () => publish('release')) };
};

const retries =
  (failures: number, tries = 0): Program =>
  async (durable, { publish }) => {
    await durable.step('before', () => publish('before'));
    const flaky = await durable.step('flaky', async () => {
      await publish('try');
      tries++;
      if (tries <= failures) throw new TypeError(`no ${tries}`);
      return tries;
    });
    return { flaky, after: await durable.step('after', () => publish('after')) };
  };

const caught: Program = async (durable, { publish }) => {
  const why = await durable.step('hopeless', async () => Promise.reject(new Error('denied'))).catch(String);
  await durable.wait('wait', 5);
  return durable.step('go on', () => publish(`after ${why}`));
};

const programs: Readonly<Record<string, Program>> = {
  'looks and waits': looksAndWaits,
  'returns nothing': async () => undefined,
  'throws outside a step': async (durable) => {
    await durable.wait('wait', 1);
    throw new RangeError('a defect');
  },
  'steps without waiting for anything': async (durable) => [
    await durable.step('a', async () => 1),
    await durable.step('b', async () => new Date(0)),
    await durable.step('c', async () => ({ kept: null, dropped: undefined })),
  ],
  'a step returns more than 256 KB': async (durable) => durable.step('big', async () => 'x'.repeat(262_143)),
  'more than 3,000 operations': async (durable) => {
    for (let i = 0; i < 3_001; i++) await durable.step('step', async () => i);
  },
  'a history in pages': async (durable) => {
    for (let i = 0; i < 270; i++) {
      await durable.step('look', async () => i);
      await durable.wait('wait', 30);
    }
  },
  'a wait of no whole seconds': async (durable) => durable.wait('wait', 1.5),
  'a wait beyond the life of an environment': async (durable, { publish }) => {
    await durable.wait('wait', 86_400);
    return durable.step('release', () => publish('release'));
  },
};

describe('the checkpoint store does what the real SDK does', () => {
  it.each(Object.entries(programs))('%s: the same events at the same moments', async (_name, program) => {
    const [sdk, store] = [await play('sdk', program), await play('store', program)];
    expect(store.record).toEqual(sdk.record);
    expect(store.events).toEqual(sdk.events);
    expect(store.totals).toEqual(sdk.totals);
  });

  it.each([1, 3, 4])(
    'with a step that throws %i times: the same moves and bills, though the jitter differs',
    async (failures) => {
      const [sdk, store] = [await play('sdk', retries(failures)), await play('store', retries(failures))];
      expect({ ...store.record, arn: '' }).toEqual({ ...sdk.record, arn: '' });
      expect(store.effects).toEqual(sdk.effects);
      expect(store.record.status).toBe(failures < 4 ? 'SUCCEEDED' : 'FAILED');
    },
  );

  it('with a failure that the program catches, also when it runs again', async () => {
    const killing = (at: number): Options => ({
      lambda: { beforeCheckpoint: (_execution, n) => (n === at ? 'kill-after' : undefined) },
    });
    for (const at of [0, 9, 10, 11]) {
      const [sdk, store] = [await play('sdk', caught, killing(at)), await play('store', caught, killing(at))];
      expect({ ...store.record, arn: '', at }).toEqual({ ...sdk.record, arn: '', at });
      expect(store.record.result).toBe('after StepError: denied');
    }
  });

  it.each([
    ['ends at its own timeout', { executionTimeoutSeconds: 45 }],
    ['hangs until Lambda ends it', { timeoutSeconds: 1 }],
  ])('%s', async (_what, fn) => {
    let slow = true;
    const program: Program = async (durable, { publish }) => {
      await durable.step('first', () => publish('first'));
      if ('timeoutSeconds' in fn && slow) {
        slow = false;
        await new Promise(() => {});
      }
      await durable.wait('wait', 60);
      return durable.step('last', () => publish('last'));
    };
    const sdk = await play('sdk', program, { fn });
    slow = true;
    const store = await play('store', program, { fn });
    expect(store.record).toEqual(sdk.record);
    expect(store.events).toEqual(sdk.events);
  });

  it.each(['fail', 'kill-before', 'kill-after'] satisfies CheckpointFault[])(
    'killed at any checkpoint (%s)',
    async (fault) => {
      const { checkpoints } = (await play('store', looksAndWaits)).record;
      expect(checkpoints).toBeGreaterThan(15);
      for (let at = 1; at <= checkpoints; at++) {
        const options: Options = {
          lambda: { beforeCheckpoint: (_execution, n) => (n === at ? fault : undefined) },
        };
        const [sdk, store] = [await play('sdk', looksAndWaits, options), await play('store', looksAndWaits, options)];
        expect({ at, ...store.record }).toEqual({ at, ...sdk.record });
        expect(store.events).toEqual(sdk.events);
        expect(store.record.status).toBe('SUCCEEDED');
      }
    },
  );

  it.each(['kill-before', 'kill-after'] satisfies CallFault[])('killed at any call (%s)', async (fault) => {
    const calls = (await play('store', looksAndWaits)).effects.length + 1;
    for (let at = 2; at <= calls; at++) {
      const options: Options = { beforeCall: (_call, n) => (n === at ? fault : undefined) };
      const [sdk, store] = [await play('sdk', looksAndWaits, options), await play('store', looksAndWaits, options)];
      expect({ at, ...store.record }).toEqual({ at, ...sdk.record });
      expect(store.events).toEqual(sdk.events);
      expect(store.effects).toHaveLength(fault === 'kill-before' ? calls - 1 : calls);
    }
  });

  it('killed at any moment, again and again, by seed', async () => {
    let deaths = 0;
    for (let seed = 1; seed <= 30; seed++) {
      const options: Options = { seed, lambda: { faults: { crash: 0.5, clockSkewMs: 2_000 } } };
      const [sdk, store] = [await play('sdk', looksAndWaits, options), await play('store', looksAndWaits, options)];
      expect({ seed, ...store.record }).toEqual({ seed, ...sdk.record });
      expect(store.events).toEqual(sdk.events);
      deaths += store.events.filter((event) => event.kind === 'invocation-ended' && event.outcome === 'crashed').length;
    }
    expect(deaths).toBeGreaterThan(60);
  });
});

describe('a program in the checkpoint store', () => {
  it('is run again from the top over what was kept, and only one of it is alive', async () => {
    const running = new Set<number>();
    let runs = 0;
    const program: Program = async (durable, { publish }) => {
      const self = ++runs;
      for (let i = 0; i < 4; i++) {
        await durable.step('look', async () => {
          await publish(`${i}`);
          running.add(self);
          return i;
        });
      }
    };
    const beforeCheckpoint = (_execution: unknown, n: number) => (n === 6 ? 'kill-before' : undefined);
    const { record, effects } = await play('store', program, { lambda: { beforeCheckpoint } });
    expect(record).toMatchObject({ status: 'SUCCEEDED', invocations: 2, operations: 4 });
    expect(runs).toBe(2);
    expect(effects).toEqual(['0', '1', '2', '2', '3']);
  });

  it('says each thing once', async () => {
    const program: Program = async (durable, { publish }) => {
      for (let i = 0; i < 3; i++) {
        durable.log('info', `looking ${i}`, { i });
        await durable.step('look', () => publish(`look ${i}`));
        await durable.wait('wait', 30);
      }
    };
    const beforeCheckpoint = (_execution: unknown, n: number) => (n === 8 ? 'kill-before' : undefined);
    const { record, said } = await play('store', program, { lambda: { beforeCheckpoint } });
    expect(record.invocations).toBe(5);
    expect(said).toEqual(['looking 0', 'looking 1', 'looking 2']);
  });

  it.each([
    [
      'another name',
      (first: boolean): Program =>
        (durable) =>
          durable.step(first ? 'look' : 'leap', async () => 1),
      'STEP look',
      'STEP leap',
    ],
    [
      'another kind',
      (first: boolean): Program =>
        (durable) =>
          first ? durable.step('a', async () => 1) : durable.wait('a', 1),
      'STEP a',
      'WAIT a 1',
    ],
    [
      'another duration',
      (first: boolean): Program =>
        (durable) =>
          durable.wait('a', first ? 1 : 2),
      'WAIT a 1',
      'WAIT a 2',
    ],
  ])('that wavers (%s) is a defect, and ends the run', async (_what, program, was, is) => {
    let runs = 0;
    const wavering: Program = async (durable, world) => {
      runs++;
      return program(runs === 1)(durable, world);
    };
    const beforeCheckpoint = (_execution: unknown, n: number) => (n === 1 ? 'kill-after' : undefined);
    await expect(play('store', wavering, { lambda: { beforeCheckpoint } })).rejects.toThrow(
      `Non-deterministic: operation 1 was ${was}, now it is ${is}, in one`,
    );
  });

  it.each<[string, Program, string]>([
    ['steps', (durable) => Promise.all(['a', 'b'].map((name) => durable.step(name, async () => name))), 'STEP b'],
    [
      'a step beside a wait',
      (durable) => Promise.all([durable.wait('a', 5), durable.step('b', async () => 1)]),
      'STEP b',
    ],
    ['a step in a step', (durable) => durable.step('a', () => durable.step('b', async () => 1)), 'STEP b'],
  ])('may not have two operations under way: %s', async (_what, program, second) => {
    await expect(play('store', program)).rejects.toThrow(`${second} begins while`);
  });

  it('needs a core', async () => {
    await expect(play('store', looksAndWaits, { fn: { core: undefined } })).rejects.toThrow('drain has no core');
  });
});
