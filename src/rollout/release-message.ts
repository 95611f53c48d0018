import type { Family, Recommended } from './family.ts';

/** A message for a topic. */
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

/** What people should hear of AMIs besides releases: one message for all of it. */
export function amiWarning(lines: readonly string[], region: string): Announcement {
  const [first = ''] = lines;
  const more = lines.length - 1;
  return {
    subject: `[ecs-drain warning] ECS-optimized AMIs in ${region}`,
    body: [
      more > 0 ? `${first} And ${more} more, below.` : first,
      ...(more > 0 ? ['', ...lines.map((line) => `- ${line}`)] : []),
      '',
      `Region: ${region}`,
      'What it means and what to do: docs/amis.md',
    ].join('\n'),
    attributes: { kind: 'amis', severity: 'warning' },
  };
}
