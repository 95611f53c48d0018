import { describe, expect, it } from 'vitest';
import type { HandOverPorts } from '../../src/drain/hand-over.ts';
import { handOver } from '../../src/drain/hand-over.ts';
import type { DrainRequest } from '../../src/drain/request.ts';
import { executionName } from '../../src/drain/request.ts';
import type { Failure, Result } from '../../src/ports.ts';
import {
  ACCOUNT,
  aFailure,
  anEvent,
  anOrder,
  aRequest,
  aSpotRequest,
  hookMessage,
  INSTANCE,
  statusChange,
  TOKEN,
} from '../support/build.ts';

const OTHERS = ['i-0a1b2c3d480000001', 'i-0a1b2c3d480000002', 'i-0a1b2c3d480000003'] as const;
const message = (EC2InstanceId: string = INSTANCE): string => JSON.stringify(hookMessage({ EC2InstanceId }));
/** What SNS delivers to a Lambda function. */
const sns = (...messages: readonly unknown[]) => ({ Records: messages.map((Message) => ({ Sns: { Message } })) });

/** Lambda's durable executions, by name: a name that exists is joined. And a topic that takes alerts. */
function aLambda({
  failing = () => undefined,
  input = () => ({ ok: true, value: '{}' }),
  mute,
}: {
  readonly failing?: (name: string) => Failure | undefined;
  readonly input?: (arn: string) => Result<string>;
  readonly mute?: Failure;
} = {}) {
  const started = new Map<string, object>();
  const tried: string[] = [];
  const published: { readonly subject: string; readonly body: string; readonly kind: string }[] = [];
  const ports: HandOverPorts = {
    executions: {
      inputOf: async (arn) => input(arn),
      async start(name, request) {
        tried.push(name);
        const failure = failing(name);
        if (failure) return failure;
        if (!started.has(name)) started.set(name, request);
        return { ok: true, value: undefined };
      },
    },
    alerts: {
      async publish({ subject, bodies, attributes }) {
        if (mute) return mute;
        published.push({ subject, body: bodies['email'] ?? '', kind: attributes['kind'] ?? '' });
        return { ok: true, value: undefined };
      },
    },
  };
  return { started, tried, published, ports };
}

function logbook() {
  const lines: { level: string; message: string; fields: Record<string, string> }[] = [];
  return {
    lines,
    log: (level: string, text: string, fields: Record<string, string>) =>
      void lines.push({ level, message: text, fields }),
  };
}

const logged = ({ lines }: ReturnType<typeof logbook>): string[] =>
  lines.map(({ level, message: text }) => `${level} ${text}`);

describe('handing notices over', () => {
  it('starts an execution named by instance and token, with the request and nothing else', async () => {
    const lambda = aLambda();
    await handOver(sns(message()), ACCOUNT, lambda.ports, logbook().log);
    expect([...lambda.started]).toEqual([[`${INSTANCE}-${TOKEN}`, aRequest()]]);
  });

  it('takes what EventBridge delivers just as well', async () => {
    const lambda = aLambda();
    await handOver(anEvent('spot-interruption'), ACCOUNT, lambda.ports, logbook().log);
    expect([...lambda.started]).toEqual([[executionName(aSpotRequest()), aSpotRequest()]]);
  });

  it('starts one execution for each instance that a Health event names', async () => {
    const lambda = aLambda();
    const entities = [...OTHERS].map((entityValue) => ({ entityValue }));
    await handOver(anEvent('maintenance', { affectedEntities: entities }), ACCOUNT, lambda.ports, logbook().log);
    expect([...lambda.started.values()].map((request) => (request as DrainRequest).instanceId)).toEqual([...OTHERS]);
    expect(lambda.started.size).toBe(3);
  });

  it('says what was handed over, with the names that one searches for', async () => {
    const { lines, log } = logbook();
    await handOver(sns(message()), ACCOUNT, aLambda().ports, log);
    expect(lines).toEqual([
      {
        level: 'info',
        message: 'handed over to the drain',
        fields: { instanceId: INSTANCE, notice: 'terminating', execution: `${INSTANCE}-${TOKEN}` },
      },
    ]);
  });

  it('of a duplicate joins the execution that exists, also when it comes the other way', async () => {
    const lambda = aLambda();
    await handOver(sns(message(), message()), ACCOUNT, lambda.ports, logbook().log);
    await handOver(sns(message()), ACCOUNT, lambda.ports, logbook().log);
    await handOver(anEvent('terminating'), ACCOUNT, lambda.ports, logbook().log);
    expect(lambda.tried).toHaveLength(4);
    expect(lambda.started.size).toBe(1);
  });

  it('starts nothing for what asks for no drain, and says why at its level', async () => {
    const lambda = aLambda();
    const book = logbook();
    await handOver(
      sns(JSON.stringify({ Event: 'autoscaling:TEST_NOTIFICATION' }), 'Hello from SNS!', undefined),
      ACCOUNT,
      lambda.ports,
      book.log,
    );
    expect(lambda.tried).toEqual([]);
    expect(logged(book)).toEqual([
      expect.stringMatching(/^debug ignored: a test notification/),
      expect.stringMatching(/^warn ignored: .*not a JSON object/),
      expect.stringMatching(/^warn ignored: .*empty/),
    ]);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a string', 'hello'],
    ['an object of somebody else', { hello: 'world' }],
    ['records that are none', { Records: 'many' }],
    ['an event of somebody else', { 'detail-type': 'Scheduled Event' }],
    ['an operator’s request, which has no business here', anOrder()],
  ])('of %s starts nothing, and says so', async (_, delivery) => {
    const lambda = aLambda();
    const book = logbook();
    await handOver(delivery, ACCOUNT, lambda.ports, book.log);
    expect(lambda.tried).toEqual([]);
    expect(logged(book)).toEqual([expect.stringMatching(/^warn ignored: ./)]);
  });

  it('never lets a bad message block a good one, wherever it stands', async () => {
    const lambda = aLambda();
    await handOver(sns('{', message(OTHERS[0]), null, message(OTHERS[1]), {}), ACCOUNT, lambda.ports, logbook().log);
    expect([...lambda.started.keys()]).toEqual([`${OTHERS[0]}-${TOKEN}`, `${OTHERS[1]}-${TOKEN}`]);
  });

  it('that fails for some tries all of them, and then fails with each reason', async () => {
    // Prepare
    const lambda = aLambda({
      failing: (name) => {
        if (name.startsWith(OTHERS[0])) return aFailure('throttled', 'lambda:Invoke');
        return name.startsWith(OTHERS[2]) ? aFailure('denied', 'lambda:Invoke') : undefined;
      },
    });
    const { lines, log } = logbook();

    // Act
    const failure = await handOver(sns(...OTHERS.map(message)), ACCOUNT, lambda.ports, log).catch(
      (error: unknown) => error,
    );

    // Assess
    expect(lambda.tried).toHaveLength(3);
    expect([...lambda.started.keys()]).toEqual([`${OTHERS[1]}-${TOKEN}`]);
    expect(failure).toBeInstanceOf(AggregateError);
    expect(failure).toMatchObject({
      message: expect.stringMatching(/^2 .*could not be handed over/),
      errors: [
        expect.objectContaining({ message: expect.stringMatching(/lambda:Invoke throttled/) }),
        expect.objectContaining({ message: expect.stringMatching(/lambda:Invoke denied/) }),
      ],
    });
    expect(
      lines.filter(({ level }) => level === 'error').map(({ fields }) => [fields['instanceId'], fields['reason']]),
    ).toEqual([
      [OTHERS[0], 'throttled'],
      [OTHERS[2], 'denied'],
    ]);
  });

  it('when delivered again after a failure starts what was missing and joins the rest', async () => {
    // Prepare
    let healthy = false;
    const lambda = aLambda({
      failing: (name) => (!healthy && name.startsWith(OTHERS[1]) ? aFailure('other') : undefined),
    });
    await expect(handOver(sns(...OTHERS.map(message)), ACCOUNT, lambda.ports, logbook().log)).rejects.toBeInstanceOf(
      AggregateError,
    );

    // Act
    healthy = true;
    await handOver(sns(...OTHERS.map(message)), ACCOUNT, lambda.ports, logbook().log);

    // Assess
    expect(lambda.started.size).toBe(3);
  });
});

describe('a drain that failed', () => {
  const NAME = executionName(aRequest());
  const inputIs = (value: unknown) => () => ({ ok: true as const, value: JSON.stringify(value) });

  it.each(['FAILED', 'TIMED_OUT'])(
    '(%s) is started once more under a name of its own, with what it was started with',
    async (status) => {
      // Prepare
      const lambda = aLambda({ input: inputIs(aRequest()) });
      const book = logbook();

      // Act
      await handOver(statusChange({ status }), ACCOUNT, lambda.ports, book.log);

      // Assess
      expect([...lambda.started]).toEqual([[`${NAME}-r1`, aRequest()]]);
      expect(lambda.published).toEqual([]);
      expect(book.lines).toContainEqual({
        level: 'warn',
        message: expect.stringMatching(/started once more/),
        fields: { execution: NAME, again: `${NAME}-r1` },
      });
    },
  );

  it('asks for the input of the execution that failed', async () => {
    const asked: string[] = [];
    const lambda = aLambda({
      input: (arn) => {
        asked.push(arn);
        return { ok: true, value: JSON.stringify(anOrder()) };
      },
    });
    const { detail } = statusChange();
    await handOver(statusChange(), ACCOUNT, lambda.ports, logbook().log);
    expect(asked).toEqual([detail.durableExecutionArn]);
  });

  it('and failed again is told, with the command that starts it under a fresh name', async () => {
    // Prepare
    const lambda = aLambda({ input: inputIs(aRequest()) });

    // Act
    await handOver(statusChange({ durableExecutionName: `${NAME}-r1` }), ACCOUNT, lambda.ports, logbook().log);

    // Assess
    expect(lambda.tried).toEqual([]);
    expect(lambda.published).toEqual([
      {
        kind: 'failed',
        subject: expect.stringContaining(INSTANCE),
        body: expect.stringMatching(/failed twice \(FAILED\): nobody drains it now/),
      },
    ]);
    const command = lambda.published[0]?.body.split('\n').find((line) => line.includes('aws lambda invoke'));
    expect(command).toContain(`--durable-execution-name ${NAME}-r2`);
    expect(command).toContain(`--function-name ${statusChange().detail.functionArn}`);
    expect(command).toMatch(/ \/dev\/null$/);
    expect(JSON.parse(/--payload '(.*)'/.exec(command ?? '')?.[1] ?? '')).toEqual(aRequest());
  });

  it.each<[string, DrainRequest]>([
    ['the longest names', aRequest({ group: 'g'.repeat(255), hook: 'h'.repeat(255), cluster: 'c'.repeat(255) })],
    ['a reason as long as can be', anOrder({ by: 'b'.repeat(100), reason: 'r'.repeat(500) })],
    ['quotes in the reason', anOrder({ by: "o'brien", reason: `it's "broken"; rm -rf /` })],
  ])('with %s has a whole command all the same, which the shell reads as one', async (_, request) => {
    const lambda = aLambda({ input: inputIs(request) });
    const name = `${executionName(request)}-r1`;
    await handOver(statusChange({ durableExecutionName: name }), ACCOUNT, lambda.ports, logbook().log);
    const command = lambda.published[0]?.body.split('\n').find((line) => line.includes('aws lambda invoke')) ?? '';
    // A quote inside single quotes is written '\'' in a shell.
    const payload = /--payload '((?:[^']|'\\'')*)' \/dev\/null$/.exec(command)?.[1] ?? expect.fail(command);
    expect(JSON.parse(payload.replaceAll(`'\\''`, `'`))).toEqual(request);
  });

  it.each([
    ['its input cannot be read', { input: () => aFailure('throttled', 'lambda:GetDurableExecution') }, ''],
    ['it cannot be started', { input: inputIs(aRequest()), failing: () => aFailure('throttled') }, ''],
    ['the alert cannot be sent', { input: inputIs(aRequest()), mute: aFailure('throttled', 'sns:Publish') }, '-r1'],
  ])('comes again when %s: it is delivered again', async (_, options, suffix) => {
    const lambda = aLambda(options);
    const event = statusChange({ durableExecutionName: `${NAME}${suffix}` });
    await expect(handOver(event, ACCOUNT, lambda.ports, logbook().log)).rejects.toMatchObject({
      errors: [expect.objectContaining({ message: expect.stringMatching(/throttled/) })],
    });
  });

  it.each([
    ['no drain request', JSON.stringify({ hello: 'world' })],
    ['no JSON', 'hello'],
    ['nothing', ''],
  ])('whose input was %s is somebody else’s: nothing is started', async (_, value) => {
    const lambda = aLambda({ input: () => ({ ok: true, value }) });
    const book = logbook();
    await handOver(statusChange(), ACCOUNT, lambda.ports, book.log);
    expect(lambda.tried).toEqual([]);
    expect(lambda.published).toEqual([]);
    expect(logged(book)).toEqual([expect.stringMatching(/^error .*no drain request/)]);
  });

  it.each(['RUNNING', 'SUCCEEDED', 'STOPPED'])('is not one that is %s', async (status) => {
    const lambda = aLambda({ input: inputIs(aRequest()) });
    await handOver(statusChange({ status }), ACCOUNT, lambda.ports, logbook().log);
    expect(lambda.tried).toEqual([]);
    expect(lambda.published).toEqual([]);
  });
});
