import { expect, it } from 'vitest';
import { explain } from '../../src/operator/explain.ts';
import type { Failure } from '../../src/ports.ts';

const failure = (reason: Failure['reason'], message: string): string =>
  explain({ ok: false, reason, operation: 'autoscaling:PutLifecycleHook', message });

it.each([
  [
    'denied',
    'Access denied',
    'no permission for autoscaling:PutLifecycleHook: give it to your credentials (Access denied)',
  ],
  [
    'denied',
    'User: arn:x is not authorized to perform: iam:PassRole on resource: arn:y',
    'no permission for iam:PassRole: give it to your credentials (User: arn:x is not authorized to perform: iam:PassRole on resource: arn:y)',
  ],
  [
    'denied',
    'The security token included in the request is expired',
    'your credentials were not taken for autoscaling:PutLifecycleHook: The security token included in the request is expired',
  ],
  ['throttled', 'Rate exceeded', 'AWS throttles autoscaling:PutLifecycleHook: try again in a minute (Rate exceeded)'],
  ['other', 'No such thing', 'autoscaling:PutLifecycleHook failed: No such thing'],
] as const)('%s: %s', (reason, message, words) => {
  expect(failure(reason, message)).toBe(words);
});
