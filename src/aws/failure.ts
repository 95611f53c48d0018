import type { Failure, Result } from '../ports.ts';

/**
 * AWS spells one meaning many ways; here they are sorted, once. Names are what the SDK puts into `error.name`: the
 * wire code, with or without `Exception`. Sources: AWS-CONTRACTS §1-3 and the services' common errors.
 */
const REASONS: ReadonlyMap<string, Failure['reason']> = new Map(
  Object.entries({
    Throttling: 'throttled',
    ThrottlingException: 'throttled',
    ThrottledException: 'throttled',
    Throttled: 'throttled',
    RequestLimitExceeded: 'throttled',
    TooManyRequestsException: 'throttled',
    LimitExceededException: 'throttled',
    AccessDenied: 'denied',
    UnauthorizedOperation: 'denied',
    AuthFailure: 'denied',
    AccessDeniedException: 'denied',
    AuthorizationError: 'denied',
    AuthorizationErrorException: 'denied',
    ExpiredTokenException: 'denied',
    ExpiredToken: 'denied',
    InvalidClientTokenId: 'denied',
    UnrecognizedClientException: 'denied',
    CredentialsProviderError: 'denied',
    ClusterNotFoundException: 'gone',
    ResourceNotFoundException: 'gone',
    NotFound: 'gone',
    NotFoundException: 'gone',
  } as const),
);

/**
 * What is gone, by the beginning of the message, for its code says only that the call was not valid: ValidationError, or
 * ValidationException. The first is of a lifecycle action that has finished (AWS-CONTRACTS §1); the second of an
 * instance that is in no group (any more), and is in public logs with a colon before the id and without one.
 */
const GONE = ['No active Lifecycle Action found', 'Instance Id not found - No managed instance found'];
/** EC2 has a code for each kind of thing that is not there: `InvalidLaunchTemplateId.NotFound`. */
const NOT_FOUND = /\.(Version)?NotFound$/;

/** Calls AWS; what goes wrong comes back as a value. `operation` is for people: `ecs:DescribeTasks`. */
export async function attempt<T>(operation: string, call: () => Promise<T>): Promise<Result<T>> {
  try {
    return { ok: true, value: await call() };
  } catch (error) {
    return classify(operation, error);
  }
}

export function classify(operation: string, error: unknown): Failure {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const isGone = GONE.some((words) => message.startsWith(words)) || NOT_FOUND.test(name);
  const reason = isGone ? 'gone' : (REASONS.get(name) ?? 'other');
  const words = message === '' ? name : message.slice(0, 300);
  return { ok: false, reason, operation, message: words, ...(isLost(reason, error) ? { lost: true } : {}) };
}

/**
 * Whether the call may have had an effect. An answer of 4xx is a refusal, where it was the only one: the SDK repeats what
 * was not answered, and the repetition may be refused since the first call did what it was to do.
 */
function isLost(reason: Failure['reason'], error: unknown): boolean {
  if (reason === 'denied' || reason === 'gone') return false;
  const { httpStatusCode = 0, attempts = 1 }: Answered =
    (error instanceof Error && '$metadata' in error && (error.$metadata as Answered)) || {};
  const isRefusal = reason === 'throttled' || (httpStatusCode >= 400 && httpStatusCode < 500);
  return !isRefusal || attempts > 1;
}

/** What the SDK leaves at each error. */
interface Answered {
  readonly httpStatusCode?: number;
  readonly attempts?: number;
}

/** The value instead of the error of that name. */
export async function unless<T>(name: string, value: T, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Error && error.name.replace(/(Fault|Exception)$/, '') === name) return value;
    throw error;
  }
}

export interface FailureEntry {
  readonly arn?: string | undefined;
  readonly reason?: string | undefined;
  readonly detail?: string | undefined;
}

/** `failures[]` come back beside successes (AWS-CONTRACTS §3): only that something is gone is an answer. */
export function refuseUnknown(failures: readonly FailureEntry[]): void {
  const unknown = failures.find(({ reason }) => reason !== 'MISSING' && reason !== 'INACTIVE');
  if (unknown)
    throw new Error(
      `${unknown.arn ?? 'something'}: ${unknown.reason ?? 'no reason given'} ${unknown.detail ?? ''}`.trim(),
    );
}
