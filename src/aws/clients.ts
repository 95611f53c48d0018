import { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling';
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { EC2Client } from '@aws-sdk/client-ec2';
import { ECSClient } from '@aws-sdk/client-ecs';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { SNSClient } from '@aws-sdk/client-sns';
import { SSMClient } from '@aws-sdk/client-ssm';

/** What carries the requests; left out, the SDK's own HTTP handler with the bounds below. */
export type RequestHandler = NonNullable<NonNullable<ConstructorParameters<typeof ECSClient>[0]>['requestHandler']>;

/** Nothing hangs: a call that takes longer is a failure, and failures are tried again by whoever made the call. */
const BOUNDS = { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true } as const;

/**
 * For ECS the drain's loop is the retry: it is durable, paid only while it runs, and knows about the
 * deadline. An SDK that retries beneath it would multiply the reads just when AWS asks for fewer.
 */
const ONE_ATTEMPT = { maxAttempts: 1 } as const;

/**
 * A drain that has not read the switch yet goes by what the stack was deployed with, and would act where the switch says
 * observe: one lost answer must not be enough for that. No more tries than these, for each move waits for them.
 */
const FEW_ATTEMPTS = { maxAttempts: 3 } as const;

/**
 * Everywhere else a lost call costs more than a repeated one: a heartbeat keeps an instance alive. The SDK tries again,
 * backing off, with jitter.
 */
const SDK_RETRIES = { maxAttempts: 5 } as const;

/**
 * For the function that hands notices over: Lambda delivers one three times, minutes apart, and AWS may throttle at each.
 * Throttled, eight attempts take half a minute or so, and a minute at most, less than the function has (serverless.yml).
 * Calls that hang can take longer: that ends the delivery like any failure, and the next one begins anew.
 */
const MANY_ATTEMPTS = { maxAttempts: 8 } as const;

export function ecsClient(requestHandler: RequestHandler = BOUNDS): ECSClient {
  return new ECSClient({ ...ONE_ATTEMPT, requestHandler });
}

export function autoScalingClient(requestHandler: RequestHandler = BOUNDS): AutoScalingClient {
  return new AutoScalingClient({ ...SDK_RETRIES, requestHandler });
}

export function applicationAutoScalingClient(requestHandler: RequestHandler = BOUNDS): ApplicationAutoScalingClient {
  return new ApplicationAutoScalingClient({ ...SDK_RETRIES, requestHandler });
}

export function cloudFormationClient(requestHandler: RequestHandler = BOUNDS): CloudFormationClient {
  return new CloudFormationClient({ ...SDK_RETRIES, requestHandler });
}

export function ec2Client(requestHandler: RequestHandler = BOUNDS): EC2Client {
  return new EC2Client({ ...SDK_RETRIES, requestHandler });
}

export function serviceQuotasClient(requestHandler: RequestHandler = BOUNDS): ServiceQuotasClient {
  return new ServiceQuotasClient({ ...SDK_RETRIES, requestHandler });
}

export function snsClient(requestHandler: RequestHandler = BOUNDS): SNSClient {
  return new SNSClient({ ...SDK_RETRIES, requestHandler });
}

export function lambdaClient(requestHandler: RequestHandler = BOUNDS): LambdaClient {
  return new LambdaClient({ ...SDK_RETRIES, requestHandler });
}

export function patientLambdaClient(requestHandler: RequestHandler = BOUNDS): LambdaClient {
  return new LambdaClient({ ...MANY_ATTEMPTS, requestHandler });
}

export function ssmClient(requestHandler: RequestHandler = BOUNDS): SSMClient {
  return new SSMClient({ ...FEW_ATTEMPTS, requestHandler });
}

/** For what asks ECS much in one step, and seldom: half of such a step is nothing. */
export function patientEcsClient(requestHandler: RequestHandler = BOUNDS): ECSClient {
  return new ECSClient({ ...SDK_RETRIES, requestHandler });
}

/** For a plain function, which has no loop that would try again. */
export function patientSsmClient(requestHandler: RequestHandler = BOUNDS): SSMClient {
  return new SSMClient({ ...SDK_RETRIES, requestHandler });
}
