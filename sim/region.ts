import type { Audit } from './audit.ts';
import { createAudit } from './audit.ts';
import type { AutoScaling } from './autoscaling.ts';
import { createAutoScaling } from './autoscaling.ts';
import { EPOCH_MS } from './clock.ts';
import type { CheckpointFault, ExecutionRecord } from './durable.ts';
import type { Ecs } from './ecs.ts';
import { createEcs } from './ecs.ts';
import type { Lambda } from './lambda.ts';
import { createLambda } from './lambda.ts';
import type { Meter } from './report.ts';
import { createMeter } from './report.ts';
import type { Scenario } from './scenario.ts';
import type { Sns } from './sns.ts';
import { createSns } from './sns.ts';
import type { CallFault, Transport } from './transport.ts';
import { createTransport } from './transport.ts';
import type { Dispatcher, WireCall } from './wire.ts';
import { createDispatcher } from './wire.ts';
import type { World } from './world.ts';
import { createWorld } from './world.ts';

/** One simulated region as a scenario describes it, with nothing of ours deployed yet. */
export interface Region {
  readonly world: World;
  readonly scenario: Scenario;
  readonly ecs: Ecs;
  readonly autoScaling: AutoScaling;
  readonly sns: Sns;
  readonly lambda: Lambda;
  readonly wire: Dispatcher;
  /** Carries SDK requests into the region, in virtual time. */
  readonly transport: Transport;
  readonly lifecycleTopicArn: string;
  readonly alertTopicArn: string;
  readonly audit: Audit;
  readonly meter: Meter;
}

/** What a caller may do to a region: watch it from before its first task, and break it call by call. */
export interface Handles {
  readonly watch?: ((region: Region) => void) | undefined;
  readonly beforeCall?: ((call: WireCall, sequence: number) => CallFault | undefined) | undefined;
  readonly beforeCheckpoint?: ((execution: ExecutionRecord, n: number) => CheckpointFault | undefined) | undefined;
}

export function createRegion(scenario: Scenario, seed: number, handles: Handles = {}): Region {
  const world = createWorld({ seed, region: scenario.region });
  const { faults } = scenario;

  const crashes = world.random('lambda-crashes');
  const crashNow = (): CheckpointFault | undefined => {
    if (!crashes.chance(faults.lambdaCrash)) return undefined;
    return crashes.chance(0.5) ? 'kill-before' : 'kill-after';
  };

  const ecs = createEcs(world);
  const autoScaling = createAutoScaling(world);
  const lambda = createLambda(world, {
    faults: { duplicate: faults.duplicate },
    beforeCheckpoint: handles.beforeCheckpoint ?? crashNow,
  });
  const sns = createSns(world, { deliver: lambda.deliver, faults });
  const lifecycleTopicArn = sns.createTopic('ecs-drain-lifecycle');
  const alertTopicArn = sns.createTopic('ecs-drain-alerts');
  const wire = createDispatcher({
    autoscaling: autoScaling.operations,
    ecs: ecs.operations,
    lambda: lambda.operations,
    sns: sns.operations,
  });
  const transport = createTransport({ world, wire, faults, beforeCall: handles.beforeCall });

  // Before anything exists, so that they see all of it.
  const audit = createAudit(world, scenario);
  const meter = createMeter(world, alertTopicArn);

  const region = {
    world,
    scenario,
    ecs,
    autoScaling,
    sns,
    lambda,
    wire,
    transport,
    lifecycleTopicArn,
    alertTopicArn,
    audit,
    meter,
  };
  handles.watch?.(region);
  build(region);
  return region;
}

function build({ world, scenario, ecs, autoScaling, lifecycleTopicArn }: Region): void {
  for (const cluster of scenario.clusters) {
    ecs.createCluster(cluster.name, { cpu: cluster.instanceCpu, memory: cluster.instanceMemory });
    const group = { name: cluster.group, desired: cluster.instances, cluster: cluster.name };
    for (const instanceId of autoScaling.createGroup(group)) {
      ecs.registerContainerInstance({ cluster: cluster.name, instanceId });
    }
    for (const service of cluster.services) ecs.createService(cluster.name, service);
    for (const standalone of cluster.standalone) ecs.runStandalone(cluster.name, standalone);
  }
  for (const group of scenario.groups) autoScaling.createGroup({ name: group.name, desired: group.instances });

  for (const hook of scenario.hooks) {
    const cluster = scenario.clusters.find(({ group }) => group === hook.group)?.name;
    autoScaling.putHook(hook.group, {
      name: hook.name,
      heartbeatSeconds: hook.heartbeatSeconds,
      defaultResult: hook.defaultResult,
      ...(hook.ours ? { targetArn: lifecycleTopicArn, roleArn: `arn:aws:iam::${world.accountId}:role/hook` } : {}),
      ...(hook.metadata && cluster ? { metadata: JSON.stringify({ cluster }) } : {}),
    });
  }

  const keeps = new Set(scenario.clusters.filter((cluster) => cluster.replaceInstances).map(({ group }) => group));
  for (const { atSeconds, terminate } of scenario.events) {
    world.clock.at(EPOCH_MS + atSeconds * 1000, () => {
      autoScaling.terminate(terminate.group, terminate.count, { decrement: !keeps.has(terminate.group) });
    });
  }
}
