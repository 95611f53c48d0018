import { AutoScalingClient, DescribeAutoScalingGroupsCommand } from '@aws-sdk/client-auto-scaling';
import {
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeSpotFleetRequestsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { GetParametersCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import type { Context } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { FAMILIES, familyById, parametersOf } from '../../src/rollout/family.ts';
import type { ParameterSeen } from '../../src/rollout/ports.ts';
import { aRecommendation, imageName } from '../support/amis.ts';
import { ACCOUNT } from '../support/build.ts';

const topic = (name: string): string => `arn:aws:sns:eu-west-1:${ACCOUNT}:${name}`;
const SETTINGS = {
  ALERT_TOPIC_ARN: topic('alerts'),
  RELEASE_TOPIC_ARN: topic('ecs-drain-ami-releases'),
  SEEN_PARAMETER: '/ecs-drain/amis/seen',
};
const CONTEXT = { invokedFunctionArn: `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:ecs-drain-ami-watch` } as Context;

const ssm = mockClient(SSMClient);
const sns = mockClient(SNSClient);
const autoScaling = mockClient(AutoScalingClient);
const ec2 = mockClient(EC2Client);
const store = new Map<string, string>();
let watch: typeof import('../../handlers/ami-watch.ts');

beforeAll(async () => {
  // The module wires its handler from the environment when it is loaded, as on Lambda.
  for (const [name, value] of Object.entries(SETTINGS)) vi.stubEnv(name, value);
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'example');
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
  watch = await import('../../handlers/ami-watch.ts');
});

beforeEach(() => {
  ssm.reset();
  sns.reset();
  autoScaling.reset();
  ec2.reset();
  store.clear();
  sns.on(PublishCommand).resolves({});
  autoScaling.on(DescribeAutoScalingGroupsCommand).resolves({ AutoScalingGroups: [] });
  ec2.on(DescribeSpotFleetRequestsCommand).resolves({ SpotFleetRequestConfigs: [] });
  ssm.on(GetParametersCommand).callsFake(({ Names }: { Names: string[] }) => ({
    Parameters: Names.filter((Name) => store.has(Name)).map((Name) => ({
      Name,
      Value: store.get(Name),
      LastModifiedDate: new Date(),
    })),
  }));
  ssm.on(PutParameterCommand).callsFake(({ Name, Value }) => {
    store.set(Name, Value);
    return { Version: 1 };
  });
});

const publish = (parameters: readonly ParameterSeen[]): void => {
  for (const { name, value } of parameters) store.set(name, value);
};
const asked = (): string[] => ssm.commandCalls(GetParametersCommand).flatMap((call) => call.args[0].input.Names ?? []);
const supported = FAMILIES.filter(({ support }) => support === 'full');

describe('ami-watch', () => {
  it('asks for what it remembers and for every supported family, in as few calls as it takes', async () => {
    await watch.handler({}, CONTEXT);
    const names = ['/ecs-drain/amis/seen', ...supported.flatMap(parametersOf)];
    // What it remembers comes first: it says what is looked at besides.
    expect(asked()).toEqual(['/ecs-drain/amis/seen', ...names]);
    expect(ssm.commandCalls(GetParametersCommand)).toHaveLength(1 + Math.ceil(names.length / 10));
  });

  it('looks at the families that it is told to', async () => {
    await watch.create({ environment: { ...SETTINGS, AMI_FAMILIES: 'windows' } })({}, CONTEXT);
    expect(new Set(asked().filter((name) => !name.includes('ami-windows-latest')))).toEqual(
      new Set(['/ecs-drain/amis/seen']),
    );
  });

  it('publishes a release to its topic, in the region that it runs in, and remembers it', async () => {
    // Prepare
    const [family] = supported;
    if (family === undefined) expect.fail('no family is supported');
    publish(aRecommendation(family, { version: '2023.0.20261029' }));
    await watch.handler({}, CONTEXT);
    publish(aRecommendation(family, { version: '2023.0.20261113' }));

    // Act
    await watch.handler({}, CONTEXT);
    await watch.handler({}, CONTEXT);

    // Assess
    const messages = sns.commandCalls(PublishCommand).map((call) => call.args[0].input);
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatchObject({ TopicArn: topic('ecs-drain-ami-releases') });
    expect(Object.keys(JSON.parse(messages[0]?.Message ?? '').ECSAmis[0].Regions)).toEqual(['eu-west-1']);
    expect(store.get('/ecs-drain/amis/seen')).toContain('2023.0.20261113');
  });

  describe('of a family that only a fleet runs', () => {
    const AL2 = familyById('al2/x86_64') ?? expect.fail('no such family');
    const families = () =>
      sns
        .commandCalls(PublishCommand)
        .flatMap((call) => call.args[0].input.MessageAttributes?.['family']?.StringValue ?? []);
    beforeEach(() => {
      const instance = { InstanceId: 'i-0a', ImageId: 'ami-0a' };
      const image = { ImageId: 'ami-0a', Name: imageName(AL2, '2.0.20260101'), ImageOwnerAlias: 'amazon' };
      autoScaling.on(DescribeAutoScalingGroupsCommand).resolves({
        AutoScalingGroups: [
          {
            AutoScalingGroupName: 'old-asg',
            MinSize: 1,
            MaxSize: 1,
            DesiredCapacity: 1,
            DefaultCooldown: 0,
            AvailabilityZones: [],
            HealthCheckType: 'EC2',
            CreatedTime: new Date(0),
            Instances: [
              {
                InstanceId: 'i-0a',
                AvailabilityZone: 'eu-west-1a',
                LifecycleState: 'InService',
                HealthStatus: 'Healthy',
                ProtectedFromScaleIn: false,
              },
            ],
          },
        ],
      });
      ec2.on(DescribeInstancesCommand).resolves({ Reservations: [{ Instances: [instance] }] });
      ec2.on(DescribeImagesCommand).resolves({ Images: [image] });
      publish(aRecommendation(AL2, { version: '2.0.20261101' }));
    });

    it('publishes the next release', async () => {
      await watch.handler({}, CONTEXT);
      expect(families()).toEqual([]);
      publish(aRecommendation(AL2, { version: '2.0.20261113' }));
      await watch.handler({}, CONTEXT);
      expect(families()).toEqual(['al2/x86_64']);
      expect(autoScaling.commandCalls(DescribeAutoScalingGroupsCommand)[0]?.args[0].input).toMatchObject({
        Filters: [{ Name: 'tag-key', Values: ['ecs-drain:ami'] }],
      });
    });

    it('publishes it also when it may not look at fleets any more, and then fails', async () => {
      await watch.handler({}, CONTEXT);
      autoScaling
        .on(DescribeAutoScalingGroupsCommand)
        .rejects(Object.assign(new Error('no'), { name: 'AccessDeniedException' }));
      publish(aRecommendation(AL2, { version: '2.0.20261113' }));
      await expect(watch.handler({}, CONTEXT)).rejects.toThrow('autoscaling:DescribeAutoScalingGroups denied: no');
      expect(families()).toEqual(['al2/x86_64']);
    });
  });

  it('fails, so that Lambda tries again and the alarm hears of it, when AWS does not answer', async () => {
    ssm.on(GetParametersCommand).rejects(Object.assign(new Error('no'), { name: 'AccessDeniedException' }));
    await expect(watch.handler({}, CONTEXT)).rejects.toThrow('ssm:GetParameters denied: no');
  });

  it('refuses an environment without its topics and its parameter at cold start', () => {
    expect(() => watch.create({ environment: {} })).toThrow(/^3 wrong settings/);
  });
});
