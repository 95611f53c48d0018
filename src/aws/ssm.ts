import type { SSMClient } from '@aws-sdk/client-ssm';
import { GetParameterCommand } from '@aws-sdk/client-ssm';
import type { ClockPort, Result, SwitchPort } from '../ports.ts';
import { attempt } from './failure.ts';

/**
 * A switch that is turned takes effect within this long. The drains of one Lambda environment share the answer: a
 * hundred of them do not make a hundred reads.
 */
const FRESH_SECONDS = 120;

/** Reads the switch from its SSM parameter; without a name there is no switch, and nobody is asked. */
export function switchPort(client: SSMClient, name: string | undefined, now: ClockPort): SwitchPort {
  let latest: { readonly atMs: number; readonly answer: Result<string | undefined> } | undefined;
  return {
    async read() {
      if (name === undefined) return { ok: true, value: undefined };
      if (latest && now() - latest.atMs < FRESH_SECONDS * 1000) return latest.answer;
      const answer = await attempt('ssm:GetParameter', async () => {
        try {
          return (await client.send(new GetParameterCommand({ Name: name }))).Parameter?.Value;
        } catch (error) {
          // Nobody has written one: what the stack was deployed with holds.
          if (error instanceof Error && error.name === 'ParameterNotFound') return undefined;
          throw error;
        }
      });
      if (answer.ok) latest = { atMs: now(), answer };
      return answer;
    },
  };
}
