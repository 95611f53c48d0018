import { beforeAll, describe, expect, it } from 'vitest';
import type { Handles } from '../../sim/region.ts';
import type { Report } from '../../sim/report.ts';
import type { Bundles, Run } from '../../sim/run.ts';
import { loadBundles, readScenario, run, scenarioNames } from '../../sim/run.ts';
import type { Scenario } from '../../sim/scenario.ts';
import { parseScenario } from '../../sim/scenario.ts';

/** What each rollout comes to, and what people hear of it on the way: what outcomes.test.ts is for drains. */

const ROLLED = ['rolled', 'rolled'];
const TOLD = 'image-available rollout-started rollout-done';
const ASKED = 'approval-needed resolved rollout-started rollout-done';

/** What the releases and their fleets came to, in any order, for two that begin at once are the seed's to order; and the kinds of alerts, each once. */
const EXPECTED: Readonly<Record<string, readonly [outcomes: readonly string[], alerts: string]>> = {
  'rollout-alarm': [['stopped', 'rolled-back'], 'image-available rollout-started rolled-back'],
  'rollout-all-tags': [ROLLED, TOLD],
  'rollout-approved': [ROLLED, ASKED],
  'rollout-auto': [ROLLED, TOLD],
  'rollout-bad-image': [['stopped', 'rolled-back'], 'image-available rollout-started rolled-back'],
  'rollout-bake': [[...ROLLED, ...ROLLED], 'image-available rollout-started rollout-waiting resolved rollout-done'],
  'rollout-blind': [['stopped', 'rolled-back'], 'image-available rollout-started rolled-back'],
  'rollout-by-event': [ROLLED, TOLD],
  'rollout-cancelled': [['cancelled', 'rolled-back'], 'image-available rollout-started rolled-back rollout-ended'],
  'rollout-crashed': [ROLLED, TOLD],
  'rollout-duplicates': [ROLLED, TOLD],
  'rollout-follow': [[...ROLLED, ...ROLLED], TOLD],
  'rollout-follow-two': [['rolled', ...ROLLED, 'rolled', 'rolled'], TOLD],
  'rollout-keep': [['nothing-to-do'], 'image-available'],
  'rollout-keep-numbered': [['nothing-to-do', ...ROLLED], TOLD],
  'rollout-keep-parameter': [['nothing-to-do', ...ROLLED], TOLD],
  'rollout-keep-written': [['nothing-to-do', ...ROLLED], TOLD],
  'rollout-mixed': [[...ROLLED, ...ROLLED], TOLD],
  'rollout-notify': [['notified', 'notified'], 'image-available'],
  'rollout-observe': [ROLLED, 'image-available rollout-paused resolved rollout-started rollout-done'],
  'rollout-paused': [ROLLED, 'image-available rollout-started rollout-paused resolved rollout-done'],
  'rollout-protected': [ROLLED, TOLD],
  'rollout-quota': [ROLLED, 'image-available rollout-waiting resolved rollout-started rollout-done'],
  'rollout-refresh-running': [ROLLED, TOLD],
  'rollout-refused': [['rejected'], 'approval-needed rollout-ended'],
  'rollout-scaled': [ROLLED, TOLD],
  'rollout-spot-bad-image': [['stopped', 'rolled-back'], 'image-available rollout-started rolled-back'],
  'rollout-spot-cancelled': [['cancelled', 'rolled-back'], 'image-available rollout-started rolled-back rollout-ended'],
  'rollout-spot-crashed': [ROLLED, TOLD],
  'rollout-spot-fleet': [ROLLED, TOLD],
  'rollout-spot-no-capacity': [['stopped', 'rolled-back'], 'image-available rollout-started rolled-back'],
  'rollout-spot-opted-out': [['stopped', 'rolled-back'], 'image-available rollout-started rolled-back'],
  'rollout-spot-refused': [
    ['stopped', 'rolled', 'blocked', 'blocked', 'blocked'],
    'image-available rollout-started rollout-stopped',
  ],
  'rollout-spot-switch': [ROLLED, 'image-available rollout-started rollout-paused resolved rollout-done'],
  'rollout-spot-target-changed': [['stopped', 'rolled-back'], 'image-available rollout-started rolled-back'],
  // Of the second release, the fleet that the first one made is rolled; the old one is not there any more.
  'rollout-spot-twice': [[...ROLLED, 'rolled', 'rolled', 'up-to-date', 'nothing-to-do'], TOLD],
  'rollout-spot-unlisted': [ROLLED, TOLD],
  'rollout-standby': [ROLLED, 'image-available rollout-waiting resolved rollout-started rollout-done'],
  'rollout-superseded': [
    ['superseded', ...ROLLED],
    'approval-needed rollout-ended resolved rollout-started rollout-done',
  ],
  'rollout-superseded-midway': [[...ROLLED, ...ROLLED], TOLD],
  'rollout-switch-midway': [ROLLED, 'image-available rollout-started rollout-paused resolved rollout-done'],
  'rollout-throttled': [ROLLED, TOLD],
  'rollout-throttled-mixed': [[...ROLLED, ...ROLLED], TOLD],
  'rollout-throttled-paused': [ROLLED, 'image-available rollout-started rollout-paused resolved rollout-done'],
  'rollout-throttled-spot': [ROLLED, TOLD],
  'rollout-unanswered': [['expired'], 'approval-needed rollout-stopped'],
  'rollout-undrained': [['stopped', 'blocked'], 'image-available rollout-stopped'],
  'rollout-unsteady': [ROLLED, 'image-available rollout-waiting resolved rollout-started rollout-done'],
  'rollout-untagged': [ROLLED, TOLD],
  'rollout-warm-pool': [ROLLED, TOLD],
  'rollout-waves': [['rolled', ...ROLLED, 'rolled'], TOLD],
  'rollout-waves-stopped': [['stopped', 'rolled-back'], 'image-available rollout-started rolled-back rollout-stopped'],
  'rollout-window': [ROLLED, TOLD],
};

/** Two simulated weeks are two thousand looks: one seed. */
const SEEDS: Readonly<Record<string, readonly number[]>> = {
  'rollout-unanswered': [1],
  // Whether a quota has an applied value is the seed's choice.
  'rollout-quota': [1, 2, 3, 4, 5],
};
const seedsOf = (name: string): readonly number[] => SEEDS[name] ?? [1, 2];

/** With EVERY_CRASH set, a scenario is played a thousand times. */
const EVERY_CRASH_MS = 3_600_000;

let bundles: Bundles;
beforeAll(async () => {
  bundles = await loadBundles();
});

const play = (name: string, seed = 1, handles: Handles = {}): Promise<Run> =>
  run(readScenario(name), seed, { bundles, engine: 'store', ...handles });
/**
 * Whatever is promoted leads to a release for whoever follows it: where nobody does, that comes to nothing, and is left out
 * here, as is the hint that led to it.
 */
const rolloutsOf = ({ rollouts = [] }: Report) =>
  rollouts.filter(
    ({ source, outcome }) =>
      !(source?.startsWith('/ecs-drain/verified/') && ['nothing-to-do', 'handed-over'].includes(outcome)),
  );
const outcomesOf = (report: Report): string[] => rolloutsOf(report).map(({ outcome }) => outcome);
/** What people hear of rollouts, past the drains. */
const toldOf = ({ alerts }: Report) => alerts.filter(({ instanceId }) => instanceId === null);

/** What was done to groups, and when, in seconds. */
interface Course {
  /** Refreshes that we started, and starts of ours that AWS refused. */
  readonly starts: number[];
  readonly refused: number[];
  readonly cancels: number[];
  /** Instances that a refresh took. */
  readonly replaced: number[];
  /** How often each execution was started or asked for. */
  readonly asked: Map<string, number>;
}

/** Plays it, and follows what is done. */
async function follow(name: string, seed = 1): Promise<Run & Course> {
  const course: Course = { starts: [], refused: [], cancels: [], replaced: [], asked: new Map() };
  const played = await play(name, seed, {
    watch: ({ world }) =>
      world.on((event) => {
        const now = world.clock.nowSeconds();
        if (event.kind === 'instance-terminating' && event.cause === 'an instance refresh') course.replaced.push(now);
        if (event.kind !== 'call') return;
        const { operation, error, input } = event;
        if (operation === 'StartInstanceRefresh') (error === undefined ? course.starts : course.refused).push(now);
        if (operation === 'CancelInstanceRefresh' && error === undefined) course.cancels.push(now);
        const { DurableExecutionName: asked } = input as { DurableExecutionName?: string };
        if (operation === 'Invoke' && asked) course.asked.set(asked, (course.asked.get(asked) ?? 0) + 1);
      }),
  });
  return { ...played, ...course };
}

/** What ECS has of the instances. */
function statusesOf({ ecs }: Run['region'], instanceIds: readonly string[]): (string | undefined)[] {
  const filter = `ec2InstanceId in [${instanceIds.map((id) => `'${id}'`).join(', ')}]`;
  const { containerInstanceArns } = ecs.operations.ListContainerInstances({ cluster: 'web', filter });
  return ecs.operations
    .DescribeContainerInstances({ cluster: 'web', containerInstances: containerInstanceArns })
    .containerInstances.map(({ status }) => status);
}

/** The refreshes of the group, the first one first. */
const refreshesOf = ({ autoScaling }: Run['region']) =>
  autoScaling.operations.DescribeInstanceRefreshes({ AutoScalingGroupName: 'web-asg' }).InstanceRefreshes.toReversed();

describe('what is told of', () => {
  it.each(Object.entries(EXPECTED))(
    '%s is what happens, and no rule is broken',
    async (name, [outcomes, alerts]) => {
      for (const seed of seedsOf(name)) {
        const { report, region } = await play(name, seed);
        expect(report.violations, `seed ${seed}`).toEqual([]);
        expect(outcomesOf(report).sort(), `seed ${seed}`).toEqual([...outcomes].sort());
        expect([...new Set(toldOf(report).map(({ kind }) => kind))].join(' '), `seed ${seed}`).toBe(alerts);
        expect(report.instances.every(({ tasksCut }) => tasksCut === 0)).toBe(true);
        for (const { name: execution, operations } of region.lambda.executions()) {
          expect(operations, execution).toBeLessThan(1_500);
        }
      }
    },
    120_000,
  );

  it('a scenario is told of here, whichever rolls images out', () => {
    expect(Object.keys(EXPECTED)).toEqual(scenarioNames().filter((name) => readScenario(name).rollouts));
  });
});

describe('what the scenarios are for', () => {
  it('rollout-bad-image: stopped at one instance, and all of them run the old image again', async () => {
    const { report, region } = await play('rollout-bad-image');
    const launched = region.instancesOf('web-asg').length - 4;
    // The one that never joined, and the one that came for it.
    expect(launched).toBe(2);
    expect(toldOf(report).at(-1)?.because).toContain('ECS has not seen it at work');
    const images = region.autoScaling.launched().map(({ launched }) => launched.image.id);
    expect(new Set(images)).toEqual(new Set([region.amis.behind('al2023/x86_64', 1).id]));
  });

  it.each([3, 4, 7, 9])(
    'rollout-bad-image: one of %i instances is replaced, though half of them might be',
    async (instances) => {
      const scenario = withRoom(readScenario('rollout-bad-image'));
      const clusters = scenario.clusters.map((cluster) => ({
        ...cluster,
        instances,
        instanceCpu: 256 * (1 + Math.ceil(12 / instances)),
        maximum: 2 * instances,
        tags: { ...cluster.tags, 'ecs-drain:healthy': '50-150' },
      }));
      const { report, region } = await run({ ...scenario, clusters }, 1, { bundles, engine: 'store' });
      expect(report.violations).toEqual([]);
      expect(outcomesOf(report)).toEqual(['stopped', 'rolled-back']);
      // The one that never joined, and the one that came for it.
      expect(region.instancesOf('web-asg')).toHaveLength(instances + 2);
    },
  );

  it('rollout-observe: not one instance goes before the switch says act', async () => {
    const { report } = await play('rollout-observe');
    expect(Math.min(...report.instances.map(({ drainingAtSeconds }) => drainingAtSeconds ?? 0))).toBeGreaterThan(
      12_000,
    );
  });

  it.each(['images', 'attributes'] as const)(
    'rollout-mixed: nothing is left out where %s say what is launched, whatever AWS takes for the same',
    async (mixed) => {
      const scenario = readScenario('rollout-mixed');
      const clusters = scenario.clusters.map((cluster) => ({ ...cluster, mixed }));
      for (const seed of [1, 2, 3, 4]) {
        const { report, region } = await run({ ...scenario, clusters }, seed, { bundles, engine: 'store' });
        expect(report.violations, `seed ${seed}`).toEqual([]);
        const running = new Set(region.autoScaling.launched().map(({ launched }) => launched.image.id));
        const families =
          mixed === 'images' ? (['al2023/x86_64', 'al2023/arm64'] as const) : (['al2023/x86_64'] as const);
        expect(running, `seed ${seed}`).toEqual(new Set(families.map((family) => region.amis.recommended(family).id)));
      }
    },
    60_000,
  );

  it('rollout-keep-numbered: a bad image is stopped at one instance, and people hear why AWS cannot take it back', async () => {
    const scenario = readScenario('rollout-keep-numbered');
    const events = scenario.events.map(({ release, ...event }) => ({
      ...event,
      ...(release && { release: { ...release, flaw: 'agent-never-joins' as const } }),
    }));
    const { report, region } = await run({ ...scenario, events }, 1, { bundles, engine: 'store' });
    expect(report.violations).toEqual([]);
    expect(outcomesOf(report)).toEqual(['nothing-to-do', 'stopped', 'mixed']);
    expect(region.instancesOf('web-asg')).toHaveLength(5);
    expect(toldOf(report).at(-1)).toMatchObject({
      kind: 'rollout-failed',
      because: expect.stringContaining('AWS cannot roll it back: its own template names this image already'),
    });
  });

  it('rollout-unsteady: nothing is begun before there is room again, and people hear why after an hour', async () => {
    const { report, starts } = await follow('rollout-unsteady');
    expect(starts).toHaveLength(1);
    expect(starts[0]).toBeGreaterThan(12_000);
    const [announced, waiting] = toldOf(report);
    expect(waiting).toMatchObject({ kind: 'rollout-waiting', because: expect.stringContaining('api: not steady') });
    const afterSeconds = (waiting?.atSeconds ?? 0) - (announced?.atSeconds ?? 0);
    expect(afterSeconds).toBeGreaterThan(3_600);
    expect(afterSeconds).toBeLessThan(4_500);
  });

  it('rollout-waves-stopped: the later waves are never touched, and people hear that they are held back', async () => {
    const { report } = await play('rollout-waves-stopped');
    expect(rolloutsOf(report).map(({ fleet }) => fleet)).toEqual([undefined, 'group/dev-asg']);
    expect(toldOf(report).at(-1)).toMatchObject({
      kind: 'rollout-stopped',
      because: expect.stringContaining('2 further fleets are not begun'),
    });
  });

  it('rollout-follow: production is begun by the word that staging was verified, and not before it', async () => {
    const { report, region } = await play('rollout-follow');
    expect(rolloutsOf(report).map(({ source, fleet }) => fleet ?? source)).toEqual([
      'al2023/x86_64',
      'group/stage-asg',
      '/ecs-drain/verified/al2023/x86_64',
      'group/prod-asg',
    ]);
    const [, stage, , , production] = region.lambda
      .executions()
      .filter(({ functionName }) => functionName === 'ecs-drain-ami-update');
    expect(production?.startedAtMs).toBeGreaterThan(stage?.closedAtMs ?? Number.POSITIVE_INFINITY);
    // What follows is no family: it is promoted to nobody.
    const { id } = region.amis.recommended('al2023/x86_64');
    expect(region.ssm.get('/ecs-drain/verified/al2023/x86_64:1')).toBe(id);
    expect(region.ssm.get('/ecs-drain/verified/al2023/x86_64:2')).toBeUndefined();
  });

  it('rollout-superseded-midway: what was verified is promoted, and not what the parameter says by then', async () => {
    const promoted: string[] = [];
    await play('rollout-superseded-midway', 1, {
      watch: ({ world }) =>
        world.on((event) => {
          if (event.kind !== 'call' || event.operation !== 'PutParameter') return;
          const { Name, Value } = event.input as { Name: string; Value: string };
          if (Name === '/ecs-drain/verified/al2023/x86_64') promoted.push(Value);
        }),
    });
    expect(promoted).toHaveLength(2);
    expect(new Set(promoted).size).toBe(2);
  });

  it('rollout-paused: a newer release that comes in the pause ends it as mixed, is told of, and rolls the rest', async () => {
    const scenario = readScenario('rollout-paused');
    const newer = { atSeconds: 5_000, release: { family: 'al2023/x86_64' as const } };
    const { report } = await run({ ...scenario, events: [...scenario.events, newer] }, 1, { bundles, engine: 'store' });
    expect(report.violations).toEqual([]);
    expect(outcomesOf(report)).toEqual(['stopped', 'mixed', 'rolled', 'rolled']);
    expect(toldOf(report).map(({ kind }) => kind)).toContain('rollout-failed');
    for (const { because } of report.alerts) expect(because).not.toMatch(/[.]{2}$/);
  });

  it('rollout-paused: its refresh is cancelled, nothing is replaced in the pause, and the rest after it', async () => {
    const { starts, cancels, replaced } = await follow('rollout-paused');
    expect([starts.length, cancels.length]).toEqual([2, 1]);
    const [cancelled = 0] = cancels;
    expect(cancelled).toBeGreaterThan(4_200);
    expect(cancelled).toBeLessThan(4_320);
    const before = replaced.filter((at) => at < cancelled).length;
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(4);
    expect(replaced.filter((at) => at >= cancelled && at < 6_600)).toEqual([]);
    expect(starts[1]).toBeGreaterThan(6_600);
    expect(replaced).toHaveLength(4);
  });

  it('rollout-window: it begins within its window, and at once', async () => {
    // Four in the morning in Berlin, in winter.
    const [opensSeconds, { starts }] = [3 * 3_600, await follow('rollout-window')];
    expect(starts).toHaveLength(1);
    expect(starts[0]).toBeGreaterThan(opensSeconds);
    expect(starts[0]).toBeLessThan(opensSeconds + 300);
  });

  it('rollout-refresh-running: ours begins after the end of the other one, and no start is refused', async () => {
    const { region, starts, refused } = await follow('rollout-refresh-running');
    const [other, ours] = refreshesOf(region);
    expect(other?.EndTime?.getTime()).toBeLessThan(ours?.StartTime?.getTime() ?? 0);
    expect(refreshesOf(region)).toHaveLength(2);
    expect([starts.length, refused.length]).toEqual([1, 0]);
  });

  it('rollout-duplicates: the release is asked for more than once, and something else as well, in each seed', async () => {
    for (const seed of seedsOf('rollout-duplicates')) {
      const { asked, region } = await follow('rollout-duplicates', seed);
      const twice = [...asked].filter(([, count]) => count > 1).map(([name]) => name);
      const releases = region.lambda.executions().filter(({ input }) => JSON.parse(input).kind === 'release');
      expect(twice, `seed ${seed}`).toContain(releases[0]?.name);
      expect(twice.length, `seed ${seed}`).toBeGreaterThan(1);
    }
  });

  it.each(['rollout-throttled', 'rollout-throttled-mixed', 'rollout-throttled-paused', 'rollout-throttled-spot'])(
    '%s: calls of the rollout itself fail, all attempts of an SDK being throttled',
    async (name) => {
      for (const seed of seedsOf(name)) {
        const inARow = new Map<string, number>();
        const failed: string[] = [];
        const { region } = await play(name, seed, {
          watch: ({ world }) =>
            world.on((event) => {
              if (event.kind !== 'call' || event.by === undefined) return;
              const key = `${event.by} ${event.operation}`;
              const count = /Thrott|RequestLimit|TooMany/.test(event.error ?? '') ? (inARow.get(key) ?? 0) + 1 : 0;
              inARow.set(key, count);
              if (count === 5) failed.push(event.by);
            }),
        });
        const ours = new Set(
          region.lambda
            .executions()
            .flatMap(({ name: one, input }) => (/"kind":"(release|fleet)"/.test(input) ? [one] : [])),
        );
        expect(failed.filter((by) => ours.has(by)).length, `seed ${seed}`).toBeGreaterThan(3);
      }
    },
  );

  it('rollout-all-tags: its refresh has what the tags say, and begins no sooner than they say', async () => {
    const { region, starts } = await follow('rollout-all-tags');
    const [refresh] = refreshesOf(region);
    expect(refresh?.Preferences).toMatchObject({
      MinHealthyPercentage: 90,
      MaxHealthyPercentage: 150,
      CheckpointPercentages: [16, 50, 100],
      CheckpointDelay: 720,
      BakeTime: 1_800,
      AlarmSpecification: { Alarms: ['errors', 'latency'] },
    });
    // Three hours after the release.
    expect(starts[0]).toBeGreaterThan(600 + 3 * 3_600);
    const { StartTime, EndTime } = refresh ?? {};
    // Two rests, and the bake time.
    expect(((EndTime?.getTime() ?? 0) - (StartTime?.getTime() ?? 0)) / 1000).toBeGreaterThan(2 * 720 + 1_800);
  });

  it('rollout-alarm: the new instances go, and all of the old image are there again', async () => {
    const { report, region } = await follow('rollout-alarm');
    expect(refreshesOf(region).map(({ Status }) => Status)).toEqual(['RollbackSuccessful']);
    expect(toldOf(report).at(-1)?.because).toContain('latency');
  });

  it('rollout-spot-bad-image and -cancelled: the old fleet stays as it was, and its instances take tasks', async () => {
    for (const name of ['rollout-spot-bad-image', 'rollout-spot-cancelled']) {
      const { report, region } = await play(name);
      const [old, copy] = [...region.spotFleets.fleets.values()];
      expect([old?.state, old?.target, copy?.state], name).toEqual(['active', 3, 'cancelled']);
      const instances = [...(old?.instances.values() ?? [])];
      expect(
        instances.filter(({ isGone }) => !isGone),
        name,
      ).toHaveLength(3);
      expect(
        statusesOf(
          region,
          instances.map(({ id }) => id),
        ),
        name,
      ).toEqual(['ACTIVE', 'ACTIVE', 'ACTIVE']);
      const drained = report.instances.filter(({ instanceId }) => old?.instances.has(instanceId));
      expect(drained.length > 0, name).toBe(name === 'rollout-spot-cancelled');
    }
  });

  it('rollout-spot-fleet: its copy dies while the old instances are drained, and those take tasks again', async () => {
    let isBegun = false;
    const { report, region } = await play('rollout-spot-fleet', 1, {
      watch: ({ world, spotFleets, ec2 }) =>
        world.on((event) => {
          if (isBegun || event.kind !== 'container-instance' || event.status !== 'DRAINING') return;
          isBegun = true;
          spotFleets.setCapacity('spots', false);
          const [, copy] = [...spotFleets.fleets.values()];
          world.clock.after(1_000, () => {
            for (const id of copy?.instances.keys() ?? []) ec2.vanish(id, 'spot');
          });
        }),
    });
    expect(report.violations).toEqual([]);
    expect(outcomesOf(report)).toEqual(['stopped', 'rolled-back']);
    const [old, copy] = [...region.spotFleets.fleets.values()];
    expect([old?.state, old?.target, copy?.state]).toEqual(['active', 3, 'cancelled']);
    expect(statusesOf(region, [...(old?.instances.keys() ?? [])])).toEqual(['ACTIVE', 'ACTIVE', 'ACTIVE']);
  });

  it('rollout-refused, rollout-keep, rollout-notify and rollout-undrained change nothing', async () => {
    for (const name of ['rollout-refused', 'rollout-keep', 'rollout-notify', 'rollout-undrained']) {
      const { calls } = (await play(name)).report;
      for (const call of ['autoscaling:StartInstanceRefresh', 'ec2:CreateLaunchTemplateVersion'])
        expect(calls, name).not.toHaveProperty(call);
    }
  });

  /** The only service of one task: half of it is one task, and all of it no more. */
  const SINGLE = { name: 'single', desired: 1, minimumHealthyPercent: 50, maximumPercent: 100 };

  it.each([
    [
      'a launch configuration',
      () => ({ template: 'configuration' as const }),
      ['nothing-to-do'],
      /is there; no fleet is rolled\.$/,
    ],
    [
      'a single task that may not be moved',
      (services: readonly object[]) => ({ services: [...services, SINGLE] }),
      ['stopped', 'blocked'],
      /^group\/web-asg: service single: .*neither stop a task first nor start one more/,
    ],
  ])(
    'rollout-auto with %s: its people hear of it at once, and nothing is changed',
    async (_, change, outcomes, told) => {
      const scenario = readScenario('rollout-auto');
      const clusters = scenario.clusters.map((cluster) => ({ ...cluster, ...change(cluster.services) }));
      const text = JSON.stringify({ ...scenario, clusters });
      const { report } = await run(parseScenario(text, 'a test'), 1, { bundles, engine: 'store' });
      expect(report.violations).toEqual([]);
      expect(outcomesOf(report)).toEqual(outcomes);
      expect(toldOf(report).map(({ kind }) => kind)).toContain('image-available');
      expect(toldOf(report).at(-1)?.because).toMatch(told);
      expect(report.calls).not.toHaveProperty('autoscaling:StartInstanceRefresh');
      expect(report.alerts.every(({ instanceId }) => instanceId === null)).toBe(true);
    },
  );

  it('rollout-protected: where ECS has let go of one instance, that it is protected by a capacity provider still counts', async () => {
    const { report } = await play('rollout-protected', 1, {
      watch: ({ world, autoScaling, instancesOf }) =>
        world.on((event) => {
          if (event.kind === 'call' && event.operation === 'DescribeImages')
            autoScaling.setProtected(instancesOf('web-asg')[0] ?? '', false);
        }),
    });
    expect(report.violations).toEqual([]);
    expect(outcomesOf(report)).toEqual(ROLLED);
  });

  it('rollout-quota: nothing is touched while it waits, and people hear once how much is missing', async () => {
    const changes: number[] = [];
    const { report } = await play('rollout-quota', 1, {
      watch: ({ world }) =>
        world.on((event) => {
          if (event.kind === 'call' && /^(CreateLaunchTemplateVersion|StartInstanceRefresh)$/.test(event.operation))
            changes.push(world.clock.nowSeconds());
        }),
    });
    const RAISED_SECONDS = 12_000;
    const problems = toldOf(report).filter(({ kind }) => ['rollout-waiting', 'resolved'].includes(kind));
    expect(problems.map(({ kind }) => kind)).toEqual(['rollout-waiting', 'resolved']);
    expect(problems[0]?.because).toContain('2 instances at once need 8 vCPUs, and 4 are left of "Running On-Demand');
    expect(problems[1]?.atSeconds).toBeGreaterThan(RAISED_SECONDS);
    expect(changes).toHaveLength(2);
    expect(Math.min(...changes)).toBeGreaterThan(RAISED_SECONDS);
  });

  it('rollout-quota: how much is left may change as often as it will, people hear of it once', async () => {
    const scenario = readScenario('rollout-quota');
    const others = [4_000, 8_000, 9_000, 10_000].map((atSeconds, i) => ({
      atSeconds,
      quota: { code: 'L-1216C47A' as const, vCpus: 17 + i },
    }));
    const { report } = await run({ ...scenario, events: [...scenario.events, ...others] }, 1, {
      bundles,
      engine: 'store',
    });
    expect(report.violations).toEqual([]);
    expect(toldOf(report).filter(({ kind }) => kind === 'rollout-waiting')).toHaveLength(1);
  });

  it.each([
    ['rollout-auto', 'StartInstanceRefresh', 'PutParameter'],
    ['rollout-spot-fleet', 'RequestSpotFleet', 'CancelSpotFleetRequests'],
  ])('%s: quotas are read before %s, and not from then on to %s', async (name, from, to) => {
    const calls: string[] = [];
    await play(name, 1, {
      watch: ({ world }) => world.on((event) => event.kind === 'call' && calls.push(event.operation)),
    });
    const begun = calls.indexOf(from);
    expect(calls.slice(0, begun)).toContain('GetServiceQuota');
    const meanwhile = calls.slice(begun, calls.indexOf(to, begun));
    expect(meanwhile.length).toBeGreaterThan(50);
    expect(meanwhile).not.toContain('GetServiceQuota');
  });

  it('rollout-spot-fleet: a copy that a quota has no room for is not made before it is raised', async () => {
    const scenario = readScenario('rollout-spot-fleet');
    const raised = { atSeconds: 12_000, quota: { code: 'L-34B43A08' as const, vCpus: 24 } };
    const quotas = { ...scenario.quotas, 'L-34B43A08': 20 };
    const copies: number[] = [];
    const { report } = await run({ ...scenario, quotas, events: [...scenario.events, raised] }, 1, {
      bundles,
      engine: 'store',
      watch: ({ world }) =>
        world.on((event) => {
          if (event.kind === 'call' && event.operation === 'RequestSpotFleet') copies.push(world.clock.nowSeconds());
        }),
    });
    expect(report.violations).toEqual([]);
    expect(outcomesOf(report)).toEqual(ROLLED);
    const waiting = toldOf(report).find(({ kind }) => kind === 'rollout-waiting');
    expect(waiting?.because).toContain('its copy needs 12 vCPUs, and 8 are left of "All Standard');
    expect(copies).toHaveLength(1);
    expect(copies[0]).toBeGreaterThan(12_000);
  });

  it('rollout-spot-twice: of two orders in the same moment, one rolls the fleet and the other takes its copy back', async () => {
    const scenario = readScenario('rollout-spot-twice');
    const [release] = scenario.events;
    const order = { atSeconds: 1_000, rollOut: { source: 'al2023/x86_64' as const } };
    const events = release ? [release, order, order] : [];
    for (const seed of [1, 2, 3]) {
      const { report, region } = await run({ ...scenario, events }, seed, { bundles, engine: 'store' });
      expect(report.violations, `seed ${seed}`).toEqual([]);
      expect(outcomesOf(report).sort()).toEqual(['nothing-to-do', 'rolled', 'rolled', 'rolled-back', 'stopped']);
      const fleets = [...region.spotFleets.fleets.values()];
      // The old one, and the two copies that were made of it.
      expect(fleets.map(({ state }) => state).sort()).toEqual(['active', 'cancelled', 'cancelled']);
      expect(fleets.find(({ state }) => state === 'active')?.target).toBe(3);
    }
  });

  it('rollout-spot-fleet: each drain has its deadline from its own order, whichever look asks after it', async () => {
    const { region } = await play('rollout-spot-fleet');
    const requests = region.lambda
      .executions()
      .map(({ input, startedAtMs }) => ({ ...JSON.parse(input), startedAtMs }));
    const drains = requests.filter(({ kind }) => kind === 'ordered');
    expect(drains).toHaveLength(3);
    for (const { noticedAt, startedAtMs } of drains) expect(startedAtMs - Date.parse(noticedAt)).toBeLessThan(10_000);
  });
});

describe('what somebody does to a Spot Fleet while it is rolled', () => {
  it.each([
    ['rollout-spot-target-changed', 4],
    ['rollout-spot-opted-out', 3],
  ])('%s: it is kept with a target of %i, and nothing of the copy is left', async (name, target) => {
    const { region, report } = await play(name);
    const [old, copy] = [...region.spotFleets.fleets.values()];
    expect(old).toMatchObject({ state: 'active', target });
    expect(copy).toMatchObject({ state: 'cancelled', target: 0 });
    const active = region.instancesOf('spots').filter((id) => old?.instances.get(id)?.isGone === false);
    const { containerInstances = [] } = region.ecs.operations.DescribeContainerInstances({
      cluster: 'web',
      containerInstances: region.ecs.operations.ListContainerInstances({ cluster: 'web' }).containerInstanceArns,
    });
    const states = containerInstances.filter(({ ec2InstanceId = '' }) => active.includes(ec2InstanceId));
    expect(states.map(({ status }) => status)).toEqual(Array.from({ length: target }, () => 'ACTIVE'));
    expect(report.instances.every(({ tasksCut }) => tasksCut === 0)).toBe(true);
  });
});

describe('the two engines', () => {
  it.each([
    ['rollout-auto', 3],
    ['rollout-quota', 1],
    ['rollout-quota', 2],
    ['rollout-spot-fleet', 3],
  ])(
    'give the same report of %s with seed %i, byte for byte',
    async (name, seed) => {
      const [store, sdk] = [await play(name, seed), await play(name, seed, { engine: 'sdk' })];
      expect(JSON.stringify(sdk.report)).toBe(JSON.stringify(store.report));
    },
    60_000,
  );
});

describe('a machine that dies as soon as AWS has done what it asked for', () => {
  it.each(['CreateLaunchTemplateVersion', 'StartInstanceRefresh', 'PutParameter'])(
    '%s has it done once, as far as that can be seen',
    async (operation) => {
      const done: string[] = [];
      let killed = false;
      const { report, region } = await play('rollout-auto', 1, {
        watch: ({ world }) =>
          world.on((event) => {
            if (event.kind === 'call' && event.operation === 'StartInstanceRefresh' && event.error === undefined)
              done.push(event.operation);
          }),
        beforeCall: (call) => {
          const isIt = call.operation === operation && !JSON.stringify(call.input).includes('/amis/seen');
          if (killed || !isIt) return undefined;
          killed = true;
          return 'kill-after';
        },
      });
      expect(killed).toBe(true);
      expect(report.violations).toEqual([]);
      expect(outcomesOf(report)).toEqual(ROLLED);
      expect(done).toHaveLength(1);
      const [group] = region.autoScaling.operations.DescribeAutoScalingGroups({
        AutoScalingGroupNames: ['web-asg'],
      }).AutoScalingGroups;
      // The one that it had, and the one that was made.
      expect(group?.LaunchTemplate?.Version).toBe('2');
      const { LaunchTemplateVersions } = region.templates.operations.DescribeLaunchTemplateVersions({
        LaunchTemplateId: group?.LaunchTemplate?.LaunchTemplateId,
      });
      expect(LaunchTemplateVersions).toHaveLength(2);
    },
  );
});

/** A scenario of one group with a few things different. */
type Change = (scenario: Scenario) => Scenario;
/** Where another number of instances runs the same tasks, or one that never joins stays, the others need room for them. */
const withRoom: Change = (scenario) => ({
  ...scenario,
  clusters: scenario.clusters.map((cluster) => ({ ...cluster, instanceCpu: 4_096 })),
});
const playChanged = (name: string, change: Change, handles: Handles = {}): Promise<Run> =>
  run(change(withRoom(readScenario(name))), 1, { bundles, engine: 'store', ...handles });

/** Events in the place of the same ones of the scenario, by their number. */
const eventsLike = (changes: Readonly<Record<number, Partial<Scenario['events'][number]>>>): Change => {
  return (scenario) => ({
    ...scenario,
    events: scenario.events.map((event, i) => ({ ...event, ...changes[i] }) as typeof event),
  });
};
const BAD = { release: { family: 'al2023/x86_64' as const, flaw: 'agent-never-joins' as const } };

/** The nth call of an operation is carried out, and its machine dies. */
const diesAfter = (operation: string, nth: number): Handles['beforeCall'] => {
  let seen = 0;
  return (call) => {
    if (call.operation !== operation) return undefined;
    seen += 1;
    return seen === nth ? 'kill-after' : undefined;
  };
};

/** What the instances of the group run now. */
const imagesOf = ({ region }: Run, group = 'web-asg'): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { id, state, launched } of region.autoScaling.launched()) {
    if (region.autoScaling.groupOf(id) !== group || state !== 'InService') continue;
    const key = launched.image.id === region.amis.recommended('al2023/x86_64').id ? 'new' : 'old';
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
};

describe('a machine that dies when a refresh was begun again after a pause', () => {
  it('has it watched to its end', async () => {
    const beforeCall = diesAfter('StartInstanceRefresh', 2);
    const played = await playChanged('rollout-paused', (scenario) => scenario, { beforeCall });
    expect(played.report.violations).toEqual([]);
    expect(outcomesOf(played.report)).toEqual(ROLLED);
  });

  it('has a bad image stopped at its first instance', async () => {
    const beforeCall = diesAfter('StartInstanceRefresh', 2);
    const change = eventsLike({ 0: BAD, 1: { atSeconds: 3_800 } });
    const played = await playChanged('rollout-paused', change, { beforeCall });
    expect(played.report.violations).toEqual([]);
    // The one that was there when it was paused; the one that came after it is gone again.
    expect(imagesOf(played)).toEqual({ old: 3, new: 1 });
    expect(outcomesOf(played.report)).toEqual(['stopped', 'mixed']);
  });
});

describe('a bad image', () => {
  const clustersLike = (changes: Partial<Scenario['clusters'][number]>): Change => {
    return (scenario) => ({ ...scenario, clusters: scenario.clusters.map((one) => ({ ...one, ...changes })) });
  };
  /** Stopped at its first instance, with nothing cut off, and people know. */
  const expectStopped = (played: Run) => {
    const { report } = played;
    expect(report.violations).toEqual([]);
    expect(imagesOf(played)).toEqual({ old: 3, new: 1 });
    expect(report.instances.every(({ tasksCut }) => tasksCut === 0)).toBe(true);
    expect(outcomesOf(report)).toEqual(['stopped', 'mixed']);
    expect(toldOf(report).map(({ kind }) => kind)).toContain('rollout-failed');
  };

  it('is stopped at its first instance where there is no way back, also when the start was not heard of', async () => {
    const change = clustersLike({ template: '$Default' });
    const beforeCall = diesAfter('StartInstanceRefresh', 1);
    for (const handles of [{}, { beforeCall }]) expectStopped(await playChanged('rollout-bad-image', change, handles));
  });
});

describe('a template whose $Latest is launched', () => {
  const playUnwritten = async (change: Change, watch: NonNullable<Handles['watch']>) => {
    const told: string[] = [];
    const { report } = await playChanged('rollout-auto', change, {
      watch: (region) => {
        watch(region);
        region.world.on((event) => {
          if (event.kind === 'published') told.push(event.message);
        });
      },
    });
    expect(report.violations).toEqual([]);
    expect(outcomesOf(report)).toEqual(['nothing-to-do']);
    expect(toldOf(report).map(({ kind }) => kind)).toEqual(['fleet-left-alone', 'image-available']);
    expect(report.calls).not.toHaveProperty('ec2:CreateLaunchTemplateVersion');
    return told.join('\n');
  };

  it('by the group itself is not written to', async () => {
    const change: Change = (scenario) => ({
      ...scenario,
      clusters: scenario.clusters.map((cluster) => ({ ...cluster, template: '$Latest' as const })),
    });
    expect(await playUnwritten(change, () => undefined)).toContain('it launches $Latest of lt-');
  });

  it('by a group that nobody asked for is not written to', async () => {
    const change: Change = (scenario) => ({
      ...scenario,
      clusters: scenario.clusters.flatMap((cluster) => [
        cluster,
        { ...cluster, name: 'other', group: 'other-asg', tags: {}, services: [] },
      ]),
    });
    const told = await playUnwritten(change, ({ autoScaling }) => {
      const { createGroup } = autoScaling;
      let first: Parameters<typeof createGroup>[0]['launch'];
      Object.assign(autoScaling, {
        createGroup: (spec: Parameters<typeof createGroup>[0]) => {
          first ??= spec.launch;
          if (spec.name !== 'other-asg' || first?.kind !== 'template') return createGroup(spec);
          const launch = { kind: 'template' as const, template: { ...first.template, version: '$Latest' } };
          return createGroup({ ...spec, launch });
        },
      });
    });
    expect(told).toContain('group/other-asg launches $Latest of lt-');
  });
});

describe('what forbids to go on, in the middle', () => {
  const withEvent = (event: Scenario['events'][number]): Change => {
    return (scenario) => ({ ...scenario, events: [...scenario.events, event] });
  };

  it('a hook that is detached stops the refresh, and nothing further is cut off', async () => {
    // The first instance is replaced, and drained; the others are not begun yet.
    const unhook = withEvent({ atSeconds: 3_900, deleteHook: { group: 'web-asg', name: 'ecs-drain' } });
    const played = await playChanged('rollout-auto', unhook);
    const { report, region } = played;
    expect(report.violations).toEqual([]);
    expect(outcomesOf(report)).toEqual(['stopped', 'mixed']);
    expect(imagesOf(played)).toEqual({ old: 3, new: 1 });
    expect(region.instancesOf('web-asg')).toHaveLength(5);
    expect(toldOf(report).at(-1)).toMatchObject({
      kind: 'rollout-failed',
      because: expect.stringContaining('nothing drains its instances any more'),
    });
  });

  it('a tag that is taken away turns it back', async () => {
    const played = await playChanged('rollout-auto', (scenario) => scenario, {
      watch: ({ world: { clock }, autoScaling }) => {
        const { createGroup } = autoScaling;
        Object.assign(autoScaling, {
          createGroup: (spec: Parameters<typeof createGroup>[0]) => {
            const tags: Record<string, string> = { ...spec.tags };
            clock.after(3_900_000, () => delete tags['ecs-drain:ami']);
            return createGroup({ ...spec, tags });
          },
        });
      },
    });
    expect(played.report.violations).toEqual([]);
    expect(outcomesOf(played.report)).toEqual(['stopped', 'rolled-back']);
    expect(imagesOf(played)).toEqual({ old: 4 });
  });
});

describe('a pause of days', () => {
  it('does not make a bad image forgotten: what came before it has had its time, and no instance comes after it', async () => {
    const resumedAt = 3_750 + 2.5 * 86_400;
    const change = eventsLike({ 0: BAD, 1: { atSeconds: 3_750 }, 2: { atSeconds: resumedAt } });
    const played = await playChanged('rollout-paused', (scenario) => ({
      ...change(scenario),
      durationSeconds: resumedAt + 20_000,
    }));
    const { report, region } = played;
    expect(report.violations).toEqual([]);
    // The four that it had, and one before the pause.
    expect(region.instancesOf('web-asg')).toHaveLength(4 + 1);
    expect(imagesOf(played)).toEqual({ old: 3, new: 1 });
    expect(outcomesOf(report)).toEqual(['stopped', 'mixed']);
    expect(toldOf(report).at(-1)).toMatchObject({
      kind: 'rollout-failed',
      because: expect.stringContaining('1 of its instances run the new image and 3 another'),
    });
  }, 120_000);
});

describe('a large group', () => {
  it('is rolled though some instance of it is always booting', async () => {
    const change: Change = (scenario) => ({
      ...scenario,
      durationSeconds: 90_000,
      clusters: scenario.clusters.map((cluster) => ({
        ...cluster,
        instances: 40,
        maximum: 80,
        services: cluster.services.slice(0, 1).map((one) => ({ ...one, desired: 120, startSeconds: 200 })),
      })),
    });
    const played = await playChanged('rollout-auto', change);
    expect(played.report.violations).toEqual([]);
    expect(outcomesOf(played.report)).toEqual(ROLLED);
    expect(imagesOf(played)).toEqual({ new: 40 });
  }, 120_000);
});

/** What must not depend on where a machine died. */
const essence = (report: Report) => ({
  violations: report.violations,
  rollouts: rolloutsOf(report)
    .map(({ source = '', fleet = '', outcome }) => `${source}${fleet.split('/')[0]} ${outcome}`)
    .sort(),
  instances: [...new Set(report.instances.map(({ outcome, tasksCut }) => `${outcome} ${tasksCut}`))].sort(),
});

/** One of each course, and of each way to end it: more places of these. */
const COURSES: ReadonlySet<string> = new Set([
  'rollout-auto',
  'rollout-bad-image',
  'rollout-cancelled',
  'rollout-mixed',
  'rollout-paused',
  'rollout-spot-fleet',
  'rollout-waves-stopped',
]);
const FAULTS = ['kill-before', 'kill-after'] as const;

/** A number that goes by the name: each scenario has its own places. */
const drawnBy = (name: string): number =>
  [...name].reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 0x01000193) >>> 0, 0x811c9dc5);

/** Every place, with EVERY_CRASH set; otherwise one of the checkpoints or one of the calls, or of some scenarios both. */
function placesOf(name: string, fault: (typeof FAULTS)[number], counts: { checkpoint: number; call: number }) {
  const all = (['checkpoint', 'call'] as const).flatMap((kind) =>
    Array.from({ length: counts[kind] }, (_, i) => ({ kind, at: i + 1 })),
  );
  if (process.env['EVERY_CRASH']) return all;
  const drawn = drawnBy(`${name} ${fault}`);
  const kinds = COURSES.has(name) ? ['checkpoint', 'call'] : [drawn % 2 === 0 ? 'checkpoint' : 'call'];
  return kinds.flatMap((kind) => {
    const some = all.filter((place) => place.kind === kind);
    return some.slice(drawn % some.length).slice(0, 1);
  });
}

describe('a machine that dies', () => {
  it('at every delivery of a notice leaves it to the alarm of the dead-letter queue, and the rollout goes on', async () => {
    const { report } = await play('rollout-crashed', 530);
    expect(report.violations).toEqual([]);
    expect(report.instances.map(({ outcome }) => outcome).sort()).toEqual(['drained', 'drained', 'drained', 'failed']);
    expect(outcomesOf(report)).toEqual(['rolled', 'rolled']);
  });

  it.each(Object.keys(EXPECTED))(
    'at any checkpoint or call of %s changes nothing of how it ends',
    async (name) => {
      const { report, region } = await play(name);
      const counts = {
        checkpoint: Math.max(...region.lambda.executions().map(({ checkpoints }) => checkpoints)),
        call: Object.values(report.calls).reduce((sum, count) => sum + count, 0),
      };
      for (const fault of FAULTS) {
        for (const { kind, at } of placesOf(name, fault, counts)) {
          const faultAt = (n: number) => (n === at ? fault : undefined);
          const { report: after } = await play(name, 1, {
            ...(kind === 'checkpoint'
              ? { beforeCheckpoint: (_execution, n) => faultAt(n) }
              : { beforeCall: (_call, n) => faultAt(n) }),
          });
          expect(essence(after), `${fault}, ${kind} ${at}`).toEqual(essence(report));
        }
      }
    },
    EVERY_CRASH_MS,
  );
});
