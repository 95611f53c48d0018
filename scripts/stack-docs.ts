import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Parameter } from './parameters.ts';

/** What the pages tell of a template. */
export interface Template {
  readonly Metadata: {
    readonly 'AWS::CloudFormation::Interface': {
      readonly ParameterGroups: readonly {
        readonly Label: { readonly default: string };
        readonly Parameters: readonly string[];
      }[];
    };
  };
  readonly Parameters: Readonly<Record<string, Parameter>>;
  readonly Resources: Readonly<
    Record<
      string,
      { readonly Type: string; readonly Condition?: string; readonly Properties: Readonly<Record<string, unknown>> }
    >
  >;
}

interface Policy {
  readonly PolicyDocument: { readonly Statement: readonly Statement[] };
}

interface Statement {
  readonly Sid: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

/** A table for each group of the console's form. */
export function parameterTables(template: Template): string {
  const groups = template.Metadata['AWS::CloudFormation::Interface'].ParameterGroups;
  return groups
    .map(({ Label, Parameters }) =>
      [
        `**${Label.default}**`,
        '',
        '| parameter | default | values | what it does |',
        '|---|---|---|---|',
        ...Parameters.map((name) => parameterRow(name, template.Parameters[name])),
      ].join('\n'),
    )
    .join('\n\n');
}

function parameterRow(name: string, parameter: Parameter | undefined): string {
  if (parameter === undefined) throw new Error(`the form has a parameter ${name} that the template has not`);
  const { Default, AllowedValues, ConstraintDescription, Description } = parameter;
  const otherwise = Default === undefined ? 'none: required' : Default === '' ? 'empty' : code(Default);
  const values =
    AllowedValues?.map(code).join(', ') ??
    ConstraintDescription.replace(/^must be /, '')
      .replace(/^must /, 'text that must ')
      .replace(/\.$/, '');
  return `| \`${name}\` | ${otherwise} | ${values} | ${Description} |`;
}

/** A row for each statement: whose role, what for, what it allows, on what, and only when. */
export function permissionTable(template: Template): string {
  const roles = Object.entries(template.Resources).filter(([, { Type }]) => Type === 'AWS::IAM::Role');
  return [
    '| role | to | may | on | only |',
    '|---|---|---|---|---|',
    ...roles.flatMap(([role, { Properties, Condition }]) =>
      (Properties['Policies'] as readonly unknown[]).flatMap((policy) => permissionRows(role, policy, Condition)),
    ),
  ].join('\n');
}

function permissionRows(role: string, policy: unknown, ofRole: string | undefined): string[] {
  const [condition, whenTrue] = (policy as { readonly 'Fn::If'?: readonly [string, Policy] })['Fn::If'] ?? [];
  return ((whenTrue ?? policy) as Policy).PolicyDocument.Statement.map(({ Sid, Action, Resource, Condition }) => {
    const actions = [Action].flat().map(code).join(', ');
    const only = [WHEN[ofRole ?? ''], WHEN[condition ?? ''], ...conditionWords(Condition)].filter(Boolean).join('; ');
    const purpose = Sid.replace(/(?<=.)[A-Z]/g, (letter) => ` ${letter}`).toLowerCase();
    return `| ${role} | ${purpose} | ${actions} | ${resourceWords(Resource)} | ${only} |`;
  });
}

const WHEN: Readonly<Record<string, string>> = {
  HasKey: 'with `KmsKeyArn`',
  AlertTopicHasKey: 'with `AlertTopicKeyArn`',
  Traces: 'with `Tracing=on`',
  RollsOut: 'with `Rollouts=on`',
};

function conditionWords(condition: unknown): string[] {
  const text = JSON.stringify(condition ?? {});
  return [
    ...(text.includes('kms:ViaService') ? [text.includes('sqs.') ? 'through SNS and SQS' : 'through SNS'] : []),
    ...(text.includes('ecs:cluster') ? ['in `AllowedClusters`'] : []),
    ...(text.includes('aws:ResourceTag/ecs-drain:ami') ? ['tagged `ecs-drain:ami` with `approve` or `auto`'] : []),
    ...(text.includes('iam:PassedToService') ? ['to EC2 and Spot Fleet'] : []),
    ...(text.includes('ec2:CreateAction') ? ['while they are launched'] : []),
  ];
}

/** An ARN without what is the same in all of them, or the name of what is meant. */
function resourceWords(resource: unknown): string {
  if (typeof resource === 'string') return code(resource);
  if (Array.isArray(resource)) return resource.map(resourceWords).join(', ');
  const {
    Ref,
    'Fn::Sub': sub,
    'Fn::GetAtt': attribute,
    'Fn::If': choice,
  } = resource as Readonly<Record<string, unknown>>;
  if (typeof sub === 'string')
    return code(
      sub.replace(/^(arn:\$\{AWS::Partition\}:)([a-z0-9]+):\$\{AWS::Region\}:(\$\{AWS::AccountId\})?:/, '$2 '),
    );
  if (Array.isArray(choice)) return resourceWords(choice[1]);
  if (JSON.stringify(resource).includes('"AllowedGroups"')) return 'Auto Scaling groups in `AllowedGroups`';
  if (JSON.stringify(resource).includes('"AllowedRoles"')) return 'IAM roles in `AllowedRoles`';
  return code(Ref ?? (attribute as readonly string[])[0]);
}

function code(value: unknown): string {
  return `\`${String(value)}\``;
}

const BLOCKS = { parameters: parameterTables, permissions: permissionTable };

/** A page with its tables as the template has them now. */
export function withTables(page: string, template: Template): string {
  return Object.entries(BLOCKS).reduce(
    (text, [name, table]) =>
      text.replace(
        new RegExp(`(<!-- ${name}:[^>]*-->\\n)[\\s\\S]*?(<!-- /${name} -->)`),
        (_all, start: string, end: string) => `${start}\n${table(template)}\n\n${end}`,
      ),
    page,
  );
}

/** Written from what `npm run package` has made. */
if (import.meta.main) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const template = JSON.parse(readFileSync(`${root}.serverless/ecs-drain.template.json`, 'utf8')) as Template;
  for (const page of ['configuration.md', 'deploying.md']) {
    const file = `${root}docs/${page}`;
    writeFileSync(file, withTables(readFileSync(file, 'utf8'), template));
  }
}
