import {
  GetDurableExecutionCommand,
  GetDurableExecutionHistoryCommand,
  InvokeCommand,
  ListDurableExecutionsByFunctionCommand,
  ListVersionsByFunctionCommand,
  StopDurableExecutionCommand,
} from '@aws-sdk/client-lambda';
import { describe, expect, it } from 'vitest';
import type { Core } from '../../sim/checkpoint-store.ts';
import type { LambdaOptions } from '../../sim/lambda.ts';
import { createRunningRegion, inVirtualTime, runOut } from './running-region.ts';

const FIRST: NonNullable<LambdaOptions['unverified']> = { listsOnlyLatest: true, newestFirst: false };

/** A region with one durable function, and executions of it that were started in this order, ten seconds apart. */
async function createExecutions(core: Core, names: readonly string[] = ['one'], unverified = FIRST, seed = 1) {
  const region = createRunningRegion({ seed, lambda: { engine: 'store', unverified } });
  const handler = async (): Promise<void> => {};
  region.lambda.register({
    ...{ name: 'drain', alias: 'durable', durable: true, timeoutSeconds: 60, memoryMb: 256, handler, core },
  });
  const { world, clients } = region;
  const send = <T>(work: () => Promise<T>): Promise<T> => inVirtualTime(world, work);
  const arns: string[] = [];
  for (const name of names) {
    const input = { FunctionName: 'drain:durable', DurableExecutionName: name, Payload: JSON.stringify({ name }) };
    const { DurableExecutionArn = '' } = await send(() =>
      clients.lambda.send(new InvokeCommand({ ...input, InvocationType: 'Event' })),
    );
    arns.push(DurableExecutionArn);
    await send(() => new Promise((resolve) => setTimeout(resolve, 10_000)));
  }
  const list = (input: object = {}) =>
    send(() => clients.lambda.send(new ListDurableExecutionsByFunctionCommand({ FunctionName: 'drain', ...input })));
  return {
    region,
    arns,
    run: () => runOut(world),
    get: (DurableExecutionArn: string, more = {}) =>
      send(() => clients.lambda.send(new GetDurableExecutionCommand({ DurableExecutionArn, ...more }))),
    stop: (DurableExecutionArn: string, more = {}) =>
      send(() => clients.lambda.send(new StopDurableExecutionCommand({ DurableExecutionArn, ...more }))),
    list,
    names: async (input: object = {}) =>
      (await list(input)).DurableExecutions?.map((item) => item.DurableExecutionName),
  };
}

const drains: Core = async (_event, durable) => {
  await durable.wait('wait', 600);
  return { outcome: 'drained' };
};
const fails: Core = async () => Promise.reject(new TypeError('a defect'));

describe('GetDurableExecution', () => {
  it('tells all about one that runs, and about one that has succeeded', async () => {
    const { arns, get, run } = await createExecutions(drains);
    const [arn = ''] = arns;
    const running = await get(arn);
    expect(running).toMatchObject({
      DurableExecutionArn: arn,
      DurableExecutionName: 'one',
      FunctionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:drain:1',
      Version: '1',
      Status: 'RUNNING',
      InputPayload: '{"name":"one"}',
      ExecutionDataIncluded: true,
    });
    expect(running.StartTimestamp?.toISOString()).toMatch(/^2026-01-01T00:00:00/);
    expect(running.EndTimestamp).toBeUndefined();
    await run();
    const done = await get(arn);
    expect(done).toMatchObject({ Status: 'SUCCEEDED', Result: '{"outcome":"drained"}' });
    expect(done.EndTimestamp?.toISOString()).toMatch(/^2026-01-01T00:10:0/);
  });

  it('tells why one has failed', async () => {
    const { arns, get, run } = await createExecutions(fails);
    await run();
    const failed = await get(arns[0] ?? '');
    expect(failed).toMatchObject({ Status: 'FAILED', Error: { ErrorType: 'TypeError', ErrorMessage: 'a defect' } });
    expect(failed.Result).toBeUndefined();
  });

  it('leaves payloads out when asked to', async () => {
    const { arns, get, run } = await createExecutions(drains);
    await run();
    const bare = await get(arns[0] ?? '', { IncludeExecutionData: false });
    expect(bare).toMatchObject({ Status: 'SUCCEEDED', ExecutionDataIncluded: false });
    expect([bare.InputPayload, bare.Result]).toEqual([undefined, undefined]);
  });

  it('does not know one that nobody started', async () => {
    const { arns, get } = await createExecutions(drains);
    await expect(get(`${arns[0]}0`)).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      $metadata: { httpStatusCode: 404 },
    });
  });
});

const steps: Core = async (_event, durable) => {
  const answer = await durable.step('look', async () => ({ left: 3 }));
  await durable.wait('wait', 600);
  await durable.step('boom', async () => Promise.reject(new TypeError('a defect')));
  return answer;
};

describe('GetDurableExecutionHistory', () => {
  const historyOf = async (core: Core, engine: 'sdk' | 'store', input: object = {}) => {
    const region = createRunningRegion({ lambda: { engine } });
    const { withDurableExecution } = await import('@aws/durable-execution-sdk-js');
    const { durablePort } = await import('../../src/aws/durable.ts');
    region.lambda.register({
      ...{ name: 'drain', alias: 'durable', durable: true, timeoutSeconds: 60, memoryMb: 256, core },
      handler: withDurableExecution((event, context) => core(event, durablePort(context))),
    });
    region.lambda.deliver('drain', { name: 'one' });
    await runOut(region.world);
    const DurableExecutionArn = region.lambda.executions()[0]?.arn;
    const command = new GetDurableExecutionHistoryCommand({ DurableExecutionArn, ...input });
    return inVirtualTime(region.world, () => region.clients.lambda.send(command));
  };

  it.each(['sdk', 'store'] as const)('tells every event in order, with what steps answered (%s)', async (engine) => {
    const { Events = [], NextMarker } = await historyOf(steps, engine);
    expect(NextMarker).toBeUndefined();
    expect(Events.map(({ EventId, EventType, Name }) => [EventId, EventType, Name])).toEqual([
      [1, 'ExecutionStarted', expect.any(String)],
      [2, 'StepStarted', 'look'],
      [3, 'StepSucceeded', 'look'],
      [4, 'WaitStarted', 'wait'],
      [5, 'WaitSucceeded', 'wait'],
      [6, 'StepStarted', 'boom'],
      [7, 'StepFailed', 'boom'],
      [8, 'ExecutionFailed', expect.any(String)],
    ]);
    expect(Events[0]?.ExecutionStartedDetails).toEqual({
      Input: { Payload: '{"name":"one"}' },
      ExecutionTimeout: 31_622_400,
    });
    expect(Events[2]?.StepSucceededDetails).toEqual({
      Result: { Payload: '{"left":3}' },
      RetryDetails: { CurrentAttempt: 1 },
    });
    expect(Events[3]?.WaitStartedDetails?.Duration).toBe(600);
    expect(Events[6]?.StepFailedDetails?.Error?.Payload?.ErrorMessage).toBe('a defect');
    expect(Events[7]?.ExecutionFailedDetails?.Error?.Payload?.ErrorMessage).toBe('a defect');
  });

  it('ends with the result of one that succeeded', async () => {
    const { Events = [] } = await historyOf(async () => ({ outcome: 'drained' }), 'store');
    expect(Events.at(-1)?.ExecutionSucceededDetails?.Result?.Payload).toBe('{"outcome":"drained"}');
  });

  it('comes newest first, in pages, or without data, when asked to', async () => {
    const reversed = await historyOf(steps, 'store', { ReverseOrder: true, MaxItems: 2 });
    expect(reversed.Events?.map(({ EventId }) => EventId)).toEqual([8, 7]);
    expect(reversed.NextMarker).toBe('2');
    const next = await historyOf(steps, 'store', { ReverseOrder: true, MaxItems: 2, Marker: '2' });
    expect(next.Events?.map(({ EventId }) => EventId)).toEqual([6, 5]);
    const bare = await historyOf(steps, 'store', { IncludeExecutionData: false });
    expect(bare.Events?.[2]?.StepSucceededDetails?.Result).toEqual({});
  });
});

describe('ListVersionsByFunction', () => {
  it('lists $LATEST and every version that was deployed, with its environment, in pages', async () => {
    const { region } = await createExecutions(drains);
    const { world, clients, lambda } = region;
    const handler = async (): Promise<void> => {};
    const again = { name: 'drain', alias: 'durable', durable: true, timeoutSeconds: 60, memoryMb: 256, handler };
    lambda.register({ ...again, core: drains, environment: { DRAIN_DEADLINE_SECONDS: '600' } });
    const list = (input: object) =>
      inVirtualTime(world, () =>
        clients.lambda.send(new ListVersionsByFunctionCommand({ FunctionName: 'drain', ...input })),
      );
    const all = await list({});
    expect(all.Versions?.map(({ Version }) => Version)).toEqual(['$LATEST', '1', '2']);
    expect(all.Versions?.[2]?.Environment?.Variables).toEqual({ DRAIN_DEADLINE_SECONDS: '600' });
    const first = await list({ MaxItems: 2 });
    expect([first.Versions?.length, first.NextMarker]).toEqual([2, '2']);
    expect((await list({ MaxItems: 2, Marker: '2' })).Versions?.map(({ Version }) => Version)).toEqual(['2']);
  });
});

describe('ListDurableExecutionsByFunction', () => {
  it.each([
    ['a version', { Qualifier: '1' }],
    ['an alias', { Qualifier: 'durable' }],
    ['the alias in the name', { FunctionName: 'drain:durable' }],
  ])('with %s lists the executions of that version', async (_what, input) => {
    const { names } = await createExecutions(drains, ['a', 'b', 'c']);
    expect(await names(input)).toEqual(['a', 'b', 'c']);
  });

  it('without a qualifier lists $LATEST only, or all, which AWS says both', async () => {
    const latest = await createExecutions(drains, ['a'], { ...FIRST, listsOnlyLatest: true });
    expect([await latest.names(), await latest.names({ Qualifier: '$LATEST' })]).toEqual([[], []]);
    const all = await createExecutions(drains, ['a'], { ...FIRST, listsOnlyLatest: false });
    expect(await all.names()).toEqual(['a']);
  });

  it.each([true, false])('has two orders, and which is the first is open (newest first: %s)', async (newestFirst) => {
    const { names } = await createExecutions(drains, ['a', 'b'], { ...FIRST, newestFirst });
    const [first, other] = [await names({ Qualifier: '1' }), await names({ Qualifier: '1', ReverseOrder: true })];
    expect(first).toEqual(newestFirst ? ['b', 'a'] : ['a', 'b']);
    expect(other).toEqual(first?.toReversed());
  });

  it('leaves to the seed what is open', async () => {
    const answers = new Set<string>();
    for (let seed = 1; seed <= 20; seed++) {
      const { names } = await createExecutions(drains, ['a', 'b'], {}, seed);
      answers.add(`${await names()} ${await names({ Qualifier: '1' })}`);
    }
    expect(answers).toEqual(new Set([' a,b', ' b,a', 'a,b a,b', 'b,a b,a']));
  });

  it('filters by status, by name and by start', async () => {
    const core: Core = (event, durable) => ((event as { name: string }).name === 'b' ? fails : drains)(event, durable);
    const { names, get, arns } = await createExecutions(core, ['a', 'b', 'c']);
    const Qualifier = '1';
    expect(await names({ Qualifier, Statuses: ['FAILED', 'TIMED_OUT'] })).toEqual(['b']);
    expect(await names({ Qualifier, Statuses: ['RUNNING'] })).toEqual(['a', 'c']);
    expect(await names({ Qualifier, DurableExecutionName: 'c' })).toEqual(['c']);
    const { StartTimestamp } = await get(arns[1] ?? '');
    expect(await names({ Qualifier, StartedAfter: StartTimestamp })).toEqual(['c']);
    expect(await names({ Qualifier, StartedBefore: StartTimestamp })).toEqual(['a']);
  });

  it('comes in pages', async () => {
    const { list } = await createExecutions(drains, ['a', 'b', 'c']);
    const first = await list({ Qualifier: '1', MaxItems: 2 });
    expect(first.DurableExecutions?.map((item) => item.DurableExecutionName)).toEqual(['a', 'b']);
    const second = await list({ Qualifier: '1', MaxItems: 2, Marker: first.NextMarker });
    expect(second.DurableExecutions?.map((item) => item.DurableExecutionName)).toEqual(['c']);
    expect(second.NextMarker).toBeUndefined();
  });

  it.each([
    [{ MaxItems: 1001 }, 'InvalidParameterValueException'],
    [{ FunctionName: 'other' }, 'ResourceNotFoundException'],
    [{ Qualifier: '7' }, 'ResourceNotFoundException'],
  ])('refuses %j', async (input, name) => {
    const { list } = await createExecutions(drains);
    await expect(list(input)).rejects.toMatchObject({ name });
  });
});

describe('StopDurableExecution', () => {
  it('ends an execution, tells it, and sends the original event to the dead-letter queue', async () => {
    const { region, arns, get, stop, run } = await createExecutions(drains);
    const [arn = ''] = arns;
    const { StopTimestamp } = await stop(arn, { Error: { ErrorType: 'Operator', ErrorMessage: 'enough' } });
    await run();
    const stopped = await get(arn);
    expect(stopped).toMatchObject({ Status: 'STOPPED', Error: { ErrorType: 'Operator', ErrorMessage: 'enough' } });
    expect(stopped.EndTimestamp).toEqual(StopTimestamp);
    expect(region.of('execution').map(({ status }) => status)).toEqual(['RUNNING', 'STOPPED']);
    expect(region.of('dead-letter')).toMatchObject([{ because: 'enough', payload: '{"name":"one"}' }]);
    expect(region.lambda.executions()[0]?.invocations).toBe(1);
  });

  it('does nothing to one that has ended', async () => {
    const { arns, get, stop, run } = await createExecutions(drains);
    await run();
    const { EndTimestamp } = await get(arns[0] ?? '');
    expect((await stop(arns[0] ?? '')).StopTimestamp).toEqual(EndTimestamp);
    expect((await get(arns[0] ?? '')).Status).toBe('SUCCEEDED');
  });

  it.each(['sdk', 'store'] as const)('refuses the next checkpoint of what is running (%s)', async (engine) => {
    const region = createRunningRegion({ lambda: { engine } });
    let reached = 0;
    const core: Core = async (_event, durable) => {
      await durable.step('slow', () => new Promise((resolve) => setTimeout(resolve, 5_000)));
      reached++;
    };
    const { withDurableExecution } = await import('@aws/durable-execution-sdk-js');
    const { durablePort } = await import('../../src/aws/durable.ts');
    region.lambda.register({
      ...{ name: 'drain', alias: 'durable', durable: true, timeoutSeconds: 60, memoryMb: 256, core },
      handler: withDurableExecution((event, context) => core(event, durablePort(context))),
    });
    region.lambda.deliver('drain', {});
    region.world.clock.after(2_000, () => {
      const [execution] = region.lambda.executions();
      region.lambda.operations['StopDurableExecution']?.({ DurableExecutionArn: execution?.arn });
    });
    await runOut(region.world);
    expect(reached).toBe(0);
    expect(region.lambda.executions()).toMatchObject([{ status: 'STOPPED', invocations: 1 }]);
    expect(region.of('invocation-ended')).toMatchObject([
      { outcome: 'error', because: '[Unrecoverable Invocation] Checkpoint failed: Invalid Checkpoint Token' },
    ]);
  });
});
