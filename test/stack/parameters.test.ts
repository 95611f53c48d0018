import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Parameters } from '../../scripts/parameters.ts';
import { accepts, readParameters } from '../../scripts/parameters.ts';
import {
  ConfigError,
  readDrainConfig,
  readIntakeConfig,
  readRolloutConfig,
  readWatchConfig,
} from '../../src/config.ts';
import { readSwitch } from '../../src/drain/switch.ts';
import type { Resource, Template } from '../support/cloudformation.ts';
import { deployed } from '../support/cloudformation.ts';
import { root, stackTemplate } from './support.ts';

let template: Template;
let parameters: Parameters;

beforeAll(async () => {
  template = await stackTemplate();
  parameters = template.Parameters as unknown as Parameters;
});

const parameter = (name: string) => parameters[name] ?? expect.fail(`there is no parameter ${name}`);

/** The environment that a function has in a stack with these parameters, as its code sees it. */
function environment(
  id: 'DrainLambdaFunction' | 'IntakeLambdaFunction' | 'AmiWatchLambdaFunction' | 'AmiUpdateLambdaFunction',
  given: Record<string, string> = {},
) {
  const { Environment } = (deployed(template, given)[id] as Resource).Properties;
  return (Environment as { readonly Variables: Readonly<Record<string, string>> }).Variables;
}

const ROLLING = { Rollouts: 'on' };

const drainConfig = (given: Record<string, string>) => readDrainConfig(environment('DrainLambdaFunction', given));

/** Parameters that a variable of the drain's environment is set from, one to one. */
const SETTINGS = [
  'HookNamePrefix',
  'Clusters',
  'DrainDeadlineSeconds',
  'StuckAfterSeconds',
  'AtDeadline',
  'StopStandaloneAfterSeconds',
  'OnSpotInterruption',
  'OnRebalance',
  'OnMaintenance',
  'MaintenanceLeadSeconds',
  'Metrics',
  'AlertTopicArn',
  'Name',
];

describe('the parameters', () => {
  it('all have a default that they accept themselves', () => {
    expect(readParameters(parameters, {}).mistakes).toEqual([]);
  });

  it('all say what they are and what they may be, and are in one group of the console’s form', () => {
    const groups = (
      template as unknown as { Metadata: Record<string, { ParameterGroups: { Parameters: string[] }[] }> }
    ).Metadata['AWS::CloudFormation::Interface']?.ParameterGroups;

    expect(groups?.flatMap((group) => group.Parameters).sort()).toEqual(Object.keys(parameters).sort());
    for (const [name, { Description, ConstraintDescription, AllowedPattern, AllowedValues }] of Object.entries(
      parameters,
    )) {
      expect(Description, name).toMatch(/^\S.*[^ ]\.$/s);
      expect(ConstraintDescription, name).toMatch(/^must .*\.$/);
      expect(AllowedPattern ?? AllowedValues, name).toBeDefined();
    }
  });

  it('have the code’s own defaults', () => {
    const { ALERT_TOPIC_ARN, LIFECYCLE_TOPIC_ARN, SWITCH_PARAMETER } = environment('DrainLambdaFunction');

    expect(drainConfig({})).toEqual(readDrainConfig({ ALERT_TOPIC_ARN, LIFECYCLE_TOPIC_ARN, SWITCH_PARAMETER }));
    expect(drainConfig({}).switchParameter).toBe('/ecs-drain/switch');
  });

  it('set every variable that the code reads, and no other', () => {
    const source = readFileSync(join(root, 'src/config.ts'), 'utf8');
    const readBy = new Set([...source.matchAll(/^ {2}([A-Z][A-Z_]+): /gm)].map((match) => match[1]));
    const all = { StopStandaloneAfterSeconds: '60' };
    const set = [
      ...Object.keys(environment('DrainLambdaFunction', all)),
      ...Object.keys(environment('IntakeLambdaFunction')),
      ...Object.keys(environment('AmiWatchLambdaFunction')),
      ...Object.keys(environment('AmiUpdateLambdaFunction', ROLLING)),
    ];

    expect(new Set(set)).toEqual(readBy);
  });

  it('make an environment that ami-update reads, and the intake then knows of it', () => {
    const amiUpdateFunctionArn = 'arn:aws:lambda:eu-west-1:123456789012:function:ecs-drain-ami-update:durable';

    expect(readRolloutConfig(environment('AmiUpdateLambdaFunction', ROLLING))).toEqual({
      alertTopicArn: 'arn:aws:sns:eu-west-1:123456789012:ecs-drain-alerts',
      lifecycleTopicArn: 'arn:aws:sns:eu-west-1:123456789012:ecs-drain-lifecycle',
      drainFunctionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:ecs-drain-drain:durable',
      amiUpdateFunctionArn,
      parameterPrefix: '/ecs-drain',
      stackName: 'ecs-drain',
    });
    expect(readIntakeConfig(environment('IntakeLambdaFunction', ROLLING))).toMatchObject({ amiUpdateFunctionArn });
    expect(readIntakeConfig(environment('IntakeLambdaFunction')).amiUpdateFunctionArn).toBeUndefined();
  });

  it('tell a rollout how long a drain may take, as they tell the drain', () => {
    const rollout = environment('AmiUpdateLambdaFunction', { ...ROLLING, DrainDeadlineSeconds: '1200' });

    expect(readDrainConfig(rollout).policy.deadlineSeconds).toBe(1200);
    expect(readDrainConfig(rollout).switchParameter).toBe('/ecs-drain/switch');
  });

  it('tell a rollout which hooks without a target are ours, as they tell the drain', () => {
    const given = { ...ROLLING, HookNamePrefix: 'ecs-drain/' };

    expect(readRolloutConfig(environment('AmiUpdateLambdaFunction', given)).hookNamePrefix).toBe('ecs-drain/');
    expect(readDrainConfig(environment('DrainLambdaFunction', given)).hookNamePrefix).toBe('ecs-drain/');
  });

  it.each(['AlertTopicArn', 'Name', 'DrainDeadlineSeconds', 'HookNamePrefix'])(
    'let no value of %s through that ami-update would refuse',
    (name) => {
      fc.assert(
        fc.property(fc.stringMatching(new RegExp(parameter(name).AllowedPattern ?? '')), (value) => {
          fc.pre(accepts(parameter(name), value));
          const variables = environment('AmiUpdateLambdaFunction', { ...ROLLING, [name]: value });
          expect(() => [readRolloutConfig(variables), readDrainConfig(variables)]).not.toThrow();
        }),
      );
    },
  );

  it('make an environment that the intake reads', () => {
    expect(readIntakeConfig(environment('IntakeLambdaFunction'))).toEqual({
      alertTopicArn: 'arn:aws:sns:eu-west-1:123456789012:ecs-drain-alerts',
      drainFunctionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:ecs-drain-drain:durable',
      stackName: 'ecs-drain',
    });
  });

  it('make an environment that ami-watch reads', () => {
    expect(readWatchConfig(environment('AmiWatchLambdaFunction'))).toEqual({
      alertTopicArn: 'arn:aws:sns:eu-west-1:123456789012:ecs-drain-alerts',
      releaseTopicArn: 'arn:aws:sns:eu-west-1:123456789012:ecs-drain-ami-releases',
      seenParameter: '/ecs-drain/amis/seen',
      familyGroups: ['supported'],
    });
  });

  it.each(['AmiFamilies', 'AlertTopicArn', 'Name'])(
    'let no value of %s through that ami-watch would refuse',
    (name) => {
      fc.assert(
        fc.property(fc.stringMatching(new RegExp(parameter(name).AllowedPattern ?? '')), (value) => {
          fc.pre(accepts(parameter(name), value));
          expect(() => readWatchConfig(environment('AmiWatchLambdaFunction', { [name]: value }))).not.toThrow();
        }),
      );
    },
  );

  it.each(SETTINGS)('let no value of %s through that the code would refuse at its start', (name) => {
    const { AllowedValues, AllowedPattern = '' } = parameter(name);
    const values: fc.Arbitrary<string> = AllowedValues
      ? fc.constantFrom(...AllowedValues.map(String))
      : fc.stringMatching(new RegExp(AllowedPattern));

    fc.assert(
      fc.property(values, (value) => {
        fc.pre(accepts(parameter(name), value));
        expect(() => drainConfig({ [name]: value })).not.toThrow();
      }),
    );
  });

  it.each([
    ['DrainDeadlineSeconds', 60, 172_500],
    ['StuckAfterSeconds', 60, 172_800],
    ['StopStandaloneAfterSeconds', 0, 172_800],
    ['MaintenanceLeadSeconds', 0, 1_209_600],
  ])('take for %s what the code takes: whole seconds from %d to %d', (name, least, most) => {
    const taken = (seconds: number) => {
      try {
        drainConfig({ [name]: String(seconds) });
        return true;
      } catch (error) {
        if (error instanceof ConfigError) return false;
        throw error;
      }
    };
    const edges = [-1, 0, 1, least - 1, least, least + 1, most - 1, most, most + 1, 99_999, 999_999, 1_000_000];
    const some = fc.oneof(fc.constantFrom(...edges), fc.integer({ min: -10, max: 2 * most }));

    fc.assert(
      fc.property(some, (seconds) => accepts(parameter(name), String(seconds)) === taken(seconds)),
      { numRuns: 1_000 },
    );
    expect(
      accepts(parameter(name), '600.5') || accepts(parameter(name), '6e2') || accepts(parameter(name), ' 600'),
    ).toBe(false);
  });

  it.each(['act', 'observe', 'pause'])('write a switch that the code reads as %s', (Mode) => {
    const { policy } = drainConfig({});
    const { Value } = (deployed(template, { Mode })['Switch'] as Resource).Properties;

    expect(readSwitch(String(Value), 'web-asg', policy)).toEqual({ mode: Mode, policy });
    expect(accepts(parameter('Mode'), Mode)).toBe(true);
  });

  it('leave out the setting where nothing is to be heard or stopped', () => {
    const variables = environment('DrainLambdaFunction', {
      OnSpotInterruption: 'off',
      OnRebalance: 'off',
      OnMaintenance: 'off',
    });

    expect(Object.keys(variables).filter((name) => name.startsWith('ON_') || name.startsWith('STOP_'))).toEqual([]);
  });

  it.each([
    ['Name', 'Drain'],
    ['Name', 'd'],
    ['Name', 'd'.repeat(41)],
    ['Mode', 'off'],
    ['Alarms', 'true'],
    ['AmiWatch', 'hourly'],
    ['AmiFamilies', ''],
    ['AmiFamilies', 'al2023, al2'],
    ['AmiFamilies', 'al2022'],
    ['LogRetentionDays', '100'],
    ['AllowedClusters', ''],
    ['AllowedClusters', 'web, batch'],
    ['AllowedGroups', 'web,'],
    ['AllowedGroups', 'arn:aws:autoscaling'],
    ['RolePath', 'platform/'],
    ['RolePath', '/platform'],
    ['PermissionsBoundaryArn', 'arn:aws:iam::123456789012:role/boundary'],
    // It would be everybody's hooks.
    ['HookNamePrefix', 'e'],
    ['HookNamePrefix', 'a'.repeat(21)],
    ['Clusters', 'a'.repeat(81)],
    ['AlertTopicArn', 'arn:aws:sns:eu-west-1:123456789012:alerts.fifo'],
    ['AlertTopicArn', `arn:aws:sns:eu-west-1:123456789012:${'a'.repeat(65)}`],
    ['KmsKeyArn', 'alias/aws/sns'],
    ['KmsKeyArn', 'arn:aws:kms:eu-west-1:123456789012:alias/alerts'],
  ])('refuse %s=%j', (name, value) => {
    expect(readParameters(parameters, { [name]: value }).mistakes).toEqual([
      expect.stringContaining(`${name} must be`),
    ]);
  });

  it.each([
    ['RolePath', '/platform/drains/'],
    ['AmiFamilies', 'al2023,windows,bottlerocket-1'],
    ['PermissionsBoundaryArn', 'arn:aws:iam::123456789012:policy/team/boundary'],
    ['AllowedClusters', 'prod-*,staging'],
    ['AllowedGroups', 'prod-*,web.asg/blue'],
    ['KmsKeyArn', 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab'],
    ['KmsKeyArn', 'arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab'],
  ])('take %s=%j', (name, value) => {
    expect(readParameters(parameters, { [name]: value }).mistakes).toEqual([]);
  });

  it('are all named at once when they are wrong', () => {
    const { mistakes } = readParameters(parameters, { Mode: 'sleep', Mod: 'act', StuckAfterSeconds: 5 });

    expect(mistakes).toEqual([
      expect.stringMatching(/^There is no parameter Mod: Name, Mode, /),
      'Mode must be act, observe or pause, not "sleep".',
      'StuckAfterSeconds must be a whole number of seconds from 60 to 172800, not "5".',
    ]);
  });

  it('make names that Lambda takes', () => {
    const functions = Object.values(deployed(template, { Name: 'd'.repeat(40) })).filter(
      ({ Type }) => Type === 'AWS::Lambda::Function',
    );

    expect(functions).toHaveLength(3);
    for (const { Properties } of functions) expect(String(Properties['FunctionName']).length).toBeLessThanOrEqual(64);
  });
});
