import { expect, it } from 'vitest';
import { hostsOf } from '../../src/rollout/hosts.ts';
import type { ClustersPort, FleetInstance, HostSeen } from '../../src/rollout/ports.ts';
import { NEW, OLD } from './builders.ts';

const anInstance = (id: string, imageId = NEW, state = 'InService'): FleetInstance => ({
  id,
  imageId,
  state,
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
const inWeb = { clusters: ['web'], isSteady: false, stays: new Set<string>() };
const knows = (...hosts: HostSeen[]) => {
  const port: Partial<ClustersPort> = {
    hosts: async (_, ids) => ({ ok: true, value: hosts.filter(({ instanceId }) => ids.includes(instanceId)) }),
  };
  return port as ClustersPort;
};

it('knows who is at work: ACTIVE, connected, and running a task, or idle while every service is steady', async () => {
  const instances = [
    anInstance('i-work'),
    anInstance('i-idle'),
    anInstance('i-away'),
    anInstance('i-unknown'),
    anInstance('i-booting', NEW, 'Pending'),
    anInstance('i-old', OLD),
  ];
  const port = knows(
    aHost('i-work'),
    aHost('i-idle', { runningTasks: 0 }),
    aHost('i-away', { agentConnected: false }),
    aHost('i-old'),
  );
  expect(await hostsOf(instances, NEW, inWeb, port)).toMatchObject({
    fresh: 4,
    joined: 2,
    working: 1,
    strangers: ['i-idle', 'i-away', 'i-unknown'],
    old: 1,
  });
  const { strangers } = await hostsOf(instances, NEW, { ...inWeb, isSteady: true }, port);
  expect(strangers).toEqual(['i-away', 'i-unknown']);
});

it('keeps to the strangers that it saw before, however many come beside them', async () => {
  const instances = Array.from({ length: 9 }, (_, i) => anInstance(`i-${i}`));
  const { strangers } = await hostsOf(
    instances,
    NEW,
    { ...inWeb, strangers: ['i-8', 'i-7', 'i-gone'] },
    knows(aHost('i-7')),
  );
  expect(strangers).toEqual(['i-8', 'i-0', 'i-1', 'i-2', 'i-3']);
});
