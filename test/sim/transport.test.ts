import { InvokeCommand } from '@aws-sdk/client-lambda';
import { PublishCommand } from '@aws-sdk/client-sns';
import { GetParameterCommand, PutParameterCommand } from '@aws-sdk/client-ssm';
import { describe, expect, it } from 'vitest';
import { EPOCH_MS } from '../../sim/clock.ts';
import { createTransport } from '../../sim/transport.ts';
import { sandboxes } from '../../sim/virtual-time.ts';
import { createDispatcher } from '../../sim/wire.ts';
import { createRunningRegion, inVirtualTime, runOut } from './running-region.ts';

type Region = ReturnType<typeof createRunningRegion>;
const put = (region: Region) =>
  region.clients.ssm.send(new PutParameterCommand({ Name: '/a', Value: 'b', Type: 'String', Overwrite: true }));
const versions = ({ ssm }: Region) => {
  const found = ssm.operations['GetParameter']?.({ Name: '/a' }) as { Parameter?: { Version: number } } | undefined;
  return found?.Parameter?.Version;
};
const failure = (promise: Promise<unknown>) => promise.then(() => undefined).catch((error: Error) => error);

describe('a call', () => {
  it('takes its latency in virtual time, and has its effect half-way', async () => {
    const region = createRunningRegion();
    await inVirtualTime(region.world, () => put(region));
    const tookMs = region.world.clock.nowMs() - EPOCH_MS;
    expect(tookMs).toBeGreaterThanOrEqual(16);
    expect(tookMs).toBeLessThanOrEqual(24);
    expect(region.of('call')).toEqual([
      {
        kind: 'call',
        service: 'ssm',
        operation: 'PutParameter',
        error: undefined,
        input: expect.objectContaining({ Name: '/a' }),
        atSeconds: Math.floor(tookMs / 2) / 1000,
      },
    ]);
  });

  it('tells the error that the service answered', async () => {
    const region = createRunningRegion();
    const get = new GetParameterCommand({ Name: '/none' });
    await failure(inVirtualTime(region.world, () => region.clients.ssm.send(get)));
    expect(region.of('call')[0]?.error).toBe('ParameterNotFound');
  });
});

describe('faults', () => {
  it.each([
    ['ssm', 'ThrottlingException', 400, put],
    ['sns', 'ThrottledException', 429, ({ clients }: Region) => clients.sns.send(new PublishCommand({ Message: 'a' }))],
    [
      'lambda',
      'TooManyRequestsException',
      429,
      ({ clients }: Region) => clients.lambda.send(new InvokeCommand({ FunctionName: 'a' })),
    ],
  ])('throttle %s in its own words, to which the SDK answers with patience', async (_service, name, status, send) => {
    const region = createRunningRegion({ transport: { faults: { throttle: 1 } } });
    const error = await failure(inVirtualTime(region.world, () => send(region)));
    expect(error).toMatchObject({ name, $metadata: { httpStatusCode: status, attempts: 3 } });
    expect(region.of('call')).toHaveLength(3);
    expect(region.world.clock.nowSeconds()).toBeGreaterThan(0.1);
    expect(region.ssm.get('/a')).toBeUndefined();
  });

  it('answer 500 without effect', async () => {
    const region = createRunningRegion({ transport: { faults: { serverError: 1 } } });
    const error = await failure(inVirtualTime(region.world, () => put(region)));
    expect(error).toMatchObject({ name: 'InternalServerError', $metadata: { httpStatusCode: 500, attempts: 3 } });
    expect(region.ssm.get('/a')).toBeUndefined();
  });

  it('reset the connection after the effect, which a retry then repeats', async () => {
    const region = createRunningRegion({ transport: { faults: { timeoutAfterEffect: 1 } } });
    const error = await failure(inVirtualTime(region.world, () => put(region)));
    expect(error).toMatchObject({ name: 'TimeoutError', code: 'ECONNRESET' });
    expect(versions(region)).toBe(3);
  });

  it('are drawn by seed', async () => {
    const outcomes = async (seed: number) => {
      const transport = { faults: { throttle: 0.3, serverError: 0.2, timeoutAfterEffect: 0.2 } };
      const region = createRunningRegion({ seed, transport });
      await failure(
        inVirtualTime(region.world, async () => {
          for (let i = 0; i < 10; i++) await failure(put(region));
        }),
      );
      return region.events;
    };
    expect(await outcomes(3)).toEqual(await outcomes(3));
    expect(await outcomes(3)).not.toEqual(await outcomes(4));
  });
});

describe('the sandbox that makes a call', () => {
  const killing = async (fault: 'kill-before' | 'kill-after') => {
    const region = createRunningRegion({ transport: { beforeCall: (_call, n) => (n === 1 ? fault : undefined) } });
    const reached: string[] = [];
    region.lambda.register({
      name: 'intake',
      durable: false,
      timeoutSeconds: 30,
      memoryMb: 256,
      handler: async () => {
        reached.push('called');
        await put(region);
        reached.push('answered');
      },
    });
    region.lambda.deliver('intake', {});
    await runOut(region.world);
    return { region, reached, writes: versions(region) };
  };

  it('is killed before the request arrives: no effect, no answer, and Lambda tries again', async () => {
    const { region, reached, writes } = await killing('kill-before');
    expect(reached).toEqual(['called', 'called', 'answered']);
    expect(writes).toBe(1);
    expect(region.of('invocation-ended').map(({ outcome }) => outcome)).toEqual(['crashed', 'returned']);
    expect(region.of('invocation-ended')[0]?.because).toBe('kill-before at call 1, ssm:PutParameter');
  });

  it('is killed when the operation has been carried out: the retry repeats it', async () => {
    const { reached, writes } = await killing('kill-after');
    expect(reached).toEqual(['called', 'called', 'answered']);
    expect(writes).toBe(2);
  });

  it('gets no answer, and nothing done, once it is dead', async () => {
    const region = createRunningRegion();
    const dead = { alive: false, crash: () => {} };
    const outcome = inVirtualTime(region.world, () => sandboxes.run(dead, () => put(region)));
    await expect(outcome).rejects.toThrow('The world came to its end and the work did not.');
    expect(region.of('call')).toEqual([]);
  });
});

it('a defect of the simulation ends the run instead of being retried', async () => {
  const region = createRunningRegion();
  const broken = () => {
    throw new TypeError('a defect');
  };
  const wire = createDispatcher({ ssm: { GetParameter: broken } });
  const { handle } = createTransport({ world: region.world, wire });
  region.clients.ssm.config.requestHandler.handle = handle as never;
  const get = new GetParameterCommand({ Name: '/a' });
  await expect(inVirtualTime(region.world, () => region.clients.ssm.send(get))).rejects.toThrow('a defect');
});
