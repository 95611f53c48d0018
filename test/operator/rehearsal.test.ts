import { describe, expect, it } from 'vitest';
import type { Memory } from '../../src/drain/memory.ts';
import { remember } from '../../src/drain/remember.ts';
import type { Seen } from '../../src/drain/seen.ts';
import type { Hook } from '../../src/operator/hooks.ts';
import { recall } from '../../src/operator/recall.ts';
import type { Observed, Readiness, TaskTimes } from '../../src/operator/rehearsal.ts';
import { checksOf, heldBy, stagesOf, verdictOf } from '../../src/operator/rehearsal.ts';
import type { PastDrain } from '../../src/operator/status.ts';
import { aPolicy, aRequest, atSecond, CLUSTER, GROUP, INSTANCE, seen } from '../support/build.ts';

const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:ecs-drain-lifecycle';

const hook = (different: Partial<Hook> = {}): Hook => ({
  name: 'ecs-drain',
  transition: 'autoscaling:EC2_INSTANCE_TERMINATING',
  targetArn: TOPIC,
  roleArn: undefined,
  heartbeatSeconds: 600,
  globalTimeoutSeconds: 60_000,
  defaultResult: 'CONTINUE',
  metadata: undefined,
  ...different,
});

const service = (different: object = {}) => ({
  name: 'api',
  daemon: false,
  ecsReplaces: true,
  minimumHealthyPercent: 100,
  maximumPercent: 200,
  desired: 4,
  events: [],
  ...different,
});

const CHOSEN = { instanceId: INSTANCE, cluster: CLUSTER, tasks: 2, standalone: 0, services: [service()] };

const ready = (different: Partial<Readiness> = {}): Readiness => ({
  group: GROUP,
  hooks: [hook()],
  doors: { lifecycleTopicArn: TOPIC, hookNamePrefix: 'drain-' },
  mode: 'act',
  inService: [INSTANCE, 'i-2'],
  draining: [],
  chosen: CHOSEN,
  ...different,
});

const saying = (facts: Readiness, result: string): string[] =>
  checksOf(facts).flatMap((check) => (check.result === result ? check.says : []));

describe('before a rehearsal', () => {
  it('all is well where nothing stands against it', () => {
    expect(checksOf(ready()).map(({ result }) => result)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'ok']);
  });

  it('so it is with a hook that EventBridge tells of', () => {
    const [first] = checksOf(ready({ hooks: [hook({ name: 'drain-web', targetArn: undefined })] }));
    expect(first).toEqual({ result: 'ok', says: expect.stringContaining('hook drain-web is heard of by EventBridge') });
  });

  it.each<[string, Partial<Readiness>, string]>([
    ['no hook', { hooks: [] }, `no terminate hook of ${GROUP} tells our topic: ecs-drain attach ${GROUP}`],
    ["somebody else's hook alone", { hooks: [hook({ targetArn: 'arn:other' })] }, 'tells our topic'],
    [
      'a launching hook alone',
      { hooks: [hook({ transition: 'autoscaling:EC2_INSTANCE_LAUNCHING' })] },
      'tells our topic',
    ],
    ['a pause', { mode: 'pause' }, 'the switch says pause: ecs-drain resume web-asg'],
    ['a garbled switch', { mode: { mistakes: 'it is not JSON' } }, 'cannot be understood: it is not JSON'],
    ['one instance alone', { inService: [INSTANCE] }, 'the tasks have nowhere to go'],
    ['another drain', { draining: ['i-2'] }, 'i-2 is being drained already'],
    ['no instance with a task', { chosen: undefined }, 'none of those in service'],
    [
      'a service that can do neither',
      { chosen: { ...CHOSEN, services: [service({ maximumPercent: 100 })] } },
      'api: minimum and maximum healthy percent are both 100',
    ],
  ])('%s stands against it', (_what, different, says) => {
    const against = saying(ready(different), 'no');
    expect(against).toHaveLength(1);
    expect(against[0]).toContain(says);
  });

  it.each<[string, Partial<Readiness>, string]>([
    ['observe mode', { mode: 'observe' }, 'the tasks are cut off, as without ecs-drain'],
    ['other hooks', { hooks: [hook(), hook({ name: 'logs', targetArn: undefined })] }, 'other hooks as well: logs'],
    ['standalone tasks', { chosen: { ...CHOSEN, standalone: 1 } }, '1 of them no service started'],
  ])('%s is worth a word', (_what, different, says) => {
    const facts = ready(different);
    expect(saying(facts, 'no')).toEqual([]);
    expect(saying(facts, 'warn')[0]).toContain(says);
  });

  it('daemons are no risk: they have no percentages to keep', () => {
    const services = [service({ daemon: true, maximumPercent: 100 })];
    expect(saying(ready({ chosen: { ...CHOSEN, services } }), 'no')).toEqual([]);
  });
});

const EXECUTION = {
  arn: 'arn',
  name: `${INSTANCE}-token`,
  version: '3',
  status: 'SUCCEEDED',
  startedAtMs: atSecond(1),
};

function memoryOf(...history: Seen[]): Memory {
  const { memory } = recall({ input: JSON.stringify(aRequest()), answers: [], deployed: aPolicy() });
  if (memory === undefined) throw new Error('not a request');
  return history.reduce(remember, memory);
}

const BEGUN = [seen.leaving(2), seen.found(3), seen.draining(4, 2)] as const;
const stopped = (id: string, second: number): TaskTimes => ({
  id: `${id}${'0'.repeat(24)}`,
  stoppingAtMs: atSecond(second - 40),
  stoppedAtMs: atSecond(second),
});

const observed = (different: Partial<Observed> = {}): Observed => ({
  instanceId: INSTANCE,
  askedAtMs: atSecond(-1),
  held: { atMs: atSecond(2), state: 'Terminating:Wait' },
  execution: EXECUTION,
  memory: memoryOf(...BEGUN, seen.released(95)),
  tasks: [stopped('aaaaaaaa', 80), stopped('bbbbbbbb', 90)],
  goneAtMs: atSecond(100),
  replacement: { instanceId: 'i-3', atMs: atSecond(60) },
  ...different,
});

const end = (outcome: string): PastDrain => ({
  instanceId: INSTANCE,
  outcome,
  because: 'For a reason.',
  endedAtMs: atSecond(99),
  execution: EXECUTION.name,
  version: '3',
});

describe('the evidence of a rehearsal', () => {
  it('has a time and a proof for each stage', () => {
    expect(
      stagesOf(observed()).map(({ stage, atMs, proof }) => [stage, ((atMs ?? 0) - atSecond(0)) / 1000, proof]),
    ).toEqual([
      ['terminated through its group', -1, INSTANCE],
      ['notice sent', 0, 'by hook ecs-drain'],
      ['execution started', 1, 'version 3 of the function'],
      ['held by the hook', 2, 'the drain sees it as Terminating:Wait'],
      ['DRAINING', 4, 'container instance 01234567…'],
      ['tasks leave', 40, '2 of 2 have stopped'],
      ['all stopped', 90, 'the last is task bbbbbbbb…'],
      ['released', 95, '5.0 s after the last stop'],
      ['gone', 100, 'its group has it no more'],
      ['replaced', 60, 'i-3 is in service'],
    ]);
  });

  it('has neither for what has not come yet', () => {
    const stages = stagesOf({ instanceId: INSTANCE, askedAtMs: atSecond(0), tasks: [{ id: 'a' }] });
    expect(stages.filter(({ atMs }) => atMs !== undefined).map(({ stage }) => stage)).toEqual([
      'terminated through its group',
    ]);
    expect(stages.slice(1).every(({ proof }) => proof === '')).toBe(true);
  });

  it('does not call all of them stopped while one is not', () => {
    const stages = stagesOf(observed({ tasks: [stopped('aaaaaaaa', 80), { id: 'b' }] }));
    expect(stages.find(({ stage }) => stage === 'all stopped')?.atMs).toBeUndefined();
    expect(stages.find(({ stage }) => stage === 'released')?.proof).toBe('before all had stopped');
  });

  it('tells when the drain saw it held', () => {
    const answers = [seen.staying(1, 'InService'), seen.leaving(2)].map((answer, i) => ({
      atMs: atSecond(i + 1),
      payload: JSON.stringify(answer),
    }));
    expect(heldBy([{ atMs: 0, payload: '{' }, { atMs: 0, payload: 'null' }, ...answers])).toEqual({
      atMs: atSecond(2),
      state: 'Terminating:Wait',
    });
    expect(heldBy([])).toBeUndefined();
  });
});

describe('a rehearsal', () => {
  it('is proven by a release after the last stop', () => {
    expect(verdictOf(observed())).toEqual({
      proven: true,
      says: 'Proven: released 5.0 s after the last of its 2 tasks had stopped. Nothing was cut off.',
    });
  });

  const { execution: _, memory: __, ...nothing } = observed();
  it.each<[string, Observed, string]>([
    ['without an execution', nothing, 'the notice did not reach us'],
    ['that is not over', observed({ memory: memoryOf(...BEGUN) }), 'ecs-drain status --watch shows'],
    [
      'in observe mode',
      observed({ memory: memoryOf(...BEGUN), end: end('observed') }),
      'ended without a release, as observed: For a reason.',
    ],
    [
      'released at its deadline with tasks on it',
      observed({ memory: memoryOf(...BEGUN, seen.released(95, { RUNNING: 1 }, true)), end: end('forced') }),
      'For a reason.',
    ],
    ['released before the last stop', observed({ tasks: [stopped('a', 97)] }), '2.0 s BEFORE its last task'],
    [
      'with a task of which nobody knows the end',
      observed({ tasks: [stopped('a', 90), { id: 'b' }] }),
      'proves nothing',
    ],
    ['without any task', observed({ tasks: [] }), 'proves nothing'],
  ])('%s is not', (_what, facts, says) => {
    expect(verdictOf(facts)).toMatchObject({ proven: false, says: expect.stringContaining(says) });
  });
});
