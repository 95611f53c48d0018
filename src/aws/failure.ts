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

/** An action that has finished answers so; the code is ValidationError or ValidationException (AWS-CONTRACTS §1). */
const ACTION_FINISHED = 'No active Lifecycle Action found';
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
  const isGone = message.startsWith(ACTION_FINISHED) || NOT_FOUND.test(name);
  const reason = isGone ? 'gone' : (REASONS.get(name) ?? 'other');
  return { ok: false, reason, operation, message: message === '' ? name : message.slice(0, 300) };
}
