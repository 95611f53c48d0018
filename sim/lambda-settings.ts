import type {
  FunctionConfiguration,
  GetAccountSettingsResponse,
  GetFunctionConfigurationRequest,
  ListVersionsByFunctionRequest,
  ListVersionsByFunctionResponse,
} from '@aws-sdk/client-lambda';
import type { FunctionOptions } from './lambda.ts';

/** A version of a function, as far as its settings go. */
interface Deployed {
  readonly options: FunctionOptions;
  readonly arn: string;
  readonly version: string;
}

/** "A maximum of 50 items in each response" (API reference). */
const MOST_VERSIONS = 50;
/** What an account begins with in a region (Lambda quotas). */
const CONCURRENCY = 1_000;

/** The operations of Lambda that look at functions and at the account. */
export function createSettingsOperations({
  find,
  publishedOf,
  unreserved,
}: {
  /** Throws what AWS answers when there is no such function, or no such version or alias of it. */
  readonly find: (
    reference: string,
    qualifier: string | undefined,
  ) => Deployed & { readonly qualifier: string | undefined };
  readonly publishedOf: (fn: Deployed) => readonly Deployed[];
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

    ListVersionsByFunction({ FunctionName = '', Marker, MaxItems }: ListVersionsByFunctionRequest) {
      const fn = find(FunctionName, undefined);
      // UNVERIFIED: the order. $LATEST comes first in the API reference's example.
      const all = [{ ...fn, version: '$LATEST' }, ...publishedOf(fn)].map(({ arn, version, options }) => ({
        FunctionName: options.name,
        FunctionArn: `${arn}:${version}`,
        Version: version,
        ...(options.environment && { Environment: { Variables: { ...options.environment } } }),
      }));
      const from = Number(Marker ?? 0);
      const to = from + Math.min(MaxItems ?? MOST_VERSIONS, MOST_VERSIONS);
      return {
        Versions: all.slice(from, to),
        ...(to < all.length ? { NextMarker: String(to) } : {}),
      } satisfies ListVersionsByFunctionResponse;
    },

    GetAccountSettings() {
      return {
        AccountLimit: { ConcurrentExecutions: CONCURRENCY, UnreservedConcurrentExecutions: unreserved() },
      } satisfies GetAccountSettingsResponse;
    },
  };
}
