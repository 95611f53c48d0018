import { describe, expect, it } from 'vitest';
import { handOver } from '../../src/drain/hand-over.ts';
import type { ExecutionPort, Failure } from '../../src/ports.ts';
import { ACCOUNT, aFailure, aRequest, hookMessage, INSTANCE, TOKEN } from '../support/build.ts';

const OTHERS = ['i-0a1b2c3d480000001', 'i-0a1b2c3d480000002', 'i-0a1b2c3d480000003'] as const;
const message = (EC2InstanceId: string = INSTANCE): string => JSON.stringify(hookMessage({ EC2InstanceId }));

/** Lambda's durable executions, by name: a name that exists is joined. */
function executions(failing: (name: string) => Failure | undefined = () => undefined) {
  const started = new Map<string, object>();
  const tried: string[] = [];
  const port: ExecutionPort = {
    async start(name, request) {
      tried.push(name);
      const failure = failing(name);
      if (failure) return failure;
      if (!started.has(name)) started.set(name, request);
      return { ok: true, value: undefined };
    },
  };
  return { started, tried, port };
}

function logbook() {
  const lines: { level: string; message: string; fields: Record<string, string> }[] = [];
  return {
    lines,
    log: (level: string, text: string, fields: Record<string, string>) =>
      void lines.push({ level, message: text, fields }),
  };
}

describe('handing notices over', () => {
  it('starts an execution named by instance and token, with the request and nothing else', async () => {
    const lambda = executions();
    await handOver([message()], ACCOUNT, lambda.port, logbook().log);
    expect([...lambda.started]).toEqual([[`${INSTANCE}-${TOKEN}`, aRequest()]]);
  });

  it('says what was handed over, with the names that one searches for', async () => {
    const { lines, log } = logbook();
    await handOver([message()], ACCOUNT, executions().port, log);
    expect(lines).toEqual([
      {
        level: 'info',
        message: 'handed over to the drain',
        fields: { instanceId: INSTANCE, group: 'web-asg', hook: 'ecs-drain', execution: `${INSTANCE}-${TOKEN}` },
      },
    ]);
  });

  it('of a duplicate joins the execution that exists', async () => {
    const lambda = executions();
    await handOver([message(), message()], ACCOUNT, lambda.port, logbook().log);
    await handOver([message()], ACCOUNT, lambda.port, logbook().log);
    expect(lambda.tried).toHaveLength(3);
    expect(lambda.started.size).toBe(1);
  });

  it('starts nothing for what asks for no drain, and says why at its level', async () => {
    const lambda = executions();
    const { lines, log } = logbook();
    await handOver(
      [JSON.stringify({ Event: 'autoscaling:TEST_NOTIFICATION' }), 'Hello from SNS!', undefined],
      ACCOUNT,
      lambda.port,
      log,
    );
    expect(lambda.tried).toEqual([]);
    expect(lines.map(({ level, message: text }) => [level, text])).toEqual([
      ['debug', expect.stringMatching(/^ignored: a test notification/)],
      ['warn', expect.stringMatching(/^ignored: .*not a JSON object/)],
      ['warn', expect.stringMatching(/^ignored: .*empty/)],
    ]);
  });

  it('never lets a bad message block a good one, wherever it stands', async () => {
    const lambda = executions();
    await handOver(['{', message(OTHERS[0]), null, message(OTHERS[1]), {}], ACCOUNT, lambda.port, logbook().log);
    expect([...lambda.started.keys()]).toEqual([`${OTHERS[0]}-${TOKEN}`, `${OTHERS[1]}-${TOKEN}`]);
  });

  it('that fails for some tries all of them, and then fails with each reason', async () => {
    // Prepare
    const lambda = executions((name) => {
      if (name.startsWith(OTHERS[0])) return aFailure('throttled', 'lambda:Invoke');
      return name.startsWith(OTHERS[2]) ? aFailure('denied', 'lambda:Invoke') : undefined;
    });
    const { lines, log } = logbook();

    // Act
    const failure = await handOver(OTHERS.map(message), ACCOUNT, lambda.port, log).catch((error: unknown) => error);

    // Assess
    expect(lambda.tried).toHaveLength(3);
    expect([...lambda.started.keys()]).toEqual([`${OTHERS[1]}-${TOKEN}`]);
    expect(failure).toBeInstanceOf(AggregateError);
    expect(failure).toMatchObject({
      message: '2 of 3 notices could not be handed over',
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
    const lambda = executions((name) => (!healthy && name.startsWith(OTHERS[1]) ? aFailure('other') : undefined));
    await expect(handOver(OTHERS.map(message), ACCOUNT, lambda.port, logbook().log)).rejects.toBeInstanceOf(
      AggregateError,
    );

    // Act
    healthy = true;
    await handOver(OTHERS.map(message), ACCOUNT, lambda.port, logbook().log);

    // Assess
    expect(lambda.started.size).toBe(3);
  });
});
