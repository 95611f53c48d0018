import { describe, expect, it } from 'vitest';
import { ec2Client } from '../../src/aws/clients.ts';
import { templatesPort } from '../../src/aws/templates.ts';
import { createWorldOfAws } from './sim.ts';

function prepare() {
  const aws = createWorldOfAws({});
  const { amis, templates: existing } = aws.region;
  const image = amis.behind('al2023/x86_64', 1).id;
  const templateId = existing.create('web', { image, instanceType: 'm7i.large' });
  const templates = templatesPort(ec2Client(aws.requestHandler));
  const describe = (version: string) => aws.value(() => templates.describeTemplate({ templateId, version }));
  return { ...aws, amis, existing, templates, templateId, image, describe };
}

describe('a launch template', () => {
  it('is described by number, as the latest and as the default version', async () => {
    const { existing, templateId, image, describe } = prepare();
    existing.write(templateId, 'resolve:ssm:/ours');

    const first = {
      templateId,
      number: 1,
      isLatest: false,
      isDefault: true,
      image,
      instanceType: 'm7i.large',
      byRequirements: false,
    };
    const second = { ...first, number: 2, isLatest: true, isDefault: false, image: 'resolve:ssm:/ours' };
    expect(await describe('1')).toEqual(first);
    expect(await describe('$Default')).toEqual(first);
    expect(await describe('2')).toEqual(second);
    expect(await describe('$Latest')).toEqual(second);
  });

  it('or a version of it that does not exist is undefined, which is an answer', async () => {
    const { templates, value, describe } = prepare();
    expect(await describe('7')).toBeUndefined();
    expect(await value(() => templates.describeTemplate({ templateId: 'lt-0', version: '1' }))).toBeUndefined();
    expect(await value(() => templates.describeTemplate({ templateName: 'no', version: '1' }))).toBeUndefined();
  });

  it('gets a version from another one with another image, once for each token, and keeps its default', async () => {
    const { amis, templates, templateId, value, describe } = prepare();
    const next = amis.recommended('al2023/x86_64').id;
    const write = (token: string) => () =>
      templates.createVersion({ templateId, number: 1 }, next, token, 'x'.repeat(300));

    expect(await value(write('one'))).toEqual({ number: 2, warnings: [] });
    expect(await value(write('one'))).toEqual({ number: 2, warnings: [] });
    expect(await value(write('two'))).toEqual({ number: 3, warnings: [] });
    expect(await describe('2')).toMatchObject({ image: next, instanceType: 'm7i.large', isDefault: false });
    expect(await describe('$Default')).toMatchObject({ number: 1 });
  });

  it('takes an image that does not exist, and says so', async () => {
    const { templates, templateId, value } = prepare();
    const made = await value(() => templates.createVersion({ templateId, number: 1 }, 'ami-0dead', 't', ''));
    expect(made).toEqual({ number: 2, warnings: [expect.stringContaining('ami-0dead')] });
  });

  it('is gone when a version is to be made of one that does not exist, and a token is for one request', async () => {
    const { templates, templateId, ask, value } = prepare();
    const write = (id: string, number: number, token: string) =>
      templates.createVersion({ templateId: id, number }, 'ami-0a', token, '');
    expect(await ask(() => write('lt-0', 1, 'a'))).toMatchObject({ ok: false, reason: 'gone' });
    expect(await ask(() => write(templateId, 9, 'b'))).toMatchObject({ ok: false, reason: 'gone' });
    await value(() => write(templateId, 1, 'c'));
    expect(await ask(() => templates.createVersion({ templateId, number: 1 }, 'ami-0b', 'c', ''))).toMatchObject({
      ok: false,
      reason: 'other',
    });
  });
});
