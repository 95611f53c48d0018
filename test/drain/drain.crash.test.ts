import { describe, expect, it } from 'vitest';
import {
  aMaintenanceRequest,
  anOrder,
  aRebalanceRequest,
  aSpotRequest,
  CLUSTER,
  INSTANCE_ARN,
  isoSecond,
} from '../support/build.ts';
import type { CrashPoint } from '../support/durable.ts';
import type { FakeAws } from '../support/fake-aws.ts';
import { anInstance, aTask, fakeAws, STANDALONE, tasks } from '../support/fake-aws.ts';
import type { RunOptions } from '../support/run.ts';
import { runDrain } from '../support/run.ts';

const OLD_ARN = INSTANCE_ARN.replace(/.{32}$/, 'fedcba9876543210fedcba9876543210');

interface World {
  readonly situation: string;
  readonly outcome: string;
  readonly world: () => FakeAws;
  readonly options?: RunOptions;
}

/** The agent is away from one second to another, as in a reboot. */
function rebooting(aws: FakeAws, from: number, until: number): FakeAws {
  for (const [second, agentConnected] of [
    [from, false],
    [until, true],
  ] as const) {
    aws.plan(second, () => {
      for (const instance of aws.instances) instance.agentConnected = agentConnected;
    });
  }
  return aws;
}

const WORLDS: readonly World[] = [
  { situation: 'a plain drain', outcome: 'drained', world: () => fakeAws({ tasks: tasks(10) }) },
  {
    situation: 'a drain with heartbeats',
    outcome: 'drained',
    world: () =>
      fakeAws({
        tasks: tasks(3, { running: 200 }),
        hook: { heartbeatTimeoutSeconds: 60, globalTimeoutSeconds: 6_000 },
      }),
  },
  {
    situation: 'a drain that is forced',
    outcome: 'forced',
    world: () => fakeAws({ tasks: [aTask(1, STANDALONE)] }),
    options: { policy: { deadlineSeconds: 400 } },
  },
  {
    situation: 'a drain that is abandoned',
    outcome: 'abandoned',
    world: () => fakeAws({ tasks: [aTask(1, STANDALONE)] }),
    options: { policy: { deadlineSeconds: 400, atDeadline: 'ABANDON' } },
  },
  {
    situation: 'a drain that stops standalone tasks',
    outcome: 'drained',
    world: () => fakeAws({ tasks: [aTask(1, STANDALONE), aTask(2, STANDALONE), aTask(3)] }),
    options: { policy: { stopStandaloneAfterSeconds: 120 } },
  },
  {
    situation: 'a drain of two registrations',
    outcome: 'drained',
    world: () =>
      fakeAws({
        instances: [
          anInstance({ tasks: tasks(2) }),
          anInstance({ arn: OLD_ARN, agentConnected: false, tasks: [aTask(9, { running: 100 })] }),
        ],
      }),
  },
  {
    situation: 'a drain that somebody undoes on the way',
    outcome: 'drained',
    world: () => {
      const aws = fakeAws({ tasks: tasks(3, { running: 200 }) });
      aws.plan(90, () => {
        for (const instance of aws.instances) Object.assign(instance, { status: 'ACTIVE', drainingSinceMs: undefined });
      });
      return aws;
    },
  },
  {
    situation: 'a new root volume',
    outcome: 'drained',
    world: () => {
      const aws = fakeAws({ tasks: tasks(2), state: 'ReplacingRootVolume:Wait' });
      aws.plan(300, () => aws.setState('InService'));
      return rebooting(aws, 200, 280);
    },
    options: { request: { departure: 'replace-root-volume' } },
  },
  {
    situation: 'an instance in no cluster',
    outcome: 'not-a-container-instance',
    world: () => fakeAws({ instances: [], clusters: [CLUSTER] }),
  },
  { situation: 'an instance that stays', outcome: 'hook-gone', world: () => fakeAws({ state: 'InService' }) },
  {
    situation: 'a pause on the way',
    outcome: 'drained',
    world: () => {
      const aws = fakeAws({ tasks: tasks(2, { running: 100 }), control: '{}' });
      aws.plan(40, () => aws.turn({ mode: 'pause' }));
      aws.plan(400, () => aws.turn({ mode: 'act' }));
      return aws;
    },
  },
  {
    situation: 'observe mode',
    outcome: 'observed',
    world: () => fakeAws({ tasks: tasks(2), control: '{"mode":"observe"}' }),
  },
  {
    situation: 'a Spot interruption',
    outcome: 'drained',
    world: () => fakeAws({ tasks: tasks(2, { running: 30, deactivating: 20 }), state: 'InService' }),
    options: { request: aSpotRequest() },
  },
  {
    situation: 'a Spot interruption that comes too soon',
    outcome: 'forced',
    world: () => fakeAws({ tasks: tasks(2, { running: 200 }), state: 'InService' }),
    options: { request: aSpotRequest() },
  },
  {
    situation: 'a recommendation that is told',
    outcome: 'observed',
    world: () => fakeAws({ tasks: tasks(2), state: 'InService' }),
    options: { request: aRebalanceRequest() },
  },
  {
    situation: 'a recommendation that is followed by a replacement',
    outcome: 'replaced',
    world: () => fakeAws({ tasks: tasks(2), state: 'InService' }),
    options: { request: aRebalanceRequest(), policy: { rebalance: 'replace' } },
  },
  {
    situation: 'a recommendation that is drained',
    outcome: 'drained',
    world: () => fakeAws({ tasks: tasks(2), state: 'InService' }),
    options: { request: aRebalanceRequest(), policy: { rebalance: 'drain' } },
  },
  {
    situation: 'maintenance',
    outcome: 'drained',
    world: () => rebooting(fakeAws({ tasks: tasks(2), state: 'InService' }), 1_900, 2_100),
    options: {
      request: aMaintenanceRequest({ startsAt: isoSecond(1_800), endsAt: isoSecond(5_400) }),
      policy: { maintenance: 'drain', maintenanceLeadSeconds: 900 },
    },
  },
  {
    situation: 'an order',
    outcome: 'drained',
    world: () => fakeAws({ tasks: tasks(2), state: 'InService' }),
    options: { request: anOrder() },
  },
  {
    situation: 'an order that is called off',
    outcome: 'cancelled',
    world: () => {
      const aws = fakeAws({ tasks: tasks(2, { running: 500 }), state: 'InService' });
      aws.plan(200, () => {
        for (const instance of aws.instances) Object.assign(instance, { status: 'ACTIVE', drainingSinceMs: undefined });
      });
      return aws;
    },
    options: { request: anOrder() },
  },
  {
    situation: 'an order that cannot be carried out',
    outcome: 'failed',
    world: () => fakeAws({ tasks: tasks(2, { running: 5_000 }), state: 'InService' }),
    options: { request: anOrder({ deadlineSeconds: 400 }) },
  },
];

const BY_NAME = WORLDS.map((world) => [world.situation, world] as const);

/** What the world is like in the end, and how the drain came there. */
async function courseOf(crashes: readonly CrashPoint[], { world, options = {} }: World) {
  const aws = world();
  const run = await runDrain(aws, { ...options, crashes });
  return {
    operations: run.moves.length,
    result: { outcome: run.result.outcome, alert: aws.published.at(-1)?.kind },
    // A crash takes time, so a wait may fall into two; what is done is the same.
    moves: run.moves.filter((name) => name !== 'wait'),
    effects: {
      released: aws.released.map(({ result, cut }) => ({ result, cut })),
      statuses: aws.instances.map(({ status }) => status),
      terminated: aws.terminated,
      stopped: aws.toldToStop(),
    },
  };
}

describe('a crash before or after any one operation', () => {
  it.each(BY_NAME)('of %s leads to the same outcome by the same moves', async (_, world) => {
    // Prepare
    const { operations, ...undisturbed } = await courseOf([], world);
    expect(undisturbed.result.outcome).toBe(world.outcome);

    for (let operation = 0; operation < operations; operation++) {
      for (const when of ['before', 'after'] as const) {
        // Act
        const { operations: _, ...disturbed } = await courseOf([{ operation, when }], world);

        // Assess
        expect(disturbed, `crashed ${when} operation ${operation}`).toEqual(undisturbed);
      }
    }
  });
});

describe('a crash before and after every operation', () => {
  it.each(BY_NAME)('of %s leads to the same outcome', async (_, world) => {
    const undisturbed = await courseOf([], world);
    const everywhere = Array.from({ length: undisturbed.operations * 2 }).flatMap((_move, operation) =>
      (['before', 'after'] as const).map((when) => ({ operation, when })),
    );
    const { result, effects } = await courseOf(everywhere, world);
    expect({ result, effects }).toEqual({ result: undisturbed.result, effects: undisturbed.effects });
  });
});

describe('a crash right after the effect of a release', () => {
  it.each<[string, Omit<World, 'situation'>]>([
    ['drained stays drained', { outcome: 'drained', world: () => fakeAws({ tasks: tasks(2) }) }],
    [
      'forced stays forced',
      {
        outcome: 'forced',
        world: () => fakeAws({ tasks: [aTask(1, STANDALONE)] }),
        options: { policy: { deadlineSeconds: 400 } },
      },
    ],
    [
      'abandoned stays abandoned',
      {
        outcome: 'abandoned',
        world: () => fakeAws({ tasks: [aTask(1, STANDALONE)] }),
        options: { policy: { deadlineSeconds: 400, atDeadline: 'ABANDON' } },
      },
    ],
  ])('%s, although the instance has gone meanwhile', async (_, { world, outcome, options = {} }) => {
    // Prepare: the instance goes, as Auto Scaling would have it, before the next machine looks at it again.
    const undisturbed = await runDrain(world(), options);
    const release = undisturbed.moves.lastIndexOf('release');
    const aws = world();
    const { complete } = aws.ports.autoScaling;
    const gone: typeof complete = async (action, result) => {
      const answer = await complete(action, result);
      for (const instance of aws.instances) instance.status = 'FORGOTTEN';
      return answer;
    };
    const ports = { ...aws.ports, autoScaling: { ...aws.ports.autoScaling, complete: gone } };

    // Act
    const run = await runDrain({ ...aws, ports }, { ...options, crashes: [{ operation: release, when: 'after' }] });

    // Assess
    expect(run.result.outcome).toBe(outcome);
    expect(aws.released).toHaveLength(1);
    expect(aws.published.at(-1)?.kind).toBe(outcome === 'drained' ? 'drained' : 'forced');
    if (outcome !== 'drained') expect(aws.published.at(-1)?.body).toMatch(/^Released at its deadline.*1 task/);
  });

  it('an instance that vanished with its action, before anything was released, is told as that', async () => {
    const aws = fakeAws({ tasks: tasks(2, { running: 2_000 }) });
    aws.plan(100, () => {
      for (const instance of aws.instances) instance.status = 'FORGOTTEN';
      aws.endAction('ABANDON');
    });
    const { result } = await runDrain(aws);
    expect(result.outcome).toBe('hook-gone');
    expect(aws.released).toEqual([]);
    expect(aws.published.at(-1)).toMatchObject({ kind: 'hook-gone', body: expect.stringMatching(/went away/) });
  });
});
