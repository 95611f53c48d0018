import { describe, expect, it } from 'vitest';
import { hostsOf } from '../../src/rollout/hosts.ts';
import type { ClustersPort, FleetInstance, HostSeen } from '../../src/rollout/ports.ts';
import { hostSeen, instance, NEW, OLD } from './builders.ts';

/** ECS has all that it is asked for, but for those named. */
async function look(
  instances: readonly FleetInstance[],
  absent: readonly string[] = [],
  pooled: readonly FleetInstance[] = [],
) {
  const asked: string[] = [];
  const port: Pick<ClustersPort, 'hosts'> = {
    hosts: async (_cluster, ids) => {
      asked.push(...ids);
      const known = ids.filter((id) => !absent.includes(id));
      return { ok: true, value: known.map((id) => hostSeen(id)) };
    },
  };
  const where = {
    pooled,
    clusters: ['web'],
    lacksNone: true,
    stays: new Set(['ami-arm']),
    launches: ['lt-0a 2', 'lt-0a 3'],
  };
  return { ...(await hostsOf(instances, NEW, where, port)), asked };
}

const inWeb = { clusters: ['web'], lacksNone: false, stays: new Set<string>() };
const knows = (...hosts: HostSeen[]) => {
  const port: Partial<ClustersPort> = {
    hosts: async (_, ids) => ({ ok: true, value: hosts.filter(({ instanceId }) => ids.includes(instanceId)) }),
  };
  return port as ClustersPort;
};

describe('the instances of a fleet', () => {
  it('are new or old by their image, and what stays is neither', async () => {
    const all = [instance('i-1', NEW), instance('i-2', OLD), instance('i-3', OLD), instance('i-4', 'ami-arm')];
    expect(await look(all)).toMatchObject({ fresh: 1, joined: 1, old: 2, unknown: 0, asked: ['i-1'] });
  });

  it('are neither new nor old while EC2 does not know them, and nothing is asked of ECS about them', async () => {
    const all = [instance('i-1', NEW), instance('i-2', undefined), instance('i-3', undefined, 'Pending')];
    expect(await look(all)).toMatchObject({ fresh: 1, old: 0, unknown: 2, strangers: [], asked: ['i-1'] });
  });

  it('are told apart by what they were launched from, where that is what is launched from now', async () => {
    const old = (id: string, version: string) => instance(id, OLD, 'InService', version);
    const fresh = instance('i-4', NEW, 'InService', '3');
    expect(await look([old('i-1', '1'), fresh])).toMatchObject({ old: 1, oldFrom: [] });
    expect(await look([old('i-1', '1'), old('i-2', '2'), old('i-3', '2'), fresh])).toMatchObject({
      oldFrom: ['lt-0a 2'],
    });
    expect(await look([old('i-1', '')])).toMatchObject({ oldFrom: ['unknown'] });
    expect(await look([old('i-1', '$Latest')])).toMatchObject({ oldFrom: ['unknown'] });
  });

  it('are of no interest where they leave, and EC2 has forgotten them', async () => {
    const all = [instance('i-1', undefined, 'Terminating:Proceed'), instance('i-2', OLD, 'Terminating:Wait')];
    expect(await look(all)).toMatchObject({ fresh: 0, old: 1, unknown: 0 });
  });

  it('are looked after in the warm pool as well, but for those that leave it', async () => {
    const pooled = [
      instance('i-2', OLD, 'Warmed:Stopped'),
      instance('i-3', NEW, 'Warmed:Stopped'),
      instance('i-4', undefined, 'Warmed:Pending'),
      instance('i-5', OLD, 'Warmed:Terminating:Wait'),
    ];
    expect(await look([instance('i-1', NEW)], [], pooled)).toMatchObject({
      fresh: 1,
      old: 0,
      oldPooled: 1,
      unknown: 1,
      asked: ['i-1'],
    });
  });

  it('are strangers where EC2 has them in service and ECS does not know them', async () => {
    const all = [instance('i-1', NEW), instance('i-2', NEW), instance('i-3', NEW, 'Pending')];
    expect(await look(all, ['i-2'])).toMatchObject({ fresh: 2, joined: 1, strangers: ['i-2'] });
  });

  it('are at work where they are ACTIVE, connected, and running a task, or idle while no service lacks tasks', async () => {
    const instances = [
      instance('i-work', NEW),
      instance('i-idle', NEW),
      instance('i-away', NEW),
      instance('i-unknown', NEW),
      instance('i-booting', NEW, 'Pending'),
      instance('i-old', OLD),
    ];
    const port = knows(
      hostSeen('i-work'),
      hostSeen('i-idle', { runningTasks: 0 }),
      hostSeen('i-away', { agentConnected: false }),
      hostSeen('i-old'),
    );
    expect(await hostsOf(instances, NEW, inWeb, port)).toMatchObject({
      fresh: 4,
      joined: 2,
      working: 1,
      strangers: ['i-idle', 'i-away', 'i-unknown'],
      old: 1,
    });
    const { strangers } = await hostsOf(instances, NEW, { ...inWeb, lacksNone: true }, port);
    expect(strangers).toEqual(['i-away', 'i-unknown']);
  });

  it('keep the strangers that were seen before, however many come beside them', async () => {
    const instances = Array.from({ length: 9 }, (_, i) => instance(`i-${i}`, NEW));
    const { strangers } = await hostsOf(
      instances,
      NEW,
      { ...inWeb, strangers: ['i-8', 'i-7', 'i-gone'] },
      knows(hostSeen('i-7')),
    );
    expect(strangers).toEqual(['i-8', 'i-0', 'i-1', 'i-2', 'i-3']);
  });
});
