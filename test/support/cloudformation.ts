/**
 * CloudFormation's functions, as far as the stack uses them: what a template comes to under given parameters. Whatever
 * it does not know is an error.
 */

export interface Template {
  readonly Parameters: Readonly<
    Record<string, { readonly Default?: string | number; readonly AllowedValues?: unknown[] }>
  >;
  readonly Conditions: Readonly<Record<string, unknown>>;
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: Readonly<Record<string, { readonly Value: unknown }>>;
}

export interface Resource {
  readonly Type: string;
  readonly Condition?: string;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  // biome-ignore format: one line says it
  readonly Properties: Readonly<Record<string, unknown>>;
}

export const ACCOUNT = '123456789012';
export const REGION = 'eu-west-1';

const PSEUDO: Readonly<Record<string, string>> = {
  'AWS::AccountId': ACCOUNT,
  'AWS::Partition': 'aws',
  'AWS::Region': REGION,
  'AWS::StackName': 'ecs-drain',
  'AWS::URLSuffix': 'amazonaws.com',
};

const NOTHING = Symbol('AWS::NoValue');

/** The resources that such a deployment makes, every function in them evaluated. A reference to a resource is its ARN where it has one to speak of, else `<its id>`. */
export function deployed(template: Template, given: Readonly<Record<string, string>> = {}): Record<string, Resource> {
  const evaluate = evaluator(template, given);
  return Object.fromEntries(
    Object.entries(template.Resources)
      .filter(([, { Condition }]) => Condition === undefined || evaluate({ Condition }) === true)
      .map(([id, resource]) => [
        id,
        { ...resource, Properties: evaluate(resource.Properties) as Resource['Properties'] },
      ]),
  );
}

/** The names of the parameters that a value depends on, through conditions too. */
export function parametersIn(template: Template, value: unknown): Set<string> {
  const found = new Set<string>();
  const visit = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return;
    for (const [key, inner] of Object.entries(part)) {
      if (key === 'Ref' && typeof inner === 'string' && inner in template.Parameters) found.add(inner);
      if (key === 'Fn::Sub')
        for (const name of namesIn([inner].flat()[0])) if (name in template.Parameters) found.add(name);
      if (key === 'Fn::If') visit(template.Conditions[String((inner as unknown[])[0])]);
      visit(inner);
    }
  };
  visit(value);
  return found;
}

function namesIn(text: unknown): string[] {
  return [...String(text).matchAll(/\$\{([A-Za-z0-9:.]+)\}/g)].map((match) => match[1] ?? '');
}

function evaluator(template: Template, given: Readonly<Record<string, string>>): (value: unknown) => unknown {
  const reference = (name: string): unknown => {
    if (name === 'AWS::NoValue') return NOTHING;
    const parameter = template.Parameters[name];
    if (parameter) return given[name] ?? String(parameter.Default);
    const resource = template.Resources[name];
    if (resource === undefined) return PSEUDO[name] ?? fail(`there is no ${name}`);
    const { TopicName, Name, FunctionName } = resource.Properties;
    if (resource.Type === 'AWS::SNS::Topic') return `arn:aws:sns:${REGION}:${ACCOUNT}:${evaluate(TopicName)}`;
    return resource.Type === 'AWS::SSM::Parameter' ? evaluate(Name) : (evaluate(FunctionName) ?? `<${name}>`);
  };
  const attribute = (name: string): unknown => {
    const [id = '', ...path] = name.split('.');
    if (!(id in template.Resources)) return fail(`there is no ${id}`);
    return `<${id}.${path.join('.')}>`;
  };
  const functions: Readonly<Record<string, (argument: unknown) => unknown>> = {
    Ref: (name) => reference(String(name)),
    Condition: (name) =>
      evaluate(template.Conditions[String(name)] ?? fail(`there is no condition ${JSON.stringify(name)}`)),
    'Fn::GetAtt': (argument) => attribute(Array.isArray(argument) ? argument.join('.') : String(argument)),
    'Fn::If': (argument) => {
      const [name, yes, no] = argument as unknown[];
      return evaluate(evaluate({ Condition: name }) === true ? yes : no);
    },
    'Fn::Equals': (argument) => {
      const [one, other] = evaluate(argument) as unknown[];
      return one === other;
    },
    'Fn::And': (argument) => (evaluate(argument) as unknown[]).every((condition) => condition === true),
    'Fn::Not': (argument) => (evaluate(argument) as unknown[])[0] === false,
    'Fn::Join': (argument) => {
      const [by, parts] = evaluate(argument) as [string, string[]];
      return parts.join(by);
    },
    'Fn::Split': (argument) => {
      const [by, text] = evaluate(argument) as [string, string];
      return text.split(by);
    },
    'Fn::Select': (argument) => {
      const [index, list] = evaluate(argument) as [number, unknown[]];
      return list[index] ?? fail(`there is no item ${index}`);
    },
    'Fn::Sub': (argument) => {
      const [text, own = {}] = [argument].flat() as [string, Record<string, unknown>?];
      return text.replace(/\$\{([^}]+)\}/g, (_, name: string) =>
        String(name in own ? evaluate(own[name]) : name.includes('.') ? attribute(name) : reference(name)),
      );
    },
  };
  const evaluate = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(evaluate).filter((item) => item !== NOTHING);
    if (typeof value !== 'object' || value === null) return value;
    const [[key = '', argument] = []] = Object.entries(value);
    if (Object.keys(value).length === 1 && functions[key]) return functions[key](argument);
    if (key.startsWith('Fn::')) return fail(`${key} is not known here`);
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, inner]) => {
        const evaluated = evaluate(inner);
        return evaluated === NOTHING ? [] : [[name, evaluated]];
      }),
    );
  };
  return evaluate;
}

function fail(because: string): never {
  throw new Error(because);
}
