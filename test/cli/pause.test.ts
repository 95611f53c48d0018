import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { writeSwitch } from '../../cli/pause.ts';
import type { Stack } from '../../src/operator/stack.ts';
import { mainHere } from './in-process.ts';
import { servingHere } from './support.ts';

const SWITCH = '/ecs-drain/switch';
const TEXT = '{"mode":"act","policy":{"atDeadline":"ABANDON"}}';
const scenario = (different: object = {}) => ({
  name: 'switched',
  durationSeconds: 3_600,
  switch: TEXT,
  clusters: [{ name: 'web', instances: 2, group: 'web-asg' }],
  groups: [{ name: 'jobs-asg', instances: 1 }],
  ...different,
});

const served = [await servingHere(scenario())];
const [one] = served as [(typeof served)[0]];
const text = (): string | undefined => one.region.ssm.get(SWITCH);

afterAll(async () => {
  await Promise.all(served.map((region) => region.close()));
});
beforeEach(() => one.region.ssm.set(SWITCH, TEXT));

async function elsewhere(different: object) {
  const region = await servingHere(scenario(different));
  served.push(region);
  return region;
}

describe('ecs-drain pause and resume', () => {
  it('show what they change, keep all else in it, and say when it takes effect', async () => {
    const paused = await one.ecsDrain('pause', '--yes');
    expect({ code: paused.code, stderr: paused.stderr }).toEqual({ code: 0, stderr: '' });
    await expect(paused.stdout).toMatchFileSnapshot('golden/pause.txt');
    expect(text()).toBe('{"mode":"pause","policy":{"atDeadline":"ABANDON"}}');

    one.region.ssm.set(
      SWITCH,
      '{"mode":"pause","groups":{"web-asg":{"mode":"observe","policy":{"deadlineSeconds":600}}}}',
    );
    const resumed = await one.ecsDrain('resume', 'web-asg', '--yes');
    expect(resumed.code).toBe(0);
    await expect(resumed.stdout).toMatchFileSnapshot('golden/resume.txt');
    expect(text()).toBe('{"mode":"pause","groups":{"web-asg":{"policy":{"deadlineSeconds":600}}}}');
  });

  it('speak JSON, and turn to observe', async () => {
    const { code, stdout } = await one.ecsDrain('resume', 'jobs-asg', '--observe', '--yes', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 1,
      command: 'resume',
      regions: [{ region: 'eu-west-1', parameter: SWITCH, before: TEXT, changed: true }],
    });
    expect(JSON.parse(text() ?? '').groups).toEqual({ 'jobs-asg': { mode: 'observe' } });
  });

  it('write a switch where nobody has, and say of groups that have their own mode that they keep it', async () => {
    const none = await elsewhere({ switch: undefined });
    const first = await none.ecsDrain('pause', 'web-asg', '--yes');
    expect(first.stdout).toContain(
      '  before (nobody has written it)\n  after  {"groups":{"web-asg":{"mode":"pause"}}}\n',
    );
    const second = await none.ecsDrain('resume', '--yes');
    expect(second.stdout).toContain('  web-asg goes on with pause, which the switch says for it alone.\n');
    const third = await none.ecsDrain('resume', '--yes');
    expect(third).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing to change') });
  });

  it('change nothing where nobody answers, a group is unknown, or a name is none', async () => {
    const [asked, unknown] = await Promise.all([
      one.ecsDrain('pause'),
      one.ecsDrain('pause', 'web-asg', 'nowhere-asg', '--yes'),
    ]);
    const [empty, json] = [await mainHere('pause', '', '--yes'), await mainHere('pause', '--json')];
    expect([asked, unknown, empty, json].map(({ code }) => code)).toEqual([2, 2, 2, 2]);
    expect(asked.stderr).toContain('say --yes');
    expect(unknown.stderr).toContain('no Auto Scaling group nowhere-asg in eu-west-1: nothing was changed');
    expect(empty.stderr).toContain('not the name of a group');
    expect(json.stderr).toContain('--json does not ask');
    expect(text()).toBe(TEXT);
  });

  it('leave alone, and show, what they cannot understand; and name a missing permission', async () => {
    one.region.ssm.set(SWITCH, '{"mode":"stop everything"}');
    const denied = await elsewhere({ denied: ['ssm:PutParameter'] });
    const [garbled, refused] = await Promise.all([
      one.ecsDrain('pause', '--yes'),
      denied.ecsDrain('pause', '--yes', '--json'),
    ]);
    expect(garbled.code).toBe(1);
    const said = garbled.stdout.replaceAll(/\n +/g, ' ');
    expect(said).toContain('is not a switch (mode: must be one of observe, act, pause), so it is left alone');
    expect(said).toContain('{"mode":"stop everything"}');
    expect(text()).toBe('{"mode":"stop everything"}');
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.stdout).regions).toMatchObject([
      { changed: false, problem: expect.stringContaining('no permission for ssm:PutParameter') },
    ]);
  });
});

describe('somebody else who writes the switch at the same time', () => {
  const client = new SSMClient({ region: 'eu-west-1' });
  const aws = mockClient(client);
  const here = { aws: { ssm: client }, stack: { switchParameter: SWITCH } as Stack };
  const before = { text: TEXT, version: 4 };
  const parameter = (Value: string, Version: number) => ({ Parameter: { Value, Version } });

  beforeEach(() => aws.reset());

  it('before us, is not overwritten', async () => {
    aws.on(GetParameterCommand, { Name: SWITCH }).resolves(parameter('{}', 5));
    await expect(writeSwitch(here, before, 'ours')).rejects.toThrow('nothing was changed');
    expect(aws.commandCalls(PutParameterCommand)).toHaveLength(0);
  });

  it('where there was none before, is not overwritten either', async () => {
    aws.on(GetParameterCommand, { Name: SWITCH }).resolves(parameter('{}', 1));
    await expect(writeSwitch(here, undefined, 'ours')).rejects.toThrow('nothing was changed');
  });

  it('between our look and our writing, is told of with what was overwritten', async () => {
    aws
      .on(GetParameterCommand, { Name: SWITCH })
      .resolves(parameter(TEXT, 4))
      .on(PutParameterCommand)
      .resolves({ Version: 6 })
      .on(GetParameterCommand, { Name: `${SWITCH}:5` })
      .resolves(parameter('{"mode":"observe"}', 5));
    await expect(writeSwitch(here, before, 'ours')).rejects.toThrow('is overwritten now. It was: {"mode":"observe"}');
  });

  it('not at all, is no matter', async () => {
    aws.on(GetParameterCommand).resolves(parameter(TEXT, 4)).on(PutParameterCommand).resolves({ Version: 5 });
    await writeSwitch(here, before, 'ours');
    expect(aws.commandCalls(PutParameterCommand)[0]?.args[0].input).toMatchObject({ Value: 'ours', Overwrite: true });
  });
});
