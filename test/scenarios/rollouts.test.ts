import { beforeAll, describe, expect, it } from 'vitest';
import type { Handles } from '../../sim/region.ts';
import type { Report } from '../../sim/report.ts';
import type { Bundles, Run } from '../../sim/run.ts';
import { loadBundles, readScenario, run, scenarioNames } from '../../sim/run.ts';
import { parseScenario } from '../../sim/scenario.ts';

/** What each rollout comes to, and what people hear of it on the way: what outcomes.test.ts is for drains. */

const ROLLED = ['rolled', 'rolled'];
const TOLD = 'image-available rollout-started rollout-done';
const ASKED = 'approval-needed resolved rollout-started rollout-done';

/** What the release and its fleets came to, in the order they began in; and the kinds of alerts, each once. */
const EXPECTED: Readonly<Record<string, readonly [outcomes: readonly string[], alerts: string]>> = {
  'rollout-approved': [ROLLED, ASKED],
  'rollout-auto': [ROLLED, TOLD],
  'rollout-bad-image': [['stopped', 'rolled-back'], 'image-available rollout-started rolled-back'],
  'rollout-cancelled': [['cancelled', 'rolled-back'], 'image-available rollout-started rolled-back rollout-ended'],
  'rollout-duplicates': [ROLLED, TOLD],
  'rollout-follow': [[...ROLLED, ...ROLLED], TOLD],
  'rollout-keep': [['nothing-to-do'], 'image-available'],
  'rollout-keep-written': [['nothing-to-do', ...ROLLED], TOLD],
  'rollout-mixed': [[...ROLLED, ...ROLLED], TOLD],
  'rollout-paused': [ROLLED, 'image-available rollout-started rollout-paused resolved rollout-done'],
  'rollout-protected': [ROLLED, TOLD],
  'rollout-refresh-running': [ROLLED, TOLD],
  'rollout-refused': [['rejected'], 'approval-needed rollout-ended'],
  'rollout-scaled': [ROLLED, TOLD],
  'rollout-spot-fleet': [ROLLED, TOLD],
  'rollout-spot-no-capacity': [['stopped', 'rolled-back'], 'image-available rollout-started rolled-back'],
  // Of the second release, the fleet that the first one made is rolled; the old one is not there any more.
  'rollout-spot-twice': [[...ROLLED, 'rolled', 'rolled', 'up-to-date', 'nothing-to-do'], TOLD],
  'rollout-superseded': [
    ['superseded', ...ROLLED],
    'approval-needed rollout-ended resolved rollout-started rollout-done',
  ],
  'rollout-superseded-midway': [[...ROLLED, ...ROLLED], TOLD],
  'rollout-throttled': [ROLLED, TOLD],
  'rollout-unanswered': [['expired'], 'approval-needed rollout-stopped'],
  'rollout-undrained': [['stopped', 'blocked'], 'image-available rollout-stopped'],
  'rollout-untagged': [ROLLED, TOLD],
  'rollout-waves': [['rolled', ...ROLLED, 'rolled'], TOLD],
  'rollout-waves-stopped': [['stopped', 'rolled-back'], 'image-available rollout-started rolled-back rollout-stopped'],
  'rollout-window': [ROLLED, TOLD],
};

/** Two simulated weeks are two thousand looks: one seed. */
const seedsOf = (name: string): readonly number[] => (name === 'rollout-unanswered' ? [1] : [1, 2]);

let bundles: Bundles;
beforeAll(async () => {
  bundles = await loadBundles();
});

const play = (name: string, seed = 1, handles: Handles = {}): Promise<Run> =>
  run(readScenario(name), seed, { bundles, engine: 'store', ...handles });
/** Whatever is promoted is announced to whoever follows it: where nobody does, that comes to nothing, and is left out here. */
const rolloutsOf = ({ rollouts = [] }: Report) =>
  rollouts.filter(({ source, outcome }) => outcome !== 'nothing-to-do' || !source?.startsWith('/ecs-drain/verified/'));
const outcomesOf = (report: Report): string[] => rolloutsOf(report).map(({ outcome }) => outcome);
/** What people hear of rollouts, past the drains. */
const toldOf = ({ alerts }: Report) => alerts.filter(({ instanceId }) => instanceId === null);

describe('what is told of', () => {
  it.each(Object.entries(EXPECTED))(
    '%s is what happens, and no rule is broken',
    async (name, [outcomes, alerts]) => {
      for (const seed of seedsOf(name)) {
        const { report, region } = await play(name, seed);
        expect(report.violations, `seed ${seed}`).toEqual([]);
        expect(outcomesOf(report), `seed ${seed}`).toEqual(outcomes);
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
    const images = region.autoScaling.operations
      .DescribeAutoScalingGroups({ AutoScalingGroupNames: ['web-asg'] })
      .AutoScalingGroups.flatMap(({ Instances = [] }) => Instances.map(({ ImageId }) => ImageId));
    expect(new Set(images)).toEqual(new Set([region.amis.behind('al2023/x86_64', 1).id]));
  });

  it.each([3, 4, 7, 9])(
    'rollout-bad-image: one of %i instances is replaced, though half of them might be',
    async (instances) => {
      const scenario = readScenario('rollout-bad-image');
      const clusters = scenario.clusters.map((cluster) => ({
        ...cluster,
        instances,
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
    expect(report.rollouts?.map(({ source, fleet }) => fleet ?? source)).toEqual([
      'al2023/x86_64',
      'group/stage-asg',
      '/ecs-drain/verified/al2023/x86_64',
      'group/prod-asg',
    ]);
    const [, stage, , production] = region.lambda
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

  it('rollout-refused, rollout-keep and rollout-undrained change nothing', async () => {
    for (const name of ['rollout-refused', 'rollout-keep', 'rollout-undrained']) {
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
      expect(toldOf(report)[0]?.kind).toBe('image-available');
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

describe('the two engines', () => {
  it.each(['rollout-auto', 'rollout-spot-fleet'])(
    'give the same report of %s, byte for byte',
    async (name) => {
      const [store, sdk] = [await play(name, 3), await play(name, 3, { engine: 'sdk' })];
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

/** Places at most for one fault, evenly spread; every one, with EVERY_CRASH set. */
const MOST_PLACES = process.env['EVERY_CRASH'] ? Number.POSITIVE_INFINITY : 3;

/** What must not depend on where a machine died. */
const essence = (report: Report) => ({
  violations: report.violations,
  rollouts: rolloutsOf(report).map(({ source, fleet, outcome }) => ({ source, fleet, outcome })),
  instances: [...new Set(report.instances.map(({ outcome, tasksCut }) => `${outcome} ${tasksCut}`))].sort(),
});

/** One of each course, and of each way to end it. */
const CRASHED = [
  'rollout-auto',
  'rollout-bad-image',
  'rollout-cancelled',
  'rollout-mixed',
  'rollout-spot-fleet',
  'rollout-waves-stopped',
];

describe.each(CRASHED)('scenario %s ends the same', (name) => {
  it.each(['kill-before', 'kill-after'] as const)(
    'whichever checkpoint or call is hit by %s',
    async (fault) => {
      const { report, region } = await play(name);
      const checkpoints = Math.max(...region.lambda.executions().map((execution) => execution.checkpoints));
      const calls = Object.values(report.calls).reduce((sum, count) => sum + count, 0);
      const places = (count: number): number[] => {
        const step = Math.max(1, Math.ceil(count / MOST_PLACES));
        return Array.from({ length: Math.ceil(count / step) }, (_, i) => 1 + i * step);
      };
      for (const at of places(checkpoints)) {
        const { report: after } = await play(name, 1, {
          beforeCheckpoint: (_execution, n) => (n === at ? fault : undefined),
        });
        expect(essence(after), `checkpoint ${at}`).toEqual(essence(report));
      }
      for (const at of places(calls)) {
        const { report: after } = await play(name, 1, { beforeCall: (_call, n) => (n === at ? fault : undefined) });
        expect(essence(after), `call ${at}`).toEqual(essence(report));
      }
    },
    1_200_000,
  );
});
