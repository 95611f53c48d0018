import type { SSMClient } from '@aws-sdk/client-ssm';
import { DeleteParameterCommand, PutParameterCommand } from '@aws-sdk/client-ssm';
import type { ClaimsPort } from '../rollout/ports.ts';
import { attempt, unless } from './failure.ts';

/** Parameters that are made only where there is none: whoever makes one has it. */
export function claimsPort(client: SSMClient): ClaimsPort {
  return {
    createParameter: (name, value) =>
      attempt('ssm:PutParameter', () =>
        unless('ParameterAlreadyExists', false, async () => {
          await client.send(new PutParameterCommand({ Name: name, Value: value, Type: 'String', Tier: 'Standard' }));
          return true;
        }),
      ),

    deleteParameter: (name) =>
      attempt('ssm:DeleteParameter', () =>
        unless('ParameterNotFound', undefined, async () => {
          await client.send(new DeleteParameterCommand({ Name: name }));
          return undefined;
        }),
      ),
  };
}
