import type { Amis } from './amis.ts';
import { createAmis } from './amis.ts';
import type { Audit } from './audit.ts';
import { createAudit } from './audit.ts';
import type { AutoScaling } from './autoscaling.ts';
import { createAutoScaling } from './autoscaling.ts';
import { createCloudFormation } from './cloudformation.ts';
import type { Ec2 } from './ec2.ts';
import { createEc2 } from './ec2.ts';
import type { Ecs } from './ecs.ts';
import { createEcs } from './ecs.ts';
import type { EventBridge } from './event-bridge.ts';
import { createEventBridge } from './event-bridge.ts';
import type { CheckpointFault, ExecutionRecord } from './execution.ts';
import { createSpotFleetsOf, launchSourceOf } from './fleets.ts';
import { PLAIN } from './group-launches.ts';
import { schedule } from './happenings.ts';
import { createImageOperations } from './images.ts';
import { createInstances, vCpusOf } from './instances.ts';
import type { Lambda } from './lambda.ts';
import { createLambda } from './lambda.ts';
import type { Launched } from './launch.ts';
import { createLaunches } from './launch.ts';
import { addManagedDraining } from './managed-draining.ts';
import { publicParameters } from './public-parameters.ts';
import type { Meter } from './report.ts';
import { createMeter } from './report.ts';
import type { Scenario } from './scenario.ts';
import type { Market, ServiceQuotas } from './service-quotas.ts';
import { createServiceQuotas } from './service-quotas.ts';
import type { Sns } from './sns.ts';
import { createSns } from './sns.ts';
import { createScalableTargetOperations, createSpotFleetOperations } from './spot-fleet-operations.ts';
import type { SpotFleets } from './spot-fleets.ts';
import { createSpotFleets } from './spot-fleets.ts';
import { createDeadLetters } from './sqs.ts';
import type { Ssm } from './ssm.ts';
import { createSsm } from './ssm.ts';
import type { Templates } from './templates.ts';
import { createTemplates } from './templates.ts';
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
  /** What goes wrong, and how often; a scenario may end it. */
  readonly faults: { -readonly [K in keyof Scenario['faults']]: number };
  readonly amis: Amis;
  readonly templates: Templates;
  readonly ecs: Ecs;
  readonly ec2: Ec2;
  readonly autoScaling: AutoScaling;
  readonly spotFleets: SpotFleets;
  readonly serviceQuotas: ServiceQuotas;
  readonly sns: Sns;
  readonly ssm: Ssm;
  readonly events: EventBridge;
  readonly lambda: Lambda;
  readonly wire: Dispatcher;
  /** Carries SDK requests into the region, in virtual time. */
  readonly transport: Transport;
  readonly lifecycleTopicArn: string;
  readonly alertTopicArn: string;
  /** Announcements of new AMIs. */
  readonly releaseTopicArn: string;
  readonly switchParameter: string;
  readonly audit: Audit;
  readonly meter: Meter;
  /** Ids of the EC2 instances that a group began with, and of those that it launched. */
  instancesOf(group: string): readonly string[];
  /** Deploys our functions, once more as a new version of each, with further settings; set where there are any. */
  deploy: (settings?: Readonly<Record<string, string>>) => void;
  /** What was deployed before the last time is what counts again; set where there are functions of ours. */
  rollback: () => void;
  /** What an operator's command does; set where our functions are deployed. */
  order: (instanceId: string, reason: string, deadlineSeconds: number | undefined) => void;
  /** The same for a rollout: of these groups and fleets only, where any are named. */
  rollOut: (source: string, groups: readonly string[] | undefined) => void;
}

/** What a caller may do to a region: watch it from before its first task, and break it call by call. */
export interface Handles {
  readonly watch?: ((region: Region) => void) | undefined;
  readonly beforeCall?: ((call: WireCall, sequence: number) => CallFault | undefined) | undefined;
  readonly beforeCheckpoint?: ((execution: ExecutionRecord, n: number) => CheckpointFault | undefined) | undefined;
  /** What runs durable functions: the real SDK (default), or the checkpoint store, which is many times faster. */
  readonly engine?: 'sdk' | 'store' | undefined;
}

export function createRegion(scenario: Scenario, seed: number, handles: Handles = {}): Region {
  const world = createWorld({ seed, region: scenario.region });
  const faults = { ...scenario.faults };
  const amis = createAmis(world);
  const templates = createTemplates(world, (id) => amis.get(id) !== undefined);
  const ecs = createEcs(world);
  const ec2 = createEc2(world);
  const ssm = createSsm(world, publicParameters(amis));
  const launches = createLaunches({ templates, amis, parameter: ssm.get });
  const serviceQuotas = createServiceQuotas(world, scenario.quotas, (market) => instances.inUse(market));
  const fits = (market: Market) => (launched: Launched) => serviceQuotas.hasRoom(market, vCpusOf(launched));
  const autoScaling = createAutoScaling(world, { launches, fits: fits('on-demand') });
  const spotFleets = createSpotFleets(world, launches, fits('spot'));
  const instances = createInstances(world, { autoScaling, spotFleets });
  const lambda = createLambda(world, {
    engine: handles.engine,
    unreservedConcurrency: scenario.stack.unreservedConcurrency,
    faults: {
      get duplicate() {
        return faults.duplicate;
      },
      get crash() {
        return faults.lambdaCrash;
      },
      clockSkewMs: faults.clockSkewSeconds * 1000,
    },
    beforeCheckpoint: handles.beforeCheckpoint,
  });
  const sns = createSns(world, { deliver: lambda.deliver, faults });
  const events = createEventBridge(world, {
    deliver: lambda.deliver,
    faults: {
      get duplicate() {
        return faults.duplicate;
      },
      get reorder() {
        return faults.reorder;
      },
      get lost() {
        return faults.lostEvents;
      },
    },
  });
  const lifecycleTopicArn = sns.createTopic('ecs-drain-lifecycle');
  const alertTopicArn = sns.createTopic('ecs-drain-alerts');
  const releaseTopicArn = sns.createTopic('ecs-drain-ami-releases');
  for (const subscriber of scenario.stack.subscribers) sns.subscribeOutside(alertTopicArn, subscriber);
  const switchParameter = '/ecs-drain/switch';
  if (scenario.switch !== undefined) ssm.set(switchParameter, scenario.switch);
  const deadLettersUrl = `https://sqs.${world.region}.amazonaws.com/${world.accountId}/ecs-drain-dead-letters`;
  const deadLetters = createDeadLetters(world, { url: deadLettersUrl, already: scenario.stack.deadLetters });
  // What the stack's template puts out; deployed in every region, its functions running or not.
  const stack = {
    name: 'ecs-drain',
    outputs: {
      LifecycleTopicArn: lifecycleTopicArn,
      AlertTopicArn: alertTopicArn,
      AmiReleaseTopicArn: releaseTopicArn,
      HookRoleArn: `arn:aws:iam::${world.accountId}:role/ecs-drain-hook`,
      DrainFunctionArn: `arn:aws:lambda:${world.region}:${world.accountId}:function:ecs-drain-drain:durable`,
      SwitchParameterName: switchParameter,
      DeadLettersUrl: deadLettersUrl,
      ...(scenario.rollouts
        ? {
            AmiUpdateFunctionArn: `arn:aws:lambda:${world.region}:${world.accountId}:function:ecs-drain-ami-update:durable`,
            RolloutPrefix: '/ecs-drain/rollouts',
          }
        : {}),
    },
  };
  const wire = createDispatcher({
    autoscaling: autoScaling.operations,
    cloudformation: createCloudFormation(world, [stack], (id) => spotFleets.stacks.get(id)).operations,
    'application-autoscaling': createScalableTargetOperations(world, spotFleets),
    ec2: {
      ...createImageOperations(world, amis),
      ...templates.operations,
      ...createSpotFleetOperations(world, { spotFleets, templates }),
      ...instances.operations,
    },
    ecs: ecs.operations,
    lambda: lambda.operations,
    servicequotas: serviceQuotas.operations,
    sns: sns.operations,
    sqs: deadLetters.operations,
    ssm: ssm.operations,
  });
  const transport = createTransport({ world, wire, faults, beforeCall: handles.beforeCall });

  // Before anything exists, so that they see all of it.
  const audit = createAudit(world, scenario, {
    amis,
    autoScaling,
    ecs,
    spotFleets,
    templates,
    parameter: ssm.get,
    executions: lambda.executions,
  });
  const meter = createMeter(world, { alertTopicArn, releaseTopicArn });
  const members = membersByGroup(world);

  const region: Region = {
    world,
    scenario,
    faults,
    amis,
    templates,
    ecs,
    ec2,
    autoScaling,
    spotFleets,
    serviceQuotas,
    sns,
    ssm,
    events,
    lambda,
    wire,
    transport,
    lifecycleTopicArn,
    alertTopicArn,
    releaseTopicArn,
    switchParameter,
    audit,
    meter,
    instancesOf: (group) => [...(members.get(group) ?? [])],
    deploy: () => undefined,
    rollback: () => undefined,
    order: () => undefined,
    rollOut: () => undefined,
  };
  handles.watch?.(region);
  build(region, members);
  schedule(region);
  return region;
}

/** Follows what the groups launch; what they begin with is added by whoever creates them. */
function membersByGroup(world: World): Map<string, Set<string>> {
  const members = new Map<string, Set<string>>();
  world.on((event) => {
    if (event.kind === 'instance-launched') members.get(event.group)?.add(event.instanceId);
  });
  return members;
}

function build(region: Region, members: Map<string, Set<string>>): void {
  const { world, scenario, ecs, autoScaling, spotFleets, lifecycleTopicArn } = region;
  for (const cluster of scenario.clusters) {
    ecs.createCluster(cluster.name, { cpu: cluster.instanceCpu, memory: cluster.instanceMemory });
    const ids = autoScaling.createGroup({
      name: cluster.group,
      desired: cluster.instances,
      max: cluster.maximum,
      warm: cluster.warm,
      cluster: cluster.name,
      launch: launchSourceOf(region, cluster),
      tags: cluster.tags,
      suspended: new Set(cluster.suspended),
      retainOnAbandon: cluster.retainOnAbandon,
      protectedFromScaleIn: cluster.protectedFromScaleIn,
    });
    members.set(cluster.group, new Set([...(members.get(cluster.group) ?? []), ...ids]));
    for (const [i, instanceId] of ids.slice(0, cluster.instances).entries()) {
      const { id: imageId, agentVersion, dockerVersion } = autoScaling.imageOf(instanceId) ?? PLAIN.image;
      const runs = { imageId, agentVersion, dockerVersion };
      const attributes = i === 0 ? cluster.firstInstanceAttributes : undefined;
      if (cluster.leftovers) {
        ecs.registerContainerInstance({ cluster: cluster.name, instanceId, ...runs, agentConnected: false });
      }
      ecs.registerContainerInstance({ cluster: cluster.name, instanceId, ...runs, attributes });
    }
    for (const instanceId of createSpotFleetsOf(region, cluster.name, members)) {
      const { id: imageId, agentVersion, dockerVersion } = spotFleets.imageOf(instanceId) ?? PLAIN.image;
      ecs.registerContainerInstance({ cluster: cluster.name, instanceId, imageId, agentVersion, dockerVersion });
    }
    for (const standalone of cluster.standalone) ecs.runStandalone(cluster.name, standalone);
    for (const service of cluster.services) ecs.createService(cluster.name, service);
    if (cluster.managedDraining) addManagedDraining(world, { ecs, autoScaling }, cluster.group);
    if (cluster.managedDraining || cluster.protectedFromScaleIn) {
      const [group] = autoScaling.operations.DescribeAutoScalingGroups({
        AutoScalingGroupNames: [cluster.group],
      }).AutoScalingGroups;
      const autoScalingGroupArn = group?.AutoScalingGroupARN ?? '';
      ecs.createCapacityProvider(`${cluster.name}-instances`, {
        autoScalingGroupArn,
        managedDraining: cluster.managedDraining ? 'ENABLED' : 'DISABLED',
        managedTerminationProtection: cluster.protectedFromScaleIn ? 'ENABLED' : 'DISABLED',
      });
    }
  }
  for (const group of scenario.groups) {
    members.set(group.name, new Set(autoScaling.createGroup({ name: group.name, desired: group.instances })));
  }

  for (const hook of scenario.hooks) {
    const targetArn = hook.target ?? (hook.ours && !hook.byEvent ? lifecycleTopicArn : undefined);
    const cluster = hook.metadata ? (hook.metadataCluster ?? clusterOf(scenario, hook.group)) : undefined;
    autoScaling.putHook(hook.group, {
      name: hook.name,
      heartbeatSeconds: hook.heartbeatSeconds,
      defaultResult: hook.defaultResult,
      ...(targetArn === undefined ? {} : { targetArn, roleArn: `arn:aws:iam::${world.accountId}:role/ecs-drain-hook` }),
      ...(cluster === undefined ? {} : { metadata: JSON.stringify({ cluster }) }),
    });
  }
}

function clusterOf(scenario: Scenario, group: string): string | undefined {
  return scenario.clusters.find((cluster) => cluster.group === group)?.name;
}
