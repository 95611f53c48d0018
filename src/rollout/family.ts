import * as z from 'zod/mini';
import type { ParameterSeen } from './ports.ts';

/**
 * The AMI families that ECS runs on, as one table: where each one's recommended image is written, and which images
 * belong to it. Sources: AWS-CONTRACTS §4, the ECS developer guide's pages on AMI metadata (Linux, Windows, Bottlerocket),
 * the releases of aws/amazon-ecs-ami, and bottlerocket-os/bottlerocket (variants; #4492 for the end of aws-ecs-1).
 */
export interface Family {
  /** What it is called everywhere here, like `al2023-gpu/x86_64`: what runs, then on what. */
  readonly id: string;
  readonly os: Os;
  /** As people and AWS write it. */
  readonly osName: string;
  readonly architecture: Architecture;
  readonly support: Support;
  /** The day on which its maker stops mending it, as far as that is announced. */
  readonly endsOn?: string;
  readonly source: Source;
  /** Matches the whole name of each of its images, with the groups `version` and, where the name has it, `kernel`. */
  readonly images: RegExp;
}

export type Architecture = 'x86_64' | 'arm64';
export type Os = 'amazon-linux-2023' | 'amazon-linux-2' | 'amazon-linux' | 'bottlerocket' | 'windows';

/** `full`: rolled out as tags say. `ended`: told of, rolled only when somebody asks. `windows`: told of. */
export type Support = 'full' | 'ended' | 'windows';

/** Public parameters: one with everything in JSON, or two plain strings. */
export type Source =
  | { readonly form: 'json'; readonly parameter: string }
  | { readonly form: 'plain'; readonly imageId: string; readonly imageVersion: string };

const ECS = '/aws/service/ecs/optimized-ami';

function al2023(variant: '' | '-gpu' | '-neuron', architecture: Architecture, path: string): Family {
  return {
    id: `al2023${variant}/${architecture}`,
    os: 'amazon-linux-2023',
    osName: 'Amazon Linux 2023',
    architecture,
    support: 'full',
    source: { form: 'json', parameter: `${ECS}/amazon-linux-2023${path}/recommended` },
    // Only the GPU images' names end in -ebs.
    images: new RegExp(
      `^al2023-ami-ecs${variant}-hvm-(?<version>2023\\.\\d{1,3}\\.\\d{8})-kernel-(?<kernel>\\d{1,3}\\.\\d{1,3})-${architecture}${variant === '-gpu' ? '-ebs' : ''}$`,
    ),
  };
}

function al2(kernel: '' | '-kernel-5.10', variant: '' | '-gpu' | '-inf', architecture: Architecture): Family {
  const path = [kernel.slice(1), architecture === 'arm64' ? 'arm64' : variant.slice(1)].filter((part) => part !== '');
  return {
    id: `al2${kernel}${variant}/${architecture}`,
    os: 'amazon-linux-2',
    osName: 'Amazon Linux 2',
    architecture,
    support: 'ended',
    endsOn: '2026-06-30',
    source: { form: 'json', parameter: [`${ECS}/amazon-linux-2`, ...path, 'recommended'].join('/') },
    images: new RegExp(
      `^amzn2-ami-ecs${kernel === '' ? '' : '-kernel-(?<kernel>5\\.10)'}${variant}-hvm-(?<version>2\\.0\\.\\d{8})-${architecture}-ebs$`,
    ),
  };
}

/** The image's version ends in the commit that it was built from, `1.42.0-5ed15786`; arm64 is `aarch64` in its name. */
function bottlerocket(variant: string, architecture: Architecture, endsOn?: string): Family {
  const path = `/aws/service/bottlerocket/aws-ecs-${variant}/${architecture}/latest`;
  return {
    id: `bottlerocket-${variant}/${architecture}`,
    os: 'bottlerocket',
    osName: 'Bottlerocket',
    architecture,
    ...(endsOn === undefined ? { support: 'full' } : { support: 'ended', endsOn }),
    source: { form: 'plain', imageId: `${path}/image_id`, imageVersion: `${path}/image_version` },
    images: new RegExp(
      `^bottlerocket-aws-ecs-${variant}-${inBottlerocketName(architecture)}-v(?<version>\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}(?:-[0-9a-f]{1,12})?)$`,
    ),
  };
}

const inBottlerocketName = (architecture: Architecture): string => (architecture === 'arm64' ? 'aarch64' : 'x86_64');

function windows(server: string, edition: 'Full' | 'Core', endsOn?: string): Family {
  const name = `Windows_Server-${server}-English-${edition}-ECS_Optimized`;
  return {
    id: `windows-${server}-${edition.toLowerCase()}/x86_64`,
    os: 'windows',
    osName: `Windows Server ${server} ${edition}`,
    architecture: 'x86_64',
    support: 'windows',
    ...(endsOn === undefined ? {} : { endsOn }),
    source: { form: 'json', parameter: `/aws/service/ami-windows-latest/${name}` },
    images: new RegExp(`^${name}-(?<version>\\d{4}\\.\\d{2}\\.\\d{2})$`),
  };
}

/** The first Amazon Linux: what the documented message, when it was still sent, spoke of. */
const AL1: Family = {
  id: 'al1/x86_64',
  os: 'amazon-linux',
  osName: 'Amazon Linux',
  architecture: 'x86_64',
  support: 'ended',
  endsOn: '2023-12-31',
  source: { form: 'json', parameter: `${ECS}/amazon-linux/recommended` },
  images: /^amzn-ami-(?<version>20\d{2}\.\d{2}\.(?:[a-z]|\d{8}))-amazon-ecs-optimized$/,
};

const BOTTLEROCKET_ENDED = ['1', '1-nvidia'];
const BOTTLEROCKET = ['2', '3', '4'].flatMap((major) =>
  ['', '-fips', '-nvidia', '-nvidia-fips'].map((variant) => `${major}${variant}`),
);
const BOTH: readonly Architecture[] = ['x86_64', 'arm64'];

export const FAMILIES: readonly Family[] = [
  al2023('', 'x86_64', ''),
  al2023('', 'arm64', '/arm64'),
  al2023('-gpu', 'x86_64', '/gpu'),
  al2023('-neuron', 'x86_64', '/neuron'),
  ...BOTTLEROCKET.flatMap((variant) => BOTH.map((architecture) => bottlerocket(variant, architecture))),
  ...BOTTLEROCKET_ENDED.flatMap((variant) =>
    BOTH.map((architecture) => bottlerocket(variant, architecture, '2025-07-24')),
  ),
  ...(['', '-kernel-5.10'] as const).flatMap((kernel) => [
    al2(kernel, '', 'x86_64'),
    al2(kernel, '', 'arm64'),
    al2(kernel, '-gpu', 'x86_64'),
    al2(kernel, '-inf', 'x86_64'),
  ]),
  AL1,
  windows('2025', 'Full'),
  windows('2025', 'Core'),
  windows('2022', 'Full'),
  windows('2022', 'Core'),
  windows('2019', 'Full'),
  windows('2019', 'Core'),
  // Microsoft's own date; AWS has announced none.
  windows('2016', 'Full', '2027-01-12'),
];

/** What families are called together, in settings. */
export const GROUPS: Readonly<Record<string, (family: Family) => boolean>> = {
  supported: ({ support }) => support === 'full',
  al2023: ({ os }) => os === 'amazon-linux-2023',
  bottlerocket: ({ os, support }) => os === 'bottlerocket' && support === 'full',
  'bottlerocket-1': ({ os, support }) => os === 'bottlerocket' && support === 'ended',
  al2: ({ os }) => os === 'amazon-linux-2',
  al1: ({ os }) => os === 'amazon-linux',
  windows: ({ os }) => os === 'windows',
};

/** The families of the groups, each once, in the table's order. */
export function familiesOf(groups: readonly string[]): readonly Family[] {
  return FAMILIES.filter((family) => groups.some((group) => GROUPS[group]?.(family)));
}

export function familyById(id: string): Family | undefined {
  return FAMILIES.find((family) => family.id === id);
}

/** The names of its public parameters. */
export function parametersOf({ source }: Family): readonly string[] {
  return source.form === 'json' ? [source.parameter] : [source.imageId, source.imageVersion];
}

export interface NamedImage {
  readonly family: Family;
  readonly version: string;
  readonly kernel?: string;
}

/** What an image is, by its name alone; undefined for a custom image, or one of AWS's that ECS is not built into. */
export function familyOfImage(name: string): NamedImage | undefined {
  for (const family of FAMILIES) {
    const { version, kernel } = family.images.exec(name)?.groups ?? {};
    if (version !== undefined) return { family, version, ...(kernel === undefined ? {} : { kernel }) };
  }
  return undefined;
}

export interface Recommended {
  readonly imageId: string;
  readonly name: string;
  readonly version: string;
  readonly agentVersion?: string;
  readonly runtimeVersion?: string;
}

/** `absent`: this region has no such parameter. `mistake`: it has, and what is in it cannot be right. */
export type Recommendation =
  | { readonly kind: 'recommended'; readonly image: Recommended }
  | { readonly kind: 'absent' }
  | { readonly kind: 'mistake'; readonly because: string };

const imageId = z.string().check(z.regex(/^ami-[0-9a-f]{8,17}$/, 'not the id of an image'));

const Json = z.object({
  image_id: imageId,
  image_name: z.string(),
  ecs_agent_version: z.optional(z.string()),
  ecs_runtime_version: z.optional(z.string()),
});

/** Which image AWS recommends for the family, from those of its parameters that exist. */
export function recommendedOf(family: Family, parameters: readonly ParameterSeen[]): Recommendation {
  const values = parametersOf(family).map((name) => parameters.find((parameter) => parameter.name === name)?.value);
  if (values.every((value) => value === undefined)) return { kind: 'absent' };
  const [first = '', second = ''] = values;
  const read = family.source.form === 'json' ? fromJson(first) : fromPlain(family, first, second);
  if (typeof read === 'string') return { kind: 'mistake', because: read };

  // The name tells the release also where an older value has no image_version, and tells a stranger under our parameter.
  const named = familyOfImage(read.name);
  if (named?.family !== family) {
    return { kind: 'mistake', because: `${JSON.stringify(read.name.slice(0, 100))} is not an image of ${family.id}` };
  }
  return { kind: 'recommended', image: { ...read, version: named.version } };
}

type Read = Omit<Recommended, 'version'>;

function fromJson(value: string): Read | string {
  const parsed = Json.safeParse(parseJson(value));
  if (!parsed.success)
    return `the value is not what AWS documents: ${parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ')}`;
  const { image_id, image_name, ecs_agent_version, ecs_runtime_version } = parsed.data;
  return {
    imageId: image_id,
    name: image_name,
    ...(ecs_agent_version === undefined ? {} : { agentVersion: ecs_agent_version }),
    ...(ecs_runtime_version === undefined ? {} : { runtimeVersion: ecs_runtime_version }),
  };
}

function fromPlain({ id, architecture }: Family, image: string, version: string): Read | string {
  if (!imageId.safeParse(image).success)
    return `image_id is not the id of an image: ${JSON.stringify(image.slice(0, 40))}`;
  const variant = id.slice('bottlerocket-'.length, id.indexOf('/'));
  return { imageId: image, name: `bottlerocket-aws-ecs-${variant}-${inBottlerocketName(architecture)}-v${version}` };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Whether version `a` of a family was released after `b`. By numbers, for `1.9.0` is older than `1.10.0`. The commit at
 * the end of Bottlerocket's versions has no order: two builds of one version are neither older nor newer.
 */
export function newer(a: string, b: string): boolean {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

/** Amazon Linux 1 counted its releases by letters before it counted by dates. */
function numbersOf(version: string): number[] {
  const [dotted = ''] = version.split('-');
  return dotted.split('.').map((part) => (/^[a-z]$/.test(part) ? part.charCodeAt(0) - 96 : Number(part)));
}
