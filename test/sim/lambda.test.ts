import { InvokeCommand, ListVersionsByFunctionCommand } from '@aws-sdk/client-lambda';
import { describe, expect, it } from 'vitest';
import { EPOCH_MS } from '../../sim/clock.ts';
import type { FunctionOptions, LambdaOptions } from '../../sim/lambda.ts';
import { createRunningRegion, inVirtualTime, runOut } from './running-region.ts';

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A region with one plain function; `starts` are the seconds at which its handler began. */
function createPlain(
  handler: (attempt: number, context: LambdaContext) => Promise<unknown>,
  options: LambdaOptions & Partial<FunctionOptions> & { seed?: number } = {},
) {
  const region = createRunningRegion({ seed: options.seed ?? 1, lambda: options });
  const starts: number[] = [];
  region.lambda.register({
    name: 'intake',
    durable: false,
    timeoutSeconds: 30,
    memoryMb: 256,
    ...options,
    handler: (_event: unknown, context: LambdaContext) => {
      starts.push(region.world.clock.nowSeconds());
      return handler(starts.length, context);
    },
  });
  const invoke = (input: Record<string, unknown> = {}) =>
    inVirtualTime(region.world, () =>
      region.clients.lambda.send(
        new InvokeCommand({ FunctionName: 'intake', InvocationType: 'Event', Payload: '{"a":1}', ...input }),
      ),
    );
  return { region, starts, invoke, totals: () => region.lambda.totals()[0] };
}
interface LambdaContext {
  readonly awsRequestId: string;
  readonly functionName: string;
  getRemainingTimeInMillis(): number;
}

describe('an asynchronous invocation of a plain function', () => {
  it('is accepted at once and happens a little later', async () => {
    const { region, starts, invoke } = createPlain(async () => {});
    expect(await invoke()).toMatchObject({ StatusCode: 202 });
    expect(starts).toEqual([]);
    await runOut(region.world);
    expect(starts).toHaveLength(1);
    expect(region.of('invoked')).toMatchObject([{ functionName: 'intake', executionName: undefined }]);
  });

  it('is tried again after one minute and two more, and then goes to the dead-letter queue', async () => {
    const { region, starts, invoke } = createPlain(async () => {
      throw new Error('no');
    });
    await invoke();
    await runOut(region.world);
    expect(starts).toHaveLength(3);
    expect((starts[1] ?? 0) - (starts[0] ?? 0)).toBeCloseTo(60, 1);
    expect((starts[2] ?? 0) - (starts[1] ?? 0)).toBeCloseTo(120, 1);
    expect(region.of('dead-letter')).toMatchObject([{ functionName: 'intake', because: 'no', payload: '{"a":1}' }]);
  });

  it('that succeeds on the second try is done', async () => {
    const { region, starts, invoke } = createPlain(async (attempt) => {
      if (attempt === 1) throw new Error('once');
    });
    await invoke();
    await runOut(region.world);
    expect(starts).toHaveLength(2);
    expect(region.of('dead-letter')).toEqual([]);
  });

  it('may arrive twice', async () => {
    const { region, starts, invoke } = createPlain(async () => {}, { faults: { duplicate: 1 } });
    await invoke();
    await runOut(region.world);
    expect(starts).toHaveLength(2);
  });

  it('may lose its sandbox at any moment, by seed', async () => {
    const slow = async () => sleep(1000);
    const { region, invoke } = createPlain(slow, { faults: { crash: 1 } });
    await invoke();
    await runOut(region.world);
    expect(region.of('invocation-ended').map(({ outcome }) => outcome)).toEqual(['crashed', 'crashed', 'crashed']);
  });

  it('ends at its timeout, in virtual time, and sees it coming', async () => {
    const remaining: number[] = [];
    const { region, invoke } = createPlain(
      async (_attempt, context) => {
        remaining.push(context.getRemainingTimeInMillis());
        await sleep(2_000);
        remaining.push(context.getRemainingTimeInMillis());
        await sleep(10_000);
        remaining.push(-1);
      },
      { timeoutSeconds: 5 },
    );
    await invoke();
    await runOut(region.world);
    expect(remaining.slice(0, 2)).toEqual([5000, 3000]);
    expect(remaining).not.toContain(-1);
    expect(region.of('dead-letter')[0]?.because).toBe('Task timed out after 5 seconds');
  });
});

describe('what an invocation costs', () => {
  it('is its time rounded up, and for a cold environment its initialisation', async () => {
    const { region, invoke, totals } = createPlain(async () => sleep(40), { initMs: 500 });
    await invoke();
    await runOut(region.world);
    await invoke();
    await runOut(region.world);
    expect(region.of('invocation-ended').map(({ billedMs }) => billedMs)).toEqual([540, 40]);
    expect(totals()).toEqual({ name: 'intake', memoryMb: 256, invocations: 2, coldStarts: 1, billedMs: 580 });
  });

  it('includes a new start when invocations overlap, or when the last one is long ago', async () => {
    const { region, invoke, totals } = createPlain(async () => sleep(1000));
    await Promise.all([invoke()]);
    await invoke();
    await runOut(region.world);
    expect(totals()?.coldStarts).toBe(2);
    region.world.clock.step(region.world.clock.nowMs() + 599_000);
    await invoke();
    await runOut(region.world);
    expect(totals()?.coldStarts).toBe(2);
    region.world.clock.step(region.world.clock.nowMs() + 601_000);
    await invoke();
    await runOut(region.world);
    expect(totals()?.coldStarts).toBe(3);
  });
});

describe('Invoke', () => {
  const ARN = 'arn:aws:lambda:eu-west-1:123456789012:function';

  it.each([
    ['a name', { FunctionName: 'drain', Qualifier: 'durable' }],
    ['a name with its alias', { FunctionName: 'drain:durable' }],
    ['an ARN', { FunctionName: `${ARN}:drain`, Qualifier: '1' }],
    ['an ARN with its alias', { FunctionName: `${ARN}:drain:durable` }],
  ])('takes %s', async (_what, input) => {
    const { invoke } = createPlain(async () => {}, { name: 'drain', alias: 'durable', durable: true });
    const { DurableExecutionArn } = await invoke({ ...input, DurableExecutionName: 'asg_1-a' });
    expect(DurableExecutionArn).toMatch(new RegExp(`^${ARN}:drain:1/durable-execution/asg_1-a/[0-9a-f-]{36}$`));
  });

  it.each([
    ['an unknown function', { FunctionName: 'other' }, 'ResourceNotFoundException', 404],
    ['an unknown qualifier', { Qualifier: 'live' }, 'ResourceNotFoundException', 404],
    ['two qualifiers', { FunctionName: 'drain:durable', Qualifier: '1' }, 'InvalidParameterValueException', 400],
    ['a durable function without one', { Qualifier: undefined }, 'InvalidParameterValueException', 400],
    ['a name with other characters', { DurableExecutionName: 'a.b' }, 'ValidationException', 400],
    ['a name of 65 characters', { DurableExecutionName: 'a'.repeat(65) }, 'ValidationException', 400],
    ['a synchronous invocation', { InvocationType: 'RequestResponse' }, 'InvalidParameterValueException', 400],
    ['a payload that is not JSON', { Payload: 'a' }, 'InvalidRequestContentException', 400],
    ['a payload over 1 MB', { Payload: `"${'x'.repeat(2 ** 20)}"` }, 'RequestTooLargeException', 413],
  ])('refuses %s', async (_what, input, name, httpStatusCode) => {
    const { region, invoke } = createPlain(async () => {}, { name: 'drain', alias: 'durable', durable: true });
    const outcome = invoke({ FunctionName: 'drain', Qualifier: 'durable', ...input });
    await expect(outcome).rejects.toMatchObject({ name, $metadata: { httpStatusCode } });
    expect(region.lambda.executions()).toEqual([]);
  });

  it('refuses to name an execution of a plain function', async () => {
    const { invoke } = createPlain(async () => {});
    await expect(invoke({ DurableExecutionName: 'a' })).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
    });
  });

  it('starts at the same virtual moment for the same seed, and at another for another', async () => {
    const startOf = async (seed: number) => {
      const { region, starts, invoke } = createPlain(async () => {}, { seed });
      await invoke();
      await runOut(region.world);
      return starts[0];
    };
    expect(await startOf(1)).toBe(await startOf(1));
    expect(await startOf(1)).not.toBe(await startOf(2));
    expect(EPOCH_MS).toBe(Date.UTC(2026, 0, 1));
  });
});

describe('ListVersionsByFunction', () => {
  it('has $LATEST and all that were ever deployed of that function alone, page by page', async () => {
    const { region } = createPlain(async () => {});
    const plain = { durable: false, timeoutSeconds: 30, memoryMb: 256, handler: async () => undefined };
    region.lambda.register({ name: 'intake', ...plain });
    region.lambda.register({ name: 'other', ...plain });
    const list = (input: { MaxItems: number; Marker?: string }) =>
      inVirtualTime(region.world, () =>
        region.clients.lambda.send(new ListVersionsByFunctionCommand({ FunctionName: 'intake', ...input })),
      );

    const first = await list({ MaxItems: 2 });
    const rest = await list({ MaxItems: 2, Marker: first.NextMarker ?? '' });

    const versions = [...(first.Versions ?? []), ...(rest.Versions ?? [])].map(({ Version }) => Version);
    expect(versions).toEqual(['$LATEST', '1', '2']);
    expect([first.Versions?.length, rest.NextMarker]).toEqual([2, undefined]);
  });
});

describe('the clock of an environment', () => {
  /** How far each invocation's clock is ahead, in milliseconds; two seconds pass between them, and within each. */
  const skewsOf = async (clockSkewMs: number, seed = 1) => {
    const skews: number[] = [];
    const region = createRunningRegion({ seed, lambda: { faults: { clockSkewMs } } });
    const handler = async (): Promise<void> => {
      skews.push(Date.now() - region.world.clock.nowMs());
      await sleep(2_000);
      skews.push(Date.parse(new Date().toISOString()) - region.world.clock.nowMs());
    };
    region.lambda.register({ ...{ name: 'intake', durable: false, timeoutSeconds: 30, memoryMb: 256 }, handler });
    for (let i = 0; i < 3; i++) {
      region.lambda.deliver('intake', {});
      await runOut(region.world);
    }
    return skews;
  };

  it('is right unless asked otherwise', async () => {
    expect(await skewsOf(0)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('is wrong by the same as long as the environment lives, by seed', async () => {
    const [skew = 0, ...others] = await skewsOf(2_000);
    expect(skew).not.toBe(0);
    expect(others).toEqual([skew, skew, skew, skew, skew]);
    const all = new Set<number>();
    for (let seed = 1; seed <= 20; seed++) all.add((await skewsOf(2_000, seed))[0] ?? 0);
    expect(all.size).toBeGreaterThan(10);
    expect(Math.max(...[...all].map(Math.abs))).toBeLessThanOrEqual(2_000);
    expect(Math.min(...all)).toBeLessThan(0);
    expect(Math.max(...all)).toBeGreaterThan(0);
  });

  it('may be another in another environment', async () => {
    const region = createRunningRegion({ lambda: { faults: { clockSkewMs: 2_000 } } });
    const skews = new Set<number>();
    const handler = async (): Promise<void> => {
      skews.add(Date.now() - region.world.clock.nowMs());
      await sleep(2_000);
    };
    region.lambda.register({ ...{ name: 'intake', durable: false, timeoutSeconds: 30, memoryMb: 256 }, handler });
    for (let i = 0; i < 5; i++) region.lambda.deliver('intake', {});
    await runOut(region.world);
    expect(skews.size).toBe(5);
  });
});
