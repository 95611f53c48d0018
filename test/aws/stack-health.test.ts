import { afterEach, describe, expect, it } from 'vitest';
import { drainFunction, subscriptions, unreservedConcurrency, waitingMessages } from '../../src/aws/stack-health.ts';
import { sessionIn } from '../cli/support.ts';
import { STACK } from '../operator/build.ts';

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

async function here(stack: object = {}, denied: string[] = []) {
  const session = await sessionIn({ name: 'health', durationSeconds: 600, stack, denied });
  open.push(session);
  return session;
}

describe('subscriptions', () => {
  it('are confirmed or not, on every page', async () => {
    const waiting = { protocol: 'email', confirmed: false };
    const { aws } = await here({ subscribers: [...Array.from({ length: 99 }, () => ({ protocol: 'sqs' })), waiting] });
    const found = await subscriptions(aws.sns, STACK.alertTopicArn);
    expect(found.ok && found.value.filter(({ confirmed }) => confirmed).length).toBe(99);
    expect(found.ok && found.value.at(-1)).toEqual(waiting);
  });

  it('go on after a hundred', async () => {
    const { aws, region } = await here();
    for (let n = 0; n < 101; n++) region.sns.subscribe(region.alertTopicArn, 'pager');
    const found = await subscriptions(aws.sns, STACK.alertTopicArn);
    expect(found.ok && found.value.length).toBe(101);
    expect(aws.calls()).toBe(2);
  });

  it('of a topic that does not exist are a failure', async () => {
    const { aws } = await here();
    expect(await subscriptions(aws.sns, `${STACK.alertTopicArn}-not`)).toMatchObject({ ok: false, reason: 'gone' });
  });
});

describe('dead letters', () => {
  it('are counted, also those that come later', async () => {
    const { aws, region } = await here({ deadLetters: 2 });
    region.world.emit({ kind: 'dead-letter', functionName: 'intake', because: 'it failed', payload: '{}' });
    expect(await waitingMessages(aws.sqs, STACK.deadLettersUrl)).toEqual({ ok: true, value: 3 });
  });

  it('of a queue that does not exist are a failure', async () => {
    const { aws } = await here();
    expect(await waitingMessages(aws.sqs, `${STACK.deadLettersUrl}-not`)).toMatchObject({ ok: false });
  });

  it('need a permission, which is named', async () => {
    const { aws } = await here({}, ['sqs:GetQueueAttributes']);
    expect(await waitingMessages(aws.sqs, STACK.deadLettersUrl)).toMatchObject({
      reason: 'denied',
      operation: 'sqs:GetQueueAttributes',
    });
  });
});

describe('the drain function', () => {
  const options = {
    name: 'ecs-drain-drain',
    alias: 'durable',
    durable: true,
    handler: async () => undefined,
    timeoutSeconds: 120,
    memoryMb: 512,
    environment: { CLUSTERS: 'web' },
  };

  it('is the version that its alias leads to', async () => {
    const { aws, region } = await here();
    region.lambda.register(options);
    region.lambda.register(options);
    expect(await drainFunction(aws.lambda, STACK.drainFunctionArn)).toEqual({
      ok: true,
      value: { version: '2', durable: true, state: 'Active', environment: { CLUSTERS: 'web' } },
    });
  });

  it('may be a plain one', async () => {
    const { aws, region } = await here();
    region.lambda.register({ ...options, durable: false });
    expect(await drainFunction(aws.lambda, STACK.drainFunctionArn)).toMatchObject({ value: { durable: false } });
  });

  it('may be gone, or its alias', async () => {
    const { aws, region } = await here();
    expect(await drainFunction(aws.lambda, STACK.drainFunctionArn)).toEqual({ ok: true, value: undefined });
    region.lambda.register({ ...options, alias: 'live' });
    expect(await drainFunction(aws.lambda, STACK.drainFunctionArn)).toEqual({ ok: true, value: undefined });
  });

  it('is unknown without the permission', async () => {
    const { aws } = await here({}, ['lambda:GetFunctionConfiguration']);
    expect(await drainFunction(aws.lambda, STACK.drainFunctionArn)).toMatchObject({ ok: false, reason: 'denied' });
  });
});

it('the concurrency that functions share is the account’s', async () => {
  const { aws } = await here({ unreservedConcurrency: 10 });
  expect(await unreservedConcurrency(aws.lambda)).toEqual({ ok: true, value: 10 });
});
