import { afterEach, expect, it } from 'vitest';
import { clusterExists, clusters } from '../../src/aws/clusters.ts';
import { sessionIn } from '../cli/support.ts';

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

const SCENARIO = {
  name: 'clusters',
  durationSeconds: 3_600,
  clusters: [
    { name: 'web', instances: 101, group: 'web-asg', leftovers: true, services: [{ name: 'api', desired: 101 }] },
    { name: 'empty', instances: 0, group: 'empty-asg' },
    { name: 'secret', instances: 1, group: 'secret-asg' },
  ],
  events: [{ atSeconds: 1, unreadable: { cluster: 'secret', error: 'ClusterNotFoundException' } }],
};

it('reads every registration of every cluster', async () => {
  const session = await sessionIn(SCENARIO);
  open.push(session);

  const all = await clusters(session.aws.ecs);

  if (!all.ok) throw new Error(all.message);
  const counts = all.value.map(({ name, registrations }) => [name, registrations.ok && registrations.value.length]);
  expect(counts).toEqual([
    ['web', 202],
    ['empty', 0],
    ['secret', 1],
  ]);
  // One list of clusters; 202 registrations are three pages, described in three calls; none, one page; one, two calls.
  expect(session.aws.calls()).toBe(1 + 6 + 1 + 2);
  const web = all.value[0]?.registrations;
  expect(web?.ok && web.value.filter(({ agentConnected }) => !agentConnected).length).toBe(101);
});

it('keeps a cluster that cannot be read, with the call that failed, and hides no other', async () => {
  const session = await sessionIn(SCENARIO, 5);
  open.push(session);

  const all = await clusters(session.aws.ecs);

  expect(all.ok && all.value.map(({ name, registrations }) => [name, registrations.ok])).toEqual([
    ['web', true],
    ['empty', true],
    ['secret', false],
  ]);
});

it('says which of the calls was denied', async () => {
  const session = await sessionIn({ ...SCENARIO, denied: ['ecs:DescribeContainerInstances'] });
  open.push(session);

  const all = await clusters(session.aws.ecs);

  expect(all.ok && all.value[0]?.registrations).toMatchObject({
    ok: false,
    reason: 'denied',
    operation: 'ecs:DescribeContainerInstances',
  });
});

it('knows whether a cluster exists', async () => {
  const session = await sessionIn(SCENARIO);
  open.push(session);

  expect(await clusterExists(session.aws.ecs, 'web')).toEqual({ ok: true, value: true });
  expect(await clusterExists(session.aws.ecs, 'nowhere')).toEqual({ ok: true, value: false });
});
