import { beforeAll, describe, expect, it } from 'vitest';
import type { Bundles } from '../../sim/bundles.ts';
import { deploy, rulesOf } from '../../sim/deploy.ts';
import { createRegion } from '../../sim/region.ts';
import { readScenario } from '../../sim/run.ts';
import type { Template } from '../support/cloudformation.ts';
import { deployed, REGION } from '../support/cloudformation.ts';
import { stackTemplate } from './support.ts';

/** The embedded AWS hands to our functions what the deployed stack's rules would, and gives them as much time and memory. */

let template: Template;
beforeAll(async () => {
  template = await stackTemplate();
});

const listening = (given: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(deployed(template, given)).flatMap(([id, { Type, Properties }]) =>
      Type === 'AWS::Events::Rule' && 'EventPattern' in Properties ? [[id, Properties['EventPattern']]] : [],
    ),
  );

describe('the rules of the embedded AWS', () => {
  it.each([
    ['standard', {}],
    ['by-event', { HookNamePrefix: 'ecs-drain' }],
    ['rollout-auto', { Rollouts: 'on' }],
  ])('of %s are those of the stack, deployed so', (name, given) => {
    const region = createRegion({ ...readScenario(name), region: REGION }, 1);
    expect(rulesOf(region)).toEqual(listening(given));
  });
});

describe('the functions of the embedded AWS', () => {
  it('have the time and the memory that the stack gives them', () => {
    const region = createRegion({ ...readScenario('rollout-auto'), region: REGION }, 1);
    const sizes: unknown[] = [];
    const { register } = region.lambda;
    region.lambda.register = (options) => {
      sizes.push([options.name, options.timeoutSeconds, options.memoryMb]);
      register(options);
    };
    // None is called here.
    deploy(region, {} as Bundles);
    const functions = Object.values(deployed(template, { Rollouts: 'on' })).flatMap(({ Type, Properties }) =>
      Type === 'AWS::Lambda::Function'
        ? [[Properties['FunctionName'], Properties['Timeout'], Properties['MemorySize']]]
        : [],
    );
    expect(functions.length).toBe(4);
    expect(sizes.sort()).toEqual(functions.sort());
  });
});
