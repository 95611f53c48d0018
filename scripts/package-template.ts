import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HANDLERS } from './build.ts';
import type { Parameter } from './parameters.ts';
import { writeBills } from './sbom.ts';

/** A template as osls writes it, as far as is touched here. */
interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: Readonly<Record<string, { readonly Value: unknown; readonly Export?: unknown }>>;
  readonly Parameters: Readonly<Record<string, Parameter>>;
  readonly Metadata: {
    readonly 'AWS::CloudFormation::Interface': { readonly ParameterGroups: readonly ParameterGroup[] };
  };
}

interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>> & { readonly Code?: { readonly S3Key: string } };
}

interface ParameterGroup {
  readonly Label: { readonly default: string };
  readonly Parameters: readonly string[];
}

const CODE_PARAMETERS = {
  CodeBucket: {
    Type: 'String',
    AllowedPattern: '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$',
    ConstraintDescription: 'must be the name of an S3 bucket in the region of the stack.',
    Description: 'The S3 bucket, in the region of the stack, that the code was uploaded to.',
  },
  CodePrefix: {
    Type: 'String',
    Default: 'ecs-drain/',
    AllowedPattern: '^$|^[A-Za-z0-9!_.*()/-]{1,200}/$',
    ConstraintDescription: 'must be empty, or end with a slash, like ecs-drain/.',
    Description: 'What the keys of the code begin with.',
  },
} as const satisfies Record<string, Parameter>;

/** What osls adds for its own deployments. */
const OF_OSLS = ['ServerlessDeploymentBucket', 'ServerlessDeploymentBucketPolicy', 'ServerlessDeploymentBucketName'];

/**
 * The same stack for those who do not deploy with osls: its code comes from a bucket of theirs. Logical ids are osls's,
 * so that a release is an update of the one before, and a version keeps the id that code and configuration gave it (see
 * keepVersions in stack-plugin.ts). The same source makes the same template, to the byte.
 * @param keyOf the key of a zip in the bucket, by the zip's name; it has the hash of the zip in it, so that other code is
 *   another key and CloudFormation sees a change.
 */
export function selfContained(template: Template, keyOf: (zip: string) => string): object {
  const { Resources, Outputs, Parameters, Metadata, ...rest } = template;
  const groups = Metadata['AWS::CloudFormation::Interface'].ParameterGroups;
  const code = { Label: { default: 'The code' }, Parameters: Object.keys(CODE_PARAMETERS) };
  return {
    ...rest,
    Metadata: { ...Metadata, 'AWS::CloudFormation::Interface': { ParameterGroups: [code, ...groups] } },
    Parameters: { ...CODE_PARAMETERS, ...Parameters },
    Resources: mapped(ours(Resources), (resource) => withCode(resource, keyOf)),
    // osls exports names that are unique only to its own stacks.
    Outputs: mapped(ours(Outputs), ({ Export: _, ...output }) => output),
  };
}

function withCode(resource: Resource, keyOf: (zip: string) => string): Resource {
  const { Code } = resource.Properties;
  if (Code === undefined) return resource;
  const S3Key = { 'Fn::Sub': `\${CodePrefix}${keyOf(basename(Code.S3Key))}` };
  return {
    ...resource,
    Properties: { ...resource.Properties, Code: { S3Bucket: { Ref: 'CodeBucket' }, S3Key } as never },
  };
}

function ours<T>(entries: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(entries).filter(([id]) => !OF_OSLS.includes(id));
}

function mapped<T>(entries: readonly (readonly [string, T])[], change: (value: T) => object): Record<string, object> {
  return Object.fromEntries(entries.map(([id, value]) => [id, change(value)]));
}

/**
 * Writes, beside what `serverless package` left in the folder: `ecs-drain.template.json`; `code/` with the zips under
 * their keys; a bill of materials for each bundle, `<handler>.cdx.json`; and SHA256SUMS of all of them.
 * @param root where the sources are, and what was built of them.
 */
export function packageTemplate(root: string, folder: string): void {
  const template = JSON.parse(readFileSync(`${folder}/cloudformation-template-update-stack.json`, 'utf8')) as Template;
  rmSync(`${folder}/code`, { recursive: true, force: true });
  mkdirSync(`${folder}/code`);
  const written = ['ecs-drain.template.json', ...writeBills(root, folder, HANDLERS)];
  const alone = selfContained(template, (zip) => {
    const key = zip.replace('.zip', `-${sha256(`${folder}/${zip}`).slice(0, 16)}.zip`);
    cpSync(`${folder}/${zip}`, `${folder}/code/${key}`);
    written.push(`code/${key}`);
    return key;
  });
  writeFileSync(`${folder}/ecs-drain.template.json`, inLines(alone));
  writeFileSync(
    `${folder}/SHA256SUMS`,
    written
      .sort()
      .map((file) => `${sha256(`${folder}/${file}`)}  ${file}\n`)
      .join(''),
  );
}

/**
 * A line for each parameter, resource and output: what a release changes shows as lines.
 */
function inLines(template: object): string {
  const sections = Object.entries(template).map(([name, section]) => {
    const lines = typeof section === 'object' ? Object.entries(section).map(member) : undefined;
    return lines ? `${JSON.stringify(name)}: {\n  ${lines.join(',\n  ')}\n}` : member([name, section]);
  });
  return `{\n${sections.join(',\n')}\n}\n`;
}

function member([name, value]: readonly [string, unknown]): string {
  return `${JSON.stringify(name)}: ${JSON.stringify(value)}`;
}

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

if (import.meta.main) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  packageTemplate(root, `${root}.serverless`);
}
