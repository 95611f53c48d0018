import type { Family, Recommended } from './family.ts';
import { familyById, familyOfImage, parametersOf, recommendedOf } from './family.ts';
import type { Target } from './fleet.ts';
import type { ImageSeen, ImagesPort, ParameterSeen, ParametersPort } from './ports.ts';
import { read } from './reading.ts';

/**
 * The image that a source names now: from the parameter store, and as EC2 knows it. A message never gets this far.
 * @returns why not, where it names none that may be rolled out.
 */
export async function readTarget(
  source: string,
  ports: { readonly parameters: ParametersPort; readonly images: ImagesPort },
): Promise<Target | { readonly because: string }> {
  const named = await namedBy(source, ports.parameters);
  if ('because' in named) return named;
  const { family, imageId, changedAtMs, agentVersion, runtimeVersion } = named;
  const [image] = read(await ports.images.describeImages([imageId]));
  const wrong = whyNot(image, family?.id);
  if (image === undefined || wrong !== undefined) return { because: `${imageId}: ${wrong}` };
  const known = familyOfImage(image.name);
  return {
    source,
    family: image.byAmazon ? known?.family.id : undefined,
    version: known?.version ?? imageId,
    imageId,
    architecture: image.architecture,
    releasedAtMs: changedAtMs,
    ...(image.byAmazon && known?.kernel ? { kernel: known.kernel } : {}),
    ...(agentVersion ? { agentVersion } : {}),
    ...(runtimeVersion ? { runtimeVersion } : {}),
  };
}

/** What the parameter store says now, in one call, and nothing about whether EC2 has such an image. */
export async function namedBy(
  source: string,
  port: ParametersPort,
): Promise<(Named & { readonly family?: Family; readonly changedAtMs: number }) | { readonly because: string }> {
  const family = source.startsWith('/') ? undefined : familyById(source);
  if (family === undefined && !source.startsWith('/')) return { because: `there is no family ${source}` };
  const names = family ? parametersOf(family) : [source];
  const parameters = read(await port.readParameters(names));
  const named = family ? recommendedOf(family, parameters) : followed(parameters[0]);
  if (named.kind === 'absent') return { because: `there is no parameter ${names[0]} in this region` };
  if (named.kind === 'mistake') return { because: named.because };
  const changedAtMs = Math.max(...parameters.map((parameter) => parameter.changedAtMs));
  return { ...named.image, ...(family && { family }), changedAtMs };
}

type Named = Pick<Recommended, 'imageId' | 'agentVersion' | 'runtimeVersion'>;

function whyNot(image: ImageSeen | undefined, family: string | undefined): string | undefined {
  if (image === undefined) return 'there is no such image in this region';
  if (!image.available) return 'the image is not available';
  if (family === undefined) return undefined;
  if (!image.byAmazon) return 'the image does not belong to Amazon';
  return familyOfImage(image.name)?.family.id === family ? undefined : `its name, ${image.name}, is not of ${family}`;
}

/** A user's parameter holds an image's id, plain or as `image_id` of a document like AWS's. */
function followed(
  parameter: ParameterSeen | undefined,
): { kind: 'recommended'; image: Named } | { kind: 'absent' } | { kind: 'mistake'; because: string } {
  if (parameter === undefined) return { kind: 'absent' };
  const imageId = /^(?:\{.*"image_id"\s*:\s*")?(ami-[0-9a-f]{8,17})(?:".*\})?$/s.exec(parameter.value.trim())?.[1];
  if (imageId === undefined) return { kind: 'mistake', because: `${parameter.name} holds no image's id` };
  return { kind: 'recommended', image: { imageId } };
}
