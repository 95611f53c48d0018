import type { Random } from './random.ts';
import { createRandom } from './random.ts';
import { Scenario } from './scenario.ts';

/** When the faults end: until then nothing unsafe may happen, and after it everything has to finish. */
const FAULTS_END_SECONDS = 1_500;
const DURATION_SECONDS = 9_000;
/** The share of the seeds that roll an image out besides. */
const ROLLOUTS = 0.04;
const ROLLOUT_DURATION_SECONDS = 1_300_000;

/** A fleet, a few events and some faults, all of them drawn by the seed. */
export function randomScenario(seed: number): Scenario {
  const random = createRandom(seed, 'scenario');
  const maybe = (probability: number): boolean => random.chance(probability);
  const between = (least: number, most: number): number => random.int(least, most);
  const pick = <T>(options: readonly [T, ...T[]]): T => options[between(0, options.length - 1)] ?? options[0];

  const service = (name: string, instances: number) => ({
    name,
    desired: between(1, instances * 4),
    startSeconds: between(5, 120),
    deregistrationSeconds: pick([0, 0, 15, 60, 120]),
    stopSeconds: between(1, 60),
    stopTimeoutSeconds: 60,
    minimumHealthyPercent: pick([100, 100, 50, 0]),
    maximumPercent: pick([200, 200, 150, 100]),
    cpu: pick([64, 256, 512]),
    memory: 512,
    ...(maybe(0.1) ? { protected: true, protectedSeconds: between(60, 900) } : {}),
    ...(maybe(0.1) ? { hostPort: 8080 } : {}),
    ...(maybe(0.02) ? { neverStops: true } : {}),
  });

  const clusters = Array.from({ length: between(1, 2) }, (_, i) => {
    const instances = between(2, 5);
    return {
      name: `cluster-${i}`,
      group: `group-${i}`,
      instances,
      replaceInstances: maybe(0.8),
      managedDraining: maybe(0.1),
      leftovers: maybe(0.1),
      retainOnAbandon: maybe(0.1),
      protectedFromScaleIn: maybe(0.05),
      services: [
        ...Array.from({ length: between(1, 2) }, (__, n) => service(`service-${n}`, instances)),
        ...(maybe(0.4)
          ? [{ name: 'daemon', strategy: 'DAEMON', cpu: 32, memory: 64, stopSeconds: between(1, 20) }]
          : []),
      ],
      standalone: maybe(0.2) ? [{ count: 1, runsSeconds: between(60, 3_000), cpu: 1, memory: 1 }] : [],
    };
  });
  const group = (): string => `group-${between(0, clusters.length - 1)}`;
  const cluster = (): string => `cluster-${between(0, clusters.length - 1)}`;

  // Not after something else: who comes after the nonsense cannot know what held before it.
  const garbled = maybe(0.3);
  const happening = (): object => {
    const some = { group: group(), count: between(1, 2) };
    switch (between(0, 20)) {
      case 0:
        return {
          spotInterruption: {
            ...some,
            action: pick(['terminate', 'stop', 'hibernate']),
            ...(maybe(0.5) ? { backAfterSeconds: between(60, 1_200) } : {}),
          },
        };
      case 1:
        return { rebalance: some };
      case 2:
        return {
          maintenance: {
            ...some,
            change: pick(['reboot', 'retirement']),
            inSeconds: between(300, 2_000),
            lastsSeconds: 600,
          },
        };
      case 3:
        return { replaceRootVolume: some };
      case 4:
        return { toWarmPool: { ...some, count: 1 } };
      case 5:
        return { setActive: { group: some.group } };
      case 6:
        return { setDraining: { ...some, count: 1 } };
      case 7:
        return { vanish: { group: some.group } };
      case 8:
        return { changeHook: { group: some.group, name: 'ecs-drain', heartbeatSeconds: between(60, 900) } };
      case 9:
        return maybe(0.5) ? { agentAway: { group: some.group } } : { agentBack: { group: some.group } };
      case 10:
        return {
          unreadable: {
            cluster: cluster(),
            error: pick(['AccessDeniedException', 'ServerException', 'ClusterNotFoundException']),
          },
        };
      case 11:
        return { order: { ...some, count: 1, deadlineSeconds: between(300, 2_000) } };
      case 12:
        return maybe(0.7) ? { deploy: {} } : { rollback: {} };
      case 13:
        return { deregister: { group: some.group } };
      case 14:
        return { deleteHook: { group: some.group, name: 'ecs-drain' } };
      case 15:
        return {
          switch: { text: garbled ? 'nonsense' : pick(['{"mode":"pause"}', '{"mode":"observe"}', '{"mode":"act"}']) },
        };
      default:
        return { terminate: some };
    }
  };

  const events = [
    { atSeconds: 10, terminate: { group: group(), count: between(1, 2) } },
    ...Array.from({ length: between(0, 4) }, () => ({ atSeconds: between(0, 1_200), ...happening() })),
    { atSeconds: FAULTS_END_SECONDS, faultsEnd: {} },
    { atSeconds: FAULTS_END_SECONDS, switch: { text: '{"mode":"act"}' } },
    ...clusters.map(({ name }) => ({ atSeconds: FAULTS_END_SECONDS, readable: { cluster: name } })),
    ...clusters.map((entry) => ({ atSeconds: FAULTS_END_SECONDS, agentBack: { group: entry.group } })),
  ].sort((a, b) => a.atSeconds - b.atSeconds);

  const fault = (most: number): number => (maybe(0.5) ? random.int(0, most * 1_000) / 1_000 : 0);
  const scenario = {
    name: `soak-${seed}`,
    durationSeconds: DURATION_SECONDS,
    clusters,
    hooks: clusters.flatMap((entry) => [
      {
        group: entry.group,
        heartbeatSeconds: between(60, 900),
        defaultResult: pick(['CONTINUE', 'ABANDON']),
        metadata: maybe(0.7),
        byEvent: maybe(0.2),
        ...(maybe(0.05) ? { metadataCluster: pick(['cluster-0', 'cluster-1', 'cluster-9']) } : {}),
      },
      ...(maybe(0.1) ? [{ group: entry.group, name: 'another', ours: false, heartbeatSeconds: between(60, 900) }] : []),
    ]),
    settings: {
      DRAIN_DEADLINE_SECONDS: String(between(600, 3_000)),
      ON_REBALANCE: pick(['notify', 'drain', 'replace']),
      ON_MAINTENANCE: pick(['notify', 'drain', 'replace']),
      MAINTENANCE_LEAD_SECONDS: String(between(0, 1_500)),
      AT_DEADLINE: pick(['CONTINUE', 'ABANDON']),
      ...(maybe(0.3) ? { STOP_STANDALONE_AFTER_SECONDS: String(between(60, 600)) } : {}),
    },
    events,
    faults: {
      throttle: fault(0.2),
      throttleBurst: fault(0.01),
      serverError: fault(0.1),
      timeoutAfterEffect: fault(0.1),
      duplicate: fault(0.5),
      reorder: fault(0.5),
      staleRead: fault(0.2),
      lambdaCrash: fault(0.3),
      clockSkewSeconds: fault(2),
      lostEvents: fault(0.2),
    },
  };
  return Scenario.parse(maybe(ROLLOUTS) ? withRollout(scenario, random) : scenario);
}

interface Raw {
  readonly clusters: readonly { readonly name: string; readonly group: string }[];
  readonly events: readonly { readonly atSeconds: number }[];
}

const FLEET = 'spots';

/** The same cluster, a group and perhaps a Spot Fleet of which are rolled to a new image amid all that happens to it. */
function withRollout(scenario: Raw, random: Random): object {
  const [{ name: cluster, group }] = scenario.clusters as [Raw['clusters'][number]];
  const at = (least: number, most: number): number => random.int(least, most);
  const pick = <T>(options: readonly [T, ...T[]]): T => options[at(0, options.length - 1)] ?? options[0];
  const source = 'al2023/x86_64';
  const hasFleet = random.chance(0.5);
  const whose = hasFleet ? pick([group, FLEET]) : group;
  const happening = pick<object>([
    { refresh: { group } },
    { scale: { group, to: at(2, 6) } },
    { capacity: { group: whose, available: false } },
    { alarm: { name: 'errors', raised: true } },
    { say: { source, word: pick(['approve', 'cancel']) } },
    { say: { source, word: 'pause' } },
    { writeTemplate: { group } },
    { quota: { code: 'L-1216C47A', vCpus: at(8, 24) } },
    { standby: { group, enter: true } },
    { spotInterruption: { group: whose, count: 1 } },
  ]);
  const toFleet = pick<object>([
    { spotTarget: { group: FLEET, to: at(1, 4) } },
    { unlist: { group: FLEET, count: 1 } },
    { optOut: { group: FLEET } },
  ]);
  const tags = (): Record<string, string> => ({ 'ecs-drain:ami': random.chance(0.7) ? 'auto' : 'approve' });
  const groupTags = {
    ...tags(),
    'ecs-drain:alarms': 'errors',
    ...(random.chance(0.3) ? { 'ecs-drain:bake': pick(['5m', '30m', '45m']) } : {}),
    ...(random.chance(0.3) ? { 'ecs-drain:wave': '2' } : {}),
    ...(random.chance(0.3) ? { 'ecs-drain:healthy': pick(['50-100', '90-150']) } : {}),
  };
  return {
    ...scenario,
    // What does not pass is waited for a day, and an approval for two weeks.
    durationSeconds: ROLLOUT_DURATION_SECONDS,
    rollouts: true,
    clusters: scenario.clusters.map((one) => ({
      ...one,
      maximum: 10,
      ...(one.group === group ? { tags: groupTags } : {}),
    })),
    spotFleets: hasFleet
      ? [
          {
            name: FLEET,
            cluster,
            instances: at(1, 3),
            launch: pick(['template', 'specification']),
            tags: tags(),
          },
        ]
      : [],
    events: [
      ...scenario.events,
      ...(hasFleet ? [{ atSeconds: at(20, FAULTS_END_SECONDS), ...toFleet }] : []),
      { atSeconds: 5, release: { family: source, ...(random.chance(0.2) ? { flaw: 'agent-never-joins' } : {}) } },
      { atSeconds: at(20, 1_200), rollOut: { source } },
      { atSeconds: at(20, FAULTS_END_SECONDS), ...happening },
      { atSeconds: FAULTS_END_SECONDS, capacity: { group: whose, available: true } },
      { atSeconds: FAULTS_END_SECONDS, alarm: { name: 'errors', raised: false } },
      { atSeconds: FAULTS_END_SECONDS, quota: { code: 'L-1216C47A', vCpus: 100_000 } },
      { atSeconds: FAULTS_END_SECONDS, standby: { group, enter: false } },
      { atSeconds: at(FAULTS_END_SECONDS, 9_000), say: { source, word: 'resume' } },
      { atSeconds: at(9_000, 12_000), say: { source, word: 'approve' } },
    ].sort((a, b) => a.atSeconds - b.atSeconds),
  };
}
