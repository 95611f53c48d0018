import { describe, expect, it } from 'vitest';
import { OPT_IN, readTags, TAGS } from '../../src/rollout/tags.ts';
import { policy } from './builders.ts';

const mistakesOf = (tags: Record<string, string>) => readTags({ [OPT_IN]: 'auto', ...tags });

describe('the tags of a fleet', () => {
  it('opt it in, or it is none of our business', () => {
    expect(readTags({ Name: 'web', 'ecs-drain:wave': '2' })).toBeUndefined();
    expect(readTags(JSON.parse('{"__proto__":{"ecs-drain:ami":"auto"}}'))).toBeUndefined();
  });

  it('have defaults that change nothing by themselves', () => {
    expect(readTags({ [OPT_IN]: 'notify' })).toEqual({
      mode: 'notify',
      template: 'write',
      wave: 1,
      window: undefined,
      minimumAgeSeconds: 0,
      minHealthyPercent: 100,
      maxHealthyPercent: 110,
      checkpoints: [],
      checkpointDelaySeconds: 900,
      bakeSeconds: 0,
      alarms: [],
      follow: undefined,
    });
  });

  it('leave the template to CloudFormation where it made the fleet, unless a tag says otherwise', () => {
    const made = { 'aws:cloudformation:stack-id': 'arn:aws:cloudformation:eu-west-1:123456789012:stack/web/1' };
    expect(policy(made).template).toBe('keep');
    expect(policy({ ...made, 'ecs-drain:template': 'write' }).template).toBe('write');
  });

  it.each([
    ['ecs-drain:template', 'keep', 'template', 'keep'],
    ['ecs-drain:wave', '9', 'wave', 9],
    ['ecs-drain:minimum-age', '3d', 'minimumAgeSeconds', 259_200],
    ['ecs-drain:healthy', '90-100', 'minHealthyPercent', 90],
    ['ecs-drain:healthy', '100-200', 'maxHealthyPercent', 200],
    ['ecs-drain:checkpoints', '25 50', 'checkpoints', [25, 50]],
    ['ecs-drain:checkpoint-delay', '45m', 'checkpointDelaySeconds', 2_700],
    ['ecs-drain:bake', '48h', 'bakeSeconds', 172_800],
    ['ecs-drain:alarms', 'errors latency', 'alarms', ['errors', 'latency']],
    ['ecs-drain:follow', '/ecs-drain/verified/al2023/x86_64', 'follow', '/ecs-drain/verified/al2023/x86_64'],
  ] as const)('%s: %s', (key, value, member, meaning) => {
    expect(policy({ [key]: value })[member]).toEqual(meaning);
  });

  it.each([
    [OPT_IN, 'yes'],
    ['ecs-drain:template', 'Write'],
    ['ecs-drain:wave', '0'],
    ['ecs-drain:wave', '10'],
    ['ecs-drain:window', 'Tuesdays at two'],
    ['ecs-drain:window', '02:00-02:00 UTC'],
    ['ecs-drain:minimum-age', '8d'],
    ['ecs-drain:minimum-age', '3 days'],
    ['ecs-drain:healthy', '110-100'],
    ['ecs-drain:healthy', '50-200'],
    ['ecs-drain:healthy', '90-201'],
    ['ecs-drain:checkpoints', '50 25'],
    ['ecs-drain:checkpoints', '100'],
    ['ecs-drain:checkpoints', '10 20 30 40 50 60'],
    ['ecs-drain:checkpoint-delay', '49h'],
    ['ecs-drain:bake', ''],
    ['ecs-drain:alarms', 'a  b'],
    ['ecs-drain:follow', 'verified'],
  ])('refuse %s = %j, saying what it must be', (key, value) => {
    expect(mistakesOf({ [key]: value })).toEqual({
      mistakes: [`${key} is ${JSON.stringify(value)}, and must be ${TAGS[key as keyof typeof TAGS].says}`],
    });
  });

  it.each([
    [OPT_IN, 'auto '],
    [OPT_IN, ' approve'],
    [OPT_IN, ' '],
    ['ecs-drain:template', 'keep\n'],
    ['ecs-drain:window', ' Tue 02:00-05:00 UTC'],
    ['ecs-drain:wave', '\u00a02'],
    ['ecs-drain:alarms', 'errors '],
  ])('refuse white space around %s = %j: IAM would read another value', (key, value) => {
    expect(mistakesOf({ [key]: value })).toEqual({
      mistakes: [`${key} is ${JSON.stringify(value)}, with white space at its beginning or end: take it away`],
    });
  });

  it('name every mistake at once, a tag that does not exist included', () => {
    const read = mistakesOf({ 'ecs-drain:wave': 'x', 'ecs-drain:ami-mode': 'auto', 'ecs-drain:bake': '1y' });
    expect(read).toEqual({
      mistakes: [
        expect.stringContaining('no tag ecs-drain:ami-mode'),
        expect.stringContaining('wave'),
        expect.stringContaining('bake'),
      ],
    });
  });
});
