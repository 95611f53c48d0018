import { describe, expect, it } from 'vitest';
import type { RolloutExecution } from '../../src/operator/rollout-status.ts';
import { releaseStatus } from '../../src/operator/rollout-status.ts';
import type { Control } from '../../src/rollout/control.ts';
import { rest } from '../../src/rollout/course.ts';
import { decide } from '../../src/rollout/decide.ts';
import { decideFleet } from '../../src/rollout/fleet-decide.ts';
import type { FleetLook, FleetSeen } from '../../src/rollout/fleet-memory.ts';
import { beginFleet, rememberFleet } from '../../src/rollout/fleet-memory.ts';
import type { ReleaseSeen } from '../../src/rollout/memory.ts';
import { begin, remember } from '../../src/rollout/memory.ts';
import { executionName, FleetRequest, ReleaseRequest } from '../../src/rollout/request.ts';
import { fleet, fleetRequest, policy, START_MS, target } from '../rollout/builders.ts';

const MINUTE = 60_000;
const request = ReleaseRequest.parse({
  kind: 'release',
  source: target.source,
  version: target.version,
  noticedAt: new Date(START_MS).toISOString(),
  by: 'kim',
  because: 'CVE',
});
const name = executionName(request);
const ofWeb = FleetRequest.parse(fleetRequest({ release: name }));

const execution = (changes: Partial<RolloutExecution> = {}): RolloutExecution => ({
  name,
  status: 'RUNNING',
  startedAtMs: START_MS,
  input: JSON.stringify(request),
  result: '',
  error: '',
  answers: [],
  ...changes,
});
const ofFleet = (changes: Partial<RolloutExecution> = {}): RolloutExecution =>
  execution({ name: 'web', input: JSON.stringify(ofWeb), ...changes });

const survey = {
  atMs: START_MS,
  target,
  fleets: [
    fleet(),
    fleet({ id: 'group/prod-asg', policy: policy({ 'ecs-drain:ami': 'approve', 'ecs-drain:wave': '2' }) }),
    fleet({ id: 'group/test-asg', policy: policy({ 'ecs-drain:ami': 'notify' }) }),
  ],
  leftOut: 0,
};

/** What the steps of a release answered until so many minutes had gone, as the rollout itself would have made them. */
function releaseAnswers(minutes: number): string[] {
  const answers: string[] = [];
  let memory = begin(request);
  for (let atMs = START_MS; atMs < START_MS + minutes * MINUTE; atMs += 1_000) {
    const move = decide(memory);
    if (move.kind === 'finish') break;
    if (move.kind === 'wait') {
      atMs += move.seconds * 1_000;
      memory = rest(memory, move);
      continue;
    }
    const seen = {
      kind: move.kind,
      atMs,
      ...(move.kind === 'survey' ? { survey } : {}),
      ...(move.kind === 'look' ? { ended: [] } : {}),
      ...(move.kind === 'alert' ? { alert: move.alert.key } : {}),
    } as ReleaseSeen;
    answers.push(JSON.stringify(seen));
    memory = remember(memory, move, seen);
  }
  return answers;
}

const look = (changes: Partial<FleetLook> = {}): FleetLook => ({
  atMs: START_MS,
  target,
  facts: fleet(),
  drainDeadlineSeconds: 1_800,
  hosts: { fresh: 1, joined: 1, working: 1, strangers: [], old: 3, oldFrom: [], oldPooled: 0, unknown: 0 },
  ...changes,
});
const refresh = { id: 'r-1', status: 'InProgress', because: '', percent: 25, left: 3, startedAtMs: START_MS } as const;

/** A fleet whose refresh is at a quarter. */
function fleetAnswers(): string[] {
  const answers: string[] = [];
  let memory = beginFleet(ofWeb);
  for (let steps = 0; steps < 30 && answers.length < 8; steps++) {
    const move = decideFleet(memory);
    if (move.kind === 'finish') break;
    if (move.kind === 'wait') {
      memory = rest(memory, move);
      continue;
    }
    const at = { kind: move.kind, atMs: memory.atMs + 1 };
    const isOurs = memory.refresh !== undefined;
    const seen = {
      ...at,
      ...(move.kind === 'look' ? { look: look(isOurs ? { refresh } : {}) } : {}),
      ...(move.kind === 'claim' ? { claimed: { isOurs: true, isTaken: false } } : {}),
      ...(move.kind === 'make-version' ? { number: 4 } : {}),
      ...(move.kind === 'start-refresh' ? { id: refresh.id } : {}),
      ...(move.kind === 'alert' ? { alert: move.alert.key } : {}),
    } as FleetSeen;
    answers.push(JSON.stringify(seen));
    memory = rememberFleet(memory, move, seen);
  }
  return answers;
}

const nowMs = START_MS + 10 * MINUTE;
const record = (word: Control['word']): Control => ({
  word,
  by: 'jo',
  at: new Date(nowMs).toISOString(),
  because: '',
  approved: word === 'approve',
});

describe('a release under way', () => {
  it('has each of its fleets as it stands, by the histories alone', () => {
    const of = releaseStatus(
      execution({ answers: releaseAnswers(10) }),
      [ofFleet({ answers: fleetAnswers() })],
      undefined,
      nowMs,
    );
    expect(of.status).toMatchObject({ name, state: 'running', version: target.version, by: 'kim', isWhole: true });
    expect(of.status.fleets).toMatchObject([
      { id: 'group/test-asg', wave: 1, state: 'told' },
      {
        id: 'group/web-asg',
        wave: 1,
        state: 'running',
        refresh: { status: 'InProgress', percent: 25 },
        fresh: 1,
        old: 3,
      },
      { id: 'group/prod-asg', wave: 2, state: 'waiting', waits: { waitsFor: ['approval', 'wave'] } },
    ]);
    expect(of).toMatchObject({ waiting: 1, begun: 1 });
  });

  it('goes by its record at once, though the rollout has not looked yet', () => {
    const said = (word: Control['word']) =>
      releaseStatus(execution({ answers: releaseAnswers(10) }), [], record(word), nowMs).status;
    const waits = (word: Control['word']) =>
      said(word).fleets.find(({ id }) => id === 'group/prod-asg')?.waits?.waitsFor;
    expect(waits('approve')).toEqual(['wave']);
    expect(waits('pause')).toEqual(['resume', 'approval', 'wave']);
    expect(said('pause').because).toBe('jo paused it: nothing further is begun.');
    expect(said('cancel').because).toContain('jo cancelled it');
  });

  it.each(['cancel', 'reject'] as const)('after %s promises none of its fleets, approved before or not', (word) => {
    const said = { ...record(word), approved: true };
    const { status, closed } = releaseStatus(execution({ answers: releaseAnswers(0.03) }), [], said, nowMs);
    const [told, web, prod] = status.fleets;
    expect(told).toMatchObject({ id: 'group/test-asg', state: 'told' });
    expect(closed).toMatch(/^jo (cancelled|rejected) it at /);
    for (const one of [web, prod]) {
      expect(one).toMatchObject({ state: 'not-begun', because: closed });
      expect(one).not.toHaveProperty('waits');
    }
    expect(status.because).toBe(`${closed}. Nothing further is begun, and it ends at its next look.`);
  });

  it('promises no further fleet when one did not end well, by that fleet’s own word', () => {
    const result = JSON.stringify({ fleet: 'group/web-asg', outcome: 'blocked', because: 'nothing drains it' });
    const blocked = ofFleet({ status: 'SUCCEEDED', result });
    const { status, closed } = releaseStatus(execution({ answers: releaseAnswers(10) }), [blocked], undefined, nowMs);
    expect(closed).toBe('group/web-asg ended as blocked');
    expect(status.fleets).toMatchObject([
      { id: 'group/test-asg', state: 'told' },
      { id: 'group/web-asg', state: 'blocked' },
      { id: 'group/prod-asg', state: 'not-begun', because: 'group/web-asg ended as blocked' },
    ]);
    expect(status.because).toBe(
      'group/web-asg ended as blocked. Nothing further is begun, and it ends at its next look.',
    );
  });

  it('that has planned nothing says so', () => {
    const { status, waiting } = releaseStatus(execution(), [], undefined, nowMs);
    expect(status).toMatchObject({ because: 'Nothing was planned yet.', fleets: [] });
    expect(waiting).toBeUndefined();
  });

  it.each([
    ['answers of another form', ['{"kind":"dream"}', 'no JSON', '7', ...releaseAnswers(10)]],
    ['steps in another order', releaseAnswers(10).toReversed()],
    ['members that are missing', ['{"kind":"survey","atMs":1,"survey":{}}', ...releaseAnswers(10)]],
  ])('of another version, with %s, is told of as far as can be', (_what, answers) => {
    const { status } = releaseStatus(execution({ answers }), [ofFleet({ answers: ['{}'] })], undefined, nowMs);
    expect(status).toMatchObject({ name, state: 'running', isWhole: false });
    expect(status.fleets.map(({ id }) => id)).toContain('group/web-asg');
  });

  it('with a request that nobody knows is shown by its name', () => {
    const { status } = releaseStatus(execution({ input: '{"kind":"dream"}' }), [], undefined, nowMs);
    expect(status).toMatchObject({ name, source: '?', state: 'running', isWhole: false });
  });
});

describe('a release that has ended', () => {
  const result = {
    source: target.source,
    version: target.version,
    outcome: 'stopped',
    because: 'it was rolled back',
    fleets: [{ fleet: 'group/web-asg', outcome: 'rolled-back', because: 'an alarm' }],
  };
  it('has its result', () => {
    const ended = execution({ status: 'SUCCEEDED', endedAtMs: nowMs, result: JSON.stringify(result) });
    const { status, begun } = releaseStatus(ended, [ofFleet()], undefined, nowMs);
    expect(status).toMatchObject({ state: 'stopped', because: 'it was rolled back', endedAtMs: nowMs });
    expect(status.fleets).toEqual([{ id: 'group/web-asg', state: 'rolled-back', because: 'an alarm' }]);
    expect(begun).toBe(1);
  });

  it.each([
    ['FAILED', 'no end after 2500 moves', 'failed', 'the execution failed (no end after 2500 moves)'],
    ['STOPPED', '', 'failed', 'somebody stopped the execution'],
    ['SUCCEEDED', '', '?', 'its result is of a form that is not known here'],
  ])('as %s without a result says what is known', (status, error, state, because) => {
    expect(releaseStatus(execution({ status, error, result: '[]' }), [], undefined, nowMs).status).toMatchObject({
      state,
      because,
    });
  });
});

it('a fleet that was started anew is told of once, by its latest execution', () => {
  const failed = ofFleet({ status: 'FAILED', startedAtMs: START_MS, result: '' });
  const again = ofFleet({ startedAtMs: START_MS + MINUTE, answers: fleetAnswers() });
  const { status } = releaseStatus(execution({ answers: releaseAnswers(10) }), [again, failed], undefined, nowMs);
  expect(status.fleets.filter(({ id }) => id === 'group/web-asg').map(({ state }) => state)).toEqual(['running']);
});
