import { describe, expect, it } from 'vitest';
import {
  applicationAutoScalingClient,
  autoScalingClient,
  cloudFormationClient,
  ec2Client,
  patientEcsClient,
  patientSsmClient,
  serviceQuotasClient,
} from '../../src/aws/clients.ts';
import { clustersPort } from '../../src/aws/fleet-clusters.ts';
import { groupsPort } from '../../src/aws/fleet-groups.ts';
import { imagesPort } from '../../src/aws/images.ts';
import { parametersPort } from '../../src/aws/parameters.ts';
import { quotasPort } from '../../src/aws/quotas.ts';
import { spotFleetsPort } from '../../src/aws/spot-fleets.ts';
import { templatesPort } from '../../src/aws/templates.ts';
import type { Result } from '../../src/ports.ts';
import { blockersOf } from '../../src/rollout/checks.ts';
import type { FleetFacts } from '../../src/rollout/fleet.ts';
import { fleetsOptedIn } from '../../src/rollout/opted-in.ts';
import { planOf } from '../../src/rollout/plan.ts';
import type { GroupSeen } from '../../src/rollout/ports.ts';
import { quotaLook } from '../../src/rollout/quota-look.ts';
import type { SurveyPorts } from '../../src/rollout/survey.ts';
import { factsLater, factsOf, factsOfOne } from '../../src/rollout/survey.ts';
import { readTarget } from '../../src/rollout/target.ts';
import { createWorldOfAws } from '../aws/sim.ts';

/** A group that opted in, one release behind, looked at through the adapters: what plan and checks really get. */
function prepare(cluster: object = {}, others: object = {}) {
  const aws = createWorldOfAws({
    clusters: [
      {
        name: 'web',
        instances: 4,
        group: 'web-asg',
        maximum: 8,
        behind: 1,
        tags: { 'ecs-drain:ami': 'auto' },
        ...cluster,
      },
    ],
    hooks: [{ group: 'web-asg' }],
    ...others,
  });
  const { region, requestHandler } = aws;
  const ec2 = ec2Client(requestHandler);
  const ports: SurveyPorts = {
    clusters: clustersPort(patientEcsClient(requestHandler)),
    groups: groupsPort(autoScalingClient(requestHandler), ec2),
    images: imagesPort(ec2),
    parameters: parametersPort(patientSsmClient(requestHandler)),
    quotas: quotasPort(ec2, serviceQuotasClient(requestHandler)),
    spotFleets: spotFleetsPort(ec2, applicationAutoScalingClient(requestHandler), cloudFormationClient(requestHandler)),
    templates: templatesPort(ec2),
    now: () => 0,
    lifecycleTopicArn: region.lifecycleTopicArn,
  };
  const groupSeen = async (): Promise<GroupSeen> => {
    const [group] = await aws.value(() => ports.groups.taggedGroups('ecs-drain:ami'));
    return group ?? expect.fail('no group has opted in');
  };
  const look = async (
    different: Partial<SurveyPorts> = {},
    change = (group: GroupSeen) => group,
  ): Promise<FleetFacts> => {
    const group = change(await groupSeen());
    const [facts] = await aws.ask(() => factsOf([group], quotaLook(ports.quotas), { ...ports, ...different }));
    return facts ?? expect.fail('no facts');
  };
  return {
    ...aws,
    ports,
    groupSeen,
    look,
    /** What a release means for the group. */
    async plan(facts: FleetFacts, source = 'al2023/x86_64') {
      const target = await aws.ask(() => readTarget(source, ports));
      return 'because' in target ? expect.fail(target.because) : planOf(target, [facts], false);
    },
    /** Somebody writes a version of the group's template, which it launches from where that is the latest. */
    async write(image: string): Promise<void> {
      const { launch } = await groupSeen();
      if (launch.kind !== 'template') throw new Error(launch.kind);
      region.templates.write(launch.template.templateId, image);
    },
  };
}

const blockers = (facts: FleetFacts) => blockersOf(facts, 1_800).map(({ because, passes }) => [because, passes]);

it('a group in good order is planned, from one image to another, with what their names say', async () => {
  const { look, plan, region } = prepare();
  const facts = await look();
  const { id } = region.amis.behind('al2023/x86_64', 1);
  const { target, fleets, leftAlone } = await plan(facts);
  expect(target).toMatchObject({ kernel: '6.1', agentVersion: expect.any(String), runtimeVersion: expect.any(String) });
  expect(facts.slots).toMatchObject([{ imageId: id, kernel: '6.1' }]);
  expect(fleets).toMatchObject([
    { how: 'write', instances: 4, from: [expect.stringMatching(`\\(${id}, kernel 6.1\\)$`)] },
  ]);
  expect(leftAlone).toEqual([]);
  expect(blockers(facts)).toEqual([]);
});

it.each(['types', 'templates', 'images'])('a mixed group is read in full, of overrides with %s', async (mixed) => {
  const { look, plan } = prepare({ mixed });
  const facts = await look();
  expect(facts.unread).toEqual([]);
  expect((await plan(facts)).fleets).toHaveLength(1);
  expect((await plan(facts, 'al2023/arm64')).fleets).toHaveLength(mixed === 'types' ? 0 : 1);
});

it('what instances run and nothing launches any more has its version and kernel told as well', async () => {
  const { look, plan, write, region } = prepare({ template: '$Latest' });
  await write(region.amis.recommended('al2023/x86_64').id);
  const { id } = region.amis.behind('al2023/x86_64', 1);
  const { fleets } = await plan(await look());
  expect(fleets).toMatchObject([{ how: 'keep', from: [expect.stringMatching(`^2023.*\\(${id}, kernel 6.1\\)$`)] }]);
});

describe('what the instances of opted-in fleets run is known by image', () => {
  const agentsOf = async (world: ReturnType<typeof prepare>) => {
    const { fleets } = await world.ask(() => fleetsOptedIn(world.ports));
    return fleets.map(({ agents }) => agents);
  };

  it('and the plan has it beside what the name of the image says', async () => {
    const world = prepare();
    const { id, agentVersion, dockerVersion } = world.region.amis.behind('al2023/x86_64', 1);
    const { agentVersion: newer } = world.region.amis.recommended('al2023/x86_64');
    const words = `agent ${agentVersion}, Docker version ${dockerVersion}`;
    expect(await agentsOf(world)).toEqual([{ [id]: [words] }]);
    const { fleets } = await world.ask(() => fleetsOptedIn(world.ports));
    const { target, ...plan } = await world.plan(fleets[0] ?? expect.fail('no fleet'));
    expect(plan.fleets[0]?.from).toEqual([expect.stringMatching(`\\(${id}, kernel 6.1, ${words}\\)$`)]);
    expect(target.agentVersion).toBe(newer);
    expect(newer).not.toBe(agentVersion);
  });

  it('as far as it can be read: it is only told, and holds nothing up', async () => {
    const world = prepare();
    const denied: Result<never> = {
      ok: false,
      reason: 'denied',
      operation: 'ecs:DescribeContainerInstances',
      message: '',
    };
    const ports = { ...world.ports, clusters: { ...world.ports.clusters, hosts: async () => denied } };
    const { fleets } = await world.ask(() => fleetsOptedIn(ports));
    expect(fleets).toMatchObject([{ clusters: [expect.any(String)] }]);
    expect(fleets[0]).not.toHaveProperty('agents');
  });
});

describe('the owner of a fleet hears that it cannot be rolled, at the releases of what its instances run', () => {
  const arm = 'al2023/arm64';
  it('from a launch configuration', async () => {
    const { look, plan } = prepare({ template: 'configuration' });
    const facts = await look();
    expect(facts).toMatchObject({ launch: 'configuration', slots: [] });
    expect((await plan(facts)).leftAlone).toEqual([
      { id: 'group/web-asg', because: expect.stringContaining('launch configuration'), isNews: true },
    ]);
    expect((await plan(facts, arm)).leftAlone).toEqual([]);
  });

  it('from something that we do not know', async () => {
    const { look, plan } = prepare();
    const facts = await look({}, (group) => ({ ...group, launch: { kind: 'unknown' } }));
    expect((await plan(facts)).leftAlone).toMatchObject([
      { because: expect.stringContaining('neither a launch template nor'), isNews: true },
    ]);
  });

  it('from a template whose version is gone, or names no image, for itself or for an override', async () => {
    const gone: Partial<SurveyPorts> = {
      templates: { ...prepare().ports.templates, describeTemplate: async () => ({ ok: true, value: undefined }) },
    };
    for (const mixed of ['none', 'images']) {
      const { look, plan } = prepare({ mixed });
      expect((await plan(await look(gone))).leftAlone).toMatchObject([
        {
          because: expect.stringMatching(/cannot be read in full: launch template lt-\w+ has no version 1$/),
          isNews: true,
        },
      ]);
    }
    const { look, plan, ports } = prepare({ mixed: 'images' });
    const empty: SurveyPorts['templates'] = {
      ...ports.templates,
      describeTemplate: async (ref) => {
        const answer = await ports.templates.describeTemplate(ref);
        return answer.ok && answer.value ? { ok: true, value: { ...answer.value, image: undefined } } : answer;
      },
    };
    const facts = await look({ templates: empty });
    expect(facts.slots).toMatchObject([{ at: 1, written: 'override' }]);
    expect((await plan(facts, arm)).fleets).toEqual([]);
    expect((await plan(facts, arm)).leftAlone).toMatchObject([
      { because: expect.stringContaining('names no image'), isNews: true },
    ]);
  });

  it('from a parameter that cannot be read here, that may not be read, or that holds something else', async () => {
    const other = 'arn:aws:ssm:eu-west-1:999999999999:parameter/golden';
    const { look, plan, write, region, ports } = prepare({ template: '$Latest' });
    await write(`resolve:ssm:${other}`);
    const [said] = (await plan(await look())).leftAlone;
    expect(said).toMatchObject({ because: expect.stringContaining(`${other}, which cannot be read`), isNews: true });

    const answer = (reason: 'denied' | 'throttled') =>
      ({ ok: false, reason, operation: 'ssm:GetParameters', message: reason }) as const;
    const denied = { ...ports.parameters, readParameters: async () => answer('denied') };
    const facts = await look({ parameters: denied });
    expect(facts.unread).toEqual([expect.stringContaining('which cannot be read')]);
    const throttled = { ...ports.parameters, readParameters: async () => answer('throttled') };
    await expect(look({ parameters: throttled })).rejects.toThrow();

    region.ssm.set('/words', 'not an image');
    await write('resolve:ssm:/words');
    expect((await look()).unread).toEqual([expect.stringContaining("holds no image's id")]);
  });

  it('from a Spot Fleet of which a place names nothing that we know', async () => {
    const { region, ports, ask, value, plan } = prepare(
      {},
      { spotFleets: [{ name: 'batch', cluster: 'web', instances: 2, behind: 1, tags: { 'ecs-drain:ami': 'auto' } }] },
    );
    const [fleet] = await value(() => ports.spotFleets.taggedFleets('ecs-drain:ami'));
    const named = { ...(fleet ?? expect.fail('no fleet')), launch: [{ at: 0 }] };
    const spotFleets = { ...ports.spotFleets, taggedFleets: async () => ({ ok: true, value: [named] }) as const };
    const { fleets } = await ask(() => fleetsOptedIn({ ...ports, spotFleets }, [`spot-fleet/${named.id}`]));
    expect(region.instancesOf('batch')).toHaveLength(2);
    const [facts = expect.fail('no facts')] = fleets;
    expect((await plan(facts)).leftAlone).toMatchObject([
      { because: expect.stringContaining('names neither an image nor a launch template'), isNews: true },
    ]);
  });
});

describe('a parameter that a template resolves', () => {
  it.each([
    ['by its name', '/golden/ami', 2],
    ['by a version of it', '/golden/ami:1', 1],
    ['by its ARN', 'arn:aws:ssm:eu-west-1:123456789012:parameter/golden/ami', 2],
    ['by its ARN and a version', 'arn:aws:ssm:eu-west-1:123456789012:parameter/golden/ami:1', 1],
  ])('is read %s', async (_, name, version) => {
    const { look, write, region } = prepare({ template: '$Latest' });
    const images = [region.amis.behind('al2023/x86_64', 1).id, region.amis.recommended('al2023/x86_64').id];
    for (const image of images) region.ssm.set('/golden/ami', image);
    await write(`resolve:ssm:${name}`);
    const { slots, unread } = await look();
    expect(slots).toMatchObject([{ written: 'parameter', imageId: images[version - 1] }]);
    expect(unread).toEqual([]);
  });
});

describe('what drains a group', () => {
  const ours = 'arn:aws:sns:eu-west-1:123456789012:ecs-drain-lifecycle';
  const others = 'arn:aws:sns:eu-west-1:123456789012:others';
  const managed = 'ecs-managed-draining-termination-hook';
  it.each([
    ['is a hook that notifies us', 'hook', [{ name: 'any', targetArn: ours }], undefined],
    ['is no hook that notifies others', 'none', [{ name: 'ecs-drain', targetArn: others }], undefined],
    ['is no hook that notifies others, whatever its name', 'none', [{ name: 'ecs-drain', targetArn: others }], 'ecs-'],
    ['is a hook without a target of a name that we listen for', 'hook', [{ name: 'ecs-drain' }], 'ecs-'],
    ['is no hook without a target of another name', 'none', [{ name: 'drain-ecs-' }], 'ecs-'],
    ['is no hook without a target where we listen for none', 'none', [{ name: 'ecs-drain' }], undefined],
    ['is managed draining', 'managed-draining', [{ name: managed }], 'drain-'],
    ['is our hook beside managed draining', 'hook', [{ name: managed }, { name: 'drain-web' }], 'drain-'],
    ['is nothing where there is no hook', 'none', [], 'ecs-'],
  ])('%s', async (_, drainedBy, hooks: { name: string; targetArn?: string }[], hookNamePrefix) => {
    const { look, ports, ask, groupSeen, region } = prepare();
    expect(region.lifecycleTopicArn).toBe(ours);
    const value = hooks.map(({ name, targetArn }) => ({ name, targetArn }));
    const groups: SurveyPorts['groups'] = { ...ports.groups, terminateHooks: async () => ({ ok: true, value }) };
    const facts = await look({ groups, hookNamePrefix });
    expect(facts.drainedBy).toBe(drainedBy);
    expect(blockers(facts)).toHaveLength(drainedBy === 'none' ? 1 : 0);
    // At each later look as well.
    const later = factsLater({ ...facts, drainedBy: 'order' }, await groupSeen(), { ...ports, groups, hookNamePrefix });
    expect(await ask(() => later)).toMatchObject({ drainedBy });
  });

  it('is told by the adapter as Auto Scaling has it, of a hook without a target too', async () => {
    const { look } = prepare({}, { hooks: [{ group: 'web-asg', byEvent: true }] });
    expect(await look()).toMatchObject({ drainedBy: 'none' });
    expect(await look({ hookNamePrefix: 'ecs-drain' })).toMatchObject({ drainedBy: 'hook' });
  });
});

describe('protection from scale-in', () => {
  it('by a capacity provider holds nothing back, however many instances have it just now', async () => {
    const { look, region } = prepare({ protectedFromScaleIn: true });
    const [idle = ''] = region.instancesOf('web-asg');
    expect(await look()).toMatchObject({ protectedFromScaleIn: 4, managedProtection: true });
    region.autoScaling.setProtected(idle, false);
    const facts = await look();
    expect(facts).toMatchObject({ protectedFromScaleIn: 3, managedProtection: true });
    expect(blockers(facts)).toEqual([]);
  });

  it('by hand holds the group back, also where all of its instances have it', async () => {
    const { look, region, groupSeen, ports, ask } = prepare({ managedDraining: true });
    for (const [i, id] of region.instancesOf('web-asg').entries()) {
      region.autoScaling.setProtected(id, true);
      const facts = await look();
      expect(facts).toMatchObject({ protectedFromScaleIn: i + 1, managedProtection: false });
      expect(blockers(facts)).toEqual([[expect.stringContaining('protected from scale-in'), false]]);
    }
    const group = await groupSeen();
    expect(await ask(() => factsOfOne(group, undefined, [], ports))).toMatchObject({ managedProtection: false });
  });
});

it('an instance in Standby is waited for: a refresh would do nothing else, for an hour', async () => {
  const { look, region } = prepare();
  const [first = ''] = region.instancesOf('web-asg');
  const inStandby = (group: GroupSeen) => ({
    ...group,
    instances: group.instances.map((one) => (one.id === first ? { ...one, state: 'Standby' } : one)),
  });
  const facts = await look({}, inStandby);
  expect(blockers(facts)).toEqual([[expect.stringContaining(`${first} is in Standby`), true]]);
});

describe('services', () => {
  const at = (name: string, desired: number, minimumHealthyPercent: number, maximumPercent: number) => ({
    name,
    desired,
    minimumHealthyPercent,
    maximumPercent,
  });
  it('that can give up no task and get no further one hold the group back, by their numbers of tasks', async () => {
    const services = [
      at('single', 1, 50, 100),
      at('all', 3, 100, 100),
      at('third', 3, 67, 120),
      at('pair', 2, 50, 100),
      at('none', 0, 100, 100),
      { ...at('agent', 0, 100, 100), strategy: 'DAEMON' },
    ];
    const { look } = prepare({ services });
    const facts = await look();
    expect(facts.immovable).toEqual(['single', 'all', 'third']);
    expect(blockers(facts)).toEqual([
      [expect.stringMatching(/^services single, all, third: .*neither stop a task first nor start one more/), false],
    ]);
  });
});

it('a group whose instances are in no cluster is waited for: nobody could see that a new one is at work', async () => {
  const { look, region } = prepare({ instances: 2 });
  for (const id of region.instancesOf('web-asg')) region.ecs.deregister(id);
  const facts = await look();
  expect(facts.clusters).toEqual([]);
  expect(blockers(facts)).toEqual([[expect.stringContaining('registered in any cluster'), true]]);
  expect(blockers({ ...facts, desired: 0 })).toEqual([]);
});

it('a group with wrong tags is told of at the releases of what it follows, as far as that can be read', async () => {
  const wrong = { 'ecs-drain:ami': 'auto', 'ecs-drain:wave': '0', 'ecs-drain:follow': '/golden' };
  const { look, plan, region } = prepare({ image: 'custom', behind: 0, tags: wrong });
  const facts = await look();
  region.ssm.set('/golden', region.amis.recommended('al2023/x86_64').id);
  expect(facts.policy).toEqual({ mistakes: [expect.stringContaining('ecs-drain:wave')], follow: '/golden' });
  expect((await plan(facts, '/golden')).leftAlone).toMatchObject([
    { because: expect.stringContaining('its tags are wrong'), isNews: true },
  ]);
  expect((await plan(facts)).leftAlone).toEqual([]);

  // What it was to follow is what is wrong: no family is its own, and somebody has to hear of it.
  const lost = await prepare({ image: 'custom', behind: 0, tags: { ...wrong, 'ecs-drain:follow': 'golden' } }).look();
  expect((await plan(lost)).leftAlone).toMatchObject([{ isNews: true }]);
});

it('a survey fits into a step, whatever the groups launch: what does not is left out, and counted', async () => {
  const { ports, groupSeen, ask } = prepare({ mixed: 'images' });
  const group = await groupSeen();
  if (group.launch.kind !== 'mixed') throw new Error(group.launch.kind);
  const [, own = expect.fail('no override')] = group.launch.overrides;
  const overrides = Array.from({ length: 40 }, (_, at) => ({ ...own, at }));
  const large = { ...group, launch: { ...group.launch, overrides } };
  const small = { ...group, name: 'small-asg' };
  const all = [...Array.from({ length: 49 }, (_, i) => ({ ...large, name: `große-gruppe-${i}` })), small];
  const groups: SurveyPorts['groups'] = {
    ...ports.groups,
    taggedGroups: async () => ({ ok: true, value: all }),
    refreshes: async () => ({ ok: true, value: [] }),
    terminateHooks: async () => ({ ok: true, value: [] }),
  };

  const { fleets, leftOut } = await ask(() => fleetsOptedIn({ ...ports, groups }));

  // As the durable SDK measures what it is given.
  const bytes = Buffer.byteLength(JSON.stringify({ kind: 'survey', survey: { fleets, leftOut } }), 'utf8');
  expect(bytes).toBeLessThan(256 * 1024 - 30_000);
  expect(bytes).toBeGreaterThan(200_000);
  expect(fleets.length + leftOut).toBe(50);
  expect(leftOut).toBeGreaterThan(0);
  expect(fleets.at(-1)?.id).toBe('group/small-asg');
});
