import { LocalDurableTestRunner } from '@aws/durable-execution-sdk-js-testing';
import {
  AutoScalingClient,
  CompleteLifecycleActionCommand,
  DescribeAutoScalingInstancesCommand,
  DescribeLifecycleHooksCommand,
} from '@aws-sdk/client-auto-scaling';
import {
  DescribeContainerInstancesCommand,
  DescribeTasksCommand,
  ECSClient,
  ListClustersCommand,
  ListContainerInstancesCommand,
  ListTasksCommand,
  UpdateContainerInstancesStateCommand,
} from '@aws-sdk/client-ecs';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConfigError } from '../../src/config.ts';
import type { DrainResult } from '../../src/drain/decide.ts';
import { aRequest, CLUSTER, GROUP, HOOK, INSTANCE, INSTANCE_ARN, LIFECYCLE_TOPIC } from '../support/build.ts';
import { skipTime } from '../support/skip-time.ts';

const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:alerts';
const TASK = 'arn:aws:ecs:eu-west-1:123456789012:task/web/0123456789abcdef0123456789abcdef';

const ecs = mockClient(ECSClient);
const autoScaling = mockClient(AutoScalingClient);
const sns = mockClient(SNSClient);
let lambda: typeof import('../../handlers/drain.ts');

beforeAll(async () => {
  // The module wires its handler from the environment when it is loaded, as on Lambda.
  vi.stubEnv('ALERT_TOPIC_ARN', TOPIC);
  vi.stubEnv('LIFECYCLE_TOPIC_ARN', LIFECYCLE_TOPIC);
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('POWERTOOLS_DEV', 'false');
  lambda = await import('../../handlers/drain.ts');
  await skipTime();
});
afterAll(() => LocalDurableTestRunner.teardownTestEnvironment());

/** One container instance whose single task takes three looks to go: wanted, stopping, stopped. */
function anEcsWithOneTask(): void {
  let status = 'ACTIVE';
  let looks = 0;
  const instance = () => ({
    containerInstances: [
      {
        containerInstanceArn: INSTANCE_ARN,
        status,
        agentConnected: true,
        runningTasksCount: looks < 2 ? 1 : 0,
        pendingTasksCount: 0,
      },
    ],
    failures: [],
  });
  ecs.on(ListClustersCommand).resolves({ clusterArns: [CLUSTER] });
  ecs.on(ListContainerInstancesCommand).resolves({ containerInstanceArns: [INSTANCE_ARN] });
  ecs.on(UpdateContainerInstancesStateCommand).callsFake(() => {
    status = 'DRAINING';
    return instance();
  });
  ecs.on(DescribeContainerInstancesCommand).callsFake(() => {
    looks++;
    return instance();
  });
  ecs.on(ListTasksCommand).resolves({ taskArns: [TASK] });
  let described = 0;
  ecs.on(DescribeTasksCommand).callsFake(() => ({
    tasks: [
      {
        taskArn: TASK,
        lastStatus: ++described < 2 ? 'STOPPING' : 'STOPPED',
        desiredStatus: 'STOPPED',
        group: 'service:api',
      },
    ],
  }));
}

beforeEach(() => {
  for (const mock of [ecs, autoScaling, sns]) mock.reset();
  anEcsWithOneTask();
  autoScaling.on(DescribeAutoScalingInstancesCommand).resolves({
    AutoScalingInstances: [
      {
        InstanceId: INSTANCE,
        AutoScalingGroupName: GROUP,
        LifecycleState: 'Terminating:Wait',
        AvailabilityZone: 'a',
        HealthStatus: 'HEALTHY',
        ProtectedFromScaleIn: false,
      },
    ],
  });
  autoScaling.on(DescribeLifecycleHooksCommand).resolves({
    LifecycleHooks: [
      {
        LifecycleHookName: HOOK,
        HeartbeatTimeout: 3_600,
        GlobalTimeout: 172_800,
        NotificationTargetARN: LIFECYCLE_TOPIC,
      },
    ],
  });
  autoScaling.on(CompleteLifecycleActionCommand).resolves({});
  sns.on(PublishCommand).resolves({});
});
afterEach(() => vi.restoreAllMocks());

/** Powertools writes to a console of its own, straight to standard output. */
function logLines(): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  const keep = (text: unknown): boolean => {
    for (const line of String(text).split('\n')) if (line.startsWith('{')) lines.push(JSON.parse(line));
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(keep);
  vi.spyOn(process.stderr, 'write').mockImplementation(keep);
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const)
    vi.spyOn(console, method).mockImplementation(keep);
  return lines;
}

const run = (request: object = aRequest({ noticedAt: new Date().toISOString() })) =>
  new LocalDurableTestRunner<DrainResult>({ handlerFunction: lambda.handler }).run({ payload: request });

describe('the drain handler, on the SDK’s own engine', () => {
  it('drains an instance, and its history reads like the story', async () => {
    // Prepare
    logLines();

    // Act
    const execution = await run();

    // Assess
    expect(execution.getStatus()).toBe('SUCCEEDED');
    expect(execution.getResult()).toMatchObject({
      outcome: 'drained',
      instanceId: INSTANCE,
      group: GROUP,
      cluster: 'web',
    });
    expect(execution.getOperations().map((operation) => operation.getName())).toEqual([
      'verify',
      'find',
      'start-draining',
      'alert',
      'wait',
      'look',
      'wait',
      'look',
      'wait',
      'look',
      'release',
      'alert',
    ]);
  });

  it('tells AWS what it has to, once', async () => {
    logLines();
    await run();
    expect(ecs.commandCalls(UpdateContainerInstancesStateCommand).map((call) => call.args[0].input)).toEqual([
      { cluster: CLUSTER, containerInstances: [INSTANCE_ARN], status: 'DRAINING' },
    ]);
    expect(autoScaling.commandCalls(CompleteLifecycleActionCommand).map((call) => call.args[0].input)).toEqual([
      {
        AutoScalingGroupName: GROUP,
        LifecycleHookName: HOOK,
        LifecycleActionToken: aRequest().token,
        InstanceId: INSTANCE,
        LifecycleActionResult: 'CONTINUE',
      },
    ]);
    expect(sns.commandCalls(PublishCommand).map((call) => call.args[0].input.TopicArn)).toEqual([TOPIC, TOPIC]);
  });

  it('logs each move once, as JSON with its reason, however often the code is replayed', async () => {
    const lines = logLines();
    await run();
    const moves = lines.filter((line) => 'move' in line).map((line) => line['move']);
    expect(moves).toEqual([
      'verify',
      'find',
      'start-draining',
      'alert',
      'look',
      'look',
      'look',
      'release',
      'alert',
      'finish',
    ]);
    expect(lines.find((line) => line['move'] === 'start-draining')).toMatchObject({
      level: 'INFO',
      service: 'ecs-drain',
      message: 'its group takes it away: no new task may be placed on it',
    });
  });

  it.each<[string, object]>([
    ['nothing', {}],
    [
      'a notice that was never parsed',
      { LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING', EC2InstanceId: INSTANCE },
    ],
    ['a member too many', { ...aRequest(), force: true }],
    ['a wrong instance id', { ...aRequest(), instanceId: '../../etc' }],
  ])('fails at once on %s, and touches nothing', async (_, request) => {
    logLines();
    const execution = await run(request);
    expect(execution.getStatus()).toBe('FAILED');
    expect(execution.getOperations()).toEqual([]);
    expect([...ecs.calls(), ...autoScaling.calls(), ...sns.calls()]).toEqual([]);
  });
});

describe('the drain’s wiring', () => {
  it('refuses a bad environment at cold start, naming every mistake', () => {
    const create = (): unknown =>
      lambda.create({ environment: { DRAIN_DEADLINE_SECONDS: 'soon', AT_DEADLINE: 'MAYBE', CLUSTERS: 'a b' } });
    expect(create).toThrow(ConfigError);
    expect(create).toThrow(
      /^5 wrong settings: .*ALERT_TOPIC_ARN is missing.*LIFECYCLE_TOPIC_ARN is missing.*CLUSTERS must be.*DRAIN_DEADLINE_SECONDS must be.*AT_DEADLINE must be/,
    );
  });
});
