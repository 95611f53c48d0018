import { GetParametersCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { parametersPort } from '../../src/aws/parameters.ts';

const client = new SSMClient({ region: 'eu-west-1' });
const aws = mockClient(client);
const parameters = parametersPort(client);

beforeEach(() => aws.reset());

const inputs = (): unknown[] => aws.calls().map((call) => call.args[0].input);
const error = (name: string): Error => Object.assign(new Error('on purpose'), { name });

describe('the parameter store', () => {
  it('is read ten names at a time, each name once', async () => {
    // Prepare
    const names = Array.from({ length: 21 }, (_, at) => `/p/${at}`);
    aws.on(GetParametersCommand).callsFake(({ Names }: { Names: string[] }) => ({
      Parameters: Names.map((Name) => ({ Name, Value: `of ${Name}`, LastModifiedDate: new Date(1_000) })),
    }));

    // Act
    const read = await parameters.readParameters([...names, '/p/0', '/p/20']);

    // Assess
    expect(inputs()).toEqual([
      { Names: names.slice(0, 10) },
      { Names: names.slice(10, 20) },
      { Names: names.slice(20) },
    ]);
    expect(read).toEqual({
      ok: true,
      value: names.map((name) => ({ name, value: `of ${name}`, changedAtMs: 1_000 })),
    });
  });

  it('leaves out what does not exist', async () => {
    aws.on(GetParametersCommand).resolves({ Parameters: [], InvalidParameters: ['/none'] });
    expect(await parameters.readParameters(['/none'])).toEqual({ ok: true, value: [] });
  });

  it('asks nobody about nothing', async () => {
    expect(await parameters.readParameters([])).toEqual({ ok: true, value: [] });
    expect(inputs()).toEqual([]);
  });

  it.each([
    ['AccessDeniedException', 'denied'],
    ['ThrottlingException', 'throttled'],
    ['InternalServerError', 'other'],
  ])('answers with a failure when one of several reads meets %s', async (name, reason) => {
    aws.on(GetParametersCommand).resolvesOnce({ Parameters: [] }).rejects(error(name));
    expect(await parameters.readParameters(Array.from({ length: 11 }, (_, at) => `/p/${at}`))).toEqual({
      ok: false,
      reason,
      operation: 'ssm:GetParameters',
      message: 'on purpose',
      ...(reason === 'other' ? { lost: true } : {}),
    });
  });

  it('is written over what was there, in the tier that costs nothing', async () => {
    aws.on(PutParameterCommand).resolves({ Version: 2 });
    expect(await parameters.writeParameter('/ecs-drain/amis/seen', '{}')).toEqual({ ok: true, value: undefined });
    expect(inputs()).toEqual([
      { Name: '/ecs-drain/amis/seen', Value: '{}', Type: 'String', Overwrite: true, Tier: 'Standard' },
    ]);
  });

  it('says so when it could not be written', async () => {
    aws.on(PutParameterCommand).rejects(error('TooManyUpdates'));
    expect(await parameters.writeParameter('/p', 'x')).toMatchObject({ ok: false, operation: 'ssm:PutParameter' });
  });
});
