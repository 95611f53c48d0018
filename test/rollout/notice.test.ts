import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FAMILIES } from '../../src/rollout/family.ts';
import type { Message } from '../../src/rollout/notice.ts';
import { isAboutImages, readReleases } from '../../src/rollout/notice.ts';
import { imageName } from '../support/amis.ts';

const REGION = 'eu-west-1';
const EVENTS = new URL('../events/', import.meta.url);
const read = (body: unknown, topicArn: unknown = 'arn:aws:sns:eu-west-1:123456789012:t', region = REGION) =>
  readReleases({ body: typeof body === 'object' ? JSON.stringify(body) : body, topicArn }, region);
const idsOf = (os: string): string[] => FAMILIES.filter((one) => one.os === os).map(({ id }) => id);
const families = (notices: ReturnType<typeof read>): unknown[] =>
  notices.map((notice) => (notice.kind === 'hint' ? notice.family : notice.because));

function message(file: string): Message {
  const { Message: body, TopicArn: topicArn } = JSON.parse(readFileSync(new URL(file, EVENTS), 'utf8')).Records[0].Sns;
  return { body, topicArn };
}

const ecs = (...images: readonly (readonly [region: string, name: string, id?: string])[]): object => ({
  ECSAgent: { ReleaseVersion: '1.108.3' },
  ECSAmis: images.map(([region, Name, ImageId = 'ami-0281c9a5cd9de63bd']) => ({
    Regions: { [region]: { Name, ImageId } },
  })),
});
const AL2023 = 'al2023-ami-ecs-hvm-2023.0.20261113-kernel-6.1-x86_64';

describe('an announcement in the ECS format', () => {
  it('of ours hints at the family, the release and its image here', () => {
    expect(readReleases(message('ami-release.json'), REGION)).toEqual([
      {
        kind: 'hint',
        family: 'al2023/x86_64',
        version: '2023.0.20261113',
        imageId: 'ami-0281c9a5cd9de63bd',
        source: 'ecs',
      },
    ]);
  });

  it('of AWS’s, as it was until it was retired, does so too', () => {
    expect(readReleases(message('ami-release-retired.json'), REGION)).toEqual([
      { kind: 'hint', family: 'al1/x86_64', version: '2017.09.j', imageId: 'ami-64c4871d', source: 'ecs' },
    ]);
  });

  it('names no image where it does not speak of this region', () => {
    expect(read(ecs(['us-east-1', AL2023]))).toEqual([
      { kind: 'hint', family: 'al2023/x86_64', version: '2023.0.20261113', source: 'ecs' },
    ]);
  });

  it.each(FAMILIES.map((family) => [family.id, family] as const))('can be of %s', (id, family) => {
    expect(families(read(ecs([REGION, imageName(family)])))).toEqual([id]);
  });

  it('of several families is a hint for each, once, and says what it does not know', () => {
    const arm = AL2023.replace('x86_64', 'arm64');
    expect(
      families(read(ecs([REGION, AL2023], [REGION, arm], [REGION, 'mine'], [REGION, AL2023], [REGION, 'mine']))),
    ).toEqual(['al2023/x86_64', 'al2023/arm64', 'an image of no family that we know: "mine"']);
  });

  it.each<[string, object, string]>([
    ['of the agent alone', { ECSAgent: { ReleaseVersion: '1.0' } }, 'a release of the ECS agent without an image'],
    ['without images', { ECSAmis: [] }, 'an ECS AMI message without an image'],
    ['for no region', { ECSAmis: [{ Regions: {} }] }, 'an ECS AMI message for no region'],
    [
      'with a list where one image belongs',
      { ECSAmis: [{ Regions: { [REGION]: [] } }] },
      'an ECS AMI message with wrong members',
    ],
    ['whose images are prose', { ECSAmis: 'soon' }, 'an ECS AMI message with wrong members: ECSAmis'],
    ['with a name that is a number', ecs([REGION, 1 as unknown as string]), 'an ECS AMI message with wrong members'],
  ])('%s is ignored', (_, body, because) => {
    expect(read(body)).toEqual([
      { kind: 'ignored', level: expect.any(String), because: expect.stringContaining(because) },
    ]);
  });
});

describe('an announcement of base images', () => {
  it('of AL2023 is a reason to look at each family that is built on it, and names no release', () => {
    expect(readReleases(message('ami-base-al2023.json'), REGION)).toEqual(
      idsOf('amazon-linux-2023').map((family) => ({ kind: 'hint', family, source: 'base' })),
    );
  });

  const base = (Name: string, region = REGION): object => ({
    v1: {
      ReleaseVersion: '2.0',
      ImageVersion: '2.0.20261113.0',
      ReleaseNotes: '',
      Regions: { [region]: [{ Name, ImageId: 'ami-1' }] },
    },
  });

  it.each([
    ['amzn2-ami-kernel-5.10-hvm-2.0.20261113.0-x86_64-gp2', 'amazon-linux-2'],
    ['amzn-ami-hvm-2018.03.0.20231206-x86_64-gp2', 'amazon-linux'],
    ['Windows_Server-2022-English-Full-Base-2026.11.11', 'windows'],
  ])('with %s is a reason to look at %s', (name, os) => {
    expect(families(read(base(name)))).toEqual(idsOf(os));
    expect(families(read(base(name, 'us-east-1')))).toEqual(idsOf(os));
  });

  it('that has an ECS image in it hints at that release', () => {
    expect(read(base('Windows_Server-2022-English-Core-ECS_Optimized-2026.11.11'))).toEqual([
      { kind: 'hint', family: 'windows-2022-core/x86_64', version: '2026.11.11', imageId: 'ami-1', source: 'base' },
    ]);
  });

  it.each<[string, object, string]>([
    ['of another system', base('FreeBSD 12.0-STABLE-amd64-2019-03-07'), 'images that ECS does not run on'],
    ['for no region', { v1: { Regions: {} } }, 'images that ECS does not run on'],
    [
      'without its list',
      { v1: { Regions: { [REGION]: { Name: 'x', ImageId: 'y' } } } },
      'an AMI message with wrong members',
    ],
    ['that is prose', { v1: 'soon' }, 'an AMI message with wrong members: v1'],
  ])('%s is ignored', (_, body, because) => {
    expect(read(body)).toEqual([
      { kind: 'ignored', level: expect.any(String), because: expect.stringContaining(because) },
    ]);
  });
});

describe('a message of AWS’s topics for Windows, whose form nobody documents', () => {
  const TOPIC = 'arn:aws:sns:us-east-1:801119661308:ec2-windows-ami-update';

  it('hints at the ECS images that it names', () => {
    expect(readReleases(message('ami-windows.json'), REGION)).toEqual([
      { kind: 'hint', family: 'windows-2022-full/x86_64', version: '2026.11.11', source: 'windows' },
      { kind: 'hint', family: 'windows-2022-core/x86_64', version: '2026.11.11', source: 'windows' },
    ]);
  });

  it.each([
    ['prose', 'AWS has released updated Windows AMIs.'],
    ['JSON', '{"Message":"AWS has released updated Windows AMIs."}'],
    ['a list', '["Windows_Server-2022-English-Full-Base-2026.11.11"]'],
  ])('is, as %s that names none, a reason to look at every Windows family', (_, body) => {
    expect(read(body, TOPIC)).toEqual(idsOf('windows').map((family) => ({ kind: 'hint', family, source: 'windows' })));
    expect(isAboutImages({ body, topicArn: TOPIC })).toBe(true);
  });

  it('about images made private is ignored', () => {
    expect(read('x', TOPIC.replace('update', 'private'))).toMatchObject([{ kind: 'ignored', level: 'debug' }]);
  });

  it('through a topic of somebody else’s with such a name is not believed', () => {
    const theirs = TOPIC.replace('801119661308', '123456789012');
    expect(isAboutImages({ body: 'x', topicArn: theirs })).toBe(false);
    expect(read('x', theirs)).toMatchObject([{ kind: 'ignored', level: 'warn' }]);
  });
});

describe('everything else is ignored, with its reason', () => {
  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'the message is empty'],
    ['blank text', ' ', 'the message is empty'],
    ['a number', 42, 'the message is empty'],
    ['prose', 'Hello from SNS!', 'not a message about images that we know'],
    ['a list', '[]', 'not a message about images that we know'],
    ['null', 'null', 'not a message about images that we know'],
    ['another JSON', { hello: 'world' }, 'not a message about images that we know'],
    [
      'a confirmation of SNS',
      { Type: 'SubscriptionConfirmation', Token: 'x' },
      'SNS itself speaks ("SubscriptionConfirmation")',
    ],
    ['too much', `{"v1":"${'x'.repeat(300_000)}"}`, 'more than any announcement'],
    [
      'a manual request',
      { kind: 'roll-out', family: 'al2023/x86_64', by: 'eve', reason: 'x' },
      'does not come through a topic',
    ],
  ])('%s', (_, body, because) => {
    expect(read(body)).toEqual([
      { kind: 'ignored', level: expect.any(String), because: expect.stringContaining(because) },
    ]);
  });

  it('without a line break in it, whatever was sent', () => {
    const [notice] = read(ecs([REGION, 'x\n[ERROR] forged line']));
    expect(notice).toMatchObject({ kind: 'ignored', because: expect.not.stringContaining('\n') });
  });
});

describe('which messages are about images', () => {
  it.each(readdirSync(EVENTS).filter((file) => !file.startsWith('ami-')))('%s is not', (file) => {
    const event = JSON.parse(readFileSync(new URL(file, EVENTS), 'utf8'));
    expect(isAboutImages({ body: event.Records?.[0].Sns.Message, topicArn: event.Records?.[0].Sns.TopicArn })).toBe(
      false,
    );
  });

  it.each(readdirSync(EVENTS).filter((file) => file.startsWith('ami-')))('%s is', (file) => {
    expect(isAboutImages(message(file))).toBe(true);
  });

  it('a manual request is, so that it is told why nothing came of it', () => {
    expect(isAboutImages({ body: '{"kind":"roll-out"}', topicArn: undefined })).toBe(true);
  });
});

const SAMPLES = new URL('../../../shared/samples/', import.meta.url);

// Real payloads lie beside the checkout where the project is developed; a lone clone does not have them.
describe.skipIf(!existsSync(SAMPLES))('what AWS has published', () => {
  const open = (file: string) => JSON.parse(readFileSync(new URL(file, SAMPLES), 'utf8'));

  it('as the documented message', () => {
    expect(read(open('ecs-ami-update.message.doc.json'))).toEqual([
      { kind: 'hint', family: 'al1/x86_64', version: '2017.09.j', imageId: 'ami-64c4871d', source: 'ecs' },
    ]);
  });

  it('as the documented notification', () => {
    const { Message: body, TopicArn } = open('sns-http.ecs-ami-update.doc.json');
    expect(read(body, TopicArn, 'us-west-2')).toMatchObject([{ family: 'al1/x86_64', imageId: 'ami-baa236c2' }]);
  });

  it('as the schema of the base messages, which ours keep', () => {
    const schema = open('amazon-linux-ami-sns-message.schema.doc.json').properties.v1;
    const { v1 } = JSON.parse(String(message('ami-base-al2023.json').body));
    expect(Object.keys(v1).sort()).toEqual([...schema.required].sort());
    expect(Object.keys(v1.Regions[REGION][0]).sort()).toEqual(
      [...schema.properties.Regions.additionalProperties.items.required].sort(),
    );
  });

  it('as members of the documented message, which ours keep', () => {
    const membersOf = ({ ECSAmis: [ami], ...rest }: { ECSAmis: object[] }): unknown => [
      Object.keys({ ...rest }).sort(),
      Object.keys({ ...ami }).sort(),
    ];
    expect(membersOf(JSON.parse(String(message('ami-release.json').body)))).toEqual(
      membersOf(open('ecs-ami-update.message.doc.json')),
    );
  });

  // The list is read where a lone clone skips these, too.
  const deliveries = existsSync(SAMPLES) ? readdirSync(SAMPLES).filter((file) => /^(sns-lambda|eb-)/.test(file)) : [];
  it.each(deliveries)('%s is not about images', (file) => {
    const { Records } = open(file);
    expect(isAboutImages({ body: Records?.[0].Sns.Message, topicArn: Records?.[0].Sns.TopicArn })).toBe(false);
  });
});
