import { expect, it } from 'vitest';
import { withAgents } from '../../src/rollout/agents.ts';
import type { HostSeen } from '../../src/rollout/ports.ts';
import { fleet, hostSeen, instance, NEW, OLD } from './builders.ts';

const docker = 'Docker version 25.0.8';
const host = (id: string, agentVersion: string | undefined, runtimeVersion: string | undefined = docker): HostSeen =>
  hostSeen(id, { agentVersion, runtimeVersion });

it.each([
  ['each image has its own', [host('i-1', '1.97.0'), host('i-3', '1.98.0')], { [OLD]: ['1.97.0'], [NEW]: ['1.98.0'] }],
  ['one of them was renewed in place', [host('i-1', '1.97.0'), host('i-2', '1.99.0')], { [OLD]: ['1.97.0', '1.99.0'] }],
  ['one has not joined', [host('i-2', '1.97.0')], { [OLD]: ['1.97.0'] }],
  ['none has joined', [], undefined],
  ['nothing of it is reported', [hostSeen('i-1')], undefined],
])('agents of a few instances are told by image: %s', async (_, seen, expected) => {
  const instances = [instance('i-1', OLD), instance('i-2', OLD), instance('i-3', NEW), instance('i-4', undefined)];

  const [facts] = await withAgents([{ facts: fleet(), instances }], { hosts: async () => ({ ok: true, value: seen }) });

  const words = Object.entries(expected ?? {}).map(([image, versions]) => [
    image,
    versions.map((version) => `agent ${version}, ${docker}`),
  ]);
  expect(facts?.agents).toEqual(expected && Object.fromEntries(words));
});

it('asks for ten instances of a fleet at most, two of an image, and for nothing where it is in no cluster', async () => {
  const asked: string[] = [];
  const hosts = async (_: string, ids: readonly string[]) => {
    asked.push(...ids);
    return { ok: true, value: [] } as const;
  };
  const instances = Array.from({ length: 40 }, (_, i) => instance(`i-${i}`, `ami-${i % 8}`));

  await withAgents([{ facts: fleet({ clusters: [] }), instances }], { hosts });
  expect(asked).toEqual([]);
  await withAgents([{ facts: fleet(), instances }], { hosts });
  expect(asked).toEqual(Array.from({ length: 10 }, (_, i) => `i-${i}`));
  await withAgents([{ facts: fleet(), instances: instances.filter(({ imageId }) => imageId === 'ami-0') }], { hosts });
  expect(asked.slice(10)).toEqual(['i-0', 'i-8']);
});

it('asks once for each cluster, whatever fleets are in it, and gives each fleet its own', async () => {
  const asked: [string, readonly string[]][] = [];
  const hosts = async (cluster: string, ids: readonly string[]) => {
    asked.push([cluster, ids]);
    return { ok: true, value: ids.map((id) => host(id, `1.9${id.slice(2)}.0`)) } as const;
  };
  const looked = [['web'], ['web', 'batch'], ['batch']].map((clusters, i) => ({
    facts: fleet({ id: `group/g${i}`, clusters }),
    instances: [instance(`i-${i}`, OLD)],
  }));

  const facts = await withAgents(looked, { hosts });

  expect(asked).toEqual([
    ['web', ['i-0', 'i-1']],
    ['batch', ['i-1', 'i-2']],
  ]);
  expect(facts.map(({ agents }) => agents?.[OLD])).toEqual([0, 1, 2].map((i) => [`agent 1.9${i}.0, ${docker}`]));
});
