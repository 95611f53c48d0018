import type { SSMClient } from '@aws-sdk/client-ssm';
import { GetParameterCommand, PutParameterCommand } from '@aws-sdk/client-ssm';
import type { Result } from '../ports.ts';
import { attempt } from './failure.ts';

/** The switch as it is stored; each writing makes the next version, counted from one. */
export interface StoredSwitch {
  readonly text: string;
  readonly version: number;
}

/** The switch as it is now, or as it was in one version; undefined when nobody has written it. */
export function storedSwitch(
  client: SSMClient,
  name: string,
  version?: number,
): Promise<Result<StoredSwitch | undefined>> {
  return attempt('ssm:GetParameter', async () => {
    try {
      const Name = version === undefined ? name : `${name}:${version}`;
      const { Parameter } = await client.send(new GetParameterCommand({ Name }));
      return { text: Parameter?.Value ?? '', version: Parameter?.Version ?? 0 };
    } catch (error) {
      if (error instanceof Error && error.name === 'ParameterNotFound') return undefined;
      throw error;
    }
  });
}

/** Writes the switch, whatever is there; answers the version that this made. */
export function storeSwitch(client: SSMClient, name: string, text: string): Promise<Result<number>> {
  return attempt('ssm:PutParameter', async () => {
    const { Version } = await client.send(
      new PutParameterCommand({ Name: name, Value: text, Type: 'String', Overwrite: true }),
    );
    return Version ?? 0;
  });
}
