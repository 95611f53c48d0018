/**
 * What the stack needs of osls 4 and osls does not do. It passes `stackParameters` also to the stack that it makes first,
 * for its bucket alone, where CloudFormation refuses parameters that the template does not have; it takes no notice of a
 * misspelt --param; its versions of a function neither follow other values of parameters nor outlive being replaced; and it
 * would remove a stack that hooks lead to and drains or rollouts run in.
 */

import type { Where } from '../src/aws/session.ts';
import type { Parameters } from './parameters.ts';
import { readParameters } from './parameters.ts';

interface Resource {
  readonly Type: string;
  readonly Properties?: { readonly FunctionName?: { readonly Ref?: string }; Description?: unknown };
  UpdateReplacePolicy?: string;
}

interface Template {
  Parameters?: Parameters;
  readonly Resources: Readonly<Record<string, Resource>>;
}

/** As much of osls as is used here. */
interface Serverless {
  readonly service: {
    readonly resources: { readonly Parameters: Parameters };
    readonly provider: {
      stackParameters?: readonly { readonly ParameterKey: string; readonly ParameterValue: string }[];
      readonly coreCloudFormationTemplate: Template;
      readonly compiledCloudFormationTemplate: Template;
    };
  };
  readonly configurationInput: { readonly params?: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
  /** An error of this class is shown to people as its message alone. */
  readonly classes: { readonly Error: new (message: string, code: string) => Error };
  readonly getProvider: (name: 'aws') => {
    readonly getStage: () => string;
    readonly naming: { readonly getStackName: () => string };
    /** Region and credentials as osls has them, from its options, serverless.yml and the environment. */
    readonly getAwsSdkV3Config: () => Promise<Where>;
  };
}

class StackPlugin {
  readonly hooks: Readonly<Record<string, () => void | Promise<void>>>;

  constructor(serverless: Serverless, options: { readonly param?: readonly string[] }) {
    const { service } = serverless;
    const giveParameters = () => {
      const { params } = serverless.configurationInput;
      const stage = serverless.getProvider('aws').getStage();
      const given = { ...params?.['default'], ...params?.[stage], ...fromCommandLine(options.param ?? []) };
      const { values, mistakes } = readParameters(service.resources.Parameters, given);
      if (mistakes.length > 0) throw new serverless.classes.Error(mistakes.join('\n'), 'WRONG_STACK_PARAMETERS');
      service.provider.stackParameters = Object.entries(values).map(([ParameterKey, ParameterValue]) => ({
        ParameterKey,
        ParameterValue,
      }));
    };
    this.hooks = {
      // Before anything is packaged, and long before anything is deployed.
      'before:package:cleanup': giveParameters,
      'after:package:initialize': () => {
        service.provider.coreCloudFormationTemplate.Parameters = service.resources.Parameters;
      },
      'before:aws:package:finalize:saveServiceState': () =>
        keepVersions(service.provider.compiledCloudFormationTemplate.Resources),
      // Before osls empties its bucket.
      'before:remove:remove': async () => {
        const provider = serverless.getProvider('aws');
        // Only now: packaging needs no AWS.
        const { heldBack } = await import('./removal.ts');
        const reasons = await heldBack(provider.naming.getStackName(), await provider.getAwsSdkV3Config());
        if (reasons.length > 0) throw new serverless.classes.Error(reasons.join('\n'), 'STACK_IN_USE');
      },
    };
  }
}

/** `name=value`, as osls itself reads it. */
function fromCommandLine(params: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    params.map((param) => {
      const end = param.indexOf('=');
      return [param.slice(0, end), param.slice(end + 1).trimEnd()];
    }),
  );
}

/**
 * A drain runs to its end on the version that it began with (AWS-CONTRACTS §7), and that may be days. osls gives each
 * version a logical id made from code and configuration, and DeletionPolicy Retain: the version of the release before
 * leaves the template and stays in Lambda. Within one release, other values of parameters replace the version under its
 * one logical id; the function's description, which has those values, is what tells CloudFormation to, and
 * UpdateReplacePolicy keeps the version that was.
 */
function keepVersions(resources: Template['Resources']): void {
  for (const version of Object.values(resources)) {
    if (version.Type !== 'AWS::Lambda::Version' || version.Properties === undefined) continue;
    const ofFunction = resources[version.Properties.FunctionName?.Ref ?? ''];
    version.Properties.Description = ofFunction?.Properties?.Description;
    version.UpdateReplacePolicy = 'Retain';
  }
}

// The name by which require() takes a module for the class itself, as osls wants it.
export { StackPlugin as 'module.exports' };
