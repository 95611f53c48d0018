import type { DurableContext, DurableExecutionClient } from '@aws/durable-execution-sdk-js';
import { createRetryStrategy, JitterStrategy, withDurableExecution } from '@aws/durable-execution-sdk-js';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { PublishCommand } from '@aws-sdk/client-sns';
import type { SNSEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import type { CheckpointFault } from '../../sim/durable.ts';
import type { FunctionOptions, LambdaOptions } from '../../sim/lambda.ts';
import type { CallFault, TransportFaults } from '../../sim/transport.ts';
import { createRunningRegion, inVirtualTime, runOut } from './running-region.ts';

const realNow = performance.now.bind(performance);
const noRetry = { retryStrategy: () => ({ shouldRetry: false }) };

interface Options {
  readonly seed?: number;
  readonly lambda?: LambdaOptions;
  readonly fn?: Partial<FunctionOptions>;
  readonly faults?: TransportFaults;
  readonly beforeCall?: (call: unknown, sequence: number) => CallFault | undefined;
}

/** A region with one durable function. */
function createDurable(
  handler: (event: { n: number }, context: DurableContext) => Promise<unknown>,
  options: Options = {},
) {
  const region = createRunningRegion({
    seed: options.seed ?? 1,
    lambda: options.lambda ?? {},
    transport: { faults: options.faults, beforeCall: options.beforeCall },
  });
  region.lambda.register({
    name: 'drain',
    alias: 'durable',
    durable: true,
    timeoutSeconds: 60,
    memoryMb: 256,
    handler: withDurableExecution(handler),
    ...options.fn,
  });
  const invoke = (event: unknown = { n: 3 }, DurableExecutionName = 'one') => {
    const Payload = JSON.stringify(event);
    const input = { FunctionName: 'drain:durable', InvocationType: 'Event', DurableExecutionName, Payload } as const;
    return inVirtualTime(region.world, () => region.clients.lambda.send(new InvokeCommand(input)));
  };
  const run = async (event: unknown = { n: 3 }) => {
    // Again, as intake would, if the call itself fails: the name makes it the same execution.
    await invoke(event).catch(() => invoke(event));
    await runOut(region.world);
    const [execution] = region.lambda.executions();
    if (!execution) throw new Error('There is no execution.');
    return execution;
  };
  return { region, invoke, run };
}

describe('a durable execution', () => {
  it('runs its steps once, waits with nothing running, and ends with its result', async () => {
    const effects: string[] = [];
    const { region, run } = createDurable(async ({ n }, context) => {
      const found = await context.step('look', async () => {
        effects.push(`look ${new Date().toISOString()}`);
        return { n };
      });
      await context.wait('pause', { minutes: 10 });
      return context.step('release', async () => {
        effects.push(`release ${new Date().toISOString()}`);
        return { released: found.n };
      });
    });
    const execution = await run();
    expect(execution).toMatchObject({ name: 'one', status: 'SUCCEEDED', result: { released: 3 }, error: undefined });
    expect(execution).toMatchObject({ operations: 3, invocations: 2, input: '{"n":3}' });
    expect(execution.bytes).toBe('{"n":3}'.length * 2 + '{"released":3}'.length * 2);
    expect(effects).toHaveLength(2);
    expect(effects[0]).toMatch(/^look 2026-01-01T00:00:00/);
    expect(effects[1]).toMatch(/^release 2026-01-01T00:10:00/);
    expect(region.of('execution').map(({ status }) => status)).toEqual(['RUNNING', 'SUCCEEDED']);
    expect(region.of('execution')[1]?.detail).toMatchObject({
      durableExecutionArn: execution.arn,
      durableExecutionName: 'one',
      functionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:drain:1',
      status: 'SUCCEEDED',
      startTimestamp: expect.stringMatching(/^2026-01-01T00:00:00/),
      endTimestamp: expect.stringMatching(/^2026-01-01T00:10:00/),
    });
  });

  it.each([60, 900])('suspends within milliseconds of a wait, also with a timeout of %i s', async (timeoutSeconds) => {
    const { region, run } = createDurable(async (_event, context) => context.wait({ minutes: 5 }), {
      fn: { timeoutSeconds, initMs: 0 },
    });
    const execution = await run();
    expect(execution.invocations).toBe(2);
    expect(execution.billedMs).toBeLessThan(60);
    expect(region.lambda.totals()[0]?.billedMs).toBe(execution.billedMs);
  });

  it('keeps a wait inside one invocation while something else is running', async () => {
    const { run } = createDurable(async (_event, context) => {
      const slow = context.step('slow', async () => {
        await new Promise((resolve) => setTimeout(resolve, 5000));
        return 'slow';
      });
      await context.wait({ seconds: 2 });
      return slow;
    });
    expect(await run()).toMatchObject({ status: 'SUCCEEDED', result: 'slow', invocations: 1 });
  });

  it('tries a step again after its delay, and meters each try', async () => {
    const tries: number[] = [];
    const { region, run } = createDurable(async (_event, context) =>
      context.step(
        'flaky',
        async ({ attempt }) => {
          tries.push(Math.floor(region.world.clock.nowSeconds()), attempt);
          if (attempt < 3) throw new Error('not yet');
          return attempt;
        },
        {
          retryStrategy: createRetryStrategy({ initialDelay: { seconds: 10 }, jitter: JitterStrategy.NONE }),
        },
      ),
    );
    expect(await run()).toMatchObject({ status: 'SUCCEEDED', result: 3, operations: 3, invocations: 3 });
    expect(tries).toEqual([0, 1, 10, 2, 30, 3]);
  });

  it('polls a condition, keeping its state between invocations', async () => {
    const { run } = createDurable(async ({ n }, context) =>
      context.waitForCondition('drained', async (state: number) => state + 1, {
        initialState: 0,
        waitStrategy: (state) =>
          state < n ? { shouldContinue: true, delay: { seconds: 30 } } : { shouldContinue: false },
      }),
    );
    expect(await run({ n: 9 })).toMatchObject({ status: 'SUCCEEDED', result: 9, operations: 9, invocations: 9 });
  });

  it('fails with its error, and sends the original event to the dead-letter queue', async () => {
    const { region, run } = createDurable(async (_event, context) =>
      context.step('hopeless', async () => Promise.reject(new Error('denied')), noRetry),
    );
    expect(await run()).toMatchObject({ status: 'FAILED', error: { ErrorType: 'StepError', ErrorMessage: 'denied' } });
    expect(region.of('dead-letter')).toMatchObject([{ functionName: 'drain', because: 'denied', payload: '{"n":3}' }]);
  });

  it('ends at its own timeout, whatever it waits for', async () => {
    const { region, run } = createDurable(async (_event, context) => context.wait({ hours: 2 }), {
      fn: { executionTimeoutSeconds: 3600 },
    });
    const execution = await run();
    expect(execution.status).toBe('TIMED_OUT');
    expect((execution.closedAtMs ?? 0) - execution.startedAtMs).toBe(3_600_000);
    expect(region.of('execution').at(-1)?.status).toBe('TIMED_OUT');
  });

  it('is invoked again with its state after a Lambda timeout', async () => {
    let invocations = 0;
    const { run } = createDurable(
      async (_event, context) => {
        invocations++;
        await context.step('first', async () => 'kept');
        if (invocations === 1) await new Promise(() => {});
        return invocations;
      },
      { fn: { timeoutSeconds: 5 } },
    );
    expect(await run()).toMatchObject({ status: 'SUCCEEDED', result: 2, operations: 1 });
  });

  it('fails in the end when no invocation of it comes to anything', async () => {
    const { run } = createDurable(async () => null, { lambda: { beforeCheckpoint: () => 'fail' }, fn: {} });
    const broken = createDurable(async () => null, {
      fn: { handler: () => Promise.reject(new Error('cannot start')) },
    });
    expect(await broken.run()).toMatchObject({ status: 'FAILED', error: { ErrorMessage: 'cannot start' } });
    expect(await run()).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('does without the inside of a finished child context', async () => {
    const { run } = createDurable(async (_event, context) => {
      const inner = await context.runInChildContext('child', async (child) => {
        await child.wait({ seconds: 30 });
        return child.step('inner', async () => 'in');
      });
      await context.wait({ seconds: 30 });
      return inner;
    });
    expect(await run()).toMatchObject({ status: 'SUCCEEDED', result: 'in', operations: 4, invocations: 3 });
  });
});

describe('the limits of the service', () => {
  it('a history of 1,200 operations comes in pages', async () => {
    const { run } = createDurable(async ({ n }, context) => {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        sum += await context.step(`look ${i}`, async () => i);
        await context.wait(`wait ${i}`, { seconds: 30 });
      }
      return sum;
    });
    const startedMs = realNow();
    const execution = await run({ n: 600 });
    expect(execution).toMatchObject({ status: 'SUCCEEDED', result: 179_700, operations: 1200, invocations: 601 });
    expect((realNow() - startedMs) / execution.invocations).toBeLessThan(60);
  });

  it('3,000 operations are the most', async () => {
    const { run } = createDurable(async ({ n }, context) => {
      for (let i = 0; i < n; i++) await context.step(`step ${i}`, async () => i);
      return 'done';
    });
    expect(await run({ n: 3001 })).toMatchObject({ status: 'FAILED', error: { ErrorType: 'ExecutionLimitExceeded' } });
    const other = createDurable(async ({ n }, context) => {
      for (let i = 0; i < n; i++) await context.step(`step ${i}`, async () => i);
      return 'done';
    });
    expect(await other.run({ n: 3000 })).toMatchObject({ status: 'SUCCEEDED', operations: 3000 });
  });

  it('a step returns at most 256 KB', async () => {
    const { run } = createDurable(async ({ n }, context) => (await context.step(async () => 'x'.repeat(n))).length);
    expect(await run({ n: 262_142 })).toMatchObject({ status: 'SUCCEEDED' });
    const over = createDurable(async ({ n }, context) => (await context.step(async () => 'x'.repeat(n))).length);
    const failed = await over.run({ n: 262_143 });
    expect(failed.status).toBe('FAILED');
    expect(failed.error?.ErrorMessage).toContain('262144 bytes');
  });

  it('100 MB are the most that one execution writes', async () => {
    const { run } = createDurable(async ({ n }, context) => {
      for (let i = 0; i < n; i++) await context.step(`step ${i}`, async () => 'x'.repeat(260_000));
    });
    expect(await run({ n: 450 })).toMatchObject({ status: 'FAILED', error: { ErrorType: 'ExecutionLimitExceeded' } });
  });

  it('a wait is a whole number of seconds', async () => {
    const { run } = createDurable(async (_event, context) => context.wait({ seconds: 1.5 }));
    expect((await run()).error?.ErrorMessage).toContain('WaitSeconds must be a whole number');
  });

  it('what the embedded AWS does not have is refused in words', async () => {
    const { run } = createDurable(async (_event, context) => context.invoke('other', {}));
    expect((await run()).error?.ErrorMessage).toContain('has no START of CHAINED_INVOKE operations');
  });

  it('only the latest checkpoint token counts', async () => {
    const refusals: unknown[] = [];
    const stale = async (event: {
      CheckpointToken: string;
      DurableExecutionArn: string;
      durableExecutionClient: DurableExecutionClient;
    }) => {
      const { durableExecutionClient: client, CheckpointToken, DurableExecutionArn } = event;
      const Updates = [{ Id: 'a', Type: 'STEP', Action: 'START' } as const];
      const { CheckpointToken: next } = await client.checkpoint({ DurableExecutionArn, CheckpointToken, Updates });
      await client.checkpoint({ DurableExecutionArn, CheckpointToken }).catch((error) => refusals.push(error));
      await client
        .checkpoint({ DurableExecutionArn, CheckpointToken: next, Updates })
        .catch((error) => refusals.push(error));
      return { Status: 'SUCCEEDED' };
    };
    const { run } = createDurable(async () => null, { fn: { handler: stale } });
    expect(await run()).toMatchObject({ status: 'SUCCEEDED', operations: 1 });
    const common = { name: 'InvalidParameterValueException', $metadata: { httpStatusCode: 400 } };
    expect(refusals).toMatchObject([
      { ...common, message: 'Invalid Checkpoint Token' },
      { ...common, message: 'Invalid current STEP state to START: STARTED.' },
    ]);
  });
});

describe('a name', () => {
  const waiting = async (_event: unknown, context: DurableContext) => context.wait({ seconds: 60 });

  it('joins the execution that has it, running or closed, for the same payload', async () => {
    const { region, invoke } = createDurable(waiting);
    const first = await invoke();
    const second = await invoke();
    await runOut(region.world);
    const third = await invoke();
    expect([second.DurableExecutionArn, third.DurableExecutionArn]).toEqual([
      first.DurableExecutionArn,
      first.DurableExecutionArn,
    ]);
    await runOut(region.world);
    expect(region.lambda.executions()).toMatchObject([{ status: 'SUCCEEDED', invocations: 2 }]);
  });

  it('is taken for any other payload', async () => {
    const { region, invoke } = createDurable(waiting);
    await invoke({ n: 1 });
    const conflict = { name: 'DurableExecutionAlreadyStartedException', $metadata: { httpStatusCode: 409 } };
    await expect(invoke({ n: 2 })).rejects.toMatchObject(conflict);
    await runOut(region.world);
    await expect(invoke({ n: 2 })).rejects.toMatchObject(conflict);
  });
});

/** A small drain: every kind of operation, each step with an effect in the world. */
function createDrain(options: Options = {}) {
  const effects = new Set<string>();
  let calls = 0;
  const drain = createDurable(async ({ n }, context) => {
    const publish = async (Message: string) => {
      await drain.region.clients.sns.send(new PublishCommand({ TopicArn: topic, Message }));
      effects.add(Message);
      calls++;
      return Message;
    };
    const said = [await context.step('begin', () => publish('begin'))];
    await context.wait('settle', { seconds: 30 });
    const polls = await context.waitForCondition(
      'drained',
      async (state: number) => {
        await publish(`poll ${state}`);
        return state + 1;
      },
      {
        initialState: 0,
        waitStrategy: (state) =>
          state < n ? { shouldContinue: true, delay: { seconds: 30 } } : { shouldContinue: false },
      },
    );
    said.push(
      await context.step(
        'flaky',
        async ({ attempt }) => {
          const said = attempt === 1 ? 'flaky 1' : 'flaky 2';
          await publish(said);
          if (attempt === 1) throw new Error('once');
          return said;
        },
        { retryStrategy: () => ({ shouldRetry: true, delay: { seconds: 5 } }) },
      ),
    );
    const release = await context.runInChildContext('release', async (child) => {
      await child.wait('grace', { seconds: 10 });
      return child.step('complete', () => publish('complete'));
    });
    said.push(release);
    return { said, polls };
  }, options);
  const topic = drain.region.sns.createTopic('alerts');
  return { ...drain, effects, calls: () => calls };
}

describe('a drain that is killed', () => {
  const WHOLE = { said: ['begin', 'flaky 2', 'complete'], polls: 3 };
  const EFFECTS = ['begin', 'complete', 'flaky 1', 'flaky 2', 'poll 0', 'poll 1', 'poll 2'];

  it.each(['fail', 'kill-before', 'kill-after'] satisfies CheckpointFault[])(
    'at any one checkpoint (%s) has the same result, and every effect at least once',
    async (fault) => {
      const clean = createDrain();
      const { checkpoints } = await clean.run();
      expect(checkpoints).toBeGreaterThan(10);
      expect(clean.calls()).toBe(EFFECTS.length);
      for (let at = 1; at <= checkpoints; at++) {
        const hit: number[] = [];
        const beforeCheckpoint = (_execution: unknown, n: number) => {
          if (n !== at) return undefined;
          hit.push(n);
          return fault;
        };
        const drain = createDrain({ lambda: { beforeCheckpoint } });
        const execution = await drain.run();
        expect({ at, hit, status: execution.status, result: execution.result }).toEqual({
          at,
          hit: [at],
          status: 'SUCCEEDED',
          result: WHOLE,
        });
        expect([...drain.effects].sort()).toEqual(EFFECTS);
      }
    },
  );

  it.each(['kill-before', 'kill-after'] satisfies CallFault[])(
    'at any one call (%s) has the same result, and every effect at least once',
    async (fault) => {
      for (let at = 2; at <= EFFECTS.length + 1; at++) {
        const drain = createDrain({ beforeCall: (_call, n) => (n === at ? fault : undefined) });
        expect(await drain.run()).toMatchObject({ status: 'SUCCEEDED', result: WHOLE });
        expect([...drain.effects].sort()).toEqual(EFFECTS);
      }
    },
  );

  it('again and again, by seed, with throttling and lost answers, comes through, and the same seed is the same story', async () => {
    const story = async (seed: number) => {
      const drain = createDrain({
        seed,
        lambda: { faults: { crash: 0.3 } },
        faults: { throttle: 0.1, serverError: 0.05, timeoutAfterEffect: 0.05 },
      });
      const execution = await drain.run();
      expect(execution).toMatchObject({ status: 'SUCCEEDED', result: WHOLE });
      return drain.region.events;
    };
    const stories: Awaited<ReturnType<typeof story>>[] = [];
    for (let seed = 1; seed <= 30; seed++) stories.push(await story(seed));
    expect(stories.flat().some((event) => event.kind === 'invocation-ended' && event.outcome === 'crashed')).toBe(true);
    expect(await story(11)).toEqual(stories[10]);
    expect(stories[11]).not.toEqual(stories[10]);
  });
});

it('SNS to a function to a durable function, with every message twice, is one execution', async () => {
  const { region } = createDurable(async (event, context) => context.step(async () => event.n), {
    lambda: { faults: { duplicate: 1 } },
  });
  region.lambda.register({
    name: 'intake',
    durable: false,
    timeoutSeconds: 30,
    memoryMb: 256,
    handler: async (event: SNSEvent) => {
      for (const { Sns } of event.Records) {
        await region.clients.lambda.send(
          new InvokeCommand({
            FunctionName: 'drain',
            Qualifier: 'durable',
            InvocationType: 'Event',
            DurableExecutionName: `n-${Sns.Message}`,
            Payload: JSON.stringify({ n: Number(Sns.Message) }),
          }),
        );
      }
    },
  });
  const topic = region.sns.createTopic('drain');
  region.sns.subscribe(topic, 'intake');
  await inVirtualTime(region.world, () =>
    region.clients.sns.send(new PublishCommand({ TopicArn: topic, Message: '7' })),
  );
  await runOut(region.world);
  expect(region.lambda.totals().find(({ name }) => name === 'intake')?.invocations).toBe(2);
  expect(region.lambda.executions()).toMatchObject([{ name: 'n-7', status: 'SUCCEEDED', result: 7 }]);
});
