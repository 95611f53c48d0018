import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { ECSClient } from '@aws-sdk/client-ecs';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import type { ClockPort } from '../ports.ts';

/** One region as an operator sees it: with the credentials of a shell, and a client for each service. */
export interface Session {
  readonly region: string;
  readonly autoScaling: AutoScalingClient;
  readonly cloudFormation: CloudFormationClient;
  readonly ecs: ECSClient;
  readonly lambda: LambdaClient;
  readonly sns: SNSClient;
  readonly sqs: SQSClient;
  readonly ssm: SSMClient;
  /** A client of yet another service, like these: with the same credentials, time and count. */
  readonly client: <C extends ObservedClient>(make: (settings: Settings) => C) => C;
  /** AWS's own time, by its latest answer; until there is one, the machine's. A laptop's clock may be wrong. */
  readonly now: ClockPort;
  /** How many requests were sent so far, each repetition counted. */
  readonly calls: () => number;
}

/** A person waits: no call hangs, and the SDK tries again by itself. */
const BOUNDS = {
  maxAttempts: 4,
  requestHandler: { connectionTimeout: 3_000, requestTimeout: 15_000, throwOnRequestTimeout: true },
} as const;

/** What each client of a session is made with. */
export type Settings = typeof BOUNDS & {
  readonly region?: string;
  readonly profile?: string;
  readonly credentials?: NonNullable<Where['credentials']>;
};

type ObservedClient = { readonly middlewareStack: unknown };

export interface Where {
  readonly region?: string | undefined;
  readonly profile?: string | undefined;
  readonly credentials?: NonNullable<ConstructorParameters<typeof ECSClient>[0]>['credentials'];
}

/**
 * @param where Region, and profile or credentials; what is left out comes from the environment and the AWS configuration
 *   files.
 * @throws Error when no region is to be found.
 */
export async function openSession(where: Where): Promise<Session> {
  const settings: Settings = {
    ...BOUNDS,
    ...(where.region === undefined ? {} : { region: where.region }),
    ...(where.profile === undefined ? {} : { profile: where.profile }),
    ...(where.credentials === undefined ? {} : { credentials: where.credentials }),
  };
  const clients = {
    autoScaling: new AutoScalingClient(settings),
    cloudFormation: new CloudFormationClient(settings),
    ecs: new ECSClient(settings),
    lambda: new LambdaClient(settings),
    sns: new SNSClient(settings),
    // A queue's URL names no endpoint: a proxy, or a VPC endpoint, may stand before it.
    sqs: new SQSClient({ ...settings, useQueueUrlAsEndpoint: false }),
    ssm: new SSMClient(settings),
  };
  let aheadMs = 0;
  let calls = 0;
  const observed = <C extends ObservedClient>(client: C): C => {
    // Each client's stack is typed by its own commands; what is added here looks at none of them.
    (client.middlewareStack as ECSClient['middlewareStack']).add(
      (next) => async (request) => {
        calls += 1;
        const output = await next(request);
        const date = (output.response as { headers?: Record<string, string> }).headers?.['date'];
        if (date !== undefined) aheadMs = Date.parse(date) - Date.now();
        return output;
      },
      { step: 'deserialize', priority: 'low', name: 'readDateAndCount' },
    );
    return client;
  };
  for (const client of Object.values(clients)) observed(client);
  return {
    region: await clients.ecs.config.region(),
    ...clients,
    client: (make) => observed(make(settings)),
    now: () => Date.now() + aheadMs,
    calls: () => calls,
  };
}
