import type { Group, Hook } from '../../src/operator/hooks.ts';
import { TERMINATING } from '../../src/operator/hooks.ts';
import type { Stack } from '../../src/operator/stack.ts';

export const STACK: Stack = {
  name: 'ecs-drain',
  lifecycleTopicArn: 'arn:aws:sns:eu-west-1:123456789012:ecs-drain-lifecycle',
  alertTopicArn: 'arn:aws:sns:eu-west-1:123456789012:ecs-drain-alerts',
  hookRoleArn: 'arn:aws:iam::123456789012:role/ecs-drain-hook',
  drainFunctionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:ecs-drain-drain:durable',
  switchParameter: '/ecs-drain/switch',
  deadLettersUrl: 'https://sqs.eu-west-1.amazonaws.com/123456789012/ecs-drain-dead-letters',
};

export const aGroup = (some: Partial<Group> = {}): Group => ({
  name: 'web-asg',
  arn: 'arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:1:autoScalingGroupName/web-asg',
  instances: [{ id: 'i-1', state: 'InService' }],
  ...some,
});

/** The hook as `attach` makes it; what is given replaces its members. */
export const aHook = (some: Partial<Hook> = {}): Hook => ({
  name: 'ecs-drain',
  transition: TERMINATING,
  targetArn: STACK.lifecycleTopicArn,
  roleArn: STACK.hookRoleArn,
  heartbeatSeconds: 600,
  globalTimeoutSeconds: 60_000,
  defaultResult: 'CONTINUE',
  metadata: '{"cluster":"web"}',
  ...some,
});
