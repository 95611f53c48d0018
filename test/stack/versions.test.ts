import { beforeAll, describe, expect, it } from 'vitest';
import type { Parameter } from '../../scripts/parameters.ts';
import type { Resource, Template } from '../support/cloudformation.ts';
import { deployed, parametersIn } from '../support/cloudformation.ts';
import { stackTemplate } from './support.ts';

let template: Template;

beforeAll(async () => {
  template = await stackTemplate();
});

const functionOf = (durable: string): Resource =>
  template.Resources[`${durable}LambdaFunction`] ?? expect.fail(`there is no function ${durable}`);

function versionOf(durable: string): [string, Resource] {
  const [only, ...more] = Object.entries(template.Resources).filter(
    ([id, { Type }]) => Type === 'AWS::Lambda::Version' && id.startsWith(`${durable}LambdaVersion`),
  );
  expect(more).toEqual([]);
  return only ?? expect.fail(`there is no version of ${durable}`);
}

const descriptionWith = (given: Record<string, string>, durable = 'Drain') =>
  String(deployed(template, { Rollouts: 'on', ...given })[`${durable}LambdaFunction`]?.Properties['Description']);

const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:on-call';

describe.each(['Drain', 'AmiUpdate'])('the versions of %s', (durable) => {
  it('outlive the release that they belong to, and other values of its parameters', () => {
    expect(versionOf(durable)[1]).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  });

  it('are described as the function is, so that one is made exactly when the function has changed', () => {
    // A version that CloudFormation makes without a change of the function is refused by Lambda; a change without a
    // version never reaches the alias.
    expect(versionOf(durable)[1].Properties['Description']).toEqual(functionOf(durable).Properties['Description']);
  });

  it('are described by every parameter that the function depends on', () => {
    const { Description, FunctionName: _, ...others } = functionOf(durable).Properties;

    expect([...parametersIn(template, Description)].sort()).toEqual([...parametersIn(template, others)].sort());
  });

  it('are what the alias points to', () => {
    expect(template.Resources[`${durable}DurableLambdaAlias`]?.Properties).toMatchObject({
      Name: 'durable',
      FunctionName: { Ref: `${durable}LambdaFunction` },
      FunctionVersion: { 'Fn::GetAtt': [versionOf(durable)[0], 'Version'] },
    });
  });
});

describe('the versions of a rollout', () => {
  it.each([
    ['DrainDeadlineSeconds', '3600'],
    ['Tracing', 'on'],
    ['HookNamePrefix', 'ecs-drain'],
    ['Name', 'second'],
    ['AlertTopicArn', TOPIC],
  ])('are made anew for %s=%s', (name, value) => {
    expect(descriptionWith({ [name]: value }, 'AmiUpdate')).not.toBe(descriptionWith({}, 'AmiUpdate'));
  });

  it('are described in the 256 characters that Lambda allows, whatever the values', () => {
    const longest = {
      Name: 'n'.repeat(40),
      DrainDeadlineSeconds: '172500',
      HookNamePrefix: 'h'.repeat(20),
      AlertTopicArn: `${TOPIC}${'a'.repeat(57)}`,
    };

    expect(descriptionWith(longest, 'AmiUpdate').length).toBeLessThanOrEqual(256);
  });
});

describe('the versions of the drain', () => {
  it.each([
    ['DrainDeadlineSeconds', '3600'],
    ['StuckAfterSeconds', '300'],
    ['AtDeadline', 'ABANDON'],
    ['StopStandaloneAfterSeconds', '60'],
    ['OnSpotInterruption', 'notify'],
    ['OnRebalance', 'replace'],
    ['OnMaintenance', 'off'],
    ['MaintenanceLeadSeconds', '3600'],
    ['Tracing', 'on'],
    ['Metrics', 'off'],
    ['Clusters', 'web,batch'],
    ['HookNamePrefix', 'ecs-drain'],
    ['AlertTopicArn', TOPIC],
  ])('are made anew for %s=%s', (name, value) => {
    expect(descriptionWith({ [name]: value })).not.toBe(descriptionWith({}));
  });

  it('are described in the 256 characters that Lambda allows, whatever the values', () => {
    const longest = Object.fromEntries(
      Object.entries(template.Parameters as unknown as Record<string, Parameter>).map(([name, parameter]) => {
        const { AllowedValues, MaxLength = 0, Default = '' } = parameter;
        const values = AllowedValues?.map(String) ?? [String(Default), 'c'.repeat(MaxLength)];
        return [name, values.sort((one, other) => other.length - one.length)[0] ?? ''];
      }),
    );
    const numbers = {
      DrainDeadlineSeconds: '172500',
      StuckAfterSeconds: '172800',
      StopStandaloneAfterSeconds: '172800',
    };
    const topic = `arn:aws-us-gov:sns:us-gov-west-1:123456789012:${'a'.repeat(64)}`;

    const description = descriptionWith({
      ...longest,
      ...numbers,
      MaintenanceLeadSeconds: '1209600',
      AlertTopicArn: topic,
    });

    expect(description).toMatch(/c{80}\]c{20} 123456789012:a{64}$/);
    expect(description.length).toBeLessThanOrEqual(256);
  });
});
