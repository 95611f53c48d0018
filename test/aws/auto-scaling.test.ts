import {
  AutoScalingClient,
  CompleteLifecycleActionCommand,
  DescribeAutoScalingInstancesCommand,
  DescribeLifecycleHooksCommand,
  RecordLifecycleActionHeartbeatCommand,
  TerminateInstanceInAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { autoScalingPort } from '../../src/aws/auto-scaling.ts';
import { aRequest, GROUP, HOOK, INSTANCE, LIFECYCLE_TOPIC, TOKEN } from '../support/build.ts';

const client = new AutoScalingClient({ region: 'eu-west-1' });
const aws = mockClient(client);
const autoScaling = autoScalingPort(client);

beforeEach(() => aws.reset());

const sent = (): unknown[] => aws.calls().map((call) => call.args[0].input);
const NAMED = {
  AutoScalingGroupName: GROUP,
  LifecycleHookName: HOOK,
  LifecycleActionToken: TOKEN,
  InstanceId: INSTANCE,
};
const finished = (name: string) =>
  Object.assign(new Error(`No active Lifecycle Action found with instance ID ${INSTANCE}`), { name });

describe('an instance of a group', () => {
  it('is asked for by id, and known by group and lifecycle state', async () => {
    aws.on(DescribeAutoScalingInstancesCommand).resolves({
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
    expect(await autoScaling.describeInstance(INSTANCE)).toEqual({
      ok: true,
      value: { group: GROUP, state: 'Terminating:Wait' },
    });
    expect(sent()).toEqual([{ InstanceIds: [INSTANCE] }]);
  });

  it.each([{ AutoScalingInstances: [] }, {}])(
    'that is unknown is undefined, which is an answer (%j)',
    async (answer) => {
      aws.on(DescribeAutoScalingInstancesCommand).resolves(answer);
      expect(await autoScaling.describeInstance(INSTANCE)).toEqual({ ok: true, value: undefined });
    },
  );
});

describe('a hook', () => {
  it('is asked for by name, and known by its timeouts and its default result', async () => {
    aws.on(DescribeLifecycleHooksCommand).resolves({
      LifecycleHooks: [
        { LifecycleHookName: HOOK, HeartbeatTimeout: 900, GlobalTimeout: 90_000, DefaultResult: 'CONTINUE' },
      ],
    });
    expect(await autoScaling.describeHook(GROUP, HOOK)).toEqual({
      ok: true,
      value: { heartbeatTimeoutSeconds: 900, globalTimeoutSeconds: 90_000, defaultResult: 'CONTINUE' },
    });
    expect(sent()).toEqual([{ AutoScalingGroupName: GROUP, LifecycleHookNames: [HOOK] }]);
  });

  it.each([
    [{ NotificationTargetARN: LIFECYCLE_TOPIC }, { targetArn: LIFECYCLE_TOPIC }],
    [{ NotificationTargetARN: '' }, {}],
    [{}, {}],
  ])('with the target %j is known by whom it notifies', async (target, known) => {
    const hook = { LifecycleHookName: HOOK, HeartbeatTimeout: 30, GlobalTimeout: 3_000, ...target };
    aws.on(DescribeLifecycleHooksCommand).resolves({ LifecycleHooks: [hook] });
    expect(await autoScaling.describeHook(GROUP, HOOK)).toEqual({
      ok: true,
      value: { heartbeatTimeoutSeconds: 30, globalTimeoutSeconds: 3_000, defaultResult: 'ABANDON', ...known },
    });
  });

  it('is never simply the first one in the list', async () => {
    aws.on(DescribeLifecycleHooksCommand).resolves({
      LifecycleHooks: [
        { LifecycleHookName: 'ecs-managed-draining-termination-hook', HeartbeatTimeout: 3_600, GlobalTimeout: 172_800 },
        { LifecycleHookName: HOOK, HeartbeatTimeout: 30, GlobalTimeout: 3_000 },
      ],
    });
    expect(await autoScaling.describeHook(GROUP, HOOK)).toMatchObject({ value: { heartbeatTimeoutSeconds: 30 } });
  });

  it.each([{ LifecycleHooks: [] }, {}, { LifecycleHooks: [{ LifecycleHookName: 'somebody-else' }] }])(
    'that does not exist is undefined (%j)',
    async (answer) => {
      aws.on(DescribeLifecycleHooksCommand).resolves(answer);
      expect(await autoScaling.describeHook(GROUP, HOOK)).toEqual({ ok: true, value: undefined });
    },
  );

  it.each([
    [{}, 3_600, 172_800],
    [{ HeartbeatTimeout: 30 }, 30, 3_000],
    [{ HeartbeatTimeout: 7_200 }, 7_200, 172_800],
  ])('with %j has AWS’s defaults for the rest', async (timeouts, heartbeatTimeoutSeconds, globalTimeoutSeconds) => {
    aws.on(DescribeLifecycleHooksCommand).resolves({ LifecycleHooks: [{ LifecycleHookName: HOOK, ...timeouts }] });
    expect(await autoScaling.describeHook(GROUP, HOOK)).toEqual({
      ok: true,
      value: { heartbeatTimeoutSeconds, globalTimeoutSeconds, defaultResult: 'ABANDON' },
    });
  });
});

describe('an instance that its group shall replace', () => {
  it('is terminated through the group, which keeps its size', async () => {
    aws.on(TerminateInstanceInAutoScalingGroupCommand).resolves({});
    expect(await autoScaling.terminate(INSTANCE)).toEqual({ ok: true, value: undefined });
    expect(sent()).toEqual([{ InstanceId: INSTANCE, ShouldDecrementDesiredCapacity: false }]);
  });

  it.each([
    ['ScalingActivityInProgress', 'other'],
    ['Throttling', 'throttled'],
    ['AccessDenied', 'denied'],
  ])('and is not, because of %s, is a failure', async (name, reason) => {
    aws.onAnyCommand().rejects(Object.assign(new Error('on purpose'), { name }));
    expect(await autoScaling.terminate(INSTANCE)).toEqual({
      ok: false,
      reason,
      operation: 'autoscaling:TerminateInstanceInAutoScalingGroup',
      message: 'on purpose',
      ...(reason === 'other' ? { lost: true } : {}),
    });
  });
});

describe('a lifecycle action', () => {
  it('is kept alive by token and instance both', async () => {
    aws.on(RecordLifecycleActionHeartbeatCommand).resolves({});
    expect(await autoScaling.heartbeat(aRequest())).toEqual({ ok: true, value: undefined });
    expect(sent()).toEqual([NAMED]);
  });

  it.each(['CONTINUE', 'ABANDON'] as const)('is completed with %s, by token and instance both', async (result) => {
    aws.on(CompleteLifecycleActionCommand).resolves({});
    expect(await autoScaling.complete(aRequest(), result)).toEqual({ ok: true, value: undefined });
    expect(sent()).toEqual([{ ...NAMED, LifecycleActionResult: result }]);
  });

  it.each(['ValidationError', 'ValidationException'])('that has finished is gone, in the spelling %s', async (name) => {
    aws.onAnyCommand().rejects(finished(name));
    expect(await autoScaling.heartbeat(aRequest())).toMatchObject({
      ok: false,
      reason: 'gone',
      operation: 'autoscaling:RecordLifecycleActionHeartbeat',
    });
    expect(await autoScaling.complete(aRequest(), 'CONTINUE')).toMatchObject({
      ok: false,
      reason: 'gone',
      operation: 'autoscaling:CompleteLifecycleAction',
    });
  });

  it('that is refused for another reason is not', async () => {
    aws.onAnyCommand().rejects(Object.assign(new Error('1 validation error detected'), { name: 'ValidationError' }));
    expect(await autoScaling.complete(aRequest(), 'CONTINUE')).toMatchObject({ ok: false, reason: 'other' });
  });
});
