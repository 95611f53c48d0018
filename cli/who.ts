import { userInfo } from 'node:os';
import { UsageError } from './usage.ts';

/** As the requests and records have them (src/rollout/request.ts, src/rollout/control.ts). */
const LONGEST = { by: 200, because: 500 };

/** The name that the machine knows whoever runs the command by. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run as a user that nobody has named.
    return 'operator';
  }
}

/** Who says it, and why. @throws UsageError for what is too long to be kept. */
export function saidBy(options: { readonly by?: string; readonly because?: string }): {
  readonly by: string;
  readonly because: string;
} {
  const said = { by: (options.by ?? userName()).trim(), because: (options.because ?? '').trim() };
  if (said.by === '' || said.by.length > LONGEST.by) {
    throw new UsageError(`--by takes a name of 1 to ${LONGEST.by} characters`);
  }
  if (said.because.length > LONGEST.because) {
    throw new UsageError(`--because takes a reason of at most ${LONGEST.because} characters`);
  }
  return said;
}
