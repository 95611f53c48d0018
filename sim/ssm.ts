import type {
  DeleteParameterCommandInput,
  GetParameterCommandInput,
  GetParametersCommandInput,
  PutParameterCommandInput,
} from '@aws-sdk/client-ssm';
import type { Operations } from './aws-error.ts';
import { AwsError } from './aws-error.ts';
import type { PublicParameter } from './public-parameters.ts';
import type { World } from './world.ts';

interface Parameter {
  readonly Name: string;
  readonly Type: string;
  readonly Value: string;
  readonly Version: number;
  readonly LastModifiedDate: Date;
  readonly ARN: string;
  readonly DataType: string;
}

export interface Ssm {
  readonly operations: Operations;
  /** Sets a parameter as scenario set-up does, whether it exists or not. */
  set(name: string, value: string): void;
  get(name: string): string | undefined;
}

/** What a parameter of the standard tier holds at most (quotas of Systems Manager). */
const STANDARD_CHARACTERS = 4_096;

/** "Parameter Store retains the 100 most recent versions of a parameter" (user guide, Working with parameter versions). */
const MOST_VERSIONS = 100;

/**
 * The parameter store. A parameter is asked for by its name or its ARN, which may end in `:version`; there are no labels.
 * Of what AWS publishes only the latest is kept.
 * @param published what AWS itself publishes, by name; nobody else can write it.
 */
export function createSsm(
  world: World,
  published: (name: string) => PublicParameter | undefined = () => undefined,
): Ssm {
  const parameters = new Map<string, Parameter>();
  const versions = new Map<string, Parameter>();

  /** Of no account, as the documented sample of such a parameter shows. */
  const ofAws = (name: string): Parameter | undefined => {
    const parameter = published(name);
    if (parameter === undefined) return undefined;
    return {
      Name: name,
      Type: 'String',
      Value: parameter.value,
      Version: parameter.version,
      LastModifiedDate: new Date(parameter.changedAtMs),
      ARN: `arn:aws:ssm:${world.region}::parameter${name}`,
      DataType: 'text',
    };
  };

  const find = (asked: string): Parameter | undefined => {
    const selector = nameIn(asked);
    const [, name = selector, version] = /^([^:]+):(\d+)$/.exec(selector) ?? [];
    const own = parameters.get(selector) ?? versions.get(selector);
    if (own !== undefined) return own;
    const parameter = ofAws(name);
    return version === undefined || parameter?.Version === Number(version) ? parameter : undefined;
  };

  /** What an ARN of this account names: a name with a slash in it begins with one. */
  const nameIn = (asked: string): string => {
    const prefix = `arn:aws:ssm:${world.region}:${world.accountId}:parameter/`;
    if (!asked.startsWith(prefix)) return asked;
    const rest = asked.slice(prefix.length);
    return rest.includes('/') ? `/${rest}` : rest;
  };

  const put = (name: string, value: string, type: string): Parameter => {
    const parameter: Parameter = {
      Name: name,
      Type: type,
      Value: value,
      Version: (parameters.get(name)?.Version ?? 0) + 1,
      LastModifiedDate: new Date(world.clock.nowMs()),
      ARN: `arn:aws:ssm:${world.region}:${world.accountId}:parameter/${name.replace(/^\//, '')}`,
      DataType: 'text',
    };
    parameters.set(name, parameter);
    versions.set(`${name}:${parameter.Version}`, parameter);
    versions.delete(`${name}:${parameter.Version - MOST_VERSIONS}`);
    const operation = parameter.Version === 1 ? 'Create' : 'Update';
    world.emit({ kind: 'parameter', operation, name, type, arn: parameter.ARN });
    return parameter;
  };

  return {
    set: (name, value) => void put(name, value, parameters.get(name)?.Type ?? 'String'),
    get: (name) => find(name)?.Value,
    operations: {
      GetParameter({ Name = '' }: GetParameterCommandInput) {
        const parameter = find(Name);
        // The service sends the code alone, without a message.
        if (!parameter) throw new AwsError('ParameterNotFound', '');
        return { Parameter: parameter };
      },
      GetParameters({ Names = [] }: GetParametersCommandInput) {
        if (Names.length > 10)
          throw new AwsError('ValidationException', 'Names must have length less than or equal to 10');
        const Parameters = Names.flatMap((name) => {
          const [, selector] = /(:\d+)$/.exec(name) ?? [];
          const parameter = find(name);
          return parameter === undefined ? [] : [{ ...parameter, ...(selector && { Selector: selector }) }];
        });
        return { Parameters, InvalidParameters: Names.filter((name) => find(name) === undefined) };
      },
      PutParameter({ Name = '', Value = '', Type, Overwrite, Tier }: PutParameterCommandInput) {
        if (/^\/?(aws|ssm)/i.test(Name)) {
          throw new AwsError('AccessDeniedException', `No access to reserved parameter name: ${Name}.`);
        }
        if (Tier !== 'Advanced' && Tier !== 'Intelligent-Tiering' && Value.length > STANDARD_CHARACTERS) {
          const because = `Standard tier parameters support a maximum parameter value of ${STANDARD_CHARACTERS} characters.`;
          throw new AwsError('ValidationException', because);
        }
        const existing = parameters.get(Name);
        if (existing && !Overwrite) {
          throw new AwsError('ParameterAlreadyExists', 'The parameter already exists. Set Overwrite to change it.');
        }
        if (!existing && !Type) {
          throw new AwsError('ValidationException', 'A parameter type is required when you create a parameter.');
        }
        return { Version: put(Name, Value, Type ?? existing?.Type ?? 'String').Version, Tier: 'Standard' };
      },
      DeleteParameter({ Name = '' }: DeleteParameterCommandInput) {
        const parameter = parameters.get(Name);
        if (!parameter) throw new AwsError('ParameterNotFound', '');
        for (let version = parameter.Version; version > parameter.Version - MOST_VERSIONS; version--)
          versions.delete(`${Name}:${version}`);
        parameters.delete(Name);
        return {};
      },
    },
  };
}
