import type { FleetFacts, Slot, Target } from '../../src/rollout/fleet.ts';
import type { FleetInstance, HostSeen } from '../../src/rollout/ports.ts';
import type { FleetRequest } from '../../src/rollout/request.ts';
import type { FleetPolicy } from '../../src/rollout/tags.ts';
import { readTags } from '../../src/rollout/tags.ts';

export const OLD = 'ami-0aaaaaaaaaaaaaaa1';
export const NEW = 'ami-0bbbbbbbbbbbbbbb2';
export const START_MS = Date.UTC(2026, 10, 23, 9);

export const target: Target = {
  source: 'al2023/x86_64',
  family: 'al2023/x86_64',
  version: '2023.0.20261115',
  imageId: NEW,
  architecture: 'x86_64',
  kernel: '6.1',
  agentVersion: '1.108.3',
  runtimeVersion: 'Docker version 25.0.18',
  releasedAtMs: START_MS - 3_600_000,
};

export function fleetRequest(changes: Partial<FleetRequest> = {}): FleetRequest {
  return {
    kind: 'fleet',
    fleet: 'group/web-asg',
    source: target.source,
    imageId: NEW,
    version: target.version,
    noticedAt: new Date(START_MS).toISOString(),
    release: 'r',
    ...changes,
  };
}

/** `version`: of the template that it was launched from; none, where that is not known. */
export function instance(id: string, imageId: string | undefined, state = 'InService', version = ''): FleetInstance {
  const template = version === '' ? {} : { template: { templateId: 'lt-0a', version } };
  return { id, imageId, state, ...template, protectedFromScaleIn: false };
}

/** At work: ACTIVE, its agent connected, with tasks. */
export function hostSeen(instanceId: string, changes: Partial<HostSeen> = {}): HostSeen {
  return {
    instanceId,
    status: 'ACTIVE',
    agentConnected: true,
    agentVersion: undefined,
    runtimeVersion: undefined,
    runningTasks: 2,
    ...changes,
  };
}

export function policy(tags: Readonly<Record<string, string>> = {}): FleetPolicy {
  const read = readTags({ 'ecs-drain:ami': 'auto', ...tags });
  if (read === undefined || 'mistakes' in read) throw new Error(`wrong tags: ${JSON.stringify(read)}`);
  return read;
}

export function slot(changes: Partial<Slot> = {}): Slot {
  return {
    at: 'base',
    template: { id: 'lt-0a', number: 3, asked: '3' },
    written: 'image',
    imageId: OLD,
    family: 'al2023/x86_64',
    version: '2023.0.20261001',
    architecture: 'x86_64',
    kernel: '6.1',
    ...changes,
  };
}

/** Whatever is not steady lacks tasks, unless the changes say otherwise. */
export function fleet(changes: Partial<FleetFacts> = {}): FleetFacts {
  return {
    id: 'group/web-asg',
    policy: policy(),
    launch: 'template',
    slots: [slot()],
    unread: [],
    named: {},
    images: { [OLD]: 4 },
    desired: 4,
    drainedBy: 'hook',
    refreshing: false,
    suspended: [],
    protectedFromScaleIn: 0,
    managedProtection: false,
    warm: 0,
    clusters: ['web'],
    unsteady: [],
    lacking: changes.unsteady ?? [],
    immovable: [],
    bound: [],
    ...changes,
  };
}
