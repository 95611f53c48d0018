import type { AlertMessage } from '../alert.ts';
import { RUNBOOK } from '../alert.ts';
import { asMarkdown, oneLine, shorten } from '../alert-text.ts';
import type { Family, Recommended } from './family.ts';
import { checksum } from './request.ts';

/** Where we run. */
export interface Here {
  readonly region: string;
  readonly accountId: string;
}

/** A message for the topic of releases. */
export interface Announcement {
  /** Under 100 ASCII characters without line breaks or control characters, as SNS demands (AWS-CONTRACTS §2). */
  readonly subject: string;
  readonly body: string;
  /** For subscription filter policies. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** What Bottlerocket's parameters do not say; the member stays, for whoever reads the documented message. */
const UNKNOWN = 'unknown';

/** Announces a release in the message that AWS documented and sent until 2021 (AWS-CONTRACTS §4), of one region. */
export function announcement(family: Family, image: Recommended, region: string): Announcement {
  const { id, os, osName } = family;
  const { version, imageId, name, agentVersion = UNKNOWN } = image;
  const message = {
    ECSAgent: { ReleaseVersion: agentVersion },
    ECSAmis: [
      {
        ReleaseVersion: version,
        AgentVersion: agentVersion,
        ReleaseNotes: notesOf(family, image),
        OsType: os === 'windows' ? 'windows' : 'linux',
        OperatingSystemName: osName,
        Regions: { [region]: { Name: name, ImageId: imageId } },
      },
    ],
  };
  return {
    subject: `[ecs-drain] New ECS-optimized AMI: ${id} ${version}`,
    body: JSON.stringify(message),
    attributes: { family: id, os, version },
  };
}

function notesOf({ os }: Family, { version, agentVersion, runtimeVersion }: Recommended): string {
  const parts = [
    agentVersion === undefined ? undefined : `ECS agent ${agentVersion}.`,
    runtimeVersion === undefined ? undefined : `${runtimeVersion}.`,
    pageOf(os, version),
  ];
  return parts.filter((part) => part !== undefined).join(' ');
}

/** Where its maker writes of the release. */
function pageOf(os: Family['os'], version: string): string {
  switch (os) {
    case 'amazon-linux-2023':
    case 'amazon-linux-2':
      return `https://github.com/aws/amazon-ecs-ami/releases/tag/${version.split('.').at(-1)}`;
    case 'bottlerocket':
      return `https://github.com/bottlerocket-os/bottlerocket/releases/tag/v${version.split('-')[0]}`;
    case 'amazon-linux':
      return 'https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-ami-versions.html';
    case 'windows':
      return 'https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-windows-ami-versions.html';
  }
}

/** Where the reader finds what it means and what to do. */
const PAGE = `${RUNBOOK}#amis`;

/**
 * What people should hear of AMIs besides releases, all of it in one alert, in the forms of `renderAlert` (src/alert.ts).
 * The lines have in them what parameters say, which comes from outside.
 */
export function amiAlert(said: readonly string[], { region, accountId }: Here): AlertMessage {
  const lines = said.map((line) => oneLine(line, 1_000));
  const [first = ''] = lines;
  const because = lines.length > 1 ? `${first} And ${lines.length - 1} more.` : first;
  const details = lines.slice(1);
  const title = `ECS-optimized AMIs in ${region}`;
  const kind = { kind: 'amis', severity: 'warning' };
  // Said again, because nobody could be told or remember it, it is the same incident.
  const facts = { dedupKey: `ecs-drain/amis-${region}-${checksum(lines.join('\n'))}/amis`, region, accountId };
  return {
    subject: `[ecs-drain warning] ${title}`,
    bodies: {
      default: JSON.stringify(
        { schema: 1, source: 'ecs-drain', ...kind, title, because, details, runbook: PAGE, ...facts },
        null,
        1,
      ),
      email: [
        because,
        '',
        ...details.map((line) => `- ${line}`),
        `Region: ${region} (account ${accountId})`,
        `Runbook: ${PAGE}`,
      ].join('\n'),
      sms: shorten(`[ecs-drain warning] ${title}: ${because}`, 280),
      https: JSON.stringify({
        version: '1.0',
        source: 'custom',
        content: {
          textType: 'client-markdown',
          title: `⚠️ ${title}`,
          description: [
            asMarkdown(because),
            ...details.slice(0, 5).map((line) => `• ${shorten(asMarkdown(line), 250)}`),
            `${region} (${accountId})`,
          ].join('\n'),
          nextSteps: [`Runbook: ${PAGE}`],
          keywords: ['ecs-drain', 'warning'],
        },
        metadata: {
          threadId: 'ecs-drain-amis',
          summary: 'ecs-drain: AMIs',
          eventType: 'ecs-drain amis',
          // What opens incidents reads these.
          additionalContext: { ...kind, ...facts, runbook: PAGE },
        },
      }),
    },
    attributes: kind,
  };
}
