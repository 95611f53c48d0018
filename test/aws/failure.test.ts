import { describe, expect, it } from 'vitest';
import { attempt, classify } from '../../src/aws/failure.ts';

/** An error as the SDK throws it: the wire code is its name. */
function sdkError(name: string, message = 'on purpose'): Error {
  return Object.assign(new Error(message), { name, $fault: 'client', $metadata: { httpStatusCode: 400 } });
}

const NO_INSTANCE = 'Instance Id not found - No managed instance found for instance ID';
const NO_ACTION = 'No active Lifecycle Action found with instance ID i-0a1b2c3d480000000';

describe('an error of AWS is classified', () => {
  it.each([
    // ECS, JSON 1.1.
    ['ThrottlingException', 'Rate exceeded', 'throttled'],
    ['ClusterNotFoundException', 'Cluster not found.', 'gone'],
    ['AccessDeniedException', 'User is not authorized to perform: ecs:ListTasks', 'denied'],
    ['InvalidParameterException', 'Container instance not found.', 'other'],
    ['ClientException', 'The container instance is inactive.', 'other'],
    ['ServerException', 'Service Unavailable. Please try again later.', 'other'],
    // Auto Scaling, Query.
    ['Throttling', 'Rate exceeded', 'throttled'],
    ['RequestLimitExceeded', 'Request limit exceeded.', 'throttled'],
    ['UnauthorizedOperation', 'You are not authorized to perform this operation.', 'denied'],
    ['AuthFailure', 'AWS was not able to validate the provided access credentials', 'denied'],
    ['InvalidLaunchTemplateId.NotFound', 'The specified launch template does not exist.', 'gone'],
    ['InvalidLaunchTemplateId.VersionNotFound', 'Could not find the specified version 9', 'gone'],
    ['AccessDenied', 'not authorized to perform: autoscaling:CompleteLifecycleAction', 'denied'],
    ['ResourceContention', 'You already have a pending update to an Auto Scaling resource', 'other'],
    ['ResourceContentionFault', 'You already have a pending update to an Auto Scaling resource', 'other'],
    ['ValidationError', NO_ACTION, 'gone'],
    ['ValidationException', NO_ACTION, 'gone'],
    ['ValidationError', `${NO_INSTANCE}: i-0a1b2c3d480000000`, 'gone'],
    ['ValidationError', `${NO_INSTANCE} i-0a1b2c3d480000000`, 'gone'],
    ['ValidationError', 'AutoScalingGroup name not found - null', 'other'],
    ['ValidationError', `The request says: ${NO_ACTION}`, 'other'],
    // SNS, Query.
    ['Throttled', 'Rate exceeded', 'throttled'],
    ['ThrottledException', 'Rate exceeded', 'throttled'],
    ['AuthorizationError', 'not authorized to perform: SNS:Publish', 'denied'],
    ['AuthorizationErrorException', 'not authorized to perform: SNS:Publish', 'denied'],
    ['NotFound', 'Topic does not exist', 'gone'],
    ['NotFoundException', 'Topic does not exist', 'gone'],
    ['InvalidParameterException', 'Invalid parameter: Subject', 'other'],
    // Lambda, REST JSON.
    ['TooManyRequestsException', 'Rate Exceeded.', 'throttled'],
    ['ResourceNotFoundException', 'Function not found', 'gone'],
    ['ServiceException', 'The service encountered an internal error', 'other'],
    // Credentials, wherever.
    ['ExpiredTokenException', 'The security token included in the request is expired', 'denied'],
    ['ExpiredToken', 'The security token included in the request is expired', 'denied'],
    ['UnrecognizedClientException', 'The security token included in the request is invalid', 'denied'],
    ['InvalidClientTokenId', 'The security token included in the request is invalid', 'denied'],
    ['CredentialsProviderError', 'Could not load credentials from any providers', 'denied'],
    // Between here and there.
    ['TimeoutError', 'Connection timed out after 3000 ms', 'other'],
    ['Error', 'connect ECONNREFUSED 10.0.0.1:443', 'other'],
    ['SyntaxError', 'Unexpected token < in JSON at position 0', 'other'],
    // Names that every object has.
    ['constructor', 'x', 'other'],
    ['toString', 'x', 'other'],
    ['__proto__', 'x', 'other'],
  ])('%s (%s) as %s', (name, message, reason) => {
    expect(classify('ecs:ListTasks', sdkError(name, message))).toEqual({
      ok: false,
      reason,
      operation: 'ecs:ListTasks',
      message,
    });
  });

  it.each([
    ['a string', 'boom', 'boom'],
    ['nothing', undefined, 'undefined'],
    ['an object', { code: 1 }, '[object Object]'],
    ['an error without a message', sdkError('ServerException', ''), 'ServerException'],
  ])('also when it is %s', (_, error, message) => {
    expect(classify('ecs:ListTasks', error)).toMatchObject({ ok: false, reason: 'other', message });
  });

  it('with at most 300 characters of its message: it is kept in the execution’s history', () => {
    expect(classify('ecs:ListTasks', new Error('x'.repeat(10_000))).message).toHaveLength(300);
  });

  it.each([
    ['an answer that refuses', 'InvalidSpotFleetRequestConfig', { httpStatusCode: 400, attempts: 1 }, false],
    ['an answer that nothing is allowed', 'UnauthorizedOperation', { httpStatusCode: 403, attempts: 2 }, false],
    ['an answer to a repetition', 'FleetNotInModifiableState', { httpStatusCode: 400, attempts: 2 }, true],
    ['an answer that AWS has failed', 'InternalError', { httpStatusCode: 500, attempts: 1 }, true],
    ['no answer', 'TimeoutError', { attempts: 1 }, true],
    ['no answer, and nothing told of it', 'Error', undefined, true],
    ['a throttled call', 'RequestLimitExceeded', { httpStatusCode: 503, attempts: 1 }, false],
    ['a throttled repetition', 'RequestLimitExceeded', { httpStatusCode: 503, attempts: 5 }, true],
  ])('with %s (%s) as one that may have had its effect, or not', (_, name, $metadata, isLost) => {
    const error = Object.assign(new Error('on purpose'), { name, ...($metadata && { $metadata }) });
    expect(classify('ec2:RequestSpotFleet', error).lost ?? false).toBe(isLost);
  });

  it('into what JSON keeps', () => {
    const failure = classify('ecs:ListTasks', sdkError('ThrottlingException'));
    expect(JSON.parse(JSON.stringify(failure))).toEqual(failure);
  });
});

describe('an attempt', () => {
  it('that succeeds has the value', async () => {
    expect(await attempt('ecs:ListTasks', async () => 7)).toEqual({ ok: true, value: 7 });
  });

  it('that fails is a value as well, also when the call throws before it is made', async () => {
    const failed = await attempt('ecs:ListTasks', () => {
      throw sdkError('ThrottlingException');
    });
    expect(failed).toMatchObject({ ok: false, reason: 'throttled', operation: 'ecs:ListTasks' });
  });
});
