import {
  GetDurableExecutionCommand,
  GetDurableExecutionHistoryCommand,
  LambdaClient,
  ListDurableExecutionsByFunctionCommand,
  ListVersionsByFunctionCommand,
} from '@aws-sdk/client-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Core } from '../../sim/checkpoint-store.ts';
import { functionVersions, listExecutions, readExecution, stepAnswers } from '../../src/aws/executions.ts';
import { createRunningRegion, inVirtualTime, runOut } from '../sim/running-region.ts';

const NAME = 'arn:aws:lambda:eu-west-1:123456789012:function:ecs-drain-drain';
const FUNCTION = `${NAME}:durable`;
const client = new LambdaClient({ region: 'eu-west-1' });
const aws = mockClient(client);
const RUNNING = { statuses: ['RUNNING'] } as const;

beforeEach(() => aws.reset());

const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, second));

describe('the versions of a function', () => {
  it('are the published ones, newest first by number, twenty at most, of every page', async () => {
    const page = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, i) => ({ Version: String(from + i) }));
    aws
      .on(ListVersionsByFunctionCommand, { FunctionName: NAME, Marker: undefined })
      .resolves({ Versions: [{ Version: '$LATEST' }, ...page(1, 15)], NextMarker: 'next' })
      .on(ListVersionsByFunctionCommand, { FunctionName: NAME, Marker: 'next' })
      .resolves({ Versions: page(16, 30) });

    const answer = await functionVersions(client, FUNCTION);

    expect(answer.ok && answer.value.map(({ version }) => version)).toEqual(
      Array.from({ length: 20 }, (_, i) => String(30 - i)),
    );
  });

  it('that cannot be listed are a failure that names the permission', async () => {
    aws.on(ListVersionsByFunctionCommand).rejects(Object.assign(new Error('no'), { name: 'AccessDeniedException' }));
    expect(await functionVersions(client, FUNCTION)).toMatchObject({
      reason: 'denied',
      operation: 'lambda:ListVersionsByFunction',
    });
  });
});

describe('executions', () => {
  it('are asked for version by version and under the alias, for without a qualifier only those of $LATEST are listed', async () => {
    aws.on(ListDurableExecutionsByFunctionCommand).resolves({ DurableExecutions: [] });
    await listExecutions(client, FUNCTION, ['2', '1'], { ...RUNNING, startedAfterMs: at(5).getTime() });
    expect(aws.calls().map((call) => call.args[0].input)).toEqual(
      ['durable', '2', '1'].map((Qualifier) => ({
        FunctionName: NAME,
        Qualifier,
        Statuses: ['RUNNING'],
        MaxItems: 1000,
        StartedAfter: at(5),
      })),
    );
  });

  it('are newest first, in whatever order AWS lists them, and say where there are more', async () => {
    const one = (name: string, second: number, FunctionArn = NAME) => ({
      DurableExecutionArn: `arn-${name}`,
      DurableExecutionName: name,
      FunctionArn,
      Status: 'RUNNING' as const,
      StartTimestamp: at(second),
    });
    aws
      .on(ListDurableExecutionsByFunctionCommand, { Qualifier: '2' })
      .resolves({ DurableExecutions: [one('b', 20), one('c', 30)], NextMarker: 'more' })
      .on(ListDurableExecutionsByFunctionCommand, { Qualifier: '1' })
      .resolves({ DurableExecutions: [one('a', 25)] })
      // Listed under the alias as well: the same one, of the version that its function's ARN names.
      .on(ListDurableExecutionsByFunctionCommand, { Qualifier: 'durable' })
      .resolves({ DurableExecutions: [one('c', 30, `${NAME}:2`), one('d', 10, `${NAME}:3`)] });
    const answer = await listExecutions(client, FUNCTION, ['2', '1'], RUNNING);
    expect(answer).toMatchObject({
      ok: true,
      value: {
        found: [
          { name: 'c', version: '2', startedAtMs: at(30).getTime() },
          { name: 'a', version: '1' },
          { name: 'b', version: '2' },
          { name: 'd', version: '3' },
        ],
        more: true,
      },
    });
  });

  it.each([
    [ListDurableExecutionsByFunctionCommand, () => listExecutions(client, FUNCTION, ['1'], RUNNING)],
    [GetDurableExecutionCommand, () => readExecution(client, 'arn')],
    [GetDurableExecutionHistoryCommand, () => stepAnswers(client, 'arn')],
  ] as const)('that cannot be read are a failure: %o', async (command, call) => {
    aws.on(command as never).rejects(Object.assign(new Error('slow down'), { name: 'TooManyRequestsException' }));
    expect(await call()).toMatchObject({ ok: false, reason: 'throttled' });
  });
});

describe('the answers of the steps', () => {
  it('are read newest first, page by page, and answered oldest first', async () => {
    const step = (payload: string, second: number) => ({
      EventType: 'StepSucceeded' as const,
      EventTimestamp: at(second),
      StepSucceededDetails: { Result: { Payload: payload }, RetryDetails: {} },
    });
    const invocation = {
      EventType: 'InvocationCompleted' as const,
      InvocationCompletedDetails: { StartTimestamp: at(1), EndTimestamp: at(2), RequestId: 'x' },
    };
    const truncated = { ...step('', 0), StepSucceededDetails: { Result: { Truncated: true }, RetryDetails: {} } };
    aws
      .on(GetDurableExecutionHistoryCommand, { Marker: undefined })
      .resolves({ Events: [invocation, step('3', 3), step('2', 2)], NextMarker: 'next' })
      .on(GetDurableExecutionHistoryCommand, { Marker: 'next' })
      .resolves({ Events: [step('1', 1), truncated] });

    const answer = await stepAnswers(client, 'arn');

    expect(answer.ok && answer.value.map(({ payload }) => payload)).toEqual(['1', '2', '3']);
    expect(aws.calls()[0]?.args[0].input).toMatchObject({ ReverseOrder: true, IncludeExecutionData: true });
  });

  it('of a history without end are the latest of five pages', async () => {
    aws.on(GetDurableExecutionHistoryCommand).resolves({ Events: [], NextMarker: 'next' });
    expect(await stepAnswers(client, 'arn')).toEqual({ ok: true, value: [] });
    expect(aws.calls()).toHaveLength(5);
  });
});

describe('against the embedded AWS', () => {
  const core: Core = async (_event, durable) => {
    const seen = await durable.step('look', async () => ({ left: 3 }));
    await durable.wait('wait', 600);
    return { outcome: 'drained', ...seen };
  };

  it('executions of every version are found, and their steps and results read', async () => {
    const { world, lambda, clients } = createRunningRegion({ lambda: { engine: 'store' } });
    const deploy = () =>
      lambda.register({
        ...{ name: 'ecs-drain-drain', alias: 'durable', durable: true, timeoutSeconds: 60, memoryMb: 256, core },
        handler: async () => {},
        environment: { CLUSTERS: 'web' },
      });
    const send = <T>(work: () => Promise<T>): Promise<T> => inVirtualTime(world, work);
    deploy();
    lambda.deliver('ecs-drain-drain', { n: 1 });
    deploy();
    lambda.deliver('ecs-drain-drain', { n: 2 });
    await send(() => new Promise((resolve) => setTimeout(resolve, 60_000)));

    const versions = await send(() => functionVersions(clients.lambda, FUNCTION));
    expect(versions).toEqual({
      ok: true,
      value: [
        { version: '2', environment: { CLUSTERS: 'web' } },
        { version: '1', environment: { CLUSTERS: 'web' } },
      ],
    });
    const running = await send(() => listExecutions(clients.lambda, FUNCTION, ['2', '1'], RUNNING));
    if (!running.ok) throw new Error(running.message);
    expect(running.value.found.map(({ version }) => version).sort()).toEqual(['1', '2']);
    const [first] = running.value.found.filter(({ version }) => version === '1');
    const arn = first?.arn ?? '';
    expect(await send(() => stepAnswers(clients.lambda, arn))).toMatchObject({ value: [{ payload: '{"left":3}' }] });
    expect(await send(() => readExecution(clients.lambda, arn))).toMatchObject({
      value: { input: '{"n":1}', result: '', error: '', status: 'RUNNING' },
    });

    await runOut(world);
    expect(await send(() => readExecution(clients.lambda, arn))).toMatchObject({
      value: { result: '{"outcome":"drained","left":3}', status: 'SUCCEEDED' },
    });
  });
});
