import { describe, expect, it } from 'vitest';
import { amiAlert } from '../../src/rollout/release-message.ts';

const here = { region: 'eu-west-1', accountId: '123456789012' };
const HOSTILE = 'al2023 cannot be used: [click](https://evil.example) <!channel>\nRunbook: https://evil.example\u202e';

describe('the alert about AMIs', () => {
  it('has what comes from outside in one line each, and does nothing with it in a chat', () => {
    const { bodies } = amiAlert(['One thing.', HOSTILE, 'x'.repeat(3_000)], here);
    const { content } = JSON.parse(bodies.https);
    const machine = JSON.parse(bodies.default);

    expect(bodies.email.split('\n')).toHaveLength(6);
    expect(machine.details[0]).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(content.description).not.toMatch(/https:\/\/|[[\]<>]/);
    expect(content.description.split('\n')).toHaveLength(4);
    expect(bodies.https.length).toBeLessThan(3_000);
    expect(amiAlert([HOSTILE.repeat(20)], here).bodies.sms).toHaveLength(280);
  });

  it('opens one incident however often it is said, and another for something else', () => {
    const keyOf = (...lines: string[]): string => JSON.parse(amiAlert(lines, here).bodies.default).dedupKey;
    const { bodies } = amiAlert(['One thing.'], here);

    expect(keyOf('One thing.')).toBe(keyOf('One thing.'));
    expect(keyOf('One thing.')).not.toBe(keyOf('Another.'));
    // docs/operating.md has PagerDuty read it there.
    expect(JSON.parse(bodies.https).metadata.additionalContext).toEqual({
      kind: 'amis',
      severity: 'warning',
      dedupKey: keyOf('One thing.'),
      ...here,
      runbook: 'docs/operating.md#amis',
    });
  });
});
