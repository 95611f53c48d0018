import { beforeAll, describe, expect, it } from 'vitest';
import { rulesOf } from '../../sim/deploy.ts';
import { createRegion } from '../../sim/region.ts';
import { readScenario } from '../../sim/run.ts';
import type { Template } from '../support/cloudformation.ts';
import { deployed, REGION } from '../support/cloudformation.ts';
import { stackTemplate } from './support.ts';

/** What the embedded AWS hands to our functions is what the deployed stack's rules would hand to them. */

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
