import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { switchPort } from '../../src/aws/ssm.ts';

const NAME = '/ecs-drain/switch';
const client = new SSMClient({ region: 'eu-west-1' });
const aws = mockClient(client);

beforeEach(() => aws.reset());

/** The switch, and the clock by which it grows old. */
function aSwitch(name: string | undefined = NAME) {
  let nowMs = 1_000_000;
  return {
    ...switchPort(client, name, () => nowMs),
    pass: (seconds: number) => {
      nowMs += seconds * 1000;
    },
  };
}
const says = (Value: string) => aws.on(GetParameterCommand).resolves({ Parameter: { Name: NAME, Value } });
const error = (name: string): Error => Object.assign(new Error('on purpose'), { name });

describe('the switch', () => {
  it('is read from its parameter', async () => {
    says('{"mode":"pause"}');
    expect(await aSwitch().read()).toEqual({ ok: true, value: '{"mode":"pause"}' });
    expect(aws.calls().map((call) => call.args[0].input)).toEqual([{ Name: NAME }]);
  });

  it('of a stack without a parameter is no switch, and nobody is asked', async () => {
    expect(await switchPort(client, undefined, () => 0).read()).toEqual({ ok: true, value: undefined });
    expect(aws.calls()).toEqual([]);
  });

  it('that nobody has written is none as well, which is an answer', async () => {
    aws.on(GetParameterCommand).rejects(error('ParameterNotFound'));
    expect(await aSwitch().read()).toEqual({ ok: true, value: undefined });
  });

  it.each([
    ['AccessDeniedException', 'denied'],
    ['ThrottlingException', 'throttled'],
    ['InternalServerError', 'other'],
  ])('that cannot be read because of %s is a failure', async (name, reason) => {
    aws.on(GetParameterCommand).rejects(error(name));
    expect(await aSwitch().read()).toEqual({
      ok: false,
      reason,
      operation: 'ssm:GetParameter',
      message: 'on purpose',
      ...(reason === 'other' ? { lost: true } : {}),
    });
  });

  it('is read once for all who ask within two minutes, and then again', async () => {
    // Prepare
    const control = aSwitch();
    says('{"mode":"act"}');

    // Act
    for (const seconds of [0, 30, 60, 29]) {
      control.pass(seconds);
      await control.read();
    }
    const early = aws.calls().length;
    says('{"mode":"pause"}');
    control.pass(1);
    const late = await control.read();

    // Assess
    expect(early).toBe(1);
    expect(late).toEqual({ ok: true, value: '{"mode":"pause"}' });
    expect(aws.calls()).toHaveLength(2);
  });

  it('that nobody has written is not asked for again and again either', async () => {
    const control = aSwitch();
    aws.on(GetParameterCommand).rejects(error('ParameterNotFound'));
    await control.read();
    await control.read();
    expect(aws.calls()).toHaveLength(1);
  });

  it('that could not be read is asked for again by the next who wants it', async () => {
    const control = aSwitch();
    aws
      .on(GetParameterCommand)
      .rejectsOnce(error('ThrottlingException'))
      .resolves({ Parameter: { Value: '{}' } });
    expect(await control.read()).toMatchObject({ ok: false });
    expect(await control.read()).toEqual({ ok: true, value: '{}' });
  });
});
