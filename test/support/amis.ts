import type { Family } from '../../src/rollout/family.ts';
import { parametersOf } from '../../src/rollout/family.ts';
import type { ParameterSeen } from '../../src/rollout/ports.ts';

/** What AWS publishes of a family, for tests: written from its own documents, not from the patterns in the source. */

/** A version in each family's own form. */
export function aVersion({ id, os }: Family): string {
  if (os === 'amazon-linux-2023') return '2023.0.20261113';
  if (os === 'amazon-linux-2') return '2.0.20261113';
  if (os === 'amazon-linux') return '2018.03.20230627';
  if (os === 'bottlerocket') return id.startsWith('bottlerocket-1') ? '1.43.0-5ed15786' : '1.62.1-5ed15786';
  return '2026.11.11';
}

/** The name of the family's image of that version. */
export function imageName(family: Family, version: string = aVersion(family)): string {
  const [variant = '', architecture = ''] = family.id.split('/');
  const [, ...words] = variant.split('-');
  switch (family.os) {
    case 'amazon-linux-2023':
      return `al2023-ami-ecs${words.map((word) => `-${word}`).join('')}-hvm-${version}-kernel-6.1-${architecture}${words.includes('gpu') ? '-ebs' : ''}`;
    case 'amazon-linux-2':
      return `amzn2-ami-ecs${words.map((word) => `-${word}`).join('')}-hvm-${version}-${architecture}-ebs`;
    case 'amazon-linux':
      return `amzn-ami-${version}-amazon-ecs-optimized`;
    case 'bottlerocket':
      return `bottlerocket-aws-ecs-${words.join('-')}-${architecture === 'arm64' ? 'aarch64' : architecture}-v${version}`;
    case 'windows':
      return `Windows_Server-${words[0]}-English-${words[1] === 'core' ? 'Core' : 'Full'}-ECS_Optimized-${version}`;
  }
}

/** The family's public parameters, as they were read. */
export function aRecommendation(
  family: Family,
  {
    version = aVersion(family),
    imageId = 'ami-0281c9a5cd9de63bd',
    agentVersion = '1.108.3',
    changedAtMs = 0,
  }: { version?: string; imageId?: string; agentVersion?: string; changedAtMs?: number } = {},
): ParameterSeen[] {
  const json = JSON.stringify({
    ecs_agent_version: agentVersion,
    ecs_runtime_version: 'Docker version 25.0.18',
    image_id: imageId,
    image_name: imageName(family, version),
    ...(family.os === 'windows' ? {} : { image_version: version }),
    os: family.osName,
    schema_version: 1,
  });
  const values = family.source.form === 'json' ? [json] : [imageId, version];
  return parametersOf(family).map((name, at) => ({ name, value: values[at] ?? '', changedAtMs }));
}
