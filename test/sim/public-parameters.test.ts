import { existsSync, readFileSync } from 'node:fs';
import { GetParametersCommand, PutParameterCommand } from '@aws-sdk/client-ssm';
import { describe, expect, it } from 'vitest';
import { createAmis } from '../../sim/amis.ts';
import { publicParameters } from '../../sim/public-parameters.ts';
import { createSsm } from '../../sim/ssm.ts';
import { createWorld } from '../../sim/world.ts';
import { familyById, recommendedOf } from '../../src/rollout/family.ts';
import { createRunningRegion, inVirtualTime } from './running-region.ts';

const AL2023 = '/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended';
const BOTTLEROCKET = '/aws/service/bottlerocket/aws-ecs-2/x86_64/latest';

function aStore() {
  const world = createWorld({ seed: 1, region: 'eu-west-1' });
  const amis = createAmis(world);
  return { amis, ssm: createSsm(world, publicParameters(amis)) };
}

describe('AWS’s public parameters', () => {
  it('say what is recommended now', () => {
    const { amis, ssm } = aStore();
    const before = amis.recommended('al2023/x86_64');
    expect(JSON.parse(ssm.get(AL2023) ?? '')).toMatchObject({ image_id: before.id, image_name: before.name });
    const released = amis.release('al2023/x86_64');
    expect(JSON.parse(ssm.get(AL2023) ?? '')).toMatchObject({ image_id: released.id, image_version: released.version });
    expect(ssm.get(`${AL2023}/image_id`)).toBe(released.id);
    expect(released.id).not.toBe(before.id);
  });

  it('say it of Bottlerocket in two plain strings', () => {
    const { amis, ssm } = aStore();
    const { id, version } = amis.recommended('bottlerocket-2/x86_64');
    expect([ssm.get(`${BOTTLEROCKET}/image_id`), ssm.get(`${BOTTLEROCKET}/image_version`)]).toEqual([id, version]);
  });

  it('are understood by ours', () => {
    const { amis, ssm } = aStore();
    for (const id of ['al2023/x86_64', 'al2023/arm64', 'bottlerocket-2/x86_64'] as const) {
      const family = familyById(id) ?? expect.fail(id);
      const { source } = family;
      const names = source.form === 'json' ? [source.parameter] : [source.imageId, source.imageVersion];
      const seen = names.map((name) => ({ name, value: ssm.get(name) ?? '', changedAtMs: 0 }));
      const { id: imageId, name, version } = amis.recommended(id);
      expect(recommendedOf(family, seen)).toMatchObject({ kind: 'recommended', image: { imageId, name, version } });
    }
  });

  it('are answered like any other, of no account, and nobody can write them', async () => {
    const region = createRunningRegion();
    const { amis, ssm } = aStore();
    expect(ssm.get('/aws/service/ecs/optimized-ami/amazon-linux-2/recommended')).toBeUndefined();
    const answer = ssm.operations['GetParameters']?.({ Names: [AL2023, '/none'] } as never) as never as {
      Parameters: { Name: string; ARN: string; Version: number; LastModifiedDate: Date }[];
      InvalidParameters: string[];
    };
    expect(answer.Parameters).toMatchObject([
      {
        Name: AL2023,
        ARN: `arn:aws:ssm:eu-west-1::parameter${AL2023}`,
        Version: 3,
        LastModifiedDate: new Date(amis.recommended('al2023/x86_64').createdAtMs),
      },
    ]);
    expect(answer.InvalidParameters).toEqual(['/none']);
    const write = new PutParameterCommand({ Name: AL2023, Value: 'mine', Type: 'String', Overwrite: true });
    await expect(inVirtualTime(region.world, () => region.clients.ssm.send(write))).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
    const read = new GetParametersCommand({ Names: [AL2023] });
    expect((await inVirtualTime(region.world, () => region.clients.ssm.send(read))).InvalidParameters).toEqual([
      AL2023,
    ]);
  });
});

const SAMPLES = new URL('../../../shared/samples/', import.meta.url);

describe.skipIf(!existsSync(SAMPLES))('the value', () => {
  it('has members of the captured one, and no other', () => {
    const { Parameter } = JSON.parse(
      readFileSync(new URL('ssm-get-parameter.ecs-al2023-recommended.captured.json', SAMPLES), 'utf8'),
    );
    const real = Object.keys(JSON.parse(Parameter.Value));
    // Which image it was built from is of no use here.
    expect(Object.keys(JSON.parse(aStore().ssm.get(AL2023) ?? ''))).toEqual(
      real.filter((member) => member !== 'source_image_name'),
    );
  });
});
