import { expect, it } from 'vitest';
import type { FleetInstance, HostSeen, SpotFleetSeen } from '../../src/rollout/ports.ts';
import { executionName } from '../../src/rollout/request.ts';
import type { RolloutPorts } from '../../src/rollout/rollout.ts';
import type { SpotMove } from '../../src/rollout/spot-moves.ts';
import { performSpot } from '../../src/rollout/spot-rollout.ts';
import { fleetRequest, hostSeen, instance, NEW, OLD, START_MS } from './builders.ts';

const request = fleetRequest({ fleet: 'spot-fleet/sfr-old', source: '/images/web', release: 'web-1' });

const aFleet = (id: string, state: string): SpotFleetSeen => ({
  id,
  tags: { 'ecs-drain:ami': 'auto' },
  state,
  createdAtMs: START_MS,
  type: 'maintain',
  targetCapacity: 1,
  fulfilledCapacity: 1,
  onDemandCapacity: 0,
  excess: 'default',
  launch: [],
  specifications: 0,
});
const ok = async <T>(value: T) => ({ ok: true, value }) as const;

/** What a look asks for, and no more: the source names a newer image than the one that is rolled out. */
function ports(
  fleets: Readonly<Record<string, readonly [SpotFleetSeen, readonly FleetInstance[]]>>,
  hosts: HostSeen[],
  found = ['web'],
  tagged: readonly SpotFleetSeen[] = [],
) {
  const asked = {
    parameters: { readParameters: () => ok([{ name: '/images/web', value: 'ami-0ddddddddddddddd4', changedAtMs: 0 }]) },
    images: { describeImages: () => ok([]) },
    spotFleets: {
      taggedFleets: () => ok(tagged),
      describeFleet: (id: string) => ok(fleets[id]?.[0]),
      fleetInstances: (id: string) => ok(fleets[id]?.[1] ?? []),
      hasScalableTarget: () => ok(false),
      stackOf: () => ok(undefined),
    },
    templates: { describeTemplate: () => ok(undefined) },
    clusters: {
      clustersOf: (ids: readonly string[]) => ok(hosts.some((host) => ids.includes(host.instanceId)) ? found : []),
      hosts: (_: string, ids: readonly string[]) => ok(hosts.filter((host) => ids.includes(host.instanceId))),
      services: () => ok([]),
    },
    controlParameter: () => '/control',
    drainRules: () => ok({ mode: 'act', deadlineSeconds: 1_800 }),
    now: () => START_MS,
  };
  return asked as unknown as RolloutPorts;
}

type Look = Extract<SpotMove, { kind: 'look' }>;

const lookAt = async (world: RolloutPorts, asked: Partial<Look> = {}) => {
  const nothing = { copyId: 'sfr-copy', clusters: [], emptied: [], restored: [], because: 'a test' };
  const seen = await performSpot({ kind: 'look', ...nothing, ...asked }, undefined, request, world);
  return seen.kind === 'look' && seen.look ? seen.look : expect.fail(JSON.stringify(seen));
};

it('finds the new instances in their cluster when the old fleet has none left, by the image of this rollout', async () => {
  const look = await lookAt(
    ports(
      {
        'sfr-old': [aFleet('sfr-old', 'cancelled_terminating'), []],
        'sfr-copy': [aFleet('sfr-copy', 'active'), [instance('i-new', NEW)]],
      },
      [hostSeen('i-new')],
    ),
  );
  expect(look.hosts).toMatchObject({ fresh: 1, joined: 1, working: 1, strangers: [] });
});

it('sees that an instance which was drained is in use again', async () => {
  const world = (host: HostSeen) =>
    ports(
      {
        'sfr-old': [aFleet('sfr-old', 'active'), [instance('i-old', OLD)]],
        'sfr-copy': [aFleet('sfr-copy', 'active'), []],
      },
      [host],
    );
  const drained = { status: 'DRAINING', runningTasks: 0 };
  const occupied = async (host: Partial<HostSeen>) =>
    (await lookAt(world(hostSeen('i-old', { ...drained, ...host })), { emptied: ['i-old'] })).occupied;
  expect(await occupied({})).toEqual([]);
  expect(await occupied({ status: 'ACTIVE' })).toEqual(['i-old']);
  expect(await occupied({ runningTasks: 1 })).toEqual(['i-old']);
});

it('sees which of the old instances are not ACTIVE again, of those that are there, ECS not knowing them included', async () => {
  const old = ['i-active', 'i-draining', 'i-unknown'].map((id) => instance(id, OLD));
  const world = ports(
    { 'sfr-old': [aFleet('sfr-old', 'active'), old], 'sfr-copy': [aFleet('sfr-copy', 'active'), []] },
    [hostSeen('i-active'), hostSeen('i-draining', { status: 'DRAINING' })],
  );
  const { notActive } = await lookAt(world, { restored: ['i-active', 'i-draining', 'i-unknown', 'i-gone'] });
  expect(notActive).toEqual(['i-draining', 'i-unknown']);
});

it('looks in each cluster that was found before, and keeps it', async () => {
  const world = ports(
    {
      'sfr-old': [aFleet('sfr-old', 'active'), [instance('i-old', OLD)]],
      'sfr-copy': [aFleet('sfr-copy', 'active'), []],
    },
    [hostSeen('i-old', { status: 'DRAINING' })],
    [],
  );
  const look = await lookAt(world, { clusters: ['batch'], emptied: ['i-old'] });
  expect(look.clusters).toEqual(['batch']);
  expect(look.occupied).toEqual(['i-old']);
});

it('asks for the clusters of every instance, not only of the first', async () => {
  const old = Array.from({ length: 30 }, (_, i) => instance(`i-${i}`, OLD));
  const world = ports(
    { 'sfr-old': [aFleet('sfr-old', 'active'), old], 'sfr-copy': [aFleet('sfr-copy', 'active'), []] },
    [hostSeen('i-29')],
  );
  expect((await lookAt(world)).clusters).toEqual(['web']);
});

it('counts what the copy launches on other images apart, and what it does not launch not at all', async () => {
  const arm = 'ami-0ccccccccccccccc3';
  const launch = [
    { at: 0, imageId: NEW },
    { at: 1, imageId: arm },
  ];
  const copy = { ...aFleet('sfr-copy', 'active'), launch, specifications: 2 };
  const instances = [instance('i-new', NEW), instance('i-arm', arm), instance('i-old', OLD)];
  const world = ports({ 'sfr-copy': [copy, instances] }, [
    hostSeen('i-new'),
    hostSeen('i-arm', { agentConnected: false }),
  ]);
  const { hosts } = await lookAt(world);
  expect(hosts).toMatchObject({ fresh: 1, staying: 1, old: 1, joined: 1, strangers: ['i-arm'] });
});

it('counts capacity by weights; a type that the request names no more as the heaviest', async () => {
  const weighted = { ...aFleet('sfr-old', 'active'), weights: { 'm7i.large': 2, 'm7i.xlarge': 4 } };
  const instances = ['m7i.large', 'm7i.xlarge', 'm6i.xlarge'].map((instanceType) => ({
    ...instance(`i-${instanceType}`, OLD),
    instanceType,
  }));
  const plain = [aFleet('sfr-copy', 'active'), [instance('i-new', NEW)]] as const;
  const look = await lookAt(ports({ 'sfr-old': [weighted, instances], 'sfr-copy': plain }, []));
  expect([look.old?.units, look.copy?.units]).toEqual([10, 1]);
});

it('finds the copy that it made itself, where the answer was lost; none that is ended, or of another fleet or rollout', async () => {
  const ours = executionName(request);
  const tagged = (id: string, of: string, by: string, state = 'active') => ({
    ...aFleet(id, state),
    tags: { 'ecs-drain:copy-of': of, 'ecs-drain:rollout': by },
  });
  const find = async (...fleets: SpotFleetSeen[]) => {
    const world = ports({ 'sfr-old': [aFleet('sfr-old', 'active'), []] }, [], undefined, fleets);
    return (await lookAt(world, { copyId: undefined })).ours;
  };
  expect(await find(tagged('sfr-a', 'sfr-old', ours, 'cancelled'), tagged('sfr-b', 'sfr-old', ours))).toEqual({
    id: 'sfr-b',
    capacity: 1,
  });
  expect(await find(tagged('sfr-a', 'sfr-other', ours), tagged('sfr-b', 'sfr-old', 'another'))).toBeUndefined();
});
