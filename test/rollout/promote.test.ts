import { expect, it } from 'vitest';
import { performCommon } from '../../src/rollout/common-moves.ts';
import type { RolloutPorts } from '../../src/rollout/rollout.ts';
import { fleetRequest, NEW, OLD, START_MS } from './builders.ts';

const PARAMETER = '/ecs-drain/verified/al2023/x86_64';
const nameOf = (date: string) => `al2023-ami-ecs-hvm-2023.0.${date}-kernel-6.1-x86_64`;

/** What stands in the parameter after the image of `target` is promoted, and how often it was written. */
async function afterPromotion(before: string | undefined, imageName = '') {
  let value = before;
  let writes = 0;
  const ok = <T>(answer: T) => Promise.resolve({ ok: true as const, value: answer });
  const ports = {
    parameters: {
      readParameters: () => ok(value === undefined ? [] : [{ name: PARAMETER, value, changedAtMs: 0 }]),
      writeParameter: (_: string, next: string) => {
        value = next;
        writes += 1;
        return ok(undefined);
      },
    },
    images: { describeImages: () => ok(imageName === '' ? [] : [{ id: before, name: imageName }]) },
    verifiedParameter: () => PARAMETER,
    now: () => START_MS,
  } as unknown as RolloutPorts;
  const seen = await performCommon({ kind: 'promote', imageId: NEW, because: 'a test' }, fleetRequest(), ports);
  expect(seen).toEqual({ kind: 'promote', atMs: START_MS });
  return { value, writes };
}

it.each([
  ['nothing was verified before', undefined, ''],
  ['an older image was', OLD, nameOf('20261001')],
  ['what was there no longer exists', OLD, ''],
  ['what was there is of another family', OLD, 'my-own-image'],
])('a verified image is written down where %s', async (_, before, name) => {
  expect(await afterPromotion(before, name)).toEqual({ value: NEW, writes: 1 });
});

it('the same image is not written again: its age counts from its first time', async () => {
  expect(await afterPromotion(NEW, nameOf('20261115'))).toEqual({ value: NEW, writes: 0 });
});

it('a newer image that another fleet has verified stays: who follows is not led back', async () => {
  expect(await afterPromotion(OLD, nameOf('20261201'))).toEqual({ value: OLD, writes: 0 });
});
