import type { SSMClient } from '@aws-sdk/client-ssm';
import { DeleteParameterCommand, GetParametersCommand, PutParameterCommand } from '@aws-sdk/client-ssm';
import type { ClaimsPort, ParametersPort } from '../rollout/ports.ts';
import { attempt, unless } from './failure.ts';
import { inChunks } from './pages.ts';

/** GetParameters takes so many names, each of them once. */
const NAMES_PER_CALL = 10;

/** The parameter store: AWS's public parameters are read like our own, and only our own can be written. */
export function parametersPort(client: SSMClient): ParametersPort & ClaimsPort {
  return {
    readParameters: (names) =>
      attempt('ssm:GetParameters', async () => {
        const answers = await inChunks([...new Set(names)], NAMES_PER_CALL, (Names) =>
          client.send(new GetParametersCommand({ Names })),
        );
        return answers
          .flatMap(({ Parameters = [] }) => Parameters)
          .map(({ Name = '', Value = '', LastModifiedDate }) => ({
            name: Name,
            value: Value,
            changedAtMs: LastModifiedDate?.getTime() ?? 0,
          }));
      }),

    writeParameter: (name, value) =>
      attempt('ssm:PutParameter', async () => {
        // The tier is said, for an account may be set to take the paid one.
        await client.send(
          new PutParameterCommand({ Name: name, Value: value, Type: 'String', Overwrite: true, Tier: 'Standard' }),
        );
        return undefined;
      }),

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
