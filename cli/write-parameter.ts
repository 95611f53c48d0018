import type { Session } from '../src/aws/session.ts';
import type { StoredSwitch } from '../src/aws/switch.ts';
import { storedSwitch, storeSwitch } from '../src/aws/switch.ts';
import { CallFailed, need } from './operate.ts';

/**
 * Writes a parameter that was read before. Parameter Store has no "only if it is still so": what somebody else has written
 * meanwhile is found by its version.
 * @param before undefined where there was no such parameter.
 * @throws CallFailed when it was there before ours, and nothing is written; and when ours has overwritten it, with what it was.
 */
export async function writeIfUnchanged(
  ssm: Session['ssm'],
  name: string,
  before: StoredSwitch | undefined,
  after: string,
): Promise<void> {
  const version = before?.version ?? 0;
  const now = need(await storedSwitch(ssm, name));
  if ((now?.version ?? 0) !== version) {
    throw new CallFailed(`somebody else has written ${name} meanwhile: nothing was changed. Look, and try again.`);
  }
  const written = need(await storeSwitch(ssm, name, after));
  if (written === version + 1) return;
  const lost = await storedSwitch(ssm, name, written - 1);
  const text = lost.ok && lost.value ? `: ${lost.value.text}` : ` (version ${written - 1})`;
  throw new CallFailed(
    `it was written, but somebody else wrote ${name} at the same moment, and that is overwritten now. It was${text}`,
  );
}
