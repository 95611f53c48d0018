import { expect, it } from 'vitest';
import type { FleetInstance, HostSeen, SpotFleetSeen } from '../../src/rollout/ports.ts';
import type { RolloutPorts } from '../../src/rollout/rollout.ts';
import { performSpot } from '../../src/rollout/spot-rollout.ts';
import { NEW, OLD, START_MS, target } from './builders.ts';

const request = {
  kind: 'fleet',
  fleet: 'spot-fleet/sfr-old',
  source: '/images/web',
  imageId: NEW,
  version: target.version,
  noticedAt: new Date(START_MS).toISOString(),
  release: 'web-1',
} as const;

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
const anInstance = (id: string, imageId: string): FleetInstance => ({
  id,
  imageId,
  state: 'healthy',
  protectedFromScaleIn: false,
});
const aHost = (instanceId: string, different: Partial<HostSeen> = {}): HostSeen => ({
  instanceId,
  status: 'ACTIVE',
  agentConnected: true,
  agentVersion: undefined,
  runtimeVersion: undefined,
  runningTasks: 2,
  ...different,
});
const ok = async <T>(value: T) => ({ ok: true, value }) as const;

/** What a look asks for, and no more: the source names a newer image than the one that is rolled out. */
function ports(
  fleets: Readonly<Record<string, readonly [SpotFleetSeen, readonly FleetInstance[]]>>,
  hosts: HostSeen[],
) {
  const asked = {
    parameters: { readParameters: () => ok([{ name: '/images/web', value: 'ami-0ddddddddddddddd4', changedAtMs: 0 }]) },
    images: { describeImages: () => ok([]) },
    spotFleets: {
      taggedFleets: () => ok([]),
      describeFleet: (id: string) => ok(fleets[id]?.[0]),
      fleetInstances: (id: string) => ok(fleets[id]?.[1] ?? []),
      hasScalableTarget: () => ok(false),
      stackOf: () => ok(undefined),
    },
    templates: { describeTemplate: () => ok(undefined) },
    clusters: {
      clustersOf: (ids: readonly string[]) => ok(hosts.some((host) => ids.includes(host.instanceId)) ? ['web'] : []),
      hosts: (_: string, ids: readonly string[]) => ok(hosts.filter((host) => ids.includes(host.instanceId))),
      services: () => ok([]),
    },
    controlParameter: () => '/control',
    drainRules: () => ok({ mode: 'act', deadlineSeconds: 1_800 }),
    now: () => START_MS,
  };
  return asked as unknown as RolloutPorts;
}

const lookAt = async (world: RolloutPorts, emptied: readonly string[] = []) => {
  const look = { kind: 'look', copyId: 'sfr-copy', clusters: [], emptied, restored: [], because: 'a test' } as const;
  const seen = await performSpot(look, undefined, request, world);
  return seen.kind === 'look' && seen.look ? seen.look : expect.fail(JSON.stringify(seen));
};

it('finds the new instances in their cluster when the old fleet has none left, by the image of this rollout', async () => {
  const look = await lookAt(
    ports(
      {
        'sfr-old': [aFleet('sfr-old', 'cancelled_terminating'), []],
        'sfr-copy': [aFleet('sfr-copy', 'active'), [anInstance('i-new', NEW)]],
      },
      [aHost('i-new')],
    ),
  );
  expect(look.hosts).toMatchObject({ fresh: 1, joined: 1, working: 1, strangers: [] });
});

it('sees that an instance which was drained is in use again', async () => {
  const world = (host: HostSeen) =>
    ports(
      {
        'sfr-old': [aFleet('sfr-old', 'active'), [anInstance('i-old', OLD)]],
        'sfr-copy': [aFleet('sfr-copy', 'active'), []],
      },
      [host],
    );
  const drained = { status: 'DRAINING', runningTasks: 0 };
  expect((await lookAt(world(aHost('i-old', drained)), ['i-old'])).occupied).toEqual([]);
  expect((await lookAt(world(aHost('i-old', { ...drained, status: 'ACTIVE' })), ['i-old'])).occupied).toEqual([
    'i-old',
  ]);
  expect((await lookAt(world(aHost('i-old', { ...drained, runningTasks: 1 })), ['i-old'])).occupied).toEqual(['i-old']);
});
