import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { Served } from './support.ts';
import { servingHere } from './support.ts';

/** One region for all: each test sets its hooks anew. `logs` is somebody else's. */
const SCENARIO = {
  name: 'attachable',
  durationSeconds: 3_600,
  switch: '{"mode":"act","policy":{"atDeadline":"ABANDON"}}',
  clusters: [
    {
      name: 'web',
      instances: 3,
      group: 'web-asg',
      managedDraining: true,
      services: [{ name: 'api', desired: 6, stopTimeoutSeconds: 120 }],
    },
    { name: 'jobs', instances: 2, group: 'jobs-asg' },
  ],
  hooks: [{ group: 'jobs-asg', name: 'logs', ours: false }],
  events: [{ atSeconds: 5, terminate: { group: 'jobs-asg', count: 1 } }],
};

type Region = Awaited<ReturnType<typeof servingHere>>['region'];

const served: Served[] = [];
afterAll(async () => {
  await Promise.all(served.map((one) => one.close()));
});

async function here(scenario: object = SCENARIO, atSeconds = 0) {
  const one = await servingHere(scenario, atSeconds);
  served.push(one);
  return one;
}

const hooks = (region: Region) =>
  ['web-asg', 'jobs-asg'].flatMap(
    (AutoScalingGroupName) =>
      region.autoScaling.operations.DescribeLifecycleHooks({ AutoScalingGroupName }).LifecycleHooks,
  );

const golden = (name: string): string => new URL(`golden/${name}`, import.meta.url).pathname;

describe('attach', () => {
  let region: Region;
  let ecsDrain: Served['ecsDrain'];
  beforeEach(async () => {
    ({ region, ecsDrain } = await here());
  });

  it('shows what it will change, field by field, and changes nothing with --dry-run', async () => {
    const before = hooks(region);

    const { code, stdout, stderr } = await ecsDrain('attach', 'web-asg', 'jobs-asg', '--dry-run');

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    await expect(stdout).toMatchFileSnapshot(golden('attach.txt'));
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(hooks(region)).toEqual(before);
  });

  it('attaches, says so, and then finds nothing to do', async () => {
    const first = await ecsDrain('attach', 'web-asg', 'jobs-asg', '--yes');
    const attached = hooks(region);
    const second = await ecsDrain('attach', 'web-asg', 'jobs-asg', '--yes');

    expect(first.code).toBe(0);
    expect(first.stdout).toContain('eu-west-1: web-asg attached\neu-west-1: jobs-asg attached\n');
    expect(attached.map(({ LifecycleHookName }) => LifecycleHookName)).toEqual([
      'ecs-managed-draining-termination-hook',
      'ecs-drain',
      'logs',
      'ecs-drain',
    ]);
    expect(attached[1]).toMatchObject({
      LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
      NotificationTargetARN: region.lifecycleTopicArn,
      RoleARN: 'arn:aws:iam::123456789012:role/ecs-drain-hook',
      HeartbeatTimeout: 600,
      DefaultResult: 'CONTINUE',
      NotificationMetadata: '{"cluster":"web"}',
    });
    expect(second.code).toBe(0);
    expect(second.stdout).toContain('web-asg: nothing to do: it is attached already');
    expect(second.stdout).toContain('Nothing to do.\n');
    expect(hooks(region)).toEqual(attached);
  });

  it('tells in one JSON document what it changed, and what of a region that failed', async () => {
    const regions = ['--region', 'eu-west-1', '--region', 'us-east-1'];
    const { code, stdout } = await ecsDrain('attach', 'web-asg', '--heartbeat', '900', '--yes', '--json', ...regions);

    expect(code).toBe(1);
    await expect(`${JSON.stringify(JSON.parse(stdout), null, 2)}\n`).toMatchFileSnapshot(golden('attach-json.txt'));
    expect(hooks(region).find(({ LifecycleHookName }) => LifecycleHookName === 'ecs-drain')?.HeartbeatTimeout).toBe(
      900,
    );
  });

  it.each([
    ['a group that is nowhere', ['web-asg', 'nowhere', '--yes'], 'no Auto Scaling group nowhere in eu-west-1'],
    ['a wildcard', ['web-*', '--yes'], 'without wildcards: "web-*"'],
    [
      'a heartbeat out of bounds',
      ['web-asg', '--heartbeat', '29', '--yes'],
      '--heartbeat takes a whole number from 30',
    ],
    ['a default result that is none', ['web-asg', '--default-result', 'STOP', '--yes'], 'Allowed choices are CONTINUE'],
    ['a hook name that AWS refuses', ['web-asg', '--hook', 'my hook', '--yes'], '--hook takes letters'],
    ['nobody to ask', ['web-asg'], 'attach 1 hook? Nobody is there to answer: say --yes'],
    ['nobody to ask, in JSON', ['web-asg', '--json'], '--json does not ask'],
  ])('refuses %s with exit code 2, and changes nothing', async (_what, args, message) => {
    const before = hooks(region);

    const { code, stderr } = await ecsDrain('attach', ...args);

    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(hooks(region)).toEqual(before);
  });

  it('refuses a hook of somebody else and a cluster that does not exist with exit code 1', async () => {
    const before = hooks(region);

    const [foreign, cluster] = await Promise.all([
      ecsDrain('attach', 'jobs-asg', '--hook', 'logs', '--yes'),
      ecsDrain('attach', 'jobs-asg', '--cluster', 'nowhere', '--yes'),
    ]);

    expect([foreign.code, cluster.code]).toEqual([1, 1]);
    expect(foreign.stdout).toContain('jobs-asg: REFUSED: it has a hook logs that is not ours');
    expect(cluster.stdout).toContain('there is no cluster nowhere');
    expect(hooks(region)).toEqual(before);
  });
});

describe('what an operator has no permission for', () => {
  it.each([
    ['autoscaling:DescribeLifecycleHooks', 'autoscaling:DescribeLifecycleHooks'],
    ['autoscaling:PutLifecycleHook', 'web-asg NOT attached: no permission for autoscaling:PutLifecycleHook'],
  ])('%s is named, and nothing is changed', async (action, said) => {
    const { region, ecsDrain } = await here({ ...SCENARIO, denied: [action] });
    const before = hooks(region);

    const { code, stdout } = await ecsDrain('attach', 'web-asg', '--yes');

    expect(code).toBe(1);
    expect(stdout.replaceAll(/\n\s+/g, ' ')).toContain(said);
    expect(hooks(region)).toEqual(before);
  });

  it('ecs:ListContainerInstances costs the cluster in the metadata, and no more', async () => {
    const { region, ecsDrain } = await here({ ...SCENARIO, denied: ['ecs:ListContainerInstances'] });

    const { code, stdout } = await ecsDrain('attach', 'web-asg', '--yes');

    expect(code).toBe(0);
    expect(stdout).toContain('ecs:ListContainerInstances');
    const ours = hooks(region).find(({ LifecycleHookName }) => LifecycleHookName === 'ecs-drain');
    expect(ours).toMatchObject({ HeartbeatTimeout: 600 });
    expect(ours?.NotificationMetadata).toBeUndefined();
  });
});

describe('detach', () => {
  const attached = { ...SCENARIO, hooks: [...SCENARIO.hooks, { group: 'web-asg' }, { group: 'jobs-asg' }] };

  it('removes our hook and no other', async () => {
    const { region, ecsDrain } = await here(attached);

    const { code, stdout } = await ecsDrain('detach', 'web-asg', 'jobs-asg', '--yes');

    expect(code).toBe(0);
    await expect(stdout).toMatchFileSnapshot(golden('detach.txt'));
    expect(hooks(region).map(({ LifecycleHookName }) => LifecycleHookName)).toEqual([
      'ecs-managed-draining-termination-hook',
      'logs',
    ]);
  });

  it('is refused while an instance waits, unless it is forced', async () => {
    const { region, ecsDrain } = await here(attached, 30);
    const before = hooks(region);

    const refused = await ecsDrain('detach', 'jobs-asg', '--yes');
    const unchanged = hooks(region);
    const forced = await ecsDrain('detach', 'jobs-asg', '--yes', '--force');

    expect(refused.code).toBe(1);
    expect(refused.stdout).toContain('REFUSED: 1 of its instances waits to leave');
    expect(unchanged).toEqual(before);
    expect(forced.code).toBe(0);
    expect(hooks(region)).toHaveLength(before.length - 1);
  });
});

describe('what somebody else changes between the question and the answer', () => {
  /** Before the second look at the hooks of web-asg, somebody puts one there. */
  const meddle = (region: Region, hook: string): void => {
    const { perform } = region.wire;
    let looks = 0;
    Object.assign(region.wire, {
      perform(call: Parameters<typeof perform>[0]) {
        if (call.operation === 'DescribeLifecycleHooks' && ++looks === 2) {
          region.autoScaling.putHook('web-asg', {
            name: hook,
            targetArn: region.lifecycleTopicArn,
            heartbeatSeconds: 77,
          });
        }
        return perform(call);
      },
    });
  };

  it.each([
    ['attach', SCENARIO, 'late'],
    ['detach', { ...SCENARIO, hooks: [{ group: 'web-asg' }] }, 'ecs-drain'],
  ] as const)('keeps %s from changing anything', async (command, scenario, hook) => {
    const { region, ecsDrain } = await here({ ...scenario, switch: '{"mode":"observe"}' });
    meddle(region, hook);

    const { code, stdout } = await ecsDrain(command, 'web-asg', '--yes');

    expect(code).toBe(1);
    expect(stdout).toContain(`web-asg NOT ${command}ed: `);
    expect(stdout).toContain('changed meanwhile: look again');
    expect(hooks(region).filter(({ AutoScalingGroupName: group }) => group === 'web-asg')).toHaveLength(2);
  });
});
