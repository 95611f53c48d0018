import type {
  FunctionConfiguration,
  GetAccountSettingsResponse,
  GetFunctionConfigurationRequest,
} from '@aws-sdk/client-lambda';
import type { FunctionOptions } from './lambda.ts';

/** A version of a function, as far as its settings go. */
interface Deployed {
  readonly options: FunctionOptions;
  readonly arn: string;
  readonly version: string;
}

/** What an account begins with in a region (Lambda quotas). */
const CONCURRENCY = 1_000;

/** The operations of Lambda that look at functions and at the account. */
export function createSettingsOperations({
  find,
  unreserved,
}: {
  /** Throws what AWS answers when there is no such function, or no such version or alias of it. */
  readonly find: (
    reference: string,
    qualifier: string | undefined,
  ) => Deployed & { readonly qualifier: string | undefined };
  readonly unreserved: () => number;
}) {
  return {
    GetFunctionConfiguration({ FunctionName = '', Qualifier }: GetFunctionConfigurationRequest) {
      const { options, arn, version, qualifier } = find(FunctionName, Qualifier);
      const { executionTimeoutSeconds: ExecutionTimeout, environment } = options;
      return {
        FunctionName: options.name,
        FunctionArn: qualifier === undefined ? arn : `${arn}:${qualifier}`,
        Version: qualifier === undefined ? '$LATEST' : version,
        Runtime: 'nodejs24.x',
        Timeout: options.timeoutSeconds,
        MemorySize: options.memoryMb,
        State: 'Active',
        LastUpdateStatus: 'Successful',
        ...(environment && { Environment: { Variables: { ...environment } } }),
        ...(options.durable && {
          DurableConfig: { RetentionPeriodInDays: 30, ...(ExecutionTimeout && { ExecutionTimeout }) },
        }),
      } satisfies FunctionConfiguration;
    },

    GetAccountSettings() {
      return {
        AccountLimit: { ConcurrentExecutions: CONCURRENCY, UnreservedConcurrentExecutions: unreserved() },
      } satisfies GetAccountSettingsResponse;
    },
  };
}
