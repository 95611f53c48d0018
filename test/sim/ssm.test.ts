import { GetParameterCommand, GetParametersCommand, PutParameterCommand } from '@aws-sdk/client-ssm';
import { describe, expect, it } from 'vitest';
import { createRunningRegion, inVirtualTime } from './running-region.ts';

const region = createRunningRegion();
const { ssm, clients } = region;
const get = (Name: string) =>
  inVirtualTime(region.world, () => clients.ssm.send(new GetParameterCommand({ Name }))).then(
    ({ Parameter }) => Parameter,
  );
const put = (Name: string, Value: string, Overwrite = false) =>
  inVirtualTime(region.world, () =>
    clients.ssm.send(new PutParameterCommand({ Name, Value, Overwrite, Type: 'String' })),
  );

describe('the parameter store', () => {
  it('answers with what was set, in the shape of the captured sample', async () => {
    ssm.set('/ecs-drain/mode', 'act');
    const parameter = await get('/ecs-drain/mode');
    expect(parameter).toMatchObject({ Name: '/ecs-drain/mode', Type: 'String', Value: 'act', Version: 1 });
    expect(parameter?.ARN).toBe('arn:aws:ssm:eu-west-1:123456789012:parameter/ecs-drain/mode');
    expect(parameter?.LastModifiedDate).toBeInstanceOf(Date);
  });

  it('says so when there is no such parameter', async () => {
    await expect(get('/none')).rejects.toMatchObject({ name: 'ParameterNotFound', $metadata: { httpStatusCode: 400 } });
  });

  it('counts versions, and overwrites only when told to', async () => {
    expect((await put('/v', 'one')).Version).toBe(1);
    await expect(put('/v', 'two')).rejects.toMatchObject({ name: 'ParameterAlreadyExists' });
    expect((await put('/v', 'two', true)).Version).toBe(2);
    ssm.set('/v', 'three');
    expect((await get('/v:3'))?.Value).toBe('three');
    expect((await get('/v:1'))?.Value).toBe('one');
    await expect(get('/v:4')).rejects.toMatchObject({ name: 'ParameterNotFound' });
    expect(ssm.get('/v')).toBe('three');
  });

  it('keeps the latest hundred versions', async () => {
    for (let i = 1; i <= 101; i++) ssm.set('/many', String(i));
    await expect(get('/many:1')).rejects.toMatchObject({ name: 'ParameterNotFound' });
    expect((await get('/many:2'))?.Value).toBe('2');
  });

  it('holds 4,096 characters in the standard tier, and no more', async () => {
    expect((await put('/long', 'x'.repeat(4_096))).Version).toBe(1);
    await expect(put('/long', 'x'.repeat(4_097), true)).rejects.toMatchObject({ name: 'ValidationException' });
  });

  it('tells the found from the missing when asked for several', async () => {
    ssm.set('/a', '1');
    const command = new GetParametersCommand({ Names: ['/a', '/none'] });
    const found = await inVirtualTime(region.world, () => clients.ssm.send(command));
    expect(found.Parameters?.map(({ Value }) => Value)).toEqual(['1']);
    expect(found.InvalidParameters).toEqual(['/none']);
  });
});
