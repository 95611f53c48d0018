import * as z from 'zod/mini';
import type { Family, Os } from './family.ts';
import { FAMILIES, familyOfImage } from './family.ts';

/**
 * What a message says of new images: a closed union. A message is a hint, never an authority: anybody who may publish
 * to a topic can say anything, and what is rolled out comes from AWS's parameters whatever was said.
 */
export type ReleaseNotice = Hint | Ignored;

/** There may be something new in a family. */
export interface Hint {
  readonly kind: 'hint';
  readonly family: string;
  /** The release spoken of; undefined where the message speaks of base images only, which is a reason to look. */
  readonly version?: string;
  /** Its image in this region, where the message names one. */
  readonly imageId?: string;
  /** `ecs`: in the documented ECS AMI format, our own announcements among them. `base`, `windows`: AWS's other topics. */
  readonly source: 'ecs' | 'base' | 'windows';
}

export interface Ignored {
  readonly kind: 'ignored';
  /** `debug`: expected on such a topic. `warn`: somebody should look at who sends it. */
  readonly level: 'debug' | 'warn';
  readonly because: string;
}

/** An SNS message: its body, and the topic that it came through. */
export interface Message {
  readonly body: unknown;
  readonly topicArn: unknown;
}

/** SNS stops at 256 KiB; a base message with every region's images has tens of them. */
const LONGEST_MESSAGE = 256 * 1024;
/** Most families and images that one message is read for. */
const MOST_HINTS = 60;
const MOST_IMAGES = 200;

const Image = z.object({ Name: z.string().check(z.maxLength(200)), ImageId: z.string().check(z.maxLength(40)) });
type Image = z.infer<typeof Image>;

/** AWS-CONTRACTS §4: one image for each region. */
const EcsMessage = z.object({
  ECSAmis: z.array(z.object({ Regions: z.record(z.string(), Image) })).check(z.maxLength(MOST_HINTS)),
});

/** AWS-CONTRACTS §4: a list of images for each region. */
const BaseMessage = z.object({ v1: z.object({ Regions: z.record(z.string(), z.array(Image)) }) });

/** True for what speaks of images at all, rightly or wrongly; everything else on a topic is another room's. */
export function isAboutImages({ body, topicArn }: Message): boolean {
  if (typeof topicArn === 'string' && WINDOWS_TOPIC.test(topicArn)) return true;
  const members = membersOf(body);
  return (
    members !== undefined &&
    ('ECSAmis' in members || 'ECSAgent' in members || 'v1' in members || members['kind'] === 'roll-out')
  );
}

/** Reads one message. What it says of several families is several hints. Never throws. */
export function readReleases(message: Message, region: string): readonly ReleaseNotice[] {
  const { body, topicArn } = message;
  if (typeof body !== 'string' || body.trim() === '') return [unexpected('the message is empty')];
  if (body.length > LONGEST_MESSAGE)
    return [unexpected(`the message has ${body.length} characters, more than any announcement`)];
  const members = membersOf(body);
  if (members?.['kind'] === 'roll-out') {
    return [unexpected('a manual request does not come through a topic: it needs the right to invoke the function')];
  }
  if (members && ('ECSAmis' in members || 'ECSAgent' in members)) return readEcs(members, region);
  if (typeof topicArn === 'string' && WINDOWS_TOPIC.test(topicArn)) return readWindows(body, topicArn);
  if (members && 'v1' in members) return readBase(members, region);
  if (typeof members?.['Type'] === 'string')
    return [expected(`SNS itself speaks (${quoted(members['Type'])}), not of an image`)];
  return [unexpected('not a message about images that we know')];
}

function readEcs(members: object, region: string): ReleaseNotice[] {
  if (!('ECSAmis' in members)) return [expected('a release of the ECS agent without an image')];
  const parsed = EcsMessage.safeParse(members);
  if (!parsed.success) return [unexpected(`an ECS AMI message with wrong members: ${mistakes(parsed.error)}`)];
  if (parsed.data.ECSAmis.length === 0) return [expected('an ECS AMI message without an image')];
  return oncePerFamily(
    parsed.data.ECSAmis.map(({ Regions }) => {
      const here = Regions[region];
      const named = here ?? Object.values(Regions)[0];
      if (named === undefined) return expected('an ECS AMI message for no region');
      return (
        hintOf(named, here?.ImageId, 'ecs') ?? expected(`an image of no family that we know: ${quoted(named.Name)}`)
      );
    }),
  );
}

/** Base images are not what ECS instances run, but what theirs are built from: a reason to look at each of their families. */
function readBase(members: object, region: string): ReleaseNotice[] {
  const parsed = BaseMessage.safeParse(members);
  if (!parsed.success) return [unexpected(`an AMI message with wrong members: ${mistakes(parsed.error)}`)];
  const { Regions } = parsed.data.v1;
  const images = (Regions[region] ?? Object.values(Regions)[0] ?? []).slice(0, MOST_IMAGES);
  const hints = images.flatMap((image) => {
    const known = hintOf(image, Regions[region] && image.ImageId, 'base');
    if (known) return [known];
    const os = BASES.find(([pattern]) => pattern.test(image.Name))?.[1];
    return os === undefined ? [] : looksAt(os, 'base');
  });
  return hints.length > 0 ? oncePerFamily(hints) : [expected('an AMI message about images that ECS does not run on')];
}

const BASES: readonly (readonly [RegExp, Os])[] = [
  [/^al2023-ami-/, 'amazon-linux-2023'],
  [/^amzn2-ami-/, 'amazon-linux-2'],
  [/^amzn-ami-/, 'amazon-linux'],
  [/^Windows_Server-/, 'windows'],
];

/** AWS's own topics for Windows images, in us-east-1 and in GovCloud. */
const WINDOWS_TOPIC =
  /^arn:aws[a-z-]*:sns:[a-z0-9-]+:(?:801119661308|077303321853):ec2-windows-ami-(?:update|private)$/;
const WINDOWS_ECS_NAME = /Windows_Server-\d{4}-English-(?:Full|Core)-ECS_Optimized-\d{4}\.\d{2}\.\d{2}/g;

/**
 * UNVERIFIED: the form of these messages is not documented, and no sample of one was found. So nothing is asked of it:
 * the images' names are looked for, and without any it is a reason to look at every Windows family.
 */
function readWindows(body: string, topicArn: string): ReleaseNotice[] {
  if (topicArn.endsWith('-private')) return [expected('Windows images were made private: nothing new')];
  const names = [...new Set(body.match(WINDOWS_ECS_NAME) ?? [])].slice(0, MOST_HINTS);
  const hints = names.flatMap((Name) => hintOf({ Name, ImageId: '' }, undefined, 'windows') ?? []);
  return hints.length > 0 ? oncePerFamily(hints) : looksAt('windows', 'windows');
}

function hintOf({ Name }: Image, imageId: string | undefined, source: Hint['source']): Hint | undefined {
  const named = familyOfImage(Name);
  if (!named) return undefined;
  const { family, version } = named;
  return { kind: 'hint', family: family.id, version, ...(imageId === undefined ? {} : { imageId }), source };
}

function looksAt(os: Os, source: Hint['source']): Hint[] {
  return FAMILIES.filter((family: Family) => family.os === os).map(({ id }) => ({ kind: 'hint', family: id, source }));
}

/** The first word on a family stands; what is ignored is said once. */
function oncePerFamily(notices: readonly ReleaseNotice[]): ReleaseNotice[] {
  const told = new Map<string, ReleaseNotice>();
  for (const notice of notices) {
    const about = notice.kind === 'hint' ? notice.family : notice.because;
    if (!told.has(about)) told.set(about, notice);
  }
  return [...told.values()].slice(0, MOST_HINTS);
}

function membersOf(body: unknown): Record<string, unknown> | undefined {
  if (typeof body !== 'string' || body.length > LONGEST_MESSAGE) return undefined;
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function mistakes(error: z.core.$ZodError): string {
  return error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.map(String).join('.').slice(0, 80)}: ${issue.message}`)
    .join('; ');
}

/** Text from outside, made safe to stand in a log line. */
function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}

function expected(because: string): Ignored {
  return { kind: 'ignored', level: 'debug', because };
}

function unexpected(because: string): Ignored {
  return { kind: 'ignored', level: 'warn', because };
}
