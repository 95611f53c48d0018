import type { SSMClient } from '@aws-sdk/client-ssm';
import { GetParametersCommand, PutParameterCommand } from '@aws-sdk/client-ssm';
import type { ParametersPort } from '../rollout/ports.ts';
import { attempt } from './failure.ts';
import { inChunks } from './pages.ts';

/** GetParameters takes so many names, each of them once. */
const NAMES_PER_CALL = 10;

/** The parameter store: AWS's public parameters are read like our own, and only our own can be written. */
export function parametersPort(client: SSMClient): ParametersPort {
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
  };
}
