import { describe, expect, it } from 'vitest';
import type { DrainAlertKind } from '../../src/alert.ts';
import { decide } from '../../src/drain/decide.ts';
import type { Memory } from '../../src/drain/memory.ts';
import { remember } from '../../src/drain/remember.ts';
import { executionName } from '../../src/drain/request.ts';
import type { Seen } from '../../src/drain/seen.ts';
import type { Failure } from '../../src/ports.ts';
import {
  aFailure,
  aRequest,
  aSpotRequest,
  atSecond,
  havingSeen,
  havingSeenFor,
  later,
  seen,
  turned,
} from '../support/build.ts';
import { alert, table } from '../support/moves.ts';

const denied = aFailure('denied');
const begun: readonly [Seen, ...Seen[]] = [
  seen.leaving(1),
  seen.found(2),
  seen.draining(3, 4),
  seen.told(4, 'started'),
];
const drain = (...answers: readonly Seen[]): Memory => havingSeen(...begun, ...answers);
const misread = (answer: Seen): Seen => ({ ...answer, settings: { mistakes: 'it is not JSON' } });
const over = (second: number, problem: DrainAlertKind, failure?: Failure): Seen => ({
  kind: 'alert',
  atMs: atSecond(second),
  alert: 'resolved',
  resolves: [problem],
  ...(failure && { failure }),
});
const resolved = (problems: readonly string[], because: RegExp = /./) => ({
  kind: 'alert',
  alert: expect.objectContaining({
    kind: 'resolved',
    resolves: problems,
    because: expect.stringMatching(because),
  }),
});
const ending = (kind: string, problems: readonly string[]) => ({
  kind: 'alert',
  alert: expect.objectContaining({ kind, resolves: problems }),
});
const goesOn = { kind: 'wait' };

/** Told at 605 s that nothing has changed for ten minutes. */
const stalled = (...answers: readonly Seen[]): Memory =>
  drain(seen.wanted(603, 4), seen.diagnosis(604), seen.told(605, 'stuck'), ...answers);

describe('a stall that people heard of', () => {
  table([
    ['is over when something moves', stalled(seen.wanted(700, 3)), resolved(['stuck'], /gets on again: 3 tasks/)],
    ['is not over while nothing does', stalled(seen.wanted(700, 4)), goesOn],
    ['is not over for a look that fails', stalled(seen.lookFailed(700, denied)), goesOn],
    [
      'is not over because of a pause, though nobody is to blame in it',
      stalled(
        turned(seen.wanted(633, 4), 'pause'),
        seen.told(634, 'paused'),
        turned(over(700, 'paused'), 'act'),
        seen.wanted(733, 4),
      ),
      goesOn,
    ],
    [
      'is over with the drain where that ends at the same moment',
      stalled(seen.goingDown(700, {})),
      { kind: 'release', forced: false },
    ],
    ['and then the ending says so', stalled(seen.goingDown(700, {}), seen.released(701)), ending('drained', ['stuck'])],
    [
      'is over with a forced end as well',
      stalled(seen.wanted(2_900, 4), seen.told(2_901, 'stuck'), seen.released(3_000, { RUNNING: 4 }, true)),
      ending('forced', ['stuck']),
    ],
  ]);

  it('is said to be over once', () => {
    const memory = stalled(seen.wanted(700, 3), over(701, 'stuck'));
    expect(decide(memory)).not.toMatchObject({ kind: 'alert' });
    const drained = [seen.goingDown(760, {}), seen.released(761)].reduce(remember, memory);
    expect(decide(drained)).toMatchObject(alert('drained'));
    expect(decide(drained)).not.toHaveProperty('alert.resolves');
  });

  it('that comes again after it was over is told ten minutes after the first, and is over once more', () => {
    const memory = stalled(seen.wanted(700, 3), over(701, 'stuck'));
    const again = [seen.wanted(1_310, 3), seen.diagnosis(1_311)].reduce(remember, memory);
    expect(decide(again)).toMatchObject(alert('stuck'));
    const told = [seen.told(1_312, 'stuck'), seen.wanted(1_400, 2)].reduce(remember, again);
    expect(decide(told)).toMatchObject(resolved(['stuck']));
  });

  it('that could not be told need not be said to be over', () => {
    const tried = [605, 606, 607].map((second) => seen.told(second, 'stuck', denied));
    const unheard = drain(seen.wanted(603, 4), seen.diagnosis(604), ...tried, seen.wanted(700, 3));
    expect(decide(unheard)).not.toMatchObject({ kind: 'alert' });
  });

  it('whose good news cannot be published does not hold the drain up', () => {
    const failing = [701, 702, 703].map(
      (second) => ({ ...seen.told(second, 'resolved', denied), resolves: ['stuck'] }) as Seen,
    );
    const memory = stalled(seen.wanted(700, 3));
    expect(decide(failing.slice(0, 2).reduce(remember, memory))).toMatchObject(resolved(['stuck']));
    expect(decide(failing.reduce(remember, memory))).not.toMatchObject({ kind: 'alert' });
  });
});

describe('calls that failed until people heard of it', () => {
  const unreadable = havingSeen(seen.leaving(1), seen.found(2, [], denied), seen.told(3, 'stuck'));
  table([
    ['are over when they answer', remember(unreadable, seen.found(60)), resolved(['stuck'], /answers again/)],
    [
      'are not over while the heartbeat still fails, whatever else answers',
      drain(seen.heartbeat(60, denied), seen.told(61, 'stuck'), seen.wanted(90, 4)),
      goesOn,
    ],
  ]);

  it('are over with an ending that nobody hears of otherwise', () => {
    // Prepare: Spot takes an instance that is in no cluster, which is worth nobody's attention.
    const answers = [seen.grouped(1), seen.found(2, [], denied), seen.told(3, 'stuck'), seen.found(60, [])];

    // Act
    const memory = havingSeenFor(aSpotRequest(), {}, ...answers);

    // Assess
    expect(decide(memory)).toMatchObject(resolved(['stuck'], /in no ECS cluster/));
    const told = remember(memory, over(61, 'stuck'));
    expect(decide(told)).toMatchObject({ kind: 'finish', outcome: { outcome: 'not-a-container-instance' } });
  });
});

describe('a switch', () => {
  const paused = drain(turned(seen.wanted(33, 4), 'pause'), seen.told(34, 'paused'));
  const garbled = drain(misread(seen.wanted(33, 4)), seen.told(34, 'misconfigured'));
  table([
    [
      'that no longer says pause: the look that is due comes first',
      later(remember(paused, turned(seen.nothing(94), 'act')), 200),
      { kind: 'look' },
    ],
    [
      'that no longer says pause is told when the instance is not empty',
      [turned(seen.nothing(94), 'act'), seen.wanted(95, 4)].reduce(remember, paused),
      resolved(['paused'], /no longer says pause, but act/),
    ],
    [
      'that can be read again is told',
      remember(garbled, turned(seen.wanted(66, 4), 'act')),
      resolved(['misconfigured'], /can be read again: it says act/),
    ],
    [
      'that can be read again, and says pause, is told before the pause',
      remember(garbled, turned(seen.wanted(66, 4), 'pause')),
      alert('paused'),
    ],
    [
      'that can be read again in a pause is told there',
      [misread(seen.nothing(94)), seen.told(95, 'misconfigured'), turned(seen.nothing(160), 'pause')].reduce(
        remember,
        paused,
      ),
      resolved(['misconfigured']),
    ],
    [
      'that says pause again after that was over is told again, ten minutes after the first',
      [turned(seen.nothing(94), 'act'), over(96, 'paused'), turned(seen.wanted(634, 4), 'pause')].reduce(
        remember,
        paused,
      ),
      alert('paused'),
    ],
    [
      'and not sooner',
      [turned(seen.nothing(94), 'act'), over(96, 'paused'), turned(seen.wanted(633, 4), 'pause')].reduce(
        remember,
        paused,
      ),
      goesOn,
    ],
    [
      'that is mended and turned at once is told in one alert',
      [
        misread(seen.nothing(94)),
        seen.told(95, 'misconfigured'),
        turned(seen.nothing(160), 'act'),
        seen.wanted(161, 4),
      ].reduce(remember, paused),
      resolved(['misconfigured', 'paused']),
    ],
  ]);
});

describe('all alerts of one drain', () => {
  it('have the name of its execution, so that what one opens another can close', () => {
    const told = decide(stalled(seen.wanted(700, 3)));
    expect(told).toMatchObject({ alert: { drain: executionName(aRequest()) } });
  });
});
