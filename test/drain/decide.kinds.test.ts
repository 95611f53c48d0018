import { describe, expect, it } from 'vitest';
import type { DrainPolicy } from '../../src/config.ts';
import { decide } from '../../src/drain/decide.ts';
import type { Memory } from '../../src/drain/memory.ts';
import { remember } from '../../src/drain/remember.ts';
import type { DrainRequest } from '../../src/drain/request.ts';
import type { Seen } from '../../src/drain/seen.ts';
import {
  aFailure,
  aMaintenanceRequest,
  anHour,
  anOrder,
  aRebalanceRequest,
  aRequest,
  aSpotRequest,
  atSecond,
  CLUSTER,
  havingSeen,
  havingSeenFor,
  havingSeenUnder,
  INSTANCE_ARN,
  instances,
  isoSecond,
  later,
  PLACEMENTS,
  remaining,
  STARTS,
  seen,
  turned,
} from '../support/build.ts';
import { alert, atLook, finish, look, release, table, wait, waitForLook, waitForRetry } from '../support/moves.ts';

const throttled = aFailure('throttled');
const denied = aFailure('denied', 'autoscaling:TerminateInstanceInAutoScalingGroup');

/** In its group and found, by second 2. */
const found: readonly Seen[] = [seen.grouped(1), seen.found(2)];
const alone: readonly Seen[] = [{ kind: 'verify', atMs: atSecond(1), departing: true }, seen.found(2)];
const begun = (wanted: number): Seen[] => [...found, seen.draining(3, wanted), seen.told(4, 'started')];

/** One kind of request under a policy; then what it has seen. */
const that =
  (request: DrainRequest, policy: Partial<DrainPolicy> = {}) =>
  (...answers: readonly Seen[]): Memory =>
    havingSeenFor(request, policy, ...answers);

const KINDS: readonly (readonly [string, DrainRequest, Partial<DrainPolicy>])[] = [
  ['a Spot interruption', aSpotRequest(), {}],
  ['a rebalance recommendation', aRebalanceRequest(), { rebalance: 'drain' }],
  ['maintenance', aMaintenanceRequest({ startsAt: isoSecond(3_000) }), { maintenance: 'drain' }],
  ['an order', anOrder(), {}],
];

describe.each(KINDS)('%s that is to be drained', (_, request, policy) => {
  const case_ = that(request, policy);
  const restores = request.kind === 'maintenance';
  const started = restores
    ? [...found, seen.wanted(2, 2, { statuses: ['ACTIVE'] }), seen.draining(3, 2), seen.told(4, 'started')]
    : begun(2);
  table([
    ['asks first for its group, which may have a policy of its own', case_(), { kind: 'verify' }],
    ['then for its container instance', case_(seen.grouped(1)), { kind: 'find' }],
    [
      'then sets it DRAINING, at once',
      case_(...found, ...(restores ? [seen.wanted(2, 2, { statuses: ['ACTIVE'] })] : [])),
      { kind: 'start-draining', placements: PLACEMENTS },
    ],
    ['and tells', case_(...started.slice(0, -1)), alert('started', /it is over in (2|50) min at the latest/)],
    ['then looks at it at its pace', case_(...started), waitForLook(case_(...started))],
    ['and looks', atLook(case_(...started)), look({})],
    ['asks its group again where that failed', case_(seen.verifyFailed(1, throttled)), { kind: 'wait' }],
    [
      'is no drain where it is in no cluster',
      case_(seen.grouped(1), seen.found(2, [])),
      request.kind === 'ordered' ? alert('not-a-container-instance') : finish('not-a-container-instance'),
    ],
    [
      'is not over because a cluster could not be read: not found is not empty',
      case_(seen.grouped(1), seen.found(2, [], throttled)),
      { kind: 'wait' },
    ],
    [
      'ends where ECS has no registration of it any more',
      case_(...started, seen.deregistered(60)),
      alert('drained', restores ? /when it is back/ : /no registration/),
    ],
  ]);

  it('needs no group', () => {
    const moves = [case_(...alone), case_(seen.grouped(1), seen.found(2))].map((memory) => decide(memory).kind);
    expect(new Set(moves).size).toBe(1);
  });
});

describe('a Spot interruption', () => {
  const spot = that(aSpotRequest());
  const running = spot(...begun(3), seen.wanted(100, 3));
  table([
    ['is waited for no longer than two minutes', running, wait(20)],
    [
      'is looked at once more when they are over',
      later(running, 120),
      look({ nameAll: true, because: expect.stringMatching(/^the deadline has come: 3 tasks are still wanted/) }),
    ],
    [
      'then tells what is cut off',
      spot(...begun(3), {
        kind: 'look',
        look: { atMs: atSecond(120), instances: instances(2), remaining: remaining({ RUNNING: 2, STOPPING: 1 }) },
      }),
      alert('forced', /two minutes are over: 3 tasks left \(2 RUNNING, 1 STOPPING\)/),
    ],
    ['and ends as forced', spot(...begun(3), seen.wanted(120, 3), seen.told(121, 'forced')), finish('forced')],
    [
      'ends as forced also where the last look fails: what was seen before is told',
      spot(...begun(3), seen.wanted(100, 3), seen.lookFailed(120, throttled)),
      alert('forced', /3 tasks are still wanted/),
    ],
    [
      'that was never found ends as forced',
      spot(seen.grouped(1), seen.found(119, [], denied), seen.told(119, 'stuck'), seen.nothing(120)),
      alert('forced', /nothing is known yet/),
    ],
    [
      'that is empty in time ends as drained, and stays DRAINING',
      spot(...begun(3), seen.goingDown(80, {})),
      alert('drained', /stays DRAINING/),
    ],
    [
      'that somebody sets ACTIVE is drained again: it is taken all the same',
      spot(...begun(3), seen.wanted(40, 3, { statuses: ['ACTIVE'] })),
      { kind: 'start-draining' },
    ],
    [
      'is only told where policy says so',
      that(aSpotRequest({ action: 'hibernate' }), { spotInterruption: 'notify' })(...found),
      alert('noticed', /policy says to tell only: its Spot capacity is interrupted \(hibernate\)/),
    ],
    [
      'is not even told where the instance is none of ECS’s',
      that(aSpotRequest(), { spotInterruption: 'notify' })(seen.grouped(1), seen.found(2, [])),
      finish('not-a-container-instance'),
    ],
  ]);
});

describe('a rebalance recommendation', () => {
  const told = that(aRebalanceRequest());
  const replaced = that(aRebalanceRequest(), { rebalance: 'replace' });
  const drained = that(aRebalanceRequest(), { rebalance: 'drain' });
  table([
    ['is told, by default', told(...found), alert('noticed', /policy says to tell only.*rebalance recommendation/)],
    ['and that is all', told(...found, seen.told(3, 'noticed')), finish('observed')],
    ['is replaced through its group where policy says so', replaced(...found), { kind: 'replace' }],
    [
      'and told',
      replaced(...found, seen.replaced(3)),
      alert('replacing', /told to replace the instance, because its Spot capacity is at risk.*its hook drains it/),
    ],
    [
      'that finds it in no group any more says so, for no hook will drain it',
      replaced(...found, { kind: 'replace', atMs: atSecond(3), inNoGroup: true }),
      alert('replacing', /to be replaced, because its Spot capacity is at risk.*it has left its group already/),
    ],
    [
      'whose replacement is denied to its deadline ends as not replaced: it never was DRAINING',
      replaced(...found, seen.replaced(3, denied), seen.told(4, 'stuck'), seen.replaced(3_000, denied)),
      alert(
        'failed',
        /Not replaced by its deadline: autoscaling:Terminate.* \(denied\)\. As far as is known, nothing was changed/,
      ),
    ],
    ['and that is all as well', replaced(...found, seen.replaced(3), seen.told(4, 'replacing')), finish('replaced')],
    [
      'whose replacement fails is tried again',
      replaced(...found, seen.replaced(3, throttled)),
      waitForRetry(replaced(...found, seen.replaced(3, throttled))),
    ],
    [
      'whose replacement is denied is told at once',
      replaced(...found, seen.replaced(3, denied)),
      alert('stuck', /denied/),
    ],
    [
      'of an instance in no group cannot be replaced, and that is told',
      replaced(...alone),
      alert('noticed', /it is in no group that could replace it/),
    ],
    ['where policy says drain is drained', drained(...found), { kind: 'start-draining' }],
    [
      'is called off by whoever sets the instance ACTIVE',
      drained(...begun(3), seen.wanted(40, 3, { statuses: ['ACTIVE'] })),
      alert('cancelled', /ACTIVE again: its drain is off/),
    ],
    [
      'and ends as that',
      drained(...begun(3), seen.wanted(40, 3, { statuses: ['ACTIVE'] }), seen.told(41, 'cancelled')),
      finish('cancelled'),
    ],
    [
      'that is not drained by its deadline is looked at once more',
      later(drained(...begun(3), seen.wanted(2_990, 3)), 3_000),
      look({ nameAll: true }),
    ],
    [
      'then ends as failed: nobody is forced',
      drained(...begun(3), seen.wanted(3_000, 3)),
      alert('failed', /Not drained by its deadline: 3 tasks are still wanted on it/),
    ],
    ['and as that', drained(...begun(3), seen.wanted(3_000, 3), seen.told(3_001, 'failed')), finish('failed')],
  ]);
});

describe('maintenance', () => {
  const policy = { maintenance: 'drain', maintenanceLeadSeconds: 3_600 } as const;
  const planned = that(aMaintenanceRequest(), policy);
  const LEAD = STARTS - 3_600;
  const sixHours = 6 * 3_600;
  const leaving = that(aMaintenanceRequest({ change: 'leave' }), policy);
  table([
    [
      'is told, by default, when it is noticed',
      that(aMaintenanceRequest())(...found),
      alert('noticed', /policy says to tell only: AWS reboots it at 2026-03-03T12:00:00\.000Z/),
    ],
    [
      'that takes the instance is told as that',
      that(aMaintenanceRequest({ change: 'leave' }))(...found),
      alert('noticed', /AWS retires or stops it at 2026-03-03/),
    ],
    ['is left alone before its time, for six hours', planned(...found), wait(sixHours)],
    ['when the switch is read', later(planned(...found), 2 + sixHours), { kind: 'read-switch' }],
    ['and then for six more', planned(...found, seen.nothing(22_000)), wait(sixHours)],
    ['until its lead time comes', planned(...found, seen.nothing(LEAD - 100)), wait(100)],
    [
      'before it is drained, it is looked whether somebody else has drained it',
      later(planned(...found, seen.nothing(LEAD - 100)), LEAD),
      look({ because: expect.stringMatching(/DRAINING before we came/) }),
    ],
    [
      'and then it is drained',
      planned(...found, seen.wanted(LEAD, 3, { statuses: ['ACTIVE'] })),
      { kind: 'start-draining', because: expect.stringMatching(/^AWS reboots it/) },
    ],
    [
      'that takes the instance needs no such look',
      later(leaving(...found, seen.nothing(LEAD - 100)), LEAD),
      { kind: 'start-draining' },
    ],
    [
      'is replaced at its lead time where policy says so',
      later(that(aMaintenanceRequest(), { ...policy, maintenance: 'replace' })(...found, seen.nothing(LEAD - 9)), LEAD),
      { kind: 'replace' },
    ],
    [
      'is not replaced before it',
      that(aMaintenanceRequest(), { ...policy, maintenance: 'replace' })(...found),
      wait(sixHours),
    ],
    [
      'that cannot be replaced, for lack of a group, is told at once and not in a week',
      that(aMaintenanceRequest(), { ...policy, maintenance: 'replace' })(...alone),
      alert('noticed', /in no group/),
    ],
    [
      'of an instance that leaves ends when it is empty',
      leaving(...found, seen.draining(LEAD, 3), seen.told(LEAD + 1, 'started'), seen.goingDown(LEAD + 300, {})),
      alert('drained', /stays DRAINING/),
    ],
    [
      'that takes the instance before it is empty is told as failed',
      leaving(...found, seen.draining(LEAD, 3), seen.told(LEAD, 'started'), seen.wanted(STARTS, 1)),
      alert(
        'failed',
        /Not drained by its deadline: 1 task is still wanted on it\. The container instance stays DRAINING/,
      ),
    ],
    [
      'is called off by whoever sets the instance ACTIVE',
      planned(
        ...found,
        seen.wanted(LEAD, 3, { statuses: ['ACTIVE'] }),
        seen.draining(LEAD, 3),
        seen.told(LEAD, 'started'),
        seen.wanted(LEAD + 60, 3, { statuses: ['ACTIVE'] }),
      ),
      alert('cancelled'),
    ],
  ]);
});

/** No task is left, yet ECS says ACTIVE. */
const emptyButActive = (second: number): Seen => ({
  kind: 'look',
  look: { atMs: atSecond(second), instances: instances(0, ['ACTIVE']), remaining: remaining({}) },
});

describe('an order', () => {
  const order = that(anOrder());
  table([
    ['says who wants it, and why', order(...found), { because: expect.stringMatching(/^alice ordered it: its disk/) }],
    [
      'with a deadline of its own is told with it',
      that(anOrder({ deadlineSeconds: 7_200 }))(...found, seen.draining(3, 2)),
      alert('started', /over in 120 min at the latest/),
    ],
    [
      'ends at that deadline',
      that(anOrder({ deadlineSeconds: 7_200 }))(...begun(2), seen.wanted(7_200, 2)),
      alert('failed', /Not drained by its deadline/),
    ],
    [
      'and not before, whatever the policy’s',
      that(anOrder({ deadlineSeconds: 7_200 }), { deadlineSeconds: 60 })(...begun(2), seen.wanted(3_000, 2)),
      { kind: 'diagnose' },
    ],
    [
      'ends at the policy’s deadline without one',
      order(...begun(2), seen.wanted(3_000, 2)),
      alert('failed', /Not drained by its deadline/),
    ],
    [
      'for an instance in no cluster is answered, for a person asked',
      order(seen.grouped(1), seen.found(2, [])),
      alert('not-a-container-instance', /there is nothing to drain/),
    ],
    [
      'is called off by whoever sets the instance ACTIVE',
      order(...begun(3), seen.wanted(40, 3, { statuses: ['ACTIVE'] })),
      alert('cancelled'),
    ],
    [
      'is not called off by an answer that may be older than our own request',
      order(...begun(3), seen.wanted(22, 3, { statuses: ['ACTIVE'] })),
      { kind: 'wait' },
    ],
    [
      'but by one that still says so later',
      order(...begun(3), seen.wanted(22, 3, { statuses: ['ACTIVE'] }), seen.wanted(50, 3, { statuses: ['ACTIVE'] })),
      alert('cancelled'),
    ],
    [
      'is not done either while such an answer stands: what is ACTIVE may get a task at any moment',
      order(...begun(3), emptyButActive(12)),
      { kind: 'wait' },
    ],
    [
      'and it is the instance that is looked at next, not only its tasks',
      atLook(order(...begun(3), emptyButActive(12))),
      { kind: 'look', countCrowd: expect.any(Boolean) },
    ],
    [
      'of which one registration of two is set ACTIVE is called off as well',
      order(...begun(3), seen.wanted(40, 3, { statuses: ['DRAINING', 'ACTIVE'] })),
      alert('cancelled'),
    ],
    [
      'that is done leaves the instance DRAINING',
      order(...begun(3), seen.goingDown(90, {})),
      alert('drained', /stays DRAINING/),
    ],
    ['and ends', order(...begun(3), seen.goingDown(90, {}), seen.told(91, 'drained')), finish('drained')],
    [
      'whose instance was never found ends at its deadline',
      order(
        seen.grouped(1),
        seen.found(2, [], aFailure('denied', 'ecs:ListContainerInstances')),
        seen.told(3, 'stuck'),
        seen.nothing(3_000),
      ),
      alert('failed', /Not drained by its deadline: ecs:ListContainerInstances .* \(denied\)\..* nothing was changed/),
    ],
    [
      'whose instance was not found yet is not given up before the switch was read a last time',
      later(
        order(
          seen.grouped(1),
          seen.found(2, [], aFailure('denied', 'ecs:ListContainerInstances')),
          seen.told(3, 'stuck'),
        ),
        3_000,
      ),
      { kind: 'read-switch' },
    ],
  ]);

  it('names the cluster that was asked for, before one was found', () => {
    const move = decide(that(anOrder({ cluster: 'web' }))(seen.grouped(1), seen.found(2, [], denied)));
    expect(move).toMatchObject({ kind: 'alert', alert: { kind: 'stuck', cluster: 'web', group: 'web-asg' } });
  });

  it('for an instance in no group names none, neither in the alert nor in the result', () => {
    const done = order(...alone, seen.draining(3, 1), seen.told(4, 'started'), seen.goingDown(60, {}));
    expect(decide(done)).toMatchObject({ alert: { group: undefined } });
    const end = decide(remember(done, seen.told(61, 'drained')));
    expect(end.kind === 'finish' && end.outcome).not.toHaveProperty('group');
  });
});

describe('an instance that stays or comes back is set ACTIVE again', () => {
  const policy = { maintenance: 'drain', maintenanceLeadSeconds: 3_600 } as const;
  const LEAD = STARTS - 3_600;
  const ENDS = STARTS + 3_600;
  const wasActive = seen.wanted(LEAD, 2, { statuses: ['ACTIVE'] });
  const drained = (...more: readonly Seen[]): Memory =>
    that(aMaintenanceRequest(), policy)(
      ...found,
      wasActive,
      seen.draining(LEAD + 1, 2),
      seen.told(LEAD + 2, 'started'),
      seen.goingDown(LEAD + 300, {}),
      seen.told(LEAD + 301, 'drained'),
      ...more,
    );
  const root = (...more: readonly Seen[]): Memory =>
    that(aRequest({ departure: 'replace-root-volume' }))(
      seen.leaving(1),
      seen.found(2),
      seen.wanted(2, 2, { statuses: ['ACTIVE'] }),
      seen.draining(3, 2),
      seen.told(4, 'started'),
      seen.goingDown(60, {}),
      seen.released(61),
      ...more,
    );
  const others = (...more: readonly Seen[]): Memory =>
    that(aRequest({ departure: 'replace-root-volume' }))(
      seen.leaving(1),
      seen.found(2),
      seen.wanted(2, 2),
      seen.draining(3, 2),
      seen.told(4, 'started'),
      seen.goingDown(60, {}),
      seen.released(61),
      ...more,
    );
  const planned = (...answers: readonly Seen[]): Memory => that(aMaintenanceRequest(), policy)(...found, ...answers);
  /** The reboot's start comes with a task on the instance. */
  const cutOff = (...more: readonly Seen[]): Memory =>
    planned(
      wasActive,
      seen.draining(LEAD + 1, 2),
      seen.told(LEAD + 2, 'started'),
      seen.wanted(STARTS - 300, 1),
      seen.told(STARTS - 299, 'stuck'),
      seen.wanted(STARTS, 1),
      ...more,
    );
  const OTHER = { cluster: CLUSTER, arn: INSTANCE_ARN.replace(/.{32}$/, 'fedcba9876543210fedcba9876543210') };
  const restore = (members: object) => ({ kind: 'restore', placements: PLACEMENTS, ...members });

  table([
    [
      'a reboot: that it is drained is told',
      that(aMaintenanceRequest(), policy)(
        ...found,
        wasActive,
        seen.draining(LEAD + 1, 2),
        seen.told(LEAD + 2, 'started'),
        seen.goingDown(LEAD + 300, {}),
      ),
      alert('drained', /set ACTIVE again when it is back/),
    ],
    ['a reboot: until it starts, nothing is to be seen', drained(), wait(STARTS - LEAD - 301)],
    ['a reboot: from then on it is looked each minute', later(drained(seen.nothing(STARTS)), STARTS + 60), restore({})],
    [
      'a reboot: while its agent has not been away, it may be yet to come',
      later(drained(seen.nothing(STARTS), seen.notBack(STARTS + 60, false)), STARTS + 120),
      restore({ onlyLook: true }),
    ],
    [
      'a reboot: once its agent has been away, it is set ACTIVE as soon as it is back',
      later(drained(seen.nothing(STARTS), seen.notBack(STARTS + 60, true)), STARTS + 120),
      restore({ onlyLook: false }),
    ],
    [
      'a reboot: when its time is over, it is set ACTIVE whether or not we saw the agent away',
      later(drained(seen.notBack(ENDS - 60, false)), ENDS),
      restore({ onlyLook: false }),
    ],
    [
      'a reboot: back and ACTIVE, that is told',
      drained(seen.restored(ENDS)),
      alert('restored', /back, and ACTIVE again/),
    ],
    ['a reboot: and ends as drained', drained(seen.restored(ENDS), seen.told(ENDS + 1, 'restored')), finish('drained')],
    [
      'a reboot: a call that fails is tried again',
      drained(seen.notBack(ENDS, false, throttled)),
      waitForRetry(drained(seen.notBack(ENDS, false, throttled))),
    ],
    [
      'a reboot: half an hour after its end it is waited for no longer',
      drained(seen.notBack(ENDS + 1_800, true)),
      alert('failed', /its agent has not come back.*ACTIVE by hand/),
    ],
    [
      'a reboot: and that ends as drained, for it was',
      drained(seen.notBack(ENDS + 1_800, true), seen.told(ENDS + 1_801, 'failed')),
      finish('drained'),
    ],
    ['a reboot: but not a minute earlier', drained(seen.notBack(ENDS + 1_740, true)), { kind: 'wait' }],
    [
      'a reboot without an end: two hours are allowed',
      (() => {
        const { endsAt, ...request } = aMaintenanceRequest();
        return that(request, policy)(
          ...found,
          wasActive,
          seen.draining(LEAD + 1, 0),
          seen.told(LEAD + 2, 'started'),
          seen.goingDown(LEAD + 3, {}),
          seen.told(LEAD + 4, 'drained'),
          seen.notBack(STARTS + 7_200 + 1_799, true),
        );
      })(),
      { kind: 'wait' },
    ],
    [
      'a reboot of an instance that somebody else had drained is not ours to end',
      that(aMaintenanceRequest(), policy)(
        ...found,
        seen.wanted(LEAD, 2),
        seen.draining(LEAD + 1, 2),
        seen.told(LEAD + 2, 'started'),
        seen.goingDown(LEAD + 300, {}),
      ),
      alert('drained', /It was DRAINING before we came, so it is left to whoever drained it/),
    ],
    ['a new root volume: that it was released is told', root(), alert('drained', /set ACTIVE again when it is back/)],
    ['a new root volume: then it is waited for', root(seen.told(62, 'drained')), wait(60)],
    [
      'a new root volume: and set ACTIVE as soon as it is in service',
      later(root(seen.told(62, 'drained')), 122),
      restore({ onlyLook: false }),
    ],
    [
      'a new root volume: back and ACTIVE, that is told',
      root(seen.told(62, 'drained'), seen.restored(122)),
      alert('restored'),
    ],
    [
      'a new root volume: half an hour after the release it is waited for no longer',
      root(seen.told(62, 'drained'), seen.notBack(61 + 1_800, false)),
      alert('failed', /ACTIVE by hand/),
    ],
    [
      'a new root volume on an instance that somebody else had drained is not ours to end',
      others(),
      alert('drained', /left to whoever drained it/),
    ],
    ['and ends there', others(seen.told(62, 'drained')), finish('drained')],
    [
      'a new root volume, forced: what was cut off is told, for every task had not stopped',
      that(aRequest({ departure: 'replace-root-volume' }), { deadlineSeconds: 600 })(
        seen.leaving(1),
        seen.found(2),
        seen.wanted(2, 2, { statuses: ['ACTIVE'] }),
        seen.draining(3, 2),
        seen.told(4, 'started'),
        seen.released(600, { STOPPING: 2 }, true),
      ),
      alert('forced', /2 tasks left \(2 STOPPING\)\. These tasks are cut off/),
    ],
    [
      'a new root volume, forced: it is set ACTIVE again all the same',
      later(
        that(aRequest({ departure: 'replace-root-volume' }), { deadlineSeconds: 600 })(
          seen.leaving(1),
          seen.found(2),
          seen.wanted(2, 2, { statuses: ['ACTIVE'] }),
          seen.draining(3, 2),
          seen.told(4, 'started'),
          seen.released(600, { STOPPING: 2 }, true),
          seen.told(601, 'forced'),
        ),
        661,
      ),
      restore({}),
    ],
    [
      'a new root volume, forced: and ends as forced',
      that(aRequest({ departure: 'replace-root-volume' }), { deadlineSeconds: 600 })(
        seen.leaving(1),
        seen.found(2),
        seen.wanted(2, 2, { statuses: ['ACTIVE'] }),
        seen.draining(3, 2),
        seen.told(4, 'started'),
        seen.released(600, { STOPPING: 2 }, true),
        seen.told(601, 'forced'),
        seen.restored(661),
        seen.told(662, 'restored'),
      ),
      finish('forced'),
    ],
    [
      'a new root volume on what is no container instance has nothing to restore',
      that(aRequest({ departure: 'replace-root-volume' }))(seen.leaving(1), seen.found(2, []), seen.released(3)),
      alert('not-a-container-instance'),
    ],
    [
      'a new root volume on an instance that was never found was forced, and that is told',
      that(aRequest({ departure: 'replace-root-volume' }))(
        seen.verifyFailed(1, denied),
        seen.told(2, 'stuck'),
        seen.releasedBlind(2_700),
      ),
      alert('forced', /nothing is known yet/),
    ],
    [
      'of two registrations only the one that was ACTIVE before us is ours to set ACTIVE',
      later(
        that(aMaintenanceRequest(), policy)(
          seen.grouped(1),
          seen.found(2, [...PLACEMENTS, OTHER]),
          {
            kind: 'look',
            look: {
              atMs: atSecond(LEAD),
              instances: { ...instances(2, ['ACTIVE', 'DRAINING']), active: [INSTANCE_ARN] },
            },
          },
          seen.draining(LEAD + 1, 2),
          seen.told(LEAD + 2, 'started'),
          seen.goingDown(LEAD + 300, {}),
          seen.told(LEAD + 301, 'drained'),
          seen.notBack(ENDS - 60, true),
        ),
        ENDS,
      ),
      { kind: 'restore', placements: [...PLACEMENTS, OTHER], ours: [INSTANCE_ARN] },
    ],
    [
      'a reboot that comes before every task has stopped: what it cuts off is told',
      cutOff(),
      alert('forced', /Its maintenance begins: 1 task is still wanted on it\. .* cut off; it is set ACTIVE again when/),
    ],
    ['a reboot that came too early: then the instance is waited for', cutOff(seen.told(STARTS, 'forced')), wait(60)],
    [
      'a reboot that came too early: and set ACTIVE once it has been away',
      later(cutOff(seen.told(STARTS, 'forced'), seen.notBack(STARTS + 60, true)), STARTS + 120),
      restore({ ours: [INSTANCE_ARN], onlyLook: false }),
    ],
    [
      'a reboot that came too early: also where that took a failed call, which says nothing of the tasks',
      later(
        cutOff(
          seen.told(STARTS, 'forced'),
          seen.notBack(STARTS + 60, false, throttled),
          seen.notBack(STARTS + 120, true),
        ),
        STARTS + 180,
      ),
      restore({ onlyLook: false }),
    ],
    [
      'a reboot that came too early: back and ACTIVE, that is told',
      cutOff(seen.told(STARTS, 'forced'), seen.restored(STARTS + 120)),
      alert('restored'),
    ],
    [
      'a reboot that came too early: and ends as forced',
      cutOff(seen.told(STARTS, 'forced'), seen.restored(STARTS + 120), seen.told(STARTS + 121, 'restored')),
      finish('forced'),
    ],
    [
      'a reboot that came too early, of what others had drained: that is told, and left to them',
      planned(seen.wanted(LEAD, 2), seen.draining(LEAD + 1, 2), seen.told(LEAD + 2, 'started'), seen.wanted(STARTS, 1)),
      alert('forced', /These tasks are cut off\.$/),
    ],
    [
      'a reboot that comes after somebody set it ACTIVE is called off, though tasks run on it',
      planned(
        wasActive,
        seen.draining(LEAD + 1, 2),
        seen.told(LEAD + 2, 'started'),
        seen.wanted(STARTS, 1, { statuses: ['ACTIVE'] }),
      ),
      alert('cancelled'),
    ],
    [
      'a reboot of an instance that goes instead: nothing is left to set ACTIVE, and nobody need hear of it',
      drained(seen.notBack(ENDS, true), {
        kind: 'restore',
        atMs: atSecond(ENDS + 60),
        restored: false,
        agentAway: true,
        gone: true,
      }),
      finish('drained'),
    ],
    [
      'a reboot that was told of a day late: the instance still has half an hour to be back',
      that(aMaintenanceRequest({ startsAt: isoSecond(-86_400), endsAt: isoSecond(-82_800) }), policy)(
        ...found,
        seen.wanted(2, 2, { statuses: ['ACTIVE'] }),
        seen.draining(3, 2),
        seen.told(4, 'started'),
        seen.goingDown(30, {}),
        seen.told(31, 'drained'),
      ),
      wait(60),
    ],
    [
      'a pause until long after the reboot’s end takes nothing of the time to come back',
      drained(turned(seen.nothing(STARTS), 'pause'), seen.told(STARTS + 1, 'paused'), seen.nothing(ENDS + 3_500)),
      alert('paused'),
    ],
    [
      'nor does one that is just over',
      later(drained(turned(seen.nothing(STARTS), 'pause'), turned(seen.nothing(ENDS + 3_500), 'act')), ENDS + 3_600),
      restore({}),
    ],
    [
      'but no pause holds it for more than two days',
      drained(turned(seen.nothing(STARTS), 'pause'), seen.told(STARTS + 1, 'paused'), seen.nothing(ENDS + 172_800)),
      alert('failed'),
    ],
    [
      'a new root volume in a pause of half an hour is waited for after it',
      root(turned(seen.told(62, 'drained'), 'pause'), turned(seen.nothing(2_000), 'act'), seen.notBack(2_060, true)),
      { kind: 'wait' },
    ],
    ['a termination restores nothing', havingSeen(seen.leaving(1), seen.found(2)), { kind: 'start-draining' }],
  ]);
});

describe('an instance that Spot stops or hibernates', () => {
  const DAY = 86_400;
  const stopped = (...answers: readonly Seen[]): Memory =>
    that(aSpotRequest({ action: 'stop' }))(...found, seen.wanted(2, 2, { statuses: ['ACTIVE'] }), ...answers);
  const started: readonly Seen[] = [seen.draining(3, 2), seen.told(4, 'started')];
  const drained = (...more: readonly Seen[]): Memory =>
    stopped(...started, seen.goingDown(80, {}), seen.told(81, 'drained'), ...more);
  const restore = (members: object) => ({ kind: 'restore', placements: PLACEMENTS, ours: [INSTANCE_ARN], ...members });
  table([
    [
      'is looked at before it is drained: what was DRAINING before us is not ours to set ACTIVE',
      that(aSpotRequest({ action: 'stop' }))(...found),
      look({ because: expect.stringMatching(/DRAINING before we came/) }),
    ],
    ['then it is drained', stopped(), { kind: 'start-draining' }],
    [
      'that it is empty is told',
      stopped(...started, seen.goingDown(80, {})),
      alert('drained', /set ACTIVE again when it is back/),
    ],
    ['then its two minutes are waited for', drained(), wait(39)],
    ['then it is looked for', later(drained(seen.nothing(120)), 180), restore({ onlyLook: true })],
    [
      'it is not set ACTIVE while it may be yet to be stopped',
      later(drained(seen.notBack(180, false)), 240),
      restore({ onlyLook: true }),
    ],
    ['but once it was away', later(drained(seen.notBack(180, true)), 240), restore({ onlyLook: false })],
    [
      'or when an hour has passed, in which it may have been away unseen',
      later(drained(seen.notBack(3_700, false)), 3_760),
      restore({ onlyLook: false }),
    ],
    ['the longer that takes, the more rarely', drained(seen.notBack(DAY, true)), wait(863)],
    [
      'what is cut off at the end of the two minutes is told',
      stopped(...started, seen.wanted(100, 1), seen.wanted(120, 1)),
      alert('forced', /Its two minutes are over: 1 task is .*cut off; it is set ACTIVE again when it is back/),
    ],
    [
      'and it is looked for all the same',
      later(stopped(...started, seen.wanted(120, 1), seen.told(121, 'forced'), seen.notBack(180, true)), 240),
      restore({}),
    ],
    ['back and ACTIVE, that is told', drained(seen.restored(DAY)), alert('restored')],
    ['and it ends as what it was', drained(seen.restored(DAY), seen.told(DAY + 1, 'restored')), finish('drained')],
    [
      'that is terminated instead is nobody’s any more, and ends without a word',
      drained({ kind: 'restore', atMs: atSecond(DAY), restored: false, agentAway: true, gone: true }),
      finish('drained'),
    ],
    [
      'that does not come back for two weeks is waited for no longer, and somebody should know',
      drained(seen.notBack(120 + 14 * DAY, true)),
      alert('noticed', /not started the instance again for 14 days, and it is DRAINING: .*ACTIVE by hand/),
    ],
    [
      'that somebody else had drained is left to them',
      that(aSpotRequest({ action: 'hibernate' }))(...found, seen.wanted(2, 2), ...started, seen.goingDown(80, {})),
      alert('drained', /left to whoever drained it/),
    ],
    [
      'what was cut off is told in a pause as well',
      stopped(...started, turned(seen.wanted(100, 1), 'pause'), seen.nothing(120)),
      alert('forced'),
    ],
  ]);
});

describe('standalone tasks', () => {
  const stop = { stopStandaloneAfterSeconds: 300, stuckAfterSeconds: 86_400 };
  const started: readonly Seen[] = [seen.leaving(1), seen.found(2), seen.draining(3, 2), seen.told(4, 'started')];
  const stopStandalone = { kind: 'stop-standalone', placements: PLACEMENTS };
  const waiting = havingSeenUnder(stop, ...started, seen.wanted(280, 2));
  table([
    ['are waited for, by default', later(havingSeen(...started, seen.wanted(599, 2)), 602), { kind: 'wait' }],
    ['are stopped so long after DRAINING as policy says', later(waiting, 303), stopStandalone],
    ['which ends a wait', waiting, wait(23)],
    [
      'at once where policy says so',
      havingSeenUnder({ ...stop, stopStandaloneAfterSeconds: 0 }, ...started),
      stopStandalone,
    ],
    [
      'once',
      havingSeenUnder(stop, ...started, seen.wanted(280, 2), seen.standalone(303), seen.wanted(310, 2)),
      { kind: 'wait' },
    ],
    [
      'again where that failed',
      later(havingSeenUnder(stop, ...started, seen.wanted(280, 2), seen.standalone(303, throttled)), 320),
      stopStandalone,
    ],
    ['not on an instance that is empty', havingSeenUnder(stop, ...started, seen.goingDown(400, {})), release({})],
    [
      'also on an order’s instance',
      later(that(anOrder(), stop)(...begun(2), seen.wanted(280, 2)), 303),
      stopStandalone,
    ],
    [
      'not before an instance is DRAINING',
      havingSeenUnder({ ...stop, stopStandaloneAfterSeconds: 0 }, seen.leaving(1), seen.found(400)),
      { kind: expect.not.stringMatching('stop-standalone') },
    ],
  ]);
});

describe('somebody who sets a leaving instance ACTIVE', () => {
  const again = (second: number): Seen[] => [
    seen.wanted(second, 2, { statuses: ['ACTIVE'] }),
    seen.draining(second + 1, 2),
  ];
  const started: readonly Seen[] = [
    seen.leaving(1, anHour),
    seen.found(2),
    seen.draining(3, 2),
    seen.told(4, 'started'),
  ];
  const once = havingSeen(...started, ...again(60));
  table([
    [
      'is answered by draining it again, first',
      havingSeen(...started, ...again(60).slice(0, 1)),
      { kind: 'start-draining' },
    ],
    [
      'but not on an answer that may be older than our own request',
      havingSeen(...started, seen.wanted(20, 2, { statuses: ['ACTIVE'] })),
      { kind: 'wait' },
    ],
    ['nor is it released on one, though no task is left', havingSeen(...started, emptyButActive(20)), { kind: 'wait' }],
    ['then that is told', once, alert('reactivated', /drained again/)],
    ['once', remember(once, seen.told(62, 'reactivated')), { kind: 'wait' }],
    [
      'and told each time that it happens, also within the hour',
      havingSeen(...started, ...again(60), seen.told(62, 'reactivated'), ...again(120)),
      alert('reactivated'),
    ],
    [
      'a telling that failed is tried again',
      havingSeen(...started, ...again(60), seen.told(62, 'reactivated', throttled)),
      alert('reactivated'),
    ],
    [
      'an answer that still says ACTIVE in the very moment it was set DRAINING is no reason to set it once more',
      havingSeen(...started.slice(0, 2), {
        kind: 'start-draining',
        look: { atMs: atSecond(3), instances: instances(2, ['ACTIVE']) },
      }),
      alert('started'),
    ],
  ]);
});

describe('a registration that has gone when it is to be set DRAINING', () => {
  const refused = havingSeen(
    seen.leaving(1),
    seen.found(2),
    seen.drainingFailed(3, aFailure('other', 'ecs:UpdateContainerInstancesState')),
  );
  table([
    ['is refused by ECS: then it is looked what it is now', later(refused, 10), look({})],
    [
      'and released where ECS knows it no more',
      remember(later(refused, 10), seen.deregistered(11)),
      release({ forced: false, because: expect.stringMatching(/no registration/) }),
    ],
    [
      'and tried again where it is there after all',
      remember(later(refused, 10), seen.wanted(11, 2, { statuses: ['ACTIVE'] })),
      { kind: 'start-draining' },
    ],
  ]);
});

describe('a release that was not ours', () => {
  const started: readonly Seen[] = [seen.leaving(1), seen.found(2), seen.draining(3, 2), seen.told(4, 'started')];
  const gone = { instances: { statuses: [], missing: 1, wanted: 0, agentsAway: 0 } };
  const empty = { instances: instances(0), remaining: remaining({}) };
  table([
    [
      'the action had gone, the instance not: every task has stopped, and that is a drain',
      havingSeen(...started, seen.goingDown(60, {}), seen.releasedAlready(61, empty)),
      alert('drained'),
    ],
    [
      'we released before a crash, and the instance went in between: still drained',
      havingSeen(...started, seen.goingDown(60, {}), seen.releasedAlready(61, gone)),
      alert('drained'),
    ],
    [
      'we forced it before a crash, and the instance went in between: still forced',
      havingSeenUnder({ deadlineSeconds: 600 }, ...started, seen.wanted(590, 2), seen.releasedAlready(600, gone, true)),
      alert('forced', /2 tasks are still wanted/),
    ],
    [
      'we forced it before a crash, and only its registration is left since, without an agent: still forced',
      havingSeenUnder(
        { deadlineSeconds: 600 },
        ...started,
        seen.wanted(590, 2),
        seen.releasedAlready(600, { instances: instances(0, ['DRAINING'], 1), remaining: remaining({}) }, true),
      ),
      alert('forced', /2 tasks are still wanted/),
    ],
    [
      'the instance goes at its deadline, and the action waits for us: what went with it is what was seen before',
      havingSeenUnder({ deadlineSeconds: 600 }, ...started, seen.wanted(590, 2), {
        kind: 'release',
        look: { atMs: atSecond(600), ...gone },
        forced: true,
        completed: true,
        already: false,
      }),
      alert('forced', /2 tasks are still wanted/),
    ],
    [
      'we forced it before a crash, and every task has stopped since: that is what the last look shows',
      havingSeenUnder(
        { deadlineSeconds: 600 },
        ...started,
        seen.wanted(590, 2),
        seen.releasedAlready(600, empty, true),
      ),
      alert('drained'),
    ],
    [
      'instance and action had both gone before: no drain, and nobody is to blame',
      havingSeen(...started, seen.wanted(60, 2), seen.deregistered(90), seen.releasedAlready(91, gone)),
      alert('hook-gone', /went away, and its lifecycle action with it/),
    ],
    [
      'the instance had gone, and the action waited for us: drained',
      havingSeen(...started, seen.wanted(60, 2), seen.deregistered(90), {
        kind: 'release',
        look: { atMs: atSecond(91), ...gone },
        forced: false,
        completed: true,
        already: false,
      }),
      alert('drained'),
    ],
  ]);
});
