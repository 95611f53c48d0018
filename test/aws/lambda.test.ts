import { GetDurableExecutionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { executionPort, rolloutExecutionsPort } from '../../src/aws/lambda.ts';
import { aRequest } from '../support/build.ts';

const FUNCTION = 'arn:aws:lambda:eu-west-1:123456789012:function:ecs-drain-drain:durable';
const client = new LambdaClient({ region: 'eu-west-1' });
const aws = mockClient(client);
const executions = executionPort(client, FUNCTION);

beforeEach(() => aws.reset());

const refuse = (name: string): Error => Object.assign(new Error('on purpose'), { name });

describe('the input of an execution', () => {
  const ARN = `${FUNCTION}/durable-execution/name/9f7d84c9-ea3d-3ffc-b3e5-5ec51c34ffc9`;

  it('is read by the execution’s ARN', async () => {
    aws.on(GetDurableExecutionCommand).resolves({ InputPayload: JSON.stringify(aRequest()) });
    expect(await executions.inputOf(ARN)).toEqual({ ok: true, value: JSON.stringify(aRequest()) });
    expect(aws.calls().map((call) => call.args[0].input)).toEqual([{ DurableExecutionArn: ARN }]);
  });

  it('that Lambda does not tell is empty', async () => {
    aws.on(GetDurableExecutionCommand).resolves({});
    expect(await executions.inputOf(ARN)).toEqual({ ok: true, value: '' });
  });

  it('that cannot be read is a failure', async () => {
    aws.on(GetDurableExecutionCommand).rejects(refuse('AccessDeniedException'));
    expect(await executions.inputOf(ARN)).toMatchObject({
      ok: false,
      reason: 'denied',
      operation: 'lambda:GetDurableExecution',
    });
  });
});

describe('a durable execution', () => {
  it('is started by name, asynchronously, with the request as its input', async () => {
    // Prepare
    aws.on(InvokeCommand).resolves({ StatusCode: 202 });

    // Act
    const answer = await executions.start('i-0a1b-token', aRequest());

    // Assess
    expect(answer).toEqual({ ok: true, value: undefined });
    const [input] = aws.commandCalls(InvokeCommand).map((call) => call.args[0].input);
    expect(input).toEqual({
      FunctionName: FUNCTION,
      InvocationType: 'Event',
      DurableExecutionName: 'i-0a1b-token',
      Payload: expect.any(Uint8Array),
    });
    expect(JSON.parse(new TextDecoder().decode(input?.Payload as Uint8Array))).toEqual(aRequest());
  });

  it('that exists already is joined: that is success', async () => {
    aws.on(InvokeCommand).rejects(refuse('DurableExecutionAlreadyStartedException'));
    expect(await executions.start('name', aRequest())).toEqual({ ok: true, value: undefined });
  });

  it.each([
    ['TooManyRequestsException', 'throttled'],
    ['ResourceNotFoundException', 'gone'],
    ['AccessDeniedException', 'denied'],
    ['ServiceException', 'other'],
    ['InvalidParameterValueException', 'other'],
  ])('that cannot be started because of %s is a failure', async (name, reason) => {
    aws.on(InvokeCommand).rejects(refuse(name));
    expect(await executions.start('name', aRequest())).toEqual({
      ok: false,
      reason,
      operation: 'lambda:Invoke',
      message: 'on purpose',
      ...(reason === 'other' ? { lost: true } : {}),
    });
  });
});

describe('an execution whose end is waited for', () => {
  const ARN = `${FUNCTION}/durable-execution/web-1/9f7d84c9-ea3d-3ffc-b3e5-5ec51c34ffc9`;
  const rollouts = rolloutExecutionsPort(client, FUNCTION);

  it('is started, or joined, by the same call, which says how it stands', async () => {
    aws.on(InvokeCommand).resolves({ StatusCode: 202, DurableExecutionArn: ARN });
    aws
      .on(GetDurableExecutionCommand)
      .resolvesOnce({ Status: 'RUNNING' })
      .resolves({ Status: 'SUCCEEDED', Result: '{}' });

    expect(await rollouts.run('web-1', { kind: 'fleet' })).toEqual({ ok: true, value: { status: 'RUNNING' } });
    expect(await rollouts.run('web-1', { kind: 'fleet' })).toEqual({
      ok: true,
      value: { status: 'SUCCEEDED', result: '{}' },
    });
    expect(aws.commandCalls(InvokeCommand).map((call) => call.args[0].input)).toMatchObject([
      { FunctionName: FUNCTION, InvocationType: 'Event', DurableExecutionName: 'web-1' },
      { FunctionName: FUNCTION, InvocationType: 'Event', DurableExecutionName: 'web-1' },
    ]);
    expect(aws.commandCalls(GetDurableExecutionCommand)[0]?.args[0].input).toEqual({ DurableExecutionArn: ARN });
  });

  it('has begun, though it cannot be asked after', async () => {
    aws.on(InvokeCommand).resolves({ StatusCode: 202, DurableExecutionArn: ARN });
    aws.on(GetDurableExecutionCommand).rejects(refuse('TooManyRequestsException'));
    expect(await rollouts.run('web-1', { kind: 'fleet' })).toMatchObject({
      ok: false,
      reason: 'throttled',
      lost: true,
    });
  });

  it('is never taken for another request of the same name', async () => {
    aws.on(InvokeCommand).rejects(refuse('DurableExecutionAlreadyStartedException'));
    expect(await rollouts.run('web-1', { kind: 'fleet' })).toMatchObject({
      ok: false,
      operation: 'lambda:InvokeFunction',
    });
  });
});
