/** The SDK clients whose schemas the wire is made from. */
import { createRequire } from 'node:module';
import * as autoscaling from '@aws-sdk/client-auto-scaling';
import * as cloudformation from '@aws-sdk/client-cloudformation';
import * as ecs from '@aws-sdk/client-ecs';
import * as lambda from '@aws-sdk/client-lambda';
import * as sns from '@aws-sdk/client-sns';
import * as sqs from '@aws-sdk/client-sqs';
import * as ssm from '@aws-sdk/client-ssm';

const require = createRequire(import.meta.url);

type ClientModule = readonly [exported: object, Client: new (options: { region: string }) => { config: ClientConfig }];
interface ClientConfig {
  readonly protocol?: { getShapeId(): string };
  readonly protocolSettings?: Readonly<Record<string, unknown>>;
}

/** By the name that a service is signed for. */
export const CLIENTS: Readonly<Record<string, () => ClientModule>> = {
  'application-autoscaling': () => {
    const scaling: typeof import('@aws-sdk/client-application-auto-scaling') = require('@aws-sdk/client-application-auto-scaling');
    return [scaling, scaling.ApplicationAutoScalingClient];
  },
  autoscaling: () => [autoscaling, autoscaling.AutoScalingClient],
  cloudformation: () => [cloudformation, cloudformation.CloudFormationClient],
  ec2: () => {
    const ec2: typeof import('@aws-sdk/client-ec2') = require('@aws-sdk/client-ec2');
    return [ec2, ec2.EC2Client];
  },
  ecs: () => [ecs, ecs.ECSClient],
  lambda: () => [lambda, lambda.LambdaClient],
  servicequotas: () => {
    const quotas: typeof import('@aws-sdk/client-service-quotas') = require('@aws-sdk/client-service-quotas');
    return [quotas, quotas.ServiceQuotasClient];
  },
  sns: () => [sns, sns.SNSClient],
  sqs: () => [sqs, sqs.SQSClient],
  ssm: () => [ssm, ssm.SSMClient],
};

/** EC2's client takes a quarter of a second to load: what most runs never call is opened by its first call. */
export const OPENED_BY_CALL: ReadonlySet<string> = new Set(['ec2', 'application-autoscaling', 'servicequotas']);
