import type { Failure } from '../ports.ts';

/** Why a call failed, with what a person can do about it. Pure. */
export function explain({ operation, reason, message }: Failure): string {
  // AWS may want a permission for something else beside it, like iam:PassRole for a hook's role.
  const wanted = /not authorized to perform: ([a-z0-9-]+:[A-Za-z]+)/.exec(message)?.[1] ?? operation;
  if (reason === 'denied' && wanted === operation && /credential|security token/i.test(message)) {
    return `your credentials were not taken for ${operation}: ${message}`;
  }
  if (reason === 'denied') return `no permission for ${wanted}: give it to your credentials (${message})`;
  if (reason === 'throttled') return `AWS throttles ${operation}: try again in a minute (${message})`;
  return `${operation} failed: ${message}`;
}
