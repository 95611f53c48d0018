import type * as sdk from '@aws-sdk/client-ec2';
import { AwsError } from './aws-error.ts';
import type { World } from './world.ts';

interface Version {
  readonly number: number;
  readonly image: string | undefined;
  readonly instanceType: string | undefined;
  readonly description: string | undefined;
  readonly createdAtMs: number;
}

interface Template {
  readonly id: string;
  readonly name: string;
  readonly versions: Version[];
  default: number;
}

/** A template's version as launches use it. */
export interface Launchable {
  readonly templateId: string;
  readonly number: number;
  /** An image id, or `resolve:ssm:…`. */
  readonly image: string | undefined;
  readonly instanceType: string | undefined;
}

export interface Templates {
  readonly operations: ReturnType<typeof createTemplateOperations>;
  /** A template with one version; its id. */
  create(name: string, version: { image?: string | undefined; instanceType?: string | undefined }): string;
  /** What a number, `$Latest` or `$Default` means now. Without a version it is the default one, as everywhere in AWS. */
  version(templateId: string, version?: string): Launchable | undefined;
  /** Somebody else writes a version, from the latest, and makes it the default one where told to. Its number. */
  write(templateId: string, image: string, options?: { makeDefault?: boolean }): number;
  nameOf(templateId: string): string | undefined;
  idOf(name: string): string | undefined;
}

/** Launch templates, as far as an image can be changed in them (AWS-CONTRACTS §5). */
export function createTemplates(world: World, hasImage: (id: string) => boolean): Templates {
  const random = world.random('launch-templates');
  const templates = new Map<string, Template>();

  const find = (template: Template, selector: string): Version | undefined => {
    if (selector === '$Latest') return template.versions.at(-1);
    const number = selector === '$Default' ? template.default : Number(selector);
    return template.versions.find((version) => version.number === number);
  };

  const add = (template: Template, values: Omit<Version, 'number' | 'createdAtMs'>): Version => {
    const version = { ...values, number: template.versions.length + 1, createdAtMs: world.clock.nowMs() };
    template.versions.push(version);
    return version;
  };

  return {
    operations: createTemplateOperations({ templates, find, add, hasImage }),

    create(name, { image, instanceType }) {
      const id = `lt-0${random.hex(16)}`;
      const template: Template = { id, name, versions: [], default: 1 };
      add(template, { image, instanceType, description: undefined });
      templates.set(id, template);
      return id;
    },

    version(templateId, selector = '$Default') {
      const template = templates.get(templateId);
      const version = template && find(template, selector);
      return version && { templateId, ...version };
    },

    write(templateId, image, { makeDefault = false } = {}) {
      const template = templates.get(templateId);
      const latest = template?.versions.at(-1);
      if (template === undefined || latest === undefined) throw new Error(`There is no template ${templateId}.`);
      const { number } = add(template, { ...latest, image });
      if (makeDefault) template.default = number;
      return number;
    },

    nameOf: (templateId) => templates.get(templateId)?.name,
    idOf: (name) => [...templates.values()].find((template) => template.name === name)?.id,
  };
}

function createTemplateOperations(region: {
  templates: ReadonlyMap<string, Template>;
  find: (template: Template, selector: string) => Version | undefined;
  add: (template: Template, values: Omit<Version, 'number' | 'createdAtMs'>) => Version;
  hasImage: (id: string) => boolean;
}) {
  const { find } = region;
  const tokens = new Map<string, { readonly input: string; readonly template: Template; readonly version: Version }>();

  const templateNamed = (id: string | undefined, name?: string): Template => {
    const template =
      name === undefined
        ? region.templates.get(id ?? '')
        : [...region.templates.values()].find((one) => one.name === name);
    if (template !== undefined) return template;
    // The code is the one that the Terraform provider looks for; the wording is UNVERIFIED.
    if (name !== undefined) {
      throw new AwsError(
        'InvalidLaunchTemplateName.NotFoundException',
        `The specified launch template, with template name ${name}, does not exist.`,
      );
    }
    throw new AwsError(
      'InvalidLaunchTemplateId.NotFound',
      `The specified launch template, with template ID ${id}, does not exist.`,
    );
  };

  const versionOf = (template: Template, selector: string): Version => {
    const version = find(template, selector);
    if (version !== undefined) return version;
    throw new AwsError(
      'InvalidLaunchTemplateId.VersionNotFound',
      `Could not find the specified version ${selector} for the launch template with ID ${template.id}.`,
    );
  };

  const shape = (template: Template, version: Version): sdk.LaunchTemplateVersion => ({
    LaunchTemplateId: template.id,
    LaunchTemplateName: template.name,
    VersionNumber: version.number,
    DefaultVersion: version.number === template.default,
    VersionDescription: version.description,
    CreateTime: new Date(version.createdAtMs),
    LaunchTemplateData: {
      ImageId: version.image,
      InstanceType: version.instanceType as sdk._InstanceType | undefined,
    },
  });

  return {
    DescribeLaunchTemplateVersions(input: sdk.DescribeLaunchTemplateVersionsCommandInput) {
      if (input.LaunchTemplateId !== undefined && input.LaunchTemplateName !== undefined)
        throw new AwsError('InvalidParameterCombination', 'Either the id or the name of a launch template, not both');
      const template = templateNamed(input.LaunchTemplateId, input.LaunchTemplateName);
      const asked = input.Versions?.map((selector) => versionOf(template, selector)) ?? template.versions;
      return {
        LaunchTemplateVersions: [...new Set(asked)].map((version) => shape(template, version)),
      } satisfies sdk.DescribeLaunchTemplateVersionsResult;
    },

    CreateLaunchTemplateVersion(input: sdk.CreateLaunchTemplateVersionCommandInput) {
      const { ClientToken: token, SourceVersion, LaunchTemplateData: data } = input;
      const known = token === undefined ? undefined : tokens.get(token);
      const asked = JSON.stringify(input);
      if (known !== undefined) {
        // "Ensuring idempotency", EC2 developer guide; the wording is from public logs.
        if (known.input !== asked) {
          throw new AwsError(
            'IdempotentParameterMismatch',
            'The client token you have provided is associated with a different request',
          );
        }
        return { LaunchTemplateVersion: shape(known.template, known.version) };
      }
      const template = templateNamed(input.LaunchTemplateId);
      const source = SourceVersion === undefined ? undefined : versionOf(template, SourceVersion);
      const image = data?.ImageId ?? source?.image;
      const version = region.add(template, {
        image,
        instanceType: data?.InstanceType ?? source?.instanceType,
        description: input.VersionDescription,
      });
      if (token !== undefined) tokens.set(token, { input: asked, template, version });
      // The version is made all the same; what is not valid in it is told beside it (API reference). UNVERIFIED: the code.
      const isValid = image === undefined || image.startsWith('resolve:ssm:') || region.hasImage(image);
      const Warning = {
        Errors: [{ Code: 'InvalidAMIID.NotFound', Message: `The image id '[${image}]' does not exist` }],
      };
      return {
        LaunchTemplateVersion: shape(template, version),
        ...(isValid ? {} : { Warning }),
      } satisfies sdk.CreateLaunchTemplateVersionResult;
    },
  };
}
