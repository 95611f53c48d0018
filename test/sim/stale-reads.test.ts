import { DescribeClustersCommand, ECSClient, ListClustersCommand, PutAttributesCommand } from '@aws-sdk/client-ecs';
import { expect, it } from 'vitest';
import { AwsError } from '../../sim/aws-error.ts';
import { EPOCH_MS } from '../../sim/clock.ts';
import { createTransport } from '../../sim/transport.ts';
import { createDispatcher } from '../../sim/wire.ts';
import { createRunningRegion, inVirtualTime } from './running-region.ts';

/** A service whose every answer is the moment at which it was made, in milliseconds from the start. */
function createTeller(staleRead: number, seed = 1) {
  const { world, of } = createRunningRegion({ seed });
  const now = (): string => String(world.clock.nowMs() - EPOCH_MS);
  let broken = false;
  const ListClusters = () => {
    if (broken) throw new AwsError('ClientException', 'broken');
    return { clusterArns: [now()] };
  };
  const wire = createDispatcher({
    ecs: {
      ListClusters,
      DescribeClusters: () => ({ clusters: [{ clusterName: now() }] }),
      PutAttributes: () => ({ attributes: [{ name: now() }] }),
    },
  });
  const requestHandler = createTransport({ world, wire, faults: { staleRead } });
  const ecs = new ECSClient({ requestHandler, maxAttempts: 1 });
  /** How old each answer is when it arrives. */
  const agesOf = (commands: number, ask: (i: number) => Promise<string | undefined>, everyMs = 1_000) =>
    inVirtualTime(world, async () => {
      const ages: number[] = [];
      for (let i = 0; i < commands; i++) {
        const told = await ask(i);
        ages.push(world.clock.nowMs() - EPOCH_MS - Number(told));
        await new Promise((resolve) => setTimeout(resolve, everyMs));
      }
      return ages;
    });
  return {
    agesOf,
    of,
    breakDown: () => {
      broken = true;
    },
    list: async (page = 0) => (await ecs.send(new ListClustersCommand({ maxResults: 1 + page }))).clusterArns?.[0],
    describe: async () => (await ecs.send(new DescribeClustersCommand({}))).clusters?.[0]?.clusterName,
    write: async () => (await ecs.send(new PutAttributesCommand({ attributes: [] }))).attributes?.[0]?.name,
  };
}

const ON_ITS_WAY_MS = 20;

it('a read may be answered with an earlier answer to the same question, at most five seconds old', async () => {
  const { agesOf, list, of } = createTeller(0.5);
  const ages = await agesOf(100, () => list());
  expect(Math.max(...ages)).toBeLessThanOrEqual(5_000 + ON_ITS_WAY_MS);
  expect(ages.filter((ms) => ms > 900).length).toBeGreaterThan(30);
  expect(ages.filter((ms) => ms < ON_ITS_WAY_MS).length).toBeGreaterThan(30);
  expect(of('call')).toHaveLength(100);
});

it('a read that was never asked before is answered late', async () => {
  const { agesOf, list } = createTeller(0.5);
  const ages = await agesOf(60, list, 0);
  expect(Math.max(...ages)).toBeLessThanOrEqual(5_000 + ON_ITS_WAY_MS);
  expect(ages.filter((ms) => ms > 500).length).toBeGreaterThan(15);
});

it('an answer that is too old is not given again', async () => {
  const { agesOf, describe } = createTeller(1);
  const ages = await agesOf(20, describe, 5_001);
  expect(Math.max(...ages)).toBeLessThanOrEqual(5_000 + ON_ITS_WAY_MS);
});

it('what changes something is never answered with what was', async () => {
  const { agesOf, write } = createTeller(1);
  expect(Math.max(...(await agesOf(20, write)))).toBeLessThan(ON_ITS_WAY_MS);
});

it('an error is not remembered, and nothing hides it but an earlier answer', async () => {
  const { agesOf, list, breakDown } = createTeller(1);
  await agesOf(1, () => list());
  breakDown();
  await agesOf(1, () => list(), 6_000);
  await expect(agesOf(1, () => list())).rejects.toMatchObject({ name: 'ClientException' });
});

it('the seed decides', async () => {
  const play = (seed: number) => {
    const { agesOf, list } = createTeller(0.3, seed);
    return agesOf(20, () => list());
  };
  expect(await play(1)).toEqual(await play(1));
  expect(await play(1)).not.toEqual(await play(2));
});
