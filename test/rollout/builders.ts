import type { FleetFacts, Slot, Target } from '../../src/rollout/fleet.ts';
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
    immovable: [],
    bound: [],
    ...changes,
  };
}
