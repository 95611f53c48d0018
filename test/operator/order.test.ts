import { describe, expect, it } from 'vitest';
import { executionName } from '../../src/drain/request.ts';
import type { Order } from '../../src/operator/order.ts';
import { mistakeInId, orderFor, refusalOf } from '../../src/operator/order.ts';
import { atSecond, INSTANCE, NOTICED_AT } from '../support/build.ts';

const ORDER: Order = {
  id: 'cli-1b671a64-40d5-491e-99b0-da01ff1f3341',
  noticedAtMs: atSecond(0),
  by: 'alice',
  reason: 'its disk is failing',
  deadlineSeconds: undefined,
  cluster: undefined,
};

describe('an order', () => {
  it('is the same request for the same instance, under a name that Lambda takes', () => {
    const request = orderFor(INSTANCE, ORDER);
    expect(request).toEqual({
      kind: 'ordered',
      instanceId: INSTANCE,
      noticedAt: NOTICED_AT,
      id: ORDER.id,
      by: 'alice',
      reason: 'its disk is failing',
    });
    if ('mistakes' in request) throw new Error(request.mistakes);
    expect(executionName(request)).toMatch(/^[a-zA-Z0-9-_]{1,64}$/);
    expect(orderFor(INSTANCE, ORDER)).toEqual(request);
  });

  it('carries the deadline and the cluster that were given', () => {
    expect(orderFor(INSTANCE, { ...ORDER, deadlineSeconds: 900, cluster: 'web' })).toMatchObject({
      deadlineSeconds: 900,
      cluster: 'web',
    });
  });

  it.each([
    [{ reason: '' }, 'reason'],
    [{ reason: 'x'.repeat(501) }, 'reason'],
    [{ by: '' }, 'by'],
    [{ by: 'x'.repeat(101), cluster: '' }, 'by, cluster'],
  ])('with %j names what is wrong', (different, mistakes) => {
    expect(orderFor(INSTANCE, { ...ORDER, ...different })).toEqual({ mistakes });
  });
});

describe('the id of an instance', () => {
  it.each(['i-0123456789abcdef0', 'i-01234567'])('%s is one', (id) => {
    expect(mistakeInId(id)).toBeUndefined();
  });

  it.each([
    ['mi-0123456789abcdef0', 'ecs-drain leaves those alone'],
    ['i-7', 'is not the id of an EC2 instance'],
    ['i-0123456789ABCDEF0', 'is not the id'],
    ['', 'is not the id'],
    ['i-0123456789abcdef0\u001b[31m', 'is not the id'],
  ])('%j is none', (id, says) => {
    expect(mistakeInId(id)).toContain(says);
  });
});

describe('a drain is', () => {
  it.each([
    ['ordered for what is in service', { running: [], state: 'InService' }, undefined],
    ['ordered for what is in no group', { running: [], state: undefined }, undefined],
    ['not ordered twice', { running: ['i-1-token'], state: 'InService' }, 'it is being drained already, by'],
    ['not ordered for what leaves', { running: [], state: 'Terminating:Wait' }, "the group's hook has it drained"],
    ['not ordered for what goes to the warm pool', { running: [], state: 'Warmed:Pending:Wait' }, 'already'],
    ['ordered for what only waits to come into service', { running: [], state: 'Pending:Wait' }, undefined],
  ])('%s', (_what, facts, says) => {
    const refusal = refusalOf(facts);
    if (says === undefined) expect(refusal).toBeUndefined();
    else expect(refusal).toContain(says);
  });
});
