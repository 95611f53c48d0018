import { beforeAll, describe, expect, it } from 'vitest';
import type { Parameter } from '../../scripts/parameters.ts';
import type { Resource, Template } from '../support/cloudformation.ts';
import { deployed, parametersIn } from '../support/cloudformation.ts';
import { stackTemplate } from './support.ts';

let template: Template;
let drain: Resource;
let version: Resource;

beforeAll(async () => {
  template = await stackTemplate();
  const [only, ...more] = Object.values(template.Resources).filter(({ Type }) => Type === 'AWS::Lambda::Version');
  expect(more).toEqual([]);
  version = only ?? expect.fail('there is no version');
  drain = template.Resources['DrainLambdaFunction'] ?? expect.fail('there is no drain');
});

const descriptionWith = (given: Record<string, string>) =>
  String(deployed(template, given)['DrainLambdaFunction']?.Properties['Description']);

describe('the versions of the drain', () => {
  it('outlive the release that they belong to, and other values of its parameters', () => {
    expect(version).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  });

  it('are described as the function is, so that one is made exactly when the function has changed', () => {
    // A version that CloudFormation makes without a change of the function is refused by Lambda; a change without a
    // version never reaches the alias.
    expect(version.Properties['Description']).toEqual(drain.Properties['Description']);
  });

  it('are described by every parameter that the function depends on', () => {
    const { Description, FunctionName: _, ...others } = drain.Properties;

    expect([...parametersIn(template, Description)].sort()).toEqual([...parametersIn(template, others)].sort());
  });

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
    ['AlertTopicArn', 'arn:aws:sns:eu-west-1:123456789012:on-call'],
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

  it('are what the alias points to', () => {
    const [id] = Object.entries(template.Resources).find(([, resource]) => resource === version) ?? [];

    expect(template.Resources['DrainDurableLambdaAlias']?.Properties).toMatchObject({
      Name: 'durable',
      FunctionName: { Ref: 'DrainLambdaFunction' },
      FunctionVersion: { 'Fn::GetAtt': [id, 'Version'] },
    });
  });
});
