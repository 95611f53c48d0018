import { describe, expect, it } from 'vitest';
import type { DrainRequest } from '../../src/drain/request.ts';
import { executionName } from '../../src/drain/request.ts';
import type { Seen } from '../../src/drain/seen.ts';
import type { Execution, StepAnswer } from '../../src/operator/executions.ts';
import { drainStatus, pastDrain } from '../../src/operator/status.ts';
import {
  aFailure,
  aMaintenanceRequest,
  anOrder,
  aPolicy,
  aRequest,
  atSecond,
  INSTANCE,
  isoSecond,
  STARTS,
  seen,
} from '../support/build.ts';

const execution = (request: DrainRequest = aRequest(), different: Partial<Execution> = {}): Execution => ({
  arn: 'arn',
  name: executionName(request),
  version: '7',
  status: 'RUNNING',
  startedAtMs: atSecond(1),
  ...different,
});

/** As Lambda keeps what steps answered. */
const answers = (...all: Seen[]): StepAnswer[] =>
  all.map((answer) => ({ atMs: 'look' in answer ? answer.look.atMs : answer.atMs, payload: JSON.stringify(answer) }));

const statusAfter = (request: DrainRequest, ...all: Seen[]) =>
  drainStatus(execution(request), { input: JSON.stringify(request), answers: answers(...all), deployed: aPolicy() });

const BEGUN = [seen.leaving(2), seen.found(3), seen.draining(4, 3), seen.told(5, 'started')] as const;

describe('a drain under way', () => {
  it('is told of with everything that its history says', () => {
    const drain = statusAfter(aRequest(), ...BEGUN, seen.goingDown(60, { STOPPING: 2, DEPROVISIONING: 1 }));
    expect(drain).toEqual({
      instanceId: INSTANCE,
      group: 'web-asg',
      cluster: 'web',
      phase: 'draining',
      sinceMs: atSecond(4),
      wanted: 'its group takes it away',
      tasksLeft: 3,
      waitsFor: '3 tasks left (2 STOPPING, 1 DEPROVISIONING).',
      because: [],
      deadlineMs: atSecond(3_000),
      execution: executionName(aRequest()),
      version: '7',
    });
  });

  it.each<[string, DrainRequest, Seen[], object]>([
    ['verifying before anything is known', aRequest(), [], { phase: 'verifying', sinceMs: atSecond(0) }],
    [
      'verifying while Auto Scaling says something else',
      aRequest(),
      [seen.staying(2, 'InService')],
      { phase: 'verifying', waitsFor: 'Auto Scaling must say that the instance is leaving; it says InService.' },
    ],
    ['finding once it is known to leave', aRequest(), [seen.leaving(2)], { phase: 'finding' }],
    [
      'planned while its time has not come',
      aMaintenanceRequest(),
      [{ ...seen.grouped(2), settings: { mode: 'act', policy: aPolicy({ maintenance: 'drain' }) } }, seen.found(3)],
      { phase: 'planned', waitsFor: `Nothing is done before ${isoSecond(STARTS - 86_400)}.` },
    ],
    ['draining from the first look on', aRequest(), [...BEGUN], { phase: 'draining', tasksLeft: 3 }],
    [
      'stuck once people were told, with the reason',
      aRequest(),
      [...BEGUN, seen.wanted(640, 3), seen.diagnosis(641), seen.told(642, 'stuck')],
      { phase: 'stuck', because: ['service api has no capacity'] },
    ],
    [
      'no longer stuck when it gets on, and the old reason is not repeated',
      aRequest(),
      [...BEGUN, seen.wanted(640, 3), seen.diagnosis(641), seen.told(642, 'stuck'), seen.wanted(700, 2)],
      { phase: 'draining', because: [] },
    ],
    [
      'in trouble after a failed look, with the call that failed',
      aRequest(),
      [...BEGUN, seen.lookFailed(60, aFailure('throttled'))],
      {
        phase: 'troubled',
        waitsFor: 'ecs:DescribeTasks answers "throttled on purpose" (throttled); it is tried again.',
      },
    ],
    [
      'paused by the switch',
      aRequest(),
      [...BEGUN, { ...seen.nothing(60), settings: { mode: 'pause', policy: aPolicy() } }],
      { phase: 'paused', waitsFor: 'The switch says pause: nothing is done, and 3 tasks are still wanted on it.' },
    ],
    [
      'done while the instance is waited for',
      aRequest({ departure: 'replace-root-volume' }),
      [...BEGUN, seen.released(90)],
      { phase: 'done', tasksLeft: 0 },
    ],
    [
      'of the deadline that its order set',
      anOrder({ deadlineSeconds: 900 }),
      [seen.grouped(2), seen.found(3), seen.draining(4, 3)],
      { deadlineMs: atSecond(900), wanted: 'alice ordered it: its disk is failing' },
    ],
    [
      'of the deadline that the switch set',
      aRequest(),
      [...BEGUN, { ...seen.wanted(60, 3), settings: { mode: 'act', policy: aPolicy({ deadlineSeconds: 600 }) } }],
      { deadlineMs: atSecond(600) },
    ],
  ])('is %s', (_what, request, history, expected) => {
    expect(statusAfter(request, ...history)).toMatchObject(expected);
  });

  it('has no deadline to tell where nobody knows its policy', () => {
    const request = aRequest();
    const input = JSON.stringify(request);
    const bare = drainStatus(execution(), { input, answers: answers(...BEGUN), deployed: undefined });
    expect(bare).toMatchObject({ phase: 'draining', tasksLeft: 3 });
    expect(bare.deadlineMs).toBeUndefined();
    const told = {
      ...seen.wanted(60, 3),
      settings: { mode: 'act', policy: aPolicy({ deadlineSeconds: 600 }) },
    } as const;
    expect(drainStatus(execution(), { input, answers: answers(...BEGUN, told), deployed: undefined }).deadlineMs).toBe(
      atSecond(600),
    );
  });
});

describe('a drain of another version than this code', () => {
  it.each([
    ['an input that is not JSON', '{', []],
    ['a request of an unknown kind', JSON.stringify({ kind: 'meteorite', instanceId: INSTANCE }), []],
    [
      'members of another form',
      JSON.stringify(aRequest()),
      [
        { kind: 'find', atMs: atSecond(3), placements: [{ cluster: 7 }] },
        { kind: 'verify', atMs: atSecond(3) },
      ],
    ],
  ])('with %s is shown, with question marks', (_what, input, history) => {
    const payloads = history.map((answer) => ({ atMs: 0, payload: JSON.stringify(answer) }));
    expect(drainStatus(execution(), { input, answers: payloads, deployed: aPolicy() })).toMatchObject({
      instanceId: INSTANCE,
      phase: '?',
      wanted: '?',
      sinceMs: atSecond(1),
    });
  });

  it.each<unknown>([
    null,
    7,
    'text',
    [],
    {},
    { kind: 'teleport', atMs: atSecond(9) },
    { kind: 'look' },
    { kind: 'look', look: { atMs: 'noon', instances: { wanted: 1 } } },
    { kind: 'look', look: { atMs: atSecond(9), remaining: { total: 4 } } },
    { kind: 'heartbeat', atMs: null },
  ])('is understood without the answer %j', (odd) => {
    const input = JSON.stringify(aRequest());
    const before = drainStatus(execution(), { input, answers: answers(...BEGUN), deployed: aPolicy() });
    const history = [...answers(...BEGUN), { atMs: 0, payload: JSON.stringify(odd) }, { atMs: 0, payload: '{' }];
    expect(drainStatus(execution(), { input, answers: history, deployed: aPolicy() })).toEqual(before);
  });
});

describe('a drain that has ended', () => {
  const ended = execution(aRequest(), { status: 'SUCCEEDED', endedAtMs: atSecond(99) });
  const result = { instanceId: INSTANCE, group: 'web-asg', cluster: 'web', outcome: 'forced', because: 'Too late.' };
  const data = { input: '', result: JSON.stringify(result), error: '' };

  it('is told of as its result says', () => {
    const { execution: name, version, endedAtMs, ...rest } = pastDrain(ended, data);
    expect(rest).toEqual(result);
    expect({ name, version, endedAtMs }).toEqual({ name: ended.name, version: '7', endedAtMs: atSecond(99) });
  });

  it.each([
    ['FAILED', 'TypeError: a defect', 'the execution failed (TypeError: a defect)'],
    ['TIMED_OUT', '', 'the execution came to its time limit'],
    ['STOPPED', '', 'somebody stopped the execution'],
  ])('%s is a failure, whatever it would have said', (status, error, because) => {
    expect(pastDrain({ ...ended, status }, { ...data, result: '', error })).toMatchObject({
      instanceId: INSTANCE,
      outcome: 'failed',
      because,
    });
  });

  it.each(['', 'null', '{"outcome":7}', '"drained"'])('with the result %j has an outcome that is not known', (text) => {
    expect(pastDrain(ended, { ...data, result: text })).toMatchObject({
      instanceId: INSTANCE,
      outcome: '?',
      because: '?',
    });
  });
});
