import { expect, it } from 'vitest';
import { blockersOf } from '../../src/rollout/checks.ts';
import type { FleetFacts } from '../../src/rollout/fleet.ts';
import type { QuotaFacts } from '../../src/rollout/quotas.ts';
import { fleet, policy } from './builders.ts';

const QUOTA: QuotaFacts = { name: 'All of them', instances: 3, neededVCpus: 24, leftVCpus: 16 };

it('lets a fleet go on that is drained, steady and left in peace', () => {
  expect(blockersOf(fleet(), 1_800)).toEqual([]);
  expect(blockersOf(fleet({ drainedBy: 'managed-draining', suspended: ['AddToLoadBalancer'] }), 7_200)).toEqual([]);
  expect(blockersOf(fleet({ protectedFromScaleIn: 3, managedProtection: true }), 1_800)).toEqual([]);
  expect(blockersOf(fleet({ max: 5 }), 1_800)).toEqual([]);
  expect(blockersOf(fleet({ quota: { ...QUOTA, leftVCpus: 24 } }), 1_800)).toEqual([]);
  expect(blockersOf(fleet({ max: 4, policy: policy({ 'ecs-drain:healthy': '90-100' }) }), 1_800)).toEqual([]);
});

it.each([
  ['nothing drains it', { drainedBy: 'none' }, 1_800, false, 'attach the hook'],
  ['its drains outlive a refresh', {}, 3_300, false, 'lower the drain'],
  ['somebody protects one instance', { protectedFromScaleIn: 1 }, 1_800, false, 'protected from scale-in'],
  ['somebody protects all of them', { protectedFromScaleIn: 4 }, 1_800, false, 'protected from scale-in'],
  ['a service may not move', { immovable: ['api'] }, 1_800, false, 'nor start one more'],
  ['it is at its maximum', { max: 4 }, 1_800, false, 'raise the maximum'],
  ['it is bound to something', { bound: ['it has a scalable target'] }, 1_800, false, 'scalable target'],
  ['another rollout is at work on it', { beside: 'sfr-0b is a copy of it' }, 1_800, true, 'sfr-0b is a copy'],
  ['somebody is changing it', { unsettled: 'somebody is changing its target' }, 1_800, true, 'changing its target'],
  ['a refresh is under way', { refreshing: true }, 1_800, true, 'under way'],
  ['an instance is in Standby', { standby: ['i-0aside'] }, 1_800, true, 'i-0aside is in Standby'],
  ['launches are suspended', { suspended: ['Launch'] }, 1_800, true, 'resume'],
  ['refreshes are suspended', { suspended: ['InstanceRefresh'] }, 1_800, true, 'resume'],
  ['an instance is in Standby', { standby: ['i-0a'] }, 1_800, true, 'i-0a is in Standby'],
  ['it is in no cluster', { clusters: [] }, 1_800, true, 'in any cluster'],
  ['a service is not steady', { unsteady: ['api'] }, 1_800, true, 'not steady'],
] as const)('holds a fleet back while %s', (_, changes, deadlineSeconds, passes, words) => {
  expect(blockersOf(fleet(changes as Partial<FleetFacts>), deadlineSeconds)).toEqual([
    { passes, because: expect.stringContaining(words) },
  ]);
});

it.each<[string, Partial<FleetFacts>, string]>([
  [
    'a batch that does not fit',
    { quota: QUOTA },
    '3 instances at once need 24 vCPUs, and 16 are left of "All of them": ask for more in Service Quotas, or let fewer go at once (ecs-drain:healthy)',
  ],
  [
    'a single instance, fewer than which cannot go',
    { quota: { ...QUOTA, instances: 1, neededVCpus: 8, leftVCpus: 1 } },
    'a new instance needs 8 vCPUs, and 1 is left of "All of them": ask for more in Service Quotas',
  ],
  [
    'a region where more runs than the quota allows',
    { quota: { ...QUOTA, instances: 1, neededVCpus: 8, leftVCpus: -4 } },
    'a new instance needs 8 vCPUs, and 0 are left of "All of them": ask for more in Service Quotas',
  ],
  [
    'the copy of a Spot Fleet',
    { id: 'spot-fleet/sfr-0a', drainedBy: 'order', quota: QUOTA },
    'its copy needs 24 vCPUs, and 16 are left of "All of them": ask for more in Service Quotas',
  ],
])("EC2's quota is waited for, and said in numbers: %s", (_, changes, because) => {
  expect(blockersOf(fleet(changes), 1_800)).toEqual([{ passes: true, because, about: 'All of them' }]);
});
