import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import {
  LambdaClient,
  ListDurableExecutionsByFunctionCommand,
  ListVersionsByFunctionCommand,
} from '@aws-sdk/client-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, describe, expect, it } from 'vitest';
import { serveRegion } from '../../sim/live.ts';
import { createRegion } from '../../sim/region.ts';
import { parseScenario } from '../../sim/scenario.ts';
import { listRunning } from '../../src/aws/executions.ts';
import { listGroupHooks } from '../../src/aws/stack-hooks.ts';

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function served(scenario: object) {
  const text = JSON.stringify({ name: 'hooks', durationSeconds: 60, ...scenario });
  const region = createRegion(parseScenario(text, 'the test'), 1);
  const server = await serveRegion(region, 0, { atSeconds: 0, speed: 0 });
  open.push(server);
  const settings = {
    region: 'eu-west-1',
    endpoint: `http://127.0.0.1:${server.port}`,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    maxAttempts: 1,
  };
  return { region, autoScaling: new AutoScalingClient(settings) };
}

const groups = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `g-${i}`, instances: 0 }));

describe('the hooks of all groups', () => {
  it('are read of each group of each page, ours and others', async () => {
    const clusters = Array.from({ length: 40 }, (_, i) => ({ name: `c-${i}`, group: `c-${i}-asg`, instances: 0 }));
    const { region, autoScaling } = await served({
      clusters,
      groups: groups(100),
      hooks: [
        { group: 'c-0-asg', heartbeatSeconds: 600 },
        { group: 'g-99', name: 'by-event', byEvent: true, metadata: false },
        { group: 'g-99', name: 'theirs', ours: false, defaultResult: 'ABANDON', metadata: false },
      ],
    });

    const hooks = await listGroupHooks(autoScaling);

    expect(hooks).toEqual({
      ok: true,
      value: [
        {
          group: 'c-0-asg',
          name: 'ecs-drain',
          terminating: true,
          targetArn: region.lifecycleTopicArn,
          roleArn: expect.stringContaining(':role/'),
          metadata: '{"cluster":"c-0"}',
          heartbeatSeconds: 600,
          defaultResult: 'CONTINUE',
        },
        expect.objectContaining({ group: 'g-99', name: 'by-event', targetArn: undefined, metadata: undefined }),
        expect.objectContaining({ group: 'g-99', name: 'theirs', targetArn: undefined, defaultResult: 'ABANDON' }),
      ],
    });
  });

  it('of a group that goes after it was listed are none', async () => {
    const { autoScaling } = await served({ groups: groups(2), hooks: [{ group: 'g-1', metadata: false }] });
    // Whatever the list said: the group of that name is not there any more.
    autoScaling.middlewareStack.add(
      (next, context) => async (request) => {
        const output = await next(request);
        if (context.commandName === 'DescribeAutoScalingGroupsCommand') {
          const answer = output.output as { AutoScalingGroups?: { AutoScalingGroupName: string }[] };
          answer.AutoScalingGroups?.unshift({ AutoScalingGroupName: 'gone-asg' });
        }
        return output;
      },
      { step: 'initialize' },
    );

    expect(await listGroupHooks(autoScaling)).toMatchObject({ ok: true, value: [{ group: 'g-1' }] });
  });

  it.each(['autoscaling:DescribeAutoScalingGroups', 'autoscaling:DescribeLifecycleHooks'])(
    'that may not be read (%s) are a failure, not none',
    async (operation) => {
      const { autoScaling } = await served({ groups: groups(1), denied: [operation] });

      expect(await listGroupHooks(autoScaling)).toMatchObject({ ok: false, reason: 'denied', operation });
    },
  );
});

describe('the executions that run', () => {
  const client = new LambdaClient({ region: 'eu-west-1' });
  const aws = mockClient(client);
  const ARN = 'arn:aws:lambda:eu-west-1:123456789012:function:ecs-drain-drain';
  const execution = (name: string, startedAtMs: number) => ({
    DurableExecutionArn: `${ARN}:1/durable-execution/${name}/1`,
    DurableExecutionName: name,
    FunctionArn: ARN,
    Status: 'RUNNING' as const,
    StartTimestamp: new Date(startedAtMs),
  });

  it('are asked for by each version and by the alias, page by page, always with a qualifier, and taken once', async () => {
    aws.reset();
    aws.on(ListVersionsByFunctionCommand).resolves({ Versions: [{ Version: '8' }] });
    aws
      .on(ListVersionsByFunctionCommand, { FunctionName: ARN, Marker: undefined })
      .resolves({ Versions: [{ Version: '$LATEST' }, { Version: '7' }], NextMarker: 'v2' });
    aws.on(ListVersionsByFunctionCommand, { Marker: 'v2' }).resolves({ Versions: [{ Version: '8' }] });
    aws.on(ListDurableExecutionsByFunctionCommand).resolves({ DurableExecutions: [] });
    aws
      .on(ListDurableExecutionsByFunctionCommand, { Qualifier: '7' })
      .resolves({ DurableExecutions: [execution('late', 2_000)], NextMarker: 'e2' });
    aws
      .on(ListDurableExecutionsByFunctionCommand, { Qualifier: '7', Marker: 'e2' })
      .resolves({ DurableExecutions: [execution('early', 1_000)] });
    aws
      .on(ListDurableExecutionsByFunctionCommand, { Qualifier: 'durable' })
      .resolves({ DurableExecutions: [execution('late', 2_000)] });

    const running = await listRunning(client, `${ARN}:durable`);

    expect(running).toMatchObject({ ok: true, value: [{ name: 'early', startedAtMs: 1_000 }, { name: 'late' }] });
    const asked = aws.commandCalls(ListDurableExecutionsByFunctionCommand).map(({ args: [{ input }] }) => input);
    expect(asked.map(({ Qualifier, Marker }) => [Qualifier, Marker])).toEqual([
      ['$LATEST', undefined],
      ['7', undefined],
      ['7', 'e2'],
      ['8', undefined],
      ['durable', undefined],
    ]);
    for (const input of asked) expect(input).toMatchObject({ FunctionName: ARN, Statuses: ['RUNNING'] });
  });

  it.each([
    ['lambda:ListVersionsByFunction', ListVersionsByFunctionCommand],
    ['lambda:ListDurableExecutionsByFunction', ListDurableExecutionsByFunctionCommand],
  ] as const)('that may not be listed (%s) are a failure, not none', async (operation, command) => {
    aws.reset();
    aws.on(ListVersionsByFunctionCommand).resolves({ Versions: [{ Version: '1' }] });
    aws.on(ListDurableExecutionsByFunctionCommand).resolves({});
    aws.on(command).rejects(Object.assign(new Error('no'), { name: 'AccessDeniedException' }));

    expect(await listRunning(client, ARN)).toMatchObject({ ok: false, reason: 'denied', operation });
  });
});
