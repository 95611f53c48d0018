import { AwsError } from './aws-error.ts';
import { EPOCH_MS } from './clock.ts';
import { say, writeTemplate } from './operators.ts';
import type { Region } from './region.ts';
import type { ScenarioEvent } from './scenario.ts';

/** How long after its warning AWS takes a Spot instance (AWS-CONTRACTS §6). */
const SPOT_MS = 120_000;

/** Puts everything that a scenario says will happen on its region's clock. */
export function schedule(region: Region): void {
  for (const event of region.scenario.events) {
    region.world.clock.at(EPOCH_MS + event.atSeconds * 1000, () => happen(region, event));
  }
}

function happen(region: Region, event: ScenarioEvent): void {
  const { world, autoScaling, spotFleets, ecs, ec2, events, ssm, faults, scenario, audit } = region;

  const inService = (group: string, count: number): string[] =>
    region
      .instancesOf(group)
      .filter((id) => autoScaling.stateOf(id) === 'InService' || spotFleets.instance(id)?.isGone === false)
      .slice(0, count);
  const leaving = (group: string): string[] =>
    region.instancesOf(group).filter((id) => /^(Terminating|Warmed:|Replacing)/.test(autoScaling.stateOf(id) ?? ''));
  const firstFleet = (group: string) => [...spotFleets.fleets.values()].find(({ name }) => name === group);
  const later = (seconds: number, then: () => void): void => void world.clock.after(seconds * 1000, then);

  if (event.terminate) {
    const { group, count } = event.terminate;
    const decrement = scenario.clusters.some((cluster) => cluster.group === group && !cluster.replaceInstances);
    autoScaling.terminate(group, count, { decrement });
  }
  if (event.toWarmPool) autoScaling.toWarmPool(event.toWarmPool.group, event.toWarmPool.count);
  if (event.replaceRootVolume)
    autoScaling.replaceRootVolume(event.replaceRootVolume.group, event.replaceRootVolume.count);
  if (event.spotInterruption) {
    const { group, count, action, backAfterSeconds } = event.spotInterruption;
    const take = (id: string): void => {
      if (action === 'terminate') ec2.vanish(id, 'spot');
      else if (backAfterSeconds === undefined) ec2.stop(id, 'spot');
      else ec2.stopFor(id, backAfterSeconds);
    };
    for (const id of inService(group, count)) {
      audit.mayBeDrained(id);
      events.spotInterruption(id, action);
      later(SPOT_MS / 1000, () => take(id));
    }
  }
  if (event.rebalance) {
    for (const id of inService(event.rebalance.group, event.rebalance.count)) {
      audit.mayBeDrained(id);
      events.rebalanceRecommendation(id);
    }
  }
  if (event.maintenance) {
    const { group, count, change, inSeconds, lastsSeconds } = event.maintenance;
    const ids = inService(group, count);
    ids.forEach(audit.mayBeDrained);
    const startsAtMs = world.clock.nowMs() + inSeconds * 1000;
    const code =
      change === 'reboot' ? 'AWS_EC2_INSTANCE_REBOOT_MAINTENANCE_SCHEDULED' : 'AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED';
    events.health({
      code,
      instanceIds: ids,
      startsAtMs,
      endsAtMs: startsAtMs + lastsSeconds * 1000,
      pageSize: 2,
      backup: true,
    });
    later(inSeconds, () => {
      for (const id of ids) {
        if (autoScaling.stateOf(id) === undefined) continue;
        if (change === 'reboot') ec2.reboot(id);
        else ec2.vanish(id, 'retired');
      }
    });
  }
  if (event.order) {
    const { group, count, reason, deadlineSeconds } = event.order;
    for (const id of inService(group, count)) {
      audit.mayBeDrained(id);
      region.order(id, reason, deadlineSeconds);
    }
  }
  if (event.setActive) for (const id of leaving(event.setActive.group)) ecs.setStatus(id, 'ACTIVE');
  if (event.setDraining) {
    for (const id of inService(event.setDraining.group, event.setDraining.count)) ecs.setStatus(id, 'DRAINING');
  }
  if (event.deregister) for (const id of leaving(event.deregister.group)) ecs.deregister(id);
  if (event.agentAway) for (const id of leaving(event.agentAway.group)) ecs.setAgentConnected(id, false);
  if (event.agentBack) for (const id of leaving(event.agentBack.group)) ecs.setAgentConnected(id, true);
  if (event.vanish) for (const id of leaving(event.vanish.group)) ec2.vanish(id, 'console');
  if (event.deleteHook) {
    const { group, name } = event.deleteHook;
    ask(() => autoScaling.deleteHook(group, name));
  }
  if (event.changeHook) {
    const { group, name, heartbeatSeconds } = event.changeHook;
    ask(() =>
      autoScaling.operations.PutLifecycleHook({
        AutoScalingGroupName: group,
        LifecycleHookName: name,
        HeartbeatTimeout: heartbeatSeconds,
      }),
    );
  }
  if (event.unreadable) ecs.setUnreadable(event.unreadable.cluster, event.unreadable.error);
  if (event.readable) ecs.setUnreadable(event.readable.cluster, undefined);
  if (event.switch) {
    ssm.set(region.switchParameter, event.switch.text);
    audit.switched(event.switch.text);
  }
  if (event.release) region.amis.release(event.release.family, event.release.flaw);
  if (event.capacity) {
    const { group, available } = event.capacity;
    if (scenario.spotFleets.some(({ name }) => name === group)) spotFleets.setCapacity(group, available);
    else autoScaling.setCapacity(group, available);
  }
  if (event.quota) region.serviceQuotas.set(event.quota.code, event.quota.vCpus);
  if (event.spotTarget) {
    const { group, to } = event.spotTarget;
    const fleet = firstFleet(group);
    if (fleet && !fleet.state.startsWith('cancelled') && fleet.target !== to) {
      // Without terminating what it has above that: what its owner takes away is nobody else's fault.
      fleet.excess = 'noTermination';
      spotFleets.setTarget(fleet, to);
    }
  }
  if (event.optOut) {
    const fleet = firstFleet(event.optOut.group);
    if (fleet) fleet.tags = fleet.tags.filter(({ Key }) => Key !== 'ecs-drain:ami');
  }
  if (event.unlist) {
    for (const id of inService(event.unlist.group, event.unlist.count)) {
      const instance = spotFleets.instance(id);
      if (instance) spotFleets.unlist(instance);
    }
  }
  if (event.scale) autoScaling.scale(event.scale.group, event.scale.to);
  if (event.alarm) autoScaling.setAlarm(event.alarm.name, event.alarm.raised);
  if (event.refresh) {
    const { group } = event.refresh;
    ask(() => void autoScaling.operations.StartInstanceRefresh({ AutoScalingGroupName: group }));
  }
  if (event.rollOut) region.rollOut(event.rollOut.source, event.rollOut.groups);
  if (event.say) say(region, event.say.source, event.say.word);
  if (event.standby) autoScaling.standBy(event.standby.group, event.standby.enter);
  if (event.writeTemplate) writeTemplate(region, event.writeTemplate.group);
  if (event.deploy) region.deploy(event.deploy.settings);
  if (event.rollback) region.rollback();
  if (event.faultsEnd) for (const name of Object.keys(faults) as (keyof typeof faults)[]) faults[name] = 0;
}

/** Somebody asks AWS for something. What it refuses, a hook that has gone, say, is that person's matter. */
function ask(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
  }
}
