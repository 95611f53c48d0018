import type { Ami, Amis, Family } from './amis.ts';
import { FAMILIES } from './amis.ts';

/** A parameter that AWS publishes: what it says now, since when, and how often it has been written. */
export interface PublicParameter {
  readonly value: string;
  readonly changedAtMs: number;
  readonly version: number;
}

/** AWS-CONTRACTS §4: where each family's recommended image is written. */
const PATHS: Readonly<Record<Family, string>> = {
  'al2023/x86_64': '/aws/service/ecs/optimized-ami/amazon-linux-2023',
  'al2023/arm64': '/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64',
  'bottlerocket-2/x86_64': '/aws/service/bottlerocket/aws-ecs-2/x86_64',
};

/** The JSON of samples/ssm-get-parameter.ecs-al2023-recommended.captured.json. */
const asJson = ({ id, name, version, agentVersion, dockerVersion }: Ami): string =>
  JSON.stringify({
    ecs_agent_version: agentVersion,
    ecs_runtime_version: `Docker version ${dockerVersion}`,
    image_id: id,
    image_name: name,
    image_version: version,
    os: 'Amazon Linux 2023',
    schema_version: 1,
  });

function namesOf(family: Family): Readonly<Record<string, (ami: Ami) => string>> {
  const path = PATHS[family];
  return family.startsWith('bottlerocket')
    ? { [`${path}/latest/image_id`]: ({ id }) => id, [`${path}/latest/image_version`]: ({ version }) => version }
    : { [`${path}/recommended`]: asJson, [`${path}/recommended/image_id`]: ({ id }) => id };
}

/** Answers for AWS's public parameters of ECS images; undefined for any other name. */
export function publicParameters(
  amis: Pick<Amis, 'recommended' | 'all'>,
): (name: string) => PublicParameter | undefined {
  const known = new Map(
    FAMILIES.flatMap((family) =>
      Object.entries(namesOf(family)).map(([name, say]) => [name, { family, say }] as const),
    ),
  );
  return (name) => {
    const parameter = known.get(name);
    if (parameter === undefined) return undefined;
    const ami = amis.recommended(parameter.family);
    const version = amis.all().filter(({ family }) => family === parameter.family).length;
    return { value: parameter.say(ami), changedAtMs: ami.createdAtMs, version };
  };
}
